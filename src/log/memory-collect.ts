/**
 * The collection of a memory store.
 *
 * Owns the walk over what no run reaches; what may go is decided by `fork-checks.ts` and
 * `snapshot-checks.ts`. A segment is cut from its end, and its head goes with it, so that the store is whole
 * after every step and a call may stop anywhere.
 */
import { isSpent, lastReached } from './fork-checks.ts';
import type { Changes, StoredFamily, StoredSegment } from './memory-state.ts';
import { unusedChunks } from './snapshot-checks.ts';

/** Deletes what no run reaches, at most about `limit` things; returns how many. */
export function collectFrom(segments: Map<string, StoredSegment>, limit: number, changes: Changes): number {
  const collector = new Collector(segments, limit, changes);
  for (const segment of [...segments.values()]) collector.cut(segment);
  for (const family of new Set([...segments.values()].map((segment) => segment.family)))
    if (family.unswept) collector.sweep(family);
  return collector.deleted;
}

/** The last tick that a fork of the segment continues. */
function lastForkOf({ forks }: StoredSegment): number | null {
  let last: number | null = null;
  for (const { parent } of forks.values()) if (last === null || parent!.tick > last) last = parent!.tick;
  return last;
}

class Collector {
  readonly #segments: Map<string, StoredSegment>;
  readonly #limit: number;
  readonly #changes: Changes;
  deleted = 0;

  constructor(segments: Map<string, StoredSegment>, limit: number, changes: Changes) {
    this.#segments = segments;
    this.#limit = Math.floor(limit);
    this.#changes = changes;
  }

  get #room(): number {
    return Math.max(this.#limit - this.deleted, 0);
  }

  /** Cuts a segment back to what is reached; where that deletes it, its parent next. */
  cut(from: StoredSegment): void {
    let segment: StoredSegment | undefined = from;
    while (segment !== undefined && !segment.named && this.#room > 0) {
      const { id, first, family, records, snapshots } = segment;
      const parent: StoredSegment['parent'] = segment.parent;
      const reached = lastReached(first, first + records.length - 1, false, lastForkOf(segment));
      const spent = isSpent(first, reached);
      // What a fork began with goes with it, though its tick is the parent's.
      for (const tick of snapshots.keys()) if (spent || tick > reached) this.#dropSnapshot(segment, tick);
      // The chunks go before the root: their family is known by it.
      if (spent && parent === null) this.sweep(family);
      const kept = Math.max(reached - first + 1, records.length - this.#room);
      this.deleted += records.length - kept;
      this.#changes.truncate(records, kept);
      if (!spent || kept > 0) return;
      this.#changes.drop(this.#segments, id);
      if (parent !== null) this.#changes.drop(parent.segment.forks, id);
      this.deleted++;
      segment = parent?.segment;
    }
  }

  #dropSnapshot({ snapshots, family }: StoredSegment, tick: number): void {
    if (this.#room === 0) return;
    this.#changes.drop(snapshots, tick);
    this.#changes.assign(family, { unswept: true });
    this.deleted++;
  }

  /** Deletes chunks that no snapshot of their family uses. */
  sweep(family: StoredFamily): void {
    if (this.#room === 0) return;
    const used = new Set<number>();
    for (const segment of this.#segments.values())
      if (segment.family === family)
        for (const { chunks } of segment.snapshots.values()) for (const chunk of chunks) used.add(chunk);
    const unused = unusedChunks(family.chunks.keys(), used, this.#room);
    if (unused.length < this.#room) this.#changes.assign(family, { unswept: false });
    for (const chunk of unused) this.#changes.drop(family.chunks, chunk);
    this.deleted += unused.length;
  }
}
