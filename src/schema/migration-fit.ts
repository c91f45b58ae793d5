/**
 * Which changes of a column need no function, and what a new column begins with.
 *
 * One rule: every value that the old column can hold fits the new one and reads the same. A change that is
 * lossless but reads another way (a number that becomes a big integer, names of an enum in another order)
 * is for the user to say.
 */
import { canonicalJson } from '../base/canonical.ts';
import { type ColumnLayout, meaningOf, type NumberValue, type ValueType } from './layout.ts';

/** New names of old tables, by old name; tables that are gone are not in it. */
export type TableNames = ReadonlyMap<string, string>;

/** The whole numbers that single precision holds without gaps. */
const EXACT_F32 = 2 ** 24;

function numberFits(from: NumberValue, to: NumberValue): boolean {
  if (from.nan && !to.nan) return false;
  if (to.whole) return from.whole && from.min >= to.min && from.max <= to.max;
  if (to.array === 'f64' || from.array === 'f32') return true;
  return from.whole && from.min >= -EXACT_F32 && from.max <= EXACT_F32;
}

function valueFits(from: ValueType, to: ValueType, tables: TableNames): boolean {
  if (from.kind === 'number') return to.kind === 'number' && numberFits(from, to);
  if (from.kind === 'big') return to.kind === 'big' && from.array === to.array;
  if (from.kind === 'enum')
    return to.kind === 'enum' && from.names.every((name, code) => name === to.names[code]);
  if (from.kind === 'vec')
    return to.kind === 'vec' && from.size === to.size && (from.array === to.array || to.array === 'f64');
  if (from.kind === 'list') return to.kind === 'list' && fits(from.of, to.of, tables);
  if (from.kind === 'struct')
    return (
      to.kind === 'struct' &&
      from.fields.length === to.fields.length &&
      from.fields.every((field, i) => {
        const other = to.fields[i]!;
        return field.name === other.name && fits(field, other, tables);
      })
    );
  return from.kind === to.kind;
}

/** References must go on to name the same table; ids and new ids are what they were. */
function roleFits(from: ColumnLayout, to: ColumnLayout, tables: TableNames): boolean {
  if (from.role !== to.role) return false;
  return from.table === null || tables.get(from.table) === to.table;
}

/** Whether every value of a column fits another one and reads the same there. Names are not looked at. */
export function fits(from: ColumnLayout, to: ColumnLayout, tables: TableNames): boolean {
  return (
    (to.optional || !from.optional) && roleFits(from, to, tables) && valueFits(from.value, to.value, tables)
  );
}

/** Whether two columns store the same bytes for the same values. Names are not looked at. */
export function sameBytes(from: ColumnLayout, to: ColumnLayout): boolean {
  const { name } = to;
  return canonicalJson(meaningOf({ ...from, name })) === canonicalJson(meaningOf(to));
}

/**
 * What a column without a default holds in rows from before it: 0, false, '', the first name of an enum, no
 * bytes, an empty list, zeros in every field; null where it is optional. Undefined where nothing fits: an id,
 * a reference, JSON.
 */
export function zeroOf(column: ColumnLayout): unknown {
  if (column.optional) return null;
  if (column.role !== null) return undefined;
  const { value } = column;
  switch (value.kind) {
    case 'number':
      return 0;
    case 'big':
      return 0n;
    case 'bool':
      return false;
    case 'enum':
      return value.names[0];
    case 'vec':
      return new Array(value.size).fill(0);
    case 'text':
      return '';
    case 'bytes':
      return new Uint8Array(0);
    case 'list':
      return [];
    case 'json':
      return undefined;
    case 'struct': {
      const fields = value.fields.map((field) => [field.name, zeroOf(field)] as const);
      return fields.some(([, zero]) => zero === undefined) ? undefined : Object.fromEntries(fields);
    }
  }
}

/** What a column holds in rows from before it: its default, or its zero. Undefined where it has neither. */
export const beginning = (column: ColumnLayout): unknown =>
  column.fallback === null ? zeroOf(column) : column.fallback.value;
