/**
 * Row objects in and out of a set, written for its layout where code may be generated.
 *
 * The generated functions name their lanes, so that every access sees one kind of array. The general path
 * beside each does the same through `Column.write` and `Column.read`; tests hold both to one behaviour.
 */
import { show } from '../base/canonical.ts';
import { assert, fail } from '../base/errors.ts';
import { generate, quote } from '../base/generate.ts';
import { flawOf, type NumberValue } from '../schema/layout.ts';
import { defaultOf } from '../schema/validate.ts';
import type { Column } from './column.ts';
import type { ColumnSet } from './column-set.ts';
import { FixedLane } from './fixed-lane.ts';
import { fromCode } from './many.ts';

/** Appends a row object and returns its row number. */
export type Appender = (row: object) => number;

type Values = { [name: string]: unknown };
type RowObject = { readonly [column: string]: unknown };

const MAX_CHAIN = 12;

/**
 * Whether `v` is no number that fits, as an expression. The type is asked first: bit operators throw on big
 * integers.
 */
function numberTest(type: NumberValue, v: string): string {
  return `typeof ${v} !== 'number' || ${rangeTest(type, v)}`;
}

function rangeTest(type: NumberValue, v: string): string {
  switch (type.array) {
    case 'u8':
      return `(${v} & 255) !== ${v}`;
    case 'u16':
      return `(${v} & 65535) !== ${v}`;
    case 'u32':
      return type.min === 1 ? `(${v} >>> 0) !== ${v} || ${v} === 0` : `(${v} >>> 0) !== ${v}`;
    case 'i8':
      return `((${v} << 24) >> 24) !== ${v}`;
    case 'i16':
      return `((${v} << 16) >> 16) !== ${v}`;
    case 'i32':
      return `(${v} | 0) !== ${v}`;
    case 'f32':
      return `${v} !== ${v} || Math.abs(Math.fround(${v}) - ${v}) > 1e38`;
    default:
      return type.whole ? `!Number.isSafeInteger(${v})` : `${v} !== ${v}`;
  }
}

function enumCode(names: readonly string[], v: string, bad: string, values: Values, at: string): string {
  if (names.length <= MAX_CHAIN)
    return `${names.map((name, code) => `${v} === ${quote(name)} ? ${code} : `).join('')}${bad}`;
  values[`${at}m`] = new Map(names.map((name, code) => [name, code]));
  return `${at}m.get(${v}) ?? ${bad}`;
}

/**
 * Statements that check `v` and store it in row `n` of a column; `bad` is an expression that throws. Columns
 * without a simple form go through the column itself. Shared by appending and by writing through a view.
 */
export function storeCode(column: Column, at: string, values: Values, marked: boolean, who: string): string {
  const { value } = column.layout;
  const { lane } = column;
  values[`${at}c`] = column;
  const general = `${at}c.write(n, v, ${quote(who)});`;
  if (column.valid !== null || !(lane instanceof FixedLane) || (value.kind === 'number' && value.nan))
    return general;
  values[`${at}l`] = lane;
  values[`${at}bad`] = (v: unknown, row: number): never => badValue(column, v, row, who);
  const bad = `${at}bad(v, n)`;
  const mark = marked ? ` ${at}l.marks[n >> ${lane.shift}] = 1;` : '';
  const put = (test: string, raw: string): string => `if (${test}) ${bad}; ${at}l.data[n] = ${raw};${mark}`;
  switch (value.kind) {
    case 'number':
      return put(numberTest(value, 'v'), value.array === 'f64' && value.whole ? 'v + 0' : 'v');
    case 'big':
      return put(
        `typeof v !== 'bigint' || BigInt.as${value.array === 'u64' ? 'Uint' : 'Int'}N(64, v) !== v`,
        'v',
      );
    case 'bool':
      return `${at}l.data[n] = v === true ? 1 : v === false ? 0 : ${bad};${mark}`;
    case 'enum':
      return `${at}l.data[n] = ${enumCode(value.names, 'v', bad, values, at)};${mark}`;
    default:
      return general;
  }
}

/** The same for raw values: codes for enums, 0 and 1 for booleans; names and booleans take the longer way. */
export function rawStoreCode(column: Column, at: string, values: Values, who: string): string {
  const { value } = column.layout;
  const { lane } = column;
  if (
    column.valid !== null ||
    !(lane instanceof FixedLane) ||
    (value.kind !== 'enum' && value.kind !== 'bool')
  ) {
    values[`${at}raw`] = (v: unknown): unknown => fromCode(column, v);
    const coded = value.kind === 'enum' || value.kind === 'bool' ? `v = ${at}raw(v); ` : '';
    return coded + storeCode(column, at, values, true, who);
  }
  const top = value.kind === 'enum' ? value.names.length - 1 : 1;
  values[`${at}l`] = lane;
  values[`${at}raw`] = (v: unknown, row: number): unknown =>
    flawOf(column.layout, v) === null ? column.raw(v) : badValue(column, v, row, who);
  return `if (typeof v !== 'number' || (v >>> 0) !== v || v > ${top}) v = ${at}raw(v, n);
    ${at}l.data[n] = v; ${at}l.marks[n >> ${lane.shift}] = 1;`;
}

