/** Followers of one log: what they go on from, and what they build anew. */
import { expect, test } from 'vitest';
import { describeTables, projectTables } from '../src/replay/tables.ts';
import { createRun } from '../src/simulation/create-run.ts';
import { openRun } from '../src/simulation/open-run.ts';
import { openSqliteStore } from '../src/stores/sqlite/open.ts';
import { eventsInLog, eventsInSql, rowsInSql, rowsOfWorld } from './property/support/tables.ts';
import { bank, wideBank } from './support/bank.ts';
import { caught } from './support/runs.ts';
import { tally, tallySchema } from './support/tally.ts';

type Bank = ReturnType<typeof bank>;
type Options = Parameters<typeof createRun>[1];

/** A bank that ran, with snapshots or without. */
async function ran(ticks: number, given: Partial<Options> = {}) {
  const store = await openSqliteStore(':memory:');
  const options = { store, id: 'r', snapshots: false, ...given } as const;
  const run = await createRun(bank(1), { seed: 's', ...options });
  await run.advance(ticks);
  await run.close();
  return { store, options };
}
const inSql = (world: Bank, store: Options['store'], tick: number | null = null) =>
  rowsInSql(world as never, store, 'r', tick);

test.each([true, { events: true }, { history: { every: 2 } }] as const)(
  'L3 L13: inline rows of adopted code are those of the world that it goes on from: %j',
  async (tables) => {
    const { store, options } = await ran(5, { tables });
    const run = await openRun(bank(2), { ...options, tables, adopt: true });
    expect(await inSql(bank(2), store)).toEqual(rowsOfWorld(run.world));
    await run.advance(2);
    await run.close();
    expect(await inSql(bank(2), store)).toEqual(rowsOfWorld(run.world));
  },
);

test.each([true, { events: true }, { history: { every: 2 } }] as const)(
  'L3 L13: rows that stand behind a head that is adopted are built anew: %j',
  async (tables) => {
    const { store, options } = await ran(3);
    await projectTables(bank(1), { store, id: 'r', ...(tables === true ? {} : tables) });
    const later = await openRun(bank(1), options);
    await later.advance(2);
    await later.close();
    const run = await openRun(bank(2), { ...options, tables, adopt: true });
    expect(await inSql(bank(2), store)).toEqual(rowsOfWorld(run.world));
    await run.advance(2);
    await run.close();
    expect(await inSql(bank(2), store)).toEqual(rowsOfWorld(run.world));
  },
);

test('L3 L13: a follower that stood before the first tick of an adopted era builds its rows anew', async () => {
  const { store, options } = await ran(5);
  await projectTables(bank(1), { store, id: 'r' });
  const run = await openRun(bank(2), { ...options, adopt: true });
  await run.advance(1);
  await run.close();
  expect(await projectTables(bank(2), { store, id: 'r' })).toMatchObject({ rebuilt: 'adopted', tick: 6 });
  expect(await inSql(bank(2), store)).toEqual(rowsOfWorld(run.world));
});

test('L3: rows of a tick that no hash proved are not gone on from once the handlers are mended', async () => {
  const { store } = await ran(9, { hashEvery: 4 });
  const history = { every: 1 };
  const wrong = bank('(e.n > 5 ? 2 : 1)' as never as number);
  expect(await caught(() => projectTables(wrong, { store, id: 'r', history }))).toMatchObject({
    code: 'PROJECTION_STOPPED',
    facts: { tick: 8 },
  });
  const [stopped] = await describeTables(store, 'r');
  expect(stopped).toMatchObject({ current: false, problem: { code: 'REPLAY_DIFFERS', tick: 8 } });
  const done = await projectTables(bank(1), { store, id: 'r', history });
  expect(done).toMatchObject({ tick: 9, problem: null });
  const run = await openRun(bank(1), { store, id: 'r' });
  for (let tick = 0; tick <= 9; tick++)
    expect(await inSql(bank(1), store, tick)).toEqual(rowsOfWorld(await run.at(tick)));
  await run.close();
});

