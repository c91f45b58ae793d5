/** What the tests of the projections port share: tables, checkpoints, steps, and questions about them. */
import type { SqlDialect, SqlValue } from '../../src/base/sql.ts';
import type {
  Checkpoint,
  ProjectedColumn,
  ProjectedTable,
  ProjectionInfo,
  ProjectionStep,
  ProjectionStore,
  RowChanges,
  SqlAnswer,
} from '../../src/log/projection-store.ts';
import type { LogRecord, Store } from '../../src/log/store.ts';
import { chain, newRun } from './records.ts';

/** A store with the port. */
export type ProjectingStore = Store & ProjectionStore;

/** The store of the running test, and another one on the same database where there can be one. */
export interface ProjectionBench {
  store: ProjectingStore;
  again?: () => Promise<ProjectingStore>;
}

/** The records that every run of these tests begins with. */
export const records: readonly LogRecord[] = chain('a', 30);

/** The checkpoint at a tick of those records. */
export const at = (tick: number, more: Partial<Checkpoint> = {}): Checkpoint => ({
  tick,
  hash: records[tick]!.hash,
  sequence: tick * 10,
  ...more,
});

/** A name between double quotes. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** The sorts of columns that these tests have, as each dialect declares them. */
const TYPES = {
  sqlite: { whole: 'integer', real: '', text: 'text', bytes: 'blob', flag: 'integer' },
  postgres: {
    whole: 'bigint',
    real: 'double precision',
    text: 'text collate "C"',
    bytes: 'bytea',
    flag: 'boolean',
  },
} as const satisfies Record<SqlDialect, object>;

/** The sort of a column. */
export type Sort = keyof (typeof TYPES)['sqlite'];

/** A column; one whose sort ends with `?` may be null. */
export function column(dialect: SqlDialect, name: string, sort: Sort | `${Sort}?`): ProjectedColumn {
  const notNull = !sort.endsWith('?');
  return { name, type: TYPES[dialect][sort.replace('?', '') as Sort], notNull };
}

/** What a column of reals is given, so that −0 is kept. */
export const real = (dialect: SqlDialect, value: number): SqlValue =>
  dialect === 'sqlite' ? value : Object.is(value, -0) ? '-0' : String(value);

/** A table with the key `id`, a text and a whole number with an index. */
export const people = (dialect: SqlDialect, more: Partial<ProjectedTable> = {}): ProjectedTable => ({
  wanted: 'people',
  identity: '{"people":1}',
  role: 'people',
  runColumn: 'run',
  columns: [
    column(dialect, 'id', 'whole'),
    column(dialect, 'name', 'text'),
    column(dialect, 'cell', 'whole?'),
  ],
  key: ['id'],
  index: ['cell'],
  ...more,
});

/** A table of one row a run. */
export const now = (dialect: SqlDialect, more: Partial<ProjectedTable> = {}): ProjectedTable => ({
  wanted: 'now',
  identity: '{"now":1}',
  role: 'now',
  runColumn: 'run',
  columns: [column(dialect, 'day', 'whole'), column(dialect, 'mood', 'text?')],
  key: [],
  index: [],
  ...more,
});

/** Makes a run of one record. */
export const make = (store: Store, id: string) => store.create(newRun(id, records[0]!));

/** Declares a projection of a run that is there, with `people` where no tables are given. */
export const declare = (
  store: ProjectionStore,
  run: string,
  tables: readonly ProjectedTable[] = [people(store.dialect)],
): Promise<ProjectionInfo> => store.declareProjection({ run, choice: '{"all":true}', tables });

/** Rows of `people` that are written, by id: `[id, name, cell]`. */
export const written = (...rows: readonly (readonly [number, string, (number | null)?])[]): RowChanges => ({
  role: 'people',
  removed: [[]],
  written: [rows.map(([id]) => id), rows.map(([, name]) => name), rows.map(([, , cell]) => cell ?? null)],
});

/** Rows of `people` that go. */
export const removed = (...ids: readonly number[]): RowChanges => ({
  role: 'people',
  removed: [ids],
  written: [[], [], []],
});

/** A step of a projection. */
export const step = (
  projection: number,
  from: Checkpoint | null,
  to: Checkpoint,
  ...changes: readonly RowChanges[]
): ProjectionStep => ({ projection, from, to, changes });

/** Answers one statement with a reader of its own. */
export async function ask(
  store: ProjectionStore,
  sql: string,
  parameters: readonly SqlValue[] = [],
): Promise<SqlAnswer> {
  const reader = await store.openReader();
  try {
    return await reader.query(sql, parameters);
  } finally {
    await reader.close();
  }
}

/** The rows of a view or a table, in order of all of its columns. */
export async function rowsIn(store: ProjectionStore, name: string): Promise<readonly (readonly unknown[])[]> {
  const { columns } = await ask(store, `select * from ${quoted(name)} where 1 = 0`);
  const order = columns.map((_, i) => i + 1).join();
  return (await ask(store, `select * from ${quoted(name)} order by ${order}`)).rows;
}

/** The rows of `people` behind the view, the number of the projection left out. */
export async function rowsOf(store: ProjectionStore, info: ProjectionInfo, table = 0) {
  const { rows } = info.tables[table]!;
  const all = await rowsIn(store, rows);
  return all.flatMap(([projection, ...row]) => (projection === info.number ? [row] : []));
}

/** A projection as the store lists it now; undefined where it does not. */
export const infoOf = async (store: ProjectionStore, number: number): Promise<ProjectionInfo | undefined> =>
  (await store.projections(null)).find((info) => info.number === number);

/** Deletes all that can be swept, `limit` at a time; returns how many that were, call by call. */
export async function sweepAll(store: ProjectionStore, limit: number): Promise<number[]> {
  const counts: number[] = [];
  for (let last = 1; last > 0; ) {
    last = await store.sweepProjections(limit);
    if (last > 0) counts.push(last);
  }
  return counts;
}
