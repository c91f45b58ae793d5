/**
 * Tables, columns and worlds as systems and handlers see them.
 *
 * Owns the interfaces that columns and projections implement. Reading and writing are different types: a
 * system gets `World`, a handler `WritableWorld`. Indexes into columns are row numbers, never keys;
 * `row(key)` goes from one to the other.
 */
import type { AnyColumn, AsVec, Columns, info, ListOf, Special, StructOf } from './columns.ts';
import type {
  EventRow,
  HasOwnId,
  IsSingle,
  KeyNames,
  KeyOf,
  KindColumns,
  Many,
  Match,
  NewRow,
  Patch,
  PlainValue,
  RawOf,
  Row,
  Shape,
  SingleKey,
  ValueOf,
} from './infer.ts';
import type { form } from './tables.ts';

/** A column of numbers to read: a typed array at run time. The index is a row number. */
export interface ReadColumn<N> extends Iterable<N> {
  readonly [row: number]: N;
  readonly length: number;
  /** The rows from `from` up to but not including `to`, without copying. */
  subarray(from?: number, to?: number): ReadColumn<N>;
  /** A copy of the rows from `from` up to but not including `to`. */
  slice(from?: number, to?: number): ReadColumn<N>;
}

/** A stretch of a column to write in place: a typed array at run time, counted from the span's first row. */
export interface WriteSpan<N> extends Iterable<N> {
  [index: number]: N;
  readonly length: number;
  /** Copies values in, beginning at `offset`. */
  set(values: ArrayLike<N>, offset?: number): void;
  /** Writes one value from `from` up to but not including `to`. */
  fill(value: N, from?: number, to?: number): unknown;
  /** A part of the span, without copying. */
  subarray(from?: number, to?: number): WriteSpan<N>;
}

/** A column of numbers to write. `V` is `N`, or also null where the column is optional. */
export interface WriteColumn<N, V = N> {
  readonly length: number;
  /** The stored number of a row, which is 0 where the row is null. */
  get(row: number): N;
  /** Writes one row. `BAD_VALUE` when the column can't hold the value. */
  set(row: number, value: V): void;
  /** Writes one value into the rows from `from` (0) up to but not including `to` (all). */
  fill(value: V, from?: number, to?: number): void;
  /**
   * The stored numbers of a stretch of rows, to be written at full speed. It lives until the handler returns
   * or the table grows or shrinks (`STALE_SPAN`).
   */
  span(from?: number, to?: number): WriteSpan<N>;
}

/** A column of values that are no single numbers, to write. */
export interface WriteCells<V> {
  readonly length: number;
  /** The value of a row. */
  get(row: number): V;
  /** Writes one row. `BAD_VALUE` when the column can't hold the value. */
  set(row: number, value: V): void;
  /** Writes one value into the rows from `from` (0) up to but not including `to` (all). */
  fill(value: V, from?: number, to?: number): void;
}

type OrNull<C extends AnyColumn> = C[typeof info]['presence'] extends 'optional' ? null : never;
/** Numbers as they are read and written: how SQL stores a bigint is no concern of theirs. */
type Plain<R> = R extends bigint ? bigint : R;
/** Values in a row each: numbers as a typed array, others as an array of values. */
type Stored<V, Null> = [V] extends [number | bigint] ? ReadColumn<V> : readonly (V | Null)[];
type ReadOne<S extends Shape, C extends AnyColumn, Own extends string> =
  RawOf<C> extends Special
    ? RawOf<C> extends StructOf<infer F>
      ? View<S, F, Own>
      : RawOf<C> extends ListOf<AnyColumn>
        ? readonly ValueOf<S, C, Own>[]
        : Stored<PlainValue<S, C, Own>, OrNull<C>>
    : RawOf<C> extends number | bigint
      ? ReadColumn<Plain<RawOf<C>>>
      : RawOf<C> extends AsVec
        ? ReadColumn<number>
        : readonly ValueOf<S, C, Own>[];
