/**
 * Arbitraries of a user's own world, made from its schema: configs, rows, inputs, schedules, whole plans.
 *
 * What a schema can't say is up to the user: which values of an input, or of the config, make sense. Whatever
 * is given instead replaces what would be drawn.
 */
import * as fc from 'fast-check';
import { checkNames, checkPositive } from '../../base/arguments.ts';
import { fail, isWorldfoldError } from '../../base/errors.ts';
import { needWorld } from '../../replay/given.ts';
import { type KindLayout, SOURCES } from '../../schema/compile.ts';
import type { NewConfig, NewEvent, NewRow, Shape } from '../../schema/infer.ts';
import type { ColumnLayout } from '../../schema/layout.ts';
import { defaultOf, validRow } from '../../schema/validate.ts';
import type { WorldDef } from '../../simulation/define-world.ts';
import type { AnyWorld } from '../../simulation/world.ts';
import { Choice } from './choices.ts';
import type { AnyInput, AnyPlan, Schedule } from './plan.ts';
import { type Instead, isArbitrary, plainRow, plainValue, type RefsOf } from './values.ts';

/** Values for some columns: an arbitrary, or one value, each. */
export type ColumnValues<R> = { readonly [C in keyof R]?: R[C] | fc.Arbitrary<R[C]> };

/** What plans are drawn with. */
export interface PlanOptions<S extends Shape> {
  /** At most so many ticks (12). */
  readonly ticks?: number;
  /** At most so many inputs (8). */
  readonly maxInputs?: number;
  /**
   * By kind: values for some of its columns, an arbitrary of whole rows, or false for no input of the kind.
   * What is left out is drawn from the declaration.
   */
  readonly inputs?: {
    readonly [K in keyof S['inputs'] & string]?:
      | false
      | fc.Arbitrary<NewEvent<S, K>>
      | ColumnValues<NewEvent<S, K>>;
  };
  /** Values for some columns of the config, as for inputs. */
  readonly config?: ColumnValues<NewConfig<S>>;
}

/** Plan options, their types erased. */
export interface AnyPlanOptions {
  readonly ticks?: number;
  readonly maxInputs?: number;
  readonly inputs?: { readonly [kind: string]: unknown };
  readonly config?: { readonly [column: string]: unknown };
}

/** What plans can be drawn with. */
export const PLAN_OPTIONS = ['ticks', 'maxInputs', 'inputs', 'config'];

const TICKS = 12;
const MAX_INPUTS = 8;
/** References that are drawn as keys of their own, without a world to look them up in. */
const SMALL_ID = 8;

/** A row of the table that is looked up when the plan is played. */
const chosen: RefsOf = () => fc.nat({ max: 999 }).map((number) => new Choice(number));

/** Ids from 1 on, which few rows have already. */
const smallIds: RefsOf = (column) =>
  column.value.kind === 'number' && column.value.min === 1
    ? fc.integer({ min: 1, max: SMALL_ID })
    : plainValue({ ...column, role: null, optional: false }, smallIds);

/** Numbers between a default and half of it: of its sign, whole where it is, never 0 unless it is. */
function nearDefault(fallback: number, whole: boolean): fc.Arbitrary<unknown> {
  const half = whole ? Math.sign(fallback) * Math.ceil(Math.abs(fallback) / 2) : fallback / 2;
  const [min, max] = [Math.min(half, fallback), Math.max(half, fallback)];
  return whole ? fc.integer({ min, max }) : fc.double({ min, max, noNaN: true });
}

/** A column of the config: around its default; small where there is none. */
function configColumn(column: ColumnLayout): fc.Arbitrary<unknown> {
  const { value } = column;
  const fallback = defaultOf(column);
  if (fallback === undefined) {
    if (value.kind !== 'number') return plainValue(column, smallIds);
    const [min, max] = [Math.max(value.min, 0), Math.min(value.max, 16)];
    return value.whole ? fc.integer({ min, max }) : fc.double({ min: 0, max: 1, noNaN: true });
  }
  const kept = fc.constant(fallback);
  const other = otherThan(column, fallback);
  return other === null ? kept : fc.oneof({ withCrossShrink: true }, kept, other);
}

