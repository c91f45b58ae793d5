/**
 * Which tables queries may name, and what each stands for in the database.
 *
 * Owns the way from projections to names: of one run, or of all runs of a world. Both are looked at for every
 * query, because a run's rows may be made again meanwhile, under another version and in other views.
 */
import { fail } from '../base/errors.ts';
import type { SqlDialect } from '../base/sql.ts';
import { readHeader } from '../log/header.ts';
import type { ProjectionInfo, ProjectionStore } from '../log/projection-store.ts';
import type { LogStore } from '../log/store.ts';
import { quoted, quotedText, SqlNames } from '../projections/sql/names.ts';
import { sqlTable } from '../projections/sql/table.ts';
import type { CompiledSchema } from '../schema/compile.ts';

/** A store that keeps tables in SQL. */
export type TableStore = LogStore & ProjectionStore;

/** The tables that queries may name, each with the views that have its rows. */
export type Shown = ReadonlyMap<string, readonly string[]>;

/** The columns of a view; the first says which run a row is of. */
export type ColumnsOf = (view: string) => Promise<readonly string[]>;

/** What queries are asked over. */
export interface Scope {
  readonly store: TableStore;
  /** The projections that are shown now. */
  current(): Promise<readonly ProjectionInfo[]>;
  /** The tables that they make. */
  shown(current: readonly ProjectionInfo[], columnsOf: ColumnsOf): Promise<Shown>;
  /** The query for the rows of a view, whose name is given as SQL takes it. */
  rowsOf(view: string, columns: readonly string[]): string;
}

/** Tables under names that SQL tells apart: `A` and `a` are one name in SQLite. */
function shownAs(tables: ReadonlyMap<string, readonly string[]>): Shown {
  const names = new SqlNames();
  return new Map([...tables].map(([role, views]) => [names.give(role), views]));
}

const columnList = (columns: readonly string[]): string => columns.map(quoted).join(', ');

/** What the run column is called, save that of `events`; the tables of one run leave it out. */
const RUN = 'run';

/** The tables of one run: the rows of its current projection. `NO_PROJECTION` where it has none. */
export function scopeOfRun(store: TableStore, run: string): Scope {
  return {
    store,
    async current() {
      return (await store.projections(run)).filter((one) => one.current);
    },
    async shown([current]) {
      if (current === undefined)
        return fail(
          'NO_PROJECTION',
          `run '${run}' has no tables in SQL`,
          { run },
          'Keep them with projectTables; they can be asked when they have come up to the log.',
        );
      return shownAs(new Map(current.tables.map(({ role, view }) => [role, [view]])));
    },
    rowsOf(view, [runColumn = '', ...columns]) {
      const shown = runColumn === RUN ? columns : [runColumn, ...columns];
      return `select ${columnList(shown)} from ${view} where ${quoted(runColumn)} = ${quotedText(run)}`;
    },
  };
}

/** Whether a view has the columns that a schema gives its table, as far as their names are the schema's own. */
function fits(
  dialect: SqlDialect,
  schema: CompiledSchema,
  role: string,
  columns: readonly string[],
): boolean {
  const layout = schema.tableOf.get(role);
  if (layout === undefined) return true;
  const wanted = sqlTable(dialect, layout).columns;
  const own = wanted.filter(({ name, steps }) => name === steps.join('_') && name !== columns[0]);
  return columns.length === wanted.length + 1 && own.every(({ name }) => columns.includes(name));
}

/** The world of runs that share a view; null where all of them are gone. */
async function worldOf(store: TableStore, runs: readonly string[]): Promise<string | null> {
  let damaged: unknown = null;
  for (const run of runs) {
    const info = await store.head(run);
    try {
      if (info !== undefined) return readHeader(run, info.header).world;
    } catch (e) {
      damaged = e;
    }
  }
  if (damaged !== null) throw damaged;
  return null;
}

interface View {
  readonly role: string;
  readonly runs: string[];
}

function viewsOf(projections: readonly ProjectionInfo[]): Map<string, View> {
  const views = new Map<string, View>();
  for (const { run, tables } of projections)
    for (const { role, view } of tables) {
      const known = views.get(view);
      if (known === undefined) views.set(view, { role, runs: [run] });
      else known.runs.push(run);
    }
  return views;
}

/**
 * The tables of all runs of a world. Views are of one world each; those whose columns are of another version
 * of the schema are left out.
 */
export function scopeOfWorld(store: TableStore, schema: CompiledSchema): Scope {
  const { name } = schema.spec;
  return {
    store,
    async current() {
      return (await store.projections(null)).filter((one) => one.current);
    },
    async shown(current, columnsOf) {
      const tables = new Map<string, string[]>();
      for (const [view, { role, runs }] of viewsOf(current)) {
        if ((await worldOf(store, runs)) !== name) continue;
        if (!fits(store.dialect, schema, role, await columnsOf(view))) continue;
        tables.set(role, [...(tables.get(role) ?? []), view]);
      }
      return shownAs(tables);
    },
    rowsOf(view, [runColumn = '', ...columns]) {
      const run =
        runColumn === RUN ? quoted(RUN) : `${quoted(runColumn)} as ${quoted(RUN)}, ${quoted(runColumn)}`;
      return `select ${[run, columnList(columns)].join(', ')} from ${view}`;
    },
  };
}
