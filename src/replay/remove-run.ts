/**
 * Removing a run: its name, and whatever no other run reaches then.
 */
import { checkNames } from '../base/arguments.ts';
import { isWorldfoldError } from '../base/errors.ts';
import { yieldToEvents } from '../base/platform.ts';
import { hasProjections } from '../log/projection-store.ts';
import { findRun } from '../log/reader.ts';
import { type ForkStore, hasForks, type SegmentInfo, type Store, unsupported } from '../log/store.ts';
import { checkStore, checkText } from '../simulation/arguments.ts';
import { type ForkNode, forkTree } from './fork-tree.ts';
import { sweep } from './sweep.ts';

/** What went with a run. */
export interface Removed {
  readonly id: string;
  /** Records that are gone: of the run, and of removed runs that only it still needed. */
  readonly records: number;
  /**
   * Things that were deleted from the store: records, snapshots, chunks, segments, rows in SQL; those that
   * others had left behind included.
   */
  readonly deleted: number;
  /** The ticks of the run's own whose records stay, and the forks that need them; null where none stays. */
  readonly kept: { readonly from: number; readonly to: number; readonly for: readonly string[] } | null;
}

/** How many things one step of a collection deletes at most: writers get their turn between steps. */
const STEP = 4096;

const firstOwn = ({ parent }: SegmentInfo): number => (parent?.tick ?? -1) + 1;
const ownRecords = (segment: SegmentInfo): number => segment.head.tick - firstOwn(segment) + 1;

/** The segments of the lineage that are still there, by id. */
async function left(store: ForkStore, lineage: readonly SegmentInfo[]): Promise<Map<string, SegmentInfo>> {
  const found = new Map<string, SegmentInfo>();
  for (const { id } of lineage) {
    if (found.has(id)) continue;
    try {
      for (const segment of await store.lineage(id)) found.set(segment.id, segment);
      // What a segment continues is there as long as it is.
      break;
    } catch (e) {
      if (!isWorldfoldError(e, 'UNKNOWN_RUN')) throw e;
    }
  }
  return found;
}

const namesBelow = ({ children }: ForkNode): string[] =>
  children.flatMap((child) => [...(child.id === null ? [] : [child.id]), ...namesBelow(child)]);

function nodeOf(nodes: readonly ForkNode[], segment: string): ForkNode | undefined {
  for (const node of nodes) {
    const found = node.segment === segment ? node : nodeOf(node.children, segment);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * Removes a run: deletes its name, then, step by step, its rows in SQL and what no run reaches any more.
 * Records that forks of it continue stay, and the forks with them. A run that a live writer holds is
 * `RUN_IN_USE`, unless `force` is true; its writer's next commit is then refused. `UNKNOWN_RUN`,
 * `UNSUPPORTED`.
 *
 * @example
 * ```ts
 * const { records, kept } = await removeRun(store, 'first');
 * ```
 */
export async function removeRun(
  store: Store,
  id: string,
  options: { readonly force?: boolean } = {},
): Promise<Removed> {
  checkStore('removeRun', store, 'write');
  checkText('id', id);
  checkNames('the options of removeRun', options, ['force']);
  if (!hasForks(store)) return unsupported(store, 'forks');
  const { segment } = await findRun(store, id);
  // Before the name is gone: another collector may be as quick.
  const lineage = await store.lineage(segment.id);
  await store.remove(id, options.force === true);
  let deleted = 0;
  for (let step = 1; step > 0; deleted += step) {
    step = await store.collect(STEP);
    await yieldToEvents();
  }
  if (hasProjections(store)) deleted += await sweep(store);
  const after = await left(store, lineage);
  const gone = lineage.map((before) => {
    const now = after.get(before.id);
    return Math.max(0, ownRecords(before) - (now === undefined ? 0 : ownRecords(now)));
  });
  const stays = after.get(segment.id);
  const node = stays === undefined ? undefined : nodeOf(await forkTree(store as Store), segment.id);
  return {
    id,
    records: gone.reduce((sum, count) => sum + count, 0),
    deleted,
    kept:
      stays === undefined || node === undefined
        ? null
        : { from: firstOwn(stays), to: stays.head.tick, for: namesBelow(node) },
  };
}
