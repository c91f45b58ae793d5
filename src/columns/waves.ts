/**
 * The order of a tick's events: which kinds stand in columns, and how they follow each other.
 */
import type { ColumnSet } from './column-set.ts';

/** A stretch of events of one kind, applied in one piece `times` times over. */
export interface EventRun {
  readonly kind: number;
  readonly size: number;
  readonly times: number;
}

/**
 * What one origin emitted in one go. `atOnce` says that each piece was applied when it was emitted; otherwise
 * all were applied in order after the origin had returned.
 */
export interface Wave {
  readonly origin: string;
  readonly atOnce: boolean;
  readonly runs: readonly EventRun[];
}

/** A run of events in its tick. */
export interface PlacedRun {
  readonly origin: string;
  readonly kind: number;
  /** How many events there are, whatever pieces they were applied in. */
  readonly size: number;
  /** Where the first of them stands among all events of the tick. */
  readonly place: number;
  /** Where it stands among those of its kind: its row in the batch. */
  readonly row: number;
}

/** The runs of a tick in order, each with its place. An event's number in the log follows from it. */
export function* placedRuns(waves: readonly Wave[]): Generator<PlacedRun> {
  const rows = new Map<number, number>();
  let place = 0;
  for (const { origin, runs } of waves)
    for (const { kind, size: piece, times } of runs) {
      const size = piece * times;
      const row = rows.get(kind) ?? 0;
      yield { origin, kind, size, place, row };
      place += size;
      rows.set(kind, row + size);
    }
}

/** The events of one kind in one tick, over all origins, in order. */
export interface Batch {
  readonly kind: number;
  readonly set: ColumnSet;
}
