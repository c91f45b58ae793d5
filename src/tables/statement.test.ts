/** Statements with tables put before them, asked of both databases. */
import { PGlite } from '@electric-sql/pglite';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf } from '../../test/support/runs.ts';
import type { SqlDialect } from '../base/sql.ts';
import { quoted } from '../projections/sql/names.ts';
import { readStatement, sqlName, withTables } from './statement.ts';

/** What the tables stand for; one is called what the view of another is called. */
const TABLES = new Map([
  ['people', 'select "id", "name" from SCHEMA."v1" where "run" = \'it\'\'s\''],
  ['v1', 'select "id" from SCHEMA."v2" where "run" = \'it\'\'s\''],
  ['Select', 'select "id" from SCHEMA."v2"'],
]);
const MADE = `create table v1 (run text, id integer, name text);
  create table v2 (run text, id integer);
  insert into v1 values ('it''s', 1, 'a'), ('it''s', 2, 'people'), ('other', 3, 'c');
  insert into v2 values ('it''s', 10), ('other', 20);`;

const sqlite = new Database(':memory:');
let pglite: PGlite;
beforeAll(async () => {
  sqlite.exec(MADE);
  pglite = await PGlite.create('memory://');
  await pglite.exec(MADE);
});
afterAll(() => pglite.close());

function textOf(dialect: SqlDialect, sql: string): string {
  const statement = readStatement(dialect, sql);
  const schema = dialect === 'sqlite' ? 'main' : 'public';
  const named = [...TABLES].filter(([name]) => statement.names.has(sqlName(dialect, name)));
  return withTables(
    statement,
    new Map(named.map(([name, query]) => [name, query.replace('SCHEMA', schema)])),
  );
}

async function answer(dialect: SqlDialect, sql: string): Promise<unknown[]> {
  const text = textOf(dialect, sql);
  if (dialect === 'sqlite') return sqlite.prepare(text).raw().all();
  return (await pglite.query<unknown[]>(text, [], { rowMode: 'array' })).rows;
}

/** Statements that both databases answer alike. */
const BOTH: readonly (readonly [sql: string, rows: readonly unknown[]])[] = [
  ['select id from people order by id', [[1], [2]]],
  ['SELECT "people"."id" FROM "people" ORDER BY 1', [[1], [2]]],
  ['select id from PEOPLE order by id', [[1], [2]]],
  ['select id from v1', [[10]]],
  [
    'select p.id, v1.id from people p, v1 order by 1',
    [
      [1, 10],
      [2, 10],
    ],
  ],
  ['select count(*) from "Select"', [[2]]],
  ["select 'people' where 'it''s people' = 'x'", []],
  ['-- with a\n/* from nowhere; */ select id from people where id = 1 -- people', [[1]]],
  ['with a as (select id from people) select id from a order by id', [[1], [2]]],
  [
    'with a (n) as (select id from people), b as not materialized (select n from a) select max(n) from b',
    [[2]],
  ],
  ['with people as (select 7 as id) select id from people', [[7]]],
  [
    'with a as (select (1) as id union all select 2), people as (select 3 as id) select id from people',
    [[3]],
  ],
  ['with people as not materialized (select 8 as id) select id from people', [[8]]],
  ['with replace as (select 7 as id) select id from replace', [[7]]],
  ['with "people" (id) as (select 7) select people.id + v1.id from people, v1', [[17]]],
  ['with a as (select 1 as id), people as (select id from a) select id from people', [[1]]],
  [
    'with recursive n (i) as (select 1 union all select i + 1 from n where i < 3) select count(*) from n, people',
    [[6]],
  ],
  ['with recursive a as (select id from v1) select people.id + a.id from a, people order by 1', [[11], [12]]],
  ['select id from people union all select id from v1 order by 1', [[1], [2], [10]]],
  ['select (select max(id) from people) as most, (select min(id) from v1) as least', [[2, 10]]],
  ['values (1), (2)', [[1], [2]]],
  ['select x.id from (with people as (select 5 as id) select id from people) x', [[5]]],
  ['select name from people where id = 2;', [['people']]],
];
const ONLY: Readonly<Record<SqlDialect, typeof BOTH>> = {
  sqlite: [
    ['select id from [people] order by id', [[1], [2]]],
    ["select id from `people` where name <> '\\' and id = 1", [[1]]],
    ['/* /* */ select id from people where id = 1', [[1]]],
    ['select id from people /* not closed', [[1], [2]]],
  ],
  postgres: [
    ['(select id from people) order by id', [[1], [2]]],
    ['table v1', [[10]]],
    [
      "select $$with v1 as ($$ || $a$ $$ 'b $a$ || E'it\\'s ' || name from people where id = $$1$$",
      [["with v1 as ( $$ 'b it's a"]],
    ],
    ['/* /* */ select */ select id from people where id = 1', [[1]]],
    ['with a as (select id from people) (select id from a where id = 1)', [[1]]],
    [
      `with recursive n (i) as (select 1 union all select i + 1 from n where i < 2)
         search depth first by i set o, people as (select 3 as id) select i + id from n, people order by o`,
      [[4], [5]],
    ],
    ['select id from people where id = any (array[1])', [[1]]],
  ],
};

