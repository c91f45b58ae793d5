/**
 * Lists as parameters of a statement, in binary form.
 *
 * Owns the layout of one-dimensional arrays on the wire, as `array_recv` of PostgreSQL's
 * `src/backend/utils/adt/arrayfuncs.c` reads them: dimensions, a flag for nulls, the type of elements, then
 * size and lower bound, then each element after its length; whole numbers are big-endian. As text, bytes
 * would double.
 */
const HEADER_BYTES = 20;
const INT8_BYTES = 8;
const NULL = -1;
const HIGH = 2 ** 32;

/** The types of elements that rows are made of, as `pg_type` numbers them. */
export const ELEMENTS = { bool: 16, bytea: 17, int8: 20, text: 25, float8: 701 } as const;

/** The bytes of an element of a type that has a fixed size, its length included. */
export const FIXED_BYTES = { bool: 5, int8: 4 + INT8_BYTES, float8: 12 } as const;

/** An array that is filled one element after another, nulls among them. */
export class ArrayWriter {
  readonly #bytes: Buffer;
  #at = HEADER_BYTES;

  /** `bytes` is the room for all elements, with four for the length of each. */
  constructor(type: keyof typeof ELEMENTS, count: number, bytes: number) {
    this.#bytes = Buffer.allocUnsafeSlow(HEADER_BYTES + bytes);
    for (const [i, word] of [1, 0, ELEMENTS[type], count, 1].entries()) this.#bytes.writeInt32BE(word, 4 * i);
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

/** Whole numbers from 0 on as `bigint[]`. */
export function bigintArray(numbers: readonly number[]): Uint8Array {
  const into = new ArrayWriter('int8', numbers.length, numbers.length * FIXED_BYTES.int8);
  for (const number of numbers) into.whole(number);
  return into.done();
}

/** Pieces of bytes as an array of a type whose binary form they are. */
function arrayOf(type: 'bytea' | 'text', pieces: readonly Uint8Array[]): Uint8Array {
  let bytes = 0;
  for (const piece of pieces) bytes += 4 + piece.length;
  const into = new ArrayWriter(type, pieces.length, bytes);
  for (const piece of pieces) into.bytes(piece);
  return into.done();
}

/** Pieces of bytes as `bytea[]`. */
export const byteaArray = (pieces: readonly Uint8Array[]): Uint8Array => arrayOf('bytea', pieces);

/** Texts, as the bytes of their UTF-8, as `text[]`. */
export const textArray = (texts: readonly Uint8Array[]): Uint8Array => arrayOf('text', texts);
