/**
 * What the calls of this folder are given, checked before anything is done, and the log that it names.
 */
import { guardLevels } from '../base/ambient.ts';
import { checkNames } from '../base/arguments.ts';
import { show } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import type { Store } from '../log/store.ts';
import { checkStore, checkText } from '../simulation/arguments.ts';
import type { Engine } from '../simulation/engine.ts';
import { durableSource, type LogSource } from '../simulation/history.ts';
import { asReader, noState, restore } from '../simulation/restore.ts';
import { RunCore } from '../simulation/run.ts';
import { newEngine } from '../simulation/run-options.ts';
import { checkCall, type RunState } from '../simulation/run-states.ts';
import type { GuardOption } from '../simulation/types.ts';
import type { AnyWorld } from '../simulation/world.ts';

/** A log as it stood at some moment, with the world that folds it. */
export interface Log {
  /** The run that is the name of it. */
  readonly id: string;
  readonly world: AnyWorld;
  readonly source: LogSource;
  /** Its last tick. */
  readonly tick: number;
  /** How the handlers are guarded that fold it. */
  readonly guard: GuardOption;
}

const isObject = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === 'object' && value !== null;

/** Whether it is what defineWorld returns. */
function isWorld(given: unknown): given is AnyWorld {
  const { schema, def } = isObject(given) ? given : ({} as { readonly [name: string]: unknown });
  return isObject(schema) && isObject(schema.compiled) && isObject(def) && typeof def.setup === 'function';
}

/** Refuses what defineWorld did not make. */
export function needWorld(call: string, given: unknown): AnyWorld {
  if (isWorld(given)) return given;
  return fail(
    'BAD_USAGE',
    `${call} needs a world, not ${show(given)}`,
    { call },
    'Give it what defineWorld returned.',
  );
}

/** Refuses a tick that a log does not have. */
export function checkTick({ id, tick: last }: Log, tick: unknown): asserts tick is number {
  if (!Number.isSafeInteger(tick) || (tick as number) < 0 || (tick as number) > last)
    fail(
      'NO_TICK',
      `run '${id}' has no tick ${show(tick)}: it has 0 to ${last}`,
      { run: id, tick, head: last },
      'Ticks are whole numbers from 0 on; those that are not durable yet can only be read from the open run.',
    );
}

/** Refuses a limit of the rows that are listed which is no number of rows; none at all is one. */
export function checkLimit(limit: unknown): void {
  if (limit !== undefined && (!Number.isSafeInteger(limit) || (limit as number) < 0))
    fail('BAD_USAGE', `limit must be a whole number of rows, not ${show(limit)}`, { limit });
}

/** A run that is open, as `createRun`, `openRun` and `fork` give it. */
export interface GivenRun {
  readonly id: string;
  readonly tick: number;
  readonly state: RunState;
  at(tick: number): Promise<object>;
}

/** A stored run, which is read without becoming its writer. */
export interface GivenLog {
  readonly store: Store;
  readonly id: string;
  /** What `defineWorld` returned. */
  readonly world: { readonly schema: object; readonly def: object };
  /** What becomes of code that uses a source which no log holds; see the same option of `createRun`. */
  readonly guard?: GuardOption;
}

/** The log of an open run as it stands, or the durable log of a stored one. `UNKNOWN_RUN`, `CLOSED`. */
export async function logGiven(call: string, given: unknown): Promise<Log> {
  if (given instanceof RunCore) {
    checkCall(given.id, given.state, 'read');
    return {
      id: given.id,
      world: given.definition,
      source: given.source,
      tick: given.tick,
      guard: given.guard,
    };
  }
  if (!isObject(given) || !('store' in given))
    return fail(
      'BAD_USAGE',
      `${call} needs a run, not ${show(given)}`,
      { call },
      'Give it what createRun, openRun or fork returned, or { store, id, world }.',
    );
  checkNames(`what ${call} is given`, given, ['store', 'id', 'world', 'guard']);
  const world = needWorld(call, given.world);
  checkStore(call, given.store);
  checkText('id', given.id);
  return logOf(given.store as Store, given.id as string, world, given.guard);
}

/** The durable log of a stored run. `UNKNOWN_RUN`. */
export async function logOf(
  store: Store,
  id: string,
  world: AnyWorld,
  guard: unknown = 'throw',
): Promise<Log> {
  guardLevels(guard);
  const source = await durableSource(store, id);
  return { id, world, source, tick: source.durableTick, guard: guard as GuardOption };
}

/** An engine with the world that a log has after a tick; before tick 0 it is empty. `NO_STATE`. */
export async function engineAt(
  { id, world, source, guard }: Log,
  tick: number,
  paranoid = false,
): Promise<Engine> {
  const engine = newEngine(world, { guard, paranoid });
  await restore(engine, source, tick, asReader(id)).catch((e) => noState(e, id, tick));
  return engine;
}
