/**
 * `worldfold tables <run>`: sets up, follows, rebuilds and drops the tables that a run has in SQL.
 *
 * Owns what is asked of the library; what is said of it is in tables-text.ts, the list in tables-list.ts.
 */
import { canonicalJson } from '../../base/canonical.ts';
import { fail, isWorldfoldError, type WorldfoldError } from '../../base/errors.ts';
import { steadyClock } from '../../base/platform.ts';
import {
  dropTables,
  followTables,
  type GuardOption,
  type ProjectedReport,
  projectTables,
  type Store,
  type TablesChoice,
} from '../../index.ts';
import { capability } from '../../log/capabilities.ts';
import { tablesOf } from '../../simulation/tables/choice.ts';
import type { AnyWorld } from '../engine.ts';
import { EXIT } from '../failure.ts';
import { type Io, line } from '../io.ts';
import type { StorePlace } from '../options.ts';
import { type Progress, startProgress } from '../progress.ts';
import { worldOf } from '../run-world.ts';
import { needRun, withStore } from '../stores.ts';
import { type ChosenWords, choiceOnward, chosenNow } from './tables-choice.ts';
import { tellList } from './tables-list.ts';
import { factsOf, followedText, reportLines, writtenText } from './tables-text.ts';

/** What `tables` was asked. */
export interface TablesCommandOptions extends ChosenWords {
  /** Left out with `list`, for all runs of the store. */
  readonly run?: string | undefined;
  readonly follow: boolean;
  /** How often a run that is followed is looked at, in milliseconds. */
  readonly poll?: number | undefined;
  readonly rebuild: boolean;
  readonly drop: boolean;
  readonly list: boolean;
  readonly store: StorePlace;
  readonly world?: string | undefined;
  readonly guard: GuardOption;
  readonly json: boolean;
}

/** A run of which tables are asked for, with what folds it. */
interface Asked {
  readonly store: Store;
  readonly id: string;
  readonly world: AnyWorld;
  readonly choice: TablesChoice;
  /** The tick that it had when it was asked for. */
  readonly target: number;
}

/** Refuses words that mean nothing together. */
function checkTogether(o: TablesCommandOptions): void {
  const acts = (['list', 'drop', 'follow', 'rebuild'] as const).filter((name) => o[name]);
  const chosen = (['only', 'history', 'events'] as const).filter((name) => o[name] !== undefined);
  const [first] = acts;
  const isAlone = first === 'list' || first === 'drop';
  const others = isAlone ? [...acts.slice(1), ...chosen] : [];
  if (others.length > 0)
    fail('BAD_USAGE', `--${first} does not go with --${others[0]}`, {}, 'Leave one of them out.');
  if (o.poll !== undefined && !o.follow)
    fail('BAD_USAGE', '--poll goes with --follow', {}, 'Write --follow --poll 100.');
  if (o.run === undefined && !o.list)
    fail(
      'BAD_USAGE',
      'tables needs the id of a run',
      {},
      'Write worldfold tables RUN, or --list for what there is.',
    );
}

/** A bar, which begins when it is known how much there is to do. */
function barOf(
  io: Io,
  silent: boolean,
): { update(now: { tick: number; target: number }): void; stop(): void } {
  let progress: Progress | null = null;
  return {
    update({ tick, target }) {
      progress ??= startProgress(io, 'tables', Math.min(tick, target), target, silent);
      progress.update(tick);
    },
    stop: () => progress?.stop(),
  };
}

const optionsOf = (io: Io, { store, id, choice }: Asked, o: TablesCommandOptions) => ({
  ...{ store, id, guard: o.guard, rebuild: o.rebuild, signal: io.signal },
  ...choice,
});

/** Brings the rows to the head. 0: they are there; 130: stopped on the way. */
async function caughtUp(io: Io, asked: Asked, o: TablesCommandOptions): Promise<number> {
  const bar = barOf(io, o.json);
  const began = steadyClock();
  let done: ProjectedReport;
  try {
    done = await projectTables(asked.world, { ...optionsOf(io, asked, o), onProgress: bar.update });
  } finally {
    bar.stop();
  }
  const stopped = io.signal.aborted && done.tick < asked.target;
  const report = { done, ms: steadyClock() - began, stoppedOf: stopped ? asked.target : null };
  await tellReport(io, asked, o, report);
  return stopped ? EXIT.stopped : EXIT.done;
}

