import { describe, expect, test } from 'vitest';
import { hamlet } from '../../test/support/hamlet.ts';
import { caught, codeOf, framesOf, hashesOf, meddled, settled } from '../../test/support/runs.ts';
import { tally } from '../../test/support/tally.ts';
import { fail } from '../base/errors.ts';
import { memoryStore } from '../log/memory-store.ts';
import type { LogRecord } from '../log/store.ts';
import { createRun } from './create-run.ts';
import { openRun } from './open-run.ts';
import type { RunPolicy } from './types.ts';

const broken = (): never => fail('STORE_FAILED', 'the disk is full');

/** A run on a store with a hand in it, on clocks that stand still unless they are moved. */
async function setUp(policy: RunPolicy = {}, world = hamlet()) {
  const store = meddled();
  const time = { now: 0 };
  const clocks = { wall: () => 7, steady: () => time.now };
  const run = await createRun(world, { store, seed: 's', id: 'r', clocks, ...policy });
  const appended: number[][] = [];
  store.after.append = (_: string, __: number, ___: number, records: readonly LogRecord[]) =>
    void appended.push(records.map(({ tick }) => tick));
  return { store, time, run, appended, clocks };
}

type Made = Awaited<ReturnType<typeof setUp>>['run'];

const never = { ticks: 1e9, ms: 1e9 };

describe('group commit', () => {
  test('after so many ticks', async () => {
    const { run, appended } = await setUp({ commit: { ticks: 4, ms: 1e9 } });
    expect(await run.advance(10)).toMatchObject({ tick: 10, durableTick: 8 });
    expect(appended).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ]);
    await run.advance(2);
    expect(appended[2]).toEqual([9, 10, 11, 12]);
  });

  test('after so many milliseconds since the first that waits, looked at between ticks', async () => {
    const { run, appended, time } = await setUp({ commit: { ticks: 1e9, ms: 100 } });
    time.now = 1e6;
    await run.advance(3);
    time.now += 99;
    await run.advance();
    expect([run.durableTick, appended]).toEqual([0, []]);
    time.now += 1;
    await run.advance();
    expect([run.durableTick, appended]).toEqual([5, [[1, 2, 3, 4, 5]]]);
    time.now += 99;
    await run.advance();
    expect(run.durableTick).toBe(5);
  });

  test('after so many bytes', async () => {
    const { run, appended } = await setUp({ commit: never, maxUndurable: 1 });
    await run.advance(3);
    expect(appended).toEqual([[1], [2], [3]]);
  });

  test('at the end of an advance in which an input was applied', async () => {
    const { run, appended } = await setUp({ commit: never });
    await run.advance(2);
    run.submit.priced({ price: 3 });
    await run.advance(2);
    expect(appended).toEqual([[1, 2, 3, 4]]);
    await run.advance();
    expect(run.durableTick).toBe(4);
  });

  test('flush makes everything durable, once', async () => {
    const { run, appended } = await setUp({ commit: never });
    expect(await run.flush()).toEqual({ tick: 0 });
    await run.advance(3);
    expect(await Promise.all([run.flush(), run.flush()])).toEqual([{ tick: 3 }, { tick: 3 }]);
    expect(await run.flush()).toEqual({ tick: 3 });
    expect(appended).toEqual([[1, 2, 3]]);
  });

  test('flush beside an advance: nothing is committed twice and nothing is left out', async () => {
    const { run, store, appended } = await setUp({ commit: { ticks: 3, ms: 1e9 } });
    store.before.append = () => settled();
    const work = run.advance(20);
    while (run.tick < 20) {
      await run.flush();
      await settled();
    }
    await work;
    await run.close();
    expect(appended.flat()).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  test('L5: policies decide no byte of a record but the state hash', async () => {
    const hashes = [];
    for (const policy of [
      {},
      { commit: { ticks: 1 } },
      { commit: never, maxUndurable: 500 },
      { invariantsEvery: 7 },
    ]) {
      const { run, store } = await setUp(policy);
      await run.advance(12);
      await run.close();
      hashes.push(await hashesOf(store, 'r'));
    }
    expect(new Set(hashes.map(String)).size).toBe(1);
  });
});

