/** Forks of stored runs, their trees, and what goes with a run that is removed. */
import { describe, expect, test } from 'vitest';
import { codeOf, meddled } from '../../test/support/runs.ts';
import { tally, tallySchema } from '../../test/support/tally.ts';
import { memoryStore } from '../log/memory-store.ts';
import type { RunInfo, Store } from '../log/store.ts';
import { createRun } from '../simulation/create-run.ts';
import { forkRun } from './fork-run.ts';
import { type ForkNode, forkTree } from './fork-tree.ts';
import { readWorld } from './read-world.ts';
import { removeRun } from './remove-run.ts';
import { replay } from './replay.ts';

const grow = tallySchema.system('grow', ({ emit, tick }) => void emit.put({ n: tick }));
const world = tally({ systems: [grow] });

/** root (0–20) ← early (at 5, to 9), mid (at 10, to 14) ← deep (at 12, to 16); back (of mid, at 8, to 11). */
async function forest(store: Store = memoryStore()): Promise<Store> {
  const root = await createRun(world, { store, seed: 's', id: 'root' });
  await root.advance(20);
  await root.close();
  const made = async (run: string, id: string, at: number, ticks: number, because?: string) => {
    const fork = await forkRun(world, { store, run, id, at, ...(because && { because }) });
    await fork.advance(ticks);
    await fork.close();
  };
  await made('root', 'mid', 10, 4, 'what if');
  await made('root', 'early', 5, 4);
  await made('mid', 'deep', 12, 4, 'deeper');
  await made('mid', 'back', 8, 3);
  return store;
}

/** A tree in short: `root:20[early@5:9, …]`. */
const short = (nodes: readonly ForkNode[]): string =>
  nodes
    .map(({ id, at, tick, children }) => {
      const below = children.length > 0 ? `[${short(children)}]` : '';
      return `${id ?? '-'}${at === null ? '' : `@${at}`}:${tick}${below}`;
    })
    .join(' ');

/** A store whose runs have other headers. */
const withHeaders = (store: Store, change: (info: RunInfo) => string): Store =>
  Object.assign(meddled(store), {
    list: async (...given: Parameters<Store['list']>) =>
      (await store.list(...given)).map((info) => ({ ...info, header: change(info) })),
  });

describe('forkTree', () => {
  test('a fork stands under the run that holds the record it continues', async () => {
    const store = await forest();
    const tree = await forkTree(store);
    expect(short(tree)).toBe('root:20[early@5:9 back@8:11 mid@10:14[deep@12:16]]');
    expect(tree[0]).toMatchObject({ because: null, children: [{}, {}, { because: 'what if' }] });
  });

  test('is told from segments: damaged headers change nothing', async () => {
    const store = await forest();
    const damaged = withHeaders(store, () => '{bad');
    expect(await forkTree(damaged)).toEqual(await forkTree(store));
  });

  test('a run that lost its name stands as a node without one while forks need it', async () => {
    const store = await forest();
    await removeRun(store, 'mid');
    expect(short(await forkTree(store))).toBe('root:20[early@5:9 back@8:11 -@10:12[deep@12:16]]');
    await removeRun(store, 'root');
    expect(short(await forkTree(store))).toBe('-:10[early@5:9 back@8:11 -@10:12[deep@12:16]]');
    expect((await forkTree(store))[0]!.children[2]).toMatchObject({ id: null, because: 'what if' });
    await removeRun(store, 'deep');
    expect(short(await forkTree(store))).toBe('-:8[early@5:9 back@8:11]');
  });

  test('passes over a run that is removed and collected while it is looked at', async () => {
    const inner = memoryStore();
    const root = await createRun(world, { store: inner, seed: 's', id: 'root' });
    await root.advance(9);
    for (const [id, at] of [
      ['a', 5],
      ['b', 8],
    ] as const)
      await (await root.fork({ at, id })).close();
    await root.close();
    await removeRun(inner, 'root');
    const store = meddled(inner);
    store.before.lineage = async () => {
      store.before = {};
      await removeRun(inner, 'a');
    };
    // What `b` continues is found after `a` was missed.
    expect(short(await forkTree(store))).toBe('-:8[b@8:8]');
  });

  test('roots stand in order of id; an empty store has none', async () => {
    const store = memoryStore();
    expect(await forkTree(store)).toEqual([]);
    for (const id of ['b', 'a']) await (await createRun(world, { store, seed: 's', id })).close();
    expect(short(await forkTree(store))).toBe('a:0 b:0');
  });
});

