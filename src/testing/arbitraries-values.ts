/**
 * Values for columns: edges that have broken codecs before, and values by dice.
 *
 * Owns what both kinds of generators share. Dice are for code that runs inside a tick, where every choice
 * must come from recorded draws or from the event at hand; the arbitraries of `arbitraries.ts` are for what
 * happens outside.
 */
import type { ColumnLayout, NumberValue, ValueType } from '../schema/layout.ts';

/** Choices: a whole number from 0 to n − 1. */
export interface Dice {
  below(n: number): number;
}

/** One of the values. */
export const pickOf = <T>(dice: Dice, from: ArrayLike<T>): T => from[dice.below(from.length)]!;

const MAX_F32 = 3.4028234663852886e38;
const WIDE = [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, -(2 ** 31), -1, 0, -0, 1, 127, 128, 255, 256, 32767, 65535];
const INT = [...WIDE, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 32, -129, -32769];
const F32 = [
  0,
  -0,
  1.5,
  0.1,
  16_777_217,
  MAX_F32,
  -MAX_F32,
  1e-45,
  1.1754943508222875e-38,
  Infinity,
  -Infinity,
];
const F64 = [
  0,
  -0,
  0.1,
  2 ** 53,
  2 ** 53 + 2,
  -1e300,
  Number.MIN_VALUE,
  Number.MAX_VALUE,
  Infinity,
  -Infinity,
];
const BIG = [0n, 1n, -1n, 2n ** 31n, 2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n, -(2n ** 63n)];

/**
 * Texts that have broken codecs before: empty, long, of one to four bytes a character, byte order mark,
 * quotes.
 */
export const EDGE_TEXTS: readonly string[] = [
  '',
  'a',
  'é',
  '漢字',
  '😀',
  'e\u0301',
  '\ufeffbom',
  '\uffff',
  '\u{10ffff}',
  '\r\n\t\u001f"\\\'',
  '1:a|2:b',
  '__proto__',
  'constructor',
  '-0',
  'long '.repeat(80),
];

const EDGE_BYTES: readonly Uint8Array[] = [
  new Uint8Array(0),
  Uint8Array.of(0),
  Uint8Array.of(255, 0, 128, 10, 13),
  Uint8Array.from({ length: 300 }, (_, i) => i & 255),
];

// Parsed, because a literal can't hold a key called __proto__.
const EDGE_JSON: readonly unknown[] = [
  '{}',
  '[]',
  '""',
  '0',
  '-0',
  'true',
  '1e300',
  '{"__proto__":{"a":1},"10":1,"9":2}',
  '{"b":[null,{"a":"\\ud83d\\ude00"}],"a":-1.5}',
  '[[[["deep"]]]]',
].map((text) => JSON.parse(text));

const fitting = (edges: readonly number[], { min, max }: NumberValue): number[] =>
  edges.filter((value) => value >= min && value <= max);

function numberEdges(value: NumberValue): readonly number[] {
  const edges = value.array === 'f32' ? F32 : value.whole ? fitting(INT, value) : F64;
  return value.nan ? [...edges, Number.NaN] : edges;
}

/** The edge values of a type without parts; empty for those that have parts. */
export function edgesOf(value: ValueType): readonly unknown[] {
  switch (value.kind) {
    case 'number':
      return numberEdges(value);
    case 'big':
      return BIG.filter((n) => (value.array === 'u64' ? BigInt.asUintN(64, n) : BigInt.asIntN(64, n)) === n);
    case 'bool':
      return [false, true];
    case 'enum':
      return [value.names[0], value.names.at(-1), value.names[value.names.length >> 1]];
    case 'text':
      return EDGE_TEXTS;
    case 'bytes':
      return EDGE_BYTES;
    case 'json':
      return EDGE_JSON;
    default:
      return [];
  }
}

/** The elements of a vec, as a column of their own would be. */
export const vecElement = ({ array }: { readonly array: 'f32' | 'f64' | 'i32' }): NumberValue => ({
  kind: 'number',
  array,
  whole: array === 'i32',
  min: array === 'i32' ? -(2 ** 31) : -Infinity,
  max: array === 'i32' ? 2 ** 31 - 1 : Infinity,
  nan: false,
});

/** Values from a small range, so that keys meet; or an edge. */
function drawLeaf(dice: Dice, value: ValueType): unknown {
  if (dice.below(3) === 0) return pickOf(dice, edgesOf(value));
  switch (value.kind) {
    case 'number': {
      const least = Math.max(value.min, -2);
      const whole = least + dice.below(10);
      return value.whole ? whole : (whole + dice.below(4) / 4) * (value.array === 'f32' ? 1 : 1.1);
    }
    case 'big':
      return BigInt(dice.below(8));
    case 'bool':
      return dice.below(2) === 1;
    case 'enum':
      return pickOf(dice, value.names);
    case 'text':
      return `k${dice.below(8)}`;
    case 'bytes':
      return Uint8Array.from({ length: dice.below(6) }, () => dice.below(256));
    default:
      return { n: dice.below(5), tags: Array.from({ length: dice.below(3) }, () => `t${dice.below(3)}`) };
  }
}

/** A value that fits a type. */
export function drawValue(dice: Dice, value: ValueType): unknown {
  switch (value.kind) {
    case 'vec':
      return Array.from({ length: value.size }, () => drawLeaf(dice, vecElement(value)));
    case 'list':
      return Array.from({ length: dice.below(4) }, () => drawValue(dice, value.of.value));
    case 'struct':
      return Object.fromEntries(value.fields.map((field) => [field.name, drawValue(dice, field.value)]));
    default:
      return drawLeaf(dice, value);
  }
}

/** A value that fits a column: null now and then where it may be. */
export const drawCell = (dice: Dice, { optional, value }: ColumnLayout): unknown =>
  optional && dice.below(3) === 0 ? null : drawValue(dice, value);
