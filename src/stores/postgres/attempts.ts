/**
 * Failed ticks in PostgreSQL.
 *
 * Owns the rows of `attempts`. Begins and ends no transaction.
 */
import type { Kysely } from 'kysely';
import type { Attempt } from '../../log/store.ts';
import { KEPT_ATTEMPTS } from '../../log/store-checks.ts';
import type { Tables } from '../sql/tables.ts';
import { all, change } from './queries.ts';
import type { Statements } from './session.ts';

/** The kept attempts of one database. Each call runs on the connection that it is given. */
export class Attempts {
  readonly #sql: Kysely<Tables>;

  constructor(sql: Kysely<Tables>) {
    this.#sql = sql;
  }

  /** See `AttemptStore.keepAttempt`; the segment is locked already. */
  async keep(on: Statements, segment: number, { tick, text }: Attempt): Promise<void> {
    const sql = this.#sql;
    const newest = sql.selectFrom('attempts').select((e) => e.fn.max('number').as('number'));
    const number = 1 + ((await all(on, newest.where('segment', '=', segment)))[0]?.number ?? 0);
    await change(on, sql.insertInto('attempts').values({ segment, number, tick, text }));
    const old = sql.deleteFrom('attempts').where('segment', '=', segment);
    await change(on, old.where('number', '<=', number - KEPT_ATTEMPTS));
  }

  /** See `AttemptStore.attempts`. */
  async list(on: Statements, segment: number): Promise<readonly Attempt[]> {
    const kept = this.#sql.selectFrom('attempts').select(['tick', 'text']).orderBy('number');
    return all(on, kept.where('segment', '=', segment));
  }
}
