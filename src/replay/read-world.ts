/**
 * The world of a stored run at a tick, for whoever is not its writer.
 */
import { checkNames } from '../base/arguments.ts';
import { loadHash } from '../base/hash.ts';
import type { Store } from '../log/store.ts';
import type { Config, Shape } from '../schema/infer.ts';
import type { World } from '../schema/views.ts';
import { checkStore, checkText } from '../simulation/arguments.ts';
import type { WorldDef } from '../simulation/define-world.ts';
import type { GuardOption } from '../simulation/types.ts';
import { checkTick, engineAt, logOf, needWorld } from './given.ts';

/** Which world to read. */
export interface ReadWorldOptions {
  readonly store: Store;
  readonly id: string;
  /** The durable head where left out. */
  readonly tick?: number;
  /** What becomes of handlers that use a source which no log holds; see the same option of `createRun`. */
  readonly guard?: GuardOption;
}

/** The world of a run as it was after a tick, and what the log said then. */
export interface Moment<S extends Shape> {
  readonly id: string;
  readonly tick: number;
  /** To read; nobody goes on with it. */
  readonly world: World<S>;
  /** In hexadecimal. */
  readonly stateHash: string;
  readonly seed: string;
  readonly config: Config<S>;
}

/**
 * Builds the world of a stored run as it was after a tick, from the nearest snapshot. It takes no lease and
 * writes nothing: another process may be advancing the run. `UNKNOWN_RUN`; `NO_TICK`; `NO_STATE` where the
 * log is damaged there, or other code recorded it.
 *
 * @example
 * ```ts
 * const { world, stateHash } = await readWorld(town, { store, id: 'first', tick: 30 });
 * ```
 */
export async function readWorld<S extends Shape, M extends string>(
  definition: WorldDef<S, M>,
  options: ReadWorldOptions,
): Promise<Moment<S>> {
  const world = needWorld('readWorld', definition);
  checkNames('the options of readWorld', options, ['store', 'id', 'tick', 'guard']);
  const { store, id, guard } = options;
  checkStore('readWorld', store);
  checkText('id', id);
  await loadHash();
  const log = await logOf(store, id, world, guard);
  const { tick = log.tick } = options;
  checkTick(log, tick);
  const engine = await engineAt(log, tick);
  return {
    id,
    tick,
    world: engine.state.reader as World<S>,
    stateHash: engine.stateHash(),
    seed: engine.environment!.seed,
    config: engine.config as Config<S>,
  };
}
