/**
 * Beginning a run: record 0 with all that the fold depends on, and the run header, an index that holds hints
 * and no truth.
 */

import { refuseInTick } from '../base/ambient.ts';
import { loadHash } from '../base/hash.ts';
import { freshName } from '../base/platform.ts';
import { type Environment, HASH_VERSION } from '../log/environment.ts';
import { rootPath } from '../log/lineage.ts';
import { segmentPrefix } from '../log/reader.ts';
import type { LogRecord, NewRun, Store } from '../log/store.ts';
import { RANDOM_VERSION } from '../random/digest.ts';
import { checkCreate, checkNewId } from './arguments.ts';
import { foldHint, headerOf, recordOf } from './code.ts';
import { keptAnswer, release } from './committer.ts';
import { configHint, configText, validConfig } from './config.ts';
import type { Engine } from './engine.ts';
import { inRun } from './failures.ts';
import { forkCall } from './fork.ts';
import { RunCore } from './run.ts';
import { FIRST_EPOCH, holderOf, newEngine, type PolicyOptions, policyParts } from './run-options.ts';
import { inlineChoice, inlineRows } from './tables/inline.ts';
import type { CreateRun } from './types.ts';
import type { AnyWorld } from './world.ts';

/** Options of {@link createCore}. */
export interface CreateOptions extends PolicyOptions {
  readonly store: Store;
  readonly seed: string;
  readonly id?: string;
  readonly config?: object;
  /** Anything worth knowing about the run later; shown in lists. */
  readonly hints?: { readonly [name: string]: string };
}

/** Begins a run: header, tick 0 and lease go in together, or nothing does. */
export async function createCore(world: AnyWorld, options: CreateOptions): Promise<RunCore> {
  checkCreate(world, options);
  await loadHash();
  const { compiled } = world.schema;
  inlineChoice(world, options.store, options.tables);
  const id = options.id === undefined ? `${compiled.spec.name}-${freshName().slice(0, 8)}` : options.id;
  checkNewId(id);
  const environment: Environment = {
    seed: options.seed,
    config: configText(validConfig(world, options.config)),
    schema: compiled.text,
    random: RANDOM_VERSION,
    hash: HASH_VERSION,
  };
  const given = policyParts(world, options);
  const engine = newEngine(world, options);
  engine.propose(environment);
  engine.timer = given.timer;
  const { record, time } = tickZero(engine, id, given.wallClock);
  const segment = segmentPrefix(id) + freshName();
  const { store, seed, hints } = options;
  const config = configHint(environment.config);
  const header = headerOf(world, { seed, createdAt: time, hints: { ...hints }, config });
  await createIn(store, { id, header, segment, record, holder: holderOf(options) });
  const fork = forkCall(world, options);
  const log = { segment, epoch: FIRST_EPOCH, path: rootPath(segment), code: foldHint(world) };
  const held = { store, segment, epoch: FIRST_EPOCH };
  const rows = await inlineRows(engine, { ...options, id }).catch((e) => refusedRows(held, e));
  const own = { ...given, ...log, id, store, engine, fork, rows };
  const parts = { ...own, opening: [], later: null, introduced: true };
  // What this writer wrote, not what the store holds by now: another may have taken the run over meanwhile.
  return new RunCore(parts, { tick: record.tick, hash: record.hash });
}

/** The run is there, whatever is said of its rows: whoever opens it next is its writer. */
async function refusedRows(held: Parameters<typeof release>[0], why: unknown): Promise<never> {
  await release(held);
  throw why;
}

/** Computes and encodes tick 0, with everything that may fail in it: nothing is stored yet. */
function tickZero(
  engine: Engine,
  id: string,
  clock: () => number,
): { readonly record: LogRecord; readonly time: number } {
  try {
    const computed = engine.setup();
    engine.hasEnded();
    const time = clock();
    const record = recordOf(engine, computed, time, true);
    engine.advanceTo(computed.content, record.hash);
    return { record, time };
  } catch (e) {
    throw inRun(e, id);
  }
}

/**
 * Where the answer was lost, the segment's name, which nobody else has, tells that the run is there and ours.
 */
async function createIn(store: Store, run: NewRun): Promise<void> {
  await keptAnswer(
    () => store.create(run),
    async () => {
      const info = await store.head(run.id);
      return info?.segment.id === run.segment ? info : undefined;
    },
  );
}

/**
 * Begins a run of a world in a store: header, tick 0 and lease go in together, or nothing does. `EXISTS` when
 * the id is taken, `BAD_INPUT` when the config does not fit, `TICK_FAILED` when the setup throws.
 *
 * @example
 * ```ts
 * const run = await createRun(town, { store: memoryStore(), seed: 'alpha' });
 * const { tick, stateHash } = await run.advance(200);
 * ```
 */
export const createRun = ((world: unknown, options: CreateOptions) => {
  refuseInTick('createRun');
  return createCore(world as AnyWorld, options);
}) as unknown as CreateRun;
