/**
 * The one generator of seedrandom that this project loads; `@types/seedrandom` describes the package's root
 * only.
 */
declare module 'seedrandom/lib/alea.js' {
  /** Johannes Baagøe's Alea, keyed by a text. */
  export default function alea(seed: string): {
    /** A number in [0, 1) with 53 random bits, made of two steps of 32. */
    double(): number;
  };
}
