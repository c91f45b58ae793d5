/** Copies of runs: what is taken along, what is skipped, what is refused before anything is written. */
import { describe, expect, test } from 'vitest';
import { dumpStore } from '../../../test/support/dump.ts';
import { grove } from '../../../test/support/grove.ts';
import { caught, codeOf, hashesOf, meddled } from '../../../test/support/runs.ts';
import { MemoryMedium, memoryStore } from '../../log/memory-store.ts';
import type { LogStore, Store } from '../../log/store.ts';
import { createRun } from '../../simulation/create-run.ts';
import { openRun } from '../../simulation/open-run.ts';
import { forkRun } from '../fork-run.ts';
import { copyRun } from './copy-run.ts';

const snapshots = { every: 3, keep: 2 };

/** Advances a run, which is begun where it is not there. */
async function grown(store: Store, id: string, ticks: number, seed = 's'): Promise<void> {
  const options = { store, id, snapshots };
  const isThere = (await store.head(id)) !== undefined;
  const run = await (isThere ? openRun(grove(1), options) : createRun(grove(1), { ...options, seed }));
  await run.advance(ticks);
  await run.close();
}

/** A fork of a run that is advanced. */
async function forked(store: Store, run: string, id: string, at: number, later: 'keep' | 'drop' = 'drop') {
  const fork = await forkRun(grove(1), { store, run, id, at, later });
  await fork.advance(4);
  await fork.close();
}

/** root (to 10) ← left (at 3, to 7), right (at 6, to 10). */
async function tree(store: Store = memoryStore()): Promise<Store> {
  await grown(store, 'root', 10);
  await forked(store, 'root', 'left', 3);
  await forked(store, 'root', 'right', 6);
  return store;
}

const ids = async (store: Store) =>
  (await store.list(null, 100)).map(({ id, segment }) => [id, segment.head.tick]);

