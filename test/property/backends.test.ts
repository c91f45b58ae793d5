/**
 * L10: memory, SQLite in a file and in memory, PostgreSQL on a server and embedded hold the same bytes and
 * give the same hashes.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hex } from '../../src/base/bytes.ts';
import { memoryStore } from '../../src/log/memory-store.ts';
import type { Store } from '../../src/log/store.ts';
import { replay } from '../../src/replay/replay.ts';
import { openCore } from '../../src/simulation/open-run.ts';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import { anyWorld, type WorldPlan, worldOf } from '../../src/testing/arbitraries-world.ts';
import { dumpWorld, firstDifference, type WorldDump } from '../../src/testing/reference-world.ts';
import { simulatedStore } from '../../src/testing/simulated-store.ts';
import { withoutPostgres } from '../support/postgres.ts';
import { inPglite, onServer, type StoreDatabase } from '../support/postgres-stores.ts';
import { begin, runOut, STILL } from './support/drive.ts';
import { holds } from './support/holds.ts';
import { framesOf, hashedPart, recordsOf } from './support/recorded.ts';

const folder = mkdtempSync(join(tmpdir(), 'worldfold-backends-'));
afterAll(() => rmSync(folder, { recursive: true }));

const databases: Record<string, StoreDatabase> = {};
beforeAll(async () => {
  databases.PGlite = await inPglite();
  if (!withoutPostgres) databases.PostgreSQL = await onServer();
});
afterAll(() => Promise.all(Object.values(databases).map((database) => database.end())));

const inDatabase = (name: string) => () => {
  const schema = databases[name]!.schema();
  return () => databases[name]!.open({ schema });
};

let files = 0;
/** Opens a store; called again, opens the same one anew where it can be opened again. */
const OPENERS: { readonly [name: string]: () => () => Store | Promise<Store> } = {
  memory: () => {
    const store = memoryStore();
    return () => store;
  },
  'simulated, without faults': () => {
    const store = simulatedStore();
    return () => store;
  },
  'SQLite in memory': () => {
    const store = sqliteStore(':memory:');
    return () => store;
  },
  'SQLite in a file': () => {
    const path = join(folder, `${files++}.db`);
    return () => sqliteStore(path);
  },
  PGlite: inDatabase('PGlite'),
  ...(withoutPostgres ? {} : { PostgreSQL: inDatabase('PostgreSQL') }),
};
const OUTLIVES_CLOSE = ['SQLite in a file', 'PGlite', 'PostgreSQL'];

/** What a store gives for a plan: every byte, every hash, every world. */
interface Given {
  readonly bytes: readonly string[];
  readonly stateHash: string;
  readonly dumps: readonly WorldDump[];
}

async function givenBy(plan: WorldPlan, open: () => Store | Promise<Store>): Promise<Given> {
  const store = await open();
  const run = await begin(plan, store);
  await runOut(plan, run);
  const { stateHash } = await run.advance(0);
  await run.flush();
  const dumps: WorldDump[] = [];
  for (let tick = 0; tick <= plan.ticks; tick++) dumps.push(dumpWorld(plan.schema.spec, await run.at(tick)));
  await run.close();
  expect(await replay(worldOf(plan) as never, { store, id: 'any' })).toMatchObject({ stateHash });
  const bytes = (await recordsOf(store)).map((record) => hex(record.bytes));
  await store.close();
  return { bytes, stateHash, dumps };
}

test('L10: every store keeps the same bytes and gives the same worlds', async () => {
  await holds(anyWorld({ maxTicks: 4 }), 8, async (plan) => {
    const [first, ...others] = Object.entries(OPENERS);
    const expected = await givenBy(plan, first![1]());
    for (const [name, opener] of others) {
      const given = await givenBy(plan, opener());
      expect({ name, bytes: given.bytes }).toEqual({ name, bytes: expected.bytes });
      expect({ name, stateHash: given.stateHash }).toEqual({ name, stateHash: expected.stateHash });
      for (const [tick, dump] of expected.dumps.entries())
        expect(firstDifference(dump, given.dumps[tick]!)).toBe(null);
    }
  });
});

test('L10, L11: a run that is closed and opened again on any store goes on as if it never was', async () => {
  const interrupted = fc.record({ plan: anyWorld({ maxTicks: 5 }), after: fc.nat(4) });
  await holds(interrupted, 8, async ({ plan, after }) => {
    const whole = memoryStore();
    const uninterrupted = await begin(plan, whole);
    await runOut(plan, uninterrupted);
    await uninterrupted.close();
    const expected = (await framesOf(whole)).map(hashedPart);
    for (const [name, opener] of Object.entries(OPENERS)) {
      const open = opener();
      let store = await open();
      const run = await begin(plan, store);
      await runOut({ ...plan, ticks: Math.min(after, plan.ticks) }, run);
      await run.close();
      if (OUTLIVES_CLOSE.includes(name)) {
        await store.close();
        store = await open();
      }
      const again = await openCore(worldOf(plan), { store, id: 'any', clocks: STILL });
      await runOut(plan, again);
      await again.close();
      // Names of metrics are told anew by each writer, outside of the hashed part.
      expect({ name, parts: (await framesOf(store)).map(hashedPart) }).toEqual({ name, parts: expected });
      await store.close();
    }
  });
});

test('L10: many runs in one store do not touch each other', async () => {
  const two = fc.tuple(anyWorld({ maxTicks: 3 }), anyWorld({ maxTicks: 3 }));
  await holds(two, 10, async (plans) => {
    const alone: string[][] = [];
    for (const plan of plans) alone.push([...(await givenBy(plan, memoryStore)).bytes]);
    const store = await sqliteStore(':memory:');
    const runs = await Promise.all(plans.map((plan, i) => begin(plan, store, {}, `run ${i}`)));
    await Promise.all(runs.map((run, i) => runOut(plans[i]!, run)));
    await Promise.all(runs.map((run) => run.close()));
    for (const [i, bytes] of alone.entries())
      expect((await recordsOf(store, `run ${i}`)).map((record) => hex(record.bytes))).toEqual(bytes);
    await store.close();
  });
});
