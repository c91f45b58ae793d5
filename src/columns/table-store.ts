/**
 * A table: a set of columns with keys, indexes, an allocator of ids and a hash.
 *
 * Order of rows is state. An insert appends; a delete moves the last row into the gap; an update moves
 * nothing. Everything here is below the views that user code sees: it checks keys and ranges, but not who may
 * call.
 */
import { canonicalJson, show } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import { STATE_HASH_BYTES, xxh128 } from '../base/hash.ts';
import { utf8 } from '../base/text.ts';
import type { TableLayout } from '../schema/compile.ts';
import { type ColumnLayout, flawOf, meaningOf } from '../schema/layout.ts';
import type { Column } from './column.ts';
import { ColumnSet } from './column-set.ts';
import { FixedLane } from './fixed-lane.ts';
import type { Gate } from './gate.ts';
import { KeyIndex, type RawKey } from './key-index.ts';
import type { Lane, RowRange } from './lane.ts';
import { type IndexKey, RowIndex } from './row-index.ts';

/** The flags of {@link TableStore.touched}. */
const TO_HASH = 1;
const TO_DERIVE = 2;
/** What every write stores in `touched`. */
export const TOUCHED = TO_HASH | TO_DERIVE;

/** How many rows a table has, has room for, and which id comes next. */
export interface TableExtent {
  readonly size: number;
  readonly nextId: number;
  readonly capacity: number;
}

/** Something of a table that is not as it was hashed, though nobody marked it. */
export type Unmarked =
  | { readonly column: string; readonly rows: RowRange }
  | { readonly count: 'size' | 'nextId'; readonly expected: number; readonly actual: number };

/** One table of a world. */
export class TableStore {
  readonly layout: TableLayout;
  readonly set: ColumnSet;
  /** The id that the next new row gets. Ids are never used twice. */
  nextId = 1;
  /** Set by every write; hashing and derived values each take their own flag away. */
  touched = TOUCHED;
  /** Counts rows removed, so that iterations notice. */
  removals = 0;
  lastRemoved = -1;
  /** Spans handed out while the gate is open; they forbid adding and removing rows. */
  spans = 0;
  /** Whether the world may be written now. */
  readonly gate: Gate;
  /** Whether the key is one unsigned whole number of at most 32 bits: an id, a reference, a number. */
  private readonly small: boolean;
  private readonly keys: KeyIndex | null;
  private readonly keyColumns: readonly Column[];
  private readonly indexes: ReadonlyMap<string, RowIndex>;
  private readonly header: Uint8Array;
  /** The bytes that the hash is taken over: the header, two counts, the hash of each lane. */
  private readonly digested: Uint8Array;
  /** The two counts: rows, and the next id. */
  private readonly counts: DataView;
  private hash: Uint8Array | null = null;
  private derivedVersion = 0;

  constructor(layout: TableLayout, gate: Gate) {
    this.layout = layout;
    this.gate = gate;
    const fillers = layout.ids ? { [layout.key[0]!.name]: () => this.allocate() } : {};
    this.set = new ColumnSet(layout, true, fillers);
    this.small = layout.key.length === 1 && isSmall(layout.key[0]!);
    this.keys = layout.single ? null : new KeyIndex(this.small);
    this.keyColumns = layout.key.map((column) => this.set.byName.get(column.name)!);
    this.indexes = new Map(
      layout.index.map((column) => {
        const stored = this.set.byName.get(column.name)!;
        return [column.name, new RowIndex((row) => rawAt(stored, row))];
      }),
    );
    this.header = utf8(`${layout.name}\n${canonicalJson(layout.columns.map(meaningOf))}\n`);
    this.digested = new Uint8Array(this.header.length + 16 + this.set.lanes.length * 16);
    this.digested.set(this.header);
    this.counts = new DataView(this.digested.buffer, this.header.length, 16);
  }

  /** Number of rows. */
  get size(): number {
    return this.set.size;
  }

  /** Hands out the next id. */
  allocate(): number {
    if (this.nextId > 0xffffffff)
      fail('BAD_VALUE', `table '${this.layout.name}' has used up its 2^32 ids`, { table: this.layout.name });
    this.touched = TOUCHED;
    return this.nextId++;
  }

  /** Makes sure that an id, which an event named, is never handed out again. */
  reserve(id: number): void {
    if (id < this.nextId) return;
    this.nextId = id + 1;
    this.touched = TOUCHED;
  }

  /** The key of a row. */
  keyAt(row: number): RawKey {
    if (this.keyColumns.length === 1) return rawAt(this.keyColumns[0]!, row) as RawKey;
    return joined(this.keyColumns.map((column) => rawAt(column, row)));
  }

