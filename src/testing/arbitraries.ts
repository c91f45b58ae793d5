/**
 * Arbitraries for fast-check: values, rows, columns and whole schemas.
 *
 * Owns what is generated outside of a tick, where fast-check chooses and shrinks. Generic worlds, whose
 * choices come from recorded draws, are in `arbitraries-world.ts`. fast-check is an optional package: only
 * `src/testing` imports it.
 */
import * as fc from 'fast-check';
import { type AnyColumn, t } from '../schema/columns.ts';
import type { SetLayout } from '../schema/compile.ts';
import { defineSchema, type Schema } from '../schema/define.ts';
import type { Shape } from '../schema/infer.ts';
import {
  type ColumnLayout,
  layoutColumns,
  mayOmit,
  type NumberValue,
  type ValueType,
} from '../schema/layout.ts';
import type { SchemaSpec } from '../schema/spec.ts';
import { event, fact, singleton, table } from '../schema/tables.ts';
import { textOf } from './arbitraries-rows.ts';
import { edgesOf, vecElement } from './arbitraries-values.ts';

/** A builder, as far as generating needs it. */
interface Buildable extends AnyColumn {
  key(): Buildable;
  default(value: unknown): Buildable;
  optional(): Buildable;
}

const wholeText = (): fc.Arbitrary<string> =>
  fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.replaceAll('\0', ''));

function anyNumber(value: NumberValue): fc.Arbitrary<unknown> {
  if (value.array === 'f32') return fc.float({ noNaN: !value.nan });
  if (!value.whole) return fc.double({ noNaN: !value.nan });
  const min = Math.max(value.min, Number.MIN_SAFE_INTEGER);
  return fc.integer({ min, max: Math.min(value.max, Number.MAX_SAFE_INTEGER) });
}

function anyLeaf(value: ValueType): fc.Arbitrary<unknown> {
  switch (value.kind) {
    case 'number':
      return anyNumber(value);
    case 'big':
      return value.array === 'u64'
        ? fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
        : fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case 'enum':
      return fc.constantFrom(...value.names);
    case 'text':
      return wholeText();
    case 'bytes':
      return fc.uint8Array({ maxLength: 40 });
    case 'json':
      return fc.jsonValue().filter((json) => json !== null);
    default:
      return fc.boolean();
  }
}

function anyValue(value: ValueType): fc.Arbitrary<unknown> {
  switch (value.kind) {
    case 'vec': {
      const { size } = value;
      return fc.array(anyValue(vecElement(value)), { minLength: size, maxLength: size });
    }
    case 'list':
      return fc.array(anyValue(value.of.value), { maxLength: 4 });
    case 'struct':
      return fc.record(Object.fromEntries(value.fields.map((field) => [field.name, anyValue(field.value)])));
    default:
      return fc.oneof(anyLeaf(value), fc.constantFrom(...edgesOf(value)));
  }
}

/**
 * Values that fit a column, edges among them: −0, ±∞, NaN where allowed, ±2⁵³, 2⁶³, empty and long texts,
 * surrogate pairs; null where the column is optional.
 */
export function cellOf(column: ColumnLayout): fc.Arbitrary<unknown> {
  const value = anyValue(column.value);
  return column.optional ? fc.option(value, { nil: null }) : value;
}

/** Rows of a table or kind; columns that may be left out sometimes are, ids always. */
export function rowOf(set: SetLayout): fc.Arbitrary<{ readonly [column: string]: unknown }> {
  const columns = set.columns.filter(({ role }) => role !== 'id' && role !== 'newId');
  return fc.record(Object.fromEntries(columns.map((column) => [column.name, cellOf(column)])), {
    requiredKeys: columns.filter((column) => !mayOmit(column)).map(({ name }) => name),
  });
}

/** Names that are also members of objects, arrays, views and log entries are names like any other. */
const NAMES = ['a', 'b', 'c', 'x', 'Z_9', 'length', 'size', 'tick', 'seq', 'columns', 'of', 'at', 'i'];
const nameFrom = (names: readonly string[], size: { minLength?: number; maxLength: number }) =>
  fc.uniqueArray(fc.constantFrom(...names), size);

