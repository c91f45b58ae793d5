/**
 * Finding rows by values: `where` and `count`.
 *
 * An index is used where the match names an indexed column; the rest is compared as stored, code against
 * code, without making a value of any row. NaN matches NaN, and −0 matches 0; a struct matches by the fields
 * that are given.
 */
import { sameBytes } from '../base/bytes.ts';
import { show } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import { flawOf } from '../schema/layout.ts';
import { CellLane } from './cell-lane.ts';
import type { Column } from './column.ts';
import { FixedLane } from './fixed-lane.ts';
import type { TableStore } from './table-store.ts';

type Test = (row: number) => boolean;
type Match = { readonly [column: string]: unknown };

const isRecord = (value: unknown): value is Match =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The columns, or fields, that are asked for. */
const namesOf = (match: Match): string[] => Object.keys(match).filter((name) => match[name] !== undefined);

/** The fields of a struct that are given; the others match everything, as columns do. */
function testFields(column: Column, value: Match): Test {
  const tests = namesOf(value).map((name) => {
    const field = column.fields.find(({ layout }) => layout.name === name);
    return field === undefined ? noField(column, name) : testOf(field, value[name]);
  });
  return (row) => tests.every((test) => test(row));
}

function noField({ layout: { path }, fields }: Column, name: string): never {
  const known = fields.map(({ layout }) => layout.name).join(', ');
  return fail(
    'BAD_USAGE',
    `'${path}' has no field '${name}' to match`,
    { column: path, field: name },
    `It has ${known}.`,
  );
}

function testVec(lane: FixedLane, value: ArrayLike<number>): Test {
  const { width } = lane;
  const raw = Array.from(value, lane.type === 'f32' ? Math.fround : Number);
  return (row) => {
    for (let i = 0; i < width; i++) if (lane.data[row * width + i] !== raw[i]) return false;
    return true;
  };
}

function testValue(column: Column, value: unknown): Test {
  const { lane } = column;
  if (lane instanceof CellLane) {
    const bytes = lane.codec.encode(value).slice();
    return (row) => sameBytes(lane.bytesAt(row), bytes);
  }
  if (column.layout.value.kind === 'vec') return testVec(lane as FixedLane, value as ArrayLike<number>);
  const raw = column.raw(value);
  if (Number.isNaN(raw)) return (row) => Number.isNaN((lane as FixedLane).data[row]);
  return (row) => (lane as FixedLane).data[row] === raw;
}

function testOf(column: Column, value: unknown): Test {
  const { valid } = column;
  if (value === null) return valid === null ? () => false : (row) => !valid.has(row);
  const isStruct = column.lane === null;
  if (isStruct ? !isRecord(value) : flawOf(column.layout, value) !== null) return () => false;
  const test = isStruct ? testFields(column, value as Match) : testValue(column, value);
  return valid === null ? test : (row) => valid.has(row) && test(row);
}

function columnOf(store: TableStore, name: string): Column {
  const column = store.set.byName.get(name);
  const table = store.layout.name;
  return column ?? fail('BAD_USAGE', `'${table}' has no column '${name}' to match`, { table, column: name });
}

/** Refuses what is no object to match by. */
function checkMatch(store: TableStore, match: unknown): void {
  const table = store.layout.name;
  if (typeof match !== 'object' || match === null)
    fail('BAD_USAGE', `rows of '${table}' were asked for by ${show(match)}, which is no object`, { table });
}

/** The rows that match, ascending. Fields that are undefined match everything. */
export function matchingRows(store: TableStore, match: Match): Uint32Array {
  checkMatch(store, match);
  const names = namesOf(match);
  const indexed = names.find((name) => store.isIndexed(name));
  const tests = names
    .filter((name) => name !== indexed)
    .map((name) => testOf(columnOf(store, name), match[name]));
  const all = indexed === undefined ? null : store.rowsBy(indexed, match[indexed]);
  const count = all === null ? store.size : all.length;
  const found = new Uint32Array(count);
  let size = 0;
  for (let i = 0; i < count; i++) {
    const row = all === null ? i : all[i]!;
    if (tests.every((test) => test(row))) found[size++] = row;
  }
  return found.subarray(0, size);
}

function countEqual(data: ArrayLike<unknown>, raw: unknown, size: number): number {
  let count = 0;
  for (let row = 0; row < size; row++) if (data[row] === raw) count++;
  return count;
}

/** How many rows match. */
export function countMatching(store: TableStore, match: Match): number {
  checkMatch(store, match);
  const names = namesOf(match);
  if (names.length === 0) return store.size;
  const column = columnOf(store, names[0]!);
  const value = match[names[0]!];
  if (
    names.length > 1 ||
    column.valid !== null ||
    !(column.lane instanceof FixedLane) ||
    column.layout.value.kind === 'vec' ||
    Number.isNaN(value)
  )
    return matchingRows(store, match).length;
  if (store.isIndexed(names[0]!)) return store.rowsBy(names[0]!, value).length;
  return flawOf(column.layout, value) === null
    ? countEqual(column.lane.data, column.raw(value), store.size)
    : 0;
}
