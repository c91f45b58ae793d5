/**
 * The store ports: what any place that keeps logs must do.
 *
 * Owns the contracts and nothing else. The engine never knows which store it has. Each port is found by its
 * type guard; a store implements `LogStore` and whichever others it can. Every "must" below is a test of
 * `test/contract`, run on every implementation.
 */
import type { ProcessIdentity } from '../base/platform.ts';

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

/** A piece of a log: a fork begins a new segment on its parent's tick. */
export interface SegmentInfo {
  readonly id: string;
  readonly parent: { readonly segment: string; readonly tick: number } | null;
  /** The last record of this segment. */
  readonly head: Head;
  /** The fencing number of the writer that may commit. */
  readonly epoch: number;
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
   * (`UNKNOWN_RUN`); the epoch is the segment's (`WRITER_REPLACED`); `firstTick` is at most head + 1 (`GAP`),
   * the records count up by one from it (`GAP`); what overlaps the log has the stored hashes (`DIVERGED`,
   * naming the tick), and is otherwise skipped; the first new record's `previous` is the head's hash, and
   * each later one's the hash before it (`DIVERGED`). The rest must go in as one transaction that moves the
   * head on the condition that head and epoch are what was read. Bytes handed in are never kept by reference.
   * Returns the head after it. No records: the same checks, then the head.
   */
  append(segment: string, epoch: number, firstTick: number, records: readonly LogRecord[]): Promise<Head>;

  /**
   * Reads records of one segment from a tick on. Must return them as appended, in order, at most up to the
   * limit. From past the head: an empty page. An unknown segment: `UNKNOWN_RUN`. A record that the head says
   * must be there and is not: `NO_RECORD`; parts that do not make the stored length: `CORRUPT`. Both name
   * segment and tick. Never skips.
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
   * An unknown segment is `UNKNOWN_RUN`.
   */
  acquire(segment: string, holder: Holder, takeover: boolean): Promise<number>;
  /**
   * Puts the expiry off by the holder's ttl from now. A replaced writer gets `WRITER_REPLACED`. After the
   * writer's own release it does nothing: a late renewal must not bring the lease back.
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

/** Whether a store has leases. */
export const hasLeases = (store: object): store is LeaseStore =>
  typeof (store as Partial<LeaseStore>).acquire === 'function';

/** Whether a store keeps failed attempts. */
export const hasAttempts = (store: object): store is AttemptStore =>
  typeof (store as Partial<AttemptStore>).keepAttempt === 'function';

/** A store with every port that this version defines. */
export type Store = LogStore & LeaseStore & AttemptStore;
