/**
 * A snapshot file that is open for reading, whatever its format.
 *
 * Owns the way from a source into tables: lanes are read in order, some while one before them is hashed,
 * and nothing is taken for true before its hash says so.
 */
import { hex } from '../base/bytes.ts';
import { fail, isWorldfoldError } from '../base/errors.ts';
import type { Lane } from '../columns/lane.ts';
import type { TableStore } from '../columns/table-store.ts';
import type { WorldState } from '../projections/world-state.ts';
import type { LaneHead, SnapshotHead } from './header.ts';
import { hashOf, memoryOf } from './lanes.ts';

/** The formats of snapshot files. */
export type SnapshotFormat = 'columns' | 'npz';

/** A snapshot file, its header verified. */
export interface SnapshotSource<L extends LaneHead = LaneHead> {
  readonly path: string;
  readonly format: SnapshotFormat;
  readonly head: SnapshotHead<L>;
  /** The bytes that a lane takes in the file. */
  stored(lane: L): number;
  /** Reads the rows of a lane into it; room for them is there. Does not verify its hash. */
  fill(lane: Lane, head: L, rows: number): Promise<void>;
  close(): Promise<void>;
}

/** A lane to be read. */
export interface LaneJob<L extends LaneHead = LaneHead> {
  readonly table: string;
  readonly lane: Lane;
  readonly head: L;
  readonly rows: number;
}

function verify(path: string, { table, lane, head, rows }: LaneJob): void {
  const actual = hashOf(lane, rows);
  if (actual !== head.hash)
    fail(
      'CORRUPT',
      `${path}: column '${lane.path}' of '${table}' is damaged`,
      { path, table, column: lane.path, expected: head.hash, actual },
      'Take another copy of the file, or save the world again.',
    );
}

/** Throws an error of this project with the file, and what else is known, among its facts. */
export function nameFile(e: unknown, path: string, more: object = {}): never {
  if (!isWorldfoldError(e) || e.facts.path !== undefined) throw e;
  return fail(e.code, `${path}: ${e.message}`, { ...e.facts, path, ...more }, e.hint, e.cause);
}

async function fill<L extends LaneHead>(source: SnapshotSource<L>, job: LaneJob<L>): Promise<void> {
  const { table, lane, head, rows } = job;
  await source
    .fill(lane, head, rows)
    .catch((e: unknown) => nameFile(e, source.path, { table, column: lane.path }));
}

/** Lanes that are read while one is hashed. */
const AHEAD = 4;

/** Reads lanes in order and verifies each, while later ones are read. */
export async function readLanes<L extends LaneHead>(
  source: SnapshotSource<L>,
  jobs: readonly LaneJob<L>[],
): Promise<void> {
  const reading: Promise<void>[] = [];
  try {
    for (let i = 0; i < jobs.length; i++) {
      while (reading.length < Math.min(jobs.length, i + AHEAD)) {
        const next = fill(source, jobs[reading.length]!);
        // What fails ahead is told when its turn comes.
        next.catch(() => {});
        reading.push(next);
      }
      await reading[i];
      verify(source.path, jobs[i]!);
    }
  } finally {
    // Nothing may read from a file that is closed.
    await Promise.allSettled(reading);
  }
}

/** Reads whole tables. */
export async function readTables<L extends LaneHead>(
  source: SnapshotSource<L>,
  stores: readonly TableStore[],
): Promise<void> {
  const extent = (store: TableStore) => source.head.tables[store.layout.name]!;
  for (const store of stores) store.beginRestore(extent(store).capacity, memoryOf);
  const jobs = stores.flatMap((store) => {
    const { size, lanes } = extent(store);
    const table = store.layout.name;
    return store.set.lanes.map((lane, i): LaneJob<L> => ({ table, lane, head: lanes[i]!, rows: size }));
  });
  await readLanes(source, jobs);
  for (const store of stores) store.endRestore(extent(store));
}

/** Reads a whole world, and compares its state hash. */
export async function readWorld(source: SnapshotSource, state: WorldState): Promise<void> {
  await readTables(source, [...state.tables.values()]);
  const actual = hex(state.digest());
  const { path, head } = source;
  if (actual !== head.stateHash)
    fail('CORRUPT', `${path} holds another world than it says`, {
      path,
      expected: head.stateHash,
      actual,
    });
}
