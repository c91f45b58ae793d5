/** Work over a long log lets others have their turn, and tells of its progress on the way. */
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { bank, recorded } from '../../test/support/bank.ts';
import { memoryStore } from '../log/memory-store.ts';
import { createRun } from '../simulation/create-run.ts';
import { check } from './check.ts';
import { diff } from './diff.ts';
import { replay } from './replay.ts';
import { verify } from './verify/verify.ts';

const TICKS = 10;
/** The clock that work is cut into slices by, and by how much it moves each time somebody looks. */
const clock = vi.hoisted(() => ({ now: 0, step: 0, turns: 0 }));
vi.mock('../base/platform.ts', async (original) => ({
  ...(await original<typeof import('../base/platform.ts')>()),
  steadyClock: () => (clock.now += clock.step),
  yieldToEvents: async () => void clock.turns++,
}));

const store = memoryStore();
await recorded(store, TICKS);
const world = bank(1);

beforeEach(() => Object.assign(clock, { now: 0, step: 0, turns: 0 }));

type Told = { readonly tick: number; readonly target: number };
type Options = { readonly onProgress: (progress: Told) => void; readonly signal?: AbortSignal };
const calls: readonly (readonly [string, (options: Options) => Promise<unknown>, number])[] = [
  ['replay', (options) => replay(world, { store, id: 'r', ...options }), 0],
  ['check', (options) => check(world, { store, id: 'r', ...options }), 1],
  ['verify', (options) => verify({ store, id: 'r', world }, options), 0],
];

describe.each(calls)('%s', (_, call, first) => {
  const from = (tick: number) => Array.from({ length: TICKS + 1 - tick }, (_, i) => tick + i);
  const toldBy = async (more: Partial<Options> = {}): Promise<number[]> => {
    const told: Told[] = [];
    await call({ onProgress: (progress) => void told.push(progress), ...more });
    expect(told.every(({ target }) => target === TICKS)).toBe(true);
    return told.map(({ tick }) => tick);
  };

  test('work that is slow tells each tick, and yields after each', async () => {
    clock.step = 20;
    expect(await toldBy()).toEqual([...from(first), TICKS]);
    expect(clock.turns).toBe(TICKS + 1 - first);
  });

  test('work that is quick tells of its end alone', async () => {
    expect(await toldBy()).toEqual([TICKS]);
    expect(clock.turns).toBe(0);
  });

  test('a slice is counted from the last turn', async () => {
    clock.step = 7;
    // Three looks after a turn are 21 ms; the first look only begins a slice.
    const told = await toldBy();
    expect(told.slice(0, -1)).toEqual(from(first).filter((_, i) => i % 3 === 2));
    expect(clock.turns).toBe(told.length - 1);
  });

  test('a signal that comes on the way is heard after the next tick', async () => {
    clock.step = 20;
    const stop = new AbortController();
    const told: number[] = [];
    const onProgress = ({ tick }: Told): void => {
      told.push(tick);
      if (tick === 4) stop.abort();
    };
    await call({ onProgress, signal: stop.signal });
    const last = told.at(-1)!;
    expect(told).toEqual([...from(first).filter((tick) => tick <= 4), last]);
    expect([4, 5]).toContain(last);
  });
});

test('diff yields while it goes through records that are not the same', async () => {
  // Another seed, from which nothing is drawn: other records of the same worlds.
  const other = await createRun(world, { store, seed: 'other', id: 'q' });
  await other.advance(TICKS);
  await other.close();
  const compared = () => diff({ store, id: 'r', world }, { store, id: 'q', world });
  expect(await compared()).toMatchObject({ equal: true });
  expect(clock.turns).toBe(0);
  clock.step = 20;
  expect(await compared()).toMatchObject({ equal: true });
  expect(clock.turns).toBe(TICKS + 1);
  Object.assign(clock, { step: 7, turns: 0 });
  expect(await compared()).toMatchObject({ equal: true });
  expect(clock.turns).toBe(Math.floor((TICKS + 1) / 3));
});
