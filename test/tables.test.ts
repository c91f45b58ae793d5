/** Tables in SQL asked with kysely, on every store that keeps them. */
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  createRun,
  defineSchema,
  defineWorld,
  memoryStore,
  t,
  table,
  UnsupportedError,
} from '../src/index.ts';
import { runTables, u64, worldTables } from '../src/tables/index.ts';
import { keepTables, showTables } from './support/projected.ts';
import { caught, codeOf } from './support/runs.ts';
import { BENCHES, type Bench, type Tables } from './support/table-stores.ts';
import { LARGE, other, town as world } from './support/town.ts';

describe.each(BENCHES)('%s', (_, isMissing, make) => {
  describe.skipIf(isMissing)('keeps tables', () => {
    let bench: Bench;
    let store: Tables;
    let ends: { close(): Promise<void> }[] = [];
    beforeAll(async () => {
      bench = await make();
    });
    afterAll(() => bench?.end());
    const fresh = async () => {
      store = await bench.open();
      ends.push(store);
    };
    afterEach(async () => {
      for (const one of ends.reverse()) await one.close();
      ends = [];
    });
    const begin = async (id: string) => {
      const run = await createRun(world, { store, id, seed: id });
      ends.push(run);
      return run;
    };
    const ill = (run: Awaited<ReturnType<typeof begin>>) =>
      [...run.world.people].filter(({ health }) => health === 'ill').map(({ id }) => id);

    test('a question is answered with the rows of the run that it is asked of', async () => {
      await fresh();
      const [first, second] = [await begin("it's"), await begin('second')];
      for (const run of [first, second]) await showTables(run, world, store);
      expect(ill(first)).not.toEqual(ill(second));
      for (const run of [first, second]) {
        await using db = await runTables(run);
        const rows = await db
          .selectFrom('people')
          .where('health', '=', 'ill')
          .orderBy('id')
          .selectAll()
          .execute();
        expect(rows.map(({ id }) => id)).toEqual(ill(run));
        expect(Object.keys(rows[0]!)).not.toContain('run');
      }
      await using stored = await runTables({ store, id: 'second', world });
      expect(
        await stored.selectFrom('people').select('id').where('health', '=', 'ill').execute(),
      ).toHaveLength(ill(second).length);
    });

    test('every column is what its type says', async () => {
      await fresh();
      const run = await begin('first');
      await showTables(run, world, store);
      await using db = await runTables(run);
      const rows = await db.selectFrom('people').orderBy('id').selectAll().execute();
      expect(rows).toHaveLength(12);
      const lite = store.dialect === 'sqlite';
      [...run.world.people].forEach((row, i) => {
        const found = rows[i]!;
        expect([found.id, found.health, found.home, found.friend]).toEqual([
          row.id,
          row.health,
          row.home,
          row.friend,
        ]);
        expect([typeof found.money, BigInt(found.money)]).toEqual(['string', row.money]);
        expect(found.debt === null ? null : BigInt(found.debt)).toBe(row.debt);
        expect([Boolean(found.alive), found.pos_x, found.pos_in_y]).toEqual([
          row.alive,
          row.pos.x,
          row.pos.in.y,
        ]);
        expect([found.pos_in_facing, found.goal_x]).toEqual([row.pos.in.facing, row.goal?.x ?? null]);
        expect(found.score).toBe(lite && Number.isNaN(row.score) ? null : row.score);
        expect([found.big, found.count]).toEqual([row.big, row.count]);
        expect([found.name, found.mark]).toEqual([row.name, row.mark]);
        const [doc, list] = [found.doc, found.list].map((text) => JSON.parse(text));
        expect([doc, list]).toEqual([row.doc, row.list]);
        expect(JSON.parse(found.vec.replace('{', '[').replace('}', ']'))).toEqual([...row.vec]);
      });
      expect(await db.selectFrom('clock').selectAll().execute()).toEqual([{ day: 7 }]);
      expect(await db.selectFrom('towns').selectAll().orderBy('name').execute()).toEqual([
        { name: 'b', size: 1 },
        { name: "it's", size: 4 },
      ]);
    });

    test('every sort of parameter compares as the world does', async () => {
      await fresh();
      const run = await begin('first');
      await showTables(run, world, store);
      await using db = await runTables(run);
      const count = async (query: { execute(): Promise<unknown[]> }) => (await query.execute()).length;
      const people = db.selectFrom('people').select('id');
      const rows = [...run.world.people];
      expect(await count(people.where('alive', '=', true))).toBe(rows.filter(({ alive }) => alive).length);
      expect(await count(people.where('big', '>', -(2n ** 63n) + 5n))).toBe(6);
      expect(await count(people.where('count', '<', 2 ** 53 - 3))).toBe(9);
      expect(await count(people.where('mark', '=', Uint8Array.of(0, 3)))).toBe(1);
      expect(await count(people.where('home', 'in', ["it's", 'none']))).toBe(6);
      expect(await count(people.where('name', 'is', null))).toBe(6);
      expect(await count(people.where('id', '=', rows[2]!.id))).toBe(1);
      expect(await count(people.where('pos_x', '>=', 0.5))).toBe(10);
      const some = fc.constantFrom(...rows.flatMap(({ money }) => [money, money - 1n, money + 1n]));
      const u64s = fc.oneof(fc.bigInt({ min: 0n, max: LARGE }), some).filter((n) => n >= 0n && n <= LARGE);
      await fc.assert(
        fc.asyncProperty(u64s, async (limit) => {
          const larger = rows.filter(({ money }) => money > limit).map(({ id }) => id);
          const found = await people.where('money', '>', u64(limit)).orderBy('id').execute();
          expect(found.map(({ id }) => id)).toEqual(larger);
        }),
        { numRuns: 25 },
      );
    });

    test('raw SQL, joins, and names that a query defines itself', async () => {
      await fresh();
      const run = await begin('first');
      await showTables(run, world, store);
      await using db = await runTables(run);
      const raw = await sql<{ n: number }>`select count(*) as n from people where health = ${'ill'}`.execute(
        db,
      );
      expect(raw.rows).toEqual([{ n: ill(run).length }]);
      const joined = await db
        .selectFrom('people as p')
        .innerJoin('towns', 'towns.name', 'p.home')
        .leftJoin('people as f', 'f.id', 'p.friend')
        .groupBy('towns.name')
        .orderBy('towns.name')
        .select(({ fn }) => [
          'towns.name',
          fn.countAll<number>().as('n'),
          fn.count<number>('f.id').as('friends'),
        ])
        .execute();
      expect(joined).toEqual([
        { name: 'b', n: 6, friends: 6 },
        { name: "it's", n: 6, friends: 5 },
      ]);
      const own = await db
        .with('sick', (qb) => qb.selectFrom('people').where('health', '=', 'ill').select('id'))
        .with('towns', (qb) => qb.selectFrom('sick').select('id as size'))
        .selectFrom('towns')
        .select('size')
        .orderBy('size')
        .execute();
      expect(own.map(({ size }) => size)).toEqual(ill(run));
      const chain = await db
        .withRecursive('up', (qb) =>
          qb
            .selectFrom('people')
            .where('id', '=', 3)
            .select(['id', 'friend'])
            .unionAll((eb) =>
              eb
                .selectFrom('people')
                .innerJoin('up', 'up.friend', 'people.id')
                .select(['people.id', 'people.friend']),
            ),
        )
        .selectFrom('up')
        .select('id')
        .execute();
      expect(chain.map(({ id }) => id)).toEqual([3, 2, 1]);
      // A table of the world that has the name of the view of another, whose column `run` is the world's.
      const odd = await sql`select * from town_1_people, (select count(*) as n from people) c`.execute(db);
      expect(odd.rows).toEqual([{ id: 1, run_2: 200, n: 12 }]);
      const plan = JSON.stringify(await db.selectFrom('people').where('id', '=', 3).select('id').explain());
      // The database looks through to the key; a table this small is read whole in PostgreSQL.
      expect(plan).toContain(store.dialect === 'sqlite' ? 'SeekGE' : 'town_1_people_rows');
    });

    test('history and events are of the run too; of a world, each row says which', async () => {
      await fresh();
      const [first, second] = [await begin('first'), await begin('second')];
      const event_ = (seq: number) => ['1', 0, seq, 'fell', '{"person":1}', 1700000000000, 1] as const;
      await showTables(first, world, store, { history: ['people', 'clock'], events: [event_(0), event_(1)] });
      await showTables(second, world, store, { history: ['people'], events: [event_(0)] });
      await using db = await runTables(first);
      expect(await db.selectFrom('events').orderBy('seq').selectAll().execute()).toEqual(
        [0, 1].map((seq) => ({
          run_id: 'first',
          agent_id: '1',
          t: 0,
          seq,
          kind: 'fell',
          payload_json: expect.stringMatching(/^\{"person": ?1\}$/),
          ts: 1700000000000,
          schema_version: 1,
        })),
      );
      const past = db.selectFrom('people_history').where('tick', '=', 0).where('health', '=', 'ill');
      expect(await past.select('id').execute()).toHaveLength(ill(first).length);
      expect(await db.selectFrom('clock_history').selectAll().execute()).toEqual([{ tick: 0, day: 7 }]);

      const stranger = await createRun(other, { store, id: 'stranger', seed: 'x' });
      ends.push(stranger);
      await showTables(stranger, other, store, { only: ['clock'] });
      await using all = await worldTables(world, store);
      const found = await all
        .selectFrom('people')
        .where('health', '=', 'ill')
        .groupBy('run')
        .orderBy('run')
        .select(({ fn }) => ['run', fn.countAll<number>().as('n')])
        .execute();
      expect(found).toEqual([first, second].map((run) => ({ run: run.id, n: ill(run).length })));
      const runs = await all
        .selectFrom('events')
        .orderBy('run')
        .orderBy('seq')
        .select(['run', 'run_id', 'seq'])
        .execute();
      expect(runs).toEqual(
        [['first', 0] as const, ['first', 1] as const, ['second', 0] as const].map(([run, seq]) => ({
          run,
          run_id: run,
          seq,
        })),
      );
      const names = await all.selectFrom('clock_history').selectAll().execute();
      expect(names).toEqual([{ run: 'first', tick: 0, day: 7 }]);
      expect(await all.selectFrom('clock').selectAll().orderBy('run').execute()).toEqual(
        ['first', 'second'].map((id) => ({ run: id, day: 7 })),
      );
      await showTables(stranger, other, store);
      await using others = await worldTables(other, store);
      expect(await others.selectFrom('people').selectAll().execute()).toEqual([
        { run: 'stranger', id: 1, health: 'ill' },
      ]);
    });

    test.each([false, true])(
      'versions of a world are told apart, and names; shared tables: %s',
      async (shared) => {
        await fresh();
        const versions = [1, 2].map((version) => {
          const more = version === 1 ? {} : { size: t.u8() };
          const tables = { A: table({ id: t.id() }), a: table({ id: t.id(), ...more }) };
          const made = defineSchema({ name: 'twice', version, tables });
          const setup = ({ insert }: { insert: any }) => {
            for (const row of [{ size: 3 }, { size: 4 }]) insert.a(version === 1 ? {} : row);
            insert.A({});
          };
          return defineWorld(made, { setup, systems: [], apply: {} });
        });
        const open: { id: string; tick: number; world: object }[] = [];
        for (const [i, each] of versions.entries()) {
          const run = await createRun(each, { store, id: `v${i + 1}`, seed: 'x' });
          ends.push(run);
          open.push(run);
          await showTables(run, each, store, { shared });
        }
        for (const [i, each] of versions.entries()) {
          const run = `v${i + 1}`;
          await using one = await runTables({ store, id: run, world: each });
          await using all = await worldTables(each, store);
          expect(await one.selectFrom('A').selectAll().execute()).toEqual([{ id: 1 }]);
          expect(await all.selectFrom('A').selectAll().execute()).toEqual([{ run, id: 1 }]);
          const rows = [1, 2].map((id) => (i === 0 ? { id } : { id, size: id + 2 }));
          expect((await sql`select * from a_2 order by id`.execute(one)).rows).toEqual(rows);
          expect((await sql`select * from a_2 order by id`.execute(all)).rows).toEqual(
            rows.map((row) => ({ run, ...row })),
          );
          await showTables(open[i]!, each, store, { shared, only: ['a'] });
          expect((await sql`select * from a_2 order by id`.execute(one)).rows).toEqual(rows);
        }
      },
    );

    test('a damaged header is looked past where another run says whose the view is', async () => {
      await fresh();
      for (const id of ['first', 'second']) await showTables(await begin(id), world, store);
      const damaged = (...ids: readonly string[]) =>
        new Proxy(store, {
          get(target, name) {
            const value = Reflect.get(target, name, target);
            if (name === 'head')
              return async (id: string) => {
                const info = await target.head(id);
                return info && ids.includes(id) ? { ...info, header: '{}' } : info;
              };
            return typeof value === 'function' ? value.bind(target) : value;
          },
        });
      await using one = await worldTables(world, damaged('first'));
      const count = sql`select count(*) as n from people`;
      expect((await count.execute(one)).rows).toEqual([{ n: 24 }]);
      await using none = await worldTables(world, damaged('first', 'second'));
      expect(await codeOf(() => count.execute(none))).toBe('CORRUPT');
    });

    test('a rebuild is followed: rows are of the old version, or of the new one', async () => {
      await fresh();
      const run = await begin('first');
      let shown = await showTables(run, world, store);
      await using db = await runTables(run);
      await using all = await worldTables(world, store);
      const ids = () =>
        [db.selectFrom('people').select('id'), all.selectFrom('people').select('id')].map(
          async (query) => (await query.execute()).length,
        );
      expect(await Promise.all(ids())).toEqual([12, 12]);
      await run.advance();
      for (let version = 1; version < 6; version++) {
        const next = await keepTables(run, world, store, { version: String(version % 3) });
        expect(next.tables[0]!.view).not.toBe(shown.tables[0]!.view);
        shown = next;
        const [, ...during] = await Promise.all([store.switchProjection(next.number), ...ids(), ...ids()]);
        expect([...during, ...(await Promise.all(ids()))]).toEqual([12, 12, 12, 12, 12, 12]);
        while ((await store.sweepProjections(Infinity)) > 0);
        expect(await Promise.all(ids())).toEqual([12, 12]);
      }
      const few = await showTables(run, world, store, { only: ['clock'] });
      const gone = await caught(() => db.selectFrom('people').select('id').execute());
      expect([gone.code, gone.hint]).toEqual(['BAD_USAGE', 'There are: clock.']);
      expect(await db.selectFrom('clock').selectAll().execute()).toHaveLength(1);
      await store.retireProjection(few.number);
      expect(await codeOf(() => db.selectFrom('clock').selectAll().execute())).toBe('NO_PROJECTION');
      const none = await caught(() => all.selectFrom('clock').selectAll().execute());
      expect([none.code, none.hint]).toEqual(['BAD_USAGE', 'There are: no tables yet.']);
    });

    test('a switch between a look at the views and the query is noticed', async () => {
      await fresh();
      const run = await begin('first');
      await showTables(run, world, store);
      const next = await keepTables(run, world, store, { version: 'next' });
      let switched = 0;
      let closed = 0;
      /** The store, whose readers ask a query over people only after the rows have moved. */
      const moving = new Proxy(store, {
        get(target, name) {
          const value = Reflect.get(target, name, target);
          if (name !== 'openReader') return typeof value === 'function' ? value.bind(target) : value;
          return async () => {
            const reader = await target.openReader();
            return {
              close: () => reader.close().then(() => void closed++),
              async query(text: string, parameters: []) {
                if (text.startsWith('with') && switched++ === 0) await target.switchProjection(next.number);
                return reader.query(text, parameters);
              },
            };
          };
        },
      });
      const db = await runTables({ store: moving, id: 'first', world });
      expect(await db.selectFrom('people').select('id').execute()).toHaveLength(12);
      expect([switched, closed]).toEqual([2, 0]);
      await db.destroy();
      expect(closed).toBe(1);
    });

    test('nothing is written, and what is not there is said', async () => {
      await fresh();
      const run = await begin('first');
      const before = await caught(() => runTables(run));
      expect([before.code, before.hint]).toEqual(['NO_PROJECTION', expect.stringContaining('projectTables')]);
      expect(await codeOf(() => runTables({ store, id: 'none', world }))).toBe('UNKNOWN_RUN');
      await keepTables(run, world, store);
      expect(await codeOf(() => runTables(run))).toBe('NO_PROJECTION');
      await showTables(run, world, store);
      await using db = await runTables(run);
      const loose = db as unknown as import('kysely').Kysely<any>;
      const writes = [
        () => loose.insertInto('people').values({ id: 1 }).execute(),
        () => loose.updateTable('people').set({ id: 1 }).execute(),
        () => loose.deleteFrom('people').execute(),
        () =>
          loose
            .with('a', (qb) => qb.selectFrom('people').select('id'))
            .deleteFrom('town_1_people')
            .execute(),
        () => db.schema.createTable('mine').addColumn('x', 'integer').execute(),
        () => db.schema.dropView('town_1_people').execute(),
        () => sql`begin`.execute(db),
      ];
      for (const write of writes) expect(await codeOf(write)).toBe('READ_ONLY');
      let called = false;
      const transaction = db.transaction().execute(async () => void (called = true));
      expect([await codeOf(() => transaction), called]).toEqual(['UNSUPPORTED', false]);
      const stream = async () => {
        for await (const _ of db.selectFrom('people').select('id').stream()) called = true;
      };
      expect([await codeOf(stream), called]).toEqual(['UNSUPPORTED', false]);
      const wrong = await caught(() => sql`select * from peple`.execute(db));
      expect([wrong.code, wrong.hint]).toEqual([
        'BAD_USAGE',
        'There are: clock, people, town_1_people, towns.',
      ]);
      expect(await db.selectFrom('people').select('id').execute()).toHaveLength(12);
      const seen = await db.connection().execute((one) => one.selectFrom('clock').selectAll().execute());
      expect(seen).toHaveLength(1);
      await run.close();
      expect(await codeOf(() => runTables(run))).toBe('CLOSED');
      expect(await db.selectFrom('people').select('id').execute()).toHaveLength(12);
      const later = await runTables({ store, id: 'first', world });
      expect(await later.selectFrom('clock').selectAll().execute()).toHaveLength(1);
      await later.destroy();
      await expect(later.selectFrom('clock').selectAll().execute()).rejects.toThrow('destroyed');
    });
  });
});

