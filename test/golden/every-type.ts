/**
 * One column of every type, with what may be stored in it, its edges, and what comes back.
 *
 * Owns the list that the tests of schema, columns and log walk: a column type that is missing here is tested
 * nowhere.
 */
import fc from 'fast-check';
import type { AnyColumn } from '../../src/schema/columns.ts';
import { t } from '../../src/schema/columns.ts';
import { type CompiledSchema, compileSchema } from '../../src/schema/compile.ts';
import type { ColumnSpecs, SchemaSpec } from '../../src/schema/spec.ts';
import { event, table } from '../../src/schema/tables.ts';

/** A column type under test. */
export interface TypeCase {
  readonly column: AnyColumn;
  /** Values that are stored as they are, the edges of the type among them. */
  readonly edges: readonly unknown[];
  /** Values that are refused, each with the end of its message. */
  readonly flaws: readonly (readonly [unknown, RegExp])[];
  readonly values: fc.Arbitrary<unknown>;
  /** What comes back of what was stored, where that is another value. */
  readonly back?: (value: unknown) => unknown;
}

/** Objects as users write them: with the usual prototype. */
const object = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<T>;

/** Also of JSON, which writes what texts may not hold as escapes. */
const isText = (text: string): boolean => text.isWellFormed() && !/\0|\\u0000|\\ud[89a-f]/.test(text);
const texts = fc.string({ unit: 'binary', maxLength: 12 }).filter(isText);
const LONG = 'Größe 😀 '.repeat(500);
export const MANY_NAMES: readonly string[] = Array.from({ length: 300 }, (_, i) => `name-${i}`);

const NOT_A_NUMBER = [
  [undefined, /it is missing$/],
  [null, /null is refused \(the column is not optional\)$/],
  ['1', /'1' is no number$/],
  [1n, /1n is no number$/],
  [true, /true is no number$/],
  [[], /\[\] is no number$/],
  [Number.NaN, /NaN is refused \(declare the column with \{ nan: true \} to allow it\)$/],
] as const;

function whole(column: AnyColumn, min: number, max: number): TypeCase {
  return {
    column,
    edges: [min, max, 1, Math.floor(max / 2), -0, 0].filter((v) => v >= min),
    flaws: [
      ...NOT_A_NUMBER,
      [1.5, /1\.5 is no whole number$/],
      [Number.POSITIVE_INFINITY, /Infinity is no whole number$/],
      [max + 1, new RegExp(`${max + 1} is outside ${min} to ${max}$`)],
      [min - 1, new RegExp(`${min - 1} is outside ${min} to ${max}$`)],
    ],
    values: fc.integer({ min: Math.max(min, -(2 ** 31)), max: Math.min(max, 2 ** 31 - 1) }),
    back: (value) => (value as number) + 0,
  };
}

const big = (column: AnyColumn, min: bigint, max: bigint, type: string): TypeCase => ({
  column,
  edges: [min, max, 0n, 1n],
  flaws: [
    [undefined, /it is missing$/],
    [null, /not optional\)$/],
    [1, /1 is no bigint$/],
    [max + 1n, new RegExp(`${max + 1n}n does not fit ${type}$`)],
    [min - 1n, new RegExp(`${min - 1n}n does not fit ${type}$`)],
  ],
  values: fc.bigInt({ min, max }),
});

const INFINITIES = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
const noNaN = NOT_A_NUMBER.slice(0, -1);
const F32_FLAW = [1e39, /1e\+39 is too large for f32$/] as const;
const F32_MAX = Math.fround(3.4028234663852886e38);
const HALF_F32 = 3.4028235677973366e38;

