import { describe, expect, test } from 'vitest';
import { hamlet, hamletSchema } from '../../test/support/hamlet.ts';
import { caught, codeOf, framesOf, hashesOf, meddled, rowsOf } from '../../test/support/runs.ts';
import { hex } from '../base/bytes.ts';
import { fail } from '../base/errors.ts';
import { parseChange } from '../log/environment.ts';
import { memoryStore } from '../log/memory-store.ts';
import type { Store } from '../log/store.ts';
import { createRun } from './create-run.ts';
import { defineWorld } from './define-world.ts';
import { openRun } from './open-run.ts';

const stateHashes = async (store: Store, id: string): Promise<(string | null)[]> =>
  (await framesOf(store, id)).map(({ stateHash }) => stateHash && hex(stateHash));

/** A parent of 20 ticks with inputs at ticks 4, 8, 12 and 16, from a source and without one. */
async function parentRun(store = memoryStore()) {
  const run = await createRun(hamlet(), { store, seed: 's', id: 'parent', snapshots: { every: 6 } });
  for (let tick = 1; tick <= 20; tick++) {
    if (tick % 4 === 0) {
      run.submit.priced({ price: tick }, { source: 'desk', seq: tick });
      run.submit.joined({ name: `newcomer ${tick}`, bag: [tick] });
    }
    await run.advance(1);
  }
  return { store, run };
}

