/**
 * `worldfold show RUN@N [--table people]`: the world of a run at a tick, table by table or row by row.
 */
import { canonicalJson } from '../../base/canonical.ts';
import { fail } from '../../base/errors.ts';
import { type Moment, readWorld, type Shape, type Store } from '../../index.ts';
import { cellText, cut, escaped } from '../../replay/diff-text-layout.ts';
import { literal } from '../../schema/canonical-text.ts';
import type { ColumnSpec, ColumnSpecs, TableSpec } from '../../schema/spec.ts';
import { readValue, wantedText } from '../config.ts';
import type { AnyWorld } from '../engine.ts';
import { EXIT } from '../failure.ts';
import { type Io, line, paintFor } from '../io.ts';
import { type Named, nameText, worldOf } from '../run-world.ts';
import { counted, grouped, type TextColumn, textTable } from '../text.ts';
import type { ShowOptions } from './show.ts';

type Row = { readonly [column: string]: unknown };
type TableFace = { readonly size: number; where(match: object): Iterable<Row> & { readonly size: number } };

/** A column to show: one leaf of what is declared, `home.cell`. */
interface Leaf {
  readonly path: string;
  readonly spec: ColumnSpec;
  readonly at: readonly string[];
}

/** The columns of a table, structs taken apart. */
function leavesOf(columns: ColumnSpecs, above: readonly string[] = []): readonly Leaf[] {
  return Object.entries(columns).flatMap(([name, spec]) => {
    const at = [...above, name];
    return spec.type.type === 'struct' ? leavesOf(spec.type.fields, at) : [{ path: at.join('.'), spec, at }];
  });
}

const listed = (names: readonly string[]): string => names.map(escaped).join(', ');

/** The leaves that were asked for, in that order; a struct stands for all of its own. */
function chosen(
  table: string,
  leaves: readonly Leaf[],
  names: readonly string[] | undefined,
): readonly Leaf[] {
  return (names ?? ['']).flatMap((name) => {
    const found = leaves.filter(({ path }) => name === '' || path === name || path.startsWith(`${name}.`));
    if (found.length > 0) return found;
    const known = `It has: ${listed(leaves.map(({ path }) => path))}.`;
    return fail('BAD_USAGE', `the table '${table}' has no column '${name}'`, { table, column: name }, known);
  });
}

/** What rows must hold. */
interface Match {
  /** Of whole columns. */
  readonly columns: { readonly [column: string]: unknown };
  /** Of fields inside of columns. */
  readonly fields: readonly (readonly [leaf: Leaf, value: unknown])[];
}

/** What rows must hold, by the types of their columns. */
function matchOf(table: string, leaves: readonly Leaf[], where: ReadonlyMap<string, string>): Match {
  const found = [...where].map(([name, text]): readonly [Leaf, unknown] => {
    const leaf = chosen(table, leaves, [name])[0]!;
    if (leaf.path !== name)
      fail('BAD_USAGE', `'${table}.${name}' has fields`, { table, column: name }, `Name one: ${leaf.path}.`);
    const value = readValue(leaf.spec, text);
    if (value !== undefined) return [leaf, value];
    const facts = { table, column: name, text };
    return fail(
      'BAD_USAGE',
      `'${table}.${name}' is never '${text}'`,
      facts,
      `Give it ${wantedText(leaf.spec)}.`,
    );
  });
  const columns = found.filter(([{ at }]) => at.length === 1).map(([{ path }, value]) => [path, value]);
  return { columns: Object.fromEntries(columns), fields: found.filter(([{ at }]) => at.length > 1) };
}

function valueAt(row: Row, { at }: Leaf): unknown {
  let value: unknown = row;
  for (const name of at) value = (value as Row | null)?.[name] ?? null;
  return value;
}

