/**
 * Set up in each worker of a mutation run: chance is the same for every mutant, properties run a few times,
 * and the blocks that ran are told.
 */
import { writeFileSync } from 'node:fs';
import { afterAll, vi } from 'vitest';

vi.mock('fast-check', async (/** @type {() => Promise<typeof import('fast-check')>} */ original) => {
  const fc = await original();
  /** Each survivor runs every property that reaches it: so many values must do. */
  const most = 25;
  // A mutant is killed by the first failure: to make it smaller takes long and says nothing.
  fc.configureGlobal({ seed: 1, endOnFailure: true });
  /** @param {import('fast-check').IRawProperty<unknown>} property @param {{ numRuns?: number }} [how] */
  const assert = (property, how = {}) =>
    fc.assert(property, { ...how, numRuns: Math.min(how.numRuns ?? most, most) });
  return { ...fc, assert, default: { ...fc.default, assert } };
});

/** @type {Set<string>} */
const reached = new Set();
Object.assign(globalThis, { mutateReached: reached });
afterAll(() => writeFileSync('.reached.json', JSON.stringify([...reached])));
