/**
 * Projections in SQL: the queries on their catalogue, what the rows mean, and how their tables are declared.
 *
 * Owns how a projection is listed, begun, shown and retired, for every database. Executes nothing and decides
 * nothing: a store runs the queries in its own transaction. Rows of projected tables are each store's own.
 */
import type { Kysely } from 'kysely';
import { canonicalJson, parseCanonical } from '../../base/canonical.ts';
import { PROJECTION_COLUMN } from '../../log/projection-checks.ts';
import type {
  Checkpoint,
  NewProjection,
  ProjectedColumn,
  ProjectedTable,
  ProjectionInfo,
  TableNames,
} from '../../log/projection-store.ts';
import { quoted, type SqlNames } from '../../projections/sql/names.ts';
import { torn } from './segments.ts';
import type { ProjectionsTable, Tables } from './tables.ts';

/** A projected table as a store writes its rows. */
export interface KnownTable extends TableNames {
  readonly number: number;
  readonly columns: readonly ProjectedColumn[];
  readonly key: readonly string[];
}

const HEAD = ['number', 'run', 'choice', 'current', 'tick', 'hash', 'sequence', 'problem'] as const;

/** The projections of a run, or of all runs, that are not retired, a row for each of their tables. */
export function listedProjections(sql: Kysely<Tables>, run: string | null) {
  const all = sql
    .selectFrom('projections')
    .leftJoin('projection_tables as links', 'links.projection', 'projections.number')
    .leftJoin('projected_tables as tables', 'tables.number', 'links.projected_table')
    .select(HEAD.map((column) => `projections.${column}` as const))
    .select(['links.role', 'tables.view_name', 'tables.rows_name'])
    .where('projections.retired', '=', 0)
    .orderBy('projections.number')
    .orderBy('links.place');
  return run === null ? all : all.where('projections.run', '=', run);
}

/** A row of {@link listedProjections}. */
export interface ListedRow extends Pick<ProjectionsTable, Exclude<(typeof HEAD)[number], 'number'>> {
  readonly number: number;
  readonly role: string | null;
  readonly view_name: string | null;
  readonly rows_name: string | null;
}

/** The checkpoint that a row holds. */
export function checkpointOf(row: Pick<ListedRow, 'tick' | 'hash' | 'sequence'>): Checkpoint | null {
  const { tick, hash, sequence } = row;
  if (tick === null && hash === null && sequence === null) return null;
  if (tick === null || hash === null || sequence === null)
    return torn('a projection has a part of a checkpoint', { tick, sequence });
  return { tick, hash: new Uint8Array(hash), sequence };
}

function namesOf({ number, role, view_name: view, rows_name: rows }: ListedRow): TableNames {
  if (role === null || view === null || rows === null)
    return torn(`a table of projection ${number} is not there`, { projection: number });
  return { role, view, rows };
}

/** The projections of the rows of {@link listedProjections}. */
export function infosOf(rows: readonly ListedRow[]): readonly ProjectionInfo[] {
  const tables = new Map<number, TableNames[]>();
  const infos: ProjectionInfo[] = [];
  for (const row of rows) {
    const { number, run, choice, problem } = row;
    let own = tables.get(number);
    if (own === undefined) {
      own = [];
      tables.set(number, own);
      const checkpoint = checkpointOf(row);
      infos.push({ number, run, choice, current: row.current === 1, checkpoint, problem, tables: own });
    }
    if (row.role !== null) own.push(namesOf(row));
  }
  return infos;
}

/** The row of a new projection, which is not current. */
export const projectionColumns = ({ run, choice }: NewProjection) => ({
  run,
  choice,
  current: 0,
  retired: 0,
});

/** The row of a new table. */
export const tableColumns = (table: ProjectedTable, { view, rows }: TableNames) => ({
  identity: table.identity,
  view_name: view,
  rows_name: rows,
  columns: canonicalJson(table.columns.map(({ name, type, notNull }) => ({ name, type, notNull }))),
  key_columns: canonicalJson(table.key),
});

/** The names of a new table: `names` holds every name of the database. */
export function giveNames({ role, wanted }: ProjectedTable, names: SqlNames): TableNames {
  const view = names.give(wanted);
  return { role, view, rows: names.give(`${view}_rows`) };
}

