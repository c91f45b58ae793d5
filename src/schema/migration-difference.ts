/**
 * The difference of two schemas in lines that a tired person can read.
 *
 * Owns the words for column types. Speaks of what is declared, so that every change of a schema's text shows
 * as a line, whether a migration needs to mention it or not.
 */
import { show } from '../base/canonical.ts';
import { byCodeUnits } from '../base/text.ts';
import { literal, schemaText } from './canonical-text.ts';
import type { CompiledSchema } from './compile.ts';
import type { ColumnSpec, ColumnSpecs, ColumnType, KindSpec, TableSpec } from './spec.ts';

const NAMES = 60;

function namesText(names: readonly string[]): string {
  const all = names.map(show).join(', ');
  return all.length <= NAMES ? all : `${names.slice(0, 3).map(show).join(', ')}, … of ${names.length}`;
}

/** A column's type in words. */
export function typeText(type: ColumnType): string {
  switch (type.type) {
    case 'enum':
      return `enum ${namesText(type.names)}`;
    case 'vec':
      return `vec of ${type.size} ${type.of}`;
    case 'struct':
      return `struct { ${Object.keys(type.fields)
        .sort(byCodeUnits)
        .map((name) => `${name}: ${columnText(type.fields[name]!)}`)
        .join(', ')} }`;
    case 'list':
      return `list of ${columnText(type.of)}`;
    case 'ref':
      return `ref to ${type.table}`;
    case 'newId':
      return `new id of ${type.table}`;
    case 'f32':
    case 'f64':
      return type.nan ? `${type.type} with nan` : type.type;
    default:
      return type.type;
  }
}

/** A column in words: type, whether it is optional, default. */
export function columnText({ type, optional, fallback }: ColumnSpec): string {
  const mayBeNull = optional ? ', optional' : '';
  const otherwise = fallback === undefined ? '' : `, default ${defaultText(fallback.value)}`;
  return `${typeText(type)}${mayBeNull}${otherwise}`;
}

/** A bigint, bytes and -0 have a form of their own; what is an object is shown as it is stored. */
const defaultText = (value: unknown): string =>
  typeof value === 'object' && value !== null ? show(literal(value)) : show(value);

/** The canonical text of a column, but for its place in a key, which its table tells. */
const canonical = (column: ColumnSpec): string =>
  schemaText({
    name: '',
    version: 0,
    tick: '',
    config: { column: { ...column, key: false } },
    tables: {},
    events: {},
    inputs: {},
  });

const arrow = (from: string, to: string): string =>
  from === to ? `${from}, in another way` : `${from} -> ${to}`;

type Named<T> = { readonly [name: string]: T };
const own = <T>(all: Named<T>, name: string): T | undefined =>
  Object.hasOwn(all, name) ? all[name] : undefined;
const namesOf = (a: object, b: object): string[] =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])].sort(byCodeUnits);

/** The lines of some columns; `line` writes one of them, with what it says of the column. */
function* columnLines(
  from: ColumnSpecs,
  to: ColumnSpecs,
  line: (sign: string, name: string, what: string) => string,
): Generator<string> {
  for (const name of namesOf(from, to)) {
    const [old, now] = [own(from, name), own(to, name)];
    if (old === undefined) yield line('+', name, columnText(now!));
    else if (now === undefined) yield line('-', name, columnText(old));
    else if (canonical(old) !== canonical(now))
      yield line('~', name, arrow(columnText(old), columnText(now)));
  }
}

const column = (sign: string): string => (sign === '~' ? '~ ' : `${sign} column `);
const listed = (names: readonly string[]): string => names.join(', ') || 'none';
const sorted = (names: readonly string[]): string => listed([...names].sort(byCodeUnits));
const singleText = ({ single }: TableSpec): string => (single ? 'singleton' : 'table');
const factText = ({ fact }: KindSpec, part: string): string => (part === 'event' && fact ? 'fact' : part);

function* tableLines(from: Named<TableSpec>, to: Named<TableSpec>): Generator<string> {
  for (const name of namesOf(from, to)) {
    const [old, now] = [own(from, name), own(to, name)];
    if (old === undefined || now === undefined) {
      yield `${old === undefined ? '+' : '-'} ${singleText((old ?? now)!)} ${name}`;
      continue;
    }
    if (old.single !== now.single) yield `~ ${name}: ${arrow(singleText(old), singleText(now))}`;
    if (listed(old.key) !== listed(now.key))
      yield `~ key of ${name}: ${arrow(listed(old.key), listed(now.key))}`;
    if (sorted(old.index) !== sorted(now.index))
      yield `~ index of ${name}: ${arrow(sorted(old.index), sorted(now.index))}`;
    yield* columnLines(old.columns, now.columns, (sign, at, what) => `${column(sign)}${name}.${at}: ${what}`);
  }
}

function* kindLines(part: string, from: Named<KindSpec>, to: Named<KindSpec>): Generator<string> {
  for (const name of namesOf(from, to)) {
    const [old, now] = [own(from, name), own(to, name)];
    if (old === undefined || now === undefined) {
      yield `${old === undefined ? '+' : '-'} ${factText((old ?? now)!, part)} ${name}`;
      continue;
    }
    if (old.fact !== now.fact) yield `~ ${name}: ${arrow(factText(old, part), factText(now, part))}`;
    yield* columnLines(
      old.columns,
      now.columns,
      (sign, at, what) => `${column(sign)}${name}.${at} (${part}): ${what}`,
    );
  }
}

/**
 * What changed from one schema to another, a line a change: `+ table homes`, `- column people.x: u8`,
 * `~ people.cell: u8 -> text`. The version is left out; no line means that nothing else differs.
 */
export function describeDifference({ spec: from }: CompiledSchema, { spec: to }: CompiledSchema): string {
  const lines = [
    ...(from.name === to.name ? [] : [`~ name: ${arrow(from.name, to.name)}`]),
    ...(from.tick === to.tick ? [] : [`~ tick: ${arrow(from.tick, to.tick)}`]),
    ...tableLines(from.tables, to.tables),
    ...kindLines('event', from.events, to.events),
    ...kindLines('input', from.inputs, to.inputs),
    ...columnLines(from.config, to.config, (sign, name, what) => `${sign} config ${name}: ${what}`),
  ];
  return lines.join('\n');
}
