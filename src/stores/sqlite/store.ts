/**
 * The store on one open SQLite database.
 *
 * Owns runs, leases and attempts, and the transaction around every call. Kysely writes and types the SQL
 * here, and better-sqlite3 runs it at once: no transaction spans a yield, so calls never meet in the middle
 * of each other, and two stores on one file in one process can't wait for one another. The append path is in
 * `records.ts`.
 */
import type { Database } from 'better-sqlite3';
import type { Compilable, InferResult, Kysely, Updateable } from 'kysely';
import { fail } from '../../base/errors.ts';
import { isAlive } from '../../base/platform.ts';
import type {
  Attempt,
  Head,
  Holder,
  LogRecord,
  NewRun,
  Page,
  PageLimit,
  RunInfo,
  Store,
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
  KEPT_ATTEMPTS,
  type Lease,
  storeClosed,
  unknownSegment,
  writerReplaced,
} from '../../log/store-checks.ts';
import type { SegmentsTable, Tables } from '../sql/tables.ts';
import { refuse } from './errors.ts';
import { prepareRecords, type Records, type SegmentRow } from './records.ts';

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
}

/** UTF-16 big-endian bytes, whose order is the order of code units. */
function orderKey(id: string): Uint8Array {
  const key = new Uint8Array(2 * id.length);
  for (let i = 0; i < id.length; i++) {
    key[2 * i] = id.charCodeAt(i) >> 8;
    key[2 * i + 1] = id.charCodeAt(i) & 0xff;
  }
  return key;
}

interface RunRow {
  readonly id: string;
  readonly header: string;
  readonly segment: string;
  readonly parent: string | null;
  readonly parent_tick: number | null;
  readonly head_tick: number;
  readonly head_hash: Uint8Array;
  readonly epoch: number;
}

const infoOf = (row: RunRow): RunInfo => ({
  id: row.id,
  header: row.header,
  segment: {
    id: row.segment,
    parent: row.parent === null ? null : { segment: row.parent, tick: row.parent_tick! },
    head: { tick: row.head_tick, hash: new Uint8Array(row.head_hash) },
    epoch: row.epoch,
  },
});

const leaseColumns = (holder: Holder | null, now: number) => ({
  holder_host: holder?.host ?? null,
  holder_pid: holder?.pid ?? null,
  holder_token: holder?.token ?? null,
  holder_ttl_ms: holder?.ttlMs ?? null,
  expires_ms: holder === null ? null : now + holder.ttlMs,
});

/**
 * Every port on one SQLite connection. Calls do their work when they are made; the promise only carries the
 * answer.
 */
export class SqliteStore implements Store {
  readonly kind = 'sqlite';
  readonly location: string;
  readonly #db: Database;
  readonly #sql: Kysely<Tables>;
  readonly #readOnly: boolean;
  readonly #records: Records;
  readonly #now: () => number;
  readonly #begin: { read(): void; write(): void };
  readonly #commit: () => void;
  #closed = false;

  constructor({ db, sql, location, readOnly, partBytes, clock }: Connection) {
    this.location = location;
    this.#db = db;
    this.#sql = sql;
    this.#readOnly = readOnly;
    this.#records = prepareRecords(db, partBytes);
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

  #all<Q extends Compilable>(query: Q): InferResult<Q> {
    const { sql, parameters } = query.compile();
    return this.#db.prepare(sql).all(...parameters) as InferResult<Q>;
  }

