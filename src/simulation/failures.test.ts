import { describe, expect, test } from 'vitest';
import { hamlet } from '../../test/support/hamlet.ts';
import {
  caught,
  codeOf,
  collect,
  framesOf,
  hashesOf,
  meddled,
  rowsOf,
  settled,
} from '../../test/support/runs.ts';
import { tally, tallyOf, tallySchema } from '../../test/support/tally.ts';
import { fail } from '../base/errors.ts';
import { memoryStore } from '../log/memory-store.ts';
import { createRun } from './create-run.ts';
import { openRun } from './open-run.ts';

const clocks = { wall: () => 0, steady: () => 0 };
const commit = { ticks: 4, ms: 1e9 };

/** A hamlet that throws once at a place of a tick, as often as it is armed. */
function fused() {
  let fuse: { place: string; tick: number } | null = null;
  const world = hamlet((place, tick) => {
    if (fuse?.place === place && fuse.tick === tick) fail('BAD_USAGE', 'the fuse blew', { fuse: place });
  });
  return {
    world,
    arm: (place: string, tick: number) => (fuse = { place, tick }),
    disarm: () => (fuse = null),
  };
}

const inputs = (run: Awaited<ReturnType<typeof begin>>, tick: number) => [
  run.submit.joined({ name: `n${tick}` }, { source: 'door', seq: tick }),
  run.submit.priced({ price: 80 + tick }),
];
const begin = (world = hamlet(), store = memoryStore(), hashEvery = 1) =>
  createRun(world, { store, seed: 's', id: 'r', clocks, commit, hashEvery });

