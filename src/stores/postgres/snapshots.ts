/**
 * Snapshots and chunks in PostgreSQL.
 *
 * Owns the statements on `snapshots` and `chunks`, and the lock of a family: whoever keeps a snapshot shares
 * it, a collection has it alone, so that no chunk goes while a snapshot that names it is being kept. Begins
 * and ends no transaction, and decides nothing.
 */
import { noChunk, noSnapshot, planSnapshot, storedBytes } from '../../log/snapshot-checks.ts';
import type { NewSnapshot, SnapshotInfo, StoredSnapshot } from '../../log/store.ts';
import { chunksOf, pack } from '../sql/chunk-list.ts';
import type { SegmentRow } from '../sql/segments.ts';
import { bigintArray, byteaArray } from './arrays.ts';
import type { Records } from './records.ts';
import type { Segments } from './segments.ts';
import type { Statements } from './session.ts';

/** Most bytes of chunks that one statement carries. */
const STATEMENT_BYTES = 8 * 1024 * 1024;
/** Most chunks that one statement is asked for. */
const STATEMENT_CHUNKS = 512;

interface InfoRow {
  readonly tick: number;
  readonly pinned: number;
  readonly stored: number;
}

const statementsIn = (s: string) => ({
  share: {
    name: 'share_family',
    text: 'SELECT pg_advisory_xact_lock_shared(hashtextextended($1, $2::bigint))',
  },
  holds: {
    name: 'holds',
    text: `SELECT number FROM ${s}.chunks WHERE family = $1 AND number = ANY ($2::bigint[])`,
  },
  insertChunks: {
    name: 'insert_chunks',
    text:
      `INSERT INTO ${s}.chunks (family, number, bytes)` +
      ' SELECT $1::bigint, unnest($2::bigint[]), unnest($3::bytea[])',
  },
  keep: {
    name: 'keep_snapshot',
    text:
      `INSERT INTO ${s}.snapshots AS old (segment, tick, pinned, stored, manifest, chunks)` +
      ' VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (segment, tick) DO UPDATE SET' +
      ' pinned = greatest(old.pinned, excluded.pinned), stored = excluded.stored,' +
      ' manifest = excluded.manifest, chunks = excluded.chunks RETURNING (xmax <> 0) AS replaced',
  },
  infos: {
    name: 'infos',
    text: `SELECT tick, pinned, stored FROM ${s}.snapshots WHERE segment = $1 ORDER BY tick`,
  },
  one: {
    name: 'snapshot',
    text:
      `SELECT tick, pinned, stored, manifest, chunks FROM ${s}.snapshots` +
      ' WHERE segment = $1 AND tick = $2',
  },
  chunks: {
    name: 'chunks',
    text:
      'SELECT asked.number, octet_length(c.bytes) AS length, CASE WHEN asked.n = 1' +
      ' OR sum(octet_length(c.bytes)) OVER (ORDER BY asked.n) <= $3::bigint THEN c.bytes END AS bytes' +
      ' FROM unnest($2::bigint[]) WITH ORDINALITY AS asked(number, n)' +
      ` LEFT JOIN ${s}.chunks AS c ON c.number = asked.number AND c.family = $1 ORDER BY asked.n`,
  },
  drop: {
    name: 'drop_snapshots',
    text: `DELETE FROM ${s}.snapshots WHERE segment = $1 AND tick = ANY ($2::bigint[]) AND pinned = 0`,
  },
  pin: { name: 'pin', text: `UPDATE ${s}.snapshots SET pinned = $3 WHERE segment = $1 AND tick = $2` },
  unswept: {
    name: 'unswept',
    text: `UPDATE ${s}.segments SET unswept = 1 WHERE number = $1 AND unswept = 0`,
  },
});

interface ChunkRow {
  readonly number: number;
  /** Null where there is no such chunk. */
  readonly length: number | null;
  /** Null where it does not fit. */
  readonly bytes: Uint8Array | null;
}

/** Snapshots and chunks of one database. Each call runs on the connection that it is given. */
export class Snapshots {
  readonly #statements: ReturnType<typeof statementsIn>;
  readonly #schema: string;
  readonly #records: Records;
  readonly #segments: Segments;

  constructor(schema: string, records: Records, segments: Segments) {
    this.#statements = statementsIn(schema);
    this.#schema = schema;
    this.#records = records;
    this.#segments = segments;
  }

