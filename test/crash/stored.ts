/**
 * What a store holds, looked at from beside: records of a log, and snapshots that are loaded one by one.
 */
import { sameBytes } from '../../src/base/bytes.ts';
import { loadHash } from '../../src/base/hash.ts';
import { type LogPath, pathOf } from '../../src/log/lineage.ts';
import { decodeManifest } from '../../src/log/manifest.ts';
import { findRun, readFrame, readFrames } from '../../src/log/reader.ts';
import type { RecordFrame } from '../../src/log/record.ts';
import type { SegmentInfo, Store } from '../../src/log/store.ts';
import { newEngine } from '../../src/simulation/run-options.ts';
import type { AnyWorld } from '../../src/simulation/world.ts';

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** What two logs must have alike in a record: all of it save which writer told the names of its metrics. */
export const plainFrame = ({ bytes, end, hash, meta }: RecordFrame) => ({
  hash: hexOf(hash),
  hashed: hexOf(bytes.subarray(0, end)),
  time: meta.time,
  metrics: [...meta.metrics],
});

/** The frames of a run's log from a tick on. */
export async function framesFrom(store: Store, id: string, from: number): Promise<RecordFrame[]> {
  const { segment } = await findRun(store, id);
  const frames: RecordFrame[] = [];
  for await (const frame of readFrames(store, await pathOf(store, segment), from, segment.head.tick))
    frames.push(frame);
  return frames;
}

/** Where a snapshot is. */
export interface SnapshotPlace {
  readonly segment: string;
  readonly tick: number;
  readonly pinned: boolean;
}

/**
 * Loads every snapshot of the segments that the logs of runs pass through: each must be whole, hold the world
 * that it says, and be that of its record. Returns where they are.
 */
export async function loadSnapshots(
  store: Store,
  world: unknown,
  ids: readonly string[],
): Promise<SnapshotPlace[]> {
  await loadHash();
  const segments = new Map<string, SegmentInfo>();
  for (const id of ids)
    for (const segment of await store.lineage((await findRun(store, id)).segment.id))
      segments.set(segment.id, segment);
  const seen: SnapshotPlace[] = [];
  for (const segment of segments.values()) {
    const path = await pathOf(store, segment);
    for (const { tick, pinned } of await store.snapshots(segment.id)) {
      await loadOne(store, world as AnyWorld, path, segment.id, tick);
      seen.push({ segment: segment.id, tick, pinned });
    }
  }
  return seen;
}

async function loadOne(store: Store, world: AnyWorld, path: LogPath, segment: string, tick: number) {
  const stored = (await store.readSnapshot(segment, tick))!;
  const where = { segment, tick };
  const manifest = decodeManifest(stored.manifest, where);
  const chunks = await store.readChunks(segment, stored.chunks, Number.POSITIVE_INFINITY);
  newEngine(world, {}).load({ manifest, chunks, numbers: stored.chunks, where });
  const { hash, stateHash } = await readFrame(store, path, tick);
  if (!sameBytes(hash, manifest.point.hash) || !sameBytes(stateHash!, manifest.point.stateHash))
    throw new RangeError(`the snapshot of tick ${tick} in ${segment} is not that of its record`);
}