test('L3 L13: rows of a migrated run are those of the world that it goes on from', async () => {
  const tables = { events: true, history: { every: 3 } };
  const { store, options } = await ran(5, { tables, snapshots: { every: 4 } });
  for (const ticks of [0, 0, 3]) {
    const run = await openRun(wideBank, { ...options, tables });
    const world = wideBank as unknown as Bank;
    expect(await inSql(world, store)).toEqual(rowsOfWorld(run.world));
    await run.advance(ticks);
    await run.close();
    expect(await inSql(world, store)).toEqual(rowsOfWorld(run.world));
    expect(await eventsInSql(store, 'r')).toEqual(await eventsInLog(wideBank as never, store, 'r'));
  }
  const again = { store, id: 'r', rebuild: true, ...tables };
  expect(await projectTables(wideBank, again)).toMatchObject({ tick: 8, rebuilt: 'asked for' });
  const run = await openRun(wideBank, options);
  expect(await inSql(wideBank as never, store)).toEqual(rowsOfWorld(run.world));
  await run.close();
});

test('L3 L13: a follower of the new schema that stood where the new era begins builds its rows anew', async () => {
  const { store, options } = await ran(5, { snapshots: { every: 4 } });
  await projectTables(wideBank, { store, id: 'r', history: { every: 1 } });
  const run = await openRun(wideBank, options);
  await run.advance(1);
  await run.close();
  const done = await projectTables(wideBank, { store, id: 'r', history: { every: 1 } });
  expect(done).toMatchObject({ rebuilt: 'migrated', tick: 6 });
  expect(await inSql(wideBank as never, store)).toEqual(rowsOfWorld(run.world));
});

test('a stop is over where the handlers are mended, though nothing is left to write', async () => {
  const { store } = await ran(5);
  await projectTables(bank(1), { store, id: 'r' });
  expect(await caught(() => projectTables(bank(2), { store, id: 'r' }))).toMatchObject({
    code: 'PROJECTION_STOPPED',
    facts: { checkpoint: 5 },
  });
  const [stopped] = await describeTables(store, 'r');
  expect(stopped).toMatchObject({ current: true, tick: 5, problem: { code: 'REPLAY_DIFFERS' } });
  expect(await projectTables(bank(1), { store, id: 'r' })).toMatchObject({
    rebuilt: null,
    problem: null,
    rows: 0,
  });
});

test.each([true, false])(
  'a tick that can not be taken stops the rows at the tick before it; new: %s',
  async (isNew) => {
    const { store, options } = await ran(isNew ? 6 : 2);
    if (!isNew) {
      await projectTables(bank(1), { store, id: 'r' });
      const run = await openRun(bank(1), options);
      await run.advance(4);
      await run.close();
    }
    const wrong = bank('(e.n > 3 ? 2 : 1)' as never as number);
    for (let times = 0; times < 2; times++)
      expect(await caught(() => projectTables(wrong, { store, id: 'r' }))).toMatchObject({
        code: 'PROJECTION_STOPPED',
        facts: { run: 'r', tick: 4, checkpoint: 3 },
      });
    const all = await describeTables(store, 'r');
    expect(all).toMatchObject([{ current: !isNew, tick: 3, problem: { code: 'REPLAY_DIFFERS', tick: 4 } }]);
    const run = await openRun(bank(1), options);
    if (!isNew) expect(await inSql(bank(1), store)).toEqual(rowsOfWorld(await run.at(3)));
    const { version } = all[0]!;
    expect(await projectTables(bank(1), { store, id: 'r' })).toMatchObject({
      version,
      tick: 6,
      problem: null,
    });
    expect(await inSql(bank(1), store)).toEqual(rowsOfWorld(run.world));
    await run.close();
  },
);

test('L3: only rows that changed are written, and each once', async () => {
  const store = await openSqliteStore(':memory:');
  const world = tally({
    setup: ({ insert }) => void insert.things.many({ n: new Int32Array(1000) }),
    systems: [
      tallySchema.system('set', ({ emit, tick, world: { things } }) => {
        for (const row of [3, 7]) emit.set({ thing: things.columns.id[row]!, n: tick });
      }),
    ],
  });
  const run = await createRun(world, { store, id: 'r', seed: 's' });
  await run.flush();
  expect(await projectTables(world, { store, id: 'r' })).toMatchObject({ rows: 1001, rebuilt: 'new' });
  await run.advance(5);
  await run.flush();
  expect(await projectTables(world, { store, id: 'r' })).toMatchObject({ rows: 2, rebuilt: null });
  expect(await projectTables(world, { store, id: 'r' })).toMatchObject({ rows: 0, rebuilt: null });
  await run.close();
  await store.close();
});