const NUMBERS: { readonly [name: string]: TypeCase } = {
  u8: whole(t.u8(), 0, 255),
  i8: whole(t.i8(), -128, 127),
  u16: whole(t.u16(), 0, 65535),
  i16: whole(t.i16(), -32768, 32767),
  u32: whole(t.u32(), 0, 4294967295),
  i32: whole(t.i32(), -2147483648, 2147483647),
  int: {
    ...whole(t.int(), -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    flaws: [...NOT_A_NUMBER, [0.5, /no whole number$/], [2 ** 53, /is outside -9007199254740991 to/]],
    values: fc.maxSafeInteger(),
  },
  ref: { ...whole(t.ref('homes'), 1, 4294967295), values: fc.integer({ min: 1, max: 2 ** 31 }) },
  u64: big(t.u64(), 0n, 2n ** 64n - 1n, 'u64'),
  i64: big(t.i64(), -(2n ** 63n), 2n ** 63n - 1n, 'i64'),
  f32: {
    column: t.f32(),
    edges: [0, -0, ...INFINITIES, 0.1, F32_MAX, 1e-45, 2 ** -149],
    flaws: [...NOT_A_NUMBER, F32_FLAW, [-HALF_F32, /is too large for f32$/]],
    values: fc.float({ noNaN: true }),
    back: (value) => Math.fround(value as number),
  },
  f64: {
    column: t.f64(),
    edges: [0, -0, ...INFINITIES, 0.1, 2 ** 53, Number.MAX_VALUE, Number.MIN_VALUE],
    flaws: NOT_A_NUMBER,
    values: fc.double({ noNaN: true }),
  },
  f32nan: {
    column: t.f32({ nan: true }),
    edges: [Number.NaN, 1, -0, ...INFINITIES],
    flaws: [...noNaN, F32_FLAW],
    values: fc.float(),
  },
  f64nan: {
    column: t.f64({ nan: true }),
    edges: [Number.NaN, 1, -0, ...INFINITIES],
    flaws: noNaN,
    values: fc.double(),
  },
};

const WORDS: { readonly [name: string]: TypeCase } = {
  bool: {
    column: t.bool(),
    edges: [true, false],
    flaws: [
      [2, /2 is no boolean$/],
      ['true', /'true' is no boolean$/],
      [null, /not optional\)$/],
    ],
    values: fc.boolean(),
  },
  enum: {
    column: t.enum('well', 'ill', '__proto__', 'it is "gone"\n'),
    edges: ['well', '__proto__', 'it is "gone"\n'],
    flaws: [
      ['dead', /'dead' is none of 'well', 'ill', '__proto__', 'it is "gone"\n'$/],
      ['constructor', /is none of/],
      [4, /4 is none of/],
      [null, /not optional\)$/],
    ],
    values: fc.constantFrom('well', 'ill', '__proto__'),
  },
  wide: {
    column: t.enum(...MANY_NAMES),
    edges: ['name-0', 'name-255', 'name-256', 'name-299'],
    flaws: [
      ['name-300', /'name-300' is none of 'name-0', .*'name-11'$/],
      [300, /300 is none of/],
    ],
    values: fc.constantFrom(...MANY_NAMES),
  },
  text: {
    column: t.text(),
    edges: ['', 'a', '\ufeffmark', 'e\u0301', '😀', LONG],
    flaws: [
      [1, /1 is no text$/],
      ['\ud800', /it holds a lone surrogate, which has no UTF-8 form$/],
      ['a\0', /it holds U\+0000, which SQL text cannot hold$/],
    ],
    values: texts,
  },
  bytes: {
    column: t.bytes(),
    edges: [new Uint8Array(), Uint8Array.of(0, 255), new Uint8Array(6000).fill(7)],
    flaws: [
      [[1], /\[1\] is no Uint8Array$/],
      ['ff', /'ff' is no Uint8Array$/],
    ],
    values: fc.uint8Array({ maxLength: 9 }),
  },
  json: {
    column: t.json(),
    edges: [{}, [], '', 0, -0, { b: [1, { a: true }], a: null }, JSON.parse('{"__proto__":1}')],
    flaws: [
      [{ a: 1n }, /value\.a cannot be stored as JSON: a bigint has no JSON form$/],
      [Number.POSITIVE_INFINITY, /Infinity has no JSON form$/],
      [undefined, /it is missing$/],
    ],
    values: fc.jsonValue({ maxDepth: 2 }).filter((value) => value !== null && isText(JSON.stringify(value))),
    back: (value) => JSON.parse(JSON.stringify(value)),
  },
};

