/**
 * Runs and the tree of segments in SQL: the queries, and what their rows mean.
 *
 * Owns how a run is listed, how a root or a fork begins, what a segment continues, and leases, for every
 * database. Executes nothing and decides nothing: a store runs the queries in its own transaction.
 */
import type { Kysely, Updateable } from 'kysely';
import { sameBytes } from '../../base/bytes.ts';
import { type Facts, fail } from '../../base/errors.ts';
import type { Holder, NewFork, NewRun, RunInfo, SegmentInfo } from '../../log/store.ts';
import type { Lease, SegmentState } from '../../log/store-checks.ts';
import type { SegmentsTable, Tables } from './tables.ts';

/** A segment as a store decides about it. */
export interface SegmentRow extends SegmentState {
  readonly number: number;
  /** The number of its root. */
  readonly family: number;
}

/** The first tick that can be a segment's own, given the tick of its parent. */
export const firstOf = (parentTick: number | null): number => (parentTick === null ? 0 : parentTick + 1);

/** UTF-16 big-endian bytes, whose order is the order of code units. */
export function orderKey(id: string): Uint8Array {
  const key = new Uint8Array(2 * id.length);
  for (let i = 0; i < id.length; i++) {
    key[2 * i] = id.charCodeAt(i) >> 8;
    key[2 * i + 1] = id.charCodeAt(i) & 0xff;
  }
  return key;
}

/** A segment as it is listed; what should be there and is not is null. */
export interface ShownSegment {
  readonly segment: string | null;
  readonly family: string | null;
  readonly parent: string | null;
  /** The number that the parent should have: null for a root alone. */
  readonly parent_number: number | null;
  readonly parent_tick: number | null;
  readonly head_tick: number | null;
  readonly head_hash: Uint8Array | null;
  readonly epoch: number | null;
  readonly opening: string | null;
}

/** A run as it is listed. */
export interface ShownRun extends ShownSegment {
  readonly id: string;
  readonly id_order: Uint8Array;
  readonly header: string;
}

const SHOWN = [
  'segments.id as segment',
  'roots.id as family',
  'parents.id as parent',
  'segments.parent as parent_number',
  'segments.parent_tick',
  'segments.head_tick',
  'segments.head_hash',
  'segments.epoch',
  'segments.opening',
] as const;

/** What the rows of a store say is not what a store writes: `CORRUPT`. */
export const torn = (what: string, facts: Facts): never =>
  fail('CORRUPT', what, facts, 'The store was damaged from outside: restore it from a backup.');

/**
 * The segment of a row, of which `of` says what it was asked for. Rows are joined so that what should be
 * there and is not shows as null: it must not look like a shorter list.
 */
export function segmentInfoOf(row: ShownSegment, of: string): SegmentInfo {
  const { segment: id, family, parent, parent_number, parent_tick, head_tick, head_hash, epoch } = row;
  if (id === null || head_tick === null || head_hash === null || epoch === null)
    return torn(`${of} is in a segment that is not there`, { of });
  if (family === null) return torn(`the root of segment '${id}' is not there`, { segment: id });
  if ((parent === null) !== (parent_number === null) || (parent === null) !== (parent_tick === null))
    return torn(`segment '${id}' continues a record that is not there`, { segment: id, tick: parent_tick });
  return {
    id,
    family,
    parent: parent === null ? null : { segment: parent, tick: parent_tick! },
    head: { tick: head_tick, hash: new Uint8Array(head_hash) },
    epoch,
    opening: row.opening,
  };
}

/** The run of a row. */
export const runInfoOf = (row: ShownRun): RunInfo => ({
  id: row.id,
  header: row.header,
  segment: segmentInfoOf(row, `run '${row.id}'`),
});

/** The same for a row of a list, which must stand at the place of its id. */
export function listedRunOf(row: ShownRun): RunInfo {
  if (!sameBytes(orderKey(row.id), row.id_order))
    torn(`run '${row.id}' stands in another place of the list than its id`, { run: row.id });
  return runInfoOf(row);
}

/** Runs, each with its segment and what that continues. */
export const shownRuns = (sql: Kysely<Tables>) =>
  sql
    .selectFrom('runs')
    .leftJoin('segments', 'segments.number', 'runs.segment')
    .leftJoin('segments as roots', 'roots.number', 'segments.family')
    .leftJoin('segments as parents', 'parents.number', 'segments.parent')
    .select(['runs.id', 'runs.id_order', 'runs.header', ...SHOWN]);

