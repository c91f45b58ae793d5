/**
 * Snapshots of a segment, copied with the chunks that they share.
 *
 * Numbers of chunks are a store's own: those of the source are led to those of the target, where a chunk is
 * stored once however many snapshots use it. What is damaged is not copied.
 */
import { sameBytes } from '../../base/bytes.ts';
import { fail, isWorldfoldError } from '../../base/errors.ts';
import { xxh128 } from '../../base/hash.ts';
import { type ChunkEntry, decodeManifest, type Manifest } from '../../log/manifest.ts';
import { hasSnapshots, type SnapshotInfo, type SnapshotStore, type StoredSnapshot } from '../../log/store.ts';
import { persistent } from '../../simulation/committer.ts';
import type { Job } from './job.ts';
import { recordOf, type Wanted } from './source.ts';
import type { Piece } from './target.ts';
import type { PieceWriter } from './writer.ts';

const READ_BYTES = 4 * 1024 * 1024;

/** The snapshots of a segment that are to be copied, in order of tick. */
export async function snapshotsOf(
  from: SnapshotStore | object,
  { info, until }: Wanted,
  which: 'all' | 'pinned',
): Promise<readonly SnapshotInfo[]> {
  if (!hasSnapshots(from)) return [];
  const all = await from.snapshots(info.id);
  return all.filter(({ tick, pinned }) => tick <= until && (which === 'all' || pinned));
}

/** The chunks of a manifest that are stored apart, in its order. */
const entriesOf = ({ tables }: Manifest): readonly ChunkEntry[] =>
  tables
    .flatMap(({ lanes }) => lanes.flatMap(({ chunks }) => chunks))
    .filter(({ inline }) => inline === null);

/** A snapshot with its manifest read. `CORRUPT` where that does not fit the list of its chunks. */
function readManifest({ segment, tick, manifest, chunks }: StoredSnapshot): {
  readonly manifest: Manifest;
  readonly entries: readonly ChunkEntry[];
} {
  const read = decodeManifest(manifest, { segment, tick });
  const entries = entriesOf(read);
  if (entries.length !== chunks.length)
    fail('CORRUPT', `the snapshot of tick ${tick} has ${chunks.length} chunks and not ${entries.length}`, {
      segment,
      tick,
    });
  return { manifest: read, entries };
}

/** Takes note of which chunks both stores have: those of one snapshot stand in the same order. */
function pair({ chunks }: Job, ours: StoredSnapshot, theirs: StoredSnapshot): void {
  const { entries } = readManifest(ours);
  if (theirs.chunks.length !== entries.length) return;
  for (const [i, { hash }] of entries.entries())
    chunks.set(ours.chunks[i]!, { number: theirs.chunks[i]!, hash });
}

/**
 * Of the snapshots of the source those that the target lacks. What both have is not copied again, save where
 * it is what an era begins with and the target has another one; it is pinned where it is in the source.
 */
export async function missingIn(job: Job, piece: Piece): Promise<readonly SnapshotInfo[]> {
  const { from, to, tally } = job;
  const { info, there } = piece;
  const wanted = await snapshotsOf(from, piece, job.snapshots);
  if (there === null || wanted.length === 0) return wanted;
  const known = new Map((await to.snapshots(info.id)).map((one) => [one.tick, one]));
  const missing: SnapshotInfo[] = [];
  for (const one of wanted) {
    const other = known.get(one.tick);
    if (other === undefined || !(await isThere(job, one, other))) missing.push(one);
    else tally.snapshots.present++;
  }
  return missing;
}

async function isThere(job: Job, one: SnapshotInfo, other: SnapshotInfo): Promise<boolean> {
  const { from, to } = job;
  const ours = await from.readSnapshot(one.segment, one.tick);
  const theirs = await to.readSnapshot(one.segment, one.tick);
  if (ours === undefined || theirs === undefined) return ours === undefined;
  if (sameBytes(ours.manifest, theirs.manifest)) {
    if (!isDamaged(() => pair(job, ours, theirs)) && one.pinned && !other.pinned)
      await to.pinSnapshot(one.segment, one.tick, true);
    return true;
  }
  if (!one.pinned) return true;
  return other.pinned && readManifest(ours).manifest.point.era !== one.tick + 1;
}

