/**
 * Snapshots and chunks in SQLite.
 *
 * Owns the statements on `snapshots` and `chunks`. A snapshot keeps the numbers of its chunks packed, 8 bytes
 * each, little-endian: thousands of rows a snapshot would cost more than the chunks. Begins and ends no
 * transaction, and decides nothing.
 */
import type { Database } from 'better-sqlite3';
import { fail } from '../../base/errors.ts';
import { noChunk, noSnapshot, planSnapshot, storedBytes } from '../../log/snapshot-checks.ts';
import type { NewSnapshot, SnapshotInfo, StoredSnapshot } from '../../log/store.ts';
import { plain, type Records, type SegmentRow } from './records.ts';

const NUMBER_BYTES = 8;

/** Chunk numbers as they are stored: unsigned 64-bit, little-endian. */
export const pack = (numbers: readonly number[]): Uint8Array => {
  const bytes = new Uint8Array(NUMBER_BYTES * numbers.length);
  const view = new DataView(bytes.buffer);
  for (const [i, number] of numbers.entries()) {
    view.setUint32(NUMBER_BYTES * i, number % 2 ** 32, true);
    view.setUint32(NUMBER_BYTES * i + 4, Math.floor(number / 2 ** 32), true);
  }
  return bytes;
};

/** The numbers in stored bytes; a cut one at the end is left out. */
export function* unpack(bytes: Uint8Array): Generator<number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + NUMBER_BYTES <= bytes.length; at += NUMBER_BYTES)
    yield view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}

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
    const chunks = [...unpack(packed)];
    if (packed.length % NUMBER_BYTES !== 0 || !chunks.every(Number.isSafeInteger))
      fail(
        'CORRUPT',
        `the list of chunks of the snapshot of tick ${tick} in segment '${segment.id}' is damaged`,
        { segment: segment.id, tick },
        'It can be dropped and made again from the log.',
      );
    const info = infoOf(segment, [tick, pinned, stored]);
    return { ...info, manifest: plain(manifest), chunks };
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
