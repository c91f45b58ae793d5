/**
 * The path of a log through the tree of segments: which ticks stand in which segment.
 *
 * A run's log begins in the root of its tree and passes from segment to segment at each fork. Reading and
 * snapshots follow this path; nothing else needs to know that a log is a tree.
 */
import { hex, sameBytes } from '../base/bytes.ts';
import { assert, type Facts, fail } from '../base/errors.ts';
import { hasForks, type LogRecord, type LogStore, type SegmentInfo, unsupported } from './store.ts';
import { noRecord } from './store-checks.ts';

/** Ticks of a log that stand in one segment, both ends included; the last span is open. */
export interface LogSpan {
  readonly segment: string;
  readonly from: number;
  /** Infinity in the segment that the log ends in. */
  readonly to: number;
}

/** The spans of a log, root first. */
export type LogPath = readonly LogSpan[];

/** The path of a new log. */
export const rootPath = (segment: string): LogPath => [{ segment, from: 0, to: Number.POSITIVE_INFINITY }];

/**
 * The path of the log that ends in a segment. `CORRUPT` where the segments on the way do not continue each
 * other, or the log does not end with the record that its head names; `NO_RECORD` where that is missing;
 * `UNSUPPORTED`, `UNKNOWN_RUN`.
 */
export async function pathOf(store: LogStore, info: SegmentInfo): Promise<LogPath> {
  const path = await pathThrough(store, await lineageOf(store, info));
  await checkHead(store, info);
  return path;
}

/** The segments of a log, leaf first. `UNSUPPORTED` for a fork in a store without forks; `UNKNOWN_RUN`. */
export async function lineageOf(store: LogStore, info: SegmentInfo): Promise<readonly SegmentInfo[]> {
  if (info.parent === null) return [info];
  if (!hasForks(store)) return unsupported(store, 'forks');
  return store.lineage(info.id);
}

/**
 * The path through segments, leaf first, each of which must begin with a record that follows the one it
 * continues: reading would pass by other records that are whole, and notice nothing before the next segment.
 * `CORRUPT`, `NO_RECORD`.
 */
export async function pathThrough(store: LogStore, lineage: readonly SegmentInfo[]): Promise<LogPath> {
  const path = pathFrom(lineage);
  for (const { id, parent, head } of lineage) {
    if (parent === null) continue;
    const { tick } = parent;
    const { hash } = await oneRecord(store, parent.segment, tick);
    const follows = head.tick === tick ? head.hash : (await oneRecord(store, id, tick + 1)).previous;
    if (!sameBytes(hash, follows))
      damaged(id, `does not continue the record of tick ${tick} in segment '${parent.segment}'`, {
        parent: parent.segment,
        tick,
        expected: hex(hash),
        actual: hex(follows),
      });
  }
  return path;
}

async function oneRecord(store: LogStore, segment: string, tick: number): Promise<LogRecord> {
  const { records } = await store.read(segment, tick, { records: 1, bytes: 0 });
  return records[0] ?? noRecord(segment, tick);
}

/** The path through segments, leaf first. `CORRUPT` names the one that can't continue the next. */
function pathFrom(lineage: readonly SegmentInfo[]): LogPath {
  const path: LogSpan[] = [];
  let to = Number.POSITIVE_INFINITY;
  lineage.forEach((info, i) => {
    const { id, parent } = info;
    checkLink(info, lineage[i + 1], lineage.at(-1)!);
    const from = parent === null ? 0 : parent.tick + 1;
    path.push({ segment: id, from, to });
    if (parent !== null) to = parent.tick;
  });
  return path.reverse();
}

/** A root has no parent, no opening and its own family; a fork continues a record that its parent has. */
function checkLink(
  { id, family, parent, head, opening }: SegmentInfo,
  next: SegmentInfo | undefined,
  root: SegmentInfo,
): void {
  const isRoot = parent === null;
  if (isRoot !== (next === undefined) || isRoot !== (opening === null) || family !== root.id)
    damaged(id, 'is neither a root nor a fork', { family });
  if (parent === null || next === undefined) return;
  const { tick, segment } = parent;
  const first = next.parent === null ? 0 : next.parent.tick + 1;
  if (segment !== next.id || tick < first || tick > next.head.tick || tick > head.tick)
    damaged(id, `can't continue tick ${tick} of segment '${segment}'`, { parent: segment, tick });
}

/**
 * Checks that a segment ends with the record that its head names: a head that went back would hide the
 * records behind it. `CORRUPT`, `NO_RECORD`.
 */
export async function checkHead(store: LogStore, { id, head, parent }: SegmentInfo): Promise<void> {
  const { tick } = head;
  if (parent !== null && tick < parent.tick) damaged(id, `can't end with tick ${tick}`, { tick });
  const segment = parent?.tick === tick ? parent.segment : id;
  const { hash: actual } = await oneRecord(store, segment, tick);
  if (!sameBytes(actual, head.hash))
    damaged(id, `does not end with the record of tick ${tick} that its head names`, {
      tick,
      expected: hex(head.hash),
      actual: hex(actual),
    });
}

const damaged = (segment: string, what: string, facts: Facts): never =>
  fail(
    'CORRUPT',
    `segment '${segment}' ${what}`,
    { segment, ...facts },
    'The store was damaged from outside: restore it from a backup.',
  );

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
