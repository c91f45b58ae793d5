import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../base/platform.ts';
import * as portable from './index.ts';

type Name = keyof typeof portable;
const NAMES = Object.keys(portable).sort() as Name[];
const BINARY: readonly Name[] = ['atan2', 'hypot', 'pow'];
const call = (of: object, name: Name, ...given: number[]): number =>
  (of as { [name: string]: (...given: number[]) => number })[name]!(...given);

const view = new DataView(new ArrayBuffer(8));
const bitsOf = (x: number): bigint => {
  view.setFloat64(0, x);
  return view.getBigUint64(0);
};
/** Where a double stands among all doubles in order: neighbours differ by 1. */
const rank = (x: number): bigint => {
  const bits = bitsOf(x);
  return bits >> 63n === 0n ? bits : -(bits & 0x7fff_ffff_ffff_ffffn);
};
const hex = (x: number): string => bitsOf(x).toString(16).padStart(16, '0');

/** Doubles of every size, made of sums and products alone: the same on every machine. */
function* inputs(count: number): Generator<number> {
  let state = 1n;
  for (let i = 0; i < count; i++) {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffff_ffff_ffff_ffffn;
    const fraction = Number(state >> 11n) / 2 ** 53;
    const scale = [1, 2, 8, 700, 2 ** 20, 2 ** -20][i % 6]!;
    yield (fraction * 2 - 1) * scale;
  }
}

/** The SHA-256 of a thousand results, so that no bit of any of them can change unseen. */
function digestOf(name: Name): string {
  const xs = [...inputs(1000)];
  const bytes = new Uint8Array(8000);
  const out = new DataView(bytes.buffer);
  xs.forEach((x, i) => {
    const y = xs[(i * 7 + 3) % xs.length]!;
    const result = BINARY.includes(name) ? call(portable, name, x, y) : call(portable, name, x);
    // A NaN has many patterns, and which one comes out is the processor's affair.
    out.setBigUint64(i * 8, Number.isNaN(result) ? 0x7ff8_0000_0000_0000n : bitsOf(result));
  });
  return Buffer.from(sha256(bytes)).toString('hex').slice(0, 16);
}

/** The bits for 0.7 (acosh: 1.7) and 1.3, and the digest of a thousand results. */
const FROZEN: { readonly [name in Name]: readonly [bits: string, digest: string] } = {
  acos: ['3fe973e83f5d5c9b', '0e92ddadfc5feaa3'],
  acosh: ['3ff1f8c10d010fe6', '08fa3ff06b9d25b6'],
  asin: ['3fe8d00e692afd96', '9afd8880b5b8ebc9'],
  asinh: ['3fe4e2a4fe9085dd', '1cdfe522398b1332'],
  atan: ['3fe38b112d7bd4ad', '38b6e72a35f7e101'],
  atan2: ['3fdf9cbc4269ab2a', '73555fa414981655'],
  atanh: ['3febc0ed0947fbe8', '0d34d24a306b48d9'],
  cbrt: ['3fec69b5a72f1a99', 'a86ccb9fb31eab5b'],
  cos: ['3fe87996529f9d93', 'cb4fe98af55d0252'],
  cosh: ['3ff4152c1862342f', 'cf8702e36a546db3'],
  exp: ['40001c2a61268987', 'c74b9719c5893132'],
  expm1: ['3ff03854c24d130d', '5cb45fbdcc5de1be'],
  hypot: ['3ff79fabe917e2f5', '0a5bf6ea69662075'],
  log: ['bfd6d3c324e13f50', 'd15b5d7d4b7c1afe'],
  log10: ['bfc3d3d3d21ccf04', 'bab1d8062097e741'],
  log1p: ['3fe0fae81914a991', 'ba0819614524c4bd'],
  log2: ['bfe0776228967d13', '14da4a0ef8e56916'],
  pow: ['3fe4207e29c0d5e4', '3c54392daa5341dc'],
  sin: ['3fe49d6e694619b8', '426af50681632fec'],
  sinh: ['3fe8465153d5bdbc', '7f230cf80df316c9'],
  tan: ['3feaf406c2fc78ae', '9a51456bd2f897ce'],
  tanh: ['3fe356fb17af2e91', '3e6320d44ed3d07a'],
};

describe('portable math', () => {
  test('has all that is inexact in Math, and no more', () => {
    const exact = 'abs ceil clz32 f16round floor fround imul max min random round sign sqrt sumPrecise trunc';
    const inexact = Object.getOwnPropertyNames(Math).filter(
      (name) => typeof Math[name as keyof Math] === 'function' && !exact.split(' ').includes(name),
    );
    expect(NAMES).toEqual(inexact.sort());
  });

  test.each(NAMES)('L15: %s gives the bits that it gave', (name) => {
    const [bits, digest] = FROZEN[name];
    const x = name === 'acosh' ? 1.7 : 0.7;
    const result = BINARY.includes(name) ? call(portable, name, x, 1.3) : call(portable, name, x);
    expect([hex(result), digestOf(name)]).toEqual([bits, digest]);
  });

  test.each(NAMES)('%s is what Math has, but for its last bits', (name) => {
    const far = [...inputs(3000)].map((x, i, all) => {
      const given = BINARY.includes(name) ? [x, all[(i * 13 + 5) % all.length]!] : [x];
      const [ours, theirs] = [call(portable, name, ...given), call(Math, name, ...given)];
      if (Object.is(ours, theirs)) return 0n;
      const apart = rank(ours) - rank(theirs);
      return apart < 0n ? -apart : apart;
    });
    expect(far.reduce((a, b) => (a > b ? a : b))).toBeLessThanOrEqual(3n);
  });

  const EDGES = [0, 1, 0.5, 2, 3, 2 ** 53, 2 ** 53 - 1, 1e308, 5e-324, 1e-310, Infinity, Number.MAX_VALUE];
  const edges = [...EDGES, ...EDGES.map((x) => -x), Number.NaN];

  test.each(NAMES)('%s has the zeros, infinities and NaN of Math', (name) => {
    const isEdge = (x: number): boolean => x === 0 || !Number.isFinite(x);
    const pairs = BINARY.includes(name)
      ? edges.flatMap((x) => edges.map((y) => [x, y]))
      : edges.map((x) => [x]);
    for (const given of pairs) {
      const [ours, theirs] = [call(portable, name, ...given), call(Math, name, ...given)];
      if (isEdge(theirs) || isEdge(ours)) expect(ours, `${name}(${given})`).toBe(theirs);
      else expect(Math.sign(ours), `${name}(${given})`).toBe(Math.sign(theirs));
    }
  });

  test('hypot takes any number of sides, as Math has it', () => {
    expect([portable.hypot(), portable.hypot(-3), portable.hypot(2, 3, 6)]).toEqual([0, 3, 7]);
    expect(portable.hypot(1, Number.NaN, Number.NEGATIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
  });

  test('whole powers of whole numbers are exact as long as they fit', () => {
    fc.assert(
      fc.property(fc.integer({ min: -30, max: 30 }), fc.integer({ min: 0, max: 10 }), (x, y) => {
        expect(portable.pow(x, y)).toBe(Number(BigInt(x) ** BigInt(y)));
      }),
    );
  });
});
