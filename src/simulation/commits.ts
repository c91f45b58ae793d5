/**
 * The commits of a run: who is told of them, and what the run is when one fails.
 *
 * A group that is in flight comes down while ticks go on. What became of it is noted at once: submitters and
 * observers are told, or the run is stalled or fenced, which the next call finds.
 */
import { Committer, isLost } from './committer.ts';
import { inRun } from './failures.ts';
import type { InputQueue } from './input-queue.ts';
import type { Observers } from './observers.ts';
import type { RunParts } from './run-parts.ts';

/** The commits of one run. */
export class Commits {
  readonly committer: Committer;
  private readonly run: string;
  private readonly queue: InputQueue;
  /** Why the store did not take the last group, or why the log is lost; null where neither is so. */
  private failure: { readonly why: unknown } | null = null;
  /** Whether another writer has the log, or nobody. */
  private lost = false;
  /** Whether no call has thrown the failure yet. */
  private untold = false;

  constructor(
    parts: RunParts,
    durable: { readonly tick: number; readonly hash: Uint8Array },
    queue: InputQueue,
    observers: Observers,
  ) {
    this.run = parts.id;
    this.queue = queue;
    this.committer = new Committer(parts, durable, {
      sent: () => parts.timer?.sent(),
      landed: (records) => {
        parts.timer?.landed(records);
        parts.engine.watch.release();
        if (!this.lost) this.failure = null;
        queue.committed(records.at(-1)!.tick);
        observers.tell('durable', records);
      },
      failed: (e) => this.fails(e),
    });
  }

  /** What the run is since a commit failed; null where it is well. */
  get state(): 'stalled' | 'fenced' | null {
    if (this.lost) return 'fenced';
    return this.failure === null ? null : 'stalled';
  }

  /** Takes note of an error of the store that a call is about to throw: it may say that the log is lost. */
  note(e: unknown): void {
    if (!isLost(e)) return;
    this.fails(e);
    this.untold = false;
  }

  private fails(e: unknown): void {
    // What a run that lost its log meets later says nothing new.
    if (this.lost) return;
    this.lost = isLost(e);
    this.failure = { why: inRun(e, this.run) };
    this.untold = true;
    if (this.lost) this.queue.abandon(e);
  }

  /** Why the run is stalled or fenced; whoever asks tells it. */
  why(): unknown {
    this.untold = false;
    return this.failure?.why;
  }

  /** Throws what a commit met that nobody waited for. */
  check(): void {
    if (this.failure !== null) throw this.why();
  }

  /** Hands over what waits; see {@link Committer.handOver}. Throws where a commit failed. */
  async handOver(): Promise<void> {
    await this.committer.handOver();
    this.check();
  }

  /** Makes all that waits durable, or throws why it can't be. */
  async all(): Promise<void> {
    try {
      await this.committer.commit();
    } catch (e) {
      this.untold = false;
      throw inRun(e, this.run);
    }
  }

  /** The same at the end of a run. That the log was lost is told here where no call has told it yet. */
  async end(): Promise<void> {
    if (!this.lost) await this.all();
    else if (this.untold) throw this.why();
  }
}
