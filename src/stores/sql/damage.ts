/**
 * What a collection looks at before it deletes anything.
 *
 * Owns the queries and what their rows say, for every database. What no run reaches is told by rows of `runs`
 * and `segments`. Where one of them is damaged, what a run needs may look as if nobody did: then nothing is
 * deleted. A damaged name or fork is named when its run is read, but a collection reads no run.
 */
import { type Facts, fail } from '../../base/errors.ts';
import { isOwnSegment, runOf } from '../../log/reader.ts';
import { noRecord } from '../../log/store-checks.ts';

/** Names of the tables that the queries read, as SQL. */
export interface TableNames {
  readonly runs: string;
  readonly segments: string;
  readonly records: string;
}

/** A run, the segment that it names, and how many runs name that. */
export interface NameRow {
  readonly run: string;
  readonly segment: string | null;
  readonly names: number;
}

/** A fork, and the record that it continues. */
export interface LinkRow {
  readonly id: string;
  readonly parent: string;
  readonly tick: number;
  /** Null where the record is missing. */
  readonly hash: Uint8Array | null;
}

/** Every run with its segment: rows of {@link NameRow}. */
export const namesQuery = ({ runs, segments }: TableNames): string => `
  SELECT r.id AS run, s.id AS segment, count(*) OVER (PARTITION BY r.segment) AS names
  FROM ${runs} AS r LEFT JOIN ${segments} AS s ON s.number = r.segment`;

/** One segment that is no root (no parent, no opening, its own family) and no fork of a record there is. */
export const brokenQuery = ({ segments }: TableNames): string => `
  SELECT s.id FROM ${segments} AS s LEFT JOIN ${segments} AS p ON p.number = s.parent
  WHERE s.family IS NULL OR (s.parent IS NULL) <> (s.parent_tick IS NULL)
    OR (s.parent IS NULL) <> (s.opening IS NULL)
    OR CASE WHEN s.parent IS NULL THEN s.family <> s.number
       ELSE p.number IS NULL OR p.number >= s.number OR p.family <> s.family OR s.head_tick < s.parent_tick
         OR s.parent_tick NOT BETWEEN coalesce(p.parent_tick + 1, 0) AND p.head_tick END
  LIMIT 1`;

/** One fork that does not continue the record that it says: rows of {@link LinkRow}. */
export const unlinkedQuery = ({ segments, records }: TableNames): string => `
  SELECT s.id, p.id AS parent, s.parent_tick AS tick, continued.hash
  FROM ${segments} AS s JOIN ${segments} AS p ON p.number = s.parent
  LEFT JOIN ${records} AS continued ON continued.segment = s.parent AND continued.tick = s.parent_tick
  LEFT JOIN ${records} AS first ON first.segment = s.number AND first.tick = s.parent_tick + 1
  WHERE continued.hash IS NULL OR continued.hash IS DISTINCT FROM
    CASE WHEN s.head_tick = s.parent_tick THEN s.head_hash ELSE first.previous END
  LIMIT 1`;

const damaged = (what: string, facts: Facts): never =>
  fail(
    'CORRUPT',
    `nothing was collected, as what a run needs might be deleted: ${what}`,
    facts,
    'The store was damaged from outside: restore it from a backup.',
  );

/** A run names a segment that was made for it, and no other run names it. */
export function checkName({ run, segment, names }: NameRow): void {
  if (segment === null) damaged(`run '${run}' is in a segment that is not there`, { run });
  const isForeign = runOf(segment!) !== '' && !isOwnSegment(run, segment!);
  if (names > 1 || isForeign)
    damaged(`run '${run}' names segment '${segment}', which is not its own`, { run, segment });
}

/** Refuses a segment that is neither a root nor a fork. */
export function checkUnbroken(segment: string | undefined): void {
  if (segment !== undefined) damaged(`segment '${segment}' is neither a root nor a fork`, { segment });
}

/** A fork continues the record that it says it does, and not that of another segment or tick. */
export function checkLinked(found: LinkRow | undefined): void {
  if (found === undefined) return;
  const { id: segment, parent, tick, hash } = found;
  if (hash === null) noRecord(parent, tick);
  const what = `segment '${segment}' does not continue the record of tick ${tick} in segment '${parent}'`;
  damaged(what, { segment, parent, tick });
}
