/**
 * Group commit: records wait in memory until enough ticks or time have come together, then go in as one.
 *
 * The same bytes are offered until the store takes them; a store that lost its answer skips what it has. What
 * is not durable is bounded. Time is read only between ticks.
 */
import { type ErrorCode, fail, isWorldfoldError } from '../base/errors.ts';
import type { Head, LogRecord, Store } from '../log/store.ts';

/** When to commit, and how much may wait. */
export interface CommitPolicy {
  readonly ticks: number;
  readonly ms: number;
  /** Bytes of records that may wait in memory before `advance` must commit. */
  readonly maxUndurable: number;
  readonly leaseMs: number;
}

/** How often one write is offered to the store. */
const ATTEMPTS = 3;

/** Another writer has the log, or the log is no longer there: offering the bytes again is of no use. */
const LOST: readonly ErrorCode[] = ['WRITER_REPLACED', 'DIVERGED', 'GAP', 'UNKNOWN_RUN'];

/** Whether an error says that the run lost its log. */
export const isLost = (e: unknown): boolean => isWorldfoldError(e) && LOST.includes(e.code);

/**
 * Makes a call of the store, and makes it again where the store failed: a call that writes may be made twice.
 */
export async function persistent<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++)
    try {
      return await call();
    } catch (e) {
      if (attempt === ATTEMPTS || !isWorldfoldError(e, 'STORE_FAILED')) throw e;
    }
}

/**
 * Makes a call that must be made once. Where the store failed, `find` tells whether the call was kept and
 * only its answer lost.
 */
export async function keptAnswer<T>(call: () => Promise<T>, find: () => Promise<T | undefined>): Promise<T> {
  try {
    return await call();
  } catch (e) {
    if (!isWorldfoldError(e, 'STORE_FAILED')) throw e;
    const found = await find().catch(() => undefined);
    if (found === undefined) throw e;
    return found;
  }
}

/** Lets go of a segment. A lease that can't be given back expires by itself. */
export async function release(held: {
  readonly store: Store;
  readonly segment: string;
  readonly epoch: number;
}): Promise<void> {
  await persistent(() => held.store.release(held.segment, held.epoch)).catch(() => {});
}

/** The waiting records of one run. */
export class Committer {
  durable: Head;
  private waiting: LogRecord[] = [];
  private bytes = 0;
  private since: number;
  private renewed: number;
  private busy: Promise<readonly LogRecord[]> | null = null;
  private readonly store: Store;
  private readonly segment: string;
  private readonly epoch: number;
  private readonly policy: CommitPolicy;
  private readonly clock: () => number;

  constructor(
    store: Store,
    segment: string,
    epoch: number,
    durable: Head,
    policy: CommitPolicy,
    clock: () => number,
  ) {
    this.store = store;
    this.segment = segment;
    this.epoch = epoch;
    this.durable = durable;
    this.policy = policy;
    this.clock = clock;
    this.since = this.renewed = clock();
  }

  /** The records that are not durable yet, in order. */
  get undurable(): readonly LogRecord[] {
    return this.waiting;
  }

  /** Takes a record to be committed. */
  add(record: LogRecord): void {
    if (this.waiting.length === 0) this.since = this.clock();
    this.waiting.push(record);
    this.bytes += record.bytes.length;
  }

  /** Whether enough has come together. */
  isDue(): boolean {
    const { ticks, ms, maxUndurable } = this.policy;
    if (this.waiting.length === 0) return false;
    return this.waiting.length >= ticks || this.bytes >= maxUndurable || this.clock() - this.since >= ms;
  }

  /**
   * Commits all that waits and returns it. `STALLED` when the store does not take it; else see
   * {@link isLost}.
   */
  async commit(): Promise<readonly LogRecord[]> {
    while (this.busy !== null) await this.busy.catch(() => []);
    if (this.waiting.length === 0) return [];
    this.busy = this.offer([...this.waiting]);
    try {
      return await this.busy;
    } finally {
      this.busy = null;
    }
  }

  private async offer(records: readonly LogRecord[]): Promise<readonly LogRecord[]> {
    const { store, segment, epoch } = this;
    try {
      this.durable = await persistent(() => store.append(segment, epoch, records[0]!.tick, records));
    } catch (cause) {
      if (isLost(cause)) throw cause;
      return this.stall(records, cause);
    }
    this.waiting = this.waiting.slice(records.length);
    this.bytes = this.waiting.reduce((sum, { bytes }) => sum + bytes.length, 0);
    this.since = this.clock();
    await this.renew();
    return records;
  }

  private stall(records: readonly LogRecord[], cause: unknown): never {
    const store = this.store.location;
    const [first, last] = [records[0]!.tick, records.at(-1)!.tick];
    return fail(
      'STALLED',
      `${store} does not take ticks ${first} to ${last}: ${(cause as Error).message}`,
      { durableTick: this.durable.tick, tick: last, store },
      'Nothing is lost yet: mend the store and call flush().',
      cause,
    );
  }

  /** Gives a sign of life to the lease when it is time to. */
  async renew(): Promise<void> {
    const now = this.clock();
    if (now - this.renewed < this.policy.leaseMs / 3) return;
    this.renewed = now;
    try {
      await this.store.renew(this.segment, this.epoch);
    } catch {
      // An expired lease only permits a takeover, and whoever was replaced hears of it from the next commit.
    }
  }
}
