import { describe, expect, test } from 'vitest';
import { memoryStore } from '../src/log/memory-store.ts';
import { describeRun, listRuns } from '../src/replay/describe.ts';
import { replay } from '../src/replay/replay.ts';
import { t } from '../src/schema/columns.ts';
import { defineSchema } from '../src/schema/define.ts';
import { event, fact, singleton, table } from '../src/schema/tables.ts';
import { createRun } from '../src/simulation/create-run.ts';
import { defineWorld } from '../src/simulation/define-world.ts';
import { openRun } from '../src/simulation/open-run.ts';
import { sqliteStore } from '../src/stores/sqlite/index.ts';
import { caught, codeOf } from './support/runs.ts';
import { tally, tallySchema } from './support/tally.ts';

type Loose = (...given: unknown[]) => unknown;
const [create, open, again] = [createRun, openRun, replay] as unknown as Loose[];
const [list, describe_, sqlite] = [listRuns, describeRun, sqliteStore] as unknown as Loose[];
const store = memoryStore();
const w = tally();
const id = 'r';

async function refused(call: () => unknown, code: string, said: RegExp): Promise<void> {
  const e = await caught(call);
  expect([e.code, `${e.message} / ${e.hint}`]).toEqual([code, expect.stringMatching(said)]);
  expect(e.hint, e.message).toBeTruthy();
  expect(e.message.length).toBeLessThan(300);
}

const made: [string, () => unknown, RegExp][] = [
  ['createRun()', () => create!(), /needs a world, not undefined/],
  ['createRun(w)', () => create!(w), /options of createRun must be an object/],
  ['createRun({}, …)', () => create!({}, { store, seed: 's' }), /needs a world, not \{\}/],
  ['createRun without a store', () => create!(w, { seed: 's' }), /needs a store.*memoryStore\(\)/],
  [
    'a store that was not awaited',
    () => create!(w, { store: Promise.resolve(store), seed: 's' }),
    /await sqliteStore\('runs\.db'\)/,
  ],
  ['a path as store', () => create!(w, { store: 'a.db', seed: 's' }), /await sqliteStore\('a\.db'\)/],
  ['a store without calls', () => create!(w, { store: {}, seed: 's' }), /needs a store/],
  ['no seed', () => create!(w, { store }), /the seed must be a text/],
  ['id: null', () => create!(w, { store, seed: 's', id: null }), /the id must be a text/],
  [
    'an id with a line break',
    () => create!(w, { store, seed: 's', id: 'a\nb' }),
    /'a\\u000ab' holds a control/,
  ],
  ['an id with an escape', () => create!(w, { store, seed: 's', id: '\u001b[2J' }), /holds a control/],
  ['hashevery', () => create!(w, { store, seed: 's', hashevery: 2 }), /no 'hashevery' .*hashEvery/],
  ['hashEvery: null', () => create!(w, { store, seed: 's', hashEvery: null }), /hashEvery must be a whole/],
  ['paranoid: 1', () => create!(w, { store, seed: 's', paranoid: 1 }), /paranoid must be true or false/],
  ['openRun paranoid', () => open!(w, { store, id, paranoid: null }), /paranoid must be true or false/],
  ['commit: 5', () => create!(w, { store, seed: 's', commit: 5 }), /commit must be an object.*ticks, ms/],
  ['commit: null', () => create!(w, { store, seed: 's', commit: null }), /commit must be an object/],
  ['commit.tick', () => create!(w, { store, seed: 's', commit: { tick: 1 } }), /no 'tick'/],
  ['clocks.wall', () => create!(w, { store, seed: 's', clocks: { wall: 5 } }), /clocks\.wall must be a fun/],
  ['clocks.steady', () => open!(w, { store, id, clocks: { steady: 'x' } }), /clocks\.steady must be a fun/],
  ['clocks: null', () => open!(w, { store, id, clocks: null }), /clocks must be an object/],
  ['hints: text', () => create!(w, { store, seed: 's', hints: 'x' }), /hints must be an object/],
  ['hints of numbers', () => create!(w, { store, seed: 's', hints: { a: 5 } }), /'a' is 5, no text/],
  ['openRun()', () => open!(), /needs a world/],
  ['openRun(w)', () => open!(w), /options of openRun/],
  ['openRun without an id', () => open!(w, { store }), /the id must be a text/],
  ['openRun with a seed', () => open!(w, { store, id, seed: 's' }), /no 'seed'/],
  ['takeover: 1', () => open!(w, { store, id, takeover: 1 }), /takeover must be true or false/],
  ['replay(w)', () => again!(w), /options of replay/],
  ['replay without an id', () => again!(w, { store }), /the id must be a text/],
  ['replay until', () => again!(w, { store, id, until: 5 }), /no 'until'/],
  ['replay with a signal', () => again!(w, { store, id, signal: 5 }), /AbortSignal/],
  ['listRuns()', () => list!(), /listRuns needs a store/],
  ['describeRun()', () => describe_!(), /describeRun needs a store/],
  ['describeRun(store)', () => describe_!(store), /the id must be a text/],
  ['sqliteStore(path, 5)', () => sqlite!(':memory:', 5), /must be an object, not 5/],
  ['sqliteStore(path, null)', () => sqlite!(':memory:', null), /must be an object, not null/],
  ['sqliteStore(path, typo)', () => sqlite!(':memory:', { readonly: true }), /no 'readonly' .*readOnly/],
  ['sqliteStore(path, text)', () => sqlite!(':memory:', { create: 'no' }), /create is true or false/],
  ['sqliteStore()', () => sqlite!(), /needs the path of a file/],
];

