/**
 * What a collection of a SQLite store looks at before it deletes anything.
 *
 * What no run reaches is told by rows of `runs` and `segments`. Where one of them is damaged, what a run
 * needs may look as if nobody did: then nothing is deleted. A damaged name or fork is named when its run is
 * read, but a collection reads no run.
 */
import type { Database } from 'better-sqlite3';
import { type Facts, fail } from '../../base/errors.ts';
import { isOwnSegment, runOf } from '../../log/reader.ts';
import { noRecord } from '../../log/store-checks.ts';

interface NameRow {
  readonly run: string;
  readonly segment: string | null;
  readonly names: number;
}

interface LinkRow {
  readonly id: string;
  readonly parent: string;
  readonly tick: number;
  /** Null where the record is missing. */
  readonly hash: Buffer | null;
}

/** A root has no parent, no opening and its own family; a fork continues a record that its parent has. */
const BROKEN = `
  SELECT s.id FROM segments AS s LEFT JOIN segments AS p ON p.number = s.parent
  WHERE s.family IS NULL OR (s.parent IS NULL) <> (s.parent_tick IS NULL)
    OR (s.parent IS NULL) <> (s.opening IS NULL)
    OR CASE WHEN s.parent IS NULL THEN s.family <> s.number
       ELSE p.number IS NULL OR p.number >= s.number OR p.family <> s.family OR s.head_tick < s.parent_tick
         OR s.parent_tick NOT BETWEEN coalesce(p.parent_tick + 1, 0) AND p.head_tick END
  LIMIT 1`;

const UNLINKED = `
  SELECT s.id, p.id AS parent, s.parent_tick AS tick, continued.hash
  FROM segments AS s JOIN segments AS p ON p.number = s.parent
  LEFT JOIN records AS continued ON continued.segment = s.parent AND continued.tick = s.parent_tick
  LEFT JOIN records AS first ON first.segment = s.number AND first.tick = s.parent_tick + 1
  WHERE continued.hash IS NULL
    OR continued.hash IS NOT iif(s.head_tick = s.parent_tick, s.head_hash, first.previous)
  LIMIT 1`;

const prepareAll = (db: Database) => ({
  names: db.prepare<[], NameRow>(
    'SELECT runs.id AS run, segments.id AS segment, count(*) OVER (PARTITION BY runs.segment) AS names' +
      ' FROM runs LEFT JOIN segments ON segments.number = runs.segment',
  ),
  broken: db.prepare<[], string>(BROKEN).pluck(),
  unlinked: db.prepare<[], LinkRow>(UNLINKED),
});

const damaged = (what: string, facts: Facts): never =>
  fail(
    'CORRUPT',
    `nothing was collected, as what a run needs might be deleted: ${what}`,
    facts,
    'The store was damaged from outside: restore it from a backup.',
  );

/** Looks for damage in the rows that tell what a run reaches. */
export class CollectionChecks {
  readonly #statements: ReturnType<typeof prepareAll>;

  constructor(db: Database) {
    this.#statements = prepareAll(db);
  }

  /** `CORRUPT`; `NO_RECORD` where the record that a fork continues is missing. */
  check(): void {
    this.#checkNames();
    const segment = this.#statements.broken.get();
    if (segment !== undefined) damaged(`segment '${segment}' is neither a root nor a fork`, { segment });
    this.#checkLinks();
  }

  /** A run names a segment that was made for it, and no other run names it. */
  #checkNames(): void {
    for (const { run, segment, names } of this.#statements.names.iterate()) {
      if (segment === null) damaged(`run '${run}' is in a segment that is not there`, { run });
      const isForeign = runOf(segment!) !== '' && !isOwnSegment(run, segment!);
      if (names > 1 || isForeign)
        damaged(`run '${run}' names segment '${segment}', which is not its own`, { run, segment });
    }
  }

  /** A fork continues the record that it says it does, and not that of another segment or tick. */
  #checkLinks(): void {
    const found = this.#statements.unlinked.get();
    if (found === undefined) return;
    const { id: segment, parent, tick, hash } = found;
    if (hash === null) noRecord(parent, tick);
    const what = `segment '${segment}' does not continue the record of tick ${tick} in segment '${parent}'`;
    damaged(what, { segment, parent, tick });
  }
}
