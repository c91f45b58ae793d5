import fc from 'fast-check';
import { createXXHash128, type IHasher } from 'hash-wasm';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { hex } from './bytes.ts';
import { crc32, loadHash, xxh128, xxh128Into, xxh128Leaves } from './hash.ts';
import { INPUT_BYTES } from './hash-kernel.ts';
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

/** Bytes that look like nothing in particular, begun at any place of a longer buffer. */
function noise(length: number, seed: number, offset = 0): Uint8Array {
  const bytes = new Uint8Array(offset + length);
  let state = (seed ^ 0x9e3779b9) | 0;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes.subarray(offset);
}

describe('the kernel and another implementation', () => {
  let other: IHasher;
  beforeAll(async () => {
    await loadHash();
    other = await createXXHash128();
  });
  const expected = (bytes: Uint8Array): string => other.init().update(bytes).digest('hex');

  it('agree on every length up to a leaf and beyond', () => {
    const bytes = noise(4200, 1);
    for (let length = 0; length <= bytes.length; length++) {
      const part = bytes.subarray(bytes.length - length);
      expect([length, hex(xxh128(part))]).toEqual([length, expected(part)]);
    }
  });

  it('agree around the ends of pieces', () => {
    const bytes = noise(2 * INPUT_BYTES + 1200, 2);
    for (const pieces of [1, 2])
      for (const more of [-1025, -1024, -65, -64, -1, 0, 1, 2, 63, 64, 65, 240, 241, 1023, 1024, 1025]) {
        const part = bytes.subarray(0, pieces * INPUT_BYTES + more);
        expect([pieces, more, hex(xxh128(part))]).toEqual([pieces, more, expected(part)]);
      }
  });

  it('agree on any bytes, wherever they begin', () => {
    const lengths = fc.oneof(fc.nat(300), fc.nat(5000), fc.nat(1 << 20));
    fc.assert(
      fc.property(lengths, fc.integer(), fc.nat(70), (length, seed, offset) => {
        const bytes = noise(length, seed, offset);
        expect(hex(xxh128(bytes))).toBe(expected(bytes));
      }),
      { numRuns: 200, examples: [[1 << 20, 3, 1]] },
    );
  });

  it('agree on bytes of one kind', () => {
    for (const byte of [0, 1, 127, 128, 255])
      for (const length of [1, 3, 4, 8, 9, 16, 17, 128, 129, 240, 241, 1024, 1025, 4096, 200_000]) {
        const bytes = new Uint8Array(length).fill(byte);
        expect(hex(xxh128(bytes))).toBe(expected(bytes));
      }
  });
});

describe('leaves', () => {
  beforeAll(loadHash);

  it('are hashed each by itself, in the place that is named', () => {
    const sizes = fc.oneof(fc.integer({ min: 1, max: 600 }), fc.constantFrom(3072, 4000, 4096, 8000));
    fc.assert(
      fc.property(sizes, fc.nat(300_000), fc.nat(3), fc.nat(9), (size, length, at, offset) => {
        const bytes = noise(length, size, offset);
        const leaves = Math.ceil(length / size);
        const out = new Uint8Array((at + leaves + 1) * 16).fill(7);
        xxh128Leaves(bytes, size, null, out, at * 16);
        const one = new Uint8Array(out.length).fill(7);
        for (let leaf = 0; leaf < leaves; leaf++)
          xxh128Into(bytes.subarray(leaf * size, (leaf + 1) * size), one, (at + leaf) * 16);
        expect(hex(out)).toBe(hex(one));
        if (leaves > 0)
          expect(hex(out.subarray(at * 16, at * 16 + 16))).toBe(hex(xxh128(bytes.subarray(0, size))));
      }),
      { numRuns: 60 },
    );
  });

  it('may be longer than a piece', () => {
    const size = INPUT_BYTES + 4096;
    const bytes = noise(3 * size + 5, 5);
    const out = new Uint8Array(64);
    xxh128Leaves(bytes, size, null, out, 0);
    for (const leaf of [0, 1, 2, 3])
      expect(hex(out.subarray(leaf * 16, leaf * 16 + 16))).toBe(
        hex(xxh128(bytes.subarray(leaf * size, (leaf + 1) * size))),
      );
  });
});