describe('what is copied', () => {
  test('L6: a run brings what it continues, as runs that end there; each further run, more of it', async () => {
    const [from, to] = [await tree(), memoryStore()];
    expect(await copyRun(from, to, 'left')).toMatchObject({
      ...{ id: 'left', complete: true, segments: 2, records: 4 + 4 },
      runs: [
        { id: 'left', tick: 7, whole: true },
        { id: 'root', tick: 3, whole: false },
      ],
    });
    expect(await copyRun(from, to, 'right')).toMatchObject({ segments: 1, records: 3 + 4 });
    expect(await ids(to)).toEqual([
      ['left', 7],
      ['right', 10],
      ['root', 6],
    ]);
    expect(await copyRun(from, to, 'root')).toMatchObject({ segments: 0, records: 4 });
    expect(await dumpStore(to)).toEqual(await dumpStore(from));
  });

  test('L6: a fork that keeps later inputs brings its parent whole', async () => {
    const [from, to] = [memoryStore(), memoryStore()];
    await grown(from, 'root', 10);
    await forked(from, 'root', 'kept', 2, 'keep');
    const { runs } = await copyRun(from, to, 'kept');
    expect(runs).toContainEqual({ id: 'root', tick: 10, whole: true });
  });

  test('L7: what a run continues has no name where the target has another run of that name', async () => {
    const [from, to] = [await tree(), memoryStore()];
    await grown(to, 'root', 2, 'another');
    const before = await hashesOf(to, 'root');
    expect((await copyRun(from, to, 'left')).runs).toEqual([{ id: 'left', tick: 7, whole: true }]);
    expect(await hashesOf(to, 'root')).toEqual(before);
    expect(await hashesOf(to, 'left')).toEqual(await hashesOf(from, 'left'));
    expect(await copyRun(from, to, 'left')).toMatchObject({ records: 0, segments: 0 });
    // Nobody can write the segment again, and more of it is needed.
    expect(await caught(() => copyRun(from, to, 'right'))).toMatchObject({
      code: 'UNKNOWN_RUN',
      facts: { run: 'root', head: 3, tick: 6 },
    });
    expect(await codeOf(() => copyRun(from, to, 'root'))).toBe('EXISTS');
  });

  test('L4: a chunk that snapshots share is stored once, in a later copy too', async () => {
    const [from, to] = [await tree(), new MemoryMedium()];
    const target = memoryStore({ medium: to });
    await copyRun(from, target, 'left', { snapshots: 'pinned' });
    expect(to.count()).toMatchObject({ snapshots: 0, chunks: 0 });
    await copyRun(from, target, 'root', { tree: true });
    const medium = new MemoryMedium();
    await copyRun(from, memoryStore({ medium }), 'root', { tree: true });
    const distinct = async (store: Store) => {
      const numbers = new Set<number>();
      let used = 0;
      for (const { segment } of await store.list(null, 100))
        for (const { tick } of await store.snapshots(segment.id))
          for (const number of (await store.readSnapshot(segment.id, tick))!.chunks) {
            numbers.add(number);
            used++;
          }
      return [numbers.size, used];
    };
    const [held, used] = await distinct(from);
    expect(held).toBeLessThan(used!);
    expect(await distinct(target)).toEqual([held, used]);
    expect(medium.count().chunks).toBe(held);
    await grown(from, 'root', 3);
    await copyRun(from, target, 'root');
    expect(await distinct(target)).toEqual([...(await distinct(from))]);
  });

  test('L13: what an era begins with is there before its first record', async () => {
    const [from, to] = [memoryStore(), meddled()];
    await grown(from, 'root', 5);
    const run = await openRun(grove(2), { store: from, id: 'root', snapshots, adopt: true });
    await run.advance(3);
    await run.close();
    let seen = 0;
    to.before.append = async (segment: string, _: number, first: number, records: readonly unknown[]) => {
      if (first > 6 || first + records.length <= 6) return;
      seen++;
      expect(await to.inner.snapshots(segment)).toContainEqual(
        expect.objectContaining({ tick: 5, pinned: true }),
      );
    };
    await copyRun(from, to, 'root', { snapshots: 'pinned' });
    expect(seen).toBe(1);
  });

  test('failed ticks go along once, and those of each store stay', async () => {
    const [from, to] = [memoryStore(), memoryStore()];
    await grown(from, 'root', 2);
    const { segment } = (await from.head('root'))!;
    const fail = (store: Store, text: string) => store.keepAttempt(segment.id, { tick: 3, text });
    for (const text of ['1', '1', '2']) await fail(from, text);
    expect(await copyRun(from, to, 'root')).toMatchObject({ attempts: 3 });
    expect(await copyRun(from, to, 'root')).toMatchObject({ attempts: 0 });
    for (let i = 3; i < 18; i++) await fail(from, `${i}`);
    expect(await copyRun(from, to, 'root')).toMatchObject({ attempts: 15 });
    expect(await to.attempts(segment.id)).toEqual(await from.attempts(segment.id));
    await fail(to, 'own');
    await copyRun(from, to, 'root');
    expect(await copyRun(from, to, 'root')).toMatchObject({ attempts: 0 });
  });

  test('L12: a damaged snapshot is left out, a pinned one refused, a damaged record named', async () => {
    const medium = new MemoryMedium();
    const from = memoryStore({ medium });
    await grown(from, 'root', 10);
    const { id } = (await from.head('root'))!.segment;
    const [first] = await from.snapshots(id);
    const [chunk] = (await from.readSnapshot(id, first!.tick))!.chunks;
    medium.keptBytes(id, 'chunk', chunk!)![5]! ^= 1;
    const { snapshots: copied } = await copyRun(from, memoryStore(), 'root');
    expect(copied.damaged).toBeGreaterThan(0);
    await from.pinSnapshot(id, first!.tick, true);
    expect(await caught(() => copyRun(from, memoryStore(), 'root'))).toMatchObject({
      code: 'CORRUPT',
      facts: { segment: id, tick: first!.tick },
    });
    await from.pinSnapshot(id, first!.tick, false);
    medium.keptBytes(id, 'record', 4)![60]! ^= 1;
    expect(await caught(() => copyRun(from, memoryStore(), 'root', { snapshots: 'pinned' }))).toMatchObject({
      code: 'CORRUPT',
      facts: { segment: id, tick: 4 },
    });
  });
});

