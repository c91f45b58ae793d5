/**
 * What two worlds differ in: tables, columns, rows, with both values.
 *
 * The state hash is a tree, so that a difference is found by going down where hashes differ: what is equal
 * costs one comparison of hashes, however large it is. Owns what is told of a difference, and in what order;
 * which rows differ is found in src/columns. Knows no runs and no ticks.
 */
import { checkNames } from '../base/arguments.ts';
import { hex, sameBytes } from '../base/bytes.ts';
import { show } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import { compareTables, type RowPairs, type TableComparison } from '../columns/table-diff.ts';
import type { TableStore } from '../columns/table-store.ts';
import { literal } from '../schema/canonical-text.ts';
import type { WorldState } from './world-state.ts';

/** One of each world. */
export interface Both<T> {
  readonly a: T;
  readonly b: T;
}

/** Two values of one column, as user code sees them: null where there is none. */
export interface ValueDifference extends Both<unknown> {
  /** The declared path: `health`, `pos.x`. */
  readonly column: string;
}

/** A row of both worlds with other values; `row` is its number in each. */
export interface ChangedRow {
  readonly change: 'changed';
  /**
   * The key as user code gives it: an object for composite keys. Null where rows are matched by number.
   */
  readonly key: unknown;
  readonly row: Both<number>;
  readonly values: readonly ValueDifference[];
}

/** A row of one world only. */
export interface LoneRow {
  readonly change: 'only in a' | 'only in b';
  readonly key: unknown;
  readonly row: number;
  /** All columns, as user code sees them. */
  readonly values: { readonly [column: string]: unknown };
}

/** A row of both worlds with the same values in another place: the order of rows is state. */
export interface MovedRow {
  readonly change: 'moved';
  readonly key: unknown;
  readonly row: Both<number>;
}

/** What became of a row between two worlds. */
export type RowDifference = ChangedRow | LoneRow | MovedRow;

/** A column that differs, or one field of it. */
export interface ColumnDifference {
  /** The declared path: `health`, `pos.x`. */
  readonly column: string;
  /** How many rows that both worlds have differ in it. */
  readonly rows: number;
  /** Whether it is declared otherwise in the other schema: all its values count as different then. */
  readonly redeclared: boolean;
}

/** How many rows differ in which way. */
export interface RowCounts {
  readonly changed: number;
  readonly onlyInA: number;
  readonly onlyInB: number;
  readonly moved: number;
}

/** A table that differs. */
export interface TableDifference {
  /** The table's name; `$sources` is the framework's own, of the marks of input sources. */
  readonly table: string;
  /** Number of rows. */
  readonly size: Both<number>;
  /** The ids that the next new rows get, where they differ; else null. */
  readonly nextId: Both<number> | null;
  /**
   * The key columns that rows are matched by. None for a singleton, and where the tables have no key in
   * common: rows are matched by their numbers then.
   */
  readonly key: readonly string[];
  /** In order of name. Columns that are equal are left out, and the key that rows are matched by. */
  readonly columns: readonly ColumnDifference[];
  /** Paths of columns that only one schema declares. */
  readonly columnsOnlyInA: readonly string[];
  readonly columnsOnlyInB: readonly string[];
  /** Always exact, whatever was left out of `rows`. */
  readonly counts: RowCounts;
  /** The first rows of each sort: changed, only in a, only in b, moved. */
  readonly rows: readonly RowDifference[];
  /** Whether `rows` holds fewer than were counted. */
  readonly truncated: boolean;
}

/** What two worlds differ in. Plain data that stays as it is when the worlds go on. */
export interface WorldDifference {
  /** Whether the state hashes are equal: then there is nothing else in it. */
  readonly same: boolean;
  /** In hexadecimal. */
  readonly stateHash: Both<string>;
  /** The fingerprints of the schemas where those differ; else null. */
  readonly schema: Both<string> | null;
  /** Names of tables that only one schema declares. */
  readonly tablesOnlyInA: readonly string[];
  readonly tablesOnlyInB: readonly string[];
  /** The tables of both that differ, in order of name. */
  readonly tables: readonly TableDifference[];
}

/** How much of a difference is told. */
export interface DiffOptions {
  /** At most how many rows are listed for each table: 100 if left out. Counts are exact all the same. */
  readonly limit?: number;
}

const LIMIT = 100;

/**
 * How many of each sort are listed: as many as there are, where the limit allows; else each sort gets its
 * share, and what a sort leaves over goes to the larger ones.
 */
function sharesOf(counts: readonly number[], limit: number): readonly number[] {
  const shares = counts.map(() => 0);
  let left = limit;
  const bySize = counts.map((_, sort) => sort).sort((x, y) => counts[x]! - counts[y]! || x - y);
  bySize.forEach((sort, done) => {
    const share = Math.floor(left / (bySize.length - done));
    shares[sort] = Math.min(counts[sort]!, share);
    left -= shares[sort];
  });
  return shares;
}

/** The key of a row as user code gives it: an object for composite keys. */
export function keyOf({ layout, set }: TableStore, row: number): unknown {
  const values = layout.key.map(({ name }) => [name, set.byName.get(name)!.read(row)] as const);
  return values.length === 1 ? values[0]![1] : Object.fromEntries(values);
}

/** Makes the rows that are listed. */
class Rows {
  private readonly a: TableStore;
  private readonly b: TableStore;
  private readonly found: TableComparison;

  constructor(a: TableStore, b: TableStore, found: TableComparison) {
    this.a = a;
    this.b = b;
    this.found = found;
  }

