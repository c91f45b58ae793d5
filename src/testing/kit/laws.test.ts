/** Laws of a user's own world: each wrong world is found, at its place; right ones pass. */
import * as fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import creatures from '../../../examples/creatures/world.ts';
import epidemic from '../../../examples/epidemic/world.ts';
import { hamlet } from '../../../test/support/hamlet.ts';
import { caught, codeOf } from '../../../test/support/runs.ts';
import * as wrong from '../../../test/support/wrong-worlds.ts';
import { memoryStore, type WorldfoldError } from '../../index.ts';
import { sqliteStore } from '../../stores/sqlite/index.ts';
import { checkLaw, type LawTestOptions, lawProperties, laws } from './laws.ts';

type Pond = ReturnType<typeof wrong.pond>;
type Options = LawTestOptions<wrong.Pond, string>;

/** What the one test that laws() declares fails with. */
async function foundBy(world: Pond, options: Options): Promise<WorldfoldError> {
  const tests: (() => Promise<void>)[] = [];
  laws(world, { seed: 11, ...options, test: (_, run) => tests.push(run) });
  expect(tests).toHaveLength(1);
  return caught(tests[0]!);
}

describe('right worlds', () => {
  laws(hamlet(), { test, store: () => sqliteStore(':memory:'), runs: 8 });
  laws(epidemic, { test, runs: 3, ticks: 6, config: { travellers: 300 } });
  const grass = fc.float({ min: 0, max: 1, noNaN: true });
  laws(creatures, { test, runs: 4, config: { population: 100 }, inputs: { rained: { grass } } });
});

