/** What the properties have found, each as small as it became. */
import { expect, test } from 'vitest';
import { memoryStore } from '../../src/log/memory-store.ts';
import { decodeFrame, encodeRecord, NO_HASH } from '../../src/log/record.ts';
import { replay } from '../../src/replay/replay.ts';
import { t } from '../../src/schema/columns.ts';
import { defineSchema } from '../../src/schema/define.ts';
import { event, fact, table } from '../../src/schema/tables.ts';
import { createRun } from '../../src/simulation/create-run.ts';
import { defineWorld } from '../../src/simulation/define-world.ts';

const schema = defineSchema({
  name: 'found',
  version: 1,
  tables: { people: table({ id: t.id(), at: t.vec(1, 'i32').default([5]) }) },
  events: {
    joined: event({}),
    named: fact({ who: t.newId('people') }),
    paired: fact({ a: t.newId('people'), b: t.newId('people'), n: t.u8().default(0) }),
  },
});

test('L3: a vec of one number is found by count as by where', async () => {
  const world = defineWorld(schema, {
    setup({ insert }) {
      insert.people({ at: [5] });
      insert.people({ at: [6] });
    },
    apply: { joined: (w) => void w.people.insert({}) },
    systems: [],
  });
  const { people } = (await createRun(world, { store: memoryStore(), seed: 's' })).world;
  expect([...people.where({ at: [5] })].length).toBe(1);
  expect(people.count({ at: [5] })).toBe(1);
});

test('L3: ids of rows and events of one setup are the same in a replay', async () => {
  const world = defineWorld(schema, {
    setup({ insert, emit }) {
      expect(insert.people({})).toBe(1);
      emit.joined();
      expect(insert.people({})).toBe(2);
    },
    apply: { joined: (w) => void w.people.insert({}) },
    systems: [],
  });
  const store = memoryStore();
  const run = await createRun(world, { store, seed: 's', id: 'r' });
  expect([...run.world.people].map(({ id }) => id)).toEqual([1, 3, 2]);
  expect((await replay(world, { store, id: 'r' })).compared).toBe(1);
});

test('L3: an id that an event names is not handed out again, at once or after', async () => {
  for (const effects of ['at-once', 'after'] as const) {
    const name = schema.system('name', { effects }, ({ emit, tick }) => {
      if (tick !== 1) return;
      emit.named({ who: 9 });
      expect(emit.named()).toBe(10);
      expect(emit.paired()).toEqual({ a: 11, b: 12 });
      emit.paired.many({ a: [20, 21], b: [30, 31] });
    });
    const join = schema.system('join', { effects }, ({ emit }) => emit.joined());
    const world = defineWorld(schema, {
      setup() {},
      apply: { joined: (w) => void w.people.insert({}) },
      systems: [name, join],
    });
    const store = memoryStore();
    const run = await createRun(world, { store, seed: 's', id: 'r' });
    await run.advance(2);
    await run.flush();
    expect([...run.world.people].map(({ id }) => id)).toEqual([32, 33]);
    expect((await replay(world, { store, id: 'r' })).compared).toBe(3);
  }
});

test('L3: events that are emitted as columns get the ids that they would get one by one', async () => {
  const pair = schema.system('pair', ({ emit }) => {
    emit.paired({});
    emit.paired({});
    emit.paired.many({ n: [7, 8] });
  });
  const world = defineWorld(schema, {
    setup() {},
    apply: { joined: () => {} },
    systems: [pair],
  });
  const run = await createRun(world, { store: memoryStore(), seed: 's' });
  await run.advance(1);
  const ids: (readonly [number, number])[] = [];
  for await (const { a, b } of run.events('paired')) ids.push([a, b]);
  expect(ids).toEqual([
    [1, 2],
    [3, 4],
    [5, 6],
    [7, 8],
  ]);
});

test('L12: a record that is cut within its metadata is named with its place', () => {
  const content = {
    tick: 0,
    sequence: 0,
    previous: NO_HASH,
    environment: null,
    waves: [],
    batches: [],
    draws: [],
    stateHash: null,
  };
  // The checksum of nothing is zero, as are the first bytes of a time of zero.
  const { bytes } = encodeRecord(content, { time: 0, metricNames: null, metrics: [] });
  const cut = bytes.slice(0, decodeFrame(bytes, {}).end + 32 + 4);
  expect(() => decodeFrame(cut, { segment: 's', tick: 0 })).toThrow(
    expect.objectContaining({ code: 'CORRUPT', facts: expect.objectContaining({ segment: 's', tick: 0 }) }),
  );
});