  private key(store: TableStore, row: number): unknown {
    return this.found.key.length > 0 ? keyOf(store, row) : null;
  }

  changed(a: number, b: number): ChangedRow {
    const values = this.found.parts
      .filter(({ part, rows }) => rows > 0 && part.differs(a, b))
      .map(({ part }) => ({ column: part.path, a: part.a.read(a), b: part.b.read(b) }));
    return { change: 'changed', key: this.key(this.a, a), row: { a, b }, values };
  }

  onlyInA(row: number): LoneRow {
    const values = this.a.set.rowAt(row) as LoneRow['values'];
    return { change: 'only in a', key: this.key(this.a, row), row, values };
  }

  onlyInB(_: number, row: number): LoneRow {
    const values = this.b.set.rowAt(row) as LoneRow['values'];
    return { change: 'only in b', key: this.key(this.b, row), row, values };
  }

  moved(a: number, b: number): MovedRow {
    return { change: 'moved', key: this.key(this.a, a), row: { a, b } };
  }
}

function rowsOf(a: TableStore, b: TableStore, found: TableComparison, limit: number): RowDifference[] {
  const make = new Rows(a, b, found);
  const sorts: readonly (readonly [RowPairs, (a: number, b: number) => RowDifference])[] = [
    [found.changed, (i, j) => make.changed(i, j)],
    [found.onlyInA, (i) => make.onlyInA(i)],
    [found.onlyInB, (i, j) => make.onlyInB(i, j)],
    [found.moved, (i, j) => make.moved(i, j)],
  ];
  const shares = sharesOf(
    sorts.map(([{ count }]) => count),
    limit,
  );
  return sorts.flatMap(([pairs, each], sort) =>
    Array.from({ length: shares[sort]! }, (_, i) => each(pairs.a[i]!, pairs.b[i]!)),
  );
}

function tableDifference(a: TableStore, b: TableStore, limit: number): TableDifference {
  const found = compareTables(a, b, limit);
  const { key, columnsOnlyInA, columnsOnlyInB } = found;
  const rows = rowsOf(a, b, found, limit);
  const counts: RowCounts = {
    changed: found.changed.count,
    onlyInA: found.onlyInA.count,
    onlyInB: found.onlyInB.count,
    moved: found.moved.count,
  };
  return {
    table: a.layout.name,
    size: { a: a.size, b: b.size },
    nextId: a.nextId === b.nextId ? null : { a: a.nextId, b: b.nextId },
    key,
    columns: found.parts
      .filter((one) => one.rows > 0 || one.part.lanes === null)
      .map((one) => ({ column: one.part.path, rows: one.rows, redeclared: one.part.lanes === null })),
    columnsOnlyInA,
    columnsOnlyInB,
    counts,
    rows,
    truncated: rows.length < counts.changed + counts.onlyInA + counts.onlyInB + counts.moved,
  };
}

/**
 * Compares two worlds of one schema, or of two. Hashes what was written since it was last hashed; from there
 * on the cost is one descent of the tree of hashes, and the rows of leaves that differ. A limit that is no
 * whole number is `BAD_USAGE`; a world that is being folded anew is `WRONG_STATE`.
 */
export function diffWorlds(a: WorldState, b: WorldState, options: DiffOptions = {}): WorldDifference {
  checkNames('the options of diffWorlds', options, ['limit']);
  const { limit = LIMIT } = options;
  if (!Number.isSafeInteger(limit) || limit < 0)
    fail('BAD_USAGE', `limit must be a whole number of rows, not ${show(limit)}`, { limit });
  for (const { gate, tables } of [a, b]) for (const name of tables.keys()) gate.checkVisible(name);
  const stateHash = { a: hex(a.digest()), b: hex(b.digest()) };
  const tables: TableDifference[] = [];
  for (const [name, mine] of a.tables) {
    const other = b.tables.get(name);
    if (other !== undefined && !sameBytes(mine.digest(), other.digest()))
      tables.push(tableDifference(mine, other, limit));
  }
  const missing = (from: WorldState, other: WorldState): string[] =>
    [...from.tables.keys()].filter((name) => !other.tables.has(name));
  return {
    same: stateHash.a === stateHash.b,
    stateHash,
    schema: a.schema.text === b.schema.text ? null : { a: a.schema.fingerprint, b: b.schema.fingerprint },
    tablesOnlyInA: missing(a, b),
    tablesOnlyInB: missing(b, a),
    tables,
  };
}

type Named = { readonly [column: string]: unknown };

const literals = (values: Named): Named =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, literal(value)]));

/** A key of several columns is an object of them; no other key is an object. */
const keyLiteral = (key: unknown): unknown =>
  typeof key === 'object' && key !== null ? literals(key as Named) : literal(key);

function rowJson(row: RowDifference): object {
  const key = keyLiteral(row.key);
  switch (row.change) {
    case 'moved':
      return { ...row, key };
    case 'changed': {
      const values = row.values.map(({ column, a, b }) => ({ column, a: literal(a), b: literal(b) }));
      return { ...row, key, values };
    }
    default:
      return { ...row, key, values: literals(row.values) };
  }
}

/**
 * A difference as JSON holds it. Values stand as the log writes them: what JSON has no form for is an object
 * with one name that begins with `$`: `{"$big":"7"}`, `{"$bytes":"00ff"}`, `{"$number":"NaN"}`, and
 * `{"$object":[["x",1]]}` for objects inside of values.
 */
export const differenceJson = (difference: WorldDifference): object => ({
  ...difference,
  tables: difference.tables.map((table) => ({ ...table, rows: table.rows.map(rowJson) })),
});
