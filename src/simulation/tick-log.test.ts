import { describe, expect, test } from 'vitest';
import { caught, codeOf, collect, framesOf, hashesOf, meddled } from '../../test/support/runs.ts';
import { tally, tallySchema } from '../../test/support/tally.ts';
import { memoryStore } from '../log/memory-store.ts';
import { createRun } from './create-run.ts';
import { openRun } from './open-run.ts';
import type { RunPolicy } from './types.ts';

/** A clock that code of the world moves: each part of a tick takes as long as it says. */
let now = 0;
const takes = (ms: number): void => void (now += ms);
const clocks = { wall: () => 7, steady: () => now };
const TIMED: RunPolicy = { tickLog: true, clocks, snapshots: false };

const { system } = tallySchema;
const adds = system('adds', ({ emit }) => {
  takes(3);
  emit.add({ n: 1 });
  emit.add({ n: 1 });
});
const seldom = system('seldom', { every: 2 }, () => takes(20));
const asked = system(
  'asked',
  {
    when: (w) => {
      takes(0.25);
      return w.total.value.n > 5;
    },
  },
  () => takes(100),
);
const atOnce = system('atOnce', { effects: 'at-once' }, ({ emit }) => emit.add({ n: 0 }));
const twice = system('twice', { repeat: { max: 5 } }, ({ emit, world }) => {
  takes(1);
  if (world.total.value.n % 2 === 0) emit.add({ n: 1 });
});
const world = tally({
  setup: () => takes(50),
  systems: [adds, seldom, asked, atOnce, twice],
  apply: {
    add: (w, e) => {
      takes(10);
      w.total.set({ n: w.total.value.n + e.n });
    },
    given: () => takes(4),
  },
  invariants: {
    small: (w) => {
      takes(0.5);
      return w.total.value.n < 1000;
    },
    right: () => {
      takes(2);
      return true;
    },
  },
  metrics: {
    n: (w) => {
      takes(0.125);
      return w.total.value.n;
    },
  },
});
const begin = (policy: RunPolicy = TIMED, store = memoryStore()) =>
  createRun(world, { store, seed: 's', id: 'r', ...policy });

