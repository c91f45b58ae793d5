/**
 * Folding recorded ticks into a world state.
 */
import { fail } from '../base/errors.ts';
import type { Batch, Wave } from '../columns/waves.ts';
import type { Applier } from './applier.ts';

/** Looks at a tick between two waves: the one that was just applied, and the one that comes now. */
export type Between = (done: Wave | null, next: Wave | null) => unknown;

/**
 * Applies the events of a recorded tick in recorded order. Events that stand in no order are `CORRUPT`.
 * `between` is asked before the first wave, after the last, and between each two; where it answers false, the
 * rest is left out.
 */
export function foldTick(
  tick: number,
  waves: readonly Wave[],
  batches: readonly Batch[],
  applier: Applier,
  between: Between | null = null,
): void {
  const byKind = new Map(batches.map((batch) => [batch.kind, batch.set]));
  applier.begin(
    tick,
    (kind) =>
      byKind.get(kind) ??
      fail('CORRUPT', 'a record counts events of a kind it does not hold', { tick, kind }),
  );
  applier.audit?.watch(batches);
  let done: Wave | null = null;
  for (const wave of waves) {
    if (between?.(done, wave) === false) return;
    applier.applyWave(wave);
    done = wave;
  }
  between?.(done, null);
  for (const batch of batches)
    if (!applier.isDone(batch))
      fail('CORRUPT', 'a record holds events that stand in no order', { tick, kind: batch.kind });
}
