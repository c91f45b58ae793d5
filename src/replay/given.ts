/**
 * What the calls of this folder are given, checked before anything is done, and the log that it names.
 */
import { guardLevels } from '../base/ambient.ts';
import { show } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import { pathOf } from '../log/lineage.ts';
import { findRun } from '../log/reader.ts';
import type { Store } from '../log/store.ts';
import type { Engine } from '../simulation/engine.ts';
import type { LogSource } from '../simulation/history.ts';
import { damageOf, noState, restore, UNKNOWN_LOG } from '../simulation/restore.ts';
import { newEngine } from '../simulation/run-options.ts';
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

/** The durable log of a stored run. `UNKNOWN_RUN`. */
export async function logOf(
  store: Store,
  id: string,
  world: AnyWorld,
  guard: unknown = 'throw',
): Promise<Log> {
  guardLevels(guard);
  const { segment } = await findRun(store, id);
  const { tick } = segment.head;
  const source = { store, path: await pathOf(store, segment), durableTick: tick, undurable: [] };
  return { id, world, source, tick, guard: guard as GuardOption };
}

/** An engine with the world that a log has after a tick; before tick 0 it is empty. `NO_STATE`. */
export async function engineAt({ id, world, source, guard }: Log, tick: number): Promise<Engine> {
  const engine = newEngine(world, { guard });
  const how = { code: null, compare: 'last', known: UNKNOWN_LOG, onDamage: damageOf(id) } as const;
  await restore(engine, source, tick, how).catch((e) => noState(e, id, tick));
  return engine;
}
