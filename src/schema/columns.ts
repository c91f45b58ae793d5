/**
 * The column builders: `t.u32()`, `t.enum('well', 'ill')`, `t.ref('people').optional()`.
 *
 * Owns the objects a declaration is written with, and the type each carries for inference. A builder is
 * immutable: every method returns another one, so that a column may be declared once and used in many tables.
 * What columns mean together (keys, references, defaults that fit) is checked where a whole schema is
 * compiled, not here.
 */
import { checkNames } from '../base/arguments.ts';
import { fail } from '../base/errors.ts';
import type { ColumnSpec, ColumnSpecs, ColumnType } from './spec.ts';

/**
 * Carries what is inferred from a column. It exists in types only; exported so that declarations can name it.
 */
export declare const info: unique symbol;
/**
 * Tells apart numbers that mean different things. It exists in types only; exported so that declarations can
 * name it.
 */
export declare const flavor: unique symbol;

/**
 * The number of a row of table `T`. A plain number may be given, but ids of two tables never mix. Ids begin
 * at 1.
 */
export type Id<T extends string> = number & { readonly [flavor]?: ['id', T] };
/** The code of an enum: the place of a name in its list of names. Codes of two enums never mix. */
export type Code<N extends readonly string[]> = number & { readonly [flavor]?: ['code', N] };

/** A bigint without a sign. It is a type of its own because SQL stores it in another way than an `i64`. */
export type U64 = bigint & { readonly [flavor]?: ['u64'] };

/** Whether a row may be written without the column: `default` fills in a value, `optional` fills in null. */
export type Presence = 'required' | 'default' | 'optional';

/**
 * What a column is stored as, where that is neither a number nor a bigint: a value a row (text, json, bytes).
 */
export interface AsCell {
  readonly cell: true;
}
/** Stored as `n` numbers a row, one row after another. */
export interface AsVec {
  readonly vec: true;
}
/** A column whose type is known only within its schema. */
export interface Special {
  readonly special: 'id' | 'ref' | 'newId' | 'struct' | 'list';
}
/** The framework hands out the key. */
export interface OwnId extends Special {
  readonly special: 'id';
}
/** The key of a row of another table. */
export interface RefTo<T extends string> extends Special {
  readonly special: 'ref';
  readonly table: T;
}
/** The key of a row that the event creates. */
export interface NewIn<T extends string> extends Special {
  readonly special: 'newId';
  readonly table: T;
}
/** Flattened: one stored column a field. */
export interface StructOf<C extends Fields> extends Special {
  readonly special: 'struct';
  readonly fields: C;
}
/** A short list inside the row. */
export interface ListOf<C extends AnyColumn> extends Special {
  readonly special: 'list';
  readonly of: C;
}

/** Any column: what the other modules ask of one. */
export interface AnyColumn {
  readonly [info]: ColumnInfo;
  /** The column as data. */
  readonly spec: ColumnSpec;
}
/**
 * What is inferred from a column: its value, how it is stored, whether it may be left out, whether it is a
 * key.
 */
export interface ColumnInfo {
  readonly value: unknown;
  readonly raw: unknown;
  readonly presence: Presence;
  readonly key: boolean;
}
/** Columns by name. */
export type Columns = { readonly [name: string]: AnyColumn };
/** A column that may stand inside a struct or list: no key, no default, not optional. */
export interface Field extends AnyColumn {
  readonly [info]: {
    readonly value: unknown;
    readonly raw: unknown;
    readonly presence: 'required';
    readonly key: false;
  };
}
/** The columns of a struct. */
export type Fields = { readonly [name: string]: Field };

/** A column whose key and presence are settled. */
export interface Settled<V, R, P extends Presence, K extends boolean> extends AnyColumn {
  readonly [info]: { readonly value: V; readonly raw: R; readonly presence: P; readonly key: K };
}

/**
 * A column of values `V` stored as `R`.
 *
 * @example
 * ```ts
 * table({ code: t.text().key(), runways: t.u8().default(1), closedOn: t.u32().optional() })
 * ```
 */
export interface Column<V, R = V, P extends 'required' | 'default' = 'required'>
  extends Settled<V, R, P, false> {
  /** Makes the column a key of its table; several of them make a composite key. */
  key(): Settled<V, R, P, true>;
  /** The value of rows that are written without this column. */
  default(value: V): Column<V, R, 'default'>;
  /** Lets the column be null, which is also what rows get that are written without it. */
  optional(): OptionalColumn<V, R>;
}
/** A column that may be null. */
export interface OptionalColumn<V, R> extends Settled<V, R, 'optional', false> {
  /** The value, instead of null, of rows that are written without this column. */
  default(value: V): OptionalColumn<V, R>;
}

