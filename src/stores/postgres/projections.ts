/**
 * Projections in PostgreSQL.
 *
 * Owns their checkpoints, the transactions of the calls and the order of locks: a segment before a
 * projection, projections in order of number, and the turn of those who make tables before all of them.
 * Whoever writes rows of a projection holds its row in the catalogue until the transaction ends, so that rows
 * and checkpoint are one. The queries on the catalogue are those of every database.
 */
import type { Kysely } from 'kysely';
import {
  checkNewProjection,
  checkProblem,
  checkProjection,
  checkStep,
  checkSweep,
  type ProjectionState,
  planSteps,
  takesStep,
  unknownRole,
} from '../../log/projection-checks.ts';
import type {
  Checkpoint,
  NewProjection,
  ProjectionInfo,
  ProjectionStep,
} from '../../log/projection-store.ts';
import { unknownRun } from '../../log/store-checks.ts';
import {
  checkpointOf,
  infosOf,
  keepProblem,
  listedProjections,
  projectionColumns,
  retire,
  retiredProjections,
  retireOthers,
  runOfProjection,
  showProjection,
} from '../sql/projections.ts';
import type { Tables } from '../sql/tables.ts';
import { alone } from './alone.ts';
import type { Connection } from './connection.ts';
import type { ProjectedRows } from './projected-rows.ts';
import { ProjectedTables } from './projected-tables.ts';
import { all, change } from './queries.ts';
import type { Sessions, Statements } from './session.ts';

/** How much one statement may be asked for at most. */
const MOST = 2 ** 31;

interface StateRow {
  readonly tick: number | null;
  readonly hash: Uint8Array | null;
  readonly sequence: number | null;
}

const statementsIn = (s: string) => ({
  /** Keeps others from removing the run. */
  keepRun: { name: 'keep_run', text: `SELECT 1 AS kept FROM ${s}.runs WHERE id = $1 FOR KEY SHARE` },
  state: {
    name: 'projection_state',
    text: `SELECT tick, hash, sequence FROM ${s}.projections WHERE number = $1 AND retired = 0 FOR UPDATE`,
  },
  lockRun: {
    name: 'lock_projections',
    text: `SELECT number FROM ${s}.projections WHERE run = $1 AND retired = 0 ORDER BY number FOR UPDATE`,
  },
  move: {
    name: 'move_checkpoint',
    text: `UPDATE ${s}.projections SET tick = $2, hash = $3, sequence = $4, problem = NULL WHERE number = $1`,
  },
});

type Rows = ReadonlyMap<string, ProjectedRows>;

/** The projections of one database. */
export class Projections {
  readonly #sessions: Sessions;
  readonly #sql: Kysely<Tables>;
  readonly #location: string;
  readonly #statements: ReturnType<typeof statementsIn>;
  readonly #tables: ProjectedTables;

  constructor({ sessions, sql, schema, location }: Connection) {
    this.#sessions = sessions;
    this.#sql = sql;
    this.#location = location;
    this.#statements = statementsIn(schema);
    this.#tables = new ProjectedTables(sql, schema);
  }

