import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hamlet } from '../../test/support/hamlet.ts';
import { codeOf, collect, hashesOf, rowsOf, settled } from '../../test/support/runs.ts';
import { memoryStore } from '../log/memory-store.ts';
import { createRun } from './create-run.ts';
import type { RunPolicy } from './types.ts';

const begin = (policy: RunPolicy = {}, store = memoryStore()) =>
  createRun(hamlet(), { store, seed: 's', id: 'r', clocks: { wall: () => 0, steady: () => 0 }, ...policy });
const commit = { ticks: 3, ms: 1e9 };

const warnings: string[] = [];
const listen = (warning: Error): void => void warnings.push(warning.message);
beforeEach(() => {
  warnings.length = 0;
  process.on('warning', listen);
});
afterEach(() => void process.off('warning', listen));

describe('observers', () => {
  test('computed ones hear of each tick at once, durable ones after the commit, both in order', async () => {
    const run = await begin({ commit });
    const heard: string[] = [];
    run.on('computed', ({ tick }) => void heard.push(`c${tick}@${run.durableTick}`));
    run.on('durable', ({ tick }) => void heard.push(`d${tick}@${run.durableTick}`));
    await run.advance(5);
    expect(heard.join(' ')).toBe('c1@0 c2@0 c3@0 d1@3 d2@3 d3@3 c4@3 c5@3');
    await run.close();
    expect(heard.join(' ')).toMatch(/c5@3 d4@5 d5@5$/);
  });

  test('hear the events of the tick and its state hash', async () => {
    const run = await begin({ hashEvery: 2 });
    const seen: unknown[] = [];
    const hashes: (string | null)[] = [];
    run.on('computed', ({ tick, stateHash, events }) => {
      hashes.push(stateHash);
      for (const { person, cell } of events.moved) seen.push({ tick, person, cell });
      expect(Object.keys(events).sort()).toEqual(
        ['born', 'fell', 'infected', 'joined', 'moved', 'noted', 'priced', 'shouted', 'sold'].sort(),
      );
      expect(events.shouted.size).toBe(0);
      expect(events.sold.columns.count).toHaveLength(3);
    });
    const stateHashes = [];
    for (let i = 0; i < 4; i++) stateHashes.push((await run.advance()).stateHash);
    expect(hashes).toEqual([null, stateHashes[1], null, stateHashes[3]]);
    const logged = (await collect(run.events('moved', { from: 1 }))).map(({ seq: _, ...moved }) => moved);
    expect(seen).toEqual(logged);
    expect(seen.length).toBeGreaterThan(4);
  });

  test('L14: hear live what the log tells later, without a gap', async () => {
    const run = await begin({ commit });
    const live: unknown[] = [];
    const durable: unknown[] = [];
    run.on('computed', ({ tick, events }) => void live.push([tick, [...events.sold], [...events.infected]]));
    run.on(
      'durable',
      ({ tick, events }) => void durable.push([tick, [...events.sold], [...events.infected]]),
    );
    run.submit.joined({ name: 'x' });
    await run.advance(10);
    await run.flush();
    expect(durable).toEqual(live);
    const [sold, infected] = await Promise.all([
      collect(run.events('sold', { from: 1 })),
      collect(run.events('infected', { from: 1 })),
    ]);
    const cold = Array.from({ length: 10 }, (_, i) => [
      i + 1,
      sold.filter(({ tick }) => tick === i + 1).map(({ count }) => ({ count })),
      infected.filter(({ tick }) => tick === i + 1).map(({ person }) => ({ person })),
    ]);
    expect(live).toEqual(cold);
  });

  test('get copies of their own: what they write reaches nobody', async () => {
    const run = await begin({ commit });
    const seen: number[][] = [];
    for (const when of ['computed', 'computed', 'durable'] as const)
      run.on(when, ({ events }) => {
        const cells = events.sold.columns.count as unknown as Uint32Array;
        seen.push([...cells]);
        cells.fill(77);
      });
    await run.advance(3);
    expect(new Set(seen.map(String))).toEqual(new Set(['1,2,3']));
    const twin = await begin({ commit });
    await twin.advance(3);
    expect(rowsOf(run.world)).toEqual(rowsOf(twin.world));
    expect(rowsOf(await run.at(3))).toEqual(rowsOf(twin.world));
  });

  test('that are taken away hear no more, not even of the same tick', async () => {
    const run = await begin();
    const heard: string[] = [];
    const offs: (() => void)[] = [];
    offs.push(
      run.on('computed', ({ tick }) => {
        heard.push(`a${tick}`);
        if (tick === 2) for (const off of offs) off();
      }),
    );
    offs.push(run.on('computed', ({ tick }) => void heard.push(`b${tick}`)));
    run.on('computed', ({ tick }) => void heard.push(`c${tick}`));
    await run.advance(3);
    for (const off of offs) off();
    expect(heard.join(' ')).toBe('a1 b1 c1 a2 c2 c3');
  });

  test('a moment that there is not is refused', async () => {
    const run = await begin();
    expect(await codeOf(() => run.on('someday' as never, () => {}))).toBe('BAD_USAGE');
  });

  test('may submit and read; an advance within an advance is refused', async () => {
    const run = await begin();
    const codes: Promise<string>[] = [];
    run.on('computed', ({ tick }) => {
      if (tick === 1) run.submit.joined({ name: 'from inside' });
      codes.push(
        codeOf(() => run.advance()),
        codeOf(() => run.at(tick)),
      );
    });
    await run.advance(2);
    expect(await Promise.all(codes)).toEqual(['WRONG_STATE', 'done', 'WRONG_STATE', 'done']);
    expect(run.world.people.count({ name: 'from inside' })).toBe(1);
  });
});

describe('L9: observation is harmless', () => {
  const fails = (): never => {
    throw new RangeError('observer');
  };
  type Made = Awaited<ReturnType<typeof begin>>;
  const both = (run: Made, tell: () => void): void => {
    run.on('computed', tell);
    run.on('durable', tell);
  };
  const kinds: [string, (run: Made) => void, number][] = [
    ['none', () => {}, 0],
    ['some', (run) => both(run, () => {}), 0],
    ['failing', (run) => both(run, fails), 12],
    ['rejecting', (run) => void run.on('computed', (async () => fails()) as never), 6],
    ['slow', (run) => void run.on('durable', (() => settled()) as never), 0],
    ['greedy', (run) => void run.on('computed', ({ events }) => void [...events.moved, ...events.sold]), 0],
  ];
  test.each(kinds)('L9: with %s observers the log is the same', async (_, watch, warned) => {
    const [store, twinStore] = [memoryStore(), memoryStore()];
    const run = await begin({ commit }, store);
    const twin = await begin({ commit }, twinStore);
    watch(run);
    const heard: number[] = [];
    run.on('computed', ({ tick }) => void heard.push(tick));
    await Promise.all([run.advance(6), twin.advance(6)]);
    await Promise.all([run.close(), twin.close()]);
    await settled();
    expect(await hashesOf(store, 'r')).toEqual(await hashesOf(twinStore, 'r'));
    expect(heard).toEqual([1, 2, 3, 4, 5, 6]);
    expect(warnings.filter((text) => text.includes("run 'r'") && text.includes('observer'))).toHaveLength(
      warned,
    );
  });
});
