/**
 * The SQLite store: `worldfold/sqlite`.
 *
 * Owns the public way in and what it promises. better-sqlite3 and kysely are optional packages of a user's
 * project; they are loaded by the call and not by the import.
 */
import { checkNames } from '../../base/arguments.ts';
import type { ProjectionStore } from '../../log/projection-store.ts';
import type { Store } from '../../log/store.ts';
import { openSqliteStore } from './open.ts';

/** What this store can do: all that every store can, and tables in SQL. */
export type SqliteStore = Store & ProjectionStore;

/** How a SQLite store is opened. */
export interface SqliteStoreOptions {
  /**
   * What a commit survives, once its promise resolved.
   *
   * - `'process'` (default; `synchronous = NORMAL`): the death of this process at any instant. When the
   *   machine itself stops (power, kernel), the newest commits may be gone; what is left is a prefix, whole
   *   and undamaged, at least up to the last checkpoint of the write-ahead log (every 1,000 pages or so).
   * - `'power'` (`synchronous = FULL`): that and the stop of the machine, as far as the disk keeps what it
   *   acknowledged. Each commit waits for the disk, so commit many ticks at once.
   *
   * Neither survives a disk that loses or alters what it holds; damage is reported, never skipped.
   */
  readonly durability?: 'process' | 'power';
  /**
   * Whether a file that is absent or empty becomes a store; if not, it is `NO_STORE`. Default: unless
   * `readOnly`.
   */
  readonly create?: boolean;
  /** Opens for reading only: every call that writes is `READ_ONLY`. Default: false. */
  readonly readOnly?: boolean;
  /** How long a call waits for another process to finish its commit, in milliseconds. Default: 5000. */
  readonly busyTimeoutMs?: number;
}

/**
 * Opens or creates a store in one SQLite file, for many runs and many processes of this host; `':memory:'`
 * gives a store that ends with the process.
 *
 * Refuses with `MISSING_DEPENDENCY` (better-sqlite3 or kysely is absent or not built), `NO_STORE` (the file
 * is absent or not ours; it is left as it is), `NEWER_FORMAT`, `READ_ONLY` (it must be migrated), `CORRUPT`,
 * `STORE_FAILED` (rights, disk, a lock held for too long) and `BAD_USAGE`.
 *
 * @example
 * ```ts
 * const store = await sqliteStore('runs.db', { durability: 'power' });
 * ```
 */
export async function sqliteStore(path: string, options: SqliteStoreOptions = {}): Promise<SqliteStore> {
  checkNames('the options of sqliteStore', options, ['durability', 'create', 'readOnly', 'busyTimeoutMs']);
  const { durability, create, readOnly, busyTimeoutMs } = options;
  return openSqliteStore(path, {
    ...(durability !== undefined && { durability }),
    ...(create !== undefined && { create }),
    ...(readOnly !== undefined && { readOnly }),
    ...(busyTimeoutMs !== undefined && { busyTimeoutMs }),
  });
}