/** Values that are as good as the default, as far as the declaration tells; null where it does not. */
function otherThan(column: ColumnLayout, fallback: unknown): fc.Arbitrary<unknown> | null {
  const { value } = column;
  if (value.kind === 'bool' || value.kind === 'enum') return plainValue(column, smallIds);
  // Doubles alone: half of a float may have no place in single precision.
  if (value.kind !== 'number' || typeof fallback !== 'number' || !Number.isFinite(fallback)) return null;
  return value.whole || value.array === 'f64' ? nearDefault(fallback, value.whole) : null;
}

function anyConfig({ schema }: AnyWorld, given: Instead): fc.Arbitrary<object> {
  const { columns, byName } = schema.compiled.config;
  const unknown = Object.keys(given).find((name) => !byName.has(name));
  if (unknown !== undefined) fail('BAD_USAGE', `the config has no column '${unknown}'`, { column: unknown });
  const of = (column: ColumnLayout): fc.Arbitrary<unknown> => {
    if (!Object.hasOwn(given, column.name)) return configColumn(column);
    const value = given[column.name];
    return isArbitrary(value) ? value : fc.constant(value);
  };
  return fc.record(Object.fromEntries(columns.map((column) => [column.name, of(column)])));
}

/** Whether a row may be submitted, as far as that can be told before its references are known. */
function fits(kind: KindLayout, row: object): boolean {
  try {
    const plain = Object.entries(row).filter(([name]) => kind.byName.get(name)?.value.kind === 'json');
    const columns = kind.columns.filter(({ value }) => value.kind === 'json');
    validRow({ ...kind, columns }, Object.fromEntries(plain), kind.name, 'BAD_INPUT');
    return true;
  } catch (e) {
    if (isWorldfoldError(e, 'BAD_INPUT')) return false;
    throw e;
  }
}

const SAMPLES = 50;

/** Rows of an input. A `json` column whose check refuses whatever is drawn needs values: `BAD_USAGE`. */
function inputRows(kind: KindLayout, given: unknown, refs: RefsOf): fc.Arbitrary<object> {
  if (isArbitrary(given)) return given as fc.Arbitrary<object>;
  const rows = plainRow(kind, refs, (given ?? {}) as Instead);
  if (!kind.columns.some(({ value }) => value.kind === 'json')) return rows;
  if (!fc.sample(rows, { numRuns: SAMPLES, seed: 1 }).some((row) => fits(kind, row)))
    fail(
      'BAD_USAGE',
      `no row of the input '${kind.name}' was found that the checks of its json columns let pass`,
      { kind: kind.name },
      `Say what they hold: inputs: { ${kind.name}: { column: fc.constant(…) } }.`,
    );
  return rows.filter((row) => fits(kind, row));
}

function inputKinds({ schema }: AnyWorld, given: AnyPlanOptions['inputs'] = {}): readonly KindLayout[] {
  const kinds = schema.compiled.kinds.filter(({ source }) => source === 'input');
  const unknown = Object.keys(given).find((name) => !kinds.some((kind) => kind.name === name));
  if (unknown !== undefined) fail('BAD_USAGE', `there is no input of kind '${unknown}'`, { kind: unknown });
  return kinds.filter(({ name }) => given[name] !== false);
}

const places = (ticks: number): fc.Arbitrary<number[]> =>
  fc.uniqueArray(fc.nat({ max: ticks - 1 }), { minLength: 1, maxLength: 3 });

const anySchedule = (ticks: number): fc.Arbitrary<Required<Schedule>> =>
  fc.record({
    commitTicks: fc.integer({ min: 1, max: ticks }),
    snapshots: places(ticks),
    reopenings: places(ticks),
    forks: places(ticks),
    crashes: places(ticks),
    damages: places(ticks + 1),
  });

