/** A simple reference beside arbitrary runs. */
import { describe, expect, it } from 'vitest';
import { hamlet } from '../../../test/support/hamlet.ts';
import { caught, codeOf } from '../../../test/support/runs.ts';
import { countingHandler, overfed, pond } from '../../../test/support/wrong-worlds.ts';
import { model } from './model.ts';

type Frogs = Map<number, { leaf: number; fed: number }>;

/** The pond as a map of frogs. */
const frogs = {
  init: (world: {
    readonly frogs: Iterable<{ readonly id: number; readonly leaf: number; readonly fed: number }>;
  }): Frogs => new Map([...world.frogs].map(({ id, leaf, fed }) => [id, { leaf, fed }])),
  apply: {
    jumped: (state: Frogs, e: { readonly frog: number; readonly leaf: number }) =>
      void (state.get(e.frog)!.leaf = e.leaf),
    fed: (state: Frogs, e: { readonly frog: number; readonly flies: number }) =>
      void (state.get(e.frog)!.fed = e.flies),
  },
};
const same = (world: Parameters<typeof frogs.init>[0], state: Frogs): boolean =>
  [...world.frogs].every(({ id, leaf, fed }) => state.get(id)?.leaf === leaf && state.get(id)?.fed === fed);

describe('model', () => {
  it('L3: a right reference goes along with every run', async () => {
    let ticks = 0;
    await model(
      pond(),
      { ...frogs, compare: (world, state) => ++ticks > 0 && same(world, state) },
      { runs: 10 },
    );
    expect(ticks).toBeGreaterThan(30);
  });

  it('L3: sees the events of a tick in their order, with tick and config, and may return its state anew', async () => {
    await model(
      hamlet(),
      {
        init: (_, { tick, config }) => ({ ticks: [tick], sold: 0, last: config.last }),
        step: (state, events, { tick, config }) => ({
          ticks: [...state.ticks, tick],
          last: config.last,
          sold: events.reduce((sum, e) => (e[0] === 'sold' ? sum + e[1].count : sum), state.sold),
        }),
        compare: (world, { ticks, sold, last }, { tick, config }) => {
          expect(ticks).toEqual(Array.from({ length: tick + 1 }, (_, i) => i));
          expect(last).toBe(config.last);
          expect(sold).toBe(world.market.value.sold);
        },
      },
      { runs: 6 },
    );
  });

  it('L3: a reference that differs is found with the least plan, and a file that plays it', async () => {
    const wrong = {
      ...frogs,
      compare: (world: Parameters<typeof same>[0], state: Frogs) =>
        same(world, state) || 'a frog is elsewhere',
    };
    const error = await caught(() => model(countingHandler(), wrong, { seed: 4, runs: 30 }));
    expect(error.code).toBe('NOT_AS_EXPECTED');
    expect(error.message).toContain("'pond' and its model differ: a frog is elsewhere");
    const { plan, file } = error.facts as never as {
      plan: { ticks: number; inputs: unknown[] };
      file: string;
    };
    expect(plan.inputs).toHaveLength(1);
    expect(plan.ticks).toBe(1);
    expect(file).toContain("import reference from './reference.ts';");
    expect(file).toContain('  await model(world, reference, { plan: {');
    const again = await caught(() => model(countingHandler(), wrong, { plan: plan as never }));
    expect(again.facts.tick).toBe(error.facts.tick);
  });

  it('what compare throws is told, and so is a tick that fails', async () => {
    const throwing = { ...frogs, compare: () => expect(1).toBe(2) };
    const error = await caught(() => model(pond(), throwing, { runs: 1 }));
    expect(error).toMatchObject({ code: 'NOT_AS_EXPECTED', facts: { tick: 0 } });
    expect(error.message).toContain('expected 1 to be 2');
    const failing = await caught(() => model(overfed(), { ...frogs, compare: same }, { seed: 11, runs: 50 }));
    expect(failing).toMatchObject({ code: 'INVARIANT_BROKEN', facts: { invariant: 'notOverfed' } });
    expect(failing.message).toContain('await model(');
  });

  it('refuses what means nothing', async () => {
    const of = (reference: object, options: object = {}) =>
      codeOf(() => model(pond(), reference as never, options));
    expect(await of({ init: () => 0 })).toBe('BAD_USAGE');
    expect(await of({ compare: () => true })).toBe('BAD_USAGE');
    expect(await of({ ...frogs, compare: same, steps: () => 0 })).toBe('BAD_USAGE');
    expect(await of({ ...frogs, compare: same }, { run: 1 })).toBe('BAD_USAGE');
    expect(await of({ ...frogs, compare: same }, { plan: { seed: 'a', ticks: 0 } })).toBe('BAD_USAGE');
  });
});
