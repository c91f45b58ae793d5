/**
 * Lanes of fixed width: one typed array, `width` values a row.
 */
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { xxh128Leaves } from '../base/hash.ts';
import type { ArrayType } from '../schema/layout.ts';
import { arrayClass, bytesOf, byteView, type FixedArray, retire } from './arrays.ts';
import { Lane, LEAF_BYTES } from './lane.ts';

/** The largest power of two of rows that fit a leaf. */
const shiftOf = (bytesPerRow: number): number => Math.max(0, 31 - Math.clz32(LEAF_BYTES / bytesPerRow));

/** A typed array of rows. `data` is replaced when it grows: never keep it. */
export class FixedLane extends Lane {
  readonly type: ArrayType;
  readonly width: number;
  data: FixedArray;
  private readonly zero: number | bigint;
  /** Whether raw writes may have left NaN, which is stored as one bit pattern. */
  private raw = false;

  constructor(path: string, type: ArrayType, width: number, marked: boolean) {
    super(path, shiftOf(bytesOf(type) * width), marked);
    this.type = type;
    this.width = width;
    this.data = new (arrayClass(type))(0);
    this.zero = type === 'u64' || type === 'i64' ? 0n : 0;
  }

  grow(capacity: number, memory?: (bytes: number) => ArrayBuffer): void {
    const old = this.data;
    const Class = arrayClass(this.type);
    const length = capacity * this.width;
    this.data = memory ? new Class(memory(length * Class.BYTES_PER_ELEMENT)) : new Class(length);
    this.data.set(old as never);
    // Rows of a batch never change, so that an array from before is as good as before; a table's would be
    // stale.
    if (this.marked) retire(old);
    this.growMarks(capacity);
  }

  move(from: number, to: number): void {
    const { width } = this;
    if (width === 1) this.data[to] = this.data[from]!;
    else this.data.copyWithin(to * width, from * width, (from + 1) * width);
    this.marks[to >> this.shift] = 1;
  }

  clear(row: number): void {
    const { width, data } = this;
    // One assignment takes a tenth of the time of a call of fill.
    if (width === 1) data[row] = this.zero as never;
    else data.fill(this.zero as never, row * width, (row + 1) * width);
    this.marks[row >> this.shift] = 1;
  }

  truncate(): void {}

  override reset(): void {
    super.reset();
    retire(this.data);
    this.data = new (arrayClass(this.type))(0);
    this.raw = false;
  }

  appendFrom(source: this, from: number, to: number, at: number): void {
    const { width } = this;
    this.data.set(source.data.subarray(from * width, to * width) as never, at * width);
    this.mark(at, at + to - from);
  }

  encode(writer: ByteWriter, from: number, to: number): void {
    writer.align(this.data.BYTES_PER_ELEMENT);
    writer.raw(byteView(this.data, from * this.width, to * this.width));
  }

  decode(reader: ByteReader, count: number): void {
    const size = bytesOf(this.type);
    reader.align(size);
    const length = count * this.width;
    const bytes = reader.raw(length * size);
    const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
    this.data = new (arrayClass(this.type))(aligned.buffer, aligned.byteOffset, length);
  }

  load(reader: ByteReader, at: number, rows: number): void {
    const { width, data } = this;
    reader.align(data.BYTES_PER_ELEMENT);
    byteView(data, at * width, (at + rows) * width).set(reader.raw(rows * width * data.BYTES_PER_ELEMENT));
    this.mark(at, at + rows);
  }

  /** Lets the next hash give NaN its one bit pattern in what is marked. */
  expectNaN(): void {
    this.raw = true;
  }

  protected override hashLeaves(from: number, to: number, out: Uint8Array, at: number): void {
    const { type, data, shift } = this;
    const floats = this.raw && (type === 'f32' || type === 'f64') ? type : null;
    const size = (data.BYTES_PER_ELEMENT * this.width) << shift;
    xxh128Leaves(this.leafBytes(from, to), size, floats, out, at);
  }

  protected override hashed(): void {
    this.raw = false;
  }

  protected leafBytes(from: number, to: number): Uint8Array {
    return byteView(this.data, from * this.width, to * this.width);
  }
}
