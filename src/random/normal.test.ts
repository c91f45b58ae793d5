import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lnOfFraction, normalQuantile } from './normal.ts';

const HALF = 2 ** 52;
const odd = fc.integer({ min: 0, max: HALF - 1 }).map((k) => 2 * k + 1);

/** [n, quantile of n / 2^53, ln(n / 2^53)], computed with 60 digits (mpmath: sqrt(2) erfinv(2p - 1)). */
const EXACT = [
  [1, -8.209536151601387, -36.7368005696771],
  [3, -8.076571004130125, -35.63818828100899],
  [5, -8.014015948775546, -35.127362657243],
  [1001, -7.3346710974624605, -29.82804579036188],
  [1048577, -6.337957607579512, -22.873856004804335],
  [4294967295, -4.900964208008929, -14.556090791991682],
  [4294967297, -4.900964207917457, -14.556090791526021],
  [125214601513, -4.190751313502511, -11.183505655361722],
  [1099511627779, -3.6683292851206253, -9.01091334727656],
  [281474976710657, -1.86273186742165, -3.465735902799723],
  [675539944105575, -1.4395314709384555, -2.590267165445826],
  [1125899906842623, -1.1503493803760088, -2.0794415416798366],
  [2251799813685249, -0.6744897501960814, -1.3862943611198901],
  [4503599627370495, -2.782916424671767e-16, -0.6931471805599455],
  [4503599627370497, 2.782916424671767e-16, -0.6931471805599451],
  [8444249301319681, 1.5341205443525472, -0.06453852113757105],
  [9006099743113217, 3.6683292851215556, -0.0001220777636868712],
  [9007199254740989, 8.076571004130125, -3.33066907387547e-16],
  [9007199254740991, 8.209536151601387, -1.1102230246251565e-16],
] as const;

test.each(EXACT)(
  'the quantile and the logarithm of %d / 2^53 are right to the last digits',
  (n, quantile, ln) => {
    expect(Math.abs(normalQuantile(n) / quantile - 1)).toBeLessThan(1e-15);
    expect(Math.abs(lnOfFraction(n) / ln - 1)).toBeLessThan(4.5e-16);
  },
);

test('the logarithm agrees with the engine to two units in the last place', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 53 - 1 }), fc.integer({ min: 0, max: 52 }), (n, shift) => {
      const small = Math.max(1, Math.floor(n / 2 ** shift));
      const theirs = Math.log(small / 2 ** 53);
      expect(Math.abs(lnOfFraction(small) - theirs)).toBeLessThanOrEqual(Math.abs(theirs) * 2 ** -51);
    }),
    { numRuns: 2000 },
  );
});

test('L15: quantiles are bit-equal without the engine: no Math function but sqrt, floor and clz32 is asked', () => {
  const asked: string[] = [];
  const kept = new Map<string, PropertyDescriptor>();
  for (const name of Object.getOwnPropertyNames(Math)) {
    const own = Object.getOwnPropertyDescriptor(Math, name)!;
    if (typeof own.value !== 'function') continue;
    kept.set(name, own);
    const real = own.value as (...args: number[]) => number;
    const spy = (...args: number[]) => {
      asked.push(name);
      return real(...args);
    };
    Object.defineProperty(Math, name, { ...own, value: spy });
  }
  try {
    for (const [n] of EXACT) normalQuantile(n);
  } finally {
    for (const [name, own] of kept) Object.defineProperty(Math, name, own);
  }
  expect([...new Set(asked)].sort()).toEqual(['clz32', 'sqrt']);
});

test('quantiles are symmetric, and grow with n', () => {
  fc.assert(
    fc.property(odd, odd, (a, b) => {
      expect(normalQuantile(2 ** 53 - a)).toBe(-normalQuantile(a));
      // Neighbours may change places by a rounding; nothing else may.
      if (a < b) expect(normalQuantile(a)).toBeLessThanOrEqual(normalQuantile(b) + 4e-15);
    }),
    { numRuns: 2000 },
  );
});

test('the three rational functions meet without a step', () => {
  const at = (p: number): number => 2 * Math.floor((p * 2 ** 53) / 2) + 1;
  for (const p of [0.075, 0.925, Math.exp(-25), 1 - Math.exp(-25)]) {
    const [below, middle, above] = [-2, 0, 2].map((step) => normalQuantile(at(p) + step));
    const slope = Math.sqrt(2 * Math.PI) * Math.exp((middle! * middle!) / 2);
    expect(Math.abs(above! - below! - slope * (4 / 2 ** 53))).toBeLessThan(1e-14);
  }
});
