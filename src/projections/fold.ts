/**
 * Folding recorded ticks into a world state.
 */
import { fail } from '../base/errors.ts';
import type { Batch, Wave } from '../columns/waves.ts';
import type { Applier } from './applier.ts';

/** Applies the events of a recorded tick in recorded order. Events that stand in no order are `CORRUPT`. */
export function foldTick(
  tick: number,
  waves: readonly Wave[],
  batches: readonly Batch[],
  applier: Applier,
): void {
  const byKind = new Map(batches.map((batch) => [batch.kind, batch.set]));
  applier.begin(
    tick,
    (kind) =>
      byKind.get(kind) ??
      fail('CORRUPT', 'a record counts events of a kind it does not hold', { tick, kind }),
  );
  applier.audit?.watch(batches);
  for (const wave of waves) applier.applyWave(wave);
  for (const batch of batches)
    if (!applier.isDone(batch))
      fail('CORRUPT', 'a record holds events that stand in no order', { tick, kind: batch.kind });
}
