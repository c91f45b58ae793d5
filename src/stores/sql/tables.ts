/**
 * The tables of a store in SQL, typed for kysely.
 *
 * Owns the row shapes of the newest schema version; the migrations beside it build them. Bytes are
 * `Uint8Array`, ticks and times whole or fractional numbers. Segments have a small number beside their id, so
 * that the key of a record is two integers.
 */
import type { Generated } from 'kysely';

/** A run: a name for a segment. */
export interface RunsTable {
  id: string;
  /**
   * The id as UTF-16 big-endian bytes: their order is the order of `list`, which SQL's order of UTF-8 is not.
   */
  id_order: Uint8Array;
  segment: number;
  header: string;
}

/** A segment with its head, the fencing number of its writer and the lease; `expires_ms` null means free. */
export interface SegmentsTable {
  number: Generated<number>;
  id: string;
  /** The number of the root; its own for a root. */
  family: Generated<number>;
  parent: number | null;
  parent_tick: number | null;
  head_tick: number;
  head_hash: Uint8Array;
  epoch: number;
  /** What the first own record of a fork is to begin with; null for a root. */
  opening: string | null;
  /** Of a root: 1 after a snapshot of the family went, until its chunks were swept to the end. */
  unswept: Generated<number>;
  holder_host: string | null;
  holder_pid: number | null;
  holder_token: string | null;
  holder_ttl_ms: number | null;
  expires_ms: number | null;
}

/** A record, keyed by segment first. `length` is that of the whole record, `bytes` its first part. */
export interface RecordsTable {
  segment: number;
  tick: number;
  hash: Uint8Array;
  previous: Uint8Array;
  length: number;
  bytes: Uint8Array;
}

/** What of a large record does not fit its row, in parts that count up from 1. */
export interface PartsTable {
  segment: number;
  tick: number;
  part: number;
  bytes: Uint8Array;
}

/** Failed ticks; numbers count up within a segment. */
export interface AttemptsTable {
  segment: number;
  number: number;
  tick: number;
  text: string;
}

/**
 * A snapshot. `chunks` are the numbers of its chunks in the manifest's order, 8 bytes each, little-endian;
 * `stored` is the bytes that were stored for it.
 */
export interface SnapshotsTable {
  segment: number;
  tick: number;
  pinned: number;
  stored: number;
  chunks: Uint8Array;
  manifest: Uint8Array;
}

/** A chunk of a family of segments. No number is given twice. */
export interface ChunksTable {
  number: Generated<number>;
  family: number;
  bytes: Uint8Array;
}

/** A table in SQL that projections write, with the view on it; see `ProjectedTable`. */
export interface ProjectedTablesTable {
  number: Generated<number>;
  identity: string;
  view_name: string;
  rows_name: string;
  /** Canonical JSON text: the columns as they were declared, and the names of those of the key. */
  columns: string;
  key_columns: string;
}

/** A projection with its checkpoint, which is null in all of its columns while nothing was written. */
export interface ProjectionsTable {
  number: Generated<number>;
  run: string;
  choice: string;
  current: number;
  retired: number;
  tick: number | null;
  hash: Uint8Array | null;
  sequence: number | null;
  problem: string | null;
}

/** The tables of a projection, in the order in which they were declared. */
export interface ProjectionTablesTable {
  projection: number;
  place: number;
  role: string;
  projected_table: number;
}

/** Every table of the store. */
export interface Tables {
  runs: RunsTable;
  segments: SegmentsTable;
  records: RecordsTable;
  parts: PartsTable;
  attempts: AttemptsTable;
  snapshots: SnapshotsTable;
  chunks: ChunksTable;
  projected_tables: ProjectedTablesTable;
  projections: ProjectionsTable;
  projection_tables: ProjectionTablesTable;
}

const SINCE: Readonly<Record<keyof Tables, number>> = {
  runs: 1,
  segments: 1,
  records: 1,
  parts: 1,
  attempts: 1,
  snapshots: 2,
  chunks: 2,
  projected_tables: 3,
  projections: 3,
  projection_tables: 3,
};

/** The names of the tables that a store of a version has, for checking that a file holds them. */
export const tablesOf = (version: number): readonly string[] =>
  Object.entries(SINCE).flatMap(([name, since]) => (since <= version ? [name] : []));
