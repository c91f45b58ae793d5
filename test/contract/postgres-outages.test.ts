/**
 * What happens between a store and its PostgreSQL server: connections that are ended, answers that get lost,
 * servers that stop and start, clocks that jump. A run goes on or stalls by name, and equals its twin.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRun, isWorldfoldError, openRun, type Store } from '../../src/index.ts';
import type { LogRecord } from '../../src/log/store.ts';
import { openPostgresStore } from '../../src/stores/postgres/open.ts';
import { policy, twinHashes, world } from '../crash/puppet-world.ts';
import { drawsOf } from '../crash/victims.ts';
import { Between } from '../support/between.ts';
import {
  administer,
  type FreshDatabase,
  freshDatabase,
  withoutOwnServer,
  withoutPostgres,
} from '../support/postgres.ts';
import { type OwnServer, ownServer } from '../support/postgres-server.ts';
import { codeOf, hashesOf } from '../support/runs.ts';
import { chain, holder, newFork, newRun, outcome, snapshotOf } from './records.ts';
import { textsOf } from './snapshots.ts';

const refusedWith = (e: unknown): string => {
  if (isWorldfoldError(e)) return e.code;
  throw e;
};

const create = (store: Store, id: string) => createRun(world, { ...policy, store, id, seed: id });
type HerdRun = Awaited<ReturnType<typeof create>>;

/** Advances to a tick; what stalls is flushed until it is taken. */
async function advanceTo(run: HerdRun, to: number) {
  const codes = new Set<string>();
  while (run.tick < to || run.durableTick < to) {
    const code = await (run.tick < to ? run.advance(1) : run.flush()).then(() => '', refusedWith);
    if (code === '') continue;
    codes.add(code);
    expect(['STALLED', 'STORE_FAILED']).toContain(code);
    while ((await codeOf(() => run.flush())) !== 'done') await sleep(10);
  }
  return codes;
}

const EXACT = { durability: 'power', partBytes: 64 } as const;
/** More answers than any call of these waits for. */
const MOST_ANSWERS = 25;

