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
import { type Both, type DiffOptions, diffWorlds, type WorldDifference } from '../projections/world-diff.ts';
import { stateOf } from '../projections/world-state.ts';
import type { Engine } from '../simulation/engine.ts';
import { frames, readEnvironment } from '../simulation/history.ts';
import { RunCore } from '../simulation/run.ts';
import { firstDifference, foldedAt, type Logs } from './first-difference.ts';
import {
  checkLimit,
  checkTick,
  engineAt,
  type GivenLog,
  type GivenRun,
  type Log,
  logGiven,
} from './given.ts';

/** A stored run to compare, or one of its ticks. */
export interface DiffLog extends GivenLog {
  /** The tick whose world is meant. Where no side has one, the runs are compared. */
  readonly tick?: number;
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

async function sideOf(given: unknown): Promise<Side> {
  if (given instanceof RunCore) return { log: await logGiven('diff', given), tick: null };
  if (!isObject(given) || !('store' in given))
    return fail(
      'BAD_USAGE',
      `diff compares runs or worlds, not ${show(given)}`,
      {},
      'Give two runs, two worlds as run.world and run.at(tick) give them, or { store, id, world }.',
    );
  const { tick, ...run } = given;
  const log = await logGiven('diff', run);
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

/** Whether logs began under the schema of their worlds, and so have no other. */
async function isPresent(...logs: readonly Log[]): Promise<boolean> {
  for (const { world, source } of logs)
    if ((await readEnvironment(source.store, source.path)).schema !== world.schema.compiled.text)
      return false;
  return true;
}

/** The difference of two logs that agree: worlds are built only where the log does not tell enough. */
async function noDifference(logs: Logs, end: number): Promise<WorldDifference> {
  const { a, b } = logs;
  // Hashes of an older schema are none of the worlds' that are shown.
  if (a.world.schema.compiled.text === b.world.schema.compiled.text && (await isPresent(a, b)))
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

function checkOptions(options: unknown): asserts options is DiffOptions {
  checkNames('the options of diff', options, ['limit']);
  checkLimit((options as DiffOptions).limit);
}

/**
 * Compares two runs: finds the first tick whose worlds differ, and tells which tables, columns and rows
 * differ after it. What the logs share costs one look at record 0; where one is shorter, they are compared up
 * to its end, and `heads` tells. Open runs and stored ones (`{ store, id, world }`) go together; stored ones
 * with a `tick` are compared as worlds of that tick.
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
export function diff(
  a: GivenRun | DiffLog,
  b: GivenRun | DiffLog,
  options?: DiffOptions,
): Promise<DiffReport>;
/** Compares the worlds of one run after two of its ticks. */
export function diff(
  run: GivenRun | DiffLog,
  from: number,
  to: number,
  options?: DiffOptions,
): Promise<DiffReport>;
/** Compares two worlds, as `run.world`, `run.at(tick)` and `loadSnapshot` give them. */
export function diff(a: object, b: object, options?: DiffOptions): Promise<DiffReport>;
export async function diff(a: object, b: unknown, c?: unknown, d?: unknown): Promise<DiffReport> {
  const isTicks = typeof b === 'number';
  const options = (isTicks ? d : c) ?? {};
  checkOptions(options);
  const [mine, other] = [a, b].map((one) => (isObject(one) ? stateOf(one) : undefined));
  if (mine !== undefined && other !== undefined) return ofWorlds(diffWorlds(mine, other, options));
  await loadHash();
  if (isTicks) return diffTicks(a, [b, c], options);
  return diffSides(await sideOf(a), await sideOf(b), options);
}
