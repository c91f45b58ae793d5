/** How properties run: how many times, and what a failure prints. */
import * as fc from 'fast-check';

const thorough = Boolean(process.env.CI) || Boolean(process.env.WORLDFOLD_REQUIRE_ALL);

/** Runs by default; where everything is required, `factor` times as many. */
export const times = (runs: number, factor = 5): number => (thorough ? runs * factor : runs);

/** Holds a property to `runs` values. A failure names the seed and the path: give them to `replayed`. */
export const holds = <T>(
  arbitrary: fc.Arbitrary<T>,
  runs: number,
  property: (value: T) => Promise<void> | void,
): Promise<void> =>
  fc.assert(
    fc.asyncProperty(arbitrary, async (value) => property(value)),
    { numRuns: times(runs) },
  );
