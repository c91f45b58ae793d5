/**
 * Whole columns as drivers take them: rows of a table, events of a batch, without an object a row.
 */
import type { SqlValue } from '../../base/sql.ts';
import { fromUtf8 } from '../../base/text.ts';
import type { BitLane } from '../../columns/bit-lane.ts';
import { CellLane } from '../../columns/cell-lane.ts';
import type { Column } from '../../columns/column.ts';
import type { ColumnSet } from '../../columns/column-set.ts';
import type { FixedLane } from '../../columns/fixed-lane.ts';
import { cellOfValue, type SqlColumn, type SqlTable } from './table.ts';

interface Source {
  /** Where the values are. */
  readonly leaf: Column;
  /** Which rows have one; null where all have. */
  readonly valid: BitLane | null;
}

function sourceOf(set: ColumnSet, { steps }: SqlColumn): Source {
  const top = set.byName.get(steps[0]!)!;
  let leaf = top;
  for (const step of steps.slice(1)) leaf = leaf.fields.find(({ layout }) => layout.name === step)!;
  return { leaf, valid: top.valid };
}

/** What stands in a row that has a value, by its number. */
function reader(column: SqlColumn, leaf: Column): (row: number) => SqlValue {
  const { form } = column;
  const { value } = leaf.layout;
  if (column.tellsNaN || leaf.lane === null) return (row) => cellOfValue(column, leaf.read(row));
  if (leaf.lane instanceof CellLane) {
    const { lane } = leaf;
    // A JSON cell is canonical text already, and an empty one reads as null.
    if (value.kind === 'json') return (row) => fromUtf8(lane.bytesAt(row)) || 'null';
    return (row) => form.to(lane.read(row));
  }
  const { data } = leaf.lane as FixedLane;
  if (value.kind === 'enum') {
    const names = value.names.map((name) => form.to(name));
    return (row) => names[data[row] as number]!;
  }
  if (value.kind === 'vec' || value.kind === 'bool') return (row) => form.to(leaf.read(row));
  if (value.kind === 'number' && value.nan) return (row) => cellOfValue(column, data[row]);
  return form.plain ? (row) => data[row]! : (row) => form.to(data[row]);
}

/** The values of one column for a range of rows. May be a view of the set: take it before the next write. */
export function columnToSql(
  column: SqlColumn,
  set: ColumnSet,
  from: number,
  to: number,
): ArrayLike<SqlValue> {
  const { leaf, valid } = sourceOf(set, column);
  const { kind } = leaf.layout.value;
  const isWhole = kind === 'number' || kind === 'big' || kind === 'bool';
  if (isWhole && valid === null && column.form.plain && column.notNull && !column.tellsNaN)
    return (leaf.lane as FixedLane).data.subarray(from, to);
  const read = reader(column, leaf);
  const made = new Array<SqlValue>(to - from);
  for (let row = from; row < to; row++)
    made[row - from] = valid === null || valid.has(row) ? read(row) : null;
  return made;
}

/** The values of one column in some rows, in their order. */
export function cellsToSql(column: SqlColumn, set: ColumnSet, rows: ArrayLike<number>): SqlValue[] {
  const { leaf, valid } = sourceOf(set, column);
  const read = reader(column, leaf);
  return Array.from(rows, (row) => (valid === null || valid.has(row) ? read(row) : null));
}

/** All columns of a range of rows, in order of the columns of SQL. */
export const columnsToSql = (
  { columns }: SqlTable,
  set: ColumnSet,
  from: number,
  to: number,
): ArrayLike<SqlValue>[] => columns.map((column) => columnToSql(column, set, from, to));
