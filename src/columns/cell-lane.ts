/**
 * Cells of any length: texts, bytes, JSON, lists. Each row has a start and an end in one heap of bytes.
 *
 * Owns the heap and its compaction, and the array of decoded values that readers see: a prefix of the rows,
 * made longer when it is asked for and kept true by every write. Garbage in the heap is no state: hashes and
 * codec read cells in order of rows.
 */
import { ByteReader, ByteWriter, sameBytes } from '../base/bytes.ts';
import { fail } from '../base/errors.ts';
import { utf8Into } from '../base/text.ts';
import type { CellCodec } from './cells.ts';
import { Lane, type RowRange } from './lane.ts';

/** Rows of a leaf, as a power of two. */
const CELL_SHIFT = 8;
const MIN_GARBAGE = 4096;
const NOTHING = new Uint8Array(0);

/** Rows of bytes, with the values that they stand for. */
export class CellLane extends Lane {
  readonly codec: CellCodec;
  private start = new Uint32Array(0);
  private end = new Uint32Array(0);
  private heap = new Uint8Array(0);
  private used = 0;
  private garbage = 0;
  private count = 0;
  /** The values of the first rows, as far as anyone has asked for them. */
  private values: unknown[] = [];
  /** What was handed out of them, until something is written. */
  private shown: readonly unknown[] | null = null;

  constructor(path: string, codec: CellCodec, marked: boolean) {
    super(path, CELL_SHIFT, marked);
    this.codec = codec;
  }

  /** The bytes of a cell, as a view that the next write may change. */
  bytesAt(row: number): Uint8Array {
    return this.heap.subarray(this.start[row], this.end[row]);
  }

  /** The value of a cell, for the caller to keep. */
  read(row: number): unknown {
    return this.codec.shared && row < this.values.length
      ? this.values[row]
      : this.codec.decode(this.bytesAt(row));
  }

  /** Stores a value that was checked. */
  write(row: number, value: unknown): void {
    if (this.codec.text) this.writeText(row, value as string);
    else this.put(row, this.codec.encode(value));
    if (row < this.values.length) this.values[row] = this.codec.decode(this.bytesAt(row));
  }

  /** The values of the first `size` rows: an array of the moment, which no later write changes. */
  all(size: number, nullAt: ((row: number) => boolean) | null): readonly unknown[] {
    const { values } = this;
    for (let row = values.length; row < size; row++)
      values.push(nullAt?.(row) ? null : this.codec.decode(this.bytesAt(row)));
    if (this.shown?.length !== size) this.shown = Object.freeze(values.slice(0, size));
    return this.shown;
  }

  /** Tells the array of values that a row is null. */
  noteNull(row: number): void {
    if (row < this.values.length) this.values[row] = null;
    this.shown = null;
  }

  private writeText(row: number, text: string): void {
    this.room(text.length * 3);
    const at = this.used;
    const written = utf8Into(text, this.heap, at);
    this.place(row, at, at + written);
  }

  private put(row: number, bytes: Uint8Array): void {
    this.room(bytes.length);
    this.heap.set(bytes, this.used);
    this.place(row, this.used, this.used + bytes.length);
  }

  private place(row: number, from: number, to: number): void {
    if (row < this.count) this.garbage += this.end[row]! - this.start[row]!;
    else this.count = row + 1;
    this.start[row] = from;
    this.end[row] = to;
    this.used = to;
    this.shown = null;
    this.marks[row >> this.shift] = 1;
  }

  /** Makes room in the heap, by compaction where half of it is garbage. */
  private room(more: number): void {
    if (this.used + more <= this.heap.length) return;
    const live = this.used - this.garbage;
    if (live + more > 0xffffffff)
      fail('BAD_VALUE', `column '${this.path}' would hold more than 4 GiB`, { column: this.path });
    const compact = this.garbage > MIN_GARBAGE && this.garbage * 2 > this.used;
    // Compaction visits every row, so it must be paid for by at least as many bytes written.
    const wanted = Math.max(64, live + more, live * 2 + this.count);
    const grown = new Uint8Array(Math.min(0xffffffff, wanted));
    if (compact || this.used + more > grown.length) this.compactInto(grown);
    else grown.set(this.heap.subarray(0, this.used));
    this.heap = grown;
  }

  private compactInto(heap: Uint8Array): void {
    let at = 0;
    for (let row = 0; row < this.count; row++) {
      const bytes = this.bytesAt(row);
      heap.set(bytes, at);
      this.start[row] = at;
      at += bytes.length;
      this.end[row] = at;
    }
    this.used = at;
    this.garbage = 0;
  }

  grow(capacity: number): void {
    const start = new Uint32Array(capacity);
    const end = new Uint32Array(capacity);
    start.set(this.start);
    end.set(this.end);
    this.start = start;
    this.end = end;
    this.growMarks(capacity);
  }