const manyNames = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `name ${i}`);
const anyEnum = fc
  .oneof(
    fc.constant(['well', 'ill']),
    fc.constant(['only']),
    fc.constant(['"quoted"', 'é', "it's", '😀', 'constructor']),
    fc.constant(manyNames(13)),
    fc.constant(manyNames(257)),
  )
  .map((names) => t.enum(...names));

const exactColumn: fc.Arbitrary<AnyColumn> = fc.oneof(
  fc.constantFrom<AnyColumn>(
    t.u8(),
    t.i8(),
    t.u16(),
    t.i16(),
    t.u32(),
    t.i32(),
    t.int(),
    t.u64(),
    t.i64(),
    t.bool(),
    t.text(),
  ),
  anyEnum,
);

const leafColumn = (refs: readonly string[]): fc.Arbitrary<AnyColumn> =>
  fc.oneof(
    exactColumn,
    fc.constantFrom<AnyColumn>(
      t.f32(),
      t.f64(),
      t.f32({ nan: true }),
      t.f64({ nan: true }),
      t.bytes(),
      t.json(),
    ),
    fc
      .tuple(fc.constantFrom(1, 2, 3, 7), fc.constantFrom('f32', 'f64', 'i32'))
      .map(([size, of]) => t.vec(size, of)),
    ...(refs.length > 0 ? [fc.constantFrom(...refs).map((name) => t.ref(name))] : []),
  );

function plainColumn(refs: readonly string[]): fc.Arbitrary<AnyColumn> {
  const leaf = leafColumn(refs);
  const structOf = (field: fc.Arbitrary<AnyColumn>): fc.Arbitrary<AnyColumn> =>
    nameFrom(NAMES.slice(0, 7), { minLength: 1, maxLength: 3 })
      .chain((names) => fc.record(Object.fromEntries(names.map((name) => [name, field]))))
      .map((fields) => t.struct(fields as never));
  const listOf = (item: fc.Arbitrary<AnyColumn>): fc.Arbitrary<AnyColumn> =>
    item.map((of) => t.list(of as never));
  const nested = fc.oneof(leaf, structOf(leaf), listOf(leaf));
  return fc.oneof(
    { weight: 6, arbitrary: leaf },
    { weight: 1, arbitrary: structOf(nested) },
    { weight: 1, arbitrary: listOf(nested) },
  );
}

/** Lays one column out by itself; only where it refers to no table. */
const layoutOf = (column: AnyColumn): ColumnLayout =>
  layoutColumns({ tables: {} } as unknown as SchemaSpec, { any: column.spec }, 'any')[0]!;

const withDefault = (column: Buildable): fc.Arbitrary<Buildable> =>
  cellOf(layoutOf(column)).map((value) => column.default(value));

/**
 * Columns as they may be declared: any type, with or without a default, optional or not; references to
 * `refs`.
 */
export function anyColumn(refs: readonly string[] = []): fc.Arbitrary<AnyColumn> {
  const free = (plainColumn([]) as fc.Arbitrary<Buildable>).chain((column) =>
    fc.oneof(
      { weight: 3, arbitrary: fc.constant(column) },
      { weight: 1, arbitrary: withDefault(column) },
      { weight: 1, arbitrary: fc.constant(column.optional()) },
      { weight: 1, arbitrary: withDefault(column.optional()) },
    ),
  );
  if (refs.length === 0) return free;
  const referring = plainColumn(refs) as fc.Arbitrary<Buildable>;
  return fc.oneof(
    { weight: 3, arbitrary: free },
    { weight: 1, arbitrary: referring },
    { weight: 1, arbitrary: referring.map((column) => column.optional()) },
  );
}

type KeyForm = 'id' | 'one' | 'several' | 'single';

interface TablePlan {
  readonly name: string;
  readonly key: KeyForm;
}