/** Whether a look at a snapshot finds that it is damaged. */
function isDamaged(look: () => void): boolean {
  try {
    look();
    return false;
  } catch (e) {
    if (isWorldfoldError(e, 'CORRUPT')) return true;
    throw e;
  }
}

const damagedChunk = (segment: string, tick: number, chunk: number): never =>
  fail('CORRUPT', `chunk ${chunk} of the snapshot of tick ${tick} is damaged`, { segment, tick, chunk });

/** The chunks as the target is to be given them: numbers of those that it holds, bytes of the others. */
async function chunksOf(job: Job, stored: StoredSnapshot, entries: readonly ChunkEntry[]) {
  const { segment, tick, chunks } = stored;
  const given: (Uint8Array | number)[] = [];
  for (let at = 0; at < chunks.length; ) {
    const known = job.chunks.get(chunks[at]!);
    if (known !== undefined) {
      if (!sameBytes(known.hash, entries[at]!.hash)) damagedChunk(segment, tick, chunks[at]!);
      given.push(known.number);
      at++;
      continue;
    }
    const end = chunks.findIndex((number, i) => i > at && job.chunks.has(number));
    const numbers = chunks.slice(at, end < 0 ? chunks.length : end);
    for (const bytes of await job.from.readChunks(segment, numbers, READ_BYTES)) {
      if (!sameBytes(xxh128(bytes), entries[at]!.hash)) damagedChunk(segment, tick, chunks[at]!);
      given.push(bytes);
      at++;
    }
  }
  return given;
}

/** Reads a snapshot of the source and keeps it in the target. Returns false where it is gone by now. */
async function offer(job: Job, writer: PieceWriter, { tick, segment, pinned }: SnapshotInfo) {
  const { from, to } = job;
  const stored = await from.readSnapshot(segment, tick);
  if (stored === undefined) return false;
  const { manifest, entries } = readManifest(stored);
  const { hash } = await recordOf(from, writer.piece.info, tick);
  if (!sameBytes(manifest.point.hash, hash) || manifest.point.tick !== tick)
    fail('CORRUPT', `the snapshot of tick ${tick} is of another record`, { segment, tick });
  const chunks = await chunksOf(job, stored, entries);
  const epoch = await writer.hold();
  const kept = { segment, epoch, tick, hash, pinned, manifest: stored.manifest, chunks };
  const numbers = await persistent(() => to.keepSnapshot(kept));
  for (const [i, number] of stored.chunks.entries())
    job.chunks.set(number, { number: numbers[i]!, hash: entries[i]!.hash });
  return true;
}

/**
 * Copies a snapshot, whose tick the target must have. One that is damaged is counted, and refused where it is
 * pinned: nothing else may hold its world. `CORRUPT`, `NO_CHUNK`.
 */
export async function copySnapshot(job: Job, writer: PieceWriter, info: SnapshotInfo): Promise<void> {
  const { tally, from } = job;
  for (let isAgain = false; ; isAgain = true)
    try {
      if (await offer(job, writer, info)) tally.snapshots.copied++;
      return;
    } catch (e) {
      if (!isWorldfoldError(e, 'NO_CHUNK') && !isWorldfoldError(e, 'CORRUPT')) throw e;
      if (!isAgain && isWorldfoldError(e, 'NO_CHUNK')) {
        // Either store let chunks go meanwhile: what is still there is asked for anew.
        job.chunks.clear();
        continue;
      }
      if (info.pinned)
        fail(
          e.code,
          `the pinned snapshot of tick ${info.tick} in ${from.location} is damaged: ${e.message}`,
          { ...e.facts, segment: info.segment, tick: info.tick },
          'Unpin it there to copy without it; a world that an era begins with is lost with it.',
          e,
        );
      tally.snapshots.damaged++;
      return;
    }
}
