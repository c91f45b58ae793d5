/**
 * Tables in SQL that follow a run: set up, caught up, kept current, rebuilt, listed, dropped.
 *
 * A projection is beside the log and can be thrown away and made again. Only durable ticks are followed, and
 * rows move together with the checkpoint that tells of which record they are.
 */
import { guardLevels } from '../base/ambient.ts';
import { checkFunction, checkNames, checkPositive } from '../base/arguments.ts';
import { hex } from '../base/bytes.ts';
import { parseCanonical } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import { loadHash } from '../base/hash.ts';
import { pause } from '../base/platform.ts';
import { capability } from '../log/capabilities.ts';
import type { Checkpoint, ProjectionInfo, ProjectionStore } from '../log/projection-store.ts';
import type { Store } from '../log/store.ts';
import type { Shape } from '../schema/infer.ts';
import { checkSignal, checkStore, checkText } from '../simulation/arguments.ts';
import type { WorldDef } from '../simulation/define-world.ts';
import { EVENTS, RUN_OF_EVENTS } from '../simulation/event-rows.ts';
import { CHOICE, choiceOf, chosen, type TablesChoice } from '../simulation/tables/choice.ts';
import { durableLog } from '../simulation/tables/durable-log.ts';
import { type CaughtUp, Follower, type Rebuilt } from '../simulation/tables/follower.ts';
import { RUN } from '../simulation/tables/layout.ts';
import type { GuardOption } from '../simulation/types.ts';
import { needWorld } from './given.ts';
import { sweep } from './sweep.ts';

/** Which run is kept in SQL, and what of it. */
export interface TablesOptions extends TablesChoice {
  readonly store: Store;
  readonly id: string;
  /** Builds all rows anew beside those that are there, and then shows the new ones; false if left out. */
  readonly rebuild?: boolean;
  /** What becomes of handlers that use a source which no log holds; see the same option of `createRun`. */
  readonly guard?: GuardOption;
  readonly onProgress?: (progress: { readonly tick: number; readonly target: number }) => void;
  /** Stops after the tick under way; what was folded is written. */
  readonly signal?: AbortSignal;
}

/** How a run is followed. */
export interface FollowOptions extends TablesOptions {
  /** How often the log is looked at, in milliseconds: 250 if left out. */
  readonly pollMs?: number;
  /** Hears of each time that rows were brought to the head. */
  readonly onCaughtUp?: (report: ProjectedReport) => unknown;
}

/** A table in SQL. */
export interface TableInSql {
  /** The world's table, `<table>_history` for the rows of chosen ticks, or `events`. */
  readonly table: string;
  /** The name of the view that shows it, for all runs of the world. */
  readonly view: string;
  /** The column of the view that holds the id of the run: `run`, or `run_id` in `events`. */
  readonly runColumn: string;
}

/** What is in SQL of a run. */
export interface TablesReport {
  readonly id: string;
  /** Counts up: a later version of the rows of a run has a greater number. */
  readonly version: number;
  /** Whether queries see these rows; false while they are built. */
  readonly current: boolean;
  /** The tick whose world the rows are; null while nothing is written. */
  readonly tick: number | null;
  /** The hash of that tick's record, in hexadecimal. */
  readonly recordHash: string | null;
  /** Why the projection stopped, and at which tick; null where it did not. */
  readonly problem: { readonly code: string; readonly message: string; readonly tick: number } | null;
  /** What was chosen: the same options go on with it. */
  readonly choice: TablesChoice;
  readonly tables: readonly TableInSql[];
}

/** What `projectTables` did. */
export interface ProjectedReport extends TablesReport {
  readonly tick: number;
  /** Why all rows were built: none were there, the log was rewound, the choice is another one. */
  readonly rebuilt: Rebuilt | null;
  /** How many rows were written and removed. */
  readonly rows: number;
}

const OPTIONS = ['store', 'id', 'rebuild', 'guard', 'onProgress', 'signal', ...CHOICE];
const POLL_MS = 250;

const projectionsOf = (call: string, store: unknown): Store & ProjectionStore => {
  checkStore(call, store);
  return capability(store as Store, 'projections');
};

function reportOf(info: ProjectionInfo): TablesReport {
  const { run, number, current, checkpoint, problem, tables } = info;
  const choice = choiceOf(info.choice);
  const runColumnOf = (role: string): string =>
    choice.events === true && role === EVENTS ? RUN_OF_EVENTS : RUN;
  return {
    id: run,
    version: number,
    current,
    tick: checkpoint?.tick ?? null,
    recordHash: checkpoint === null ? null : hex(checkpoint.hash),
    problem: problem === null ? null : (parseCanonical(problem) as TablesReport['problem']),
    choice,
    tables: tables.map(({ role, view }) => ({ table: role, view, runColumn: runColumnOf(role) })),
  };
}

const doneOf = ({ projection, checkpoint, rebuilt, rows }: CaughtUp): ProjectedReport => ({
  ...reportOf({ ...projection, checkpoint: checkpoint as Checkpoint }),
  tick: checkpoint.tick,
  rebuilt,
  rows,
});

