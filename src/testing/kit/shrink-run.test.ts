/** Recorded runs and failed ticks, shrunk. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { caught, codeOf } from '../../../test/support/runs.ts';
import { overfed, type Pond, pond } from '../../../test/support/wrong-worlds.ts';
import { createRun, defineSchema, defineWorld, event, memoryStore, type Run, t, table } from '../../index.ts';
import { type AnyPlan, planOf } from './plan.ts';
import { shrinkPlan } from './shrink-plan.ts';
import { playPlan, shrinkRun } from './shrink-run.ts';

type PondRun = Run<Pond, string>;

/** A run of 30 ticks in which many inputs came; frog 4 ate 90 flies in the last. */
async function busyRun(world = pond()): Promise<PondRun> {
  const run = (await createRun(world, {
    store: memoryStore(),
    seed: 'alpha',
    id: 'busy',
    config: { frogs: 9 },
  })) as PondRun;
  for (let tick = 1; tick <= 30; tick++) {
    run.submit.fed({ frog: 1 + (tick % 5), flies: tick % 7 });
    if (tick === 30) run.submit.fed({ frog: 4, flies: 90 });
    if (tick % 3 === 0) run.submit.grew({ leaf: 1, by: tick / 7 });
    await run.advance(1);
  }
  return run;
}

const gorged = ({ world }: PondRun): boolean =>
  world.frogs.count({ fed: 90 }) > 0 || [...world.frogs].some(({ fed }) => fed > 80);

describe('shrinkRun', () => {
  it('L5: finds the one input that matters, in one tick, as simple as it may be', async () => {
    const run = await busyRun();
    const { plan, error, tried, stopped, file, summary } = await shrinkRun(run, gorged);
    expect(error).toBe(null);
    expect(stopped).toBe(false);
    expect(tried).toBeGreaterThan(10);
    expect(plan).toEqual({
      seed: 'a',
      config: { frogs: 6, heat: 0.5 },
      ticks: 1,
      inputs: [[1, 'fed', { frog: 4, flies: 81 }]],
    });
    expect(summary).toBe("1 tick, 1 input, seed 'a', config { frogs: 6, heat: 0.5 }");
    expect(file).toContain("[1, 'fed', { flies: 81, frog: 4 }],");
    const again = await playPlan(pond(), plan);
    expect([...again.world.frogs].filter(({ fed }) => fed > 80)).toHaveLength(1);
    await run.close();
  });

  it('takes a stored run, up to a tick', async () => {
    const store = memoryStore();
    const run = await createRun(pond(), { store, seed: 'alpha', id: 'r' });
    for (let tick = 1; tick <= 12; tick++) {
      run.submit.fed({ frog: 2, flies: 10 * tick });
      await run.advance(1);
    }
    await run.close();
    const given = { store, id: 'r', world: pond() };
    const { plan } = await shrinkRun(given, ({ world }) => world.frogs.need(2).fed >= 70, { to: 9 });
    expect(plan).toMatchObject({ ticks: 1, inputs: [[1, 'fed', { frog: 2, flies: 70 }]] });
    expect(
      await codeOf(() => shrinkRun(given, ({ world }) => world.frogs.need(2).fed >= 100, { to: 9 })),
    ).toBe('NOT_AS_EXPECTED');
  });

  it('keeps the ticks, the config and the seed that matter', async () => {
    const run = await busyRun();
    const { plan } = await shrinkRun(run, ({ tick, world }) => tick >= 5 && world.frogs.size === 9);
    expect(plan).toEqual({ seed: 'a', config: { frogs: 9, heat: 0.5 }, ticks: 5, inputs: [] });
    const leaves = ({ world }: PondRun): string => [...world.frogs].map(({ leaf }) => leaf).join();
    const same = await shrinkRun(run, (it) => leaves(it) === leaves(run));
    expect(same.plan).toMatchObject({ seed: 'alpha', ticks: 30, inputs: [] });
    await run.close();
  });

  it('a run that breaks an invariant by now is shrunk to what breaks it', async () => {
    const store = memoryStore();
    const run = await createRun(pond(), { store, seed: 'alpha', id: 'r' });
    for (let tick = 1; tick <= 9; tick++) {
      run.submit.fed({ frog: 3, flies: tick === 6 ? 200 : tick });
      await run.advance(1);
    }
    await run.close();
    const { plan, error, file } = await shrinkRun({ store, id: 'r', world: overfed() });
    expect(error).toMatchObject({ code: 'INVARIANT_BROKEN', facts: { invariant: 'notOverfed', tick: 1 } });
    expect(plan).toMatchObject({ ticks: 1, inputs: [[1, 'fed', { frog: 3, flies: 101 }]] });
    expect(file).toContain('await playPlan(world, {');
    expect(await caught(() => playPlan(overfed(), plan))).toMatchObject({ code: 'INVARIANT_BROKEN' });
  });

  it('L2: a tick that failed is shrunk from what was kept of it', async () => {
    const store = memoryStore();
    const run = await createRun(overfed(), { store, seed: 'alpha', id: 'r' });
    for (let tick = 1; tick <= 4; tick++) {
      run.submit.grew({ leaf: 2, by: tick });
      await run.advance(1);
    }
    run.submit.fed({ frog: 5, flies: 3 });
    run.submit.fed({ frog: 6, flies: 255 });
    expect(await codeOf(() => run.advance(1))).toBe('INVARIANT_BROKEN');
    const { plan, error } = await shrinkRun(run);
    expect(error).toMatchObject({ code: 'INVARIANT_BROKEN', facts: { invariant: 'notOverfed' } });
    expect(plan).toMatchObject({ ticks: 1, inputs: [[1, 'fed', { frog: 6, flies: 101 }]] });
    await run.flush();
    const stored = await shrinkRun({ store, id: 'r', world: overfed() });
    expect(stored.plan).toEqual(plan);
    await run.close();
  });

  it('L6: what a fork changed is part of the plan, and stays where it matters', async () => {
    const run = await busyRun();
    const fork = (await run.fork({
      at: 12,
      seed: 'beta',
      config: { heat: 0.9 },
      because: 'what if',
    })) as PondRun;
    fork.submit.fed({ frog: 2, flies: 99 });
    await fork.advance(4);
    const store = memoryStore();
    const plain = await shrinkRun(fork, gorged);
    expect(plain.plan).toMatchObject({ ticks: 1, inputs: [[1, 'fed', { frog: 2, flies: 81 }]] });
    expect(plain.plan).not.toHaveProperty('changes');
    const { plan } = await shrinkRun(fork, (it) => it.tick > 2 && it.world.frogs.size === 9, { maxPlans: 0 });
    expect(plan.changes).toEqual([[13, { seed: 'beta', config: { frogs: 9, heat: 0.9 } }]]);
    const again = await playPlan(pond(), plan, { store });
    expect(again.tick).toBe(16);
    expect([...again.world.frogs]).toEqual([...fork.world.frogs]);
    await fork.close();
    await run.close();
  });

  it('inputs that created rows are played as they were submitted', async () => {
    const schema = defineSchema({
      name: 'births',
      version: 1,
      tables: { people: table({ id: t.id(), name: t.text() }) },
      inputs: { born: event({ child: t.newId('people'), name: t.text(), tags: t.list(t.u8()).default([]) }) },
    });
    const world = defineWorld(schema, {
      setup({ insert }) {
        insert.people({ name: 'Eve' });
      },
      apply: { born: (w, e) => w.people.insert({ id: e.child, name: e.name }) },
      systems: [],
    });
    const run = await createRun(world, { store: memoryStore(), seed: 's' });
    run.submit.born({ name: 'Abel', tags: [3, 200] });
    run.submit.born({ name: 'Seth', tags: [1] });
    await run.advance(3);
    const { plan } = await shrinkRun(run, (it) =>
      [...it.world.people].some(({ name }) => name.startsWith('S')),
    );
    expect(plan).toMatchObject({ ticks: 1, inputs: [[1, 'born', { name: 'S' }]] });
    expect(plan.inputs![0]![2]).toEqual({ name: 'S' });
    await run.close();
  });

  it('stops where it is told to, tells how far it is, and refuses what means nothing', async () => {
    const run = await busyRun();
    const seen: number[] = [];
    const few = await shrinkRun(run, gorged, { maxPlans: 3, onProgress: ({ tried }) => seen.push(tried) });
    expect(few).toMatchObject({ stopped: true, tried: 3 });
    expect(seen.length).toBeGreaterThan(0);
    expect(await codeOf(() => shrinkRun(run))).toBe('NOT_AS_EXPECTED');
    expect(await codeOf(() => shrinkRun(run, () => false))).toBe('NOT_AS_EXPECTED');
    const of = (options: object) => codeOf(() => shrinkRun(run, gorged, options as never));
    expect(await of({ to: 31 })).toBe('NO_TICK');
    expect(await of({ maxPlans: -1 })).toBe('BAD_USAGE');
    expect(await of({ plans: 1 })).toBe('BAD_USAGE');
    expect(await codeOf(() => shrinkRun({} as never, gorged as never))).toBe('BAD_USAGE');
    expect(await codeOf(() => shrinkRun(run, 3 as never))).toBe('BAD_USAGE');
    await run.close();
    expect(await codeOf(() => shrinkRun(run, gorged))).toBe('CLOSED');
  });
});

