/**
 * Smoke tests of the draws' quality where a simulation is exposed: between ticks, keys, names and seeds
 * that differ by little. Seeds are fixed, so a verdict never changes by chance; the bounds are far beyond
 * what chance does.
 */
import { describe, expect, test } from 'vitest';
import type { Cursor } from '../base/draws.ts';
import { Streams } from './streams.ts';

/** How far a chi-square statistic lies from its mean, in standard deviations (Wilson and Hilferty 1931). */
function chiSquare(counts: readonly number[], shares?: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const free = counts.length - 1;
  let sum = 0;
  counts.forEach((count, i) => {
    const expected = total * (shares?.[i] ?? 1 / counts.length);
    sum += (count - expected) ** 2 / expected;
  });
  return (Math.cbrt(sum / free) - (1 - 2 / (9 * free))) / Math.sqrt(2 / (9 * free));
}

const uniform = (values: readonly number[], bins = 64): number => {
  const counts = Array.from({ length: bins }, () => 0);
  for (const value of values) counts[Math.floor(value * bins)]! += 1;
  return chiSquare(counts);
};

/** Pairs on a 16 × 16 grid: sees dependence of any form, where a correlation sees a straight one. */
const together = (xs: readonly number[], ys: readonly number[]): number => {
  const counts = Array.from({ length: 256 }, () => 0);
  xs.forEach((x, i) => {
    counts[16 * Math.floor(x * 16) + Math.floor(ys[i]! * 16)]! += 1;
  });
  return chiSquare(counts);
};

/** The correlation of two samples, in standard deviations of what independent ones show. */
function correlation(xs: readonly number[], ys: readonly number[]): number {
  const n = xs.length;
  const mean = (v: readonly number[]): number => v.reduce((sum, x) => sum + x, 0) / n;
  const [mx, my] = [mean(xs), mean(ys)];
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [dx, dy] = [xs[i]! - mx, ys[i]! - my];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  return (xy / Math.sqrt(xx * yy)) * Math.sqrt(n);
}

const LIMIT = 4.5;
const series = (n: number, value: (i: number) => number): number[] =>
  Array.from({ length: n }, (_, i) => value(i));
const sequence = (cursor: Cursor, n: number): number[] => [...cursor.floats(new Float64Array(n))];

function expectIndependent(xs: readonly number[], ys: readonly number[]): void {
  expect(Math.abs(correlation(xs, ys))).toBeLessThan(LIMIT);
  expect(Math.abs(together(xs, ys))).toBeLessThan(LIMIT);
}

function expectNoise(values: readonly number[]): void {
  expect(Math.abs(uniform(values))).toBeLessThan(LIMIT);
  for (const lag of [1, 2, 3, 7]) expectIndependent(values.slice(lag), values.slice(0, -lag));
  const lowBits = values.map((value) => (value * 2 ** 45) % 1);
  expect(Math.abs(uniform(lowBits))).toBeLessThan(LIMIT);
}

test('the instruments see what they are for', () => {
  const good = sequence(new Streams('canary').tick(0).rng('x'), 20_000);
  expect(uniform(good.map((x) => x ** 1.1))).toBeGreaterThan(LIMIT);
  expect(
    correlation(
      good.slice(1),
      good.slice(1).map((x, i) => x + 0.1 * good[i]!),
    ),
  ).toBeGreaterThan(LIMIT);
  expect(
    together(
      good,
      good.map((x) => Math.abs(2 * x - 1) * 0.999),
    ),
  ).toBeGreaterThan(LIMIT);
});

describe('draws across neighbours', () => {
  const streams = new Streams('alpha');
  const N = 20_000;

  test.each([0, 1, 2])('draw %d of consecutive ticks is noise, in sequence and by key', (skip) => {
    const nth = (cursor: Cursor): number => sequence(cursor, skip + 1)[skip]!;
    expectNoise(series(N, (tick) => nth(streams.tick(tick).rng('infect'))));
    expectNoise(series(N, (tick) => nth(streams.tick(tick).rng('infect').of(17))));
  });

  test('neighbouring keys are noise: numbers, high halves, negative ones, bigints, texts', () => {
    const rng = streams.tick(5).rng('infect');
    const keys: ((i: number) => number | bigint | string)[] = [
      (i) => i,
      (i) => i * 2 ** 32,
      (i) => -1 - i,
      (i) => 2n ** 64n - 1n - BigInt(i),
      (i) => (1 << (i % 31)) | (i << 3),
      (i) => `person ${i}`,
    ];
    for (const of of keys) {
      const distinct = new Set(series(N, (i) => i).map(of));
      expectNoise([...distinct].map((each) => rng.of(each).float()));
      expectNoise([...distinct].map((each) => sequence(rng.of(each), 2)[1]!));
    }
  });

  test('one key over consecutive ticks, and the draws of one key, are noise', () => {
    expectNoise(sequence(streams.tick(5).rng('infect').of(3), 5 * N));
    expectNoise(sequence(streams.tick(5).rng('infect'), 5 * N));
    expectNoise(sequence(streams.applying(5, 'settled', 'market').at(0).rng('x'), 5 * N));
  });

  test('events in order of their ordinals are noise', () => {
    const settled = streams.applying(5, 'settled', 'market');
    expectNoise(series(N, (ordinal) => settled.at(ordinal).rng('x').float()));
    expectNoise(series(N, (ordinal) => settled.at(ordinal).rng('x').of(1).float()));
  });

  test.each([
    ['names', (text: string) => new Streams('s').tick(1).rng(text)],
    ['seeds', (text: string) => new Streams(text).tick(1).rng('n')],
    ['kinds', (text: string) => new Streams('s').applying(1, text, 'o').at(0).rng('n')],
    ['origins', (text: string) => new Streams('s').applying(1, 'k', text).at(0).rng('n')],
  ])('%s 1, 11 and 111 are unrelated', (_, rngOf) => {
    const sequences = ['1', '11', '111', '1111'].flatMap((text) => [
      sequence(rngOf(text), N),
      sequence(rngOf(text).of(0), N),
      sequence(rngOf(text).of(text), N),
    ]);
    sequences.forEach((one, i) => {
      for (const other of sequences.slice(i + 1)) expectIndependent(one, other);
    });
  });
});