describe('arguments that mean nothing', () => {
  test.each(made)('%s is BAD_USAGE with a hint, and nothing is made', async (_, call, said) => {
    await refused(call, 'BAD_USAGE', said);
    expect(await listRuns(store)).toEqual([]);
  });

  test('calls on a run are refused by name, and the run goes on', async () => {
    const run = await createRun(w, { store: memoryStore(), seed: 's', id: 'x' });
    const { advance, events, on, submit } = run as unknown as { [call: string]: Loose } & {
      submit: { given: Loose };
    };
    const given: [() => unknown, RegExp][] = [
      [() => advance!.call(run, 1, null), /options of advance must be an object/],
      [() => advance!.call(run, null), /null is no number of ticks/],
      [() => advance!.call(run, 1, { until: 5 }), /until must be a function, not 5/],
      [() => advance!.call(run, 1, { onProgress: 5 }), /onProgress must be a function/],
      [() => advance!.call(run, 1, { signal: 5 }), /must be an AbortSignal, not 5/],
      [() => advance!.call(run, 1, { untill: () => true }), /no 'untill'/],
      [() => events!.call(run, 'add', null), /range of events must be an object/],
      [() => events!.call(run, 'add', { to: '3' }), /no range of ticks/],
      [() => events!.call(run, 'add', { to: 1.5 }), /no range of ticks/],
      [() => events!.call(run, 'add', { until: 3 }), /no 'until'/],
      [() => on!.call(run, 'computed'), /needs a function, not undefined/],
      [() => on!.call(run, 'done', () => {}), /'done' is no moment/],
      [() => submit.given({ n: 1 }, null), /must be an object, not null/],
      [() => submit.given({ n: 1 }, 5), /must be an object, not 5/],
      [() => submit.given({ n: 1 }, { sorce: 'a', seq: 1 }), /no 'sorce'/],
    ];
    for (const [call, said] of given) await refused(call, 'BAD_USAGE', said);
    expect(await run.advance(2)).toMatchObject({ tick: 2 });
    expect(await codeOf(() => run.events('add', { to: Number.POSITIVE_INFINITY }))).toBe('done');
  });

  test('a config that does not fit comes with the columns that there are', async () => {
    const schema = defineSchema({
      name: 'c',
      version: 1,
      config: { size: t.u8().default(1) },
      tables: { one: singleton({ n: t.u8().default(0) }) },
    });
    const world = defineWorld(schema, { setup() {}, apply: {}, systems: [] });
    for (const config of [{ size: 999 }, { sise: 1 }, null, 5])
      await refused(() => create!(world, { store, seed: 's', config }), 'BAD_INPUT', /takes: size \(u8\)/);
  });
});

const [schemaOf, tableOf, one, kind, said, world, f64] = [
  defineSchema,
  table,
  singleton,
  event,
  fact,
  defineWorld,
  t.f64,
] as unknown as Loose[];
const parts = { setup() {}, apply: {}, systems: [] };
const { system, derive } = tallySchema as unknown as { [call: string]: Loose };

describe('declarations that mean nothing', () => {
  test.each<[string, () => unknown, RegExp]>([
    ['defineSchema()', () => schemaOf!(), /must be an object/],
    ['confg', () => schemaOf!({ name: 'x', version: 1, confg: {}, tables: {} }), /no 'confg' .*config/],
    ['indexes', () => tableOf!({ id: t.id() }, { indexes: ['id'] }), /no 'indexes' .*key, index/],
    ['table options null', () => tableOf!({ id: t.id() }, null), /must be an object, not null/],
    ['singleton options', () => one!({ n: t.u8() }, { indexes: [] }), /takes columns and nothing else/],
    [
      'event options',
      () => kind!({ n: t.u8() }, { fact: true }),
      /options of event\(\): .*no 'fact' .*agent/,
    ],
    [
      'fact options null',
      () => said!({ n: t.u8() }, null),
      /options of fact\(\) must be an object, not null/,
    ],
    [
      'an agent that is no column',
      () => kind!({ n: t.u8() }, { agent: 'm' }),
      /'m', which is no column of it/,
    ],
    ['an agent that is no name', () => said!({ n: t.u8() }, { agent: ['n'] }), /which is no column of it/],
    ['system options null', () => system!('a', null, () => {}), /options of the system 'a' must be/],
    ['system options', () => system!('a', { evry: 2 }, () => {}), /no 'evry' .*every/],
    ['derive()', () => derive!(), /the list of the tables/],
    ['t.f64(null)', () => f64!(null), /options of t\.f64 must be an object/],
    ['t.f64 nan', () => f64!({ NaN: true }), /no 'NaN' .*nan/],
    ['t.f64 nan: 1', () => f64!({ nan: 1 }), /nan of t\.f64 is true or false/],
    [
      'defineWorld parts',
      () => world!(tallySchema, { ...parts, invariant: {} }),
      /no 'invariant' .*invariants/,
    ],
    ['defineWorld(schema)', () => world!(tallySchema), /must be an object/],
  ])('%s is BAD_SCHEMA with a hint', async (_, call, text) => {
    await refused(call, 'BAD_SCHEMA', text);
  });
});
