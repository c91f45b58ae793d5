/**
 * The PostgreSQL stores: `worldfold/postgres`.
 *
 * Owns the public ways in and what they promise: a server, and the embedded database PGlite. pg, kysely and
 * PGlite are optional packages of a user's project; they are loaded by the call and not by the import.
 */
import { checkNames } from '../../base/arguments.ts';
import type { JsonbStore, PartitionStore } from '../../log/capabilities.ts';
import type { ProjectionStore } from '../../log/projection-store.ts';
import type { Store } from '../../log/store.ts';
import type { PostgresAddress } from './address.ts';
import { openPgliteStore, openPostgresStore } from './open.ts';

export type { PostgresAddress } from './address.ts';

/** What these stores can do: all that every store can, and what only PostgreSQL can. */
export type PostgresStore = Store & JsonbStore & PartitionStore & ProjectionStore;

/** How a store of the embedded database is opened. */
export interface PgliteStoreOptions {
  /** The schema of the database that holds the store; one database may hold many. Default: `'worldfold'`. */
  readonly schema?: string;
  /** Whether a store that is absent is made; if not, it is `NO_STORE`. Default: unless `readOnly`. */
  readonly create?: boolean;
  /** Opens for reading only: every call that writes is `READ_ONLY`. Default: false. */
  readonly readOnly?: boolean;
}

/** How a store on a server is opened. */
export interface PostgresStoreOptions extends PgliteStoreOptions {
  /**
   * What a commit survives, once its promise resolved.
   *
   * - `'power'` (default; `synchronous_commit = on`): the death of this process and of the server at any
   *   instant, and the stop of the server's machine, as far as its disk keeps what it acknowledged. With
   *   synchronous standbys, the loss of the server too.
   * - `'process'` (`synchronous_commit = off`): the death of this process. When the server or its machine
   *   stops at once, the newest commits may be gone, by default those of less than a second; what is left is
   *   a prefix, whole and undamaged. Commits do not wait for the disk.
   *
   * Both hold for a server with `fsync` and `full_page_writes` on, as it comes. A server whose disk loses or
   * alters what it holds keeps neither promise; damage is reported, never skipped.
   */
  readonly durability?: 'process' | 'power';
  /**
   * How long a process may pause inside a transaction before the server ends it, so that others go on, in
   * milliseconds. Default: 5000.
   */
  readonly transactionTimeoutMs?: number;
  /** How long a call waits for another process to finish its commit, in milliseconds. Default: 10000. */
  readonly lockTimeoutMs?: number;
  /**
   * How long a run's commit waits for a server that went away to come back, in milliseconds, before the run
   * is told; it then stalls and loses nothing. Default: 10000.
   */
  readonly reconnectMs?: number;
  /**
   * How many runs that this store writes have a connection of their own; those past it share the store's
   * other four. Default: 40.
   */
  readonly writerConnections?: number;
}

const OF_PGLITE = ['schema', 'create', 'readOnly'];
const OF_SERVER = [
  ...OF_PGLITE,
  'durability',
  'transactionTimeoutMs',
  'lockTimeoutMs',
  'reconnectMs',
  'writerConnections',
];

/**
 * Opens or creates a store in a database of a PostgreSQL server (13 or newer), for many runs and many
 * processes of many hosts. The address is a URL or its parts; its password is shown in no message.
 *
 * Refuses with `MISSING_DEPENDENCY` (pg or kysely is absent), `NO_STORE` (the store is absent, or the schema
 * holds other tables; it is left as it is), `NEWER_FORMAT`, `READ_ONLY` (it must be migrated), `UNSUPPORTED`
 * (the server is too old), `CORRUPT`, `STORE_FAILED` (connection, rights, disk, a lock held for too long) and
 * `BAD_USAGE`.
 *
 * @example
 * ```ts
 * const store = await postgresStore('postgres://worldfold@db.example.org/worlds');
 * ```
 */
export async function postgresStore(
  address: string | PostgresAddress,
  options: PostgresStoreOptions = {},
): Promise<PostgresStore> {
  checkNames('the options of postgresStore', options, OF_SERVER);
  return openPostgresStore(address, options);
}

/**
 * Opens or creates a store in a folder of the embedded database PGlite, for many runs and one process;
 * `':memory:'` gives a store that ends with the process.
 *
 * A commit survives the death of this process at any instant, once its promise resolved. It may not survive
 * the stop of the machine: PGlite does not wait for the disk, and such a stop may leave a folder that can't
 * be opened again. Where that matters, use a server or a SQLite store.
 *
 * Refuses with `MISSING_DEPENDENCY` (@electric-sql/pglite, pg or kysely is absent), `NO_STORE` (the folder is
 * absent or not ours; it is left as it is), `NEWER_FORMAT`, `READ_ONLY` (it must be migrated), `CORRUPT`,
 * `STORE_FAILED` (rights, disk, another process that has the folder open) and `BAD_USAGE`.
 *
 * @example
 * ```ts
 * const store = await pgliteStore('runs');
 * ```
 */
export async function pgliteStore(path: string, options: PgliteStoreOptions = {}): Promise<PostgresStore> {
  checkNames('the options of pgliteStore', options, OF_PGLITE);
  return openPgliteStore(path, options);
}
