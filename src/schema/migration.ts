/**
 * Declared migrations: what a user writes to take logs of older versions along.
 *
 * Owns the shape of a step and the checks that need no older schema. A step says what was lost, renamed or
 * turned into something else; what is new or wider needs no word. Migrations are code, no part of the
 * schema's text: a fingerprint says what a log holds, not how it came to hold it.
 */
import { checkNames } from '../base/arguments.ts';
import { show } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import type { ColumnSpecs, SchemaSpec } from './spec.ts';

// Values and rows of an older schema have no type any more: whoever writes the function gives it one.

/**
 * Turns the old value of a column into the new one. `row` holds the columns that the version before had,
 * under their names of then. Must depend on nothing but its arguments.
 */
export type ChangeColumn = (old: any, row: any) => unknown;
/** Gives a new column its value for an old row, where the column's default does not do. */
export type AddColumn = (row: any) => unknown;

/** The events of one kind in one tick, as the version before had them: arrays of values, `size` long each. */
export interface OldBatch {
  readonly size: number;
  readonly columns: { readonly [column: string]: any };
}
/** Turns a whole batch: gives columns under their new names, one value an event. Others stay. */
export type Upcast = (batch: OldBatch) => { readonly [column: string]: ArrayLike<unknown> };

/** What becomes of some columns. Names are those of the new version; `drop` names old ones. */
export interface ColumnSteps {
  /** New names and the old ones: `{ health: 'state' }`. */
  readonly rename?: { readonly [column: string]: string };
  /** Columns that are lost. */
  readonly drop?: readonly string[];
  /** Columns whose type changed in a way that does not keep every value as it is. */
  readonly change?: { readonly [column: string]: ChangeColumn };
  /** New columns that take something else than their default. */
  readonly add?: { readonly [column: string]: AddColumn };
}
/** What becomes of a table, by its new name. */
export interface TableStep extends ColumnSteps {
  /** The old name, where it was another. */
  readonly from?: string;
}
/** What becomes of an event or input, by its new name. */
export interface KindStep extends TableStep {
  /** Called once a batch, with the batch as it was before this step, after everything else of the step. */
  readonly upcast?: Upcast;
}

/** The step to one version. Whatever it does not name stays as it is. */
export interface MigrationStep {
  readonly tables?: { readonly [table: string]: TableStep };
  /** Tables that are lost with all their rows. */
  readonly dropTables?: readonly string[];
  readonly events?: { readonly [kind: string]: KindStep };
  /** Events and facts that are lost: what their handlers did is not folded again. */
  readonly dropEvents?: readonly string[];
  readonly inputs?: { readonly [kind: string]: KindStep };
  readonly dropInputs?: readonly string[];
  readonly config?: ColumnSteps;
  /** Says that a tick stands for another length of time now, and that old ticks are counted so, too. */
  readonly tick?: 'changed';
}

/**
 * Steps by the version that each leads to. A step takes whatever version lies between the step below it and
 * itself, so that versions which never left the desk need none; the newest version needs its own.
 *
 * @example
 * ```ts
 * defineSchema({ name: 'town', version: 3, …, migrations: {
 *   2: { tables: { people: { rename: { health: 'state' }, drop: ['shoeSize'] } } },
 *   3: { tables: { people: { change: { cell: (old: number) => `cell ${old}` } } } },
 * } });
 * ```
 */
export type Migrations = { readonly [version: number]: MigrationStep };

/** The parts of a step that hold sets of columns by name, and the list that drops them. */
export const STEP_PARTS = {
  tables: 'dropTables',
  events: 'dropEvents',
  inputs: 'dropInputs',
} as const;
/** A part of a step. */
export type StepPart = keyof typeof STEP_PARTS;

const STEP = ['tables', 'dropTables', 'events', 'dropEvents', 'inputs', 'dropInputs', 'config', 'tick'];
const COLUMNS = ['rename', 'drop', 'change', 'add'];

const bad = (message: string, facts: { readonly [fact: string]: unknown }, hint?: string): never =>
  fail('BAD_SCHEMA', message, facts, hint);

type Given = { readonly [name: string]: unknown };

/** The entries of an object that may be left out. */
function entriesOf(given: unknown, where: string): [string, unknown][] {
  if (given === undefined) return [];
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    bad(`${where} must be an object, not ${show(given)}`, { where });
  return Object.entries(given as object).filter(([, value]) => value !== undefined);
}

/** A copy of an object of checked values. */
function copied<T>(given: unknown, where: string, check: (value: unknown, at: string) => T) {
  const entries = entriesOf(given, where).map(([name, value]) => [name, check(value, `${where}.${name}`)]);
  return Object.freeze(Object.fromEntries(entries)) as { readonly [name: string]: T };
}

function nameAt(value: unknown, where: string): string {
  if (typeof value === 'string' && value !== '') return value;
  return bad(`${where} must be the old name, not ${show(value)}`, { where });
}

function functionAt<T>(value: unknown, where: string): T {
  if (typeof value === 'function') return value as T;
  return bad(`${where} must be a function, not ${show(value)}`, { where });
}

function namesAt(given: unknown, where: string): readonly string[] {
  if (given === undefined) return Object.freeze([]);
  if (!Array.isArray(given))
    return bad(`${where} must be a list of old names, not ${show(given)}`, { where });
  const names = given.map((name, i) => nameAt(name, `${where}[${i}]`));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) bad(`${where} names '${twice}' twice`, { where, name: twice });
  return Object.freeze(names);
}

