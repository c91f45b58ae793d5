/**
 * Writing columns: what `table.write.x` is.
 *
 * Every write checks its value, marks its leaf and keeps indexes true; `span` hands out the raw array for one
 * piece and marks it whole. `set` is written for its column where code may be generated.
 */
import { fail } from '../base/errors.ts';
import { generate } from '../base/generate.ts';
import type { FixedArray } from './arrays.ts';
import type { Column } from './column.ts';
import { FixedLane } from './fixed-lane.ts';
import { firstFlawed, fromCode } from './many.ts';
import { rawStoreCode } from './row-code.ts';
import { type TableStore, TOUCHED } from './table-store.ts';

type Setter = (row: number, value: unknown) => void;

/**
 * One writable column of a table. Numbers, codes and 0/1 as stored, names of enums and booleans beside them;
 * texts and other cells as values.
 */
export class WriteColumn {
  /**
   * Stores a value in a row. `BAD_VALUE` when it does not fit, `NO_ROW` past the end, `READ_ONLY` outside
   * apply.
   */
  readonly set: Setter;
  private readonly store: TableStore;
  private readonly column: Column;

  constructor(store: TableStore, column: Column) {
    this.store = store;
    this.column = column;
    this.set = makeSetter(store, column);
  }

  /** Number of rows. */
  get length(): number {
    return this.store.size;
  }

  /**
   * What is stored in a row: the raw number, which is 0 where the row is null, or the value of a cell.
   * `NO_ROW`.
   */
  get(row: number): unknown {
    if (row >>> 0 !== row || row >= this.store.size) badRow(this.store, this.column, row);
    const { lane, layout } = this.column;
    return lane instanceof FixedLane && layout.value.kind !== 'vec' ? lane.data[row] : this.column.read(row);
  }

  /** Stores one value in the rows from `from` to before `to`. */
  fill(value: unknown, from = 0, to: number = this.store.size): void {
    checkRange(this.store, this.column, from, to);
    if (from === to) return;
    this.set(from, value);
    const { lane, valid, layout } = this.column;
    if (valid !== null || !(lane instanceof FixedLane) || lane.width > 1)
      for (let row = from + 1; row < to; row++) this.set(row, value);
    else {
      lane.data.fill(lane.data[from]! as never, from, to);
      lane.mark(from, to);
      this.store.indexOf(layout.path)?.drop();
    }
  }

  /**
   * The raw array of the rows from `from` to before `to`, to be written until the handler returns. Rows may
   * not be added or removed meanwhile. Only columns of numbers that are not optional have spans.
   */
  span(from = 0, to: number = this.store.size): FixedArray {
    checkRange(this.store, this.column, from, to);
    const { lane, valid, layout } = this.column;
    const { store } = this;
    if (!(lane instanceof FixedLane) || valid !== null)
      return fail('BAD_USAGE', `'${layout.path}' has no spans: its values are not plain numbers`, {
        column: layout.path,
      });
    lane.mark(from, to);
    store.touched = TOUCHED;
    store.indexOf(layout.path)?.hold();
    store.spans++;
    if (takesNaN(this.column)) lane.expectNaN();
    store.gate.hold({ end: () => endSpan(store, this.column, lane, from, to) });
    return lane.data.subarray(from * lane.width, to * lane.width);
  }
}

function endSpan(store: TableStore, column: Column, lane: FixedLane, from: number, to: number): void {
  store.spans--;
  store.indexOf(column.layout.path)?.release();
  const { value } = column.layout;
  const { width, data } = lane;
  if (takesNaN(column)) return;
  const flawed = firstFlawed(value, data, from * width, to * width);
  if (flawed >= 0) refuseSpan(store, column, Math.floor(flawed / width), data[flawed]);
  if (value.kind === 'number' && value.whole && lane.type === 'f64') dropSign(data, from, to);
}

const takesNaN = ({ layout: { value } }: Column): boolean => value.kind === 'number' && value.nan;

function refuseSpan(store: TableStore, column: Column, row: number, value: unknown): never {
  const table = store.layout.name;
  const { path } = column.layout;
  const by = store.gate.writer;
  return fail(
    'BAD_VALUE',
    `${table}.${path}: a span taken by '${by}' left ${value} in row ${row}, which does not fit`,
    { table, column: path, row, value, by },
  );
}

/** Whole numbers know no −0. */
function dropSign(data: FixedArray, from: number, to: number): void {
  for (let i = from; i < to; i++) if (data[i] === 0) data[i] = 0 as never;
}

function checkRange(store: TableStore, column: Column, from: number, to: number): void {
  const table = store.layout.name;
  if (!store.gate.open) store.gate.refuse(table);
  if (!(Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to && to <= store.size))
    fail('NO_ROW', `rows ${from} to ${to} are not all in '${table}', which has ${store.size}`, {
      table,
      column: column.layout.path,
      from,
      to,
    });
}

function badRow(store: TableStore, column: Column, row: unknown): never {
  const table = store.layout.name;
  return fail('NO_ROW', `'${table}' has no row number ${row}: it has ${store.size} rows`, {
    table,
    column: column.layout.path,
    row,
  });
}

function makeSetter(store: TableStore, column: Column): Setter {
  const values: { [name: string]: unknown } = {
    store,
    gate: store.gate,
    set: store.set,
    badRow: (row: unknown) => badRow(store, column, row),
    refuse: () => store.gate.refuse(store.layout.name),
  };
  const who = store.layout.name;
  const code = `return (n, v) => { if (!gate.open) refuse(); if ((n >>> 0) !== n || n >= set.size) badRow(n);
    ${rawStoreCode(column, 'k', values, who)} store.touched = ${TOUCHED}; }`;
  const plain = generate<Setter>(values, code) ?? generalSetter(store, column);
  if (!store.isIndexed(column.layout.path)) return plain;
  return (row, value) => {
    if (row >>> 0 !== row || row >= store.size) badRow(store, column, row);
    store.reindexed(column, row, () => plain(row, value));
  };
}

function generalSetter(store: TableStore, column: Column): Setter {
  return (row, value) => {
    if (!store.gate.open) store.gate.refuse(store.layout.name);
    if (row >>> 0 !== row || row >= store.size) badRow(store, column, row);
    column.write(row, fromCode(column, value), store.layout.name);
    store.touched = TOUCHED;
  };
}
