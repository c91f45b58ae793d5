/**
 * The store that lives in the memory of this process.
 *
 * Owns the plain data structure behind it (`MemoryMedium`), whose every change can be taken back, so that
 * simulated crashes can use it too. It promises what every store promises except that anything outlives the
 * process. Records are copied on the way in and on the way out: nobody outside holds a byte of the log.
 */
import { isAlive, type ProcessIdentity, steadyClock } from '../base/platform.ts';
import type { Attempt, Head, Holder, LogRecord, NewRun, Page, PageLimit, RunInfo, Store } from './store.ts';
import {
  alreadyThere,
  checkAppend,
  checkAttempt,
  checkHolder,
  checkLease,
  checkListing,
  checkNewRun,
  checkRead,
  copyBytes,
  copyRecord,
  KEPT_ATTEMPTS,
  type Lease,
  noRecord,
  planAppend,
  storeClosed,
  unknownSegment,
  writerReplaced,
} from './store-checks.ts';

/** A change that was made: what to answer, and how to take it back while no later change was made. */
export interface Change<T> {
  readonly answer: T;
  undo(): void;
}

interface StoredSegment {
  readonly id: string;
  readonly records: LogRecord[];
  epoch: number;
  lease: Lease | null;
  attempts: readonly Attempt[];
}

interface StoredRun {
  readonly id: string;
  readonly header: string;
  readonly segment: StoredSegment;
}

const nothing = (): void => {};

const headOf = (segment: StoredSegment): Head => {
  const last = segment.records.at(-1) ?? noRecord(segment.id, 0);
  return { tick: last.tick, hash: copyBytes(last.hash) };
};

const infoOf = ({ id, header, segment }: StoredRun): RunInfo => ({
  id,
  header,
  segment: { id: segment.id, parent: null, head: headOf(segment), epoch: segment.epoch },
});

/**
 * What a memory store keeps. Several store objects may be opened on one; each call is one indivisible step.
 */
export class MemoryMedium {
  readonly #location: string;
  readonly #runs = new Map<string, StoredRun>();
  readonly #segments = new Map<string, StoredSegment>();
  #sorted: readonly string[] | null = null;

  /** `location` names the medium in messages. */
  constructor(location = 'memory:') {
    this.#location = location;
  }

