/** Invariants over an old log. */
import { describe, expect, it } from 'vitest';
import { hamlet } from '../../test/support/hamlet.ts';
import { caught, codeOf, hashesOf } from '../../test/support/runs.ts';
import { memoryStore } from '../log/memory-store.ts';
import { createRun } from '../simulation/create-run.ts';
import { openRun } from '../simulation/open-run.ts';
import { check } from './check.ts';

const TICKS = 9;

/** The hamlet with other invariants than it had when it was recorded. */
function judged(invariants: object) {
  const world = hamlet();
  return { ...world, def: { ...world.def, invariants } } as typeof world;
}

async function recorded() {
  const store = memoryStore();
  const run = await createRun(hamlet(), { store, seed: 'alpha', id: 'r' });
  const crowd: number[] = [run.world.people.size];
  for (let tick = 1; tick <= TICKS; tick++) {
    await run.advance(1);
    crowd.push(run.world.people.size);
  }
  await run.close();
  return { store, crowd };
}

const few = (most: number) => (w: { readonly people: { readonly size: number } }) => w.people.size <= most;

describe('check', () => {
  it('L3: finds nothing where the invariants that the run was computed with hold', async () => {
    const { store } = await recorded();
    expect(await check(hamlet(), { store, id: 'r' })).toEqual({
      id: 'r',
      from: 0,
      to: TICKS,
      checked: TICKS + 1,
      invariants: ['nobodyLost', 'cellsExist'],
      violations: [],
      truncated: false,
    });
  });

  it('L3: names each tick where a new invariant does not hold, with its rows', async () => {
    const { store, crowd } = await recorded();
    const most = crowd[4]!;
    const world = judged({
      nobodyIll: (w: any, { tick, config }: any) =>
        tick < 2 || config.rate !== 0.3
          ? []
          : [...w.people].filter(({ health }) => health === 'ill').slice(0, 2),
      notMany: few(most),
    });
    const { violations } = await check(world, { store, id: 'r' });
    const crowded = crowd.flatMap((size, tick) => (size > most ? [tick] : []));
    expect(crowded.length).toBeGreaterThan(0);
    const of = (name: string) => violations.filter(({ invariant }) => invariant === name);
    expect(of('notMany')).toEqual(crowded.map((tick) => ({ tick, invariant: 'notMany', rows: [] })));
    expect(of('nobodyIll').map(({ tick }) => tick)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    expect(of('nobodyIll')[0]!.rows).toMatchObject([{ health: 'ill' }, { health: 'ill' }]);
    expect(violations).toEqual([...violations].sort((a, b) => a.tick - b.tick));
  });

  it('looks at the ticks that it is asked to look at, from whichever on', async () => {
    const { store } = await recorded();
    const ticksOf = async (options: object) =>
      (await check(judged({ never: () => false }), { store, id: 'r', ...options })).violations.map(
        ({ tick }) => tick,
      );
    expect(await ticksOf({ from: 4, to: 6 })).toEqual([4, 5, 6]);
    expect(await ticksOf({ every: 4 })).toEqual([0, 4, 8]);
    expect(await ticksOf({ from: 3, every: 3, to: 7 })).toEqual([3, 6]);
    expect(await ticksOf({ from: 9 })).toEqual([9]);
  });

  it('stops at its limit and says so, and where it is told to', async () => {
    const { store } = await recorded();
    const never = judged({ never: () => false });
    const three = await check(never, { store, id: 'r', limit: 3 });
    expect(three).toMatchObject({
      truncated: true,
      to: 3,
      checked: 4,
      violations: [{ tick: 0 }, { tick: 1 }, { tick: 2 }],
    });
    expect(await check(never, { store, id: 'r', limit: TICKS + 1 })).toMatchObject({
      truncated: false,
      to: TICKS,
    });
    const stopped = await check(never, { store, id: 'r', signal: AbortSignal.abort() });
    expect(stopped).toMatchObject({ to: 0, checked: 1 });
    const seen: object[] = [];
    await check(never, { store, id: 'r', onProgress: (progress) => seen.push(progress) });
    expect(seen.at(-1)).toEqual({ tick: TICKS, target: TICKS });
  });

  it('L9: writes nothing, beside a writer that goes on', async () => {
    const store = memoryStore();
    const run = await createRun(hamlet(), { store, seed: 'alpha', id: 'r', commit: { ticks: 1 } });
    await run.advance(3);
    const before = await hashesOf(store, 'r');
    expect((await check(hamlet(), { store, id: 'r' })).to).toBe(3);
    expect(await hashesOf(store, 'r')).toEqual(before);
    expect((await run.advance(1)).tick).toBe(4);
    await run.close();
  });

  it('L3: changed handlers are named, and not judged by', async () => {
    const { store } = await recorded();
    const world = hamlet();
    const apply = { ...world.def.apply, infected: () => {} };
    const changed = { ...world, def: { ...world.def, apply } };
    const error = await caught(() => check(changed, { store, id: 'r' }));
    expect(error).toMatchObject({ code: 'NO_STATE', facts: { run: 'r', tick: 0 } });
    expect(await codeOf(() => check(changed, { store, id: 'r', from: 9 }))).toBe('done');
    const later = { ...world, def: { ...world.def, apply: { ...world.def.apply, moved: () => {} } } };
    const differs = await caught(() => check(later, { store, id: 'r' }));
    expect(differs).toMatchObject({ code: 'REPLAY_DIFFERS', facts: { run: 'r', tick: 1 } });
  });

  it('L3: begins with the era whose handlers it has', async () => {
    const { store } = await recorded();
    const world = hamlet();
    const apply = { ...world.def.apply, moved: () => {} };
    const changed = { ...world, def: { ...world.def, apply } };
    const run = await openRun(changed, { store, id: 'r', adopt: true });
    await run.advance(3);
    await run.close();
    expect(await check(changed, { store, id: 'r' })).toMatchObject({
      from: TICKS + 1,
      to: TICKS + 3,
      checked: 3,
    });
  });

  it('names the invariant that throws, and refuses what means nothing', async () => {
    const { store } = await recorded();
    const odd = judged({
      odd: (_: object, { tick }: { readonly tick: number }) => {
        if (tick === 3) throw new RangeError('three');
        return true;
      },
    });
    const thrown = await caught(() => check(odd, { store, id: 'r' }));
    expect(thrown).toMatchObject({ code: 'TICK_FAILED', facts: { run: 'r', tick: 3, invariant: 'odd' } });
    const of = (options: object) => codeOf(() => check(hamlet(), { store, id: 'r', ...options } as never));
    expect(await of({ id: 'none' })).toBe('UNKNOWN_RUN');
    expect(await of({ from: TICKS + 1 })).toBe('NO_TICK');
    expect(await of({ to: -1 })).toBe('NO_TICK');
    expect(await of({ from: 3, to: 2 })).toBe('BAD_USAGE');
    expect(await of({ every: 0 })).toBe('BAD_USAGE');
    expect(await of({ limit: 0.5 })).toBe('BAD_USAGE');
    expect(await of({ ticks: 1 })).toBe('BAD_USAGE');
    expect(await of({ store: undefined })).toBe('BAD_USAGE');
    expect(await codeOf(() => check({} as never, { store, id: 'r' }))).toBe('BAD_USAGE');
  });
});
