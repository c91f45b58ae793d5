/**
 * What SQL drivers take and hand out, whichever database is behind them.
 *
 * Owns two types that stores and projections share; how columns of a schema become such values is in
 * `src/projections/sql`.
 */

/** The SQL that is spoken. */
export type SqlDialect = 'sqlite' | 'postgres';

/** What drivers take as a parameter. */
export type SqlValue = number | bigint | string | boolean | Uint8Array | null;
