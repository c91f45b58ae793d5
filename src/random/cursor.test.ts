import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Draws } from './cursor.ts';

const TWO_53 = 2 ** 53;

/** Gives the draws it was told, and fails the test when more are asked for. */
class Scripted extends Draws {
  taken = 0;
  private readonly script: readonly number[];

  constructor(...script: readonly number[]) {
    super();
    this.script = script;
  }

  protected draw(): number {
    const next = this.script[this.taken++];
    expect(next, 'more draws than documented').toBeTypeOf('number');
    return next!;
  }
}

const raw = fc.oneof(
  fc.integer({ min: 0, max: TWO_53 - 1 }),
  fc.constantFrom(0, 1, TWO_53 - 1, TWO_53 - 2, TWO_53 / 2),
);
/** Draws that no range of a few thousand numbers rejects. */
const kept = raw.map((x) => x % (TWO_53 - 10_000));
const script = (length: number) => fc.array(kept, { minLength: length, maxLength: length });
const safe = fc.oneof(fc.integer({ min: -50, max: 50 }), fc.maxSafeInteger());
const badUsage = expect.objectContaining({ code: 'BAD_USAGE' });

describe('int', () => {
  const size = fc.oneof(
    fc.integer({ min: 1, max: 100 }),
    fc.integer({ min: 1, max: TWO_53 - 1 }),
    fc.constantFrom(2 ** 32, 2 ** 52, 2 ** 52 + 1, TWO_53 - 1, 3, 6, 7),
  );

  test('each result owns equally many draws, to the last one', () => {
    const cases = size.chain((n) => fc.tuple(fc.constant(n), fc.integer({ min: 0, max: n - 1 })));
    fc.assert(
      fc.property(cases, ([n, result]) => {
        const share = Number(2n ** 53n / BigInt(n));
        const first = BigInt(share) * BigInt(result);
        const last = first + BigInt(share) - 1n;
        expect(new Scripted(Number(first)).int(0, n - 1)).toBe(result);
        expect(new Scripted(Number(last)).int(0, n - 1)).toBe(result);
      }),
      { numRuns: 2000 },
    );
  });

  test('draws that are left over are drawn again', () => {
    fc.assert(
      fc.property(size, raw, (n, filler) => {
        const used = BigInt(n) * (2n ** 53n / BigInt(n));
        if (used === 2n ** 53n) return;
        const source = new Scripted(Number(used), TWO_53 - 1, filler % Number(used));
        source.int(0, n - 1);
        expect(source.taken).toBe(3);
      }),
    );
  });

  test('the full range of 2^53 numbers takes every draw as it is', () => {
    expect(new Scripted(TWO_53 - 1).int(1 - TWO_53 / 2, TWO_53 / 2)).toBe(TWO_53 / 2);
    expect(new Scripted(0).int(1 - TWO_53 / 2, TWO_53 / 2)).toBe(1 - TWO_53 / 2);
  });

  test('lies within its bounds, and grows with the draw', () => {
    fc.assert(
      fc.property(safe, safe, raw, raw, (a, b, x, y) => {
        const [lo, hi] = a <= b ? [a, b] : [b, a];
        fc.pre(hi - lo < TWO_53);
        const [low, high] = x <= y ? [x, y] : [y, x];
        const atLow = new Scripted(low, 0).int(lo, hi);
        expect(atLow).toBeGreaterThanOrEqual(lo);
        expect(atLow).toBeLessThanOrEqual(hi);
        expect(Number.isInteger(atLow) && !Object.is(atLow, -0)).toBe(true);
        const source = new Scripted(high, TWO_53 - 1, 0);
        const atHigh = source.int(lo, hi);
        if (source.taken === 1) expect(atHigh).toBeGreaterThanOrEqual(atLow);
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    [5, 4],
    [0.5, 2],
    [0, 2.5],
    [NaN, 1],
    [0, Infinity],
    [0, TWO_53],
    [-TWO_53 / 2, TWO_53 / 2],
    [1 - TWO_53, TWO_53 - 1],
    ['0' as unknown as number, 1],
  ])('refuses the range from %s to %s, and takes no draw', (lo, hi) => {
    expect(() => new Scripted().int(lo, hi)).toThrow(badUsage);
    expect(() => new Scripted().ints([], lo, hi)).toThrow(badUsage);
  });
});

describe('float, chance', () => {
  test('a float holds all 53 bits of its draw and is below 1', () => {
    fc.assert(
      fc.property(raw, (x) => {
        expect(new Scripted(x).float() * TWO_53).toBe(x);
      }),
    );
    expect(new Scripted(TWO_53 - 1).float()).toBeLessThan(1);
  });

  test('chance takes one draw always: never at 0 or below, always at 1 or above', () => {
    fc.assert(
      fc.property(raw, fc.double({ noNaN: true }), (x, p) => {
        const source = new Scripted(x);
        expect(source.chance(p)).toBe(p >= 1 || x / TWO_53 < p);
        if (p <= 0) expect(new Scripted(x).chance(p)).toBe(false);
        expect(source.taken).toBe(1);
      }),
    );
  });

  test('chance refuses what is no number', () => {
    for (const p of [NaN, undefined, '0.5'] as readonly unknown[])
      expect(() => new Scripted().chance(p as number)).toThrow(badUsage);
  });
});

describe('pick, shuffle', () => {
  test('pick takes an element by one draw, of typed arrays and texts too', () => {
    expect(new Scripted(0).pick(['a', 'b', 'c'])).toBe('a');
    expect(new Scripted(TWO_53 / 2).pick(['a', 'b', 'c'])).toBe('b');
    expect(new Scripted(TWO_53 - 3).pick(Uint8Array.of(7, 8, 9))).toBe(9);
    expect(new Scripted(TWO_53 - 3).pick('xyz')).toBe('z');
    expect(() => new Scripted().pick([])).toThrow(badUsage);
  });

  test('shuffle is a permutation in place, by a draw for each element but one', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.infiniteStream(kept), (array, draws) => {
        const before = [...array].sort((a, b) => a - b);
        const source = new Scripted(...[...array].map(() => draws.next().value));
        expect(source.shuffle(array)).toBe(array);
        expect([...array].sort((a, b) => a - b)).toEqual(before);
        expect(source.taken).toBe(Math.max(0, array.length - 1));
      }),
    );
  });

  test('shuffle reaches each of the six orders of three by equally many draws', () => {
    const seen = new Map<string, number>();
    for (let i = 0; i < 3; i++)
      for (let j = 0; j < 2; j++) {
        const order = new Scripted(i * 3002399751580330, j * (TWO_53 / 2)).shuffle(['a', 'b', 'c']).join('');
        seen.set(order, (seen.get(order) ?? 0) + 1);
      }
    expect([...seen.values()]).toEqual([1, 1, 1, 1, 1, 1]);
  });
});