/** Whether a field holds a value; one of half the width holds what is left of it. */
function holds(row: Row, [leaf, value]: Match['fields'][number]): boolean {
  const found = valueAt(row, leaf);
  const wanted = leaf.spec.type.type === 'f32' && typeof value === 'number' ? Math.fround(value) : value;
  return found === wanted || canonicalJson(literal(found)) === canonicalJson(literal(wanted));
}

const CELL = 40;
const DIGITS = 9;

/** The fewest digits that give the stored number back. */
function shortest(value: number): string {
  for (let digits = 1; digits < DIGITS; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(value);
}

/** A number in at most about a dozen characters; `--json` has them exact. */
function numberText({ type }: ColumnSpec, value: number): string {
  if (Object.is(value, -0)) return '-0';
  if (Number.isInteger(value) || !Number.isFinite(value)) return String(value);
  const text = type.type === 'f32' ? shortest(value) : String(value);
  return text.length <= DIGITS + 3 ? text : String(Number(value.toPrecision(DIGITS)));
}

function cellOf({ spec }: Leaf, value: unknown): string {
  if (typeof value === 'number') return numberText(spec, value);
  if (typeof value === 'string' && value !== '')
    return cut(escaped(value.slice(0, 3 * CELL).toWellFormed()), CELL);
  return cellText(value, CELL);
}

const isNumber = ({ spec: { type } }: Leaf): boolean =>
  !['bool', 'text', 'bytes', 'json', 'enum', 'list', 'vec'].includes(type.type);

/** How many of the columns fit a terminal; all where there is none. */
function fitting(io: Io, columns: readonly TextColumn[], rows: readonly (readonly string[])[]): number {
  const room = io.stdout.isTTY === true ? (io.stdout.columns ?? 80) : Number.POSITIVE_INFINITY;
  let used = -2;
  const fits = columns.findIndex(({ title }, i) => {
    used += 2 + Math.max(title.length, ...rows.map((row) => [...row[i]!].length));
    return used > room;
  });
  return fits < 0 ? columns.length : Math.max(1, fits);
}

/** Rows that were found. */
interface Found {
  readonly matched: number;
  /** Null for a singleton. */
  readonly size: number | null;
  readonly rows: readonly Row[];
}

function rowsOf(world: object, table: string, spec: TableSpec, match: Match, limit: number): Found {
  const face = (world as { readonly [table: string]: unknown })[table];
  if (spec.single) return { matched: 1, size: null, rows: [(face as { readonly value: Row }).value] };
  const { columns, fields } = match;
  const found = (face as TableFace).where(columns);
  const rows: Row[] = [];
  let matched = fields.length === 0 ? found.size : 0;
  for (const row of found) {
    if (fields.length === 0 && rows.length >= limit) break;
    if (!fields.every((field) => holds(row, field))) continue;
    if (rows.length < limit) rows.push(row);
    if (fields.length > 0) matched++;
  }
  return { matched, size: (face as TableFace).size, rows };
}

function tellRows(io: Io, title: string, leaves: readonly Leaf[], { matched, size, rows }: Found): void {
  const paint = paintFor(io.stdout, io.env);
  const of = size === null || matched === size ? '' : ` of ${grouped(size)}`;
  const count = size === null ? 'one row' : `${grouped(matched)}${of} ${size === 1 ? 'row' : 'rows'}`;
  line(io.stdout, `${paint.strong(title)}: ${count}`);
  if (rows.length === 0) return;
  const columns = leaves.map((leaf): TextColumn => {
    const { path } = leaf;
    return isNumber(leaf) ? { title: path, align: 'right' } : { title: path };
  });
  const cells = rows.map((row) => leaves.map((leaf) => cellOf(leaf, valueAt(row, leaf))));
  const shown = fitting(io, columns, cells);
  const lines = textTable(
    columns.slice(0, shown),
    cells.map((row) => row.slice(0, shown)),
  );
  for (const [i, text] of lines.entries()) line(io.stdout, i < 2 ? paint.faint(text) : text);
  const rest = [
    ...(matched > rows.length ? [`${grouped(matched - rows.length)} more rows (--limit)`] : []),
    ...(shown < leaves.length
      ? [`no room for ${listed(leaves.slice(shown).map(({ path }) => path))} (--columns)`]
      : []),
  ];
  if (rest.length > 0) line(io.stdout, paint.faint(`… ${rest.join(' · ')}`));
}

function tellTables(io: Io, moment: Moment<Shape>, tables: { readonly [table: string]: TableSpec }): void {
  const paint = paintFor(io.stdout, io.env);
  const { id, tick, stateHash, world } = moment;
  line(io.stdout, `${paint.strong(nameText(id, tick))}: ${counted(Object.keys(tables).length, 'table')}`);
  line(io.stdout, `  ${paint.faint('state hash')}  ${stateHash}`);
  line(io.stdout);
  const columns: readonly TextColumn[] = [
    { title: 'table' },
    { title: 'rows', align: 'right' },
    { title: 'columns' },
  ];
  const faces = world as { readonly [table: string]: { readonly size?: number } };
  const rows = Object.entries(tables).map(([name, { columns: declared, single }]) => {
    const paths = leavesOf(declared).map(({ path }) => path);
    return [name, single ? '1' : grouped(faces[name]!.size!), cut(listed(paths), 60)];
  });
  for (const text of textTable(columns, rows)) line(io.stdout, `  ${text}`);
}

function tablesJson(
  { id, tick, stateHash, world }: Moment<Shape>,
  tables: { readonly [table: string]: TableSpec },
): string {
  const faces = world as { readonly [table: string]: { readonly size?: number } };
  const sizes = Object.entries(tables).map(([name, { single }]) => [name, single ? 1 : faces[name]!.size!]);
  return canonicalJson({ id, tick, stateHash, tables: Object.fromEntries(sizes) });
}

/** A table that was asked for, with what to show of it; mistakes are refused before anything is folded. */
function tableOf({ schema }: AnyWorld, o: ShowOptions) {
  const { tables, name } = schema.spec;
  const table = o.table!;
  const spec = Object.hasOwn(tables, table) ? tables[table] : undefined;
  if (spec === undefined)
    return fail(
      'BAD_USAGE',
      `the world '${name}' has no table '${table}'`,
      { table },
      `It has: ${listed(Object.keys(tables))}.`,
    );
  if (spec.single && o.where.size > 0)
    fail('BAD_USAGE', `'${table}' has one row: there is none to choose`, { table }, 'Leave --where out.');
  const leaves = leavesOf(spec.columns);
  return { table, spec, leaves: chosen(table, leaves, o.columns), match: matchOf(table, leaves, o.where) };
}

/** Shows the world of a run at a tick: its tables, or rows of one. */
export async function showWorld(io: Io, store: Store, named: Named, o: ShowOptions): Promise<number> {
  const { world } = await worldOf(io, store, named.info, o);
  const { tables } = world.schema.spec;
  const asked = o.table === undefined ? null : tableOf(world, o);
  const where = {
    store,
    id: named.info.id,
    guard: o.guard,
    ...(named.tick !== undefined && { tick: named.tick }),
  };
  const moment = await readWorld(world, where);
  const { id, tick } = moment;
  if (asked === null) {
    if (o.json) line(io.stdout, tablesJson(moment, tables));
    else tellTables(io, moment, tables);
    return EXIT.done;
  }
  const { table, spec, leaves, match } = asked;
  const found = rowsOf(moment.world, table, spec, match, o.limit);
  if (o.json) {
    const rows = found.rows.map((row) =>
      Object.fromEntries(leaves.map((leaf) => [leaf.path, literal(valueAt(row, leaf))])),
    );
    line(io.stdout, canonicalJson({ id, tick, table, size: found.size, matched: found.matched, rows }));
  } else tellRows(io, `${table} of ${nameText(id, tick)}`, leaves, found);
  return EXIT.done;
}
