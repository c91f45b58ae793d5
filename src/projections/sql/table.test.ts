import { describe, expect, test } from 'vitest';
import type { SqlDialect } from '../../base/sql.ts';
import { ColumnSet } from '../../columns/column-set.ts';
import { t } from '../../schema/columns.ts';
import { defineSchema } from '../../schema/define.ts';
import { event, singleton, table } from '../../schema/tables.ts';
import { WorldState } from '../world-state.ts';
import { columnDefinitions, rowOfSql, rowToSql, type SqlTable, selection, sqlTable } from './table.ts';
import { columnsToSql } from './values.ts';

const schema = defineSchema({
  name: 'every',
  version: 1,
  tables: {
    every: table(
      {
        id: t.id(),
        u8: t.u8(),
        i16: t.i16(),
        u16: t.u16(),
        i32: t.i32(),
        u32: t.u32(),
        int: t.int(),
        i64: t.i64(),
        u64: t.u64(),
        f32: t.f32(),
        f64: t.f64(),
        odd: t.f64({ nan: true }),
        maybe: t.f64({ nan: true }).optional(),
        yes: t.bool(),
        kind: t.enum('a', 'b'),
        name: t.text().optional(),
        raw: t.bytes(),
        doc: t.json(),
        friend: t.ref('every'),
        home: t.ref('places'),
        pos: t.struct({ x: t.f64(), in: t.struct({ y: t.u8() }) }).optional(),
        path: t.list(t.struct({ at: t.u64(), of: t.f64({ nan: true }) })),
        v: t.vec(2, 'f32'),
      },
      { index: ['u8', 'kind'] },
    ),
    places: table({ code: t.text().key(), floor: t.i8() }),
    now: singleton({ doc: t.json() }),
  },
  events: { moved: event({ who: t.ref('every'), seq: t.u8() }) },
});
const { compiled } = schema;
const tableOf = (dialect: SqlDialect, name: string): SqlTable =>
  sqlTable(dialect, compiled.tableOf.get(name)!);

describe('columns of SQL', () => {
  test('are those that docs/sql.md promises for SQLite', () => {
    expect(columnDefinitions(tableOf('sqlite', 'every'))).toEqual([
      '"doc" text not null',
      '"f32" not null',
      '"f64" not null',
      '"friend" integer not null',
      '"home" text not null',
      '"i16" integer not null',
      '"i32" integer not null',
      '"i64" integer not null',
      '"id" integer not null',
      '"int" integer not null',
      '"kind" text not null',
      '"maybe"',
      '"maybe_nan" integer',
      '"name" text',
      '"odd"',
      '"odd_nan" integer not null',
      '"path" text not null',
      '"pos_in_y" integer',
      '"pos_x"',
      '"raw" blob not null',
      '"u16" integer not null',
      '"u32" integer not null',
      '"u64" text not null',
      '"u8" integer not null',
      '"v" text not null',
      '"yes" integer not null',
    ]);
  });
  test('are those that docs/sql.md promises for PostgreSQL', () => {
    expect(columnDefinitions(tableOf('postgres', 'every'))).toEqual([
      '"doc" jsonb not null',
      '"f32" real not null',
      '"f64" double precision not null',
      '"friend" bigint not null',
      '"home" text collate "C" not null',
      '"i16" smallint not null',
      '"i32" integer not null',
      '"i64" bigint not null',
      '"id" bigint not null',
      '"int" bigint not null',
      '"kind" text collate "C" not null',
      '"maybe" double precision',
      '"name" text collate "C"',
      '"odd" double precision not null',
      '"path" jsonb not null',
      '"pos_in_y" smallint',
      '"pos_x" double precision',
      '"raw" bytea not null',
      '"u16" integer not null',
      '"u32" bigint not null',
      '"u64" numeric(20) not null',
      '"u8" smallint not null',
      '"v" real[] not null',
      '"yes" boolean not null',
    ]);
  });
  test('know the key and the indexes of their table', () => {
    const every = tableOf('sqlite', 'every');
    expect(every.key.map(({ name }) => name)).toEqual(['id']);
    expect(every.index.map(({ name }) => name)).toEqual(['u8', 'kind']);
    expect(tableOf('sqlite', 'now').key).toEqual([]);
    expect(sqlTable('sqlite', compiled.kindOf.get('moved')!, { taken: ['tick', 'seq'] })).toMatchObject({
      name: 'moved',
      columns: [{ name: 'seq_2' }, { name: 'who' }],
      key: [],
    });
  });
  test('are selected so that drivers do not parse them', () => {
    expect(selection(tableOf('postgres', 'now'))).toEqual(['"doc"::text as "doc"']);
    expect(selection(tableOf('postgres', 'places'))).toEqual([
      `convert_to("code", 'UTF8') as "code"`,
      '"floor"',
    ]);
    expect(selection(tableOf('sqlite', 'now'))).toEqual(['"doc"']);
  });
});

