/**
 * Stores as earlier versions wrote them, opened with the newest code.
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { openRun, replay } from '../../src/index.ts';
import type { Store } from '../../src/log/store.ts';
import { pgliteStore, postgresStore } from '../../src/stores/postgres/index.ts';
import { type SqliteStore, sqliteStore } from '../../src/stores/sqlite/index.ts';
import { administer, type FreshDatabase, freshDatabase, withoutPostgres } from '../support/postgres.ts';
import { caught, rowsOf } from '../support/runs.ts';
import { harbourV1 } from './stores/harbour-v1.ts';
import { harbourV3, schemaV3 } from './stores/harbour-v3.ts';

const at = (name: string): string => join(import.meta.dirname, 'stores', name);
const { spring }: { spring: string[] } = JSON.parse(readFileSync(at('store-v1.json'), 'utf8'));

const folders: string[] = [];
const open: Store[] = [];
const databases: FreshDatabase[] = [];

function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'worldfold-golden-'));
  folders.push(folder);
  return folder;
}

/** Opens a copy, `count` times at once, and gives one of them. */
async function opened(count: number, opening: () => Promise<Store>): Promise<Store> {
  const stores = await Promise.all(Array.from({ length: count }, opening));
  open.push(...stores);
  return stores[0]!;
}

const sqlite = (file: string) => (): Promise<Store> => {
  const path = join(freshFolder(), 'runs.db');
  copyFileSync(at(file), path);
  return opened(1, () => sqliteStore(path));
};

/** Processes that start at once migrate a store but once. */
const postgres = (file: string) => async (): Promise<Store> => {
  const database = await freshDatabase();
  databases.push(database);
  await administer(database.url, readFileSync(at(file), 'utf8'));
  return opened(5, () => postgresStore(database.url, { create: false }));
};

const pglite = (file: string) => async (): Promise<Store> => {
  const folder = join(freshFolder(), 'db');
  const database = await PGlite.create(`file://${folder}`);
  await database.exec(readFileSync(at(file), 'utf8'));
  await database.close();
  return opened(2, () => pgliteStore(folder, { create: false }));
};

const COPIES = [
  { name: 'SQLite, version 1', left: false, copy: sqlite('store-v1.db') },
  { name: 'SQLite, version 2', left: false, copy: sqlite('store-v2.db') },
  { name: 'SQLite, version 3', left: false, copy: sqlite('store-v3.db') },
  { name: 'PostgreSQL, version 1', left: withoutPostgres, copy: postgres('postgres-v1.sql') },
  { name: 'PGlite, version 1', left: false, copy: pglite('postgres-v1.sql') },
];

afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});
afterAll(async () => {
  for (const database of databases) await database.drop();
});

for (const { name, left, copy } of COPIES)
  describe.skipIf(left)(`L13: a store of ${name}`, () => {
    test('is replayed to the hashes that it recorded, and to those that its first version had', async () => {
      const store = await copy();
      const { tick, stateHash, compared } = await replay(harbourV1, { store, id: 'spring' });
      expect({ tick, stateHash, compared }).toEqual({ tick: 40, stateHash: spring[40], compared: 41 });
      expect(await replay(harbourV1, { store, id: 'autumn' })).toMatchObject({ tick: 17, compared: 3 });
    });

    test('is gone on with, forked and looked at', async () => {
      const store = await copy();
      const run = await openRun(harbourV1, { store, id: 'spring' });
      expect(rowsOf(await run.at(33))).toEqual(rowsOf((await run.fork({ at: 33 })).world));
      await run.advance(3);
      await run.close();
      expect(await replay(harbourV1, { store, id: 'spring' })).toMatchObject({ tick: 43, compared: 44 });
    });

    test('is taken along to a later schema', async () => {
      const store = await copy();
      const before = await openRun(harbourV1, { store, id: 'spring' });
      const ships = [...before.world.ships];
      await before.close();
      const run = await openRun(harbourV3, { store, id: 'spring' });
      expect([...run.world.vessels]).toEqual(
        ships.map(({ cargo: _, tonnage, ...ship }) => ({ ...ship, tons: Number(tonnage), flag: 'Panama' })),
      );
      expect(run.world.storms.size).toBe(0);
      await run.advance(4);
      await run.close();
      const again = await openRun(harbourV3, { store, id: 'spring' });
      expect(again.tick).toBe(44);
      expect((await again.at(20)).vessels.size).toBeGreaterThan(3);
      await again.close();
      expect(await caught(() => openRun(harbourV1, { store, id: 'spring' }))).toMatchObject({
        code: 'SCHEMA_DIFFERS',
      });
      expect(await replay(harbourV3, { store, id: 'spring' })).toMatchObject({ tick: 44, compared: 4 });
    });
  });

test('L13: projections of a SQLite store of version 3 are shown, gone on with and swept', async () => {
  const store = (await sqlite('store-v3.db')()) as SqliteStore;
  const [current, stopped, ...others] = await store.projections(null);
  const { head } = (await store.head('spring'))!.segment;
  const tables = ['ships', 'tolls'].map((role) => {
    const view = `harbour_1_${role}`;
    return { role, view, rows: `${view}_rows` };
  });
  const choice = '{"tables":["ships","tolls"]}';
  const checkpoint = { tick: 40, hash: head.hash, sequence: 1234 };
  const shown = { run: 'spring', choice, current: true, checkpoint, problem: null, tables };
  const problem = '{"code":"PROJECTION_STOPPED","tick":0}';
  expect(current).toEqual({ number: 2, ...shown });
  expect(stopped).toEqual({ number: 3, ...shown, run: 'autumn', current: false, checkpoint: null, problem });
  expect(others).toEqual([]);
  const reader = await store.openReader();
  const ships = async () => (await reader.query('select * from harbour_1_ships order by id', [])).rows;
  const weight = '00000001099511627776';
  const rows = [
    ['spring', null, 1, 'Argo', -0, 'at sea', weight],
    ['spring', 3, 2, 'Beagle ⚓', 1.5, 'docked', weight],
    ['spring', null, 3, 'Calypso', Infinity, 'at sea', weight],
  ];
  expect(await ships()).toEqual(rows);
  const changes = [{ role: 'ships', removed: [[3]], written: [[4], [2], ['Bea'], [0.5], ['x'], ['y']] }];
  const step = { projection: 2, from: checkpoint, to: { ...checkpoint, tick: 41 }, changes };
  expect(await store.advanceProjection(step)).toBe(true);
  // Four ships, the tolls and the projection that was shown before.
  expect(await store.sweepProjections(Infinity)).toBe(6);
  expect(await ships()).toEqual([rows[0], ['spring', 4, 2, 'Bea', 0.5, 'x', 'y']]);
  const tolls = await reader.query('select * from harbour_1_tolls', []);
  expect(tolls).toEqual({
    columns: ['run', 'ledger', 'paid'],
    rows: [['spring', '{"amount":2,"ship":1}', 2.5]],
  });
});

test('the schema of version 3 takes config along', async () => {
  const store = await sqlite('store-v1.db')();
  const run = await openRun(harbourV3, { store, id: 'autumn' });
  const fork = await run.fork({ at: 17, config: { depth: 3 } });
  await fork.advance(1);
  await fork.flush();
  expect(schemaV3.compiled.spec.version).toBe(3);
  expect(fork.tick).toBe(18);
  await run.close();
});
