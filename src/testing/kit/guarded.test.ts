/** Worlds that run with a group of the guard at another level: the kit plays them as they are run. */
import { describe, expect, it } from 'vitest';
import { caught, codeOf } from '../../../test/support/runs.ts';
import { type Pond, pond } from '../../../test/support/wrong-worlds.ts';
import { check, createRun, type GuardOption, memoryStore, type WorldfoldError } from '../../index.ts';
import { given } from './given.ts';
import { checkLaw, type LawTestOptions, laws } from './laws.ts';
import { model } from './model.ts';
import { scene } from './scene.ts';
import { playPlan, shrinkRun } from './shrink-run.ts';

/** A pond whose system and handler take a function of Math's, which is the same each time here. */
const exponential = (more: Parameters<typeof pond>[0] = {}) =>
  pond({
    jump: (_, tick) => Math.round(Math.exp(tick % 3)),
    apply: { fed: (w, e) => w.frogs.update(e.frog, { fed: e.flies + Math.exp(0) }) },
    ...more,
  });
const overfed = () =>
  exponential({ invariants: { notOverfed: ({ frogs }) => [...frogs].filter(({ fed }) => fed > 100) } });

const MATH: GuardOption = { math: 'off', clock: 'throw' };
const seed = 11;
const PLAN = { seed: 'a', ticks: 2, inputs: [[1, 'fed', { frog: 1, flies: 200 }]] } as const;

/** What the tests of some laws fail with: null for one that passes. */
async function triedBy(world: ReturnType<typeof pond>, options: LawTestOptions<Pond, string>) {
  const tests: (() => Promise<void>)[] = [];
  laws(world, { seed, runs: 3, ticks: 4, ...options, test: (_, run) => tests.push(run) });
  const found: (WorldfoldError | null)[] = [];
  for (const run of tests)
    found.push(
      await run().then(
        () => null,
        (e) => e as WorldfoldError,
      ),
    );
  return found;
}

describe('a guard that is not the usual one', () => {
  it('L8: laws: every play and fold has it, over the store that is given too', async () => {
    const store = memoryStore;
    expect(await triedBy(exponential(), { guard: MATH, store })).toEqual(Array(10).fill(null));
    const refused = await triedBy(exponential(), { store });
    expect(refused.map((e) => e?.code)).toEqual(Array(10).fill('AMBIENT'));
    expect(refused[0]!.facts.file).not.toContain('guard');
  });

  it.each<readonly [GuardOption, string]>([
    [MATH, "guard: { math: 'off' }"],
    ['off', "guard: 'off'"],
    ['warn', "guard: 'warn'"],
  ])('L8: a printed file carries it: %o', async (guard, text) => {
    const { emitWarning } = process;
    process.emitWarning = () => undefined;
    try {
      const [e] = await triedBy(overfed(), { guard, only: ['L3'], runs: 20 });
      expect(e).toMatchObject({ code: 'INVARIANT_BROKEN' });
      expect(e!.facts.file).toContain(`\n  }, { ${text} });\n`);
      await codeOf(() => checkLaw(overfed(), 'L3', e!.facts.plan as never, { guard }));
    } finally {
      process.emitWarning = emitWarning;
    }
  });

  it('L8: a law on one plan', async () => {
    expect(await codeOf(() => checkLaw(exponential(), 'L5', PLAN))).toBe('AMBIENT');
    expect(await codeOf(() => checkLaw(exponential(), 'L5', PLAN, { guard: MATH }))).toBe('done');
  });

  it('L8: scene, given, and playPlan', async () => {
    const tables = { frogs: [{ leaf: 1 }], leaves: [{ leaf: 1, size: 1 }] };
    const [move] = exponential().def.systems;
    expect(await codeOf(() => scene(exponential(), { tables }).step(move!))).toBe('AMBIENT');
    expect(scene(exponential(), { tables, guard: MATH }).step(move!)).toHaveProperty('jumped');
    const fed = ['fed', { frog: 1, flies: 2 }] as const;
    expect(given(exponential(), { tables }).when(fed, move!).fails()).toContain('Math.exp');
    const fine = given(exponential(), { tables, guard: { math: 'off' } }).when(fed, move!);
    expect(fine.world.frogs.at(0).fed).toBe(3);
    expect(await codeOf(() => playPlan(exponential(), PLAN))).toBe('AMBIENT');
    const run = await playPlan(exponential(), PLAN, { guard: MATH });
    expect(run.world.frogs.at(0).fed).toBe(201);
    await run.close();
  });

  it('L8: model, and the file that it prints', async () => {
    const same = { init: () => 0, compare: () => true };
    const options = { runs: 2, ticks: 3, seed };
    expect(await codeOf(() => model(exponential(), same, options))).toBe('AMBIENT');
    expect(await codeOf(() => model(exponential(), same, { ...options, guard: MATH }))).toBe('done');
    const never = { ...same, compare: () => false };
    const { facts } = await caught(() => model(exponential(), never, { ...options, guard: MATH }));
    expect(facts.file).toContain("\n  }, guard: { math: 'off' } });\n");
  });

  it('L8: shrinkRun, of an open run and of a stored one, and check', async () => {
    const store = memoryStore();
    const run = await createRun(exponential(), { store, seed: 'a', id: 'r', guard: MATH });
    await run.advance(2);
    run.submit.fed({ frog: 2 as never, flies: 120 });
    await run.advance(2);
    const open = await shrinkRun(run, ({ world }) => world.frogs.at(1).fed > 100);
    expect(open.file).toContain("\n  }, { guard: { math: 'off' } });\n");
    await run.close();
    const log = { store, id: 'r', world: overfed() };
    expect((await shrinkRun(log)).error).toMatchObject({ code: 'AMBIENT' });
    const stored = await shrinkRun({ ...log, guard: MATH });
    expect(stored.error).toMatchObject({ code: 'INVARIANT_BROKEN' });
    expect(stored.file).toContain("guard: { math: 'off' }");
    expect(await codeOf(() => check(overfed(), { store, id: 'r' }))).toBe('AMBIENT');
    const { violations } = await check(overfed(), { store, id: 'r', guard: MATH });
    expect(violations[0]).toMatchObject({ tick: 3, invariant: 'notOverfed' });
  });

  it('L8: what is no level is refused before anything is played', async () => {
    const guard = { maths: 'off' } as never;
    const test = () => undefined;
    expect(await codeOf(() => laws(pond(), { test, guard }))).toBe('BAD_USAGE');
    expect(await codeOf(() => checkLaw(pond(), 'L5', PLAN, { guard }))).toBe('BAD_USAGE');
    expect(await codeOf(() => scene(pond(), { guard }))).toBe('BAD_USAGE');
    expect(await codeOf(() => playPlan(pond(), PLAN, { guard }))).toBe('BAD_USAGE');
    const same = { init: () => 0, compare: () => true };
    expect(await codeOf(() => model(pond(), same, { guard }))).toBe('BAD_USAGE');
  });
});
