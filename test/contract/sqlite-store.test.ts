/**
 * The SQLite store keeps the contract: in a file, in memory, and with parts so small that most records have
 * some.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../src/stores/sqlite/open.ts';
import { logStoreContract, type StoreUnderTest } from './log-store.ts';

const inFile = (partBytes: number) => async (): Promise<StoreUnderTest> => {
  const folder = mkdtempSync(join(tmpdir(), 'worldfold-contract-'));
  const path = join(folder, 'runs.db');
  let now = 5;
  const open = () => openSqliteStore(path, { partBytes, clock: () => now });
  const store = await open();
  return {
    store,
    again: open,
    elapse: (ms) => {
      now += ms;
    },
    end: async () => {
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
};

const inMemory = async (): Promise<StoreUnderTest> => {
  let now = 5;
  const store = await openSqliteStore(':memory:', { clock: () => now });
  return {
    store,
    elapse: (ms) => {
      now += ms;
    },
    end: () => store.close(),
  };
};

logStoreContract('sqlite in a file', inFile(8 * 1024 * 1024), { numRuns: 25 });
logStoreContract('sqlite in a file, small parts', inFile(32), { numRuns: 25 });
logStoreContract(':memory:', inMemory, { numRuns: 150, shared: false });
