/**
 * L6 and L7: one family of a PostgreSQL store, changed by many connections at once. Nobody is refused for
 * being in another's way, and in the end all that is reached is there and all else is gone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { isWorldfoldError } from '../../src/base/errors.ts';
import type { LogRecord, Store } from '../../src/log/store.ts';
import { openPostgresStore } from '../../src/stores/postgres/open.ts';
import { drawsOf } from '../crash/victims.ts';
import { administer, type FreshDatabase, freshDatabase, withoutPostgres } from '../support/postgres.ts';
import { collectAll, wholeLog } from './forks.ts';
import { chain, continued, newFork, newRun, plain, snapshotOf } from './records.ts';
import { textsOf } from './snapshots.ts';

const text = (s: string): Uint8Array => new TextEncoder().encode(s);
/** Refusals that say that another call came first. */
const FIRST = ['NO_TICK', 'UNKNOWN_RUN', 'NO_CHUNK', 'WRITER_REPLACED'];

/** Makes a call; the code of a refusal where another one came first. */
const tried = <T>(call: Promise<T>): Promise<T | string> =>
  call.catch((e: unknown) => {
    if (!isWorldfoldError(e) || !FIRST.includes(e.code)) throw e;
    return e.code;
  });

/** One family, as those who change it know it. */
class Family {
  readonly logs = new Map<string, LogRecord[]>();
  /** Every segment that ever was. */
  readonly segments: string[] = [];
  readonly named = new Set<string>();
  running = 0;

  begin(run: string, log: LogRecord[]): void {
    this.logs.set(run, log);
    this.segments.push(`${run}-segment`);
    this.named.add(run);
  }
}

interface Actor {
  readonly store: Store;
  readonly family: Family;
  readonly below: (n: number) => number;
}

/** Keeps a snapshot of the head, with the chunk of the one before, and often once more in its place. */
async function keepTwice({ store, below }: Actor, run: string, record: LogRecord, last: number | null) {
  const own = `${run} ${record.tick} `.repeat(20);
  const keep = (chunks: readonly (string | number)[], texts: readonly string[]) =>
    tried(
      store.keepSnapshot(
        snapshotOf(`${run}-segment`, record, chunks, { manifest: text(texts.join('|')), pinned: false }),
      ),
    );
  const before = `${run} ${record.tick - 1} `.repeat(20);
  let kept = last === null ? await keep([own], [own]) : await keep([own, last], [own, before]);
  if (kept === 'NO_CHUNK') kept = await keep([own, before], [own, before]);
  if (typeof kept !== 'string' && below(2) === 0) kept = await keep([own], [own]);
  return typeof kept === 'string' ? null : kept[0]!;
}

async function write(actor: Actor, run: string, ticks: number): Promise<void> {
  const log = actor.family.logs.get(run)!;
  let chunk: number | null = null;
  for (let turn = 0; turn < ticks; turn++) {
    const [record] = continued(log.at(-1)!, run, 1) as [LogRecord];
    await actor.store.append(`${run}-segment`, 1, record.tick, [record]);
    log.push(record);
    chunk = await keepTwice(actor, run, record, chunk);
  }
}

/** Forks what is there or was, lets the fork grow a little, and removes it or an older one. */
async function forkAndRemove(actor: Actor, name: string, turns: number): Promise<void> {
  const { store, family, below } = actor;
  const mine: string[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const of = [...family.logs.keys()][below(family.logs.size)]!;
    const log = family.logs.get(of)!;
    const at = log[log.length - 1 - below(Math.min(log.length, 4))]!;
    const run = `${name} ${turn}`;
    if (typeof (await tried(store.fork(newFork(run, `${of}-segment`, at)))) === 'string') continue;
    family.begin(run, log.slice(0, at.tick + 1));
    mine.push(run);
    await write(actor, run, 1 + below(3));
    if (mine.length < 3) continue;
    const [old] = mine.splice(below(mine.length), 1) as [string];
    family.named.delete(old);
    await store.remove(old, true);
  }
}

/** Drops and pins snapshots near the heads of all segments, also of those that no run names. */
async function meddle({ store, family, below }: Actor): Promise<void> {
  while (family.running > 0) {
    const segment = family.segments[below(family.segments.length)]!;
    const head = family.logs.get(segment.slice(0, -'-segment'.length))!.length - 1;
    const ticks = Array.from({ length: 4 }, () => Math.max(0, head - below(6)));
    await tried(store.dropSnapshots(segment, ticks));
    if (below(4) === 0) await tried(store.pinSnapshot(segment, head, below(4) === 0));
  }
}

async function collect({ store, family, below }: Actor): Promise<void> {
  while (family.running > 0) await store.collect(1 + below(40));
}

