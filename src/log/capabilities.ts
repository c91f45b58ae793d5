/**
 * What only some backends can do, and how it is asked for.
 *
 * Owns the contracts of those capabilities, as `store.ts` owns those that every backend has: each is found by
 * its type guard, and every "must" is a test of `test/contract`, run on every backend that has it. What they
 * keep and tell is beside the log: no fold reads it.
 */
import { show } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import { BACKENDS, type Capability } from './backends.ts';
import { hasProjections, type ProjectionStore } from './projection-store.ts';
import {
  type Attempt,
  type AttemptStore,
  type ForkStore,
  hasAttempts,
  hasForks,
  hasLeases,
  hasSnapshots,
  type LeaseStore,
  type LogStore,
  type RunInfo,
  type SnapshotStore,
  unsupported,
} from './store.ts';

/** How runs are looked for. */
export interface FindOptions {
  /** Values that the path names: `$seed` is `vars.seed`. They are data and never part of the path. */
  readonly vars?: { readonly [name: string]: unknown };
  /** Goes on after the run of that id. Default: null, from the first run on. */
  readonly after?: string | null;
  /** How many runs are found at most. Default: `Infinity`. */
  readonly limit?: number;
}

/** A failed tick that was found, with the run that it is kept beside. */
export interface FoundAttempt extends Attempt {
  readonly run: string;
  /** Whether it is the last failed tick that was kept of the run. */
  readonly newest: boolean;
}

/**
 * The jsonb capability: questions about runs, as SQL/JSON paths that the database answers.
 *
 * A path is asked of a JSON document. It finds the document when it gives a value other than `false` and
 * `null`: a condition (`$.config.beta > 0.1 && $.seed == $seed`), a filter (`$.hints ? (@.arena == "north")`)
 * and a part that is there (`$.fork`) all do what they say. What a document lacks, or has in another type, is
 * found by nothing and is no error. A text that the database does not take as JSON (a damaged header, one
 * with U+0000) is found by no path.
 *
 * A path that the database does not take is `BAD_USAGE` with what it says, a variable that has no JSON form
 * `BAD_VALUE`. Runs come in order of id, as `list` gives them.
 */
export interface JsonbStore {
  /** The runs whose header a path finds. */
  findRuns(path: string, options?: FindOptions): Promise<readonly RunInfo[]>;
  /** The kept failed ticks that a path finds, run by run, the oldest first; `limit` counts runs. */
  findAttempts(path: string, options?: FindOptions): Promise<readonly FoundAttempt[]>;
}

/** A row that is to be kept beside a run. */
export interface NewPartitionRow {
  readonly tick: number;
  /** Any text that a database can keep: no U+0000, no half of a surrogate pair. */
  readonly text: string;
}

/** A row of a partition. Numbers count up from 1 within a partition. */
export interface PartitionRow extends NewPartitionRow {
  readonly number: number;
}

/** A partition as it is listed. */
export interface PartitionInfo {
  readonly run: string;
  /** The bytes that it takes in the database. */
  readonly bytes: number;
}

/**
 * The partitions capability: rows beside a run, in a partition of their own that goes in an instant.
 *
 * Rows are lost when the server crashes, by design: the partition is there then, and empty. No law speaks of
 * them. A partition belongs to the run that has the name when it is made, and goes with that name; a fork has
 * none of its parent's. An unknown run is `UNKNOWN_RUN`, one without a partition `NO_PARTITION`.
 *
 * No call may keep commits waiting, of this run or another; making and dropping a partition may keep rows of
 * others waiting for an instant.
 */
export interface PartitionStore {
  /** Makes the partition of a run, empty; returns false, and changes nothing, where there is one. */
  createPartition(run: string): Promise<boolean>;
  /** Adds rows after those that are there, all of them or none. */
  appendRows(run: string, rows: readonly NewPartitionRow[]): Promise<void>;
  /**
   * Rows in order of number, after the given number, at most `limit` of them. What is there under a number
   * stays so: whoever goes on after the last number misses no row.
   */
  readRows(run: string, after: number | null, limit: number): Promise<readonly PartitionRow[]>;
  /** Drops the partition of a run with all of its rows; returns false where there is none. */
  dropPartition(run: string): Promise<boolean>;
  /** The partitions, in order of run id. */
  partitions(): Promise<readonly PartitionInfo[]>;
}

/** Whether a store answers SQL/JSON paths. */
export const hasJsonb = (store: object): store is JsonbStore =>
  typeof (store as Partial<JsonbStore>).findRuns === 'function';

/** Whether a store keeps rows beside runs in partitions. */
export const hasPartitions = (store: object): store is PartitionStore =>
  typeof (store as Partial<PartitionStore>).createPartition === 'function';

/** What each capability is, as a type. */
export interface Ports {
  readonly leases: LeaseStore;
  readonly attempts: AttemptStore;
  readonly forks: ForkStore;
  readonly snapshots: SnapshotStore;
  readonly projections: ProjectionStore;
  readonly jsonb: JsonbStore;
  readonly partitions: PartitionStore;
}

const GUARDS: { readonly [C in Capability]: (store: object) => store is Ports[C] } = {
  leases: hasLeases,
  attempts: hasAttempts,
  forks: hasForks,
  snapshots: hasSnapshots,
  projections: hasProjections,
  jsonb: hasJsonb,
  partitions: hasPartitions,
};

const NAMES: readonly string[] = Object.keys(BACKENDS);

/**
 * The store, as one that has the capability. One that lacks it is an `UnsupportedError`, which names the
 * store, the capability and the backends that have it; a capability that does not exist is `BAD_USAGE`.
 *
 * @example
 * ```ts
 * const hot = await capability(store, 'jsonb').findRuns('$.config.beta > 0.1');
 * ```
 */
export function capability<S extends LogStore, C extends Capability>(store: S, what: C): S & Ports[C] {
  if (!NAMES.includes(what))
    fail(
      'BAD_USAGE',
      `there is no capability ${show(what)}`,
      { capability: what },
      `There are: ${NAMES.join(', ')}.`,
    );
  if (typeof store !== 'object' || store === null)
    fail('BAD_USAGE', `a capability is asked of a store, not of ${show(store)}`, { capability: what });
  const has: (store: object) => store is Ports[C] = GUARDS[what];
  return has(store) ? store : unsupported(store, what);
}
