/**
 * The store on one open SQLite database.
 *
 * Owns the transaction around every call, attempts, and the order in which a call looks, decides and writes;
 * the SQL is in the files beside it. No transaction spans a yield, so calls never meet in the middle of each
 * other, and two stores on one file in one process can't wait for one another.
 */
import type { Database } from 'better-sqlite3';
import type { Kysely } from 'kysely';
import { fail } from '../../base/errors.ts';
import { isAlive } from '../../base/platform.ts';
import { checkCollection, checkNewFork, checkOwnRecord } from '../../log/fork-checks.ts';
import {
  checkNewProjection,
  checkProblem,
  checkProjection,
  checkStep,
  checkSteps,
  checkSweep,
} from '../../log/projection-checks.ts';
import type {
  NewProjection,
  ProjectionInfo,
  ProjectionStep,
  ProjectionStore,
  SqlReader,
} from '../../log/projection-store.ts';
import { checkChunks, checkNewSnapshot, checkPinned } from '../../log/snapshot-checks.ts';
import type {
  Attempt,
  Head,
  Holder,
  LogRecord,
  NewFork,
  NewRun,
  NewSnapshot,
  Page,
  PageLimit,
  RunInfo,
  SegmentInfo,
  SnapshotInfo,
  Store,
  StoredSnapshot,
} from '../../log/store.ts';
import {
  alreadyThere,
  checkAppend,
  checkAttempt,
  checkHolder,
  checkLease,
  checkListing,
  checkNewRun,
  checkRead,
  checkTick,
  checkWriter,
  KEPT_ATTEMPTS,
  storeClosed,
  unknownRun,
  unknownSegment,
  unnamedSegment,
} from '../../log/store-checks.ts';
import type { SegmentRow } from '../sql/segments.ts';
import type { Tables } from '../sql/tables.ts';
import { Collector } from './collect.ts';
import { refuse } from './errors.ts';
import { Projections } from './projections.ts';
import { Queries } from './queries.ts';
import { Readers } from './reader.ts';
import { prepareRecords, type Records } from './records.ts';
import { Segments } from './segments.ts';
import { Snapshots } from './snapshots.ts';

/** An open database that holds our tables, and how the store is to use it. */
export interface Connection {
  readonly db: Database;
  /** Builds SQL; never executes it. */
  readonly sql: Kysely<Tables>;
  readonly location: string;
  readonly readOnly: boolean;
  readonly partBytes: number;
  /** The clock of leases in milliseconds; null for the database's own. */
  readonly clock: (() => number) | null;
  /** Makes another connection, for reading only; null where there can be none. */
  readonly beside: (() => Database) | null;
}

/**
 * Every port on one SQLite connection. Calls do their work when they are made; the promise only carries the
 * answer.
 */
export class SqliteStore implements Store, ProjectionStore {
  readonly kind = 'sqlite';
  readonly dialect = 'sqlite';
  readonly location: string;
  readonly #db: Database;
  readonly #queries: Queries;
  readonly #readOnly: boolean;
  readonly #records: Records;
  readonly #segments: Segments;
  readonly #snapshots: Snapshots;
  readonly #collector: Collector;
  readonly #projections: Projections;
  readonly #readers: Readers;
  readonly #now: () => number;
  readonly #begin: { read(): void; write(): void };
  readonly #commit: () => void;
  #closed = false;

  constructor({ db, sql, location, readOnly, partBytes, clock, beside }: Connection) {
    this.location = location;
    this.#db = db;
    this.#queries = new Queries(db, sql);
    this.#readOnly = readOnly;
    this.#records = prepareRecords(db, partBytes);
    this.#segments = new Segments(this.#queries);
    this.#snapshots = new Snapshots(db, this.#records);
    this.#collector = new Collector(db);
    this.#projections = new Projections(db, this.#queries);
    this.#readers = new Readers(db, beside, location);
    const now = db.prepare<[], number>("SELECT unixepoch('subsec') * 1000").pluck();
    this.#now = clock ?? (() => now.get()!);
    const [read, write, commit] = ['BEGIN', 'BEGIN IMMEDIATE', 'COMMIT'].map((sql) => db.prepare<[]>(sql));
    this.#begin = { read: () => read!.run(), write: () => write!.run() };
    this.#commit = () => commit!.run();
  }

