/**
 * A lane: one physical array of a column, cut into leaves that are hashed again only when they were written.
 *
 * Owns marks and leaf hashes, which every kind of lane shares. A lane of a batch is never hashed and carries
 * no marks: marking it writes past the end of an empty array, which does nothing.
 */
import { type ByteReader, type ByteWriter, sameBytes } from '../base/bytes.ts';
import { STATE_HASH_BYTES, xxh128, xxh128Into } from '../base/hash.ts';

/** Bytes of a leaf, at most, for lanes of fixed width; a row that is longer is a leaf of its own. */
export const LEAF_BYTES = 4096;

/** Rows from one number to before another. */
export interface RowRange {
  readonly from: number;
  readonly to: number;
}

/** One physical array: rows of numbers, bits or cells. */
export abstract class Lane {
  /** Where the lane stands in its table or kind: `pos.x`. */
  readonly path: string;
  /** A leaf holds 2^shift rows. */
  readonly shift: number;
  /** One byte a leaf: written since it was hashed. Empty where nothing is ever hashed. */
  marks: Uint8Array;
  /** One byte a leaf: written, and hashed since, after the last {@link settle}. */
  stale: Uint8Array;
  readonly marked: boolean;
  private leafHashes = new Uint8Array(0);
  /** What the last digest gave, and for how many rows: -1 for none. */
  private readonly whole = new Uint8Array(STATE_HASH_BYTES);
  private wholeSize = -1;

  constructor(path: string, shift: number, marked: boolean) {
    this.path = path;
    this.shift = shift;
    this.marked = marked;
    this.marks = this.stale = new Uint8Array(0);
  }

  /**
   * Room for `capacity` rows; arrays handed out before are retired. An empty lane may take the memory of its
   * numbers from `memory`, of as many bytes; whoever gives it sets the rows behind the last to zeros.
   */
  abstract grow(capacity: number, memory?: (bytes: number) => ArrayBuffer): void;
  /** Copies one row over another. */
  abstract move(from: number, to: number): void;
  /** Sets a row to zeros: what lies past the last row, and under a null, is always zero. */
  abstract clear(row: number): void;
  /** Forgets the rows from `size` on, which were cleared. */
  abstract truncate(size: number): void;
  /** Forgets rows and room, as when it was made. */
  reset(): void {
    this.marks = this.stale = new Uint8Array(0);
    this.wholeSize = -1;
  }

  /** Appends rows of another lane of the same layout. */
  abstract appendFrom(source: this, from: number, to: number, at: number): void;
  /** Writes rows as docs/formats.md lays them out. */
  abstract encode(writer: ByteWriter, from: number, to: number): void;
  /**
   * Takes rows from bytes, without a copy where they are aligned. The lane must not be written afterwards.
   */
  abstract decode(reader: ByteReader, count: number): void;
  /**
   * Writes rows from bytes as {@link encode} laid them out into room that is there; `at` begins a leaf.
   * `CORRUPT` where they end too early.
   */
  abstract load(reader: ByteReader, at: number, rows: number): void;
  /** The canonical bytes of the rows of one leaf. */
  protected abstract leafBytes(from: number, to: number): Uint8Array;

  /** Hashes the leaves of a range of rows, which begins with a leaf, into `out` from `at` on. */
  protected hashLeaves(from: number, to: number, out: Uint8Array, at: number): void {
    const rows = 1 << this.shift;
    for (let row = from, place = at; row < to; row += rows, place += STATE_HASH_BYTES)
      xxh128Into(this.leafBytes(row, Math.min(to, row + rows)), out, place);
  }

  /** Takes note that everything marked was hashed. */
  protected hashed(): void {}

  /** Marks the leaves of a range of rows. */
  mark(from: number, to: number): void {
    if (to > from) this.marks.fill(1, from >> this.shift, ((to - 1) >> this.shift) + 1);
  }

  /** Makes marks for `capacity` rows; called by `grow`. */
  protected growMarks(capacity: number): void {
    if (!this.marked) return;
    const grown = new Uint8Array((capacity >> this.shift) + 1);
    grown.set(this.marks);
    this.marks = grown;
    const stale = new Uint8Array(grown.length);
    stale.set(this.stale);
    this.stale = stale;
  }

  /** The number of leaves of the first `size` rows. */
  leaves(size: number): number {
    return Math.ceil(size / (1 << this.shift));
  }

  /** The hash of a leaf as the last {@link digest} left it: a view of 16 bytes. */
  leafHash(leaf: number): Uint8Array {
    return this.leafHashes.subarray(leaf * STATE_HASH_BYTES, (leaf + 1) * STATE_HASH_BYTES);
  }

  /** Whether a leaf hashes as that of another lane does, as the last digests left both. Allocates nothing. */
  sameLeaf(other: Lane, leaf: number): boolean {
    const theirs = other.leafHashes;
    for (let i = leaf * STATE_HASH_BYTES, end = i + STATE_HASH_BYTES; i < end; i++)
      if (this.leafHashes[i] !== theirs[i]) return false;
    return true;
  }

  /** Takes note that what was written so far is kept elsewhere: nothing is stale. */
  settle(): void {
    this.stale.fill(0);
  }

  /**
   * The hash of the lane's first `size` rows: XXH3-128 over the hashes of its leaves. Hashes what is marked.
   * The next digest overwrites what this one gave.
   */
  digest(size: number): Uint8Array {
    const leaves = this.leaves(size);
    if (this.leafHashes.length < leaves * STATE_HASH_BYTES) this.growHashes(leaves);
    const { marks } = this;
    let some = false;
    for (let leaf = 0; leaf < leaves; leaf++) {
      if (marks[leaf] === 0) continue;
      let end = leaf + 1;
      while (end < leaves && marks[end] !== 0) end++;
      this.hashRun(leaf, end, size);
      some = true;
      leaf = end;
    }
    this.hashed();
    if (some || this.wholeSize !== size) {
      xxh128Into(this.leafHashes, this.whole, 0, leaves * STATE_HASH_BYTES);
      this.wholeSize = size;
    }
    return this.whole;
  }

  private hashRun(leaf: number, end: number, size: number): void {
    const { shift } = this;
    this.hashLeaves(leaf << shift, Math.min(size, end << shift), this.leafHashes, leaf * STATE_HASH_BYTES);
    for (let done = leaf; done < end; done++) {
      this.marks[done] = 0;
      this.stale[done] = 1;
    }
  }

  /**
   * The rows of the first leaf that holds something else than when it was hashed, though it was not marked
   * since; or null. Hashes every leaf that is not marked.
   */
  audit(size: number): RowRange | null {
    const rows = 1 << this.shift;
    const leaves = this.leaves(size);
    for (let leaf = 0; leaf < leaves; leaf++) {
      if (this.marks[leaf] !== 0) continue;
      const from = leaf * rows;
      const to = Math.min(size, from + rows);
      if (!sameBytes(xxh128(this.leafBytes(from, to)), this.leafHash(leaf))) return { from, to };
    }
    return this.spoilt();
  }

  /** The first row whose value, as readers share it, is no longer what the bytes say; or null. */
  spoilt(): RowRange | null {
    return null;
  }

  private growHashes(leaves: number): void {
    const grown = new Uint8Array(leaves * 2 * STATE_HASH_BYTES);
    grown.set(this.leafHashes);
    this.leafHashes = grown;
  }
}
