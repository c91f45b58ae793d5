/**
 * What goes between the process that asks and the one that a query runs in.
 */
import type { SqlValue } from '../base/sql.ts';

/** A table to be made. */
export interface TaskTable {
  /** Unquoted. */
  readonly name: string;
  /** What `create table` takes between its parentheses. */
  readonly definitions: readonly string[];
  /** Null for a column that the query does not name: it stays empty. */
  readonly columns: readonly (ArrayLike<SqlValue> | null)[];
  readonly size: number;
}

/** A world: `main`, or by the name that was given. */
export interface TaskBase {
  readonly name: string;
  readonly tables: readonly TaskTable[];
}

/** What the process is given. */
export interface Task {
  readonly bases: readonly TaskBase[];
  readonly query: string;
  readonly params: readonly SqlValue[] | { readonly [name: string]: SqlValue };
  /** The u64 columns, as `base.table.column`. */
  readonly exact: readonly string[];
}

/** What it says. */
export type Answer =
  | {
      readonly columns: readonly { readonly name: string; readonly u64: boolean }[];
      readonly rows: readonly (readonly unknown[])[];
    }
  /** The query is none that may be asked. */
  | { readonly refused: string }
  | { readonly error: string; readonly code: string };
