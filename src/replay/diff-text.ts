/**
 * The difference of two worlds as text for people: which tables, how many rows, then row by row.
 *
 * Owns words and layout. Knows no runs: who compares two moments says which, in a line of its own and in the
 * names of the two sides.
 */
import type {
  Both,
  ChangedRow,
  LoneRow,
  MovedRow,
  RowDifference,
  TableDifference,
  WorldDifference,
} from '../projections/world-diff.ts';
import { SOURCES } from '../schema/compile.ts';
import { aligned, cellText, counted, cut, grouped } from './diff-text-layout.ts';

const KEY_WIDTH = 32;
const VALUE_WIDTH = 40;
const ROW_WIDTH = 90;

const indented = (lines: readonly string[], by: number): string[] =>
  lines.map((line) => `${' '.repeat(by)}${line}`);

/** What the framework's own table is called where people read. */
const tableName = (table: string): string => (table === SOURCES ? 'input sources' : table);

/** A row's cells under the columns of its table's key. */
function keyCells({ key: columns }: TableDifference, key: unknown): readonly string[] {
  const values = columns.length > 1 ? Object.values(key as object) : columns.map(() => key);
  return values.map((value) => cellText(value, KEY_WIDTH));
}

/** What is told of a table, and under which names. */
interface Telling {
  readonly table: TableDifference;
  readonly names: Both<string>;
}

/** Whether rows are told apart by their numbers alone: a singleton has no need to. */
const byNumber = ({ key, size }: TableDifference): boolean =>
  key.length === 0 && Math.max(size.a, size.b) > 1;

const rowsOf = <R extends RowDifference>({ table }: Telling, change: R['change']): readonly R[] =>
  table.rows.filter((row): row is R => row.change === change);

/** The rows of one sort under their heading; what the limit left out is said in the last line. */
function section(heading: string, lines: readonly string[], left: number): string[] {
  const rest = left > 0 ? [`… ${grouped(left)} more`] : [];
  return [`  ${heading}`, ...indented([...lines, ...rest], 4)];
}

function changedLines({ table, names }: Telling, rows: readonly ChangedRow[]): readonly string[] {
  if (rows.length === 0) return [];
  const moved = rows.some(({ row }) => row.a !== row.b);
  const numbered = moved || byNumber(table);
  const place = ({ row: { a, b } }: ChangedRow): string =>
    a === b ? grouped(a) : `${grouped(a)} → ${grouped(b)}`;
  const first = (row: ChangedRow): readonly string[] => [
    ...keyCells(table, row.key),
    ...(numbered ? [place(row)] : []),
  ];
  const titles = [...table.key, ...(numbered ? ['row'] : [])];
  const lines = rows.flatMap((row) =>
    row.values.map(({ column, a, b }, at) => [
      ...(at === 0 ? first(row) : titles.map(() => '')),
      column,
      cellText(a, VALUE_WIDTH),
      cellText(b, VALUE_WIDTH),
    ]),
  );
  return aligned([[...titles, 'column', names.a, names.b], ...lines]);
}

function loneLines({ table }: Telling, rows: readonly LoneRow[]): readonly string[] {
  if (rows.length === 0) return [];
  const numbered = table.key.length === 0;
  const shown = ({ values }: LoneRow): string => {
    const rest = Object.entries(values).filter(([name]) => !table.key.includes(name));
    return cut(rest.map(([name, value]) => `${name} ${cellText(value, VALUE_WIDTH)}`).join(', '), ROW_WIDTH);
  };
  const lines = rows.map((row) => [
    ...(numbered ? [grouped(row.row)] : keyCells(table, row.key)),
    shown(row),
  ]);
  return aligned([[...(numbered ? ['row'] : table.key), 'values'], ...lines]);
}

function movedLines({ table, names }: Telling, rows: readonly MovedRow[]): readonly string[] {
  if (rows.length === 0) return [];
  const lines = rows.map(({ key, row }) => [...keyCells(table, key), grouped(row.a), grouped(row.b)]);
  return aligned([[...table.key, `row in ${names.a}`, `row in ${names.b}`], ...lines]);
}

function rowSections(telling: Telling): string[] {
  const { table, names } = telling;
  const { counts } = table;
  const columns = table.columns
    .filter(({ rows }) => rows > 0)
    .map(({ column, rows }) => `${column} in ${grouped(rows)}`);
  const changed = rowsOf<ChangedRow>(telling, 'changed');
  const moved = rowsOf<MovedRow>(telling, 'moved');
  const sorts: readonly (readonly [string, number, readonly unknown[], readonly string[]])[] = [
    [`changed: ${columns.join(', ')}`, counts.changed, changed, changedLines(telling, changed)],
    ...(['a', 'b'] as const).map((side) => {
      const rows = rowsOf<LoneRow>(telling, `only in ${side}`);
      const count = side === 'a' ? counts.onlyInA : counts.onlyInB;
      return [
        `only in ${names[side]}: ${counted(count, 'row')}`,
        count,
        rows,
        loneLines(telling, rows),
      ] as const;
    }),
    [`in another place: ${counted(counts.moved, 'row')}`, counts.moved, moved, movedLines(telling, moved)],
  ];
  return sorts.flatMap(([heading, count, rows, lines]) =>
    count === 0 ? [] : section(heading, lines, count - rows.length),
  );
}

function tableText(telling: Telling): string[] {
  const { table, names } = telling;
  const { size, counts, nextId } = table;
  const sizes =
    size.a === size.b
      ? counted(size.a, 'row')
      : `${counted(size.a, 'row')} in ${names.a}, ${grouped(size.b)} in ${names.b}`;
  const differing = counts.changed + counts.onlyInA + counts.onlyInB + counts.moved;
  const verdict = differing === 1 ? '1 differs' : `${grouped(differing)} differ`;
  const lines = [`${tableName(table.table)}  ${sizes}, ${verdict}`];
  for (const [side, columns] of [
    [names.a, table.columnsOnlyInA],
    [names.b, table.columnsOnlyInB],
  ] as const)
    if (columns.length > 0) lines.push(`  declared only in ${side}: ${columns.join(', ')}`);
  const redeclared = table.columns.filter((column) => column.redeclared).map(({ column }) => column);
  if (redeclared.length > 0) lines.push(`  declared otherwise: ${redeclared.join(', ')}`);
  if (byNumber(table)) lines.push('  matched by row number: the two have no key in common');
  if (nextId !== null)
    lines.push(`  next id: ${grouped(nextId.a)} in ${names.a}, ${grouped(nextId.b)} in ${names.b}`);
  return [...lines, ...rowSections(telling)];
}

/**
 * A difference as lines for a terminal, without a newline at the end. `names` are what the two sides are
 * called: `a` and `b` if left out.
 */
export function differenceText(
  difference: WorldDifference,
  [a, b]: readonly [string, string] = ['a', 'b'],
): string {
  const names = { a, b };
  const { tables, tablesOnlyInA, tablesOnlyInB, schema, same } = difference;
  const lines: string[] = [];
  if (schema !== null) lines.push(`the schemas of ${a} and ${b} differ`);
  for (const [side, only] of [
    [a, tablesOnlyInA],
    [b, tablesOnlyInB],
  ] as const)
    if (only.length > 0) lines.push(`declared only in ${side}: ${only.join(', ')}`);
  const count = counted(tables.length, 'table differs', 'tables differ');
  lines.push(same ? 'the two worlds are equal' : count);
  for (const table of tables) lines.push(...tableText({ table, names }));
  return lines.join('\n');
}
