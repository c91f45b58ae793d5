import { describe, expect, test } from 'vitest';
import { caught, codeOf, type Meddled, meddled } from '../../test/support/runs.ts';
import { tally, tallySchema } from '../../test/support/tally.ts';
import { hex } from '../base/bytes.ts';
import { memoryStore } from '../log/memory-store.ts';
import { stateOf } from '../projections/world-state.ts';
import { t } from '../schema/columns.ts';
import { defineSchema } from '../schema/define.ts';
import { event, singleton } from '../schema/tables.ts';
import { createRun } from '../simulation/create-run.ts';
import { defineWorld } from '../simulation/define-world.ts';
import { openRun } from '../simulation/open-run.ts';
import { diff } from './diff.ts';

const grow = tallySchema.system('grow', ({ emit, tick }) => void emit.put({ n: tick }));
const world = tally({ systems: [grow] });

/** A run of 40 ticks and a fork of it at 30 that hears `n` in its tick `after` + 1. */
async function parted(n: number, after = 34, store: Meddled = meddled()) {
  const run = await createRun(world, { store, seed: 's', id: 'run', clocks: { steady: () => 0 } });
  await run.advance(40);
  await run.flush();
  const fork = await run.fork({ at: 30, id: 'fork' });
  await fork.advance(after - 30);
  if (n !== 0) fork.submit.given({ n });
  await fork.advance(40 - after);
  await fork.flush();
  return { store, run, fork };
}

/** The records that a call reads, as `segment's run:tick`. */
async function readsOf(store: Meddled, call: () => Promise<unknown>): Promise<Set<string>> {
  const read = new Set<string>();
  store.before.read = (segment: string, from: number, { records }: { records: number }) => {
    for (let tick = from; tick < from + records; tick++) read.add(`${segment.split('/')[0]}:${tick}`);
  };
  await call();
  store.before = {};
  return read;
}

/** A world that counts its ticks and its inputs, and its second version, which has a column more. */
function twoVersions() {
  const grows = (w: any) => w.one.set({ n: w.one.value.n + 1 });
  const declared = (version: number, more = {}) =>
    defineSchema({
      name: 'two',
      version,
      tables: { one: singleton({ n: t.u32().default(0), ...more }) },
      events: { up: event({}) },
      inputs: { more: event({}) },
      ...(version > 1 && { migrations: { [version]: {} } }),
    } as never);
  const worldOf = (schema: any) =>
    defineWorld(schema, {
      setup() {},
      apply: { up: grows, more: grows },
      systems: [schema.system('up', ({ emit }: any) => emit.up())],
    } as never);
  return [worldOf(declared(1)), worldOf(declared(2, { m: t.u32().default(3) }))] as const;
}