/** Brings the rows to the head, and deletes those that new ones took the place of. */
async function caughtUp(
  under: Follower,
  { store, rebuild = false }: { readonly store: Store; readonly rebuild: boolean | undefined },
): Promise<{ readonly done: ProjectedReport; readonly isAtHead: boolean }> {
  const caught = await under.catchUp(rebuild);
  const done = doneOf(caught);
  if (done.rebuilt !== null) await sweep(store as Store & ProjectionStore);
  return { done, isAtHead: caught.isAtHead };
}

async function follower(call: string, definition: unknown, options: FollowOptions): Promise<Follower> {
  const world = needWorld(call, definition);
  const { store: given, id, guard = 'throw', onProgress, signal, rebuild } = options;
  const store = projectionsOf(call, given);
  checkText('id', id);
  checkFunction('onProgress', onProgress);
  checkSignal(signal);
  guardLevels(guard);
  if (rebuild !== undefined && typeof rebuild !== 'boolean')
    fail('BAD_USAGE', 'rebuild must be true or false', { rebuild }, 'Write rebuild: true.');
  const choice = chosen(world, options);
  await loadHash();
  return new Follower({
    ...durableLog({ store, id, world, guard }),
    id,
    world,
    store,
    chosen: choice,
    signal,
    onProgress: onProgress ?? (() => {}),
  });
}

/**
 * Keeps the tables of a stored run in SQL, in the database of its store: sets them up where they are not
 * there, and brings the rows to the durable head. It takes no lease: another process may be advancing the
 * run, and several may do this at once. A projection that was chosen otherwise, or whose log was rewound, is
 * built anew beside the old rows, and then takes their place.
 *
 * `PROJECTION_STOPPED` at a tick that can't be folded, with the rows at the tick before; `UNSUPPORTED` for a
 * store without SQL; `UNKNOWN_RUN`, `BAD_USAGE`, `STORE_FAILED`.
 *
 * @example
 * ```ts
 * const { tick, tables } = await projectTables(town, { store, id: 'first' });
 * ```
 */
export async function projectTables<S extends Shape, M extends string>(
  definition: WorldDef<S, M>,
  options: TablesOptions,
): Promise<ProjectedReport> {
  checkNames('the options of projectTables', options, OPTIONS);
  const { done } = await caughtUp(await follower('projectTables', definition, options), {
    store: options.store,
    rebuild: options.rebuild,
  });
  return done;
}

/**
 * Keeps the tables of a stored run current until the signal is aborted: as {@link projectTables}, again and
 * again. Fails as that does.
 *
 * @example
 * ```ts
 * await followTables(town, { store, id: 'first', signal: AbortSignal.timeout(60_000) });
 * ```
 */
export async function followTables<S extends Shape, M extends string>(
  definition: WorldDef<S, M>,
  options: FollowOptions,
): Promise<ProjectedReport> {
  checkNames('the options of followTables', options, [...OPTIONS, 'pollMs', 'onCaughtUp']);
  const { pollMs = POLL_MS, onCaughtUp, signal, store } = options;
  checkPositive('pollMs', pollMs);
  checkFunction('onCaughtUp', onCaughtUp);
  const under = await follower('followTables', definition, options);
  let rebuild = options.rebuild;
  for (let told: ProjectedReport | null = null; ; rebuild = false) {
    const { done, isAtHead } = await caughtUp(under, { store, rebuild });
    if (isAtHead && (told === null || isNews(told, done))) await onCaughtUp?.(done);
    told = done;
    if (signal?.aborted !== true) await pause(pollMs, signal);
    if (signal?.aborted) return done;
  }
}

/** Whether rows are of another tick, another log or another version than before. */
const isNews = (before: ProjectedReport, now: ProjectedReport): boolean =>
  now.tick !== before.tick || now.recordHash !== before.recordHash || now.version !== before.version;

/** What is in SQL of a run, or of all runs of a store; rows that are being built too. `UNSUPPORTED`. */
export async function describeTables(store: Store, id?: string): Promise<readonly TablesReport[]> {
  const projections = projectionsOf('describeTables', store);
  if (id !== undefined) checkText('id', id);
  return (await projections.projections(id ?? null)).map(reportOf);
}

/**
 * Drops what is in SQL of a run: queries no longer see it, and its rows are deleted step by step. Returns how
 * many rows and tables went. The log stays as it is. `NO_PROJECTION` where there is none; `UNSUPPORTED`.
 */
export async function dropTables(store: Store, id: string): Promise<number> {
  const projections = projectionsOf('dropTables', store);
  checkText('id', id);
  const all = await projections.projections(id);
  if (all.length === 0)
    fail('NO_PROJECTION', `run '${id}' has no tables in SQL`, { run: id }, 'There is nothing to drop.');
  for (const { number } of all) await projections.retireProjection(number);
  return sweep(projections);
}
