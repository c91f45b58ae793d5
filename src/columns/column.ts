/**
 * A stored column: the lanes of one declared column, and the passage between values and lanes.
 *
 * `read` and `write` serve every layout and are what generated code is measured against; `write` checks what
 * a typed array would silently destroy and throws `BAD_VALUE` with the column and the row.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { assert, fail } from '../base/errors.ts';
import { type ColumnLayout, flawOf, mayOmit } from '../schema/layout.ts';
import { defaultOf } from '../schema/validate.ts';
import { canonicalNaN } from './arrays.ts';
import { BitLane } from './bit-lane.ts';
import { CellLane } from './cell-lane.ts';
import { bytesCodec, type CellCodec, jsonCodec, textCodec } from './cells.ts';
import { FixedLane } from './fixed-lane.ts';
import type { Lane } from './lane.ts';

/** What user code gets as `columns.x`: a typed array, an array of values, or an object of either. */
export type RawColumn = ArrayLike<unknown> | { readonly [field: string]: RawColumn };

const valueLane = (layout: ColumnLayout, marked: boolean): Lane | null => {
  const { value, path } = layout;
  switch (value.kind) {
    case 'struct':
      return null;
    case 'vec':
      return new FixedLane(path, value.array, value.size, marked);
    case 'text':
      return new CellLane(path, textCodec, marked);
    case 'bytes':
      return new CellLane(path, bytesCodec, marked);
    case 'json':
      return new CellLane(path, jsonCodec, marked);
    case 'list':
      return new CellLane(path, listCodec(value.of), marked);
    default:
      return new FixedLane(path, value.array, 1, marked);
  }
};

/** One column of a table or a batch. */
export class Column {
  readonly layout: ColumnLayout;
  readonly valid: BitLane | null;
  /** The lane of the values; null for a struct, whose fields have lanes of their own. */
  readonly lane: Lane | null;
  readonly fields: readonly Column[];
  /** Every lane of the column, in the order in which they are stored. */
  readonly lanes: readonly Lane[];
  private readonly codes: ReadonlyMap<string, number>;

  constructor(layout: ColumnLayout, marked: boolean) {
    const { value } = layout;
    this.layout = layout;
    this.valid = layout.optional ? new BitLane(`${layout.path}?`, marked) : null;
    this.lane = valueLane(layout, marked);
    this.fields = value.kind === 'struct' ? value.fields.map((field) => new Column(field, marked)) : [];
    this.lanes = [
      ...(this.valid ? [this.valid] : []),
      ...(this.lane ? [this.lane] : this.fields.flatMap((field) => field.lanes)),
    ];
    this.codes = new Map(value.kind === 'enum' ? value.names.map((name, code) => [name, code]) : []);
  }

  /** The value of a row, as user code sees it. */
  read(row: number): unknown {
    if (this.valid !== null && !this.valid.has(row)) return null;
    const { value } = this.layout;
    if (value.kind === 'struct') return this.readStruct(row);
    if (this.lane instanceof CellLane) return this.lane.read(row);
    const { data, width } = this.lane as FixedLane;
    if (value.kind === 'vec') return Array.from(data.subarray(row * width, (row + 1) * width) as never);
    if (value.kind === 'bool') return data[row] === 1;
    return value.kind === 'enum' ? value.names[data[row] as number] : data[row];
  }

  private readStruct(row: number): object {
    const made: { [field: string]: unknown } = {};
    for (const field of this.fields) made[field.layout.name] = field.read(row);
    return made;
  }

  /** Stores a value in a row, after checking it. Undefined takes the column's default. `who` heads errors. */
  write(row: number, given: unknown, who: string): void {
    const { layout } = this;
    const value = given === undefined ? defaultOf(layout) : given;
    const flaw = flawOf(layout, value);
    if (flaw !== null)
      fail('BAD_VALUE', `${who}.${layout.path}: ${flaw}`, { table: who, column: layout.path, row, value });
    this.store(row, value);
  }

  /** Stores a value that was checked. */
  store(row: number, value: unknown): void {
    if (this.valid !== null) this.valid.put(row, value !== null);
    if (value === null) this.storeNull(row);
    else if (this.lane === null) for (const field of this.fields) field.storeField(row, value);
    else if (this.lane instanceof CellLane) this.lane.write(row, value);
    else this.storeFixed(this.lane as FixedLane, row, value);
  }

  private storeField(row: number, struct: unknown): void {
    const given = (struct as { [field: string]: unknown })[this.layout.name];
    assert(given !== undefined || mayOmit(this.layout), 'a struct was stored unchecked');
    this.store(row, given === undefined ? defaultOf(this.layout) : given);
  }

  private storeNull(row: number): void {
    for (const lane of this.lanes) if (lane !== this.valid) lane.clear(row);
    if (this.lane instanceof CellLane) this.lane.noteNull(row);
  }

  private storeFixed(lane: FixedLane, row: number, value: unknown): void {
    const type = this.layout.value;
    const { data } = lane;
    if (type.kind === 'vec') (data as Float64Array).set(value as ArrayLike<number>, row * type.size);
    else data[row] = this.raw(value) as never;
    if (type.kind === 'number' && type.nan && Number.isNaN(data[row])) canonicalNaN(data, row, row + 1);
    lane.marks[row >> lane.shift] = 1;
  }

  /**
   * The stored number of a checked value: the code of an enum name, 0 or 1 for a boolean, 0 for −0 in whole
   * columns, the nearest single in f32 columns.
   */
  raw(value: unknown): unknown {
    const type = this.layout.value;
    if (type.kind === 'enum') return this.codes.get(value as string);
    if (type.kind === 'bool') return value === true ? 1 : 0;
    if (type.kind !== 'number') return value;
    if (type.whole) return (value as number) + 0;
    return type.array === 'f32' ? Math.fround(value as number) : value;
  }

  /** What user code sees as `columns.x`: exactly `size` rows. */
  view(from: number, to: number): RawColumn {
    if (this.lane === null)
      return Object.fromEntries(this.fields.map((field) => [field.layout.name, field.view(from, to)]));
    if (this.lane instanceof CellLane) {
      const { valid } = this;
      const values = this.lane.all(to, valid === null ? null : (row) => !valid.has(row));
      return from === 0 ? values : values.slice(from, to);
    }
    const { data, width } = this.lane as FixedLane;
    return data.subarray(from * width, to * width) as unknown as ArrayLike<unknown>;
  }
}

/** A list is a count and the lanes of its items: one array per leaf of the item's type. */
function listCodec(of: ColumnLayout): CellCodec {
  const writer = new ByteWriter(64);
  const load = (count: number): Column => {
    const items = new Column(of, false);
    for (const lane of items.lanes) lane.grow(count);
    return items;
  };
  return {
    text: false,
    // Items that are objects can be changed by whoever gets them, though the list around them can't.
    shared: !['bytes', 'vec', 'struct', 'list'].includes(of.value.kind),
    encode(value) {
      const list = value as readonly unknown[];
      const items = load(list.length);
      list.forEach((item, i) => void items.store(i, item));
      writer.varint(list.length);
      for (const lane of items.lanes) lane.encode(writer, 0, list.length);
      return writer.take();
    },
    decode(bytes) {
      if (bytes.length === 0) return Object.freeze([]);
      const reader = new ByteReader(bytes);
      const count = reader.varint();
      const items = new Column(of, false);
      for (const lane of items.lanes) lane.decode(reader, count);
      if (reader.left > 0) fail('CORRUPT', `a list of '${of.path}' holds more than its items`, { count });
      return Object.freeze(Array.from({ length: count }, (_, i) => items.read(i)));
    },
  };
}
