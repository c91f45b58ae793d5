/**
 * What is written down while a simulated schedule runs: a trace, counts, and what broke.
 *
 * Owns the paper. It judges nothing; whoever does writes here.
 */

/** What broke, and when. */
export interface Violation {
  readonly step: number;
  readonly what: string;
}

/** The notes of one schedule. */
export class Notes {
  readonly violations: Violation[] = [];
  /** What was noted, each with the step it was noted at. */
  readonly notes: { readonly step: number; readonly text: string }[] = [];
  /** Counts of what happened, so that a test can tell that a schedule did something. */
  readonly counts = new Map<string, number>();
  readonly stepNow: () => number;

  constructor(stepNow: () => number) {
    this.stepNow = stepNow;
  }

  /** Whether something broke: nobody needs to go on. */
  get broken(): boolean {
    return this.violations.length > 0;
  }

  /** Writes a line into the trace. */
  note(text: string): void {
    this.notes.push({ step: this.stepNow(), text });
  }

  /** Counts something that happened. */
  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  /** Writes down that a law was broken. */
  broke(what: string): void {
    this.note(`BROKEN: ${what}`);
    this.violations.push({ step: this.stepNow(), what });
  }

  /** Writes down that a law was broken, unless it holds. */
  holds(condition: boolean, what: () => string): void {
    if (!condition) this.broke(what());
  }
}
