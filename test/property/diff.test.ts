/** The difference of two worlds is what comparing all their rows would tell. */
import * as fc from 'fast-check';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { hex, sameBytes } from '../../src/base/bytes.ts';
import { canonicalJson } from '../../src/base/canonical.ts';
import { loadHash } from '../../src/base/hash.ts';
import type { FixedLane } from '../../src/columns/fixed-lane.ts';
import { Lane } from '../../src/columns/lane.ts';
import type { TableStore } from '../../src/columns/table-store.ts';
import { defineSchema, event, memoryStore, t, table } from '../../src/index.ts';
import { differenceJson, diffWorlds } from '../../src/projections/world-diff.ts';
import { stateOf, WorldState } from '../../src/projections/world-state.ts';
import { differenceText } from '../../src/replay/diff-text.ts';
import { type AnySchema, anySchema } from '../../src/testing/arbitraries.ts';
import { anyWorld } from '../../src/testing/arbitraries-world.ts';
import { seededChoices } from '../../src/testing/simulated-scheduler.ts';
import { begin, runOut } from './support/drive.ts';
import { holds } from './support/holds.ts';
import {
  comparedPlainly,
  copyOf,
  edit,
  editAtRandom,
  filledWorld,
  plainOf,
  swapped,
  worldsComparedPlainly,
} from './support/worlds.ts';

beforeAll(loadHash);
afterEach(() => vi.restoreAllMocks());

const ALL = { limit: 1e9 };

interface PairPlan {
  readonly schema: AnySchema;
  readonly seed: number;
  readonly rows: number;
  /** How often each of the two is edited. */
  readonly edits: readonly [number, number];
}

const anyPair = (): fc.Arbitrary<PairPlan> =>
  fc.record({
    schema: anySchema(),
    seed: fc.nat(),
    rows: fc.constantFrom(0, 1, 7, 300, 1100),
    edits: fc.tuple(fc.constantFrom(0, 0, 1, 6), fc.constantFrom(0, 1, 3, 40)),
  });

/** Two worlds that were one, and were edited since. */
function pairOf({ schema, seed, rows, edits }: PairPlan): [WorldState, WorldState] {
  const dice = seededChoices(seed);
  const a = filledWorld(schema, dice, rows);
  const b = copyOf(a);
  editAtRandom(a, dice, edits[0]);
  editAtRandom(b, dice, edits[1]);
  return [a, b];
}

test('a difference is empty iff the state hashes are equal, and else what comparing all rows tells', async () => {
  await holds(anyPair(), 120, (plan) => {
    const [a, b] = pairOf(plan);
    const difference = diffWorlds(a, b, ALL);
    expect(plainOf(difference)).toEqual(worldsComparedPlainly(a, b));
    const same = hex(a.digest()) === hex(b.digest());
    expect(difference).toMatchObject({ same, schema: null, tablesOnlyInA: [], tablesOnlyInB: [] });
    expect(difference.tables.length === 0).toBe(same);
    expect(difference.tables.some(({ truncated }) => truncated)).toBe(false);
  });
});

test('seen from the other side a difference is the same with the sides exchanged', async () => {
  await holds(anyPair(), 60, (plan) => {
    const [a, b] = pairOf(plan);
    expect(plainOf(diffWorlds(b, a, ALL))).toEqual(plainOf(swapped(diffWorlds(a, b, ALL))));
  });
});

test('whatever the limit: counts are exact, as many rows are listed as it allows, each sort has its share', async () => {
  await holds(fc.tuple(anyPair(), fc.nat(12)), 80, ([plan, limit]) => {
    const [a, b] = pairOf(plan);
    const whole = diffWorlds(a, b, ALL);
    const difference = diffWorlds(a, b, { limit });
    const [short, full] = [plainOf(difference), plainOf(whole)];
    const bare = (tables: typeof full) => tables.map((one) => ({ ...one, rows: [] }));
    expect(bare(short)).toEqual(bare(full));
    short.forEach(({ rows }, i) => {
      const all = full[i]!.rows;
      expect(rows.length).toBe(Math.min(limit, all.length));
      expect(difference.tables[i]!.truncated).toBe(rows.length < all.length);
      expect(rows.filter((row) => !all.includes(row))).toEqual([]);
      const sorts = new Set(whole.tables[i]!.rows.map(({ change }) => change));
      if (limit >= 4) expect(new Set(difference.tables[i]!.rows.map(({ change }) => change))).toEqual(sorts);
    });
  });
});

