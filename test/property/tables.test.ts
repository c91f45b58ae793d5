/**
 * Tables in SQL are the folded world: at every checkpoint, of every backend, whoever follows, whatever dies.
 */
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadHash } from '../../src/base/hash.ts';
import { describeTables, projectTables, type Store } from '../../src/index.ts';
import type { ProjectionInfo, ProjectionStep, ProjectionStore } from '../../src/log/projection-store.ts';
import { createCore } from '../../src/simulation/create-run.ts';
import { durableSource } from '../../src/simulation/history.ts';
import { openCore } from '../../src/simulation/open-run.ts';
import type { RunCore } from '../../src/simulation/run.ts';
import type { InlineTables } from '../../src/simulation/tables/inline.ts';
import type { AnyWorld } from '../../src/simulation/world.ts';
import { openSqliteStore } from '../../src/stores/sqlite/open.ts';
import { anyWorld, worldOf } from '../../src/testing/arbitraries-world.ts';
import { withoutPostgres } from '../support/postgres.ts';
import { inPglite, onServer, type StoreDatabase } from '../support/postgres-stores.ts';
import { hashesOf } from '../support/runs.ts';
import { begin, runOut, STILL, stepOnce } from './support/drive.ts';
import { holds } from './support/holds.ts';
import { eventsInLog, eventsInSql, rowsInSql, rowsOfWorld } from './support/tables.ts';

beforeAll(loadHash);

const databases: { [name: string]: StoreDatabase } = {};
beforeAll(async () => {
  databases.PGlite = await inPglite();
  if (!withoutPostgres) databases.PostgreSQL = await onServer();
});
afterAll(() => Promise.all(Object.values(databases).map((database) => database.end())));

const inDatabase = (name: string) => () => databases[name]!.open({ schema: databases[name]!.schema() });
const OPENERS: { readonly [name: string]: () => Promise<Store> } = {
  SQLite: () => openSqliteStore(':memory:'),
  PGlite: inDatabase('PGlite'),
  ...(withoutPostgres ? {} : { PostgreSQL: inDatabase('PostgreSQL') }),
};

type Definition = Parameters<typeof projectTables>[0];
const project = (world: AnyWorld, options: Parameters<typeof projectTables>[1]) =>
  projectTables(world as unknown as Definition, options);

async function expectRows(world: AnyWorld, store: Store, run: RunCore, at: number): Promise<void> {
  expect(await rowsInSql(world, store, run.id)).toEqual(rowsOfWorld(await run.at(at)));
}

/** Rows are those of the durable tick, also where a commit that is under way lands between the questions. */
async function expectDurableRows(world: AnyWorld, store: Store, run: RunCore): Promise<void> {
  const durable = async () => (await durableSource(store, run.id)).durableTick;
  const known = run.durableTick;
  for (let tick = -1; tick < known; ) {
    const before = await durable();
    const [info] = await describeTables(store, run.id);
    const rows = await rowsInSql(world, store, run.id);
    if ((await durable()) !== before) continue;
    expect(info!.tick).toBe(before);
    expect(rows).toEqual(rowsOfWorld(await run.at(before)));
    tick = before;
  }
}