/** What `.default(…)` takes on a reference: the key of a row, in the form that its table's keys have. */
export type KeyValue<T extends string> = Id<T> | string | bigint;

/** The value of a struct, as far as it is known without the schema. */
export type StructValue<C extends Fields> = { readonly [F in keyof C]: C[F][typeof info]['value'] };

/** How floats treat NaN: refused, or with `nan: true` stored as the one canonical NaN. */
export interface FloatOptions {
  readonly nan?: boolean;
}

/** The one class behind every builder; the interfaces above say what it holds. */
class Builder {
  readonly spec: ColumnSpec;
  constructor(spec: ColumnSpec) {
    this.spec = Object.freeze(spec);
    Object.freeze(this);
  }
  key(): Builder {
    return this.#with('key', { key: true });
  }
  default(value: unknown): Builder {
    if (value === undefined)
      fail('BAD_SCHEMA', `.default() on a column of type ${this.spec.type.type} was given no value`);
    return this.#with('default', { fallback: Object.freeze({ value }) });
  }
  optional(): Builder {
    return this.#with('optional', { optional: true });
  }
  #with(method: string, change: Partial<ColumnSpec>): Builder {
    const { type } = this.spec.type;
    if (type === 'id' || type === 'newId')
      fail('BAD_SCHEMA', `t.${type}() takes no .${method}(): the framework hands its values out`, { type });
    return new Builder({ ...this.spec, ...change });
  }
}

const column = (type: ColumnType, key = false): any =>
  new Builder({ type: Object.freeze(type), key, optional: false });

/** The spec of a value that must be a column. Raises `BAD_SCHEMA` with the place where it stands. */
export function specOf(value: unknown, where: string): ColumnSpec {
  if (value instanceof Builder) return value.spec;
  return fail('BAD_SCHEMA', `${where} is no column`, { where }, 'Write it with t: t.u32(), t.text(), …');
}

/** The specs of an object of columns. Raises `BAD_SCHEMA` with the place of what is no column. */
export function specsOf(columns: unknown, where: string): ColumnSpecs {
  if (typeof columns !== 'object' || columns === null || Array.isArray(columns))
    fail('BAD_SCHEMA', `${where} must be an object of columns`, { where });
  const specs = Object.entries(columns).map(([name, value]) => [name, specOf(value, `${where}.${name}`)]);
  return Object.freeze(Object.fromEntries(specs));
}

function fieldOf(value: unknown, where: string): ColumnSpec {
  const spec = specOf(value, where);
  const { type } = spec.type;
  if (type === 'id' || type === 'newId')
    fail('BAD_SCHEMA', `${where}: t.${type}() can't stand inside a struct or list`, { where, type });
  if (spec.key || spec.optional || spec.fallback)
    fail(
      'BAD_SCHEMA',
      `${where}: a column inside a struct or list takes no .key(), .default() or .optional()`,
      { where },
      'Give the default to the struct or list as a whole, or make the field a column of its own.',
    );
  return spec;
}

function structFields(columns: unknown): ColumnSpecs {
  const fields = specsOf(columns, 't.struct');
  const names = Object.keys(fields);
  if (names.length === 0) fail('BAD_SCHEMA', 't.struct needs at least one field');
  for (const name of names) fieldOf((columns as Columns)[name], `t.struct.${name}`);
  return fields;
}

function enumNames(names: readonly unknown[]): readonly string[] {
  if (names.length === 0) fail('BAD_SCHEMA', 't.enum needs at least one name');
  for (const name of names)
    if (typeof name !== 'string' || name === '')
      fail('BAD_SCHEMA', 'the names of t.enum are texts that are not empty', { name });
  if (new Set(names).size !== names.length)
    fail('BAD_SCHEMA', 't.enum names one thing twice', { names: names.join(', ') });
  return Object.freeze([...names]) as readonly string[];
}

function floatType(type: 'f32' | 'f64', options: unknown): ColumnType {
  checkNames(`the options of t.${type}`, options, ['nan'], 'BAD_SCHEMA');
  const { nan = false } = options as { readonly nan?: unknown };
  if (typeof nan !== 'boolean')
    fail('BAD_SCHEMA', `nan of t.${type} is true or false`, { nan }, `Write t.${type}({ nan: true }).`);
  return { type, nan };
}

