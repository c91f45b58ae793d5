/**
 * Projections in SQLite.
 *
 * Owns the tables and views that are made for them, and where their checkpoints stand. The queries on the
 * catalogue are those of every database. Begins and ends no transaction: the store does, around every call.
 */
import type { Database } from 'better-sqlite3';
import {
  PROJECTION_COLUMN,
  type ProjectionState,
  planSteps,
  takesStep,
  unknownRole,
} from '../../log/projection-checks.ts';
import type {
  NewProjection,
  ProjectedTable,
  ProjectionInfo,
  ProjectionStep,
} from '../../log/projection-store.ts';
import { quoted, SqlNames } from '../../projections/sql/names.ts';
import {
  checkpointOf,
  giveNames,
  infosOf,
  keepProblem,
  knownTable,
  listedProjections,
  projectionColumns,
  retire,
  retiredProjections,
  retireOthers,
  rowsDefinition,
  runOfProjection,
  showProjection,
  tableColumns,
  tablesOfProjection,
  unusedTables,
  viewSelection,
} from '../sql/projections.ts';
import { ProjectedRows } from './projected-rows.ts';
import type { Queries } from './queries.ts';

/** How much one statement may be asked for at most. */
const MOST = 2 ** 31;

interface StateRow {
  readonly tick: number | null;
  readonly hash: Uint8Array | null;
  readonly sequence: number | null;
}

const prepareAll = (db: Database) => ({
  names: db.prepare<[], string>('SELECT name FROM sqlite_schema').pluck(),
  state: db.prepare<[number], StateRow>(
    'SELECT tick, hash, sequence FROM projections WHERE number = ? AND retired = 0',
  ),
  move: db.prepare<[number, Uint8Array, number, number]>(
    'UPDATE projections SET tick = ?, hash = ?, sequence = ?, problem = NULL WHERE number = ?',
  ),
});

type Rows = ReadonlyMap<string, ProjectedRows>;

/** Projections of one open database. */
export class Projections {
  readonly #db: Database;
  readonly #queries: Queries;
  readonly #statements: ReturnType<typeof prepareAll>;
  /** By the number of the table, which is never given twice: what was dropped is asked for no more. */
  readonly #tables = new Map<number, ProjectedRows>();

  constructor(db: Database, queries: Queries) {
    this.#db = db;
    this.#queries = queries;
    this.#statements = prepareAll(db);
  }

  /** See `ProjectionStore.declareProjection`. The run is there. */
  declare(projection: NewProjection): ProjectionInfo {
    const { sql } = this.#queries;
    const numbers = this.#declareTables(projection.tables);
    const insert = sql.insertInto('projections').values(projectionColumns(projection)).returning('number');
    const { number } = this.#queries.all(insert)[0]!;
    for (const [place, { role }] of projection.tables.entries()) {
      const link = { projection: number, place, role, projected_table: numbers[place]! };
      this.#queries.change(sql.insertInto('projection_tables').values(link));
    }
    return this.list(projection.run).find((info) => info.number === number)!;
  }

  /** Makes the tables that are not there; returns the numbers of all. */
  #declareTables(tables: readonly ProjectedTable[]): readonly number[] {
    const { sql } = this.#queries;
    let names: SqlNames | undefined;
    return tables.map((table) => {
      const known = sql.selectFrom('projected_tables').select('number');
      const found = this.#queries.all(known.where('identity', '=', table.identity))[0];
      names ??= new SqlNames(this.#statements.names.all());
      return found?.number ?? this.#create(table, names);
    });
  }

