/**
 * A growing buffer to write bytes into, and a checked reader of bytes.
 *
 * Little-endian throughout. Lengths and counts are unsigned LEB128 varints up to 2^53 − 1. The reader refuses
 * to read past its end (`CORRUPT`), so that cut bytes are named and never read as zeros.
 */
import { fail } from './errors.ts';
import { fromUtf8, utf8 } from './text.ts';

if (new Uint8Array(new Uint16Array([1]).buffer)[0] !== 1)
  fail('INTERNAL', 'worldfold needs a little-endian machine: the bytes in memory are the bytes on disk');

/** Appends to a buffer that doubles. `take` hands out a copy; the writer is then used again. */
export class ByteWriter {
  bytes: Uint8Array;
  length = 0;

  constructor(capacity = 1024) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Makes room for `more` bytes. */
  reserve(more: number): void {
    const need = this.length + more;
    if (need <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(need, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  /** One byte. */
  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** Four bytes, little-endian. */
  u32(value: number): void {
    this.reserve(4);
    const { bytes } = this;
    bytes[this.length++] = value & 255;
    bytes[this.length++] = (value >>> 8) & 255;
    bytes[this.length++] = (value >>> 16) & 255;
    bytes[this.length++] = value >>> 24;
  }

  /** An unsigned LEB128 number: a whole number from 0 to 2^53 − 1. */
  varint(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest >= 128) {
      this.bytes[this.length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.bytes[this.length++] = rest;
  }

  /** The bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** A text as its length in bytes and its UTF-8. */
  text(text: string): void {
    if (text.length < 32 && this.ascii(text)) return;
    const bytes = utf8(text);
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** Short names are nearly always ASCII: written without the encoder, or not at all. */
  private ascii(text: string): boolean {
    this.reserve(text.length + 1);
    const at = this.length + 1;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) return false;
      this.bytes[at + i] = code;
    }
    this.bytes[this.length] = text.length;
    this.length = at + text.length;
    return true;
  }

  /** A 64-bit float. */
  f64(value: number): void {
    this.reserve(8);
    new DataView(this.bytes.buffer).setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** Zeros up to a multiple of `step`, counted from the start of the buffer. */
  align(step: number): void {
    const pad = (step - (this.length % step)) % step;
    this.reserve(pad);
    this.bytes.fill(0, this.length, this.length + pad);
    this.length += pad;
  }

  /** A copy of all that was written; the writer is empty afterwards. */
  take(): Uint8Array {
    const taken = this.bytes.slice(0, this.length);
    this.length = 0;
    return taken;
  }
}

/** Reads what a {@link ByteWriter} wrote. Positions are counted from the start of `bytes`. */
export class ByteReader {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    // A Node Buffer's `slice` shares memory where a Uint8Array's copies: everything read is read as the
    // latter.
    this.bytes =
      bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = at;
    this.end = end;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.end - this.at;
  }

  /** Steps over `count` bytes and returns where they begin. */
  skip(count: number): number {
    const at = this.at;
    if (count > this.end - at)
      fail('CORRUPT', 'stored bytes end too early', { at, wanted: count, left: this.end - at });
    this.at = at + count;
    return at;
  }

  /** One byte. */
  u8(): number {
    return this.bytes[this.skip(1)]!;
  }

  /** Four bytes, little-endian. */
  u32(): number {
    const at = this.skip(4);
    const { bytes } = this;
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
  }

  /** An unsigned LEB128 number; more than 2^53 − 1 is `CORRUPT`. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.u8();
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      scale *= 128;
    }
    return fail('CORRUPT', 'a stored number is too large', { at: this.at });
  }

  /** A view of the next `count` bytes. */
  raw(count: number): Uint8Array {
    const at = this.skip(count);
    return this.bytes.subarray(at, at + count);
  }

  /** A text. */
  text(): string {
    return fromUtf8(this.raw(this.varint()));
  }

  /** A 64-bit float. */
  f64(): number {
    const at = this.skip(8);
    return new DataView(this.bytes.buffer, this.bytes.byteOffset).getFloat64(at, true);
  }

  /** Steps to a multiple of `step`; padding that is not zero is `CORRUPT`. */
  align(step: number): void {
    const pad = (step - (this.at % step)) % step;
    for (const byte of this.raw(pad)) if (byte !== 0) fail('CORRUPT', 'padding is not zero', { at: this.at });
  }
}

/**
 * What so many reads give. A count that is too large ends where the bytes end, before there is room for it.
 */
export function repeat<T>(count: number, read: () => T): T[] {
  const made: T[] = [];
  for (let i = 0; i < count; i++) made.push(read());
  return made;
}

/** Whether two byte strings are equal. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

/** Lower-case hexadecimal digits, two a byte. */
export function hex(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += HEX[bytes[i]!];
  return text;
}

/** The bytes of hexadecimal digits. */
export const fromHex = (text: string): Uint8Array =>
  Uint8Array.from({ length: text.length >> 1 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
