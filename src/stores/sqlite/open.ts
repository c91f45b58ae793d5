/**
 * Opening a SQLite file as a store.
 *
 * Owns everything between a path and a `Connection`: the optional packages, telling our files from others
 * without touching them, creating and migrating, and the settings of the connection. Owns no call of a port.
 */
import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database, Options } from 'better-sqlite3';
import { show } from '../../base/canonical.ts';
import { fail } from '../../base/errors.ts';
import { steadyClock } from '../../base/platform.ts';
import { newerFormat } from '../sql/format.ts';
import { type Tables, tablesOf } from '../sql/tables.ts';
import { refuse, sqliteCode } from './errors.ts';
import { type Connection, SqliteStore } from './store.ts';

/** What marks a SQLite file as ours (`PRAGMA application_id`, bytes 68 to 71 of the file): "WLDF". */
export const APPLICATION_ID = 0x574c4446;

/** A page holds a record of a few KB whole, and a larger one in fewer overflow pages than 4 KiB would. */
const PAGE_BYTES = 8192;
const PART_BYTES = 8 * 1024 * 1024;
const RETRY_MS = 5;

/** The optional packages, each loaded when a store is opened. */
export interface Packages {
  sqlite(): Promise<typeof import('better-sqlite3')>;
  kysely(): Promise<typeof import('kysely')>;
}

const INSTALLED: Packages = {
  sqlite: async () => (await import('better-sqlite3')).default,
  kysely: () => import('kysely'),
};

/** Every setting of a store; `sqliteStore` documents those that users have. */
export interface OpenOptions {
  readonly durability?: 'process' | 'power';
  readonly create?: boolean;
  readonly readOnly?: boolean;
  readonly busyTimeoutMs?: number;
  /** Records longer than this are stored in parts of this size. */
  readonly partBytes?: number;
  /** The clock of leases in milliseconds. Default: the clock of the database. */
  readonly clock?: () => number;
  readonly packages?: Packages;
}

type Sqlite = typeof import('better-sqlite3');

const missing = (name: string, said: string, hint: string, cause: unknown): never =>
  fail(
    'MISSING_DEPENDENCY',
    `a SQLite store needs the package ${name}: ${said}`,
    { package: name },
    hint,
    cause,
  );

async function loadPackages(packages: Packages): Promise<[Sqlite, typeof import('kysely')]> {
  const install = 'Install both: npm install better-sqlite3 kysely';
  const load = async <T>(name: string, how: () => Promise<T>): Promise<T> => {
    try {
      return await how();
    } catch (e) {
      return missing(name, 'it is not installed', install, e);
    }
  };
  const sqlite = await load('better-sqlite3', packages.sqlite);
  const kysely = await load('kysely', packages.kysely);
  try {
    // The native part is loaded by the first database and not by the import.
    new sqlite(':memory:').close();
  } catch (e) {
    const allow = 'npm 11 builds it only when package.json says "allowScripts": { "better-sqlite3": true }';
    missing(
      'better-sqlite3',
      'its native part is not built',
      `${allow}; then: npm rebuild better-sqlite3`,
      e,
    );
  }
  return [sqlite, kysely];
}

const noStore = (location: string, why: string, hint: string, cause?: unknown): never =>
  fail('NO_STORE', `${location} ${why}`, { location }, hint, cause);

const foreign = (location: string, why: string): never =>
  noStore(location, `is no worldfold store: ${why}`, 'Name another file: this one was left as it is.');

/**
 * Looks at the first bytes of a file without SQLite, which would roll back or checkpoint a file that is not
 * ours. The layout is that of https://www.sqlite.org/fileformat.html#the_database_header.
 */
function lookAt(path: string, location: string): 'absent' | 'empty' | 'ours' {
  const header = Buffer.alloc(100);
  let read = 0;
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (e) {
    if ((e as { code?: string }).code === 'ENOENT') return 'absent';
    return refuse(e, location);
  }
  try {
    if (!fstatSync(file).isFile()) return foreign(location, 'it is no file');
    read = readSync(file, header, 0, header.length, 0);
  } catch (e) {
    return refuse(e, location);
  } finally {
    closeSync(file);
  }
  if (read === 0) return 'empty';
  if (read < header.length || header.toString('latin1', 0, 16) !== 'SQLite format 3\0')
    return foreign(location, 'it is no SQLite database');
  if (header.readUInt32BE(68) !== APPLICATION_ID)
    return foreign(location, 'it is the database of something else');
  return 'ours';
}

