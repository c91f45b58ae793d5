import { beforeAll, describe, expect, it } from 'vitest';
import { isWorldfoldError } from '../base/errors.ts';
import { loadHash } from '../base/hash.ts';
import { ColumnSet } from '../columns/column-set.ts';
import type { FixedLane } from '../columns/fixed-lane.ts';
import { TOUCHED } from '../columns/table-store.ts';
import type { Batch, Wave } from '../columns/waves.ts';
import { t } from '../schema/columns.ts';
import { type CompiledSchema, compileText, SOURCE_KIND, SOURCES } from '../schema/compile.ts';
import { defineSchema } from '../schema/define.ts';
import type { Migrations } from '../schema/migration.ts';
import { type MigrationPlan, planMigration } from '../schema/migration-plan.ts';
import { event, fact, singleton, table } from '../schema/tables.ts';
import { migrateConfig, migrateTables, upcastTick } from './migrate.ts';
import { WorldState } from './world-state.ts';

beforeAll(loadHash);

const compiled = (version: number, parts: object): CompiledSchema =>
  (
    defineSchema({ name: 'town', version, tables: {}, ...parts } as never) as {
      readonly compiled: CompiledSchema;
    }
  ).compiled;

const planOf = (from: object, to: object, migrations: Migrations = { 2: {} }): MigrationPlan =>
  planMigration(compileText(compiled(1, from).text), compiled(2, to), migrations);

type Fill = (state: WorldState) => void;

/** The new world of a plan and what fills the old one. */
function migrate(plan: MigrationPlan, fill: Fill): WorldState {
  const [from, to] = [new WorldState(plan.from), new WorldState(plan.to)];
  fill(from);
  migrateTables(plan, from.tables, to.tables);
  return to;
}

const rowsOf = (state: WorldState, name: string): object[] => {
  const { set } = state.tables.get(name)!;
  return Array.from({ length: set.size }, (_, row) => set.rowAt(row));
};

/** The error of a refusal. */
function refusal(act: () => unknown): object {
  try {
    act();
  } catch (e) {
    if (isWorldfoldError(e)) return { code: e.code, message: e.message, facts: e.facts };
    throw e;
  }
  return { accepted: true };
}

const one = (column: object): object => ({ tables: { a: table({ id: t.id(), x: column as never }) } });

