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
  parent: number | null;
  parent_tick: number | null;
  head_tick: number;
  head_hash: Uint8Array;
  epoch: number;
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

/** Every table of the store. */
export interface Tables {
  runs: RunsTable;
  segments: SegmentsTable;
  records: RecordsTable;
  parts: PartsTable;
  attempts: AttemptsTable;
}

/** Their names, for checking that a file holds them. */
export const TABLE_NAMES: readonly (keyof Tables)[] = ['runs', 'segments', 'records', 'parts', 'attempts'];
