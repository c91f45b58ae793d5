/** L6 and L7: whatever is forked, removed and collected, all that a run reaches stays and all else goes. */
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { MemoryMedium, memoryStore } from '../../src/log/memory-store.ts';
import type { Store } from '../../src/log/store.ts';
import { openSqliteStore } from '../../src/stores/sqlite/open.ts';
import { SimulatedMedium } from '../../src/testing/simulated-medium.ts';
import { simulatedStore } from '../../src/testing/simulated-store.ts';
import { holds } from '../property/support/holds.ts';
import { collectAll } from './forks.ts';
import { type Counts, TreeModel, treeScripts } from './tree-model.ts';

interface Counted {
  readonly store: Store;
  count(): Counts;
  /** What must never be there, in words. */
  flaws?(): readonly unknown[];
}

const inMemory = (): Counted => {
  const medium = new MemoryMedium();
  return { store: memoryStore({ medium }), count: () => medium.count() };
};

const TABLES = ['runs', 'segments', 'records', 'snapshots', 'chunks'] as const;

const REACHED = 'a.tick BETWEEN coalesce(b.parent_tick, 0) AND b.head_tick';

const inSqlite = (partBytes: number) => async (): Promise<Counted> => {
  let db: Database.Database | undefined;
  const spy = class extends Database {
    constructor(...given: ConstructorParameters<typeof Database>) {
      super(...given);
      db = this;
    }
  } as typeof Database;
  const packages = { sqlite: async () => spy, kysely: () => import('kysely') };
  const store = await openSqliteStore(':memory:', { partBytes, packages });
  const rows = (sql: string): number => db!.prepare<[], number>(sql).pluck().get()!;
  const count = () =>
    Object.fromEntries(TABLES.map((t) => [t, rows(`SELECT count(*) FROM ${t}`)])) as unknown as Counts;
  const orphan = (table: string, of: string) =>
    `SELECT count(*) FROM ${table} a WHERE NOT EXISTS (SELECT 1 FROM ${of})`;
  const flaws = () => [
    ...(db!.pragma('foreign_key_check') as unknown[]),
    rows(orphan('parts', 'records b WHERE b.segment = a.segment AND b.tick = a.tick')),
    rows(orphan('records', 'segments b WHERE b.number = a.segment AND a.tick <= b.head_tick')),
    // The tick that a fork begins on is its parent's, and may have a snapshot in the fork.
    rows(orphan('snapshots', `segments b WHERE b.number = a.segment AND ${REACHED}`)),
    rows(orphan('chunks', 'segments b WHERE b.number = a.family AND b.parent IS NULL')),
  ];
  return { store, count, flaws: () => flaws().filter((flaw) => flaw !== 0) };
};

const STORES: { readonly [name: string]: [number, () => Counted | Promise<Counted>] } = {
  memory: [150, inMemory],
  ':memory:': [60, inSqlite(8192)],
  ':memory:, small parts': [40, inSqlite(16)],
};

for (const [name, [runs, open]] of Object.entries(STORES))
  test(`L6 L7: ${name} keeps what a run reaches and collects all else`, async () => {
    await holds(treeScripts, runs, async (script) => {
      const { store, count, flaws = () => [] } = await open();
      const model = new TreeModel();
      for (const [i, step] of script.entries()) {
        await model.play(store, step);
        if (i % 8 === 7) await model.check(store);
        expect(flaws()).toEqual([]);
      }
      await model.check(store);
      await collectAll(store, script.length % 7 === 0 ? Infinity : 1 + (script.length % 7));
      await model.check(store);
      expect(count()).toEqual(model.counts());
      await store.close();
    });
  });

/** Everything that can be read of a store, as text. */
async function dump(store: Store, segments: Iterable<string>): Promise<string> {
  const all = { records: Infinity, bytes: Infinity };
  const said: unknown[] = [await store.list(null, Infinity)];
  for (const id of segments) {
    const line = await store.lineage(id).catch(() => null);
    if (line === null) continue;
    const [{ parent } = { parent: null }] = line;
    const records = await store.read(id, parent === null ? 0 : parent.tick + 1, all);
    const snapshots = await store.snapshots(id);
    const read = await Promise.all(snapshots.map(({ tick }) => store.readSnapshot(id, tick)));
    const chunks = read.flatMap((snapshot) => snapshot!.chunks);
    said.push(line, records, read, await store.readChunks(id, chunks, Infinity));
  }
  return JSON.stringify(said);
}

test('L11: power loss takes forks, removals, collections and snapshots back, newest first', async () => {
  await holds(treeScripts, 60, async (script) => {
    const seed = script.length;
    const medium = new SimulatedMedium({ seed, checkpoint: 0 });
    const store = simulatedStore({ medium });
    const model = new TreeModel();
    const ids = Array.from({ length: 100 }, (_, i) => `run ${i}-segment`);
    // One dump for each commit; a call that is refused is none.
    const before = [{ dump: await dump(store, ids), count: medium.memory.count() }];
    for (const step of script) {
      const now = medium.now();
      await model.play(store, step);
      if (medium.now() > now) before.push({ dump: await dump(store, ids), count: medium.memory.count() });
    }
    const lost = medium.crash();
    const left = simulatedStore({ medium });
    const want = before[before.length - 1 - lost];
    expect({ dump: await dump(left, ids), count: medium.memory.count() }).toEqual(want);
  });
});
