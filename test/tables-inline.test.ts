/** Rows that go in with the records of their run, and what others do to them meanwhile. */
import { expect, test } from 'vitest';
import { describeTables, dropTables, projectTables } from '../src/replay/tables.ts';
import { createRun } from '../src/simulation/create-run.ts';
import { openSqliteStore } from '../src/stores/sqlite/open.ts';
import { eventsInLog, eventsInSql, rowsInSql, rowsOfWorld } from './property/support/tables.ts';
import { hashesOf } from './support/runs.ts';
import { tallyOf, tallySchema } from './support/tally.ts';

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