const NESTED: { readonly [name: string]: TypeCase } = {
  vec: {
    column: t.vec(3),
    edges: [
      [0, -0, 1],
      [...INFINITIES, Number.MAX_VALUE],
    ],
    flaws: [
      [[1, 2], /\[1,2\] is no list of 3 numbers$/],
      [[1, 2, Number.NaN], /\[2\]: NaN is refused/],
      [[1, '2', 3], /\[1\]: '2' is no number$/],
    ],
    values: fc.tuple(...Array.from({ length: 3 }, () => fc.double({ noNaN: true }))),
  },
  vec32: {
    column: t.vec(2, 'f32'),
    edges: [[0.1, F32_MAX]],
    flaws: [[[0, 1e39], /\[1\]: 1e\+39 is too large for f32$/]],
    values: fc.tuple(fc.float({ noNaN: true }), fc.float({ noNaN: true })),
    back: (value) => (value as number[]).map(Math.fround),
  },
  cells: {
    column: t.vec(5, 'i32'),
    edges: [[-2147483648, 2147483647, 0, 1, -1]],
    flaws: [[[0, 0, 0, 0, 2 ** 31], /\[4\]: 2147483648 is outside -2147483648 to 2147483647$/]],
    values: fc.tuple(...Array.from({ length: 5 }, () => fc.integer())),
  },
  struct: {
    column: t.struct({ y: t.f64(), kind: t.enum('a', 'b'), x: t.struct({ name: t.text(), n: t.int() }) }),
    edges: [
      { y: -0, kind: 'b', x: { name: LONG, n: 2 ** 53 - 1 } },
      { y: 1.5, kind: 'a', x: { name: 'n', n: -1 } },
    ],
    flaws: [
      [1, /1 is no object$/],
      [[], /\[\] is no object$/],
      [{ y: 1, kind: 'a' }, /x: it is missing$/],
      [{ y: 1, kind: 'a', x: { name: '', n: 0.5 } }, /x: n: 0\.5 is no whole number$/],
      [{ y: 1, kind: 'a', x: { name: '', n: 1 }, z: 1 }, /'z' is no column \(there are: kind, x, y\)$/],
    ],
    values: object({
      y: fc.double({ noNaN: true }),
      kind: fc.constantFrom('a', 'b'),
      x: object({ name: texts, n: fc.maxSafeInteger() }),
    }),
  },
  list: {
    column: t.list(t.u16()),
    edges: [[], [0, 65535], Array.from({ length: 500 }, (_, i) => i)],
    flaws: [
      [new Uint16Array(1), /is no array$/],
      [[1, 65536], /\[1\]: 65536 is outside 0 to 65535$/],
      [[null], /\[0\]: null is refused/],
    ],
    values: fc.array(fc.nat(65535), { maxLength: 5 }),
  },
  lists: {
    column: t.list(
      t.struct({
        tags: t.list(t.text()),
        at: t.vec(2),
        big: t.u64(),
        on: t.bool(),
        any: t.json(),
        raw: t.bytes(),
      }),
    ),
    edges: [
      [],
      [{ tags: ['', 'é'], at: [1, -0], big: 3n, on: false, any: [], raw: Uint8Array.of(2) }],
      [
        {
          tags: ['', LONG],
          at: [-0, 1],
          big: 2n ** 64n - 1n,
          on: true,
          any: { a: [] },
          raw: Uint8Array.of(1),
        },
      ],
    ],
    flaws: [
      [
        [{ tags: [1], at: [0, 0], big: 0n, on: true, any: 1, raw: new Uint8Array() }],
        /\[0\]: tags: \[0\]: 1 is no text$/,
      ],
    ],
    values: fc.array(
      object({
        tags: fc.array(texts, { maxLength: 3 }),
        at: fc.tuple(fc.double({ noNaN: true }), fc.double({ noNaN: true })),
        big: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        on: fc.boolean(),
        any: fc.constantFrom(1, 'a', [true], { a: null }),
        raw: fc.uint8Array({ maxLength: 4 }),
      }),
      { maxLength: 3 },
    ),
  },
};

function optional(base: TypeCase): TypeCase {
  const { back } = base;
  return {
    column: (base.column as ReturnType<typeof t.u8>).optional(),
    edges: [...base.edges, null],
    flaws: base.flaws.filter(([value]) => value !== undefined && value !== null),
    values: fc.option(base.values, { nil: null }),
    ...(back === undefined ? {} : { back: (value: unknown) => (value === null ? null : back(value)) }),
  };
}

const REQUIRED = { ...NUMBERS, ...WORDS, ...NESTED };

/** Every column type, and every one of them optional under its name and `Maybe`. */
export const TYPES: { readonly [name: string]: TypeCase } = {
  ...REQUIRED,
  ...Object.fromEntries(Object.entries(REQUIRED).map(([name, base]) => [`${name}Maybe`, optional(base)])),
};

/** What comes back of a value stored in a column of {@link TYPES}. */
export const backOf = (name: string, value: unknown): unknown => TYPES[name]!.back?.(value) ?? value;

/** Rows of the given columns, drawn. */
export const rowsOf = (names: readonly string[]): fc.Arbitrary<{ [name: string]: unknown }> =>
  fc.record(Object.fromEntries(names.map((name) => [name, TYPES[name]!.values])));

/** A row as it comes back. */
export const backRow = (row: object): { [name: string]: unknown } =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, backOf(name, value)]));

const NOTHING: SchemaSpec = {
  name: 'fixture',
  version: 1,
  tick: '1 s',
  config: {},
  tables: { homes: table({ id: t.id() }).spec },
  events: {},
  inputs: {},
};

/** A compiled schema of some parts; the table `homes`, to which `ref` columns refer, is always there. */
export const compiled = (parts: Partial<SchemaSpec>): CompiledSchema =>
  compileSchema({ ...NOTHING, ...parts, tables: { ...NOTHING.tables, ...parts.tables } });

/** The specs of some columns of {@link TYPES}. */
export const specsNamed = (names: readonly string[]): ColumnSpecs =>
  Object.fromEntries(names.map((name) => [name, TYPES[name]!.column.spec]));

/** The layout of a kind with some columns of {@link TYPES}. */
export const kindOf = (names: readonly string[]) =>
  compiled({
    events: { seen: event(Object.fromEntries(names.map((name) => [name, TYPES[name]!.column]))).spec },
  }).kindOf.get('seen')!;