describe('L6: a fork', () => {
  test('begins in the world of its tick and goes on as its parent, with its later inputs kept', async () => {
    const { store, run } = await parentRun();
    const before = await hashesOf(store, 'parent');
    const parent = await stateHashes(store, 'parent');
    for (const at of [0, 3, 6, 7, 13, 20]) {
      const fork = await run.fork({ at, later: 'keep', id: `from ${at}` });
      expect([fork.tick, fork.durableTick, fork.id]).toEqual([at, at, `from ${at}`]);
      expect(rowsOf(fork.world)).toEqual(rowsOf(await run.at(at)));
      await fork.advance(20 - at);
      await fork.close();
      expect(await stateHashes(store, `from ${at}`)).toEqual(parent);
    }
    expect(await hashesOf(store, 'parent')).toEqual(before);
  });

  test('that kept a snapshot of the world it begins with hands its change to no fork at that tick', async () => {
    const { store, run } = await parentRun();
    const changed = await run.fork({ at: 7, id: 'changed', seed: 'other', config: { rate: 0.9 } });
    await changed.snapshot();
    const plain = await changed.fork({ at: 7, id: 'plain' });
    await plain.advance(5);
    await plain.close();
    const twin = await run.fork({ at: 7, id: 'twin' });
    await twin.advance(5);
    await twin.close();
    expect(await hashesOf(store, 'plain')).toEqual(await hashesOf(store, 'twin'));
    await changed.close();
    const reopened = await openRun(hamlet(), { store, id: 'changed' });
    await reopened.advance(2);
    await reopened.close();
    expect(parseChange((await framesOf(store, 'changed'))[8]!.environment!).seed).toBe('other');
  });

  test('drops the later inputs, or takes those that it is told to', async () => {
    const { store, run } = await parentRun();
    const dropped = await run.fork({ at: 7 });
    await dropped.advance(13);
    const names = (world: { people: Iterable<{ name: string | null }> }): (string | null)[] =>
      [...world.people].map(({ name }) => name).filter((name) => name?.startsWith('newcomer'));
    expect(names(dropped.world)).toEqual(['newcomer 4']);
    const asked: [string, number][] = [];
    const chosen = await run.fork({
      at: 7,
      id: 'chosen',
      later: ([kind, row], tick) => {
        asked.push([kind, tick]);
        return kind === 'joined' && row.name !== 'newcomer 12';
      },
    });
    await chosen.advance(5);
    await chosen.close();
    expect(await codeOf(() => openRun(hamlet(), { store, id: 'chosen' }))).toBe('BAD_USAGE');
    const again = await openRun(hamlet(), { store, id: 'chosen', later: ([kind]) => kind === 'joined' });
    await again.advance(8);
    expect(names(again.world).sort()).toEqual(['newcomer 16', 'newcomer 20', 'newcomer 4', 'newcomer 8']);
    expect(asked).toEqual([8, 8, 12, 12].map((tick, i) => [i % 2 ? 'joined' : 'priced', tick]));
  });

  test('keeps taking its inputs after it was opened again', async () => {
    const { store, run } = await parentRun();
    const fork = await run.fork({ at: 5, later: 'keep', id: 'f' });
    await fork.advance(4);
    await fork.close();
    const again = await openRun(hamlet(), { store, id: 'f' });
    await again.advance(11);
    await again.close();
    expect(await stateHashes(store, 'f')).toEqual(await stateHashes(store, 'parent'));
  });

  test('changes seed, config and inputs in its first own record, with the reason', async () => {
    const { store, run } = await parentRun();
    const fork = await run.fork({
      at: 10,
      because: 'what if',
      config: { rate: 0.9 },
      seed: 'other',
      inputs: [
        ['priced', { price: 77 }],
        ['joined', { name: 'Eve' }],
      ],
      id: 'f',
    });
    fork.submit.priced({ price: 78 });
    await fork.close();
    const again = await openRun(hamlet(), { store, id: 'f' });
    await again.advance(2);
    await again.flush();
    const frames = await framesOf(store, 'f');
    expect(frames.slice(1).filter(({ environment }) => environment !== null)).toHaveLength(1);
    const change = parseChange(frames[11]!.environment!);
    expect(change).toMatchObject({ seed: 'other', fork: { because: 'what if', later: 'drop' } });
    expect(change.config).toContain('0.9');
    const prices = [];
    for await (const { tick, price } of again.events('priced', { from: 11 })) prices.push([tick, price]);
    expect(prices).toEqual([[11, 77]]);
    const eve = [...again.world.people].filter(({ name }) => name === 'Eve');
    expect(eve).toHaveLength(1);
    const replayed = await again.at(12);
    expect(rowsOf(replayed)).toEqual(rowsOf(again.world));
  });

  test('keeps the columns of the config that are undefined in its change', async () => {
    const store = memoryStore();
    const run = await createRun(hamlet(), { store, seed: 's', config: { rate: 0.7 } });
    const fork = await run.fork({ at: 0, id: 'f', config: { rate: undefined, last: 5 } as never });
    await fork.advance(1);
    await fork.close();
    const { config } = parseChange((await framesOf(store, 'f'))[1]!.environment!);
    expect(config).toContain('["last",5],["rate",0.7]');
  });

  test('stores no record of its parent, at any depth, and may begin before its own fork point', async () => {
    const { store, run } = await parentRun();
    let last: { id: string; fork: typeof run.fork; advance: typeof run.advance } = run;
    for (let depth = 1; depth <= 12; depth++) {
      const next = await last.fork({ at: 5 + depth, id: `d${depth}`, later: 'drop' });
      await next.advance(2);
      await next.flush();
      last = next;
    }
    const info = (await store.head('d12'))!.segment;
    expect((await store.lineage(info.id)).length).toBe(13);
    for (const { id, parent, head } of await store.lineage(info.id)) {
      const from = parent === null ? 0 : parent.tick + 1;
      const { records } = await store.read(id, from, { records: 100, bytes: 1e9 });
      expect(records.map(({ tick }) => tick)).toEqual(
        Array.from({ length: head.tick - from + 1 }, (_, i) => from + i),
      );
    }
    const early = await last.fork({ at: 2, id: 'early' });
    expect((await store.head('early'))!.segment.parent).toEqual({
      segment: (await store.head('parent'))!.segment.id,
      tick: 2,
    });
    expect(rowsOf(early.world)).toEqual(rowsOf(await run.at(2)));
  });

  test('makes durable what its parent computed up to its tick', async () => {
    const store = memoryStore();
    const run = await createRun(hamlet(), { store, seed: 's', id: 'r', commit: { ticks: 1000, ms: 1e9 } });
    await run.advance(9);
    expect(run.durableTick).toBe(0);
    const fork = await run.fork({ at: 7 });
    expect(run.durableTick).toBe(9);
    expect(fork.durableTick).toBe(7);
  });

  test.each([true, false])(
    'names later inputs that were collected, with another fork there: %s',
    async (other) => {
      const { store, run } = await parentRun();
      const fork = await run.fork({ at: 9, id: 'f', later: 'keep' });
      if (other) await (await run.fork({ at: 13, id: 'g' })).close();
      await run.close();
      await store.remove('parent', false);
      while ((await store.collect(100)) > 0);
      expect(await codeOf(() => fork.advance(1))).toBe('NO_STATE');
      await fork.close();
      const again = await openRun(hamlet(), { store, id: 'f', later: 'drop' });
      await again.advance(1);
      expect(again.tick).toBe(10);
    },
  );

  test('outlives the name of its parent', async () => {
    const { store, run } = await parentRun();
    const fork = await run.fork({ at: 9, id: 'f' });
    const world = rowsOf(await run.at(5));
    await run.close();
    await store.remove('parent', false);
    while ((await store.collect(3)) > 0);
    expect(rowsOf(await fork.at(5))).toEqual(world);
    await fork.close();
    const again = await openRun(hamlet(), { store, id: 'f' });
    expect(rowsOf(await again.at(5))).toEqual(world);
    await again.advance(2);
    expect(again.tick).toBe(11);
  });

  test('names the inputs that are collected while it reads them, and does not take them for lost', async () => {
    const { store: inner, run } = await parentRun();
    await run.close();
    let removes = false;
    const store: Store = {
      ...inner,
      read: async (...given) => {
        if (removes) {
          removes = false;
          await inner.remove('parent', true);
          await inner.collect(Number.POSITIVE_INFINITY);
        }
        return inner.read(...given);
      },
    };
    const parent = await openRun(hamlet(), { store, id: 'parent', snapshots: false });
    const fork = await parent.fork({ at: 9, id: 'f', later: 'keep' });
    removes = true;
    expect(await caught(() => fork.advance(3))).toMatchObject({ code: 'NO_STATE', facts: { run: 'f' } });
  });
});

