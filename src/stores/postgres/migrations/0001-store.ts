/**
 * Version 1: runs, the tree of segments, records in parts, attempts, snapshots and their chunks.
 *
 * A migration that was released never changes; the next one is a new file.
 *
 * Ids are compared byte by byte (`COLLATE "C"`): an order that comes with the operating system changes with
 * it, and an index in another order loses rows. The row of a segment is written anew by every commit, in room
 * that its page keeps free for that (`fillfactor`), so that no index is touched. `number` of a segment counts
 * up, so a fork's is above its parent's. The indexes are what a collection and the checks of foreign keys
 * look for.
 */
import { type Kysely, type Migration, sql } from 'kysely';

const id = sql`text COLLATE "C"`;

async function createSegments(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('segments')
    .addColumn('number', 'bigint', (c) => c.generatedByDefaultAsIdentity().primaryKey())
    .addColumn('id', id, (c) => c.notNull().unique())
    .addColumn('family', 'bigint', (c) => c.notNull().references('segments.number'))
    .addColumn('parent', 'bigint', (c) => c.references('segments.number'))
    .addColumn('parent_tick', 'bigint')
    .addColumn('head_tick', 'bigint', (c) => c.notNull())
    .addColumn('head_hash', 'bytea', (c) => c.notNull())
    .addColumn('epoch', 'bigint', (c) => c.notNull())
    .addColumn('opening', 'text')
    .addColumn('unswept', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('holder_host', 'text')
    .addColumn('holder_pid', 'bigint')
    .addColumn('holder_token', 'text')
    .addColumn('holder_ttl_ms', 'double precision')
    .addColumn('expires_ms', 'double precision')
    .addColumn('holder_session', 'text')
    .modifyEnd(sql`WITH (fillfactor = 50)`)
    .execute();
  const index = (name: string) => db.schema.createIndex(name).on('segments');
  await index('segments_parent').columns(['parent', 'parent_tick']).execute();
  await index('segments_family').column('family').execute();
  await index('segments_unswept').column('number').where(sql.ref('unswept'), '=', sql.lit(1)).execute();
}

async function createRuns(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('runs')
    .addColumn('id', id, (c) => c.primaryKey())
    .addColumn('id_order', 'bytea', (c) => c.notNull().unique())
    .addColumn('segment', 'bigint', (c) => c.notNull().references('segments.number'))
    .addColumn('header', 'text', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('runs_segment').on('runs').column('segment').execute();
}

async function createRecords(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('records')
    .addColumn('segment', 'bigint', (c) => c.notNull())
    .addColumn('tick', 'bigint', (c) => c.notNull())
    .addColumn('hash', 'bytea', (c) => c.notNull())
    .addColumn('previous', 'bytea', (c) => c.notNull())
    .addColumn('length', 'bigint', (c) => c.notNull())
    .addColumn('bytes', 'bytea', (c) => c.notNull())
    .addPrimaryKeyConstraint('records_key', ['segment', 'tick'])
    .execute();
  await db.schema
    .createTable('parts')
    .addColumn('segment', 'bigint', (c) => c.notNull())
    .addColumn('tick', 'bigint', (c) => c.notNull())
    .addColumn('part', 'bigint', (c) => c.notNull())
    .addColumn('bytes', 'bytea', (c) => c.notNull())
    .addPrimaryKeyConstraint('parts_key', ['segment', 'tick', 'part'])
    .execute();
}

async function createAttempts(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('attempts')
    .addColumn('segment', 'bigint', (c) => c.notNull().references('segments.number'))
    .addColumn('number', 'bigint', (c) => c.notNull())
    .addColumn('tick', 'bigint', (c) => c.notNull())
    .addColumn('text', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('attempts_key', ['segment', 'number'])
    .execute();
}

async function createSnapshots(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('snapshots')
    .addColumn('segment', 'bigint', (c) => c.notNull().references('segments.number'))
    .addColumn('tick', 'bigint', (c) => c.notNull())
    .addColumn('pinned', 'integer', (c) => c.notNull())
    .addColumn('stored', 'bigint', (c) => c.notNull())
    .addColumn('chunks', 'bytea', (c) => c.notNull())
    .addColumn('manifest', 'bytea', (c) => c.notNull())
    .addPrimaryKeyConstraint('snapshots_key', ['segment', 'tick'])
    .execute();
  await db.schema
    .createTable('chunks')
    .addColumn('family', 'bigint', (c) => c.notNull().references('segments.number'))
    .addColumn('number', 'bigint', (c) => c.notNull().generatedByDefaultAsIdentity())
    .addColumn('bytes', 'bytea', (c) => c.notNull())
    .addPrimaryKeyConstraint('chunks_key', ['family', 'number'])
    .execute();
}

/** Columns and numbers are bytes that hardly shrink: the database does not try to. */
async function storeAsTheyAre(db: Kysely<unknown>): Promise<void> {
  const columns = {
    records: ['bytes'],
    parts: ['bytes'],
    snapshots: ['manifest', 'chunks'],
    chunks: ['bytes'],
  };
  for (const [table, names] of Object.entries(columns))
    for (const name of names)
      await sql`ALTER TABLE ${sql.table(table)} ALTER COLUMN ${sql.ref(name)} SET STORAGE EXTERNAL`.execute(
        db,
      );
}

/** Builds the tables of version 1. */
export const store: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await createSegments(db);
    await createRuns(db);
    await createRecords(db);
    await createAttempts(db);
    await createSnapshots(db);
    await storeAsTheyAre(db);
  },
};
