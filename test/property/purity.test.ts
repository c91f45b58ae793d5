/**
 * L8 and L5: nothing but the recorded circumstances decides a tick; what would wait is refused; failures
 * leave nothing.
 */
import * as fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { hex } from '../../src/base/bytes.ts';
import { isWorldfoldError } from '../../src/base/errors.ts';
import { memoryStore } from '../../src/log/memory-store.ts';
import { createCore } from '../../src/simulation/create-run.ts';
import { openCore } from '../../src/simulation/open-run.ts';
import type { RunCore } from '../../src/simulation/run.ts';
import type { PolicyOptions } from '../../src/simulation/run-options.ts';
import type { AnyWorld } from '../../src/simulation/world.ts';
import { anyWorld, type WorldPlan, type WorldVariant, worldOf } from '../../src/testing/arbitraries-world.ts';
import { begin, runOut, STILL, stepOnce } from './support/drive.ts';
import { holds } from './support/holds.ts';
import { framesOf, hashedPart, recordsOf } from './support/recorded.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

async function partsOf(plan: WorldPlan, options: PolicyOptions = {}, variant: WorldVariant = {}) {
  const store = memoryStore();
  const { seed, config } = plan;
  const run = await createCore(worldOf(plan, variant), { store, seed, config, id: 'any', ...options });
  await runOut(plan, run);
  await run.close();
  return (await framesOf(store)).map(hashedPart);
}

/** What surrounds a run and must not reach it. Each is undone after the test. */
const AMBIENT: { readonly [name: string]: (plan: WorldPlan) => Promise<string[]> } = {
  'another Math.random': (plan) => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(0.25);
    return partsOf(plan).finally(() => random.mockRestore());
  },
  'another date and clock': (plan) =>
    partsOf(plan, { clocks: { wall: () => 86_400_000, steady: steps(1e6) } }),
  'a clock that goes back': (plan) => partsOf(plan, { clocks: { wall: steps(-1e9), steady: steps(-5) } }),
  'another time zone and language': (plan) => {
    vi.stubEnv('TZ', 'Asia/Kathmandu');
    vi.stubEnv('LANG', 'tr_TR.UTF-8');
    return partsOf(plan).finally(() => vi.unstubAllEnvs());
  },
  'paranoid mode': (plan) => partsOf(plan, { paranoid: true }),
  'a commit every tick': (plan) => partsOf(plan, { commit: { ticks: 1 } }),
  'one commit at the end': (plan) => partsOf(plan, { commit: { ticks: 1000, ms: 1e9 } }),
  'a commit whenever a byte waits': (plan) => partsOf(plan, { maxUndurable: 1 }),
  'reading between draws': (plan) =>
    partsOf(
      plan,
      {},
      { onSystem: (ctx) => void JSON.stringify(Object.keys((ctx as { events: object }).events)) },
    ),
  'two of itself beside it': async (plan) => {
    const [one] = await Promise.all([partsOf(plan), partsOf(plan), partsOf(plan)]);
    return one;
  },
  'fields of every object in another order': (plan) => partsOf({ ...plan, config: reversed(plan.config) }),
};

function steps(by: number): () => number {
  let now = 1e12;
  return () => (now += by);
}

const reversed = (row: object): object => Object.fromEntries(Object.entries(row).reverse());

for (const [name, run] of Object.entries(AMBIENT))
  test(`L8: ${name} changes no byte that is hashed`, async () => {
    await holds(anyWorld({ maxTicks: 4 }), 12, async (plan) => {
      expect(await run(plan)).toEqual(await partsOf(plan));
    });
  });

