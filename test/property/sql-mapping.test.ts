/** L3: what SQL holds of a table or a kind says every value, and gives it back, in each dialect. */
import { PGlite } from '@electric-sql/pglite';
import Database from 'better-sqlite3';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadHash } from '../../src/base/hash.ts';
import type { SqlDialect, SqlValue } from '../../src/base/sql.ts';
import { ColumnSet } from '../../src/columns/column-set.ts';
import { quoted, SqlNames } from '../../src/projections/sql/names.ts';
import {
  columnDefinitions,
  rowOfSql,
  rowToSql,
  type SqlTable,
  selection,
  sqlTable,
} from '../../src/projections/sql/table.ts';
import { columnsToSql } from '../../src/projections/sql/values.ts';
import { WorldState } from '../../src/projections/world-state.ts';
import type { CompiledSchema, SetLayout } from '../../src/schema/compile.ts';
import { anySchema, printedAs, rowOf } from '../../src/testing/arbitraries.ts';
import { textOf } from '../../src/testing/arbitraries-rows.ts';
import { holds } from './support/holds.ts';

let pglite: PGlite;
beforeAll(async () => {
  await loadHash();
  pglite = await PGlite.create();
}, 60_000);
afterAll(() => pglite.close());

interface Filled {
  readonly schema: CompiledSchema;
  readonly sets: readonly { readonly layout: SetLayout; readonly rows: readonly object[] }[];
}

const filled: fc.Arbitrary<Filled> = anySchema().chain(({ compiled }) =>
  fc
    .tuple(
      ...[...compiled.tables, ...compiled.kinds].map((layout) =>
        fc.array(rowOf(layout), { maxLength: 6 }).map((rows) => ({ layout, rows })),
      ),
    )
    .map((sets) =>
      printedAs({ schema: compiled, sets }, () => textOf([compiled.spec, sets.map((s) => s.rows)])),
    ),
);

/** Rows as columns, ids as they come. */
function setOf({ layout, rows }: Filled['sets'][number]): ColumnSet {
  let next = 1;
  const ids = layout.columns.filter(({ role }) => role === 'id' || role === 'newId');
  const set = new ColumnSet(layout, false, Object.fromEntries(ids.map(({ name }) => [name, () => next++])));
  for (const row of rows) set.append(row);
  return set;
}

const rowsOf = (set: ColumnSet): object[] => Array.from({ length: set.size }, (_, row) => set.rowAt(row));

const create = (table: SqlTable, name: string): string =>
  `create table ${quoted(name)} (${['n integer', ...columnDefinitions(table)].join(', ')})`;
const insert = (table: SqlTable, name: string, mark: (i: number) => string): string =>
  `insert into ${quoted(name)} values (${[0, ...table.columns].map((_, i) => mark(i + 1)).join(', ')})`;
const select = (table: SqlTable, name: string): string =>
  `select ${['n', ...selection(table)].join(', ')} from ${quoted(name)} order by n`;

/** What a database gives back for rows that were put into it. */
type Through = (table: SqlTable, rows: readonly SqlValue[][]) => Promise<unknown[][]>;

const throughSqlite: Through = async (table, rows) => {
  const db = new Database(':memory:');
  db.exec(create(table, table.name));
  const put = db.prepare(insert(table, table.name, () => '?'));
  rows.forEach((row, n) => void put.run(n, ...row));
  const read = db.prepare(select(table, table.name)).raw().safeIntegers().all() as unknown[][];
  db.close();
  return read.map(([, ...cells]) => cells);
};

const throughPostgres: Through = async (table, rows) => {
  const name = `any ${table.name}`;
  await pglite.exec(`drop table if exists ${quoted(name)}; ${create(table, name)}`);
  for (const [n, row] of rows.entries())
    await pglite.query(
      insert(table, name, (i) => `$${i}`),
      [n, ...row],
    );
  const { rows: read } = await pglite.query<unknown[]>(select(table, name), [], { rowMode: 'array' });
  return read.map(([, ...cells]) => cells);
};

async function comesBack(dialect: SqlDialect, set: ColumnSet, through: Through): Promise<void> {
  const table = sqlTable(dialect, set.layout, { taken: ['n'] });
  const rows = rowsOf(set);
  const asRows = rows.map((row) => rowToSql(table, row));
  const columns = columnsToSql(table, set, 0, set.size);
  const asColumns = rows.map((_, row) => columns.map((column) => column[row]!));
  expect(textOf(asColumns)).toBe(textOf(asRows));
  const read = await through(table, asRows);
  expect(read.map((cells) => textOf(rowOfSql(table, cells)))).toEqual(rows.map(textOf));
}

test('L3: rows of any schema come back from SQLite as they went in', async () => {
  await holds(filled, 100, async ({ schema, sets }) => {
    for (const given of sets) await comesBack('sqlite', setOf(given), throughSqlite);
    for (const { set } of new WorldState(schema).tables.values())
      await comesBack('sqlite', set, throughSqlite);
  });
}, 120_000);

test('L3: rows of any schema come back from PostgreSQL as they went in', async () => {
  await holds(filled, 15, async ({ schema, sets }) => {
    for (const given of sets) await comesBack('postgres', setOf(given), throughPostgres);
    for (const { set } of new WorldState(schema).tables.values())
      await comesBack('postgres', set, throughPostgres);
  });
}, 120_000);

test('names in SQL are all different, whatever the case, and end at 63 characters', async () => {
  const name = fc.oneof(
    fc.constantFrom('a', 'A', 'a_2', 'A_2', 'xmin', 'sqlite_a', 'Sqlite_a', '$a', 'select'),
    fc.string({ unit: fc.constantFrom('a', 'B', '_'), minLength: 60, maxLength: 80 }),
  );
  await holds(fc.array(name, { maxLength: 12 }), 200, (wanted) => {
    const names = new SqlNames();
    const given = wanted.map((one) => names.give(one));
    expect(new Set(given.map((one) => one.toLowerCase())).size).toBe(given.length);
    for (const one of given) {
      expect(one.length).toBeLessThanOrEqual(63);
      expect(one).not.toMatch(/^sqlite_/i);
    }
    const again = new SqlNames();
    expect(wanted.map((one) => again.give(one))).toEqual(given);
  });
});
