import { describe, expect, test, vi } from 'vitest';
import { hamlet } from '../../test/support/hamlet.ts';
import { hashesOf, rowsOf, settled } from '../../test/support/runs.ts';
import { rootPath } from '../log/lineage.ts';
import { memoryStore } from '../log/memory-store.ts';
import type { SnapshotInfo, Store, StoredSnapshot } from '../log/store.ts';
import { createRun } from './create-run.ts';
import { openRun } from './open-run.ts';
import { restore, UNKNOWN_LOG } from './restore.ts';
import { newEngine } from './run-options.ts';
import { thinned } from './snapshots.ts';
import type { AnyWorld } from './world.ts';

const segmentOf = async (store: Store, id: string): Promise<string> => (await store.head(id))!.segment.id;
const ticksOf = async (store: Store, id = 'r'): Promise<number[]> =>
  (await store.snapshots(await segmentOf(store, id))).map(({ tick }) => tick);

/** A store that counts what is read of it, and may show snapshots as damaged. */
function watched(inner: Store, damage: (stored: StoredSnapshot) => StoredSnapshot = (stored) => stored) {
  const read = { records: 0 };
  const store: Store = {
    ...inner,
    read: async (segment, from, limit) => {
      const page = await inner.read(segment, from, limit);
      read.records += page.records.length;
      return page;
    },
    readSnapshot: async (segment, tick) => {
      const stored = await inner.readSnapshot(segment, tick);
      return stored && damage(stored);
    },
  };
  return { store, read };
}

