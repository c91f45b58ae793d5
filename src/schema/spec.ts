/**
 * What a declaration is at run time: plain data, the same for tables, events, inputs, facts and config.
 *
 * Owns the shapes that builders make and the compiler of layouts reads. Holds no types of user values:
 * inference lives beside it and erases to this.
 */

/** The scalar types with a fixed width, as stored. `int` is a whole number within ±2^53, stored as f64. */
export type NumberType = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'u64' | 'i64' | 'int' | 'f32' | 'f64';

/** The type of a column, without what surrounds it. */
export type ColumnType =
  | { readonly type: Exclude<NumberType, 'f32' | 'f64'> | 'bool' | 'text' | 'bytes' | 'id' }
  | {
      readonly type: 'f32' | 'f64' /** Whether NaN may be stored, as the one canonical NaN. */;
      readonly nan: boolean;
    }
  | { readonly type: 'json'; readonly check?: (value: unknown) => unknown }
  | { readonly type: 'enum'; readonly names: readonly string[] }
  | { readonly type: 'vec'; readonly size: number; readonly of: 'f32' | 'f64' | 'i32' }
  | { readonly type: 'struct'; readonly fields: ColumnSpecs }
  | { readonly type: 'list'; readonly of: ColumnSpec }
  | { readonly type: 'ref' | 'newId'; readonly table: string };

/** A declared column. `fallback` is the declared default; an optional column without one defaults to null. */
export interface ColumnSpec {
  readonly type: ColumnType;
  readonly key: boolean;
  readonly optional: boolean;
  readonly fallback?: { readonly value: unknown };
}

/** Columns by name. */
export type ColumnSpecs = { readonly [name: string]: ColumnSpec };

/** A declared table; a singleton is a table of one row without a key. */
export interface TableSpec {
  readonly columns: ColumnSpecs;
  readonly key: readonly string[];
  readonly index: readonly string[];
  readonly single: boolean;
}

/** A declared event, fact or input. */
export interface KindSpec {
  readonly columns: ColumnSpecs;
  readonly fact: boolean;
  /** The column that says which agent an event is about. Nothing that is folded depends on it. */
  readonly agent?: string;
}

/** A whole declaration. */
export interface SchemaSpec {
  readonly name: string;
  readonly version: number;
  /** What a tick stands for: `1 day`, `1/30 s`, `1 turn`. */
  readonly tick: string;
  readonly config: ColumnSpecs;
  readonly tables: { readonly [table: string]: TableSpec };
  readonly events: { readonly [kind: string]: KindSpec };
  readonly inputs: { readonly [kind: string]: KindSpec };
}
