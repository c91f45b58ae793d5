import { describe, expect, test } from 'vitest';
import { hamlet } from '../../test/support/hamlet.ts';
import { caught, codeOf, framesOf, hashesOf, rowsOf } from '../../test/support/runs.ts';
import { tally, tallyApply, tallySchema } from '../../test/support/tally.ts';
import { memoryStore } from '../log/memory-store.ts';
import { t } from '../schema/columns.ts';
import { defineSchema } from '../schema/define.ts';
import { singleton } from '../schema/tables.ts';
import { createRun } from './create-run.ts';
import { defineWorld } from './define-world.ts';
import { openRun } from './open-run.ts';

const clocks = { wall: () => 0, steady: () => 0 };
const begin = (more = {}, store = memoryStore()) =>
  createRun(hamlet(), { store, seed: 's', id: 'r', clocks, ...more });
const { system } = tallySchema;
const throws = (): never => {
  throw new TypeError('mine');
};

describe('advance', () => {
  test('computes one tick, or as many as it is asked, and says where the run is', async () => {
    const run = await begin({ commit: { ticks: 4, ms: 1e9 } });
    expect(await run.advance()).toEqual({
      tick: 1,
      durableTick: 0,
      stateHash: expect.stringMatching(/^[0-9a-f]{32}$/),
      ended: false,
    });
    expect(await run.advance(0)).toMatchObject({ tick: 1 });
    const last = await run.advance(4);
    expect(last).toMatchObject({ tick: 5, durableTick: 4 });
    expect(await run.advance(0)).toEqual(last);
  });

  test('a state hash that no tick recorded is computed while the world is there, and refused later', async () => {
    const run = await begin({ hashEvery: 5 });
    const twin = await begin();
    const third = await run.advance(3);
    expect(third.stateHash).toBe((await twin.advance(3)).stateHash);
    const fourth = await run.advance();
    const fifth = await run.advance();
    expect(await codeOf(() => fourth.stateHash)).toBe('WRONG_STATE');
    await run.advance();
    expect(fifth.stateHash).toBe((await twin.advance(2)).stateHash);
  });

  test.each([-1, 0.5, Number.NaN, Infinity, '3' as never])('%s is no number of ticks', async (n) => {
    const run = await begin();
    expect(await codeOf(() => run.advance(n))).toBe('BAD_USAGE');
    expect([run.state, run.tick]).toEqual(['open', 0]);
  });

  test('stops after the first tick where its own until holds', async () => {
    const run = await begin();
    const ticks: number[] = [];
    const stops = (w: typeof run.world, { tick }: { tick: number }) => {
      ticks.push(tick);
      return tick === 3 && w.people.size > 0;
    };
    expect(await run.advance(10, { until: stops })).toMatchObject({ tick: 3, ended: false });
    expect(ticks).toEqual([1, 2, 3]);
    expect(await run.advance(2)).toMatchObject({ tick: 5 });
  });

  test.each([
    ['until', { until: throws }],
    ['onProgress', { onProgress: throws }],
  ])('what throws in its %s is thrown as it is, and the run stays open', async (_, options) => {
    const run = await begin();
    await expect(run.advance(3, options as never)).rejects.toBeInstanceOf(TypeError);
    expect(run.state).toBe('open');
    await run.advance();
  });

  test('stops between two ticks when its signal is aborted; what was computed stays', async () => {
    const run = await begin();
    const stop = new AbortController();
    run.on('computed', ({ tick }) => void (tick === 2 && stop.abort()));
    expect(await run.advance(10, { signal: stop.signal })).toMatchObject({ tick: 2 });
    expect(await run.advance(10, { signal: stop.signal })).toMatchObject({ tick: 2 });
    expect(await run.advance(1)).toMatchObject({ tick: 3 });
  });

  test('tells of its progress now and then, and at its end', async () => {
    let now = 0;
    const run = await begin({ clocks: { steady: () => (now += 6) }, commit: { ticks: 5, ms: 1e9 } });
    const told: unknown[] = [];
    await run.advance(20, { onProgress: (progress) => void told.push(progress) });
    expect(told.length).toBeGreaterThan(3);
    expect(told.at(-1)).toEqual({ tick: 20, target: 20, durableTick: 20 });
    const ticks = told.map((one) => (one as { tick: number }).tick);
    expect(ticks).toEqual([...ticks].sort((a, b) => a - b));
  });

  test('lets others have their turn on the way', async () => {
    let now = 0;
    const run = await begin({ clocks: { steady: () => (now += 6) } });
    let turns = 0;
    const turn = (): void => {
      turns++;
      if (run.state === 'advancing') setImmediate(turn);
    };
    setImmediate(turn);
    await run.advance(30);
    expect(turns).toBeGreaterThan(5);
  });
});