describe('wrong worlds', () => {
  it('L3: a handler that counts its calls is found where its first input is folded', async () => {
    const error = await foundBy(wrong.countingHandler(), { only: ['L3'] });
    expect(error).toMatchObject({ code: 'LAW_BROKEN', facts: { law: 'L3', table: 'frogs', column: 'fed' } });
    const { tick, rows, plan } = error.facts as never as { tick: number; rows: number[]; plan: Planned };
    expect(plan).toMatchObject({ ticks: 1, inputs: [[1, 'fed', { flies: 0 }]] });
    expect(tick).toBe(1);
    expect(rows).toEqual([plan.inputs[0]![2].frog]);
    expect(error.message).toMatch(/computed +folded/);
  });

  it('L3: a handler that throws only when it is folded is named', async () => {
    const { facts, message } = await foundBy(wrong.throwingHandler(), { only: ['L3'] });
    expect(facts).toMatchObject({ law: 'L3', kind: 'grew', plan: { inputs: [[1, 'grew', {}]] } });
    expect(message).toContain('the leaf has grown already');
  });

  it('L4: what a system remembers beside the tables is lost when the run is opened', async () => {
    const error = await foundBy(wrong.forgetfulSystem(), { only: ['L4'] });
    expect(error.facts).toMatchObject({ law: 'L4', table: 'frogs', column: 'leaf', plan: { inputs: [] } });
    const { tick, plan } = error.facts as never as { tick: number; plan: Planned };
    const { snapshots, reopenings } = plan.schedule;
    expect([...snapshots!, ...reopenings!]).toContain(tick - 1);
    expect(tick).toBe(plan.ticks);
    expect(error.message).toContain('event 0 of the tick is another');
  });

  it('L5: a counter beside the tables is found at the first tick', async () => {
    const error = await foundBy(wrong.countingSystem(), { only: ['L5'] });
    const plan = { ticks: 1, inputs: [] };
    expect(error.facts).toMatchObject({ law: 'L5', tick: 1, table: 'frogs', column: 'leaf', plan });
    expect(error.facts.why).toBe('not deterministic');
    expect(error.message).toMatch(/^L5, tick 1: run 'plan' diverges at tick 1, system 'move'/);
  });

  it('L5: streams that are drawn from another time are named', async () => {
    let runs = 0;
    const system = wrong.pondSchema.system('idle', ({ rng, tick }) => {
      if (tick === 1) runs++;
      for (let i = 0; i < runs; i++) rng('idle').float();
    });
    const right = wrong.pond();
    const world = { ...right, def: { ...right.def, systems: [system] } };
    const error = await foundBy(world, { only: ['L5'] });
    expect(error.facts).toMatchObject({ law: 'L5', tick: 1 });
    expect(error.facts.table).toBeUndefined();
    expect(error.message).toMatch(/stream 'idle': \d+ draws? recorded, \d+ draws? recomputed/);
  });

  it('L6: what a system remembers beside the tables no fork has', async () => {
    const error = await foundBy(wrong.forgetfulSystem(), { only: ['L6'] });
    expect(error.facts).toMatchObject({ law: 'L6', table: 'frogs', column: 'leaf' });
    const { tick, plan } = error.facts as never as { tick: number; plan: Planned };
    expect(plan.schedule.forks).toContain(tick - 1);
  });

  it('L8: a system that writes into a column is found with table, column and row', async () => {
    const error = await foundBy(wrong.writingSystem(), { only: ['L8'] });
    expect(error.facts).toMatchObject({
      law: 'L8',
      tick: 2,
      table: 'leaves',
      column: 'size',
      origin: 'move',
    });
    expect(error.facts.plan).toMatchObject({ ticks: 2, inputs: [] });
  });

  it('L8: a system that looks at the clock is found with its source', async () => {
    const error = await foundBy(wrong.clockSystem(), { only: ['L8'] });
    expect(error).toMatchObject({ code: 'AMBIENT', facts: { law: 'L8', tick: 1, origin: 'move' } });
    expect(error.message).toContain('Date.now');
    expect(error.facts.plan).toMatchObject({ ticks: 1, inputs: [] });
  });

  it('L9: a metric that a system heeds is found', async () => {
    const error = await foundBy(wrong.meddlingMetric(), { only: ['L9'] });
    expect(error.facts).toMatchObject({ law: 'L9', table: 'frogs', column: 'leaf' });
    expect(error.message).toContain('without invariants and metrics');
  });

  it('L9: an observer that a system heeds is found', async () => {
    const { world, told } = wrong.heedingObserver();
    const observe: Options['observe'] = (run) => void run.on('computed', () => told(run.world));
    const error = await foundBy(world, { only: ['L9'], observe });
    expect(error.facts).toMatchObject({ law: 'L9', tick: 2, table: 'frogs', column: 'leaf' });
    expect(error.message).toContain('with observers');
  });

  it('L10: a world that behaves otherwise over the store that was given is found', async () => {
    let where = 0;
    const store = () => {
      const made = memoryStore();
      where = 1;
      return { ...made, close: () => made.close().finally(() => void (where = 0)) };
    };
    const error = await foundBy(wrong.pond({ jump: () => where }), { only: ['L10'], store });
    expect(error.facts).toMatchObject({ law: 'L10', tick: 1, table: 'frogs', column: 'leaf' });
    expect(error.message).toContain("import store from './store.ts';");
  });

  it('L11: what a system remembers beside the tables is lost when the machine stops', async () => {
    const error = await foundBy(wrong.forgetfulSystem(), { only: ['L11'] });
    expect(error.facts).toMatchObject({ law: 'L11', table: 'frogs', column: 'leaf', plan: { inputs: [] } });
  });

  it('L12: a log whose fold is not what was recorded hides damage, and is told with it', async () => {
    const error = await foundBy(wrong.countingHandler(), { only: ['L12'] });
    expect(error).toMatchObject({ code: 'LAW_BROKEN', facts: { law: 'L12' } });
    expect(error.message).toMatch(/^L12, tick (\d+): the record of tick \1 is /);
    const { tick, plan } = error.facts as never as { tick: number; plan: Planned };
    expect(plan.schedule.damages).toContain(tick);
  });

  it('a broken invariant is found with its rows, and shrunk to the least input that breaks it', async () => {
    const error = await foundBy(wrong.overfed(), { only: ['L3'] });
    expect(error).toMatchObject({ code: 'INVARIANT_BROKEN', facts: { invariant: 'notOverfed', tick: 1 } });
    const { plan } = error.facts as never as { plan: Planned };
    expect(plan).toMatchObject({ ticks: 1, inputs: [[1, 'fed', { flies: 101 }]] });
    expect(error.facts.rows).toMatchObject([{ id: plan.inputs[0]![2].frog, fed: 101 }]);
  });
});

interface Planned {
  readonly ticks: number;
  readonly inputs: readonly (readonly [number, string, { readonly frog: number }])[];
  readonly schedule: { readonly [part: string]: readonly number[] };
}