describe('weighted', () => {
  test('an index is chosen over exactly its share, never one without weight', () => {
    const weights = [0, 1, 0, 2, 5, 0];
    for (let eighth = 0; eighth < 8; eighth++) {
      const expected = eighth < 1 ? 1 : eighth < 3 ? 3 : 4;
      expect(new Scripted((eighth * TWO_53) / 8).weighted(weights)).toBe(expected);
      expect(new Scripted(((eighth + 1) * TWO_53) / 8 - 1).weighted(weights)).toBe(expected);
    }
  });

  test('any weights: one draw, and an index that has weight', () => {
    const weight = fc.oneof(
      fc.constant(0),
      fc.double({ min: 0, max: 1e300, noNaN: true }),
      fc.constant(5e-324),
    );
    fc.assert(
      fc.property(fc.array(weight, { minLength: 1 }), raw, (weights, x) => {
        fc.pre(weights.some((w) => w > 0));
        const source = new Scripted(x);
        expect(weights[source.weighted(weights)]).toBeGreaterThan(0);
        expect(source.taken).toBe(1);
      }),
      { numRuns: 1000 },
    );
  });

  test('where the goal is rounded up to the total, the last index with weight is chosen', () => {
    expect(new Scripted(TWO_53 - 1).weighted([5e-324, 0])).toBe(0);
    expect(new Scripted(TWO_53 - 1).weighted([0, 0.1, 0.2, 0.7, 0])).toBe(3);
  });

  test.each([
    [[]],
    [[0, 0]],
    [[1, NaN]],
    [[1, -1]],
    [[-0.5]],
    [[Infinity]],
    [[1e308, 1e308]],
    [[1, undefined]],
  ])('refuses %j, and takes no draw', (weights) => {
    expect(() => new Scripted().weighted(weights as number[])).toThrow(badUsage);
  });
});

