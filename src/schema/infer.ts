/**
 * What a declaration means to the type checker: rows, keys, events, and what may be left out when writing
 * them.
 *
 * Owns the inference from columns to values. References resolve to the key type of the table they name, which
 * is why everything here takes the whole schema's shape. Views of columns are in `views.ts`.
 */
import type {
  AnyColumn,
  Columns,
  Fields,
  Id,
  info,
  ListOf,
  NewIn,
  OwnId,
  RefTo,
  Special,
  StructOf,
} from './columns.ts';
import type { EventDef, form, TableDef } from './tables.ts';

/** Everything a schema declares, as a type. `InferShape<typeof schema>` gives it. */
export interface Shape {
  readonly config: Columns;
  readonly tables: { readonly [table: string]: TableDef };
  readonly events: { readonly [kind: string]: EventDef };
  readonly inputs: { readonly [kind: string]: EventDef };
}

/** How a column is stored. */
export type RawOf<C extends AnyColumn> = C[typeof info]['raw'];
/** The columns of a table. */
export type ColumnsOf<S extends Shape, T> = T extends keyof S['tables'] ? S['tables'][T]['columns'] : never;
/** The names of the key columns of a table. */
export type KeyNames<S extends Shape, T> = T extends keyof S['tables']
  ? S['tables'][T][typeof form]['key']
  : never;
/** Whether a table is a singleton. */
export type IsSingle<S extends Shape, T extends keyof S['tables']> = S['tables'][T][typeof form]['single'];
type IsUnion<U, One = U> = U extends unknown ? ([One] extends [U] ? false : true) : never;
/** The name of the key column where there is exactly one. */
export type SingleKey<K extends string> = [K] extends [never] ? never : IsUnion<K> extends true ? never : K;
/** Whether the framework hands out the keys of a table. */
export type HasOwnId<S extends Shape, T extends keyof S['tables'] & string> = [KeyNames<S, T>] extends [never]
  ? false
  : RawOf<ColumnsOf<S, T>[KeyNames<S, T>]> extends OwnId
    ? true
    : false;

/** A value of a column, null apart. `Own` names the table that the column stands in. */
export type PlainValue<S extends Shape, C extends AnyColumn, Own extends string> =
  RawOf<C> extends Special ? SpecialValue<S, RawOf<C>, Own> : C[typeof info]['value'];
type SpecialValue<S extends Shape, R extends Special, Own extends string> =
  R extends RefTo<infer T>
    ? KeyOf<S, T>
    : R extends NewIn<infer T>
      ? KeyOf<S, T>
      : R extends StructOf<infer F>
        ? { readonly [P in keyof F]: PlainValue<S, F[P], Own> }
        : R extends ListOf<infer E>
          ? readonly PlainValue<S, E, Own>[]
          : Id<Own>;
/** A value of a column, as rows and events have it. */
export type ValueOf<
  S extends Shape,
  C extends AnyColumn,
  Own extends string,
> = C[typeof info]['presence'] extends 'optional' ? PlainValue<S, C, Own> | null : PlainValue<S, C, Own>;

/**
 * The key of a table: an `Id` where the key is a number, the value of the key column where it is something
 * else, an object of the key columns where there are several.
 */
export type KeyOf<S extends Shape, T extends string> = T extends keyof S['tables']
  ? KeyFrom<S, T, S['tables'][T]['columns'], S['tables'][T][typeof form]['key']>
  : never;
type KeyFrom<S extends Shape, T extends string, C extends Columns, K extends string> = [K] extends [never]
  ? never
  : IsUnion<K> extends true
    ? { readonly [P in K]: ValueOf<S, C[P], T> }
    : RawOf<C[K]> extends Special
      ? ValueOf<S, C[K], T>
      : [C[K][typeof info]['value']] extends [number]
        ? Id<T>
        : C[K][typeof info]['value'];

/** A row of a table. */
export type Row<S extends Shape, T extends keyof S['tables'] & string> = {
  readonly [F in keyof S['tables'][T]['columns']]: F extends SingleKey<KeyNames<S, T>>
    ? KeyOf<S, T>
    : ValueOf<S, S['tables'][T]['columns'][F], T>;
};
/** What `update` may change in a row: anything but its key. */
export type Patch<S extends Shape, T extends keyof S['tables'] & string> = {
  readonly [F in Exclude<keyof S['tables'][T]['columns'], KeyNames<S, T>>]?: ValueOf<
    S,
    S['tables'][T]['columns'][F],
    T
  >;
};
/**
 * Values that rows are compared with: those of `where` and `count`. A struct is compared by the fields that
 * are given.
 */
export type Match<S extends Shape, T extends keyof S['tables'] & string> = {
  readonly [F in keyof S['tables'][T]['columns']]?: RawOf<S['tables'][T]['columns'][F]> extends StructOf<
    infer P
  >
    ? MatchFields<S, P, T> | Extract<Row<S, T>[F], null>
    : Row<S, T>[F];
};
type MatchFields<S extends Shape, C extends Columns, Own extends string> = {
  readonly [F in keyof C]?: RawOf<C[F]> extends StructOf<infer P>
    ? MatchFields<S, P, Own>
    : PlainValue<S, C[F], Own>;
};

