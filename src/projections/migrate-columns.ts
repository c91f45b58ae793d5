/**
 * Columns of an old set into a new one, as a plan says.
 *
 * Columns that no function touches go over as arrays, without a row object or a value in between. Where a
 * function has a word, rows are made for it, once a row and step; what it gives is checked when it is stored,
 * because the types of the schemas in between are not known.
 */
import { show } from '../base/canonical.ts';
import { assert, fail } from '../base/errors.ts';
import { canonicalNaN } from '../columns/arrays.ts';
import type { CellLane } from '../columns/cell-lane.ts';
import { Column } from '../columns/column.ts';
import type { ColumnSet } from '../columns/column-set.ts';
import { FixedLane } from '../columns/fixed-lane.ts';
import { type ColumnLayout, flawOf } from '../schema/layout.ts';
import { beginning, sameBytes } from '../schema/migration-fit.ts';
import { passStage, type Stage } from '../schema/migration-lines.ts';
import type { ColumnPlan, SetPlan } from '../schema/migration-plan.ts';

/** The values of a column on the way: as the log has them, or as a function gave them. */
export type Source = Column | readonly unknown[];
/** Columns on the way, by their names of the moment. */
export type Sources = ReadonlyMap<string, Source>;

/** What is migrated, for errors: its noun (`table`, `kind`, `config`) and name, and the newest version. */
export interface What {
  readonly noun: 'table' | 'kind' | 'config';
  readonly name: string;
  readonly version: number;
}

const at = (source: Source, row: number): unknown =>
  source instanceof Column ? source.read(row) : source[row];

const valuesOf = (source: Source, size: number): unknown[] =>
  Array.from({ length: size }, (_, row) => at(source, row));

const pathOf = ({ noun, name }: What, column: string): string =>
  noun === 'config' ? `config.${column}` : `${name}.${column}`;

const named = ({ noun, name }: What): string => (noun === 'config' ? 'the config' : `'${name}'`);

/** Calls a function of a user; what it throws is told with its place. */
function called<T>(what: What, { version }: Stage, where: object, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    const facts = { [what.noun]: what.name, version, ...where };
    return fail(
      'MIGRATION_FAILED',
      `the migration of ${named(what)} to version ${version} threw`,
      facts,
      'Its functions must take every value that the log holds.',
      cause,
    );
  }
}

/** A row as the version before had it. */
function rowOf(columns: Sources, row: number): object {
  const made: { [column: string]: unknown } = {};
  for (const [name, source] of columns) made[name] = at(source, row);
  return Object.freeze(made);
}

interface Job {
  readonly column: string;
  readonly into: unknown[];
  readonly give: (row: object, at: number) => unknown;
}

/** Runs the functions of a stage over all rows, each row made once. */
function turnRows(before: Sources, stage: Stage, size: number, what: What): Map<string, Source> {
  const jobs: Job[] = [];
  const job = (column: string, give: Job['give']): unknown[] => {
    const into: unknown[] = new Array(size);
    jobs.push({ column, into, give });
    return into;
  };
  const after = passStage<Source>(stage, before, {
    change: (name, how, old) => job(name, (row, i) => how(at(old, i), row)),
    add: (name, how) => job(name, (row) => how(row)),
  });
  if (jobs.length > 0)
    for (let i = 0; i < size; i++) {
      const row = rowOf(before, i);
      for (const { column, into, give } of jobs)
        into[i] = called(what, stage, { column, row: i }, () => give(row, i));
    }
  return after;
}

const isList = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));

/** Calls the upcaster of a stage and lays what it gives over the other columns. */
function upcast(
  before: Sources,
  after: Map<string, Source>,
  stage: Stage,
  size: number,
  plan: SetPlan,
  what: What,
) {
  const columns = Object.fromEntries([...before].map(([name, source]) => [name, valuesOf(source, size)]));
  const given: unknown = called(what, stage, {}, () => stage.upcast!({ size, columns }));
  const refuse = (why: string, facts: object): never =>
    fail(
      'BAD_VALUE',
      `the upcaster of '${what.name}' to version ${stage.version} ${why}`,
      { kind: what.name, version: stage.version, ...facts },
      'It returns an object of arrays, one value an event.',
    );
  if (typeof given !== 'object' || given === null || isList(given) || 'then' in given)
    return refuse(`gave ${show(given)}, no object of columns`, {});
  for (const [name, list] of Object.entries(given)) {
    if (list === undefined) continue;
    if (stage.version === what.version && !plan.to.byName.has(name))
      refuse(`gave a column '${name}', which '${what.name}' does not have`, { column: name });
    if (!isList(list)) return refuse(`gave ${show(list)} as '${name}', no array`, { column: name });
    if (list.length !== size)
      refuse(`gave ${list.length} values of '${name}' for ${size} events`, {
        column: name,
        size: list.length,
        expected: size,
      });
    after.set(name, Array.from(list));
  }
}

