/**
 * Runs, the tree of segments and leases in PostgreSQL.
 *
 * Owns what only PostgreSQL needs: numbers before rows, and which connection a writer uses. The queries are
 * those of every database. Begins and ends no transaction, and decides nothing.
 */
import type { Kysely } from 'kysely';
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
  type ParentNumbers,
  runInfoOf,
  segmentColumns,
  segmentInfoOf,
  shownRuns,
  updateSegment,
} from '../sql/segments.ts';
import type { Tables } from '../sql/tables.ts';
import { all, change } from './queries.ts';
import type { Statements } from './session.ts';

/** A backend as it can be found again: a process id alone is given to others in time. */
const BACKEND = "(a.pid || ' ' || extract(epoch FROM a.backend_start))";

const statementsIn = (s: string) => ({
  taken: {
    name: 'taken',
    text:
      `SELECT EXISTS (SELECT 1 FROM ${s}.runs WHERE id = $1) AS run,` +
      ` EXISTS (SELECT 1 FROM ${s}.segments WHERE id = $2) AS segment`,
  },
  next: {
    name: 'next',
    text:
      "SELECT nextval(pg_get_serial_sequence($1, 'number')) AS number" +
      ' FROM generate_series(1, $2::bigint)',
  },
  note: {
    name: 'note',
    text:
      `UPDATE ${s}.segments SET holder_session =` +
      ` (SELECT ${BACKEND} FROM pg_stat_activity AS a WHERE a.pid = pg_backend_pid())` +
      ' WHERE id = $1 AND epoch = $2',
  },
  endHolder: {
    name: 'end_holder',
    text:
      'SELECT pg_terminate_backend(a.pid) AS ended FROM pg_stat_activity AS a' +
      ` JOIN ${s}.segments ON holder_session = ${BACKEND}` +
      ' WHERE segments.id = $1 AND segments.epoch = $2 AND a.pid <> pg_backend_pid()',
  },
  now: { name: 'now', text: 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now' },
});

/** Runs, segments and leases of one database. Each call runs on the connection that it is given. */
export class Segments {
  readonly #sql: Kysely<Tables>;
  readonly #schema: string;
  readonly #clock: (() => number) | null;
  readonly #statements: ReturnType<typeof statementsIn>;

  constructor(sql: Kysely<Tables>, schema: string, clock: (() => number) | null) {
    this.#sql = sql;
    this.#schema = schema;
    this.#clock = clock;
    this.#statements = statementsIn(schema);
  }

  /** Milliseconds on the clock of leases. */
  async now(on: Statements): Promise<number> {
    if (this.#clock !== null) return this.#clock();
    return (await on.run<{ readonly now: number }>(this.#statements.now)).rows[0]!.now;
  }

  /** Which of a run id and a segment id is there already, the run's first. */
  async taken(on: Statements, run: string, segment: string): Promise<'run' | 'segment' | null> {
    type Row = { readonly run: boolean; readonly segment: boolean };
    const found = (await on.run<Row>(this.#statements.taken, [run, segment])).rows[0]!;
    if (found.run) return 'run';
    return found.segment ? 'segment' : null;
  }

  /** Numbers of rows to come, in order; none of them is given out twice. */
  async numbers(on: Statements, table: 'segments' | 'chunks', count: number): Promise<number[]> {
    type Row = { readonly number: number };
    const { rows } = await on.run<Row>(this.#statements.next, [`${this.#schema}.${table}`, count]);
    return rows.map(({ number }) => number).sort((a, b) => a - b);
  }

  /** The run with that id. */
  async run(on: Statements, id: string): Promise<RunInfo | undefined> {
    const row = (await all(on, shownRuns(this.#sql).where('runs.id', '=', id)))[0];
    return row && runInfoOf(row);
  }

  /** The number of the segment that a run names. */
  async named(on: Statements, run: string) {
    return (await all(on, namedSegment(this.#sql, run)))[0];
  }

  /** A page of runs; see `LogStore.list`. */
  async list(on: Statements, after: string | null, limit: number): Promise<readonly RunInfo[]> {
    return (await all(on, listedRuns(this.#sql, after, Math.floor(limit)))).map(listedRunOf);
  }

  /** A segment and all that it continues, itself first. */
  async lineage(on: Statements, number: number): Promise<readonly SegmentInfo[]> {
    const rows = await all(on, lineageOf(this.#sql, number));
    return rows.map((row) => segmentInfoOf(row, `the line of segment ${number}`));
  }

  /** Writes a run and the segment that it names, with a lease; returns the segment's number. */
  async begin(on: Statements, run: NewRun | NewFork, parent: ParentNumbers): Promise<number> {
    const number = (await this.numbers(on, 'segments', 1))[0]!;
    const columns = { family: number, ...segmentColumns(run, parent, await this.now(on)), number };
    await change(on, this.#sql.insertInto('segments').values(columns));
    await change(on, this.#sql.insertInto('runs').values(nameColumns(run, number)));
    return number;
  }

  /** Deletes the name of a run, and replaces the segment's writer by nobody. */
  async remove(on: Statements, run: string, segment: number, epoch: number): Promise<void> {
    await change(on, this.#sql.deleteFrom('runs').where('id', '=', run));
    const free = { epoch: epoch + 1, ...leaseColumns(null, 0) };
    await change(on, updateSegment(this.#sql, segment, epoch, free));
  }

  /** The lease of a segment. */
  async lease(on: Statements, segment: number): Promise<Lease | null> {
    return leaseOf((await all(on, leaseRow(this.#sql, segment)))[0]!);
  }

  /** Gives a segment to a holder from `now` on; returns the epoch, one above the old. */
  async take(on: Statements, segment: number, epoch: number, holder: Holder, now: number): Promise<number> {
    const taken = { epoch: epoch + 1, ...leaseColumns(holder, now) };
    await change(on, updateSegment(this.#sql, segment, epoch, taken));
    return epoch + 1;
  }

  /** Writes the lease of a segment from `now` on while its epoch is the one given, and else nothing. */
  async hold(
    on: Statements,
    segment: number,
    epoch: number,
    holder: Holder | null,
    now: number,
  ): Promise<void> {
    await change(on, updateSegment(this.#sql, segment, epoch, leaseColumns(holder, now)));
  }

  /** Remembers which connection the writer of a segment uses: the one that this runs on. */
  async note(on: Statements, segment: string, epoch: number): Promise<void> {
    await on.run(this.#statements.note, [segment, epoch]);
  }

  /** Ends the connection that the writer of that epoch used last, and with it what it holds locked. */
  async endHolder(on: Statements, segment: string, epoch: number): Promise<void> {
    await on.run(this.#statements.endHolder, [segment, epoch]);
  }
}
