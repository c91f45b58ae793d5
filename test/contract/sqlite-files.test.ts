/** What only a store in a file can do wrong: foreign, newer, damaged and locked files. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ErrorCode, isWorldfoldError, type WorldfoldError } from '../../src/base/errors.ts';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import { APPLICATION_ID, openSqliteStore, type Packages } from '../../src/stores/sqlite/open.ts';
import { readAll } from './log-store.ts';
import { chain, holder, newRun, outcome, plain } from './records.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'worldfold-sqlite-'));
  path = join(folder, 'runs.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

const records = chain('a', 12);

/** A store with one run of ten ticks, closed. */
async function madeStore(options: Parameters<typeof openSqliteStore>[1] = {}): Promise<void> {
  const store = await openSqliteStore(path, options);
  await store.create(newRun('one', records[0]!));
  await store.append('one-segment', 1, 1, records.slice(1, 10));
  await store.close();
}

/** Changes the file behind the store's back. */
function tamper(sql: string): void {
  const db = new Database(path);
  db.exec(sql);
  db.close();
}

async function refused(call: Promise<unknown>, code: ErrorCode): Promise<WorldfoldError> {
  const error = await call.then(
    () => undefined,
    (e: unknown) => e,
  );
  if (!isWorldfoldError(error)) throw error ?? expect.unreachable(`${code} was due`);
  expect(error.code).toBe(code);
  return error;
}

describe('a file that is no store', () => {
  const foreign: Record<string, (file: string) => void> = {
    text: (file) => writeFileSync(file, 'id,name\n1,a\n'.repeat(50)),
    'one byte': (file) => writeFileSync(file, 'S'),
    'the magic of SQLite and nothing else': (file) => writeFileSync(file, 'SQLite format 3\0'),
    'an empty database': (file) => new Database(file).exec('VACUUM').close(),
    'a database of something else': (file) => new Database(file).exec('CREATE TABLE runs (id TEXT)').close(),
    'a database with a write-ahead log': (file) => {
      const db = new Database(join(folder, 'source'));
      db.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)');
      for (const end of ['', '-wal']) writeFileSync(file + end, readFileSync(join(folder, `source${end}`)));
      db.close();
    },
  };

  for (const [what, make] of Object.entries(foreign))
    test(`${what} is refused and left as it is`, async () => {
      make(path);
      const look = () => readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), 'hex')]);
      const before = look();
      for (const options of [{}, { create: false }, { readOnly: true }]) {
        const error = await refused(sqliteStore(path, options), 'NO_STORE');
        expect(error.message).toContain(path);
        expect(error.hint).toBeTruthy();
      }
      expect(look()).toEqual(before);
    });

  test('an absent or empty file becomes a store only where that is asked', async () => {
    await refused(sqliteStore(path, { create: false }), 'NO_STORE');
    await refused(sqliteStore(path, { readOnly: true }), 'NO_STORE');
    expect(existsSync(path)).toBe(false);
    await refused(sqliteStore(join(folder, 'none', 'runs.db')), 'NO_STORE');
    mkdirSync(join(folder, 'folder'));
    await refused(sqliteStore(join(folder, 'folder')), 'NO_STORE');
    writeFileSync(path, '');
    await refused(sqliteStore(path, { create: false }), 'NO_STORE');
    await (await sqliteStore(path)).close();
    await (await sqliteStore(path, { create: false })).close();
    expect(readFileSync(path).readUInt32BE(68)).toBe(APPLICATION_ID);
  });

  test('a store without one of its tables is refused', async () => {
    await madeStore();
    tamper('DROP TABLE parts');
    expect((await refused(sqliteStore(path), 'NO_STORE')).message).toContain('parts');
  });

  test('L13: a store of a newer format is refused by name', async () => {
    await madeStore();
    tamper('PRAGMA user_version = 99');
    for (const readOnly of [false, true])
      expect((await refused(sqliteStore(path, { readOnly }), 'NEWER_FORMAT')).facts.version).toBe(99);
    tamper('PRAGMA user_version = 1');
    await (await sqliteStore(path)).close();
  });

  test('options that contradict each other are refused', async () => {
    const wrong = [
      sqliteStore(''),
      sqliteStore(':memory:', { readOnly: true }),
      sqliteStore(path, { readOnly: true, create: true }),
      sqliteStore(path, { durability: 'none' as 'power' }),
      sqliteStore(path, { busyTimeoutMs: -1 }),
    ];
    for (const call of wrong) await refused(call, 'BAD_USAGE');
    expect(existsSync(path)).toBe(false);
  });
});