function badValue(column: Column, value: unknown, row: number, who: string): never {
  const { layout } = column;
  const flaw = flawOf(layout, value);
  assert(flaw !== null, `a value was refused that fits ${who}.${layout.path}`, { value: show(value) });
  return fail('BAD_VALUE', `${who}.${layout.path}: ${flaw}`, { table: who, column: layout.path, row, value });
}

/** What a caller adds around the code that appends a row: statements that see `set` and the named values. */
export interface Around {
  readonly values: Values;
  readonly before: string;
  readonly after: string;
}

const NOTHING: Around = { values: {}, before: '', after: 'return n;' };

/**
 * A function that appends row objects to a set; null where code may not be generated. What the framework
 * hands out comes last, when nothing can be refused any more: an id that no row bears would be missing from
 * the log.
 */
export function generateAppender<T>(set: ColumnSet, marked: boolean, around: Around): T | null {
  const who = set.layout.name;
  const values: Values = { ...around.values, set };
  const filled: string[] = [];
  const given = set.columns.map((column, i) => {
    const { name } = column.layout;
    const store = storeCode(column, `k${i}_`, values, marked, who);
    const filler = set.fillers[name];
    const fallback = defaultOf(column.layout);
    if (filler !== undefined || fallback !== undefined) values[`f${i}`] = filler ?? fallback;
    if (filler !== undefined) {
      filled.push(`if (g${i} === undefined) { let v = f${i}(); ${store} }`);
      return `const g${i} = row[${quote(name)}]; if (g${i} !== undefined) { let v = g${i}; ${store} }`;
    }
    const fill = fallback === undefined ? '' : `if (v === undefined) v = f${i};`;
    return `{ let v = row[${quote(name)}]; ${fill} ${store} }`;
  });
  const code = `// append ${quote(who)}
    return (row) => { ${around.before} const n = set.size; if (n === set.capacity) set.ensure(n + 1);
    ${[...given, ...filled].join('\n')}
    set.size = n + 1; ${around.after} };`;
  return generate<T>(values, code);
}

/** A function that appends row objects to a set and returns the row number. */
export const makeAppender = (set: ColumnSet, marked: boolean): Appender =>
  generateAppender<Appender>(set, marked, NOTHING) ?? ((row) => appendGeneral(set, row as RowObject));

/** Appends without generated code. */
export function appendGeneral(set: ColumnSet, row: RowObject): number {
  const n = set.size;
  set.ensure(n + 1);
  const { fillers, layout } = set;
  const isFilled = ({ layout: { name } }: Column): boolean =>
    fillers[name] !== undefined && row[name] === undefined;
  for (const column of set.columns)
    if (!isFilled(column)) column.write(n, row[column.layout.name], layout.name);
  for (const column of set.columns)
    if (isFilled(column)) column.write(n, fillers[column.layout.name]!(), layout.name);
  set.size = n + 1;
  return n;
}

function readCode(column: Column, at: string, values: Values): string {
  const { value } = column.layout;
  values[`${at}c`] = column;
  if (column.valid !== null || !(column.lane instanceof FixedLane) || value.kind === 'vec')
    return `${at}c.read(n)`;
  values[`${at}l`] = column.lane;
  if (value.kind === 'bool') return `${at}l.data[n] === 1`;
  if (value.kind !== 'enum') return `${at}l.data[n]`;
  values[`${at}n`] = value.names;
  return `${at}n[${at}l.data[n]]`;
}

/** A function that makes the row object of a row number. */
export function makeReader(set: ColumnSet): (row: number) => object {
  const values: Values = {};
  const fields = set.columns.map(
    (column, i) => `${quote(column.layout.name)}: ${readCode(column, `k${i}_`, values)}`,
  );
  return (
    generate<(row: number) => object>(
      values,
      `// read ${quote(set.layout.name)}
    return (n) => ({ ${fields.join(', ')} });`,
    ) ??
    ((row) => {
      const made: { [column: string]: unknown } = {};
      for (const column of set.columns) made[column.layout.name] = column.read(row);
      return made;
    })
  );
}
