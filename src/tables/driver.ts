/**
 * Kysely over tables in SQL: a dialect whose driver puts before each statement what its tables stand for.
 *
 * Owns one connection for reading, which is opened by the first query and closed by `destroy`.
 */
import type { CompiledQuery, DatabaseConnection, Dialect, Driver, QueryResult } from 'kysely';
import { fail, isWorldfoldError } from '../base/errors.ts';
import type { SqlValue } from '../base/sql.ts';
import type { SqlAnswer, SqlReader } from '../log/projection-store.ts';
import { quoted } from '../projections/sql/names.ts';
import type { ColumnsOf, Scope, Shown } from './shown.ts';
import { readStatement, type Statement, sqlName, withTables } from './statement.ts';

type Kysely = typeof import('kysely');

/** What a query is refused with where the database does not take it: with the tables that there are. */
function refused(e: unknown, shown: Shown): never {
  if (!isWorldfoldError(e, 'BAD_USAGE') || e.hint !== undefined) throw e;
  const names = [...shown.keys()].join(', ') || 'no tables yet';
  return fail(e.code, e.message, e.facts, `There are: ${names}.`, e);
}

const rowsOf = ({ columns, rows }: SqlAnswer): Record<string, unknown>[] =>
  rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));

interface Seen {
  /** The numbers of the projections that were shown. */
  readonly version: string;
  readonly shown: Shown;
  readonly columnsOf: ColumnsOf;
}

class TablesConnection implements DatabaseConnection {
  readonly #scope: Scope;
  readonly #reader: SqlReader;
  /** The schema that the tables of PostgreSQL are in, as SQL takes it. */
  readonly #schema: string;
  #seen: Seen | null = null;

  constructor(scope: Scope, reader: SqlReader, schema: string) {
    this.#scope = scope;
    this.#reader = reader;
    this.#schema = schema;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const statement = readStatement(this.#scope.store.dialect, sql);
    for (let seen = this.#seen ?? (await this.#look()); ; ) {
      let text = '';
      const ask = async (): Promise<SqlAnswer> => {
        text = await this.#textOf(statement, seen);
        return this.#reader.query(text, parameters as readonly SqlValue[]);
      };
      const { shown } = seen;
      const told = await ask().then(
        (answer) => () => answer,
        (e) => () => refused(e, shown),
      );
      // The rows may have moved to other views before the query looked at those that it was given.
      const now = await this.#look();
      if (now === seen || (text !== '' && text === (await this.#textOf(statement, now))))
        return { rows: rowsOf(told()) as R[] };
      seen = now;
    }
  }

  /** What is there now: what was seen before, where nothing came, moved or went since. */
  async #look(): Promise<Seen> {
    const current = await this.#scope.current();
    const version = current.map(({ number }) => number).join();
    if (this.#seen?.version === version) return this.#seen;
    const known = new Map<string, readonly string[]>();
    const columnsOf: ColumnsOf = async (view) => {
      const columns = known.get(view) ?? (await this.#askColumns(view));
      known.set(view, columns);
      return columns;
    };
    this.#seen = { version, shown: await this.#scope.shown(current, columnsOf), columnsOf };
    return this.#seen;
  }

  async #askColumns(view: string): Promise<readonly string[]> {
    return (await this.#reader.query(`select * from ${this.#named(view)} limit 0`, [])).columns;
  }

  /** With its schema, since a table that a query is given may be called what a view is called. */
  #named(view: string): string {
    return `${this.#schema}.${quoted(view)}`;
  }

  async #textOf(statement: Statement, { shown, columnsOf }: Seen): Promise<string> {
    const tables = new Map<string, string>();
    for (const [name, sources] of shown) {
      if (!statement.names.has(sqlName(this.#scope.store.dialect, name))) continue;
      const parts: string[] = [];
      for (const source of sources) {
        const { view } = source;
        parts.push(this.#scope.rowsOf(source, this.#named(view), await columnsOf(view)));
      }
      tables.set(name, parts.join(' union all '));
    }
    return withTables(statement, tables);
  }

  // biome-ignore lint/correctness/useYield: it refuses before there is a row.
  async *streamQuery(): AsyncGenerator<never> {
    fail(
      'UNSUPPORTED',
      'tables in SQL are not streamed',
      {},
      'Use execute(), and limit() where rows are many.',
    );
  }
}

class TablesDriver implements Driver {
  readonly #scope: Scope;
  #reader: SqlReader | null = null;
  #connection: TablesConnection | null = null;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  async init(): Promise<void> {
    const { store } = this.#scope;
    this.#reader = await store.openReader();
    const schema =
      store.dialect === 'sqlite'
        ? 'main'
        : (await this.#reader.query('select current_schema()', [])).rows[0]![0];
    this.#connection = new TablesConnection(this.#scope, this.#reader, quoted(schema as string));
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection!;
  }

  async beginTransaction(): Promise<void> {
    fail(
      'UNSUPPORTED',
      'tables in SQL are read a statement at a time, without transactions',
      {},
      'Ask for what must fit together in one statement, by with() or joins.',
    );
  }

  async commitTransaction(): Promise<void> {}
  async rollbackTransaction(): Promise<void> {}
  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    await this.#reader?.close();
  }
}

/** The dialect of a scope. */
export const dialectOf = (kysely: Kysely, scope: Scope): Dialect => {
  const isSqlite = scope.store.dialect === 'sqlite';
  return {
    createDriver: () => new TablesDriver(scope),
    createQueryCompiler: () =>
      isSqlite ? new kysely.SqliteQueryCompiler() : new kysely.PostgresQueryCompiler(),
    createAdapter: () => (isSqlite ? new kysely.SqliteAdapter() : new kysely.PostgresAdapter()),
    createIntrospector: (db) =>
      isSqlite ? new kysely.SqliteIntrospector(db) : new kysely.PostgresIntrospector(db),
  };
};
