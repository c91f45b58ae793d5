import fc from 'fast-check';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { compiled } from '../../test/golden/every-type.ts';
import { isWorldfoldError } from '../base/errors.ts';
import { loadHash } from '../base/hash.ts';
import { t } from '../schema/columns.ts';
import { table } from '../schema/tables.ts';
import { Gate } from './gate.ts';
import { TableStore } from './table-store.ts';
import { TableWriter } from './table-writer.ts';

const people = table(
  {
    id: t.id(),
    cell: t.u8(),
    health: t.enum('well', 'ill').optional(),
    name: t.text().optional(),
    weight: t.f32({ nan: true }).default(1),
    pos: t.struct({ x: t.f64(), side: t.enum('left', 'right') }).default({ x: 0, side: 'left' }),
    dir: t.vec(2, 'f32').default([0, 0]),
    note: t
      .json()
      .default(null as never)
      .optional(),
    raw: t.bytes().default(new Uint8Array()),
    bag: t.list(t.u8()).default([]),
    on: t.bool().default(false),
  },
  { index: ['cell', 'health'] },
);
const { tableOf } = compiled({
  tables: {
    people: people.spec,
    roads: table({ from: t.text(), to: t.text(), lanes: t.u8() }, { key: ['from', 'to'] }).spec,
    ports: table({ code: t.text().key(), n: t.i64() }).spec,
    trips: table({ at: t.i64().key(), open: t.bool() }).spec,
  },
});

type Any = { [name: string]: any };
type Open = Any & Iterable<any>;
let gate: Gate;
let store: TableStore;
let writer: Open;

function open(name: string): Open {
  gate = new Gate();
  gate.open = true;
  store = new TableStore(tableOf.get(name)!, gate);
  return new TableWriter(store) as unknown as Open;
}

const code = (act: () => unknown): string => {
  try {
    act();
    return 'nothing';
  } catch (e) {
    return isWorldfoldError(e) ? `${e.code}: ${e.message}` : String(e);
  }
};

beforeAll(loadHash);
beforeEach(() => {
  writer = open('people');
  writer.insertMany({
    cell: [1, 2, 1, 3, 1],
    health: ['ill', null, 'well', 'ill', 'ill'],
    name: ['ann', 'bob', null, '', 'eve'],
    weight: [0.1, Number.NaN, -0, 3, 4],
  });
});

const keys = (rows: Iterable<object>): number[] => [...rows].map((row) => (row as { id: number }).id);