describe('a failed tick', () => {
  const places = [
    ['infect', { origin: 'infect' }],
    ['infect ends', { origin: 'infect' }],
    ['move', { origin: 'move' }],
    ['births', { origin: 'births' }],
    ['fall', { origin: 'fall' }],
    ['apply infected', { origin: 'births', kind: 'infected', event: 0 }],
    ['apply moved', { origin: 'move', kind: 'moved', event: 0 }],
    ['apply sold', { origin: 'move', kind: 'sold', event: 0 }],
    ['apply born', { origin: 'births', kind: 'born', event: 0 }],
    ['nobodyLost', { invariant: 'nobodyLost' }],
    ['ill', { metric: 'ill' }],
    ['until', { origin: 'until' }],
  ] as const;

  test.each(places)(
    'L2: at %s it leaves nothing behind, and the run goes on like a twin',
    async (place, facts) => {
      const [store, twinStore] = [memoryStore(), memoryStore()];
      const { world, arm, disarm } = fused();
      const run = await begin(world, store);
      const twin = await begin(hamlet(), twinStore);
      await Promise.all([run.advance(5), twin.advance(5)]);
      const before = rowsOf(run.world);
      const waiting = inputs(run, 6);
      const twins = inputs(twin, 6);
      arm(place, 6);
      const heard: number[] = [];
      run.on('computed', ({ tick }) => void heard.push(tick));
      const error = await caught(() => run.advance(3));
      expect(error).toMatchObject({
        code: 'TICK_FAILED',
        facts: { run: 'r', tick: 6, ...facts, fuse: place },
      });
      expect(error.message).toMatch(/^run 'r': tick 6, .*: the fuse blew$/);
      expect([run.state, run.tick, run.ended, heard]).toEqual(['failed', 5, false, []]);
      expect(rowsOf(run.world)).toEqual(before);
      expect(rowsOf(await run.at(5))).toEqual(before);
      expect(await codeOf(() => run.at(6))).toBe('NO_TICK');
      expect((await run.flush()).tick).toBe(5);
      expect(await framesOf(store, 'r')).toHaveLength(6);
      const { segment } = (await store.head('r'))!;
      const [attempt, ...more] = await store.attempts(segment.id);
      expect([attempt!.tick, more]).toEqual([6, []]);
      const bag = ['bag', []];
      const named = Object.fromEntries(Object.entries(facts).filter(([name]) => name !== 'event'));
      expect(JSON.parse(attempt!.text)).toEqual({
        error: { code: 'TICK_FAILED', message: error.message, ...named },
        inputs: [
          { kind: 'joined', source: 'door', seq: 6, row: { $object: [bag, ['name', 'n6']] } },
          { kind: 'priced', source: null, seq: 0, row: { $object: [['price', 86]] } },
        ],
      });

      expect(await codeOf(() => run.advance())).toBe('TICK_FAILED');
      expect(run.tick).toBe(5);
      disarm();
      await Promise.all([run.advance(6), twin.advance(6)]);
      expect(run.state).toBe('open');
      for (const [i, { applied }] of waiting.entries())
        expect(await applied).toEqual(await twins[i]!.applied);
      await Promise.all([run.close(), twin.close()]);
      expect(await hashesOf(store, 'r')).toEqual(await hashesOf(twinStore, 'r'));
    },
  );

  test('L2: what a system emits that does not fit is named down to the column and the row', async () => {
    const { system } = tallySchema;
    for (const write of ['one', 'many'])
      for (const effects of ['after', 'at-once'] as const) {
        const run = await createRun(
          tallyOf(
            system('good', ({ emit }) => emit.add({ n: 1 })),
            system('bad', { effects }, ({ emit }) => {
              emit.add({ n: 5 });
              if (write === 'one') emit.add({ n: 1.5 });
              else emit.add.many({ n: [3.5] });
            }),
          ),
          { store: memoryStore(), seed: 's', id: 'r' },
        );
        expect(await caught(() => run.advance())).toMatchObject({
          code: 'TICK_FAILED',
          facts: {
            run: 'r',
            tick: 1,
            origin: 'bad',
            kind: 'add',
            column: 'n',
            row: 2,
            reason: 'BAD_VALUE',
          },
        });
        expect(run.world.total.value.n).toBe(0);
      }
  });

  test('L2: a handler that fails is named with its event, its table, column and row', async () => {
    const run = await createRun(
      tally({
        systems: [
          tallySchema.system('puts', ({ emit }) => {
            for (let n = 0; n < 4; n++) emit.put({ n });
          }),
        ],
        apply: { put: (w, e) => w.things.insert({ id: e.thing, n: e.n === 2 ? 2 ** 31 : e.n }) },
      }),
      { store: memoryStore(), seed: 's', id: 'r' },
    );
    const error = await caught(() => run.advance());
    expect(error.facts).toMatchObject({
      ...{ run: 'r', tick: 1, origin: 'puts', kind: 'put', event: 2 },
      ...{ table: 'things', column: 'n', row: 2, reason: 'BAD_VALUE' },
    });
    expect(run.world.things.size).toBe(0);
  });

  test('what is no error of worldfold is the cause', async () => {
    const run = await createRun(
      tallyOf(
        tallySchema.system('throws', ({ tick }) => {
          if (tick === 1) throw new RangeError('mine');
          throw 'a text';
        }),
      ),
      { store: memoryStore(), seed: 's', id: 'r' },
    );
    const error = await caught(() => run.advance());
    expect(error.code).toBe('TICK_FAILED');
    expect(error.cause).toBeInstanceOf(RangeError);
    expect(error.message).toBe("run 'r': tick 1, system 'throws': mine");
  });

  test('an invariant that breaks names itself and the rows', async () => {
    const world = tally({
      systems: [tallySchema.system('puts', ({ emit, tick }) => void emit.put({ n: tick }))],
      invariants: {
        small: (w) => [...w.things].filter(({ n }) => n > 2),
        lazy: function* (w) {
          for (const thing of w.things) if (thing.n > 3) yield thing;
        },
      },
    });
    const run = await createRun(world, { store: memoryStore(), seed: 's', id: 'r' });
    expect(await caught(() => run.advance(5))).toMatchObject({
      code: 'INVARIANT_BROKEN',
      facts: { run: 'r', tick: 3, invariant: 'small', rows: [{ id: 3, n: 3 }] },
    });
    expect([run.tick, run.world.things.size]).toEqual([2, 2]);
  });
});