describe('packages', () => {
  const installed: Packages = { sqlite: async () => Database, kysely: () => import('kysely') };
  const absent = async (): Promise<never> => {
    throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
  };
  const unbuilt = class {
    constructor() {
      throw new Error('Could not locate the bindings file');
    }
  } as unknown as typeof Database;

  test('what is missing is named, with what to install', async () => {
    const cases: [Partial<Packages>, string, RegExp][] = [
      [{ sqlite: absent }, 'better-sqlite3', /npm install better-sqlite3 kysely/],
      [{ kysely: absent }, 'kysely', /npm install better-sqlite3 kysely/],
      [{ sqlite: async () => unbuilt }, 'better-sqlite3', /allowScripts/],
    ];
    for (const [packages, name, hint] of cases) {
      const opening = openSqliteStore(path, { packages: { ...installed, ...packages } });
      const error = await refused(opening, 'MISSING_DEPENDENCY');
      expect(error.facts.package).toBe(name);
      expect(error.hint).toMatch(hint);
      expect(error.cause).toBeInstanceOf(Error);
    }
    expect(existsSync(path)).toBe(false);
  });

  test('durability sets what a commit waits for, and no call leaves a transaction open', async () => {
    for (const [durability, synchronous] of [
      ['process', 1],
      ['power', 2],
    ] as const) {
      let db: Database.Database | undefined;
      const spy = class extends Database {
        constructor(...given: ConstructorParameters<typeof Database>) {
          super(...given);
          db = this;
        }
      } as typeof Database;
      const packages = { ...installed, sqlite: async () => spy };
      const store = await openSqliteStore(path, { durability, packages });
      expect(db?.pragma('synchronous', { simple: true })).toBe(synchronous);
      expect(db?.pragma('journal_mode', { simple: true })).toBe('wal');
      const id = durability;
      const calls = [
        () => store.create(newRun(id, records[0]!)),
        () => store.create(newRun(id, records[0]!)),
        () => store.append(`${id}-segment`, 1, 1, records.slice(1, 3)),
        () => store.append(`${id}-segment`, 7, 1, []),
        () => store.read(`${id}-segment`, 0, { records: 1, bytes: 1 }),
        () => store.read('none', 0, { records: 1, bytes: 1 }),
        () => store.acquire(`${id}-segment`, holder('other'), false),
        () => store.renew(`${id}-segment`, 2),
      ];
      for (const call of calls) {
        await outcome(call);
        expect(db?.inTransaction).toBe(false);
      }
      await store.close();
    }
  });
});

describe('damage', () => {
  test('L12: a record that is gone is named', async () => {
    for (const tick of [0, 4, 9]) {
      rmSync(path, { force: true });
      await madeStore();
      tamper(`DELETE FROM records WHERE tick = ${tick}`);
      const store = await sqliteStore(path);
      const error = await refused(readAll(store, 'one-segment'), 'NO_RECORD');
      expect(error.facts).toEqual({ segment: 'one-segment', tick });
      const page = await outcome(() => store.read('one-segment', 0, { records: Infinity, bytes: Infinity }));
      expect(page).toEqual({ code: 'NO_RECORD', segment: 'one-segment', tick });
      const again = await outcome(() => store.append('one-segment', 1, tick, records.slice(tick, tick + 1)));
      expect(again).toEqual({ code: 'NO_RECORD', segment: 'one-segment', tick });
      await store.close();
    }
  });

  test('L12: bytes that do not make the stored length are named', async () => {
    const cuts: [string, number][] = [
      ['DELETE FROM parts WHERE tick = 5 AND part = 1', 5],
      ['UPDATE parts SET bytes = substr(bytes, 2) WHERE tick = 5 AND part = 2', 5],
      ['DELETE FROM parts WHERE tick = 5', 5],
      ['UPDATE records SET bytes = substr(bytes, 2) WHERE tick = 3', 3],
      ["UPDATE records SET bytes = CAST(bytes || x'00' AS BLOB) WHERE tick = 3", 3],
      ["INSERT INTO parts VALUES (1, 5, 99, x'00')", 5],
    ];
    for (const [sql, tick] of cuts) {
      rmSync(path, { force: true });
      await madeStore({ partBytes: 8 });
      tamper(sql);
      const store = await sqliteStore(path);
      const error = await refused(readAll(store, 'one-segment'), 'CORRUPT');
      expect(error.facts).toMatchObject({ segment: 'one-segment', tick });
      expect(plain((await store.read('one-segment', 0, { records: tick, bytes: Infinity })).records)).toEqual(
        plain(records.slice(0, tick)),
      );
      await store.close();
    }
  });

  test('L12: a damaged file is CORRUPT, with what SQLite said as the cause', async () => {
    await madeStore();
    const bytes = readFileSync(path);
    // Every page but the first, whose header still says that the file is ours.
    writeFileSync(path, Buffer.concat([bytes.subarray(0, 8192), Buffer.alloc(bytes.length - 8192, 0x5a)]));
    const all = async () => {
      const store = await sqliteStore(path);
      try {
        await readAll(store, 'one-segment');
      } finally {
        await store.close();
      }
    };
    const error = await refused(all(), 'CORRUPT');
    expect(error.facts.sqlite).toMatch(/^SQLITE_(CORRUPT|NOTADB)/);
    expect(error.cause).toBeInstanceOf(Error);
    expect(error.hint).toMatch(/backup/);
  });
});