describe("the world's until", () => {
  test('ends the run: sticky, over a reopening too, and a submit waits in vain', async () => {
    const store = memoryStore();
    const run = await begin({ config: { last: 4 } }, store);
    expect(await run.advance(3)).toMatchObject({ tick: 3, ended: false });
    expect(await run.advance(10)).toMatchObject({ tick: 4, ended: true });
    expect(run.ended).toBe(true);
    expect(await run.advance(10)).toMatchObject({ tick: 4, ended: true });
    await run.close();
    const again = await openRun(hamlet(), { store, id: 'r' });
    expect([again.ended, again.tick]).toEqual([true, 4]);
    const { applied } = again.submit.priced({ price: 1 });
    expect(await again.advance(3)).toMatchObject({ tick: 4, ended: true });
    await again.close();
    expect(await codeOf(() => applied)).toBe('CLOSED');
    expect(await framesOf(store, 'r')).toHaveLength(5);
  });

  test('may hold after the setup', async () => {
    const run = await begin({ config: { last: 0 } });
    expect(run.ended).toBe(true);
    expect(await run.advance(3)).toMatchObject({ tick: 0, ended: true });
  });
});

describe('invariants', () => {
  test.each([
    ['false', false, []],
    ['rows', [1, 2], [1, 2]],
    ['a set', new Set(['x']), ['x']],
    [
      'a generator',
      (function* () {
        for (let i = 0; ; i++) yield i;
      })(),
      Array.from({ length: 100 }, (_, i) => i),
    ],
  ])('%s break the run', async (_, gives, rows) => {
    const run = await createRun(
      tally({ invariants: { no: (__, { tick }) => (tick === 2 ? gives : true) } }),
      {
        store: memoryStore(),
        seed: 's',
        id: 'r',
      },
    );
    expect(await caught(() => run.advance(3))).toMatchObject({
      code: 'INVARIANT_BROKEN',
      facts: { run: 'r', tick: 2, invariant: 'no', rows },
    });
    expect([run.tick, run.state]).toEqual([1, 'failed']);
  });

  test.each([true, [], new Set(), ''])('%j holds', async (gives) => {
    const run = await createRun(tally({ invariants: { yes: () => gives } }), {
      store: memoryStore(),
      seed: 's',
    });
    expect((await run.advance()).tick).toBe(1);
  });

  test.each([undefined, null, 0, 1, {}])('%j is no answer', async (gives) => {
    const world = tally({ invariants: { odd: () => gives as never } });
    expect(await caught(() => createRun(world, { store: memoryStore(), seed: 's' }))).toMatchObject({
      code: 'TICK_FAILED',
      facts: { tick: 0, invariant: 'odd', reason: 'BAD_VALUE' },
    });
  });

  test('are checked as often as the run asks', async () => {
    const ticks: number[] = [];
    const world = tally({ invariants: { looks: (_, { tick }) => ticks.push(tick) > 0 } });
    const run = await createRun(world, { store: memoryStore(), seed: 's', invariantsEvery: 3 });
    await run.advance(7);
    expect(ticks).toEqual([0, 3, 6]);
  });
});

