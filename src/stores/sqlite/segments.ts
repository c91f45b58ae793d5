/**
 * Runs and the tree of segments in SQLite.
 *
 * Owns the rows of `runs` and `segments`: how a run is listed, how a root or a fork begins, what a segment
 * continues, and leases. Begins and ends no transaction, and decides nothing.
 */
import type { Insertable, Updateable } from 'kysely';
import { sameBytes } from '../../base/bytes.ts';
import { type Facts, fail } from '../../base/errors.ts';
import type { Head, Holder, NewFork, NewRun, RunInfo, SegmentInfo } from '../../log/store.ts';
import type { Lease } from '../../log/store-checks.ts';
import type { SegmentsTable } from '../sql/tables.ts';
import type { Queries } from './queries.ts';
import type { SegmentRow } from './records.ts';

/** UTF-16 big-endian bytes, whose order is the order of code units. */
function orderKey(id: string): Uint8Array {
  const key = new Uint8Array(2 * id.length);
  for (let i = 0; i < id.length; i++) {
    key[2 * i] = id.charCodeAt(i) >> 8;
    key[2 * i + 1] = id.charCodeAt(i) & 0xff;
  }
  return key;
}

interface ShownSegment {
  readonly segment: string | null;
  readonly family: string | null;
  readonly parent: string | null;
  /** The number that the parent should have: null for a root alone. */
  readonly parent_number: number | null;
  readonly parent_tick: number | null;
  readonly head_tick: number | null;
  readonly head_hash: Uint8Array | null;
  readonly epoch: number | null;
  readonly opening: string | null;
}

const SHOWN = [
  'segments.id as segment',
  'roots.id as family',
  'parents.id as parent',
  'segments.parent as parent_number',
  'segments.parent_tick',
  'segments.head_tick',
  'segments.head_hash',
  'segments.epoch',
  'segments.opening',
] as const;

/**
 * Rows are joined so that what should be there and is not shows as null: it must not look like a shorter
 * list.
 */
function segmentInfoOf(row: ShownSegment, of: string): SegmentInfo {
  const { segment: id, family, parent, parent_number, parent_tick, head_tick, head_hash, epoch } = row;
  if (id === null || head_tick === null || head_hash === null || epoch === null)
    return torn(`${of} is in a segment that is not there`, { of });
  if (family === null) return torn(`the root of segment '${id}' is not there`, { segment: id });
  if ((parent === null) !== (parent_number === null) || (parent === null) !== (parent_tick === null))
    return torn(`segment '${id}' continues a record that is not there`, { segment: id, tick: parent_tick });
  return {
    id,
    family,
    parent: parent === null ? null : { segment: parent, tick: parent_tick! },
    head: { tick: head_tick, hash: new Uint8Array(head_hash) },
    epoch,
    opening: row.opening,
  };
}

const torn = (what: string, facts: Facts): never =>
  fail('CORRUPT', what, facts, 'The store was damaged from outside: restore it from a backup.');

interface ShownRun extends ShownSegment {
  readonly id: string;
  readonly header: string;
}

const infoOf = (row: ShownRun): RunInfo => ({
  id: row.id,
  header: row.header,
  segment: segmentInfoOf(row, `run '${row.id}'`),
});

const leaseColumns = (holder: Holder | null, now: number) => ({
  holder_host: holder?.host ?? null,
  holder_pid: holder?.pid ?? null,
  holder_token: holder?.token ?? null,
  holder_ttl_ms: holder?.ttlMs ?? null,
  expires_ms: holder === null ? null : now + holder.ttlMs,
});

type Known = 'id' | 'head_tick' | 'head_hash' | 'epoch';

/** Runs, segments and leases of one open database. */
export class Segments {
  readonly #queries: Queries;

  constructor(queries: Queries) {
    this.#queries = queries;
  }