/** The columns that may be left out when a row is written. */
export type MayOmit<C extends Columns> = {
  [F in keyof C]: C[F][typeof info]['presence'] extends 'required' ? never : F;
}[keyof C];
/** Whether every column may be left out. */
export type AllOmittable<C extends Columns> = [Exclude<keyof C, MayOmit<C>>] extends [never] ? true : false;
/** Values to write: columns with a default, optional ones and those handed out may be left out. */
export type NewFrom<S extends Shape, C extends Columns, Own extends string, K extends string = never> = {
  readonly [F in Exclude<keyof C, MayOmit<C>>]: F extends K ? KeyOf<S, Own> : ValueOf<S, C[F], Own>;
} & {
  readonly [F in MayOmit<C>]?: (F extends K ? KeyOf<S, Own> : ValueOf<S, C[F], Own>) | undefined;
};
/** A row to insert. */
export type NewRow<S extends Shape, T extends keyof S['tables'] & string> = NewFrom<
  S,
  S['tables'][T]['columns'],
  T,
  SingleKey<KeyNames<S, T>>
>;

/** Every kind: events and inputs. */
export type Kinds<S extends Shape> = (keyof S['events'] & string) | (keyof S['inputs'] & string);
/** The columns of a kind. */
export type KindColumns<S extends Shape, K> = K extends keyof S['events']
  ? S['events'][K]['columns']
  : K extends keyof S['inputs']
    ? S['inputs'][K]['columns']
    : never;
/** The kinds that change no table. */
export type FactKinds<S extends Shape> =
  | ({
      [K in keyof S['events']]: S['events'][K][typeof form]['fact'] extends true ? K : never;
    }[keyof S['events']] &
      string)
  | ({
      [K in keyof S['inputs']]: S['inputs'][K][typeof form]['fact'] extends true ? K : never;
    }[keyof S['inputs']] &
      string);
/** The kinds that need a handler. */
export type MustApply<S extends Shape> = Exclude<Kinds<S>, FactKinds<S>>;
/** An event or input, as it is read. */
export type EventRow<S extends Shape, K extends string> = {
  readonly [F in keyof KindColumns<S, K>]: ValueOf<S, KindColumns<S, K>[F], ''>;
};
/** An event or input to emit or submit. */
export type NewEvent<S extends Shape, K extends string> = NewFrom<S, KindColumns<S, K>, ''>;
type CreatedNames<C extends Columns> = {
  [F in keyof C]: RawOf<C[F]> extends NewIn<string> ? F : never;
}[keyof C];
/**
 * What emitting returns: nothing, the one id that the event hands out, or an object where it hands out
 * several.
 */
export type Created<S extends Shape, C extends Columns> = CreatedFrom<S, C, CreatedNames<C>>;
type CreatedFrom<S extends Shape, C extends Columns, F extends keyof C> = [F] extends [never]
  ? undefined
  : IsUnion<F> extends true
    ? { readonly [P in F]: PlainValue<S, C[P], ''> }
    : PlainValue<S, C[F], ''>;

/** The configuration of a run, as it is read. */
export type Config<S extends Shape> = {
  readonly [F in keyof S['config']]: ValueOf<S, S['config'][F], ''>;
};
/** The configuration given to a new run: what has a default may be left out. */
export type NewConfig<S extends Shape> = NewFrom<S, S['config'], ''>;

/** Columns of several rows, given at once. Number-like ones may be typed arrays as they are stored. */
export type Many<S extends Shape, C extends Columns, Own extends string, K extends string = never> = {
  readonly [F in Exclude<keyof C, MayOmit<C>>]: F extends K ? ArrayLike<KeyOf<S, Own>> : Cells<S, C[F], Own>;
} & {
  readonly [F in MayOmit<C>]?: F extends K ? ArrayLike<KeyOf<S, Own>> : Cells<S, C[F], Own>;
};
type Cells<S extends Shape, C extends AnyColumn, Own extends string> =
  RawOf<C> extends StructOf<infer F>
    ? StructCells<S, F, Own>
    : RawOf<C> extends Special
      ? ArrayLike<ValueOf<S, C, Own>>
      : C extends {
            readonly [info]: { readonly value: readonly number[]; readonly raw: { readonly vec: true } };
          }
        ? ArrayLike<ValueOf<S, C, Own>> | ArrayLike<number>
        : RawOf<C> extends number
          ? ArrayLike<ValueOf<S, C, Own>> | ArrayLike<RawOf<C>>
          : ArrayLike<ValueOf<S, C, Own>>;
type StructCells<S extends Shape, F extends Fields, Own extends string> = {
  readonly [P in keyof F]: Cells<S, F[P], Own>;
};
