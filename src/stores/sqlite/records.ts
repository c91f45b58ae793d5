/**
 * Records in SQLite: the append path and the pages.
 *
 * Owns the prepared statements on `records` and `parts` and on a segment's head, in plain SQL, because this
 * is where speed counts. Begins and ends no transaction: the store does, around every call. Decides nothing
 * about what may be appended: `planAppend` does.
 */
import type { Database } from 'better-sqlite3';
import type { Head, LogRecord, Page, PageLimit } from '../../log/store.ts';
import { checkFrom, noRecord, planAppend, writerReplaced } from '../../log/store-checks.ts';
import { wholeRecord } from '../sql/parts.ts';
import { firstOf, type SegmentRow } from '../sql/segments.ts';

/** The append path and the pages of one open database. */
export interface Records {
  /** The segment with that id, as it is now. */
  segment(id: string): SegmentRow | undefined;
  /** Checks and appends; see `LogStore.append`. */
  append(segment: SegmentRow, epoch: number, firstTick: number, records: readonly LogRecord[]): Head;
  /** The hash of a record. */
  hash(segment: number, tick: number): Uint8Array | undefined;
  /** Writes one record, in parts where it is large. */
  write(segment: number, record: LogRecord): void;
  /** Reads a page; see `LogStore.read`. */
  read(segment: SegmentRow, from: number, limit: PageLimit): Page;
}

type SegmentTuple = [
  number: number,
  family: number,
  parentTick: number | null,
  headTick: number,
  headHash: Buffer,
  epoch: number,
  named: number,
];
type RecordTuple = [tick: number, hash: Buffer, previous: Buffer, length: number, bytes: Buffer];

/**
 * The same bytes as readers get them from every store: a Buffer's `slice` shares memory, a Uint8Array's does
 * not.
 */
export const plain = (b: Buffer): Uint8Array => new Uint8Array(b.buffer, b.byteOffset, b.byteLength);

const prepareAll = (db: Database) => ({
  segment: db
    .prepare<[string], SegmentTuple>(
      'SELECT number, family, parent_tick, head_tick, head_hash, epoch,' +
        ' EXISTS (SELECT 1 FROM runs WHERE segment = segments.number) FROM segments WHERE id = ?',
    )
    .raw(),
  moveHead: db.prepare<[number, Uint8Array, number, number, number]>(
    'UPDATE segments SET head_tick = ?, head_hash = ? WHERE number = ? AND head_tick = ? AND epoch = ?',
  ),
  insertRecord: db.prepare<[number, number, Uint8Array, Uint8Array, number, Uint8Array]>(
    'INSERT INTO records (segment, tick, hash, previous, length, bytes) VALUES (?, ?, ?, ?, ?, ?)',
  ),
  insertPart: db.prepare<[number, number, number, Uint8Array]>(
    'INSERT INTO parts (segment, tick, part, bytes) VALUES (?, ?, ?, ?)',
  ),
  hash: db
    .prepare<[number, number], Buffer>('SELECT hash FROM records WHERE segment = ? AND tick = ?')
    .pluck(),
  records: db
    .prepare<[number, number, number, number], RecordTuple>(
      'SELECT tick, hash, previous, length, bytes FROM records' +
        ' WHERE segment = ? AND tick >= ? AND tick <= ? ORDER BY tick LIMIT ?',
    )
    .raw(),
  parts: db
    .prepare<[number, number], Buffer>('SELECT bytes FROM parts WHERE segment = ? AND tick = ? ORDER BY part')
    .pluck(),
});

/** Prepares the statements. Records longer than `partBytes` are stored in parts of that size. */
export function prepareRecords(db: Database, partBytes: number): Records {
  const statements = prepareAll(db);

  const write = (segment: number, { tick, hash, previous, bytes }: LogRecord): void => {
    statements.insertRecord.run(segment, tick, hash, previous, bytes.length, bytes.subarray(0, partBytes));
    for (let at = partBytes, part = 1; at < bytes.length; at += partBytes, part++)
      statements.insertPart.run(segment, tick, part, bytes.subarray(at, at + partBytes));
  };

  const whole = (segment: SegmentRow, tick: number, length: number, first: Buffer): Uint8Array => {
    if (first.length === length) return plain(first);
    const parts = [first, ...statements.parts.all(segment.number, tick)];
    return wholeRecord(parts, { segment: segment.id, tick, length });
  };

  return {
    segment(id) {
      const row = statements.segment.get(id);
      if (row === undefined) return undefined;
      const [number, family, parentTick, tick, hash, epoch, named] = row;
      const first = firstOf(parentTick);
      return { id, number, family, first, head: { tick, hash: plain(hash) }, epoch, named: named === 1 };
    },
    hash(segment, tick) {
      const hash = statements.hash.get(segment, tick);
      return hash && plain(hash);
    },
    write,
    append(segment, epoch, firstTick, records) {
      const { number, head } = segment;
      const skip = planAppend(segment, epoch, firstTick, records, (tick) =>
        statements.hash.get(number, tick),
      );
      if (skip === records.length) return head;
      for (let i = skip; i < records.length; i++) write(number, records[i]!);
      const { tick, hash } = records[records.length - 1]!;
      const moved = statements.moveHead.run(tick, hash, number, head.tick, epoch);
      if (moved.changes !== 1) writerReplaced(segment.id, epoch, segment.epoch);
      return { tick, hash: new Uint8Array(hash) };
    },
    read(segment, from, limit) {
      const { number, head } = segment;
      checkFrom(segment.id, segment.first, from);
      const records: LogRecord[] = [];
      const most = Math.min(limit.records, head.tick - from + 1);
      let held = 0;
      let full = false;
      for (const row of statements.records.iterate(number, from, head.tick, Math.max(most, 0))) {
        const [tick, hash, previous, length, bytes] = row;
        if (tick !== from + records.length) break;
        held += length;
        full = records.length > 0 && held > limit.bytes;
        if (full) break;
        const said = { tick, hash: plain(hash), previous: plain(previous) };
        records.push({ ...said, bytes: whole(segment, tick, length, bytes) });
      }
      const next = from + records.length;
      if (!full && records.length < most) noRecord(segment.id, next);
      return { records, next: next <= head.tick ? next : null };
    },
  };
}