function anyTable({ key }: TablePlan, refs: readonly string[]): fc.Arbitrary<unknown> {
  const columns = nameFrom(NAMES, { minLength: 1, maxLength: 5 }).chain((names) =>
    fc.record(Object.fromEntries(names.map((name) => [name, anyColumn(refs)]))),
  );
  if (key === 'single') return columns.map((one) => singleton(one));
  const keys: fc.Arbitrary<{ [name: string]: AnyColumn }> =
    key === 'id'
      ? fc.constant({ id: t.id() })
      : fc
          .array(exactColumn, { minLength: key === 'one' ? 1 : 2, maxLength: key === 'one' ? 1 : 3 })
          .map((list) => Object.fromEntries(list.map((column, i) => [`key${i}`, column])));
  return fc.tuple(keys, columns, fc.nat()).map(([keyed, rest, mask]) => {
    const all: { [name: string]: AnyColumn } = { ...rest, ...keyed };
    const index = Object.keys(all).filter((name, i) => (mask >> i) % 2 === 1 && isExact(all[name]!));
    return table(all, key === 'id' ? { index } : { key: Object.keys(keyed), index });
  });
}

const INEXACT = ['f32', 'f64', 'bytes', 'json', 'vec', 'struct', 'list', 'ref', 'newId'];
const isExact = ({ spec: { type } }: AnyColumn): boolean => !INEXACT.includes(type.type);

function anyKinds(
  names: readonly string[],
  declare: (columns: never) => unknown,
  column: fc.Arbitrary<AnyColumn>,
): fc.Arbitrary<object> {
  const columns = nameFrom(NAMES, { maxLength: 4 }).chain((given) =>
    fc.record(Object.fromEntries(given.map((name) => [name, column]))),
  );
  return fc.record(
    Object.fromEntries(names.map((name) => [name, columns.map((one) => declare(one as never))])),
  );
}

/** A schema with its types erased. */
export type AnySchema = Schema<Shape>;

const TABLES = ['people', 'ties', 'T', 'columns', 'size'];

/**
 * Schemas: up to four tables with keys of every form, indexes, singletons; kinds of events, facts and inputs
 * over every type of column.
 */
export function anySchema(): fc.Arbitrary<AnySchema> {
  const plans = nameFrom(TABLES, { minLength: 1, maxLength: 4 }).chain((names) =>
    fc.tuple(
      ...names.map((name, i) =>
        fc
          .constantFrom<KeyForm>('id', 'id', 'one', 'several', ...(i > 0 ? (['single'] as const) : []))
          .map((key): TablePlan => ({ name, key })),
      ),
    ),
  );
  return plans.chain((tables) => {
    const refs = tables.filter(({ key }) => key === 'id' || key === 'one').map(({ name }) => name);
    const ids = tables.filter(({ key }) => key === 'id').map(({ name }) => name);
    const column = anyColumn(refs);
    const creating =
      ids.length === 0
        ? column
        : fc.oneof(
            { weight: 3, arbitrary: column },
            { weight: 1, arbitrary: fc.constantFrom(...ids).map((name) => t.newId(name) as AnyColumn) },
          );
    return fc
      .record({
        tables: fc.record(Object.fromEntries(tables.map((plan) => [plan.name, anyTable(plan, refs)]))),
        events: nameFrom(['moved', 'born', 'many', 'e'], { minLength: 1, maxLength: 3 }).chain((kinds) =>
          anyKinds(kinds, event, creating),
        ),
        facts: nameFrom(['seen', 'f'], { maxLength: 1 }).chain((kinds) => anyKinds(kinds, fact, creating)),
        inputs: nameFrom(['ordered', 'i'], { minLength: 1, maxLength: 2 }).chain((kinds) =>
          anyKinds(kinds, event, creating),
        ),
        config: nameFrom(NAMES, { maxLength: 2 }).chain((names) =>
          fc.record(Object.fromEntries(names.map((name) => [name, anyColumn()]))),
        ),
      })
      .map(({ facts, events, ...rest }) =>
        declared({ name: 'any', version: 1, ...rest, events: { ...events, ...facts } }),
      );
  });
}

/** Schemas that are made here are right by construction, which their types can't say. */
function declared(declaration: object): AnySchema {
  const schema = defineSchema(declaration as never) as unknown as AnySchema;
  return printedAs(schema, () => textOf(schema.spec));
}

/** What a failing property prints of a value: a schema knows more of itself than anyone wants to read. */
export const printedAs = <T extends object>(value: T, print: () => string): T =>
  Object.freeze({ ...value, [fc.toStringMethod]: print });
