/**
 * Layouts: what a declared column is once references are resolved and ranges are known.
 *
 * A layout is what storage, codec, validation and hashing read. Columns stand in order of their names,
 * because the order of declaration means nothing. Holds no storage.
 */
import { canonicalJson, show } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import { byCodeUnits, textFlaw } from '../base/text.ts';
import { literal, unliteral } from './canonical-text.ts';
import type { ColumnSpec, ColumnSpecs, ColumnType, NumberType, SchemaSpec } from './spec.ts';

/** The typed array that stores a value. */
export type ArrayType = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'u64' | 'i64' | 'f32' | 'f64';

/** A column's values once resolved. */
export type ValueType =
  | NumberValue
  | { readonly kind: 'big'; readonly array: 'u64' | 'i64' }
  | { readonly kind: 'bool'; readonly array: 'u8' }
  | { readonly kind: 'enum'; readonly array: 'u8' | 'u16'; readonly names: readonly string[] }
  | { readonly kind: 'vec'; readonly array: 'f32' | 'f64' | 'i32'; readonly size: number }
  | { readonly kind: 'text' }
  | { readonly kind: 'bytes' }
  | { readonly kind: 'json'; readonly check: ((value: unknown) => unknown) | null }
  | { readonly kind: 'list'; readonly of: ColumnLayout }
  | { readonly kind: 'struct'; readonly fields: readonly ColumnLayout[] };

/** A number: whole numbers within a range, or floats. */
export interface NumberValue {
  readonly kind: 'number';
  readonly array: ArrayType;
  readonly whole: boolean;
  readonly min: number;
  readonly max: number;
  /** Whether NaN may be stored; it is then stored as one bit pattern. */
  readonly nan: boolean;
}

/** A resolved column. `path` names it from its table or kind on: `pos.x`. */
export interface ColumnLayout {
  readonly name: string;
  readonly path: string;
  readonly value: ValueType;
  readonly key: boolean;
  readonly optional: boolean;
  readonly fallback: { readonly value: unknown } | null;
  /** How the column takes part in ids: the table's own id, a reference, or a row that the event creates. */
  readonly role: 'id' | 'ref' | 'newId' | null;
  /** The table that `role` speaks of. */
  readonly table: string | null;
}