interface FormatState {
  readonly application: number;
  readonly version: number;
  readonly tables: ReadonlySet<string>;
}

/** All three in one transaction: between them another process may make the store. */
function formatOf(db: Database): FormatState {
  const read = (): FormatState => ({
    application: db.pragma('application_id', { simple: true }) as number,
    version: db.pragma('user_version', { simple: true }) as number,
    tables: new Set(
      db.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all(),
    ),
  });
  return db.inTransaction ? read() : db.transaction(read)();
}

/** Whether the database must be created or migrated; refuses what is not ours or too new. */
function needsMigrating(db: Database, location: string, known: number): boolean {
  const { application, version, tables } = formatOf(db);
  if (application === 0 && version === 0 && tables.size === 0) return true;
  if (application !== APPLICATION_ID) foreign(location, 'it is the database of something else');
  if (version > known) newerFormat(location, version, known);
  const absent = tablesOf(version).find((name) => !tables.has(name));
  if (absent !== undefined) foreign(location, `it has no table ${absent}`);
  return version < known;
}

/**
 * Creates or migrates in one transaction, mark and version included. The migrator is asynchronous, so this is
 * the one transaction that spans promises; `inTurn` keeps other openings of this process out of it.
 */
async function migrate(
  connection: Connection,
  kysely: typeof import('kysely'),
  known: number,
): Promise<void> {
  const { db, sql, location } = connection;
  const { MIGRATIONS } = await import('../sql/migrations/index.ts');
  db.exec('BEGIN IMMEDIATE');
  try {
    // Another process may have been faster.
    if (needsMigrating(db, location, known)) {
      const migrator = new kysely.Migrator({
        db: sql,
        provider: { getMigrations: async () => ({ ...MIGRATIONS }) },
        migrationTableName: 'worldfold_migrations',
        migrationLockTableName: 'worldfold_migration_lock',
      });
      const { error } = await migrator.migrateToLatest();
      if (error !== undefined) throw error;
      db.pragma(`application_id = ${APPLICATION_ID}`);
      db.pragma(`user_version = ${known}`);
    }
    db.exec('COMMIT');
  } catch (e) {
    if (db.inTransaction) db.exec('ROLLBACK');
    throw e;
  }
}

let turn: Promise<unknown> = Promise.resolve();

/**
 * Runs one opening after the other: SQLite waits for locks by blocking the process that should release them.
 */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const mine = turn.then(work);
  turn = mine.catch(() => {});
  return mine;
}

/**
 * WAL lets readers read while a writer appends. SQLite does not always wait when it switches to it: beside
 * another connection that is about to write, it fails at once.
 */
async function useWal(db: Database, location: string, busyTimeoutMs: number): Promise<void> {
  const start = steadyClock();
  for (;;) {
    try {
      const mode = db.pragma('journal_mode = WAL', { simple: true });
      if (mode === 'wal' || mode === 'memory') return;
      const hint =
        'Keep the store on a local file system: SQLite shares memory between the processes that use it.';
      fail('STORE_FAILED', `${location} can't be used with a write-ahead log`, { location, mode }, hint);
    } catch (e) {
      if (!sqliteCode(e)?.startsWith('SQLITE_BUSY') || steadyClock() - start >= busyTimeoutMs) throw e;
      await sleep(RETRY_MS);
    }
  }
}

/**
 * Looks again while another process is in the middle of a commit, when the first page may be half written.
 */
async function lookPatiently(path: string, location: string, busyTimeoutMs: number) {
  const start = steadyClock();
  for (;;) {
    try {
      return lookAt(path, location);
    } catch (e) {
      if (!existsSync(`${path}-journal`) || steadyClock() - start >= busyTimeoutMs) throw e;
      await sleep(RETRY_MS);
    }
  }
}