describe('migrated tables', () => {
  it('L13: keep order, ids, the next id and their room; new ones begin as in a new world', () => {
    const plan = planOf(
      { tables: { a: table({ id: t.id(), x: t.u8() }, { index: ['x'] }) } },
      {
        tables: {
          a: table({ id: t.id(), x: t.u8(), y: t.text().default('new') }, { index: ['x', 'y'] }),
          b: table({ id: t.id() }),
          c: singleton({ n: t.u8().default(7), list: t.list(t.u8()) }),
        },
      },
    );
    const made = migrate(plan, ({ tables }) => {
      const a = tables.get('a')!;
      for (let i = 0; i < 40; i++) a.insert({ x: i });
      a.remove(0);
      a.remove(38);
      a.remove(a.find(38));
      tables.get(SOURCES)!.insert({ source: 'phone', seq: 9 });
    });
    const a = made.tables.get('a')!;
    expect(rowsOf(made, 'a').slice(0, 3)).toEqual([
      { id: 40, x: 39, y: 'new' },
      { id: 2, x: 1, y: 'new' },
      { id: 3, x: 2, y: 'new' },
    ]);
    expect([a.size, a.nextId, a.set.capacity]).toEqual([37, 41, 64]);
    expect(a.find(40)).toBe(0);
    expect([...a.rowsBy('x', 5)]).toEqual([5]);
    expect(a.rowsBy('y', 'new')).toHaveLength(37);
    expect(rowsOf(made, SOURCES)).toEqual([{ seq: 9, source: 'phone' }]);
    expect(made.tables.get(SOURCES)!.find('phone')).toBe(0);
    expect(made.tables.get('b')).toMatchObject({ size: 0, nextId: 1 });
    expect(rowsOf(made, 'c')).toEqual([{ n: 7, list: [] }]);
  });

  it('L13: hash as tables do that were filled by inserts', () => {
    const to = {
      a: t.u8(),
      b: t.u16().optional(),
      c: t.f64({ nan: true }),
      d: t.enum('x', 'y', 'z'),
      e: t.struct({ p: t.vec(2, 'f64'), q: t.list(t.int()) }).optional(),
      f: t.list(t.f64()),
      g: t.bytes(),
      h: t.bool(),
      i: t.u64(),
      j: t.text(),
    };
    const from = {
      a: t.u8(),
      b: t.u8(),
      c: t.f32({ nan: true }),
      d: t.enum('x', 'y'),
      e: t.struct({ p: t.vec(2, 'i32'), q: t.list(t.u8()) }).optional(),
      f: t.list(t.u8()),
    };
    const plan = planOf(
      { tables: { a: table({ id: t.id(), ...from }) } },
      { tables: { a: table({ id: t.id(), ...to }) } },
    );
    const rows = [
      { a: 1, b: 2, c: Number.NaN, d: 'y', e: { p: [-1, 2], q: [1, 2] }, f: [] },
      { a: 3, b: 4, c: 0.5, d: 'x', e: null, f: [7, 8] },
      { a: 5, b: 6, c: -0, d: 'y', e: { p: [0, 0], q: [] }, f: [1] },
    ];
    const made = migrate(plan, ({ tables }) => {
      for (const row of rows) tables.get('a')!.insert(row);
      const { data, marks } = tables.get('a')!.set.byName.get('c')!.lane as FixedLane;
      // NaN of other bits, as a span may leave it.
      new Uint32Array(data.buffer)[0] = 0xffc00001;
      marks[0] = 1;
    });
    const fresh = new WorldState(plan.to);
    const zeros = { g: new Uint8Array(0), h: false, i: 0n, j: '' };
    for (const row of rows) fresh.tables.get('a')!.insert({ ...row, ...zeros });
    expect(rowsOf(made, 'a')).toEqual(rowsOf(fresh, 'a'));
    expect(made.digest()).toEqual(fresh.digest());
  });

  it('L3 L13: a new singleton that was never set is one that was set to what it reads', () => {
    const columns = {
      list: t.list(t.u8()),
      lists: t.list(t.list(t.text())),
      struct: t.struct({ n: t.f64(), names: t.enum('a', 'b') }),
      vec: t.vec(3, 'f32'),
      text: t.text(),
      bytes: t.bytes(),
      big: t.u64(),
      maybe: t.list(t.u8()).optional(),
    };
    const to = { tables: { a: table({ id: t.id() }), s: singleton(columns) } };
    const made = migrate(planOf({ tables: { a: table({ id: t.id() }) } }, to), () => {});
    const never = made.digest().slice();
    const { set } = made.tables.get('s')!;
    const { list, maybe } = set.rowAt(0) as { readonly list: unknown; readonly maybe: unknown };
    expect([list, maybe]).toEqual([[], null]);
    for (const column of set.columns) column.store(0, column.read(0));
    made.tables.get('s')!.touched = TOUCHED;
    expect(made.digest()).toEqual(never);
  });

  it('L13: give functions the old value and the row of the version before', () => {
    const seen: unknown[] = [];
    const plan = planMigration(
      compileText(
        compiled(1, { tables: { a: table({ id: t.id(), x: t.u8(), old: t.enum('u', 'v') }) } }).text,
      ),
      compiled(3, { tables: { b: table({ id: t.id(), y: t.text(), z: t.u8(), w: t.u8() }) } }),
      {
        2: { tables: { a: { add: { z: (row) => row.x + 1 }, change: { x: (old) => old * 10 } } } },
        3: {
          tables: {
            b: {
              from: 'a',
              rename: { y: 'x' },
              drop: ['old'],
              change: {
                y: (old, row) => {
                  seen.push(old, row);
                  return `${old}`;
                },
              },
              add: { w: (row) => (row.old === 'v' ? 1 : 0) },
            },
          },
        },
      },
    );
    const made = migrate(plan, ({ tables }) => void tables.get('a')!.insert({ x: 2, old: 'v' }));
    expect(seen).toEqual([20, { id: 1, x: 20, old: 'v', z: 3 }]);
    expect(rowsOf(made, 'b')).toEqual([{ id: 1, w: 1, y: '20', z: 3 }]);
  });

  it('L13: give ids to a table that had a key of its own, and go on after the highest', () => {
    const plan = planOf(
      { tables: { a: table({ name: t.text().key() }) } },
      { tables: { a: table({ id: t.id(), name: t.text() }) } },
      { 2: { tables: { a: { add: { id: (row) => Number(row.name) } } } } },
    );
    for (const ids of [[5, 9, 2], [1], []]) {
      const made = migrate(plan, ({ tables }) => {
        for (const id of ids) tables.get('a')!.insert({ name: String(id) });
      });
      expect(rowsOf(made, 'a').map((row) => (row as { id: number }).id)).toEqual(ids);
      expect(made.tables.get('a')!.nextId).toBe(Math.max(0, ...ids) + 1);
    }
  });

  it('L13: name two rows that come to one key', () => {
    const plan = planOf(
      { tables: { a: table({ x: t.u8(), y: t.u8() }, { key: ['x', 'y'] }) } },
      { tables: { a: table({ x: t.u8(), y: t.u8() }, { key: ['x'] }) } },
    );
    const fill =
      (...rows: object[]): Fill =>
      ({ tables }) => {
        for (const row of rows) tables.get('a')!.insert(row);
      };
    expect(rowsOf(migrate(plan, fill({ x: 1, y: 1 }, { x: 2, y: 1 })), 'a')).toHaveLength(2);
    expect(refusal(() => migrate(plan, fill({ x: 1, y: 1 }, { x: 1, y: 2 })))).toMatchObject({
      code: 'DUPLICATE_KEY',
      message: "the migration of 'a' to version 2 gives two rows one key: 'a' has a row with key 1 already",
      facts: { table: 'a', key: 1, version: 2 },
    });
  });

  it('L13: name the value that does not fit, and the function that throws', () => {
    const change = (x: () => unknown) =>
      planOf(one(t.u8()), one(t.f32()), { 2: { tables: { a: { change: { x } } } } });
    const fill: Fill = ({ tables }) => void tables.get('a')!.insertMany({ x: [1, 2] });
    for (const [value, why] of [
      ['a', "'a' is no number"],
      [undefined, 'it is missing'],
      [Promise.resolve(1), '{} is no number'],
      [null, 'null is refused (the column is not optional)'],
    ] as const)
      expect(
        refusal(() =>
          migrate(
            change(() => value),
            fill,
          ),
        ),
      ).toMatchObject({
        code: 'BAD_VALUE',
        message: `a.x after the migration to version 2: ${why}`,
        facts: { table: 'a', column: 'x', row: 0, version: 2 },
      });
    let calls = 0;
    const failing = change(() => {
      if (++calls === 2) throw new RangeError('no');
      return 0;
    });
    expect(refusal(() => migrate(failing, fill))).toMatchObject({
      code: 'MIGRATION_FAILED',
      message: "the migration of 'a' to version 2 threw",
      facts: { table: 'a', column: 'x', row: 1, version: 2 },
    });
  });
});