describe('what is refused', () => {
  test('L1: other records are DIVERGED with the first tick, and nothing is written', async () => {
    const [from, to] = [memoryStore(), memoryStore()];
    await grown(from, 'root', 5);
    await copyRun(from, to, 'root');
    for (const [store, n] of [
      [from, 1],
      [to, 2],
    ] as const) {
      const run = await openRun(grove(1), { store, id: 'root' });
      await run.advance(2);
      run.submit.watered({ n });
      await run.advance(4);
      await run.close();
    }
    await forked(from, 'root', 'fork', 11);
    const before = await dumpStore(to);
    for (const id of ['root', 'fork'])
      expect(await caught(() => copyRun(from, to, id))).toMatchObject({
        code: 'DIVERGED',
        facts: { run: 'root', tick: 8, field: 'hash' },
      });
    expect(await dumpStore(to)).toEqual(before);
  });

  test('L7: a run that is written in the target is in use, unless nothing is to be added', async () => {
    const [from, to] = [await tree(), memoryStore()];
    await copyRun(from, to, 'root');
    const run = await openRun(grove(1), { store: to, id: 'root' });
    expect(await copyRun(from, to, 'root')).toMatchObject({ records: 0 });
    await grown(from, 'root', 1);
    expect(await codeOf(() => copyRun(from, to, 'root'))).toBe('RUN_IN_USE');
    await run.close();
    expect(await copyRun(from, to, 'root')).toMatchObject({ records: 1 });
    // The copy let go of it.
    await (await openRun(grove(1), { store: to, id: 'root' })).close();
  });

  test('a target without the ports is UNSUPPORTED before anything is written', async () => {
    const from = await tree();
    const without = (...names: string[]) => {
      const store = memoryStore();
      const lacking = Object.fromEntries(Object.entries(store).filter(([name]) => !names.includes(name)));
      return [lacking as unknown as Store, store as LogStore] as const;
    };
    const forks = ['fork', 'lineage', 'remove', 'collect'];
    for (const [run, names] of [
      ['left', forks],
      ['root', ['keepSnapshot']],
    ] as const) {
      const [to, inner] = without(...names);
      expect(await codeOf(() => copyRun(from, to, run))).toBe('UNSUPPORTED');
      expect(await inner.list(null, 9)).toEqual([]);
    }
    const [to, inner] = without(...forks, 'keepSnapshot', 'keepAttempt');
    expect(await copyRun(from, to, 'root', { snapshots: 'pinned' })).toMatchObject({ records: 11 });
    expect(await hashesOf(inner as Store, 'root')).toEqual(await hashesOf(from, 'root'));
  });

  test('arguments that mean nothing, and runs that there are not', async () => {
    const [from, to] = [await tree(), memoryStore()];
    const copy = copyRun as unknown as (...given: unknown[]) => Promise<unknown>;
    expect(await codeOf(() => copy({}, to, 'root'))).toBe('BAD_USAGE');
    expect(await codeOf(() => copy(from, {}, 'root'))).toBe('BAD_USAGE');
    expect(await codeOf(() => copy(from, to, ''))).toBe('BAD_USAGE');
    for (const wrong of [{ as: 'x' }, { tree: 1 }, { snapshots: false }, { onProgress: 1 }, { signal: 1 }])
      expect(await codeOf(() => copy(from, to, 'root', wrong))).toBe('BAD_USAGE');
    expect(await codeOf(() => copy(from, to, 'nope'))).toBe('UNKNOWN_RUN');
    expect(await ids(to)).toEqual([]);
  });
});

describe('a long copy', () => {
  test('tells how far it is, and stops when it is told to; made again, it goes on', async () => {
    const from = memoryStore();
    await grown(from, 'root', 1000);
    const stop = new AbortController();
    const to = meddled();
    to.after.append = () => stop.abort();
    const heard: number[] = [];
    const onProgress = ({ records, target }: { records: number; target: number }) => {
      expect(target).toBe(1001);
      heard.push(records);
    };
    const report = await copyRun(from, to, 'root', { signal: stop.signal, onProgress });
    expect(report).toMatchObject({ complete: false });
    expect(report.records).toBeLessThan(1001);
    expect(heard.at(-1)).toBe(report.records);
    expect(await codeOf(() => openRun(grove(1), { store: to, id: 'root' }).then((r) => r.close()))).toBe(
      'done',
    );
    expect(await copyRun(from, to, 'root')).toMatchObject({ complete: true, records: 1001 - report.records });
    expect(await hashesOf(to, 'root')).toEqual(await hashesOf(from, 'root'));
  });

  test('L7: copies the head as it was when it began, while the source goes on', async () => {
    const from = await tree();
    const to = meddled();
    to.before.create = () => grown(from, 'root', 5);
    expect(await copyRun(from, to, 'root')).toMatchObject({ runs: [{ id: 'root', tick: 10 }] });
    expect((await to.head('root'))!.segment.head.tick).toBe(10);
    expect(await copyRun(from, to, 'root')).toMatchObject({ records: 5 });
  });
});
