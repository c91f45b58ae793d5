/**
 * Deleting what is left in SQL of projections that nobody shows any more.
 */
import { yieldToEvents } from '../base/platform.ts';
import type { ProjectionStore } from '../log/projection-store.ts';

/** How much one step of a sweep deletes: writers get their turn between steps. */
const STEP = 4096;

/** Deletes it step by step; returns how many rows, projections and tables went. */
export async function sweep(store: ProjectionStore): Promise<number> {
  let swept = 0;
  for (let step = 1; step > 0; swept += step) {
    step = await store.sweepProjections(STEP);
    await yieldToEvents();
  }
  return swept;
}
