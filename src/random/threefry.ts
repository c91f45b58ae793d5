/**
 * Threefry-4x32-20, a counter-based generator: 128 random bits as a pure function of a 128-bit key and a
 * counter.
 *
 * J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11
 * (doi:10.1145/2063384.2063405). Twenty rounds, as the authors recommend; it passes BigCrush from thirteen
 * on. The tests hold the known-answer vectors of Random123. Knows nothing of streams, names or methods.
 */

/** A key with its schedule: `k4` is the parity of the other four. All words are signed 32-bit integers. */
export interface Schedule {
  readonly k0: number;
  readonly k1: number;
  readonly k2: number;
  readonly k3: number;
  readonly k4: number;
}

/** Where a block of four words goes, as signed 32-bit integers (V8 keeps those in the object itself). */
export interface Block {
  w0: number;
  w1: number;
  w2: number;
  w3: number;
}

/** The fifth word of a key schedule; the constant is the high half of Threefish's 0x1bd11bdaa9fc1a22. */
export const parityOf = (k0: number, k1: number, k2: number, k3: number): number =>
  0x1bd11bda ^ k0 ^ k1 ^ k2 ^ k3;

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by));

/** Writes the block of counter (a, b, c, d) under a key. Words may be signed or unsigned. */
export function threefry(key: Schedule, a: number, b: number, c: number, d: number, out: Block): void {
  const { k0, k1, k2, k3, k4 } = key;
  // In every mix the right side reads the old word before its partner is added to: `b` turns, then `a` grows.
  a = (a + k0) | 0;
  b = (b + k1) | 0;
  c = (c + k2) | 0;
  d = (d + k3) | 0;
  b = rotate(b, 10) ^ (a = (a + b) | 0);
  d = rotate(d, 26) ^ (c = (c + d) | 0);
  d = rotate(d, 11) ^ (a = (a + d) | 0);
  b = rotate(b, 21) ^ (c = (c + b) | 0);
  b = rotate(b, 13) ^ (a = (a + b) | 0);
  d = rotate(d, 27) ^ (c = (c + d) | 0);
  d = rotate(d, 23) ^ (a = (a + d) | 0);
  b = rotate(b, 5) ^ (c = (c + b) | 0);
  a = (a + k1) | 0;
  b = (b + k2) | 0;
  c = (c + k3) | 0;
  d = (d + k4 + 1) | 0;
  b = rotate(b, 6) ^ (a = (a + b) | 0);
  d = rotate(d, 20) ^ (c = (c + d) | 0);
  d = rotate(d, 17) ^ (a = (a + d) | 0);
  b = rotate(b, 11) ^ (c = (c + b) | 0);
  b = rotate(b, 25) ^ (a = (a + b) | 0);
  d = rotate(d, 10) ^ (c = (c + d) | 0);
  d = rotate(d, 18) ^ (a = (a + d) | 0);
  b = rotate(b, 20) ^ (c = (c + b) | 0);
  a = (a + k2) | 0;
  b = (b + k3) | 0;
  c = (c + k4) | 0;
  d = (d + k0 + 2) | 0;
  b = rotate(b, 10) ^ (a = (a + b) | 0);
  d = rotate(d, 26) ^ (c = (c + d) | 0);
  d = rotate(d, 11) ^ (a = (a + d) | 0);
  b = rotate(b, 21) ^ (c = (c + b) | 0);
  b = rotate(b, 13) ^ (a = (a + b) | 0);
  d = rotate(d, 27) ^ (c = (c + d) | 0);
  d = rotate(d, 23) ^ (a = (a + d) | 0);
  b = rotate(b, 5) ^ (c = (c + b) | 0);
  a = (a + k3) | 0;
  b = (b + k4) | 0;
  c = (c + k0) | 0;
  d = (d + k1 + 3) | 0;
  b = rotate(b, 6) ^ (a = (a + b) | 0);
  d = rotate(d, 20) ^ (c = (c + d) | 0);
  d = rotate(d, 17) ^ (a = (a + d) | 0);
  b = rotate(b, 11) ^ (c = (c + b) | 0);
  b = rotate(b, 25) ^ (a = (a + b) | 0);
  d = rotate(d, 10) ^ (c = (c + d) | 0);
  d = rotate(d, 18) ^ (a = (a + d) | 0);
  b = rotate(b, 20) ^ (c = (c + b) | 0);
  a = (a + k4) | 0;
  b = (b + k0) | 0;
  c = (c + k1) | 0;
  d = (d + k2 + 4) | 0;
  b = rotate(b, 10) ^ (a = (a + b) | 0);
  d = rotate(d, 26) ^ (c = (c + d) | 0);
  d = rotate(d, 11) ^ (a = (a + d) | 0);
  b = rotate(b, 21) ^ (c = (c + b) | 0);
  b = rotate(b, 13) ^ (a = (a + b) | 0);
  d = rotate(d, 27) ^ (c = (c + d) | 0);
  d = rotate(d, 23) ^ (a = (a + d) | 0);
  b = rotate(b, 5) ^ (c = (c + b) | 0);
  out.w0 = (a + k0) | 0;
  out.w1 = (b + k1) | 0;
  out.w2 = (c + k2) | 0;
  out.w3 = (d + k3 + 5) | 0;
}