  #create(table: ProjectedTable, names: SqlNames): number {
    const { sql } = this.#queries;
    const given = giveNames(table, names);
    const [view, rows] = [quoted(given.view), quoted(given.rows)];
    this.#db.exec(`CREATE TABLE ${rows} (${rowsDefinition(table, 'integer')}) WITHOUT ROWID`);
    for (const column of table.index) {
      const index = quoted(names.give(`${given.rows}_${column}`));
      this.#db.exec(`CREATE INDEX ${index} ON ${rows} (${quoted(PROJECTION_COLUMN)}, ${quoted(column)})`);
    }
    this.#db.exec(`CREATE VIEW ${view} AS ${viewSelection(table, rows, 'projections')}`);
    const insert = sql.insertInto('projected_tables').values(tableColumns(table, given));
    return this.#queries.all(insert.returning('number'))[0]!.number;
  }

  /** See `ProjectionStore.projections`. */
  list(run: string | null): readonly ProjectionInfo[] {
    return infosOf(this.#queries.all(listedProjections(this.#queries.sql, run)));
  }

  #state(projection: number): ProjectionState {
    const row = this.#statements.state.get(projection);
    return row && { checkpoint: checkpointOf(row) };
  }

  /** What writes the tables of a projection, by role. */
  #rowsOf(projection: number): Rows {
    const linked = this.#queries.all(tablesOfProjection(this.#queries.sql, projection));
    return new Map(
      linked.map((row) => {
        const rows = this.#tables.get(row.number) ?? new ProjectedRows(this.#db, knownTable(row));
        this.#tables.set(row.number, rows);
        return [row.role, rows];
      }),
    );
  }

  #take({ projection, to, changes }: ProjectionStep, rows: Rows): void {
    for (const change of changes)
      (rows.get(change.role) ?? unknownRole(projection, change.role)).change(projection, change);
    this.#statements.move.run(to.tick, to.hash, to.sequence, projection);
  }

  /** See `ProjectionStore.advanceProjection`. */
  advance(step: ProjectionStep): boolean {
    if (!takesStep(this.#state(step.projection), step)) return false;
    this.#take(step, this.#rowsOf(step.projection));
    return true;
  }

  /** Takes the steps of an append that were not taken before; see `ProjectionStore.appendWith`. */
  follow(steps: readonly ProjectionStep[]): void {
    if (steps.length === 0) return;
    const { projection } = steps[0]!;
    const left = planSteps(this.#state(projection), steps);
    if (left.length === 0) return;
    const rows = this.#rowsOf(projection);
    for (const step of left) this.#take(step, rows);
  }

  /** See `ProjectionStore.switchProjection`. */
  switch(projection: number): boolean {
    const { sql } = this.#queries;
    const found = this.#queries.all(runOfProjection(sql, projection))[0];
    if (found === undefined) return false;
    this.#queries.change(retireOthers(sql, found.run, projection));
    return this.#queries.change(showProjection(sql, projection)) > 0;
  }

  /** See `ProjectionStore.stopProjection`. */
  stop(projection: number, problem: string): void {
    this.#queries.change(keepProblem(this.#queries.sql, projection, problem));
  }

  /** See `ProjectionStore.retireProjection`. */
  retire(projection: number): void {
    this.#queries.change(retire(this.#queries.sql).where('number', '=', projection));
  }

  /** See `ProjectionStore.sweepProjections`. */
  sweep(limit: number): number {
    const most = Math.floor(Math.min(limit, MOST));
    let deleted = 0;
    for (const { number } of this.#queries.all(retiredProjections(this.#queries.sql))) {
      for (const rows of this.#rowsOf(number).values())
        if (deleted < most) deleted += rows.sweep(number, most - deleted);
      if (deleted >= most) return deleted;
      this.#delete(number);
      deleted++;
    }
    for (const table of this.#queries.all(unusedTables(this.#queries.sql))) {
      if (deleted >= most) return deleted;
      this.#drop(table);
      deleted++;
    }
    return deleted;
  }

  #delete(projection: number): void {
    const { sql } = this.#queries;
    this.#queries.change(sql.deleteFrom('projection_tables').where('projection', '=', projection));
    this.#queries.change(sql.deleteFrom('projections').where('number', '=', projection));
  }

  #drop({
    number,
    view,
    rows,
  }: {
    readonly number: number;
    readonly view: string;
    readonly rows: string;
  }): void {
    this.#tables.delete(number);
    this.#db.exec(`DROP VIEW ${quoted(view)}`);
    this.#db.exec(`DROP TABLE ${quoted(rows)}`);
    const { sql } = this.#queries;
    this.#queries.change(sql.deleteFrom('projected_tables').where('number', '=', number));
  }
}
