/**
 * L15: a log that was recorded under one Node is verified under another.
 *
 * Each run of this file records a store of its own, named after its Node, in one folder, and verifies every
 * store that it finds there. `scripts/newer-node.mjs` runs it under the older Node, the newer, and the older
 * again, over one folder (`WORLDFOLD_PORTABLE`), and says how many stores must be there
 * (`WORLDFOLD_PORTABLE_STORES`); alone, it proves that a store verifies itself, and the golden ones of an
 * earlier Node.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import creatures from '../../examples/creatures/world.ts';
import epidemic from '../../examples/epidemic/world.ts';
import { createRun, type Store, verify, verifyText } from '../../src/index.ts';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import { anyWorld, type WorldPlan, worldOf } from '../../src/testing/arbitraries-world.ts';
import { harbourV1 } from '../golden/stores/harbour-v1.ts';
import { begin, runOut } from '../property/support/drive.ts';
import { hamlet } from '../support/hamlet.ts';

const own = mkdtempSync(join(tmpdir(), 'worldfold-portable-'));
const folder = process.env.WORLDFOLD_PORTABLE ?? own;
const wanted = Number(process.env.WORLDFOLD_PORTABLE_STORES ?? 1);
afterAll(() => rmSync(own, { recursive: true, force: true }));

/** Generic worlds, the same on every Node: their schemas have columns of every type. */
const PLANS: readonly WorldPlan[] = fc.sample(anyWorld(), { numRuns: 40, seed: 15 });
const planId = (i: number): string => `plan-${i}`;

const SMALL = {
  epidemic: { world: epidemic, ticks: 40, config: { travellers: 3000, firstAirport: 'ATL' } },
  creatures: { world: creatures, ticks: 60, config: { population: 2000 } },
  hamlet: { world: hamlet(() => {}), ticks: 50, config: {} },
} as const;

async function record(store: Store): Promise<void> {
  for (const [id, { world, ticks, config }] of Object.entries(SMALL)) {
    const run = await createRun(world as never, { store, seed: 'portable', id, config } as never);
    await run.advance(ticks);
    await run.close();
  }
  for (const [i, plan] of PLANS.entries()) {
    const run = await begin(plan, store, {}, planId(i));
    await runOut(plan, run);
    await run.close();
  }
}

async function verifyAll(store: Store): Promise<void> {
  const worlds: [string, object][] = [
    ...Object.entries(SMALL).map(([id, { world }]): [string, object] => [id, world]),
    ...PLANS.map((plan, i): [string, object] => [planId(i), worldOf(plan)]),
  ];
  for (const [id, world] of worlds) {
    const report = await verify({ store, id, world: world as never });
    expect(report.verdict, `${store.location}: ${verifyText(report)}`).toBe('verified');
    expect(report.executed).toBeGreaterThan(0);
  }
}

/** This Node's store, made whole before it has its name. */
async function recordOwn(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const making = join(own, 'making.db');
  const store = await sqliteStore(making);
  await record(store);
  await store.close();
  const name = join(folder, `node-${process.versions.node}.db`);
  copyFileSync(making, `${name}.part`);
  renameSync(`${name}.part`, name);
}

test('L15 L5: what another Node recorded is verified here, to the last byte', async () => {
  await recordOwn();
  const stores = readdirSync(folder).filter((name) => name.endsWith('.db') && name.startsWith('node-'));
  expect(stores.length).toBeGreaterThanOrEqual(wanted);
  for (const name of stores) {
    const store = await sqliteStore(join(folder, name), { readOnly: true });
    await verifyAll(store);
    await store.close();
  }
});

test.each(['spring', 'autumn'])('L15 L5: the golden store of an earlier Node is verified: %s', async (id) => {
  for (const version of [1, 2]) {
    const copy = join(own, `golden-${id}-${version}.db`);
    copyFileSync(join(import.meta.dirname, `../golden/stores/store-v${version}.db`), copy);
    const store = await sqliteStore(copy);
    const report = await verify({ store, id, world: harbourV1 });
    expect(report.verdict, verifyText(report)).toBe('verified');
    expect(report.executed).toBe(report.chained!.to + 1);
    await store.close();
  }
});
