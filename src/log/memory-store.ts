/**
 * The store that lives in the memory of this process.
 *
 * Owns the plain data structure behind it (`MemoryMedium`), whose every change can be taken back, so that
 * simulated crashes can use it too. It promises what every store promises except that anything outlives the
 * process. Records are copied on the way in and on the way out: nobody outside holds a byte of the log.
 */
import { isAlive, type ProcessIdentity, steadyClock } from '../base/platform.ts';
import { checkCollection, checkNewFork, checkOwnRecord } from './fork-checks.ts';
import { collectFrom } from './memory-collect.ts';
import {
  type Change,
  Changes,
  headOf,
  infoOf,
  recordAt,
  type StoredRun,
  type StoredSegment,
  segmentInfoOf,
  stateOf,
} from './memory-state.ts';
import {
  checkChunks,
  checkNewSnapshot,
  checkPinned,
  noChunk,
  noSnapshot,
  planSnapshot,
  storedBytes,
} from './snapshot-checks.ts';
import type {
  Attempt,
  Head,
  Holder,
  LogRecord,
  NewFork,
  NewRun,
  NewSnapshot,
  Page,
  PageLimit,
  RunInfo,
  SegmentInfo,
  SnapshotInfo,
  Store,
  StoredSnapshot,
} from './store.ts';
import {
  alreadyThere,
  checkAppend,
  checkAttempt,
  checkFrom,
  checkHolder,
  checkLease,
  checkListing,
  checkNewRun,
  checkRead,
  checkTick,
  checkWriter,
  copyBytes,
  copyRecord,
  KEPT_ATTEMPTS,
  type Lease,
  planAppend,
  storeClosed,
  unknownRun,
  unknownSegment,
  unnamedSegment,
} from './store-checks.ts';

export type { Change } from './memory-state.ts';

const nothing = (): void => {};

/**
 * What a memory store keeps. Several store objects may be opened on one; each call is one indivisible step.
 */
export class MemoryMedium {
  readonly #location: string;
  readonly #runs = new Map<string, StoredRun>();
  readonly #segments = new Map<string, StoredSegment>();
  #sorted: readonly string[] | null = null;
  #newestChunk = 0;

  /** `location` names the medium in messages. */
  constructor(location = 'memory:') {
    this.#location = location;
  }

