/**
 * Group commit: records wait in memory until enough ticks or time have come together, then go in as one.
 *
 * One group is in flight at a time; what is computed meanwhile goes as the next one. The same bytes are
 * offered until the store takes them; a store that lost its answer skips what it has. What is not durable is
 * bounded by the window. Time is read only between ticks.
 */
import { type ErrorCode, fail, isWorldfoldError } from '../base/errors.ts';
import { yieldUnless } from '../base/platform.ts';
import type { Head, LogRecord, Store } from '../log/store.ts';
import type { InlineRows } from './tables/inline.ts';

/** When to commit, and how much may wait. */
export interface CommitPolicy {
  readonly ticks: number;
  readonly ms: number;
  /** Bytes of records that may wait in memory, in flight included, before `advance` waits for the store. */
  readonly maxUndurable: number;
  readonly leaseMs: number;
}

/** How often one write is offered to the store. */
const ATTEMPTS = 3;

/** How many groups may wait, in flight included, before `advance` waits for the store. */
const WINDOW = 4;

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

/** Where the records of a run go, and when. */
export interface CommitterParts {
  readonly store: Store;
  readonly segment: string;
  readonly epoch: number;
  readonly policy: CommitPolicy;
  readonly steadyClock: () => number;
  /** Rows in SQL that go in with the records, or null. */
  readonly rows: InlineRows | null;
}

/** What becomes of the groups of one run; called between ticks, as soon as it is known. */
export interface Landing {
  /** A group is handed to the store. */
  sent(): void;
  /** The records of a group are durable. */
  landed(records: readonly LogRecord[]): void;
  /** A group was not taken: `STALLED`, or see {@link isLost}. It waits again. */
  failed(why: unknown): void;
}

/** What a group in flight comes to: null where the store took it. */
type Flight = Promise<{ readonly why: unknown } | null>;

/** The waiting records of one run. */
export class Committer {
  durable: Head;
  /** All that is not durable, in order; the records in flight stand first. */
  private waiting: LogRecord[] = [];
  private bytes = 0;
  /** How many of the last records came since a group was due, and the time of the first of them. */
  private fresh = 0;
  private since = 0;
  /** How many groups wait, in flight included. */
  private groups = 0;
  /** The group that is in flight; it never rejects. */
  private flight: Flight | null = null;
  private renewed: number;
  private renewing: Promise<void> | null = null;
  private readonly store: Store;
  private readonly segment: string;
  private readonly epoch: number;
  private readonly policy: CommitPolicy;
  private readonly clock: () => number;
  private readonly landing: Landing;
  private readonly rows: InlineRows | null;

  constructor(
    { store, segment, epoch, policy, steadyClock, rows }: CommitterParts,
    durable: Head,
    landing: Landing,
  ) {
    this.store = store;
    this.segment = segment;
    this.epoch = epoch;
    this.durable = durable;
    this.policy = policy;
    this.clock = steadyClock;
    this.landing = landing;
    this.rows = rows;
    this.renewed = steadyClock();
  }

  /** The records that are not durable yet, in order; those in flight too. */
  get undurable(): readonly LogRecord[] {
    return this.waiting;
  }

  /** Takes a record to be committed. */
  add(record: LogRecord): void {
    if (this.fresh++ === 0) this.since = this.clock();
    this.waiting.push(record);
    this.rows?.computed(record);
    this.bytes += record.bytes.length;
  }

  /** Whether enough has come together for another group. */
  isDue(): boolean {
    const { ticks, ms, maxUndurable } = this.policy;
    if (this.fresh === 0) return false;
    return this.fresh >= ticks || this.bytes >= maxUndurable || this.clock() - this.since >= ms;
  }

  /**
   * Hands what waits to the store, unless a group is in flight: then it goes after that one. The event loop
   * takes a turn where the store does not answer at once. Nothing is waited for while the window has room.
   */
  async handOver(): Promise<void> {
    this.closeGroup();
    await yieldUnless(this.flight ?? this.send());
    while (this.flight !== null && this.isFull()) await this.flight;
  }

  /** What came since the last group was due is a group of its own. */
  private closeGroup(): void {
    this.groups++;
    this.fresh = 0;
    this.rows?.take();
  }

  private isFull(): boolean {
    return this.groups >= WINDOW || this.bytes >= this.policy.maxUndurable;
  }

  /** Commits all that waits now. Where the store does not take it, throws what {@link Landing} hears. */
  async commit(): Promise<void> {
    const last = this.waiting.at(-1)?.tick ?? -1;
    while (this.durable.tick < last) {
      // What somebody else sent may fail: the same bytes are offered again then.
      if (this.flight !== null) await this.flight;
      else {
        const failed = await this.send();
        if (failed !== null) throw failed.why;
      }
    }
  }

  /**
   * Sends all that waits as one group; only what is due where rows of the rest can't be made now, as long as
   * anything is.
   */
  private send(): Flight {
    const dueOnly = this.groups > 0 && this.rows?.isBlind === true;
    if (this.fresh > 0 && !dueOnly) this.closeGroup();
    const { groups } = this;
    const records = this.waiting.slice(0, this.waiting.length - (dueOnly ? this.fresh : 0));
    this.landing.sent();
    this.flight = this.offer(records).then(
      (durable) => {
        this.land(records, groups, durable);
        return null;
      },
      (why: unknown) => {
        this.flight = null;
        [this.groups, this.fresh] = [0, this.waiting.length];
        this.landing.failed(why);
        return { why };
      },
    );
    return this.flight;
  }

  private async offer(records: readonly LogRecord[], attempt = 1): Promise<Head> {
    try {
      return await persistent(() => this.append(records));
    } catch (cause) {
      if (isLost(cause)) throw cause;
      // Rows are beside the log: whoever builds them anew or drops them does not stop it.
      const isMoved = isWorldfoldError(cause, 'PROJECTION_MOVED') && attempt < ATTEMPTS;
      if (isMoved && (await this.rows!.regain())) return this.offer(records, attempt + 1);
      return this.stall(records, cause);
    }
  }

  private append(records: readonly LogRecord[]): Promise<Head> {
    const { store, rows, segment, epoch } = this;
    const { tick } = records[0]!;
    const steps = rows?.upTo(records.at(-1)!.tick) ?? [];
    if (steps.length === 0) return store.append(segment, epoch, tick, records);
    return rows!.store.appendWith(segment, epoch, tick, records, steps);
  }

  /** The store has a group: whoever waits for it is told, and the next one goes where it is due. */
  private land(records: readonly LogRecord[], groups: number, durable: Head): void {
    this.flight = null;
    this.durable = durable;
    this.groups -= groups;
    this.waiting = this.waiting.slice(records.length);
    for (const { bytes } of records) this.bytes -= bytes.length;
    this.rows?.landed(durable.tick);
    this.renew();
    this.landing.landed(records);
    // Whoever was told may have sent it meanwhile.
    if (this.groups > 0 && this.flight === null) this.send();
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

  /** Gives a sign of life to the lease when it is time to; nobody waits for it. */
  renew(): void {
    const now = this.clock();
    if (this.renewing !== null || now - this.renewed < this.policy.leaseMs / 3) return;
    this.renewed = now;
    this.renewing = this.signOfLife().finally(() => void (this.renewing = null));
  }

  private async signOfLife(): Promise<void> {
    try {
      await this.store.renew(this.segment, this.epoch);
    } catch {
      // An expired lease only permits a takeover, and whoever was replaced hears of it from the next commit.
    }
  }

  /** Settles when no sign of life is under way. */
  async quiet(): Promise<void> {
    await this.renewing;
  }
}
