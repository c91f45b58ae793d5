import { describe, expect, test } from 'vitest';
import { caught, codeOf, collect, meddled } from '../../test/support/runs.ts';
import { tally, tallySchema } from '../../test/support/tally.ts';
import { memoryStore } from '../log/memory-store.ts';
import { createRun } from '../simulation/create-run.ts';
import { openRun } from '../simulation/open-run.ts';
import type { RunPolicy } from '../simulation/types.ts';
import { profileOf } from './profile.ts';
import { readTickLog } from './tick-log.ts';

/** A clock that code of the world moves. */
let now = 0;
const takes = (ms: number): void => void (now += ms);
const TIMED: RunPolicy = { tickLog: true, clocks: { steady: () => now }, snapshots: false };

const { system } = tallySchema;
/** Tick t takes t milliseconds, and one for each of its two events. */
const slowly = system('slowly', ({ tick, emit }) => {
  takes(tick);
  emit.add({ n: 1 });
  emit.add({ n: 1 });
});
const seldom = system('seldom', { every: 10 }, () => takes(5));
const world = tally({
  setup: () => takes(1000),
  systems: [slowly, seldom],
  apply: {
    add: (w, e) => {
      takes(1);
      w.total.set({ n: w.total.value.n + e.n });
    },
  },
  invariants: { few: (w) => (w.total.value.n <= 40 ? [] : [1, 2, 3]), fine: () => true },
});

const begin = (store = memoryStore(), policy = TIMED) =>
  createRun(world, { store, seed: 's', id: 'r', ...policy });

describe('a profile', () => {
  test('sums up what the tick log says, the most time first', async () => {
    const store = memoryStore();
    const run = await begin(store);
    await run.advance(20);
    await run.close();
    const { parts, computed, slowest, ...rest } = await profileOf(store, 'r');
    const total = 210 + 40 + 10;
    expect(computed).toEqual({
      ...{ ticks: 20, totalMs: total, meanMs: total / 20, p50Ms: 13, p95Ms: 21, maxMs: 27 },
    });
    expect(parts.slice(0, 3)).toEqual([
      expect.objectContaining({ part: 'system', name: 'slowly', totalMs: 210, share: 210 / total }),
      expect.objectContaining({ part: 'apply', name: 'slowly', totalMs: 40, meanMs: 2, p95Ms: 2 }),
      expect.objectContaining({ part: 'system', name: 'seldom', totalMs: 10, ticks: 2, meanMs: 5 }),
    ]);
    expect(parts.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
    expect(slowest.map(({ tick, computedMs }) => [tick, computedMs])).toEqual([
      [20, 27],
      [19, 21],
      [18, 20],
      [17, 19],
      [16, 18],
    ]);
    expect(slowest[0]).toMatchObject({ events: 2, part: 'system', name: 'slowly', partMs: 20 });
    expect(rest).toMatchObject({
      ...{ id: 'r', from: 0, to: 20, ticks: 20, timed: 20, setupMs: 1000, ownMs: total, otherMs: 0 },
      ...{ ticksPerSecond: 20_000 / total, events: 40, broken: [] },
      invariants: [
        { name: 'few', asked: 21 },
        { name: 'fine', asked: 21 },
      ],
    });
  });

  test('says which invariant broke, at which tick and with how many rows, on the way of a fork too', async () => {
    const store = memoryStore();
    const run = await begin(store);
    expect((await caught(() => run.advance(30))).code).toBe('INVARIANT_BROKEN');
    await run.flush();
    const early = await run.fork({ at: 5, id: 'early' });
    await early.advance(1);
    await early.close();
    const late = await run.fork({ at: 20, id: 'late' });
    expect((await caught(() => late.advance(1))).code).toBe('INVARIANT_BROKEN');
    await late.close();
    await run.close();
    const few = [{ tick: 21, invariant: 'few', rows: 3 }];
    expect((await profileOf(store, 'r')).broken).toEqual(few);
    expect((await profileOf(store, 'r', { to: 20 })).broken).toEqual(few);
    expect((await profileOf(store, 'r', { to: 19 })).broken).toEqual([]);
    expect((await profileOf(store, 'early')).broken).toEqual([]);
    expect((await profileOf(store, 'late')).broken).toEqual(few);
  });

  test('tells how much of the time of commits ticks went on', async () => {
    const store = meddled();
    const run = await begin(store as never, { ...TIMED, commit: { ticks: 1 } });
    // The store answers late: the first tick waits for nothing, and others go on meanwhile.
    let answer = (): void => {};
    store.before = { append: () => new Promise<void>((resolve) => void (answer = resolve)) };
    await run.advance(2);
    takes(10);
    answer();
    store.before = {};
    await run.flush();
    await run.advance(1);
    await run.close();
    const { commits, otherMs } = await profileOf(store, 'r');
    expect(commits).toMatchObject({ groups: 2, ticks: 2, overlap: 1 });
    expect(commits!.totalMs).toBe(14);
    expect(otherMs).toBe(10);
    const busy = meddled();
    busy.before = { append: () => takes(30) };
    const waits = await begin(busy as never, { ...TIMED, commit: { ticks: 2 } });
    await waits.advance(3);
    await waits.close();
    expect((await profileOf(busy, 'r')).commits).toMatchObject({ groups: 1, totalMs: 30, overlap: 0 });
  });

  test('passes over ticks without times, and knows a range', async () => {
    const store = memoryStore();
    const run = await begin(store);
    await run.advance(3);
    await run.close();
    const silent = await openRun(world, { store, id: 'r' });
    await silent.advance(2);
    await silent.close();
    expect(await profileOf(store, 'r')).toMatchObject({ ticks: 5, timed: 3 });
    expect(await profileOf(store, 'r', { from: 2, to: 4 })).toMatchObject({
      ...{ from: 2, to: 4, ticks: 3, timed: 2, setupMs: null },
      computed: { totalMs: 9, p50Ms: 4, p95Ms: 5 },
    });
    expect(await profileOf(store, 'r', { from: 4 })).toMatchObject({ timed: 0, parts: [], slowest: [] });
  });
});

describe('readTickLog', () => {
  test('gives what the run itself gives, and refuses what means nothing', async () => {
    const store = memoryStore();
    const run = await begin(store);
    await run.advance(5);
    await run.flush();
    expect(await collect(readTickLog({ store, id: 'r' }))).toEqual(await collect(run.tickLog()));
    const range = { from: 2, to: 3 };
    expect(await collect(readTickLog({ store, id: 'r', ...range }))).toEqual(
      await collect(run.tickLog(range)),
    );
    await run.close();
    for (const given of [{}, { store }, { store, id: 'r', from: -1 }, { store, id: 'r', form: 1 }, null])
      expect(await codeOf(() => readTickLog(given as never))).toBe('BAD_USAGE');
    expect(await codeOf(() => collect(readTickLog({ store, id: 'x' })))).toBe('UNKNOWN_RUN');
  });
});
