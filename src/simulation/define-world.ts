/**
 * `defineWorld`: a schema with its setup, handlers, systems and checks.
 *
 * Owns the definition and the mistakes that the types can't stop in JavaScript. It runs nothing: a world is
 * data until a run is created from it.
 */
import { checkNames } from '../base/arguments.ts';
import { fail } from '../base/errors.ts';
import type { Handlers, Now, SetupCtx, Sync, System, SystemOptions } from '../schema/context.ts';
import type { Schema } from '../schema/define.ts';
import type { MustApply, Shape } from '../schema/infer.ts';
import type { World } from '../schema/views.ts';

/**
 * Carries the names of a world's metrics. It exists in types only; exported so that declarations can name it.
 */
export declare const metric: unique symbol;

/** Numbers measured after every tick and kept beside the log. */
export type Metrics<S extends Shape> = { readonly [name: string]: (world: World<S>, now: Now<S>) => number };

/** What a world is made of. */
export interface WorldParts<S extends Shape> {
  /** Makes tick 0. */
  setup(ctx: SetupCtx<S>): Sync;
  /** A handler for every kind of event and input that is not a fact. */
  readonly apply: Handlers<S, MustApply<S>>;
  /** The systems, in the order they run. */
  readonly systems: readonly System<S>[];
  /** What must always hold: false, or rows that break it, stops the run. */
  readonly invariants?: {
    readonly [name: string]: (world: World<S>, now: Now<S>) => boolean | Iterable<unknown>;
  };
  readonly metrics?: Metrics<S>;
  /** Ends the run where it is true. */
  readonly until?: (world: World<S>, now: Now<S>) => boolean;
}

/** A defined world with metrics `M`. */
export interface WorldDef<S extends Shape, M extends string> {
  readonly [metric]?: M;
  readonly schema: Schema<S>;
  readonly def: WorldParts<S>;
}

const RESERVED = ['setup', 'inputs'];
const OPTIONS: readonly (keyof SystemOptions<Shape>)[] = ['every', 'when', 'effects', 'repeat'];
const PARTS: readonly (keyof WorldParts<Shape>)[] = [
  'setup',
  'apply',
  'systems',
  'invariants',
  'metrics',
  'until',
];
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) > 0;

function checkName(name: unknown, at: number, seen: Set<unknown>): string {
  if (typeof name !== 'string' || name === '')
    return fail('BAD_SCHEMA', `the system at place ${at} has no name`, { place: at });
  if (RESERVED.includes(name) || name.startsWith('$'))
    fail('BAD_SCHEMA', `a system can't be called '${name}': that name is an origin of its own`, {
      system: name,
    });
  if (seen.has(name)) fail('BAD_SCHEMA', `two systems are called '${name}'`, { system: name });
  seen.add(name);
  return name;
}

function checkOptions(name: string, options: SystemOptions<Shape>): void {
  const facts = { system: name };
  const unknown = Object.keys(options).find((key) => !(OPTIONS as readonly string[]).includes(key));
  if (unknown !== undefined)
    fail(
      'BAD_SCHEMA',
      `the system '${name}' has an unknown option '${unknown}'`,
      facts,
      `Options: ${OPTIONS.join(', ')}.`,
    );
  const { every, when, effects, repeat } = options;
  if (every !== undefined && !isCount(every))
    fail('BAD_SCHEMA', `'every' of the system '${name}' must be a whole number of at least 1`, {
      ...facts,
      every,
    });
  if (when !== undefined && typeof when !== 'function')
    fail('BAD_SCHEMA', `'when' of the system '${name}' must be a function`, facts);
  if (effects !== undefined && effects !== 'after' && effects !== 'at-once')
    fail('BAD_SCHEMA', `'effects' of the system '${name}' must be 'after' or 'at-once'`, {
      ...facts,
      effects,
    });
  if (repeat !== undefined && !isCount(repeat?.max))
    fail('BAD_SCHEMA', `'repeat.max' of the system '${name}' must be a whole number of at least 1`, facts);
}

