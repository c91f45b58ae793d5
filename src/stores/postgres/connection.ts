/**
 * An open database that holds our tables, and how the store is to use it.
 */
import type { Kysely } from 'kysely';
import type { Tables } from '../sql/tables.ts';
import type { Sessions } from './session.ts';
import type { WriterLimits } from './writers.ts';

/** What opening gives the store. */
export interface Connection {
  readonly kind: 'postgres' | 'pglite';
  /** For messages: the address without its password and parameters, or `pglite:FOLDER`. */
  readonly location: string;
  readonly sessions: Sessions;
  /** Builds SQL in the schema of the store; never executes it. */
  readonly sql: Kysely<Tables>;
  /** The schema of the store's tables, quoted as SQL: `"worldfold"`. */
  readonly schema: string;
  readonly readOnly: boolean;
  /** Records longer than this are stored in parts of this size. */
  readonly partBytes: number;
  /** The clock of leases in milliseconds; null for the database's own. */
  readonly clock: (() => number) | null;
  readonly limits: WriterLimits;
}
