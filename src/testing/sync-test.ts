/**
 * `syncTest`: a run that is taken back and executed again at every tick, as games with rollback do it.
 *
 * What a verification from tick 0 repeats exactly as it was, such as a counter in a closure, differs
 * here: the same ticks are computed again and again from the middle. Composition only: a run in memory,
 * and `verify`.
 */
import { checkNames, checkPositive } from '../base/arguments.ts';
import { memoryStore } from '../log/memory-store.ts';
import { stateOf } from '../projections/world-state.ts';
import type { VerifyReport } from '../replay/verify/report.ts';
import { verify } from '../replay/verify/verify.ts';
import type { NewConfig, Shape } from '../schema/infer.ts';
import { createRun } from '../simulation/create-run.ts';
import type { WorldDef } from '../simulation/define-world.ts';
import type { CreateRun, Run } from '../simulation/types.ts';
import { disorderOf } from './row-order.ts';

/** How to test. */
export interface SyncTestOptions<S extends Shape, M extends string> {
  readonly seed?: string;
  readonly config?: NewConfig<S>;
  /** How many ticks to compute: 50 if left out. */
  readonly ticks?: number;
  /** How many ticks are taken back each time: 4 if left out. */
  readonly rollback?: number;
  /**
   * Also: everything is hashed around each call of the world's functions, a snapshot of each tick is kept and
   * loaded, and keys and indexes are held against the rows.
   */
  readonly heavy?: boolean;
  /** Is called before each tick: submits inputs. */
  readonly before?: (run: Run<S, M>) => void;
}

/** What a test found. */
export interface SyncTestReport {
  /** Whether every tick gave the same again. */
  readonly inSync: boolean;
  /** The last tick that was computed. */
  readonly tick: number;
  /** The last verification: of the ticks that were taken back, with the divergence where there is one. */
  readonly report: VerifyReport;
  /** Heavy: a row that its key or an index does not lead to, in words; null where there is none. */
  readonly disorder: string | null;
}

/** A world, or what makes one anew: each taking back then begins with the closures of a fresh one. */
type Given<S extends Shape, M extends string> = WorldDef<S, M> | (() => WorldDef<S, M>);

/**
 * Runs a world in memory and, after each tick, takes the last ones back and executes them again, which
 * must give the same bytes. Where the world is given as a function, what is executed again is a world
 * made anew, as in another process. Stops at the first tick that differs. Errors of the world's functions
 * are thrown.
 *
 * @example
 * ```ts
 * const { inSync, report } = await syncTest(() => makeTown(), { ticks: 100, heavy: true });
 * expect(inSync, verifyText(report)).toBe(true);
 * ```
 */
export async function syncTest<S extends Shape, M extends string>(
  world: Given<S, M>,
  options: SyncTestOptions<S, M> = {},
): Promise<SyncTestReport> {
  checkNames('the options of syncTest', options, ['seed', 'config', 'ticks', 'rollback', 'heavy', 'before']);
  const { seed = 'sync', config, heavy = false, before } = options;
  const { ticks = 50, rollback = 4 } = options;
  checkPositive('ticks', ticks);
  checkPositive('rollback', rollback);
  const fresh = (): WorldDef<S, M> => (typeof world === 'function' ? world() : world);
  const store = memoryStore();
  const snapshots = { every: heavy ? 1 : rollback, keep: rollback + 2, onClose: false };
  const given = {
    store,
    seed,
    id: 'sync',
    snapshots,
    paranoid: heavy,
    ...(config !== undefined && { config }),
  };
  const run: Run<S, M> = await (createRun as CreateRun)(fresh(), given as never);
  try {
    for (;;) {
      await run.flush();
      const from = Math.max(0, run.tick - rollback + 1);
      const again = typeof world === 'function' ? { store, id: 'sync', world: fresh() } : run;
      const report = await verify(again as never, { from });
      const disorder = heavy ? disorderOf(stateOf(run.world)!) : null;
      const inSync = report.verdict === 'verified' && disorder === null;
      if (!inSync || run.tick >= ticks || run.ended) return { inSync, tick: run.tick, report, disorder };
      before?.(run);
      await run.advance(1);
      if (heavy) await run.at(run.tick);
    }
  } finally {
    await run.close();
  }
}
