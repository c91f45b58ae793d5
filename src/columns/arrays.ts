/**
 * Typed arrays by their declared names: making, growing, retiring and scanning them.
 */
import type { ArrayType } from '../schema/layout.ts';

/** Any array that stores fixed-width values. */
export type NumberArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;
/** Any array that stores 64-bit whole numbers. */
export type BigArray = BigUint64Array | BigInt64Array;
/** Any typed array of this project. */
export type FixedArray = NumberArray | BigArray;

interface ArrayClass {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): FixedArray;
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): FixedArray;
}

const CLASSES: { readonly [type in ArrayType]: ArrayClass } = {
  u8: Uint8Array,
  i8: Int8Array,
  u16: Uint16Array,
  i16: Int16Array,
  u32: Uint32Array,
  i32: Int32Array,
  u64: BigUint64Array,
  i64: BigInt64Array,
  f32: Float32Array,
  f64: Float64Array,
};

/** The class of an array type. */
export const arrayClass = (type: ArrayType): ArrayClass => CLASSES[type];

/** Bytes an element. */
export const bytesOf = (type: ArrayType): number => CLASSES[type].BYTES_PER_ELEMENT;

/** The bytes of a range of elements, without a copy. */
export const byteView = (data: FixedArray, from: number, to: number): Uint8Array =>
  new Uint8Array(
    data.buffer,
    data.byteOffset + from * data.BYTES_PER_ELEMENT,
    (to - from) * data.BYTES_PER_ELEMENT,
  );

/**
 * Takes the memory away from everyone who still holds views of an array that was replaced by a larger one: a
 * stale view then has length 0 and reads as undefined, so that it can't go on unnoticed.
 */
export function retire(data: FixedArray): void {
  if (data.buffer.byteLength === 0) return;
  structuredClone(data.buffer, { transfer: [data.buffer as ArrayBuffer] });
}

/** The first NaN in a range, or -1. */
export function findNaN(data: ArrayLike<unknown>, from: number, to: number): number {
  if (data instanceof Float64Array) return scan64(data, from, to);
  return data instanceof Float32Array ? scan32(data, from, to) : -1;
}

// One scan a kind of array: a loop that sees both is several times slower. A sum of sixteen is NaN when one
// of them is, and when infinities of both signs meet, which the second look tells apart.

function scan64(data: Float64Array, from: number, to: number): number {
  let i = from;
  for (; i + 16 <= to; i += 16) {
    const low = data[i]! + data[i + 1]! + data[i + 2]! + data[i + 3]!;
    const next = data[i + 4]! + data[i + 5]! + data[i + 6]! + data[i + 7]!;
    const third = data[i + 8]! + data[i + 9]! + data[i + 10]! + data[i + 11]!;
    const last = data[i + 12]! + data[i + 13]! + data[i + 14]! + data[i + 15]!;
    if (Number.isNaN(low + next + (third + last))) {
      const found = first(data, i, i + 16);
      if (found >= 0) return found;
    }
  }
  return first(data, i, to);
}

function scan32(data: Float32Array, from: number, to: number): number {
  let i = from;
  for (; i + 16 <= to; i += 16) {
    const low = data[i]! + data[i + 1]! + data[i + 2]! + data[i + 3]!;
    const next = data[i + 4]! + data[i + 5]! + data[i + 6]! + data[i + 7]!;
    const third = data[i + 8]! + data[i + 9]! + data[i + 10]! + data[i + 11]!;
    const last = data[i + 12]! + data[i + 13]! + data[i + 14]! + data[i + 15]!;
    if (Number.isNaN(low + next + (third + last))) {
      const found = first(data, i, i + 16);
      if (found >= 0) return found;
    }
  }
  return first(data, i, to);
}

function first(data: ArrayLike<number>, from: number, to: number): number {
  for (let i = from; i < to; i++) if (Number.isNaN(data[i])) return i;
  return -1;
}

/** Gives every NaN of a range the one bit pattern that is stored (quiet, positive, no payload). */
export function canonicalNaN(data: FixedArray, from: number, to: number): void {
  if (data instanceof Float64Array) {
    const words = new Uint32Array(data.buffer, data.byteOffset, data.length * 2);
    for (let i = from; i < to; i++)
      if (Number.isNaN(data[i])) {
        words[2 * i] = 0;
        words[2 * i + 1] = 0x7ff80000;
      }
  } else if (data instanceof Float32Array) {
    const words = new Uint32Array(data.buffer, data.byteOffset, data.length);
    for (let i = from; i < to; i++) if (Number.isNaN(data[i])) words[i] = 0x7fc00000;
  }
}
