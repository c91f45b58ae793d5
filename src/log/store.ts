/**
 * The store ports: what any place that keeps logs must do.
 *
 * Owns the contracts and nothing else. The engine never knows which store it has. Each port is found by its
 * type guard; a store implements `LogStore` and whichever others it can. Every "must" below is a test of
 * `test/contract`, run on every implementation.
 */
import { lacks } from '../base/errors.ts';
import type { ProcessIdentity } from '../base/platform.ts';
import { BACKENDS, type Capability } from './backends.ts';

/**
 * One tick as it is stored. `bytes` is the whole encoded record; the other fields repeat what is inside it.
 */
export interface LogRecord {
  readonly tick: number;
  /** SHA-256 over the hashed part of the record: 32 bytes. */
  readonly hash: Uint8Array;
  /** The hash of the record before it: 32 bytes, zeros for tick 0. */
  readonly previous: Uint8Array;
  readonly bytes: Uint8Array;
}

/** Where a log ends. */
export interface Head {
  readonly tick: number;
  readonly hash: Uint8Array;
}

/** A record by its place: a segment and a tick of its own. */
export interface ForkPoint {
  readonly segment: string;
  readonly tick: number;
}

/** A piece of a log: a fork begins a new segment on its parent's tick. */
export interface SegmentInfo {
  readonly id: string;
  /** The root segment of its fork tree. What a tree shares, it shares with nobody outside. */
  readonly family: string;
  /** The record that the segment continues; its own records begin one tick later. Null for a root. */
  readonly parent: ForkPoint | null;
  /** The last record that the segment reaches: its own last one, or the parent's while it has none. */
  readonly head: Head;
  /** The fencing number of the writer that may commit. */
  readonly epoch: number;
  /** Canonical JSON text: what the first own record of a fork is to begin with; null for a root. */
  readonly opening: string | null;
}

/** A run as the store lists it. The header is canonical JSON text: an index, which holds no truth. */
export interface RunInfo {
  readonly id: string;
  readonly header: string;
  readonly segment: SegmentInfo;
}

/**
 * Who writes, and how long the store waits before another may take over, in milliseconds of the store's
 * clock.
 */
export interface Holder extends ProcessIdentity {
  /** Tells two writers of one process apart. */
  readonly token: string;
  readonly ttlMs: number;
}

/** What `create` writes: all of it or nothing. */
export interface NewRun {
  readonly id: string;
  readonly header: string;
  readonly segment: string;
  readonly record: LogRecord;
  readonly holder: Holder;
}

/** A bounded piece of a segment, in tick order, without holes. */
export interface Page {
  readonly records: readonly LogRecord[];
  /** The tick to ask for next, or null when the page reaches the head as it was when the page was read. */
  readonly next: number | null;
}

/** How much one `read` may bring: at least one record comes whatever its size. */
export interface PageLimit {
  readonly records: number;
  readonly bytes: number;
}

/**
 * The log port.
 *
 * Every method must leave no statement, transaction or lock open when its promise settles, and must work
 * while others read and append. After `close` every call is refused with `CLOSED`; closing twice does
 * nothing. Arguments that mean nothing in any log (an id that is empty or holds U+0000 or half a surrogate
 * pair, a hash that is not 32 bytes, a tick that is no whole number from 0 on, a limit below 1 record) are
 * `BAD_USAGE`, before anything else. A failure of the medium is `STORE_FAILED` with the cause. The call is
 * then kept whole or not at all: not at all as far as the store can tell, whole when only the answer was lost
 * on its way. The caller makes the same call again or reads the head.
 */
export interface LogStore {
  /** What the store is, for messages: `memory`, `sqlite`. */
  readonly kind: string;
  /** How an operator names this store, for messages: `sqlite:runs.db`. */
  readonly location: string;

  /**
   * Writes a run, its root segment, the record of tick 0 and the writer's lease (epoch 1) in one transaction.
   * Must refuse a first record that is not tick 0 on zeros with `GAP`, then a run id or segment id that
   * exists with `EXISTS`.
   */
  create(run: NewRun): Promise<RunInfo>;

  /**
   * Appends records, which follow each other, to a segment. Must check in this order: the segment exists
   * (`UNKNOWN_RUN`); a run names it and the epoch is its (`WRITER_REPLACED`); `firstTick` is above the tick
   * of the parent and at most head + 1 (`GAP`), the records count up by one from it (`GAP`); what overlaps
   * the segment's own records has the stored hashes (`DIVERGED`, naming the tick), and is otherwise skipped;
   * the first new record's `previous` is the head's hash, which for a fork without own records is that of its
   * parent's record, and each later one's the hash before it (`DIVERGED`). The rest must go in as one
   * transaction that moves the head on the condition that head and epoch are what was read. Bytes handed in
   * are never kept by reference. Returns the head after it. No records: the same checks, then the head.
   */
  append(segment: string, epoch: number, firstTick: number, records: readonly LogRecord[]): Promise<Head>;

