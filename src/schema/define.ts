/**
 * `defineSchema`: one declaration becomes the schema that everything else is written against.
 *
 * Owns the schema object and its small constructors (`system`, `apply`, `derive`), which only give their
 * arguments a type. What a declaration means at run time is the compiler's; what a system does is the
 * simulation's.
 */
import { checkNames } from '../base/arguments.ts';
import { fail } from '../base/errors.ts';
import type { Checked, Declaration, Given } from './check.ts';
import { specsOf } from './columns.ts';
import { type CompiledSchema, compileSchema } from './compile.ts';
import type { Ctx, Derived, Handler, Sync, System, SystemOptions } from './context.ts';
import type { Kinds, Shape } from './infer.ts';
import { checkMigrations, type Migrations } from './migration.ts';
import type { SchemaSpec } from './spec.ts';
import { kindSpec, tableSpec } from './tables.ts';
import type { World } from './views.ts';

/** Carries the shape of a schema. It exists in types only; exported so that declarations can name it. */
export declare const shape: unique symbol;

/** The shape of a declaration. */
export interface ShapeOf<D extends Declaration> extends Shape {
  readonly config: Given<D, 'config'>;
  readonly tables: D['tables'];
  readonly events: Given<D, 'events'>;
  readonly inputs: Given<D, 'inputs'>;
}
/** The shape of a schema: `interface Town extends InferShape<typeof schema> {}`. */
export type InferShape<X> = X extends Schema<infer S> ? S : never;

/** A declared schema. */
export interface Schema<S extends Shape> {
  readonly [shape]?: S;
  readonly name: string;
  /** The declaration as data. */
  readonly spec: SchemaSpec;
  /** What the engine runs on: layouts, canonical text, fingerprint. */
  readonly compiled: CompiledSchema;
  /** How logs of older versions are taken along; empty where none is declared. No part of the fingerprint. */
  readonly migrations: Migrations;
  /** The same schema under a short name, so that hovers and errors say `Emit<Town>`. */
  as<N extends S>(): Schema<N>;
  /** Names a system. It does nothing until a world lists it. */
  system(name: string, run: (ctx: Ctx<S>) => Sync): System<S>;
  system(name: string, options: SystemOptions<S>, run: (ctx: Ctx<S>) => Sync): System<S>;
  /** Types some handlers, so that they can be written in a file of their own. */
  apply<K extends Kinds<S>>(
    handlers: { readonly [P in K]: Handler<S, P> },
  ): { readonly [P in K]: Handler<S, P> };
  /** Declares a cache over tables, computed when a system asks for it and its tables have changed. */
  derive<D, const T extends readonly (keyof S['tables'] & string)[]>(
    tables: T,
    compute: (world: Pick<World<S>, T[number]>) => D,
  ): Derived<S, D>;
}

const PARTS = ['name', 'version', 'tick', 'config', 'tables', 'events', 'inputs', 'migrations'];
const SYSTEM: readonly (keyof SystemOptions<Shape>)[] = ['every', 'when', 'effects', 'repeat'];

function system(name: string, ...rest: unknown[]): object {
  const run = rest.pop();
  const options = rest.length === 0 ? {} : rest[0];
  if (typeof run !== 'function') fail('BAD_SCHEMA', `the system '${name}' has no function`, { system: name });
  checkNames(`the options of the system '${name}'`, options, SYSTEM, 'BAD_SCHEMA');
  return Object.freeze({ name, options: Object.freeze({ ...(options as object) }), run });
}

function derive(tables: unknown, compute: unknown, known: SchemaSpec['tables']): object {
  if (!Array.isArray(tables))
    fail(
      'BAD_SCHEMA',
      'a derived value needs the list of the tables that it reads',
      {},
      "Write schema.derive(['people'], (world) => …).",
    );
  const unknown = tables.find((name) => !Object.hasOwn(known, name));
  if (unknown !== undefined)
    fail('BAD_SCHEMA', `a derived value names the table '${unknown}', which the schema does not have`, {
      table: unknown,
    });
  if (typeof compute !== 'function') fail('BAD_SCHEMA', 'a derived value needs a function', { tables });
  return Object.freeze({ tables: Object.freeze([...tables]), compute });
}

function mapped<T>(part: unknown, where: string, spec: (value: unknown, name: string) => T) {
  if (typeof part !== 'object' || part === null || Array.isArray(part))
    fail('BAD_SCHEMA', `'${where}' of a schema must be an object`, { part: where });
  const entries = Object.entries(part).map(([name, value]) => [name, spec(value, name)] as const);
  return Object.freeze(Object.fromEntries(entries)) as { readonly [name: string]: T };
}

function specOfDeclaration(declaration: Declaration): SchemaSpec {
  const { name, version, tick = '1 tick', config = {}, events = {}, inputs = {} } = declaration;
  const spec = {
    name,
    version,
    tick,
    config: specsOf(config, 'config'),
    tables: mapped(declaration.tables, 'tables', tableSpec),
    events: mapped(events, 'events', (def, kind) => kindSpec(def, `events.${kind}`)),
    inputs: mapped(inputs, 'inputs', (def, kind) => kindSpec(def, `inputs.${kind}`)),
  };
  const twice = Object.keys(spec.inputs).find((kind) => Object.hasOwn(spec.events, kind));
  if (twice !== undefined)
    fail('BAD_SCHEMA', `'${twice}' is an event and an input: a kind is one of them`, { kind: twice });
  return Object.freeze(spec);
}

/**
 * Declares a schema: tables, events, inputs and config, once, for types, storage and log alike.
 * Raises `BAD_SCHEMA` where the declaration contradicts itself.
 *
 * @example
 * ```ts
 * const schema = defineSchema({
 *   name: 'town', version: 1, tick: '1 day', config: { beta: t.f64().default(0.1) },
 *   tables: { people: table({ id: t.id(), health: t.enum('well', 'ill') }) },
 *   events: { infected: event({ person: t.ref('people') }) },
 * });
 * ```
 */
export function defineSchema<const D extends Declaration>(
  declaration: D & Checked<NoInfer<D>>,
): Schema<ShapeOf<D>> {
  checkNames('the declaration of a schema', declaration, PARTS, 'BAD_SCHEMA');
  const spec = specOfDeclaration(declaration);
  const schema: object = Object.freeze({
    name: spec.name,
    spec,
    compiled: compileSchema(spec),
    migrations: checkMigrations(spec, declaration.migrations),
    as: () => schema,
    system,
    apply: (handlers: object) => handlers,
    derive: (tables: unknown, compute: unknown) => derive(tables, compute, spec.tables),
  });
  return schema as Schema<ShapeOf<D>>;
}
