/**
 * Arrays that another program put together, taken into tables value by value.
 *
 * Nothing here is trusted: every entry must belong to a column, every value must fit it, and a number of
 * another type is taken only where it is the same number. Slower than reading what worldfold wrote by a
 * factor that nobody should meet twice: save what was loaded.
 */
import { show } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import type { FixedArray } from '../columns/arrays.ts';
import type { CellLane } from '../columns/cell-lane.ts';
import type { Column } from '../columns/column.ts';
import { FixedLane } from '../columns/fixed-lane.ts';
import type { TableStore } from '../columns/table-store.ts';
import type { WorldState } from '../projections/world-state.ts';
import { SOURCES } from '../schema/compile.ts';
import { mayOmit } from '../schema/layout.ts';
import type { SnapshotHead } from './header.ts';
import { type NpyArray, readNpy } from './npy.ts';
import { entriesOf, fileOf, HEAD_ENTRY } from './npz-file.ts';
import type { ZipReader } from './zip.ts';

type Facts = { readonly [name: string]: unknown };

const wrong = (what: string, facts: Facts, hint?: string): never => fail('BAD_VALUE', what, facts, hint);

/** Columns and their fields, each before its own. */
function* withFields(columns: readonly Column[]): Generator<Column> {
  for (const column of columns) {
    yield column;
    yield* withFields(column.fields);
  }
}

/** All entries that some column of the world has. */
function knownEntries(state: WorldState): Set<string> {
  const known = new Set([fileOf(HEAD_ENTRY)]);
  for (const { layout, set } of state.tables.values())
    for (const column of withFields(set.columns)) {
      const { valid, values } = entriesOf(layout.name, column);
      for (const entry of valid === null ? values : [valid, ...values]) known.add(fileOf(entry));
    }
  return known;
}

/** The arrays of one table. */
class TableArrays {
  readonly store: TableStore;
  private readonly zip: ZipReader;
  private readonly arrays = new Map<string, NpyArray>();
  private rows: number | null = null;

  constructor(store: TableStore, zip: ZipReader) {
    this.store = store;
    this.zip = zip;
  }

  private get table(): string {
    return this.store.layout.name;
  }

  private async read(entry: string): Promise<NpyArray | undefined> {
    if (!this.zip.names.includes(fileOf(entry))) return undefined;
    const array = readNpy(await this.zip.bytes(fileOf(entry)), entry);
    this.arrays.set(entry, array);
    return array;
  }

  /** Says that an array has a value for each of so many rows. */
  private count(entry: string, rows: number): void {
    this.rows ??= rows;
    if (rows !== this.rows)
      wrong(`${entry} has ${rows} rows where ${this.table} has ${this.rows}`, { table: this.table, entry });
  }

  /** Reads everything that is there; returns the number of rows. */
  async readAll(): Promise<number> {
    for (const column of withFields(this.store.set.columns)) {
      const { valid, values } = entriesOf(this.table, column);
      for (const entry of valid === null ? values : [valid, ...values]) {
        const array = await this.read(entry);
        if (array !== undefined && entry !== values[1]) this.checkShape(entry, array, column);
      }
    }
    const { single } = this.store.layout;
    if (single && this.rows !== null && this.rows !== 1)
      wrong(`${this.table} has one row, not ${this.rows}`, { table: this.table, rows: this.rows });
    return this.rows ?? (single ? 1 : 0);
  }

  private checkShape(entry: string, { shape }: NpyArray, { layout: { path, value } }: Column): void {
    const [rows = 1, ...rest] = shape;
    const isVec = value.kind === 'vec' && entry === `${this.table}/${path}`;
    const fits = isVec ? rest.length === 1 && rest[0] === value.size : rest.length === 0;
    if (!fits)
      wrong(
        `${entry} has the shape (${shape.join(', ')})`,
        { table: this.table, entry, shape },
        isVec ? `It must be (rows, ${value.size}).` : 'It must have one value a row.',
      );
    this.count(entry, rows);
  }

  /** Whether any array of a column is there. */
  private has(column: Column): boolean {
    const { valid, values } = entriesOf(this.table, column);
    if ([...values, ...(valid === null ? [] : [valid])].some((entry) => this.arrays.has(entry))) return true;
    return column.fields.some((field) => this.has(field));
  }

  /** Writes all columns. */
  fill(rows: number): void {
    for (const column of this.store.set.columns) this.column(column, rows, () => true);
  }

  /** Writes the rows of a column that are there; what lies under a null struct stays zeros. */
  private column(column: Column, rows: number, isThere: (row: number) => boolean): void {
    if (!this.has(column)) {
      this.leaveOut(column, rows, isThere);
      return;
    }
    const { valid, values } = entriesOf(this.table, column);
    const flags = valid === null ? undefined : this.arrays.get(valid)?.data;
    const isPresent = (row: number): boolean =>
      isThere(row) && (flags === undefined || Number(flags[row]) !== 0);
    for (const field of column.fields) this.column(field, rows, isPresent);
    const write = column.lane === null ? null : this.leaf(column, values);
    for (let row = 0; row < rows; row++) {
      if (!isPresent(row)) column.store(row, null);
      else if (write === null) column.valid?.put(row, true);
      else write(row);
    }
  }