  move(from: number, to: number): void {
    this.put(to, this.bytesAt(from).slice());
    if (to >= this.values.length) return;
    if (from < this.values.length) this.values[to] = this.values[from];
    else this.values = [];
  }

  clear(row: number): void {
    if (row < this.count) this.garbage += this.end[row]! - this.start[row]!;
    else this.count = row + 1;
    this.start[row] = this.end[row] = 0;
    // Under a null struct nobody else tells the values: what is read must be what a fold would read.
    if (row < this.values.length) this.values[row] = this.codec.decode(NOTHING);
    this.shown = null;
    this.marks[row >> this.shift] = 1;
  }

  truncate(size: number): void {
    for (let row = size; row < this.count; row++) this.garbage += this.end[row]! - this.start[row]!;
    this.count = Math.min(this.count, size);
    if (this.values.length > size) this.values.length = size;
    if (size === 0) this.used = this.garbage = 0;
  }

  override reset(): void {
    super.reset();
    this.start = this.end = new Uint32Array(0);
    this.heap = new Uint8Array(0);
    this.used = this.garbage = this.count = 0;
    this.values = [];
    this.shown = null;
  }

  appendFrom(source: this, from: number, to: number, at: number): void {
    for (let row = from; row < to; row++) this.put(at + row - from, source.bytesAt(row));
    if (this.values.length > at) this.values = [];
  }

  encode(writer: ByteWriter, from: number, to: number): void {
    writer.align(4);
    let end = 0;
    for (let row = from; row < to; row++) writer.u32((end += this.end[row]! - this.start[row]!));
    for (let row = from; row < to; row++) writer.raw(this.bytesAt(row));
  }

  decode(reader: ByteReader, count: number): void {
    reader.align(4);
    if (count > reader.left / 4)
      fail('CORRUPT', `cells of '${this.path}' end too early`, {
        column: this.path,
        count,
        left: reader.left,
      });
    this.start = new Uint32Array(count);
    this.end = new Uint32Array(count);
    let last = 0;
    for (let row = 0; row < count; row++) {
      const end = reader.u32();
      if (end < last) fail('CORRUPT', `cells of '${this.path}' overlap`, { column: this.path, row });
      this.start[row] = last;
      this.end[row] = last = end;
    }
    this.heap = reader.raw(last) as Uint8Array<ArrayBuffer>;
    this.used = last;
    this.garbage = 0;
    this.count = count;
    this.values = [];
    this.shown = null;
  }

  load(reader: ByteReader, at: number, rows: number): void {
    reader.align(4);
    const ends = new ByteReader(reader.raw(rows * 4));
    let last = 0;
    for (let row = at; row < at + rows; row++) {
      const end = ends.u32();
      if (end < last) fail('CORRUPT', `cells of '${this.path}' overlap`, { column: this.path, row });
      this.put(row, reader.raw(end - last));
      last = end;
    }
  }

  /** Bytes, and objects inside lists, can be changed by whoever reads them, and are shared by all readers. */
  override spoilt(): RowRange | null {
    const { codec, values } = this;
    if (codec.shared) return null;
    for (let row = 0; row < values.length; row++) {
      const value = values[row];
      if (value === null) continue;
      // A cleared cell has no bytes, and reads as a value that would be stored with some.
      if (!sameCell(codec, value, codec.decode(this.bytesAt(row)))) return { from: row, to: row + 1 };
    }
    return null;
  }

  /**
   * Becomes `rows` cells of bytes as {@link encode} lays them out, which are its own from then on; room for
   * the rows is there. `CORRUPT` where ends and bytes do not fit each other.
   */
  adopt(bytes: Uint8Array<ArrayBuffer>, rows: number): void {
    const reader = new ByteReader(bytes, 0, rows * 4);
    let last = 0;
    for (let row = 0; row < rows; row++) {
      const end = reader.u32();
      if (end < last) fail('CORRUPT', `cells of '${this.path}' overlap`, { column: this.path, row });
      this.start[row] = last;
      this.end[row] = last = end;
    }
    this.heap = bytes.subarray(rows * 4);
    if (last !== this.heap.length)
      fail('CORRUPT', `cells of '${this.path}' end elsewhere than their bytes`, { column: this.path, last });
    this.used = last;
    this.garbage = 0;
    this.count = rows;
    this.values = [];
    this.shown = null;
    this.mark(0, rows);
  }

  protected leafBytes(from: number, to: number): Uint8Array {
    scratch.length = 0;
    for (let row = from; row < to; row++) scratch.u32(this.end[row]! - this.start[row]!);
    for (let row = from; row < to; row++) scratch.raw(this.bytesAt(row));
    return scratch.bytes.subarray(0, scratch.length);
  }
}

function sameCell(codec: CellCodec, a: unknown, b: unknown): boolean {
  try {
    return sameBytes(codec.encode(a), codec.encode(b));
  } catch {
    // It was changed into something that no cell can hold.
    return false;
  }
}

const scratch = new ByteWriter(1 << 14);
