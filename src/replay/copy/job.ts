/**
 * A copy under way: what it was asked, how far it is, and when it gives way to others.
 */
import { steadyClock, yieldToEvents } from '../../base/platform.ts';
import type { Holder, Store } from '../../log/store.ts';

/** What a copy counts. */
export interface Tally {
  segments: number;
  records: number;
  bytes: number;
  attempts: number;
  readonly snapshots: { copied: number; present: number; damaged: number };
}

/** A chunk of the target, and the hash of its bytes. */
export interface CopiedChunk {
  readonly number: number;
  readonly hash: Uint8Array;
}

/** What the parts of a copy share. */
export class Job {
  readonly from: Store;
  readonly to: Store;
  readonly holder: Holder;
  /** Which snapshots are copied. */
  readonly snapshots: 'all' | 'pinned';
  readonly tally: Tally = {
    ...{ segments: 0, records: 0, bytes: 0, attempts: 0 },
    snapshots: { copied: 0, present: 0, damaged: 0 },
  };
  /** Of the chunks of the source's family, by their numbers, those that the target's family holds. */
  readonly chunks = new Map<number, CopiedChunk>();
  private readonly watch: { readonly signal?: AbortSignal; readonly told: (records: number) => void };
  private slice = steadyClock();

  constructor(
    given: Pick<Job, 'from' | 'to' | 'holder' | 'snapshots'>,
    watch: { readonly signal?: AbortSignal; readonly told: (records: number) => void },
  ) {
    this.from = given.from;
    this.to = given.to;
    this.holder = given.holder;
    this.snapshots = given.snapshots;
    this.watch = watch;
  }

  /** Whether it was told to stop. */
  get stopped(): boolean {
    return this.watch.signal?.aborted === true;
  }

  /** Tells how far it is, and lets others run when it has run for long. */
  async step(): Promise<void> {
    if (steadyClock() - this.slice < SLICE_MS) return;
    this.watch.told(this.tally.records);
    await yieldToEvents();
    this.slice = steadyClock();
  }
}

const SLICE_MS = 20;
