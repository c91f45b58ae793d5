/**
 * The projections port: rows in SQL beside the log, each projection with the checkpoint of how far it came.
 *
 * Owns the contract, as `store.ts` owns those of the log; every "must" is a test of
 * `test/contract/projections.ts`, run on every backend that has it. A store neither folds nor knows schemas:
 * it makes the tables that it is told, writes the rows that it is given, and keeps rows and checkpoint
 * together. What it holds can be thrown away and made again: nothing that a fold needs is only here.
 */
import type { SqlDialect, SqlValue } from '../base/sql.ts';
import type { Head, LogRecord } from './store.ts';

/** How far a projection came: a record, by its tick and its hash, and the number of the next event. */
export interface Checkpoint {
  readonly tick: number;
  /** SHA-256 over the hashed part of the record: 32 bytes. A log that was rewound has another one there. */
  readonly hash: Uint8Array;
  readonly sequence: number;
}

/** A column of a projected table. */
export interface ProjectedColumn {
  /** Unquoted; good in every dialect, and not the column of the run. */
  readonly name: string;
  /** The type as a declaration of the column writes it; empty for none. */
  readonly type: string;
  readonly notNull: boolean;
}

/** A table in SQL that projections of many runs share. */
export interface ProjectedTable {
  /**
   * What the table is called, as far as the name is free: `town_1_people`. Two tables of the same wanted name
   * and other `identity` never meet; the second gets another name.
   */
  readonly wanted: string;
  /** What tells the table from others: two projections that give the same one share the table. */
  readonly identity: string;
  /** What the table is to its projection: `people`. No two tables of a projection have the same. */
  readonly role: string;
  /** The name of the column that the view shows the id of the run in: `run`. */
  readonly runColumn: string;
  readonly columns: readonly ProjectedColumn[];
  /** The columns of the key, the run apart; empty for a table of one row a run. */
  readonly key: readonly string[];
  /** Columns to find rows by. */
  readonly index: readonly string[];
}

/** What `declareProjection` begins. */
export interface NewProjection {
  readonly run: string;
  /** Canonical JSON text: what was chosen, for whoever goes on with it. The store does not read it. */
  readonly choice: string;
  readonly tables: readonly ProjectedTable[];
}

/** A projected table as it stands in the database. */
export interface TableNames {
  readonly role: string;
  /** The view, with the id of the run in each row and only rows of current projections. Unquoted. */
  readonly view: string;
  /** The table behind it, whose first column, `projection`, is the number. Unquoted. */
  readonly rows: string;
}

/** A projection as it is listed. */
export interface ProjectionInfo {
  /** Counts up within a store: a later projection of a run is a later version of its rows. */
  readonly number: number;
  readonly run: string;
  readonly choice: string;
  /** Whether the views show it; one that is being built is not shown. At most one of a run is. */
  readonly current: boolean;
  /** Null while nothing was written. */
  readonly checkpoint: Checkpoint | null;
  /** Canonical JSON text: why it stopped; null where it did not. */
  readonly problem: string | null;
  /** In the order in which they were declared. */
  readonly tables: readonly TableNames[];
}

/** Rows of a table that are written, and rows that go. */
export interface RowChanges {
  readonly role: string;
  /** Keys of rows that go before others are written: one array a key column, all of one length. */
  readonly removed: readonly ArrayLike<SqlValue>[];
  /** Rows that are written over those of the same key: one array a column, all of one length. */
  readonly written: readonly ArrayLike<SqlValue>[];
}

/** What moves a projection from one checkpoint to the next: rows and checkpoint go in together. */
export interface ProjectionStep {
  readonly projection: number;
  readonly from: Checkpoint | null;
  readonly to: Checkpoint;
  /** In order. May be made as they are taken, and may be taken again when the call is made again. */
  readonly changes: Iterable<RowChanges>;
}

/** An answer of the database to a query. */
export interface SqlAnswer {
  readonly columns: readonly string[];
  /** Whole numbers beyond ±2⁵³ are bigints. */
  readonly rows: readonly (readonly unknown[])[];
}

/** A connection for reading. */
export interface SqlReader {
  /**
   * Answers one statement, which must only read: `READ_ONLY` for any other, `BAD_USAGE` with what the
   * database says for one that it does not take. Parameters are `?` in SQLite and `$1` in PostgreSQL.
   */
  query(sql: string, parameters: readonly SqlValue[]): Promise<SqlAnswer>;
  close(): Promise<void>;
}

/**
 * The projections port.
 *
 * A projection is of a run, has a number, and writes rows into tables that projections of other runs write
 * too: each row holds the number. What the views show is what is current: the switch to another version of a
 * run's rows is one transaction, and until then the old one is shown. It belongs to the run that has the name
 * when it is declared, and goes with that name: removing the run retires it.
 */
export interface ProjectionStore {
  readonly dialect: SqlDialect;
  /**
   * Makes the tables and views that are not there, and a projection that is not current, without a row.
   * `UNKNOWN_RUN`. Must be safe while others declare the same tables.
   */
  declareProjection(projection: NewProjection): Promise<ProjectionInfo>;
  /** The projections of a run, or of all runs for null, in order of number; retired ones are left out. */
  projections(run: string | null): Promise<readonly ProjectionInfo[]>;
  /**
   * Writes a step in one transaction. Where the checkpoint is not `from`, or the projection is retired or
   * gone, must write nothing and return false. Rows of a key that is there are replaced; a key that is to go
   * and is not there is passed over. Clears the problem.
   */
  advanceProjection(step: ProjectionStep): Promise<boolean>;
  /**
   * Appends as `LogStore.append` does, and takes steps in the same transaction: all of it is kept, or
   * nothing. Steps are of one projection and follow each other; those up to the tick of its checkpoint are
   * passed over, as records that are there are. `PROJECTION_MOVED`, after every refusal of `append`, where
   * the first of the others does not begin at the checkpoint, or the projection is retired or gone.
   */
  appendWith(
    segment: string,
    epoch: number,
    firstTick: number,
    records: readonly LogRecord[],
    steps: readonly ProjectionStep[],
  ): Promise<Head>;
  /** Shows a projection in place of any other of its run, which is retired. False where it is gone. */
  switchProjection(projection: number): Promise<boolean>;
  /** Keeps why a projection stopped, beside its checkpoint. */
  stopProjection(projection: number, problem: string): Promise<void>;
  /** Retires a projection: the views no longer show it, and `sweepProjections` deletes its rows. */
  retireProjection(projection: number): Promise<void>;
  /**
   * Deletes rows of retired projections, and of projections whose run is gone, at most about `limit` of them
   * in one transaction; then such projections; then tables that no projection is left of. Returns how many
   * rows, projections and tables it deleted; 0 when, and only when, nothing is left to delete.
   */
  sweepProjections(limit: number): Promise<number>;
  /** Opens a connection that reads what was committed. */
  openReader(): Promise<SqlReader>;
}

/** Whether a store keeps projections in SQL. */
export const hasProjections = (store: object): store is ProjectionStore =>
  typeof (store as Partial<ProjectionStore>).declareProjection === 'function';
