/**
 * The methods of random draws, over any source of 53-bit numbers.
 *
 * A *draw* is one number of 53 random bits, and each method turns whole draws into its result: the k-th
 * draw of a cursor means the same place whatever was asked before, and one draw makes one value that grows
 * with it, so that two forks with other parameters stay in step. Does not know where draws come from (see
 * `keyed.ts` and `streams.ts`).
 */
import type { Cursor } from '../base/draws.ts';
import { fail } from '../base/errors.ts';
import { normalQuantile } from './normal.ts';

const TWO_53 = 2 ** 53;

/** How many whole 53-bit numbers make one result when `size` results share them evenly. */
const shareOf = (size: number): number => Math.floor(TWO_53 / size);

const elements = (what: string): never =>
  fail('BAD_USAGE', `${what}() needs at least one element`, { length: 0 });

/**
 * Every method of {@link Cursor}. A source gives `draw`; how many draws each method takes is said at the
 * method.
 */
export abstract class Draws implements Cursor {
  /** The next draw: a whole number in [0, 2^53), each equally likely. */
  protected abstract draw(): number;

  /** One draw. */
  float(): number {
    return this.draw() / TWO_53;
  }

  /** One draw; another one with a probability below (hi - lo + 1) / 2^53, which is how bias is avoided. */
  int(lo: number, hi: number): number {
    return lo + this.below(sizeOf(lo, hi));
  }

  /** One draw, whatever `p` is; below 0 is never, 1 and above is always. */
  chance(p: number): boolean {
    if (typeof p !== 'number' || Number.isNaN(p))
      fail('BAD_USAGE', 'chance() needs a number', { p }, 'A probability is a number from 0 to 1.');
    return this.draw() / TWO_53 < p;
  }

  /** One draw, inverted (AS 241), so that the deviate grows with it; standard deviates lie within ±8.21. */
  normal(mean = 0, sd = 1): number {
    checkNormal(mean, sd);
    return mean + sd * normalOf(this.draw());
  }

  /** As many draws as `int` over the indexes. */
  pick<T>(from: ArrayLike<T>): T {
    if (!(from.length > 0)) elements('pick');
    return from[this.below(from.length)] as T;
  }

  /** As many draws as `int` for each element but the first, from the last one down. */
  shuffle<A extends { readonly length: number; [i: number]: any }>(array: A): A {
    for (let last = array.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      const kept = array[last];
      array[last] = array[other];
      array[other] = kept;
    }
    return array;
  }

  /** One draw, laid along the weights in their order. */
  weighted(weights: ArrayLike<number>): number {
    const total = totalOf(weights);
    const goal = (this.draw() / TWO_53) * total;
    let reached = 0;
    let chosen = 0;
    for (let i = 0; i < weights.length; i++) {
      const weight = weights[i]!;
      if (weight === 0) continue;
      chosen = i;
      reached += weight;
      if (goal < reached) break;
    }
    // Where rounding lifts the goal to the total, the last index that has a weight is meant.
    return chosen;
  }

  /** One draw an element. A `Float32Array` gets the upper 24 bits of each, so that none rounds up to 1. */
  floats<A extends Float64Array | Float32Array>(out: A): A {
    if (out instanceof Float32Array)
      for (let i = 0; i < out.length; i++) out[i] = Math.floor(this.draw() / 2 ** 29) / 2 ** 24;
    else for (let i = 0; i < out.length; i++) out[i] = this.draw() / TWO_53;
    return out;
  }

  /** As many draws as `int` for each element. `BAD_USAGE` when the array cannot hold `lo` and `hi`. */
  ints<A extends { readonly length: number; [i: number]: number }>(out: A, lo: number, hi: number): A {
    const size = sizeOf(lo, hi);
    if (out.length > 0 && !holds(out, lo, hi))
      fail('BAD_USAGE', `the array cannot hold whole numbers from ${lo} to ${hi}`, { lo, hi });
    const share = shareOf(size);
    for (let i = 0; i < out.length; i++) {
      let index = Math.floor(this.draw() / share);
      while (index >= size) index = Math.floor(this.draw() / share);
      out[i] = lo + index;
    }
    return out;
  }

  /** One draw an element. */
  normals<A extends Float64Array | Float32Array>(out: A, mean = 0, sd = 1): A {
    checkNormal(mean, sd);
    for (let i = 0; i < out.length; i++) out[i] = mean + sd * normalOf(this.draw());
    return out;
  }

  /**
   * A whole number in [0, size), each equally likely: each result owns the same number of draws, the few
   * that are left over are drawn again. The rounded quotient of two whole numbers up to 2^53 never reaches
   * the next whole number, so `floor` of it is exact.
   */
  private below(size: number): number {
    const share = shareOf(size);
    for (;;) {
      const index = Math.floor(this.draw() / share);
      if (index < size) return index;
    }
  }
}

/**
 * Only 52 bits are used, as the odd number that stands in the middle between two even ones: never 0, never
 * 1.
 */
const normalOf = (draw: number): number => normalQuantile(2 * Math.floor(draw / 2) + 1);

function sizeOf(lo: number, hi: number): number {
  if (!Number.isSafeInteger(lo) || !Number.isSafeInteger(hi))
    fail('BAD_USAGE', 'a range of whole numbers needs whole bounds within ±2^53', { lo, hi });
  if (hi < lo) fail('BAD_USAGE', `the range from ${lo} to ${hi} is empty`, { lo, hi }, 'Swap the bounds.');
  if (hi - lo >= TWO_53)
    fail('BAD_USAGE', `the range from ${lo} to ${hi} has more than 2^53 numbers`, { lo, hi });
  return hi - lo + 1;
}

function checkNormal(mean: number, sd: number): void {
  if (!Number.isFinite(mean) || !Number.isFinite(sd) || sd < 0)
    fail('BAD_USAGE', 'a normal deviate needs a finite mean and a finite deviation, not negative', {
      mean,
      sd,
    });
}

function totalOf(weights: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i]!;
    if (!(weight >= 0 && weight < Infinity))
      fail('BAD_USAGE', 'a weight is a finite number, not negative', { index: i, weight });
    total += weight;
  }
  if (!(total > 0 && total < Infinity))
    fail('BAD_USAGE', 'the weights must sum to a finite number above 0', { count: weights.length, total });
  return total;
}

/** Whether every whole number from `lo` to `hi` survives being stored; tried on the first element. */
function holds(out: { [i: number]: number }, lo: number, hi: number): boolean {
  if (out instanceof Float32Array) return lo >= -(2 ** 24) && hi <= 2 ** 24;
  const kept = out[0]!;
  out[0] = lo;
  const low = out[0];
  out[0] = hi;
  const high = out[0];
  out[0] = kept;
  return low === lo && high === hi;
}