  #shown() {
    return this.#queries.sql
      .selectFrom('runs')
      .leftJoin('segments', 'segments.number', 'runs.segment')
      .leftJoin('segments as roots', 'roots.number', 'segments.family')
      .leftJoin('segments as parents', 'parents.number', 'segments.parent')
      .select(['runs.id', 'runs.id_order', 'runs.header', ...SHOWN]);
  }

  /** The run with that id. */
  run(id: string): RunInfo | undefined {
    const row = this.#queries.all(this.#shown().where('runs.id', '=', id))[0];
    if (row === undefined) this.#checkAbsent(id);
    return row && infoOf(row);
  }

  /**
   * What an index has lost is not found by it, and nothing else tells: what is about to be said not to be
   * there is looked for in the table itself. No index can serve a column that stands in a call, or has the
   * header.
   */
  #checkAbsent(id: string): void {
    const { sql } = this.#queries;
    const scan = sql
      .selectFrom('runs')
      .select('header')
      .where((e) => e.fn.coalesce('id', 'id'), '=', id);
    if (this.#queries.all(scan).length > 0) torn(`the index of runs has lost run '${id}'`, { run: id });
  }

  /** The same for the end of a list. */
  #checkCount(found: number, after: string | null): void {
    const { sql } = this.#queries;
    const least = after === null ? new Uint8Array(0) : orderKey(after);
    const scan = sql
      .selectFrom('runs')
      .select((e) => e.fn.count<number>('header').as('runs'))
      .where((e) => e.fn.coalesce('id_order', 'id_order'), '>', least);
    const expected = this.#queries.all(scan)[0]!.runs;
    if (expected !== found)
      torn(`the index of runs has ${found} runs and not ${expected}`, { found, expected });
  }

  /** The number of the segment that a run names. */
  numberOf(
    run: string,
  ): { readonly number: number; readonly id: string; readonly epoch: number } | undefined {
    const named = this.#queries.sql
      .selectFrom('runs')
      .innerJoin('segments', 'segments.number', 'runs.segment')
      .select(['segments.number', 'segments.id', 'segments.epoch']);
    return this.#queries.all(named.where('runs.id', '=', run))[0];
  }

  /** A page of runs; see `LogStore.list`. */
  list(after: string | null, limit: number): readonly RunInfo[] {
    const runs = this.#shown().orderBy('runs.id_order').limit(Math.min(limit, Number.MAX_SAFE_INTEGER));
    const page = after === null ? runs : runs.where('runs.id_order', '>', orderKey(after));
    const rows = this.#queries.all(page);
    if (rows.length < limit) this.#checkCount(rows.length, after);
    return rows.map((row) => {
      if (!sameBytes(orderKey(row.id), row.id_order))
        torn(`run '${row.id}' stands in another place of the list than its id`, { run: row.id });
      return infoOf(row);
    });
  }

  /** A segment and all that it continues, itself first. */
  lineage(number: number): readonly SegmentInfo[] {
    const { sql } = this.#queries;
    const line = sql
      .withRecursive('line(number, depth)', (db) =>
        db
          .selectFrom('segments')
          .select((e) => ['segments.number', e.lit(0).as('depth')])
          .where('segments.number', '=', number)
          .unionAll(
            db
              .selectFrom('line')
              .innerJoin('segments', 'segments.number', 'line.number')
              // A parent is written before its forks: what is damaged into a ring comes to an end.
              .innerJoin('segments as next', (join) =>
                join
                  .onRef('next.number', '=', 'segments.parent')
                  .onRef('next.number', '<', 'segments.number'),
              )
              .select((e) => ['next.number', e('line.depth', '+', 1).as('depth')]),
          ),
      )
      .selectFrom('line')
      .innerJoin('segments', 'segments.number', 'line.number')
      .leftJoin('segments as roots', 'roots.number', 'segments.family')
      .leftJoin('segments as parents', 'parents.number', 'segments.parent')
      .select(SHOWN)
      .orderBy('line.depth');
    return this.#queries.all(line).map((row) => segmentInfoOf(row, `the line of segment ${number}`));
  }

  /** Writes a run and the root segment that it names, with a lease; returns the segment's number. */
  create(run: NewRun, now: number): number {
    return this.#begin(run, run.record, leaseColumns(run.holder, now));
  }

  /** Writes a run and the fork that it names, with a lease. */
  fork(fork: NewFork, parent: SegmentRow, now: number): void {
    const { tick } = fork.parent;
    this.#begin(
      fork,
      { tick, hash: fork.hash },
      {
        ...leaseColumns(fork.holder, now),
        family: parent.family,
        parent: parent.number,
        parent_tick: tick,
        opening: fork.opening,
      },
    );
  }

  #begin(run: NewRun | NewFork, head: Head, more: Omit<Insertable<SegmentsTable>, Known>): number {
    const { sql } = this.#queries;
    const segment = { id: run.segment, head_tick: head.tick, head_hash: head.hash, epoch: 1, ...more };
    const [row] = this.#queries.all(sql.insertInto('segments').values(segment).returning('number'));
    const { number } = row!;
    const name = { id: run.id, id_order: orderKey(run.id), segment: number, header: run.header };
    this.#queries.change(sql.insertInto('runs').values(name));
    return number;
  }

  /** Deletes the name of a run, and replaces the segment's writer by nobody. */
  remove(run: string, segment: number, epoch: number): void {
    this.#queries.change(this.#queries.sql.deleteFrom('runs').where('id', '=', run));
    this.#set(segment, epoch, { epoch: epoch + 1, ...leaseColumns(null, 0) });
  }

  /** The lease of a segment. */
  lease(segment: number): Lease | null {
    const columns = ['holder_host', 'holder_pid', 'holder_token', 'holder_ttl_ms', 'expires_ms'] as const;
    const { sql } = this.#queries;
    const rows = this.#queries.all(sql.selectFrom('segments').select(columns).where('number', '=', segment));
    const { holder_host: host, holder_pid: pid, holder_token: token, ...times } = rows[0]!;
    if (host === null || pid === null || token === null || times.expires_ms === null) return null;
    return { host, pid, token, ttlMs: times.holder_ttl_ms ?? 0, expiresMs: times.expires_ms };
  }

  /** Gives a segment to a holder from `now` on; returns the epoch, one above the old. */
  take(segment: number, epoch: number, holder: Holder, now: number): number {
    this.#set(segment, epoch, { epoch: epoch + 1, ...leaseColumns(holder, now) });
    return epoch + 1;
  }

  /** Writes the lease of a segment from `now` on while its epoch is the one given, and else nothing. */
  hold(segment: number, epoch: number, holder: Holder | null, now: number): void {
    this.#set(segment, epoch, leaseColumns(holder, now));
  }

  #set(segment: number, epoch: number, columns: Updateable<SegmentsTable>): void {
    const update = this.#queries.sql.updateTable('segments').set(columns);
    this.#queries.change(update.where('number', '=', segment).where('epoch', '=', epoch));
  }
}
