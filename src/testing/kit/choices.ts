/**
 * References that are chosen while a run goes.
 *
 * Which rows a table has is known only then. So a plan that is drawn holds a number in the place of a key; it
 * is taken modulo the rows of the table when the input is submitted, and the plan that is printed holds the
 * key.
 */
import type { CompiledSchema } from '../../schema/compile.ts';
import type { ColumnLayout } from '../../schema/layout.ts';
import type { AnyInput } from './plan.ts';

/** A row of a table that is yet to be looked up. */
export class Choice {
  readonly number: number;

  constructor(number: number) {
    this.number = number;
  }

  /** How fast-check prints it. */
  toString(): string {
    return `<row ${this.number}, modulo those there are>`;
  }
}

/** In the place of a reference to a table without rows. */
const NONE = Symbol('no row');

type Rows = { readonly size: number; at(row: number): { readonly [column: string]: unknown } };

class Resolver {
  private readonly schema: CompiledSchema;
  private readonly world: { readonly [table: string]: Rows };

  constructor(schema: CompiledSchema, world: object) {
    this.schema = schema;
    this.world = world as { readonly [table: string]: Rows };
  }

  private keyOf(table: string, { number }: Choice): unknown {
    const rows = this.world[table]!;
    const [key] = this.schema.tableOf.get(table)!.key;
    return rows.size === 0 ? NONE : rows.at(number % rows.size)[key!.name];
  }

  value(column: ColumnLayout, given: unknown): unknown {
    if (given instanceof Choice) return this.keyOf(column.table!, given);
    if (given === null || given === undefined) return given;
    const type = column.value;
    if (type.kind === 'list') {
      const items = (given as readonly unknown[]).map((item) => this.value(type.of, item));
      return items.filter((item) => item !== NONE);
    }
    return type.kind === 'struct' ? this.row(type.fields, given) : given;
  }

  /** A row with its references looked up, or none where one that is needed refers to an empty table. */
  row(columns: readonly ColumnLayout[], given: object): object | typeof NONE {
    const made: { [column: string]: unknown } = {};
    for (const column of columns) {
      const value = this.value(column, (given as { readonly [column: string]: unknown })[column.name]);
      if (value === NONE && !column.optional) return NONE;
      if (value !== undefined) made[column.name] = value === NONE ? null : value;
    }
    return made;
  }
}

/**
 * The inputs with their references looked up in the world as it is. An input that needs a row of an empty
 * table is left out.
 */
export function resolved(
  schema: CompiledSchema,
  world: object,
  inputs: readonly AnyInput[],
): readonly AnyInput[] {
  const resolver = new Resolver(schema, world);
  return inputs.flatMap(([tick, kind, row]) => {
    const layout = schema.kindOf.get(kind);
    const made = layout === undefined ? row : resolver.row(layout.columns, row);
    return typeof made === 'object' ? [[tick, kind, made] as const] : [];
  });
}