describe('normal', () => {
  test('one draw, scaled and moved', () => {
    fc.assert(
      fc.property(raw, fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.nat(1000), (x, mean, sd) => {
        const standard = new Scripted(x).normal();
        expect(Math.abs(standard)).toBeLessThan(8.21);
        expect(new Scripted(x).normal(mean, sd)).toBe(mean + sd * standard);
      }),
    );
  });

  test.each([
    [NaN, 1],
    [0, NaN],
    [0, -1],
    [Infinity, 1],
    [0, Infinity],
  ])('refuses mean %d and deviation %d', (mean, sd) => {
    expect(() => new Scripted().normal(mean, sd)).toThrow(badUsage);
    expect(() => new Scripted().normals(new Float64Array(0), mean, sd)).toThrow(badUsage);
  });
});

describe('bulk', () => {
  test('floats, ints and normals fill with what single draws give', () => {
    fc.assert(
      fc.property(script(4), safe, fc.nat(1000), (draws, lo, span) => {
        const hi = Math.min(lo + span, Number.MAX_SAFE_INTEGER);
        const n = 4;
        const single = <T>(make: (source: Scripted) => T): T[] => {
          const source = new Scripted(...draws);
          return Array.from({ length: n }, () => make(source));
        };
        expect([...new Scripted(...draws).floats(new Float64Array(n))]).toEqual(single((s) => s.float()));
        expect(
          new Scripted(...draws).ints(
            Array.from({ length: n }, () => 0),
            lo,
            hi,
          ),
        ).toEqual(single((s) => s.int(lo, hi)));
        expect([...new Scripted(...draws).normals(new Float64Array(n), 3, 2)]).toEqual(
          single((s) => s.normal(3, 2)),
        );
        expect([...new Scripted(...draws).normals(new Float32Array(n), 3, 2)]).toEqual(
          single((s) => Math.fround(s.normal(3, 2))),
        );
      }),
    );
  });

  test('32-bit floats keep 24 bits and stay below 1', () => {
    const out = new Scripted(TWO_53 - 1, 0, TWO_53 / 2).floats(new Float32Array(3));
    expect([...out]).toEqual([1 - 2 ** -24, 0, 0.5]);
  });

  test('ints refuses an array that cannot hold the range, and leaves it as it was', () => {
    const tries: [{ readonly length: number; [i: number]: number }, number, number][] = [
      [new Uint8Array(2), 0, 256],
      [new Uint8Array(2), -1, 5],
      [new Uint8ClampedArray(2), 0, 256],
      [new Int8Array(2), 0, 128],
      [new Int32Array(2), 0, 2 ** 31],
      [new Uint32Array(2), 0, 2 ** 32],
      [new Float32Array(2), 0, 2 ** 24 + 2],
    ];
    for (const [out, lo, hi] of tries) {
      expect(() => new Scripted().ints(out, lo, hi)).toThrow(badUsage);
      expect([out[0], out[1]]).toEqual([0, 0]);
    }
    expect([...new Scripted(0, TWO_53 - 1).ints(new Uint8Array(2), 0, 255)]).toEqual([0, 255]);
    expect([...new Scripted(0).ints(new Float32Array(1), -(2 ** 24), 2 ** 24)]).toEqual([-(2 ** 24)]);
  });
});