const RANGES: { readonly [type in NumberType]: readonly [ArrayType, boolean, number, number] } = {
  u8: ['u8', true, 0, 255],
  i8: ['i8', true, -128, 127],
  u16: ['u16', true, 0, 65535],
  i16: ['i16', true, -32768, 32767],
  u32: ['u32', true, 0, 4294967295],
  i32: ['i32', true, -2147483648, 2147483647],
  int: ['f64', true, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  f32: ['f32', false, -Infinity, Infinity],
  f64: ['f64', false, -Infinity, Infinity],
  u64: ['u64', true, 0, 2 ** 64],
  i64: ['i64', true, -(2 ** 63), 2 ** 63],
};

const ID_VALUE: NumberValue = {
  kind: 'number',
  array: 'u32',
  whole: true,
  min: 1,
  max: 4294967295,
  nan: false,
};

const bad = (message: string, facts: Record<string, unknown>, hint?: string): never =>
  fail('BAD_SCHEMA', message, facts, hint);

/** Names that every object has: a row that leaves such a column out would seem to hold it. */
const INHERITED = new Set(Object.getOwnPropertyNames(Object.prototype));

/** Names are identifiers: they become properties, SQL names and file names. `what` heads the message. */
export function checkName(name: string, what: string): void {
  if (typeof name !== 'string' || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    bad(
      `${what} ${show(name)} is no name`,
      { name },
      'Names begin with a letter and hold letters, digits and _.',
    );
  if (INHERITED.has(name))
    bad(`${what} '${name}' has a name that every JavaScript object has`, { name }, 'Choose another name.');
}

function keyValue(spec: SchemaSpec, table: string, where: string, seen: readonly string[]): ValueType {
  const target = Object.hasOwn(spec.tables, table) ? spec.tables[table]! : undefined;
  if (target === undefined)
    return bad(`${where} refers to a table '${table}' that is not declared`, { where, table });
  if (seen.includes(table)) return bad(`the key of '${table}' refers to itself`, { table });
  if (target.single || target.key.length !== 1)
    return bad(
      `${where} refers to '${table}', which has no key of one column`,
      { where, table },
      'Refer to the columns of a composite key one by one.',
    );
  const key = target.columns[target.key[0]!];
  if (key === undefined)
    return bad(`the key of '${table}' names a column '${target.key[0]}' that it does not have`, { table });
  return resolve(spec, key.type, `${table}.${target.key[0]!}`, [...seen, table]);
}

function enumValue(names: readonly string[], where: string): ValueType {
  if (names.length === 0 || names.length > 65536 || new Set(names).size !== names.length)
    bad(`the names of enum ${where} must be 1 to 65536 different ones`, { where, names: names.length });
  for (const name of names)
    if (typeof name !== 'string' || textFlaw(name) !== null)
      bad(`enum ${where} has a name that cannot be stored`, { where });
  return { kind: 'enum', array: names.length <= 256 ? 'u8' : 'u16', names };
}

function resolve(spec: SchemaSpec, type: ColumnType, where: string, seen: readonly string[]): ValueType {
  switch (type.type) {
    case 'id':
      return ID_VALUE;
    case 'ref':
    case 'newId':
      return keyValue(spec, type.table, where, seen);
    case 'bool':
      return { kind: 'bool', array: 'u8' };
    case 'enum':
      return enumValue(type.names, where);
    case 'text':
    case 'bytes':
      return { kind: type.type };
    case 'json':
      return { kind: 'json', check: type.check ?? null };
    case 'vec':
      if (!Number.isInteger(type.size) || type.size < 1 || type.size > 1024)
        bad(`the size of vec ${where} must be a whole number from 1 to 1024`, { where, size: type.size });
      return { kind: 'vec', array: type.of, size: type.size };
    case 'struct':
      return { kind: 'struct', fields: layoutColumns(spec, type.fields, where) };
    case 'list':
      return { kind: 'list', of: layoutColumn(spec, 'item', type.of, where) };
    case 'u64':
    case 'i64':
      return { kind: 'big', array: type.type };
    default: {
      const [array, whole, min, max] = RANGES[type.type];
      return { kind: 'number', array, whole, min, max, nan: 'nan' in type && type.nan === true };
    }
  }
}

function roleOf(type: ColumnType): { role: ColumnLayout['role']; table: string | null } {
  if (type.type === 'ref' || type.type === 'newId') return { role: type.type, table: type.table };
  return { role: type.type === 'id' ? 'id' : null, table: null };
}

function layoutColumn(spec: SchemaSpec, name: string, column: ColumnSpec, parent: string): ColumnLayout {
  const where = parent === '' ? name : `${parent}.${name}`;
  const value = resolve(spec, column.type, where, []);
  const bare: ColumnLayout = {
    name,
    path: where.slice(where.indexOf('.') + 1),
    value,
    key: column.key,
    optional: column.optional,
    fallback: null,
    ...roleOf(column.type),
  };
  if (column.fallback === undefined) return bare;
  const flaw = flawOf(bare, column.fallback.value);
  if (flaw !== null) bad(`the default of ${where} does not fit: ${flaw}`, { where });
  // A copy: whoever holds the declared object may change it, and the fingerprint would no longer tell the
  // truth.
  return { ...bare, fallback: { value: unliteral(literal(column.fallback.value)) } };
}

/** Lays columns out in order of their names. `owner` heads the paths in errors. */
export function layoutColumns(
  spec: SchemaSpec,
  columns: ColumnSpecs,
  owner: string,
): readonly ColumnLayout[] {
  return Object.keys(columns)
    .sort(byCodeUnits)
    .map((name) => {
      checkName(name, `a column of '${owner}',`);
      return layoutColumn(spec, name, columns[name]!, owner);
    });
}

function numberFlaw(type: NumberValue, value: unknown): string | null {
  if (typeof value !== 'number') return `${show(value)} is no number`;
  if (Number.isNaN(value))
    return type.nan ? null : 'NaN is refused (declare the column with { nan: true } to allow it)';
  if (type.whole && !Number.isInteger(value)) return `${value} is no whole number`;
  if (type.whole && (value < type.min || value > type.max))
    return `${value} is outside ${type.min} to ${type.max}`;
  if (type.array === 'f32' && Number.isFinite(value) && !Number.isFinite(Math.fround(value)))
    return `${value} is too large for f32`;
  return null;
}

function bigFlaw(array: 'u64' | 'i64', value: unknown): string | null {
  if (typeof value !== 'bigint') return `${show(value)} is no bigint`;
  const fits = array === 'u64' ? BigInt.asUintN(64, value) === value : BigInt.asIntN(64, value) === value;
  return fits ? null : `${value}n does not fit ${array}`;
}

function vecFlaw(type: Extract<ValueType, { kind: 'vec' }>, value: unknown): string | null {
  const list = value as ArrayLike<unknown> | null;
  if (typeof list !== 'object' || list === null || list.length !== type.size)
    return `${show(value)} is no list of ${type.size} numbers`;
  const [, whole, min, max] = RANGES[type.array];
  for (let i = 0; i < type.size; i++) {
    const flaw = numberFlaw({ kind: 'number', array: type.array, whole, min, max, nan: false }, list[i]);
    if (flaw !== null) return `[${i}]: ${flaw}`;
  }
  return null;
}

function jsonFlaw(value: unknown): string | null {
  try {
    canonicalJson(value);
    return null;
  } catch (e) {
    return (e as Error).message;
  }
}

function structFlaw(fields: readonly ColumnLayout[], value: unknown): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return `${show(value)} is no object`;
  return rowFlaw(fields, value)?.text ?? null;
}

function valueFlaw(type: ValueType, value: unknown): string | null {
  switch (type.kind) {
    case 'number':
      return numberFlaw(type, value);
    case 'big':
      return bigFlaw(type.array, value);
    case 'bool':
      return typeof value === 'boolean' ? null : `${show(value)} is no boolean`;
    case 'enum':
      if (type.names.includes(value as string)) return null;
      return `${show(value)} is none of ${type.names.slice(0, 12).map(show).join(', ')}`;
    case 'vec':
      return vecFlaw(type, value);
    case 'text':
      return typeof value === 'string' ? textFlaw(value) : `${show(value)} is no text`;
    case 'bytes':
      return value instanceof Uint8Array ? null : `${show(value)} is no Uint8Array`;
    case 'json':
      return jsonFlaw(value);
    case 'struct':
      return structFlaw(type.fields, value);
    case 'list': {
      if (!Array.isArray(value)) return `${show(value)} is no array`;
      for (let i = 0; i < value.length; i++) {
        const flaw = flawOf(type.of, value[i]);
        if (flaw !== null) return `[${i}]: ${flaw}`;
      }
      return null;
    }
  }
}

/** Why a value does not fit a column, as the end of a sentence, or null when it fits. */
export function flawOf(column: ColumnLayout, value: unknown): string | null {
  if (value === undefined) return 'it is missing';
  if (value === null) return column.optional ? null : 'null is refused (the column is not optional)';
  return valueFlaw(column.value, value);
}

/** Whether a row may leave the column out. */
export const mayOmit = (column: ColumnLayout): boolean =>
  column.optional || column.fallback !== null || column.role === 'id' || column.role === 'newId';

/** The first thing wrong with a row: unknown fields, missing ones, values that do not fit. */
export function rowFlaw(
  columns: readonly ColumnLayout[],
  row: object,
): { readonly column: string; readonly text: string } | null {
  for (const name of Object.keys(row))
    if (!columns.some((column) => column.name === name))
      return {
        column: name,
        text: `'${name}' is no column (there are: ${columns.map((c) => c.name).join(', ')})`,
      };
  for (const column of columns) {
    const value = (row as Record<string, unknown>)[column.name];
    if (value === undefined && mayOmit(column)) continue;
    const flaw = flawOf(column, value);
    if (flaw !== null) return { column: column.path, text: `${column.name}: ${flaw}` };
  }
  return null;
}

/**
 * What a column's stored bytes mean, as plain data: type, names of codes, fields. Defaults, keys and indexes
 * are left out, because they say nothing about bytes. State hashes are taken over it.
 */
export function meaningOf({ name, optional, value }: ColumnLayout): unknown {
  const type: { [part: string]: unknown } = { kind: value.kind };
  if ('array' in value) type.array = value.array;
  if (value.kind === 'number') type.whole = value.whole;
  if (value.kind === 'enum') type.names = value.names;
  if (value.kind === 'vec') type.size = value.size;
  if (value.kind === 'list') type.of = meaningOf(value.of);
  if (value.kind === 'struct') type.fields = value.fields.map(meaningOf);
  return { name, optional, type };
}
