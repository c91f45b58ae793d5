/** Commits that nobody waits for: ticks go on while a group is in flight. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectLikeTwin, type FarRun, far, farRun, two } from '../../test/support/far.ts';
import { hamlet } from '../../test/support/hamlet.ts';
import { codeOf, collect, framesOf, rowsOf, settled } from '../../test/support/runs.ts';
import { fail } from '../base/errors.ts';
import { memoryStore } from '../log/memory-store.ts';
import { createRun } from './create-run.ts';
import { openRun } from './open-run.ts';

const upTo = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

const unhandled: unknown[] = [];
const note = (e: unknown): void => void unhandled.push(e);
beforeEach(() => void process.on('unhandledRejection', note));
afterEach(async () => {
  await settled();
  process.off('unhandledRejection', note);
  expect(unhandled.splice(0)).toEqual([]);
});

describe('while a group is in flight', () => {
  test('L2: ticks go on, one group is sent at a time, and what comes meanwhile is the next one', async () => {
    const { run, store } = await farRun();
    expect(await run.advance(5)).toMatchObject({ tick: 5, durableTick: 0 });
    expect([run.state, store.sent, store.onTheWay]).toEqual(['open', [[1, 2]], 1]);
    expect(await run.advance(2)).toMatchObject({ tick: 7, durableTick: 0 });
    expect(store.sent).toHaveLength(1);
    await store.answer();
    expect([run.durableTick, store.sent[1]]).toEqual([2, upTo(3, 7)]);
    await store.answer();
    expect([run.durableTick, store.sent.length, store.onTheWay]).toEqual([7, 2, 0]);
    await expectLikeTwin({ run, store }, 9);
  });

  test('what is no whole group waits for the next one', async () => {
    const { run, store } = await farRun();
    await run.advance(3);
    await store.answer();
    expect([run.durableTick, store.sent]).toEqual([2, [[1, 2]]]);
    await run.advance();
    expect(store.sent[1]).toEqual([3, 4]);
  });

  test('its ticks are read from memory', async () => {
    const { run } = await farRun();
    await run.advance(5);
    const twin = await createRun(hamlet(), { store: memoryStore(), seed: 's', id: 'r' });
    await twin.advance(5);
    expect(rowsOf(await run.at(2))).toEqual(rowsOf(await twin.at(2)));
    expect(rowsOf(await run.at(4))).toEqual(rowsOf(await twin.at(4)));
    expect(await collect(run.events('moved'))).toEqual(await collect(twin.events('moved')));
    expect(await run.metrics()).toEqual(await twin.metrics());
  });

  test('an end, a condition, a signal: none waits for it', async () => {
    const ended = await farRun({}, hamlet());
    expect(await ended.run.advance(9, { until: (_, { tick }) => tick === 3 })).toMatchObject({ tick: 3 });
    const stop = new AbortController();
    ended.run.on('computed', ({ tick }) => void (tick === 5 && stop.abort()));
    expect(await ended.run.advance(9, { signal: stop.signal })).toMatchObject({ tick: 5, durableTick: 0 });
    expect(ended.store.onTheWay).toBe(1);
    const store = far();
    const last = await createRun(hamlet(), { store, seed: 's', id: 'r', commit: two, config: { last: 4 } });
    expect(await last.advance(9)).toMatchObject({ tick: 4, durableTick: 0, ended: true });
    await store.comeNear();
    expect(last.durableTick).toBe(4);
  });

  test('L2: a tick that fails leaves a world that holds the ticks in flight', async () => {
    let fuse = 0;
    const world = hamlet(
      (place, tick) => void (place === 'move' && tick === fuse && fail('BAD_USAGE', 'no')),
    );
    const { run, store } = await farRun({}, world);
    await run.advance(3);
    const before = rowsOf(run.world);
    fuse = 4;
    expect(await codeOf(() => run.advance())).toBe('TICK_FAILED');
    expect([run.state, run.tick, run.durableTick, store.onTheWay]).toEqual(['failed', 3, 0, 1]);
    expect(rowsOf(run.world)).toEqual(before);
    fuse = 0;
    await expectLikeTwin({ run, store }, 6);
  });

  test('L2: an input that is dropped leaves the ticks in flight as they are', async () => {
    const world = hamlet((place) => void (place.startsWith('apply priced') && fail('BAD_INPUT', 'no')));
    const { run, store } = await farRun({}, world);
    await run.advance(3);
    const { applied } = run.submit.priced({ price: 1 });
    expect(await run.advance(2)).toMatchObject({ tick: 5, durableTick: 0 });
    expect(await codeOf(() => applied)).toBe('BAD_INPUT');
    await expectLikeTwin({ run, store }, 6);
  });

  test('a sign of life is not waited for, save by a close', async () => {
    const { run, store, time } = await farRun({ leaseMs: 300, commit: { ticks: 1e9, ms: 1e9 } });
    const { renew } = store;
    let goOn = (): void => {};
    const held = new Promise<void>((resolve) => void (goOn = resolve));
    const renewed: string[] = [];
    (store as { renew: typeof renew }).renew = async (...given) => {
      renewed.push('asked');
      await held;
      renewed.push(await codeOf(() => renew(...given)));
    };
    run.on('computed', () => void (time.now += 60));
    expect((await run.advance(9)).tick).toBe(9);
    expect(renewed, 'one at a time').toEqual(['asked']);
    await store.comeNear();
    let isClosed = false;
    const closing = run.close().then(() => void (isClosed = true));
    await settled();
    expect(isClosed).toBe(false);
    goOn();
    await closing;
    expect(renewed).toEqual(['asked', 'done']);
    expect((await openRun(hamlet(), { store, id: 'r' })).tick).toBe(9);
  });
});

describe('the window', () => {
  test('four groups of ticks: then an advance waits for an answer, and for no more than it needs', async () => {
    const { run, store } = await farRun();
    const work = run.advance(20);
    for (let i = 0; i < 20; i++) await settled();
    expect([run.state, run.tick, run.durableTick]).toEqual(['advancing', 8, 0]);
    await store.answer();
    for (let i = 0; i < 20; i++) await settled();
    expect([run.tick, run.durableTick, store.sent]).toEqual([10, 2, [[1, 2], upTo(3, 8)]]);
    await store.comeNear();
    expect(await work).toMatchObject({ tick: 20, durableTick: 20 });
    expect(store.sent.flat()).toEqual(upTo(1, 20));
  });

  test('what a flush sends is a group of it', async () => {
    const { run, store } = await farRun();
    await run.advance(1);
    void run.flush();
    const work = run.advance(20);
    for (let i = 0; i < 20; i++) await settled();
    expect([run.tick, store.sent]).toEqual([7, [[1]]]);
    await store.comeNear();
    await work;
  });

  test('four groups of milliseconds', async () => {
    const { run, store, time } = await farRun({ commit: { ticks: 1e9, ms: 100 } });
    run.on('computed', () => void (time.now += 50));
    const work = run.advance(20);
    for (let i = 0; i < 30; i++) await settled();
    expect([run.state, run.tick]).toEqual(['advancing', 8]);
    await store.comeNear();
    expect((await work).tick).toBe(20);
  });

  test('so many bytes, in flight included', async () => {
    const sizes: number[] = [];
    const counted = await farRun({ commit: { ticks: 1, ms: 1e9 } });
    await counted.store.comeNear();
    await counted.run.advance(6);
    for (const { tick } of await framesOf(counted.store, 'r'))
      sizes.push((await counted.store.read(await segmentOf(counted), tick, ONE)).records[0]!.bytes.length);
    const maxUndurable = sizes[1]! + sizes[2]! + sizes[3]!;
    const { run, store } = await farRun({ commit: { ticks: 1, ms: 1e9 }, maxUndurable });
    const work = run.advance(6);
    for (let i = 0; i < 20; i++) await settled();
    expect([run.state, run.tick, store.sent]).toEqual(['advancing', 3, [[1]]]);
    await store.comeNear();
    expect((await work).durableTick).toBe(6);
  });

  test('other tasks have a turn for each group that the store does not answer at once, else none', async () => {
    for (const [isFar, expected] of [
      [true, 3],
      [false, 0],
    ] as const) {
      const { run, store } = await farRun();
      if (!isFar) await store.comeNear();
      let turns = 0;
      const turn = (): void => {
        if (run.state !== 'advancing') return;
        turns++;
        setImmediate(turn);
      };
      const work = run.advance(7);
      setImmediate(turn);
      await work;
      expect([isFar, turns]).toEqual([isFar, expected]);
    }
  });
});

const ONE = { records: 1, bytes: 1e9 };
const segmentOf = async ({ store }: Pick<FarRun, 'store'>): Promise<string> =>
  (await store.head('r'))!.segment.id;

describe('who waits for what is durable', () => {
  test('L14: observers hear after the answer, in order, each tick once, and never within a tick', async () => {
    let isInTick = false;
    const world = hamlet((place) => void (isInTick = place !== 'until'));
    const { run, store } = await farRun({}, world);
    const heard: string[] = [];
    run.on('computed', ({ tick }) => void heard.push(`c${tick}`));
    run.on('durable', ({ tick }) => {
      expect([isInTick, tick <= run.durableTick]).toEqual([false, true]);
      heard.push(`d${tick}`);
    });
    await run.advance(5);
    expect(heard.join(' ')).toBe('c1 c2 c3 c4 c5');
    await store.answer();
    expect(heard.join(' ')).toBe('c1 c2 c3 c4 c5 d1 d2');
    await run.advance();
    await store.comeNear();
    await run.flush();
    expect(heard.join(' ')).toBe('c1 c2 c3 c4 c5 d1 d2 c6 d3 d4 d5 d6');
  });

  test('a submitter hears when the group of its tick is there, and an advance with one waits for that', async () => {
    const { run, store } = await farRun();
    await run.advance(2);
    const { applied, durable } = run.submit.joined({ name: 'x' });
    const heard: string[] = [];
    void durable.then(({ tick }) => void heard.push(`durable ${tick}`));
    void run.advance(1).then(({ durableTick }) => void heard.push(`advanced ${durableTick}`));
    expect((await applied).tick).toBe(3);
    await settled();
    await store.answer();
    expect([heard, run.durableTick, store.sent]).toEqual([[], 2, [[1, 2], [3]]]);
    await store.answer();
    expect(heard).toEqual(['durable 3', 'advanced 3']);
  });

  test.each([
    ['flush', ({ run }: FarRun) => run.flush()],
    ['snapshot', ({ run }: FarRun) => run.snapshot()],
    ['close', ({ run }: FarRun) => run.close()],
    ['fork', ({ run }: FarRun) => run.fork({ at: 2, id: 'f' })],
    ['fork of the last tick', ({ run }: FarRun) => run.fork({ at: 5, id: 'f' })],
    ['kept snapshot', ({ run }: FarRun) => run.advance(), { every: 6 }],
  ])(
    'L11: a %s waits for all that was computed',
    async (_, call, snapshots: { every: number } | false = false) => {
      const made = await farRun({ snapshots });
      const { run, store } = made;
      await run.advance(5);
      let isDone = false;
      const work = Promise.resolve(call(made)).then(() => void (isDone = true));
      for (const durable of [0, 2]) {
        await settled();
        expect([isDone, run.durableTick]).toEqual([false, durable]);
        await store.answer();
      }
      await store.comeNear();
      await work;
      expect(run.durableTick).toBeGreaterThanOrEqual(5);
      if (run.state !== 'closed') await expectLikeTwin(made, 8);
    },
  );

  test('L6: a fork in mid-flight continues the tick that it was asked for', async () => {
    const { run, store } = await farRun();
    await run.advance(5);
    const forking = run.fork({ at: 4, id: 'f' });
    await store.comeNear();
    const fork = await forking;
    expect([fork.tick, fork.durableTick]).toEqual([4, 4]);
    const twin = await createRun(hamlet(), { store: memoryStore(), seed: 's' });
    expect((await fork.advance(3)).stateHash).toBe((await twin.advance(7)).stateHash);
    await fork.close();
    await expectLikeTwin({ run, store }, 8);
  });
});