const LINKED = ['number', 'view_name', 'rows_name', 'columns', 'key_columns'] as const;

/** The tables of a projection, in order. */
export const tablesOfProjection = (sql: Kysely<Tables>, projection: number) =>
  sql
    .selectFrom('projection_tables as links')
    .innerJoin('projected_tables as tables', 'tables.number', 'links.projected_table')
    .select(LINKED.map((column) => `tables.${column}` as const))
    .select('links.role')
    .where('links.projection', '=', projection)
    .orderBy('links.place');

/** A row of {@link tablesOfProjection}. */
export interface LinkedRow {
  readonly number: number;
  readonly role: string;
  readonly view_name: string;
  readonly rows_name: string;
  readonly columns: string;
  readonly key_columns: string;
}

/** The table of a row. */
export const knownTable = (row: LinkedRow): KnownTable => ({
  number: row.number,
  role: row.role,
  view: row.view_name,
  rows: row.rows_name,
  columns: parseCanonical(row.columns) as readonly ProjectedColumn[],
  key: parseCanonical(row.key_columns) as readonly string[],
});

/** Retires projections that a store narrows down: no view shows them, and a sweep deletes them. */
export const retire = (sql: Kysely<Tables>) =>
  sql.updateTable('projections').set({ current: 0, retired: 1 }).where('retired', '=', 0);

/** Retires every projection of a run save one. */
export const retireOthers = (sql: Kysely<Tables>, run: string, projection: number) =>
  retire(sql).where('run', '=', run).where('number', '!=', projection);

/** Changes a projection that is not retired. */
const living = (sql: Kysely<Tables>, projection: number) =>
  sql.updateTable('projections').where('number', '=', projection).where('retired', '=', 0);

/** Shows a projection; others of its run must be retired by then. */
export const showProjection = (sql: Kysely<Tables>, projection: number) =>
  living(sql, projection).set({ current: 1 });

/** Keeps why a projection stopped. */
export const keepProblem = (sql: Kysely<Tables>, projection: number, problem: string) =>
  living(sql, projection).set({ problem });

/** The run of a projection that is not retired. */
export const runOfProjection = (sql: Kysely<Tables>, projection: number) =>
  sql.selectFrom('projections').select('run').where('number', '=', projection).where('retired', '=', 0);

/** Projections that a sweep deletes. */
export const retiredProjections = (sql: Kysely<Tables>) =>
  sql.selectFrom('projections').select('number').where('retired', '=', 1).orderBy('number');

/** Tables that no projection is left of. */
export const unusedTables = (sql: Kysely<Tables>) =>
  sql
    .selectFrom('projected_tables')
    .select(['number', 'view_name as view', 'rows_name as rows'])
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('projection_tables')
            .select('projection')
            .whereRef('projection_tables.projected_table', '=', 'projected_tables.number'),
        ),
      ),
    )
    .orderBy('number');

/** The columns of a rows table and its key, as `create table` takes them. `whole` is the type of a number. */
export function rowsDefinition({ columns, key }: ProjectedTable, whole: string): string {
  const declared = columns.map(({ name, type, notNull }) =>
    [quoted(name), type, notNull ? 'NOT NULL' : ''].filter((part) => part !== '').join(' '),
  );
  const keys = [PROJECTION_COLUMN, ...key].map(quoted);
  return [
    `${quoted(PROJECTION_COLUMN)} ${whole} NOT NULL`,
    ...declared,
    `PRIMARY KEY (${keys.join()})`,
  ].join();
}

/** What the view of a table selects; `rows` and `projections` are the tables, quoted. */
export function viewSelection(
  { runColumn, columns }: ProjectedTable,
  rows: string,
  projections: string,
): string {
  const shown = [`p.run AS ${quoted(runColumn)}`, ...columns.map(({ name }) => `r.${quoted(name)}`)];
  return (
    `SELECT ${shown.join()} FROM ${rows} AS r` +
    ` JOIN ${projections} AS p ON p.number = r.${quoted(PROJECTION_COLUMN)} WHERE p.current = 1`
  );
}