describe('laws', () => {
  it('declares a test for each law, with its name and its time', () => {
    const declared: unknown[] = [];
    const test = (name: string, _: unknown, timeout?: number) => declared.push([name.split(' ')[0], timeout]);
    laws(wrong.pond(), { test, timeout: 5 });
    const names = ['L3', 'L4', 'L5', 'L6', 'L8', 'L9', 'L11', 'L12', 'L14'];
    expect(declared).toEqual(names.map((law) => [`${law}:`, 5]));
    declared.length = 0;
    laws(wrong.pond(), { test, only: ['L10', 'L5', 'L4'], skip: ['L4'], store: memoryStore });
    expect(declared).toHaveLength(2);
  });

  it('L15: the same seed draws the same plans', async () => {
    const of = async () => (await foundBy(wrong.overfed(), { only: ['L3'] })).message;
    expect(await of()).toBe(await of());
  });

  it('gives properties for plain fast-check', async () => {
    const [only] = lawProperties(wrong.countingSystem(), { only: ['L5'] });
    expect(only!.name).toBe('L5: pond: run again, it has the same records');
    const failed = await fc.assert(only!.property, { numRuns: 3 }).catch((e: Error) => e);
    expect(failed).toMatchObject({
      cause: { code: 'LAW_BROKEN', facts: { law: 'L5', tick: 1, table: 'frogs' } },
    });
    for (const { property } of lawProperties(wrong.pond(), { ticks: 3 }))
      await fc.assert(property, { numRuns: 2 });
  });

  it('a law can be tried on one plan', async () => {
    const plan = { seed: 'a', ticks: 3, inputs: [[2, 'fed', { frog: 4, flies: 7 }]] } as const;
    await checkLaw(wrong.pond(), 'L3', plan);
    const error = await caught(() => checkLaw(wrong.countingHandler(), 'L3', plan));
    expect(error.facts).toMatchObject({ law: 'L3', tick: 2, table: 'frogs', column: 'fed', rows: [4] });
    expect(
      await codeOf(() =>
        checkLaw(wrong.overfed(), 'L3', { ...plan, inputs: [[1, 'fed', { frog: 1, flies: 255 }]] }),
      ),
    ).toBe('INVARIANT_BROKEN');
    expect(await codeOf(() => checkLaw(wrong.pond(), 'L10', plan))).toBe('BAD_USAGE');
    expect(await codeOf(() => checkLaw(wrong.pond(), 'L10', plan, { store: memoryStore }))).toBe('done');
  });

  it('L8: refuses what means nothing', async () => {
    const of = (options: object) => codeOf(() => laws(wrong.pond(), { test, only: [], ...options } as never));
    expect(await of({})).toBe('BAD_USAGE');
    expect(await of({ only: ['L1'] })).toBe('BAD_USAGE');
    expect(await of({ only: ['L10'] })).toBe('BAD_USAGE');
    expect(await of({ only: ['L5'], test: 3 })).toBe('BAD_USAGE');
    expect(await of({ only: ['L5'], store: memoryStore() })).toBe('BAD_USAGE');
    expect(await of({ only: ['L5'], ticks: 0 })).toBe('BAD_USAGE');
    expect(await of({ only: ['L5'], inputs: { stolen: false } })).toBe('BAD_USAGE');
    expect(await of({ only: ['L5'], config: { toads: 1 } })).toBe('BAD_USAGE');
    expect(await of({ only: ['L5'], run: 3 })).toBe('BAD_USAGE');
    const plan = (given: object) => codeOf(() => checkLaw(wrong.pond(), 'L5', given as never));
    expect(await plan({ seed: 'a', ticks: 0 })).toBe('BAD_USAGE');
    expect(await plan({ seed: 'a', ticks: 1, inputs: [['fed', {}]] })).toBe('BAD_USAGE');
    expect(await plan({ seed: 'a', ticks: 1, inputs: [[1, 'fed', {}]] })).toBe('BAD_INPUT');
    expect(await plan({ seed: 'a', ticks: 1, inputs: [[1, 'stolen', {}]] })).toBe('BAD_USAGE');
    expect(await plan({ seed: 'a', ticks: 1, schedule: { forks: [-1] } })).toBe('BAD_USAGE');
    expect(await plan({ ticks: 1 })).toBe('BAD_USAGE');
  });
});
