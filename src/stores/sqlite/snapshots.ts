/**
 * Snapshots and chunks in SQLite.
 *
 * Owns the statements on `snapshots` and `chunks`. Begins and ends no transaction, and decides nothing.
 */
import type { Database } from 'better-sqlite3';
import { noChunk, noSnapshot, planSnapshot, storedBytes } from '../../log/snapshot-checks.ts';
import type { NewSnapshot, SnapshotInfo, StoredSnapshot } from '../../log/store.ts';
import { chunksOf, pack } from '../sql/chunk-list.ts';
import type { SegmentRow } from '../sql/segments.ts';
import { plain, type Records } from './records.ts';

const MOST = Number.MAX_SAFE_INTEGER;

type InfoTuple = [tick: number, pinned: number, stored: number];

const prepareAll = (db: Database) => ({
  holds: db.prepare<[number, number]>('SELECT 1 FROM chunks WHERE number = ? AND family = ?').pluck(),
  insertChunk: db.prepare<[number, Uint8Array]>('INSERT INTO chunks (family, bytes) VALUES (?, ?)'),
  chunk: db
    .prepare<[number, number, number], [length: number, bytes: Buffer | null]>(
      'SELECT length(bytes), iif(length(bytes) <= ?, bytes, NULL) FROM chunks' +
        ' WHERE number = ? AND family = ?',
    )
    .raw(),
  pinned: db
    .prepare<[number, number], number>('SELECT pinned FROM snapshots WHERE segment = ? AND tick = ?')
    .pluck(),
  keep: db.prepare<[number, number, number, number, Uint8Array, Uint8Array]>(
    'INSERT OR REPLACE INTO snapshots (segment, tick, pinned, stored, manifest, chunks)' +
      ' VALUES (?, ?, ?, ?, ?, ?)',
  ),
  infos: db
    .prepare<[number], InfoTuple>(
      'SELECT tick, pinned, stored FROM snapshots WHERE segment = ? ORDER BY tick',
    )
    .raw(),
  one: db
    .prepare<[number, number], [...InfoTuple, manifest: Buffer, chunks: Buffer]>(
      'SELECT tick, pinned, stored, manifest, chunks FROM snapshots WHERE segment = ? AND tick = ?',
    )
    .raw(),
  drop: db.prepare<[number, number]>('DELETE FROM snapshots WHERE segment = ? AND tick = ? AND pinned = 0'),
  pin: db.prepare<[number, number, number]>('UPDATE snapshots SET pinned = ? WHERE segment = ? AND tick = ?'),
  unswept: db.prepare<[number]>('UPDATE segments SET unswept = 1 WHERE number = ?'),
});

/** Snapshots and chunks of one open database. */
export class Snapshots {
  readonly #statements: ReturnType<typeof prepareAll>;
  readonly #records: Records;

  constructor(db: Database, records: Records) {
    this.#statements = prepareAll(db);
    this.#records = records;
  }

  /** See `SnapshotStore.keepSnapshot`. */
  keep(segment: SegmentRow, snapshot: NewSnapshot): readonly number[] {
    const { number, family } = segment;
    const { tick, manifest } = snapshot;
    planSnapshot(
      segment,
      snapshot,
      (at) => this.#records.hash(number, at),
      (chunk) => this.#statements.holds.get(chunk, family) !== undefined,
    );
    const chunks = snapshot.chunks.map((chunk) =>
      typeof chunk === 'number'
        ? chunk
        : Number(this.#statements.insertChunk.run(family, chunk).lastInsertRowid),
    );
    const before = this.#statements.pinned.get(number, tick);
    const pinned = snapshot.pinned || before === 1 ? 1 : 0;
    this.#statements.keep.run(number, tick, pinned, storedBytes(snapshot), manifest, pack(chunks));
    if (before !== undefined) this.#statements.unswept.run(family);
    return chunks;
  }

  /** See `SnapshotStore.snapshots`. */
  list(segment: SegmentRow): readonly SnapshotInfo[] {
    return this.#statements.infos.all(segment.number).map((row) => infoOf(segment, row));
  }

  /** See `SnapshotStore.readSnapshot`. */
  read(segment: SegmentRow, tick: number): StoredSnapshot | undefined {
    const row = this.#statements.one.get(segment.number, tick);
    if (row === undefined) return undefined;
    const [, pinned, stored, manifest, packed] = row;
    const info = infoOf(segment, [tick, pinned, stored]);
    return { ...info, manifest: plain(manifest), chunks: chunksOf(packed, segment.id, tick) };
  }

  /** See `SnapshotStore.readChunks`. */
  readChunks(segment: SegmentRow, numbers: readonly number[], bytes: number): readonly Uint8Array[] {
    const read: Uint8Array[] = [];
    let held = 0;
    for (const number of numbers) {
      const room = read.length === 0 ? MOST : Math.min(bytes, MOST) - held;
      const row = this.#statements.chunk.get(room, number, segment.family) ?? noChunk(segment.id, number);
      const [length, chunk] = row;
      if (chunk === null) break;
      read.push(plain(chunk));
      held += length;
    }
    return read;
  }

  /** See `SnapshotStore.dropSnapshots`. */
  drop(segment: SegmentRow, ticks: readonly number[]): number {
    let dropped = 0;
    for (const tick of ticks) dropped += this.#statements.drop.run(segment.number, tick).changes;
    if (dropped > 0) this.#statements.unswept.run(segment.family);
    return dropped;
  }

  /** See `SnapshotStore.pinSnapshot`. */
  pin(segment: SegmentRow, tick: number, pinned: boolean): void {
    if (this.#statements.pin.run(pinned ? 1 : 0, segment.number, tick).changes === 0)
      noSnapshot(segment.id, tick);
  }
}

const infoOf = ({ id }: SegmentRow, [tick, pinned, stored]: InfoTuple): SnapshotInfo => ({
  segment: id,
  tick,
  pinned: pinned === 1,
  bytes: stored,
});
