/** Forks and snapshots in SQLite files: files of version 1, damage, and what is open for reading only. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Kysely, Migrator, SqliteDialect } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Store } from '../../src/log/store.ts';
import { pack, unpack } from '../../src/stores/sql/chunk-list.ts';
import { MIGRATIONS } from '../../src/stores/sql/migrations/index.ts';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import { APPLICATION_ID, openSqliteStore } from '../../src/stores/sqlite/open.ts';
import { collectAll, factsOf, wholeLog } from './forks.ts';
import { readAll } from './log-store.ts';
import { chain, continued, holder, newFork, newRun, outcome, plain, snapshotOf } from './records.ts';
import { textsOf } from './snapshots.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'worldfold-sqlite-'));
  path = join(folder, 'runs.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

const records = chain('a', 12);

/** A file as version 1 wrote it, with a run of 10 ticks. */
async function versionOne(): Promise<void> {
  const db = new Database(path);
  const kysely = new Kysely<object>({ dialect: new SqliteDialect({ database: db }) });
  const migrator = new Migrator({
    db: kysely,
    provider: { getMigrations: async () => ({ '0001-log': MIGRATIONS['0001-log']! }) },
    migrationTableName: 'worldfold_migrations',
    migrationLockTableName: 'worldfold_migration_lock',
  });
  expect((await migrator.migrateToLatest()).error).toBeUndefined();
  db.pragma(`application_id = ${APPLICATION_ID}`);
  db.pragma('user_version = 1');
  addVersionOne(db, 'one');
  db.close();
}

/** A run as a process of version 1 writes it. */
function addVersionOne(db: Database.Database, id: string): void {
  const { hash } = records[9]!;
  const { lastInsertRowid } = db
    .prepare('INSERT INTO segments (id, head_tick, head_hash, epoch) VALUES (?, 9, ?, 1)')
    .run(`${id}-segment`, hash);
  db.prepare('INSERT INTO runs (id, id_order, segment, header) VALUES (?, ?, ?, ?)').run(
    id,
    Buffer.from(id, 'utf16le').swap16(),
    lastInsertRowid,
    '{}',
  );
  const insert = db.prepare(
    'INSERT INTO records (segment, tick, hash, previous, length, bytes) VALUES (?, ?, ?, ?, ?, ?)',
  );
  for (const { tick, hash, previous, bytes } of records.slice(0, 10))
    insert.run(lastInsertRowid, tick, hash, previous, bytes.length, bytes);
}

/** `one` of 10 ticks with snapshots of 2 and 7 that share a chunk; `two` forks it at 4. */
async function made(store: Store): Promise<readonly number[]> {
  await store.create(newRun('one', records[0]!));
  await store.append('one-segment', 1, 1, records.slice(1, 10));
  const numbers = await store.keepSnapshot(snapshotOf('one-segment', records[2]!, ['aaaa', 'bbbb']));
  await store.keepSnapshot(snapshotOf('one-segment', records[7]!, ['cccc', numbers[1]!]));
  await store.fork(newFork('two', 'one-segment', records[4]!));
  await store.append('two-segment', 1, 5, continued(records[4]!, 'two', 3));
  return numbers;
}

/** Changes the file behind the store's back. */
function tamper(change: (db: Database.Database) => void): void {
  const db = new Database(path);
  db.pragma('foreign_keys = OFF');
  change(db);
  db.close();
}

