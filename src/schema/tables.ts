/**
 * Declares tables, singletons, events and facts from columns.
 *
 * Owns the four functions and what each result carries for inference. Whether the tables and kinds of a
 * schema agree with one another is checked when the schema is defined.
 */
import { checkNames } from '../base/arguments.ts';
import { show } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import { type Columns, type info, specsOf } from './columns.ts';
import type { ColumnSpecs, KindSpec, TableSpec } from './spec.ts';

/** Carries key and indexes of a table. It exists in types only; exported so that declarations can name it. */
export declare const form: unique symbol;

/** A declared table: columns `C`, key columns `K`, indexed columns `I`; `One` for a singleton. */
export interface TableDef<
  C extends Columns = Columns,
  K extends string = string,
  I extends string = string,
  One extends boolean = boolean,
> {
  readonly columns: C;
  readonly [form]: { readonly key: K; readonly index: I; readonly single: One };
  /** The table as data. */
  readonly spec: TableSpec;
}

/** A declared event or input; `Fact` when it changes no table. */
export interface EventDef<C extends Columns = Columns, Fact extends boolean = boolean> {
  readonly columns: C;
  readonly [form]: { readonly fact: Fact };
  /** The kind as data. */
  readonly spec: KindSpec;
}

/** Which columns are the key, where no column says `.key()`, and which have an index. */
export interface TableOptions<F extends string> {
  /** The key, of one column or several: `['from', 'to']`. */
  readonly key?: readonly F[];
  /** Columns to find rows by: `world.people.by.cell(7)`. */
  readonly index?: readonly F[];
}

/** What a kind may say beside its columns. */
export interface KindOptions<F extends string> {
  /**
   * The column that says which agent an event is about: a reference, an id that it creates, or another exact
   * value. It is the `agent_id` of the event in SQL, and changes neither logs nor worlds.
   */
  readonly agent?: F;
}

type KeyColumns<C extends Columns> = {
  [F in keyof C]: C[F][typeof info]['key'] extends true ? F : never;
}[keyof C] &
  string;
type KeyIn<C extends Columns, O> = O extends { readonly key: readonly (infer K extends string)[] }
  ? K
  : KeyColumns<C>;
type IndexIn<O> = O extends { readonly index: readonly (infer I extends string)[] } ? I : never;

const kinds = new WeakSet<object>();
const tables = new WeakSet<object>();

function named(names: unknown, columns: ColumnSpecs, what: 'key' | 'index'): readonly string[] {
  if (!Array.isArray(names)) fail('BAD_SCHEMA', `a table's ${what} is a list of columns`, { [what]: names });
  const unknown = names.find((name) => typeof name !== 'string' || !Object.hasOwn(columns, name));
  if (unknown !== undefined)
    fail('BAD_SCHEMA', `a table's ${what} names the column '${String(unknown)}', which it does not have`, {
      [what]: names.join(', '),
      columns: Object.keys(columns).join(', '),
    });
  if (new Set(names).size !== names.length)
    fail('BAD_SCHEMA', `a table's ${what} names one column twice`, { [what]: names.join(', ') });
  return Object.freeze([...names]);
}

function keyOf(columns: ColumnSpecs, given: unknown): readonly string[] {
  const marked = Object.keys(columns).filter((name) => columns[name]?.key);
  if (given === undefined) {
    if (marked.length === 0)
      fail(
        'BAD_SCHEMA',
        'a table has no key',
        { columns: Object.keys(columns).join(', ') },
        "Add id: t.id(), mark a column with .key(), or name columns with { key: ['a', 'b'] }.",
      );
    return Object.freeze(marked);
  }
  const key = named(given, columns, 'key');
  if (key.length === 0) fail('BAD_SCHEMA', "a table's key names no column");
  const left = marked.find((name) => !key.includes(name));
  if (left !== undefined)
    fail('BAD_SCHEMA', `the column '${left}' says it is a key, but the table names another key`, {
      column: left,
      key: key.join(', '),
    });
  return key;
}

/** Keeps the builders (for reuse by spreading) beside the data made of them. */
function made(into: WeakSet<object>, columns: unknown, spec: TableSpec | KindSpec): any {
  const def = Object.freeze({
    columns: Object.freeze({ ...(columns as Columns) }),
    spec: Object.freeze(spec),
  });
  into.add(def);
  return def;
}

