/** The store that a process lives on: a file of SQLite, or a database of a PostgreSQL server. */
import type { Store } from '../../src/index.ts';
import { postgresStore } from '../../src/stores/postgres/index.ts';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';

/** Opens the store at a path or an address. */
export const openStore = (at: string): Promise<Store> =>
  at.startsWith('postgres://') ? postgresStore(at) : sqliteStore(at);
