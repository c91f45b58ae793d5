/** The stores that keep tables in SQL, as benches for tests that run on each. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Store } from '../../src/index.ts';
import type { ProjectionStore } from '../../src/log/projection-store.ts';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import { withoutPostgres } from './postgres.ts';
import { inPglite, onServer, type StoreDatabase } from './postgres-stores.ts';

/** A store that keeps tables. */
export type Tables = Store & ProjectionStore;
/** A database of a test file, where each test opens a store of its own. */
export interface Bench {
  open(): Promise<Tables>;
  end(): Promise<void>;
}

async function onFile(): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'worldfold-tables-'));
  let made = 0;
  return {
    open: async () => (await sqliteStore(join(folder, `${++made}.db`))) as Tables,
    end: async () => rmSync(folder, { recursive: true }),
  };
}
const inMemory = async (): Promise<Bench> => ({
  open: async () => (await sqliteStore(':memory:')) as Tables,
  end: async () => {},
});
const on = (make: () => Promise<StoreDatabase>) => async (): Promise<Bench> => {
  const database = await make();
  return {
    open: async () => (await database.open({ schema: database.schema() })) as Tables,
    end: () => database.end(),
  };
};

/** Every sort of store that keeps tables: its name, whether it is missing here, and how it is made. */
export const BENCHES: readonly (readonly [string, boolean, () => Promise<Bench>])[] = [
  ['SQLite, a file', false, onFile],
  ['SQLite, in memory', false, inMemory],
  ['PGlite', false, on(inPglite)],
  ['a server', withoutPostgres, on(onServer)],
];