describe('a fork is refused', () => {
  test.each([
    ['a tick to come', { at: 21 }, 'NO_TICK'],
    ['a tick before the first', { at: -1 }, 'NO_TICK'],
    ['half a tick', { at: 1.5 }, 'NO_TICK'],
    ['no tick', {}, 'NO_TICK'],
    ['a config that does not fit', { at: 3, config: { rate: 'high' } }, 'BAD_INPUT'],
    ['a config column that is not there', { at: 3, config: { rat: 1 } }, 'BAD_INPUT'],
    ['an input of no kind', { at: 3, inputs: [['sung', {}]] }, 'BAD_INPUT'],
    ['an input that does not fit', { at: 3, inputs: [['priced', { price: 'a lot' }]] }, 'BAD_INPUT'],
    ['inputs that are no list', { at: 3, inputs: { priced: 1 } }, 'BAD_USAGE'],
    ['an id that is taken', { at: 3, id: 'parent' }, 'EXISTS'],
    ['an option that is not there', { at: 3, when: 4 }, 'BAD_USAGE'],
    ['a reason that is no text', { at: 3, because: 4 }, 'BAD_USAGE'],
    ['later inputs of no kind', { at: 3, later: 'all' }, 'BAD_USAGE'],
    ['an empty seed', { at: 3, seed: '' }, 'BAD_USAGE'],
  ] as const)('%s', async (_, options, code) => {
    const { store, run } = await parentRun();
    expect(await codeOf(() => run.fork(options as never))).toBe(code);
    expect((await store.list(null, 10)).map(({ id }) => id)).toEqual(['parent']);
  });

  test.each([
    [['sung', {}], "there is no input of kind 'sung'"],
    ['priced', "an input of a fork is [kind, row], and not 'priced'"],
    [null, 'an input of a fork is [kind, row], and not null'],
  ] as const)('with the input that it was given: %o', async (input, why) => {
    const { run } = await parentRun();
    const { message } = await caught(() => run.fork({ at: 3, inputs: [input] } as never));
    expect(message).toBe(`run 'parent': ${why}`);
  });

  test('where the world of its tick cannot be rebuilt, by name (C7)', async () => {
    const inner = memoryStore();
    const { run } = await parentRun(inner);
    await run.close();
    const store: Store = {
      ...inner,
      snapshots: async (segment) => (await inner.snapshots(segment)).slice(-1),
      read: async (segment, from, limit) => {
        const page = await inner.read(segment, from, limit);
        const bad = page.records.map((record) =>
          record.tick === 4
            ? { ...record, bytes: record.bytes.map((b, i) => (i === 30 ? b ^ 1 : b)) }
            : record,
        );
        return { ...page, records: bad };
      },
    };
    const again = await openRun(hamlet(), { store, id: 'parent' });
    expect(await caught(() => again.fork({ at: 5 }))).toMatchObject({
      code: 'NO_STATE',
      facts: { run: 'parent', tick: 4 },
    });
    expect(await codeOf(() => again.at(5))).toBe('NO_STATE');
    expect((await again.fork({ at: 20 })).tick).toBe(20);
  });

  test.each([
    ['the end of the world throws under its change', { at: 3, config: { last: 7 } }, 'TICK_FAILED'],
    ['an era can not begin with it', { at: 3 }, 'STORE_FAILED'],
  ] as const)('L2: where %s, and no run is left of it', async (why, options, code) => {
    const store = meddled();
    const world = hamlet();
    const def = {
      ...world.def,
      until: (_: object, { config }: { config: { last: number } }) => {
        if (config.last === 7) throw new Error('seven');
        return false;
      },
      ...(code === 'STORE_FAILED' && { apply: { ...world.def.apply, priced: () => {} } }),
    };
    const first = await createRun(hamlet(), { store, seed: 's', id: 'parent', snapshots: { every: 3 } });
    first.submit.priced({ price: 1 });
    await first.advance(6);
    await first.close();
    const changed = defineWorld(hamletSchema, def as never) as unknown as typeof world;
    const run = await openRun(changed, { store, id: 'parent', adopt: true });
    store.before.keepSnapshot = () => {
      if (code === 'STORE_FAILED') fail('STORE_FAILED', why);
    };
    expect(await codeOf(() => run.fork({ ...options, id: 'f' }))).toBe(code);
    expect((await store.list(null, 10)).map(({ id }) => id)).toEqual(['parent']);
    store.before = {};
    const again = await run.fork({ at: 3, id: 'f' });
    await again.advance(1);
    expect(again.tick).toBe(4);
  });

  test('its first tick fails, and goes on failing, where an input of it does not apply', async () => {
    const { run } = await parentRun();
    const world = hamlet((place) => {
      if (place === 'apply priced 13') throw new Error('never thirteen');
    });
    await run.close();
    const store = memoryStore();
    const again = await createRun(world, { store, seed: 's', id: 'p' });
    await again.advance(3);
    const fork = await again.fork({ at: 2, inputs: [['priced', { price: 13 }]], id: 'f' });
    expect(await caught(() => fork.advance(1))).toMatchObject({ code: 'BAD_INPUT', facts: { run: 'f' } });
    expect([fork.tick, fork.state]).toEqual([2, 'failed']);
    expect(await codeOf(() => fork.advance(1))).toBe('BAD_INPUT');
  });
});
