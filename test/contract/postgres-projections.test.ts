/**
 * The PostgreSQL store keeps the contract of projections, on every server and on the embedded database.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest';
import { SOURCES, withoutPostgres } from '../support/postgres.ts';
import { inPglite, onServer, type StoreDatabase } from '../support/postgres-stores.ts';
import { projectionContract } from './projections.ts';
import type { ProjectingStore, ProjectionBench } from './projections-bench.ts';

/** The suite in one database; each test has a schema of its own. */
function contractIn(make: () => Promise<StoreDatabase>): void {
  const bench = {} as ProjectionBench;
  const opened: ProjectingStore[] = [];
  let database: StoreDatabase;
  beforeAll(async () => {
    database = await make();
  }, 120_000);
  afterAll(() => database?.end());

  beforeEach(async () => {
    const schema = `of "it's" ${database.schema()}`;
    bench.again = async () => {
      const store = await database.open({ schema });
      opened.push(store);
      return store;
    };
    bench.store = await bench.again();
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
  });
  projectionContract(bench, { shared: true });
}

describe.skipIf(withoutPostgres).each(SOURCES)('on a server of %s', (source) => {
  contractIn(() => onServer(source));
});

describe('embedded', () => contractIn(inPglite));
