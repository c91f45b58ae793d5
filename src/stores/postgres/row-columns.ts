/**
 * Columns of projected rows as parameters of a statement.
 *
 * Owns which array a column goes in as: whole numbers, reals, booleans and bytes in their binary form, every
 * other type as texts, which the statement casts. And how many rows go at once.
 */
import { show } from '../../base/canonical.ts';
import { fail } from '../../base/errors.ts';
import type { SqlValue } from '../../base/sql.ts';
import type { ProjectedColumn } from '../../log/projection-store.ts';
import { ArrayWriter, type ELEMENTS, FIXED_BYTES } from './arrays.ts';

/** About as many bytes go in with one statement. */
const STATEMENT_BYTES = 8 * 1024 * 1024;
const LENGTH_BYTES = 4;

/** How columns of some types go in. */
interface Sort {
  readonly element: keyof typeof ELEMENTS;
  /** The type of the array. */
  readonly array: string;
  /** The bytes of a value that is not null, its length included. */
  bytes(value: SqlValue): number;
  /** Writes a value that is not null; false for one that the column can't have. */
  write(into: ArrayWriter, value: SqlValue): boolean;
}

const WHOLE: Sort = {
  element: 'int8',
  array: 'bigint[]',
  bytes: () => FIXED_BYTES.int8,
  write(into, value) {
    if (typeof value === 'number') {
      if (!Number.isSafeInteger(value)) return false;
      into.whole(value);
      return true;
    }
    const big = typeof value === 'string' && /^-?\d+$/.test(value) ? BigInt(value) : value;
    if (typeof big !== 'bigint' || BigInt.asIntN(64, big) !== big) return false;
    into.big(big);
    return true;
  },
};

const REAL: Sort = {
  element: 'float8',
  array: 'double precision[]',
  bytes: () => FIXED_BYTES.float8,
  write(into, value) {
    const real = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof real !== 'number' || (Number.isNaN(real) && String(value) !== 'NaN')) return false;
    into.float(real);
    return true;
  },
};

const FLAG: Sort = {
  element: 'bool',
  array: 'boolean[]',
  bytes: () => FIXED_BYTES.bool,
  write(into, value) {
    if (typeof value !== 'boolean') return false;
    into.bool(value);
    return true;
  },
};

const BYTES: Sort = {
  element: 'bytea',
  array: 'bytea[]',
  bytes: (value) => LENGTH_BYTES + (value instanceof Uint8Array ? value.length : 0),
  write(into, value) {
    if (!(value instanceof Uint8Array)) return false;
    into.bytes(value);
    return true;
  },
};

/** A number as the text that keeps it. */
const textOf = (value: SqlValue): SqlValue => {
  if (typeof value === 'string' || value instanceof Uint8Array) return value;
  return Object.is(value, -0) ? '-0' : String(value);
};

const TEXT: Sort = {
  element: 'text',
  array: 'text[]',
  bytes(value) {
    const text = textOf(value);
    return LENGTH_BYTES + (typeof text === 'string' ? Buffer.byteLength(text) : 0);
  },
  write(into, value) {
    const text = textOf(value);
    if (typeof text !== 'string' || !text.isWellFormed()) return false;
    into.text(text);
    return true;
  },
};

const SORTS: ReadonlyMap<string, Sort> = new Map([
  ['smallint', WHOLE],
  ['integer', WHOLE],
  ['bigint', WHOLE],
  ['real', REAL],
  ['double precision', REAL],
  ['boolean', FLAG],
  ['bytea', BYTES],
]);

/** A column as it is written. */
export interface RowColumn {
  readonly name: string;
  /** The type without a collation, as a cast takes it. */
  readonly type: string;
  readonly sort: Sort;
}

/** How a column is written. */
export function rowColumn({ name, type }: ProjectedColumn): RowColumn {
  const plain = type.replace(/\s+collate\s.*$/is, '').trim();
  return { name, type: plain, sort: SORTS.get(plain.toLowerCase()) ?? TEXT };
}

/** Values of each column, all of one length. */
export type Values = readonly ArrayLike<SqlValue>[];

/** The end of the rows from `from` on that go together, and the bytes of each column of them. */
function groupFrom(columns: readonly RowColumn[], values: Values, from: number) {
  const bytes = columns.map(() => 0);
  const count = values[0]!.length;
  let [to, all] = [from, 0];
  for (; to < count && all < STATEMENT_BYTES; to++)
    for (let i = 0; i < columns.length; i++) {
      const value = values[i]![to]!;
      const more = value === null ? LENGTH_BYTES : columns[i]!.sort.bytes(value);
      bytes[i]! += more;
      all += more;
    }
  return { to, bytes };
}

/** Rows as arrays, one a column, in groups of a size that a statement can carry. `table` is for messages. */
export function* groupsOf(
  table: string,
  columns: readonly RowColumn[],
  values: Values,
): Generator<readonly Uint8Array[]> {
  const count = values[0]?.length ?? 0;
  for (let from = 0; from < count; ) {
    const { to, bytes } = groupFrom(columns, values, from);
    yield columns.map(({ name, type, sort }, i) => {
      const column = values[i]!;
      const into = new ArrayWriter(sort.element, to - from, bytes[i]!);
      for (let row = from; row < to; row++) {
        const value = column[row]!;
        if (value === null) into.null();
        else if (!sort.write(into, value))
          fail(
            'BAD_VALUE',
            `the column ${name} of the table ${table} is ${type} and does not take ${show(value)}`,
            { table, column: name, value },
          );
      }
      return into.done();
    });
    from = to;
  }
}
