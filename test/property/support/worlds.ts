/** Worlds without runs: tables filled and edited directly, copied, and compared by their row objects. */
import { isWorldfoldError } from '../../../src/base/errors.ts';
import type { TableStore } from '../../../src/columns/table-store.ts';
import type {
  LoneRow,
  RowCounts,
  RowDifference,
  WorldDifference,
} from '../../../src/projections/world-diff.ts';
import { WorldState } from '../../../src/projections/world-state.ts';
import type { TableLayout } from '../../../src/schema/compile.ts';
import type { ColumnLayout } from '../../../src/schema/layout.ts';
import type { AnySchema } from '../../../src/testing/arbitraries.ts';
import { tablesOf } from '../../../src/testing/arbitraries-handlers.ts';
import { drawRow, textOf } from '../../../src/testing/arbitraries-rows.ts';
import { type Dice, drawCell, pickOf } from '../../../src/testing/arbitraries-values.ts';
import { sameValue } from '../../../src/testing/reference-world.ts';

type Row = { readonly [column: string]: unknown };

/** Writes tables as a handler would. */
export function edit<W>(state: WorldState, work: (world: W) => void): void {
  state.gate.open = true;
  work(state.writer as W);
  state.gate.settle();
  state.gate.open = false;
}

/** A world that holds the same, byte for byte. */
export function copyOf(state: WorldState): WorldState {
  const copy = new WorldState(state.schema);
  for (const [name, { size, nextId, set }] of state.tables)
    copy.tables.get(name)!.restore({ size, nextId, capacity: size }, ({ lanes }) => {
      for (const [i, lane] of lanes.entries()) lane.appendFrom(set.lanes[i]! as never, 0, size, 0);
    });
  return copy;
}

/** One of many values of a key column, by number; small types repeat themselves. */
function keyValue({ value }: ColumnLayout, n: number): unknown {
  switch (value.kind) {
    case 'big':
      return BigInt(n);
    case 'bool':
      return n % 2 === 1;
    case 'enum':
      return value.names[n % value.names.length];
    case 'number':
      return n % (Math.min(value.max, 2 ** 30) + 1);
    default:
      return `key ${n}`;
  }
}

/** Inserts a row of the pool under a key with that number, if the key is free. */
function insert(store: TableStore, pool: readonly Row[], dice: Dice, n: number): void {
  const { layout } = store;
  const keys = layout.ids ? [] : layout.key.map((column) => [column.name, keyValue(column, n)] as const);
  try {
    store.insert({ ...pickOf(dice, pool), ...Object.fromEntries(keys) });
  } catch (e) {
    if (!isWorldfoldError(e, 'DUPLICATE_KEY')) throw e;
  }
}

function poolOf(layout: TableLayout, dice: Dice): readonly Row[] {
  const withoutIds = (row: Row): Row =>
    Object.fromEntries(Object.entries(row).filter(([name]) => layout.byName.get(name)!.role !== 'id'));
  return Array.from({ length: 12 }, () => withoutIds(drawRow(dice, layout.columns, 1)));
}

/** A world whose tables hold up to `rows` rows each, as the dice say. */
export function filledWorld({ compiled }: AnySchema, dice: Dice, rows: number): WorldState {
  const state = new WorldState(compiled);
  edit(state, (world: { [table: string]: { set(row: object): void } }) => {
    for (const layout of tablesOf(compiled)) {
      const pool = poolOf(layout, dice);
      const store = state.tables.get(layout.name)!;
      if (layout.single) world[layout.name]!.set(pool[0]!);
      else for (let n = 0; n < rows; n++) insert(store, pool, dice, n);
    }
  });
  return state;
}

interface Table {
  readonly size: number;
  at(row: number): Row;
  set(patch: object): void;
  update(key: unknown, patch: object): void;
  delete(key: unknown): void;
  insert(row: object): void;
}

const keyIn = ({ key }: TableLayout, row: Row): unknown =>
  key.length === 0
    ? null
    : key.length === 1
      ? row[key[0]!.name]
      : Object.fromEntries(key.map(({ name }) => [name, row[name]]));

const patchFor = ({ columns, key }: TableLayout, dice: Dice): Row =>
  Object.fromEntries(
    columns
      .filter((column) => !key.includes(column) && dice.below(2) === 0)
      .map((column) => [column.name, drawCell(dice, column)]),
  );

/** Edits a world: changes, deletes, inserts, puts rows elsewhere. */
export function editAtRandom(state: WorldState, dice: Dice, edits: number): void {
  const layouts = tablesOf(state.schema);
  edit(state, (world: { readonly [table: string]: Table }) => {
    for (let left = edits; left > 0; left--) {
      const layout = pickOf(dice, layouts);
      const table = world[layout.name]!;
      if (layout.single) {
        table.set(patchFor(layout, dice));
        continue;
      }
      const store = state.tables.get(layout.name)!;
      const deed = dice.below(10);
      if (deed < 2 || table.size === 0) insert(store, poolOf(layout, dice), dice, 5000 + dice.below(50));
      else {
        const row = table.at(dice.below(table.size));
        if (deed < 7) table.update(keyIn(layout, row), patchFor(layout, dice));
        else table.delete(keyIn(layout, row));
        // The same row again, at the end.
        if (deed === 9) table.insert(row);
      }
    }
  });
}

