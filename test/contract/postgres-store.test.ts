/**
 * The PostgreSQL store keeps the contract: on each server that there is, with parts so small that most
 * records have some, and embedded.
 */
import { afterAll, beforeAll, describe } from 'vitest';
import { SOURCES, withoutPostgres } from '../support/postgres.ts';
import { inPglite, onServer, type StoreDatabase } from '../support/postgres-stores.ts';
import { logStoreContract, type StoreUnderTest } from './log-store.ts';

const [first, second = first] = SOURCES;

function contractIn(name: string, make: () => Promise<StoreDatabase>, partBytes: number, numRuns: number) {
  let database: StoreDatabase;
  beforeAll(async () => {
    database = await make();
  });
  afterAll(() => database?.end());
  const fresh = async (): Promise<StoreUnderTest> => {
    const schema = database.schema();
    let now = 5;
    const open = () => database.open({ schema, partBytes, clock: () => now });
    const store = await open();
    return {
      store,
      again: open,
      elapse: (ms) => {
        now += ms;
      },
      end: () => store.close(),
    };
  };
  logStoreContract(name, fresh, { numRuns });
}

describe.skipIf(withoutPostgres)('on a server', () => {
  contractIn('PostgreSQL', () => onServer(first), 8 * 1024 * 1024, 4);
});

describe.skipIf(withoutPostgres)('on a server of another version, where there is one', () => {
  contractIn('PostgreSQL, small parts', () => onServer(second), 32, 2);
});

describe('embedded', () => {
  contractIn('PGlite', inPglite, 8 * 1024 * 1024, 4);
});
