/**
 * What the store needs of a PostgreSQL connection, whichever driver is behind it.
 *
 * Owns the contract between the store and its connections: statements, transactions and values. A server and
 * the embedded database differ below this line and nowhere above it.
 */

/** A value that goes into a statement. Bytes go in binary form, whatever the type of the parameter is. */
export type Parameter = string | number | boolean | null | Uint8Array;

/** A statement. One with a name is prepared once per connection. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
}

/**
 * What a statement answers. In rows, `int2`, `int4`, `int8` and `oid` are numbers (one that is not safe is
 * `CORRUPT`), `float4` and `float8` numbers, `bool` a boolean, `bytea` a Uint8Array that nothing else holds,
 * everything else text.
 */
export interface Answer<R> {
  readonly rows: readonly R[];
  /** How many rows the statement returned or changed. */
  readonly count: number;
}

/** Statements, one after another. Errors are those of the driver, with `code` for the SQLSTATE. */
export interface Statements {
  run<R extends object>(statement: Statement, parameters?: readonly Parameter[]): Promise<Answer<R>>;
}

/** `read` sees one moment of the database through all its statements; `write` sees what others committed. */
export type TransactionKind = 'read' | 'write';

/** One connection. Calls wait for each other: a statement made beside a transaction comes after it. */
export interface Session extends Statements {
  /** Runs `work` in a transaction: all of it is kept, or, when it throws, nothing. */
  within<T>(kind: TransactionKind, work: (statements: Statements) => Promise<T>): Promise<T>;
}

/** What a statement of a user answers: rows in order of its columns, values of any type. */
export interface Looked {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

/** A connection that is somebody's own until it is ended. */
export interface OwnSession extends Session {
  /**
   * Asks a statement of a user, alone in a transaction for reading of which nothing is kept, not even a
   * setting. Null, and not carried out, where it has no rows to answer with; `BAD_USAGE` for another number
   * of parameters than it has.
   */
  look(text: string, parameters: readonly Parameter[]): Promise<Looked | null>;
  /** Whether the connection is gone: every call fails, and another one must be opened. */
  readonly lost: boolean;
  /** Gives the connection up; never throws. */
  end(): Promise<void>;
}

/** What a connection is for. One for looking reads only, and answers in texts that are exact. */
export type Purpose = 'write' | 'look';

/** The connections of one store. */
export interface Sessions {
  /** Lends a connection for the time of `work`. A connection that broke is not lent again. */
  lend<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** Opens a connection of its own, of a writer or for looking. An embedded database has one for all. */
  open(purpose?: Purpose): Promise<OwnSession>;
  /** Ends every connection, those of writers included. */
  close(): Promise<void>;
}
