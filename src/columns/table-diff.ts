/**
 * Which rows of two tables differ, by descent of their hashes: lanes whose hashes differ, in them leaves
 * whose hashes differ, in them rows. What lies in leaves of equal hashes is never looked at.
 *
 * Rows belong together by key. A row stands in the same place on both sides, or one of the following holds
 * for its key lanes: at its place the other side has another key, or no row at all; either way the leaf of
 * the key lane differs, on both sides, as keys are unique. So rows that stand elsewhere are all found inside
 * of leaves of the key that differ, and rows that stand in the same place with other values inside of leaves
 * of those values. Owns row numbers and counts; values are for those who show them.
 */
import { sameBytes } from '../base/bytes.ts';
import { type LanePair, type Part, pairColumns } from './table-diff-parts.ts';
import type { TableStore } from './table-store.ts';

/** Rows by their numbers on both sides; -1 where a side has none. Counts all of them, keeps the first. */
export class RowPairs {
  count = 0;
  readonly a: number[] = [];
  readonly b: number[] = [];
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** One more. */
  add(a: number, b: number): void {
    if (this.count++ >= this.limit) return;
    this.a.push(a);
    this.b.push(b);
  }
}

/** What two tables differ in, as row numbers and counts. */
export interface TableComparison {
  /** The key columns that rows are matched by; none where the two have none in common: by row number then. */
  readonly key: readonly string[];
  /** The parts of both tables save the key that rows are aligned by, and in how many rows each differs. */
  readonly parts: readonly { readonly part: Part; readonly rows: number }[];
  readonly columnsOnlyInA: readonly string[];
  readonly columnsOnlyInB: readonly string[];
  /**
   * Rows of both sides with other values: those that stand in the same place in order, then those that moved.
   */
  readonly changed: RowPairs;
  readonly onlyInA: RowPairs;
  readonly onlyInB: RowPairs;
  /** Rows of both sides with the same values in another place. */
  readonly moved: RowPairs;
}

/** What became of a row in a block: nothing yet, another row's place, other values. */
const LOOSE = 1;
const CHANGED = 2;
/** Blocks hold at least this many rows, as a power of two. */
const MIN_BLOCK = 12;

/** A pair of lanes on the way down; `differs` says it of the leaf that was looked at last. */
interface Descent {
  readonly lanes: LanePair;
  differs: boolean;
}

interface Counted {
  readonly part: Part;
  /** The lanes whose hashes differ; null where all rows differ. */
  readonly descents: readonly Descent[] | null;
  rows: number;
}

/** Two tables that were hashed, on their way to a comparison. */
class Comparing {
  private readonly a: TableStore;
  private readonly b: TableStore;
  /** Rows that both have. */
  private readonly common: number;
  private readonly keys: readonly Counted[];
  readonly parts: readonly Counted[];
  private readonly flags: Uint8Array;
  /** Rows below `common` that have another key on the other side. */
  private readonly loose: number[] = [];
  readonly changed: RowPairs;
  readonly onlyInA: RowPairs;
  readonly onlyInB: RowPairs;
  readonly moved: RowPairs;

  constructor(a: TableStore, b: TableStore, parts: readonly Part[], keys: readonly Part[], limit: number) {
    this.a = a;
    this.b = b;
    this.common = Math.min(a.size, b.size);
    this.keys = keys.map((part) => this.counted(part));
    this.parts = parts.map((part) => this.counted(part));
    const shifts = parts.concat(keys).flatMap(({ lanes }) => (lanes ?? []).map(([lane]) => lane.shift));
    this.flags = new Uint8Array(1 << Math.max(MIN_BLOCK, ...shifts));
    this.changed = new RowPairs(limit);
    this.onlyInA = new RowPairs(limit);
    this.onlyInB = new RowPairs(limit);
    this.moved = new RowPairs(limit);
  }

  private counted(part: Part): Counted {
    const { a, b } = this;
    const differing = part.lanes?.filter(([mine, other]) => !sameBytes(a.laneHash(mine), b.laneHash(other)));
    const descents = differing?.map((lanes): Descent => ({ lanes, differs: false })) ?? null;
    return { part, descents, rows: 0 };
  }

  /** Compares all rows. */
  run(): void {
    const isActive = ({ descents }: Counted): boolean => descents === null || descents.length > 0;
    const keys = this.keys.filter(isActive);
    const parts = this.parts.filter(isActive);
    const step = this.flags.length;
    if (keys.length + parts.length > 0)
      for (let from = 0; from < this.common; from += step)
        this.block(from, Math.min(this.common, from + step), keys, parts);
    this.matchLoose();
  }