function columnSteps(given: Given, where: string): Required<ColumnSteps> {
  const rename = copied(given.rename, `${where}.rename`, nameAt);
  const drop = namesAt(given.drop, `${where}.drop`);
  const change = copied(given.change, `${where}.change`, functionAt<ChangeColumn>);
  const add = copied(given.add, `${where}.add`, functionAt<AddColumn>);
  const gone = new Set(drop);
  for (const [name, old] of Object.entries(rename)) {
    if (gone.has(old)) bad(`${where} takes '${old}' away twice`, { where, column: old }, 'Drop or rename.');
    gone.add(old);
    if (Object.hasOwn(add, name))
      bad(`${where} renames '${old}' to '${name}' and adds '${name}'`, { where, column: name });
  }
  for (const name of Object.keys(add))
    if (Object.hasOwn(change, name))
      bad(
        `${where} adds and changes '${name}'`,
        { where, column: name },
        'A column that was there is changed; a new one is added.',
      );
  return { rename, drop, change, add };
}

function setStep(given: unknown, where: string, known: readonly string[]): KindStep {
  checkNames(where, given, known, 'BAD_SCHEMA');
  const { from, upcast } = given as Given;
  return Object.freeze({
    ...columnSteps(given as Given, where),
    ...(from === undefined ? {} : { from: nameAt(from, `${where}.from`) }),
    ...(upcast === undefined ? {} : { upcast: functionAt<Upcast>(upcast, `${where}.upcast`) }),
  });
}

/** The sets of a part; two that come from one old set are refused. */
function setSteps(given: Given, part: StepPart, where: string) {
  const known = [...COLUMNS, 'from', ...(part === 'tables' ? [] : ['upcast'])];
  const sets = copied(given[part], `${where}.${part}`, (set, at) => setStep(set, at, known));
  const drop = namesAt(given[STEP_PARTS[part]], `${where}.${STEP_PARTS[part]}`);
  const gone = new Set(drop);
  for (const { from } of Object.values(sets)) {
    if (from === undefined) continue;
    if (gone.has(from)) bad(`${where} takes '${from}' of ${part} away twice`, { where, name: from });
    gone.add(from);
  }
  return { [part]: sets, [STEP_PARTS[part]]: drop };
}

function stepOf(given: unknown, where: string): MigrationStep {
  checkNames(where, given, STEP, 'BAD_SCHEMA');
  const step = given as Given;
  if (step.tick !== undefined && step.tick !== 'changed')
    bad(`${where}.tick must be 'changed', not ${show(step.tick)}`, { where });
  if (step.config !== undefined) checkNames(`${where}.config`, step.config, COLUMNS, 'BAD_SCHEMA');
  return Object.freeze({
    ...setSteps(step, 'tables', where),
    ...setSteps(step, 'events', where),
    ...setSteps(step, 'inputs', where),
    ...(step.config === undefined
      ? {}
      : { config: Object.freeze(columnSteps(step.config as Given, `${where}.config`)) }),
    ...(step.tick === undefined ? {} : { tick: 'changed' as const }),
  });
}

/** The newest step speaks of columns that the declaration has. */
function checkNewest(columns: ColumnSpecs | undefined, step: ColumnSteps, where: string): void {
  for (const part of ['rename', 'change', 'add'] as const)
    for (const name of Object.keys(step[part] ?? {}))
      if (columns === undefined || !Object.hasOwn(columns, name))
        bad(`${where}.${part} names a column '${name}' that the schema does not have`, {
          where,
          column: name,
        });
}

function checkAgainst(spec: SchemaSpec, step: MigrationStep, where: string): void {
  for (const part of ['tables', 'events', 'inputs'] as const)
    for (const [name, set] of Object.entries(step[part] ?? {})) {
      const declared = spec[part];
      if (!Object.hasOwn(declared, name))
        bad(
          `${where}.${part} names '${name}', which the schema does not have`,
          { where, name },
          `Entries have new names. What is gone is named in ${STEP_PARTS[part]}.`,
        );
      checkNewest(declared[name]!.columns, set, `${where}.${part}.${name}`);
    }
  if (step.config !== undefined) checkNewest(spec.config, step.config, `${where}.config`);
}

/**
 * A checked, frozen copy of declared migrations. `BAD_SCHEMA` for a step that leads nowhere, contradicts
 * itself, or, being the newest, names what the declaration does not have.
 */
export function checkMigrations(spec: SchemaSpec, given: unknown): Migrations {
  const made: { [version: number]: MigrationStep } = {};
  for (const [key, value] of entriesOf(given, 'migrations')) {
    const where = `migrations.${key}`;
    if (!/^[1-9][0-9]*$/.test(key) || !Number.isSafeInteger(Number(key)))
      bad(`${where} is no version`, { where }, 'Steps are keyed by the version that they lead to: 2, 3, …');
    if (Number(key) > spec.version)
      bad(
        `${where} leads beyond version ${spec.version} of the schema '${spec.name}'`,
        { where, version: spec.version },
        'Raise the version of the schema to that of its newest step.',
      );
    made[Number(key)] = stepOf(value, where);
  }
  const newest = made[spec.version];
  if (newest !== undefined) checkAgainst(spec, newest, `migrations.${spec.version}`);
  return Object.freeze(made);
}