/** Every run is its whole log, and every snapshot that a run reaches is what its manifest says. */
async function expectSound(store: Store, { logs, named }: Family): Promise<void> {
  const runs = await store.list(null, Infinity);
  expect(runs.map(({ id }) => id)).toEqual([...named].sort());
  for (const run of named) {
    expect(plain(await wholeLog(store, `${run}-segment`))).toEqual(plain(logs.get(run)!));
    for (const { id } of await store.lineage(`${run}-segment`))
      for (const { tick } of await store.snapshots(id)) {
        const { manifest } = (await store.readSnapshot(id, tick))!;
        expect((await textsOf(store, id, tick)).join('|')).toBe(Buffer.from(manifest).toString());
      }
  }
}

const TABLES = ['runs', 'segments', 'records', 'parts', 'snapshots', 'chunks'];

describe.skipIf(withoutPostgres)('a family that many connections change at once', () => {
  let database: FreshDatabase;
  const stores: Store[] = [];
  beforeAll(async () => {
    database = await freshDatabase();
  });
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
  });
  afterAll(() => database?.drop());

  const count = async (schema: string): Promise<unknown> => {
    const counts = TABLES.map((table) => `(SELECT count(*)::int FROM ${schema}.${table}) AS ${table}`);
    return (await administer(database.url, `SELECT ${counts.join(', ')}`))[0];
  };

  const usedChunks = async (store: Store, segments: readonly string[]): Promise<Set<number>> => {
    const used = new Set<number>();
    for (const segment of segments)
      for (const { tick } of await store.snapshots(segment).catch(() => []))
        for (const chunk of (await store.readSnapshot(segment, tick))!.chunks) used.add(chunk);
    return used;
  };

  test.each([1, 2, 3])('L6 L7: seed %i: stays whole, and nothing is left over', async (seed) => {
    const family = new Family();
    const root = `root ${seed}`;
    const schema = `family_${seed}`;
    for (let i = 0; i < 6; i++)
      stores.push(await openPostgresStore(database.url, { durability: 'process', schema }));
    const [first] = chain(root, 1) as [LogRecord];
    const store = stores[0]!;
    await store.create(newRun(root, first));
    family.begin(root, [first]);
    const actor = (i: number): Actor => {
      const draw = drawsOf(seed * 100 + i);
      return { store: stores[i]!, family, below: (n) => Math.floor(draw() * n) };
    };
    const working = async (work: Promise<void>) => {
      family.running++;
      await work.finally(() => family.running--);
    };
    await Promise.all([
      working(write(actor(0), root, 60)),
      working(forkAndRemove(actor(1), `a${seed}`, 12)),
      working(forkAndRemove(actor(2), `b${seed}`, 12)),
      meddle(actor(3)),
      meddle(actor(4)),
      collect(actor(5)),
    ]);
    await expectSound(store, family);
    await collectAll(store, 25);
    await expectSound(store, family);
    const used = await usedChunks(store, family.segments);
    expect(await count(schema)).toMatchObject({ runs: family.named.size, chunks: used.size });
    for (const run of family.named) await store.remove(run, true);
    await collectAll(store, 1000);
    const none = { runs: 0, segments: 0, records: 0, parts: 0, snapshots: 0, chunks: 0 };
    expect(await count(schema)).toEqual(none);
  });

  test('L7: a snapshot that is dropped while its family is swept leaves no chunk behind', async () => {
    const schema = 'swept';
    for (let i = 0; i < 2; i++) stores.push(await openPostgresStore(database.url, { schema }));
    const [collector, other] = stores as [Store, Store];
    const [first, second] = chain('swept', 2) as [LogRecord, LogRecord];
    await other.create(newRun('swept', first));
    await other.append('swept-segment', 1, 1, [second]);
    await other.keepSnapshot(snapshotOf('swept-segment', first, ['first']));
    await other.keepSnapshot(snapshotOf('swept-segment', second, ['second']));
    await other.dropSnapshots('swept-segment', [0]);
    // The collection has seen what snapshots use, and waits for the chunks.
    const holder = new pg.Client({ connectionString: database.url });
    await holder.connect();
    await holder.query(`BEGIN; LOCK TABLE ${schema}.chunks IN ACCESS EXCLUSIVE MODE`);
    const collected = collector.collect(100);
    const waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%chunks%'";
    while ((await administer(database.url, waiting)).length === 0) await sleep(5);
    const dropped = other.dropSnapshots('swept-segment', [1]);
    await sleep(50);
    await holder.query('COMMIT');
    await holder.end();
    expect(await Promise.all([collected, dropped])).toEqual([1, 1]);
    await collectAll(collector, 100);
    expect(await count(schema)).toMatchObject({ runs: 1, records: 2, snapshots: 0, chunks: 0 });
  });
});