describe('two runs', () => {
  test('L6: part at the first tick whose worlds differ, and its rows are told', async () => {
    const { run, fork } = await parted(7);
    const report = await diff(run, fork);
    expect(report).toMatchObject({ equal: false, tick: 35, heads: { a: 40, b: 40 } });
    expect(report.difference.tables).toMatchObject([
      { table: 'total', rows: [{ change: 'changed', values: [{ column: 'n', a: 0, b: 7 }] }] },
    ]);
    const hash = async (one: typeof run) => hex(stateOf(await one.at(35))!.digest());
    expect(report.difference.stateHash).toEqual({ a: await hash(run), b: await hash(fork) });
    expect((await diff(fork, run)).difference.tables[0]!.rows[0]).toMatchObject({ values: [{ a: 7, b: 0 }] });
  });

  test('of what both share only record 0 is read: a fork that agrees costs its own ticks', async () => {
    const { store, run, fork } = await parted(0);
    const read = await readsOf(store, async () => {
      expect(await diff(run, fork)).toMatchObject({ equal: true, tick: null, difference: { same: true } });
    });
    const own = Array.from({ length: 10 }, (_, i) => [`run:${31 + i}`, `fork:${31 + i}`]).flat();
    expect([...read].sort()).toEqual(['run:0', ...own].sort());
    const twice = await readsOf(store, () => diff(run, run));
    expect([...twice].sort()).toEqual(['run:0', 'run:40']);
  });

  test('records under one hash are not read: equal logs of two stores cost few looks', async () => {
    const stores = [meddled(), meddled()];
    const [a, b] = await Promise.all(
      stores.map(async (store) => {
        const run = await createRun(world, { store, seed: 's', id: 'run' });
        await run.advance(1000);
        await run.flush();
        return run;
      }),
    );
    const read = await readsOf(stores[1]!, async () => {
      expect(await diff(a!, b!)).toMatchObject({ equal: true, heads: { a: 1000, b: 1000 } });
    });
    expect(read.size).toBeLessThan(25);
    b!.submit.given({ n: 1 });
    await b!.advance(5);
    await a!.advance(1);
    expect(await diff(a!, b!)).toMatchObject({ equal: false, tick: 1001, heads: { a: 1001, b: 1005 } });
  });

  test('a shorter run is compared up to its end, and both ends are told', async () => {
    const { run } = await parted(0);
    const short = await run.fork({ at: 12 });
    await short.advance(3);
    expect(await diff(run, short)).toMatchObject({ equal: true, tick: null, heads: { a: 40, b: 15 } });
    const bare = await run.fork({ at: 12 });
    expect(await diff(bare, short)).toMatchObject({ equal: true, heads: { a: 12, b: 15 } });
  });

  test('ticks that are not durable are compared like others', async () => {
    const { run, fork } = await parted(0);
    for (const one of [run, fork]) await one.advance(2);
    fork.submit.given({ n: 1 });
    for (const one of [run, fork]) await one.advance(1);
    // An input that somebody waits for is committed at once; the other run's ticks wait in memory.
    expect(run.durableTick).toBe(40);
    expect(await diff(run, fork)).toMatchObject({ tick: 43 });
  });

  test('stored runs are read without becoming their writer, open ones beside them', async () => {
    const { store, run, fork } = await parted(7);
    const stored = (id: string) => ({ store, id, world });
    expect(await diff(stored('run'), stored('fork'))).toMatchObject({ tick: 35 });
    expect(await diff(run, stored('fork'))).toMatchObject({ tick: 35 });
    await fork.advance(1);
    await fork.close();
  });

  test('where hashes are few, the tick between two of them is found by folding', async () => {
    const store = memoryStore();
    const run = await createRun(world, { store, seed: 's', id: 'a', hashEvery: 10 });
    await run.advance(38);
    const fork = await run.fork({ at: 3 });
    await fork.advance(20);
    fork.submit.given({ n: 1 });
    await fork.advance(15);
    expect(await diff(run, fork)).toMatchObject({ tick: 24 });
    const late = await run.fork({ at: 33 });
    late.submit.given({ n: 1 });
    await late.advance(2);
    expect(await diff(run, late)).toMatchObject({ tick: 34, heads: { b: 35 } });
    expect(await diff(late, await late.fork({ at: 35 }))).toMatchObject({ equal: true });
  });

  test.each([
    [1, 3],
    [3, 1],
    [2, 3],
  ])(
    'runs that hash every %d and every %d ticks are compared where both did, and folded between',
    async (...every) => {
      const store = memoryStore();
      const [a, b, c] = await Promise.all(
        [...every, every[1]].map((hashEvery, i) =>
          createRun(world, { store, seed: 's', id: `r${i}`, hashEvery: hashEvery! }),
        ),
      );
      for (const run of [a!, b!]) await run.advance(20);
      expect(await diff(a!, b!)).toMatchObject({ equal: true, tick: null });
      await c!.advance(7);
      c!.submit.given({ n: 1 });
      await c!.advance(13);
      expect(await diff(a!, c!)).toMatchObject({ equal: false, tick: 8 });
    },
  );

  test('L13: two schemas are told apart; one log that moved on is compared as the code sees it', async () => {
    const [old, now] = twoVersions();
    const store = memoryStore();
    const run = await createRun(old, { store, seed: 's', id: 'a' } as never);
    await run.advance(5);
    const fork = await run.fork({ at: 3, id: 'b' });
    await fork.advance(2);
    for (const one of [run, fork]) await one.close();
    const moved = await openRun(now, { store, id: 'b' } as never);
    await moved.advance(2);
    const [a, b] = ['a', 'b'].map((id) => ({ store, id }));
    expect(await diff({ ...a!, world: now }, moved)).toMatchObject({ equal: true, heads: { a: 5, b: 7 } });
    const open = await openRun(now, { store, id: 'a' } as never);
    await open.advance(2);
    expect(await diff(open, moved)).toMatchObject({ equal: true, heads: { a: 7, b: 7 } });
    const apart = await diff({ ...a!, world: old, tick: 5 }, { ...b!, world: now, tick: 5 });
    expect(apart).toMatchObject({ equal: false, difference: { schema: { a: expect.any(String) } } });
    expect(apart.difference.tables).toMatchObject([{ table: 'one', columnsOnlyInB: ['m'] }]);
  });
});

