/**
 * The tables in SQL that hold the world of a run.
 *
 * Owns what they are called and what tells them apart: a name carries the world and its version, and a table
 * is another one where its columns are, so that two worlds in one database never meet.
 */
import { canonicalJson } from '../../base/canonical.ts';
import type { SqlDialect } from '../../base/sql.ts';
import type { ProjectedColumn, ProjectedTable } from '../../log/projection-store.ts';
import { type SqlTable, sqlTable } from '../../projections/sql/table.ts';
import { eventTable } from '../event-rows.ts';
import type { AnyWorld } from '../world.ts';
import { type Chosen, historyRole } from './choice.ts';

/** A table of the world with what it is in SQL. */
export interface KeptTable {
  /** Its name in the schema, which is its role. */
  readonly name: string;
  readonly rows: SqlTable;
  /** The same with the tick beside, for the rows of chosen ticks; null where none are kept. */
  readonly history: SqlTable | null;
}

/** The column of the id of the run. */
export const RUN = 'run';
/** That one, and the one that a store adds. */
const ADDED = [RUN, 'projection'];
const TICK = 'tick';

/** The tables of the world that are kept. */
export const keptTables = ({ schema }: AnyWorld, dialect: SqlDialect, chosen: Chosen): KeptTable[] =>
  chosen.tables.map((name) => {
    const layout = schema.compiled.tableOf.get(name)!;
    return {
      name,
      rows: sqlTable(dialect, layout, { taken: ADDED }),
      history: chosen.history === null ? null : sqlTable(dialect, layout, { taken: [...ADDED, TICK] }),
    };
  });

const projected = (
  { schema }: AnyWorld,
  role: string,
  table: SqlTable,
  before: readonly ProjectedColumn[] = [],
): ProjectedTable => {
  const { name, version } = schema.compiled.spec;
  const columns = [...before, ...table.columns.map(({ name, type, notNull }) => ({ name, type, notNull }))];
  const key = [...before, ...table.key].map((column) => column.name);
  const index = table.index.map((column) => column.name);
  return {
    wanted: `${name}_${version}_${role}`,
    identity: canonicalJson([name, version, role, columns, key, index]),
    role,
    runColumn: RUN,
    columns,
    key,
    index,
  };
};

/** The tables as a store declares them. */
export const projectedTables = (
  world: AnyWorld,
  dialect: SqlDialect,
  tables: readonly KeptTable[],
  { events }: Chosen,
): ProjectedTable[] => [
  ...tables.flatMap(({ name, rows, history }) => {
    const tick = { name: TICK, type: dialect === 'sqlite' ? 'integer' : 'bigint', notNull: true };
    const own = projected(world, name, rows);
    return history === null ? [own] : [own, projected(world, historyRole(name), history, [tick])];
  }),
  ...(events ? [eventTable(dialect)] : []),
];