  /**
   * Reads records of one segment's own from a tick on. Must return them as appended, in order, at most up to
   * the limit. From past the head: an empty page. An unknown segment: `UNKNOWN_RUN`. From before the
   * segment's first own tick: `BAD_USAGE`. A record that the head says must be there and is not: `NO_RECORD`;
   * parts that do not make the stored length: `CORRUPT`. Both name segment and tick. Never skips.
   */
  read(segment: string, from: number, limit: PageLimit): Promise<Page>;

  /** The run with that id, or undefined. */
  head(run: string): Promise<RunInfo | undefined>;

  /** Runs in order of id (by UTF-16 code units), after the given id, at most `limit` of them. */
  list(after: string | null, limit: number): Promise<readonly RunInfo[]>;

  /** Frees what the store holds. */
  close(): Promise<void>;
}

/**
 * The lease port: who may write a segment.
 *
 * Fencing is by epoch: a commit with an old epoch is refused. Expiry only permits a takeover; it never fails
 * a writer that nobody replaced.
 */
export interface LeaseStore {
  /**
   * Takes a segment for writing and returns the new epoch, one above the old. Must be refused with
   * `RUN_IN_USE` (facts: host, pid, expiresInMs) while another holder's lease has not expired by the store's
   * clock, its process is not known to be dead, and `takeover` is false. The same holder may take it again.
   * An unknown segment is `UNKNOWN_RUN`, and so is one that no run names.
   */
  acquire(segment: string, holder: Holder, takeover: boolean): Promise<number>;
  /**
   * Puts the expiry off by the holder's ttl from now. A replaced writer gets `WRITER_REPLACED`, and so does
   * that of a run that was removed. After the writer's own release it does nothing: a late renewal must not
   * bring the lease back.
   */
  renew(segment: string, epoch: number): Promise<void>;
  /**
   * Ends the lease, so that anyone may take the segment at once. A replaced writer's release does nothing.
   */
  release(segment: string, epoch: number): Promise<void>;
}

/** A tick that failed, as it is kept beside the log: for people and for shrinking, never read by a fold. */
export interface Attempt {
  readonly tick: number;
  /** Canonical JSON text: the error and the inputs of the tick. */
  readonly text: string;
}

/**
 * The attempts port: keeps the newest 16 failed ticks of each segment, newest as kept. An unknown one:
 * `UNKNOWN_RUN`.
 */
export interface AttemptStore {
  keepAttempt(segment: string, attempt: Attempt): Promise<void>;
  /** Oldest first. */
  attempts(segment: string): Promise<readonly Attempt[]>;
}

/** What `fork` writes: all of it or nothing. */
export interface NewFork {
  readonly id: string;
  readonly header: string;
  readonly segment: string;
  readonly parent: ForkPoint;
  /** The hash of the record of that tick. */
  readonly hash: Uint8Array;
  readonly opening: string;
  readonly holder: Holder;
}

/**
 * The fork port: a log as a tree of segments.
 *
 * A fork stores no record: its segment continues its parent's. A run is a name; what no name reaches, by
 * itself or through forks, may be collected.
 */
export interface ForkStore {
  /**
   * Begins a run on a record of another segment, with a writer's lease (epoch 1), in one transaction that
   * writes no record. Must refuse, in this order: a run id or segment id that exists (`EXISTS`); a parent
   * segment that is not there (`UNKNOWN_RUN`); a tick that is none of the parent's own records (`NO_TICK`,
   * naming segment, tick and its first and last); a record there with another hash (`DIVERGED`). The parent
   * needs no name: whatever is still there may be forked.
   */
  fork(fork: NewFork): Promise<RunInfo>;
  /** The segment and all that it continues, itself first, the root last. Unknown: `UNKNOWN_RUN`. */
  lineage(segment: string): Promise<readonly SegmentInfo[]>;
  /**
   * Deletes the name of a run and nothing else. `RUN_IN_USE` as for {@link LeaseStore.acquire}, for whichever
   * holder, unless `force` is true; the lease ends and the epoch goes up by one: the writer's next commit is
   * `WRITER_REPLACED`, or `UNKNOWN_RUN` once the segment is collected, and the segment never has a writer
   * again. Unknown: `UNKNOWN_RUN`.
   */
  remove(run: string, force: boolean): Promise<void>;
  /**
   * Deletes what no run reaches, in one transaction: at most about `limit` things (records, snapshots, chunks
   * and segments). Returns how many it deleted; 0 when, and only when, nothing is left to delete. A limit
   * below 1 is `BAD_USAGE`; it may be `Infinity`.
   *
   * Unreached are the records of a segment that no run names, past the last tick that a fork of it continues;
   * such a segment itself, with its attempts, once it has no fork and no record; its snapshots past its last
   * reached tick; and chunks that no snapshot of their family uses.
   *
   * Must never delete what a run reaches, be it made while the collection goes on: a segment goes from its
   * end, its head moves back with each call, and a fork that comes between two calls either finds its record
   * up to that head and keeps it, or is refused with `NO_TICK`, or `UNKNOWN_RUN` once the segment is gone.
   * Where names or segments are damaged so that it can't be sure, it deletes nothing: `CORRUPT`, `NO_RECORD`.
   */
  collect(limit: number): Promise<number>;
}