describe('failures', () => {
  test('L2: a failure in the middle of a group leaves nothing of it', async () => {
    await madeStore();
    const abort = "BEGIN SELECT RAISE(ABORT, 'no more'); END";
    tamper(`CREATE TRIGGER t BEFORE INSERT ON records WHEN new.tick = 11 ${abort};
      CREATE TRIGGER u BEFORE INSERT ON runs WHEN new.id = 'two' ${abort}`);
    const store = await sqliteStore(path);
    const group = store.append('one-segment', 1, 10, records.slice(10, 12));
    const error = await refused(group, 'STORE_FAILED');
    expect(error.message).toContain('no more');
    expect(plain(await readAll(store, 'one-segment'))).toEqual(plain(records.slice(0, 10)));
    expect((await store.append('one-segment', 1, 10, records.slice(10, 11))).tick).toBe(10);
    await refused(store.create(newRun('two', records[0]!)), 'STORE_FAILED');
    const left = await outcome(() => store.read('two-segment', 0, { records: 1, bytes: 1 }));
    expect(left).toEqual({ code: 'UNKNOWN_RUN' });
    await store.close();
  });

  test('L7: a file that another keeps locked fails the call and nothing else', async () => {
    await madeStore();
    const store = await sqliteStore(path, { busyTimeoutMs: 1 });
    const other = new Database(path);
    other.exec('BEGIN IMMEDIATE');
    const error = await refused(store.append('one-segment', 1, 10, records.slice(10, 11)), 'STORE_FAILED');
    expect(error.facts.sqlite).toBe('SQLITE_BUSY');
    expect(error.hint).toContain('busyTimeoutMs');
    expect(plain(await readAll(store, 'one-segment'))).toEqual(plain(records.slice(0, 10)));
    other.close();
    expect((await store.append('one-segment', 1, 10, records.slice(10, 11))).tick).toBe(10);
    await store.close();
  });

  test('a store that is open for reading reads, beside a writer too, and writes nothing', async () => {
    await madeStore();
    const reader = await sqliteStore(path, { readOnly: true });
    const writer = await sqliteStore(path);
    expect(plain(await readAll(reader, 'one-segment'))).toEqual(plain(records.slice(0, 10)));
    await writer.append('one-segment', 1, 10, records.slice(10, 12));
    expect(plain(await readAll(reader, 'one-segment'))).toEqual(plain(records));
    await refused(reader.append('one-segment', 1, 12, []), 'READ_ONLY');
    await refused(reader.create(newRun('two', records[0]!)), 'READ_ONLY');
    await refused(reader.acquire('one-segment', holder(), true), 'READ_ONLY');
    await reader.close();
    await writer.close();
  });

  test('L7: the database’s own clock runs leases', async () => {
    const store = await sqliteStore(path);
    await store.create(newRun('one', records[0]!, { holder: holder('first', 3_600_000) }));
    await refused(store.acquire('one-segment', holder('second'), false), 'RUN_IN_USE');
    await store.acquire('one-segment', holder('second', 0), true);
    expect(await store.acquire('one-segment', holder('third'), false)).toBe(3);
    await store.close();
  });

  test('L7: an opening waits for another that is about to write', async () => {
    await madeStore();
    for (const busyTimeoutMs of [5000, 0]) {
      tamper('PRAGMA journal_mode = DELETE');
      const other = new Database(path);
      other.exec('BEGIN IMMEDIATE');
      const opening = sqliteStore(path, { busyTimeoutMs });
      const opened = busyTimeoutMs > 0 ? opening : refused(opening, 'STORE_FAILED');
      await new Promise((resolve) => setTimeout(resolve, 50));
      other.close();
      if ((await opened) instanceof Error) continue;
      const store = await opening;
      expect(await store.list(null, 9)).toHaveLength(1);
      await store.close();
    }
  });

  test('several openings of one new file at once make one store', async () => {
    const stores = await Promise.all([1, 2, 3, 4].map(() => sqliteStore(path)));
    for (const [i, store] of stores.entries()) await store.create(newRun(`run ${i}`, records[0]!));
    for (const store of stores) expect(await store.list(null, 9)).toHaveLength(4);
    for (const store of stores) await store.close();
  });
});