test('L13: a store of version 1 is read, forked and collected like any other', async () => {
  await versionOne();
  expect(await factsOf(sqliteStore(path, { readOnly: true }))).toMatchObject({ code: 'READ_ONLY' });
  const store = await sqliteStore(path);
  const { segment } = (await store.head('one'))!;
  expect(segment).toMatchObject({ id: 'one-segment', family: 'one-segment', parent: null, opening: null });
  expect(plain(await readAll(store, 'one-segment'))).toEqual(plain(records.slice(0, 10)));
  await store.append('one-segment', 1, 10, records.slice(10, 12));
  await store.fork(newFork('two', 'one-segment', records[4]!));
  await store.keepSnapshot(snapshotOf('one-segment', records[3]!, ['a']));
  await store.remove('one', false);
  // Records 5 to 11.
  expect(await collectAll(store, 99)).toEqual([7]);
  expect(await textsOf(store, 'one-segment', 3)).toEqual(['a']);
  await store.close();
  const reader = await sqliteStore(path, { readOnly: true });
  expect(plain(await wholeLog(reader, 'two-segment'))).toEqual(plain(records.slice(0, 5)));
  await reader.close();
});

test('L13: a run that a process of version 1 adds to a migrated file is a root', async () => {
  await versionOne();
  const store = await sqliteStore(path);
  tamper((db) => addVersionOne(db, 'late'));
  expect((await store.list(null, 9)).map((run) => run.segment.family)).toEqual([
    'late-segment',
    'one-segment',
  ]);
  await store.fork(newFork('two', 'late-segment', records[9]!));
  expect((await store.lineage('two-segment')).map(({ family }) => family)).toEqual([
    'late-segment',
    'late-segment',
  ]);
  await store.close();
});

test('L13: a migration that fails leaves a file of version 1', async () => {
  await versionOne();
  tamper((db) => db.exec('CREATE TABLE chunks (a)'));
  expect(await factsOf(sqliteStore(path))).toMatchObject({ code: 'STORE_FAILED' });
  const db = new Database(path);
  expect(db.pragma('user_version', { simple: true })).toBe(1);
  expect(
    db
      .prepare('SELECT * FROM segments')
      .columns()
      .map(({ name }) => name),
  ).not.toContain('family');
  db.exec('DROP TABLE chunks');
  db.close();
  await (await sqliteStore(path)).close();
});

test('a store that is open for reading shows forks and snapshots, and writes nothing', async () => {
  const store = await sqliteStore(path);
  const [chunk] = await made(store);
  const reader = await sqliteStore(path, { readOnly: true });
  expect(plain(await reader.lineage('two-segment'))).toEqual(plain(await store.lineage('two-segment')));
  expect(await reader.snapshots('one-segment')).toHaveLength(2);
  expect(await textsOf(reader, 'one-segment', 7)).toEqual(['cccc', 'bbbb']);
  const writes = [
    () => reader.fork(newFork('new', 'one-segment', records[4]!)),
    () => reader.remove('two', true),
    () => reader.collect(1),
    () => reader.keepSnapshot(snapshotOf('one-segment', records[3]!, [chunk!])),
    () => reader.dropSnapshots('one-segment', [2]),
    () => reader.pinSnapshot('one-segment', 2, true),
  ];
  for (const write of writes) expect(await outcome(write)).toEqual({ code: 'READ_ONLY' });
  expect(await store.snapshots('one-segment')).toHaveLength(2);
  await reader.close();
  await store.close();
});

test('a store without one of the tables of its version is refused', async () => {
  for (const table of ['snapshots', 'chunks']) {
    rmSync(path, { force: true });
    await (await sqliteStore(path)).close();
    tamper((db) => db.exec(`DROP TABLE ${table}`));
    const refused = sqliteStore(path).catch((e: Error) => e.message);
    expect(await refused).toContain(`no table ${table}`);
  }
});

test('L12: a chunk that is gone or cut is named or given as it is, and harms no other', async () => {
  const store = await sqliteStore(path);
  const [a, b] = await made(store);
  tamper((db) => {
    db.prepare('DELETE FROM chunks WHERE number = ?').run(a);
    db.prepare('UPDATE chunks SET bytes = substr(bytes, 2) WHERE number = ?').run(b);
  });
  expect(await factsOf(textsOf(store, 'one-segment', 2))).toEqual({
    code: 'NO_CHUNK',
    segment: 'one-segment',
    chunk: a,
  });
  expect(await textsOf(store, 'one-segment', 7)).toEqual(['cccc', 'bbb']);
  const again = snapshotOf('one-segment', records[2]!, ['aaaa', 'bbbb']);
  await store.keepSnapshot(again);
  expect(await textsOf(store, 'one-segment', 2)).toEqual(['aaaa', 'bbbb']);
  expect(await store.collect(99)).toBe(0);
  await store.close();
});

