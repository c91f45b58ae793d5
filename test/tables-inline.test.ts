/** Rows that go in with the records of their run, and what others do to them meanwhile. */
import { expect, test } from 'vitest';
import { describeTables, dropTables, projectTables } from '../src/replay/tables.ts';
import { createRun } from '../src/simulation/create-run.ts';
import { openSqliteStore } from '../src/stores/sqlite/open.ts';
import { eventsInLog, eventsInSql, rowsInSql, rowsOfWorld } from './property/support/tables.ts';
import { hashesOf } from './support/runs.ts';
import { tally, tallyOf, tallySchema } from './support/tally.ts';

type World = ReturnType<typeof tallyOf>;

const inSql = (world: World, store: object, tick: number | null = null) =>
  rowsInSql(world as never, store as never, 'r', tick);
const grow = tallySchema.system('grow', ({ emit, tick }) => {
  emit.put({ n: tick });
  emit.add({ n: 1 });
});

test.each([true, { history: { every: 2 }, events: true }] as const)(
  'L9: a follower that builds anew, drops the rows or chooses others does not stop the run: %j',
  async (tables) => {
    const store = await openSqliteStore(':memory:');
    const world = tallyOf(grow);
    const choice = tables === true ? {} : tables;
    const run = await createRun(world, { store, id: 'r', seed: 's', tables });
    const others = [
      () => projectTables(world, { store, id: 'r', rebuild: true, ...choice }),
      () => dropTables(store, 'r'),
      () => projectTables(world, { store, id: 'r', tables: ['total'] }),
    ];
    for (const meddle of others) {
      await run.advance(3);
      await run.flush();
      await run.advance(1);
      await meddle();
      await run.advance(2);
      await run.flush();
      const [shown] = await describeTables(store, 'r');
      expect(shown).toMatchObject({ current: true, tick: run.durableTick });
      expect(await inSql(world, store)).toEqual(rowsOfWorld(run.world));
    }
    if (tables !== true) {
      for (let tick = 0; tick <= run.tick; tick += 2)
        expect(await inSql(world, store, tick)).toEqual(rowsOfWorld(await run.at(tick)));
      expect(await eventsInSql(store, 'r')).toEqual(await eventsInLog(world as never, store, 'r'));
    }
    await run.close();
    const plain = await openSqliteStore(':memory:');
    const alone = await createRun(world, { store: plain, id: 'r', seed: 's' });
    await alone.advance(run.tick);
    await alone.close();
    expect(await hashesOf(store, 'r')).toEqual(await hashesOf(plain, 'r'));
  },
);

test('L2: records that land while a tick is mended take no others along whose rows are not made', async () => {
  const inner = await openSqliteStore(':memory:');
  const world = tally({
    systems: [grow],
    apply: { given: (_, { n }) => expect(n).toBeGreaterThan(0) },
  });
  let answer = (): void => {};
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const groups: [tick: number, rows: number | undefined][] = [];
  const store = new Proxy(inner, {
    get(_, name) {
      const found = Reflect.get(inner, name, inner) as unknown;
      if (typeof found !== 'function') return found;
      return async (...given: unknown[]) => {
        if (name === 'append' || name === 'appendWith') {
          const [, , , records, steps = []] = given as Parameters<typeof inner.appendWith>;
          groups.push([records.at(-1)!.tick, steps.at(-1)?.to.tick]);
          await held;
        }
        // The world is folded anew: what was held lands meanwhile.
        if (name === 'snapshots' && groups.length > 0) {
          answer();
          for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
        }
        return (found as (...a: unknown[]) => unknown).apply(inner, given);
      };
    },
  });
  const run = await createRun(world, {
    store,
    id: 'r',
    seed: 's',
    tables: true,
    commit: { ticks: 2, ms: 1e6 },
  });
  await run.advance(5);
  run.submit.given({ n: -1 });
  await run.advance(1);
  await run.flush();
  expect(groups[0]).toEqual([2, 2]);
  expect(groups.filter(([tick, rows]) => tick !== rows)).toEqual([]);
  expect(await inSql(world, store)).toEqual(rowsOfWorld(run.world));
  await run.close();
  await store.close();
});
