/** What only PostgreSQL can do, on every server and on the embedded database. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRun, defineSchema, defineWorld, forkRun, listRuns, t } from '../../src/index.ts';
import { openPgliteStore, openPostgresStore } from '../../src/stores/postgres/open.ts';
import type { OpenOptions } from '../../src/stores/postgres/settings.ts';
import type { PostgresStore } from '../../src/stores/postgres/store.ts';
import {
  administer,
  type FreshDatabase,
  freshDatabase,
  SOURCES,
  withoutOwnServer,
  withoutPostgres,
} from '../support/postgres.ts';
import { ownServer } from '../support/postgres-server.ts';
import { type JsonbBench, jsonbContract } from './jsonb.ts';
import { type PartitionBench, partitionContract } from './partitions.ts';
import { chain, newRun, outcome } from './records.ts';

let schemas = 0;

/** Both suites; each test has a schema of its own in one database. */
function contracts(open: (options: OpenOptions) => Promise<PostgresStore>): void {
  const bench = {} as JsonbBench & PartitionBench;
  const opened: PostgresStore[] = [];

  beforeEach(async () => {
    const options = { schema: `of "it's" ${++schemas}` };
    const next = async () => {
      const store = await open(options);
      opened.push(store);
      return store;
    };
    bench.store = await next();
    bench.again = next;
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
  });

  describe('jsonb', () => jsonbContract(bench));
  describe('partitions', () => partitionContract(bench));
}

describe.skipIf(withoutPostgres).each(SOURCES)('a server of %s', (source) => {
  let database: FreshDatabase;
  beforeAll(async () => {
    database = await freshDatabase(source);
  }, 120_000);
  afterAll(() => database?.drop());
  contracts((options) => openPostgresStore(database.url, options));

  it('a header that is nested too deeply is found by no path', async () => {
    const store = await openPostgresStore(database.url, { schema: 'deep' });
    const header = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    await store.create(newRun('deep', chain('a', 1)[0]!, { header }));
    await store.create(newRun('flat', chain('a', 1)[0]!, { header: '[]' }));
    expect((await store.findRuns('true')).map(({ id }) => id)).toEqual(['flat']);
    await store.close();
  });

  it('who reads all partitions keeps nobody from adding, making and committing', async () => {
    const store = await openPostgresStore(database.url, { schema: 'busy' });
    const [first, second] = chain('a', 2);
    for (const id of ['one', 'two', 'three']) await store.create(newRun(id, first!));
    for (const id of ['one', 'two']) await store.createPartition(id);
    const reader = new pg.Client({ connectionString: database.url });
    await reader.connect();
    // Another store has connections that know nothing of the partitions yet.
    const other = await openPostgresStore(database.url, { schema: 'busy' });
    for (const read of [
      'SELECT count(*) FROM busy.run_rows',
      'LOCK TABLE ONLY busy.run_rows IN ACCESS SHARE MODE',
    ]) {
      await reader.query('BEGIN');
      await reader.query(read);
      const dropped = store.dropPartition('one');
      await sleep(50);
      const start = performance.now();
      for (let i = 0; i < 20; i++) await other.appendRows('two', [{ tick: i, text: '' }]);
      expect(await other.createPartition('three')).toBe(true);
      await store.append('two-segment', 1, 1, [second!]);
      expect(performance.now() - start).toBeLessThan(4000);
      await reader.query('COMMIT');
      expect(await dropped).toBe(true);
      await store.dropPartition('three');
      await store.createPartition('one');
    }
    expect(await store.readRows('two', null, 99)).toHaveLength(40);
    await reader.end();
    await Promise.all([store.close(), other.close()]);
  });

  it('removing a run leaves no table behind, be its partition made meanwhile', async () => {
    const store = await openPostgresStore(database.url, { schema: 'gone' });
    const tables = () =>
      administer(
        database.url,
        "SELECT relname FROM pg_class WHERE relnamespace = 'gone'::regnamespace AND relname ~ '^run_rows_\\d+$'",
      );
    for (let i = 0; i < 10; i++) {
      await store.create(newRun(`run${i}`, chain('a', 1)[0]!));
      if (i === 0) await store.createPartition('run0');
      if (i === 0) expect(await tables()).toHaveLength(1);
      const making = outcome(() => store.createPartition(`run${i}`));
      await store.remove(`run${i}`, true);
      await making;
    }
    expect(await tables()).toEqual([]);
    await store.close();
  });

  it('a store for reading only reads rows and asks paths', async () => {
    const store = await openPostgresStore(database.url, { schema: 'still' });
    await store.create(newRun('one', chain('a', 1)[0]!));
    await store.createPartition('one');
    await store.appendRows('one', [{ tick: 7, text: 'seven' }]);
    const reader = await openPostgresStore(database.url, { schema: 'still', readOnly: true });
    expect(await reader.readRows('one', null, 9)).toEqual([{ number: 1, tick: 7, text: 'seven' }]);
    expect((await reader.partitions()).map(({ run }) => run)).toEqual(['one']);
    expect(await reader.findRuns('$.run == "3"')).toHaveLength(1);
    for (const call of [
      () => reader.createPartition('one'),
      () => reader.appendRows('one', []),
      () => reader.dropPartition('one'),
    ])
      expect(await outcome(call)).toEqual({ code: 'READ_ONLY' });
    await Promise.all([reader.close(), store.close()]);
  });

  it.each([1, 2])('L13: a store of version %i is brought along with its runs', async (version) => {
    const options = { schema: 'older' };
    await administer(database.url, 'DROP SCHEMA IF EXISTS older CASCADE');
    const store = await openPostgresStore(database.url, options);
    await store.create(newRun('one', chain('a', 1)[0]!));
    await store.close();
    await administer(
      database.url,
      'DROP FUNCTION older.retire_projections CASCADE',
      'DROP FUNCTION older.note_named CASCADE',
      'ALTER TABLE older.segments DROP COLUMN named',
      'DROP TABLE older.projection_tables, older.projections, older.projected_tables',
      "DELETE FROM older.worldfold_migrations WHERE name = '0003-projections'",
    );
    if (version === 1)
      await administer(
        database.url,
        'DROP TABLE older.run_rows',
        'DROP FUNCTION older.finds',
        "DELETE FROM older.worldfold_migrations WHERE name = '0002-capabilities'",
      );
    const reading = openPostgresStore(database.url, { ...options, readOnly: true });
    expect(await outcome(() => reading)).toEqual({ code: 'READ_ONLY' });
    const again = await openPostgresStore(database.url, options);
    expect(await again.findRuns('$.run == "3"')).toEqual(await again.list(null, 9));
    expect(await again.createPartition('one')).toBe(true);
    const projection = { run: 'one', choice: '{}', tables: [] };
    expect(await again.declareProjection(projection)).toMatchObject({ number: 1 });
    await again.close();
  });
});

