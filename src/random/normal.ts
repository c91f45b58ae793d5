/**
 * The normal distribution's quantiles, bit-equal on every platform.
 *
 * Inversion and no other method (polar, ziggurat), because it makes one deviate of one uniform and grows
 * with it: draws stay in step between forks that differ in mean or deviation. `Math.log` may differ between
 * engines in its last bit, so the logarithm is made here of operations that IEEE 754 fixes: + - * / and the
 * square root.
 */

const TWO_53 = 2 ** 53;

/** 2^-e for e = 0…52, by halving: exact, where an engine's power function need not be. */
const HALVES = new Float64Array(53);
for (let e = 0, half = 1; e < HALVES.length; e++, half /= 2) HALVES[e] = half;

/**
 * The natural logarithm of n / 2^53, for whole n from 1 to 2^53 - 1, within two units in the last place. n
 * is split into 2^e · m with m from √½ to √2, and ln m = 2 artanh((m - 1) / (m + 1)) is summed as its power
 * series.
 */
export function lnOfFraction(n: number): number {
  let e = n >= 2 ** 32 ? 63 - Math.clz32(n / 2 ** 32) : 31 - Math.clz32(n);
  let m = n * HALVES[e]!;
  if (m > Math.SQRT2) {
    m /= 2;
    e++;
  }
  const s = (m - 1) / (m + 1);
  const z = s * s;
  let sum = 1 / 21;
  for (let odd = 19; odd > 0; odd -= 2) sum = sum * z + 1 / odd;
  return (e - 53) * Math.LN2 + 2 * s * sum;
}

/**
 * The value below which a standard normal deviate falls with probability n / 2^53, for odd whole n from 1
 * to 2^53 - 1: from -8.21 to 8.21, symmetric, growing with n. M. J. Wichura, "Algorithm AS 241: the
 * percentage points of the normal distribution", Applied Statistics 37 (1988) 477–484, routine PPND16
 * (relative error about 1e-16).
 */
export function normalQuantile(n: number): number {
  const q = (n - TWO_53 / 2) / TWO_53;
  if (q >= -0.425 && q <= 0.425) return q * centre(0.180625 - q * q);
  const r = Math.sqrt(-lnOfFraction(q < 0 ? n : TWO_53 - n));
  const size = r <= 5 ? shoulder(r - 1.6) : tail(r - 5);
  return q < 0 ? -size : size;
}

function centre(r: number): number {
  let over = 2509.0809287301227 * r + 33430.57558358813;
  over = over * r + 67265.7709270087;
  over = over * r + 45921.95393154987;
  over = over * r + 13731.69376550946;
  over = over * r + 1971.5909503065513;
  over = over * r + 133.14166789178438;
  over = over * r + 3.3871328727963665;
  let under = 5226.495278852854 * r + 28729.085735721943;
  under = under * r + 39307.89580009271;
  under = under * r + 21213.794301586597;
  under = under * r + 5394.196021424751;
  under = under * r + 687.1870074920579;
  under = under * r + 42.31333070160091;
  return over / (under * r + 1);
}

function shoulder(r: number): number {
  let over = 0.0007745450142783414 * r + 0.022723844989269184;
  over = over * r + 0.2417807251774506;
  over = over * r + 1.2704582524523684;
  over = over * r + 3.6478483247632045;
  over = over * r + 5.769497221460691;
  over = over * r + 4.630337846156546;
  over = over * r + 1.4234371107496835;
  let under = 1.0507500716444169e-9 * r + 0.0005475938084995345;
  under = under * r + 0.015198666563616457;
  under = under * r + 0.14810397642748008;
  under = under * r + 0.6897673349851;
  under = under * r + 1.6763848301838038;
  under = under * r + 2.053191626637759;
  return over / (under * r + 1);
}

function tail(r: number): number {
  let over = 2.0103343992922881e-7 * r + 2.7115555687434876e-5;
  over = over * r + 0.0012426609473880784;
  over = over * r + 0.026532189526576124;
  over = over * r + 0.29656057182850487;
  over = over * r + 1.7848265399172913;
  over = over * r + 5.463784911164114;
  over = over * r + 6.657904643501103;
  let under = 2.0442631033899397e-15 * r + 1.421511758316446e-7;
  under = under * r + 1.8463183175100548e-5;
  under = under * r + 0.0007868691311456133;
  under = under * r + 0.014875361290850615;
  under = under * r + 0.1369298809227358;
  under = under * r + 0.599832206555888;
  return over / (under * r + 1);
}
