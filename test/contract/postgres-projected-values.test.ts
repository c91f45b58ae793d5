/**
 * What only PostgreSQL has of projections: its types, its limits, and what a reader may ask it.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SqlValue } from '../../src/base/sql.ts';
import type { ProjectionInfo, RowChanges } from '../../src/log/projection-store.ts';
import type { PostgresStore } from '../../src/stores/postgres/index.ts';
import { SOURCES, withoutPostgres } from '../support/postgres.ts';
import { inPglite, onServer, type StoreDatabase } from '../support/postgres-stores.ts';
import {
  ask,
  at,
  declare,
  make,
  people,
  records,
  rowsIn,
  rowsOf,
  step,
  written,
} from './projections-bench.ts';
import { expectAt } from './projections-expect.ts';
import { outcome } from './records.ts';

/** A table of these columns, the first of which is the key. */
const tableOf = (columns: Readonly<Record<string, string>>, index: readonly string[] = []) =>
  people('postgres', {
    identity: JSON.stringify([columns, index]),
    columns: Object.entries(columns).map(([name, type]) => ({ name, type, notNull: false })),
    key: Object.keys(columns).slice(0, 1),
    index,
  });

const rowsOfColumns = (...cells: readonly ArrayLike<SqlValue>[]): RowChanges => ({
  role: 'people',
  removed: [],
  written: cells,
});

