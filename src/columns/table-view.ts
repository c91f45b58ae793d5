/**
 * What user code reads of a table.
 *
 * Rows are objects of their own, made when asked for; columns are the arrays themselves. A view follows its
 * table: it stays good when rows come and go, but arrays taken from `columns` are of the moment.
 */
import { fail } from '../base/errors.ts';
import type { Column, RawColumn } from './column.ts';
import { countMatching, matchingRows } from './match.ts';
import type { TableStore } from './table-store.ts';

type RowObject = object;
type Match = { readonly [column: string]: unknown };

/** Rows by their numbers, as objects; refuses to go on when rows were deleted since it was made. */
export class RowList implements Iterable<RowObject> {
  private readonly store: TableStore;
  /** Row numbers, ascending, as they were when the list was made: a copy, for the caller to keep. */
  readonly rows: Uint32Array;
  private readonly removals: number;

  constructor(store: TableStore, rows: Uint32Array) {
    this.store = store;
    this.rows = rows;
    this.removals = store.removals;
  }

  /** How many rows there are. */
  get size(): number {
    return this.rows.length;
  }

  *[Symbol.iterator](): Generator<RowObject> {
    const { store, removals } = this;
    if (store.removals !== removals) deletedMeanwhile(store);
    for (const row of this.rows) {
      yield store.set.rowAt(row);
      if (store.removals !== removals) deletedMeanwhile(store);
    }
  }
}

function deletedMeanwhile(store: TableStore): never {
  const table = store.layout.name;
  return fail(
    'ITERATING',
    `rows of '${table}' were deleted while it was iterated`,
    { table },
    'Iterate backwards() and delete the current row only, or collect the keys first.',
  );
}

/** Defines a property that is computed when it is read. */
export function lazy(target: object, name: string, get: () => unknown): void {
  Object.defineProperty(target, name, { get, enumerable: true });
}

/** An object with a property a column, each computed when it is read. */
export function perColumn(columns: readonly Column[], get: (column: Column) => () => unknown): object {
  const made = {};
  for (const column of columns) lazy(made, column.layout.name, get(column));
  return Object.freeze(made);
}

/** Enum codes by name, for the columns that have them; those of a struct nest. */
export function codesOf(columns: readonly Column[]): object {
  const made: { [column: string]: object } = {};
  for (const { layout, fields } of columns) {
    const { name, value } = layout;
    if (value.kind === 'enum')
      made[name] = Object.freeze(Object.fromEntries(value.names.map((of, code) => [of, code])));
    const nested = codesOf(fields);
    if (Object.keys(nested).length > 0) made[name] = nested;
  }
  return Object.freeze(made);
}

/** The array of a column, made anew only when the table has grown, shrunk or moved. */
function cachedView(store: TableStore, column: Column): () => RawColumn {
  let view: RawColumn = [];
  let size = -1;
  let data: unknown = null;
  return () => {
    if (store.gate.hidden) store.gate.checkVisible(store.layout.name);
    const now = column.lane !== null && 'data' in column.lane ? column.lane.data : null;
    if (now !== null && size === store.size && data === now) return view;
    size = store.size;
    data = now;
    view = column.view(0, size);
    return view;
  };
}

/** The read-only face of a table. */
export class TableView implements Iterable<RowObject> {
  private readonly behind: TableStore;
  readonly columns: object;
  readonly codes: object;
  readonly nulls: object;
  readonly by: object;

  constructor(store: TableStore) {
    this.behind = store;
    const { columns } = store.set;
    this.columns = perColumn(columns, (column) => cachedView(store, column));
    this.codes = codesOf(columns);
    this.nulls = perColumn(
      columns.filter((column) => column.valid !== null),
      ({ valid }) =>
        () =>
        (row: number) =>
          row < this.store.size && !valid!.has(row),
    );
    this.by = perColumn(
      columns.filter((column) => store.isIndexed(column.layout.name)),
      ({ layout: { name } }) =>
        () =>
        (value: unknown) =>
          new RowList(this.store, store.rowsBy(name, value).slice()),
    );
  }

  /** The table, once it may be looked at. */
  protected get store(): TableStore {
    const { behind } = this;
    if (behind.gate.hidden) behind.gate.checkVisible(behind.layout.name);
    return behind;
  }

  /** Number of rows. */
  get size(): number {
    return this.store.size;
  }

  /** The row with that key, or undefined. */
  get(key: unknown): RowObject | undefined {
    const row = this.store.find(key);
    return row < 0 ? undefined : this.store.set.rowAt(row);
  }

  /** The row with that key; `NO_ROW` when there is none. */
  need(key: unknown): RowObject {
    return this.store.set.rowAt(this.store.need(key));
  }

  /** Whether a row has that key. */
  has(key: unknown): boolean {
    return this.store.find(key) >= 0;
  }

  /** The row number of a key, for use with `columns`; `NO_ROW` when there is none. */
  row(key: unknown): number {
    return this.store.need(key);
  }

  /** The row with that number, as an object. */
  at(row: number): RowObject {
    const { store } = this;
    if (row >>> 0 !== row || row >= store.size)
      fail('NO_ROW', `'${store.layout.name}' has no row number ${row}: it has ${store.size} rows`, { row });
    return store.set.rowAt(row);
  }

  /** The rows that hold all the given values, in order of rows. */
  where(match: Match): RowList {
    return new RowList(this.store, matchingRows(this.store, match));
  }

  /** How many rows hold all the given values; all rows where none is given. */
  count(match: Match = {}): number {
    return countMatching(this.store, match);
  }

  *[Symbol.iterator](): Generator<RowObject> {
    const { store } = this;
    const { size, removals } = store;
    for (let row = 0; row < size; row++) {
      yield store.set.rowAt(row);
      if (store.removals !== removals) deletedMeanwhile(store);
    }
  }

  /** The rows from the last to the first; the current row may be deleted meanwhile. */
  *backwards(): Generator<RowObject> {
    const { store } = this;
    for (let row = store.size - 1; row >= 0; row--) {
      const { removals } = store;
      yield store.set.rowAt(row);
      const deleted = store.removals - removals;
      if (deleted > 1 || (deleted === 1 && store.lastRemoved !== row)) deletedMeanwhile(store);
    }
  }
}

/** The read-only face of a singleton. */
export class SingleView {
  private readonly behind: TableStore;

  constructor(store: TableStore) {
    this.behind = store;
  }

  /** The table, once it may be looked at. */
  protected get store(): TableStore {
    const { behind } = this;
    if (behind.gate.hidden) behind.gate.checkVisible(behind.layout.name);
    return behind;
  }

  /** The one row. */
  get value(): RowObject {
    return this.store.set.rowAt(0);
  }
}