  #writing<T>(work: (on: Statements) => Promise<T>): Promise<T> {
    return this.#sessions.lend((session) => session.within('write', work));
  }

  /** See `ProjectionStore.declareProjection`. */
  async declare(projection: NewProjection): Promise<ProjectionInfo> {
    checkNewProjection(projection);
    const { run, tables } = projection;
    return this.#writing(async (on) => {
      await this.#tables.turn(on);
      const { count } = await on.run(this.#statements.keepRun, [run]);
      if (count === 0) unknownRun(run, this.#location);
      const numbers = await this.#tables.declare(on, tables);
      const insert = this.#sql.insertInto('projections').values(projectionColumns(projection));
      const { number } = (await all(on, insert.returning('number')))[0]!;
      for (const [place, { role }] of tables.entries()) {
        const link = { projection: number, place, role, projected_table: numbers[place]! };
        await change(on, this.#sql.insertInto('projection_tables').values(link));
      }
      const declared = listedProjections(this.#sql, run).where('projections.number', '=', number);
      return infosOf(await all(on, declared))[0]!;
    });
  }

  /** See `ProjectionStore.projections`. */
  async list(run: string | null): Promise<readonly ProjectionInfo[]> {
    return infosOf(await this.#sessions.lend((session) => all(session, listedProjections(this.#sql, run))));
  }

  /** A projection that stays as it is until the transaction ends. */
  async #locked(on: Statements, projection: number): Promise<ProjectionState> {
    const { rows } = await on.run<StateRow>(this.#statements.state, [projection]);
    return rows[0] && { checkpoint: checkpointOf(rows[0]) };
  }

  async #write(on: Statements, { projection, changes }: ProjectionStep, rows: Rows): Promise<void> {
    for (const each of changes)
      await (rows.get(each.role) ?? unknownRole(projection, each.role)).change(on, projection, each);
  }

  async #move(on: Statements, projection: number, { tick, hash, sequence }: Checkpoint): Promise<void> {
    await on.run(this.#statements.move, [projection, tick, hash, sequence]);
  }

  /** See `ProjectionStore.advanceProjection`. */
  async advance(step: ProjectionStep): Promise<boolean> {
    checkStep(step);
    const { projection, to } = step;
    return this.#writing(async (on) => {
      if (!takesStep(await this.#locked(on, projection), step)) return false;
      await this.#write(on, step, await this.#tables.rowsOf(on, projection));
      await this.#move(on, projection, to);
      return true;
    });
  }

  /** Takes the steps of an append that were not taken before; see `ProjectionStore.appendWith`. */
  async follow(on: Statements, steps: readonly ProjectionStep[]): Promise<void> {
    if (steps.length === 0) return;
    const { projection } = steps[0]!;
    const left = planSteps(await this.#locked(on, projection), steps);
    if (left.length === 0) return;
    const rows = await this.#tables.rowsOf(on, projection);
    for (const step of left) await this.#write(on, step, rows);
    await this.#move(on, projection, left.at(-1)!.to);
  }

  /** See `ProjectionStore.switchProjection`. */
  async switch(projection: number): Promise<boolean> {
    checkProjection(projection);
    const sql = this.#sql;
    return this.#writing(async (on) => {
      const found = (await all(on, runOfProjection(sql, projection)))[0];
      if (found === undefined) return false;
      await on.run(this.#statements.lockRun, [found.run]);
      if ((await all(on, runOfProjection(sql, projection))).length === 0) return false;
      await change(on, retireOthers(sql, found.run, projection));
      return (await change(on, showProjection(sql, projection))) > 0;
    });
  }

  /** See `ProjectionStore.stopProjection`. */
  async stop(projection: number, problem: string): Promise<void> {
    checkProblem(projection, problem);
    await this.#sessions.lend((session) => change(session, keepProblem(this.#sql, projection, problem)));
  }

  /** See `ProjectionStore.retireProjection`. */
  async retire(projection: number): Promise<void> {
    checkProjection(projection);
    const one = retire(this.#sql).where('number', '=', projection);
    await this.#sessions.lend((session) => change(session, one));
  }

  /** See `ProjectionStore.sweepProjections`. */
  async sweep(limit: number): Promise<number> {
    checkSweep(limit);
    const most = Math.floor(Math.min(limit, MOST));
    let swept = 0;
    // One projection a transaction: sweeps that held one and waited for the next could wait for each other.
    for (let step = 1; step > 0 && swept < most; swept += step)
      step = await this.#writing((on) => this.#sweepNext(on, most - swept));
    if (swept === most) return swept;
    // The turn is that of all who make tables: nobody waits for it who has nothing to drop.
    if (!(await this.#sessions.lend((session) => this.#tables.hasUnused(session)))) return swept;
    const dropped = await alone(this.#sessions, async (on) => {
      await this.#tables.turn(on);
      return this.#tables.dropUnused(on, most - swept);
    });
    return swept + dropped;
  }

  /** Deletes rows of one retired projection, then itself, at most `limit`; 0 where none is left. */
  async #sweepNext(on: Statements, limit: number): Promise<number> {
    const next = retiredProjections(this.#sql).limit(1);
    const found = (await all(on, next.forUpdate()))[0];
    // One that another sweep was done with while this one waited for it says nothing of the rest.
    if (found === undefined) return (await all(on, next)).length === 0 ? 0 : this.#sweepNext(on, limit);
    const { number } = found;
    let deleted = 0;
    for (const rows of (await this.#tables.rowsOf(on, number)).values())
      deleted += await rows.sweep(on, number, limit - deleted);
    if (deleted === limit) return deleted;
    await change(on, this.#sql.deleteFrom('projection_tables').where('projection', '=', number));
    await change(on, this.#sql.deleteFrom('projections').where('number', '=', number));
    return deleted + 1;
  }
}
