import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { compiled } from '../../test/golden/every-type.ts';
import { hex } from '../base/bytes.ts';
import { isWorldfoldError } from '../base/errors.ts';
import { allowGeneration } from '../base/generate.ts';
import { loadHash } from '../base/hash.ts';
import { t } from '../schema/columns.ts';
import { singleton, table } from '../schema/tables.ts';
import { Gate } from './gate.ts';
import { TableStore } from './table-store.ts';
import { SingleWriter, TableWriter } from './table-writer.ts';

const things = table(
  {
    id: t.id(),
    u8: t.u8().default(0),
    i16: t.i16().default(0),
    u32: t.u32().default(0),
    int: t.int().default(0),
    i64: t.i64().default(0n),
    f32: t.f32().default(0),
    f64: t.f64().default(0),
    nan: t.f64({ nan: true }).default(0),
    bool: t.bool().default(false),
    health: t.enum('well', 'ill').default('well'),
    maybe: t.enum('well', 'ill').optional(),
    age: t.u16().optional(),
    home: t.ref('homes').default(1),
    name: t.text().default(''),
    bytes: t.bytes().default(new Uint8Array()),
    json: t.json().default([]),
    list: t.list(t.u8()).default([]),
    dir: t.vec(2).default([0, 0]),
    pos: t.struct({ x: t.f64(), n: t.int(), side: t.enum('l', 'r') }).default({ x: 0, n: 0, side: 'l' }),
    goal: t.struct({ x: t.f64(), y: t.f64() }).optional(),
  },
  { index: ['u8', 'health', 'name'] },
);
const { tableOf } = compiled({
  tables: { things: things.spec, clock: singleton({ hour: t.u8(), label: t.text().default('noon') }).spec },
});

type Any = { [name: string]: any };
let gate: Gate;
let store: TableStore;
let writer: Any & Iterable<any>;
let write: Any;