/**
 * Declares a table. Every table has a key: `t.id()`, a column with `.key()`, or several columns in
 * `options.key`. Raises `BAD_SCHEMA`.
 *
 * @example
 * ```ts
 * table({ from: t.ref('airports'), to: t.ref('airports'), seats: t.u32() }, { key: ['from', 'to'] })
 * ```
 */
export function table<const C extends Columns, const O extends TableOptions<keyof NoInfer<C> & string> = {}>(
  columns: C,
  options?: O,
): TableDef<C, KeyIn<C, O>, IndexIn<O>, false> {
  const specs = specsOf(columns, 'table');
  if (options !== undefined) checkNames('the options of a table', options, ['key', 'index'], 'BAD_SCHEMA');
  const key = keyOf(specs, options?.key);
  return made(tables, columns, {
    columns: specs,
    key,
    index: options?.index === undefined ? Object.freeze([]) : named(options.index, specs, 'index'),
    single: false,
  });
}

/** Declares a table of exactly one row, without a key: a clock, a market price. Raises `BAD_SCHEMA`. */
export function singleton<const C extends Columns>(columns: C): TableDef<C, never, never, true>;
export function singleton(columns: Columns, ...more: unknown[]): TableDef {
  if (more.some((one) => one !== undefined))
    fail('BAD_SCHEMA', 'singleton() takes columns and nothing else', {}, 'Leave the second argument out.');
  const specs = specsOf(columns, 'singleton');
  const keyed = Object.keys(specs).find((name) => specs[name]?.key);
  if (keyed !== undefined)
    fail('BAD_SCHEMA', `a singleton has one row and no key, but its column '${keyed}' is one`, {
      column: keyed,
    });
  return made(tables, columns, {
    columns: specs,
    key: Object.freeze([]),
    index: Object.freeze([]),
    single: true,
  });
}

function agentOf(options: object, columns: ColumnSpecs): Pick<KindSpec, 'agent'> {
  const { agent } = options as { readonly agent?: unknown };
  if (agent === undefined) return {};
  if (typeof agent === 'string' && Object.hasOwn(columns, agent)) return { agent };
  return fail(
    'BAD_SCHEMA',
    `the agent of an event is ${show(agent)}, which is no column of it`,
    { agent, columns: Object.keys(columns).join(', ') },
    "Name the column that holds it: event({ person: t.ref('people') }, { agent: 'person' }).",
  );
}

function kind(columns: Columns, fact: boolean, options: object): any {
  const name = fact ? 'fact' : 'event';
  const specs = specsOf(columns, name);
  checkNames(`the options of ${name}()`, options, ['agent'], 'BAD_SCHEMA');
  const keyed = Object.keys(specs).find((name) => specs[name]?.key);
  if (keyed !== undefined)
    fail('BAD_SCHEMA', `an event has no key, but its column '${keyed}' is one`, { column: keyed });
  return made(kinds, columns, { columns: specs, fact, ...agentOf(options, specs) });
}

/**
 * Declares a kind of event or input, which a handler in `apply` turns into changes of tables. Raises
 * `BAD_SCHEMA`.
 *
 * @example
 * ```ts
 * event({ person: t.ref('people'), to: t.u32() }, { agent: 'person' })
 * ```
 */
export function event<const C extends Columns>(
  columns: C,
  options: KindOptions<keyof NoInfer<C> & string> = {},
): EventDef<C, false> {
  return kind(columns, false, options);
}

/** Declares a kind of event that changes no table, and so has no handler. Raises `BAD_SCHEMA`. */
export function fact<const C extends Columns>(
  columns: C,
  options: KindOptions<keyof NoInfer<C> & string> = {},
): EventDef<C, true> {
  return kind(columns, true, options);
}

/** The data of what must be a declared table. Raises `BAD_SCHEMA` with its name. */
export function tableSpec(def: unknown, name: string): TableSpec {
  if (typeof def === 'object' && def !== null && tables.has(def)) return (def as TableDef).spec;
  return fail(
    'BAD_SCHEMA',
    `tables.${name} is no table`,
    { table: name },
    'Write it with table() or singleton().',
  );
}

/** The data of what must be a declared kind. Raises `BAD_SCHEMA` with its name. */
export function kindSpec(def: unknown, where: string): KindSpec {
  if (typeof def === 'object' && def !== null && kinds.has(def)) return (def as EventDef).spec;
  return fail('BAD_SCHEMA', `${where} is no event`, { kind: where }, 'Write it with event() or fact().');
}
