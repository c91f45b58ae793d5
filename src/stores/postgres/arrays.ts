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
const NULL = -1;
const HIGH = 2 ** 32;

/** The types of elements that rows are made of, as `pg_type` numbers them. */
export const ELEMENTS = { bool: 16, bytea: BYTEA, int8: INT8, text: TEXT, float8: 701 } as const;

/** The bytes of an element of a type that has a fixed size, its length included. */
export const FIXED_BYTES = { bool: 5, int8: 4 + INT8_BYTES, float8: 12 } as const;

/** An array without its elements, which take `bytes`: they must all be written. */
function begin(type: number, count: number, bytes: number): Buffer {
  const array = Buffer.allocUnsafeSlow(HEADER_BYTES + bytes);
  array.writeInt32BE(1, 0);
  array.writeInt32BE(0, 4);
  array.writeInt32BE(type, 8);
  array.writeInt32BE(count, 12);
  array.writeInt32BE(1, 16);
  return array;
}

/** Whole numbers from 0 on as `bigint[]`. */
export function bigintArray(numbers: readonly number[]): Uint8Array {
  const array = begin(INT8, numbers.length, numbers.length * (4 + INT8_BYTES));
  let at = HEADER_BYTES;
  for (const number of numbers) {
    array.writeInt32BE(INT8_BYTES, at);
    array.writeUInt32BE(Math.floor(number / HIGH), at + 4);
    array.writeUInt32BE(number % HIGH, at + 8);
    at += 4 + INT8_BYTES;
  }
  return array;
}

/** Pieces of bytes as an array of a type whose binary form they are. */
function arrayOf(type: number, pieces: readonly Uint8Array[]): Uint8Array {
  let bytes = 0;
  for (const piece of pieces) bytes += 4 + piece.length;
  const array = begin(type, pieces.length, bytes);
  let at = HEADER_BYTES;
  for (const piece of pieces) {
    array.writeInt32BE(piece.length, at);
    array.set(piece, at + 4);
    at += 4 + piece.length;
  }
  return array;
}

/** Pieces of bytes as `bytea[]`. */
export const byteaArray = (pieces: readonly Uint8Array[]): Uint8Array => arrayOf(BYTEA, pieces);

/** Texts, as the bytes of their UTF-8, as `text[]`. */
export const textArray = (texts: readonly Uint8Array[]): Uint8Array => arrayOf(TEXT, texts);

/** An array that is filled one element after another, nulls among them. */
export class ArrayWriter {
  readonly #bytes: Buffer;
  #at = HEADER_BYTES;

  /** `bytes` is the room for all elements, with four for the length of each. */
  constructor(type: keyof typeof ELEMENTS, count: number, bytes: number) {
    this.#bytes = begin(ELEMENTS[type], count, bytes);
  }

  #length(bytes: number): void {
    this.#at = this.#bytes.writeInt32BE(bytes, this.#at);
  }

  null(): void {
    this.#bytes[7] = 1;
    this.#length(NULL);
  }

  bool(value: boolean): void {
    this.#length(1);
    this.#bytes[this.#at++] = value ? 1 : 0;
  }

  /** A whole number within ±2⁵³. */
  whole(value: number): void {
    this.#length(INT8_BYTES);
    const high = Math.floor(value / HIGH);
    this.#at = this.#bytes.writeInt32BE(high, this.#at);
    this.#at = this.#bytes.writeUInt32BE(value - high * HIGH, this.#at);
  }

  /** A whole number of 64 bits. */
  big(value: bigint): void {
    this.#length(INT8_BYTES);
    this.#at = this.#bytes.writeBigInt64BE(value, this.#at);
  }

  float(value: number): void {
    this.#length(8);
    this.#at = this.#bytes.writeDoubleBE(value, this.#at);
  }

  bytes(piece: Uint8Array): void {
    this.#length(piece.length);
    this.#bytes.set(piece, this.#at);
    this.#at += piece.length;
  }

  /** A text that has a UTF-8 form. */
  text(text: string): void {
    const written = this.#bytes.write(text, this.#at + 4, 'utf8');
    this.#length(written);
    this.#at += written;
  }

  /** The array. Nothing is written to it any more. */
  done(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }
}
