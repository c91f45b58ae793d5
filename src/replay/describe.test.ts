import { describe, expect, test } from 'vitest';
import { hamlet } from '../../test/support/hamlet.ts';
import { codeOf, framesOf } from '../../test/support/runs.ts';
import { tally } from '../../test/support/tally.ts';
import { memoryStore } from '../log/memory-store.ts';
import type { Store } from '../log/store.ts';
import { t } from '../schema/columns.ts';
import { defineSchema } from '../schema/define.ts';
import { singleton } from '../schema/tables.ts';
import { createRun } from '../simulation/create-run.ts';
import { defineWorld } from '../simulation/define-world.ts';
import { describeRun, listRuns } from './describe.ts';

const clocks = { wall: () => 1234, steady: () => 0 };

describe('listRuns', () => {
  test('gives every run in order of id with its durable head and its header, over many pages', async () => {
    const store = memoryStore();
    expect(await listRuns(store)).toEqual([]);
    const ids = Array.from({ length: 300 }, (_, i) => `r${(i * 7919) % 1000}`);
    for (const id of ids) await (await createRun(tally(), { store, seed: id, id, clocks })).close();
    const runs = await listRuns(store);
    expect(runs.map(({ id }) => id)).toEqual([...ids].sort());
    expect(runs[0]).toEqual({
      id: [...ids].sort()[0],
      tick: 0,
      header: {
        world: 'tally',
        version: 1,
        fingerprint: tally().schema.compiled.fingerprint,
        seed: [...ids].sort()[0],
        config: {},
        createdAt: 1234,
        engine: expect.objectContaining({ node: process.versions.node, arch: process.arch }),
        code: expect.stringMatching(/^[0-9a-f]{16}$/),
        hints: {},
      },
    });
  });

  test('passes over a run that is removed and collected while it lists', async () => {
    const inner = memoryStore();
    for (const id of ['a', 'b', 'c'])
      await (await createRun(tally(), { store: inner, seed: id, id, clocks })).close();
    let removes = true;
    const store: Store = {
      ...inner,
      read: async (...given) => {
        if (removes) {
          removes = false;
          await inner.remove('b', true);
          await inner.collect(Number.POSITIVE_INFINITY);
        }
        return inner.read(...given);
      },
    };
    expect((await listRuns(store)).map(({ id }) => id)).toEqual(['a', 'c']);
    const gone: Store = { ...inner, read: async () => ({ records: [], next: null }) };
    expect(await codeOf(() => listRuns(gone))).toBe('NO_RECORD');
  });

  test('tells hints, and code by its text', async () => {
    const store = memoryStore();
    const code = async (id: string, world: ReturnType<typeof tally>) => {
      await createRun(world, { store, seed: 's', id, hints: { who: id } });
      return (await listRuns(store)).find((run) => run.id === id)!.header;
    };
    const first = await code('a', tally());
    expect(first.hints).toEqual({ who: 'a' });
    expect((await code('b', tally())).code).toBe(first.code);
    expect((await code('c', tally({ apply: { add: () => {} } }))).code).not.toBe(first.code);
  });
});

describe('describeRun', () => {
  test('tells what the log holds, without the world', async () => {
    const store = memoryStore();
    const run = await createRun(hamlet(), { store, seed: 's', id: 'r', config: { rate: 0.5 }, hashEvery: 4 });
    run.submit.joined({ name: 'x' }, { source: 'door', seq: 1 });
    await run.advance(4);
    const { stateHash } = await run.advance(0);
    await run.advance(2);
    const metrics = await run.metrics();
    await run.close();
    const frames = await framesOf(store, 'r');
    const described = await describeRun(store, 'r');
    expect(described).toMatchObject({
      ...{ id: 'r', tick: 6, stateHash, stateHashTick: 4, metrics },
      config: { rate: 0.5, last: 1_000_000 },
      recordHash: Buffer.from(frames.at(-1)!.hash).toString('hex'),
      bytes: frames.reduce((sum, { bytes }) => sum + bytes.length, 0),
    });
    expect(described.events).toMatchObject({ joined: 1, sold: 18, '+market': 1, '+people': 21, $source: 1 });
    expect(await codeOf(() => describeRun(store, 'x'))).toBe('UNKNOWN_RUN');
  });

  test('gives config back as it was given', async () => {
    const schema = defineSchema({
      name: 'odd',
      version: 1,
      config: {
        big: t.u64().default(2n ** 63n),
        minus: t.f64().default(-0),
        list: t.list(t.u8()).default([]),
      },
      tables: { one: singleton({ n: t.u8().default(0) }) },
    });
    const world = defineWorld(schema, { setup() {}, apply: {}, systems: [] });
    const store = memoryStore();
    await createRun(world, { store, seed: 's', id: 'r', config: { list: [1, 2] } });
    expect((await describeRun(store, 'r')).config).toEqual({ big: 2n ** 63n, minus: -0, list: [1, 2] });
  });
});