describe('the tick log', () => {
  test('tells how long each part of a tick took, and sums to the whole', async () => {
    const run = await begin();
    run.submit.given({ n: 1 });
    await run.advance(2);
    const [zero, one, two] = await collect(run.tickLog());
    expect(zero).toMatchObject({ tick: 0, time: 7, events: 0 });
    expect(zero!.times).toEqual({
      ...{ computedMs: 52.625, setupMs: 50, inputsMs: null, systems: [] },
      invariants: [
        { name: 'small', ms: 0.5 },
        { name: 'right', ms: 2 },
      ],
      ...{ metricsMs: 0.125, hashMs: 0, restMs: 0 },
      ...{ after: { encodeMs: 0, waitedMs: 0, otherMs: 0 }, commits: [] },
    });
    // `adds` gave two, so that `twice` finds an even number, adds one, and is done.
    expect(one!.times!.systems).toEqual([
      { name: 'adds', rounds: 1, runMs: 3, applyMs: 20 },
      { name: 'asked', rounds: 0, runMs: 0.25, applyMs: 0 },
      { name: 'atOnce', rounds: 1, runMs: 10, applyMs: 0 },
      { name: 'twice', rounds: 2, runMs: 2, applyMs: 10 },
    ]);
    expect(one!.times!.inputsMs).toBe(4);
    expect(one!.events).toBe(5);
    expect(two!.times!.systems[1]).toEqual({ name: 'seldom', rounds: 1, runMs: 20, applyMs: 0 });
    expect(two!.times!.after).toBeNull();
    for (const { times } of [zero!, one!, two!]) {
      const { computedMs, setupMs, inputsMs, systems, invariants, metricsMs, hashMs, restMs } = times!;
      const parts = [setupMs ?? 0, inputsMs ?? 0, metricsMs, hashMs ?? 0, restMs];
      for (const { runMs, applyMs } of systems) parts.push(runMs, applyMs);
      for (const { ms } of invariants) parts.push(ms);
      expect(parts.reduce((a, b) => a + b, 0)).toBe(computedMs);
    }
    await run.close();
  });

  test('says null where something was not done, and never 0', async () => {
    const run = await begin({ ...TIMED, hashEvery: 2, invariantsEvery: 2 });
    await run.advance(2);
    const [, one, two] = (await collect(run.tickLog())).map(({ times }) => times!);
    expect([one!.hashMs, one!.invariants, one!.setupMs]).toEqual([null, [], null]);
    expect([two!.hashMs, two!.invariants.length]).toEqual([0, 2]);
    await run.close();
  });

  test('tells of commits when they have landed, and how long an advance waited', async () => {
    const store = meddled();
    store.before = { append: () => takes(30) };
    const run = await begin({ ...TIMED, commit: { ticks: 2, ms: 1e9 } }, store);
    run.on('computed', () => takes(1));
    await run.advance(3);
    const [, one, two, three] = (await collect(run.tickLog())).map(({ times }) => times!);
    expect(one!.after).toEqual({ encodeMs: 0, waitedMs: 0, otherMs: 1 });
    expect(two!.after).toEqual({ encodeMs: 0, waitedMs: 30, otherMs: 1 });
    expect([one!.commits, two!.commits]).toEqual([[], []]);
    const bytes = (await framesOf(store, 'r')).slice(1, 3).reduce((sum, f) => sum + f.bytes.length, 0);
    expect(three!.commits).toEqual([{ tick: 2, ticks: 2, bytes, ms: 30 }]);
    await run.advance(3);
    const later = (await collect(run.tickLog({ from: 3 }))).map(({ times }) => times!);
    const landed = later.map(({ commits }) => commits.map(({ tick }) => tick));
    expect(landed).toEqual([[2], [], [4], []]);
    expect(later.map(({ after }) => after?.waitedMs)).toEqual([0, 30, 0, undefined]);
    await run.close();
  });

  test('is off unless it is asked for: the bytes are what they were, and no tick reads a clock', async () => {
    let inTick = false;
    const watched = tally({
      systems: [system('begin', () => void (inTick = true))],
      metrics: {
        end: () => {
          inTick = false;
          return 0;
        },
      },
    });
    const bytesOf = async (policy: RunPolicy): Promise<[Uint8Array[], number]> => {
      let reads = 0;
      const store = memoryStore();
      const steady = (): number => {
        if (inTick) reads++;
        return 0;
      };
      const given = { store, seed: 's', id: 'r', clocks: { wall: () => 0, steady }, ...policy };
      const run = await createRun(watched, given);
      await run.advance(3);
      for await (const { times } of run.tickLog()) expect(times === null).toBe(policy.tickLog !== true);
      await run.close();
      return [(await framesOf(store, 'r')).map(({ bytes }) => bytes), reads];
    };
    const [off] = await bytesOf({});
    expect(await bytesOf({ tickLog: false })).toEqual([off, 0]);
    const [on, reads] = await bytesOf({ tickLog: true });
    expect(on).not.toEqual(off);
    expect(reads).toBeGreaterThan(0);
  });

  test('goes through forks, several writers and records without times', async () => {
    const store = memoryStore();
    const first = await begin(TIMED, store);
    await first.advance(3);
    const fork = await first.fork({ at: 2, id: 'f' });
    await fork.advance(1);
    const quiet = await first.fork({ at: 2, id: 'q', tickLog: false });
    await quiet.advance(1);
    await quiet.close();
    await fork.close();
    await first.close();
    const other = tally({ systems: [atOnce, adds], apply: { add: (w) => w.total.set({ n: 1 }) } });
    const silent = await openRun(world, { store, id: 'f', clocks });
    await silent.advance(1);
    await silent.close();
    const changed = await openRun(other, { store, id: 'f', adopt: true, ...TIMED });
    await changed.advance(2);
    const names = async (run: typeof fork, from = 0): Promise<unknown[]> =>
      (await collect(run.tickLog({ from }))).map(
        ({ times }) => times && [times.systems.map(({ name }) => name).join(), times.after !== null],
      );
    const all = [
      ['', true],
      ['adds,asked,atOnce,twice', true],
      ['adds,seldom,asked,atOnce,twice', false],
      ['adds,asked,atOnce,twice', false],
      null,
      ['atOnce,adds', true],
      ['atOnce,adds', false],
    ];
    const logged = changed as unknown as typeof fork;
    expect(await names(logged)).toEqual(all);
    for (const from of [1, 3, 4, 6]) expect(await names(logged, from)).toEqual(all.slice(from));
    expect(await collect(changed.tickLog({ from: 3, to: 2 }))).toEqual([]);
    expect((await collect(changed.tickLog({ from: 6, to: 99 }))).map(({ tick }) => tick)).toEqual([6]);
    await changed.close();
    const again = await openRun(world, { store, id: 'q', clocks });
    expect((await names(again)).at(-1)).toBeNull();
    await again.close();
  });

  test('knows the names of the last of several writers, from whichever tick it is read', async () => {
    const store = memoryStore();
    await (await begin(TIMED, store)).close();
    const add = tallySchema.system('added', ({ emit }) => emit.add({ n: 1 }));
    const named = (name: string) => tally({ systems: [system(name, () => {}), add] });
    for (const [name, ticks] of [
      ['first', 1],
      ['second', 1],
      ['third', 4],
    ] as const) {
      const run = await openRun(named(name), { store, id: 'r', ...TIMED });
      await run.advance(ticks);
      const names = async (from: number): Promise<unknown[]> =>
        (await collect(run.tickLog({ from }))).map(({ times }) => times!.systems[0]!.name);
      const all = ['first', 'second', 'third', 'third', 'third', 'third'].slice(0, run.tick);
      for (let from = 1; from <= run.tick; from++) expect(await names(from)).toEqual(all.slice(from - 1));
      await run.close();
    }
  });

  test('takes any clock: one that goes back, says no number, or is a source that ticks may not use', async () => {
    const readings = [5, 3, Number.NaN, -1, Number.POSITIVE_INFINITY, 1e300, 9, Number.MAX_SAFE_INTEGER, 2];
    let at = 0;
    const odd = { wall: () => 0, steady: () => readings[at++ % readings.length]! };
    const run = await begin({ ...TIMED, clocks: odd });
    await run.advance(20);
    for await (const { times } of run.tickLog()) expect(times!.restMs).toBeGreaterThanOrEqual(0);
    await run.close();
    const store = memoryStore();
    const guarded = await begin({ ...TIMED, clocks: { steady: () => performance.now() } }, store);
    await guarded.advance(3);
    await guarded.close();
    const plain = memoryStore();
    const untimed = await begin({ snapshots: false }, plain);
    await untimed.advance(3);
    await untimed.close();
    expect(await hashesOf(store, 'r')).toEqual(await hashesOf(plain, 'r'));
  });

  test('a failed tick leaves no times, and the attempt says how many rows broke the invariant', async () => {
    const store = memoryStore();
    const broken = tally({
      systems: [adds],
      invariants: { few: (w) => (w.total.value.n < 3 ? [] : [{ n: 1 }, { n: 2 }]), other: () => true },
    });
    const run = await createRun(broken, { store, seed: 's', id: 'r', ...TIMED });
    expect((await caught(() => run.advance(3))).code).toBe('INVARIANT_BROKEN');
    expect((await collect(run.tickLog())).map(({ tick }) => tick)).toEqual([0, 1]);
    await run.close();
    const { segment } = (await store.head('r'))!;
    const [attempt] = await store.attempts(segment.id);
    expect(JSON.parse(attempt!.text).error).toMatchObject({ invariant: 'few', rows: 2 });
  });

  test('what is no range, and no flag, is refused', async () => {
    const run = await begin();
    for (const range of [{ from: -1 }, { to: 0.5 }, { form: 1 }, 5])
      expect(await codeOf(() => run.tickLog(range as never))).toBe('BAD_USAGE');
    expect(await codeOf(() => run.fork({ at: 0, tickLog: 1 as never }))).toBe('BAD_USAGE');
    await run.close();
    expect(await codeOf(() => run.tickLog())).toBe('CLOSED');
    expect(await codeOf(() => begin({ tickLog: 'yes' as never }))).toBe('BAD_USAGE');
  });
});