/** A page of runs; see `LogStore.list`. */
export function listedRuns(sql: Kysely<Tables>, after: string | null, limit: number) {
  const runs = shownRuns(sql).orderBy('runs.id_order').limit(Math.min(limit, Number.MAX_SAFE_INTEGER));
  return after === null ? runs : runs.where('runs.id_order', '>', orderKey(after));
}

/** The segment that a run names. */
export const namedSegment = (sql: Kysely<Tables>, run: string) =>
  sql
    .selectFrom('runs')
    .innerJoin('segments', 'segments.number', 'runs.segment')
    .select(['segments.number', 'segments.id', 'segments.epoch'])
    .where('runs.id', '=', run);

/** A segment and all that it continues, itself first. */
export const lineageOf = (sql: Kysely<Tables>, number: number) =>
  sql
    .withRecursive('line(number, depth)', (db) =>
      db
        .selectFrom('segments')
        .select((e) => ['segments.number', e.lit(0).as('depth')])
        .where('segments.number', '=', number)
        .unionAll(
          db
            .selectFrom('line')
            .innerJoin('segments', 'segments.number', 'line.number')
            // A parent is written before its forks: what is damaged into a ring comes to an end.
            .innerJoin('segments as next', (join) =>
              join.onRef('next.number', '=', 'segments.parent').onRef('next.number', '<', 'segments.number'),
            )
            .select((e) => ['next.number', e('line.depth', '+', 1).as('depth')]),
        ),
    )
    .selectFrom('line')
    .innerJoin('segments', 'segments.number', 'line.number')
    .leftJoin('segments as roots', 'roots.number', 'segments.family')
    .leftJoin('segments as parents', 'parents.number', 'segments.parent')
    .select(SHOWN)
    .orderBy('line.depth');

const LEASE = ['holder_host', 'holder_pid', 'holder_token', 'holder_ttl_ms', 'expires_ms'] as const;

/** The lease of a segment. */
export const leaseRow = (sql: Kysely<Tables>, segment: number) =>
  sql.selectFrom('segments').select(LEASE).where('number', '=', segment);

/** The lease that a row holds. */
export function leaseOf(row: Pick<SegmentsTable, (typeof LEASE)[number]>): Lease | null {
  const { holder_host: host, holder_pid: pid, holder_token: token, ...times } = row;
  if (host === null || pid === null || token === null || times.expires_ms === null) return null;
  return { host, pid, token, ttlMs: times.holder_ttl_ms ?? 0, expiresMs: times.expires_ms };
}

/** What a segment's row holds of a lease that begins now; without a holder, of none. */
export const leaseColumns = (holder: Holder | null, now: number) => ({
  holder_host: holder?.host ?? null,
  holder_pid: holder?.pid ?? null,
  holder_token: holder?.token ?? null,
  holder_ttl_ms: holder?.ttlMs ?? null,
  expires_ms: holder === null ? null : now + holder.ttlMs,
});

/** The numbers of the segment that a fork continues; null for a root. */
export type ParentNumbers = { readonly number: number; readonly family: number } | null;

/** The row of a new segment, with a lease from `now` on. */
export const segmentColumns = (run: NewRun | NewFork, parent: ParentNumbers, now: number) => ({
  id: run.segment,
  epoch: 1,
  ...leaseColumns(run.holder, now),
  ...('record' in run
    ? { head_tick: run.record.tick, head_hash: run.record.hash }
    : {
        head_tick: run.parent.tick,
        head_hash: run.hash,
        family: parent!.family,
        parent: parent!.number,
        parent_tick: run.parent.tick,
        opening: run.opening,
      }),
});

/** The name of a new run. */
export const nameColumns = (run: NewRun | NewFork, segment: number) => ({
  id: run.id,
  id_order: orderKey(run.id),
  segment,
  header: run.header,
});

/** Writes columns of a segment while its epoch is the one given, and else nothing. */
export const updateSegment = (
  sql: Kysely<Tables>,
  segment: number,
  epoch: number,
  columns: Updateable<SegmentsTable>,
) => sql.updateTable('segments').set(columns).where('number', '=', segment).where('epoch', '=', epoch);
