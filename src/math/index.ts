/**
 * `worldfold/math`: the functions of `Math` whose last bits ECMAScript leaves to the engine, made of nothing
 * but sums, products, quotients and square roots of doubles, which IEEE 754 fixes to the last bit.
 *
 * Owns the cases at the edges (zeros, infinities, NaN), which are those of `Math`. The functions between them
 * are stdlib's, after FreeBSD's and Cephes' libraries. What is not here is exact in `Math` already: `abs`,
 * `ceil`, `clz32`, `floor`, `fround`, `imul`, `max`, `min`, `round`, `sign`, `sqrt`, `trunc`. For `a ** b`
 * write `pow(a, b)`.
 */
import * as stdlib from './stdlib.ts';

type Unary = (x: number) => number;

/** The angle in [0, π] whose cosine is `x`. */
export const acos: Unary = stdlib.acos;
/** The number from 0 on whose hyperbolic cosine is `x`. */
export const acosh: Unary = stdlib.acosh;
/** The angle in [-π/2, π/2] whose sine is `x`. */
export const asin: Unary = stdlib.asin;
/** The number whose hyperbolic sine is `x`. */
export const asinh: Unary = stdlib.asinh;
/** The angle in [-π/2, π/2] whose tangent is `x`. */
export const atan: Unary = stdlib.atan;
/** The number whose hyperbolic tangent is `x`. */
export const atanh: Unary = stdlib.atanh;
/** The cube root. */
export const cbrt: Unary = stdlib.cbrt;
/** The cosine of an angle in radians. */
export const cos: Unary = stdlib.cos;
/** The hyperbolic cosine. */
export const cosh: Unary = stdlib.cosh;
/** e to the power of `x`. */
export const exp: Unary = stdlib.exp;
/** e to the power of `x`, less 1; exact near 0. */
export const expm1: Unary = stdlib.expm1;
/** The natural logarithm. */
export const log: Unary = stdlib.log;
/** The natural logarithm of 1 + `x`; exact near 0. */
export const log1p: Unary = stdlib.log1p;
/** The logarithm to the base 2. */
export const log2: Unary = stdlib.log2;
/** The logarithm to the base 10. */
export const log10: Unary = stdlib.log10;
/** The sine of an angle in radians. */
export const sin: Unary = stdlib.sin;
/** The hyperbolic sine. */
export const sinh: Unary = stdlib.sinh;
/** The tangent of an angle in radians. */
export const tan: Unary = stdlib.tan;
/** The hyperbolic tangent. */
export const tanh: Unary = stdlib.tanh;

const isNegative = (x: number): boolean => x < 0 || Object.is(x, -0);

/** The angle in [-π, π] of the point (`x`, `y`). */
export function atan2(y: number, x: number): number {
  // The library loses the sign of a quotient that is too small to be told from 0.
  const angle = stdlib.atan2(Math.abs(y), x);
  return isNegative(y) ? -angle : angle;
}

/** The square root of the sum of squares, without overflow on the way; folded from the left. */
export const hypot = (...values: number[]): number =>
  values.reduce((sum, value) => stdlib.hypot(sum, value), 0);

/** `x` to the power of `y`, as `x ** y`. */
export function pow(x: number, y: number): number {
  if (y === 0) return 1;
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.NaN;
  const size = Math.abs(x);
  // From 2^53 on every number is even.
  const isOdd = Math.abs(y) % 2 === 1;
  if (!Number.isFinite(y)) return size === 1 ? Number.NaN : size > 1 === y > 0 ? Number.POSITIVE_INFINITY : 0;
  if (x < 0 && Number.isFinite(x) && !Number.isInteger(y)) return Number.NaN;
  const isExtreme = size === 0 || !Number.isFinite(x);
  const power = !isExtreme ? stdlib.pow(size, y) : (size === 0) === y > 0 ? 0 : Number.POSITIVE_INFINITY;
  return isOdd && isNegative(x) ? -power : power;
}
