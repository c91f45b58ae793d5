/**
 * Inputs on their way in: bounded, in order of arrival, each with the two promises of its submitter.
 */
import { fail } from '../base/errors.ts';
import type { AppliedInput, PendingInput } from './engine.ts';

/** A promise that is settled from outside. Whoever does not look at it is not punished for a failure. */
class Deferred<T> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (why: unknown) => void;

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.promise.catch(() => {});
  }
}

/** What a submitter learns when the tick of its input was computed. */
export interface InputApplied extends AppliedInput {
  readonly tick: number;
}

/** A submitted input with its promises. */
export interface Submission {
  readonly input: PendingInput;
  /** Who it came from: a submitter, what a fork begins with, or what its parent recorded. */
  readonly from: 'submitter' | 'fork' | 'parent';
  readonly applied: Deferred<InputApplied>;
  readonly durable: Deferred<{ readonly tick: number }>;
}

const submissionOf = (input: PendingInput, from: Submission['from']): Submission => ({
  input,
  from,
  applied: new Deferred<InputApplied>(),
  durable: new Deferred<{ readonly tick: number }>(),
});

/** Inputs that wait for a tick, and those that wait for a commit. */
export class InputQueue {
  private readonly run: string;
  private readonly max: number;
  private waiting: Submission[] = [];
  private uncommitted: { readonly tick: number; readonly submission: Submission }[] = [];

  constructor(run: string, max: number) {
    this.run = run;
    this.max = max;
  }

  /** Takes an input in; `QUEUE_FULL` when too many wait. */
  submit(input: PendingInput): Submission {
    if (this.waiting.length >= this.max)
      fail(
        'QUEUE_FULL',
        `${this.max} inputs wait for the next tick of run '${this.run}'`,
        { run: this.run, queue: 'inputs', max: this.max },
        'Advance the run, or raise maxInputs.',
      );
    const submission = submissionOf(input, 'submitter');
    this.waiting.push(submission);
    return submission;
  }

  /** Takes in what the first tick of a fork begins with; before anything is submitted. */
  begin(input: PendingInput): void {
    this.waiting.push(submissionOf(input, 'fork'));
  }

  /**
   * Takes all waiting inputs out, in order of arrival; what a parent recorded stands before what was
   * submitted.
   */
  take(kept: readonly PendingInput[]): Submission[] {
    const taken = this.waiting;
    this.waiting = [];
    const opening = taken.filter(({ from }) => from === 'fork');
    const submitted = taken.filter(({ from }) => from !== 'fork');
    return [...opening, ...kept.map((input) => submissionOf(input, 'parent')), ...submitted];
  }

  /** Puts inputs of a failed tick back, before those that came since. A parent's are read again. */
  putBack(submissions: readonly Submission[]): void {
    this.waiting = [...submissions.filter(({ from }) => from !== 'parent'), ...this.waiting];
  }

  /** Tells submitters that their tick was computed. */
  applied(tick: number, submissions: readonly Submission[], results: readonly AppliedInput[]): void {
    submissions.forEach((submission, i) => {
      submission.applied.resolve({ tick, ...results[i]! });
      this.uncommitted.push({ tick, submission });
    });
  }

  /** Whether somebody waits for a commit. */
  get waitsForCommit(): boolean {
    return this.uncommitted.length > 0;
  }

  /** Tells submitters that all up to a tick is durable. */
  committed(durableTick: number): void {
    if (this.uncommitted.length === 0) return;
    const done = this.uncommitted.filter(({ tick }) => tick <= durableTick);
    this.uncommitted = this.uncommitted.filter(({ tick }) => tick > durableTick);
    for (const { tick, submission } of done) submission.durable.resolve({ tick });
  }

  /** Tells everyone who still waits that the run is over. */
  abandon(why: unknown): void {
    for (const { applied, durable } of this.waiting) {
      applied.reject(why);
      durable.reject(why);
    }
    for (const { submission } of this.uncommitted) submission.durable.reject(why);
    this.waiting = [];
    this.uncommitted = [];
  }
}

/** Tells a submitter that its input was dropped. */
export function drop(submission: Submission, why: unknown): void {
  submission.applied.reject(why);
  submission.durable.reject(why);
}
