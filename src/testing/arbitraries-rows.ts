/**
 * Rows by dice, and values as text.
 *
 * Owns what the handlers and the systems of generic worlds draw: rows, patches and whole columns for any
 * layout.
 */
import type { KindLayout, TableLayout } from '../schema/compile.ts';
import { type ArrayType, type ColumnLayout, mayOmit } from '../schema/layout.ts';
import { type Dice, drawCell } from './arbitraries-values.ts';
import type { ReferenceRow } from './reference-world.ts';

/** A value as text: equal texts for values that no reader can tell apart, other texts for others. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : String(value);
  if (value instanceof Uint8Array) return `<${value.join()}>`;
  if (Array.isArray(value))
    return value.length > 99
      ? `[${value.length}:${digestOf(value.map(textOf).join())}]`
      : `[${value.map(textOf).join()}]`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, inner]) => `${name}:${textOf(inner)}`).join()}}`;
}

/** FNV-1a with 32 bits over UTF-16 code units. */
export function digestOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** A value as `write` takes it: the code of a name, 0 or 1 for a boolean. */
export function rawOf({ value }: ColumnLayout, given: unknown): unknown {
  if (value.kind === 'enum' && given !== null) return value.names.indexOf(given as string);
  return value.kind === 'bool' && given !== null ? Number(given) : given;
}

const isId = ({ role }: ColumnLayout): boolean => role === 'id' || role === 'newId';

/** Ids are named now and then, a few of them far away. */
function drawId(dice: Dice, from: number): number | undefined {
  if (dice.below(4) > 0) return undefined;
  return dice.below(30) === 0 ? 66_000 + dice.below(9000) : from + dice.below(24);
}

/**
 * A row that fits; what may be left out sometimes is. Ids are named from `idsFrom` on, or left to the
 * framework.
 */
export function drawRow(dice: Dice, columns: readonly ColumnLayout[], idsFrom: number): ReferenceRow {
  const row: ReferenceRow = {};
  for (const column of columns) {
    const value = isId(column) ? drawId(dice, idsFrom) : drawCell(dice, column);
    if (value !== undefined && (isId(column) || !mayOmit(column) || dice.below(3) > 0))
      row[column.name] = value;
  }
  return row;
}

const ARRAYS: { readonly [array in ArrayType]: { from(cells: readonly never[]): unknown } } = {
  u8: Uint8Array,
  i8: Int8Array,
  u16: Uint16Array,
  i16: Int16Array,
  u32: Uint32Array,
  i32: Int32Array,
  u64: BigUint64Array,
  i64: BigInt64Array,
  f32: Float32Array,
  f64: Float64Array,
};

/** Whole columns for `size` rows: typed arrays where the column is one, some of the time. */
export function drawColumns(
  dice: Dice,
  { columns }: TableLayout | KindLayout,
  size: number,
): { [column: string]: never } {
  const made: { [column: string]: unknown } = {};
  for (const column of columns) {
    if (isId(column)) continue;
    if (mayOmit(column) && Object.keys(made).length > 0 && dice.below(3) === 0) continue;
    const cells = Array.from({ length: size }, () => drawCell(dice, column));
    const { value } = column;
    const typed = !column.optional && 'array' in value && value.kind !== 'vec' && dice.below(2) === 0;
    made[column.name] = typed
      ? ARRAYS[value.array].from(cells.map((cell) => rawOf(column, cell)) as never)
      : cells;
  }
  // The number of rows must be said by some column: by all ids where there is nothing else.
  if (Object.keys(made).length === 0)
    for (const column of columns.some(isId) ? columns.filter(isId) : columns.slice(0, 1))
      made[column.name] = isId(column)
        ? ids(size)
        : Array.from({ length: size }, () => drawCell(dice, column));
  return made as { [column: string]: never };
}

/** Ids that a batch names itself. */
const ids = (size: number): Uint32Array => Uint32Array.from({ length: size }, (_, i) => 200 + i);
