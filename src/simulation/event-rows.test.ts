import { describe, expect, test } from 'vitest';
import { bank, recorded } from '../../test/support/bank.ts';
import { type EventRow, eventRowsOf } from '../../test/support/event-rows.ts';
import { hamlet, hamletSchema } from '../../test/support/hamlet.ts';
import { codeOf, collect, framesOf, hashesOf } from '../../test/support/runs.ts';
import { memoryStore } from '../log/memory-store.ts';
import { t } from '../schema/columns.ts';
import { defineSchema } from '../schema/define.ts';
import { event, fact, table } from '../schema/tables.ts';
import { createRun } from './create-run.ts';
import { defineWorld } from './define-world.ts';
import { eventChanges, eventTable } from './event-rows.ts';
import { openRun } from './open-run.ts';
import type { AnyWorld } from './world.ts';

const numbered = (rows: readonly EventRow[]): void =>
  expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, i) => i));

describe('the table of events', () => {
  test('is one for all worlds, with the run, a key and an index', () => {
    const table = eventTable('postgres');
    expect(table).toMatchObject({
      wanted: 'events',
      identity: 'events 1',
      role: 'events',
      runColumn: 'run_id',
      key: ['seq'],
      index: ['kind', 'agent_id', 't'],
    });
    const names = table.columns.map(({ name }) => name);
    expect(names).toEqual(['agent_id', 't', 'seq', 'kind', 'payload_json', 'ts', 'schema_version']);
    expect(eventTable('sqlite')).toEqual({ ...table, columns: eventTable('sqlite').columns });
  });
  test('is given what a record holds, and nothing is taken from it', async () => {
    const store = memoryStore();
    await recorded(store, 1);
    const [, frame] = await framesOf(store, 'r');
    const world = bank(1) as object as AnyWorld;
    expect(eventChanges(world, world.schema.compiled.text, frame!)).toEqual({
      role: 'events',
      removed: [[]],
      written: [[null], [1], [0], ['added'], ['{"n":1}'], [Math.floor(frame!.meta.time)], [1]],
    });
  });
});

describe('event rows of a run', () => {
  test('L14: count every event of the log, those of the setup and of sources too', async () => {
    const store = memoryStore();
    const run = await createRun(hamlet(), { store, seed: 's', id: 'r' });
    run.submit.joined({ name: 'x' }, { source: 'door', seq: 1 });
    await run.advance(10);
    await run.flush();
    const rows = await eventRowsOf(hamlet(), store, 'r');
    numbered(rows);
    const kinds = new Set(rows.map(({ kind }) => kind));
    for (const kind of ['+people', '+ties', '+market', '$source', 'joined', 'moved', 'fell'])
      expect(kinds.has(kind), kind).toBe(true);
    expect(rows.every(({ agent_id }) => agent_id === null)).toBe(true);
    for (const { name } of hamletSchema.compiled.kinds) {
      const events = await collect(run.events(name as 'moved'));
      // A column of that name stands in the place of the number: see '$source'.
      const own = rows.filter(({ kind }) => kind === name);
      expect(own.map(({ seq, t, payload_json }) => ({ tick: t, seq, ...JSON.parse(payload_json) }))).toEqual(
        events,
      );
    }
    await run.close();
  });
  test('L14: go on after ticks without an event', async () => {
    const schema = defineSchema({
      name: 'quiet',
      version: 1,
      tables: {},
      events: { rang: fact({ n: t.u32() }, { agent: 'n' }) },
    });
    const rings = schema.system('rings', { every: 4 }, ({ emit, tick }) => void emit.rang({ n: tick }));
    const world = defineWorld(schema, { setup() {}, apply: {}, systems: [rings] });
    const store = memoryStore();
    const run = await createRun(world, { store, seed: 's', id: 'r' });
    await run.advance(9);
    await run.close();
    expect(await eventRowsOf(world, store, 'r')).toMatchObject([
      { seq: 0, t: 4, agent_id: '4' },
      { seq: 1, t: 8, agent_id: '8' },
    ]);
  });
  test('L6: those of a fork are its parent’s up to its tick, and its own go on from there', async () => {
    const store = memoryStore();
    const run = await createRun(hamlet(), { store, seed: 's', id: 'r' });
    await run.advance(8);
    const fork = await run.fork({ at: 5, id: 'f', config: { rate: 1 } });
    await fork.advance(6);
    await fork.flush();
    const [parent, forked] = [
      await eventRowsOf(hamlet(), store, 'r'),
      await eventRowsOf(hamlet(), store, 'f'),
    ];
    const shared = parent.filter(({ t }) => t <= 5);
    expect(shared.length).toBeGreaterThan(20);
    expect(forked.slice(0, shared.length)).toEqual(shared);
    expect(forked.slice(shared.length).map(({ kind }) => kind)).toContain('moved');
    expect(forked).not.toEqual(parent);
    numbered(forked);
    await fork.close();
    await run.close();
  });
});