describe('a store that fails', () => {
  test('a commit whose answer was lost is made again and kept once', async () => {
    const { run, store } = await setUp({ commit: { ticks: 2, ms: 1e9 } });
    let lost = 0;
    store.after.append = () => (lost++ < 2 ? broken() : undefined);
    expect((await run.advance(6)).durableTick).toBe(6);
    await run.close();
    const twin = await setUp();
    await twin.run.advance(6);
    await twin.run.close();
    expect(await hashesOf(store, 'r')).toEqual(await hashesOf(twin.store, 'r'));
  });

  test('L2: repeated failure stalls the run; flush after mending goes on with the same bytes', async () => {
    const { run, store } = await setUp({ commit: { ticks: 4, ms: 1e9 } });
    const input = run.submit.joined({ name: 'x' });
    const offered: string[] = [];
    let offers = 0;
    store.before.append = (_: string, __: number, ___: number, records: readonly LogRecord[]) => {
      offered.push(records.map(({ bytes }) => Buffer.from(bytes).toString('hex')).join());
      if (offers++ < 5) broken();
    };
    const error = await caught(() => run.advance(9));
    expect(error).toMatchObject({
      code: 'STALLED',
      facts: { run: 'r', durableTick: 0, tick: 4 },
      cause: { code: 'STORE_FAILED' },
    });
    expect(error.hint).toContain('flush()');
    expect([run.state, run.tick, run.durableTick]).toEqual(['stalled', 4, 0]);
    expect((await input.applied).tick).toBe(1);
    expect(await codeOf(() => run.advance())).toBe('STALLED');
    expect(await codeOf(() => run.submit.priced({ price: 1 }))).toBe('STALLED');
    expect(run.world.people.size).toBeGreaterThan(0);
    expect((await run.at(3)).people.size).toBeGreaterThan(0);
    expect((await run.metrics()).size).toBe(5);
    expect(await run.flush()).toEqual({ tick: 4 });
    expect(run.state).toBe('open');
    expect(await input.durable).toEqual({ tick: 1 });
    expect(new Set(offered).size).toBe(1);
    expect(offered.length).toBe(6);
    expect((await run.advance(5)).tick).toBe(9);
  });

  test('a flush beside an advance that stalls and is mended in time does not end the advance', async () => {
    const { run, store, time } = await setUp({ commit: never });
    // Others get their turn after tick 2: what follows here takes no turn of its own.
    run.on('computed', ({ tick }) => void (tick === 2 && (time.now += 200)));
    const work = run.advance(5);
    await settled();
    expect([run.tick, run.state]).toEqual([2, 'advancing']);
    store.before.append = broken;
    expect(await codeOf(() => run.flush())).toBe('STALLED');
    expect([run.state, await codeOf(() => run.advance())]).toEqual(['stalled', 'STALLED']);
    delete store.before.append;
    expect(await run.flush()).toEqual({ tick: 2 });
    expect([run.state, await codeOf(() => run.advance())]).toEqual(['advancing', 'WRONG_STATE']);
    expect((await work).tick).toBe(5);
    expect(run.state).toBe('open');
  });

  test('a flush beside an advance that stalls stops the advance, which says so', async () => {
    const { run, store, time } = await setUp({ commit: never });
    // Others get their turn after tick 2: what follows here takes no turn of its own.
    run.on('computed', ({ tick }) => void (tick === 2 && (time.now += 200)));
    const work = codeOf(() => run.advance(5));
    await settled();
    store.before.append = broken;
    expect(await codeOf(() => run.flush())).toBe('STALLED');
    expect([await work, run.tick, run.state]).toEqual(['STALLED', 2, 'stalled']);
  });

  test('any failure that is not a lost log stalls, a closed store too', async () => {
    const { run, store } = await setUp({ commit: { ticks: 1, ms: 1e9 } });
    await store.inner.close();
    expect(await caught(() => run.advance())).toMatchObject({ code: 'STALLED', cause: { code: 'CLOSED' } });
    expect(run.state).toBe('stalled');
    expect(await codeOf(() => run.close())).toBe('STALLED');
    expect(run.state).toBe('closed');
  });

  test('L11: a stalled run that is closed and opened again goes on from its durable tick', async () => {
    const { run, store, clocks } = await setUp({ commit: { ticks: 3, ms: 1e9 } });
    await run.advance(4);
    const late = run.submit.joined({ name: 'late' });
    store.before.append = broken;
    expect(await codeOf(() => run.advance(2))).toBe('STALLED');
    expect(await codeOf(() => run.close())).toBe('STALLED');
    expect(await codeOf(() => late.durable)).toBe('CLOSED');
    store.before = {};
    const again = await openRun(hamlet(), { store, id: 'r', clocks });
    expect([again.tick, again.durableTick, again.state]).toEqual([3, 3, 'open']);
    await again.advance(3);
    await again.close();
    const twin = await setUp();
    await twin.run.advance(6);
    await twin.run.close();
    expect(await hashesOf(store, 'r')).toEqual(await hashesOf(twin.store, 'r'));
  });

  test('L2: a run whose answer was lost when it was created is found again', async () => {
    const store = meddled();
    store.after.create = broken;
    const run = await createRun(hamlet(), { store, seed: 's', id: 'r' });
    await run.advance(2);
    await run.close();
    expect(await framesOf(store, 'r')).toHaveLength(3);
    expect(await codeOf(() => createRun(hamlet(), { store, seed: 's', id: 'r' }))).toBe('EXISTS');
  });

  test('a lease whose answer was lost is taken again by the same opener', async () => {
    const { run, store } = await setUp();
    await run.close();
    let lost = 0;
    store.after.acquire = () => (lost++ < 2 ? broken() : undefined);
    const again = await openRun(hamlet(), { store, id: 'r' });
    await again.advance();
    expect(await again.flush()).toEqual({ tick: 1 });
  });

  test('a sign of life that fails harms nobody', async () => {
    const { run, store, time, appended } = await setUp({ commit: { ticks: 1, ms: 1e9 }, leaseMs: 300 });
    let renewed = 0;
    store.before.renew = () => {
      renewed++;
      broken();
    };
    const heard: number[] = [];
    run.on('durable', ({ tick }) => void heard.push(tick));
    for (let i = 0; i < 6; i++) {
      time.now += 50;
      await run.advance();
    }
    expect([run.state, run.durableTick, renewed]).toEqual(['open', 6, 3]);
    expect([heard, appended.length]).toEqual([[1, 2, 3, 4, 5, 6], 6]);
  });

  test('a long advance without commits gives signs of life', async () => {
    const { run, store, time } = await setUp({ commit: never, leaseMs: 300 }, tally() as never);
    let renewed = 0;
    store.before.renew = () => void renewed++;
    run.on('computed', () => void (time.now += 40));
    await run.advance(30);
    expect([renewed, run.durableTick]).toEqual([10, 0]);
  });
});

