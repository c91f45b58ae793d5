/**
 * Looking at all that a store can be asked of its runs, and comparing it with what was there before it was
 * damaged: each answer is the same as before, or a refusal with a code. Anything else is a wrong world.
 */
import { createHash } from 'node:crypto';
import process from 'node:process';
import { setImmediate as turn } from 'node:timers/promises';
import {
  describeRun,
  isWorldfoldError,
  listRuns,
  openRun,
  type RunPolicy,
  replay,
  type Store,
  type WorldfoldError,
} from '../../src/index.ts';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import { rowsOf } from '../support/runs.ts';
import { herd } from './herd.ts';
import { framesFrom, plainFrame } from './stored.ts';

/** A world small enough to be looked at hundreds of times; its columns are chunks of their own. */
export const world = herd({ animals: 90, fields: 200 });

/** How its runs are written; snapshots are few enough that ticks are folded too. */
export const policy: RunPolicy = {
  commit: { ticks: 3 },
  snapshots: { every: 5, keep: 4 },
  clocks: { wall: () => 0 },
};

/** How many ticks a run is taken on, to see that it goes on as it would have. */
const ONWARD = 2;

const digestOf = (value: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}n` : v)) ?? 'undefined')
    .digest('hex');

/** What one question got: a digest of the answer, or the refusal. */
export type Answer = string | WorldfoldError;

/** What all questions got: by question, `replay root` or `at root 7`. */
export interface Inspection {
  readonly answers: ReadonlyMap<string, Answer>;
  /** Warnings that were given. */
  readonly warnings: readonly string[];
}

class Inspector {
  readonly answers = new Map<string, Answer>();

  /** Asks; only refusals of this project are answers. */
  async ask<T>(
    question: string,
    how: () => Promise<T>,
    tell: (answer: T) => unknown,
  ): Promise<T | undefined> {
    try {
      const answer = await how();
      this.answers.set(question, digestOf(tell(answer)));
      return answer;
    } catch (e) {
      if (!isWorldfoldError(e)) throw new Error(`${question}: ${(e as Error).stack}`, { cause: e });
      this.answers.set(question, e);
      return undefined;
    }
  }

  /** Asks what can be asked without writing. */
  async read(store: Store, ids: readonly string[]): Promise<void> {
    await this.ask(
      'list',
      () => listRuns(store),
      (runs) => runs,
    );
    for (const id of ids) {
      await this.ask(
        `describe ${id}`,
        () => describeRun(store, id),
        (described) => described,
      );
      await this.ask(
        `replay ${id}`,
        () => replay(world, { store, id }),
        (report) => report,
      );
    }
  }

  /** Takes a run up, looks at each of its ticks, and lets it go on a little. */
  async live(store: Store, id: string, ticks: number): Promise<void> {
    const open = () => openRun(world, { ...policy, store, id });
    const run = await this.ask(`open ${id}`, open, ({ tick, durableTick, world: now }) => [
      tick,
      durableTick,
      rowsOf(now),
    ]);
    if (run === undefined) return;
    for (let tick = 0; tick <= ticks; tick++) await this.ask(`at ${id} ${tick}`, () => run.at(tick), rowsOf);
    await this.ask(
      `events ${id}`,
      async () => {
        const all: unknown[] = [];
        for await (const one of run.events('ate')) all.push(one);
        return all;
      },
      (all) => all,
    );
    await this.ask(
      `advance ${id}`,
      () => run.advance(ONWARD),
      (advanced) => advanced,
    );
    await this.ask(
      `close ${id}`,
      () => run.close(),
      () => 'closed',
    );
    await this.ask(
      `log ${id}`,
      () => framesFrom(store, id, run.tick - ONWARD),
      (frames) => frames.map(plainFrame),
    );
  }
}

/** The runs of a file with the last tick of each. */
export type Runs = ReadonlyMap<string, number>;

/** Asks all questions of a file. */
export async function inspect(path: string, runs: Runs): Promise<Inspection> {
  const inspector = new Inspector();
  const warnings: string[] = [];
  const hear = ({ message }: Error): void => void warnings.push(message);
  process.on('warning', hear);
  try {
    const store = await inspector.ask(
      'store',
      () => sqliteStore(path),
      () => 'opened',
    );
    if (store !== undefined) {
      await inspector.read(store, [...runs.keys()]);
      for (const [id, ticks] of runs) await inspector.live(store, id, ticks);
      await inspector.ask(
        'shut',
        () => store.close(),
        () => 'shut',
      );
    }
    await turn();
  } finally {
    process.off('warning', hear);
  }
  return { answers: inspector.answers, warnings };
}

/** What became of a damage, in words. */
export interface Verdict {
  /** Questions that were refused, by code. */
  readonly refused: { readonly [code: string]: readonly string[] };
  /** Questions with another answer than before: none, ever. */
  readonly wrong: readonly string[];
  readonly warnings: readonly string[];
}

/** Judges what a damaged file answered by what the whole one did. */
export function judge(before: Inspection, after: Inspection): Verdict {
  const refused: { [code: string]: string[] } = {};
  const wrong: string[] = [];
  for (const [question, answer] of after.answers) {
    if (typeof answer === 'string') {
      if (before.answers.get(question) !== answer) wrong.push(question);
    } else (refused[answer.code] ??= []).push(question);
  }
  return { refused, wrong, warnings: after.warnings };
}
