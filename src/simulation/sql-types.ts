/**
 * What a query over a run is given, and what it gives. What answers it is `worldfold/sql`.
 */
import type { SqlValue } from '../base/sql.ts';

/** A text of SQL, or what compiles to one, as a query of kysely does. */
export type SqlQuery =
  | string
  | { compile(): { readonly sql: string; readonly parameters: readonly unknown[] } };

/** Values for `?` in order, or for `@name` by name. */
export type SqlParams = readonly SqlValue[] | { readonly [name: string]: SqlValue };

/** A row that a query found. Whole numbers beyond ±2⁵³ are bigints, so that none is rounded. */
export type SqlRow = { readonly [column: string]: unknown };

/** Another world that a query may look at: this run's at another tick, another run's, a stored run's. */
export type SqlMoment =
  | { readonly run?: object; readonly at?: number }
  | { readonly store: object; readonly id: string; readonly world: object; readonly tick?: number };

/** How a query is asked. */
export interface SqlOptions {
  /** More worlds, by the name that the query calls them: `other.people`. */
  readonly with?: { readonly [name: string]: SqlMoment };
  /** Cancels the query when it is aborted. */
  readonly signal?: AbortSignal;
  /** Cancels the query after so many milliseconds. */
  readonly timeoutMs?: number;
}
