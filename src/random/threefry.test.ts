import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Block, parityOf, threefry } from './threefry.ts';

type Words = readonly [number, number, number, number];

function blockOf(counter: Words, key: Words): string {
  const out: Block = { w0: 0, w1: 0, w2: 0, w3: 0 };
  const [k0, k1, k2, k3] = key;
  threefry({ k0, k1, k2, k3, k4: parityOf(...key) }, ...counter, out);
  return hex([out.w0, out.w1, out.w2, out.w3]);
}

const hex = (words: readonly number[]): string =>
  words.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join(' ');

/**
 * The definition of the paper in 64-bit arithmetic: a loop over rounds that shares nothing with the module.
 */
function byDefinition(counter: Words, key: Words): string {
  const turns = [10, 26, 11, 21, 13, 27, 23, 5, 6, 20, 17, 11, 25, 10, 18, 20];
  const mask = 0xffffffffn;
  const k = key.map((word) => BigInt(word >>> 0));
  k.push(k.reduce((parity, word) => parity ^ word, 0x1bd11bdan));
  let x = counter.map((word, i) => (BigInt(word >>> 0) + k[i]!) & mask);
  for (let round = 0; round < 20; round++) {
    for (const pair of [0, 2]) {
      const by = BigInt(turns[2 * (round % 8) + pair / 2]!);
      const sum = (x[pair]! + x[pair + 1]!) & mask;
      const turned = ((x[pair + 1]! << by) | (x[pair + 1]! >> (32n - by))) & mask;
      x[pair] = sum;
      x[pair + 1] = turned ^ sum;
    }
    x = [x[0]!, x[3]!, x[2]!, x[1]!];
    if (round % 4 === 3) {
      const s = (round + 1) / 4;
      x = x.map((word, i) => (word + k[(s + i) % 5]! + (i === 3 ? BigInt(s) : 0n)) & mask);
    }
  }
  return hex(x.map(Number));
}

test.each([
  { counter: [0, 0, 0, 0], key: [0, 0, 0, 0], block: '9c6ca96a e17eae66 fc10ecd4 5256a7d8' },
  { counter: [-1, -1, -1, -1], key: [-1, -1, -1, -1], block: '2a881696 57012287 f6c7446e a16a6732' },
  {
    counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    key: [0xa4093822, 0x299f31d0, 0x082efa98, 0xec4e6c89],
    block: '59cd1dbb b8879579 86b5d00c ac8b6d84',
  },
] as { counter: Words; key: Words; block: string }[])('L15: known answer of Random123: $block', (known) => {
  expect(blockOf(known.counter, known.key)).toBe(known.block);
  expect(byDefinition(known.counter, known.key)).toBe(known.block);
});

test('L15: every block is that of the definition, for signed and unsigned words', () => {
  const word = fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 });
  const words = fc.tuple(word, word, word, word);
  fc.assert(
    fc.property(words, words, (counter, key) => {
      expect(blockOf(counter, key)).toBe(byDefinition(counter, key));
    }),
  );
});
