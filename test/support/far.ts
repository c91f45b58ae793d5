/**
 * A store that is far away: what is appended is on its way until the test says what becomes of it.
 */
import { expect } from 'vitest';
import { fail } from '../../src/base/errors.ts';
import { createRun, memoryStore, type RunPolicy } from '../../src/index.ts';
import type { LogRecord, Store } from '../../src/log/store.ts';
import { hamlet } from './hamlet.ts';
import { hashesOf, settled } from './runs.ts';

/** What becomes of an append: it is made, refused by a failing store, or made without an answer. */
type Fate = 'made' | 'refused' | 'unanswered';

/** A store whose appends are answered by hand. */
export interface Far extends Store {
  readonly inner: Store;
  /** The ticks of every append that was sent. */
  readonly sent: number[][];
  /** How many are on their way. */
  readonly onTheWay: number;
  /** Answers the oldest append that is on its way, and lets all go on that waited for that. */
  answer(fate?: Fate): Promise<void>;
  /** Answers everything from now on, as often as it is sent. */
  comeNear(): Promise<void>;
}

/** Puts a store far away. */
export function far(inner: Store = memoryStore()): Far {
  const sent: number[][] = [];
  const waiting: ((fate: Fate) => void)[] = [];
  let isNear = false;
  const append = async (...given: Parameters<Store['append']>): ReturnType<Store['append']> => {
    sent.push(given[3].map(({ tick }: LogRecord) => tick));
    const fate = isNear ? 'made' : await new Promise<Fate>((resolve) => void waiting.push(resolve));
    if (fate === 'refused') fail('STORE_FAILED', 'the line is dead');
    const head = await inner.append(...given);
    if (fate === 'unanswered') fail('STORE_FAILED', 'the line is dead');
    return head;
  };
  const answer = async (fate: Fate = 'made'): Promise<void> => {
    if (waiting.length === 0) throw new Error('nothing is on its way');
    waiting.shift()!(fate);
    await settled();
  };
  return {
    ...inner,
    inner,
    append,
    sent,
    answer,
    get onTheWay() {
      return waiting.length;
    },
    async comeNear() {
      isNear = true;
      while (waiting.length > 0) await answer();
    },
  };
}

/** A group of two ticks. */
export const two = { ticks: 2, ms: 1e9 };

/** A run over a store that is far away, on clocks that stand still unless they are moved. */
export async function farRun(policy: RunPolicy = {}, world = hamlet()) {
  const store = far();
  const time = { now: 0 };
  const clocks = { wall: () => 7, steady: () => time.now };
  const options = { commit: two, snapshots: false, clocks, ...policy } as const;
  const run = await createRun(world, { store, seed: 's', id: 'r', ...options });
  return { store, time, run, options };
}

/** Such a run. */
export type FarRun = Awaited<ReturnType<typeof farRun>>;

/** Closes a run and compares its log with that of a twin whose store is near. */
export async function expectLikeTwin(
  { run, store }: Pick<FarRun, 'run' | 'store'>,
  ticks: number,
): Promise<void> {
  await store.comeNear();
  if (run.tick < ticks) await run.advance(ticks - run.tick);
  await run.close();
  const near = memoryStore();
  const twin = await createRun(hamlet(), { store: near, seed: 's', id: 'r' });
  await twin.advance(ticks);
  await twin.close();
  expect(await hashesOf(store, 'r')).toEqual(await hashesOf(near, 'r'));
}