test('L12: a snapshot whose list of chunks is cut is named, and can be replaced and collected', async () => {
  const store = await sqliteStore(path);
  await made(store);
  tamper((db) => db.exec('UPDATE snapshots SET chunks = substr(chunks, 1, 11) WHERE tick = 2'));
  const corrupt = { code: 'CORRUPT', segment: 'one-segment', tick: 2 };
  expect(await factsOf(store.readSnapshot('one-segment', 2))).toEqual(corrupt);
  expect(await store.snapshots('one-segment')).toHaveLength(2);
  await store.dropSnapshots('one-segment', [2]);
  expect(await store.collect(99)).toBe(1);
  expect(await textsOf(store, 'one-segment', 7)).toEqual(['cccc', 'bbbb']);
  await store.close();
});

test('L12: a collection that finds a record missing where it must cut stops and deletes nothing', async () => {
  const store = await sqliteStore(path);
  await made(store);
  await store.remove('one', true);
  tamper((db) => db.exec('DELETE FROM records WHERE segment = 1 AND tick = 4'));
  const missing = { code: 'NO_RECORD', segment: 'one-segment', tick: 4 };
  expect(await outcome(() => store.collect(99))).toEqual(missing);
  expect(await readAll(store, 'two-segment', 5)).toHaveLength(3);
  expect(await store.snapshots('one-segment')).toHaveLength(2);
  await store.close();
});

/** How many rows each table of the file has. */
function rowCounts(): unknown[] {
  const db = new Database(path);
  const tables = ['runs', 'segments', 'records', 'snapshots', 'chunks'];
  const counts = tables.map((table) => db.prepare(`SELECT count(*) FROM ${table}`).pluck().get());
  db.close();
  return counts;
}

// Segment 1 has no name, 2 forks it at 4, 3 forks 2 at 6 and has no record, 4 is a root, 5 a fork that goes.
test.each([
  ['a fork on a parent that is not there', 'UPDATE segments SET parent = 9 WHERE number = 2'],
  ['a fork on another root', 'UPDATE segments SET parent = 4, family = 4 WHERE number = 3'],
  ['a fork on its grandparent', 'UPDATE segments SET parent = 1 WHERE number = 3'],
  ['a fork on an earlier tick', 'UPDATE segments SET parent_tick = 2 WHERE number = 2'],
  ['a fork on a later tick', 'UPDATE segments SET parent_tick = 5 WHERE number = 2'],
  ['a fork on no tick', 'UPDATE segments SET parent_tick = NULL WHERE number = 2'],
  ['a fork that is no fork', 'UPDATE segments SET parent = NULL, parent_tick = NULL WHERE number = 2'],
  ['a fork of another family', 'UPDATE segments SET family = 4 WHERE number = 2'],
  ['a root of another family', 'UPDATE segments SET family = 1 WHERE number = 4'],
  ['a segment with another number', 'UPDATE segments SET number = 8 WHERE number = 2'],
  ['a run in a segment that is not there', "UPDATE runs SET segment = 9 WHERE id = 'two'"],
  ['two runs in one segment', "UPDATE runs SET segment = 4 WHERE id = 'two'"],
  ['a run in a segment of a removed one', "UPDATE runs SET segment = 5 WHERE id = 'four'"],
])('L12: a collection that meets %s deletes nothing that a run may need', async (_, harm) => {
  const store = await sqliteStore(path);
  await made(store);
  await store.fork(newFork('three', 'two-segment', continued(records[4]!, 'two', 3)[1]!));
  await store.create(newRun('four', records[0]!));
  await store.keepSnapshot(snapshotOf('four-segment', records[0]!, ['dddd']));
  await store.fork({
    ...newFork('five', 'two-segment', continued(records[4]!, 'two', 3)[0]!),
    segment: 'five/1',
  });
  for (const gone of ['one', 'five']) await store.remove(gone, true);
  await store.dropSnapshots('one-segment', [2]);
  tamper((db) => db.exec(harm));
  const before = rowCounts();
  for (const limit of [1, 99])
    expect(await outcome(() => store.collect(limit))).toMatchObject({ code: 'CORRUPT' });
  expect(rowCounts()).toEqual(before);
  await store.close();
});

