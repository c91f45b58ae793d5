import { beforeAll, describe, expect, test } from 'vitest';
import { copyOf, edit } from '../../test/property/support/worlds.ts';
import { caught } from '../../test/support/runs.ts';
import { canonicalJson } from '../base/canonical.ts';
import { loadHash } from '../base/hash.ts';
import { t } from '../schema/columns.ts';
import { SOURCES } from '../schema/compile.ts';
import { defineSchema, type Schema } from '../schema/define.ts';
import { event, singleton, table } from '../schema/tables.ts';
import { differenceJson, diffWorlds, type TableDifference } from './world-diff.ts';
import { WorldState } from './world-state.ts';

beforeAll(loadHash);

interface Rows {
  insert(row: object): unknown;
  update(key: unknown, patch: object): void;
  delete(key: unknown): void;
  set(patch: object): void;
  readonly write: { readonly [column: string]: { span(): Float64Array } };
}
type World = { readonly [table: string]: Rows };
const filled = ({ compiled }: Schema<never>, work: (world: World) => void): WorldState => {
  const state = new WorldState(compiled);
  edit(state, work);
  return state;
};
const edited = (state: WorldState, work: (world: World) => void): WorldState => {
  const copy = copyOf(state);
  edit(copy, work);
  return copy;
};

const schema = defineSchema({
  name: 'town',
  version: 1,
  tables: {
    people: table({
      id: t.id(),
      at: t.struct({ x: t.f64({ nan: true }), y: t.f64({ nan: true }) }),
      home: t.struct({ cell: t.u32(), tags: t.list(t.text()) }).optional(),
      money: t.i64().default(0n),
      seen: t.bytes().default(new Uint8Array(0)),
      speed: t.f64({ nan: true }).default(0),
    }),
    ties: table(
      { from: t.u32(), to: t.u32(), weight: t.vec(2, 'f32'), note: t.json() },
      { key: ['from', 'to'] },
    ),
    weather: singleton({ rain: t.f32().default(0), sky: t.enum('clear', 'grey') }),
  },
  events: { e: event({}) },
});
const base = (): WorldState =>
  filled(schema as never, ({ people, ties }) => {
    for (let i = 0; i < 5; i++) people!.insert({ at: { x: i, y: 0 }, home: { cell: i, tags: ['a'] } });
    ties!.insert({ from: 1, to: 2, weight: [0, 1], note: { since: 1 } });
    ties!.insert({ from: 2, to: 3, weight: [1, 1], note: 'x' });
  });
const only = (a: WorldState, b: WorldState, options?: { readonly limit: number }): TableDifference => {
  const { tables, same } = diffWorlds(a, b, options);
  expect(same).toBe(false);
  expect(tables).toHaveLength(1);
  return tables[0]!;
};

