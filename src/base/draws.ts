/**
 * The methods of random draws, as users see them. Types only: the generators live in `src/random`.
 */

/** Draws one after another. Every method says how many draws it takes, so that streams can be counted. */
export interface Cursor {
  /** A number in [0, 1) with 53 random bits. */
  float(): number;
  /**
   * A whole number from `lo` to `hi`, both included, without modulo bias. `BAD_USAGE` when `hi < lo` or not
   * whole.
   */
  int(lo: number, hi: number): number;
  /** True with probability `p`; always one draw. `BAD_USAGE` when `p` is NaN. */
  chance(p: number): boolean;
  /** A normal deviate with the given mean (0) and standard deviation (1); bit-equal on every platform. */
  normal(mean?: number, sd?: number): number;
  /** An element, each equally likely. `BAD_USAGE` when there is none. */
  pick<T>(from: ArrayLike<T>): T;
  /** Shuffles in place (Fisher–Yates) and returns the same array. */
  shuffle<A extends { readonly length: number; [i: number]: any }>(array: A): A;
  /**
   * An index, likely in proportion to its weight. Weights are finite, not negative, and sum to more than 0.
   */
  weighted(weights: ArrayLike<number>): number;
  /** Fills the array with `float()` draws and returns it. */
  floats<A extends Float64Array | Float32Array>(out: A): A;
  /** Fills the array with `int(lo, hi)` draws and returns it. */
  ints<A extends { readonly length: number; [i: number]: number }>(out: A, lo: number, hi: number): A;
  /** Fills the array with `normal(mean, sd)` draws and returns it. */
  normals<A extends Float64Array | Float32Array>(out: A, mean?: number, sd?: number): A;
}

/** A named stream of one tick. */
export interface Rng extends Cursor {
  /**
   * Draws that depend on nothing but (seed, stream, tick, key): the same whatever else was drawn, as many
   * keys as you like. A number key is a whole number within ±2^53; a text key is digested.
   */
  of(key: number | bigint | string): Cursor;
}