/** What was done, with the number of rows in each table. */
async function tellReport(
  io: Io,
  { store }: Asked,
  o: TablesCommandOptions,
  report: { readonly done: ProjectedReport; readonly ms: number; readonly stoppedOf: number | null },
): Promise<void> {
  if (o.json) line(io.stdout, canonicalJson(await factsOf(store, report)));
  else for (const text of await reportLines(io, store, o, report)) line(io.stdout, text);
}

/** Keeps the rows current until the user stops it, which is how it is to end. */
async function followed(io: Io, asked: Asked, o: TablesCommandOptions): Promise<number> {
  const bar = barOf(io, o.json);
  const began = steadyClock();
  let isBegun = false;
  const onCaughtUp = async (done: ProjectedReport): Promise<void> => {
    if (isBegun)
      return line(io.stdout, o.json ? canonicalJson(await factsOf(null, { done })) : writtenText(done));
    isBegun = true;
    bar.stop();
    await tellReport(io, asked, o, { done, ms: steadyClock() - began, stoppedOf: null });
    if (!o.json) line(io.stdout, 'following: Ctrl-C ends it');
  };
  const onProgress = (now: { tick: number; target: number }): void => {
    if (!isBegun) bar.update(now);
  };
  const options = { ...optionsOf(io, asked, o), onProgress, onCaughtUp };
  try {
    const done = await followTables(asked.world, {
      ...options,
      ...(o.poll !== undefined && { pollMs: o.poll }),
    });
    if (isBegun && !o.json) line(io.stdout, followedText(done));
    if (!isBegun)
      await tellReport(io, asked, o, { done, ms: steadyClock() - began, stoppedOf: asked.target });
    return isBegun ? EXIT.done : EXIT.stopped;
  } finally {
    bar.stop();
  }
}

const STOPPED =
  'Nothing was skipped. Mend the world, or name the one that recorded the run: --world FILE. The same ' +
  'command goes on then.';

/** Does what is asked. Where the projection stops, programs are told too, and people what to type. */
async function kept(io: Io, asked: Asked, o: TablesCommandOptions): Promise<number> {
  try {
    return await (o.follow ? followed : caughtUp)(io, asked, o);
  } catch (e) {
    if (!isWorldfoldError(e, 'PROJECTION_STOPPED')) throw e;
    const { tick, checkpoint } = e.facts;
    const { code, message } = e.cause as WorldfoldError;
    const problem = { code, message, tick };
    if (o.json) line(io.stdout, canonicalJson({ id: asked.id, tick: checkpoint, problem }));
    return fail(e.code, e.message, e.facts, STOPPED, e.cause);
  }
}

async function dropped(io: Io, store: Store, id: string, json: boolean): Promise<number> {
  const deleted = await dropTables(store, id);
  if (json) line(io.stdout, canonicalJson({ id, deleted }));
  else line(io.stdout, `${id}: has no tables in SQL any more; its log stays as it is`);
  return EXIT.done;
}

/**
 * Keeps a run in SQL. 0: rows are those of the head, or were followed until Ctrl-C; 1: a tick can't be taken;
 * 130: stopped before the rows were there.
 */
export async function tablesCommand(io: Io, o: TablesCommandOptions): Promise<number> {
  checkTogether(o);
  return withStore(o.store, io.cwd, o.list ? 'read' : 'change', async (store) => {
    capability(store, 'projections');
    const info = o.run === undefined ? null : await needRun(store, o.run);
    if (info === null || o.list) return tellList(io, store, info?.id ?? null, o);
    if (o.drop) return dropped(io, store, info.id, o.json);
    const { world } = await worldOf(io, store, info, o);
    const choice = chosenNow(tablesOf(world), await choiceOnward(store, info.id), o);
    return kept(io, { store, id: info.id, world, choice, target: info.segment.head.tick }, o);
  });
}