test('L2: a failure in the middle of a call leaves nothing of it', async () => {
  const store = await sqliteStore(path);
  await made(store);
  await store.remove('one', true);
  const abort = "BEGIN SELECT RAISE(ABORT, 'no more'); END";
  tamper((db) =>
    db.exec(`CREATE TRIGGER a BEFORE INSERT ON runs WHEN new.id = 'three' ${abort};
      CREATE TRIGGER b BEFORE INSERT ON snapshots ${abort};
      CREATE TRIGGER c BEFORE UPDATE OF head_tick ON segments WHEN new.head_tick = 4 ${abort};
      CREATE TRIGGER d BEFORE UPDATE OF epoch ON segments WHEN old.id = 'two-segment' ${abort}`),
  );
  const calls = [
    () => store.fork(newFork('three', 'one-segment', records[3]!)),
    () => store.keepSnapshot(snapshotOf('two-segment', continued(records[4]!, 'two', 1)[0]!, ['lost'])),
    () => store.collect(99),
    () => store.remove('two', true),
  ];
  const before = rowCounts();
  for (const call of calls) {
    expect(await outcome(call)).toEqual({ code: 'STORE_FAILED' });
    expect(rowCounts()).toEqual(before);
  }
  expect((await store.lineage('two-segment')).map(({ head }) => head.tick)).toEqual([7, 9]);
  await store.close();
});

test('no call leaves a transaction open', async () => {
  let db: Database.Database | undefined;
  const spy = class extends Database {
    constructor(...given: ConstructorParameters<typeof Database>) {
      super(...given);
      db = this;
    }
  } as typeof Database;
  const packages = { sqlite: async () => spy, kysely: () => import('kysely') };
  const store = await openSqliteStore(path, { packages });
  const [chunk] = await made(store);
  const calls = [
    () => store.fork(newFork('new', 'none', records[4]!)),
    () => store.lineage('none'),
    () => store.lineage('two-segment'),
    () => store.acquire('two-segment', holder(), true),
    () => store.keepSnapshot(snapshotOf('one-segment', records[3]!, ['x', 9999])),
    () => store.readChunks('one-segment', [chunk!, 9999], 99),
    () => store.readSnapshot('one-segment', 7),
    () => store.pinSnapshot('one-segment', 3, true),
    () => store.dropSnapshots('one-segment', [2]),
    () => store.remove('none', true),
    () => store.remove('one', true),
    () => store.collect(2),
    () => store.collect(0),
  ];
  for (const call of calls) {
    await outcome(call);
    expect(db?.inTransaction).toBe(false);
  }
  await store.close();
});

test('numbers of chunks are stored in 8 bytes each', () => {
  const numbers = [0, 1, 255, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 7, Number.MAX_SAFE_INTEGER];
  const bytes = pack(numbers);
  expect(bytes.length).toBe(8 * numbers.length);
  expect([...unpack(bytes)]).toEqual(numbers);
  expect(Buffer.from(pack([258])).toString('hex')).toBe('0201000000000000');
  expect([...unpack(bytes.subarray(0, 20))]).toEqual([0, 1]);
});