  /**
   * A key as it is looked up, from what user code gives: an object for composite keys. Undefined fits no row.
   */
  rawKey(key: unknown): RawKey | undefined {
    if (this.keyColumns.length === 1) return rawOf(this.keyColumns[0]!, key) as RawKey | undefined;
    if (typeof key !== 'object' || key === null) return undefined;
    const parts = this.keyColumns.map((column) => rawOf(column, (key as never)[column.layout.name]));
    return parts.includes(undefined) ? undefined : joined(parts as RawKey[]);
  }

  /** The row of a key as user code gives it, or -1. */
  find(key: unknown): number {
    if (this.keys === null) return -1;
    if (this.small) return this.keys.get(key as number);
    const raw = this.rawKey(key);
    return raw === undefined ? -1 : this.keys.get(raw);
  }

  /** The row of a key as {@link keyAt} gives it, or -1. */
  rowOf(key: RawKey): number {
    return this.keys === null ? -1 : this.keys.get(key);
  }

  /** The row of a key; `NO_ROW` when there is none. */
  need(key: unknown): number {
    const row = this.find(key);
    return row >= 0 ? row : this.missing(key);
  }

  private missing(key: unknown): never {
    const table = this.layout.name;
    return fail(
      'NO_ROW',
      `'${table}' has no row with key ${show(key)}`,
      { table, key },
      'updateIf and deleteIf pass over missing rows.',
    );
  }

  /** Appends a row and returns its row number. A row that is refused leaves nothing behind. */
  insert(row: object): number {
    this.beforeResize();
    const { nextId } = this;
    const at = this.set.append(row);
    this.adopt(at, at + 1, nextId);
    return at;
  }

  /** Appends whole arrays and returns the first row number. Where one row is refused, all are. */
  insertMany(columns: object): number {
    this.beforeResize();
    const { nextId } = this;
    const at = this.set.size;
    this.adopt(at, at + this.set.appendMany(columns), nextId);
    return at;
  }

  /** Appends rows of a batch with the table's own layout. */
  insertFrom(source: ColumnSet, from: number, to: number): void {
    this.beforeResize();
    const { nextId } = this;
    const at = this.set.size;
    this.set.appendFrom(source, from, to);
    this.adopt(at, at + to - from, nextId);
  }

  private beforeResize(): void {
    if (this.spans > 0)
      fail(
        'STALE_SPAN',
        `rows of '${this.layout.name}' change while a span is held`,
        { table: this.layout.name },
        'Insert and delete first, then take the span.',
      );
    this.touched = TOUCHED;
  }

  /**
   * Enters new rows into keys and indexes. A duplicate key leaves the rows out again, and ids as they were.
   */
  private adopt(from: number, to: number, nextId: number): void {
    if (this.keys !== null) for (let row = from; row < to; row++) this.adoptKey(row, from, nextId);
    for (const [name, index] of this.indexes) {
      const column = this.set.byName.get(name)!;
      for (let row = from; row < to; row++) index.add(rawAt(column, row), row);
    }
  }

  private adoptKey(row: number, from: number, nextId: number): void {
    const key = this.keyAt(row);
    if (this.keys!.get(key) >= 0) {
      for (let done = from; done < row; done++) this.keys!.delete(this.keyAt(done));
      while (this.set.size > from) this.set.swapRemove(this.set.size - 1);
      this.nextId = nextId;
      const table = this.layout.name;
      fail('DUPLICATE_KEY', `'${table}' has a row with key ${show(key)} already`, { table, key });
    }
    this.keys!.set(key, row);
    if (this.layout.ids && (key as number) >= this.nextId) this.nextId = (key as number) + 1;
  }

  /** Removes a row; the last row takes its place. */
  remove(row: number): void {
    this.beforeResize();
    const last = this.set.size - 1;
    this.keys?.delete(this.keyAt(row));
    for (const [name, index] of this.indexes) {
      const column = this.set.byName.get(name)!;
      index.remove(rawAt(column, row), row);
      if (row !== last) index.remove(rawAt(column, last), last);
    }
    const moved = row === last ? null : this.keyAt(last);
    this.set.swapRemove(row);
    if (moved !== null) {
      this.keys?.set(moved, row);
      for (const [name, index] of this.indexes) index.add(rawAt(this.set.byName.get(name)!, row), row);
    }
    this.removals++;
    this.lastRemoved = row;
  }

  /** Whether a column has an index. */
  isIndexed(column: string): boolean {
    return this.indexes.has(column);
  }

  /** Does a write to an indexed column with its index kept true. */
  reindexed(column: Column, row: number, write: () => void): void {
    const index = this.indexes.get(column.layout.name)!;
    const before = rawAt(column, row);
    write();
    const after = rawAt(column, row);
    if (before === after) return;
    index.remove(before, row);
    index.add(after, row);
  }

  /** The index of a column, where it is declared. */
  indexOf(column: string): RowIndex | undefined {
    return this.indexes.get(column);
  }

