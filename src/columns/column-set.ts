/**
 * Columns that are stored together: the rows of a table, or the events of one kind.
 *
 * Owns size, capacity and the codec of whole sets. A set knows no keys, indexes or views: tables add them.
 * The bytes of a set are the bytes of its lanes in order; docs/formats.md holds the layout.
 */
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { fail } from '../base/errors.ts';
import type { SetLayout } from '../schema/compile.ts';
import { Column, type RawColumn } from './column.ts';
import type { Lane } from './lane.ts';
import { appendMany } from './many.ts';
import { type Appender, makeAppender, makeReader } from './row-code.ts';

/** What fills a column that a row leaves out, where the framework does: ids. */
export type Fillers = { readonly [column: string]: () => number };

/** A growable struct of arrays. */
export class ColumnSet {
  readonly layout: SetLayout;
  readonly columns: readonly Column[];
  readonly byName: ReadonlyMap<string, Column>;
  readonly lanes: readonly Lane[];
  size = 0;
  capacity = 0;
  readonly fillers: Fillers;
  private readonly marked: boolean;
  private appender: Appender | null = null;
  private reader: ((row: number) => object) | null = null;

  constructor(layout: SetLayout, marked: boolean, fillers: Fillers = {}) {
    this.layout = layout;
    this.fillers = fillers;
    this.columns = layout.columns.map((column) => new Column(column, marked));
    this.byName = new Map(this.columns.map((column) => [column.layout.name, column]));
    this.lanes = this.columns.flatMap((column) => column.lanes);
    this.marked = marked;
  }

  /** Appends a row object and returns its row number; checks every value. */
  get append(): Appender {
    return (this.appender ??= makeAppender(this, this.marked));
  }

  /** Makes the object of a row. */
  get rowAt(): (row: number) => object {
    return (this.reader ??= makeReader(this));
  }

  /** Room for `rows` rows. Capacity doubles; it is no state, and nothing may depend on it. */
  ensure(rows: number): void {
    if (rows <= this.capacity) return;
    if (rows > 0x7fffffff)
      fail('BAD_VALUE', `'${this.layout.name}' would hold more than 2^31 rows`, { rows });
    this.room(Math.max(16, rows, this.capacity * 2));
  }

  /** Room for exactly `capacity` rows; `memory` as in {@link Lane.grow}. */
  room(capacity: number, memory?: (bytes: number) => ArrayBuffer): void {
    this.capacity = capacity;
    for (const lane of this.lanes) lane.grow(capacity, memory);
  }

  /**
   * Appends whole arrays, one an entry of `given`; returns the number of rows. Ids are filled where left out.
   */
  appendMany(given: object): number {
    return appendMany(this, given as { readonly [column: string]: unknown });
  }

  /** Appends rows of a set of the same layout. */
  appendFrom(source: ColumnSet, from: number, to: number): void {
    this.ensure(this.size + to - from);
    for (let i = 0; i < this.lanes.length; i++)
      this.lanes[i]!.appendFrom(source.lanes[i]! as never, from, to, this.size);
    this.size += to - from;
  }

  /** Replaces a row by the last one and drops the last. */
  swapRemove(row: number): void {
    const last = this.size - 1;
    for (const lane of this.lanes) {
      if (row !== last) lane.move(last, row);
      lane.clear(last);
      lane.truncate(last);
    }
    this.size = last;
  }

  /**
   * Drops all rows and the room for them. What a table's arrays went through shows in which of them are
   * retired, so that a table that is folded anew must begin with none.
   */
  reset(): void {
    for (const lane of this.lanes) lane.reset();
    this.size = this.capacity = 0;
  }

  /** Drops all rows; the arrays stay for the next ones. */
  clear(): void {
    for (const lane of this.lanes) lane.truncate(0);
    this.size = 0;
  }

  /** What user code sees as `columns`: see {@link Column.view}. */
  view(from: number, to: number): { readonly [column: string]: RawColumn } {
    const made: { [column: string]: RawColumn } = {};
    for (const column of this.columns) made[column.layout.name] = column.view(from, to);
    return made;
  }

  /** Writes rows as bytes. */
  encode(writer: ByteWriter, from: number, to: number): void {
    for (const lane of this.lanes) lane.encode(writer, from, to);
  }

  /** Takes all rows from bytes; the set is read-only from then on. */
  decode(reader: ByteReader, count: number): void {
    for (const lane of this.lanes) lane.decode(reader, count);
    this.size = this.capacity = count;
  }
}