  /** Keeps collections away from the chunks of a family until the transaction ends. */
  async shareFamily(on: Statements, family: number): Promise<void> {
    await on.run(this.#statements.share, [this.#schema, family]);
  }

  /** See `SnapshotStore.keepSnapshot`. The family is shared and the segment locked already. */
  async keep(on: Statements, segment: SegmentRow, snapshot: NewSnapshot): Promise<readonly number[]> {
    const { number, family } = segment;
    const { tick, manifest } = snapshot;
    const shared = snapshot.chunks.filter((chunk) => typeof chunk === 'number');
    const held = await this.#held(on, family, shared);
    const hash = await this.#records.hash(on, number, tick);
    planSnapshot(
      segment,
      snapshot,
      () => hash,
      (chunk) => held.has(chunk),
    );
    const chunks = await this.#keepChunks(on, family, snapshot.chunks);
    const values = [number, tick, snapshot.pinned ? 1 : 0, storedBytes(snapshot), manifest, pack(chunks)];
    const { rows } = await on.run<{ readonly replaced: boolean }>(this.#statements.keep, values);
    if (rows[0]!.replaced) await on.run(this.#statements.unswept, [family]);
    return chunks;
  }

  async #held(on: Statements, family: number, chunks: readonly number[]): Promise<ReadonlySet<number>> {
    if (chunks.length === 0) return new Set();
    type Row = { readonly number: number };
    const { rows } = await on.run<Row>(this.#statements.holds, [family, bigintArray(chunks)]);
    return new Set(rows.map(({ number }) => number));
  }

  /** Stores the chunks that came as bytes; returns the numbers of all. */
  async #keepChunks(
    on: Statements,
    family: number,
    chunks: NewSnapshot['chunks'],
  ): Promise<readonly number[]> {
    const fresh = chunks.filter((chunk) => typeof chunk !== 'number');
    const numbers = fresh.length === 0 ? [] : await this.#segments.numbers(on, 'chunks', fresh.length);
    for (let from = 0; from < fresh.length; ) {
      let to = from;
      for (let bytes = 0; to < fresh.length && (to === from || bytes < STATEMENT_BYTES); to++)
        bytes += fresh[to]!.length;
      const [some, pieces] = [numbers.slice(from, to), fresh.slice(from, to)];
      await on.run(this.#statements.insertChunks, [family, bigintArray(some), byteaArray(pieces)]);
      from = to;
    }
    let next = 0;
    return chunks.map((chunk) => (typeof chunk === 'number' ? chunk : numbers[next++]!));
  }

  /** See `SnapshotStore.snapshots`. */
  async list(on: Statements, segment: SegmentRow): Promise<readonly SnapshotInfo[]> {
    const { rows } = await on.run<InfoRow>(this.#statements.infos, [segment.number]);
    return rows.map((row) => infoOf(segment, row));
  }

  /** See `SnapshotStore.readSnapshot`. */
  async read(on: Statements, segment: SegmentRow, tick: number): Promise<StoredSnapshot | undefined> {
    type Row = InfoRow & { readonly manifest: Uint8Array; readonly chunks: Uint8Array };
    const row = (await on.run<Row>(this.#statements.one, [segment.number, tick])).rows[0];
    if (row === undefined) return undefined;
    const { manifest } = row;
    return { ...infoOf(segment, row), manifest, chunks: chunksOf(row.chunks, segment.id, tick) };
  }

  /** See `SnapshotStore.readChunks`. */
  async readChunks(
    on: Statements,
    segment: SegmentRow,
    numbers: readonly number[],
    bytes: number,
  ): Promise<readonly Uint8Array[]> {
    const read: Uint8Array[] = [];
    let held = 0;
    while (read.length < numbers.length) {
      const asked = numbers.slice(read.length, read.length + STATEMENT_CHUNKS);
      const room = Math.max(0, Math.floor(Math.min(bytes, Number.MAX_SAFE_INTEGER)) - held);
      const parameters = [segment.family, bigintArray(asked), room];
      const { rows } = await on.run<ChunkRow>(this.#statements.chunks, parameters);
      for (const { number, length, bytes: chunk } of rows) {
        if (length === null) noChunk(segment.id, number);
        if (chunk === null || (read.length > 0 && held + length! > bytes)) return read;
        read.push(chunk);
        held += length!;
      }
    }
    return read;
  }

  /** See `SnapshotStore.dropSnapshots`. */
  async drop(on: Statements, segment: SegmentRow, ticks: readonly number[]): Promise<number> {
    const { count } = await on.run(this.#statements.drop, [segment.number, bigintArray(ticks)]);
    if (count > 0) await on.run(this.#statements.unswept, [segment.family]);
    return count;
  }

  /** See `SnapshotStore.pinSnapshot`. */
  async pin(on: Statements, segment: SegmentRow, tick: number, pinned: boolean): Promise<void> {
    const { count } = await on.run(this.#statements.pin, [segment.number, tick, pinned ? 1 : 0]);
    if (count === 0) noSnapshot(segment.id, tick);
  }
}

const infoOf = ({ id }: SegmentRow, { tick, pinned, stored }: InfoRow): SnapshotInfo => ({
  segment: id,
  tick,
  pinned: pinned === 1,
  bytes: stored,
});