describe.skipIf(withoutPostgres)('a server', () => {
  let database: FreshDatabase;
  beforeAll(async () => {
    database = await freshDatabase();
  });
  afterAll(() => database?.drop());

  test('L11: connections that are ended at any instant lose nothing of a run', async () => {
    const store = await openPostgresStore(database.url);
    const draw = drawsOf(7);
    const id = 'ended';
    const run = await create(store, id);
    let done = false;
    let ended = 0;
    const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'worldfold'`;
    const ending = (async () => {
      while (!done) {
        ended += (await administer(database.url, end)).length;
        await sleep(60 * draw());
      }
    })();
    await advanceTo(run, 60).finally(() => {
      done = true;
      return ending;
    });
    await run.close();
    expect(ended).toBeGreaterThan(5);
    expect(await hashesOf(store, id)).toEqual(await twinHashes(id, 60));
    await store.close();
  });

  test('L1 L2: a call whose answer gets lost was made once, wherever it was lost', async () => {
    const proxy = await Between.to(database.url);
    const store = await openPostgresStore(proxy.urlOf(database.url), EXACT);
    const records = chain('lost', 9) as LogRecord[];
    let made = 0;
    const tell = async (passing: number, call: () => Promise<unknown>): Promise<boolean> => {
      const before = proxy.lost;
      proxy.loseAfter(passing);
      const answer = await outcome(call);
      proxy.loseAfter(Infinity);
      if (proxy.lost === before) expect(answer).toHaveProperty('value');
      else made++;
      return proxy.lost === before;
    };
    for (let passing = 0, whole = false; !whole; passing++) {
      expect(passing).toBeLessThan(MOST_ANSWERS);
      whole = true;
      const run = `lost ${passing}`;
      const segment = `${run}-segment`;
      const fork = `fork ${passing}`;
      const both = async (call: () => Promise<unknown>, again: readonly unknown[]) => {
        if (await tell(passing, call)) return;
        whole = false;
        expect(again).toContainEqual(await outcome(call));
      };
      const exists = { code: 'EXISTS' };
      const any = { value: expect.anything() };
      await both(() => store.create(newRun(run, records[0]!)), [any, exists]);
      const { epoch } = (await store.head(run))!.segment;
      await both(() => store.append(segment, epoch, 1, records.slice(1, 4)), [any]);
      await both(() => store.append(segment, epoch, 4, records.slice(4, 9)), [any]);
      const snapshot = snapshotOf(segment, records[8]!, ['one', 'two']);
      await both(() => store.keepSnapshot(snapshot), [any]);
      await both(() => store.fork(newFork(fork, segment, records[5]!)), [any, exists]);
      await both(() => store.acquire(segment, holder('next'), true), [any]);
      const { head, epoch: after } = (await store.head(run))!.segment;
      expect(head.tick).toBe(8);
      expect(after).toBeGreaterThan(epoch);
      expect(after).toBeLessThanOrEqual(epoch + 2);
      expect(await textsOf(store, segment, 8)).toEqual(['one', 'two']);
      expect((await store.head(fork))!.segment.parent).toEqual({ segment, tick: 5 });
    }
    expect(made).toBeGreaterThan(20);
    await store.close();
    proxy.close();
    const counts = `SELECT segment, tick, count(*) FROM worldfold.records GROUP BY 1, 2 HAVING count(*) > 1`;
    expect(await administer(database.url, counts)).toEqual([]);
  });

  test('L11: a run whose answers get lost again and again equals its twin', async () => {
    const proxy = await Between.to(database.url);
    const store = await openPostgresStore(proxy.urlOf(database.url));
    const id = 'answers';
    const draw = drawsOf(11);
    const run = await create(store, id);
    for (let tick = 4; tick <= 80; tick += 4) {
      proxy.loseAfter(Math.floor(14 * draw()));
      await advanceTo(run, tick);
    }
    proxy.loseAfter(Infinity);
    await run.close();
    expect(proxy.lost).toBeGreaterThan(10);
    expect(await hashesOf(store, id)).toEqual(await twinHashes(id, 80));
    await store.close();
    proxy.close();
  });

  test('L7: a writer that stops in the middle of sending holds nobody up for long', async () => {
    const proxy = await Between.to(database.url);
    const store = await openPostgresStore(proxy.urlOf(database.url), { transactionTimeoutMs: 500 });
    const other = await openPostgresStore(database.url);
    const records = chain('halfway', 2) as [LogRecord, LogRecord];
    const segment = 'halfway-segment';
    await store.create(newRun('halfway', records[0]));
    await store.append(segment, 1, 1, [records[1]]);
    proxy.sending = 300_000;
    const kept = outcome(() => store.keepSnapshot(snapshotOf(segment, records[1], ['y'.repeat(4_000_000)])));
    while (proxy.sending > 0) await sleep(5);
    const started = performance.now();
    await other.keepAttempt(segment, { tick: 2, text: '{}' });
    expect(performance.now() - started).toBeLessThan(4000);
    proxy.close();
    expect(await kept).toEqual({ code: 'STORE_FAILED' });
    await store.close();
    await other.close();
  });

  test('L7: a clock that jumps permits a takeover, and fails no writer that nobody replaced', async () => {
    let now = 1e12;
    const store = await openPostgresStore(database.url, { clock: () => now });
    const hour = 3_600_000;
    const id = 'clock';
    const run = await create(store, id);
    for (const jump of [5 * hour, -9 * hour, 1, 48 * hour, -hour]) {
      now += jump;
      await run.advance(4);
      const { id: segment, epoch } = (await store.head(id))!.segment;
      await store.renew(segment, epoch);
    }
    await run.flush();
    const other = await openPostgresStore(database.url, { clock: () => now });
    const open = () => openRun(world, { ...policy, store: other, id });
    expect(await codeOf(open)).toBe('RUN_IN_USE');
    now -= 100 * hour;
    expect(await codeOf(open)).toBe('RUN_IN_USE');
    now += 300 * hour;
    const next = await open();
    await next.advance(4);
    expect(await codeOf(() => run.advance(4).then(() => run.flush()))).toBe('WRITER_REPLACED');
    await next.close();
    expect(await hashesOf(other, id)).toEqual(await twinHashes(id, 24));
    await store.close();
    await other.close();
  });

  test('L7: a takeover ends the connection of the writer that it saw, and of none that came since', async () => {
    const [first] = chain('since', 1) as [LogRecord];
    const stores: Store[] = [];
    for (let i = 0; i < 2; i++) stores.push(await openPostgresStore(database.url));
    const [old, next] = stores as [Store, Store];
    const segment = 'since-segment';
    await old.create(newRun('since', first));
    const records = chain('since', 3) as LogRecord[];
    // The row is held while the third one comes; before that one acts, the second takes the run.
    const pg = await import('pg');
    const row = new pg.default.Client({ connectionString: database.url });
    await row.connect();
    await row.query(`BEGIN; SELECT 1 FROM worldfold.segments WHERE id = '${segment}' FOR UPDATE`);
    let came = false;
    const clock = async (): Promise<number> => {
      if (!came) {
        came = true;
        await row.query('COMMIT');
        expect(await next.acquire(segment, holder('next'), true)).toBe(2);
        await next.append(segment, 2, 1, [records[1]!]);
      }
      return Date.now();
    };
    const third = await openPostgresStore(database.url, { clock: clock as never });
    const pids = `SELECT holder_session FROM worldfold.segments WHERE id = '${segment}'`;
    const alive = `SELECT 1 FROM pg_stat_activity JOIN (${pids}) s ON holder_session =
      (pid || ' ' || extract(epoch FROM backend_start))`;
    const taken = third.acquire(segment, holder('third'), true);
    expect(await taken).toBe(3);
    expect(came).toBe(true);
    expect(await administer(database.url, alive)).toHaveLength(1);
    await row.end();
    for (const store of [old, next, third]) await store.close();
  });
});

describe.skipIf(withoutOwnServer)('a server that is restarted in mid-run', () => {
  let server: OwnServer;
  beforeAll(async () => {
    server = await ownServer();
  });
  afterAll(() => server?.end());

  test.each(['fast', 'immediate', 'kill'] as const)(
    'L11: %s: loses nothing that was durable',
    async (how) => {
      const server = await ownServer();
      try {
        const store = await openPostgresStore(server.url, { durability: 'power', reconnectMs: 3000 });
        const id = `restarted ${how}`;
        const run = await create(store, id);
        await advanceTo(run, 6);
        const going = advanceTo(run, 60);
        await sleep(40);
        const durable = run.durableTick;
        await server.restart(how);
        await going;
        await run.close();
        expect(durable).toBeGreaterThanOrEqual(6);
        expect(run.durableTick).toBe(60);
        expect(await hashesOf(store, id)).toEqual(await twinHashes(id, 60));
        await store.close();
      } finally {
        await server.end();
      }
    },
  );

  test('L11: one that is away stalls the run by name, and takes what waited when it is back', async () => {
    const store = await openPostgresStore(server.url, { durability: 'power', reconnectMs: 100 });
    const id = 'away';
    const run = await create(store, id);
    await advanceTo(run, 6);
    await server.stop('kill');
    expect(await codeOf(() => run.advance(6))).toBe('STALLED');
    expect(await codeOf(() => run.flush())).toBe('STALLED');
    expect(run.durableTick).toBe(6);
    const { tick } = run;
    await server.start();
    expect(await codeOf(() => run.flush())).toBe('done');
    expect(run.durableTick).toBe(tick);
    await advanceTo(run, 20);
    await run.close();
    expect(await hashesOf(store, id)).toEqual(await twinHashes(id, 20));
    await store.close();
  });

  test("L11: 'process': a server that is killed leaves a prefix", async () => {
    const open = () => openPostgresStore(server.url, { durability: 'process', reconnectMs: 3000 });
    const store = await open();
    const id = 'prefix';
    const run = await create(store, id);
    await run.flush();
    await sleep(1000);
    for (let tick = 0; tick < 12; tick++) await run.advance(4);
    await server.restart('kill');
    await store.close();
    const again = await open();
    const hashes = await hashesOf(again, id);
    expect(hashes).toEqual((await twinHashes(id, 48)).slice(0, hashes.length));
    const next = await openRun(world, { ...policy, store: again, id, takeover: true });
    expect(next.tick).toBe(hashes.length - 1);
    await advanceTo(next, 60);
    await next.close();
    expect(await hashesOf(again, id)).toEqual(await twinHashes(id, 60));
    await again.close();
  });
});
