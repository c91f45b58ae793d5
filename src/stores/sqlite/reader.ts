/**
 * Connections that read a SQLite store.
 *
 * Owns which statements only read, and what is said of the others. Each connection is one of its own on the
 * same file, for reading only; a store in memory has but one, which its readers share.
 */
import type { Database, Statement } from 'better-sqlite3';
import { messageOf } from '../../base/canonical.ts';
import { fail, isWorldfoldError } from '../../base/errors.ts';
import { differentNames, exactNumber, type SqlValue } from '../../base/sql.ts';
import type { SqlAnswer, SqlReader } from '../../log/projection-store.ts';
import { checkParameters, checkText } from '../../log/store-checks.ts';
import { refuse, sqliteCode } from './errors.ts';

/** What SQLite passes over before a word. */
const SKIPPED = String.raw`(?:[\s;]|--[^\n]*(?:\n|$)|/\*(?:[^*]|\*(?!/))*\*/)*`;

/** Some pragmas take effect when they are only prepared, and even when they are to be explained. */
const PRAGMA = new RegExp(
  `^${SKIPPED}(?:explain\\b${SKIPPED}(?:query\\b${SKIPPED}plan\\b${SKIPPED})?)?pragma\\b`,
  'i',
);

/** What says that the statement or its parameters are wrong, and not that the store is. */
const WRONG = /^SQLITE_(ERROR|RANGE|MISMATCH|TOOBIG|CONSTRAINT|AUTH)/;

const bound = (value: SqlValue): SqlValue => (typeof value === 'boolean' ? Number(value) : value);

function shown(value: unknown): unknown {
  if (typeof value === 'bigint') return exactNumber(value);
  return value instanceof Uint8Array ? new Uint8Array(value) : value;
}

const notForReading = (sql: string, location: string): never =>
  fail(
    'READ_ONLY',
    `a reader of ${location} only takes statements that read`,
    { location, sql },
    'Ask with select; what pragmas tell is in tables such as pragma_table_info.',
  );

/** Runs a part of a query: what SQLite does not take is `BAD_USAGE` with what it says. */
function asked<T>(sql: string, location: string, work: () => T): T {
  try {
    return work();
  } catch (e) {
    const code = sqliteCode(e);
    if (code?.startsWith('SQLITE_READONLY')) notForReading(sql, location);
    if (isWorldfoldError(e) || (code !== undefined && !WRONG.test(code))) return refuse(e, location);
    return fail('BAD_USAGE', `SQLite does not take the query: ${messageOf(e)}`, { sql }, undefined, e);
  }
}

class SqliteReader implements SqlReader {
  readonly #db: Database;
  readonly #location: string;
  readonly #ended: (reader: SqliteReader) => void;
  #closed = false;

  constructor(db: Database, location: string, ended: (reader: SqliteReader) => void) {
    this.#db = db;
    this.#location = location;
    this.#ended = ended;
  }

  #prepare(sql: string): Statement<unknown[], unknown[]> {
    if (PRAGMA.test(sql)) notForReading(sql, this.#location);
    const statement = this.#db.prepare<unknown[], unknown[]>(sql);
    return statement.readonly && statement.reader ? statement : notForReading(sql, this.#location);
  }

  async query(sql: string, parameters: readonly SqlValue[]): Promise<SqlAnswer> {
    if (this.#closed)
      fail('CLOSED', `the reader of ${this.#location} is closed`, { location: this.#location });
    // SQLite would read on to U+0000 and leave out the rest.
    checkText('the query', sql);
    checkParameters(parameters);
    // Some statements that read write beside it, as `select * from pragma_optimize` does.
    this.#db.pragma('query_only = 1');
    try {
      return asked(sql, this.#location, () => this.#answer(sql, parameters));
    } finally {
      this.#db.pragma('query_only = 0');
    }
  }

  #answer(sql: string, parameters: readonly SqlValue[]): SqlAnswer {
    const statement = this.#prepare(sql).raw(true).safeIntegers(true);
    const rows = statement.all(...parameters.map(bound)).map((row) => row.map(shown));
    return { columns: differentNames(statement.columns().map(({ name }) => name)), rows };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#ended(this);
  }
}

/** The readers of one store. */
export class Readers {
  readonly #shared: Database;
  readonly #connect: (() => Database) | null;
  readonly #location: string;
  readonly #open = new Map<SqliteReader, Database>();

  /** `connect` makes a connection for reading only; null where there can be none beside `shared`. */
  constructor(shared: Database, connect: (() => Database) | null, location: string) {
    this.#shared = shared;
    this.#connect = connect;
    this.#location = location;
  }

  /** See `ProjectionStore.openReader`. */
  open(): SqlReader {
    const db = this.#connect?.() ?? this.#shared;
    const reader = new SqliteReader(db, this.#location, () => {
      this.#open.delete(reader);
      if (db !== this.#shared) db.close();
    });
    this.#open.set(reader, db);
    return reader;
  }

  /** Closes every reader that is open. */
  async close(): Promise<void> {
    for (const reader of [...this.#open.keys()]) await reader.close();
  }
}
