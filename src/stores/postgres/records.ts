/**
 * Records in PostgreSQL: the append path and the pages.
 *
 * Owns the statements on `records` and `parts` and on a segment's head, in plain SQL, because this is where
 * speed counts. Decides nothing about what may be appended: `planAppend` does.
 *
 * A group of records that follows the head goes in as one statement, and so as one round trip: the head moves
 * on the condition that it is what the group follows and that the epoch is the writer's, and what moved it
 * inserts the records. Where it does not move, nothing happens, and the long way finds out why.
 */
import { sameBytes } from '../../base/bytes.ts';
import type { Head, LogRecord, Page, PageLimit } from '../../log/store.ts';
import { checkFrom, noRecord, planAppend, unknownSegment, writerReplaced } from '../../log/store-checks.ts';
import { type RecordPlace, wholeRecord } from '../sql/parts.ts';
import { firstOf, type SegmentRow } from '../sql/segments.ts';
import { bigintArray, byteaArray } from './arrays.ts';
import type { Parameter, Statements } from './session.ts';

/** Most bytes that one statement carries on the long way. */
const STATEMENT_BYTES = 16 * 1024 * 1024;
const MOST = Number.MAX_SAFE_INTEGER;

interface StateRow {
  readonly number: number;
  readonly family: number;
  readonly parent_tick: number | null;
  readonly head_tick: number;
  readonly head_hash: Uint8Array;
  readonly epoch: number;
  readonly named: boolean;
}

interface PageRow {
  readonly number: number;
  readonly parent_tick: number | null;
  readonly head_tick: number;
  readonly tick: number | null;
  readonly hash: Uint8Array;
  readonly previous: Uint8Array;
  readonly length: number;
  /** Null in the first row that the limit leaves out. */
  readonly bytes: Uint8Array | null;
}

/** A page that was asked for. */
export interface PageAsked {
  readonly segment: string;
  readonly from: number;
  readonly limit: PageLimit;
}

// Lists are taken apart where rows are selected: in FROM each would be copied into a table of its own first.
const statementsIn = (s: string) => ({
  segment: {
    name: 'segment',
    text:
      'SELECT number, family, parent_tick, head_tick, head_hash, epoch,' +
      ` EXISTS (SELECT 1 FROM ${s}.runs WHERE segment = segments.number) AS named` +
      ` FROM ${s}.segments WHERE id = $1`,
  },
  lock: { name: 'lock', text: `SELECT number FROM ${s}.segments WHERE id = $1 FOR NO KEY UPDATE` },
  keep: { name: 'keep', text: `SELECT number FROM ${s}.segments WHERE id = $1 FOR KEY SHARE` },
  follow: {
    name: 'follow',
    text:
      `WITH moved AS (UPDATE ${s}.segments SET head_tick = $3, head_hash = $4` +
      ' WHERE id = $1 AND epoch = $2 AND head_tick = $5 AND head_hash = $6' +
      ' AND named RETURNING number)' +
      ` INSERT INTO ${s}.records (segment, tick, hash, previous, length, bytes)` +
      ' SELECT number, tick, hash, previous, octet_length(bytes), bytes FROM (SELECT moved.number,' +
      ' generate_series($5::bigint + 1, $3::bigint) AS tick,' +
      ' unnest(($7::bytea[])[2:]) AS hash, unnest(($7::bytea[])[:cardinality($7) - 1]) AS previous,' +
      ' unnest($8::bytea[]) AS bytes FROM moved) AS r',
  },
  insert: {
    name: 'insert',
    text:
      `INSERT INTO ${s}.records (segment, tick, hash, previous, length, bytes)` +
      ' SELECT $1::bigint, unnest($2::bigint[]), unnest($3::bytea[]), unnest($4::bytea[]),' +
      ' unnest($5::bigint[]), unnest($6::bytea[])',
  },
  part: {
    name: 'part',
    text: `INSERT INTO ${s}.parts (segment, tick, part, bytes) VALUES ($1, $2, $3, $4)`,
  },
  moveHead: {
    name: 'move_head',
    text:
      `UPDATE ${s}.segments SET head_tick = $1, head_hash = $2` +
      ' WHERE number = $3 AND head_tick = $4 AND epoch = $5',
  },
  hashes: {
    name: 'hashes',
    text: `SELECT tick, hash FROM ${s}.records WHERE segment = $1 AND tick BETWEEN $2 AND $3`,
  },
  page: {
    name: 'page',
    text:
      'SELECT s.number, s.parent_tick, s.head_tick, r.tick, r.hash, r.previous, r.length,' +
      ' CASE WHEN r.tick = $2 OR r.held <= $4 THEN r.bytes END AS bytes' +
      ` FROM ${s}.segments AS s LEFT JOIN LATERAL (SELECT * FROM (` +
      'SELECT tick, hash, previous, length, bytes, (sum(length) OVER (ORDER BY tick))::bigint AS held' +
      ` FROM ${s}.records WHERE segment = s.number AND tick BETWEEN $2 AND s.head_tick` +
      ' ORDER BY tick LIMIT $3) AS page WHERE tick = $2 OR held - length <= $4) AS r ON true' +
      ' WHERE s.id = $1 ORDER BY r.tick',
  },
  parts: {
    name: 'parts',
    text: `SELECT bytes FROM ${s}.parts WHERE segment = $1 AND tick = $2 ORDER BY part`,
  },
});