describe('snapshots of a run', () => {
  test('are kept every n ticks and at the close, and none where none are wanted', async () => {
    const store = memoryStore();
    const run = await createRun(hamlet(), { store, seed: 's', id: 'r', snapshots: { every: 5, keep: 100 } });
    await run.advance(12);
    expect(await ticksOf(store)).toEqual([5, 10]);
    await run.close();
    expect(await ticksOf(store)).toEqual([5, 10, 12]);
    const none = await createRun(hamlet(), { store, seed: 's', id: 'n', snapshots: false });
    await none.advance(12);
    await none.close();
    expect(await ticksOf(store, 'n')).toEqual([]);
    expect(await hashesOf(store, 'n')).toEqual(await hashesOf(store, 'r'));
  });

  test('L4: one asked for while the world would move on holds the world of its tick', async () => {
    const inner = memoryStore();
    const slow = <A extends unknown[], R>(call: (...given: A) => Promise<R>) => {
      return async (...given: A): Promise<R> => {
        await settled();
        return call(...given);
      };
    };
    const store: Store = {
      ...inner,
      append: slow(inner.append),
      keepSnapshot: slow(inner.keepSnapshot),
    };
    const commit = { ticks: 1e6, ms: 1e6 };
    const snapshots = { every: 1e6, keep: 100, onClose: false };
    const run = await createRun(hamlet(), { store, seed: 's', id: 'r', commit, snapshots });
    const worlds = new Map([[0, rowsOf(run.world)]]);
    run.on('computed', ({ tick }) => void worlds.set(tick, rowsOf(run.world)));
    await run.advance(3);
    const asked = [run.snapshot(), run.snapshot({ pin: true })];
    const advanced = run.advance(3);
    expect(await Promise.all(asked)).toEqual([{ tick: 3 }, { tick: 3 }]);
    expect((await advanced).tick).toBe(6);
    const last = run.snapshot();
    await run.close();
    expect(await last).toEqual({ tick: 6 });
    expect(await ticksOf(store)).toEqual([3, 6]);
    const again = await openRun(hamlet(), { store, id: 'r', snapshots: false });
    for (const tick of [3, 6]) expect(rowsOf(await again.at(tick))).toEqual(worlds.get(tick));
  });

  test('L4: a world from a snapshot has the hash of the folded one, and goes on as it would have', async () => {
    const store = memoryStore();
    const whole = await createRun(hamlet(), { store, seed: 's', id: 'w', snapshots: false });
    await whole.advance(40);
    const run = await createRun(hamlet(), { store, seed: 's', id: 'r', snapshots: { every: 7 } });
    await run.advance(24);
    await run.close();
    const again = await openRun(hamlet(), { store, id: 'r' });
    await again.advance(16);
    await whole.close();
    await again.close();
    expect(await hashesOf(store, 'r')).toEqual(await hashesOf(store, 'w'));
    const source = { store, path: rootPath(await segmentOf(store, 'r')), durableTick: 40, undurable: [] };
    for (const tick of await ticksOf(store)) {
      const engines = [null, ''].map(async (code) => {
        const engine = newEngine(hamlet() as never as AnyWorld, {});
        await restore(engine, source, tick, {
          code,
          compare: 'none',
          known: UNKNOWN_LOG,
          onDamage: () => {},
        });
        return { hash: engine.stateHash(), from: engine.from?.manifest.point.tick ?? -1 };
      });
      const [quick, folded] = await Promise.all(engines);
      expect(quick).toEqual({ hash: folded!.hash, from: tick });
      expect(folded!.from).toBe(-1);
    }
  });

  test('opening reads one snapshot and at most one interval of the log', async () => {
    const inner = memoryStore();
    const run = await createRun(hamlet(), { store: inner, seed: 's', id: 'r', snapshots: { every: 20 } });
    await run.advance(215);
    await run.flush();
    const { store, read } = watched(inner);
    const again = await openRun(hamlet(), { store, id: 'r', takeover: true });
    expect(again.tick).toBe(215);
    // The tail twice, once for the last recorded hash, and the record of the snapshot.
    expect(read.records).toBeLessThanOrEqual(2 * 20 + 2);
  });

  test('a dropped input rebuilds the world from a snapshot', async () => {
    const { store, read } = watched(memoryStore());
    const run = await createRun(hamlet(), { store, seed: 's', id: 'r', snapshots: { every: 10 } });
    await run.advance(100);
    read.records = 0;
    let armed = true;
    const failing = hamlet((place) => {
      if (armed && place === 'apply priced 13') throw new Error('no');
    });
    await run.close();
    const again = await openRun(failing, { store, id: 'r', snapshots: { every: 10 } });
    read.records = 0;
    const { applied } = again.submit.priced({ price: 13 });
    await again.advance(1);
    await expect(applied).rejects.toMatchObject({ code: 'BAD_INPUT' });
    armed = false;
    expect(read.records).toBeLessThanOrEqual(3);
    await again.close();
  });

  test('L12: a damaged snapshot is told of, passed over, and replaced; the world comes from the log', async () => {
    const inner = memoryStore();
    const run = await createRun(hamlet(), {
      store: inner,
      seed: 's',
      id: 'r',
      snapshots: { every: 5, keep: 9 },
    });
    const { stateHash } = await run.advance(12);
    await run.close();
    const { store } = watched(inner, (stored) => {
      if (stored.tick < 10) return stored;
      const manifest = stored.manifest.slice();
      manifest[60]! ^= 4;
      return { ...stored, manifest };
    });
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const again = await openRun(hamlet(), { store, id: 'r' });
    expect((await again.advance(0)).stateHash).toBe(stateHash);
    expect(warned.mock.calls.map(([text]) => String(text))).toEqual([
      expect.stringMatching(/snapshot of tick 12 .* is not used/),
      expect.stringMatching(/snapshot of tick 10 .* is not used/),
    ]);
    warned.mockRestore();
    expect(await ticksOf(inner)).toEqual([5, 12]);
    await again.close();
  });

  test('a pinned one stays, and losing all others loses nothing', async () => {
    const store = memoryStore();
    const run = await createRun(hamlet(), { store, seed: 's', id: 'r', snapshots: { every: 2, keep: 1 } });
    await run.advance(3);
    expect(await run.snapshot({ pin: true })).toEqual({ tick: 3 });
    await run.advance(60);
    await run.close();
    const segment = await segmentOf(store, 'r');
    const kept = await store.snapshots(segment);
    expect(kept.find(({ tick }) => tick === 3)?.pinned).toBe(true);
    expect(kept.length).toBeLessThan(12);
    await store.dropSnapshots(
      segment,
      kept.map(({ tick }) => tick),
    );
    expect(await ticksOf(store)).toEqual([3]);
    while ((await store.collect(10)) > 0);
    const twin = await createRun(hamlet(), { store, seed: 's', id: 't' });
    const { stateHash } = await twin.advance(63);
    const again = await openRun(hamlet(), { store, id: 'r' });
    expect((await again.advance(0)).stateHash).toBe(stateHash);
  });
});

describe('thinning', () => {
  const infos = (ticks: readonly number[], pinned: readonly number[] = []): SnapshotInfo[] =>
    ticks.map((tick) => ({ segment: 's', tick, pinned: pinned.includes(tick), bytes: 1 }));

  test('keeps the newest, and one for each doubling of the distance', () => {
    let kept: number[] = [];
    for (let tick = 10; tick <= 10_000; tick += 10) {
      kept.push(tick);
      const gone = thinned(infos(kept), 4);
      kept = kept.filter((one) => !gone.includes(one));
    }
    expect(kept.slice(-4)).toEqual([9970, 9980, 9990, 10_000]);
    expect(kept.length).toBeLessThan(4 + 11);
    expect(kept[0]).toBeLessThan(5_000);
  });

  test('never lets a pinned one go, nor counts it among the newest', () => {
    const gone = thinned(infos([1, 2, 3, 4, 5, 6, 7, 8], [2, 8]), 1);
    expect(gone).not.toContain(2);
    expect(gone).not.toContain(8);
    expect(gone).not.toContain(7);
  });
});
