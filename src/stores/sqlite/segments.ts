/**
 * Runs and the tree of segments in SQLite.
 *
 * Owns what only SQLite needs: indexes that may have lost a row. The queries are those of every database.
 * Begins and ends no transaction, and decides nothing.
 */
import type { Holder, NewFork, NewRun, RunInfo, SegmentInfo } from '../../log/store.ts';
import type { Lease } from '../../log/store-checks.ts';
import {
  leaseColumns,
  leaseOf,
  leaseRow,
  lineageOf,
  listedRunOf,
  listedRuns,
  nameColumns,
  namedSegment,
  orderKey,
  runInfoOf,
  type SegmentRow,
  segmentColumns,
  segmentInfoOf,
  shownRuns,
  torn,
  updateSegment,
} from '../sql/segments.ts';
import type { Queries } from './queries.ts';

/** Runs, segments and leases of one open database. */
export class Segments {
  readonly #queries: Queries;

  constructor(queries: Queries) {
    this.#queries = queries;
  }

  /** The run with that id. */
  run(id: string): RunInfo | undefined {
    const row = this.#queries.all(shownRuns(this.#queries.sql).where('runs.id', '=', id))[0];
    if (row === undefined) this.#checkAbsent(id);
    return row && runInfoOf(row);
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
    return this.#queries.all(namedSegment(this.#queries.sql, run))[0];
  }

  /** A page of runs; see `LogStore.list`. */
  list(after: string | null, limit: number): readonly RunInfo[] {
    const rows = this.#queries.all(listedRuns(this.#queries.sql, after, limit));
    if (rows.length < limit) this.#checkCount(rows.length, after);
    return rows.map(listedRunOf);
  }

  /** A segment and all that it continues, itself first. */
  lineage(number: number): readonly SegmentInfo[] {
    const rows = this.#queries.all(lineageOf(this.#queries.sql, number));
    return rows.map((row) => segmentInfoOf(row, `the line of segment ${number}`));
  }

  /** Writes a run and the root segment that it names, with a lease; returns the segment's number. */
  create(run: NewRun, now: number): number {
    return this.#begin(run, null, now);
  }

  /** Writes a run and the fork that it names, with a lease. */
  fork(fork: NewFork, parent: SegmentRow, now: number): void {
    this.#begin(fork, parent, now);
  }

  #begin(run: NewRun | NewFork, parent: SegmentRow | null, now: number): number {
    const { sql } = this.#queries;
    const columns = segmentColumns(run, parent, now);
    const [row] = this.#queries.all(sql.insertInto('segments').values(columns).returning('number'));
    const { number } = row!;
    this.#queries.change(sql.insertInto('runs').values(nameColumns(run, number)));
    return number;
  }

  /** Deletes the name of a run, and replaces the segment's writer by nobody. */
  remove(run: string, segment: number, epoch: number): void {
    const { sql } = this.#queries;
    this.#queries.change(sql.deleteFrom('runs').where('id', '=', run));
    const free = { epoch: epoch + 1, ...leaseColumns(null, 0) };
    this.#queries.change(updateSegment(sql, segment, epoch, free));
  }

  /** The lease of a segment. */
  lease(segment: number): Lease | null {
    return leaseOf(this.#queries.all(leaseRow(this.#queries.sql, segment))[0]!);
  }

  /** Gives a segment to a holder from `now` on; returns the epoch, one above the old. */
  take(segment: number, epoch: number, holder: Holder, now: number): number {
    const taken = { epoch: epoch + 1, ...leaseColumns(holder, now) };
    this.#queries.change(updateSegment(this.#queries.sql, segment, epoch, taken));
    return epoch + 1;
  }

  /** Writes the lease of a segment from `now` on while its epoch is the one given, and else nothing. */
  hold(segment: number, epoch: number, holder: Holder | null, now: number): void {
    this.#queries.change(updateSegment(this.#queries.sql, segment, epoch, leaseColumns(holder, now)));
  }
}