describe('openRun', () => {
  test('L11: goes on with the same records as a run that was never closed', async () => {
    const [store, twinStore] = [memoryStore(), memoryStore()];
    let run = await begin({ config: { rate: 0.6 } }, store);
    const twin = await begin({ config: { rate: 0.6 } }, twinStore);
    for (let i = 1; i <= 5; i++) {
      for (const one of [run, twin]) {
        one.submit.joined({ name: `n${i}` }, { source: 'door', seq: i });
        await one.advance(i);
      }
      await run.close();
      run = await openRun(hamlet(), { store, id: 'r', clocks });
      expect(rowsOf(run.world)).toEqual(rowsOf(twin.world));
    }
    await Promise.all([run.close(), twin.close()]);
    expect(await hashesOf(store, 'r')).toEqual(await hashesOf(twinStore, 'r'));
  });

  test('L13: an unknown run, another schema, a policy that means nothing: each by name, and no lease is taken', async () => {
    const store = memoryStore();
    await (await begin({}, store)).close();
    expect(await codeOf(() => openRun(hamlet(), { store, id: 'nobody' }))).toBe('UNKNOWN_RUN');
    expect(await caught(() => openRun(tally(), { store, id: 'r' }))).toMatchObject({
      code: 'SCHEMA_DIFFERS',
      facts: { run: 'r' },
    });
    expect(await codeOf(() => openRun(hamlet(), { store, id: 'r', maxInputs: 0 }))).toBe('BAD_USAGE');
    await (await openRun(hamlet(), { store, id: 'r' })).close();
  });

  const changed = tally({ apply: { add: (w, e) => w.total.set({ n: w.total.value.n + 2 * e.n }) } });
  const throwing = tally({ apply: { add: (w) => void w.things.need(4) } });
  const adds = [system('adds', ({ emit }) => emit.add({ n: 1 }))];
  test.each([1, 4, 100])(
    'L3: changed handlers are found out, with a hash every %i ticks',
    async (hashEvery) => {
      const store = memoryStore();
      const world = tally({ systems: adds });
      const run = await createRun(world, { store, seed: 's', id: 'r', hashEvery });
      const { stateHash } = await run.advance(6);
      expect(stateHash).toMatch(/^[0-9a-f]{32}$/);
      await run.close();
      const hashed = (await framesOf(store, 'r')).filter((frame) => frame.stateHash).map(({ tick }) => tick);
      expect(hashed).toEqual([0, 1, 2, 3, 4, 5, 6].filter((tick) => tick % hashEvery === 0));
      if (hashEvery < 100)
        expect(await caught(() => openRun(changed, { store, id: 'r' }))).toMatchObject({
          code: 'CODE_CHANGED',
          facts: { run: 'r', tick: hashed[1], tables: ['total'] },
        });
      expect(await caught(() => openRun(throwing, { store, id: 'r' }))).toMatchObject({
        code: 'CODE_CHANGED',
        facts: { run: 'r', tick: 1, origin: 'adds', kind: 'add', event: 0 },
      });
      const again = await openRun(world, { store, id: 'r', hashEvery });
      expect((await again.advance(0)).stateHash).toBe(stateHash);
    },
  );

  test('systems may change: what is recorded is not computed again', async () => {
    const store = memoryStore();
    const run = await createRun(tally({ systems: adds }), { store, seed: 's', id: 'r' });
    await run.advance(3);
    await run.close();
    const again = await openRun(tally({ apply: tallyApply }), { store, id: 'r' });
    await again.advance(3);
    expect(again.world.total.value.n).toBe(3);
  });

  test('seed and config come from the log', async () => {
    const schema = defineSchema({
      name: 'c',
      version: 1,
      config: { n: t.u8().default(1) },
      tables: { one: singleton({ n: t.u8().default(0) }) },
    });
    const seen: unknown[] = [];
    const world = defineWorld(schema, {
      setup() {},
      apply: {},
      systems: [
        schema.system('look', ({ config, rng, tick }) => void seen.push(tick, config.n, rng('x').float())),
      ],
    });
    const store = memoryStore();
    const run = await createRun(world, { store, seed: 'this', id: 'r', config: { n: 9 } });
    await run.advance(2);
    await run.close();
    const [, , first, , , second] = seen.splice(0);
    expect(first).not.toBe(second);
    const again = await openRun(world, { store, id: 'r' });
    await again.advance();
    const twin = await createRun(world, { store: memoryStore(), seed: 'this', config: { n: 9 } });
    await twin.advance(3);
    expect(seen.slice(0, 3)).toEqual(seen.slice(-3));
    expect(seen[1]).toBe(9);
  });
});
