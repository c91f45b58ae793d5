/** What the calls of this folder are given and can't use is refused by name, before anything is read. */
import { describe, expect, test } from 'vitest';
import { caught, meddled } from '../../test/support/runs.ts';
import { tally } from '../../test/support/tally.ts';
import { createRun } from '../simulation/create-run.ts';
import { check } from './check.ts';
import { describeRun, listRuns } from './describe.ts';
import { diff } from './diff.ts';
import { forkRun } from './fork-run.ts';
import { forkTree } from './fork-tree.ts';
import { readWorld } from './read-world.ts';
import { removeRun } from './remove-run.ts';
import { replay } from './replay.ts';
import { bisect } from './verify/bisect.ts';
import { verify } from './verify/verify.ts';

type Loose = (...given: unknown[]) => Promise<unknown>;
const loose = <T>(call: T): Loose => call as unknown as Loose;

const world = tally();
const store = meddled();
const run = await createRun(world, { store, seed: 's', id: 'r' });
await run.close();
const log = { store, id: 'r', world };
/** The same log, read behind the back of `store`. */
const beside = { ...log, store: store.inner };

/** The calls that take a world and options, with options that would do. */
const ofWorlds: readonly (readonly [string, Loose, object])[] = [
  ['replay', loose(replay), { store, id: 'r' }],
  ['check', loose(check), { store, id: 'r' }],
  ['readWorld', loose(readWorld), { store, id: 'r' }],
  ['forkRun', loose(forkRun), { store, run: 'r', at: 0 }],
];
/** Those that take what names a log. */
const ofLogs: readonly (readonly [string, (given: unknown) => Promise<unknown>])[] = [
  ['verify', (given) => loose(verify)(given)],
  ['diff', (given) => loose(diff)(given, beside)],
  ['diff, second', (given) => loose(diff)(beside, given)],
  ['bisect', (given) => loose(bisect)(given, beside)],
  ['bisect, second', (given) => loose(bisect)(beside, given)],
];
/** What is no world, though some of it looks like one. */
const NO_WORLDS: readonly unknown[] = [
  undefined,
  null,
  5,
  {},
  { schema: world.schema },
  { def: world.def },
  { schema: {}, def: world.def },
  { schema: null, def: world.def },
  { schema: world.schema, def: null },
  { schema: world.schema, def: {} },
];

/** Awaits a refusal, for which nothing was asked of the store. */
async function refused(call: () => Promise<unknown>, said: RegExp | string): Promise<void> {
  const asked: string[] = [];
  for (const name of ['read', 'head', 'list', 'fork', 'remove'] as const)
    (store.before as Record<string, () => void>)[name] = () => void asked.push(name);
  const e = await caught(call);
  expect(e.code).toBe('BAD_USAGE');
  expect(e.message).toMatch(said);
  expect(asked).toEqual([]);
  store.before = {};
}

describe.each(ofWorlds)('%s', (name, call, options) => {
  test('needs a world', async () => {
    for (const given of NO_WORLDS)
      await refused(() => call(given, options), new RegExp(`^${name} needs a world, not `));
  });

  test('needs a store to read, an id that is a text, and options that there are', async () => {
    const id = 'run' in options ? 'run' : 'id';
    for (const given of [undefined, null, {}, 'runs.db'])
      await refused(() => call(world, { ...options, store: given }), `${name} needs a store`);
    for (const given of [undefined, 5, ''])
      await refused(() => call(world, { ...options, [id]: given }), `the ${id} must be a text`);
    await refused(() => call(world, { ...options, ad: 1 }), `there is no 'ad'`);
    await refused(() => call(world), 'forkRun' === name ? 'needs a store' : 'must be an object');
    await refused(() => call(world, null), 'forkRun' === name ? 'needs a store' : 'must be an object');
  });
});

