/** The contract of the projections port: connections for reading; a part of `projections.ts`. */
import { expect, test } from 'vitest';
import type { SqlReader } from '../../src/log/projection-store.ts';
import {
  at,
  declare,
  make,
  type ProjectionBench,
  people,
  records,
  rowsIn,
  step,
  written,
} from './projections-bench.ts';
import { newFork, outcome } from './records.ts';

/** Statements that are none for reading, and what only one dialect has. */
const WRITING = [
  'delete from runs',
  "update runs set header = 'x'",
  "insert into people_2 values (1, 'a')",
  'delete from runs returning id',
  "update runs set header = 'x' returning id",
  'create table mine (x integer)',
  'create index mine on runs (header)',
  'drop table runs',
  'drop view people',
  'alter table runs add column mine integer',
  'begin',
  'commit',
  'rollback',
  ' /* select */ -- select 1\n delete from runs',
];
const WRITING_IN = {
  sqlite: [
    'pragma journal_mode = delete',
    'PRAGMA query_only = 1',
    ' /* x */ pragma foreign_keys = 0',
    'explain pragma foreign_keys = 0',
    'begin immediate',
    'savepoint a',
    'vacuum',
    "vacuum into '/dev/null'",
    "attach ':memory:' as mine",
    'create temp table mine (x)',
    'with a as (select 1) delete from runs',
    'analyze',
    'reindex',
  ],
  postgres: [
    'with gone as (delete from runs returning id) select * from gone',
    'truncate runs',
    'set transaction read write',
    'set session characteristics as transaction read write',
    'set search_path = pg_catalog',
    'vacuum',
    'lock table runs',
    'create temp table mine (x integer)',
    'savepoint a',
  ],
} as const;