describe.each(['sqlite', 'postgres'] as const)('a statement of %s', (dialect) => {
  it.each([...BOTH, ...ONLY[dialect]])('%s', async (sql, rows) => {
    expect(await answer(dialect, sql)).toEqual(rows);
  });

  it('that is explained keeps its first word', async () => {
    const explains = {
      sqlite: ['explain', 'explain query plan'],
      postgres: ['explain', 'explain (costs off)'],
    };
    for (const how of explains[dialect]) {
      for (const sql of ['select id from people', 'with a as (select id from people) select id from a'])
        expect((await answer(dialect, `${how} ${sql}`)).length).toBeGreaterThan(0);
      expect(await codeOf(() => textOf(dialect, `${how} delete from people`))).toBe('READ_ONLY');
    }
    if (dialect === 'postgres')
      expect(await answer(dialect, 'explain (select id from people)')).not.toHaveLength(0);
  });

  it('that is no query is READ_ONLY', async () => {
    const writing = [
      'insert into people values (1)',
      'update people set id = 1',
      'delete from people',
      'begin',
    ];
    for (const sql of [
      ...writing,
      'drop table v1',
      'pragma x',
      'set x = 1',
      '',
      ' -- select 1',
      '/* select 1',
    ])
      expect(await codeOf(() => textOf(dialect, sql)), sql).toBe('READ_ONLY');
  });

  it('mentions nothing in its texts', () => {
    const texts = {
      sqlite: ["'people'", "'it''s people'", ':people', '@people', '$people'],
      postgres: [
        "'people'",
        "'it''s people'",
        '$$people$$',
        "$a$ $$ 'people $a$",
        "E'it\\'s people'",
        "e'a''\\'people'",
      ],
    };
    for (const text of texts[dialect]) {
      const { names } = readStatement(dialect, `select ${text} as it, ${text} from v1`);
      expect(names, text).toEqual(new Set(['select', 'as', 'it', 'from', 'v1']));
    }
  });

  it('finds a name in quotes, whatever it is, and none inside a text', () => {
    const sign = fc.constantFrom('a', '"', "'", '`', ']', '\\', ' ', 'É');
    const word = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.string({ unit: sign, size: 'max', maxLength: 12 }),
    );
    fc.assert(
      fc.property(word, word, (name, text) => {
        const literal = `'${text.replaceAll("'", "''")}'`;
        const { names, at } = readStatement(dialect, `select ${literal} from ${quoted(name)}, ${literal}`);
        const wanted = new Set(['select', 'from', sqlName(dialect, name)]);
        expect([names, at]).toEqual([wanted, 0]);
      }),
    );
  });

  it('keeps what it said: tables are put in at one place', () => {
    const part = fc.constantFrom(
      ...['select', 'with', 'recursive', 'as', 'people', '"v1"', '(', ')', ',', "'", '"', '/*', '*/', '--'],
      ...['\n', ' ', '$$', '$a$', "E'", '\\', '[', ']', '`', '$1', '?', '1.5e3', '::', 'not', 'materialized'],
    );
    const made = fc.array(part, { size: 'max', maxLength: 60 }).map((parts) => parts.join(' '));
    fc.assert(
      fc.property(made, (end) => {
        const sql = `select ${end}`;
        const text = textOf(dialect, sql);
        const put = text.length - sql.length;
        expect([...sql].some((_, at) => text.slice(0, at) + text.slice(at + put) === sql)).toBe(true);
      }),
    );
  });
});