/** A tick of one wave: the kinds in order, each with its rows. */
function tickOf(schema: CompiledSchema, pieces: readonly (readonly [string, readonly object[]])[]) {
  const sets = new Map<number, ColumnSet>();
  const runs = pieces.map(([name, rows]) => {
    const kind = schema.kindOf.get(name)!;
    const set = sets.get(kind.number) ?? new ColumnSet(kind, false);
    sets.set(kind.number, set);
    for (const row of rows) set.append(row);
    return { kind: kind.number, size: rows.length, times: 1 };
  });
  const batches: Batch[] = [...sets].map(([kind, set]) => ({ kind, set }));
  return {
    waves: [{ origin: 'any', atOnce: false, runs }],
    batches: batches.sort((a, b) => a.kind - b.kind),
  };
}

const named = (
  { kinds }: CompiledSchema,
  { waves, batches }: { readonly waves: readonly Wave[]; readonly batches: readonly Batch[] },
): object => ({
  runs: waves.map(({ runs }) => runs.map(({ kind, size }) => `${kinds[kind]!.name} ${size}`)),
  batches: batches.map(({ kind, set }) => [
    kinds[kind]!.name,
    Array.from({ length: set.size }, (_, row) => set.rowAt(row)),
  ]),
});

describe('an upcast tick', () => {
  const from = {
    tables: { people: table({ id: t.id(), x: t.u8() }) },
    events: { hit: event({ x: t.u8() }), gone: fact({}), same: event({ x: t.text() }) },
    inputs: { told: event({ who: t.ref('people') }) },
  };
  const to = {
    tables: { folk: table({ id: t.id(), x: t.u32(), y: t.u8() }) },
    events: { zhit: event({ x: t.text() }), asame: event({ x: t.text() }) },
    inputs: { told: event({ who: t.ref('folk'), why: t.text().optional() }) },
  };
  const calls: object[] = [];
  const migrations: Migrations = {
    2: {
      tables: { folk: { from: 'people' } },
      events: {
        asame: { from: 'same' },
        zhit: {
          from: 'hit',
          upcast: (batch) => {
            calls.push(batch);
            return { x: batch.columns.x.map((x: number) => `x${x}`) };
          },
        },
      },
      dropEvents: ['gone'],
    },
  };

  it('L13: has its kinds renumbered, turned, sorted and dropped', () => {
    const plan = planOf(from, to, migrations);
    const tick = tickOf(plan.from, [
      ['+people', [{ id: 3, x: 4 }]],
      ['hit', [{ x: 1 }, { x: 2 }]],
      ['gone', [{}]],
      ['hit', [{ x: 3 }]],
      ['same', [{ x: 'é' }]],
      ['told', [{ who: 3 }]],
      [SOURCE_KIND, [{ source: 'a', seq: 1 }]],
    ]);
    const made = upcastTick(plan, tick.waves, tick.batches);
    expect(named(plan.to, made)).toEqual({
      runs: [['+folk 1', 'zhit 2', 'zhit 1', 'asame 1', 'told 1', '$source 1']],
      batches: [
        ['$source', [{ seq: 1, source: 'a' }]],
        ['+folk', [{ id: 3, x: 4, y: 0 }]],
        ['asame', [{ x: 'é' }]],
        ['told', [{ who: 3, why: null }]],
        ['zhit', [{ x: 'x1' }, { x: 'x2' }, { x: 'x3' }]],
      ],
    });
    expect(calls).toEqual([{ size: 3, columns: { x: [1, 2, 3] } }]);
    expect(made.batches[2]!.set).toBe(
      tick.batches.find(({ kind }) => plan.kinds[kind]?.to.name === 'asame')!.set,
    );
  });

  it('L13: loses a wave with its last event, and is left alone by one and the same schema', () => {
    const plan = planOf(from, to, migrations);
    const tick = tickOf(plan.from, [['gone', [{}, {}]]]);
    expect(upcastTick(plan, tick.waves, tick.batches)).toEqual({ waves: [], batches: [] });
    const none = planMigration(plan.from, plan.from, {});
    expect(none.unchanged).toBe(true);
    expect(upcastTick(none, tick.waves, tick.batches).waves).toBe(tick.waves);
  });

  it('L12: does not pass over a kind that the old schema does not have', () => {
    const plan = planOf(from, to, migrations);
    const waves = [{ origin: 'any', atOnce: false, runs: [{ kind: 99, size: 1, times: 1 }] }];
    expect(refusal(() => upcastTick(plan, waves, []))).toMatchObject({
      code: 'CORRUPT',
      facts: { kind: 99 },
    });
  });

  it.each<[string, unknown, string]>([
    ['too few values', { x: ['a'] }, "gave 1 values of 'x' for 2 events"],
    ['a column that is not there', { y: ['a', 'b'] }, "gave a column 'y', which 'hit' does not have"],
    ['no array', { x: 'ab' }, "gave 'ab' as 'x', no array"],
    ['no object', 5, 'gave 5, no object of columns'],
    ['an array', [1, 2], 'gave [1,2], no object of columns'],
    ['a promise', Promise.resolve({}), 'gave {}, no object of columns'],
  ])('L13: is refused when its upcaster gives %s', (_, given, why) => {
    const events = (x: object): object => ({ events: { hit: event({ x: x as never }) } });
    const plan = planOf(events(t.u8()), events(t.text()), {
      2: { events: { hit: { upcast: () => given as never } } },
    });
    const tick = tickOf(plan.from, [['hit', [{ x: 1 }, { x: 2 }]]]);
    expect(refusal(() => upcastTick(plan, tick.waves, tick.batches))).toMatchObject({
      code: 'BAD_VALUE',
      message: `the upcaster of 'hit' to version 2 ${why}`,
      facts: { kind: 'hit', version: 2 },
    });
  });

  it('L13: is refused when its upcaster leaves a column without a value', () => {
    const plan = planOf(
      { tables: { a: table({ id: t.id() }) }, events: { hit: event({}) } },
      { tables: { a: table({ id: t.id() }) }, events: { hit: event({ who: t.ref('a') }) } },
      { 2: { events: { hit: { upcast: () => ({}) } } } },
    );
    const tick = tickOf(plan.from, [['hit', [{}]]]);
    expect(refusal(() => upcastTick(plan, tick.waves, tick.batches))).toMatchObject({
      code: 'BAD_VALUE',
      message: 'hit.who after the migration to version 2: it is missing',
    });
  });
});