  #change(query: Compilable): number {
    const { sql, parameters } = query.compile();
    return this.#db.prepare(sql).run(...parameters).changes;
  }

  #segment(id: string): SegmentRow {
    return this.#records.segment(id) ?? unknownSegment(id, this.location);
  }

  #runs() {
    return this.#sql
      .selectFrom('runs')
      .innerJoin('segments', 'segments.number', 'runs.segment')
      .leftJoin('segments as parents', 'parents.number', 'segments.parent')
      .select([
        'runs.id',
        'runs.header',
        'segments.id as segment',
        'parents.id as parent',
        'segments.parent_tick',
        'segments.head_tick',
        'segments.head_hash',
        'segments.epoch',
      ]);
  }

  async create(run: NewRun): Promise<RunInfo> {
    return this.#within('write', () => {
      checkNewRun(run);
      const ids = this.#sql.selectFrom('runs').select('id').where('id', '=', run.id);
      if (this.#all(ids).length > 0) alreadyThere('run', run.id, this.location);
      if (this.#records.segment(run.segment) !== undefined)
        alreadyThere('segment', run.segment, this.location);
      const segment = {
        id: run.segment,
        head_tick: run.record.tick,
        head_hash: run.record.hash,
        epoch: 1,
        ...leaseColumns(run.holder, this.#now()),
      };
      this.#change(this.#sql.insertInto('segments').values(segment));
      const { number } = this.#segment(run.segment);
      const row = { id: run.id, id_order: orderKey(run.id), segment: number, header: run.header };
      this.#change(this.#sql.insertInto('runs').values(row));
      this.#records.write(number, run.record);
      return infoOf(this.#all(this.#runs().where('runs.id', '=', run.id))[0]!);
    });
  }

  async append(
    segment: string,
    epoch: number,
    firstTick: number,
    records: readonly LogRecord[],
  ): Promise<Head> {
    return this.#within('write', () => {
      checkAppend(firstTick, records);
      return this.#records.append(this.#segment(segment), epoch, firstTick, records);
    });
  }

  async read(segment: string, from: number, limit: PageLimit): Promise<Page> {
    return this.#within('read', () => {
      checkRead(from, limit);
      return this.#records.read(this.#segment(segment), from, limit);
    });
  }

  async head(run: string): Promise<RunInfo | undefined> {
    return this.#within('read', () => {
      const row = this.#all(this.#runs().where('runs.id', '=', run))[0];
      return row === undefined ? undefined : infoOf(row);
    });
  }

  async list(after: string | null, limit: number): Promise<readonly RunInfo[]> {
    return this.#within('read', () => {
      checkListing(limit);
      const runs = this.#runs().orderBy('runs.id_order').limit(Math.min(limit, Number.MAX_SAFE_INTEGER));
      const page = after === null ? runs : runs.where('runs.id_order', '>', orderKey(after));
      return this.#all(page).map(infoOf);
    });
  }

  #lease(segment: number): Lease | null {
    const columns = ['holder_host', 'holder_pid', 'holder_token', 'holder_ttl_ms', 'expires_ms'] as const;
    const rows = this.#all(this.#sql.selectFrom('segments').select(columns).where('number', '=', segment));
    const { holder_host: host, holder_pid: pid, holder_token: token, ...times } = rows[0]!;
    if (host === null || pid === null || token === null || times.expires_ms === null) return null;
    return { host, pid, token, ttlMs: times.holder_ttl_ms ?? 0, expiresMs: times.expires_ms };
  }

  async acquire(segment: string, holder: Holder, takeover: boolean): Promise<number> {
    return this.#within('write', () => {
      checkHolder(holder);
      const { number, epoch } = this.#segment(segment);
      const now = this.#now();
      checkLease(segment, this.#lease(number), holder, takeover, now, isAlive);
      this.#setLease(number, epoch, { epoch: epoch + 1, ...leaseColumns(holder, now) });
      return epoch + 1;
    });
  }

  async renew(segment: string, epoch: number): Promise<void> {
    this.#within('write', () => {
      const held = this.#segment(segment);
      if (held.epoch !== epoch) writerReplaced(segment, epoch, held.epoch);
      const lease = this.#lease(held.number);
      if (lease !== null) this.#setLease(held.number, epoch, leaseColumns(lease, this.#now()));
    });
  }

  async release(segment: string, epoch: number): Promise<void> {
    this.#within('write', () => {
      this.#setLease(this.#segment(segment).number, epoch, leaseColumns(null, 0));
    });
  }

  /** Writes the lease of a segment while its epoch is the one given, and else nothing. */
  #setLease(number: number, epoch: number, columns: Updateable<SegmentsTable>): void {
    const update = this.#sql.updateTable('segments').set(columns);
    this.#change(update.where('number', '=', number).where('epoch', '=', epoch));
  }

  async keepAttempt(segment: string, attempt: Attempt): Promise<void> {
    this.#within('write', () => {
      checkAttempt(attempt);
      const of = this.#segment(segment).number;
      const newest = this.#sql.selectFrom('attempts').select((e) => e.fn.max('number').as('number'));
      const number = 1 + (this.#all(newest.where('segment', '=', of))[0]?.number ?? 0);
      const { tick, text } = attempt;
      this.#change(this.#sql.insertInto('attempts').values({ segment: of, number, tick, text }));
      const old = this.#sql.deleteFrom('attempts').where('segment', '=', of);
      this.#change(old.where('number', '<=', number - KEPT_ATTEMPTS));
    });
  }

  async attempts(segment: string): Promise<readonly Attempt[]> {
    return this.#within('read', () => {
      const kept = this.#sql.selectFrom('attempts').select(['tick', 'text']).orderBy('number');
      return this.#all(kept.where('segment', '=', this.#segment(segment).number));
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#db.close();
    } catch (e) {
      refuse(e, this.location);
    }
  }
}
