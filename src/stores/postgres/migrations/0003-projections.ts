/**
 * Version 3: projections, and segments that say whether a run names them.
 *
 * The catalogue of projected tables and of the projections that write them; the tables themselves are made
 * when a projection declares them. An identity may be longer than an index takes, so that no index keeps it
 * unique: who declares tables takes turns.
 *
 * A trigger retires the projections of a run whose name goes, also where a process of an earlier version that
 * has the store open removes it. It locks them in the order in which everybody does.
 *
 * A commit is refused where no run names its segment. To look that up in the runs takes a good part of the
 * time of a small commit, so that triggers note it beside the head, whichever version writes.
 */
import { type Kysely, type Migration, sql } from 'kysely';

const byBytes = sql`text COLLATE "C"`;

async function createTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('projected_tables')
    .addColumn('number', 'bigint', (c) => c.generatedByDefaultAsIdentity().primaryKey())
    .addColumn('identity', byBytes, (c) => c.notNull())
    .addColumn('view_name', byBytes, (c) => c.notNull().unique())
    .addColumn('rows_name', byBytes, (c) => c.notNull().unique())
    .addColumn('columns', 'text', (c) => c.notNull())
    .addColumn('key_columns', 'text', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('projections')
    .addColumn('number', 'bigint', (c) => c.generatedByDefaultAsIdentity().primaryKey())
    .addColumn('run', byBytes, (c) => c.notNull())
    .addColumn('choice', 'text', (c) => c.notNull())
    .addColumn('current', 'integer', (c) => c.notNull())
    .addColumn('retired', 'integer', (c) => c.notNull())
    .addColumn('tick', 'bigint')
    .addColumn('hash', 'bytea')
    .addColumn('sequence', 'bigint')
    .addColumn('problem', 'text')
    .execute();
  await db.schema
    .createTable('projection_tables')
    .addColumn('projection', 'bigint', (c) => c.notNull().references('projections.number'))
    .addColumn('place', 'integer', (c) => c.notNull())
    .addColumn('role', 'text', (c) => c.notNull())
    .addColumn('projected_table', 'bigint', (c) => c.notNull().references('projected_tables.number'))
    .addPrimaryKeyConstraint('projection_tables_key', ['projection', 'place'])
    .execute();
}

const RETIRE = `
CREATE FUNCTION retire_projections() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM FROM projections WHERE run = OLD.id AND retired = 0 ORDER BY number FOR UPDATE;
  UPDATE projections SET current = 0, retired = 1 WHERE run = OLD.id AND retired = 0;
  RETURN NULL;
END
$$`;

const NAMED = `
CREATE FUNCTION note_named() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    UPDATE segments SET named = true WHERE number = NEW.segment AND NOT named;
  ELSE
    UPDATE segments SET named = false
      WHERE number = OLD.segment AND NOT EXISTS (SELECT FROM runs WHERE segment = OLD.segment);
  END IF;
  RETURN NULL;
END
$$`;

async function noteNames(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('segments')
    .addColumn('named', 'boolean', (c) => c.notNull().defaultTo(true))
    .execute();
  await sql`UPDATE segments SET named = false
    WHERE NOT EXISTS (SELECT FROM runs WHERE segment = segments.number)`.execute(db);
  await sql.raw(NAMED).execute(db);
  await sql`CREATE TRIGGER names_of_segment AFTER INSERT OR DELETE ON runs
    FOR EACH ROW EXECUTE FUNCTION note_named()`.execute(db);
}

/** Brings version 2 to version 3. */
export const projections: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await noteNames(db);
    await createTables(db);
    const index = (name: string) => db.schema.createIndex(name);
    const isSet = (column: string) => [sql.ref(column), '=', sql.lit(1)] as const;
    await index('projections_run').on('projections').column('run').execute();
    await index('projections_retired')
      .on('projections')
      .column('number')
      .where(...isSet('retired'))
      .execute();
    await index('projections_current')
      .unique()
      .on('projections')
      .column('run')
      .where(...isSet('current'))
      .execute();
    await index('projection_tables_table').on('projection_tables').column('projected_table').execute();
    await sql.raw(RETIRE).execute(db);
    await sql`CREATE TRIGGER projections_of_run AFTER DELETE ON runs
      FOR EACH ROW EXECUTE FUNCTION retire_projections()`.execute(db);
  },
};
