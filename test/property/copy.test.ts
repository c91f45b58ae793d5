/** Copies of random fork trees: the same from every store to every other, whole after every interruption. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fail } from '../../src/base/errors.ts';
import { copyRun, forkTree, listRuns, memoryStore, openRun, type Store, verify } from '../../src/index.ts';
import { runOf } from '../../src/log/reader.ts';
import { openSqliteStore } from '../../src/stores/sqlite/open.ts';
import { collectAll } from '../contract/forks.ts';
import { dumpStore } from '../support/dump.ts';
import { Grove, type GroveStep, groves, growing } from '../support/grove.ts';
import { withoutPostgres } from '../support/postgres.ts';
import { inPglite, onServer, type StoreDatabase } from '../support/postgres-stores.ts';
import { codeOf, hashesOf } from '../support/runs.ts';
import { holds } from './support/holds.ts';

const folder = mkdtempSync(join(tmpdir(), 'worldfold-copy-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The clock of every lease here. */
let now = 0;
const clock = () => now;
const HOUR = 3_600_000;

const databases: Record<string, StoreDatabase> = {};
beforeAll(async () => {
  databases.PGlite = await inPglite();
  if (!withoutPostgres) databases.PostgreSQL = await onServer();
});
afterAll(() => Promise.all(Object.values(databases).map((database) => database.end())));

const inDatabase = (name: string) => () =>
  databases[name]!.open({ schema: databases[name]!.schema(), clock, partBytes: 300 });

let files = 0;
/** Empty stores of each kind. */
const OPENERS: { readonly [name: string]: () => Promise<Store> } = {
  memory: async () => memoryStore({ clock }),
  'SQLite in memory': () => openSqliteStore(':memory:', { clock, partBytes: 300 }),
  'SQLite in a file': () => openSqliteStore(join(folder, `${files++}.db`), { clock }),
  PGlite: inDatabase('PGlite'),
  ...(withoutPostgres ? {} : { PostgreSQL: inDatabase('PostgreSQL') }),
};
const kinds = fc.constantFrom(...Object.keys(OPENERS));

/** Calls of a store that change it. */
const WRITES = ['create', 'append', 'fork', 'remove', 'collect', 'keepSnapshot', 'dropSnapshots'];
const BESIDE = ['acquire', 'renew', 'release', 'keepAttempt', 'pinSnapshot'];

/** A store whose calls are looked at before and after they are made. */
function watched(store: Store, before: (call: string) => void, after = (): void => {}): Store {
  return new Proxy(store, {
    get(_, name) {
      const found = Reflect.get(store, name, store) as unknown;
      if (typeof found !== 'function') return found;
      return async (...given: unknown[]) => {
        before(String(name));
        const answer = await (found as (...a: unknown[]) => unknown).apply(store, given);
        after();
        return answer;
      };
    },
  });
}

/** A store that refuses to be changed. */
const onlyRead = (store: Store): Store =>
  watched(store, (call) => {
    if ([...WRITES, ...BESIDE].includes(call)) expect.unreachable(`the source was written: ${call}`);
  });

/** Copies every tree of a store. */
async function copyAll(from: Store, to: Store): Promise<void> {
  const families = new Set<string>();
  for (const { id, segment } of await from.list(null, Infinity)) {
    if (families.has(segment.family)) continue;
    families.add(segment.family);
    expect(await copyRun(from, to, id, { tree: true })).toMatchObject({ complete: true });
  }
}

test('L6, L7, L10: a copy of all trees is the same store, whichever kinds the two are of', async () => {
  await holds(fc.record({ steps: groves, from: kinds, to: kinds }), 20, async ({ steps, from, to }) => {
    const source = await OPENERS[from]!();
    const target = await OPENERS[to]!();
    const { runs } = await new Grove(source).play(steps);
    const before = await dumpStore(source);
    await copyAll(onlyRead(source), target);
    expect(await dumpStore(source)).toEqual(before);
    expect(await dumpStore(target)).toEqual(before);
    await collectAll(source, Infinity);
    expect(await forkTree(target)).toEqual(await forkTree(source));
    expect(await target.collect(Infinity)).toBe(0);
    // Again: nothing is written.
    await copyAll(source, onlyRead(target));
    expect(runs).toEqual((await target.list(null, Infinity)).map(({ id }) => id));
    await source.close();
    await target.close();
  });
});

/**
 * A process that dies with a call, before it is made or after it is kept, on whichever of its stores: from
 * then on all of them fail. Counts the calls.
 */
function mortal(stores: readonly Store[], dies: number, after: boolean) {
  let calls = 0;
  const dead = (): never => fail('STORE_FAILED', 'the process is dead', { calls });
  const living = stores.map((store) =>
    watched(
      store,
      () => {
        calls++;
        if (calls > dies || (calls === dies && !after)) dead();
      },
      () => {
        if (calls >= dies) dead();
      },
    ),
  );
  return { living, calls: () => calls };
}

/** Every port of a copy: a root and forks, one with an era, removed names, pins, later inputs, attempts. */
const RICH: readonly GroveStep[] = [
  { do: 'plant' },
  { do: 'advance', run: 0, ticks: 7, water: 1 },
  { do: 'fork', run: 0, back: 2, later: 'keep', ticks: 4 },
  { do: 'fork', run: 1, back: 1, later: 'drop', ticks: 3 },
  { do: 'adopt', run: 0 },
  { do: 'adopt', run: 2 },
  { do: 'fork', run: 2, back: 0, later: 'drop', ticks: 0 },
  { do: 'pin', run: 2 },
  { do: 'fail', run: 2 },
  { do: 'fail', run: 2 },
  { do: 'remove', run: 1 },
  { do: 'plant' },
  { do: 'remove', run: 0 },
];