const people = table({ id: t.id(), cell: t.u8().default(0) });
const first = (agent?: 'person') => {
  const schema = defineSchema({
    name: 'walks',
    version: 1,
    tables: { people },
    events: {
      moved: event({ person: t.ref('people'), cell: t.u8() }, agent ? { agent } : {}),
      gone: fact({ person: t.ref('people') }, agent ? { agent } : {}),
    },
  });
  const walk = schema.system('walk', ({ world, emit, tick }) => {
    for (const { id } of world.people) emit.moved({ person: id, cell: tick });
    if (tick % 2 === 0) emit.gone({ person: 1 });
  });
  return defineWorld(schema, {
    setup: ({ insert }) => void insert.people.many({ cell: [0, 0, 0] }),
    apply: { moved: (w, e) => w.people.update(e.person, { cell: e.cell }) },
    systems: [walk],
  });
};

/** Renames a kind and its agent, drops a kind, and has a kind that gives each of them another number. */
const secondSchema = defineSchema({
  name: 'walks',
  version: 2,
  tables: { people },
  events: {
    aaa: fact({ n: t.u8() }),
    walked: event({ who: t.ref('people'), far: t.u16(), cell: t.u8() }, { agent: 'who' }),
  },
  migrations: {
    2: {
      events: { walked: { from: 'moved', rename: { who: 'person' }, add: { far: () => 1 } } },
      dropEvents: ['gone'],
    },
  },
});
const second = defineWorld(secondSchema, {
  setup() {},
  apply: { walked: (w, e) => w.people.update(e.who, { cell: e.cell }) },
  systems: [
    secondSchema.system('walk', ({ world, emit, tick }) => {
      emit.aaa({ n: tick });
      for (const { id } of world.people) emit.walked({ who: id, far: 9, cell: tick });
    }),
  ],
});

describe('a log of two schema versions', () => {
  test('L13: gives each event as it was recorded, and counts what a migration drops', async () => {
    const store = memoryStore();
    const run = await createRun(first('person'), { store, seed: 's', id: 'r' });
    await run.advance(3);
    await run.close();
    const followed = await eventRowsOf(first('person'), store, 'r');
    const again = await openRun(second, { store, id: 'r' });
    await again.advance(2);
    await again.close();
    const later = await eventRowsOf(second, store, 'r', 4);
    const rebuilt = await eventRowsOf(second, store, 'r');
    numbered(rebuilt);
    const old = rebuilt.filter(({ t }) => t <= 3);
    // Only the agent of a kind that is gone is not known any more.
    expect(followed.filter(({ kind }) => kind === 'gone').map(({ agent_id }) => agent_id)).toEqual(['1']);
    expect(old).toEqual(followed.map((row) => (row.kind === 'gone' ? { ...row, agent_id: null } : row)));
    expect(rebuilt.slice(old.length)).toEqual(later);
    expect(old.find(({ kind, t }) => kind === 'moved' && t === 2)).toMatchObject({
      agent_id: '1',
      payload_json: '{"cell":2,"person":1}',
      schema_version: 1,
    });
    expect(later.slice(0, 2)).toMatchObject([
      { agent_id: null, kind: 'aaa', seq: old.length, schema_version: 2 },
      { agent_id: '1', kind: 'walked', payload_json: '{"cell":4,"far":9,"who":1}', schema_version: 2 },
    ]);
  });
  test('L13: needs a way from the one to the other', async () => {
    const store = memoryStore();
    const run = await createRun(second, { store, seed: 's', id: 'r' });
    await run.close();
    expect(await codeOf(() => eventRowsOf(first(), store, 'r'))).toBe('SCHEMA_DIFFERS');
  });
});

test('L13: a run whose schema names no agents goes on under one that does, in the same era', async () => {
  const [plain, named] = [memoryStore(), memoryStore()];
  for (const [store, world] of [
    [plain, first()],
    [named, first('person')],
  ] as const) {
    const run = await createRun(first(), { store, seed: 's', id: 'r' });
    await run.advance(3);
    await run.close();
    const again = await openRun(world, { store, id: 'r' });
    await again.advance(3);
    await again.close();
  }
  expect(await hashesOf(named, 'r')).toEqual(await hashesOf(plain, 'r'));
  const rows = await eventRowsOf(first('person'), named, 'r');
  for (const { kind, agent_id, payload_json } of rows)
    expect(agent_id).toBe(kind === '+people' ? null : String(JSON.parse(payload_json).person));
});