describe.each(ofLogs)('%s', (name, call) => {
  const who = name.split(',')[0]!;
  test('needs a run, or a store, an id and a world', async () => {
    for (const given of [undefined, null, 'r', {}, { id: 'r', world }])
      await refused(() => call(given), new RegExp(`^${who} (needs a run|compares runs or worlds), `));
    for (const given of NO_WORLDS)
      await refused(() => call({ store, id: 'r', world: given }), `${who} needs a world`);
    await refused(() => call({ ...log, store: {} }), `${who} needs a store`);
    await refused(() => call({ ...log, id: 5 }), 'the id must be a text');
    await refused(() => call({ ...log, ad: 1 }), `there is no 'ad'`);
  });
});

test('a limit is a number of rows', async () => {
  for (const limit of [-1, 1.5, '3', null, Number.NaN]) {
    const said = /^limit must be a whole number of rows, not /;
    await refused(() => loose(diff)(log, log, { limit }), said);
    await refused(() => loose(bisect)(log, log, { limit }), said);
    expect(await caught(() => loose(verify)(log, { limit }))).toMatchObject({ message: said });
  }
  for (const limit of [undefined, 0, 3]) {
    expect(await loose(diff)(log, log, { limit })).toMatchObject({ equal: true });
    expect(await loose(bisect)(log, log, { limit })).toMatchObject({ tick: null });
    expect(await loose(verify)(log, { limit })).toMatchObject({ verdict: 'verified' });
  }
  await refused(() => loose(bisect)(log, log, { limt: 3 }), `there is no 'limt'`);
  await refused(() => loose(bisect)(log, log, null), 'must be an object');
});

test('who hears of progress is a function, and who stops is a signal', async () => {
  for (const [name, call] of [
    ['replay', (more: object) => loose(replay)(world, { store, id: 'r', ...more })],
    ['check', (more: object) => loose(check)(world, { store, id: 'r', ...more })],
    ['verify', (more: object) => loose(verify)(log, more)],
  ] as const) {
    const onProgress = await caught(() => call({ onProgress: 5 }));
    expect(onProgress, name).toMatchObject({ code: 'BAD_USAGE', message: /^onProgress must be a function/ });
    const signal = await caught(() => call({ signal: true }));
    expect(signal, name).toMatchObject({ code: 'BAD_USAGE', message: /^signal must be an AbortSignal/ });
  }
});

test('a guard is a level, or levels by group', async () => {
  for (const guard of ['loud', 5, { clocks: 'loud' }]) {
    await refused(() => loose(readWorld)(world, { store, id: 'r', guard }), /guard/);
    await refused(() => loose(replay)(world, { store, id: 'r', guard }), /guard/);
    for (const [, call] of ofLogs) await refused(() => call({ ...log, guard }), /guard/);
  }
});

test('what is asked of a store needs one, and an id', async () => {
  await refused(() => loose(listRuns)({}), 'listRuns needs a store');
  await refused(() => loose(forkTree)(), 'forkTree needs a store');
  await refused(() => loose(describeRun)({}, 'r'), 'describeRun needs a store');
  await refused(() => loose(describeRun)(store, 5), 'the id must be a text');
  await refused(() => loose(removeRun)({}, 'r'), 'removeRun needs a store');
  await refused(() => loose(removeRun)(store, ''), 'the id must be a text');
  await refused(() => loose(removeRun)(store, 'r', null), 'must be an object');
});

test('a tick that a run does not have is refused with those it has', async () => {
  const said = { code: 'NO_TICK', facts: { run: 'r', head: 0 } };
  for (const at of [undefined, '0', -1, 0.5, 1])
    expect(await caught(() => loose(forkRun)(world, { store, run: 'r', at }))).toMatchObject(said);
  for (const tick of ['0', -1, 0.5, 1]) {
    expect(await caught(() => loose(readWorld)(world, { store, id: 'r', tick }))).toMatchObject(said);
    expect(await caught(() => loose(replay)(world, { store, id: 'r', to: tick }))).toMatchObject(said);
    expect(await caught(() => loose(check)(world, { store, id: 'r', from: tick }))).toMatchObject(said);
    expect(await caught(() => loose(verify)(log, { to: tick }))).toMatchObject(said);
  }
});
