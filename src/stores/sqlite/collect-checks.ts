/**
 * What a collection of a SQLite store looks at before it deletes anything.
 */
import type { Database } from 'better-sqlite3';
import {
  brokenQuery,
  checkLinked,
  checkName,
  checkUnbroken,
  type LinkRow,
  type NameRow,
  namesQuery,
  unlinkedQuery,
} from '../sql/damage.ts';

const TABLES = { runs: 'runs', segments: 'segments', records: 'records' };

const prepareAll = (db: Database) => ({
  names: db.prepare<[], NameRow>(namesQuery(TABLES)),
  broken: db.prepare<[], string>(brokenQuery(TABLES)).pluck(),
  unlinked: db.prepare<[], LinkRow>(unlinkedQuery(TABLES)),
});

/** Looks for damage in the rows that tell what a run reaches. */
export class CollectionChecks {
  readonly #statements: ReturnType<typeof prepareAll>;

  constructor(db: Database) {
    this.#statements = prepareAll(db);
  }

  /** `CORRUPT`; `NO_RECORD` where the record that a fork continues is missing. */
  check(): void {
    for (const row of this.#statements.names.iterate()) checkName(row);
    checkUnbroken(this.#statements.broken.get());
    checkLinked(this.#statements.unlinked.get());
  }
}