describe.each(Object.keys(OPENERS))('on %s', (name) => {
  const open = OPENERS[name]!;
  const runs = name === 'SQLite' ? 10 : 2;

  test('L3, L10: rows are the folded world at every checkpoint, and those of chosen ticks stay', async () => {
    const kept = fc.constantFrom<{ every: number } | number[]>({ every: 1 }, { every: 3 }, [0, 2, 99]);
    await holds(fc.tuple(anyWorld({ maxTicks: 6 }), kept), runs, async ([plan, history]) => {
      const store = await open();
      const world = worldOf(plan);
      const run = await begin(plan, store);
      do {
        await run.flush();
        const { tick: at } = await project(world, { store, id: run.id, history, events: true });
        expect(at).toBe(run.tick);
        expect(await eventsInSql(store, run.id)).toEqual(await eventsInLog(world, store, run.id));
        await expectRows(world, store, run, at);
      } while (run.tick < plan.ticks && (await stepOnce(plan, run)));
      for (let at = 0; at <= run.tick; at++)
        if (Array.isArray(history) ? history.includes(at) : at % history.every === 0)
          expect(await rowsInSql(world, store, run.id, at)).toEqual(rowsOfWorld(await run.at(at)));
      // Again from nothing, and from the head alone: the same rows.
      const again = await project(world, { store, id: run.id, history, events: true, rebuild: true });
      expect(again).toMatchObject({ rebuilt: 'asked for', current: true });
      expect(await eventsInSql(store, run.id)).toEqual(await eventsInLog(world, store, run.id));
      await expectRows(world, store, run, run.tick);
      expect(await describeTables(store, run.id)).toHaveLength(1);
      await run.close();
      await store.close();
    });
  });

  test('L2, L9: inline rows are those of the durable tick, and change no record', async () => {
    const choices = fc.constantFrom<InlineTables>(true, { history: { every: 2 }, events: true });
    await holds(fc.tuple(anyWorld({ maxTicks: 6 }), choices), runs, async ([plan, tables]) => {
      const [plain, store] = [await open(), await open()];
      const world = worldOf(plan);
      const alone = await begin(plan, plain);
      await runOut(plan, alone);
      await alone.close();
      const options = { store, id: 'any', tables, clocks: STILL, commit: { ticks: 2 } };
      let run = await createCore(world, { ...options, seed: plan.seed, config: plan.config });
      await expectRows(world, store, run, 0);
      while (run.tick < plan.ticks) {
        await stepOnce(plan, run);
        await expectDurableRows(world, store, run);
        if (run.tick !== plan.ticks >> 1) continue;
        await run.close();
        run = await openCore(world, options);
      }
      await run.close();
      if (tables !== true)
        expect(await eventsInSql(store, 'any')).toEqual(await eventsInLog(world, store, 'any'));
      expect(await hashesOf(store, 'any')).toEqual(await hashesOf(plain, 'any'));
      await Promise.all([plain.close(), store.close()]);
    });
  });

  test('L2: several that follow at once, and one that builds anew, leave the rows of the head', async () => {
    await holds(fc.tuple(anyWorld({ maxTicks: 6 }), fc.nat(3)), runs, async ([plan, which]) => {
      const store = await open();
      const world = worldOf(plan);
      const run = await begin(plan, store);
      const following = [0, 1, 2].map(async (i) => {
        for (let turn = 0; turn < 4; turn++)
          await project(world, { store, id: run.id, rebuild: i === which && turn === 2 });
      });
      await runOut(plan, run);
      await run.flush();
      await Promise.all(following);
      await project(world, { store, id: run.id });
      await expectRows(world, store, run, run.tick);
      expect((await describeTables(store, run.id)).filter(({ current }) => current)).toHaveLength(1);
      await run.close();
      await store.close();
    });
  });

  test('L2, L11: a projection that dies within a step is where it was, and is gone on with', async () => {
    await holds(fc.tuple(anyWorld({ maxTicks: 5 }), fc.nat(12)), runs, async ([plan, dies]) => {
      const store = await open();
      const world = worldOf(plan);
      const run = await begin(plan, store);
      await project(world, { store, id: run.id });
      await runOut(plan, run);
      await run.flush();
      const before = await rowsInSql(world, store, run.id);
      const history = { every: 2 };
      await project(world, { store: dying(store, dies), id: run.id, history }).catch((e) =>
        expect(e.message).toContain('the process died'),
      );
      const shown = (await describeTables(store, run.id)).find(({ current }) => current)!;
      if (shown.tick !== run.tick) expect(await rowsInSql(world, store, run.id)).toEqual(before);
      await project(world, { store, id: run.id, history });
      await expectRows(world, store, run, run.tick);
      for (let at = 0; at <= run.tick; at += 2)
        expect(await rowsInSql(world, store, run.id, at)).toEqual(rowsOfWorld(await run.at(at)));
      await run.close();
      await store.close();
    });
  });

  test('L3, L12: a checkpoint that is none of the log is noticed, and the rows are built anew', async () => {
    await holds(fc.tuple(anyWorld({ maxTicks: 4 }), fc.nat(3)), runs, async ([plan, past]) => {
      const store = await open();
      const projections = store as Store & ProjectionStore;
      const world = worldOf(plan);
      const run = await begin(plan, store);
      await runOut(plan, run);
      await run.flush();
      await project(world, { store, id: run.id });
      const [{ number, checkpoint, tables }] = (await projections.projections(run.id)) as [ProjectionInfo];
      // What a log that was set back would leave behind: rows of ticks that it has otherwise, or not.
      const to = { tick: run.tick + past, hash: new Uint8Array(32).fill(7), sequence: 0 };
      const removed = [{ role: tables[0]!.role, removed: [], written: [] }];
      expect(
        await projections.advanceProjection({ projection: number, from: checkpoint, to, changes: removed }),
      ).toBe(true);
      expect((await project(world, { store, id: run.id })).rebuilt).toBe('rewound');
      await expectRows(world, store, run, run.tick);
      await run.close();
      await store.remove(run.id, true);
      const other = await begin({ ...plan, seed: `${plan.seed} other` }, store);
      await project(world, { store, id: run.id });
      await expectRows(world, store, other, 0);
      await other.close();
      await store.close();
    });
  });
});

/** A store whose steps die after some changes, as their process would. */
function dying(store: Store, after: number): Store {
  let left = after;
  function* until(step: ProjectionStep) {
    for (const change of step.changes) {
      if (left-- === 0) throw new Error('the process died');
      yield change;
    }
  }
  const advanceProjection = (step: ProjectionStep): Promise<boolean> =>
    (store as Store & ProjectionStore).advanceProjection({
      ...step,
      changes: { [Symbol.iterator]: () => until(step) },
    });
  return new Proxy(store, {
    get(_, name) {
      if (name === 'advanceProjection') return advanceProjection;
      const found = Reflect.get(store, name, store) as unknown;
      return typeof found === 'function' ? found.bind(store) : found;
    },
  });
}