function open(generated = true): void {
  gate = new Gate();
  gate.open = true;
  allowGeneration(generated ? null : false);
  store = new TableStore(tableOf.get('things')!, gate);
  writer = new TableWriter(store) as never;
  write = writer.write;
  store.set.append;
  allowGeneration(null);
  for (let i = 0; i < 3; i++) writer.insert({});
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
beforeEach(() => open());
afterEach(() => allowGeneration(null));

/** What is stored, what comes back raw from `get`, and what a row shows. */
const WRITES: readonly (readonly [string, unknown, unknown, unknown])[] = [
  ['u8', 255, 255, 255],
  ['i16', -32768, -32768, -32768],
  ['u32', 4294967295, 4294967295, 4294967295],
  ['int', -0, 0, 0],
  ['int', 2 ** 53 - 1, 2 ** 53 - 1, 2 ** 53 - 1],
  ['i64', -(2n ** 63n), -(2n ** 63n), -(2n ** 63n)],
  ['f32', 0.1, Math.fround(0.1), Math.fround(0.1)],
  ['f64', -0, -0, -0],
  ['nan', Number.NaN, Number.NaN, Number.NaN],
  ['bool', 1, 1, true],
  ['bool', true, 1, true],
  ['health', 1, 1, 'ill'],
  ['health', 'ill', 1, 'ill'],
  ['maybe', 1, 1, 'ill'],
  ['maybe', 'well', 0, 'well'],
  ['maybe', null, 0, null],
  ['age', 7, 7, 7],
  ['age', null, 0, null],
  ['home', 9, 9, 9],
  ['name', 'böb', 'böb', 'böb'],
  ['bytes', Uint8Array.of(1), Uint8Array.of(1), Uint8Array.of(1)],
  ['json', { b: 1, a: [] }, { a: [], b: 1 }, { a: [], b: 1 }],
  ['list', [1, 2], [1, 2], [1, 2]],
  ['dir', [1, -0], [1, -0], [1, -0]],
  ['goal', { x: 1, y: 2 }, { x: 1, y: 2 }, { x: 1, y: 2 }],
  ['goal', null, null, null],
];

const REFUSED: readonly (readonly [string, unknown, RegExp])[] = [
  ['u8', 256, /things\.u8: 256 is outside 0 to 255$/],
  ['u8', -1, /-1 is outside/],
  ['u8', 1n, /1n is no number$/],
  ['int', 0.5, /0\.5 is no whole number$/],
  ['i64', 1, /1 is no bigint$/],
  ['i64', 2n ** 63n, /does not fit i64$/],
  ['f32', 1e39, /too large for f32$/],
  ['f64', Number.NaN, /NaN is refused/],
  ['f64', null, /null is refused/],
  ['bool', 2, /2 is no boolean$/],
  ['bool', 1n, /1n is no boolean$/],
  ['health', 2, /2 is none of 'well', 'ill'$/],
  ['health', -1, /is none of/],
  ['health', 0.5, /is none of/],
  ['health', 'dead', /is none of/],
  ['health', 1n, /is none of/],
  ['maybe', 2, /is none of/],
  ['home', 0, /0 is outside 1 to 4294967295$/],
  ['name', 1, /1 is no text$/],
  ['name', '\ud800', /lone surrogate/],
  ['list', [256], /\[0\]: 256 is outside/],
  ['dir', [1], /no list of 2 numbers$/],
  ['dir', [1, Number.NaN], /\[1\]: NaN is refused/],
  ['goal', { x: 1 }, /y: it is missing$/],
];

describe.each([true, false])('writing columns (generated code: %s)', (generated) => {
  beforeEach(() => open(generated));

  it.each(WRITES)('stores in %s the value %o', (name, value, raw, shown) => {
    const first = writer.at(0);
    write[name].set(1, value);
    expect(write[name].get(1)).toStrictEqual(raw);
    expect([...writer].map((row) => row[name])[1]).toStrictEqual(shown);
    expect(writer.at(0)).toStrictEqual(first);
    write[name].fill(value, 0, 2);
    expect([write[name].get(0), write[name].get(1)]).toStrictEqual([raw, raw]);
    write[name].fill(value);
    expect([...writer].map((row) => row[name])).toStrictEqual([shown, shown, shown]);
    expect(write[name].length).toBe(3);
  });

  it.each(REFUSED)('refuses in %s the value %o', (name, value, message) => {
    const before = hex(store.digest());
    for (const act of [
      () => write[name].set(1, value),
      () => write[name].fill(value),
      () => writer.insert({ [name]: value }),
      () => writer.update(2, { [name]: value }),
    ]) {
      // A code is a value for raw columns alone.
      expect(code(act)).toMatch(/^BAD_VALUE: /);
      expect(code(act)).toMatch(message);
    }
    expect(hex(store.digest())).toBe(before);
    expect(writer.size).toBe(3);
  });

  it('takes codes in raw columns only', () => {
    expect(code(() => writer.update(1, { health: 1 }))).toMatch(/1 is none of 'well', 'ill'$/);
    expect(code(() => writer.insert({ bool: 1 }))).toMatch(/1 is no boolean$/);
  });

  it('knows no rows past the end', () => {
    store.set.ensure(100);
    for (const row of [3, -1, 0.5, '0', Number.NaN, undefined]) {
      expect(code(() => write.u8.set(row, 1))).toBe(
        `NO_ROW: 'things' has no row number ${row}: it has 3 rows`,
      );
      expect(code(() => write.name.get(row))).toMatch(/^NO_ROW/);
      expect(code(() => write.u8.get(row))).toMatch(/^NO_ROW/);
    }
    for (const [from, to] of [
      [0, 4],
      [2, 1],
      [-1, 2],
      [0.5, 1],
    ]) {
      expect(code(() => write.u8.fill(1, from, to))).toMatch(
        /^NO_ROW: rows .* are not all in 'things', which has 3$/,
      );
      expect(code(() => write.u8.span(from, to))).toMatch(/^NO_ROW/);
    }
  });

  it('keeps indexes true', () => {
    const rows = (): unknown => [
      writer.by.u8(5).rows,
      writer.by.health('ill').rows,
      writer.by.name('x').rows,
    ];
    write.u8.set(2, 5);
    write.health.set(0, 'ill');
    write.name.set(1, 'x');
    expect(rows()).toEqual([Uint32Array.of(2), Uint32Array.of(0), Uint32Array.of(1)]);
    write.u8.fill(5, 0, 2);
    write.name.fill('x', 2);
    expect(code(() => write.health.set(1, 'dead'))).toMatch(/^BAD_VALUE/);
    expect(rows()).toEqual([Uint32Array.of(0, 1, 2), Uint32Array.of(0), Uint32Array.of(1, 2)]);
  });

  it('patches what is named, and leaves what is undefined', () => {
    writer.update(2, {
      u8: 1,
      name: undefined,
      pos: { x: 1, n: -0, side: 'r' },
      goal: { x: 1, y: 2 },
      dir: [1, 2],
      list: [3],
      age: 4,
    });
    expect(writer.need(2)).toMatchObject({
      u8: 1,
      name: '',
      pos: { x: 1, n: 0, side: 'r' },
      goal: { x: 1, y: 2 },
      dir: [1, 2],
      list: [3],
      age: 4,
    });
    writer.update(2, { goal: null, age: null });
    expect(writer.need(2)).toMatchObject({ u8: 1, goal: null, age: null });
    expect(writer.need(1)).toMatchObject({ u8: 0, goal: null });
    expect(code(() => writer.update(2, { nope: 1 }))).toBe("BAD_VALUE: 'things' has no column 'nope'");
    expect(code(() => writer.update(2, { nope: undefined }))).toBe(
      "BAD_VALUE: 'things' has no column 'nope'",
    );
    expect(code(() => writer.update(2, { pos: { x: 2 } }))).toBe('BAD_VALUE: things.pos: n: it is missing');
    for (const patch of [null, undefined, 5])
      expect(code(() => writer.update(2, patch))).toBe(`BAD_VALUE: ${patch} is no patch for 'things'`);
    expect(code(() => writer.updateIf(99, null))).toMatch(/^BAD_VALUE/);
    expect([writer.updateIf(99, { u8: 1 }), writer.updateIf(3, { u8: 1 })]).toEqual([false, true]);
  });

  it('never changes a key', () => {
    expect(code(() => writer.update(2, { id: 3 }))).toBe("BAD_VALUE: things.id is the key and can't change");
    expect(code(() => writer.update(2, { id: 2, u8: 1 }))).toBe('nothing');
    expect('id' in write).toBe(false);
  });

  it('refuses to miss a row, unless it is told that it may', () => {
    expect(code(() => writer.update(9, {}))).toBe("NO_ROW: 'things' has no row with key 9");
    expect(code(() => writer.delete(9))).toMatch(/^NO_ROW/);
    expect([writer.deleteIf(9), writer.deleteIf(1)]).toEqual([false, true]);
    expect([...writer].map((row) => row.id)).toEqual([3, 2]);
  });

  it('leaves nothing of rows that are refused, ids included', () => {
    const before = hex(store.digest());
    for (const act of [
      () => writer.insert({ u8: 300 }),
      () => writer.insert({ id: 2 }),
      () => writer.insert({ id: 0 }),
      () => writer.insertMany({ u8: [1, 2, 300] }),
      () => writer.insertMany({ u8: [1, 2], health: Uint8Array.of(0, 2) }),
      () => writer.insertMany({ u8: [1, 2], bool: Uint8Array.of(0, 2) }),
      () => writer.insertMany({ u8: [1, 2], f64: Float64Array.of(0, Number.NaN) }),
      () => writer.insertMany({ u8: [1, 2], dir: Float64Array.of(0, 0, 0, Number.NaN) }),
      () => writer.insertMany({ u8: [1, 2], home: Uint32Array.of(1, 0) }),
      () => writer.insertMany({ u8: [1, 2], int: Float64Array.of(1, 2 ** 53) }),
      () => writer.insertMany({ u8: [1, 2], dir: Float64Array.of(0, 0, 0) }),
      () => writer.insertMany({ u8: [1, 2], dir: Float64Array.of(0) }),
      () => writer.insertMany({ u8: [1, 2], i16: [1] }),
      () => writer.insertMany({ u8: 7 }),
      () => writer.insertMany({ nope: [1] }),
      () => writer.insertMany({}),
      () => writer.insertMany(undefined),
      () => writer.insertMany({ id: [10, 11, 10], u8: [5, 5, 5] }),
      () => writer.insertMany({ id: [10, 3], u8: [5, 5] }),
    ])
      expect(code(act)).toMatch(/^(BAD_VALUE|DUPLICATE_KEY): /);
    expect(hex(store.digest())).toBe(before);
    expect([writer.has(10), writer.has(11), writer.by.u8(5).size, writer.size]).toEqual([false, false, 0, 3]);
    expect(writer.insert({})).toBe(4);
  });
});

describe('whole arrays', () => {
  it('say what is wrong with them', () => {
    const text = (columns: object): string => code(() => writer.insertMany(columns));
    expect(text({ u8: [1, 2], i16: [1] })).toBe("BAD_VALUE: the arrays given for 'things' differ in length");
    expect(text({ dir: Float64Array.of(0, 0, 0) })).toBe(
      "BAD_VALUE: an array given for 'things' ends within a row",
    );
    expect(text({ u8: 7 })).toBe('BAD_VALUE: things.u8: 7 is no array');
    expect(text({ nope: [1] })).toBe("BAD_VALUE: 'things' has no column 'nope'");
    expect(text({})).toBe("BAD_VALUE: no array was given for 'things', so the number of rows is unknown");
    expect(text({ dir: Float64Array.of(0, 0, 0, Number.NaN) })).toMatch(/things\.dir: \[1\]: NaN is refused/);
    expect(text({ health: Uint8Array.of(2) })).toBe("BAD_VALUE: things.health: 2 is none of 'well', 'ill'");
  });

  it('have one NaN, whatever bits were given', () => {
    const odd = new Float64Array(2);
    new BigUint64Array(odd.buffer).set([0xfff8_0000_0000_0001n, 0x7ff0_0000_dead_beefn]);
    writer.insertMany({ nan: odd });
    write.nan.span(0, 1).set(odd.subarray(1));
    gate.settle();
    write.nan.set(1, odd[0]);
    write.nan.fill(odd[1], 2, 3);
    store.digest();
    const stored = writer.columns.nan as Float64Array;
    const bits = new BigUint64Array(stored.buffer, stored.byteOffset, stored.length);
    expect([...bits]).toEqual(Array(5).fill(0x7ff8_0000_0000_0000n));
  });

  it('are copied, not kept', () => {
    const given = Uint8Array.of(1, 2);
    writer.insertMany({ u8: given });
    given[0] = 9;
    expect([...writer.columns.u8]).toEqual([0, 0, 0, 1, 2]);
  });

  it('may be empty', () => {
    expect(writer.insertMany({ u8: [] })).toEqual(new Uint32Array());
    expect(writer.size).toBe(3);
  });
});

describe('spans', () => {
  it.each([
    ['u8', 0, 3],
    ['i64', 0n, 3n],
    ['f64', 0, -0],
    ['health', 0, 1],
    ['bool', 0, 1],
    ['home', 1, 5],
  ])('write %s raw, and indexes follow', (name, _, value) => {
    const span = write[name].span(1, 3);
    expect(span).toHaveLength(2);
    span.fill(value);
    gate.settle();
    expect([...writer.columns[name].slice(1)]).toEqual([value, value]);
    if (name === 'u8') expect([...writer.by.u8(3).rows]).toEqual([1, 2]);
  });

  it('reach the fields of structs and whole vecs', () => {
    write.pos.x.span()[2] = 5;
    write.pos.n.span().fill(-0);
    write.dir.span(1, 2).set([1, 2]);
    gate.settle();
    expect(writer.at(2).pos).toStrictEqual({ x: 5, n: 0, side: 'l' });
    expect([...writer.columns.dir]).toEqual([0, 0, 1, 2, 0, 0]);
  });

  it('let an index be read while they are held', () => {
    const span = write.u8.span();
    span[0] = 1;
    expect([...writer.by.u8(1).rows]).toEqual([0]);
    span[2] = 1;
    expect([...writer.by.u8(1).rows]).toEqual([0, 2]);
    write.u8.set(0, 7);
    span[1] = 7;
    expect([...writer.by.u8(7).rows]).toEqual([0, 1]);
    gate.settle();
    expect([...writer.by.u8(7).rows]).toEqual([0, 1]);
    writer.delete(1);
    expect([...writer.by.u8(7).rows]).toEqual([1]);
    expect([...writer.by.u8(1).rows]).toEqual([0]);
  });

  it.each([
    ['f64', Number.NaN],
    ['f32', Number.NaN],
    ['int', 0.5],
    ['int', 2 ** 53],
    ['health', 2],
    ['bool', 2],
    ['home', 0],
  ])('are searched when they end: %s holds no %d', (name, value) => {
    gate.writer = 'moved';
    write[name].span(1)[1] = value;
    expect(code(() => gate.settle())).toBe(
      `BAD_VALUE: things.${name}: a span taken by 'moved' left ${value} in row 2, which does not fit`,
    );
  });

  it('are searched when they end: a vec holds no NaN', () => {
    gate.writer = 'moved';
    write.dir.span(1)[2] = Number.NaN;
    expect(code(() => gate.settle())).toBe(
      "BAD_VALUE: things.dir: a span taken by 'moved' left NaN in row 2, which does not fit",
    );
  });

  it('forbid adding and removing rows while they are held', () => {
    write.u8.span();
    write.f64.span(0, 0);
    for (const act of [() => writer.insert({}), () => writer.insertMany({ u8: [1] }), () => writer.delete(1)])
      expect(code(act)).toBe("STALE_SPAN: rows of 'things' change while a span is held");
    gate.settle();
    expect(writer.insert({})).toBe(4);
  });

  it('are not for cells and optional columns', () => {
    for (const name of ['name', 'bytes', 'json', 'list', 'age', 'maybe', 'goal'])
      expect(code(() => write[name].span())).toBe(
        `BAD_USAGE: '${name}' has no spans: its values are not plain numbers`,
      );
  });

  it('are forgotten with a failed handler', () => {
    write.f64.span()[0] = Number.NaN;
    gate.abandon();
    gate.settle();
    expect(gate.open).toBe(false);
    store.clear();
    gate.open = true;
    expect(code(() => writer.insert({}))).toBe('nothing');
  });
});

describe('the gate', () => {
  it('is shut outside apply: every write is refused, every look allowed', () => {
    const before = hex(store.digest());
    gate.open = false;
    for (const act of [
      () => writer.insert({}),
      () => writer.insertMany({ u8: [1] }),
      () => writer.update(1, {}),
      () => writer.updateIf(1, {}),
      () => writer.delete(1),
      () => writer.deleteIf(99),
      () => write.u8.set(0, 1),
      () => write.f64.set(0, 1),
      () => write.name.set(0, 'x'),
      () => write.u8.fill(1),
      () => write.u8.fill(1, 0, 0),
      () => write.u8.span(),
      () => write.pos.x.set(0, 1),
    ])
      expect(code(act)).toBe("READ_ONLY: 'things' was written outside apply");
    expect(hex(store.digest())).toBe(before);
    expect(writer.get(1).u8).toBe(0);
  });

  it('hides tables that are in pieces from everyone but the fold', () => {
    const { columns, nulls } = writer;
    gate.hidden = true;
    expect(writer.size).toBe(3);
    gate.open = false;
    for (const act of [
      () => writer.size,
      () => writer.get(1),
      () => writer.has(1),
      () => writer.row(1),
      () => writer.at(0),
      () => writer.count(),
      () => writer.where({}),
      () => writer.by.u8(0),
      () => [...writer],
      () => [...writer.backwards()],
      () => columns.u8,
      () => columns.name,
      () => nulls.age(0),
      () => writer.update(1, {}),
    ])
      expect(code(act)).toBe("WRONG_STATE: 'things' is being folded anew after a failed tick");
  });
});

describe('a singleton', () => {
  it('is set by patches, and read as one value', () => {
    const clock = new TableStore(tableOf.get('clock')!, gate);
    clock.insert({ hour: 1 });
    const face = new SingleWriter(clock);
    face.set({ hour: 7, label: undefined });
    expect(face.value).toEqual({ hour: 7, label: 'noon' });
    expect(code(() => face.set(null as never))).toBe("BAD_VALUE: null is no patch for 'clock'");
    expect(code(() => face.set({ day: 1 }))).toBe("BAD_VALUE: 'clock' has no column 'day'");
    gate.open = false;
    expect(code(() => face.set({ hour: 8 }))).toBe("READ_ONLY: 'clock' was written outside apply");
    expect(face.value).toEqual({ hour: 7, label: 'noon' });
  });
});
