/**
 * SQL that kysely writes, run on a connection.
 *
 * Owns no SQL and no transaction.
 */
import type { Compilable, InferResult } from 'kysely';
import type { Parameter, Statements } from './session.ts';

/** Every row of a query. */
export async function all<Q extends Compilable>(on: Statements, query: Q): Promise<InferResult<Q>> {
  const { sql, parameters } = query.compile();
  const { rows } = await on.run({ text: sql }, parameters as readonly Parameter[]);
  return rows as InferResult<Q>;
}

/** Carries out a change; returns how many rows it touched. */
export async function change(on: Statements, query: Compilable): Promise<number> {
  const { sql, parameters } = query.compile();
  return (await on.run({ text: sql }, parameters as readonly Parameter[])).count;
}