describe('what the methods make of draws', () => {
  const N = 60_000;
  const cursors = (): Cursor[] => {
    const rng = new Streams('beta').tick(2).rng('methods');
    return [rng, rng.of(9)];
  };
  const countsOf = (bins: number, n: number, next: () => number): number[] => {
    const counts = Array.from({ length: bins }, () => 0);
    for (let i = 0; i < n; i++) counts[next()]! += 1;
    return counts;
  };

  test.each([2, 3, 6, 7, 10, 100, 1000])('%d whole numbers are equally likely', (size) => {
    for (const cursor of cursors()) {
      expect(Math.abs(chiSquare(countsOf(size, N, () => cursor.int(1, size) - 1)))).toBeLessThan(LIMIT);
      const filled = cursor.ints(new Uint16Array(N), 1, size);
      expect(
        Math.abs(
          chiSquare(
            countsOf(
              size,
              N,
              (
                (i) => () =>
                  filled[i++]! - 1
              )(0),
            ),
          ),
        ),
      ).toBeLessThan(LIMIT);
    }
  });

  test('a range of 3/4 · 2^53 numbers, where a quarter of all draws is left over, has no favoured part', () => {
    const size = 3 * 2 ** 51;
    for (const cursor of cursors())
      expect(Math.abs(uniform(series(N, () => cursor.int(0, size - 1) / size)))).toBeLessThan(LIMIT);
  });

  test('the 24 orders of four, picks, chances and weights come as often as they should', () => {
    const orders = new Map<string, number>();
    for (const cursor of cursors()) {
      const shuffled = (): number => {
        const order = cursor.shuffle([0, 1, 2, 3]).join('');
        if (!orders.has(order)) orders.set(order, orders.size);
        return orders.get(order)!;
      };
      expect(Math.abs(chiSquare(countsOf(24, N, shuffled)))).toBeLessThan(LIMIT);
      expect(Math.abs(chiSquare(countsOf(5, N, () => cursor.pick([0, 1, 2, 3, 4]))))).toBeLessThan(LIMIT);
      const chances = countsOf(2, N, () => Number(cursor.chance(0.3)));
      expect(Math.abs(chiSquare(chances, [0.7, 0.3]))).toBeLessThan(LIMIT);
      const weights = [1, 0.5, 3, 0.25, 0.25];
      const chosen = countsOf(5, N, () => cursor.weighted(weights));
      expect(
        Math.abs(
          chiSquare(
            chosen,
            weights.map((w) => w / 5),
          ),
        ),
      ).toBeLessThan(LIMIT);
    }
  });

  test('normal deviates fill the ten classes of the normal distribution, and are independent', () => {
    // Deciles of the standard normal distribution, from tables.
    const deciles = [-1.2815515655, -0.8416212336, -0.5244005127, -0.2533471031, 0];
    const bounds = [
      ...deciles,
      ...deciles
        .slice(0, -1)
        .reverse()
        .map((bound) => -bound),
    ];
    const classOf = (z: number): number => bounds.filter((bound) => z >= bound).length;
    for (const cursor of cursors()) {
      const z = [...cursor.normals(new Float64Array(N))];
      expect(
        Math.abs(
          chiSquare(
            countsOf(
              10,
              N,
              (
                (i) => () =>
                  classOf(z[i++]!)
              )(0),
            ),
          ),
        ),
      ).toBeLessThan(LIMIT);
      expect(Math.abs(correlation(z.slice(1), z.slice(0, -1)))).toBeLessThan(LIMIT);
      const beyond = z.filter((each) => Math.abs(each) > 2.5758293035).length;
      expect(Math.abs(chiSquare([beyond, N - beyond], [0.01, 0.99]))).toBeLessThan(LIMIT);
    }
  });
});
