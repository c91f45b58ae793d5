/**
 * Folding recorded ticks into a world state.
 */
import { fail } from '../base/errors.ts';
import { decodeBatches, type RecordFrame, type SetSource } from '../log/record.ts';
import type { Applier } from './applier.ts';

/** Applies the events of a recorded tick in recorded order. */
export function foldFrame(frame: RecordFrame, applier: Applier, sets: SetSource): void {
  const batches = decodeBatches(frame, applier.state.schema, sets);
  const byKind = new Map(batches.map((batch) => [batch.kind, batch.set]));
  applier.begin(
    frame.tick,
    (kind) =>
      byKind.get(kind) ??
      fail('CORRUPT', `a record counts events of a kind it does not hold`, { tick: frame.tick, kind }),
  );
  for (const wave of frame.waves) applier.applyWave(wave);
  for (const batch of batches)
    if (!applier.isDone(batch))
      fail('CORRUPT', `a record holds events that stand in no order`, { tick: frame.tick, kind: batch.kind });
}