function valuesIn(source: () => Promise<StoreDatabase>): void {
  let database: StoreDatabase;
  let store: PostgresStore;
  let schema: string;
  beforeAll(async () => {
    database = await source();
  }, 120_000);
  afterAll(() => database?.end());
  beforeEach(async () => {
    schema = database.schema();
    store = await database.open({ schema });
    await make(store, 'one');
  });
  afterEach(() => store.close());

  const begin = (columns: Readonly<Record<string, string>>, index?: readonly string[]) =>
    declare(store, 'one', [tableOf(columns, index)]);
  const write = ({ number }: ProjectionInfo, ...cells: readonly ArrayLike<SqlValue>[]) =>
    store.advanceProjection(step(number, null, at(0), rowsOfColumns(...cells)));

  test('every type that a column of a world has takes its values, nulls among them', async () => {
    const columns = {
      id: 'bigint',
      small: 'smallint',
      whole: 'integer',
      u64: 'numeric(20)',
      f32: 'real',
      f64: 'double precision',
      flag: 'boolean',
      raw: 'bytea',
      doc: 'jsonb',
      v32: 'real[]',
      v8: 'smallint[]',
      v64: 'numeric(20)[]',
      name: 'text collate "C"',
    };
    const info = await begin(columns, ['f64', 'name']);
    const f32 = Math.fround(0.1);
    const given: SqlValue[][] = [
      [1n, -5, 7, '18446744073709551615', '-0', '-0', true, Uint8Array.of(0, 255), '{"a":[1,"é"]}'],
      [2, 32767, -(2 ** 31), 0, f32, Number.NaN, false, new Uint8Array(), '"\u{1f600}"'],
      ['3', 0, 0, 1n, -Infinity, 5e-324, null, null, 'null'],
      [4, null, null, null, null, null, null, null, null],
    ];
    const vectors = [
      [`{1,-0,NaN,Infinity,${f32}}`, '{1,2}', '{18446744073709551615}', '\u{feff}marked'],
      ['{}', '{}', '{}', ''],
      ['{0}', '{-1}', '{0}', '  '],
      [null, null, null, null],
    ];
    const cells = given.map((row, i) => [...row, ...vectors[i]!]);
    expect(await write(info, ...Object.keys(columns).map((_, i) => cells.map((row) => row[i]!)))).toBe(true);
    const said = [
      [1, -5, 7, '18446744073709551615', -0, -0, true, Uint8Array.of(0, 255), '{"a": [1, "é"]}'],
      [2, 32767, -(2 ** 31), '0', f32, Number.NaN, false, new Uint8Array(), '"\u{1f600}"'],
      [3, 0, 0, '1', -Infinity, 5e-324, null, null, 'null'],
      [4, null, null, null, null, null, null, null, null],
    ];
    const texts = vectors.map((row) => row.map((v) => v));
    texts[0]![0] = '{1,-0,NaN,Infinity,0.1}';
    expect(await rowsOf(store, info)).toEqual(said.map((row, i) => [...row, ...texts[i]!]));
    const read = 'select v32::float8[]::text, jsonb_typeof(doc) from people_rows order by id';
    const { rows } = await ask(store, read);
    expect(rows.map(([, type]) => type)).toEqual(['object', 'string', 'null', null]);
    expect(rows[0]![0]).toBe(`{1,-0,NaN,Infinity,${f32}}`);
  });

  test('keys of texts stand in the order of their bytes, and are replaced and removed', async () => {
    const info = await begin({ name: 'text collate "C"', n: 'integer' }, ['n']);
    const names = ['b', 'B', 'a', 'ä', 'Z', '', ' '];
    await write(
      info,
      names,
      Int32Array.from(names, (_, i) => i),
    );
    expect((await rowsOf(store, info)).map(([name]) => name)).toEqual(['', ' ', 'B', 'Z', 'a', 'b', 'ä']);
    const change = {
      role: 'people',
      removed: [['', 'Z', 'none']],
      written: [
        ['ä', 'c'],
        [-1, null],
      ],
    };
    expect(await store.advanceProjection(step(info.number, at(0), at(1), change))).toBe(true);
    expect(await rowsOf(store, info)).toEqual([
      [' ', 6],
      ['B', 1],
      ['a', 2],
      ['b', 0],
      ['c', null],
      ['ä', -1],
    ]);
  });

  test('more rows than a statement carries go in together or not at all', async () => {
    const info = await begin({ id: 'integer', text: 'text collate "C"' });
    const text = 'x'.repeat(500_000);
    const ids = Array.from({ length: 50 }, (_, i) => i);
    const texts: SqlValue[] = ids.map((id) => text + id);
    const refused = [...texts.slice(0, 49), 'a\0'];
    expect(await outcome(() => write(info, ids, refused))).toEqual({ code: 'STORE_FAILED' });
    await expectAt(store, info, null, []);
    expect(await write(info, ids, texts)).toBe(true);
    const lengths = await ask(
      store,
      'select count(*), min(length(text)), max(length(text)) from people_rows',
    );
    expect(lengths.rows).toEqual([[50, 500_001, 500_002]]);
  }, 60_000);

  test('a value that the database refuses is named with its table, and nothing is kept', async () => {
    // Every letter at random, so that it can't be kept small.
    const long = Array.from({ length: 6000 }, (_, i) => ((i * 7919) % 104_729).toString(36)).join('');
    const cases: [string, string, SqlValue, RegExp][] = [
      ['key', 'text collate "C"', long, /index row/],
      ['small', 'smallint', 32_768, /smallint/],
      ['whole', 'integer', 2 ** 31, /integer/],
      ['float', 'real', 1e39, /real|range/],
      ['doc', 'jsonb', '{', /json/],
      ['nul', 'jsonb', '"\\u0000"', /Unicode|u0000/],
      ['text', 'text collate "C"', 'a\0', /UTF8/],
      ['list', 'real[]', '{x}', /real|invalid/],
    ];
    for (const [wanted, type, value, why] of cases) {
      const table = { ...tableOf({ id: type, other: 'text' }), wanted, identity: wanted };
      const info = await declare(store, 'one', [table]);
      const refused = await write(info, [value], ['x']).catch((e: unknown) => e);
      expect(refused, wanted).toMatchObject({
        code: 'STORE_FAILED',
        message: expect.stringMatching(why),
        facts: { table: wanted },
      });
      await expectAt(store, info, null, []);
    }
    const twice = await declare(store, 'one');
    const rows = written([1, 'a'], [1, 'b']);
    expect(await outcome(() => store.advanceProjection(step(twice.number, null, at(0), rows)))).toEqual({
      code: 'STORE_FAILED',
    });
  });

  test('names that partitions have, and those of the system, are left to them', async () => {
    const wanted = ['run_rows_1', 'run_rows_2', 'run_rows', 'pg_class', 'people_rows_pkey', 'ö'.repeat(40)];
    const tables = ['people', ...wanted].map((name, i) =>
      people('postgres', { wanted: name, identity: `table ${i}`, role: `role ${i}` }),
    );
    const info = await declare(store, 'one', tables);
    const views = info.tables.map(({ view }) => view);
    for (const name of wanted) expect(views).not.toContain(name);
    expect(Math.max(...views.map((name) => Buffer.byteLength(name)))).toBeLessThan(64);
    for (const view of views) expect(await rowsIn(store, view)).toEqual([]);
    expect(await store.createPartition('one')).toBe(true);
    expect(await store.partitions()).toMatchObject([{ run: 'one' }]);
    for (const view of views) expect(await rowsIn(store, view)).toEqual([]);
  });

  test('a reader answers in values of any type, exactly', async () => {
    const { rows, columns } = await ask(
      store,
      `select 1.50::numeric, 'a'::name, 5::oid, '2020-01-31 12:00:00.5+02'::timestamptz,
         interval '1 day 02:00', array[1, null, 3], '{"a": 1}'::json, null::jsonb, 'nan'::float4, 0.1::float4,
         1e300::float8, '\\x00ff'::bytea, true, false, 'x'::char(3), '{1,2}'::int8[], row(1, 'b'), void.*
         from (select 9223372036854775807 as big) as void`,
    );
    expect(columns).toHaveLength(18);
    expect(rows).toEqual([
      [
        ...['1.50', 'a', 5, '2020-01-31 10:00:00.5+00', '1 day 02:00:00', '{1,NULL,3}', '{"a": 1}', null],
        ...[Number.NaN, Math.fround(0.1), 1e300, Uint8Array.of(0, 255), true, false, 'x  ', '{1,2}'],
        ...['(1,b)', 2n ** 63n - 1n],
      ],
    ]);
  });

  test('a parameter takes its type from the query', async () => {
    const reader = await store.openReader();
    const sql = 'select $1 + 1, $2 || $3, not $4, length($5), $6::float8, $7::int8, coalesce($8, 7)';
    const given = [41, 'a', 'b', true, Uint8Array.of(1, 2), -0, -(2n ** 63n), null];
    expect((await reader.query(sql, given)).rows).toEqual([[42, 'ab', false, 2, -0, -(2n ** 63n), 7]]);
    for (const bad of [['x'], ['1\0'], ['\ud800'], [1.5], [2n ** 63n]])
      expect(await outcome(() => reader.query('select $1::int4', bad))).toEqual({ code: 'BAD_USAGE' });
    expect(await outcome(() => reader.query('select 1', new Array(70_000).fill(1)))).toEqual({
      code: 'BAD_USAGE',
    });
    expect((await reader.query('select $1::int4', [5])).rows).toEqual([[5]]);
    await reader.close();
  });

  test('what a query does not take is told with the place', async () => {
    const reader = await store.openReader();
    const e = await reader.query('select é, oops from runs', []).catch((caught: unknown) => caught);
    expect(e).toMatchObject({ code: 'BAD_USAGE', facts: { sqlstate: '42703', position: 8 } });
    for (let i = 1; i < 15; i++)
      expect(await outcome(() => reader.query(`select ${'('.repeat(i)}`, []))).toEqual({ code: 'BAD_USAGE' });
    for (const sql of [
      '',
      ' ; ',
      '/* a /* b */',
      '-- x\n;',
      '/**/ /* ** */ --',
      'select 1\0; drop table runs',
    ])
      expect(await outcome(() => reader.query(sql, [])), sql).toEqual({ code: 'BAD_USAGE' });
    expect((await reader.query('select 1 as n', [])).rows).toEqual([[1]]);
    await reader.close();
  });

  test('nothing that a query sets or takes is left behind', async () => {
    const reader = await store.openReader();
    const set =
      "select set_config('search_path', 'pg_catalog', false), set_config('lock_timeout', '1', false)";
    expect((await reader.query(set, [])).rows).toEqual([['pg_catalog', '1ms']]);
    const shown = "select current_setting('search_path'), current_setting('transaction_read_only')";
    expect((await reader.query(shown, [])).rows).toEqual([[`"${schema}"`, 'on']]);
    for (const sql of [
      "select set_config('transaction_read_only', 'off', false)",
      "select nextval('projections_number_seq')",
      'select * from runs for update',
      'select 1 as mine into mine',
      'explain analyze delete from runs',
      'deallocate all',
      'discard all',
      'listen mine',
      "copy (select 1) to '/tmp/mine'",
      'copy runs from stdin',
      'prepare mine as select 1',
      'declare mine cursor for select 1',
      'do $$ begin delete from runs; end $$',
    ])
      expect(await outcome(() => reader.query(sql, [])), sql).toEqual({ code: 'READ_ONLY' });
    expect((await store.append('one-segment', 1, 1, records.slice(1, 3))).tick).toBe(2);
    expect(await outcome(() => reader.query('table people', []))).toEqual({ code: 'BAD_USAGE' });
    await declare(store, 'one');
    expect((await reader.query('table people', [])).columns).toEqual(['run', 'id', 'name', 'cell']);
    expect((await reader.query('show transaction_read_only', [])).rows).toEqual([['on']]);
    await reader.close();
  });

  test('a store that is open for reading lists projections and asks, and changes none', async () => {
    const info = await declare(store, 'one');
    await store.advanceProjection(step(info.number, null, at(0), written([1, 'a'])));
    await store.switchProjection(info.number);
    const reading = await database.open({ schema, readOnly: true });
    expect(await reading.projections(null)).toEqual(await store.projections('one'));
    expect(await rowsIn(reading, 'people')).toEqual([['one', 1, 'a', null]]);
    for (const call of [
      () => declare(reading, 'one'),
      () => reading.advanceProjection(step(info.number, at(0), at(1))),
      () => reading.appendWith('one-segment', 1, 1, [], []),
      () => reading.switchProjection(info.number),
      () => reading.stopProjection(info.number, '{}'),
      () => reading.retireProjection(info.number),
      () => reading.sweepProjections(1),
    ])
      expect(await outcome(call)).toEqual({ code: 'READ_ONLY' });
    await reading.close();
  });
}

describe.skipIf(withoutPostgres).each(SOURCES)('a server of %s', (source) => {
  valuesIn(() => onServer(source));
});

describe('embedded', () => valuesIn(inPglite));