describe('reading a table', () => {
  it('finds rows by key', () => {
    expect(writer.size).toBe(5);
    expect(writer.get(2)).toMatchObject({ id: 2, cell: 2, health: null, name: 'bob' });
    expect(writer.need(5)).toEqual(writer.get(5));
    expect([writer.has(5), writer.has(6), writer.row(4)]).toEqual([true, false, 3]);
    expect(writer.get(6)).toBeUndefined();
    expect(code(() => writer.need(6))).toBe("NO_ROW: 'people' has no row with key 6");
    expect(code(() => writer.row(0))).toBe("NO_ROW: 'people' has no row with key 0");
  });

  it.each([
    [0],
    [-0],
    [-1],
    [1.5],
    ['1'],
    [1n],
    ['length'],
    ['set'],
    ['buffer'],
    [null],
    [undefined],
    [{}],
    [Number.NaN],
  ])('finds nothing by the key %o, dense or sparse', (key) => {
    expect(writer.has(key)).toBe(false);
    expect(writer.get(key)).toBeUndefined();
    expect(writer.deleteIf(key)).toBe(false);
    writer.insert({ id: 4_000_000_000, cell: 1 });
    expect(writer.has(key)).toBe(false);
  });

  it('finds rows by number', () => {
    expect(writer.at(4)).toMatchObject({ id: 5, name: 'eve' });
    for (const row of [5, -1, 0.5, '0', undefined])
      expect(code(() => writer.at(row as number))).toBe(
        `NO_ROW: 'people' has no row number ${row}: it has 5 rows`,
      );
  });

  it('matches by values as they are stored', () => {
    expect(keys(writer.where({ cell: 1 }))).toEqual([1, 3, 5]);
    expect(keys(writer.where({ cell: 1, health: 'ill' }))).toEqual([1, 5]);
    expect(keys(writer.where({ health: null }))).toEqual([2]);
    expect(keys(writer.where({ name: null, cell: undefined }))).toEqual([3]);
    expect(keys(writer.where({ name: '' }))).toEqual([4]);
    // 0.1 is no single: it is stored, and sought, as the nearest one.
    expect(keys(writer.where({ weight: 0.1 }))).toEqual([1]);
    expect(keys(writer.where({ weight: Number.NaN }))).toEqual([2]);
    expect(keys(writer.where({ weight: 0 }))).toEqual([3]);
    expect(keys(writer.where({}))).toEqual([1, 2, 3, 4, 5]);
    expect(keys(writer.where({ cell: 999, health: 'gone' }))).toEqual([]);
    expect(keys(writer.where({ cell: null }))).toEqual([]);
  });

  it('matches structs, vecs, lists, bytes and JSON by content', () => {
    writer.update(3, {
      pos: { x: 2, side: 'right' },
      dir: [0.1, 0.2],
      bag: [1, 2],
      raw: Uint8Array.of(7),
      note: { b: 1, a: 2 },
    });
    for (const match of [
      { pos: { side: 'right', x: 2 } },
      { dir: [0.1, 0.2] },
      { bag: [1, 2] },
      { raw: Uint8Array.of(7) },
      { note: { a: 2, b: 1 } },
    ]) {
      expect(keys(writer.where(match))).toEqual([3]);
      expect(writer.count(match)).toBe(1);
    }
    for (const [pos, found] of [
      [{ side: 'right' }, [3]],
      [{ x: 2, side: undefined }, [3]],
      [{ x: 2, side: 'left' }, []],
      [{ side: 'left' }, [1, 2, 4, 5]],
      [{}, [1, 2, 3, 4, 5]],
      [[2], []],
      [2, []],
      [null, []],
    ] as const) {
      expect(keys(writer.where({ pos }))).toEqual(found);
      expect(writer.count({ pos })).toBe(found.length);
    }
    expect(code(() => writer.where({ pos: { x: 2, z: 1 } }))).toBe(
      "BAD_USAGE: 'pos' has no field 'z' to match",
    );
    expect(keys(writer.where({ bag: [1] }))).toEqual([]);
    expect(keys(writer.where({ dir: [0.1, 0.3] }))).toEqual([]);
  });

  it('counts what it finds', () => {
    expect(writer.count()).toBe(5);
    for (const match of [
      { cell: 1 },
      { health: 'ill' },
      { weight: Number.NaN },
      { weight: 0.1 },
      { on: false },
      { cell: 9 },
      { on: 3 },
    ])
      expect(writer.count(match)).toBe(keys(writer.where(match)).length);
    expect(code(() => writer.count({ nope: 1 }))).toBe("BAD_USAGE: 'people' has no column 'nope' to match");
    expect(code(() => writer.where({ cell: 1, nope: 1 }))).toMatch(/^BAD_USAGE/);
  });

  it('has columns of exactly its rows, codes that nest, and nulls', () => {
    const { columns, codes, nulls } = writer as Any;
    expect([...columns.cell]).toEqual([1, 2, 1, 3, 1]);
    expect(columns.cell).toBeInstanceOf(Uint8Array);
    expect([...columns.health]).toEqual([1, 0, 0, 1, 1]);
    expect(columns.name).toEqual(['ann', 'bob', null, '', 'eve']);
    expect(columns.dir).toHaveLength(10);
    expect([...columns.pos.x]).toEqual([0, 0, 0, 0, 0]);
    expect(codes).toEqual({ health: { well: 0, ill: 1 }, pos: { side: { left: 0, right: 1 } } });
    expect([0, 1, 2, 3, 4, 5].map((row) => nulls.health(row))).toEqual([
      false,
      true,
      false,
      false,
      false,
      false,
    ]);
    expect(Object.keys(nulls)).toEqual(['health', 'name', 'note']);
    expect(Object.keys(columns)).toEqual([
      'bag',
      'cell',
      'dir',
      'health',
      'id',
      'name',
      'note',
      'on',
      'pos',
      'raw',
      'weight',
    ]);
    expect(() => Object.assign(columns, { cell: 1 })).toThrow(TypeError);
  });

  it('gives the same array until the table changes its size, and never more rows than it has', () => {
    const { columns } = writer as Any;
    const before = columns.cell;
    expect(columns.cell).toBe(before);
    writer.write.cell.set(0, 9);
    expect(before[0]).toBe(9);
    writer.delete(1);
    expect([columns.cell.length, columns.name.length]).toEqual([4, 4]);
    writer.insertMany({ cell: new Uint8Array(100) });
    expect([columns.cell.length, columns.name.length, columns.id.at(-1)]).toEqual([104, 104, 105]);
    expect([before.length, before[0]]).toEqual([0, undefined]);
  });

  it('finds rows by an index in order of rows, null among the values', () => {
    const rows = (value: unknown): number[] => [...writer.by.health(value).rows];
    expect([rows('ill'), rows('well'), rows(null), rows('gone'), rows(1)]).toEqual([
      [0, 3, 4],
      [2],
      [1],
      [],
      [],
    ]);
    expect(writer.by.cell(1).size).toBe(3);
    expect(keys(writer.by.cell(1))).toEqual([1, 3, 5]);
    expect([...writer.by.cell(null).rows]).toEqual([]);
    writer.update(1, { health: null });
    writer.write.health.set(1, 'ill');
    expect([rows('ill'), rows(null)]).toEqual([[1, 3, 4], [0]]);
  });
});

