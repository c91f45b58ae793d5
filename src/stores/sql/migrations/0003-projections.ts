/**
 * Version 3: projections.
 *
 * The catalogue of projected tables and of the projections that write them; the tables themselves are made
 * when a projection declares them. Numbers count in `sqlite_sequence`, so that none comes again: rows and
 * statements may still be there under an old one.
 *
 * A trigger retires the projections of a run whose name goes, also where a process of an earlier version that
 * had the file open before removes it.
 */
import { type Kysely, type Migration, sql } from 'kysely';

const strict = sql`strict`;

async function createTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('projected_tables')
    .addColumn('number', 'integer', (c) => c.primaryKey().autoIncrement())
    .addColumn('identity', 'text', (c) => c.notNull().unique())
    .addColumn('view_name', 'text', (c) => c.notNull().unique())
    .addColumn('rows_name', 'text', (c) => c.notNull().unique())
    .addColumn('columns', 'text', (c) => c.notNull())
    .addColumn('key_columns', 'text', (c) => c.notNull())
    .modifyEnd(strict)
    .execute();
  await db.schema
    .createTable('projections')
    .addColumn('number', 'integer', (c) => c.primaryKey().autoIncrement())
    .addColumn('run', 'text', (c) => c.notNull())
    .addColumn('choice', 'text', (c) => c.notNull())
    .addColumn('current', 'integer', (c) => c.notNull())
    .addColumn('retired', 'integer', (c) => c.notNull())
    .addColumn('tick', 'integer')
    .addColumn('hash', 'blob')
    .addColumn('sequence', 'integer')
    .addColumn('problem', 'text')
    .modifyEnd(strict)
    .execute();
  await db.schema
    .createTable('projection_tables')
    .addColumn('projection', 'integer', (c) => c.notNull().references('projections.number'))
    .addColumn('place', 'integer', (c) => c.notNull())
    .addColumn('role', 'text', (c) => c.notNull())
    .addColumn('projected_table', 'integer', (c) => c.notNull().references('projected_tables.number'))
    .addPrimaryKeyConstraint('projection_tables_key', ['projection', 'place'])
    .modifyEnd(strict)
    .execute();
}

async function createIndexes(db: Kysely<unknown>): Promise<void> {
  const index = (name: string) => db.schema.createIndex(name);
  await index('projections_run').on('projections').column('run').execute();
  await sql`CREATE INDEX projections_retired ON projections (number) WHERE retired = 1`.execute(db);
  await sql`CREATE UNIQUE INDEX projections_current ON projections (run) WHERE current = 1`.execute(db);
  await index('projection_tables_table').on('projection_tables').column('projected_table').execute();
}

/** Adds what version 3 has to the tables of version 2. */
export const projections: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await createTables(db);
    await createIndexes(db);
    await sql`CREATE TRIGGER projections_of_run AFTER DELETE ON runs
      BEGIN UPDATE projections SET current = 0, retired = 1 WHERE run = old.id; END`.execute(db);
  },
};
