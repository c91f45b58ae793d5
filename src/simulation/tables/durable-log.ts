/**
 * The durable log of a run, for whoever follows it with rows in SQL.
 */
import { pathOf } from '../../log/lineage.ts';
import { findRun } from '../../log/reader.ts';
import type { Store } from '../../log/store.ts';
import { lastAdopted } from '../adopted.ts';
import { damageOf, restore, UNKNOWN_LOG } from '../restore.ts';
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
    const { segment } = await findRun(store, id);
    const { tick } = segment.head;
    return { tick, source: { store, path: await pathOf(store, segment), durableTick: tick, undurable: [] } };
  },
  async engineAt({ source }, tick) {
    const engine = newEngine(world, { guard });
    if (tick < 0) return engine;
    const how = { code: null, compare: 'last', known: UNKNOWN_LOG, onDamage: damageOf(id) } as const;
    await restore(engine, source, tick, how);
    return engine;
  },
  firstTick: ({ source, tick }) => lastAdopted(source, tick),
});
