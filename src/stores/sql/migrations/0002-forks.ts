/**
 * Version 2: forks and snapshots.
 *
 * A segment knows the root of its fork tree and what its first own record begins with; snapshots are
 * manifests that share chunks within a tree. Every segment of version 1 is a root.
 *
 * A trigger gives a root its own number as its family, also where a process of version 1 that had the file
 * open before writes it.
 *
 * The indexes are what a collection and the checks of foreign keys look for; `chunks` counts its numbers in
 * `sqlite_sequence`, so that a number never comes again. `chunks` has rowids for the reason that `records`
 * has: blobs in a tree of keys make it slow. The numbers of chunks stand before the manifest, so that a
 * collection reads no manifest.
 */
import { type Kysely, type Migration, sql } from 'kysely';

const strict = sql`strict`;

async function extendSegments(db: Kysely<unknown>): Promise<void> {
  // SQLite adds one column at a time, and none that is NOT NULL without a default.
  const segments = () => db.schema.alterTable('segments');
  await segments()
    .addColumn('family', 'integer', (c) => c.references('segments.number'))
    .execute();
  await segments().addColumn('opening', 'text').execute();
  await segments()
    .addColumn('unswept', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
  await sql`UPDATE segments SET family = number`.execute(db);
  await sql`CREATE TRIGGER segments_root AFTER INSERT ON segments WHEN new.family IS NULL
    BEGIN UPDATE segments SET family = new.number WHERE number = new.number; END`.execute(db);
  const index = (name: string) => db.schema.createIndex(name);
  await index('segments_parent').on('segments').columns(['parent', 'parent_tick']).execute();
  await index('segments_family').on('segments').column('family').execute();
  await index('segments_unswept').on('segments').column('unswept').where('unswept', '=', 1).execute();
  await index('runs_segment').on('runs').column('segment').execute();
}

async function createSnapshots(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('snapshots')
    .addColumn('segment', 'integer', (c) => c.notNull().references('segments.number'))
    .addColumn('tick', 'integer', (c) => c.notNull())
    .addColumn('pinned', 'integer', (c) => c.notNull())
    .addColumn('stored', 'integer', (c) => c.notNull())
    .addColumn('chunks', 'blob', (c) => c.notNull())
    .addColumn('manifest', 'blob', (c) => c.notNull())
    .addPrimaryKeyConstraint('snapshots_key', ['segment', 'tick'])
    .modifyEnd(strict)
    .execute();
  await db.schema
    .createTable('chunks')
    .addColumn('number', 'integer', (c) => c.primaryKey().autoIncrement())
    .addColumn('family', 'integer', (c) => c.notNull().references('segments.number'))
    .addColumn('bytes', 'blob', (c) => c.notNull())
    .modifyEnd(strict)
    .execute();
  await db.schema.createIndex('chunks_family').on('chunks').column('family').execute();
}

/** Adds what version 2 has to the tables of version 1. */
export const forks: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await extendSegments(db);
    await createSnapshots(db);
  },
};