  #segment(id: string): StoredSegment {
    return this.#segments.get(id) ?? unknownSegment(id, this.#location);
  }

  #checkFree(run: string, segment: string): void {
    if (this.#runs.has(run)) alreadyThere('run', run, this.#location);
    if (this.#segments.has(segment)) alreadyThere('segment', segment, this.#location);
  }

  #begin(run: StoredRun, changes: Changes): Change<RunInfo> {
    const { segment } = run;
    changes.put(this.#runs, run.id, run);
    changes.put(this.#segments, segment.id, segment);
    if (segment.parent !== null) changes.put(segment.parent.segment.forks, segment.id, segment);
    return this.#renamed(changes.done(infoOf(run)));
  }

  /** A change of the names of runs: their order is found anew, after it and after its undo. */
  #renamed<T>({ answer, undo }: Change<T>): Change<T> {
    this.#sorted = null;
    return {
      answer,
      undo: () => {
        undo();
        this.#sorted = null;
      },
    };
  }

  /** {@link LogStore.create}, at the time `now` of the lease clock. */
  create(run: NewRun, now: number): Change<RunInfo> {
    checkNewRun(run);
    this.#checkFree(run.id, run.segment);
    const family = { id: run.segment, chunks: new Map<number, Uint8Array>(), unswept: false };
    const place = { id: run.segment, family, parent: null, opening: null, first: 0 };
    const segment = newSegment(place, [copyRecord(run.record)], run.holder, now);
    return this.#begin({ id: run.id, header: run.header, segment }, new Changes());
  }

  /** {@link ForkStore.fork}, at the time `now` of the lease clock. */
  fork(fork: NewFork, now: number): Change<RunInfo> {
    checkNewFork(fork);
    this.#checkFree(fork.id, fork.segment);
    const { tick } = fork.parent;
    const parent = this.#segment(fork.parent.segment);
    checkOwnRecord(stateOf(parent), tick, fork.hash, (at) => recordAt(parent, at)?.hash);
    const { segment: id, opening, holder } = fork;
    const place = { id, family: parent.family, parent: { segment: parent, tick }, opening, first: tick + 1 };
    const segment = newSegment(place, [], holder, now);
    return this.#begin({ id: fork.id, header: fork.header, segment }, new Changes());
  }

  /** {@link ForkStore.lineage}. */
  lineage(id: string): readonly SegmentInfo[] {
    const line: SegmentInfo[] = [];
    let at: StoredSegment | undefined = this.#segment(id);
    for (; at !== undefined; at = at.parent?.segment) line.push(segmentInfoOf(at));
    return line;
  }

  /** {@link ForkStore.remove}, at the time `now` of the lease clock. */
  remove(id: string, force: boolean, now: number, alive: (who: ProcessIdentity) => boolean): Change<void> {
    const { segment } = this.#runs.get(id) ?? unknownRun(id, this.#location);
    checkLease(segment.id, segment.lease, null, force, now, alive);
    const changes = new Changes();
    changes.drop(this.#runs, id);
    changes.assign(segment, { named: false, lease: null, epoch: segment.epoch + 1 });
    return this.#renamed(changes.done(undefined));
  }

  /** {@link ForkStore.collect}. */
  collect(limit: number): Change<number> {
    checkCollection(limit);
    const changes = new Changes();
    return changes.done(collectFrom(this.#segments, limit, changes));
  }

  /** {@link LogStore.append}. */
  append(id: string, epoch: number, firstTick: number, records: readonly LogRecord[]): Change<Head> {
    checkAppend(firstTick, records);
    const segment = this.#segment(id);
    const hashAt = (tick: number) => recordAt(segment, tick)?.hash;
    const skip = planAppend(stateOf(segment), epoch, firstTick, records, hashAt);
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
    const segment = this.#segment(id);
    const { first, records } = segment;
    checkFrom(id, first, from);
    const page: LogRecord[] = [];
    let bytes = 0;
    for (let i = from - first; i < records.length && page.length < limit.records; i++) {
      const record = records[i]!;
      bytes += record.bytes.length;
      if (page.length > 0 && bytes > limit.bytes) break;
      page.push(copyRecord(record));
    }
    const next = from + page.length;
    return { records: page, next: next < first + records.length ? next : null };
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
    if (!segment.named) unnamedSegment(id, this.#location);
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
    checkWriter(stateOf(segment), epoch);
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

  /** {@link SnapshotStore.keepSnapshot}. */
  keepSnapshot(snapshot: NewSnapshot): Change<readonly number[]> {
    checkNewSnapshot(snapshot);
    const segment = this.#segment(snapshot.segment);
    const { family, snapshots } = segment;
    const hashAt = (tick: number) => recordAt(segment, tick)?.hash;
    planSnapshot(stateOf(segment), snapshot, hashAt, (chunk) => family.chunks.has(chunk));
    const changes = new Changes();
    const before = this.#newestChunk;
    const chunks = snapshot.chunks.map((chunk) => {
      if (typeof chunk === 'number') return chunk;
      changes.put(family.chunks, ++this.#newestChunk, copyBytes(chunk));
      return this.#newestChunk;
    });
    const { tick } = snapshot;
    const old = snapshots.get(tick);
    const pinned = snapshot.pinned || old?.pinned === true;
    const manifest = copyBytes(snapshot.manifest);
    changes.put(snapshots, tick, { tick, pinned, bytes: storedBytes(snapshot), manifest, chunks });
    if (old !== undefined) changes.assign(family, { unswept: true });
    const { answer, undo } = changes.done([...chunks]);
    const back = () => {
      undo();
      this.#newestChunk = before;
    };
    return { answer, undo: back };
  }

  /** {@link SnapshotStore.snapshots}. */
  snapshots(id: string): readonly SnapshotInfo[] {
    const kept = [...this.#segment(id).snapshots.values()].sort((a, b) => a.tick - b.tick);
    return kept.map(({ tick, pinned, bytes }) => ({ segment: id, tick, pinned, bytes }));
  }

  /** {@link SnapshotStore.readSnapshot}. */
  readSnapshot(id: string, tick: number): StoredSnapshot | undefined {
    checkTick('tick', tick);
    const kept = this.#segment(id).snapshots.get(tick);
    if (kept === undefined) return undefined;
    return { segment: id, ...kept, manifest: copyBytes(kept.manifest), chunks: [...kept.chunks] };
  }

  /** {@link SnapshotStore.readChunks}. */
  readChunks(id: string, numbers: readonly number[], bytes: number): readonly Uint8Array[] {
    checkChunks(numbers, bytes);
    const { chunks } = this.#segment(id).family;
    const read: Uint8Array[] = [];
    let held = 0;
    for (const number of numbers) {
      const chunk = chunks.get(number) ?? noChunk(id, number);
      held += chunk.length;
      if (read.length > 0 && held > bytes) break;
      read.push(copyBytes(chunk));
    }
    return read;
  }

  /** {@link SnapshotStore.dropSnapshots}. */
  dropSnapshots(id: string, ticks: readonly number[]): Change<number> {
    for (const tick of ticks) checkTick('tick', tick);
    const { snapshots, family } = this.#segment(id);
    const dropped = [...new Set(ticks)].filter((tick) => snapshots.get(tick)?.pinned === false);
    const changes = new Changes();
    for (const tick of dropped) changes.drop(snapshots, tick);
    if (dropped.length > 0) changes.assign(family, { unswept: true });
    return changes.done(dropped.length);
  }

  /** {@link SnapshotStore.pinSnapshot}. */
  pinSnapshot(id: string, tick: number, pinned: boolean): Change<void> {
    checkTick('tick', tick);
    checkPinned(pinned);
    const { snapshots } = this.#segment(id);
    const kept = snapshots.get(tick) ?? noSnapshot(id, tick);
    const changes = new Changes();
    changes.put(snapshots, tick, { ...kept, pinned });
    return changes.done(undefined);
  }

  /**
   * The bytes as they are kept, not a copy, for tests that damage them: of the record or manifest of a tick,
   * of the chunk of a number. Undefined where there are none.
   */
  keptBytes(id: string, what: 'record' | 'manifest' | 'chunk', number: number): Uint8Array | undefined {
    const segment = this.#segments.get(id);
    if (segment === undefined) return undefined;
    if (what === 'record') return recordAt(segment, number)?.bytes;
    if (what === 'manifest') return segment.snapshots.get(number)?.manifest;
    return segment.family.chunks.get(number);
  }

  /** How many things of each kind are kept, for tests of what a collection leaves. */
  count(): { readonly runs: number; segments: number; records: number; snapshots: number; chunks: number } {
    const segments = [...this.#segments.values()];
    const families = new Set(segments.map((segment) => segment.family));
    const sum = (sizes: number[]): number => sizes.reduce((a, b) => a + b, 0);
    return {
      runs: this.#runs.size,
      segments: segments.length,
      records: sum(segments.map(({ records }) => records.length)),
      snapshots: sum(segments.map(({ snapshots }) => snapshots.size)),
      chunks: sum([...families].map(({ chunks }) => chunks.size)),
    };
  }
}

const newSegment = (
  place: Pick<StoredSegment, 'id' | 'family' | 'parent' | 'opening' | 'first'>,
  records: LogRecord[],
  holder: Holder,
  now: number,
): StoredSegment => ({
  ...place,
  records,
  forks: new Map(),
  snapshots: new Map(),
  named: true,
  epoch: 1,
  lease: { ...holder, expiresMs: now + holder.ttlMs },
  attempts: [],
});

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
    fork: async (fork) => open().fork(fork, clock()).answer,
    lineage: async (segment) => open().lineage(segment),
    remove: async (run, force) => open().remove(run, force, clock(), isAlive).answer,
    collect: async (limit) => open().collect(limit).answer,
    keepSnapshot: async (snapshot) => open().keepSnapshot(snapshot).answer,
    snapshots: async (segment) => open().snapshots(segment),
    readSnapshot: async (segment, tick) => open().readSnapshot(segment, tick),
    readChunks: async (segment, numbers, bytes) => open().readChunks(segment, numbers, bytes),
    dropSnapshots: async (segment, ticks) => open().dropSnapshots(segment, ticks).answer,
    pinSnapshot: async (segment, tick, pinned) => open().pinSnapshot(segment, tick, pinned).answer,
    close: async () => {
      closed = true;
    },
  };
}