/** The fields of a struct to read. */
export type View<S extends Shape, C extends Columns, Own extends string> = {
  readonly [F in keyof C]: ReadOne<S, C[F], Own>;
};
/**
 * The columns of a table to read. Numbers, enum codes, booleans (1 or 0), ids and references to numbered rows
 * are typed arrays; a vec has `n` numbers a row; text, json, bytes and lists are arrays of values; a struct
 * nests.
 */
export type TableColumns<S extends Shape, T extends keyof S['tables'] & string> = {
  readonly [F in keyof S['tables'][T]['columns']]: F extends SingleKey<KeyNames<S, T>>
    ? Stored<KeyOf<S, T>, never>
    : ReadOne<S, S['tables'][T]['columns'][F], T>;
};
/** The columns of a batch, as those of a table. */
export type BatchColumns<S extends Shape, K extends string> = {
  readonly [F in keyof KindColumns<S, K>]: ReadOne<S, KindColumns<S, K>[F], ''>;
};

type Write<V, Null> = [V] extends [number | bigint] ? WriteColumn<V, V | Null> : WriteCells<V | Null>;
type WriteOne<S extends Shape, C extends AnyColumn, Own extends string> =
  RawOf<C> extends Special
    ? RawOf<C> extends StructOf<infer F>
      ? WriteView<S, F, Own>
      : RawOf<C> extends ListOf<AnyColumn>
        ? WriteCells<ValueOf<S, C, Own>>
        : Write<PlainValue<S, C, Own>, OrNull<C>>
    : RawOf<C> extends number | bigint
      ? WriteColumn<Plain<RawOf<C>>, Plain<RawOf<C>> | OrNull<C>>
      : WriteCells<ValueOf<S, C, Own>>;
/** The fields of a struct to write. */
export type WriteView<S extends Shape, C extends Columns, Own extends string> = {
  readonly [F in keyof C]: WriteOne<S, C[F], Own>;
};
/** The columns of a table to write: all but those of the key, which say who a row is. */
export type WriteColumns<S extends Shape, T extends keyof S['tables'] & string> = {
  readonly [F in Exclude<keyof S['tables'][T]['columns'], KeyNames<S, T>>]: WriteOne<
    S,
    S['tables'][T]['columns'][F],
    T
  >;
};

type IsEnum<C extends AnyColumn> =
  RawOf<C> extends number ? ([C[typeof info]['value']] extends [string] ? true : false) : false;
type HasCodes<C extends AnyColumn> =
  RawOf<C> extends StructOf<infer F> ? ([keyof Codes<F>] extends [never] ? false : true) : IsEnum<C>;
/** The codes of every enum column by name: `codes.health.ill`. Those of a struct nest. */
export type Codes<C extends Columns> = {
  readonly [F in keyof C as HasCodes<C[F]> extends true ? F : never]: RawOf<C[F]> extends StructOf<infer G>
    ? Codes<G>
    : { readonly [N in C[F][typeof info]['value'] & string]: RawOf<C[F]> };
};
/** For every optional column, whether a row is null. */
export type Nulls<C extends Columns> = {
  readonly [F in keyof C as C[F][typeof info]['presence'] extends 'optional' ? F : never]: (
    row: number,
  ) => boolean;
};

/** The rows that share one value of an indexed column. */
export interface Rows<R> extends Iterable<R> {
  /** Their row numbers. The order is state: the same in every replay. */
  readonly rows: Uint32Array;
  readonly size: number;
}