describe('iterating a table', () => {
  it('goes from the first row to the last, without rows added meanwhile', () => {
    const seen: unknown[] = [];
    for (const row of writer) {
      seen.push((row as Any).id);
      writer.insert({ cell: 9 });
    }
    expect(seen).toEqual([1, 2, 3, 4, 5]);
    expect(writer.size).toBe(10);
  });

  it.each([1, 2, 5])('stops with ITERATING when row %d is deleted on the way', (id) => {
    const walk = (rows: Iterable<object>) => () => {
      for (const row of rows) if ((row as Any).id === id) writer.delete(id);
    };
    expect(code(walk(writer))).toMatch(/^ITERATING: rows of 'people' were deleted while it was iterated/);
  });

  it.each([1, 3, 5])('stops with ITERATING among the rows of an index when row %d is deleted', (id) => {
    for (const rows of [() => writer.where({ cell: 1 }), () => writer.by.cell(1)]) {
      expect(
        code(() => {
          for (const row of rows()) if ((row as Any).id === id) writer.delete(id);
        }),
      ).toMatch(/^ITERATING/);
      writer.insert({ id, cell: 1 });
    }
  });

  it('refuses a list of rows that is older than a deletion', () => {
    const list = writer.where({ cell: 1 });
    writer.delete(2);
    expect(code(() => [...list])).toMatch(/^ITERATING/);
  });

  it('lets the rows of an index move to another value', () => {
    for (const row of writer.by.cell(1)) writer.update((row as Any).id, { cell: 2 });
    expect([...writer.by.cell(2).rows]).toEqual([0, 1, 2, 4]);
  });

  it('goes backwards past the current row deleted, and past no other', () => {
    const seen: number[] = [];
    for (const row of writer.backwards()) {
      seen.push((row as Any).id);
      if ((row as Any).cell === 1) writer.delete((row as Any).id);
    }
    expect(seen).toEqual([5, 4, 3, 2, 1]);
    expect(keys(writer)).toEqual([4, 2]);
    expect(
      code(() => {
        for (const _ of writer.backwards()) writer.delete(keys(writer)[0]);
      }),
    ).toMatch(/^ITERATING/);
  });

  it('refuses a deletion and an insertion that leave the number of rows as it was', () => {
    expect(
      code(() => {
        for (const row of writer.backwards()) {
          writer.delete((row as Any).id);
          writer.delete(keys(writer)[0]);
          writer.insert({ cell: 1 });
        }
      }),
    ).toMatch(/^ITERATING/);
  });
});

