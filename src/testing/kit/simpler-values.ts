/**
 * Values that are simpler than a given one, simplest first: what shrinking tries in its place.
 */
import type { SetLayout } from '../../schema/compile.ts';
import { type ColumnLayout, flawOf, mayOmit } from '../../schema/layout.ts';
import { defaultOf } from '../../schema/validate.ts';
import { sourceText } from './source-text.ts';

const half = (value: number): number => Math.trunc(value / 2);

/** Whole ones before others, then those nearer to 0. */
function simplerNumbers(value: number): readonly number[] {
  if (!Number.isFinite(value)) return [0, 1];
  const whole = Math.trunc(value);
  const isSimpler = (other: number): boolean =>
    Math.abs(other) < Math.abs(value) || (Number.isInteger(other) && !Number.isInteger(value));
  return [0, 1, half(value), whole, whole - Math.sign(whole)].filter(isSimpler);
}

function shorter<T extends { slice(from: number, to: number): T; readonly length: number }>(value: T): T[] {
  const { length } = value;
  return length === 0 ? [] : [0, half(length), length - 1].map((to) => value.slice(0, to));
}

function present({ value: type }: ColumnLayout, value: unknown): readonly unknown[] {
  switch (type.kind) {
    case 'number':
      return simplerNumbers(value as number);
    case 'big':
      return [0n, (value as bigint) / 2n];
    case 'bool':
      return [false];
    case 'enum':
      return [type.names[0]];
    case 'text':
      return shorter(value as string).map((text) => text.toWellFormed());
    case 'bytes':
      return shorter(value as Uint8Array);
    case 'list':
      return shorterLists(type.of, value as readonly unknown[]);
    case 'struct':
      return simplerRows(type.fields, value as Row);
    case 'vec':
      return [Array.from(value as ArrayLike<number>, () => 0)];
    default:
      return [];
  }
}

function shorterLists(of: ColumnLayout, list: readonly unknown[]): readonly unknown[] {
  const items = list.flatMap((item, at) => simplerValues(of, item).map((other) => list.with(at, other)));
  return [[], list.slice(0, half(list.length)), ...list.map((_, at) => list.toSpliced(at, 1)), ...items];
}

/**
 * Values of a column that are simpler than the given one: null and the default, then smaller and shorter
 * ones. A reference stays: what it refers to is somebody else's.
 */
export function simplerValues(column: ColumnLayout, value: unknown): readonly unknown[] {
  const fallback = defaultOf(column);
  const isKept = sourceText(value) === sourceText(fallback);
  if (isKept || value === undefined) return [];
  const nothing = column.optional && value !== null ? [null] : [];
  const settled = fallback === undefined ? nothing : [fallback, ...nothing];
  if (column.role !== null || value === null) return settled;
  const isOther = (other: unknown): boolean => sourceText(other) !== sourceText(value);
  return [...settled, ...present(column, value)].filter(
    (other) => isOther(other) && flawOf(column, other) === null,
  );
}

type Row = { readonly [column: string]: unknown };

/** Rows with one value simpler, or left out where it may be. */
export function simplerRows(columns: SetLayout['columns'], row: Row): readonly Row[] {
  return columns.flatMap((column) => {
    const { name } = column;
    if (row[name] === undefined) return [];
    const { [name]: _, ...rest } = row;
    const without = mayOmit(column) && column.role !== 'id' ? [rest] : [];
    return [...without, ...simplerValues(column, row[name]).map((other) => ({ ...row, [name]: other }))];
  });
}