function vecType(size: number, of: 'f32' | 'f64' | 'i32'): ColumnType {
  if (!Number.isSafeInteger(size) || size < 1)
    fail('BAD_SCHEMA', 't.vec needs a whole number of at least 1', { size });
  if (of !== 'f32' && of !== 'f64' && of !== 'i32')
    fail('BAD_SCHEMA', "t.vec holds 'f32', 'f64' or 'i32'", { of });
  return { type: 'vec', size, of };
}

function tableName(table: unknown, builder: 'ref' | 'newId'): string {
  if (typeof table === 'string' && table !== '') return table;
  return fail('BAD_SCHEMA', `t.${builder} needs the name of a table`, { table });
}

function checkOf(check: unknown): ColumnType {
  if (check === undefined) return { type: 'json' };
  if (typeof check !== 'function') fail('BAD_SCHEMA', 'what t.json is given must be a function');
  return { type: 'json', check: check as (value: unknown) => unknown };
}

/** The column builders, one for each column type. */
export const t = Object.freeze({
  /** Whole numbers from 0 to 255. */
  u8: (): Column<number> => column({ type: 'u8' }),
  /** Whole numbers from −128 to 127. */
  i8: (): Column<number> => column({ type: 'i8' }),
  /** Whole numbers from 0 to 65,535. */
  u16: (): Column<number> => column({ type: 'u16' }),
  /** Whole numbers from −32,768 to 32,767. */
  i16: (): Column<number> => column({ type: 'i16' }),
  /** Whole numbers from 0 to 2³² − 1. */
  u32: (): Column<number> => column({ type: 'u32' }),
  /** Whole numbers from −2³¹ to 2³¹ − 1. */
  i32: (): Column<number> => column({ type: 'i32' }),
  /** Bigints from 0 to 2⁶⁴ − 1. */
  u64: (): Column<bigint, U64> => column({ type: 'u64' }),
  /** Bigints from −2⁶³ to 2⁶³ − 1. */
  i64: (): Column<bigint> => column({ type: 'i64' }),
  /** Whole numbers within ±2⁵³, as JavaScript counts exactly. */
  int: (): Column<number> => column({ type: 'int' }),
  /** Single precision. NaN is refused unless `{ nan: true }`. */
  f32: (options: FloatOptions = {}): Column<number> => column(floatType('f32', options)),
  /** Double precision. NaN is refused unless `{ nan: true }`. */
  f64: (options: FloatOptions = {}): Column<number> => column(floatType('f64', options)),
  /** True or false; 1 or 0 in the raw column. */
  bool: (): Column<boolean, number> => column({ type: 'bool' }),
  /** Unicode text. */
  text: (): Column<string, AsCell> => column({ type: 'text' }),
  /** Any bytes. */
  bytes: (): Column<Uint8Array, AsCell> => column({ type: 'bytes' }),
  /** Anything JSON can say. `check` is called with what comes from outside, and returns it or throws. */
  json: <T>(check?: (value: unknown) => T): Column<T, AsCell> => column(checkOf(check)),
  /** One of the names, stored as its place among them. */
  enum: <const N extends readonly string[]>(...names: N): Column<N[number], Code<N>> =>
    column({ type: 'enum', names: enumNames(names) }),
  /** `size` numbers a row, stored one row after another. */
  vec: (size: number, of: 'f32' | 'f64' | 'i32' = 'f64'): Column<readonly number[], AsVec> =>
    column(vecType(size, of)),
  /** Several columns under one name: `columns.pos.x`. */
  struct: <const C extends Fields>(fields: C): Column<StructValue<C>, StructOf<C>> =>
    column({ type: 'struct', fields: structFields(fields) }),
  /** A short list inside the row. */
  list: <const C extends Field>(of: C): Column<readonly C[typeof info]['value'][], ListOf<C>> =>
    column({ type: 'list', of: fieldOf(of, 't.list') }),
  /** A key that the framework hands out: 1, 2, 3, … */
  id: (): Settled<number, OwnId, 'default', true> => column({ type: 'id' }, true),
  /** The key of a row of a table. */
  ref: <const T extends string>(table: T): Column<KeyValue<T>, RefTo<T>> =>
    column({ type: 'ref', table: tableName(table, 'ref') }),
  /** In events and inputs: the key of a row that the event creates. Emitting hands it out and returns it. */
  newId: <const T extends string>(table: T): Settled<number, NewIn<T>, 'default', false> =>
    column({ type: 'newId', table: tableName(table, 'newId') }),
});