/** Takes columns through all stages of a plan. */
export function passStages(plan: SetPlan, columns: Sources, size: number, what: What): Sources {
  let before = columns;
  for (const stage of plan.stages) {
    const after = turnRows(before, stage, size, what);
    if (stage.upcast !== null && size > 0) upcast(before, after, stage, size, plan, what);
    before = after;
  }
  return before;
}

/** A value that a function gave, or that goes where a function might have been; refused unless it fits. */
export function checked(layout: ColumnLayout, value: unknown, row: number, what: What): unknown {
  const flaw = flawOf(layout, value);
  if (flaw === null) return value;
  const { noun, name, version } = what;
  return fail(
    'BAD_VALUE',
    `${pathOf(what, layout.path)} after the migration to version ${version}: ${flaw}`,
    { [noun]: name, column: layout.path, row, version, value },
    'What a function of a migration gives must fit the column as the newest schema declares it.',
  );
}

/** What a new column holds in old rows. */
export function beginningOf(layout: ColumnLayout, what: What): unknown {
  const value = beginning(layout);
  return value === undefined ? checked(layout, undefined, 0, what) : value;
}

/** Takes cells over. One that was cleared, under a null of the column or of one around it, stays so. */
function takeCells(from: Column, to: Column, size: number): void {
  const [source, lane] = [from.lane as CellLane, to.lane as CellLane];
  if (sameBytes({ ...from.layout, optional: false }, { ...to.layout, optional: false }))
    lane.appendFrom(source, 0, size, 0);
  else
    for (let row = 0; row < size; row++)
      if (source.bytesAt(row).length === 0) lane.clear(row);
      else lane.write(row, source.read(row));
}

function takeFixed(from: FixedLane, to: FixedLane, size: number, { layout: { value } }: Column): void {
  if (from.type === to.type) to.appendFrom(from, 0, size, 0);
  else {
    assert(typeof from.data[0] !== 'bigint', 'a big integer was taken over into another array');
    to.data.set(from.data.subarray(0, size * from.width) as never);
    to.mark(0, size);
  }
  // Rows that were written past the write view may still hold NaN of any bits.
  if (value.kind === 'number' && value.nan) canonicalNaN(to.data, 0, size);
}

/** Takes a column over into an empty one that holds the same values, in the same or in wider arrays. */
function takeColumn(from: Column, to: Column, size: number): void {
  if (to.valid !== null && from.valid !== null) to.valid.appendFrom(from.valid, 0, size, 0);
  else if (to.valid !== null) for (let row = 0; row < size; row++) to.valid.put(row, true);
  if (to.lane === null) to.fields.forEach((field, i) => void takeColumn(from.fields[i]!, field, size));
  else if (to.lane instanceof FixedLane) takeFixed(from.lane as FixedLane, to.lane, size, to);
  else takeCells(from, to, size);
}

function fillColumn(
  plan: ColumnPlan,
  source: Source | undefined,
  to: Column,
  size: number,
  what: What,
): void {
  if (source instanceof Column && plan.how !== 'turned') takeColumn(source, to, size);
  else if (source !== undefined)
    for (let row = 0; row < size; row++) to.store(row, checked(to.layout, at(source, row), row, what));
  else if (size > 0) {
    const value = beginningOf(to.layout, what);
    for (let row = 0; row < size; row++) to.store(row, value);
  }
}

/**
 * Writes all rows of `from` into the lanes of `into`, which is empty and has room for them. Sizes are the
 * caller's. `BAD_VALUE` for a value that does not fit, `MIGRATION_FAILED` for a function that throws.
 */
export function fillColumns(plan: SetPlan, from: ColumnSet, into: ColumnSet, what: What): void {
  const { size } = from;
  const sources = plan.computed ? passStages(plan, from.byName, size, what) : null;
  for (const column of plan.columns) {
    const old = column.from === null ? undefined : from.byName.get(column.from.name);
    const source = sources === null ? old : sources.get(column.to.name);
    fillColumn(column, source, into.byName.get(column.to.name)!, size, what);
  }
}
