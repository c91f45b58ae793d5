import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, byteView, canonicalNaN, findNaN, retire } from './arrays.ts';

describe('looking for NaN', () => {
  const value = fc.oneof(
    { weight: 40, arbitrary: fc.constantFrom(1, -0, Number.MAX_VALUE, -Number.MAX_VALUE) },
    { weight: 4, arbitrary: fc.constantFrom(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY) },
    { weight: 1, arbitrary: fc.constant(Number.NaN) },
  );

  it.each([Float64Array, Float32Array])('finds the first in any range, among infinities too (%o)', (Kind) => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 70, size: 'max' }), fc.nat(70), fc.nat(70), (values, a, b) => {
        const data = Kind.from(values);
        const [from, to] = [Math.min(a, b, values.length), Math.min(Math.max(a, b), values.length)];
        const inside = values.slice(from, to).findIndex(Number.isNaN);
        expect(findNaN(data, from, to)).toBe(inside < 0 ? -1 : from + inside);
      }),
      { numRuns: 500 },
    );
  });

  it.each([Float64Array, Float32Array])('is found at every place of %o', (Floats) => {
    for (let at = 0; at < 50; at++) {
      const data = new Floats(50);
      data[at] = Number.NaN;
      expect(findNaN(data, 0, 50)).toBe(at);
      expect(findNaN(data, 0, at)).toBe(-1);
      expect(findNaN(data, at, 50)).toBe(at);
      expect(findNaN(data, at + 1, 50)).toBe(-1);
    }
  });

  it('finds none where there can be none', () => {
    expect(findNaN(Uint8Array.of(1, 2), 0, 2)).toBe(-1);
    expect(findNaN(BigInt64Array.of(1n), 0, 1)).toBe(-1);
  });
});

describe('the one NaN', () => {
  it('is written in the range and nowhere else, in views at any place', () => {
    const buffer = new ArrayBuffer(48);
    new BigUint64Array(buffer).fill(0xfff0_0000_0000_0001n);
    const data = new Float64Array(buffer, 8, 4);
    data[1] = 5;
    canonicalNaN(data, 0, 3);
    expect([...new BigUint64Array(buffer)]).toEqual([
      0xfff0_0000_0000_0001n,
      0x7ff8_0000_0000_0000n,
      0x4014_0000_0000_0000n,
      0x7ff8_0000_0000_0000n,
      0xfff0_0000_0000_0001n,
      0xfff0_0000_0000_0001n,
    ]);
    const singles = new Float32Array(new Uint32Array([0xffc0_0001, 0x7f80_0001, 0xffff_ffff]).buffer);
    canonicalNaN(singles, 0, 2);
    expect([...new Uint32Array(singles.buffer)]).toEqual([0x7fc0_0000, 0x7fc0_0000, 0xffff_ffff]);
  });
});

it('arrays know their width, lend their bytes, and are taken away', () => {
  const data = Uint16Array.of(1, 2, 3);
  expect(bytesOf('u16')).toBe(2);
  expect([...byteView(data, 1, 3)]).toEqual([2, 0, 3, 0]);
  retire(data);
  expect([data.length, data[0]]).toEqual([0, undefined]);
  expect(() => retire(data)).not.toThrow();
});