test('L5: running again gives the same bytes, draw for draw; another seed gives others', async () => {
  await holds(anyWorld({ maxTicks: 4 }), 30, async (plan) => {
    const store = memoryStore();
    const again = memoryStore();
    for (const one of [store, again]) {
      const run = await begin(plan, one);
      await runOut(plan, run);
      await run.close();
    }
    const [first, second] = [await recordsOf(store), await recordsOf(again)];
    expect(second.map(({ bytes }) => hex(bytes))).toEqual(first.map(({ bytes }) => hex(bytes)));
    const frames = await framesOf(store);
    const other = await partsOf({ ...plan, seed: `${plan.seed}'` });
    expect(other.length).toBe(frames.length);
    expect(other[0]).not.toBe(hashedPart(frames[0]!));
  });
});

/** A plan in which something happens in every tick. */
const busy = anyWorld({ maxTicks: 3 }).map(
  (plan): WorldPlan => ({
    ...plan,
    setup: { rows: 3, events: 1 },
    systems: [{ options: {}, when: false, pieces: 5 }, ...plan.systems],
    inputs: [],
    refusing: false,
  }),
);

type Spoilt = (world: AnyWorld) => AnyWorld;
const withDef = (world: AnyWorld, change: object): AnyWorld => ({
  ...world,
  def: { ...world.def, ...change },
});
const later = async (): Promise<void> => {};
/** A system that emits one event of the first kind that has a handler. */
const emitting = (world: AnyWorld, run: (ctx: never) => unknown) =>
  withDef(world, { systems: [{ name: 'spoilt', options: {}, run }] });

const PROMISING: { readonly [what: string]: Spoilt } = {
  'a setup': (world) => withDef(world, { setup: later }),
  'a system': (world) => emitting(world, later),
  'a condition': (world) =>
    withDef(world, { systems: [{ name: 'spoilt', options: { when: later }, run: () => {} }] }),
  'an invariant': (world) => withDef(world, { invariants: { spoilt: later } }),
  'a metric': (world) => withDef(world, { metrics: { spoilt: later } }),
  'an end': (world) => withDef(world, { until: later }),
};

describe('what would wait is refused', () => {
  for (const [what, spoil] of Object.entries(PROMISING))
    test(`L8: ${what} that returns a promise is ASYNC_IN_TICK and leaves no record`, async () => {
      await holds(busy, 5, async (plan) => {
        const store = memoryStore();
        const { seed, config } = plan;
        const create = createCore(spoil(worldOf(plan)), { store, seed, config, id: 'any', clocks: STILL });
        const failed = await create.then(
          (run) =>
            run.advance(1).then(
              () => null,
              (e: unknown) => e,
            ),
          (e: unknown) => e,
        );
        expect(isWorldfoldError(failed) && failed.code).toBe('ASYNC_IN_TICK');
        const info = await store.head('any');
        expect(info === undefined || info.segment.head.tick === 0).toBe(true);
      });
    });

  for (const form of ['row', 'batch'] as const)
    test(`L8: a handler in ${form} form that returns a promise is ASYNC_IN_TICK and leaves no record`, async () => {
      await holds(busy, 10, async (plan) => {
        const store = memoryStore();
        const world = worldOf({ ...plan, setup: { rows: 0, events: 0 } });
        const kinds = Object.keys(world.def.apply);
        const handler = form === 'row' ? later : { batch: later };
        const spoilt = withDef(world, { apply: Object.fromEntries(kinds.map((kind) => [kind, handler])) });
        const { seed, config } = plan;
        const run = await createCore(spoilt, { store, seed, config, id: 'any', clocks: STILL });
        const failed = await run.advance(8).then(
          () => null,
          (e: unknown) => e,
        );
        // Systems draw how much they emit; a run without events has nothing to refuse.
        const { records } = await store.read((await store.head('any'))!.segment.id, 0, {
          records: 99,
          bytes: 1e9,
        });
        if (failed !== null) expect(isWorldfoldError(failed) && failed.code).toBe('ASYNC_IN_TICK');
        const events = (await framesOf(store)).flatMap(({ counts }) => counts);
        const handled = events.filter(({ kind }) => kinds.includes(plan.schema.compiled.kinds[kind]!.name));
        expect(handled).toEqual([]);
        expect(records.length).toBeGreaterThan(0);
      });
    });
});