describe('diffWorlds', () => {
  test('a world and its copy are the same', () => {
    const difference = diffWorlds(base(), base());
    expect(difference).toMatchObject({ same: true, schema: null, tables: [] });
    expect(difference.stateHash.a).toBe(difference.stateHash.b);
    expect(difference.stateHash.a).toMatch(/^[0-9a-f]{32}$/);
  });

  test('fields are named by their paths, with both values; a struct that is gone is named itself', () => {
    const a = base();
    const b = edited(a, ({ people }) => {
      people!.update(2, { at: { x: 1, y: 7 } });
      people!.update(3, { home: null });
      people!.update(4, { home: { cell: 9, tags: ['a', 'b'] }, money: -5n, seen: Uint8Array.of(255) });
    });
    const { columns, rows, counts, truncated } = only(a, b);
    expect(columns.map(({ column, rows: count }) => [column, count])).toEqual([
      ['at.y', 1],
      ['home', 1],
      ['home.cell', 1],
      ['home.tags', 1],
      ['money', 1],
      ['seen', 1],
    ]);
    expect({ counts, truncated }).toEqual({
      counts: { changed: 3, onlyInA: 0, onlyInB: 0, moved: 0 },
      truncated: false,
    });
    expect(rows).toEqual([
      { change: 'changed', key: 2, row: { a: 1, b: 1 }, values: [{ column: 'at.y', a: 0, b: 7 }] },
      {
        change: 'changed',
        key: 3,
        row: { a: 2, b: 2 },
        values: [{ column: 'home', a: { cell: 2, tags: ['a'] }, b: null }],
      },
      {
        change: 'changed',
        key: 4,
        row: { a: 3, b: 3 },
        values: [
          { column: 'home.cell', a: 3, b: 9 },
          { column: 'home.tags', a: ['a'], b: ['a', 'b'] },
          { column: 'money', a: 0n, b: -5n },
          { column: 'seen', a: new Uint8Array(0), b: Uint8Array.of(255) },
        ],
      },
    ]);
  });

  test('−0 is not 0; NaN is NaN, whatever its bits were when it was written', () => {
    const a = base();
    const signed = edited(a, ({ people }) => people!.update(1, { speed: -0 }));
    expect(only(a, signed).rows).toMatchObject([{ key: 1, values: [{ column: 'speed', a: 0, b: -0 }] }]);
    const nan = edited(a, ({ people }) => people!.update(1, { speed: Number.NaN }));
    const otherBits = edited(a, ({ people }) => {
      const span = people!.write.speed!.span();
      new Uint32Array(span.buffer, span.byteOffset, 2).set([1, 0xfff80000]);
    });
    expect(diffWorlds(nan, otherBits).same).toBe(true);
    // In a leaf that differs for another row's sake.
    const further = edited(otherBits, ({ people }) => people!.update(2, { speed: 3 }));
    expect(only(nan, further).columns).toEqual([{ column: 'speed', rows: 1, redeclared: false }]);
  });

  test('rows of composite keys are found wherever they stand', () => {
    const a = base();
    const b = edited(a, ({ ties }) => {
      ties!.delete({ from: 1, to: 2 });
      ties!.insert({ from: 9, to: 1, weight: [2, 2], note: {} });
      ties!.insert({ from: 1, to: 2, weight: [0, 1.5], note: { since: 1 } });
    });
    const { key, columns, rows, size } = only(a, b);
    expect({ key, size }).toEqual({ key: ['from', 'to'], size: { a: 2, b: 3 } });
    expect(columns).toEqual([{ column: 'weight', rows: 1, redeclared: false }]);
    const values = { from: 9, to: 1, weight: [2, 2], note: {} };
    expect(rows).toEqual([
      {
        change: 'changed',
        key: { from: 1, to: 2 },
        row: { a: 0, b: 2 },
        values: [{ column: 'weight', a: [0, 1], b: [0, 1.5] }],
      },
      { change: 'only in b', key: { from: 9, to: 1 }, row: 1, values },
      { change: 'moved', key: { from: 2, to: 3 }, row: { a: 1, b: 0 } },
    ]);
  });

  test('the one row of a singleton has no key', () => {
    const a = base();
    const b = edited(a, ({ weather }) => weather!.set({ sky: 'grey' }));
    expect(only(a, b)).toMatchObject({
      key: [],
      rows: [{ key: null, row: { a: 0, b: 0 }, values: [{ column: 'sky', a: 'clear', b: 'grey' }] }],
    });
  });

  test('an id handed out and given back differs, though no row does', () => {
    const a = base();
    const b = edited(a, ({ people }) => {
      people!.insert({ at: { x: 0, y: 0 } });
      people!.delete(6);
    });
    expect(only(a, b)).toMatchObject({ nextId: { a: 6, b: 7 }, columns: [], rows: [], truncated: false });
  });

  test("the framework's table of input sources is compared like any other", () => {
    const a = base();
    const b = base();
    b.tables.get(SOURCES)!.insert({ source: 'gate', seq: 4 });
    expect(only(a, b)).toMatchObject({ table: SOURCES, rows: [{ change: 'only in b', key: 'gate' }] });
  });

  test('each sort of rows has its share of the limit; none is counted less for it', () => {
    const a = filled(schema as never, ({ people }) => {
      for (let i = 0; i < 300; i++) people!.insert({ at: { x: i, y: 0 } });
    });
    const b = edited(a, ({ people }) => {
      for (let id = 1; id <= 200; id++) people!.update(id, { speed: 1 });
      for (let id = 201; id <= 220; id++) people!.delete(id);
      people!.insert({ at: { x: 0, y: 0 } });
    });
    const sorts = (limit: number): { readonly [change: string]: number } => {
      const { rows, counts, truncated } = only(a, b, { limit });
      expect({ counts, truncated }).toEqual({
        counts: { changed: 200, onlyInA: 20, onlyInB: 1, moved: 20 },
        truncated: limit < 241,
      });
      const found: { [change: string]: number } = {};
      for (const { change } of rows) found[change] = (found[change] ?? 0) + 1;
      return found;
    };
    expect(sorts(241)).toEqual({ changed: 200, 'only in a': 20, 'only in b': 1, moved: 20 });
    expect(sorts(100)).toEqual({ changed: 59, 'only in a': 20, 'only in b': 1, moved: 20 });
    expect(sorts(10)).toEqual({ changed: 3, 'only in a': 3, 'only in b': 1, moved: 3 });
    expect(sorts(0)).toEqual({});
    expect(only(a, b).rows).toHaveLength(100);
  });

  test('what was told stays told when the worlds go on', () => {
    const a = base();
    const b = edited(a, ({ people }) => people!.update(1, { seen: Uint8Array.of(1) }));
    const difference = diffWorlds(a, b);
    const before = canonicalJson(differenceJson(difference));
    edit(b, ({ people }: World) => people!.update(1, { seen: Uint8Array.of(2, 3) }));
    b.clear();
    expect(canonicalJson(differenceJson(difference))).toBe(before);
  });

  test.each([-1, 1.5, Number.NaN, '5', null])('a limit of %s is refused', async (limit) => {
    const refused = await caught(() => diffWorlds(base(), base(), { limit: limit as number }));
    expect(refused).toMatchObject({ code: 'BAD_USAGE', facts: { limit } });
  });

  test('a misspelt option, and a world that is being folded anew, are refused', async () => {
    const a = base();
    expect(await caught(() => diffWorlds(a, base(), { limits: 1 } as never))).toMatchObject({
      code: 'BAD_USAGE',
    });
    a.gate.hidden = true;
    expect(await caught(() => diffWorlds(base(), a))).toMatchObject({ code: 'WRONG_STATE' });
  });
});

