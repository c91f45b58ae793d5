/**
 * A declared index: from a value to the rows that hold it, in ascending order of rows.
 *
 * Kept with every change in constant time; a bucket is sorted when it is read after a change, so that what a
 * reader sees depends on the table alone and never on how it came to be. Raw writes (fill, span) drop the
 * index, and the next reader builds it again; while a span is held, every reader does.
 */

/** What an index tells values apart by; null stands for rows without a value. */
export type IndexKey = number | bigint | string | null;

interface Bucket {
  rows: Uint32Array;
  size: number;
  sorted: boolean;
}

const EMPTY = new Uint32Array(0);

/** The rows of a table by the value of one column. */
export class RowIndex {
  private readonly buckets = new Map<IndexKey, Bucket>();
  /** Where each row stands in its bucket. */
  private places = new Uint32Array(0);
  private stale = false;
  /** Spans through which the column may be written at any moment. */
  private held = 0;
  private readonly valueAt: (row: number) => IndexKey;

  constructor(valueAt: (row: number) => IndexKey) {
    this.valueAt = valueAt;
  }

  /**
   * The rows that hold a value, ascending: a view that the next change of the table, or of a value in the
   * column, may spoil. `size` is the table's.
   */
  rows(value: IndexKey, size: number): Uint32Array {
    if (this.stale) this.rebuild(size);
    const bucket = this.buckets.get(value);
    if (bucket === undefined) return EMPTY;
    if (!bucket.sorted) this.sort(bucket);
    return bucket.rows.subarray(0, bucket.size);
  }

  /** Tells that a row, which no bucket holds, has a value. */
  add(value: IndexKey, row: number): void {
    if (this.stale) return;
    let bucket = this.buckets.get(value);
    if (bucket === undefined)
      this.buckets.set(value, (bucket = { rows: new Uint32Array(4), size: 0, sorted: true }));
    if (bucket.size === bucket.rows.length) bucket.rows = grown(bucket.rows, bucket.size * 2);
    if (bucket.sorted && bucket.size > 0 && bucket.rows[bucket.size - 1]! > row) bucket.sorted = false;
    if (row >= this.places.length)
      this.places = grown(this.places, Math.max(64, row + 1, this.places.length * 2));
    this.places[row] = bucket.size;
    bucket.rows[bucket.size++] = row;
  }

  /** Takes a row out of the bucket of a value that it had. */
  remove(value: IndexKey, row: number): void {
    if (this.stale) return;
    const bucket = this.buckets.get(value)!;
    const place = this.places[row]!;
    const last = --bucket.size;
    if (place !== last) {
      const moved = bucket.rows[last]!;
      bucket.rows[place] = moved;
      this.places[moved] = place;
      bucket.sorted = false;
    }
    if (last === 0) this.buckets.delete(value);
  }

  /** Drops everything; the next reader builds it from the column. */
  drop(): void {
    this.buckets.clear();
    this.stale = true;
  }

  /** Says that the column is written behind the index's back until {@link release}. */
  hold(): void {
    this.held++;
    this.drop();
  }

  /** Ends one {@link hold}. */
  release(): void {
    this.held--;
    this.drop();
  }

  /** Forgets rows and holds: the table is empty. */
  clear(): void {
    this.held = 0;
    this.drop();
  }

  private rebuild(size: number): void {
    this.buckets.clear();
    this.stale = false;
    for (let row = 0; row < size; row++) this.add(this.valueAt(row), row);
    this.stale = this.held > 0;
  }

  private sort(bucket: Bucket): void {
    const rows = bucket.rows.subarray(0, bucket.size).sort();
    for (let place = 0; place < rows.length; place++) this.places[rows[place]!] = place;
    bucket.sorted = true;
  }
}

function grown(rows: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const made = new Uint32Array(length);
  made.set(rows);
  return made;
}
