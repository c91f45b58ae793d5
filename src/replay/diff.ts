/**
 * `diff`: where two runs part, and what two worlds differ in.
 *
 * Owns what can be compared and the answer. The tick is found in first-difference.ts, the rows in
 * src/projections.
 */
import { checkNames } from '../base/arguments.ts';
import { hex } from '../base/bytes.ts';
import { show } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import { loadHash } from '../base/hash.ts';
import type { Store } from '../log/store.ts';
import { type Both, type DiffOptions, diffWorlds, type WorldDifference } from '../projections/world-diff.ts';
import { stateOf } from '../projections/world-state.ts';
import { checkStore, checkText } from '../simulation/arguments.ts';
import type { Engine } from '../simulation/engine.ts';
import { frames, type LogSource } from '../simulation/history.ts';
import { RunCore } from '../simulation/run.ts';
import { checkCall, type RunState } from '../simulation/run-states.ts';
import type { GuardOption } from '../simulation/types.ts';
import { firstDifference, foldedAt, type Logs } from './first-difference.ts';
import { checkTick, engineAt, type Log, logOf, needWorld } from './given.ts';

/** A run that is open, as `createRun`, `openRun` and `fork` give it. */
export interface DiffRun {
  readonly id: string;
  readonly tick: number;
  readonly state: RunState;
  at(tick: number): Promise<object>;
}

/** A stored run, which is read without becoming its writer. */
export interface DiffLog {
  readonly store: Store;
  readonly id: string;
  /** What `defineWorld` returned. */
  readonly world: { readonly schema: object; readonly def: object };
  /** The tick whose world is meant. Where no side has one, the runs are compared. */
  readonly tick?: number;
  /** What becomes of handlers that use a source which no log holds; see the same option of `createRun`. */
  readonly guard?: GuardOption;
}

/** What `diff` found. */
export interface DiffReport {
  /** Whether no world that was compared differs: for runs, on no tick that both have. */
  readonly equal: boolean;
  /** For runs: the first tick whose worlds differ, or null where none does. Null for worlds. */
  readonly tick: number | null;
  /** For runs: the last tick of each; up to the lesser one they were compared. Null for worlds. */
  readonly heads: Both<number> | null;
  /** The difference of the two worlds: of runs, after `tick`, or after the last tick that both have. */
  readonly difference: WorldDifference;
}

const isObject = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === 'object' && value !== null;

/** A side that is no world: a log, and the tick that was asked for. */
interface Side {
  readonly log: Log;
  readonly tick: number | null;
}

/** The log of an open run as it stands, ticks that are not durable yet included. */
function openLog(run: RunCore): Side {
  checkCall(run.id, run.state, 'read');
  const { source, engine } = run as unknown as { readonly source: LogSource; readonly engine: Engine };
  const undurable = [...source.undurable];
  return {
    log: {
      id: run.id,
      world: engine.world,
      source: { ...source, undurable },
      tick: run.tick,
      guard: engine.guard,
    },
    tick: null,
  };
}

async function sideOf(given: unknown): Promise<Side> {
  if (given instanceof RunCore) return openLog(given);
  if (!isObject(given) || !('store' in given))
    return fail(
      'BAD_USAGE',
      `diff compares runs or worlds, not ${show(given)}`,
      {},
      'Give two runs, two worlds as run.world and run.at(tick) give them, or { store, id, world }.',
    );
  checkNames('a side of diff', given, ['store', 'id', 'world', 'tick', 'guard']);
  const { store, id, tick, guard } = given;
  const world = needWorld('diff', given.world);
  checkStore('diff', store);
  checkText('id', id);
  const log = await logOf(store as Store, id as string, world, guard);
  if (tick !== undefined) checkTick(log, tick);
  return { log, tick: tick ?? null };
}

const ofWorlds = (difference: WorldDifference): DiffReport => ({
  equal: difference.same,
  tick: null,
  heads: null,
  difference,
});

const reader = async (log: Log, tick: number): Promise<Engine['state']> => (await engineAt(log, tick)).state;

