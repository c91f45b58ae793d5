/**
 * Databases of one test file, and stores in them: each in a schema of its own, since a schema is made much
 * faster than a database.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PostgresStore } from '../../src/stores/postgres/index.ts';
import { openPgliteStore, openPostgresStore } from '../../src/stores/postgres/open.ts';
import type { OpenOptions } from '../../src/stores/postgres/settings.ts';
import { administer, freshDatabase } from './postgres.ts';
import type { Source } from './postgres-server.ts';

/** A database and the stores in it. */
export interface StoreDatabase {
  /** The name of a schema that no store of this database has. */
  schema(): string;
  /** Opens the store of a schema; makes it where it is not there. */
  open(options: OpenOptions & { readonly schema: string }): Promise<PostgresStore>;
  /** Every row of a query. */
  rows(sql: string): Promise<readonly Record<string, unknown>[]>;
  /** Takes the database away. */
  end(): Promise<void>;
}

const namer = (): (() => string) => {
  let made = 0;
  return () => `store ${++made}`;
};

/** A database on the server that the tests share. */
export async function onServer(source?: Source): Promise<StoreDatabase> {
  const { url, drop } = await freshDatabase(source);
  return {
    schema: namer(),
    open: (options) => openPostgresStore(url, options),
    rows: async (sql) => (await administer(url, sql)) as Record<string, unknown>[],
    end: drop,
  };
}

/** The embedded database in a folder, which stays open: starting it takes longer than most tests. */
export async function inPglite(): Promise<StoreDatabase> {
  const folder = mkdtempSync(join(tmpdir(), 'worldfold-pglite-'));
  const path = join(folder, 'data');
  const keeper = await openPgliteStore(path, { schema: 'keeper' });
  return {
    schema: namer(),
    open: (options) => openPgliteStore(path, options),
    rows: () => Promise.reject(new Error('the embedded database is asked by its store alone')),
    end: async () => {
      await keeper.close();
      rmSync(folder, { recursive: true });
    },
  };
}
