/**
 * kysely over the sessions of this store.
 *
 * Owns two dialects: one that builds SQL and runs nothing, and one that runs migrations in a transaction that
 * is open already. A server and the embedded database share both.
 */
import type { DatabaseConnection, Dialect, Driver, Kysely } from 'kysely';
import { fail } from '../../base/errors.ts';
import type { Tables } from '../sql/tables.ts';
import type { Parameter, Statements } from './session.ts';

type Library = typeof import('kysely');

/** The transaction is that of the statements: kysely begins and ends none. */
class OpenTransaction implements Driver {
  readonly #connection: DatabaseConnection;

  constructor(statements: Statements) {
    this.#connection = {
      async executeQuery<R>({ sql, parameters }: { sql: string; parameters: readonly unknown[] }) {
        const answer = await statements.run({ text: sql }, parameters as readonly Parameter[]);
        return { rows: [...answer.rows] as R[], numAffectedRows: BigInt(answer.count) };
      },
      // biome-ignore lint/correctness/useYield: there is nothing to stream, and that is said.
      async *streamQuery() {
        fail('INTERNAL', 'a migration streams nothing');
      },
    };
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }
  async init(): Promise<void> {}
  async beginTransaction(): Promise<void> {}
  async commitTransaction(): Promise<void> {}
  async rollbackTransaction(): Promise<void> {}
  async releaseConnection(): Promise<void> {}
  async destroy(): Promise<void> {}
}

const dialect = (kysely: Library, createDriver: () => Driver): Dialect => ({
  createDriver,
  createAdapter: () => new kysely.PostgresAdapter(),
  createQueryCompiler: () => new kysely.PostgresQueryCompiler(),
  createIntrospector: (db) => new kysely.PostgresIntrospector(db),
});

/** What builds SQL in a schema, and never runs it. */
export function builder(kysely: Library, schema: string): Kysely<Tables> {
  const made = new kysely.Kysely<Tables>({ dialect: dialect(kysely, () => new kysely.DummyDriver()) });
  return made.withSchema(schema);
}

/** What runs in the transaction of `statements`. */
export const runner = (kysely: Library, statements: Statements): Kysely<unknown> =>
  new kysely.Kysely({ dialect: dialect(kysely, () => new OpenTransaction(statements)) });
