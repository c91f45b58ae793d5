import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES, cut, pack, unpack } from './blocks.ts';
import { shuffle, unshuffle } from './shuffle.ts';

/** Planes by the definition: byte `byte` of number `i`. */
function planes(bytes: Uint8Array, width: number): Uint8Array {
  const count = Math.floor(bytes.length / width / 4) * 4;
  const made = bytes.slice();
  for (let i = 0; i < count; i++)
    for (let byte = 0; byte < width; byte++) made[byte * count + i] = bytes[i * width + byte]!;
  return made;
}

describe.each([4, 8] as const)('planes of numbers of %i bytes', (width) => {
  it('are what they are by definition, and the way back gives the numbers', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.infiniteStream(fc.nat(255)), (count, values) => {
        const bytes = Uint8Array.from({ length: count * width }, () => values.next().value as number);
        const made = shuffle(bytes, width);
        expect(made).toEqual(planes(bytes, width));
        const back = new Uint8Array(bytes.length);
        unshuffle(made, back, width);
        expect(back).toEqual(bytes);
      }),
    );
  });
});

const noise = (length: number): Uint8Array => {
  let state = 1;
  return Uint8Array.from({ length }, () => (state = Math.imul(state, 48271) >>> 0) >>> 24);
};

describe('blocks', () => {
  it.each([0, 8, 64, BLOCK_BYTES, BLOCK_BYTES + 24, 2 * BLOCK_BYTES])(
    'L4: %i bytes come back, of every width',
    async (length) => {
      for (const bytes of [new Uint8Array(length).fill(7), noise(length)])
        for (const width of [1, 2, 4, 8]) {
          const packed = await pack(cut(bytes, width));
          const into = new Uint8Array(length);
          const lengths = packed.map((block) => block.length);
          await unpack(Buffer.concat(packed), lengths, into, width, 'lane');
          expect(Buffer.compare(into, bytes)).toBe(0);
        }
    },
  );

  it('what can not be compressed is stored as it is, and the rest becomes short', async () => {
    const lengths = async (bytes: Uint8Array) => (await pack(cut(bytes, 4))).map(({ length }) => length);
    expect(await lengths(noise(1000))).toEqual([1000]);
    const counted = new Uint8Array(Uint32Array.from({ length: 300_000 }, (_, i) => i).buffer);
    const [first = 0, second = 0] = await lengths(counted);
    expect(first + second).toBeLessThan(counted.length / 4);
  });

  it('are copies: what is written meanwhile does not reach them', async () => {
    for (const width of [1, 2, 4, 8]) {
      const bytes = new Uint8Array(256).fill(3);
      const blocks = cut(bytes, width);
      bytes.fill(9);
      expect(blocks).toEqual([new Uint8Array(256).fill(3)]);
    }
  });

  it('L12: lengths that do not fit are CORRUPT', async () => {
    const blocks = await pack(cut(new Uint8Array(500), 1));
    const stored = Buffer.concat(blocks);
    const tried = (lengths: number[], size: number) =>
      unpack(stored, lengths, new Uint8Array(size), 1, 'lane').catch((e) => e.code);
    expect(await tried([stored.length], 500)).toBe(undefined);
    for (const size of [499, 501]) expect(await tried([stored.length], size)).toBe('CORRUPT');
    for (const lengths of [[stored.length - 1], [1, stored.length - 1], []])
      expect(await tried(lengths, 500)).toBe('CORRUPT');
  });
});
