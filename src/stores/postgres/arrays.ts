/**
 * Lists as parameters of a statement, in binary form.
 *
 * Owns the layout of one-dimensional arrays on the wire, as `array_recv` of PostgreSQL's
 * `src/backend/utils/adt/arrayfuncs.c` reads them: dimensions, a flag for nulls, the type of elements, then
 * size and lower bound, then each element after its length; whole numbers are big-endian. As text, bytes
 * would double.
 */
const INT8 = 20;
const BYTEA = 17;
const TEXT = 25;
const HEADER_BYTES = 20;
const INT8_BYTES = 8;

function begin(type: number, count: number, bytes: number): { array: Uint8Array; view: DataView } {
  const array = new Uint8Array(HEADER_BYTES + bytes);
  const view = new DataView(array.buffer);
  view.setInt32(0, 1);
  view.setInt32(4, 0);
  view.setInt32(8, type);
  view.setInt32(12, count);
  view.setInt32(16, 1);
  return { array, view };
}

/** Whole numbers from 0 on as `bigint[]`. */
export function bigintArray(numbers: readonly number[]): Uint8Array {
  const { array, view } = begin(INT8, numbers.length, numbers.length * (4 + INT8_BYTES));
  let at = HEADER_BYTES;
  for (const number of numbers) {
    view.setInt32(at, INT8_BYTES);
    view.setUint32(at + 4, Math.floor(number / 2 ** 32));
    view.setUint32(at + 8, number % 2 ** 32);
    at += 4 + INT8_BYTES;
  }
  return array;
}

/** Pieces of bytes as an array of a type whose binary form they are. */
function arrayOf(type: number, pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = pieces.reduce((sum, piece) => sum + 4 + piece.length, 0);
  const { array, view } = begin(type, pieces.length, bytes);
  let at = HEADER_BYTES;
  for (const piece of pieces) {
    view.setInt32(at, piece.length);
    array.set(piece, at + 4);
    at += 4 + piece.length;
  }
  return array;
}

/** Pieces of bytes as `bytea[]`. */
export const byteaArray = (pieces: readonly Uint8Array[]): Uint8Array => arrayOf(BYTEA, pieces);

/** Texts, as the bytes of their UTF-8, as `text[]`. */
export const textArray = (texts: readonly Uint8Array[]): Uint8Array => arrayOf(TEXT, texts);