/** Plans of a world, with choices in the place of references. They shrink to fewer ticks and inputs first. */
export function anyPlan(world: AnyWorld, options: AnyPlanOptions = {}): fc.Arbitrary<AnyPlan> {
  const { ticks = TICKS, maxInputs = MAX_INPUTS, inputs: given = {}, config = {} } = options;
  checkPositive('ticks', ticks);
  checkPositive('maxInputs', maxInputs);
  const kinds = inputKinds(world, given).map(({ name }) => name);
  const rows = kinds.map((name) => {
    const kind = world.schema.compiled.kindOf.get(name)!;
    const row = inputRows(kind, given[name], chosen);
    return fc.tuple(fc.integer({ min: 1, max: ticks }), fc.constant(name), row);
  });
  const inputs: fc.Arbitrary<AnyInput[]> =
    rows.length === 0
      ? fc.constant([])
      : // Without a size, fast-check makes about ten at most, whatever the bound is.
        fc.array(fc.oneof(...rows), { maxLength: maxInputs, size: 'max' });
  return fc
    .record({
      ticks: fc.integer({ min: 1, max: ticks }),
      inputs,
      config: anyConfig(world, config),
      seed: fc.string({ unit: fc.constantFrom(...'abcdefghij'), minLength: 1, maxLength: 6 }),
      schedule: anySchedule(ticks),
    })
    .map((plan) => ({ ...plan, inputs: inOrder(plan.inputs, plan.ticks), changes: [] }));
}

/** Inputs in order of their ticks; those of later ticks come at the last one. */
const inOrder = (inputs: readonly AnyInput[], ticks: number): readonly AnyInput[] =>
  inputs.map(([tick, kind, row]): AnyInput => [Math.min(tick, ticks), kind, row]).sort(([a], [b]) => a - b);

/** Arbitraries of a world's own values. References are ids from 1 to 8, as rows of a scene have them. */
export interface WorldArbitraries<S extends Shape> {
  readonly config: fc.Arbitrary<NewConfig<S>>;
  /** Rows to insert, by table, without ids. */
  readonly tables: { readonly [T in keyof S['tables'] & string]: fc.Arbitrary<NewRow<S, T>> };
  /** Events to emit, by kind. */
  readonly events: { readonly [K in keyof S['events'] & string]: fc.Arbitrary<NewEvent<S, K>> };
  /** Inputs to submit, by kind. */
  readonly inputs: { readonly [K in keyof S['inputs'] & string]: fc.Arbitrary<NewEvent<S, K>> };
}

/**
 * Arbitraries for properties of a user's own: values within the declared ranges, of sensible sizes. Those of
 * inputs and of the config that `options` name are taken from there.
 *
 * @example
 * ```ts
 * const { tables } = arbitraries(town);
 * fc.assert(fc.property(fc.array(tables.people), (people) => {
 *   const { infected } = scene(town, { tables: { people } }).step(infect);
 *   expect(infected.length).toBeLessThanOrEqual(people.length);
 * }));
 * ```
 */
export function arbitraries<S extends Shape, M extends string>(
  definition: WorldDef<S, M>,
  options: Pick<PlanOptions<NoInfer<S>>, 'inputs' | 'config'> = {},
): WorldArbitraries<S> {
  const world = needWorld('arbitraries', definition);
  checkNames('the options of arbitraries', options, ['inputs', 'config']);
  const { inputs = {}, config = {} } = options as AnyPlanOptions;
  const { tables, kinds } = world.schema.compiled;
  const byName = <T extends { readonly name: string }>(
    of: readonly T[],
    row: (one: T) => fc.Arbitrary<object>,
  ) => Object.fromEntries(of.map((one) => [one.name, row(one)]));
  const made = {
    config: anyConfig(world, config),
    tables: byName(
      tables.filter(({ name }) => name !== SOURCES),
      (table) => plainRow(table, smallIds),
    ),
    events: byName(
      kinds.filter(({ source }) => source === 'event' || source === 'fact'),
      (kind) => plainRow(kind, smallIds),
    ),
    inputs: byName(inputKinds(world, inputs), (kind) => inputRows(kind, inputs[kind.name], smallIds)),
  };
  return Object.freeze(made) as unknown as WorldArbitraries<S>;
}
