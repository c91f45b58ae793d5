import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter, fromHex, hex, sameBytes } from './bytes.ts';

const CORRUPT = expect.objectContaining({ code: 'CORRUPT' });
const written = (write: (w: ByteWriter) => void, capacity?: number): Uint8Array => {
  const writer = new ByteWriter(capacity);
  write(writer);
  return writer.take();
};

describe('varints', () => {
  it.each([
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [16383, 'ff7f'],
    [2 ** 31, '8080808008'],
    [2 ** 32, '8080808010'],
    [Number.MAX_SAFE_INTEGER, 'ffffffffffffff0f'],
  ])('writes %d as %s', (value, digits) => {
    expect(hex(written((w) => w.varint(value)))).toBe(digits);
    expect(new ByteReader(fromHex(digits)).varint()).toBe(value);
  });

  it('comes back up to 2^53 − 1', () => {
    fc.assert(
      fc.property(fc.array(fc.maxSafeNat()), (values) => {
        const reader = new ByteReader(written((w) => values.forEach((v) => void w.varint(v)), 0));
        expect(values.map(() => reader.varint())).toEqual(values);
        expect(reader.left).toBe(0);
      }),
    );
  });

  it.each(['ffffffffffffff10', 'ffffffffffffffff01', '80'])('refuses %s', (digits) => {
    expect(() => new ByteReader(fromHex(digits)).varint()).toThrow(CORRUPT);
  });
});

const PARTS = fc.oneof(
  fc.record({ u8: fc.nat(255) }),
  fc.record({ u32: fc.nat(0xffffffff) }),
  fc.record({ f64: fc.double() }),
  fc.record({ text: fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constant('é'.repeat(40))) }),
  fc.record({ raw: fc.uint8Array() }),
  fc.record({ align: fc.constantFrom(1, 2, 4, 8) }),
);
type Part = typeof PARTS extends fc.Arbitrary<infer P> ? P : never;

function write(writer: ByteWriter, part: Part): void {
  if ('u8' in part) writer.u8(part.u8);
  else if ('u32' in part) writer.u32(part.u32);
  else if ('f64' in part) writer.f64(part.f64);
  else if ('text' in part) writer.text(part.text);
  else if ('raw' in part) {
    writer.varint(part.raw.length);
    writer.raw(part.raw);
  } else writer.align(part.align);
}

function read(reader: ByteReader, part: Part): Part {
  if ('u8' in part) return { u8: reader.u8() };
  if ('u32' in part) return { u32: reader.u32() };
  if ('f64' in part) return { f64: reader.f64() };
  if ('text' in part) return { text: reader.text() };
  if ('raw' in part) return { raw: reader.raw(reader.varint()).slice() };
  reader.align(part.align);
  return part;
}

describe('bytes', () => {
  it('come back as they were written, from any place in a larger buffer', () => {
    fc.assert(
      fc.property(fc.array(PARTS), fc.nat(9), (parts, before) => {
        const bytes = written((w) => parts.forEach((part) => void write(w, part)), 0);
        const larger = new Uint8Array(before + bytes.length + 3);
        larger.set(bytes, before);
        const reader = new ByteReader(larger.subarray(before), 0, bytes.length);
        expect(parts.map((part) => read(reader, part))).toEqual(parts);
        expect(reader.at).toBe(bytes.length);
      }),
    );
  });

  it('L12: are named when they are cut, at every length', () => {
    const parts: Part[] = [
      { u8: 7 },
      { u32: 2 ** 32 - 1 },
      { f64: -0 },
      { text: 'längere Wörter' },
      { u8: 1 },
    ];
    const bytes = written((w) => parts.forEach((part) => void write(w, part)));
    for (let end = 0; end < bytes.length; end++) {
      const reader = new ByteReader(bytes, 0, end);
      expect(() => parts.forEach((part) => void read(reader, part))).toThrow(CORRUPT);
    }
  });

  it('refuses padding that is not zero, and text that is no UTF-8', () => {
    expect(() => {
      const reader = new ByteReader(fromHex('01000100'));
      reader.u8();
      reader.align(4);
    }).toThrow(CORRUPT);
    expect(() => new ByteReader(fromHex('02c328')).text()).toThrow(CORRUPT);
  });

  it('keeps a byte order mark, and long and short texts alike', () => {
    for (const text of ['\ufeffa', '', 'a'.repeat(31), 'a'.repeat(32), `${'a'.repeat(30)}é`])
      expect(new ByteReader(written((w) => w.text(text))).text()).toBe(text);
  });

  it('takes a copy and begins anew', () => {
    const writer = new ByteWriter(1);
    writer.u32(1);
    const first = writer.take();
    writer.u32(2);
    expect(hex(first)).toBe('01000000');
    expect(hex(writer.take())).toBe('02000000');
  });

  it('zeroes padding where older bytes lie', () => {
    const writer = new ByteWriter(8);
    writer.u32(0xffffffff);
    writer.length = 1;
    writer.align(4);
    expect(hex(writer.take())).toBe('ff000000');
  });

  it('reads a Buffer as plain bytes, whose slices are copies', () => {
    const buffer = Buffer.from([1, 2, 3, 4]);
    const raw = new ByteReader(buffer).raw(4);
    const slice = raw.slice();
    buffer[0] = 9;
    expect(raw[0]).toBe(9);
    expect(slice[0]).toBe(1);
  });

  it('has hexadecimal digits both ways, and compares by content', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromHex(hex(bytes))).toEqual(bytes);
      }),
    );
    expect(sameBytes(fromHex('0102'), fromHex('0102'))).toBe(true);
    expect(sameBytes(fromHex('0102'), fromHex('0103'))).toBe(false);
    expect(sameBytes(fromHex('0102'), fromHex('01'))).toBe(false);
  });
});