async function diffSides(a: Side, b: Side, options: DiffOptions): Promise<DiffReport> {
  if (a.tick === null && b.tick === null) return diffLogs({ a: a.log, b: b.log }, options);
  const [mine, other] = [
    await reader(a.log, a.tick ?? a.log.tick),
    await reader(b.log, b.tick ?? b.log.tick),
  ];
  return ofWorlds(diffWorlds(mine, other, options));
}

async function diffLogs(logs: Logs, options: DiffOptions): Promise<DiffReport> {
  const heads = { a: logs.a.tick, b: logs.b.tick };
  const end = Math.min(heads.a, heads.b);
  const found = await firstDifference(logs, end);
  if (found === null) return { equal: true, tick: null, heads, difference: await noDifference(logs, end) };
  const { tick, folded } = found;
  return { equal: false, tick, heads, difference: diffWorlds(folded.a.state, folded.b.state, options) };
}

/** The difference of two logs that agree: worlds are built only where the log does not tell enough. */
async function noDifference(logs: Logs, end: number): Promise<WorldDifference> {
  const { a, b } = logs;
  if (a.world.schema.compiled.text === b.world.schema.compiled.text)
    for await (const { stateHash } of frames(a.source, end, end)) {
      if (stateHash === null) break;
      const hash = { a: hex(stateHash), b: hex(stateHash) };
      return { same: true, stateHash: hash, schema: null, tablesOnlyInA: [], tablesOnlyInB: [], tables: [] };
    }
  const folded = await foldedAt(logs, end);
  return diffWorlds(folded.a.state, folded.b.state);
}

async function diffTicks(given: unknown, ticks: readonly [number, unknown], options: DiffOptions) {
  const { log } = await sideOf(given);
  for (const tick of ticks) checkTick(log, tick);
  const [from, to] = ticks as readonly [number, number];
  return ofWorlds(diffWorlds(await reader(log, from), await reader(log, to), options));
}

function checkLimit(options: unknown): asserts options is DiffOptions {
  checkNames('the options of diff', options, ['limit']);
  const { limit } = options as DiffOptions;
  if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 0))
    fail('BAD_USAGE', `limit must be a whole number of rows, not ${show(limit)}`, { limit });
}

/**
 * Compares two runs: finds the first tick whose worlds differ, and tells which tables, columns and rows
 * differ after it. What the logs share costs nothing; where one is shorter, they are compared up to its end,
 * and `heads` tells. Open runs and stored ones (`{ store, id, world }`) go together; stored ones with a
 * `tick` are compared as worlds of that tick.
 *
 * A tick that recorded no hash (`hashEvery`) between two that agree counts as equal. `NO_STATE` where a log
 * is damaged there, or other code recorded it; `UNKNOWN_RUN`, `NO_TICK`, `CLOSED`.
 *
 * @example
 * ```ts
 * const { tick, difference } = await diff(run, fork);
 * console.log(`they part at tick ${tick}\n${differenceText(difference, ['run', 'fork'])}`);
 * ```
 */
export function diff(a: DiffRun | DiffLog, b: DiffRun | DiffLog, options?: DiffOptions): Promise<DiffReport>;
/** Compares the worlds of one run after two of its ticks. */
export function diff(
  run: DiffRun | DiffLog,
  from: number,
  to: number,
  options?: DiffOptions,
): Promise<DiffReport>;
/** Compares two worlds, as `run.world`, `run.at(tick)` and `loadSnapshot` give them. */
export function diff(a: object, b: object, options?: DiffOptions): Promise<DiffReport>;
export async function diff(a: object, b: unknown, c?: unknown, d?: unknown): Promise<DiffReport> {
  const isTicks = typeof b === 'number';
  const options = (isTicks ? d : c) ?? {};
  checkLimit(options);
  const [mine, other] = [a, b].map((one) => (isObject(one) ? stateOf(one) : undefined));
  if (mine !== undefined && other !== undefined) return ofWorlds(diffWorlds(mine, other, options));
  await loadHash();
  if (isTicks) return diffTicks(a, [b, c], options);
  return diffSides(await sideOf(a), await sideOf(b), options);
}
