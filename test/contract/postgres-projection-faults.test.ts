/**
 * Projections of a PostgreSQL store while connections end, answers get lost and others do the same: rows and
 * checkpoint agree whatever happens, and a call can be made again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isWorldfoldError } from '../../src/base/errors.ts';
import type { ProjectionInfo, RowChanges } from '../../src/log/projection-store.ts';
import type { PostgresStore } from '../../src/stores/postgres/index.ts';
import { openPostgresStore } from '../../src/stores/postgres/open.ts';
import type { OpenOptions } from '../../src/stores/postgres/settings.ts';
import { Between } from '../support/between.ts';
import { administer, type FreshDatabase, freshDatabase, withoutPostgres } from '../support/postgres.ts';
import {
  at,
  declare,
  infoOf,
  make,
  now,
  people,
  records,
  rowsIn,
  rowsOf,
  step,
  sweepAll,
  written,
} from './projections-bench.ts';
import { expectAt } from './projections-expect.ts';
import { outcome } from './records.ts';

const dialect = 'postgres';

describe.skipIf(withoutPostgres)('a server', () => {
  let database: FreshDatabase;
  let schemas = 0;
  let schema: string;
  let store: PostgresStore;
  const opened: PostgresStore[] = [];

  beforeAll(async () => {
    database = await freshDatabase();
  }, 120_000);
  afterAll(() => database?.drop());

  const open = async (options: OpenOptions = {}, url = database.url): Promise<PostgresStore> => {
    const next = await openPostgresStore(url, { schema, ...options });
    opened.push(next);
    return next;
  };
  const asked = (sql: string) => administer(database.url, sql) as Promise<Record<string, unknown>[]>;

  beforeEach(async () => {
    schema = `faults_${++schemas}`;
    store = await open();
    await make(store, 'one');
  });
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
  });

  const kill = (pid: number) => asked(`SELECT pg_terminate_backend(${pid}, 5000)`);

  /** Makes a call that waits for a row of `people`, held by another connection, and ends its own. */
  async function ended(info: ProjectionInfo, id: number, call: () => Promise<unknown>): Promise<unknown> {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      await client.query('BEGIN');
      const rows = `${schema}.${info.tables[0]!.rows}`;
      await client.query(`INSERT INTO ${rows} VALUES (${info.number}, ${id}, 'held')`);
      const called = outcome(call);
      const waiter =
        "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'" +
        ' AND datname = current_database()';
      let found: Record<string, unknown>[] = [];
      for (let tried = 0; found.length === 0 && tried < 500; tried++) {
        await sleep(5);
        found = await asked(waiter);
      }
      expect(found, 'who waits for the row').toHaveLength(1);
      await kill(found[0]!.pid as number);
      return await called;
    } finally {
      await client.query('ROLLBACK');
      await client.end();
    }
  }

  test('L2: of an advance whose connection is ended nothing is kept, and it can be made again', async () => {
    const info = await declare(store, 'one');
    await store.advanceProjection(step(info.number, null, at(0), written([1, 'a'])));
    let taken = 0;
    const changes: Iterable<RowChanges> = {
      *[Symbol.iterator]() {
        taken++;
        yield { ...written([5, 'b'], [6, 'c']), removed: [[1]] };
        yield written([2, 'd']);
        yield written([7, 'e']);
      },
    };
    const next = { projection: info.number, from: at(0), to: at(3), changes };
    const advance = () => store.advanceProjection(next);
    expect(await ended(info, 2, advance)).toEqual({ code: 'STORE_FAILED' });
    await expectAt(store, info, at(0), [[1, 'a', null]]);
    expect(await advance()).toBe(true);
    expect(taken).toBe(2);
    await expectAt(store, info, at(3), [
      [2, 'd', null],
      [5, 'b', null],
      [6, 'c', null],
      [7, 'e', null],
    ]);
  });

  test('L2: of an append with steps whose connection is ended neither record nor row is kept', async () => {
    const info = await declare(store, 'one');
    const append = () =>
      store.appendWith('one-segment', 1, 1, records.slice(1, 4), [
        step(info.number, null, at(0), written([1, 'a'])),
        step(info.number, at(0), at(3), written([2, 'b'])),
      ]);
    expect(await ended(info, 2, append)).toEqual({ code: 'STORE_FAILED' });
    expect((await store.head('one'))!.segment.head.tick).toBe(0);
    await expectAt(store, info, null, []);
    expect((await append()).tick).toBe(3);
    await expectAt(store, info, at(3), [
      [1, 'a', null],
      [2, 'b', null],
    ]);
  });

  test('L2: a call whose answer gets lost was made once, wherever it was lost', async () => {
    const proxy = await Between.to(database.url);
    const far = await open({ reconnectMs: 2000 }, proxy.urlOf(database.url));
    const info = await declare(store, 'one');
    let tick = -1;
    const due = () => ({
      from: tick < 0 ? null : at(tick),
      to: at(tick + 1),
      changes: [written([tick + 1, 'row'])],
    });
    let isThrough = false;
    for (let passing = 0; !isThrough; passing++) {
      const next = { projection: info.number, ...due() };
      const before = proxy.lost;
      proxy.loseAfter(passing);
      const first = await outcome(() => far.advanceProjection(next));
      proxy.loseAfter(Infinity);
      isThrough = proxy.lost === before;
      if (isThrough) expect(first).toEqual({ value: true });
      else expect(first).toEqual({ code: 'STORE_FAILED' });
      // Where only the answer was lost, the call that is made again finds that it is through.
      const again = await far.advanceProjection(next);
      const { checkpoint } = (await infoOf(store, info.number))!;
      expect(checkpoint?.tick).toBe(tick + 1);
      if (isThrough) expect(again).toBe(false);
      tick++;
      const rows = Array.from({ length: tick + 1 }, (_, i) => [i, 'row', null]);
      await expectAt(store, info, at(tick), rows);
    }
    expect(tick).toBeGreaterThan(4);
    const { number } = await declare(store, 'one');
    for (let passing = 0; passing < 12; passing++) {
      const last = 1 + passing;
      const steps = [step(number, last === 1 ? null : at(last - 1), at(last), written([last, 'row']))];
      const append = () => far.appendWith('one-segment', 1, last, records.slice(last, last + 1), steps);
      proxy.loseAfter(passing);
      await outcome(append);
      proxy.loseAfter(Infinity);
      expect((await append()).tick).toBe(last);
      expect((await infoOf(store, number))!.checkpoint!.tick).toBe(last);
    }
    expect((await rowsOf(store, (await infoOf(store, number))!)).length).toBe(12);
    proxy.close();
  });

  test('two stores that advance one projection as fast as they can never write a tick twice', async () => {
    const info = await declare(store, 'one');
    const other = await open();
    const last = 29;
    const names = ['a', 'b'];
    const runner = async (mine: PostgresStore, name: string): Promise<number> => {
      let taken = 0;
      for (;;) {
        const { checkpoint } = (await infoOf(mine, info.number))!;
        const next = checkpoint === null ? 0 : checkpoint.tick + 1;
        if (next > last) return taken;
        const own = step(info.number, checkpoint, at(next), written([next, name], [1000 + next, name]));
        if (await mine.advanceProjection(own)) taken++;
      }
    };
    const taken = await Promise.all([store, other].map((each, i) => runner(each, names[i]!)));
    expect(taken[0]! + taken[1]!).toBe(last + 1);
    const rows = await rowsOf(store, info);
    expect(rows).toHaveLength(2 * (last + 1));
    for (let tick = 0; tick <= last; tick++) expect(rows[tick]![1]).toBe(rows[last + 1 + tick]![1]);
    expect(rows.filter(([, name]) => name === 'a')).toHaveLength(2 * taken[0]!);
    expect((await infoOf(other, info.number))!.checkpoint!.tick).toBe(last);
  });

  test('eight stores that open, and declare the same tables at once, make each of them once', async () => {
    for (let round = 0; round < 4; round++) {
      schema = `race_${schemas}_${round}`;
      const stores = await Promise.all(Array.from({ length: 8 }, () => open()));
      await make(stores[0]!, 'one');
      const tables = [people(dialect), now(dialect)];
      const infos = await Promise.all(
        stores.map((each, i) => declare(each, 'one', i % 2 === 0 ? tables : [...tables].reverse())),
      );
      for (const info of infos) {
        const names = [...info.tables].sort((a, b) => (a.role < b.role ? -1 : 1));
        expect(names.map(({ view }) => view)).toEqual(['now', 'people']);
        expect(await stores[0]!.advanceProjection(step(info.number, null, at(0), written([1, 'a'])))).toBe(
          true,
        );
      }
      const found = await asked(`SELECT count(*)::int4 AS n FROM ${schema}.projected_tables`);
      expect(found).toEqual([{ n: 2 }]);
      for (const each of stores) await each.close();
    }
  });

  test('a projection is written while others of its table are swept', async () => {
    const kept = await declare(store, 'one');
    const other = await open();
    const ids = Array.from({ length: 400 }, (_, i) => i);
    const all: RowChanges = { role: 'people', removed: [], written: [ids, ids.map(String), ids] };
    for (let i = 0; i < 6; i++) {
      const { number } = await declare(store, 'one');
      await store.advanceProjection(step(number, null, at(0), all));
      await store.retireProjection(number);
    }
    let isSwept = false;
    const sweeping = Promise.all([sweepAll(store, 37), sweepAll(other, 41)]).then((counts) => {
      isSwept = true;
      return counts.flat().reduce((sum, count) => sum + count, 0);
    });
    let tick = -1;
    for (; !isSwept || tick < 5; tick++) {
      const rows = written([tick + 1, 'kept'], [-tick - 2, 'kept']);
      const from = tick < 0 ? null : at(tick % 20, { tick });
      expect(
        await store.advanceProjection(step(kept.number, from, at((tick + 1) % 20, { tick: tick + 1 }), rows)),
      ).toBe(true);
    }
    expect(await sweeping).toBe(6 * 401);
    expect(await rowsOf(store, kept)).toHaveLength(2 * (tick + 1));
    expect(await store.projections(null)).toHaveLength(1);
  });

  test('tables come and go under sweeps, and whoever declares them has them', async () => {
    const stores = [store, await open(), await open()];
    let isDone = false;
    const sweeper = (async () => {
      while (!isDone) await stores[2]!.sweepProjections(3);
    })();
    const declarer = async (mine: PostgresStore) => {
      for (let i = 0; i < 12; i++) {
        const info = await declare(mine, 'one', [people(dialect), now(dialect)]);
        const day: RowChanges = { role: 'now', removed: [], written: [[i], [null]] };
        expect(await mine.advanceProjection(step(info.number, null, at(0), written([1, 'a']), day))).toBe(
          true,
        );
        expect(await rowsOf(mine, info)).toEqual([[1, 'a', null]]);
        await mine.retireProjection(info.number);
      }
    };
    await Promise.all([declarer(stores[0]!), declarer(stores[1]!)]);
    isDone = true;
    await sweeper;
    await sweepAll(store, 5);
    expect(await asked(`SELECT count(*)::int4 AS n FROM ${schema}.projected_tables`)).toEqual([{ n: 0 }]);
    const left = await asked(
      `SELECT relname FROM pg_class WHERE relnamespace = '${schema}'::regnamespace AND relname ~ '^(people|now)'`,
    );
    expect(left).toEqual([]);
  });

  test('a sweep drops no table that somebody is about to write', async () => {
    const { number } = await declare(store, 'one');
    await store.retireProjection(number);
    expect(await store.sweepProjections(1)).toBe(1);
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await client.query('BEGIN');
    const turn = 'SELECT pg_advisory_xact_lock(hashtextextended($1, -2))';
    await client.query(turn, [`"${schema}" projections`]);
    let isSwept = false;
    const swept = store.sweepProjections(Infinity).finally(() => {
      isSwept = true;
    });
    await sleep(100);
    expect(isSwept).toBe(false);
    await client.query(
      `WITH made AS (INSERT INTO ${schema}.projections (run, choice, current, retired)
         VALUES ('one', '{}', 0, 0) RETURNING number)
       INSERT INTO ${schema}.projection_tables SELECT made.number, 0, 'people', t.number
         FROM made, ${schema}.projected_tables AS t`,
    );
    await client.query('COMMIT');
    await client.end();
    expect(await swept).toBe(0);
    const [info] = await store.projections('one');
    expect(await store.advanceProjection(step(info!.number, null, at(0), written([1, 'a'])))).toBe(true);
    await expectAt(store, info!, at(0), [[1, 'a', null]]);
  });

  test('of switches at once one projection is left, and it is shown', async () => {
    const stores = [store, await open(), await open()];
    for (let round = 0; round < 5; round++) {
      const infos = await Promise.all(stores.map((each) => declare(each, 'one')));
      for (const { number } of infos)
        await store.advanceProjection(step(number, null, at(0), written([1, String(number)])));
      const shown = await Promise.all(infos.map(({ number }, i) => stores[i]!.switchProjection(number)));
      const list = await store.projections('one');
      expect(list.map(({ current }) => current)).toEqual([true]);
      const winner = infos.findIndex(({ number }) => number === list[0]!.number);
      expect(shown[winner]).toBe(true);
      expect(await rowsIn(store, 'people')).toEqual([['one', 1, String(list[0]!.number), null]]);
    }
  });

  test('a run that goes while it is projected takes its projections along', async () => {
    const other = await open();
    for (let round = 0; round < 8; round++) {
      const run = `run ${round}`;
      await make(store, run);
      const { number } = await declare(store, run);
      const calls = await Promise.all([
        outcome(() => other.remove(run, true)),
        outcome(() => declare(store, run)),
        outcome(() => store.advanceProjection(step(number, null, at(0), written([1, 'a'])))),
      ]);
      expect(calls[0]).toEqual({ value: undefined });
      expect(await store.projections(run)).toEqual([]);
    }
    // As an earlier version, or somebody by hand, would do it.
    const { number } = await declare(store, 'one');
    await store.switchProjection(number);
    await asked(`DELETE FROM ${schema}.runs WHERE id = 'one'`);
    expect(await store.projections(null)).toEqual([]);
    await sweepAll(store, 7);
    expect(await asked(`SELECT number FROM ${schema}.projections`)).toEqual([]);
  });

  test('what somebody built on a view is not dropped with it, and the sweep says so', async () => {
    const info = await declare(store, 'one');
    await store.advanceProjection(step(info.number, null, at(0), written([1, 'a'])));
    await asked(`CREATE VIEW ${schema}.mine AS SELECT name FROM ${schema}.people`);
    await store.retireProjection(info.number);
    const swept = await store.sweepProjections(Infinity).catch((e: unknown) => e);
    expect(swept).toMatchObject({ code: 'STORE_FAILED', facts: { sqlstate: '2BP01' } });
    expect((swept as Error).message).toContain('people');
    expect(await asked(`SELECT count(*)::int4 AS n FROM ${schema}.mine`)).toEqual([{ n: 0 }]);
    const again = await declare(store, 'one');
    expect(again.tables).toEqual(info.tables);
    await store.retireProjection(again.number);
    await asked(`DROP VIEW ${schema}.mine`);
    expect(await sweepAll(store, Infinity)).toEqual([2]);
  });

  test('a reader whose connection is ended opens another one', async () => {
    const reader = await store.openReader();
    const pid = async () => (await reader.query('SELECT pg_backend_pid()', [])).rows[0]![0] as number;
    const first = await pid();
    const asleep = outcome(() => reader.query('SELECT pg_sleep(60)', []));
    await sleep(50);
    await kill(first);
    expect(await asleep).toEqual({ code: 'STORE_FAILED' });
    const both = await Promise.all([pid(), pid()]);
    expect(both[0]).toBe(both[1]);
    expect(both[0]).not.toBe(first);
    const cancelled = reader.query('SELECT pg_sleep(60)', []).catch((e: unknown) => e);
    await sleep(50);
    await asked(`SELECT pg_cancel_backend(${both[0]})`);
    expect(isWorldfoldError(await cancelled, 'CANCELLED')).toBe(true);
    expect(await pid()).toBe(both[0]);
    await reader.close();
  });
});
