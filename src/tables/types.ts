/**
 * What the tables of a world are in SQL, to the type checker: for kysely, inferred from the schema.
 *
 * Owns the inference from columns to what both dialects hand out and take; docs/sql.md has the mapping. Names
 * are those of the schema: where SQL needs another one (`a_2`), types can't follow.
 */
import type { Kysely, SqlBool } from 'kysely';
import type {
  AnyColumn,
  AsCell,
  AsVec,
  Columns,
  flavor,
  info,
  OwnId,
  RefTo,
  Special,
  StructOf,
} from '../schema/columns.ts';
import type { KeyNames, Kinds, RawOf, Shape, SingleKey } from '../schema/infer.ts';

/**
 * Marks texts of {@link u64}. It exists in types only; exported so that declarations can name it.
 */
export declare const digits: unique symbol;
/**
 * A `u64` in SQL. What is compared with such a column comes from {@link u64} or from another such column,
 * because SQLite would compare a number wrongly. `BigInt(text)` is the number, in both dialects.
 */
export type U64Text = string & { readonly [digits]: 'u64' };

type ValueOf<C extends AnyColumn> = C[typeof info]['value'];
type OrNull<C extends AnyColumn> = C[typeof info]['presence'] extends 'optional' ? null : never;
type IsBytes<V> = [V] extends [Uint8Array] ? (0 extends 1 & V ? false : true) : false;

/** A value of a column that is neither null nor a struct. */
type Cell<S extends Shape, C extends AnyColumn> =
  RawOf<C> extends Special
    ? SpecialCell<S, RawOf<C>>
    : RawOf<C> extends AsCell
      ? IsBytes<ValueOf<C>> extends true
        ? Uint8Array
        : string
      : RawOf<C> extends AsVec
        ? string
        : RawOf<C> extends bigint
          ? BigCell<RawOf<C>>
          : [ValueOf<C>] extends [boolean]
            ? SqlBool
            : ValueOf<C>;
/** References are plain keys here: ids of every table may be compared with them, as plain numbers may. */
type SpecialCell<S extends Shape, R extends Special> =
  R extends RefTo<infer T> ? KeyCell<S, T, SingleKey<KeyNames<S, T>>> : R extends OwnId ? number : string;
type KeyCell<S extends Shape, T extends keyof S['tables'], K extends string> = Cell<
  S,
  S['tables'][T]['columns'][K]
>;
type BigCell<R> = typeof flavor extends keyof R ? U64Text : number | bigint;

/** The columns of SQL, as pairs of a name and a type: a struct is a column a field. */
type Pairs<S extends Shape, C extends Columns, Before extends string, Null> = {
  [F in keyof C & string]: RawOf<C[F]> extends StructOf<infer G>
    ? Pairs<S, G, `${Before}${F}_`, Null | OrNull<C[F]>>
    : [name: `${Before}${F}`, cell: Cell<S, C[F]> | Null | OrNull<C[F]>];
}[keyof C & string];
type FromPairs<P extends [string, unknown]> = { [One in P as One[0]]: One[1] };

/** A row of a table. A float that may be NaN is null in SQLite where it is. */
export type TableRow<S extends Shape, T extends keyof S['tables']> = FromPairs<
  Pairs<S, S['tables'][T]['columns'], '', never>
>;
/** A row of `<table>_history`: as the table had it after a tick. */
export type HistoryRow<S extends Shape, T extends keyof S['tables']> = TableRow<S, T> & { tick: number };
/** A row of `events`. Rows of a setup are of the kind `+people`, marks of sources of `$source`. */
export interface EventsRow<S extends Shape> {
  run_id: string;
  agent_id: string | null;
  t: number;
  seq: number;
  kind: Kinds<S> | `+${keyof S['tables'] & string}` | '$source';
  payload_json: string;
  ts: number;
  schema_version: number;
}

/** The tables of a run by name, each with the type of its rows: what kysely is given. */
export type RunTablesOf<S extends Shape> = {
  [T in keyof S['tables'] & string]: TableRow<S, T>;
} & {
  [T in keyof S['tables'] & string as Exclude<`${T}_history`, keyof S['tables']>]: HistoryRow<S, T>;
} & {
  [T in Exclude<'events', keyof S['tables']>]: EventsRow<S>;
};
/** The tables of all runs of a world by name: those of a run, with the column `run` in each. */
export type WorldTablesOf<S extends Shape> = {
  [T in keyof RunTablesOf<S>]: RunTablesOf<S>[T] & { run: string };
};

/** The tables of a run, as a database of kysely. */
export type RunTables<S extends Shape> = Kysely<RunTablesOf<S>>;
/** The tables of all runs of a world, as a database of kysely. */
export type WorldTables<S extends Shape> = Kysely<WorldTablesOf<S>>;
