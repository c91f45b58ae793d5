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
import { type CompiledSchema, SOURCES } from '../schema/compile.ts';

/** The column that all tables of a world have, and the one that `events` have of a run too. */
const RUN = 'run';
const RUN_OF_EVENTS = 'run_id';
const EVENTS = 'events';

/** A store that keeps tables in SQL. */
export type TableStore = LogStore & ProjectionStore;

/** A view that has rows of a table, and the runs whose rows in it are not meant. */
export interface Source {
  readonly view: string;
  readonly except: readonly string[];
}

/** The tables that queries may name, each with where its rows are. */
export type Shown = ReadonlyMap<string, readonly Source[]>;

/** The columns of a view; the first says which run a row is of. */
export type ColumnsOf = (view: string) => Promise<readonly string[]>;

/** What queries are asked over. */
export interface Scope {
  readonly store: TableStore;
  /** The projections that are shown now. */
  current(): Promise<readonly ProjectionInfo[]>;
  /** The tables that they make. */
  shown(current: readonly ProjectionInfo[], columnsOf: ColumnsOf): Promise<Shown>;
  /** The query for the rows of a source; the name of its view is given as SQL takes it. */
  rowsOf(source: Source, view: string, columns: readonly string[]): string;
}

/**
 * Tables under names that SQL tells apart: of `A` and `a`, one name in SQLite, the second is `a_2`. Whatever
 * a projection keeps, a table has the same name: those of the schema come first, in its order.
 */
function shownAs(schema: CompiledSchema, tables: ReadonlyMap<string, readonly Source[]>): Shown {
  const names = new SqlNames();
  const own = schema.tables.map(({ name }) => name).filter((name) => name !== SOURCES);
  const roles = [...own, ...own.map((name) => `${name}_history`), EVENTS, ...tables.keys()];
  const given = new Map([...new Set(roles)].map((role) => [role, names.give(role)]));
  return new Map([...tables].map(([role, sources]) => [given.get(role)!, sources]));
}

const columnList = (columns: readonly string[]): string => columns.map(quoted).join(', ');

/** The tables of one run: the rows of its current projection. `NO_PROJECTION` where it has none. */
export function scopeOfRun(store: TableStore, schema: CompiledSchema, run: string): Scope {
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
      return shownAs(schema, new Map(current.tables.map(({ role, view }) => [role, [{ view, except: [] }]])));
    },
    rowsOf(_, view, [runColumn = '', ...columns]) {
      const shown = runColumn === RUN_OF_EVENTS ? [runColumn, ...columns] : columns;
      return `select ${columnList(shown)} from ${view} where ${quoted(runColumn)} = ${quotedText(run)}`;
    },
  };
}

/** Whether a view has the columns of a table, as far as their names are those of the schema. */
function fits(
  dialect: SqlDialect,
  schema: CompiledSchema,
  role: string,
  columns: readonly string[],
): boolean {
  const layout = schema.tableOf.get(role);
  if (layout === undefined)
    return /^events(_\d+)?$/.test(role) || schema.tableOf.has(role.replace(/_history$/, ''));
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

/** What is shown of each view: the table that it is, and the runs that have rows there. */
function viewsOf(projections: readonly ProjectionInfo[]): Map<string, { role: string; runs: string[] }> {
  const views = new Map<string, { role: string; runs: string[] }>();
  for (const { run, tables } of projections)
    for (const { role, view } of tables) {
      const known = views.get(view);
      if (known === undefined) views.set(view, { role, runs: [run] });
      else known.runs.push(run);
    }
  return views;
}

/**
 * The tables of all runs of a world. Views are of one world each. A run whose tables have other columns than
 * the schema says, as another version of it may, is left out with all of them.
 */
export function scopeOfWorld(store: TableStore, schema: CompiledSchema): Scope {
  return {
    store,
    async current() {
      return (await store.projections(null)).filter((one) => one.current);
    },
    async shown(current, columnsOf) {
      const views = viewsOf(current);
      for (const [view, { runs }] of views)
        if ((await worldOf(store, runs)) !== schema.spec.name) views.delete(view);
      const unfit = new Set<string>();
      for (const [view, { role, runs }] of views)
        if (!fits(store.dialect, schema, role, await columnsOf(view))) for (const run of runs) unfit.add(run);
      const tables = new Map<string, Source[]>();
      for (const [view, { role, runs }] of views) {
        const except = runs.filter((run) => unfit.has(run));
        if (except.length < runs.length)
          tables.set(role, [...(tables.get(role) ?? []), { view, except: except.sort() }]);
      }
      return shownAs(schema, tables);
    },
    rowsOf({ except }, view, [runColumn = '', ...columns]) {
      const run = quoted(runColumn);
      const first = runColumn === RUN_OF_EVENTS ? `${run} as ${quoted(RUN)}, ${run}` : run;
      const where = except.length === 0 ? '' : ` where ${run} not in (${except.map(quotedText).join(', ')})`;
      return `select ${first}, ${columnList(columns)} from ${view}${where}`;
    },
  };
}
