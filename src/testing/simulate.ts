/**
 * Seeded schedules: whole trees of runs under faults, crashes, rivals and damage, judged by an oracle.
 *
 * Owns one schedule from its seed to its report. The seed chooses everything: the medium's durability, the
 * faults, the actors and their order, what they do, who dies and when. Nothing here knows a law; the book and
 * the twin do.
 */

import { isWorldfoldError } from '../base/errors.ts';
import { loadHash } from '../base/hash.ts';
import { die, read, write } from './simulate-actors.ts';
import { judge } from './simulate-end.ts';
import { collect, remove, sweep, vandalise } from './simulate-meddlers.ts';
import type { Violation } from './simulate-notes.ts';
import { type SimulationPlan, Stage } from './simulate-stage.ts';

/** How to simulate. */
export interface SimulateOptions {
  /** A schedule that takes more steps than this has not come to rest, which is a violation (20,000). */
  readonly maxSteps?: number;
  /**
   * Whether runs are opened under another version of their schema, and under handlers that do something else
   * (false). The schedules of a seed with and without are two.
   */
  readonly eras?: boolean;
}

/** What a schedule came to. */
export interface SimulationReport {
  readonly seed: number;
  readonly plan: SimulationPlan;
  /** How often an actor was let go. */
  readonly steps: number;
  /** What broke, in order; empty where every law held. Each names the step that it was found at. */
  readonly violations: readonly Violation[];
  /** How often what happened: commits, deaths, refusals by their code, and so on. */
  readonly counts: ReadonlyMap<string, number>;
  /** What happened, a line a step, with notes between. */
  readonly trace: readonly string[];
}

/** The steps with the notes that were taken at each. */
function traceOf({ scheduler, book }: Stage): string[] {
  const lines: string[] = [];
  let note = 0;
  for (let step = 0; step <= scheduler.trace.length; step++) {
    for (; note < book.notes.length && book.notes[note]!.step <= step; note++)
      lines.push(`        ${book.notes[note]!.text}`);
    if (step < scheduler.trace.length)
      lines.push(`${String(step + 1).padStart(6)}  ${scheduler.trace[step]}`);
  }
  return lines;
}

/**
 * Runs one schedule of one to three writers, their forks, readers, meddlers, faults and deaths over a
 * simulated medium, with the world of `simulate-world.ts`, and judges it: nothing durable is lost beyond what
 * the medium may lose, no history is written twice, no input is taken twice or forgotten, a replaced writer
 * commits nothing, forks are what they were asked to be and change no parent, snapshots hold the world of
 * their tick and damaged ones are told of and used by nobody, a collection takes what no run reaches and
 * nothing else, readers see what the log holds, no call raises what it may not, and an undisturbed twin
 * computes the same records.
 * One seed gives one report.
 *
 * @example
 * ```ts
 * const report = await simulate(42);
 * expect(report.violations, report.trace.join('\n')).toEqual([]);
 * ```
 */
export function simulate(seed: number, options: SimulateOptions = {}): Promise<SimulationReport> {
  const report = before.then(() => run(seed, options));
  before = report.catch(() => {});
  return report;
}

/** Schedules hear the warnings of the whole process: one runs after the other. */
let before: Promise<unknown> = Promise.resolve();

/** Sends the actors of a schedule on. */
function cast(stage: Stage): void {
  const { plan, scheduler } = stage;
  stage.writing = plan.writers;
  for (let i = 1; i <= plan.writers; i++) scheduler.spawn(`writer ${i}`, (actor) => write(stage, actor));
  for (let i = 1; i <= plan.readers; i++) scheduler.spawn(`reader ${i}`, (actor) => read(stage, actor));
  if (plan.deaths.length > 0) scheduler.spawn('death', (actor) => die(stage, actor));
  if (plan.removals > 0) scheduler.spawn('remover', (actor) => remove(stage, actor));
  if (plan.collections > 0) scheduler.spawn('collector', (actor) => collect(stage, actor));
  if (plan.drops > 0) scheduler.spawn('janitor', (actor) => sweep(stage, actor));
  if (plan.flips > 0) scheduler.spawn('vandal', (actor) => vandalise(stage, actor));
}

async function run(seed: number, options: SimulateOptions): Promise<SimulationReport> {
  await loadHash();
  const stage = new Stage(seed, options.eras ?? false);
  const { plan, book, scheduler } = stage;
  const deafen = stage.listen();
  cast(stage);
  try {
    await scheduler.run(options.maxSteps ?? 20_000);
    if (!book.broken) await judge(stage);
  } catch (e) {
    book.broke(
      isWorldfoldError(e) ? `${e.code}: ${e.stack}` : `the schedule failed: ${(e as Error).stack ?? e}`,
    );
  } finally {
    deafen();
  }
  const { violations, counts } = book;
  return { seed, plan, steps: scheduler.trace.length, violations, counts, trace: traceOf(stage) };
}