describe('while the world is folded anew', () => {
  test('nobody looks at it; the past and the log answer', async () => {
    const store = meddled();
    const { world, arm } = fused();
    const run = await begin(world, store);
    await run.advance(5);
    await run.flush();
    arm('infect ends', 6);
    let seen: Promise<unknown>[] = [];
    let asked = 0;
    store.before.read = () => {
      if (asked++ > 0) return;
      seen = [
        () => run.world.people.size,
        () => run.world.people.columns.cell,
        () => run.world.market.value,
        () => [...run.world.ties],
        () => run.tick,
      ].map((look: () => unknown) =>
        Promise.resolve()
          .then(look)
          .catch((e) => e.code),
      );
    };
    expect(await codeOf(() => run.advance())).toBe('TICK_FAILED');
    expect(await Promise.all(seen)).toEqual(['WRONG_STATE', 'WRONG_STATE', 'WRONG_STATE', 'WRONG_STATE', 5]);
    expect(run.world.people.size).toBeGreaterThan(0);
  });

  test('a store that can not be read leaves it hidden; the next advance folds it, and inputs are still there', async () => {
    const [store, twinStore] = [meddled(), memoryStore()];
    const { world, arm, disarm } = fused();
    const run = await begin(world, store, 100);
    const twin = await begin(hamlet(), twinStore, 100);
    await Promise.all([run.advance(5), twin.advance(5)]);
    await run.flush();
    const waiting = inputs(run, 6);
    inputs(twin, 6);
    const last = await run.advance(0);
    arm('move', 6);
    store.before.read = () => fail('STORE_FAILED', 'the disk is away');
    expect(await codeOf(() => run.advance())).toBe('TICK_FAILED');
    disarm();
    expect([run.state, run.tick]).toEqual(['failed', 5]);
    expect(await codeOf(() => run.world.people.size)).toBe('WRONG_STATE');
    expect(await codeOf(() => last.stateHash)).toBe('WRONG_STATE');
    expect(await codeOf(() => run.advance())).toBe('STORE_FAILED');
    expect([run.state, run.tick]).toEqual(['failed', 5]);
    expect(await codeOf(() => run.at(2))).toBe('STORE_FAILED');
    store.before = {};
    expect(rowsOf(await run.at(5))).toEqual(rowsOf(twin.world));
    await Promise.all([run.advance(3), twin.advance(3)]);
    expect((await waiting[0]!.applied).tick).toBe(6);
    await Promise.all([run.close(), twin.close()]);
    expect(await hashesOf(store, 'r')).toEqual(await hashesOf(twinStore, 'r'));
  });

  test('L2: inputs beside one that was dropped are not lost when the store can not be read', async () => {
    const store = meddled();
    const { world, arm } = fused();
    const run = await begin(world, store);
    await run.flush();
    arm('apply priced 13', 1);
    const bad = run.submit.priced({ price: 13 });
    const good = run.submit.priced({ price: 1 });
    store.before.read = () => {
      run.submit.priced({ price: 2 });
      fail('STORE_FAILED', 'the disk is away');
    };
    expect(await codeOf(() => run.advance())).toBe('STORE_FAILED');
    expect(await codeOf(() => bad.applied)).toBe('BAD_INPUT');
    store.before = {};
    await run.advance();
    expect((await good.applied).tick).toBe(1);
    const prices = (await collect(run.events('priced'))).map(({ price }) => price);
    expect(prices, 'what came meanwhile stands behind').toEqual([1, 2]);
  });

  test('nobody sees a tick that was computed and could not be kept', async () => {
    const store = meddled();
    const { world, arm } = fused();
    const run = await begin(world, store);
    await run.advance(2);
    const before = run.world.market.value.sold;
    arm('until', 3);
    const seen: unknown[] = [];
    store.before.keepAttempt = async () => {
      seen.push(await codeOf(() => run.world.market.value), run.tick);
    };
    expect(await codeOf(() => run.advance())).toBe('TICK_FAILED');
    expect(seen).toEqual(['WRONG_STATE', 2]);
    expect(run.world.market.value.sold).toBe(before);
  });

  test('inputs that come meanwhile stand behind those of the failed tick', async () => {
    const store = meddled();
    const { world, arm, disarm } = fused();
    const run = await begin(world, store);
    arm('infect', 1);
    run.submit.priced({ price: 1 });
    store.before.keepAttempt = () => void run.submit.priced({ price: 2 });
    expect(await codeOf(() => run.advance())).toBe('TICK_FAILED');
    run.submit.priced({ price: 3 });
    disarm();
    await run.advance();
    expect((await collect(run.events('priced'))).map(({ price }) => price)).toEqual([1, 2, 3]);
  });

  test('L2: a close beside it keeps the tick that is computed without a dropped input', async () => {
    const store = meddled();
    const { world, arm } = fused();
    const run = await begin(world, store);
    await run.flush();
    arm('apply priced 13', 1);
    run.submit.priced({ price: 13 });
    const good = run.submit.joined({ name: 'x' });
    let closed: Promise<void> | null = null;
    store.before.read = () => void (closed ??= run.close());
    expect((await run.advance(5)).tick).toBe(1);
    await closed;
    expect(await good.durable).toEqual({ tick: 1 });
    expect(await framesOf(store, 'r')).toHaveLength(2);
  });

  test('an attempt that can not be kept does not hide why the tick failed', async () => {
    const store = meddled();
    const { world, arm } = fused();
    const run = await begin(world, store);
    arm('infect', 1);
    store.before.keepAttempt = () => fail('STORE_FAILED', 'no room');
    expect(await caught(() => run.advance())).toMatchObject({ facts: { fuse: 'infect' } });
    expect(run.state).toBe('failed');
  });

  test('a close waits for it', async () => {
    const store = meddled();
    const { world, arm } = fused();
    const run = await begin(world, store);
    await run.advance(3);
    arm('infect', 4);
    let closed: Promise<void> | null = null;
    store.before.keepAttempt = () => void (closed = run.close());
    expect(await codeOf(() => run.advance())).toBe('TICK_FAILED');
    await closed;
    expect(run.state).toBe('closed');
    expect(await framesOf(store, 'r')).toHaveLength(4);
  });

  test('handlers that are not deterministic are found out: another world is never shown', async () => {
    let noise = 0;
    const { system } = tallySchema;
    let armed = false;
    const world = tally({
      systems: [
        system('adds', ({ emit }) => emit.add({ n: 1 })),
        system('fails', ({ world }) => void (armed && world.things.need(1))),
      ],
      apply: { add: (w) => w.total.set({ n: w.total.value.n + noise++ }) },
    });
    const run = await createRun(world, { store: memoryStore(), seed: 's', id: 'r' });
    await run.advance(3);
    expect(await caught(() => run.at(2))).toMatchObject({ code: 'NO_STATE' });
    armed = true;
    expect(await codeOf(() => run.advance())).toBe('TICK_FAILED');
    armed = false;
    expect(await caught(() => run.advance())).toMatchObject({
      code: 'REPLAY_DIFFERS',
      facts: { run: 'r', tick: 3 },
    });
    expect(await codeOf(() => run.world.total.value)).toBe('WRONG_STATE');
  });
});

test('L11: a run that failed reopens at its last durable tick', async () => {
  const store = memoryStore();
  const { world, arm } = fused();
  const run = await begin(world, store);
  await run.advance(7);
  arm('move', 8);
  expect(await codeOf(() => run.advance())).toBe('TICK_FAILED');
  await settled();
  const again = await openRun(hamlet(), { store, id: 'r', takeover: true, clocks, commit });
  expect(again.tick).toBe(run.durableTick);
  await again.advance(10 - again.tick);
  const twin = await begin();
  expect((await again.advance(0)).stateHash).toBe((await twin.advance(10)).stateHash);
});
