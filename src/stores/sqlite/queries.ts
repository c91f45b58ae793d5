/**
 * SQL that kysely writes, run at once on better-sqlite3.
 *
 * Owns no SQL and no transaction: the store begins and ends one around every call.
 */
import type { Database } from 'better-sqlite3';
import type { Compilable, InferResult, Kysely } from 'kysely';
import type { Tables } from '../sql/tables.ts';

/** The queries of one open database. */
export class Queries {
  /** Builds SQL; never executes it. */
  readonly sql: Kysely<Tables>;
  readonly #db: Database;

  constructor(db: Database, sql: Kysely<Tables>) {
    this.#db = db;
    this.sql = sql;
  }

  /** Every row of a query. */
  all<Q extends Compilable>(query: Q): InferResult<Q> {
    const { sql, parameters } = query.compile();
    return this.#db.prepare(sql).all(...parameters) as InferResult<Q>;
  }

  /** Carries out a change; returns how many rows it touched. */
  change(query: Compilable): number {
    const { sql, parameters } = query.compile();
    return this.#db.prepare(sql).run(...parameters).changes;
  }
}
