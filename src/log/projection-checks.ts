/**
 * What every store refuses about projections, and which steps it takes.
 *
 * Owns decisions as functions of plain values; see `store-checks.ts`. Owns no storage.
 */
import { sameBytes } from '../base/bytes.ts';
import { show } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import type { SqlValue } from '../base/sql.ts';
import type {
  Checkpoint,
  NewProjection,
  ProjectedTable,
  ProjectionStep,
  RowChanges,
} from './projection-store.ts';
import { checkHash, checkId, checkText, checkTick } from './store-checks.ts';

/** The first column of every projected table: the number of the projection that a row is of. */
export const PROJECTION_COLUMN = 'projection';

/** No two of the names are the same, whatever their case. */
function checkDistinct(what: string, names: readonly string[]): void {
  const twice = names.find((name, i) => names.findIndex((n) => n.toLowerCase() === name.toLowerCase()) < i);
  if (twice !== undefined) fail('BAD_USAGE', `two ${what} have the name ${show(twice)}`, { name: twice });
}

function checkTable({ wanted, identity, role, runColumn, columns, key, index }: ProjectedTable): void {
  if (wanted === '') fail('BAD_USAGE', `the table of ${show(role)} needs a name`, { role });
  if (columns.length === 0) fail('BAD_USAGE', `the table of ${show(role)} needs a column`, { role });
  for (const [what, text] of Object.entries({ wanted, identity, role, runColumn }))
    checkText(`${what} of a projected table`, text);
  const names = columns.map(({ name }) => name);
  for (const name of names) checkText('the name of a column', name);
  checkDistinct(`columns of ${show(role)}`, [PROJECTION_COLUMN, runColumn, ...names]);
  for (const name of [...key, ...index])
    if (!names.includes(name))
      fail('BAD_USAGE', `the table of ${show(role)} has no column ${show(name)}`, { role, column: name });
}

/** Checks what `declareProjection` is given: `BAD_USAGE`. */
export function checkNewProjection({ run, choice, tables }: NewProjection): void {
  checkId('run', run);
  checkText('the choice', choice);
  for (const table of tables) checkTable(table);
  for (const which of ['role', 'identity'] as const) {
    const given = tables.map((table) => table[which]);
    if (new Set(given).size < given.length)
      fail('BAD_USAGE', `two tables of a projection have one ${which}`, { run, [which]: given });
  }
}

function checkCheckpoint({ tick, hash, sequence }: Checkpoint): void {
  checkTick('tick', tick);
  checkTick('sequence', sequence);
  checkHash('hash', tick, hash);
}

/** Checks the number of a projection: `BAD_USAGE`. */
export const checkProjection = (projection: number): void => checkTick('projection', projection);

/** Checks a step, its changes apart: `BAD_USAGE`. */
export function checkStep({ projection, from, to }: ProjectionStep): void {
  checkProjection(projection);
  if (from !== null) checkCheckpoint(from);
  checkCheckpoint(to);
}

/** Checks the steps of an append, which are of one projection and follow each other: `BAD_USAGE`. */
export function checkSteps(steps: readonly ProjectionStep[]): void {
  for (const [i, step] of steps.entries()) {
    checkStep(step);
    const before = steps[i - 1];
    if (before === undefined) continue;
    const { projection, from } = step;
    if (projection !== before.projection)
      fail('BAD_USAGE', `steps of projections ${before.projection} and ${projection} in one append`, {
        projection,
      });
    if (!sameCheckpoint(before.to, from))
      fail('BAD_USAGE', `a step to tick ${step.to.tick} does not begin where the one before it ended`, {
        projection,
        tick: step.to.tick,
      });
  }
}

/** Checks a problem: `BAD_USAGE`. */
export function checkProblem(projection: number, problem: string): void {
  checkProjection(projection);
  checkText('the problem', problem);
}

/** Checks the limit of `sweepProjections`: `BAD_USAGE`. It may be `Infinity`. */
export function checkSweep(limit: number): void {
  if (!(limit >= 1)) fail('BAD_USAGE', `a sweep deletes at least one thing, not ${limit}`, { limit });
}

/** Whether two checkpoints are one: tick, hash and sequence. */
export const sameCheckpoint = (a: Checkpoint | null, b: Checkpoint | null): boolean =>
  a === null || b === null
    ? a === b
    : a.tick === b.tick && a.sequence === b.sequence && sameBytes(a.hash, b.hash);

/** What is known of a projection when it is to take a step: undefined where it is retired or gone. */
export type ProjectionState = { readonly checkpoint: Checkpoint | null } | undefined;

/** Whether a projection takes a step: it is there, and at the step's beginning. */
export const takesStep = (state: ProjectionState, { from }: ProjectionStep): boolean =>
  state !== undefined && sameCheckpoint(state.checkpoint, from);

/**
 * The steps of an append that are to be taken, given where the projection is. `PROJECTION_MOVED` where it is
 * not at the beginning of the first of them, or retired or gone.
 */
export function planSteps(
  state: ProjectionState,
  steps: readonly ProjectionStep[],
): readonly ProjectionStep[] {
  const { projection } = steps[0]!;
  if (state === undefined)
    fail(
      'PROJECTION_MOVED',
      `projection ${projection} was retired`,
      { projection },
      'Look which projection of the run is current, and go on with it.',
    );
  const { checkpoint } = state;
  const left = steps.filter(({ to }) => checkpoint === null || to.tick > checkpoint.tick);
  if (left.length === 0 || takesStep(state, left[0]!)) return left;
  const { tick } = left[0]!.to;
  const is = checkpoint === null ? 'before its first tick' : `at tick ${checkpoint.tick}`;
  return fail(
    'PROJECTION_MOVED',
    `projection ${projection} is ${is}: a step to tick ${tick} does not begin there`,
    { projection, tick, checkpoint: checkpoint?.tick ?? null },
    'Somebody else moved it: read its checkpoint and go on from there.',
  );
}

/** The columns that changes are held against. */
export interface TableShape {
  readonly role: string;
  readonly columns: readonly unknown[];
  readonly key: readonly unknown[];
}

function countOf(role: string, what: string, lists: readonly ArrayLike<SqlValue>[], width: number): number {
  if (lists.length === 0) return 0;
  if (lists.length !== width)
    fail('BAD_USAGE', `${what} rows of ${show(role)} have ${lists.length} columns, not ${width}`, { role });
  const { length } = lists[0]!;
  const other = lists.find((list) => list.length !== length);
  if (other !== undefined)
    fail('BAD_USAGE', `columns of ${what} rows of ${show(role)} have ${length} and ${other.length} values`, {
      role,
    });
  return length;
}

/** How many rows changes remove and write; `BAD_USAGE` where they do not fit the table. */
export const countChanges = (
  { role, columns, key }: TableShape,
  { removed, written }: RowChanges,
): { readonly removed: number; readonly written: number } => ({
  removed: countOf(role, 'removed', removed, key.length),
  written: countOf(role, 'written', written, columns.length),
});

/** Changes name a table that the projection does not have. */
export const unknownRole = (projection: number, role: string): never =>
  fail('BAD_USAGE', `projection ${projection} has no table ${show(role)}`, { projection, role });