describe('a migrated config', () => {
  it('L13: has every column of the new schema, and says what does not fit', () => {
    const from = { config: { a: t.u8(), b: t.f32(), gone: t.text() } };
    const to = {
      config: {
        a: t.u32(),
        c: t.text(),
        d: t.list(t.u8()),
        e: t.u8().default(4),
        f: t.struct({ g: t.vec(2), h: t.enum('x', 'y') }),
        i: t.text().optional(),
      },
    };
    const step = (c: (old: number) => unknown): Migrations => ({
      2: { config: { rename: { c: 'b' }, drop: ['gone'], change: { c } } },
    });
    const config = Object.freeze({ a: 1, b: 0.5, gone: 'x' });
    expect(migrateConfig(planOf(from, to, step(String)), config)).toEqual({
      a: 1,
      c: '0.5',
      d: [],
      e: 4,
      f: { g: [0, 0], h: 'x' },
      i: null,
    });
    expect(refusal(() => migrateConfig(planOf(from, to, step(Number)), config))).toMatchObject({
      code: 'BAD_VALUE',
      message: 'config.c after the migration to version 2: 0.5 is no text',
    });
    const failing = step(() => {
      throw new RangeError('no');
    });
    expect(refusal(() => migrateConfig(planOf(from, to, failing), config))).toMatchObject({
      code: 'MIGRATION_FAILED',
      message: 'the migration of the config to version 2 threw',
    });
  });
});
