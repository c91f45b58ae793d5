/**
 * `check`: invariants looked at over an old log, new ones among them.
 *
 * The log is folded, and the invariants of the world that is given now are asked at each tick. Unlike in a
 * run, one that does not hold stops nothing: all that are found are told.
 */
import { checkFunction, checkNames, checkPositive } from '../base/arguments.ts';
import { fail } from '../base/errors.ts';
import { loadHash } from '../base/hash.ts';
import { steadyClock, yieldToEvents } from '../base/platform.ts';
import type { RecordFrame } from '../log/record.ts';
import type { Store } from '../log/store.ts';
import type { Shape } from '../schema/infer.ts';
import { lastAdopted } from '../simulation/adopted.ts';
import { checkSignal, checkStore, checkText } from '../simulation/arguments.ts';
import type { WorldDef } from '../simulation/define-world.ts';
import type { Engine } from '../simulation/engine.ts';
import { inRun } from '../simulation/failures.ts';
import { eachFrame } from '../simulation/restore.ts';
import type { GuardOption } from '../simulation/types.ts';
import { checkTick, engineAt, type Log, logOf, needWorld } from './given.ts';

/** What to check. */
export interface CheckOptions {
  readonly store: Store;
  readonly id: string;
  /** The first tick whose world is looked at: 0 if left out, or that of the last era that was adopted. */
  readonly from?: number;
  /** The last one: the durable head if left out. */
  readonly to?: number;
  /** Only ticks that are a multiple of this (1). */
  readonly every?: number;
  /** Stops after so many violations (100). */
  readonly limit?: number;
  /** What becomes of code that uses a source which no log holds; see the same option of `createRun`. */
  readonly guard?: GuardOption;
  readonly onProgress?: (progress: { readonly tick: number; readonly target: number }) => void;
  /** Stops after the tick under way; the report then says how far it came. */
  readonly signal?: AbortSignal;
}

/** An invariant that does not hold after a tick. */
export interface Violation {
  readonly tick: number;
  readonly invariant: string;
  /** The rows that it gave, at most 100: none where it gave false. */
  readonly rows: readonly unknown[];
}

/** What a check found. */
export interface CheckReport {
  readonly id: string;
  readonly from: number;
  /** The last tick that was looked at. */
  readonly to: number;
  /** How many ticks were looked at. */
  readonly checked: number;
  /** The invariants of the world, by name. */
  readonly invariants: readonly string[];
  /** In order of ticks, and within one in the order of declaration. */
  readonly violations: readonly Violation[];
  /** Whether it stopped because there were too many. */
  readonly truncated: boolean;
}

const SLICE_MS = 20;
const LIMIT = 100;
const OPTIONS = ['store', 'id', 'from', 'to', 'every', 'limit', 'guard', 'onProgress', 'signal'];

/** A check under way. */
class Check {
  readonly violations: Violation[] = [];
  checked = 0;
  truncated = false;
  private readonly engine: Engine;
  private readonly every: number;
  private readonly limit: number;

  constructor(engine: Engine, every: number, limit: number) {
    this.engine = engine;
    this.every = every;
    this.limit = limit;
  }

  /** Asks the invariants of the world as it is. What one of them throws is thrown, with tick and name. */
  look(): void {
    const { tick } = this.engine.position;
    if (tick % this.every !== 0) return;
    this.checked++;
    for (const { invariant, rows } of this.engine.broken()) {
      if (this.violations.length === this.limit) {
        this.truncated = true;
        return;
      }
      this.violations.push({ tick, invariant, rows });
    }
  }
}

async function walk(log: Log, options: CheckOptions, from: number, to: number): Promise<CheckReport> {
  const { every = 1, limit = LIMIT, onProgress, signal } = options;
  const engine = await engineAt(log, from);
  const check = new Check(engine, every, limit);
  check.look();
  let slice = steadyClock();
  const turn = async (tick: number): Promise<boolean> => {
    onProgress?.({ tick, target: to });
    await yieldToEvents();
    slice = steadyClock();
    return !signal?.aborted;
  };
  const isOver = (): boolean => check.truncated || signal?.aborted === true;
  const fold = (frame: RecordFrame): boolean | Promise<boolean> => {
    engine.fold(frame);
    engine.compare(frame);
    check.look();
    if (isOver()) return false;
    return steadyClock() - slice < SLICE_MS || turn(frame.tick);
  };
  if (!isOver()) await eachFrame(engine, { source: log.source, from: from + 1, to }, fold);
  const { tick } = engine.position;
  onProgress?.({ tick, target: to });
  const { violations, checked, truncated } = check;
  const invariants = Object.keys(log.world.def.invariants ?? {});
  return { id: log.id, from, to: tick, checked, invariants, violations, truncated };
}

/**
 * Folds a stored run and asks the invariants of a world after each tick: those that did not exist when it was
 * recorded too. It takes no lease and writes nothing. `REPLAY_DIFFERS` where the handlers give another world
 * than was recorded; `TICK_FAILED` where an invariant throws; `UNKNOWN_RUN`, `NO_TICK`, `NO_STATE`.
 *
 * @example
 * ```ts
 * const { violations } = await check(town, { store, id: 'first' });
 * for (const { tick, invariant, rows } of violations) console.log(tick, invariant, rows);
 * ```
 */
export async function check<S extends Shape, M extends string>(
  definition: WorldDef<S, M>,
  options: CheckOptions,
): Promise<CheckReport> {
  const world = needWorld('check', definition);
  checkNames('the options of check', options, OPTIONS);
  const { store, id, every = 1, limit = LIMIT } = options;
  checkStore('check', store);
  checkText('id', id);
  checkPositive('every', every);
  checkPositive('limit', limit);
  checkFunction('onProgress', options.onProgress);
  checkSignal(options.signal);
  await loadHash();
  const log = await logOf(store, id, world, options.guard);
  const { to = log.tick } = options;
  checkTick(log, to);
  const { from = await lastAdopted(log.source, to) } = options;
  checkTick(log, from);
  if (from > to) fail('BAD_USAGE', `a check can't go from tick ${from} to tick ${to}`, { from, to });
  try {
    return await walk(log, options, from, to);
  } catch (e) {
    throw inRun(e, id);
  }
}