describe('removeRun', () => {
  test('L6: says what is gone and what forks still need; the forks are whole', async () => {
    const store = await forest();
    const kept = { from: 11, to: 12, for: ['deep'] };
    expect(await removeRun(store, 'mid')).toMatchObject({ id: 'mid', records: 2, kept });
    expect(await replay(world, { store, id: 'deep' })).toMatchObject({ tick: 16, compared: 17 });
    expect(await removeRun(store, 'early')).toMatchObject({ records: 4, kept: null });
    expect(await removeRun(store, 'root')).toMatchObject({
      records: 10,
      kept: { from: 0, to: 10, for: ['back', 'deep'] },
    });
    expect(await replay(world, { store, id: 'back' })).toMatchObject({ tick: 11 });
    // The last that needed them takes its nameless ancestors along.
    expect(await removeRun(store, 'deep')).toMatchObject({ records: 4 + 2 + 2, kept: null });
    const last = await removeRun(store, 'back');
    expect(last).toMatchObject({ records: 3 + 9, kept: null });
    expect(last.deleted).toBeGreaterThan(12);
    expect(await store.collect(10)).toBe(0);
    expect(await forkTree(store)).toEqual([]);
  });

  test('a run that is written is in use, unless forced: its writer commits no more', async () => {
    const store = memoryStore();
    const run = await createRun(world, { store, seed: 's', id: 'r' });
    expect(await codeOf(() => removeRun(store, 'r'))).toBe('RUN_IN_USE');
    expect(await removeRun(store, 'r', { force: true })).toMatchObject({ records: 1, kept: null });
    await run.advance(1);
    expect(await codeOf(() => run.flush())).toBe('UNKNOWN_RUN');
    expect(await codeOf(() => removeRun(store, 'r'))).toBe('UNKNOWN_RUN');
    expect(await codeOf(() => removeRun(store, 'r', { forced: true } as never))).toBe('BAD_USAGE');
    expect(await codeOf(() => removeRun({} as never, 'r'))).toBe('BAD_USAGE');
  });

  test('collects in bounded steps', async () => {
    const store = meddled();
    const run = await createRun(world, { store, seed: 's', id: 'r' });
    await run.advance(9000);
    await run.close();
    const limits: number[] = [];
    store.before.collect = (limit: number) => void limits.push(limit);
    expect(await removeRun(store, 'r')).toMatchObject({ records: 9001, kept: null });
    expect(limits.length).toBeGreaterThan(2);
    expect(Math.max(...limits)).toBeLessThan(10_000);
  });
});

describe('forkRun', () => {
  test('L6: forks a run that another writes, and leaves it as it is', async () => {
    const store = memoryStore();
    const run = await createRun(world, { store, seed: 's', id: 'run' });
    await run.advance(9);
    await run.flush();
    const fork = await forkRun(world, {
      store,
      run: 'run',
      at: 4,
      inputs: [['given', { n: 2 }]],
      id: 'fork',
    });
    await fork.advance(5);
    expect(fork.world.total.value.n).toBe(2);
    const { stateHash } = await run.advance(1);
    await Promise.all([run.close(), fork.close()]);
    expect(await replay(world, { store, id: 'run' })).toMatchObject({ stateHash, tick: 10 });
    expect(await replay(world, { store, id: 'fork' })).toMatchObject({ tick: 9, compared: 10 });
  });

  test('refuses what run.fork refuses', async () => {
    const store = await forest();
    const fork = (more: object) => codeOf(() => forkRun(world, { store, run: 'root', at: 3, ...more }));
    expect(await fork({ at: 21 })).toBe('NO_TICK');
    expect(await fork({ run: 'nobody' })).toBe('UNKNOWN_RUN');
    expect(await fork({ id: 'mid' })).toBe('EXISTS');
    expect(await fork({ inputs: [['nothing']] })).toBe('BAD_INPUT');
    expect(await fork({ config: { no: 1 } })).toBe('BAD_INPUT');
    expect(await fork({ store: {} })).toBe('BAD_USAGE');
    expect(await fork({ hashEvery: 1 })).toBe('BAD_USAGE');
    expect(await codeOf(() => forkRun({} as never, { store, run: 'root', at: 3 }))).toBe('BAD_USAGE');
  });
});

describe('readWorld', () => {
  test('L3: gives the world of a tick and what the log said then', async () => {
    const store = memoryStore();
    const run = await createRun(world, { store, seed: 's', id: 'run' });
    await run.advance(9);
    await run.flush();
    const fork = await run.fork({ at: 5, seed: 'other', id: 'fork' });
    const { stateHash } = await fork.advance(2);
    await fork.flush();
    const moment = await readWorld(world, { store, id: 'fork' });
    expect(moment).toMatchObject({ id: 'fork', tick: 7, stateHash, seed: 'other', config: {} });
    expect(moment.world.things.size).toBe(7);
    expect(await readWorld(world, { store, id: 'fork', tick: 5 })).toMatchObject({ tick: 5, seed: 's' });
    const read = (more: object) => codeOf(() => readWorld(world, { store, id: 'run', ...more }));
    expect(await read({ tick: 10 })).toBe('NO_TICK');
    expect(await read({ tick: -1 })).toBe('NO_TICK');
    expect(await read({ id: 'nobody' })).toBe('UNKNOWN_RUN');
    expect(await read({ at: 3 })).toBe('BAD_USAGE');
  });
});