/** Whether a row lies in a leaf of some lane that the other side does not have, or has otherwise. */
const inDifferingLeaf = (a: TableStore, b: TableStore, row: number): boolean =>
  a.set.lanes.some((lane, i) => {
    const leaf = row >> lane.shift;
    const other = b.set.lanes[i]!;
    return leaf >= other.leaves(b.size) || !sameBytes(lane.leafHash(leaf), other.leafHash(leaf));
  });

test('every row that changed or moved lies in a leaf that differs, on both sides', async () => {
  await holds(anyPair(), 60, (plan) => {
    const [a, b] = pairOf(plan);
    a.digest();
    b.digest();
    for (const [name, mine] of a.tables) {
      const other = b.tables.get(name)!;
      for (const row of comparedPlainly(mine, other).shared) {
        if (!row.changed && row.a === row.b) continue;
        expect(inDifferingLeaf(mine, other, row.a)).toBe(true);
        expect(inDifferingLeaf(other, mine, row.b)).toBe(true);
      }
    }
  });
});

test('a difference is JSON, and text without anything that a terminal would obey', async () => {
  await holds(anyPair(), 60, (plan) => {
    const [a, b] = pairOf(plan);
    const difference = diffWorlds(a, b);
    const json = canonicalJson(differenceJson(difference));
    expect(canonicalJson(JSON.parse(json))).toBe(json);
    const text = differenceText(difference);
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    for (const { table: name } of difference.tables) expect(text).toContain(`\n${name}  `);
  });
});

test('two moments of a run differ by what comparing all their rows tells', async () => {
  await holds(anyWorld({ maxTicks: 4 }), 30, async (plan) => {
    const run = await begin(plan, memoryStore());
    await runOut(plan, run);
    const moments = [];
    for (let tick = 0; tick <= plan.ticks; tick++) moments.push(stateOf(await run.at(tick))!);
    for (const a of moments) {
      const difference = diffWorlds(a, moments[0]!, ALL);
      expect(plainOf(difference)).toEqual(worldsComparedPlainly(a, moments[0]!));
      expect(difference.tables.length === 0).toBe(difference.same);
    }
    await run.close();
  });
});

const crowd = defineSchema({
  name: 'crowd',
  version: 1,
  tables: {
    people: table({
      id: t.id(),
      x: t.f64(),
      health: t.enum('well', 'ill'),
      name: t.text(),
      nick: t.u32().optional(),
      home: t.struct({ cell: t.u32(), since: t.i32() }).optional(),
    }),
    cells: table({ id: t.id(), heat: t.f32() }),
  },
  events: { e: event({}) },
});
const CROWD = 100_000;

/** A large world: 100,000 people. */
function crowdWorld(): WorldState {
  const state = new WorldState(crowd.compiled);
  const numbers = Float64Array.from({ length: CROWD }, (_, i) => i);
  edit(state, (world: { readonly [table: string]: { insertMany(columns: object): void } }) => {
    world.people!.insertMany({
      x: numbers,
      health: new Uint8Array(CROWD),
      name: Array.from(numbers, (i) => `name ${i % 1000}`),
      nick: Array.from(numbers, (i) => (i % 2 === 0 ? null : 0)),
      home: Array.from(numbers, (i) => (i % 3 === 0 ? null : { cell: i % 500, since: -i })),
    });
    world.cells!.insertMany({ heat: new Float32Array(500) });
  });
  return state;
}

type Crowd = {
  readonly people: {
    update(key: number, patch: object): void;
    insert(row: object): void;
    delete(key: number): void;
  };
};

/** Overwrites what a lane holds outside of some rows, behind the back of marks and hashes. */
function spoil(lane: FixedLane, size: number, from: number, to: number): void {
  for (let row = 0; row < size; row++) if (row < from || row >= to) lane.data[row] = 77 as never;
}