describe('shrinkPlan', () => {
  const start = (parts: object): AnyPlan => planOf({ seed: 'alpha', ticks: 40, ...parts });

  it('ends at the least number of ticks, inputs together with others among them', async () => {
    const inputs = Array.from({ length: 20 }, (_, i) => [1 + i, 'fed', { frog: 1, flies: i }]);
    const holds = async ({ inputs: left }: AnyPlan) => {
      const flies = left.map(([, , row]) => (row as { readonly flies: number }).flies);
      return flies.includes(4) && flies.includes(13);
    };
    const { plan } = await shrinkPlan(pond() as never, start({ inputs }), holds, 10_000);
    expect(plan).toMatchObject({
      ticks: 1,
      inputs: [
        [1, 'fed', { flies: 4 }],
        [1, 'fed', { flies: 13 }],
      ],
    });
    const ticks = await shrinkPlan(pond() as never, start({}), async (it) => it.ticks >= 23, 10_000);
    expect(ticks.plan.ticks).toBe(23);
  });
});

describe('shrink-run.ts', () => {
  it('needs no fast-check: the command line has none', () => {
    const seen = new Set<string>();
    const walk = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      const text = readFileSync(file, 'utf8');
      for (const [, from] of text.matchAll(/^(?:import|export)(?! type)[^;]*? from '([^']+)';/gm)) {
        expect([file, from]).not.toEqual([file, 'fast-check']);
        if (from!.startsWith('.')) walk(join(dirname(file), from!));
      }
    };
    walk(fileURLToPath(new URL('./shrink-run.ts', import.meta.url)));
    expect(seen.size).toBeGreaterThan(50);
  });
});
