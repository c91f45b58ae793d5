/**
 * Validity: one bit a row, lowest bit first, 1 where the row has a value.
 */
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { Lane, LEAF_BYTES } from './lane.ts';

/** A bitmap of rows. Bits past the last row are zero. */
export class BitLane extends Lane {
  bits = new Uint8Array(0);

  constructor(path: string, marked: boolean) {
    super(path, 31 - Math.clz32(LEAF_BYTES * 8), marked);
  }

  /** Whether the row has a value. */
  has(row: number): boolean {
    return ((this.bits[row >> 3]! >> (row & 7)) & 1) === 1;
  }

  /** Says whether the row has a value. */
  put(row: number, valid: boolean): void {
    const bit = 1 << (row & 7);
    if (valid) this.bits[row >> 3]! |= bit;
    else this.bits[row >> 3]! &= ~bit;
    this.marks[row >> this.shift] = 1;
  }

  grow(capacity: number): void {
    const grown = new Uint8Array((capacity + 7) >> 3);
    grown.set(this.bits);
    this.bits = grown;
    this.growMarks(capacity);
  }

  move(from: number, to: number): void {
    this.put(to, this.has(from));
  }

  clear(row: number): void {
    this.put(row, false);
  }

  truncate(): void {}

  override reset(): void {
    super.reset();
    this.bits = new Uint8Array(0);
  }

  appendFrom(source: this, from: number, to: number, at: number): void {
    for (let row = from; row < to; row++) this.put(at + row - from, source.has(row));
  }

  encode(writer: ByteWriter, from: number, to: number): void {
    writer.raw(this.range(from, to));
  }

  decode(reader: ByteReader, count: number): void {
    this.bits = reader.raw((count + 7) >> 3) as Uint8Array<ArrayBuffer>;
  }

  load(reader: ByteReader, at: number, rows: number): void {
    this.bits.set(reader.raw((rows + 7) >> 3), at >> 3);
    this.mark(at, at + rows);
  }

  protected leafBytes(from: number, to: number): Uint8Array {
    // Behind the last row there may be what a refused row left.
    return (to & 7) === 0 ? this.bits.subarray(from >> 3, to >> 3) : this.range(from, to);
  }

  /** The bits of a range, moved to begin at bit 0, zeros behind them. */
  private range(from: number, to: number): Uint8Array {
    const made = new Uint8Array((to - from + 7) >> 3);
    if ((from & 7) === 0) {
      made.set(this.bits.subarray(from >> 3, (to + 7) >> 3));
      if (to & 7) made[made.length - 1]! &= (1 << ((to - from) & 7)) - 1 || 255;
    } else
      for (let row = from; row < to; row++)
        if (this.has(row)) made[(row - from) >> 3]! |= 1 << ((row - from) & 7);
    return made;
  }
}
