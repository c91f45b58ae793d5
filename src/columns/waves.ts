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

/** The events of one kind in one tick, over all origins, in order. */
export interface Batch {
  readonly kind: number;
  readonly set: ColumnSet;
}
