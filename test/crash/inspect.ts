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
      // How much is durable by then depends on the snapshots that there are.
      ({ tick, stateHash, ended }) => [tick, stateHash, ended],
    );
    const isClosed = await this.ask(
      `close ${id}`,
      async () => {
        await run.close();
        return true;
      },
      () => 'closed',
    );
    if (!isClosed || run.tick !== ticks + ONWARD) return;
    await this.ask(
      `log ${id}`,
      () => framesFrom(store, id, run.tick - ONWARD),
      (frames) => frames.map(plainFrame),
    );
  }
}

/** The runs of a file with the last tick of each. */
export type Runs = ReadonlyMap<string, number>;

/** The warnings that are given while something is done; nobody else hears them. */
export async function heard(work: () => Promise<void>): Promise<string[]> {
  const warnings: string[] = [];
  const others = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', ({ message }) => void warnings.push(message));
  try {
    await work();
    await turn();
  } finally {
    process.removeAllListeners('warning');
    for (const other of others) process.on('warning', other);
  }
  return warnings;
}

/** Asks all questions of a file. */
export async function inspect(path: string, runs: Runs): Promise<Inspection> {
  const inspector = new Inspector();
  const open = () => sqliteStore(path);
  const warnings = await heard(async () => {
    const store = await inspector.ask('store', open, () => 'opened');
    if (store === undefined) return;
    try {
      await inspector.read(store, [...runs.keys()]);
      for (const [id, ticks] of runs) await inspector.live(store, id, ticks);
    } finally {
      await store.close();
    }
  });
  return { answers: inspector.answers, warnings };
}

/** What became of a damage. */
export interface Verdict {
  /**
   * Refusals by code, in words: `CORRUPT: list, open plain; NO_STATE: at plain 0-4`. Empty where there is
   * none.
   */
  readonly told: string;
  readonly refusals: readonly WorldfoldError[];
  /** Questions with another answer than before: none, ever. */
  readonly wrong: readonly string[];
  readonly warnings: readonly string[];
}

/** Judges what a damaged file answered by what the whole one did. */
export function judge(before: Inspection, after: Inspection): Verdict {
  const refused = new Map<string, string[]>();
  const refusals: WorldfoldError[] = [];
  const wrong: string[] = [];
  for (const [question, answer] of after.answers)
    if (typeof answer === 'string') {
      if (before.answers.get(question) !== answer) wrong.push(question);
    } else {
      refusals.push(answer);
      refused.set(answer.code, [...(refused.get(answer.code) ?? []), question]);
    }
  const codes = [...refused].sort(([a], [b]) => (a < b ? -1 : 1));
  const told = codes.map(([code, questions]) => `${code}: ${inRanges(questions).join(', ')}`).join('; ');
  return { told, refusals, wrong, warnings: after.warnings };
}

/** Ticks that follow each other, as a range: `at plain 0-4`. */
function inRanges(questions: readonly string[]): string[] {
  const said: { what: string; from: number; to: number }[] = [];
  for (const question of questions) {
    const [, what = question, tick = ''] = /^(at \S+) (\d+)$/.exec(question) ?? [];
    const last = said.at(-1);
    if (tick !== '' && last?.what === what && last.to === Number(tick) - 1) last.to++;
    else said.push({ what, from: Number(tick || -1), to: Number(tick || -1) });
  }
  return said.map(({ what, from, to }) =>
    from < 0 ? what : `${what} ${from === to ? from : `${from}-${to}`}`,
  );
}
