/** How properties run: how many times, and how a failing one is run again. */
import * as fc from 'fast-check';

const { CI, WORLDFOLD_REQUIRE_ALL, WORLDFOLD_TIMES, PROPERTY_SEED, PROPERTY_PATH } = process.env;
const thorough = Boolean(CI) || Boolean(WORLDFOLD_REQUIRE_ALL);

/** Runs by default; where everything is required twice as many, or as `WORLDFOLD_TIMES` says. */
export const times = (runs: number): number => runs * Number(WORLDFOLD_TIMES ?? (thorough ? 2 : 1));

/** Comes before a test runs out of its time: whoever ends a property there would not say its seed. */
const LIMIT = 100_000;

/**
 * Holds a property to `runs` values. A failure prints its seed and its path: with them in `PROPERTY_SEED` and
 * `PROPERTY_PATH`, and `-t` for the name of the test, the same value comes first. One that does not end, or
 * whose failure is still made smaller, says what it knows after `LIMIT`.
 */
export function holds<T>(
  arbitrary: fc.Arbitrary<T>,
  runs: number,
  property: (value: T) => Promise<void> | void,
): Promise<void> {
  const again = PROPERTY_SEED === undefined ? {} : { seed: Number(PROPERTY_SEED) };
  const path = PROPERTY_PATH === undefined ? {} : { path: PROPERTY_PATH };
  return fc.assert(
    fc.asyncProperty(arbitrary, async (value) => property(value)),
    { numRuns: times(runs), interruptAfterTimeLimit: LIMIT, markInterruptAsFailure: true, ...again, ...path },
  );
}
