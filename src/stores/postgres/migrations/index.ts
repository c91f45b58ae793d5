/** The migrations in order, as code. */
import { type Kysely, type Migration, sql } from 'kysely';

const tables = ['runs', 'segments', 'records', 'parts', 'attempts', 'snapshots', 'chunks'];

const log: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const name of tables)
      await db.schema.createTable(name).addColumn('number', 'bigint').addColumn('bytes', 'bytea').execute();
    await sql`CREATE INDEX chunks_number ON chunks (number)`.execute(db);
  },
};

/** By name; the names sort in the order in which the migrations run. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = { '0001-log': log };
