/**
 * Stores as earlier versions wrote them, opened with the newest code.
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { openRun, replay } from '../../src/index.ts';
import type { Store } from '../../src/log/store.ts';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import { caught, rowsOf } from '../support/runs.ts';
import { harbourV1 } from './stores/harbour-v1.ts';
import { harbourV3, schemaV3 } from './stores/harbour-v3.ts';

const VERSIONS = [1, 2];
const at = (name: string): string => join(import.meta.dirname, 'stores', name);
const { spring }: { spring: string[] } = JSON.parse(readFileSync(at('store-v1.json'), 'utf8'));

const folders: string[] = [];
const open: Store[] = [];
async function copyOf(version: number): Promise<Store> {
  const folder = mkdtempSync(join(tmpdir(), 'worldfold-golden-'));
  folders.push(folder);
  copyFileSync(at(`store-v${version}.db`), join(folder, 'runs.db'));
  const store = await sqliteStore(join(folder, 'runs.db'));
  open.push(store);
  return store;
}
afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

describe.each(VERSIONS)('L13: a store of version %i', (version) => {
  test('is replayed to the hashes that it recorded, and to those that its first version had', async () => {
    const store = await copyOf(version);
    const { tick, stateHash, compared } = await replay(harbourV1, { store, id: 'spring' });
    expect({ tick, stateHash, compared }).toEqual({ tick: 40, stateHash: spring[40], compared: 41 });
    expect(await replay(harbourV1, { store, id: 'autumn' })).toMatchObject({ tick: 17, compared: 3 });
  });

  test('is gone on with, forked and looked at', async () => {
    const store = await copyOf(version);
    const run = await openRun(harbourV1, { store, id: 'spring' });
    expect(rowsOf(await run.at(33))).toEqual(rowsOf((await run.fork({ at: 33 })).world));
    await run.advance(3);
    await run.close();
    expect(await replay(harbourV1, { store, id: 'spring' })).toMatchObject({ tick: 43, compared: 44 });
  });

  test('is taken along to a later schema', async () => {
    const store = await copyOf(version);
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

test('the schema of version 3 takes config along', async () => {
  const store = await copyOf(1);
  const run = await openRun(harbourV3, { store, id: 'autumn' });
  const fork = await run.fork({ at: 17, config: { depth: 3 } });
  await fork.advance(1);
  await fork.flush();
  expect(schemaV3.compiled.spec.version).toBe(3);
  expect(fork.tick).toBe(18);
  await run.close();
});