describe('L7: one writer', () => {
  test('while one is alive, another is refused; a close lets it in at once', async () => {
    const { run, store } = await setUp();
    expect(await caught(() => openRun(hamlet(), { store, id: 'r' }))).toMatchObject({
      code: 'RUN_IN_USE',
      facts: { run: 'r' },
    });
    expect((await run.advance()).tick).toBe(1);
    await run.close();
    const again = await openRun(hamlet(), { store, id: 'r' });
    expect(again.tick).toBe(1);
  });

  test('a writer that was replaced can not commit; it may still be read', async () => {
    const { run, store } = await setUp({ commit: { ticks: 2, ms: 1e9 } });
    await run.advance(2);
    const second = await openRun(hamlet(), { store, id: 'r', takeover: true });
    await second.advance();
    await second.flush();
    const lost = run.submit.joined({ name: 'x' });
    const error = await caught(() => run.advance(2));
    expect(error).toMatchObject({ code: 'WRITER_REPLACED', facts: { run: 'r' } });
    expect([run.state, run.tick, run.durableTick]).toEqual(['fenced', 4, 2]);
    expect((await lost.applied).tick).toBe(3);
    expect(await codeOf(() => lost.durable)).toBe('WRITER_REPLACED');
    expect(await codeOf(() => run.advance())).toBe('WRITER_REPLACED');
    expect(await codeOf(() => run.flush())).toBe('WRITER_REPLACED');
    expect(await codeOf(() => run.submit.priced({ price: 1 }))).toBe('WRITER_REPLACED');
    expect((await run.at(4)).people.size).toBe(run.world.people.size);
    await run.close();
    expect((await second.advance()).tick).toBe(4);
    await second.close();
    expect((await framesOf(store, 'r')).length).toBe(5);
  });

  test.each([
    ['an advance', { every: 2 }, (run: Made) => run.advance(2)],
    ['a snapshot asked for', false, (run: Made) => run.snapshot()],
  ] as const)('L7: a writer that first hears of another by %s is fenced', async (_, snapshots, work) => {
    const { run, store } = await setUp({ commit: { ticks: 1 }, snapshots });
    const other = { host: 'elsewhere', pid: 1, token: 'x', ttlMs: 1e9 };
    store.before.keepSnapshot = async () => {
      const info = await store.inner.head('r');
      await store.inner.acquire(info!.segment.id, other, true);
    };
    expect(await caught(() => work(run))).toMatchObject({ code: 'WRITER_REPLACED', facts: { run: 'r' } });
    expect(run.state).toBe('fenced');
    expect(await codeOf(() => run.submit.priced({ price: 1 }))).toBe('WRITER_REPLACED');
    expect(await codeOf(() => run.advance())).toBe('WRITER_REPLACED');
  });

  test('many runs in one store do not disturb each other', async () => {
    const store = meddled();
    const ids = ['a', 'a/b', 'b', 'r'];
    const runs = await Promise.all(
      ids.map((id) => createRun(hamlet(), { store, seed: id, id, commit: { ticks: 3, ms: 1e9 } })),
    );
    store.before.append = (segment: string) => (segment.startsWith('b/') ? broken() : settled());
    const codes = await Promise.all(runs.map((run) => codeOf(() => run.advance(9))));
    expect(codes).toEqual(['done', 'done', 'STALLED', 'done']);
    store.before = {};
    await Promise.all(runs.map((run) => run.close()));
    for (const id of ['a', 'a/b', 'r']) {
      const alone = memoryStore();
      const run = await createRun(hamlet(), { store: alone, seed: id, id });
      await run.advance(9);
      await run.close();
      expect(await hashesOf(store, id)).toEqual(await hashesOf(alone, id));
    }
    expect((await framesOf(store, 'b')).length).toBe(4);
  });
});
