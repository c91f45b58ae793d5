/**
 * The path of a log through the tree of segments: which ticks stand in which segment.
 *
 * A run's log begins in the root of its tree and passes from segment to segment at each fork. Reading and
 * snapshots follow this path; nothing else needs to know that a log is a tree.
 */
import { assert } from '../base/errors.ts';
import { hasForks, type LogStore, type SegmentInfo, unsupported } from './store.ts';

/** Ticks of a log that stand in one segment, both ends included; the last span is open. */
export interface LogSpan {
  readonly segment: string;
  readonly from: number;
  /** Infinity in the segment that the log ends in. */
  readonly to: number;
}

/** The spans of a log, root first. */
export type LogPath = readonly LogSpan[];

/** The path of a log that is one segment. */
export const rootPath = (segment: string): LogPath => [{ segment, from: 0, to: Number.POSITIVE_INFINITY }];

/** The path of the log that ends in a segment. `UNSUPPORTED`, `UNKNOWN_RUN`. */
export async function pathOf(store: LogStore, info: SegmentInfo): Promise<LogPath> {
  if (info.parent === null) return rootPath(info.id);
  if (!hasForks(store)) return unsupported(store, 'forks');
  return pathFrom(await store.lineage(info.id));
}

/** The path through segments that continue each other, leaf first. */
export function pathFrom(lineage: readonly SegmentInfo[]): LogPath {
  const path: LogSpan[] = [];
  let to = Number.POSITIVE_INFINITY;
  for (const { id, parent } of lineage) {
    const from = parent === null ? 0 : parent.tick + 1;
    path.push({ segment: id, from, to });
    if (parent !== null) to = parent.tick;
  }
  return path.reverse();
}

/** The path of a fork of a log at one of its ticks, in a segment of its own. */
export const forkPath = (path: LogPath, tick: number, segment: string): LogPath => [
  ...path.filter(({ from }) => from <= tick).map((span) => ({ ...span, to: Math.min(span.to, tick) })),
  { segment, from: tick + 1, to: Number.POSITIVE_INFINITY },
];

/** The span that holds a tick. */
export function spanAt(path: LogPath, tick: number): LogSpan {
  const span = path.find(({ from, to }) => from <= tick && tick <= to);
  assert(span !== undefined, 'a log has a segment for every tick', { tick });
  return span;
}

/** The segment that a log ends in. */
export const leafOf = (path: LogPath): string => path.at(-1)!.segment;