async function connect(
  sqlite: Sqlite,
  path: string,
  location: string,
  options: Required<Settings>,
): Promise<Database> {
  const { readOnly, create, busyTimeoutMs, durability } = options;
  if (path !== ':memory:') {
    const found = await lookPatiently(path, location, busyTimeoutMs);
    if (
      found === 'absent' &&
      create &&
      statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory() !== true
    )
      noStore(location, 'is in a folder that does not exist', 'Make the folder, or name another file.');
    if (found !== 'ours' && !create)
      noStore(
        location,
        found === 'empty' ? 'is empty' : 'does not exist',
        'Check the path, or let it be created.',
      );
  }
  const settings: Options = { readonly: readOnly, fileMustExist: !create, timeout: busyTimeoutMs };
  const db = new sqlite(path, settings);
  if (!readOnly) db.pragma(`page_size = ${PAGE_BYTES}`);
  db.pragma(`synchronous = ${durability === 'power' ? 'FULL' : 'NORMAL'}`);
  // On macOS an ordinary fsync does not reach the disk; elsewhere these two do nothing.
  db.pragma(`fullfsync = ${durability === 'power' ? 'ON' : 'OFF'}`);
  db.pragma(`checkpoint_fullfsync = ${durability === 'power' ? 'ON' : 'OFF'}`);
  return db;
}

type Settings = Pick<OpenOptions, 'durability' | 'create' | 'readOnly' | 'busyTimeoutMs'>;

function settingsOf(path: string, options: OpenOptions): Required<Settings> {
  const { durability = 'process', readOnly = false, create = !readOnly, busyTimeoutMs = 5000 } = options;
  if (typeof path !== 'string' || path.trim() === '')
    fail(
      'BAD_USAGE',
      'a SQLite store needs the path of a file, or :memory:',
      { path },
      "Write await sqliteStore('runs.db').",
    );
  for (const [name, value] of Object.entries({ readOnly, create }))
    if (typeof value !== 'boolean')
      fail(
        'BAD_USAGE',
        `${name} is true or false, not ${show(value)}`,
        { [name]: value },
        `Write ${name}: true.`,
      );
  if (readOnly && (create || path === ':memory:'))
    fail('BAD_USAGE', 'a store that is opened for reading can only be one that exists', { path });
  if (durability !== 'process' && durability !== 'power')
    fail('BAD_USAGE', `durability is 'process' or 'power', not ${show(durability)}`, { durability });
  if (!Number.isInteger(busyTimeoutMs) || busyTimeoutMs < 0 || busyTimeoutMs > 0x7fffffff)
    fail('BAD_USAGE', `busyTimeoutMs is a whole number of milliseconds, not ${show(busyTimeoutMs)}`, {
      busyTimeoutMs,
    });
  return { durability, readOnly, create, busyTimeoutMs };
}

/** Opens a store with every setting, those of tests included; `sqliteStore` is the public way. */
export async function openSqliteStore(path: string, options: OpenOptions = {}): Promise<SqliteStore> {
  const { partBytes = PART_BYTES, clock = null, packages = INSTALLED } = options;
  const settings = settingsOf(path, options);
  const [sqlite, kysely] = await loadPackages(packages);
  const { MIGRATIONS } = await import('../sql/migrations/index.ts');
  const known = Object.keys(MIGRATIONS).length;
  const location = `sqlite:${path}`;
  const file = path === ':memory:' ? path : resolve(path);
  return inTurn(async () => {
    let db: Database | undefined;
    try {
      db = await connect(sqlite, file, location, settings);
      const sql = new kysely.Kysely<Tables>({ dialect: new kysely.SqliteDialect({ database: db }) });
      const { readOnly, busyTimeoutMs } = settings;
      const reading: Options = { readonly: true, fileMustExist: true, timeout: busyTimeoutMs };
      const beside = file === ':memory:' ? null : () => new sqlite(file, reading);
      const connection = { db, sql, location, readOnly, partBytes, clock, beside };
      if (needsMigrating(db, location, known)) {
        if (readOnly)
          fail('READ_ONLY', `${location} must be migrated first`, { location }, 'Open it once for writing.');
        await migrate(connection, kysely, known);
      }
      if (!readOnly) await useWal(db, location, busyTimeoutMs);
      return new SqliteStore(connection);
    } catch (e) {
      db?.close();
      return refuse(e, location);
    }
  });
}