describe('NaN', () => {
  beforeAll(loadHash);

  /** Bits of a NaN of any kind, and of what is none but near. */
  const words32 = fc.oneof(
    fc.integer({ min: 0x7f800001, max: 0x7fffffff }),
    fc.integer({ min: 0xff800001, max: 0xffffffff }),
    fc.constantFrom(0x7f800000, 0xff800000, 0x80000000, 0, 1, 0x3f800000),
  );
  const words64 = fc.oneof(
    fc.bigInt({ min: 0x7ff0000000000001n, max: 0x7fffffffffffffffn }),
    fc.bigInt({ min: 0xfff0000000000001n, max: 0xffffffffffffffffn }),
    fc.constantFrom(0x7ff0000000000000n, 0xfff0000000000000n, 1n << 63n, 0n, 1n, 0x3ff0000000000000n),
  );
  const places = fc.array(fc.tuple(fc.nat(), fc.nat(5)), { maxLength: 6 });

  /** Fills a view with ones but for some words; what stands before and after it is NaN and must stay. */
  function check(
    floats: 'f32' | 'f64',
    made: Uint32Array | BigUint64Array,
    size: number,
    values: Float32Array | Float64Array,
    canonical: number | bigint,
  ): void {
    const bytes = new Uint8Array(made.buffer, made.byteOffset, made.byteLength);
    const whole = new Uint8Array(made.buffer).slice();
    const wanted = Array.from(made as ArrayLike<number | bigint>, (word, i) =>
      Number.isNaN(values[i]) ? canonical : word,
    );
    const out = new Uint8Array(Math.ceil(bytes.length / size) * 16);
    xxh128Leaves(bytes, size, floats, out, 0);
    expect(Array.from(made as ArrayLike<number | bigint>)).toEqual(wanted);
    const again = new Uint8Array(out.length);
    xxh128Leaves(bytes.slice(), size, null, again, 0);
    expect(hex(out)).toBe(hex(again));
    const now = new Uint8Array(made.buffer);
    expect(hex(now.subarray(0, made.byteOffset))).toBe(hex(whole.subarray(0, made.byteOffset)));
    const end = made.byteOffset + made.byteLength;
    expect(hex(now.subarray(end))).toBe(hex(whole.subarray(end)));
  }

  it('of any bits in f32 is given one, where it stands and nowhere else', () => {
    fc.assert(
      fc.property(
        fc.nat(40_000),
        fc.array(words32, { minLength: 6, maxLength: 6 }),
        places,
        (length, words, at) => {
          const all = new Uint32Array(length + 8).fill(0xffffffff);
          const made = all.subarray(3, 3 + length).fill(0x3f800000);
          for (const [place, i] of at) if (length > 0) made[place % length] = words[i]!;
          check('f32', made, 4096, new Float32Array(all.buffer, 12, length), 0x7fc00000);
        },
      ),
      {
        examples: [
          [
            35_000,
            [0x7f800001, 0xffffffff, 0, 0, 0, 0],
            [
              [34_999, 0],
              [0, 1],
            ],
          ],
        ],
      },
    );
  });

  it('of any bits in f64 is given one, in leaves of any size', () => {
    const sizes = fc.constantFrom(24, 4096, 3072, INPUT_BYTES + 1024);
    fc.assert(
      fc.property(
        fc.nat(20_000),
        fc.array(words64, { minLength: 6, maxLength: 6 }),
        places,
        sizes,
        (length, words, at, size) => {
          const all = new BigUint64Array(length + 8).fill(0xffffffffffffffffn);
          const made = all.subarray(3, 3 + length).fill(0x3ff0000000000000n);
          for (const [place, i] of at) if (length > 0) made[place % length] = words[i]!;
          check('f64', made, size, new Float64Array(all.buffer, 24, length), 0x7ff8000000000000n);
        },
      ),
      {
        examples: [
          [20_000, [0x7ff0000000000001n, 0xffffffffffffffffn, 0n, 0n, 0n, 0n], [[19_999, 0]], 4096],
          [
            20_000,
            [0x7ff0000000000001n, 0xffffffffffffffffn, 0n, 0n, 0n, 0n],
            [[16_383, 1]],
            INPUT_BYTES + 1024,
          ],
        ],
      },
    );
  });
});

describe('a platform that can not run the kernel', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });
  const broken = { instantiate: () => Promise.reject(new SyntaxError('no vectors here')) };

  it.each([
    ['without WebAssembly', undefined],
    ['without vectors', broken],
  ])('%s is told of', async (_, given) => {
    vi.resetModules();
    vi.stubGlobal('WebAssembly', given);
    const fresh = await import('./hash.ts');
    await expect(fresh.loadHash()).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      hint: expect.stringMatching(/WebAssembly with 128-bit vectors/),
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