  /** The rows whose column holds a value that user code gives, ascending. */
  rowsBy(column: string, value: unknown): Uint32Array {
    const raw = value === null ? null : rawOf(this.set.byName.get(column)!, value);
    return raw === undefined ? new Uint32Array(0) : this.indexes.get(column)!.rows(raw, this.size);
  }

  /** Forgets rows, ids and hashes. */
  clear(): void {
    this.keys?.clear();
    for (const index of this.indexes.values()) index.clear();
    this.set.reset();
    this.nextId = 1;
    this.spans = 0;
    this.removals++;
    this.lastRemoved = -1;
    this.touched = TOUCHED;
  }

  /**
   * Replaces all rows: `fill` writes the lanes of `size` rows into room for exactly `capacity`. Capacity is
   * given because the arrays that a table outgrew can be told from those that it did not.
   */
  restore(extent: TableExtent, fill: (set: ColumnSet) => void): void {
    this.beginRestore(extent.capacity);
    fill(this.set);
    this.endRestore(extent);
  }

  /**
   * Forgets all rows and makes room: the first half of {@link restore}, for lanes that are filled in turn.
   * `memory` as in the `grow` of a lane.
   */
  beginRestore(capacity: number, memory?: (bytes: number) => ArrayBuffer): void {
    this.clear();
    this.set.room(capacity, memory);
  }

  /** Takes the rows that were filled in since {@link beginRestore}. */
  endRestore({ size, nextId }: Omit<TableExtent, 'capacity'>): void {
    this.set.size = size;
    const ids = this.small ? (this.keyColumns[0]!.lane as FixedLane).data.subarray(0, size) : null;
    // Indexes are built when they are read; keys of other kinds are looked at one by one.
    if (ids === null || !this.keys!.fill(ids as Uint32Array)) this.adopt(0, size, nextId);
    this.nextId = nextId;
  }

  /** Becomes what another table of the same layout is, row by row. */
  copyFrom({ set, size, nextId }: TableStore): void {
    this.restore({ size, nextId, capacity: size }, (own) => own.appendFrom(set, 0, size));
  }

  /** Counts changes for derived values: the same number means that nothing was written between. */
  version(): number {
    if (this.touched & TO_DERIVE) {
      this.touched &= ~TO_DERIVE;
      this.derivedVersion++;
    }
    return this.derivedVersion;
  }

  /** XXH3-128 over name, lanes, number of rows, allocator and the hash of every lane. */
  digest(): Uint8Array {
    if (this.hash !== null && !(this.touched & TO_HASH)) return this.hash;
    const { digested, counts } = this;
    counts.setFloat64(0, this.size, true);
    counts.setFloat64(8, this.nextId, true);
    let at = this.header.length + 16;
    for (const lane of this.set.lanes) {
      const hash = lane.digest(this.size);
      for (let i = 0; i < STATE_HASH_BYTES; i++) digested[at++] = hash[i]!;
    }
    this.touched &= ~TO_HASH;
    this.hash = xxh128(digested);
    return this.hash;
  }

  /**
   * What was changed since the last digest by other ways than those that take note of it: the first leaf of
   * the first lane, or a count; null where there is nothing. Hashes all that is not marked.
   */
  audit(): Unmarked | null {
    if (this.hash === null) return null;
    if (!(this.touched & TO_HASH)) {
      for (const [at, count] of [[0, 'size'] as const, [8, 'nextId'] as const]) {
        const expected = this.counts.getFloat64(at, true);
        if (this[count] !== expected) return { count, expected, actual: this[count] };
      }
    }
    for (const lane of this.set.lanes) {
      const rows = lane.audit(this.size);
      if (rows !== null) return { column: lane.path, rows };
    }
    return null;
  }

  /** The hash of a lane as the last {@link digest} left it: a view of 16 bytes. */
  laneHash(lane: Lane): Uint8Array {
    const at = this.header.length + 16 + this.set.lanes.indexOf(lane) * 16;
    return this.digested.subarray(at, at + 16);
  }
}

const isSmall = ({ value }: ColumnLayout): boolean =>
  value.kind === 'number' && ['u8', 'u16', 'u32'].includes(value.array);

const joined = (parts: readonly IndexKey[]): string =>
  parts.map((part) => (typeof part === 'string' ? `${part.length}:${part}` : String(part))).join('|');

/** What a stored value is looked up by: the number, the code, the text; null for a row without a value. */
export function rawAt(column: Column, row: number): IndexKey {
  if (column.valid !== null && !column.valid.has(row)) return null;
  return column.lane instanceof FixedLane ? column.lane.data[row]! : (column.read(row) as string);
}

/** What a value that user code gives is looked up by; undefined when it fits no row. */
export function rawOf(column: Column, value: unknown): IndexKey | undefined {
  if (value === null || flawOf(column.layout, value) !== null) return undefined;
  return column.raw(value) as IndexKey;
}
