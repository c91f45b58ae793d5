/**
 * What a run is made of, by whoever begins, opens or forks one.
 */
import type { LogPath } from '../log/lineage.ts';
import type { Store } from '../log/store.ts';
import type { CommitPolicy } from './committer.ts';
import type { Engine, PendingInput } from './engine.ts';
import type { ForkOptions } from './fork.ts';
import type { LogSource } from './history.ts';
import type { LaterReader } from './later.ts';
import type { KnownLog } from './restore.ts';
import type { RunCore } from './run.ts';
import type { SnapshotPolicy } from './snapshots.ts';
import type { InlineRows } from './tables/inline.ts';
import type { TickTimer } from './tick-timer.ts';

/** What a run is made of; times come from the clocks that it is given. */
export interface RunParts {
  readonly id: string;
  readonly store: Store;
  readonly segment: string;
  readonly epoch: number;
  /** The way of the log through segments; it ends in `segment`. */
  readonly path: LogPath;
  readonly engine: Engine;
  /** A second engine of the same world, for looking at the past. */
  readonly another: () => Engine;
  readonly policy: CommitPolicy;
  /** Rows in SQL that go in with the records, or null. */
  readonly rows: InlineRows | null;
  readonly snapshots: SnapshotPolicy;
  /** The hint about the code of the handlers. */
  readonly code: string;
  /** Inputs that the first tick of a fork begins with; each of them must apply. */
  readonly opening: readonly PendingInput[];
  /** The inputs that a parent recorded after the tick of the fork, where they are kept. */
  readonly later: LaterReader | null;
  /** Begins a fork of a log. */
  readonly fork: (
    source: LogSource,
    known: KnownLog,
    parent: string,
    options: ForkOptions,
  ) => Promise<RunCore>;
  readonly maxInputs: number;
  /** Whether the log says already what computes its ticks, and what the metrics are called. */
  readonly introduced: boolean;
  /** Times ticks and commits, where the run keeps a tick log. */
  readonly timer: TickTimer | null;
  readonly wallClock: () => number;
  readonly steadyClock: () => number;
}