/** The paths in which two rows differ, with both values: a struct that one side lacks is named itself. */
function differingIn(columns: readonly ColumnLayout[], a: Row, b: Row): [string, unknown, unknown][] {
  return columns.flatMap(({ name, path, value }): [string, unknown, unknown][] => {
    const [mine, other] = [a[name], b[name]];
    if (value.kind === 'struct' && mine !== null && other !== null)
      return differingIn(value.fields, mine as Row, other as Row);
    return sameValue(mine, other) ? [] : [[path, mine, other]];
  });
}

/** What a difference says, in a form that can be compared: rows as texts, sorted. */
export interface PlainTable {
  readonly table: string;
  readonly size: readonly number[];
  readonly nextId: readonly number[];
  readonly columns: { readonly [path: string]: number };
  readonly counts: RowCounts;
  readonly rows: readonly string[];
}

const placed = (row: RowDifference, change: string = row.change): string =>
  change.startsWith('only')
    ? textOf([change, row.key, row.row, (row as LoneRow).values])
    : textOf([change, row.key, row.row, 'values' in row ? row.values : []]);

/** A difference as {@link PlainTable}s. */
export const plainOf = ({ tables }: WorldDifference): PlainTable[] =>
  tables.map(({ table, size, nextId, columns, counts, rows }) => ({
    table,
    size: [size.a, size.b],
    nextId: nextId === null ? [] : [nextId.a, nextId.b],
    columns: Object.fromEntries(columns.map(({ column, rows: count }) => [column, count])),
    counts,
    rows: rows.map((row) => placed(row)).sort(),
  }));

/** The difference as if seen from the other side. */
export function swapped(difference: WorldDifference): WorldDifference {
  const over = <T>({ a, b }: { readonly a: T; readonly b: T }) => ({ a: b, b: a });
  const flip = (row: RowDifference): RowDifference => {
    if (row.change === 'changed')
      return {
        ...row,
        row: over(row.row),
        values: row.values.map((value) => ({ ...value, ...over(value) })),
      };
    if (row.change === 'moved') return { ...row, row: over(row.row) };
    return { ...row, change: row.change === 'only in a' ? 'only in b' : 'only in a' };
  };
  return {
    ...difference,
    stateHash: over(difference.stateHash),
    tables: difference.tables.map((table) => ({
      ...table,
      size: over(table.size),
      nextId: table.nextId && over(table.nextId),
      counts: { ...table.counts, onlyInA: table.counts.onlyInB, onlyInB: table.counts.onlyInA },
      rows: table.rows.map(flip),
    })),
  };
}

/** A row of both worlds: its numbers, and whether its values differ. */
export interface SharedRow {
  readonly a: number;
  readonly b: number;
  readonly changed: boolean;
}

/** Two tables of one layout compared by their row objects: every row of one is looked for in the other. */
export function comparedPlainly(
  a: TableStore,
  b: TableStore,
): { readonly plain: PlainTable; readonly shared: readonly SharedRow[] } {
  const { layout } = a;
  const rowsIn = ({ set, size }: TableStore): Row[] =>
    Array.from({ length: size }, (_, row) => set.rowAt(row) as Row);
  const keyed = (rows: readonly Row[]) => new Map(rows.map((row, i) => [textOf(keyIn(layout, row)), i]));
  const [mine, theirs] = [rowsIn(a), rowsIn(b)];
  const [mineBy, theirsBy] = [keyed(mine), keyed(theirs)];
  const columns: { [path: string]: number } = {};
  const rows: string[] = [];
  const shared: SharedRow[] = [];
  const counts = { changed: 0, onlyInA: 0, onlyInB: 0, moved: 0 };
  mine.forEach((row, i) => {
    const key = keyIn(layout, row);
    const at = theirsBy.get(textOf(key));
    if (at === undefined) {
      counts.onlyInA++;
      rows.push(textOf(['only in a', key, i, row]));
      return;
    }
    const found = differingIn(layout.columns, row, theirs[at]!);
    shared.push({ a: i, b: at, changed: found.length > 0 });
    for (const [path] of found) columns[path] = (columns[path] ?? 0) + 1;
    const values = found.map(([column, left, right]) => ({ column, a: left, b: right }));
    if (found.length === 0 && at === i) return;
    const change = found.length > 0 ? 'changed' : 'moved';
    counts[change]++;
    rows.push(textOf([change, key, { a: i, b: at }, values]));
  });
  theirs.forEach((row, i) => {
    if (mineBy.has(textOf(keyIn(layout, row)))) return;
    counts.onlyInB++;
    rows.push(textOf(['only in b', keyIn(layout, row), i, row]));
  });
  const plain: PlainTable = {
    table: layout.name,
    size: [a.size, b.size],
    nextId: a.nextId === b.nextId ? [] : [a.nextId, b.nextId],
    columns,
    counts,
    rows: rows.sort(),
  };
  return { plain, shared };
}

/** Two worlds of one schema compared by their row objects; tables that are equal are left out. */
export const worldsComparedPlainly = (a: WorldState, b: WorldState): PlainTable[] =>
  [...a.tables]
    .map(([name, store]) => comparedPlainly(store, b.tables.get(name)!).plain)
    .filter(({ rows, nextId }) => rows.length + nextId.length > 0);