test('a store without tables in SQL says which have them', async () => {
  const store = memoryStore();
  const run = await createRun(world, { store, id: 'first', seed: 'a' });
  for (const call of [() => runTables(run), () => worldTables(world, store)]) {
    const e = await caught(call);
    expect(e).toBeInstanceOf(UnsupportedError);
    expect(e.hint).toContain('sqlite or postgres or pglite');
  }
  const loose = runTables as unknown as (...given: unknown[]) => unknown;
  for (const given of [undefined, {}, { store }, { store, id: 'first', world: {} }])
    expect(await codeOf(() => loose(given))).toBe('BAD_USAGE');
  const looser = worldTables as unknown as (...given: unknown[]) => unknown;
  for (const given of [[], [world], [{}, store]])
    expect(await codeOf(() => looser(...given))).toBe('BAD_USAGE');
  await run.close();
});

test('a u64 is a whole number of 20 digits', async () => {
  expect([u64(0), u64(100n), u64(LARGE)]).toEqual([
    '00000000000000000000',
    '00000000000000000100',
    '18446744073709551615',
  ]);
  const wrong: unknown[] = [-1, 1.5, Number.NaN, 2 ** 53, LARGE + 1n, '5', null, undefined];
  for (const value of wrong) expect(await codeOf(() => u64(value as bigint))).toBe('BAD_VALUE');
});