describe('runs whose schemas moved on', () => {
  test('L13: at different ticks: what their hashes can not tell is folded', async () => {
    const [old, now] = twoVersions();
    const store = memoryStore();
    const run = await createRun(old, { store, seed: 's', id: 'a' } as never);
    await run.advance(9);
    for (const id of ['b', 'c']) await (await run.fork({ at: 3, id })).close();
    await run.close();
    const open = async (id: string) => openRun(now, { store, id } as never) as Promise<any>;
    const [late, early, other] = [await open('a'), await open('b'), await open('c')];
    await late.advance(3);
    await early.advance(9);
    expect(await diff(late, early)).toMatchObject({ equal: true, heads: { a: 12, b: 12 } });
    expect(await diff(early, late)).toMatchObject({ equal: true });
    await other.advance(2);
    other.submit.more({});
    await other.advance(7);
    for (const pair of [
      [late, other],
      [other, late],
      [early, other],
    ] as const)
      expect(await diff(...pair)).toMatchObject({ equal: false, tick: 6 });
  });
});

describe('two worlds', () => {
  test('are compared as they are; one run is compared with itself at two ticks', async () => {
    const { store, run, fork } = await parted(7);
    const report = await diff(await run.at(3), await run.at(5));
    expect(report).toMatchObject({ equal: false, tick: null, heads: null });
    expect(report.difference.tables).toMatchObject([{ table: 'things', counts: { onlyInB: 2 } }]);
    expect(await diff(run, 3, 5)).toEqual(report);
    expect(await diff({ store, id: 'fork', world }, 3, 5)).toEqual(report);
    expect(await diff(run, 5, 5)).toMatchObject({ equal: true, tick: null });
    expect(await diff(run.world, await run.at(40))).toMatchObject({ equal: true });
    expect((await diff(run, 0, 40, { limit: 3 })).difference.tables[0]).toMatchObject({
      counts: { onlyInB: 40 },
      rows: { length: 3 },
      truncated: true,
    });
    const at = (id: string, tick?: number) => ({ store, id, world, ...(tick !== undefined && { tick }) });
    expect(await diff(at('run', 30), at('fork', 30))).toMatchObject({ equal: true, heads: null });
    expect(await diff(at('run', 40), at('fork'))).toMatchObject({ equal: false, tick: null });
    await fork.close();
  });
});

describe('what is refused', () => {
  test('what is no run and no world, and ticks that are not there', async () => {
    const { store, run, fork } = await parted(0);
    const log = { store, id: 'run', world };
    const cases: [() => unknown, string][] = [
      [() => diff(run, run.world), 'BAD_USAGE'],
      [() => diff({}, {}), 'BAD_USAGE'],
      [() => diff(null as never, undefined as never), 'BAD_USAGE'],
      [() => diff(run, 1, undefined as never), 'NO_TICK'],
      [() => diff(run, 1, 41), 'NO_TICK'],
      [() => diff(run, 1.5, 2), 'NO_TICK'],
      [() => diff({ ...log, tick: 41 }, log), 'NO_TICK'],
      [() => diff({ ...log, id: 'nobody' }, log), 'UNKNOWN_RUN'],
      [() => diff({ ...log, world: {} as never }, log), 'BAD_USAGE'],
      [() => diff({ ...log, at: 3 } as never, log), 'BAD_USAGE'],
      [() => diff(run, fork, { limit: -1 }), 'BAD_USAGE'],
      [() => diff(run, fork, { most: 1 } as never), 'BAD_USAGE'],
    ];
    for (const [call, code] of cases) expect(await codeOf(call), String(call)).toBe(code);
    await fork.close();
    expect(await codeOf(() => diff(run, fork))).toBe('CLOSED');
  });

  test('L3: a log that other code recorded has no world to compare', async () => {
    const { store, run, fork } = await parted(7);
    await Promise.all([run.close(), fork.close()]);
    for (const id of ['run', 'fork'])
      for (const { segment } of [(await store.head(id))!])
        await store.dropSnapshots(
          segment.id,
          (await store.snapshots(segment.id)).map(({ tick }) => tick),
        );
    const other = tally({ systems: [grow], apply: { put: () => {} } });
    const e = await caught(() => diff({ store, id: 'run', world: other }, { store, id: 'fork', world }));
    expect(e).toMatchObject({ code: 'NO_STATE', facts: { run: 'run', tick: 35 } });
  });
});