/** The sentences of `SqlReader`. */
export function readerContract(bench: ProjectionBench): void {
  let readers: SqlReader[] = [];
  const open = async () => {
    const reader = await bench.store.openReader();
    readers.push(reader);
    return reader;
  };
  const ending = async () => {
    for (const reader of readers) await reader.close();
    readers = [];
  };
  const filled = async () => {
    await make(bench.store, 'one');
    const info = await declare(bench.store, 'one');
    await bench.store.advanceProjection(step(info.number, null, at(0), written([1, 'a', 3], [2, 'b'])));
    await bench.store.switchProjection(info.number);
    return info;
  };
  const mark = (of: number) => (bench.store.dialect === 'sqlite' ? '?' : `$${of}`);
  const cast = (of: number, type: string) => `cast(${mark(of)} as ${type})`;

  test('a question is answered with columns and rows', async () => {
    await filled();
    const reader = await open();
    expect(await reader.query('select * from people order by id', [])).toEqual({
      columns: ['run', 'id', 'name', 'cell'],
      rows: [
        ['one', 1, 'a', 3],
        ['one', 2, 'b', null],
      ],
    });
    expect(await reader.query('select id from people where id > 5', [])).toEqual({
      columns: ['id'],
      rows: [],
    });
    expect(await reader.query('values (1, 2), (3, 4)', [])).toMatchObject({
      rows: [
        [1, 2],
        [3, 4],
      ],
    });
    const with1 = 'with a as (select 1 as "One") select * from a;';
    expect(await reader.query(with1, [])).toEqual({ columns: ['One'], rows: [[1]] });
    expect((await reader.query('explain select * from people', [])).rows.length).toBeGreaterThan(0);
    expect((await reader.query('select count(*) from runs', [])).rows).toEqual([[1]]);
    await ending();
  });

  test('parameters are data', async () => {
    await filled();
    const reader = await open();
    const where = `select id from people where name = ${mark(1)} and id < ${mark(2)}`;
    expect((await reader.query(where, ['a', 5])).rows).toEqual([[1]]);
    expect((await reader.query(where, ["' or 1 = 1 --", 5])).rows).toEqual([]);
    const type = bench.store.dialect === 'sqlite' ? ['text', 'blob'] : ['text', 'bytea'];
    const sql = `select ${cast(1, type[0]!)}, ${cast(2, type[1]!)}, ${cast(3, 'text')}, ${cast(4, 'bigint')}`;
    const { rows } = await reader.query(sql, ['é😀', Uint8Array.of(0, 255), null, 2n ** 60n]);
    expect(rows).toEqual([['é😀', Uint8Array.of(0, 255), null, 2n ** 60n]]);
    expect(Object.getPrototypeOf(rows[0]![1])).toBe(Uint8Array.prototype);
    const flag = bench.store.dialect === 'sqlite' ? 'integer' : 'boolean';
    expect((await reader.query(`select ${cast(1, flag)}`, [true])).rows.flat().map(Number)).toEqual([1]);
    await ending();
  });

  test('whole numbers are exact whatever their size', async () => {
    const reader = await open();
    const given = [
      2n ** 53n - 1n,
      2n ** 53n,
      2n ** 53n + 1n,
      -(2n ** 53n) + 1n,
      -(2n ** 53n),
      -(2n ** 53n) - 1n,
    ];
    const list = given.map((value) => `cast(${value} as bigint)`).join();
    const { rows } = await reader.query(`select ${list}`, []);
    expect(rows[0]).toEqual(given.map((v) => (v < 2n ** 53n && v > -(2n ** 53n) ? Number(v) : v)));
    const largest = await reader.query('select cast(9223372036854775807 as bigint)', []);
    expect(largest.rows).toEqual([[2n ** 63n - 1n]]);
    await ending();
  });

  test('columns of one name are kept apart', async () => {
    const reader = await open();
    const columnsOf = async (sql: string) => (await reader.query(sql, [])).columns;
    expect(await reader.query('select 1 as n, 2 as n, 3 as m, 4 as n', [])).toEqual({
      columns: ['n', 'n_2', 'm', 'n_3'],
      rows: [[1, 2, 3, 4]],
    });
    expect(await columnsOf('select 1 as n, 2 as n, 3 as n_2, 4 as "N"')).toEqual(['n', 'n_2', 'n_2_2', 'N']);
    await filled();
    expect(await columnsOf('select a.id, b.id from people a cross join people b')).toEqual(['id', 'id_2']);
    await ending();
  });

  test('a statement that writes, or does anything but read, is READ_ONLY and does nothing', async () => {
    const { store } = bench;
    await filled();
    const reader = await open();
    const runs = await store.list(null, 9);
    for (const sql of [...WRITING, ...WRITING_IN[store.dialect]]) {
      // Into a table that is not there, a database may say so first.
      const codes = sql.includes('people_2') ? ['READ_ONLY', 'BAD_USAGE'] : ['READ_ONLY'];
      const { code } = (await outcome(() => reader.query(sql, []))) as { code: string };
      expect(codes, sql).toContain(code);
      expect(await outcome(() => reader.query('delete from runs', [])), sql).toEqual({ code: 'READ_ONLY' });
    }
    expect(await store.list(null, 9)).toEqual(runs);
    expect(await rowsIn(store, 'people')).toHaveLength(2);
    expect((await reader.query('select count(*) from people', [])).rows).toEqual([[2]]);
    await store.fork(newFork('two', 'one-segment', records[0]!));
    expect((await store.append('one-segment', 1, 1, records.slice(1, 3))).tick).toBe(2);
    await ending();
  });

  test('what the database does not take is BAD_USAGE with what it says', async () => {
    await filled();
    const reader = await open();
    const said: [string, readonly (string | number)[], RegExp][] = [
      ['select * from nowhere', [], /nowhere/],
      ['selec 1', [], /selec/],
      ['select none from people', [], /none/],
      ['select 1; select 2', [], /statement|command/],
      ['select 1; delete from runs', [], /statement|command/],
      ['', [], /./],
      ['-- nothing', [], /./],
      [`select id from people where id = ${mark(1)}`, [], /param/i],
      [`select id from people where id = ${mark(1)}`, [1, 2], /param/i],
      ['select abs(-9223372036854775808 - 0)', [], /./],
    ];
    if (bench.store.dialect === 'postgres')
      said.splice(-1, 1, ['select 1 / (id - id) from people', [], /zero/]);
    for (const [sql, parameters, message] of said) {
      const e = await reader.query(sql, parameters).catch((caught: unknown) => caught);
      expect(e, sql).toMatchObject({ code: 'BAD_USAGE', message: expect.stringMatching(message) });
    }
    expect((await reader.query('select 1 as n', [])).rows).toEqual([[1]]);
    await ending();
  });

  test('what is no value of SQL is no parameter', async () => {
    const reader = await open();
    const sql = `select ${cast(1, 'text')}`;
    const wrong: unknown[] = [undefined, new Date(0), ['a'], { a: 1 }, () => 1, Symbol('a')];
    for (const value of wrong)
      expect(await outcome(() => reader.query(sql, [value as string])), typeof value).toEqual({
        code: 'BAD_USAGE',
      });
    expect((await reader.query(sql, ['a'])).rows).toEqual([['a']]);
    await ending();
  });

  test('a statement is asked as a whole or not at all', async () => {
    const reader = await open();
    for (const sql of ['select 1 \0 where 1 = 0', 'select 1 \ud800'])
      expect(await outcome(() => reader.query(sql, [])), sql).toEqual({ code: 'BAD_USAGE' });
    await ending();
  });

  test('a question whose answering writes is READ_ONLY', async () => {
    if (bench.store.dialect !== 'sqlite') return;
    await filled();
    const reader = await open();
    for (const sql of ['select * from pragma_optimize', 'select * from pragma_optimize(0x10012)'])
      expect(await outcome(() => reader.query(sql, [])), sql).toEqual({ code: 'READ_ONLY' });
    const written = "select count(*) from sqlite_master where name like 'sqlite_stat%'";
    expect((await reader.query(written, [])).rows).toEqual([[0]]);
    expect((await bench.store.append('one-segment', 1, 1, records.slice(1, 3))).tick).toBe(2);
    await ending();
  });

  test('a reader sees what was committed since, while others write and read', async () => {
    const { store } = bench;
    const info = await filled();
    const [reader, second] = [await open(), await open()];
    const count = async (of: SqlReader) => (await of.query('select count(*) from people', [])).rows[0]![0];
    for (let tick = 1; tick < 12; tick++) {
      const [took, seen] = await Promise.all([
        store.advanceProjection(step(info.number, at(tick - 1), at(tick), written([tick + 2, 'more']))),
        count(reader),
      ]);
      expect(took).toBe(true);
      expect([tick + 1, tick + 2]).toContain(seen);
      expect(await Promise.all([count(reader), count(second)])).toEqual([tick + 2, tick + 2]);
    }
    await ending();
  });

  test('a table that comes, changes and goes is seen as it is', async () => {
    const { store } = bench;
    const info = await filled();
    const reader = await open();
    const names = async () => (await reader.query('select * from people order by id', [])).columns;
    expect(await names()).toEqual(['run', 'id', 'name', 'cell']);
    await store.retireProjection(info.number);
    expect(await store.sweepProjections(Infinity)).toBeGreaterThan(0);
    expect(await outcome(names)).toEqual({ code: 'BAD_USAGE' });
    const columns = people(store.dialect).columns.slice(0, 2);
    await declare(store, 'one', [people(store.dialect, { identity: 'other', columns, index: [] })]);
    expect(await names()).toEqual(['run', 'id', 'name']);
    await ending();
  });

  test('a reader that is closed answers nothing; closing twice does nothing', async () => {
    await filled();
    const [reader, other] = [await open(), await open()];
    await reader.close();
    await reader.close();
    expect(await outcome(() => reader.query('select 1', []))).toEqual({ code: 'CLOSED' });
    expect((await other.query('select 1', [])).rows).toEqual([[1]]);
    expect(await rowsIn(bench.store, 'people')).toHaveLength(2);
    await ending();
  });
}