  /** One block: first the rows whose keys differ, then the values of the others. */
  private block(from: number, to: number, keys: readonly Counted[], parts: readonly Counted[]): void {
    let flagged = false;
    for (const key of keys) flagged = this.descend(key, from, to, LOOSE) || flagged;
    for (const part of parts) flagged = this.descend(part, from, to, CHANGED) || flagged;
    if (!flagged) return;
    const { flags, changed, loose } = this;
    for (let row = from; row < to; row++) {
      const flag = flags[row - from];
      if (flag === CHANGED) changed.add(row, row);
      else if (flag === LOOSE) loose.push(row);
    }
    flags.fill(0);
  }

  /** Flags the rows of a block that differ in a part, and says whether there are any. */
  private descend(counted: Counted, from: number, to: number, flag: number): boolean {
    const { descents } = counted;
    if (descents === null) return this.flagRows(counted, from, from, to, flag);
    const step = 1 << Math.min(...descents.map(({ lanes: [lane] }) => lane.shift));
    let flagged = false;
    for (let at = from; at < to; at += step)
      if (leafDiffers(descents, at))
        flagged = this.flagRows(counted, from, at, Math.min(to, at + step), flag) || flagged;
    return flagged;
  }

  private flagRows(counted: Counted, block: number, from: number, to: number, flag: number): boolean {
    const { flags } = this;
    const { differs } = counted.part;
    let rows = 0;
    for (let row = from; row < to; row++) {
      if (flags[row - block] === LOOSE || !differs(row, row)) continue;
      flags[row - block] = flag;
      rows++;
    }
    counted.rows += rows;
    return rows > 0;
  }

  /** Rows that have another key in their place, or no other row: where they went, or that they are gone. */
  private matchLoose(): void {
    const { a, b, loose, common, keys } = this;
    const keyed = keys.length > 0;
    const eachOf = (size: number, visit: (row: number) => void): void => {
      for (const row of loose) visit(row);
      for (let row = common; row < size; row++) visit(row);
    };
    eachOf(a.size, (row) => {
      const other = keyed ? b.rowOf(a.keyAt(row)) : -1;
      if (other < 0) this.onlyInA.add(row, -1);
      else if (this.differsAt(row, other)) this.changed.add(row, other);
      else this.moved.add(row, other);
    });
    eachOf(b.size, (row) => {
      if (!keyed || a.rowOf(b.keyAt(row)) < 0) this.onlyInB.add(-1, row);
    });
  }

  private differsAt(a: number, b: number): boolean {
    let differs = false;
    for (const counted of this.parts)
      if (counted.part.differs(a, b)) {
        counted.rows++;
        differs = true;
      }
    return differs;
  }
}

/**
 * Whether one of the leaves that hold a row differs. Rows come in steps of the smallest leaf, so that each
 * pair of hashes is compared once.
 */
function leafDiffers(descents: readonly Descent[], row: number): boolean {
  let differs = false;
  for (const descent of descents) {
    const [a, b] = descent.lanes;
    if ((row & ((1 << a.shift) - 1)) === 0) descent.differs = !a.sameLeaf(b, row >> a.shift);
    differs = differs || descent.differs;
  }
  return differs;
}

/** The parts that are the key of both tables; none where the two have no key, or not the same one. */
function keyParts(a: TableStore, b: TableStore, parts: readonly Part[]): readonly Part[] {
  const names = (store: TableStore): string => store.layout.key.map(({ name }) => name).join(' ');
  if (a.layout.single || b.layout.single || names(a) !== names(b)) return [];
  const keys = a.layout.key.map(({ name }) => parts.find(({ path }) => path === name)!);
  return keys.some(({ lanes }) => lanes === null) ? [] : keys;
}

/**
 * Compares two tables that were hashed: both must be as their last digests saw them. Row numbers are kept up
 * to `limit` of each sort; all are counted.
 */
export function compareTables(a: TableStore, b: TableStore, limit: number): TableComparison {
  const { parts, onlyInA, onlyInB } = pairColumns(a.set.columns, b.set.columns);
  const keys = keyParts(a, b, parts);
  const values = parts.filter((part) => !keys.includes(part));
  const done = new Comparing(a, b, values, keys, limit);
  done.run();
  return {
    key: keys.map(({ path }) => path),
    parts: done.parts,
    columnsOnlyInA: onlyInA,
    columnsOnlyInB: onlyInB,
    changed: done.changed,
    onlyInA: done.onlyInA,
    onlyInB: done.onlyInB,
    moved: done.moved,
  };
}
