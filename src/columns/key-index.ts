/**
 * From a key to its row. Rows move when others are deleted; the table tells the index of every move.
 *
 * Ids, references and other small whole numbers are served by an array as long as it is no larger than 4 MiB
 * or well filled; else it gives way to a map. Which of the two serves can't be seen from outside.
 */

/**
 * A key as it is looked up: ids and numbers, big integers, texts; composite keys are joined into one text.
 */
export type RawKey = number | bigint | string;

const DENSE_START = 1 << 20;
const DENSE_FACTOR = 16;

/** The rows of a table by their keys. */
export class KeyIndex {
  private dense: Uint32Array | null;
  private readonly map = new Map<RawKey, number>();
  private count = 0;

  /** `small`: keys are unsigned whole numbers of at most 32 bits. */
  constructor(small: boolean) {
    this.dense = small ? new Uint32Array(64) : null;
  }

  /** The row of a key, or -1. */
  get(key: RawKey): number {
    if (this.dense !== null) return typeof key === 'number' ? (this.dense[key] ?? 0) - 1 : -1;
    return this.map.get(key) ?? -1;
  }

  /** Says that a key is in a row. */
  set(key: RawKey, row: number): void {
    if (this.dense !== null && (key as number) >= this.dense.length) this.growDense(key as number);
    if (this.dense === null) this.map.set(key, row);
    else {
      if (this.dense[key as number] === 0) this.count++;
      this.dense[key as number] = row + 1;
    }
  }

  /**
   * Says at once, while no key is there, which id is in each row. Does nothing and returns false where they
   * must be said one by one: sparse ids, and ids that are there twice.
   */
  fill(ids: Uint32Array): boolean {
    if (this.dense === null || this.count > 0) return false;
    let max = 0;
    for (let row = 0; row < ids.length; row++) if (ids[row]! > max) max = ids[row]!;
    if (max > DENSE_START && max > ids.length * DENSE_FACTOR) return false;
    const dense = new Uint32Array(Math.max(max + 1, 64));
    for (let row = 0; row < ids.length; row++) {
      if (dense[ids[row]!] !== 0) return false;
      dense[ids[row]!] = row + 1;
    }
    this.dense = dense;
    this.count = ids.length;
    return true;
  }

  /** Forgets a key. */
  delete(key: RawKey): void {
    if (this.dense === null) this.map.delete(key);
    else if (this.dense[key as number]! > 0) {
      this.dense[key as number] = 0;
      this.count--;
    }
  }

  /** Forgets every key. */
  clear(): void {
    this.map.clear();
    this.dense?.fill(0);
    this.count = 0;
  }

  private growDense(key: number): void {
    const dense = this.dense!;
    if (key > DENSE_START && key > this.count * DENSE_FACTOR) {
      for (let id = 0; id < dense.length; id++) if (dense[id]! > 0) this.map.set(id, dense[id]! - 1);
      this.dense = null;
      return;
    }
    const grown = new Uint32Array(Math.max(key + 1, dense.length * 2));
    grown.set(dense);
    this.dense = grown;
  }
}
