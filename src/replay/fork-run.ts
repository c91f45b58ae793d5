/**
 * A fork of a stored run by whoever is not its writer: a parent is only read when it is forked.
 */
import { loadHash } from '../base/hash.ts';
import type { Store } from '../log/store.ts';
import type { Shape } from '../schema/infer.ts';
import { checkFork, checkStore, checkText } from '../simulation/arguments.ts';
import type { WorldDef } from '../simulation/define-world.ts';
import { inRun } from '../simulation/failures.ts';
import { forkCall } from '../simulation/fork.ts';
import { UNKNOWN_LOG } from '../simulation/restore.ts';
import type { ForkOptions, Run } from '../simulation/types.ts';
import { checkTick, logOf, needWorld } from './given.ts';

/** Which run to fork, where and how. */
export type ForkRunOptions<S extends Shape> = ForkOptions<S> & {
  readonly store: Store;
  /** The id of the run to fork. */
  readonly run: string;
};

/**
 * Begins a run whose log continues that of a stored run at one of its durable ticks, as `run.fork` does, but
 * without opening the parent: another process may be advancing it. `UNKNOWN_RUN`, `NO_TICK`, `NO_STATE`,
 * `BAD_INPUT`, `EXISTS`, `UNSUPPORTED`.
 *
 * @example
 * ```ts
 * const mild = await forkRun(town, { store, run: 'first', at: 30, config: { beta: 0.02 }, id: 'mild' });
 * await mild.advance(170);
 * ```
 */
export async function forkRun<S extends Shape, M extends string>(
  definition: WorldDef<S, M>,
  options: ForkRunOptions<NoInfer<S>>,
): Promise<Run<S, M>> {
  const world = needWorld('forkRun', definition);
  const { store, run, ...fork } = options ?? {};
  checkStore('forkRun', store, 'write');
  checkText('run', run);
  checkFork(fork);
  await loadHash();
  const log = await logOf(store, run, world);
  checkTick(log, fork.at);
  try {
    const begin = forkCall(world, { store });
    return (await begin(log.source, UNKNOWN_LOG, run, fork as Parameters<typeof begin>[3])) as unknown as Run<
      S,
      M
    >;
  } catch (e) {
    throw inRun(e, run);
  }
}