test('one row of 100,000: the leaves of one lane are compared, once each, and the rows of one leaf are read', () => {
  const a = crowdWorld();
  const b = copyOf(a);
  edit<Crowd>(b, ({ people }) => people.update(70_001, { x: -0.5 }));
  expect([hex(a.digest()), hex(b.digest())]).toHaveLength(2);
  const store = b.tables.get('people')!;
  const lane = store.set.byName.get('x')!.lane as FixedLane;
  const leaf = 70_000 >> lane.shift;
  spoil(lane, CROWD, leaf << lane.shift, (leaf + 1) << lane.shift);
  spoil(store.set.byName.get('health')!.lane as FixedLane, CROWD, 0, 0);
  const compared = vi.spyOn(Lane.prototype, 'sameLeaf');
  const difference = diffWorlds(a, b);
  expect(compared.mock.contexts.map((context) => (context as Lane).path)).toEqual(
    new Array(Math.ceil(CROWD / 512)).fill('x'),
  );
  expect(compared.mock.calls.map(([, at]) => at)).toEqual(Array.from(compared.mock.calls, (_, i) => i));
  expect(difference.tables).toMatchObject([
    {
      table: 'people',
      size: { a: CROWD, b: CROWD },
      nextId: null,
      key: ['id'],
      columns: [{ column: 'x', rows: 1, redeclared: false }],
      counts: { changed: 1, onlyInA: 0, onlyInB: 0, moved: 0 },
      rows: [
        {
          change: 'changed',
          key: 70_001,
          row: { a: 70_000, b: 70_000 },
          values: [{ column: 'x', a: 70_000, b: -0.5 }],
        },
      ],
    },
  ]);
});

test('a row more, and one that fills a gap: each pair of hashes is compared at most once', () => {
  const a = crowdWorld();
  const b = copyOf(a);
  edit<Crowd>(b, ({ people }) => {
    people.delete(10);
    people.insert({ x: 1, health: 'ill', name: 'new', home: { cell: 3, since: 1 } });
    people.insert({ x: 2, health: 'ill', name: 'newer', home: null });
  });
  const compared = vi.spyOn(Lane.prototype, 'sameLeaf');
  const difference = diffWorlds(a, b);
  const leaves = compared.mock.contexts.map(
    (lane, i) => `${(lane as Lane).path} ${compared.mock.calls[i]![1]}`,
  );
  expect(new Set(leaves).size).toBe(leaves.length);
  expect(difference.tables).toMatchObject([
    {
      table: 'people',
      size: { a: CROWD, b: CROWD + 1 },
      nextId: { a: CROWD + 1, b: CROWD + 3 },
      columns: [],
      counts: { changed: 0, onlyInA: 1, onlyInB: 2, moved: 1 },
      rows: [
        { change: 'only in a', key: 10, row: 9, values: { name: 'name 9', x: 9 } },
        { change: 'only in b', key: CROWD + 1, row: CROWD - 1, values: { health: 'ill', name: 'new' } },
        { change: 'only in b', key: CROWD + 2, row: CROWD, values: { home: null, name: 'newer' } },
        { change: 'moved', key: CROWD, row: { a: CROWD - 1, b: 9 } },
      ],
    },
  ]);
});

test('nothing becomes 0 in one leaf and 0 becomes 7 in another: both are found', () => {
  const a = crowdWorld();
  const b = copyOf(a);
  edit<Crowd>(b, ({ people }) => {
    people.update(1, { nick: 0 });
    people.update(20_000, { nick: 7 });
    people.update(90_001, { nick: 0 });
  });
  const [people] = diffWorlds(a, b).tables;
  expect(people!.columns).toEqual([{ column: 'nick', rows: 3, redeclared: false }]);
  expect(people!.rows).toMatchObject([
    { key: 1, values: [{ column: 'nick', a: null, b: 0 }] },
    { key: 20_000, values: [{ column: 'nick', a: 0, b: 7 }] },
    { key: 90_001, values: [{ column: 'nick', a: null, b: 0 }] },
  ]);
});

test('exactly the values that were written are found', async () => {
  const cells = fc.uniqueArray(
    fc.record({ row: fc.nat(CROWD - 1), column: fc.constantFrom('x', 'health', 'name', 'home') }),
    { maxLength: 12, selector: ({ row, column }) => `${row} ${column}` },
  );
  const before = crowdWorld();
  await holds(cells, 20, (written) => {
    const after = copyOf(before);
    const values = { x: -1, health: 'ill', name: 'other', home: { cell: 900, since: 900 } };
    edit<Crowd>(after, ({ people }) => {
      for (const { row, column } of written) people.update(row + 1, { [column]: values[column] });
    });
    const [people] = diffWorlds(before, after).tables;
    const found = (people?.rows ?? []).flatMap(({ key, ...rest }) =>
      'values' in rest && Array.isArray(rest.values)
        ? rest.values.map(({ column }: { readonly column: string }) => `${key} ${column}`)
        : ['no change'],
    );
    const expected = written.flatMap(({ row, column }) =>
      column !== 'home' || row % 3 === 0
        ? [`${row + 1} ${column}`]
        : [`${row + 1} home.cell`, `${row + 1} home.since`],
    );
    expect(found.sort()).toEqual(expected.sort());
  });
});
