/**
 * What of a store is to be copied: which runs, which segments, and how far each of them.
 *
 * Reads the source only, once, at the beginning: what its writers add meanwhile is left to the next copy.
 */
import { fail } from '../../base/errors.ts';
import { lineageOf } from '../../log/lineage.ts';
import { findRun, runOf } from '../../log/reader.ts';
import type { LogRecord, LogStore, RunInfo, SegmentInfo, Store } from '../../log/store.ts';
import { noRecord } from '../../log/store-checks.ts';
import { parseOpening } from '../../simulation/opening.ts';
import { allRuns } from '../describe.ts';

/** A segment to copy. */
export interface Wanted {
  readonly info: SegmentInfo;
  /** The run that names it in the source; null where none does. */
  readonly run: RunInfo | null;
  /** Whether it is copied up to its head, and must have its name; else as far as others continue it. */
  readonly whole: boolean;
  /** The last tick to copy; that of its parent's record where it has no record of its own. */
  readonly until: number;
  /** A header to list it with for the time of the copy, where it has no run of its own. */
  readonly header: string;
}

/** The first tick that can be a segment's own. */
export const firstOwn = ({ parent }: SegmentInfo): number => (parent?.tick ?? -1) + 1;

/** The record of one of a segment's ticks, or of the tick that it continues. `NO_RECORD`. */
export async function recordOf(store: LogStore, info: SegmentInfo, tick: number): Promise<LogRecord> {
  const segment = info.parent !== null && tick <= info.parent.tick ? info.parent.segment : info.id;
  const { records } = await store.read(segment, tick, { records: 1, bytes: 0 });
  return records[0] ?? noRecord(segment, tick);
}

/** Whether a run is only the name that a segment without one has while it is copied. */
export const isUnfinished = ({ id, segment }: RunInfo): boolean => id === segment.id;

/** The run that names a segment, under its own name. */
export async function namedBy(store: LogStore, segment: string): Promise<RunInfo | null> {
  const run = runOf(segment);
  const info = run === '' ? undefined : await store.head(run);
  return info?.segment.id === segment ? info : null;
}

/** The run whose later inputs a run is to keep; null where it keeps none, or where it was removed. */
async function laterOf(store: LogStore, { segment: { id, opening } }: RunInfo): Promise<RunInfo | null> {
  const later = opening === null ? null : parseOpening(opening, id).later;
  return later === null ? null : namedBy(store, later.segment);
}

/** The runs to copy up to their heads: of the whole tree, or one with those whose later inputs it needs. */
async function wholeRuns(store: Store, id: string, tree: boolean): Promise<readonly RunInfo[]> {
  const asked = await findRun(store, id);
  if (isUnfinished(asked))
    fail(
      'UNKNOWN_RUN',
      `'${id}' in ${store.location} is a piece of a copy that was not finished, and no run`,
      { run: id, store: store.location },
      'Copy a run that continues it; or make that copy again to finish it.',
    );
  if (tree) {
    const { family } = asked.segment;
    const runs = await allRuns(store);
    return runs.filter((run) => run.segment.family === family && !isUnfinished(run));
  }
  const runs = [asked];
  for (const run of runs) {
    const later = await laterOf(store, run);
    if (later !== null && !runs.some((known) => known.id === later.id)) runs.push(later);
  }
  return runs;
}

/**
 * The segments that a copy of a run needs, each after the one that it continues; with `tree`, those of all
 * runs of its fork tree. `UNKNOWN_RUN`, `CORRUPT`, `UNSUPPORTED`.
 */
export async function wantedOf(store: Store, id: string, tree: boolean): Promise<readonly Wanted[]> {
  const runs = await wholeRuns(store, id, tree);
  const whole = new Map(runs.map((run) => [run.segment.id, run]));
  const wanted = new Map<string, Wanted>();
  for (const run of runs) {
    const { header } = run;
    const lineage = await lineageOf(store, run.segment);
    for (const [i, info] of [...lineage.entries()].reverse()) {
      const own = whole.get(info.id);
      const until = Math.max(own?.segment.head.tick ?? -1, lineage[i - 1]?.parent?.tick ?? -1);
      const before = wanted.get(info.id);
      if (before !== undefined) {
        wanted.set(info.id, { ...before, until: Math.max(before.until, until) });
        continue;
      }
      const named = own ?? (await namedBy(store, info.id));
      const made = { run: named, whole: own !== undefined, until, header: named?.header ?? header };
      wanted.set(info.id, { info: own?.segment ?? info, ...made });
    }
  }
  return [...wanted.values()];
}