/** How a tick is made to fail, once. */
type Failing = (fail: () => never, ctx: { readonly emit: object }) => void;
const FAILURES: { readonly [how: string]: Failing } = {
  'a system that throws': (fail) => fail(),
  'a system that throws after it emitted': (fail, { emit }) => {
    for (const writer of Object.values(emit) as ((row?: object) => unknown)[])
      try {
        writer({});
      } catch {
        // Rows that lack a column are refused, which fails the tick as well.
      }
    fail();
  },
  'a refused event that the system hides': (_, { emit }) => {
    for (const writer of Object.values(emit) as { many(columns: object): unknown }[])
      try {
        writer.many({ 'no such column': [1] });
      } catch {
        // What is hidden from the run must fail it all the same.
      }
  },
};

describe('a failed tick', () => {
  for (const [how, failing] of Object.entries(FAILURES))
    test(`L2: ${how} leaves nothing behind, and the run goes on when the cause is gone`, async () => {
      const failingAt = fc.tuple(busy, fc.integer({ min: 1, max: 3 }));
      await holds(failingAt, 30, async ([plan, at]) => {
        const expected = await partsOf(plan);
        const store = memoryStore();
        let broken = true;
        const onSystem: WorldVariant['onSystem'] = (ctx, _, tick) => {
          if (!broken || tick !== Math.min(at, plan.ticks)) return;
          failing(
            () => {
              throw new RangeError('the cause');
            },
            ctx as { emit: object },
          );
        };
        const run = await begin(plan, store, { onSystem });
        while (run.tick < plan.ticks) {
          const before = run.tick;
          const failed = await stepOnce(plan, run).then(
            () => null,
            (e: unknown) => e,
          );
          if (failed === null) continue;
          expect(isWorldfoldError(failed, 'TICK_FAILED')).toBe(true);
          expect(run.tick).toBe(before);
          expect(run.state).toBe('failed');
          broken = false;
        }
        expect(broken).toBe(false);
        await run.close();
        expect((await framesOf(store)).map(hashedPart)).toEqual(expected);
      });
    });

  test('L2: a handler that throws half-way is not seen half-way, however its system hides it', async () => {
    const effects = fc.constantFrom('after' as const, 'at-once' as const);
    await holds(fc.tuple(busy, effects), 30, async ([plan, how]) => {
      const store = memoryStore();
      const world = worldOf({ ...plan, setup: { rows: 3, events: 0 }, handlersDraw: false });
      let broken = true;
      const kinds = plan.schema.compiled.kinds.filter(({ source }) => source === 'event');
      const apply = Object.fromEntries(
        Object.entries(world.def.apply).map(([kind, handler]) => [
          kind,
          (...given: unknown[]) => {
            (handler as (...args: unknown[]) => void)(...given);
            if (broken) throw new RangeError('half-way');
          },
        ]),
      );
      const hiding = (run: (ctx: never) => unknown) => (ctx: never) => {
        try {
          run(ctx);
        } catch {
          // A system that swallows what its handler threw.
        }
      };
      const systems = world.def.systems.map((system) => ({
        ...system,
        options: { effects: how },
        run: hiding(system.run as never),
      }));
      const { seed, config } = plan;
      const make = (): Promise<RunCore> =>
        createCore(withDef(world, { apply, systems }), { store, seed, config, id: 'any', clocks: STILL });
      const run = await make();
      for (let tries = 0; tries < 6; tries++) await run.advance(1).catch(() => {});
      await run.flush();
      for (const { counts } of await framesOf(store))
        expect(counts.filter(({ kind }) => kinds.some(({ number }) => number === kind))).toEqual([]);
      broken = false;
      await run.advance(2);
      await run.close();
      const again = await openCore(withDef(world, { apply, systems }), { store, id: 'any', clocks: STILL });
      expect(again.tick).toBe(run.tick);
      await again.close();
    });
  });
});
