/**
 * The durable log of a run, for whoever follows it with rows in SQL.
 */
import type { Store } from '../../log/store.ts';
import { lastAdopted } from '../adopted.ts';
import { durableSource } from '../history.ts';
import { asReader, restore } from '../restore.ts';
import { newEngine } from '../run-options.ts';
import type { GuardOption } from '../types.ts';
import type { AnyWorld } from '../world.ts';
import type { FollowerParts } from './follower.ts';

/** Whose log it is, and which code folds it. */
export interface LogOf {
  readonly store: Store;
  readonly id: string;
  readonly world: AnyWorld;
  readonly guard: GuardOption;
}

/** How a follower looks at the durable log of a run, and builds its worlds. `UNKNOWN_RUN`. */
export const durableLog = ({
  store,
  id,
  world,
  guard,
}: LogOf): Pick<FollowerParts, 'log' | 'engineAt' | 'firstTick'> => ({
  async log() {
    const source = await durableSource(store, id);
    return { tick: source.durableTick, source };
  },
  async engineAt({ source }, tick) {
    const engine = newEngine(world, { guard });
    if (tick < 0) return engine;
    await restore(engine, source, tick, asReader(id));
    return engine;
  },
  firstTick: ({ source, tick }) => lastAdopted(source, tick),
});