describe('keys', () => {
  it('of several columns never meet when they are joined', () => {
    const part = fc.oneof(
      fc.constantFrom('', '|', '1:', '1:a', ':', 'a|1:b', '0:|'),
      fc.string({ maxLength: 3 }),
    );
    const key = fc.record({ from: part, to: part });
    fc.assert(
      fc.property(fc.uniqueArray(key, { selector: (k) => JSON.stringify([k.from, k.to]) }), (all) => {
        const roads = open('roads');
        const fit = all.filter((k) => ![k.from, k.to].some((s) => s.includes('\0') || !s.isWellFormed()));
        fit.forEach((k, lanes) => void roads.insert({ ...k, lanes: lanes % 256 }));
        for (const [row, k] of fit.entries()) {
          expect(roads.row(k)).toBe(row);
          expect(roads.row({ ...k, more: 1 })).toBe(row);
        }
        expect(code(() => fit.length > 0 && roads.insert({ ...fit[0], lanes: 0 }))).toMatch(
          fit.length > 0 ? /^DUPLICATE_KEY/ : /nothing/,
        );
      }),
    );
  });

  it('of several columns are objects of all of them', () => {
    const roads = open('roads');
    expect(roads.insert({ from: 'a', to: 'b', lanes: 1 })).toEqual({ from: 'a', to: 'b' });
    for (const key of [{ from: 'a' }, { from: 'a', to: 1 }, 'a|b', null, ['a', 'b']])
      expect(roads.has(key)).toBe(false);
    roads.update({ from: 'a', to: 'b' }, { from: 'a', lanes: 2 });
    expect(code(() => roads.update({ from: 'a', to: 'b' }, { to: 'c' }))).toBe(
      "BAD_VALUE: roads.to is the key and can't change",
    );
    expect(code(() => roads.update({ from: 'a', to: 'c' }, { lanes: 2 }))).toBe(
      'NO_ROW: \'roads\' has no row with key {"from":"a","to":"c"}',
    );
    expect(Object.keys(roads.write)).toEqual(['lanes']);
  });

  it('may be texts and big integers', () => {
    const ports = open('ports');
    for (const key of ['1', '__proto__', 'length', '']) expect(ports.insert({ code: key, n: 1n })).toBe(key);
    expect([ports.row('length'), ports.row(''), ports.has(1), ports.has('2')]).toEqual([2, 3, false, false]);
    ports.delete('1');
    expect([ports.row(''), ports.has('1')]).toEqual([0, false]);
    const trips = open('trips');
    trips.insert({ at: -(2n ** 63n), open: true });
    expect([trips.row(-(2n ** 63n)), trips.has(0n), trips.has(1)]).toEqual([0, false, false]);
  });

  it('find the same rows in a table of dense ids and of sparse ones', () => {
    const id = fc.oneof(
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1_048_500, max: 1_048_700 }),
      fc.integer({ min: 1, max: 4294967295 }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(id, fc.boolean()), { maxLength: 60, size: 'max' }), (list) => {
        const table = open('people');
        const model = new Set<number>();
        for (const [key, gone] of list) {
          expect(table.has(key)).toBe(model.has(key));
          if (model.has(key))
            expect(code(() => table.insert({ id: key, cell: 0 }))).toMatch(/^DUPLICATE_KEY/);
          else table.insert({ id: key, cell: 0 });
          model.add(key);
          if (gone) {
            table.delete(key);
            model.delete(key);
          }
        }
        expect(new Set(keys(table))).toEqual(model);
        for (const key of model) expect((table.at(table.row(key)) as Any).id).toBe(key);
      }),
    );
  });

  it('are never handed out twice', () => {
    writer.delete(5);
    expect(writer.insert({ cell: 0 })).toBe(6);
    writer.insert({ id: 40, cell: 0 });
    writer.delete(40);
    expect([...(writer.insertMany({ cell: [1, 2] }) as Uint32Array)]).toEqual([41, 42]);
    store.reserve(50);
    store.reserve(7);
    expect(writer.insert({ cell: 0 })).toBe(51);
    store.reserve(4294967295);
    expect(code(() => writer.insert({ cell: 0 }))).toBe("BAD_VALUE: table 'people' has used up its 2^32 ids");
    expect(writer.size).toBe(8);
  });
});