describe.skipIf(withoutOwnServer)('a server that crashes', () => {
  it('L11: keeps every run and every partition, and loses the rows', async () => {
    const server = await ownServer();
    try {
      const store = await openPostgresStore(server.url);
      await store.create(newRun('one', chain('a', 1)[0]!));
      await store.createPartition('one');
      await store.appendRows('one', [{ tick: 0, text: 'lost' }]);
      await server.restart('kill');
      await store.close();
      const again = await openPostgresStore(server.url);
      expect(await again.readRows('one', null, 9)).toEqual([]);
      expect(await again.list(null, 9)).toHaveLength(1);
      await again.appendRows('one', [{ tick: 1, text: 'kept' }]);
      expect(await again.readRows('one', null, 9)).toEqual([{ number: 1, tick: 1, text: 'kept' }]);
      await again.close();
      await server.restart('fast');
      const third = await openPostgresStore(server.url);
      expect(await third.readRows('one', null, 9)).toHaveLength(1);
      await third.close();
    } finally {
      await server.end();
    }
  });
});

describe('the embedded database', () => {
  const home = mkdtempSync(join(tmpdir(), 'worldfold-capabilities-'));
  let kept: PostgresStore;
  beforeAll(async () => {
    kept = await openPgliteStore(join(home, 'db'), { schema: 'kept' });
  }, 120_000);
  afterAll(async () => {
    await kept?.close();
    rmSync(home, { recursive: true, force: true });
  });
  contracts((options) => openPgliteStore(join(home, 'db'), options));

  it('runs and forks are found by their config, failed ticks by the system that failed', async () => {
    const schema = defineSchema({
      name: 'plain',
      version: 1,
      tick: '1 day',
      config: { beta: t.f64().default(0.5), name: t.text().default('a') },
      tables: {},
      events: {},
    });
    const infect = schema.system('infect', ({ config }) => {
      if (config.beta > 0.9) throw new Error('too hot');
    });
    const world = defineWorld(schema, { setup: () => {}, apply: {}, systems: [infect] });
    const store = await openPgliteStore(join(home, 'db'), { schema: 'runs' });
    const run = await createRun(world, { store, seed: 's', id: 'first', config: { beta: 0.25 } });
    await run.advance(2);
    await (await run.fork({ at: 1, id: 'same' })).close();
    await run.close();
    const hot = await forkRun(world, { store, run: 'first', at: 1, id: 'hot', config: { beta: 1 } });
    await expect(hot.advance()).rejects.toMatchObject({ code: 'TICK_FAILED' });
    await hot.close();
    expect((await listRuns(store)).map(({ id, header }) => [id, header.config])).toEqual([
      ['first', { beta: 0.25, name: 'a' }],
      ['hot', { beta: 1, name: 'a' }],
      ['same', { beta: 0.25, name: 'a' }],
    ]);
    const found = await store.findRuns('$.seed == "s" && $.config.beta < 0.5');
    expect(found.map(({ id }) => id)).toEqual(['first', 'same']);
    const failed = await store.findAttempts('$.error.origin == "infect"');
    expect(failed.map((one) => [one.run, one.tick, one.newest])).toEqual([['hot', 2, true]]);
    await store.close();
  });
});
