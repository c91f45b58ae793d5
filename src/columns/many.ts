/**
 * Whole arrays into a set: at memory speed where the array given is the array stored.
 *
 * Arrays are copied, never kept. What a copy would silently destroy is looked for in one pass: NaN, codes
 * that no name has, booleans that are neither 0 nor 1, ids that are 0.
 */
import { show } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import { mayOmit, type NumberValue, type ValueType } from '../schema/layout.ts';
import { defaultOf } from '../schema/validate.ts';
import { arrayClass, canonicalNaN, type FixedArray, findNaN } from './arrays.ts';
import type { Column } from './column.ts';
import type { ColumnSet } from './column-set.ts';
import { FixedLane } from './fixed-lane.ts';

type Given = { readonly [column: string]: unknown };

const isList = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));

function lengthOf(set: ColumnSet, given: Given): number {
  let length = -1;
  const who = set.layout.name;
  if (typeof given !== 'object' || given === null)
    fail('BAD_VALUE', `${show(given)} is no object of arrays for '${who}'`, { table: who });
  for (const [name, list] of Object.entries(given)) {
    if (list === undefined) continue;
    const column = set.byName.get(name);
    if (column === undefined)
      return fail('BAD_VALUE', `'${who}' has no column '${name}'`, { table: who, column: name });
    if (!isList(list))
      return fail('BAD_VALUE', `${who}.${name}: ${show(list)} is no array`, { table: who, column: name });
    const rows = list.length / perRow(column, list);
    if (length >= 0 && rows !== length)
      fail('BAD_VALUE', `the arrays given for '${who}' differ in length`, {
        table: who,
        column: name,
        rows,
        expected: length,
      });
    length = rows;
  }
  return length < 0
    ? fail('BAD_VALUE', `no array was given for '${who}', so the number of rows is unknown`, { table: who })
    : length;
}

/** A vec may come as one typed array of all its values. */
const perRow = ({ layout: { value } }: Column, list: ArrayLike<unknown>): number =>
  value.kind === 'vec' && ArrayBuffer.isView(list) ? value.size : 1;

/** Appends arrays by column name; returns the number of rows appended. */
export function appendMany(set: ColumnSet, given: Given): number {
  const count = lengthOf(set, given);
  if (!Number.isInteger(count))
    fail('BAD_VALUE', `an array given for '${set.layout.name}' ends within a row`, {
      table: set.layout.name,
    });
  const at = set.size;
  const lists = at + count > set.capacity ? apart(set, given) : given;
  set.ensure(at + count);
  const filled = set.columns.filter((column) => isFilled(set, column, lists));
  for (const column of set.columns) {
    if (filled.includes(column)) continue;
    const list = lists[column.layout.name] as ArrayLike<unknown> | undefined;
    if (list === undefined) repeatDefault(set, column, at, count);
    else if (!copyWhole(set, column, list, at, count)) copyEach(set, column, list, at, count);
  }
  // Ids come last, when nothing can be refused any more: one that no row bears would be missing from the log.
  // They come row by row, as if each row had been given by itself.
  for (let row = at; row < at + count; row++)
    for (const column of filled) column.write(row, set.fillers[column.layout.name]!(), set.layout.name);
  set.size = at + count;
  return count;
}

const isFilled = (set: ColumnSet, { layout: { name } }: Column, given: Given): boolean =>
  given[name] === undefined && set.fillers[name] !== undefined;

/** The arrays given, copied where they are the set's own: growing takes the memory away from those. */
function apart(set: ColumnSet, given: Given): Given {
  const own = new Set(set.lanes.map((lane) => (lane instanceof FixedLane ? lane.data.buffer : null)));
  const isOwn = (list: unknown): list is FixedArray => ArrayBuffer.isView(list) && own.has(list.buffer);
  return Object.fromEntries(
    Object.entries(given).map(([name, list]) => [name, isOwn(list) ? list.slice() : list]),
  );
}

function repeatDefault(set: ColumnSet, column: Column, at: number, count: number): void {
  const who = set.layout.name;
  if (!mayOmit(column.layout))
    fail('BAD_VALUE', `${who}.${column.layout.path}: it is missing`, {
      table: who,
      column: column.layout.path,
    });
  for (let row = at; row < at + count; row++) column.write(row, defaultOf(column.layout), who);
}

function copyEach(set: ColumnSet, column: Column, list: ArrayLike<unknown>, at: number, count: number): void {
  const who = set.layout.name;
  const { value } = column.layout;
  const vec = value.kind === 'vec' && ArrayBuffer.isView(list) ? value.size : 0;
  for (let i = 0; i < count; i++) {
    const given = vec ? (list as Float64Array).subarray(i * vec, (i + 1) * vec) : list[i];
    column.write(at + i, fromCode(column, given), who);
  }
}

/** Enum columns take codes, and boolean columns 0 and 1, beside their values. */
export function fromCode({ layout: { value } }: Column, given: unknown): unknown {
  if (value.kind === 'enum' && typeof given === 'number') return value.names[given] ?? given;
  return value.kind === 'bool' && (given === 0 || given === 1) ? given === 1 : given;
}

function copyWhole(
  set: ColumnSet,
  column: Column,
  list: ArrayLike<unknown>,
  at: number,
  count: number,
): boolean {
  const { lane, valid } = column;
  if (valid !== null || !(lane instanceof FixedLane) || !(list instanceof arrayClass(lane.type)))
    return false;
  if (column.layout.value.kind === 'number' && column.layout.value.whole && lane.type === 'f64') return false;
  const { width } = lane;
  const flawed = firstFlawed(column.layout.value, list, 0, list.length);
  if (flawed >= 0) {
    const row = Math.floor(flawed / width);
    const value = width === 1 ? list[flawed] : list.subarray(row * width, (row + 1) * width);
    column.write(at + row, value, set.layout.name);
  }
  lane.data.set(list as never, at * width);
  if (column.layout.value.kind === 'number' && column.layout.value.nan)
    canonicalNaN(lane.data, at * width, (at + count) * width);
  lane.mark(at, at + count);
  return true;
}

/**
 * The place of the first value of a range that may not be stored, or -1: what its array can't refuse by
 * itself.
 */
export function firstFlawed(value: ValueType, list: FixedArray, from: number, to: number): number {
  switch (value.kind) {
    case 'number':
      return value.nan ? -1 : value.min === 1 ? firstZero(list, from, to) : firstUnfit(value, list, from, to);
    case 'vec':
      return findNaN(list, from, to);
    case 'bool':
      return firstAbove(list, 1, from, to);
    case 'enum':
      return firstAbove(list, value.names.length - 1, from, to);
    default:
      return -1;
  }
}

/** `int` columns are stored as floats, and must hold whole numbers. */
function firstUnfit(value: NumberValue, list: FixedArray, from: number, to: number): number {
  if (!value.whole || value.array !== 'f64') return findNaN(list, from, to);
  for (let i = from; i < to; i++) if (!Number.isSafeInteger(list[i])) return i;
  return -1;
}

function firstZero(list: FixedArray, from: number, to: number): number {
  for (let i = from; i < to; i++) if (list[i] === 0) return i;
  return -1;
}

function firstAbove(list: FixedArray, max: number, from: number, to: number): number {
  for (let i = from; i < to; i++) if (list[i]! > max) return i;
  return -1;
}
