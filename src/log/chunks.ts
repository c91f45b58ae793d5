/**
 * Tables as chunks and back: what a snapshot writes, and what it need not write again.
 *
 * A chunk is a run of leaves of one lane, in the bytes that a record would give those rows if they stood at
 * its beginning. It is referenced, and not stored again, where nothing in it was written since it was stored
 * by this lineage: the lanes tell what is stale, and a book remembers the numbers. Equal hashes alone never
 * make two chunks one.
 */
import { ByteReader, ByteWriter, hex, sameBytes } from '../base/bytes.ts';
import { fail } from '../base/errors.ts';
import { xxh128 } from '../base/hash.ts';
import type { Lane } from '../columns/lane.ts';
import type { TableStore } from '../columns/table-store.ts';
import type { ChunkEntry, LaneEntry, Manifest, TableEntry } from './manifest.ts';

/** Leaves of a chunk: 64 KiB of a lane of fixed width. */
const CHUNK_LEAVES = 16;
/** Chunks below this many bytes stand in the manifest. */
const INLINE_BYTES = 1024;

/** The tables of a world by name. */
export type Tables = ReadonlyMap<string, TableStore>;

/** A chunk of a snapshot under way: its entry, and its bytes or its number where it is stored apart. */
interface PlannedChunk {
  readonly entry: ChunkEntry;
  readonly stored: Uint8Array | number | null;
}

/** What to store for a snapshot. */
export interface SnapshotPlan {
  readonly tables: readonly TableEntry[];
  /** For the store, in the manifest's order: bytes, or the number of a chunk that is there. */
  readonly chunks: readonly (Uint8Array | number)[];
}

interface KnownChunk {
  readonly entry: ChunkEntry;
  readonly number: number;
}

const laneKey = (table: string, lane: string): string => `${table}\0${lane}`;
const rowsOf = (lane: Lane): number => CHUNK_LEAVES << lane.shift;

/** Remembers which chunks the store holds of the columns as they are. */
export class ChunkBook {
  private readonly known = new Map<string, readonly (KnownChunk | null)[]>();

  /**
   * What to store of the tables, whose hashes must be up to date. Settles them: unless the plan is
   * {@link kept}, the book must {@link forget}.
   */
  plan(tables: Tables): SnapshotPlan {
    const chunks: (Uint8Array | number)[] = [];
    const entries = [...tables.values()].map((store): TableEntry => {
      const { layout, size, nextId, set } = store;
      const lanes = set.lanes.map((lane): LaneEntry => {
        const planned = this.planLane(layout.name, lane, size);
        for (const { stored } of planned) if (stored !== null) chunks.push(stored);
        lane.settle();
        return { path: lane.path, chunks: planned.map(({ entry }) => entry) };
      });
      return { name: layout.name, size, nextId, capacity: set.capacity, lanes };
    });
    return { tables: entries, chunks };
  }

  private planLane(table: string, lane: Lane, size: number): PlannedChunk[] {
    const known = this.known.get(laneKey(table, lane.path)) ?? [];
    const rows = rowsOf(lane);
    const planned: PlannedChunk[] = [];
    for (let from = 0, i = 0; from < size; from += rows, i++) {
      const to = Math.min(size, from + rows);
      const before = known[i];
      if (before && before.entry.rows === to - from && isSettled(lane, i))
        planned.push({ entry: before.entry, stored: before.number });
      else planned.push(freshChunk(lane, from, to));
    }
    return planned;
  }

  /** Takes note that the store holds a snapshot of the tables as they were when they were settled last. */
  kept(entries: readonly TableEntry[], numbers: readonly number[]): void {
    this.known.clear();
    let next = 0;
    for (const { name, lanes } of entries)
      for (const { path, chunks } of lanes)
        this.known.set(
          laneKey(name, path),
          chunks.map((entry) => (entry.inline === null ? { entry, number: numbers[next++]! } : null)),
        );
  }

  /** Forgets all: the next snapshot stores everything anew. */
  forget(): void {
    this.known.clear();
  }
}

function isSettled(lane: Lane, chunk: number): boolean {
  const { stale } = lane;
  for (let leaf = chunk * CHUNK_LEAVES; leaf < (chunk + 1) * CHUNK_LEAVES; leaf++)
    if (stale[leaf] === 1) return false;
  return true;
}

function freshChunk(lane: Lane, from: number, to: number): PlannedChunk {
  const writer = new ByteWriter(1 << 12);
  lane.encode(writer, from, to);
  const bytes = writer.take();
  const entry = { rows: to - from, hash: xxh128(bytes) };
  if (bytes.length < INLINE_BYTES) return { entry: { ...entry, inline: bytes }, stored: null };
  return { entry: { ...entry, inline: null }, stored: bytes };
}

/** Where a damaged snapshot was met. */
export type Where = { readonly [fact: string]: unknown };

/**
 * Fills tables from a manifest and the bytes of its stored chunks, in its order. The tables must have the
 * layout that the manifest was made of. `CORRUPT` names table, column and rows; the tables are then in
 * pieces.
 */
export function loadTables(
  { tables: entries }: Manifest,
  stored: readonly Uint8Array[],
  tables: Tables,
  where: Where,
): void {
  let next = 0;
  if (entries.length !== tables.size)
    fail('CORRUPT', `a snapshot has ${entries.length} tables and not ${tables.size}`, where);
  for (const entry of entries) {
    const store = tables.get(entry.name) ?? otherForm(entry.name, where);
    if (store.set.lanes.length !== entry.lanes.length) otherForm(entry.name, where);
    store.restore(entry, ({ lanes }) => {
      lanes.forEach((lane, i) => {
        const place = { ...where, table: entry.name, column: lane.path };
        next = loadLane(lane, entry.lanes[i]!, entry, stored, next, place);
      });
    });
  }
}

const otherForm = (table: string, where: Where): never =>
  fail('CORRUPT', `a snapshot has a table '${table}' of another form`, where);

function loadLane(
  lane: Lane,
  { path, chunks }: LaneEntry,
  { size, capacity }: TableEntry,
  stored: readonly Uint8Array[],
  first: number,
  where: Where,
): number {
  let next = first;
  let at = 0;
  if (path !== lane.path || size > capacity)
    fail('CORRUPT', 'a snapshot has a column of another form', where);
  for (const { rows, hash, inline } of chunks) {
    const bytes = inline ?? stored[next++] ?? new Uint8Array(0);
    const place = { ...where, from: at, to: at + rows };
    checkChunk(bytes, hash, place);
    if (rows > size - at) fail('CORRUPT', 'a snapshot holds more rows than it says', place);
    const reader = new ByteReader(bytes);
    lane.load(reader, at, rows);
    if (reader.left > 0) fail('CORRUPT', 'a piece of a snapshot holds more than its rows', place);
    at += rows;
  }
  if (at !== size) fail('CORRUPT', 'a snapshot holds fewer rows than it says', { ...where, rows: at, size });
  return next;
}

function checkChunk(bytes: Uint8Array, expected: Uint8Array, where: Where): void {
  const actual = xxh128(bytes);
  if (sameBytes(expected, actual)) return;
  fail('CORRUPT', `a piece of '${where.table}.${where.column}' in a snapshot is damaged`, {
    ...where,
    expected: hex(expected),
    actual: hex(actual),
  });
}