/** The append path and the pages of one database. Each call runs on the connection that it is given. */
export class Records {
  readonly #statements: ReturnType<typeof statementsIn>;
  readonly #partBytes: number;

  /** Records longer than `partBytes` are stored in parts of that size. */
  constructor(schema: string, partBytes: number) {
    this.#statements = statementsIn(schema);
    this.#partBytes = partBytes;
  }

  /** The segment with that id, as it is now. */
  async segment(on: Statements, id: string): Promise<SegmentRow | undefined> {
    const { rows } = await on.run<StateRow>(this.#statements.segment, [id]);
    const row = rows[0];
    if (row === undefined) return undefined;
    const { number, family, parent_tick, head_tick: tick, head_hash: hash, epoch, named } = row;
    return { id, number, family, first: firstOf(parent_tick), head: { tick, hash }, epoch, named };
  }

  /** Keeps others from changing the segment until the transaction ends. */
  async lock(on: Statements, id: string): Promise<void> {
    await on.run(this.#statements.lock, [id]);
  }

  /** Keeps others from cutting or deleting the segment until the transaction ends; its head may move on. */
  async keep(on: Statements, id: string): Promise<void> {
    await on.run(this.#statements.keep, [id]);
  }

  /** The hash of a record. */
  async hash(on: Statements, segment: number, tick: number): Promise<Uint8Array | undefined> {
    return (await this.#hashes(on, segment, tick, tick)).get(tick);
  }

  async #hashes(on: Statements, segment: number, from: number, to: number): Promise<Map<number, Uint8Array>> {
    if (from > to) return new Map();
    const { rows } = await on.run<Head>(this.#statements.hashes, [segment, from, to]);
    return new Map(rows.map(({ tick, hash }) => [tick, hash]));
  }

  /**
   * What {@link follow} sends for a group, or undefined for one that can only go in the long way: empty, at
   * tick 0, with records in parts, or not a chain. Copies the bytes.
   */
  group(segment: string, epoch: number, firstTick: number, records: readonly LogRecord[]) {
    if (records.length === 0 || firstTick === 0) return undefined;
    for (let i = 0; i < records.length; i++) {
      const { tick, previous, bytes } = records[i]!;
      const follows = i === 0 || sameBytes(previous, records[i - 1]!.hash);
      if (!follows || tick !== firstTick + i || bytes.length > this.#partBytes) return undefined;
    }
    const { tick, hash } = records.at(-1)!;
    const head = { tick, hash: new Uint8Array(hash) };
    const { previous } = records[0]!;
    // Each record's hash is what the next one follows, so that a list of both is one.
    const hashes = byteaArray([previous, ...records.map((r) => r.hash)]);
    const columns = [hashes, byteaArray(records.map((r) => r.bytes))];
    const moves = [segment, epoch, tick, head.hash, firstTick - 1, new Uint8Array(previous)];
    return { head, parameters: [...moves, ...columns] as readonly Parameter[], count: records.length };
  }

  /** Appends a group that follows the head; false, and nothing changed, where it does not. */
  async follow(on: Statements, group: NonNullable<ReturnType<Records['group']>>): Promise<boolean> {
    const { count } = await on.run(this.#statements.follow, group.parameters);
    return count === group.count;
  }

  /** Checks and appends, within a transaction that has the segment locked; see `LogStore.append`. */
  async append(
    on: Statements,
    segment: SegmentRow,
    epoch: number,
    firstTick: number,
    records: readonly LogRecord[],
  ): Promise<Head> {
    const { number, head } = segment;
    const last = Math.min(head.tick, firstTick + records.length - 1);
    const stored = await this.#hashes(on, number, firstTick, last);
    const skip = planAppend(segment, epoch, firstTick, records, (tick) => stored.get(tick));
    if (skip === records.length) return head;
    await this.write(on, number, records.slice(skip));
    const { tick, hash } = records.at(-1)!;
    const moved = await on.run(this.#statements.moveHead, [tick, hash, number, head.tick, epoch]);
    if (moved.count !== 1) writerReplaced(segment.id, epoch, segment.epoch);
    return { tick, hash: new Uint8Array(hash) };
  }

  /** Writes records, in parts where they are large. */
  async write(on: Statements, segment: number, records: readonly LogRecord[]): Promise<void> {
    let group: LogRecord[] = [];
    let bytes = 0;
    for (const record of records) {
      group.push(record);
      bytes += Math.min(record.bytes.length, this.#partBytes);
      if (bytes < STATEMENT_BYTES) continue;
      await this.#insert(on, segment, group);
      [group, bytes] = [[], 0];
    }
    if (group.length > 0) await this.#insert(on, segment, group);
  }

  async #insert(on: Statements, segment: number, records: readonly LogRecord[]): Promise<void> {
    const size = this.#partBytes;
    await on.run(this.#statements.insert, [
      segment,
      bigintArray(records.map(({ tick }) => tick)),
      byteaArray(records.map(({ hash }) => hash)),
      byteaArray(records.map(({ previous }) => previous)),
      bigintArray(records.map(({ bytes }) => bytes.length)),
      byteaArray(records.map(({ bytes }) => bytes.subarray(0, size))),
    ]);
    for (const { tick, bytes } of records)
      for (let at = size, part = 1; at < bytes.length; at += size, part++)
        await on.run(this.#statements.part, [segment, tick, part, bytes.subarray(at, at + size)]);
  }

  /**
   * Reads a page; see `LogStore.read`. One statement, unless a record is in parts: these are of the same
   * moment `within` a transaction only; `alone` the answer is then undefined.
   */
  async read(
    on: Statements,
    { segment: id, from, limit }: PageAsked,
    how: 'alone' | 'within',
    location: string,
  ): Promise<Page | undefined> {
    const [most, bytes] = [limit.records, limit.bytes].map((n) => Math.floor(Math.min(n, MOST)));
    const { rows } = await on.run<PageRow>(this.#statements.page, [id, from, most!, bytes!]);
    const segment = rows[0] ?? unknownSegment(id, location);
    checkFrom(id, firstOf(segment.parent_tick), from);
    const records: LogRecord[] = [];
    let held = 0;
    for (const { tick, hash, previous, length, bytes: first } of rows) {
      if (tick !== from + records.length) break;
      held += length;
      if (first === null) break;
      const isWhole = first.length === length;
      if (!isWhole && how === 'alone') return undefined;
      const place = { segment: id, tick, length };
      const bytes = isWhole ? first : await this.#whole(on, segment.number, place, first);
      records.push({ tick, hash, previous, bytes });
    }
    const next = from + records.length;
    const due = Math.min(limit.records, segment.head_tick - from + 1);
    if (records.length < due && held <= limit.bytes) noRecord(id, next);
    return { records, next: next <= segment.head_tick ? next : null };
  }

  async #whole(on: Statements, number: number, place: RecordPlace, first: Uint8Array): Promise<Uint8Array> {
    const { tick } = place;
    const { rows } = await on.run<{ readonly bytes: Uint8Array }>(this.#statements.parts, [number, tick]);
    const parts = [first, ...rows.map(({ bytes }) => bytes)];
    return wholeRecord(parts, place);
  }
}
