/**
 * Taking a run up again at its durable head: the writer's lease, the world, and what a fork still has to say.
 */
import { refuseInTick } from '../base/ambient.ts';
import { fail, isWorldfoldError } from '../base/errors.ts';
import { loadHash } from '../base/hash.ts';
import { type LogPath, pathOf } from '../log/lineage.ts';
import { findRun } from '../log/reader.ts';
import type { Holder, SegmentInfo, SnapshotInfo, Store } from '../log/store.ts';
import { checkOpen } from './arguments.ts';
import { foldHint } from './code.ts';
import { persistent, release } from './committer.ts';
import { beginEra, logSchema, restoreHead } from './eras.ts';
import { inRun } from './failures.ts';
import { forkCall, laterReader } from './fork.ts';
import type { LaterFilter } from './later.ts';
import { type Opening, parseOpening } from './opening.ts';
import { damageOf } from './restore.ts';
import { RunCore } from './run.ts';
import { holderOf, newEngine, type PolicyOptions, policyParts } from './run-options.ts';
import { inlineChoice, inlineRows } from './tables/inline.ts';
import type { OpenRun } from './types.ts';
import type { AnyWorld } from './world.ts';

/** Options of {@link openCore}. */
export interface OpenOptions extends PolicyOptions {
  readonly store: Store;
  readonly id: string;
  readonly takeover?: boolean;
  readonly adopt?: boolean;
  readonly later?: 'drop' | LaterFilter;
}

/** Takes a run up at its durable head. */
export async function openCore(world: AnyWorld, options: OpenOptions): Promise<RunCore> {
  checkOpen(world, options);
  await loadHash();
  try {
    return await takeUp(world, options);
  } catch (e) {
    throw inRun(e, options.id);
  }
}

/** Becomes the writer; who is in the way is told of as the writer of the run. */
async function acquire(
  { store, id, takeover = false }: OpenOptions,
  segment: string,
  who: Holder,
): Promise<number> {
  try {
    return await persistent(() => store.acquire(segment, who, takeover));
  } catch (e) {
    if (!isWorldfoldError(e, 'RUN_IN_USE')) throw e;
    const { host, pid, expiresInMs } = e.facts;
    const left = `${Math.ceil(Number(expiresInMs) / 1000)} s`;
    return fail(
      'RUN_IN_USE',
      `run '${id}' is written by process ${pid} on ${host}; its lease lasts ${left} unless it is renewed`,
      { run: id, ...e.facts },
      'Close it there or wait, or open it with takeover: true: the other writer can then commit no more.',
      e,
    );
  }
}

async function takeUp(world: AnyWorld, options: OpenOptions): Promise<RunCore> {
  const { store, id } = options;
  inlineChoice(world, store, options.tables);
  const { segment } = await findRun(store, id);
  const opening = openingOf(segment, options);
  const path = await pathOf(store, segment);
  const epoch = await acquire(options, segment.id, holderOf(options));
  const held = { store, segment: segment.id, epoch };
  try {
    const info = (await findRun(store, id)).segment;
    return await continued(world, options, { ...held, path, info, opening });
  } catch (e) {
    await release(held);
    throw e;
  }
}

/** What a fork was to begin with, as far as it still matters; null for a root. */
function openingOf({ id, opening: text, parent }: SegmentInfo, { later }: OpenOptions): Opening | null {
  if (text === null || parent === null) return null;
  const opening = parseOpening(text, id);
  if (opening.later !== null && opening.change.fork?.later === 'filter' && later === undefined)
    fail(
      'BAD_USAGE',
      'the fork takes some of the later inputs of its parent: functions are not recorded',
      {},
      "Give later: the function that chooses them, or 'drop'.",
    );
  return opening;
}

/** A segment that was taken for writing. */
interface Held {
  readonly store: Store;
  readonly segment: string;
  readonly epoch: number;
  readonly path: LogPath;
  readonly info: SegmentInfo;
  readonly opening: Opening | null;
}

async function continued(world: AnyWorld, options: OpenOptions, held: Held): Promise<RunCore> {
  const { id, adopt = false, later } = options;
  const { store, segment, path, info, opening } = held;
  const { head, parent } = info;
  const engine = newEngine(world, options);
  const damaged: SnapshotInfo[] = [];
  const warned = damageOf(id);
  const source = { store, path, durableTick: head.tick, undurable: [] };
  const adopted = await restoreHead(world, engine, source, adopt, (snapshot, why) => {
    if (!damaged.some(({ segment: of, tick }) => of === snapshot.segment && tick === snapshot.tick))
      warned(snapshot, why);
    damaged.push(snapshot);
  });
  // Until the first own record is there, what the fork begins with is still to be said.
  const begins = opening !== null && parent !== null && head.tick === parent.tick;
  const isNewEra = beginEra(world, engine, await logSchema(engine, source), adopted);
  const run = new RunCore(
    {
      ...policyParts(world, options),
      ...held,
      id,
      engine,
      code: foldHint(world),
      opening: begins ? opening.inputs : [],
      later:
        opening === null || parent === null || later === 'drop'
          ? null
          : laterReader(world, store, parent.tick, opening, later ?? null),
      fork: forkCall(world, options),
      introduced: false,
      rows: await inlineRows(engine, options),
    },
    head,
  );
  await run.begin(isNewEra, begins ? opening.change : null);
  if (!isNewEra) await run.mendSnapshots(damaged.filter((snapshot) => snapshot.segment === segment));
  return run;
}

/**
 * Takes a run up at its durable head and becomes its writer. `UNKNOWN_RUN`; `RUN_IN_USE` while another writer
 * is alive, unless `takeover` is true; `SCHEMA_DIFFERS` where no migration leads from the recorded schema to
 * that of the world; `CODE_CHANGED` where the handlers give another world than was recorded, unless `adopt`
 * is true; `BAD_USAGE` for a fork whose later inputs a function chose, without it; `CORRUPT`, `NO_RECORD`;
 * `NO_STATE` where the base of an era is lost.
 *
 * @example
 * ```ts
 * const run = await openRun(town, { store: await sqliteStore('runs.db'), id: 'first' });
 * ```
 */
export const openRun = ((world: unknown, options: OpenOptions) => {
  refuseInTick('openRun');
  return openCore(world as AnyWorld, options);
}) as unknown as OpenRun;