function checkSystems(systems: unknown): void {
  if (!Array.isArray(systems))
    fail('BAD_SCHEMA', 'the systems of a world are a list: their order is the order they run');
  const seen = new Set<unknown>();
  systems.forEach((system: System<Shape> | undefined, at) => {
    const name = checkName(system?.name, at, seen);
    if (typeof system?.run !== 'function')
      fail(
        'BAD_SCHEMA',
        `the system '${name}' has no function`,
        { system: name },
        'Make it with schema.system().',
      );
    checkOptions(name, system.options ?? {});
  });
}

const isHandler = (value: unknown): boolean =>
  typeof value === 'function' ||
  (typeof value === 'object' && value !== null && typeof (value as { batch?: unknown }).batch === 'function');

function checkHandlers(schema: Schema<Shape>, apply: unknown): void {
  if (typeof apply !== 'object' || apply === null)
    fail('BAD_SCHEMA', "a world needs 'apply': its handlers by kind");
  const kinds = { ...schema.spec.events, ...schema.spec.inputs };
  for (const [kind, handler] of Object.entries(apply)) {
    const spec = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
    if (spec === undefined)
      fail('BAD_SCHEMA', `there is a handler for '${kind}', but no such event or input`, { kind });
    if (spec.fact)
      fail('BAD_SCHEMA', `'${kind}' is a fact, which changes no table: it takes no handler`, { kind });
    if (!isHandler(handler))
      fail('BAD_SCHEMA', `the handler of '${kind}' must be a function or { batch }`, { kind });
  }
  const missing = Object.keys(kinds).filter((kind) => !kinds[kind]?.fact && !Object.hasOwn(apply, kind));
  if (missing.length > 0)
    fail(
      'BAD_SCHEMA',
      `no handler for ${missing.map((kind) => `'${kind}'`).join(', ')}`,
      { missing },
      'Add it to apply, or declare the kind with fact().',
    );
}

function checkFunctions(what: 'invariants' | 'metrics', parts: unknown): void {
  if (parts === undefined) return;
  if (typeof parts !== 'object' || parts === null)
    fail('BAD_SCHEMA', `the ${what} of a world are an object of functions`);
  for (const [name, value] of Object.entries(parts)) {
    if (name === '') fail('BAD_SCHEMA', `one of the ${what} has no name`);
    if (typeof value !== 'function') fail('BAD_SCHEMA', `'${name}' of ${what} must be a function`, { name });
  }
}

/**
 * Defines a world. Raises `BAD_SCHEMA` where its parts don't fit the schema.
 *
 * @example
 * ```ts
 * export default defineWorld(schema, {
 *   setup({ insert }) { insert.people({ health: 'well' }); },
 *   apply: { infected: (world, e) => world.people.update(e.person, { health: 'ill' }) },
 *   systems: [infect],
 *   metrics: { ill: (world) => world.people.count({ health: 'ill' }) },
 * });
 * ```
 */
export function defineWorld<S extends Shape, const M extends Metrics<S> = {}>(
  schema: Schema<S>,
  def: WorldParts<NoInfer<S>> & {
    readonly metrics?: M & Metrics<S> & { readonly tick?: "'tick' is a column of every frame already" };
  },
): WorldDef<S, keyof M & string> {
  if (typeof schema?.compiled !== 'object')
    fail('BAD_SCHEMA', 'defineWorld needs a schema made by defineSchema');
  checkNames('the parts of a world', def, PARTS, 'BAD_SCHEMA');
  if (typeof def.setup !== 'function')
    fail('BAD_SCHEMA', "a world needs 'setup': the function that makes tick 0");
  checkHandlers(schema as unknown as Schema<Shape>, def.apply);
  checkSystems(def.systems);
  checkFunctions('invariants', def.invariants);
  checkFunctions('metrics', def.metrics);
  if (def.metrics && Object.hasOwn(def.metrics, 'tick'))
    fail('BAD_SCHEMA', "a metric can't be called 'tick': that is a column of every frame already");
  if (def.until !== undefined && typeof def.until !== 'function')
    fail('BAD_SCHEMA', "'until' of a world must be a function");
  return Object.freeze({ schema, def: Object.freeze({ ...def }) });
}