  /** Runs `work` in a transaction of its own: all of it is kept, or nothing and the refusal is thrown. */
  #within<T>(kind: 'read' | 'write', work: () => T): T {
    if (this.#closed) storeClosed(this.location);
    if (kind === 'write' && this.#readOnly)
      fail('READ_ONLY', `${this.location} is open for reading only`, { location: this.location });
    try {
      this.#begin[kind]();
      const answer = work();
      this.#commit();
      return answer;
    } catch (e) {
      this.#rollBack();
      return refuse(e, this.location);
    }
  }

  #rollBack(): void {
    try {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
    } catch {
      // What failed first is what the caller hears; the next BEGIN tells whether the connection still works.
    }
  }

  #segment(id: string): SegmentRow {
    return this.#records.segment(id) ?? unknownSegment(id, this.location);
  }

  #checkFree(run: string, segment: string): void {
    if (this.#segments.numberOf(run) !== undefined) alreadyThere('run', run, this.location);
    if (this.#records.segment(segment) !== undefined) alreadyThere('segment', segment, this.location);
  }

  async create(run: NewRun): Promise<RunInfo> {
    return this.#within('write', () => {
      checkNewRun(run);
      this.#checkFree(run.id, run.segment);
      this.#records.write(this.#segments.create(run, this.#now()), run.record);
      return this.#segments.run(run.id)!;
    });
  }

  async fork(fork: NewFork): Promise<RunInfo> {
    return this.#within('write', () => {
      checkNewFork(fork);
      this.#checkFree(fork.id, fork.segment);
      const parent = this.#segment(fork.parent.segment);
      const hashAt = (tick: number) => this.#records.hash(parent.number, tick);
      checkOwnRecord(parent, fork.parent.tick, fork.hash, hashAt);
      this.#segments.fork(fork, parent, this.#now());
      return this.#segments.run(fork.id)!;
    });
  }

  async lineage(segment: string): Promise<readonly SegmentInfo[]> {
    return this.#within('read', () => this.#segments.lineage(this.#segment(segment).number));
  }

  async remove(run: string, force: boolean): Promise<void> {
    this.#within('write', () => {
      const { number, id, epoch } = this.#segments.numberOf(run) ?? unknownRun(run, this.location);
      checkLease(id, this.#segments.lease(number), null, force, this.#now(), isAlive);
      this.#segments.remove(run, number, epoch);
    });
  }

  async collect(limit: number): Promise<number> {
    return this.#within('write', () => {
      checkCollection(limit);
      return this.#collector.collect(limit);
    });
  }

  async append(
    segment: string,
    epoch: number,
    firstTick: number,
    records: readonly LogRecord[],
  ): Promise<Head> {
    return this.appendWith(segment, epoch, firstTick, records, []);
  }

  async read(segment: string, from: number, limit: PageLimit): Promise<Page> {
    return this.#within('read', () => {
      checkRead(from, limit);
      return this.#records.read(this.#segment(segment), from, limit);
    });
  }

  async head(run: string): Promise<RunInfo | undefined> {
    return this.#within('read', () => this.#segments.run(run));
  }

  async list(after: string | null, limit: number): Promise<readonly RunInfo[]> {
    return this.#within('read', () => {
      checkListing(limit);
      return this.#segments.list(after, limit);
    });
  }

  async acquire(segment: string, holder: Holder, takeover: boolean): Promise<number> {
    return this.#within('write', () => {
      checkHolder(holder);
      const { number, epoch, named } = this.#segment(segment);
      if (!named) unnamedSegment(segment, this.location);
      const now = this.#now();
      checkLease(segment, this.#segments.lease(number), holder, takeover, now, isAlive);
      return this.#segments.take(number, epoch, holder, now);
    });
  }

  async renew(segment: string, epoch: number): Promise<void> {
    this.#within('write', () => {
      const held = this.#segment(segment);
      checkWriter(held, epoch);
      const lease = this.#segments.lease(held.number);
      if (lease !== null) this.#segments.hold(held.number, epoch, lease, this.#now());
    });
  }

  async release(segment: string, epoch: number): Promise<void> {
    this.#within('write', () => this.#segments.hold(this.#segment(segment).number, epoch, null, 0));
  }

  async keepAttempt(segment: string, attempt: Attempt): Promise<void> {
    this.#within('write', () => {
      checkAttempt(attempt);
      const of = this.#segment(segment).number;
      const { sql } = this.#queries;
      const newest = sql.selectFrom('attempts').select((e) => e.fn.max('number').as('number'));
      const number = 1 + (this.#queries.all(newest.where('segment', '=', of))[0]?.number ?? 0);
      const { tick, text } = attempt;
      this.#queries.change(sql.insertInto('attempts').values({ segment: of, number, tick, text }));
      const old = sql.deleteFrom('attempts').where('segment', '=', of);
      this.#queries.change(old.where('number', '<=', number - KEPT_ATTEMPTS));
    });
  }

  async attempts(segment: string): Promise<readonly Attempt[]> {
    return this.#within('read', () => {
      const kept = this.#queries.sql.selectFrom('attempts').select(['tick', 'text']).orderBy('number');
      return this.#queries.all(kept.where('segment', '=', this.#segment(segment).number));
    });
  }

  async keepSnapshot(snapshot: NewSnapshot): Promise<readonly number[]> {
    return this.#within('write', () => {
      checkNewSnapshot(snapshot);
      return this.#snapshots.keep(this.#segment(snapshot.segment), snapshot);
    });
  }

  async snapshots(segment: string): Promise<readonly SnapshotInfo[]> {
    return this.#within('read', () => this.#snapshots.list(this.#segment(segment)));
  }

  async readSnapshot(segment: string, tick: number): Promise<StoredSnapshot | undefined> {
    return this.#within('read', () => {
      checkTick('tick', tick);
      return this.#snapshots.read(this.#segment(segment), tick);
    });
  }

  async readChunks(
    segment: string,
    numbers: readonly number[],
    bytes: number,
  ): Promise<readonly Uint8Array[]> {
    return this.#within('read', () => {
      checkChunks(numbers, bytes);
      return this.#snapshots.readChunks(this.#segment(segment), numbers, bytes);
    });
  }

  async dropSnapshots(segment: string, ticks: readonly number[]): Promise<number> {
    return this.#within('write', () => {
      for (const tick of ticks) checkTick('tick', tick);
      return this.#snapshots.drop(this.#segment(segment), ticks);
    });
  }

  async pinSnapshot(segment: string, tick: number, pinned: boolean): Promise<void> {
    this.#within('write', () => {
      checkTick('tick', tick);
      checkPinned(pinned);
      this.#snapshots.pin(this.#segment(segment), tick, pinned);
    });
  }

  async declareProjection(projection: NewProjection): Promise<ProjectionInfo> {
    return this.#within('write', () => {
      checkNewProjection(projection);
      if (this.#segments.numberOf(projection.run) === undefined) unknownRun(projection.run, this.location);
      return this.#projections.declare(projection);
    });
  }

  async projections(run: string | null): Promise<readonly ProjectionInfo[]> {
    return this.#within('read', () => this.#projections.list(run));
  }

  async advanceProjection(step: ProjectionStep): Promise<boolean> {
    return this.#within('write', () => {
      checkStep(step);
      return this.#projections.advance(step);
    });
  }

  async appendWith(
    segment: string,
    epoch: number,
    firstTick: number,
    records: readonly LogRecord[],
    steps: readonly ProjectionStep[],
  ): Promise<Head> {
    return this.#within('write', () => {
      checkAppend(firstTick, records);
      checkSteps(steps);
      const head = this.#records.append(this.#segment(segment), epoch, firstTick, records);
      this.#projections.follow(steps);
      return head;
    });
  }

  async switchProjection(projection: number): Promise<boolean> {
    return this.#within('write', () => {
      checkProjection(projection);
      return this.#projections.switch(projection);
    });
  }

  async stopProjection(projection: number, problem: string): Promise<void> {
    this.#within('write', () => {
      checkProblem(projection, problem);
      this.#projections.stop(projection, problem);
    });
  }

  async retireProjection(projection: number): Promise<void> {
    this.#within('write', () => {
      checkProjection(projection);
      this.#projections.retire(projection);
    });
  }

  async sweepProjections(limit: number): Promise<number> {
    return this.#within('write', () => {
      checkSweep(limit);
      return this.#projections.sweep(limit);
    });
  }

  async openReader(): Promise<SqlReader> {
    return this.#within('read', () => this.#readers.open());
  }

  /** What SQLite says of the file; see examine.ts. */
  examine(): { readonly format: number; readonly problems: readonly string[]; readonly sqlite: string } {
    const all = (name: string): readonly object[] => this.#db.pragma(name) as object[];
    return this.#within('read', () => ({
      format: this.#db.pragma('user_version', { simple: true }) as number,
      sqlite: this.#db.prepare<[], string>('SELECT sqlite_version()').pluck().get()!,
      problems: [
        ...all('integrity_check').map((row) => String(Object.values(row)[0])),
        ...all('foreign_key_check').map((row) => `foreign key: ${Object.values(row).join(' ')}`),
      ].filter((said) => said !== 'ok'),
    }));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#readers.close();
    try {
      this.#db.close();
    } catch (e) {
      refuse(e, this.location);
    }
  }
}