  #segment(id: string): StoredSegment {
    return this.#segments.get(id) ?? unknownSegment(id, this.#location);
  }

  /** {@link LogStore.create}, at the time `now` of the lease clock. */
  create(run: NewRun, now: number): Change<RunInfo> {
    checkNewRun(run);
    if (this.#runs.has(run.id)) alreadyThere('run', run.id, this.#location);
    if (this.#segments.has(run.segment)) alreadyThere('segment', run.segment, this.#location);
    const lease = { ...run.holder, expiresMs: now + run.holder.ttlMs };
    const segment = { id: run.segment, records: [copyRecord(run.record)], epoch: 1, lease, attempts: [] };
    const stored: StoredRun = { id: run.id, header: run.header, segment };
    this.#runs.set(run.id, stored);
    this.#segments.set(run.segment, segment);
    this.#sorted = null;
    const undo = () => {
      this.#runs.delete(run.id);
      this.#segments.delete(run.segment);
      this.#sorted = null;
    };
    return { answer: infoOf(stored), undo };
  }

  /** {@link LogStore.append}. */
  append(id: string, epoch: number, firstTick: number, records: readonly LogRecord[]): Change<Head> {
    checkAppend(firstTick, records);
    const segment = this.#segment(id);
    const state = { id, head: headOf(segment), epoch: segment.epoch };
    const skip = planAppend(state, epoch, firstTick, records, (tick) => segment.records[tick]?.hash);
    const kept = segment.records.length;
    for (let i = skip; i < records.length; i++) segment.records.push(copyRecord(records[i]!));
    const undo = () => {
      segment.records.length = kept;
    };
    return { answer: headOf(segment), undo };
  }

  /** {@link LogStore.read}. */
  read(id: string, from: number, limit: PageLimit): Page {
    checkRead(from, limit);
    const { records } = this.#segment(id);
    const page: LogRecord[] = [];
    let bytes = 0;
    for (let tick = from; tick < records.length && page.length < limit.records; tick++) {
      const record = records[tick]!;
      bytes += record.bytes.length;
      if (page.length > 0 && bytes > limit.bytes) break;
      page.push(copyRecord(record));
    }
    const next = from + page.length;
    return { records: page, next: next < records.length ? next : null };
  }

  /** {@link LogStore.head}. */
  head(id: string): RunInfo | undefined {
    const run = this.#runs.get(id);
    return run === undefined ? undefined : infoOf(run);
  }

  /** {@link LogStore.list}. */
  list(after: string | null, limit: number): readonly RunInfo[] {
    checkListing(limit);
    // Without a comparator JavaScript sorts by UTF-16 code units, which is the order of the port.
    this.#sorted ??= [...this.#runs.keys()].sort();
    const from = after === null ? 0 : this.#sorted.findIndex((id) => id > after);
    if (from === -1) return [];
    return this.#sorted.slice(from, from + limit).map((id) => infoOf(this.#runs.get(id)!));
  }

  /** {@link LeaseStore.acquire}, at the time `now` of the lease clock. */
  acquire(
    id: string,
    holder: Holder,
    takeover: boolean,
    now: number,
    alive: (who: ProcessIdentity) => boolean,
  ): Change<number> {
    checkHolder(holder);
    const segment = this.#segment(id);
    checkLease(id, segment.lease, holder, takeover, now, alive);
    const { lease, epoch } = segment;
    segment.lease = { ...holder, expiresMs: now + holder.ttlMs };
    segment.epoch = epoch + 1;
    const undo = () => {
      segment.lease = lease;
      segment.epoch = epoch;
    };
    return { answer: epoch + 1, undo };
  }

  /** {@link LeaseStore.renew}, at the time `now` of the lease clock. */
  renew(id: string, epoch: number, now: number): Change<void> {
    const segment = this.#segment(id);
    if (segment.epoch !== epoch) writerReplaced(id, epoch, segment.epoch);
    const lease = segment.lease;
    return this.#setLease(segment, lease === null ? null : { ...lease, expiresMs: now + lease.ttlMs });
  }

  /** {@link LeaseStore.release}. */
  release(id: string, epoch: number): Change<void> {
    const segment = this.#segment(id);
    return segment.epoch === epoch ? this.#setLease(segment, null) : { answer: undefined, undo: nothing };
  }

  #setLease(segment: StoredSegment, lease: Lease | null): Change<void> {
    const before = segment.lease;
    segment.lease = lease;
    const undo = () => {
      segment.lease = before;
    };
    return { answer: undefined, undo };
  }

  /** {@link AttemptStore.keepAttempt}. */
  keepAttempt(id: string, { tick, text }: Attempt): Change<void> {
    checkAttempt({ tick, text });
    const segment = this.#segment(id);
    const before = segment.attempts;
    segment.attempts = [...before, { tick, text }].slice(-KEPT_ATTEMPTS);
    const undo = () => {
      segment.attempts = before;
    };
    return { answer: undefined, undo };
  }

  /** {@link AttemptStore.attempts}. */
  attempts(id: string): readonly Attempt[] {
    return this.#segment(id).attempts.map(({ tick, text }) => ({ tick, text }));
  }
}

/** How a memory store is made. */
export interface MemoryStoreOptions {
  /** The clock of leases, in milliseconds; it should never go back. Default: a steady clock. */
  readonly clock?: () => number;
  /** What to keep the logs in; given to open a second store on the same logs. Default: a new one. */
  readonly medium?: MemoryMedium;
}

/**
 * A store in the memory of this process. It may hold many runs and be shared by several `Run` objects; its
 * logs end with the process. Refuses what the ports of `src/log/store.ts` say, and never fails otherwise.
 *
 * @example
 * ```ts
 * const run = await createRun(town, { store: memoryStore(), seed: 'alpha' });
 * ```
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  const location = 'memory:';
  const { clock = steadyClock, medium = new MemoryMedium(location) } = options;
  let closed = false;
  const open = (): MemoryMedium => (closed ? storeClosed(location) : medium);
  // Async, so that a refusal is a rejected promise; each does its work in one step, when it is called.
  return {
    kind: 'memory',
    location,
    create: async (run) => open().create(run, clock()).answer,
    append: async (segment, epoch, firstTick, records) =>
      open().append(segment, epoch, firstTick, records).answer,
    read: async (segment, from, limit) => open().read(segment, from, limit),
    head: async (run) => open().head(run),
    list: async (after, limit) => open().list(after, limit),
    acquire: async (segment, holder, takeover) =>
      open().acquire(segment, holder, takeover, clock(), isAlive).answer,
    renew: async (segment, epoch) => open().renew(segment, epoch, clock()).answer,
    release: async (segment, epoch) => open().release(segment, epoch).answer,
    keepAttempt: async (segment, attempt) => open().keepAttempt(segment, attempt).answer,
    attempts: async (segment) => open().attempts(segment),
    close: async () => {
      closed = true;
    },
  };
}