describe('diffWorlds of two schemas', () => {
  const other = (tables: object): Schema<never> =>
    defineSchema({ name: 'town', version: 2, tables, events: { e: event({}) } } as never) as never;
  const one = other({
    people: table({ id: t.id(), cell: t.u32(), health: t.enum('well', 'ill'), old: t.u8().default(0) }),
    gone: table({ id: t.id() }),
    places: table({ code: t.u32().key(), name: t.text() }),
  });
  const two = other({
    people: table({
      id: t.id(),
      cell: t.u32(),
      health: t.enum('well', 'ill', 'dead'),
      fresh: t.u8().default(0),
    }),
    come: table({ id: t.id() }),
    places: table({ code: t.text().key(), name: t.text() }),
  });
  const fill = (codes: readonly unknown[]) => (world: World) => {
    for (const cell of [3, 4, 5]) world.people!.insert({ cell, health: 'ill' });
    for (const code of codes) world.places!.insert({ code, name: `place ${code}` });
  };

  test('columns and tables of one side are named; those of both are compared', () => {
    const a = filled(one, fill([]));
    const b = filled(two, fill([]));
    edit(b, ({ people }: World) => people!.update(2, { cell: 40 }));
    const difference = diffWorlds(a, b, { limit: 2 });
    expect(difference.schema!.a).not.toBe(difference.schema!.b);
    expect(difference).toMatchObject({ same: false, tablesOnlyInA: ['gone'], tablesOnlyInB: ['come'] });
    const people = difference.tables.find((found) => found.table === 'people')!;
    expect(people).toMatchObject({
      key: ['id'],
      columnsOnlyInA: ['old'],
      columnsOnlyInB: ['fresh'],
      columns: [
        { column: 'cell', rows: 1, redeclared: false },
        { column: 'health', rows: 3, redeclared: true },
      ],
      counts: { changed: 3 },
      truncated: true,
    });
    expect(people.rows[1]).toMatchObject({
      values: [
        { column: 'cell', a: 4, b: 40 },
        { column: 'health', a: 'ill', b: 'ill' },
      ],
    });
  });

  test('tables with other keys are matched by row number', () => {
    const a = filled(one, fill([7, 8]));
    const b = filled(two, fill(['7', '8', '9']));
    const places = diffWorlds(a, b).tables.find((found) => found.table === 'places')!;
    expect(places).toMatchObject({
      key: [],
      columns: [{ column: 'code', rows: 2, redeclared: true }],
      counts: { changed: 2, onlyInA: 0, onlyInB: 1, moved: 0 },
      rows: [
        { change: 'changed', key: null, row: { a: 0, b: 0 }, values: [{ column: 'code', a: 7, b: '7' }] },
        { change: 'changed', key: null, row: { a: 1, b: 1 } },
        { change: 'only in b', key: null, row: 2, values: { code: '9', name: 'place 9' } },
      ],
    });
  });

  test('schemas that store the same are the same', () => {
    const plain = other({ people: table({ id: t.id(), cell: t.u32() }) });
    const indexed = other({ people: table({ id: t.id(), cell: t.u32() }, { index: ['cell'] }) });
    const work = ({ people }: World): void => void people!.insert({ cell: 1 });
    const difference = diffWorlds(filled(plain, work), filled(indexed, work));
    expect(difference).toMatchObject({ same: true, tables: [] });
    expect(difference.schema).not.toBe(null);
  });
});

test('differenceJson writes values as the log does', () => {
  const a = base();
  const b = edited(a, ({ people, ties }) => {
    people!.update(1, { money: 7n, seen: Uint8Array.of(0, 255), speed: Number.NaN });
    ties!.update({ from: 1, to: 2 }, { note: { $x: [1] } });
  });
  const { tables } = JSON.parse(canonicalJson(differenceJson(diffWorlds(a, b))));
  expect(tables[0].rows[0].values).toEqual([
    { column: 'money', a: { $big: '0' }, b: { $big: '7' } },
    { column: 'seen', a: { $bytes: '' }, b: { $bytes: '00ff' } },
    { column: 'speed', a: 0, b: { $number: 'NaN' } },
  ]);
  expect(tables[1].rows[0]).toMatchObject({
    key: { from: 1, to: 2 },
    values: [{ a: { $object: [['since', 1]] }, b: { $object: [['$x', [1]]] } }],
  });
});
