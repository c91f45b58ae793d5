import { beforeAll, describe, expect, it } from 'vitest';
import { hex } from './bytes.ts';
import { crc32, loadHash, xxh128 } from './hash.ts';
import { sha256 } from './platform.ts';
import { utf8 } from './text.ts';

/** The bytes over which the authors of xxHash publish their vectors. */
function sanityBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let generator = 2654435761n;
  for (let i = 0; i < length; i++) {
    bytes[i] = Number(generator >> 56n);
    generator = BigInt.asUintN(64, generator * 11400714785074694797n);
  }
  return bytes;
}

describe('XXH3-128', () => {
  it('asks to be loaded first', () => {
    expect(() => xxh128(new Uint8Array())).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  });

  describe('once loaded', () => {
    beforeAll(loadHash);

    it.each([
      [0, '99aa06d3014798d86001c324468d497f'],
      [1, 'a6cd5e9392000f6ac44bdff4074eecdb'],
      [6, '082afe0b8162d12a3e7039bdda43cfc6'],
      [12, '6e3efd8fc7802b18061a192713f69ad9'],
      [24, '0ce966e4678d37611e7044d28b1b901d'],
      [48, 'a002ac4e5478227ef942219aed80f67b'],
      [81, '4952f58181ab00425e8bafb9f95fb803'],
      [222, '337e09641b948717f1aebd597cec6b3a'],
      [403, '1b6de21e332dd73dcdeb804d65c6dea4'],
      [512, '18d2d110dcc9bca1617e49599013cb6b'],
      [2048, 'f736557fd47073a5dd59e2c3a5f038e0'],
      [2240, 'ccb134fbfa7ce49d6e73a90539cf2948'],
      [2367, 'e89c0f6ff369b427cb37aeb9e5d361ed'],
    ])('of %d bytes is the published one', (length, digest) => {
      expect(hex(xxh128(sanityBytes(length)))).toBe(digest);
    });

    it('hands out bytes of its own each time', () => {
      const first = xxh128(utf8('a'));
      const kept = hex(first);
      xxh128(utf8('b'));
      expect(hex(first)).toBe(kept);
    });

    it('reads a view by its own range, and more than one chunk of the kernel', () => {
      const bytes = sanityBytes(100_000);
      expect(xxh128(bytes.subarray(17, 90_000))).toEqual(xxh128(bytes.slice(17, 90_000)));
    });
  });
});

describe('CRC-32', () => {
  it.each([
    ['', 0],
    ['123456789', 0xcbf43926],
    ['The quick brown fox jumps over the lazy dog', 0x414fa339],
  ])('of %j is the published one', (text, value) => {
    expect(crc32(utf8(text))).toBe(value);
    expect(crc32(utf8(`xy${text}z`), 2, 2 + text.length)).toBe(value);
  });
});

describe('SHA-256', () => {
  it.each([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ])('of %j is the published one', (text, digest) => {
    expect(hex(sha256(utf8(text)))).toBe(digest);
  });
});