test.each([
  ['memory', 1],
  ['SQLite in memory', 5],
] as const)(
  'L2, L7: a copy to %s that died with any call is finished by another',
  async (kind, step) => {
    const source = memoryStore({ clock });
    await new Grove(source).play(RICH);
    await collectAll(source, Infinity);
    const expected = await dumpStore(source);
    const all = mortal([source, await OPENERS[kind]!()], Infinity, false);
    await copyAll(all.living[0]!, all.living[1]!);
    expect(all.calls()).toBeGreaterThan(100);
    for (let dies = 1; dies <= all.calls(); dies += step)
      for (const after of [false, true]) {
        const target = await OPENERS[kind]!();
        const [from, to] = mortal([source, target], dies, after).living;
        const died = await codeOf(() => copyAll(from!, to!));
        expect({ dies, died }).toEqual({ dies, died: 'STORE_FAILED' });
        // What is there meanwhile can be listed and collected.
        await listRuns(target);
        await target.collect(Infinity);
        now += HOUR;
        await copyAll(source, target);
        expect({ dies, after, dump: await dumpStore(target) }).toEqual({ dies, after, dump: expected });
        expect(await target.collect(Infinity)).toBe(0);
        await target.close();
      }
    expect(await dumpStore(source)).toEqual(expected);
  },
  120_000,
);

/** Opens a run and its copy and goes on with both: the same records, or the same refusal. */
async function goesOn(grove: Grove, id: string, target: Store): Promise<void> {
  const world = grove.worldOf(id);
  const outcomes: unknown[] = [];
  for (const store of [grove.store, target]) {
    const run = await openRun(world, { store, id, snapshots: false });
    run.submit.watered({ n: 5 });
    const outcome = await codeOf(() => run.advance(3));
    await run.close();
    const { verdict } = await verify({ store, id, world });
    outcomes.push({ outcome, verdict, hashes: await hashesOf(store, id) });
  }
  expect(outcomes[0]).toMatchObject({ verdict: 'verified' });
  expect(outcomes[1]).toEqual(outcomes[0]);
}

test('L3, L4, L5, L10: copied runs open, verify, and go on with the same bytes as the source', async () => {
  const picked = fc.record({ steps: groves, which: fc.nat(20), tree: fc.boolean(), to: kinds });
  await holds(picked, 15, async ({ steps, which, tree, to }) => {
    const grove = await new Grove(memoryStore({ clock })).play(steps);
    const id = grove.runs[which % Math.max(1, grove.runs.length)];
    if (id === undefined) return;
    // What no run reaches any more is in no copy, nor for long in the source.
    await collectAll(grove.store, Infinity);
    const target = await OPENERS[to]!();
    const { runs } = await copyRun(grove.store, target, id, { tree, snapshots: 'pinned' });
    for (const run of runs.filter(({ whole }) => whole)) await goesOn(grove, run.id, target);
    await target.close();
  });
});

test('L10: a copy of a run whose adoption got no further than its first tick goes on (a seed that failed)', async () => {
  const grove = await new Grove(memoryStore({ clock })).play([
    { do: 'plant' },
    { do: 'advance', run: 0, ticks: 6, water: 1 },
    { do: 'fork', run: 0, back: 6, later: 'keep', ticks: 2 },
    { do: 'advance', run: 7, ticks: 3, water: 0 },
    { do: 'remove', run: 0 },
    { do: 'adopt', run: 0 },
  ]);
  await collectAll(grove.store, Infinity);
  const target = memoryStore({ clock });
  await copyRun(grove.store, target, 'run 1', { snapshots: 'pinned' });
  await goesOn(grove, 'run 1', target);
});

test('L1, L10: copies while the source grows, one run after another, come to the copy of the whole', async () => {
  const grown = fc.record({ early: groves, late: fc.array(growing, { maxLength: 6 }), which: fc.nat(20) });
  await holds(grown, 20, async ({ early, late, which }) => {
    const grove = await new Grove(memoryStore({ clock })).play(early);
    const target = memoryStore({ clock });
    const once = grove.runs[which % Math.max(1, grove.runs.length)];
    if (once !== undefined) await copyRun(grove.store, target, once, { snapshots: 'pinned' });
    await grove.play(late);
    for (const id of grove.runs) {
      const code = await codeOf(() => copyRun(grove.store, target, id));
      if (code === 'done') continue;
      // What a removed run left to two forks can only be copied at once: nobody can go on with it.
      const lineage = await grove.store.lineage((await grove.store.head(id))!.segment.id);
      const names = await Promise.all(lineage.map(async (one) => grove.store.head(runOf(one.id))));
      expect(code).toBe('UNKNOWN_RUN');
      expect(names.some((run, i) => run?.segment.id !== lineage[i]!.id)).toBe(true);
      return;
    }
    const fresh = memoryStore({ clock });
    await copyAll(grove.store, fresh);
    for (const { id, header, segment } of await fresh.list(null, Infinity)) {
      const copied = (await target.head(id))!;
      expect({ ...copied, segment: { ...copied.segment, epoch: 0 } }).toEqual({
        ...{ id, header },
        segment: { ...segment, epoch: 0 },
      });
      expect(await hashesOf(target, id)).toEqual(await hashesOf(fresh, id));
    }
  });
});
