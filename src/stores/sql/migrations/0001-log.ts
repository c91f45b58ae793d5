/**
 * Version 1: runs, segments, records in parts, attempts.
 *
 * A migration that was released never changes; the next one is a new file. Tables of SQLite are STRICT, so
 * that a value of another type is refused and not kept.
 *
 * `records` is an ordinary rowid table with a key of (segment, tick). Measured here on SQLite 3.53 in commits
 * of 64 records: WITHOUT ROWID took 2.8 µs a record of 200 B and 65 to 74 µs one of 20 KB, this form 2.6 µs
 * and 50 to 58 µs; reading 20 KB took 10 µs against 8 µs. A bare INSERT without the key took 2.0 µs and 47 to
 * 66 µs.
 */
import { type CreateTableBuilder, type Kysely, type Migration, sql } from 'kysely';

const strict = sql`strict`;

const createRecords = (db: Kysely<unknown>): CreateTableBuilder<string, string> =>
  db.schema
    .createTable('records')
    .addColumn('segment', 'integer', (c) => c.notNull())
    .addColumn('tick', 'integer', (c) => c.notNull())
    .addColumn('hash', 'blob', (c) => c.notNull())
    .addColumn('previous', 'blob', (c) => c.notNull())
    .addColumn('length', 'integer', (c) => c.notNull())
    .addColumn('bytes', 'blob', (c) => c.notNull())
    .addPrimaryKeyConstraint('records_key', ['segment', 'tick'])
    .modifyEnd(strict);

const createParts = (db: Kysely<unknown>): CreateTableBuilder<string, string> =>
  db.schema
    .createTable('parts')
    .addColumn('segment', 'integer', (c) => c.notNull())
    .addColumn('tick', 'integer', (c) => c.notNull())
    .addColumn('part', 'integer', (c) => c.notNull())
    .addColumn('bytes', 'blob', (c) => c.notNull())
    .addPrimaryKeyConstraint('parts_key', ['segment', 'tick', 'part'])
    .modifyEnd(strict);

const createSegments = (db: Kysely<unknown>): CreateTableBuilder<string, string> =>
  db.schema
    .createTable('segments')
    .addColumn('number', 'integer', (c) => c.primaryKey())
    .addColumn('id', 'text', (c) => c.notNull().unique())
    .addColumn('parent', 'integer', (c) => c.references('segments.number'))
    .addColumn('parent_tick', 'integer')
    .addColumn('head_tick', 'integer', (c) => c.notNull())
    .addColumn('head_hash', 'blob', (c) => c.notNull())
    .addColumn('epoch', 'integer', (c) => c.notNull())
    .addColumn('holder_host', 'text')
    .addColumn('holder_pid', 'integer')
    .addColumn('holder_token', 'text')
    .addColumn('holder_ttl_ms', 'real')
    .addColumn('expires_ms', 'real')
    .modifyEnd(strict);

const createRuns = (db: Kysely<unknown>): CreateTableBuilder<string, string> =>
  db.schema
    .createTable('runs')
    .addColumn('id', 'text', (c) => c.primaryKey().notNull())
    .addColumn('id_order', 'blob', (c) => c.notNull().unique())
    .addColumn('segment', 'integer', (c) => c.notNull().references('segments.number'))
    .addColumn('header', 'text', (c) => c.notNull())
    .modifyEnd(strict);

const createAttempts = (db: Kysely<unknown>): CreateTableBuilder<string, string> =>
  db.schema
    .createTable('attempts')
    .addColumn('segment', 'integer', (c) => c.notNull().references('segments.number'))
    .addColumn('number', 'integer', (c) => c.notNull())
    .addColumn('tick', 'integer', (c) => c.notNull())
    .addColumn('text', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('attempts_key', ['segment', 'number'])
    .modifyEnd(strict);

/** Builds the tables of version 1. */
export const log: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await createSegments(db).execute();
    await createRuns(db).execute();
    await createRecords(db).execute();
    await createParts(db).execute();
    await createAttempts(db).execute();
  },
};