/** A table to read. Iterating gives rows in row order. */
export interface Table<S extends Shape, T extends keyof S['tables'] & string> extends Iterable<Row<S, T>> {
  /** How many rows there are. */
  readonly size: number;
  /** The columns, by row number. */
  readonly columns: TableColumns<S, T>;
  /** The codes of enum columns. */
  readonly codes: Codes<S['tables'][T]['columns']>;
  /** Whether a row is null in an optional column. */
  readonly nulls: Nulls<S['tables'][T]['columns']>;
  /** The row with that key, if there is one. */
  get(key: KeyOf<S, T>): Row<S, T> | undefined;
  /** The row with that key. `NO_ROW` when there is none. */
  need(key: KeyOf<S, T>): Row<S, T>;
  /** Whether there is a row with that key. */
  has(key: KeyOf<S, T>): boolean;
  /** The number of the row with that key. `NO_ROW` when there is none. */
  row(key: KeyOf<S, T>): number;
  /** The row with that number. `NO_ROW` when there is none. */
  at(row: number): Row<S, T>;
  /** Rows from the last to the first; the current one may be deleted on the way. */
  backwards(): Iterable<Row<S, T>>;
  /** The rows whose columns have the given values. */
  where(match: Match<S, T>): Iterable<Row<S, T>>;
  /** How many rows have the given values; all of them when none are given. */
  count(match?: Match<S, T>): number;
  /** Declared indexes: `by.cell(7)` is the rows whose cell is 7. */
  readonly by: {
    readonly [I in S['tables'][T][typeof form]['index']]: (value: Row<S, T>[I]) => Rows<Row<S, T>>;
  };
}

/** What `insert` returns: the key; an object of its columns where it has several. */
export type Inserted<S extends Shape, T extends keyof S['tables'] & string> = KeyOf<S, T>;
/** What inserting many rows returns: the ids handed out, or nothing where the framework hands none out. */
export type InsertedMany<S extends Shape, T extends keyof S['tables'] & string> =
  HasOwnId<S, T> extends true ? ReadColumn<KeyOf<S, T>> : undefined;
/** The columns of many new rows. */
export type NewRows<S extends Shape, T extends keyof S['tables'] & string> = Many<
  S,
  S['tables'][T]['columns'],
  T,
  SingleKey<KeyNames<S, T>>
>;

/** A table to change, as handlers get it. A deleted row is replaced by the last one: row order is state. */
export interface WritableTable<S extends Shape, T extends keyof S['tables'] & string> extends Table<S, T> {
  /** The columns to write, by row number. */
  readonly write: WriteColumns<S, T>;
  /**
   * Adds a row at the end. `DUPLICATE_KEY` when its key is there already; `BAD_VALUE` when a value doesn't
   * fit.
   */
  insert(row: NewRow<S, T>): Inserted<S, T>;
  /** Adds rows at the end. All columns have the same length. Errors as `insert`. */
  insertMany(columns: NewRows<S, T>): InsertedMany<S, T>;
  /** Changes a row. `NO_ROW` when there is none with that key. */
  update(key: KeyOf<S, T>, patch: Patch<S, T>): void;
  /** Changes a row if it is there, and says whether it was. */
  updateIf(key: KeyOf<S, T>, patch: Patch<S, T>): boolean;
  /** Removes a row. `NO_ROW` when there is none with that key. */
  delete(key: KeyOf<S, T>): void;
  /** Removes a row if it is there, and says whether it was. */
  deleteIf(key: KeyOf<S, T>): boolean;
}

/** A singleton to read. */
export interface Single<R> {
  readonly value: R;
}
/** A singleton to change. */
export interface WritableSingle<R> extends Single<R> {
  /** Changes the given columns. */
  set(patch: Partial<R>): void;
}

/** The tables of a schema to read, and nothing else: no name is reserved. */
export type World<S extends Shape> = {
  readonly [T in keyof S['tables'] & string]: IsSingle<S, T> extends true ? Single<Row<S, T>> : Table<S, T>;
};
/** The tables of a schema to change. */
export type WritableWorld<S extends Shape> = {
  readonly [T in keyof S['tables'] & string]: IsSingle<S, T> extends true
    ? WritableSingle<Row<S, T>>
    : WritableTable<S, T>;
};

/** Events of one kind, in the order they were emitted. */
export interface Batch<S extends Shape, K extends string> extends Iterable<EventRow<S, K>> {
  /** How many there are. */
  readonly size: number;
  /** The columns, by place in the batch. */
  readonly columns: BatchColumns<S, K>;
  /** The codes of enum columns. */
  readonly codes: Codes<KindColumns<S, K>>;
  /** Whether an event is null in an optional column. */
  readonly nulls: Nulls<KindColumns<S, K>>;
  /** One event. `BAD_USAGE` when there is none at that place. */
  at(index: number): EventRow<S, K>;
}