/** A snapshot as it is listed. */
export interface SnapshotInfo {
  readonly segment: string;
  readonly tick: number;
  /** Whether it is kept until it is unpinned. */
  readonly pinned: boolean;
  /** Bytes that were stored for it: manifest and chunks, those that it shares not counted. */
  readonly bytes: number;
}

/** What `keepSnapshot` writes: all of it or nothing. */
export interface NewSnapshot {
  readonly segment: string;
  readonly epoch: number;
  /** One of the segment's own ticks, or the parent's while it has none; and the hash of that record. */
  readonly tick: number;
  readonly hash: Uint8Array;
  readonly pinned: boolean;
  readonly manifest: Uint8Array;
  /** In the manifest's order: new bytes, or the number of a chunk that the family holds already. */
  readonly chunks: readonly (Uint8Array | number)[];
}

/** A snapshot as it is read: the manifest, and the numbers of its chunks in the manifest's order. */
export interface StoredSnapshot extends SnapshotInfo {
  readonly manifest: Uint8Array;
  readonly chunks: readonly number[];
}

/**
 * The snapshot port: worlds at a tick, as chunks that the snapshots of a family share.
 *
 * Snapshots are caches: nothing that a fold needs is only here. A store neither reads a manifest nor compares
 * chunks; sharing is what the writer asks for.
 */
export interface SnapshotStore {
  /**
   * Keeps a snapshot and returns the numbers of its chunks, in order; one that was kept of the same tick is
   * replaced, and stays pinned if it was. In one transaction, must refuse, in this order: an unknown segment
   * (`UNKNOWN_RUN`); an old epoch, or a segment that no run names (`WRITER_REPLACED`); a tick that is none of
   * the segment's own records, nor the parent's while it has none (`NO_TICK`), or has another hash
   * (`DIVERGED`); a chunk number that the family does not hold (`NO_CHUNK`, naming it): the caller then
   * gives the bytes. Of what is refused nothing is kept. A number is never given to a second chunk of the
   * family. Bytes handed in are never kept by reference.
   */
  keepSnapshot(snapshot: NewSnapshot): Promise<readonly number[]>;
  /** The snapshots of one segment's own, in order of tick. Unknown segment: `UNKNOWN_RUN`. */
  snapshots(segment: string): Promise<readonly SnapshotInfo[]>;
  /**
   * The snapshot of a tick, or undefined. `UNKNOWN_RUN` for an unknown segment; `CORRUPT` where the list of
   * its chunks was damaged. Neither manifest nor chunks are verified here: whoever reads them does.
   */
  readSnapshot(segment: string, tick: number): Promise<StoredSnapshot | undefined>;
  /**
   * The bytes of chunks of the segment's family, as stored, in the order asked for: the first, and more while
   * all of them fit `bytes`. A number that is not there, up to where the answer ends or at its end:
   * `NO_CHUNK`, naming segment and chunk. Unknown segment: `UNKNOWN_RUN`.
   */
  readChunks(segment: string, numbers: readonly number[], bytes: number): Promise<readonly Uint8Array[]>;
  /**
   * Forgets snapshots of a segment, save pinned ones; returns how many. Ticks without one are passed over.
   * Chunks are left to `collect`. Unknown segment: `UNKNOWN_RUN`.
   */
  dropSnapshots(segment: string, ticks: readonly number[]): Promise<number>;
  /** Pins or unpins a snapshot. `NO_TICK` where there is none; `UNKNOWN_RUN` for an unknown segment. */
  pinSnapshot(segment: string, tick: number, pinned: boolean): Promise<void>;
}

/** Whether a store has leases. */
export const hasLeases = (store: object): store is LeaseStore =>
  typeof (store as Partial<LeaseStore>).acquire === 'function';

/** Whether a store keeps failed attempts. */
export const hasAttempts = (store: object): store is AttemptStore =>
  typeof (store as Partial<AttemptStore>).keepAttempt === 'function';

/** Whether a store can fork. */
export const hasForks = (store: object): store is ForkStore =>
  typeof (store as Partial<ForkStore>).fork === 'function';

/** Whether a store keeps snapshots. */
export const hasSnapshots = (store: object): store is SnapshotStore =>
  typeof (store as Partial<SnapshotStore>).keepSnapshot === 'function';

/** What was asked of a store that lacks it: {@link UnsupportedError}. */
export const unsupported = (store: LogStore, what: Capability): never =>
  lacks(store.location, store.kind, what, BACKENDS[what]);

/** A store with every port that every backend has. */
export type Store = LogStore & LeaseStore & AttemptStore & ForkStore & SnapshotStore;