test('names that SQL would take for one are told apart, and declared ones stay', () => {
  const odd = defineSchema({
    name: 'odd',
    version: 1,
    tables: {
      T: table({
        id: t.id(),
        a: t.u8(),
        A: t.u8(),
        pos_x: t.f64({ nan: true }),
        pos: t.struct({ x: t.u8(), X: t.u8() }),
        pos_x_nan: t.u8(),
        xmin: t.u8(),
        select: t.u8(),
      }),
    },
  });
  const columns = sqlTable('sqlite', odd.compiled.tableOf.get('T')!).columns.map(
    ({ name, steps, tellsNaN }) => `${name} = ${steps.join('.')}${tellsNaN ? ' is NaN' : ''}`,
  );
  expect(columns).toEqual([
    'A = A',
    'a_2 = a',
    'id = id',
    'pos_X_2 = pos.X',
    'pos_x_3 = pos.x',
    'pos_x = pos_x',
    'pos_x_nan_2 = pos_x is NaN',
    'pos_x_nan = pos_x_nan',
    'select = select',
    'xmin_2 = xmin',
  ]);
});

const row = {
  u8: 255,
  i16: -32768,
  u16: 65535,
  i32: -1,
  u32: 4294967295,
  int: -(2 ** 53 - 1),
  i64: -(2n ** 63n),
  u64: 2n ** 64n - 1n,
  f32: 0.1,
  f64: -0,
  odd: Number.NaN,
  maybe: Number.NaN,
  yes: true,
  kind: 'b',
  name: '\ufeffé',
  raw: Uint8Array.of(0, 255),
  doc: { b: [null, -1.5], a: 'x' },
  friend: 7,
  home: 'here',
  pos: { x: -Infinity, in: { y: 3 } },
  path: [{ at: 7n, of: Number.NaN }],
  v: [-0, Infinity],
};
const cells = (dialect: SqlDialect, given: object): { [name: string]: unknown } => {
  const of = tableOf(dialect, 'every');
  const set = new ColumnSet(of.layout, false, { id: () => 1 });
  set.append(given);
  const made = rowToSql(of, set.rowAt(0));
  expect(columnsToSql(of, set, 0, 1).map((column) => column[0])).toEqual(made);
  expect(
    rowOfSql(
      of,
      made.map((cell, i) => asRead(of, i, cell)),
    ),
  ).toEqual(set.rowAt(0));
  return Object.fromEntries(of.columns.map(({ name }, i) => [name, made[i]]));
};
/** PostgreSQL gives texts back as bytes: see `selection`. */
const asRead = ({ columns }: SqlTable, at: number, cell: unknown): unknown =>
  typeof cell === 'string' && columns[at]!.form.type.startsWith('text collate') ? Buffer.from(cell) : cell;

test('a singleton that nobody has set holds the JSON null', () => {
  const { set } = new WorldState(compiled).tables.get('now')!;
  const now = tableOf('sqlite', 'now');
  expect(columnsToSql(now, set, 0, 1)).toEqual([['null']]);
  expect(rowToSql(now, set.rowAt(0))).toEqual(['null']);
  expect(rowOfSql(now, ['null'])).toEqual({ doc: null });
});

test('lists hold what is nested as deep as JSON may be', () => {
  const deep = defineSchema({
    name: 'deep',
    version: 1,
    tables: { deep: singleton({ all: t.list(t.struct({ doc: t.json() })) }) },
  });
  const table = sqlTable('postgres', deep.compiled.tableOf.get('deep')!);
  const text = `${'['.repeat(200)}${']'.repeat(200)}`;
  const row = { all: [{ doc: JSON.parse(text) }] };
  expect(rowToSql(table, row)).toEqual([`[{"doc":${text}}]`]);
  expect(rowOfSql(table, [`[{"doc":${text}}]`])).toEqual(row);
});

describe('what drivers take', () => {
  test('of SQLite', () => {
    expect(cells('sqlite', row)).toMatchObject({
      u64: '18446744073709551615',
      i64: -(2n ** 63n),
      f64: -0,
      f32: Math.fround(0.1),
      odd: null,
      odd_nan: 1,
      maybe: null,
      maybe_nan: 1,
      yes: 1,
      kind: 'b',
      doc: '{"a":"x","b":[null,-1.5]}',
      pos_x: -Infinity,
      pos_in_y: 3,
      path: '[{"at":"7","of":"NaN"}]',
      v: '["-0","Infinity"]',
    });
    expect(cells('sqlite', { ...row, u64: 7n, maybe: null, pos: null, name: null, odd: 1 })).toMatchObject({
      u64: '00000000000000000007',
      odd: 1,
      odd_nan: 0,
      maybe: null,
      maybe_nan: null,
      pos_x: null,
      pos_in_y: null,
      name: null,
    });
  });
  test('of PostgreSQL', () => {
    expect(cells('postgres', row)).toMatchObject({
      u64: '18446744073709551615',
      i64: '-9223372036854775808',
      f64: '-0',
      odd: Number.NaN,
      yes: true,
      raw: Uint8Array.of(0, 255),
      doc: '{"a":"x","b":[null,-1.5]}',
      v: '{-0,Infinity}',
    });
  });
});