  private leaveOut(column: Column, rows: number, isThere: (row: number) => boolean): void {
    const { layout } = column;
    const own = layout.role === 'id';
    if (!own && !mayOmit(layout) && rows > 0)
      wrong(
        `there is no array for ${this.table}/${layout.path}`,
        { table: this.table, column: layout.path },
        'Only ids, optional columns and columns with a default may be left out.',
      );
    for (let row = 0; row < rows; row++)
      if (isThere(row)) column.write(row, own ? row + 1 : undefined, this.table);
  }

  private leaf(column: Column, entries: readonly string[]): (row: number) => void {
    const arrays = entries.map((entry) => {
      const array = this.arrays.get(entry);
      return array ?? wrong(`there is no array ${entry}`, { table: this.table, entry });
    });
    const valueAt =
      column.lane instanceof FixedLane
        ? numberReader(column, arrays[0]!, entries[0]!)
        : cellReader(column, arrays as never, entries);
    return (row) => column.write(row, valueAt(row), this.table);
  }
}

/** The number of an element as a column holds it: the same number, or `undefined`. */
function exactly(column: Column, element: number | bigint): unknown {
  const { value } = column.layout;
  if (value.kind === 'big') {
    if (typeof element === 'bigint') return element;
    return Number.isSafeInteger(element) ? BigInt(element) : undefined;
  }
  const number = Number(element);
  if (typeof element === 'bigint' && BigInt(number) !== element) return undefined;
  if (value.kind === 'enum') return value.names[number];
  if (value.kind === 'bool') return number === 0 ? false : number === 1 ? true : undefined;
  const single = (value as { array?: string }).array === 'f32';
  return single && !Object.is(Math.fround(number), number) ? undefined : number;
}

/** Reads the values of a column of numbers, which may be of another type. */
function numberReader(column: Column, { data, descr }: NpyArray, entry: string): (row: number) => unknown {
  const { layout } = column;
  const exact = (element: number | bigint, row: number): unknown => {
    const value = exactly(column, element);
    if (value !== undefined) return value;
    return wrong(
      `${entry}: ${show(element)} of type ${descr} is no value of the column`,
      { column: layout.path, row, value: element, descr },
      'Convert the array with .astype() to the type that the schema declares.',
    );
  };
  if (layout.value.kind !== 'vec') return (row) => exact(data[row]!, row);
  const { size } = layout.value;
  return (row) => Array.from({ length: size }, (_, i) => exact((data as FixedArray)[row * size + i]!, row));
}

/** Reads the values of a column of cells: each ends where the next one begins. */
function cellReader(
  column: Column,
  [ends, bytes]: readonly [NpyArray, NpyArray],
  entries: readonly string[],
): (row: number) => unknown {
  const { codec } = column.lane as CellLane;
  const heap = bytes.data;
  if (!(heap instanceof Uint8Array))
    return wrong(`${entries[1]} must be bytes (uint8)`, { entry: entries[1], descr: bytes.descr });
  const count = ends.data.length;
  if (count > 0 && Number(ends.data[count - 1]) !== heap.length)
    wrong(`${entries[0]} does not end with the length of ${entries[1]}`, { entry: entries[0] });
  return (row) => {
    const from = row === 0 ? 0 : Number(ends.data[row - 1]);
    const to = Number(ends.data[row]);
    if (!(from <= to && to <= heap.length))
      wrong(`${entries[0]} goes back in row ${row}`, { entry: entries[0], row });
    return codec.decode(heap.subarray(from, to));
  };
}

/**
 * Fills a world with the arrays of an archive. `head`, where there is one, gives the allocators. Refuses with
 * `BAD_VALUE`, `DUPLICATE_KEY`, `UNSUPPORTED`, `CORRUPT`, and leaves the world as it may be then.
 */
export async function readForeign(
  zip: ZipReader,
  state: WorldState,
  head: SnapshotHead | null,
): Promise<void> {
  const { path } = zip.file;
  const known = knownEntries(state);
  const unknown = zip.names.find((name) => !known.has(name));
  if (unknown !== undefined) {
    const entry = unknown.replace(/\.npy$/, '');
    wrong(
      `${path}: ${entry} belongs to no column`,
      { path, entry },
      `There are: ${[...known].map((name) => name.replace(/\.npy$/, '')).join(', ')}.`,
    );
  }
  for (const [name, store] of state.tables) {
    const arrays = new TableArrays(store, zip);
    const rows = await arrays.readAll();
    if (store.layout.single && !zip.names.some((entry) => entry.startsWith(`${name}/`))) continue;
    const extent = head !== null && Object.hasOwn(head.tables, name) ? head.tables[name] : undefined;
    store.beginRestore(Math.max(rows, extent?.capacity ?? (name === SOURCES && rows === 0 ? 0 : rows)));
    arrays.fill(rows);
    store.endRestore({ size: rows, nextId: 1 });
    if (store.layout.ids) for (let row = 0; row < rows; row++) store.reserve(store.keyAt(row) as number);
    if (extent !== undefined && extent.nextId > store.nextId) store.reserve(extent.nextId - 1);
  }
}
