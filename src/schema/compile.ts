/**
 * From a declaration to layouts, canonical text and fingerprint.
 *
 * Owns the numbering of kinds (in order of name, the framework's own kinds included) and the framework's own
 * table: `$sources`, the high-water mark of each input source. Rows that a setup inserts are events of kinds
 * of the framework's own, `+people`, with the table's columns, so that record 0 holds them like everything
 * else.
 */

import { hex } from '../base/bytes.ts';
import { fail } from '../base/errors.ts';
import { sha256 } from '../base/platform.ts';
import { byCodeUnits, utf8 } from '../base/text.ts';
import { parseSchemaText, schemaText } from './canonical-text.ts';
import { type ColumnLayout, checkName, layoutColumns } from './layout.ts';
import type { ColumnSpecs, KindSpec, SchemaSpec, TableSpec } from './spec.ts';
import { type TickLength, tickLength } from './tick-length.ts';

/** Named columns that are stored together. */
export interface SetLayout {
  readonly name: string;
  readonly columns: readonly ColumnLayout[];
  readonly byName: ReadonlyMap<string, ColumnLayout>;
}

/** A table's layout. `ids` tells that the framework hands its keys out. */
export interface TableLayout extends SetLayout {
  readonly key: readonly ColumnLayout[];
  readonly index: readonly ColumnLayout[];
  readonly single: boolean;
  readonly ids: boolean;
}

/** Where the events of a kind come from: user kinds, rows of the setup, marks of input sources. */
export type KindSource = 'event' | 'fact' | 'input' | 'insert' | 'source';

/** A kind's layout. `creates` are the columns that name rows which the event creates. */
export interface KindLayout extends SetLayout {
  readonly number: number;
  readonly source: KindSource;
  /** The table that an `insert` kind fills. */
  readonly table: string | null;
  /** The column that says which agent an event is about; null also where a log's own text was compiled. */
  readonly agent: ColumnLayout | null;
  readonly creates: readonly ColumnLayout[];
}

/** A schema that is ready to store, fold and hash. */
export interface CompiledSchema {
  readonly spec: SchemaSpec;
  /** Canonical text; see canonical-text.ts. */
  readonly text: string;
  /** SHA-256 of the text, in hexadecimal. */
  readonly fingerprint: string;
  readonly config: SetLayout;
  /** In order of name, the framework's own among them. */
  readonly tables: readonly TableLayout[];
  readonly tableOf: ReadonlyMap<string, TableLayout>;
  /** In order of number. */
  readonly kinds: readonly KindLayout[];
  readonly kindOf: ReadonlyMap<string, KindLayout>;
  readonly tick: TickLength;
}

/** The framework's table of input sources. */
export const SOURCES = '$sources';
/** The kind that moves a source's mark. */
export const SOURCE_KIND = '$source';
/** The kind of rows that a setup inserts into a table. */
export const insertKind = (table: string): string => `+${table}`;

const SOURCE_COLUMNS: ColumnSpecs = {
  source: { type: { type: 'text' }, key: true, optional: false },
  seq: { type: { type: 'int' }, key: false, optional: false },
};

const setLayout = (name: string, columns: readonly ColumnLayout[]): SetLayout => ({
  name,
  columns,
  byName: new Map(columns.map((column) => [column.name, column])),
});

function pick(
  set: SetLayout,
  names: readonly string[],
  what: 'key' | 'index' | 'agent',
): readonly ColumnLayout[] {
  return names.map((name) => {
    const column = set.byName.get(name);
    const facts = { [what === 'agent' ? 'kind' : 'table']: set.name, column: name };
    if (column === undefined)
      return fail(
        'BAD_SCHEMA',
        `the ${what} of '${set.name}' names a column '${name}' that it does not have`,
        facts,
      );
    if (!isExact(column))
      fail(
        'BAD_SCHEMA',
        `the ${what} of '${set.name}' holds '${name}', whose values are not exact`,
        facts,
        'Keys, indexes, agents: whole numbers, big integers, booleans, enums, texts, ids and references.',
      );
    return column;
  });
}

/** Whether equal values of a column are the same: what identifies something has such a column. */
export function isExact({ value }: ColumnLayout): boolean {
  return value.kind === 'number' ? value.whole : ['big', 'bool', 'enum', 'text'].includes(value.kind);
}

function tableLayout(spec: SchemaSpec, name: string, table: TableSpec): TableLayout {
  const set = setLayout(name, layoutColumns(spec, table.columns, name));
  const key = pick(set, table.key, 'key');
  if (!table.single && key.length === 0)
    fail(
      'BAD_SCHEMA',
      `table '${name}' has no key`,
      { table: name },
      'Give it an id: t.id(), or mark a column .key().',
    );
  if (key.some((column) => column.optional))
    fail('BAD_SCHEMA', `a key column of '${name}' is optional`, { table: name });
  for (const column of set.columns)
    if (column.role === 'newId' || (column.role === 'id' && (key.length !== 1 || key[0] !== column)))
      fail(
        'BAD_SCHEMA',
        `'${name}.${column.name}' may not be declared so in a table`,
        {
          table: name,
          column: column.name,
        },
        't.id() is the only key of its table; t.newId() belongs to events and inputs.',
      );
  const index = pick(set, table.index, 'index');
  return { ...set, key, index, single: table.single, ids: key.length === 1 && key[0]!.role === 'id' };
}

interface RawKind {
  readonly name: string;
  readonly source: KindSource;
  readonly table: string | null;
  readonly agent: ColumnLayout | null;
  readonly columns: readonly ColumnLayout[];
}

function userKinds(spec: SchemaSpec, kinds: { readonly [k: string]: KindSpec }, input: boolean): RawKind[] {
  return Object.entries(kinds).map(([name, kind]) => {
    checkName(name, 'kind');
    const columns = layoutColumns(spec, kind.columns, name);
    for (const column of columns) {
      const whole =
        column.role !== 'newId' ||
        spec.tables[column.table!]!.columns[spec.tables[column.table!]!.key[0]!]!.type.type === 'id';
      if (column.role === 'id' || column.key || !whole)
        fail(
          'BAD_SCHEMA',
          `'${name}.${column.name}' may not be declared so in an event`,
          { kind: name },
          'Events name rows with t.ref(), and rows that they create with t.newId() of a table with t.id().',
        );
    }
    const agents = kind.agent === undefined ? [] : [kind.agent];
    const [agent = null] = pick(setLayout(name, columns), agents, 'agent');
    return { name, source: input ? 'input' : kind.fact ? 'fact' : 'event', table: null, agent, columns };
  });
}

function numberKinds(spec: SchemaSpec, tables: readonly TableLayout[]): KindLayout[] {
  const raw: RawKind[] = [
    ...userKinds(spec, spec.events, false),
    ...userKinds(spec, spec.inputs, true),
    ...tables
      .filter((table) => table.name !== SOURCES)
      .map(({ name, columns }): RawKind => {
        return { name: insertKind(name), source: 'insert', table: name, agent: null, columns };
      }),
    {
      name: SOURCE_KIND,
      source: 'source',
      table: null,
      agent: null,
      columns: layoutColumns(spec, SOURCE_COLUMNS, SOURCE_KIND),
    },
  ];
  raw.sort((a, b) => byCodeUnits(a.name, b.name));
  return raw.map(({ name, source, table, agent, columns }, number) => {
    if (raw[number + 1]?.name === name)
      fail(
        'BAD_SCHEMA',
        `'${name}' is an event and an input`,
        { kind: name },
        'Give one of them another name.',
      );
    return {
      ...setLayout(name, columns),
      number,
      source,
      table,
      agent,
      creates: columns.filter((c) => c.role === 'newId'),
    };
  });
}

/** Config is given whole when a run begins: it has no rows to identify and creates none. */
function configLayout(spec: SchemaSpec): SetLayout {
  const columns = layoutColumns(spec, spec.config, 'config');
  for (const { name, key, role } of columns)
    if (key || role === 'id' || role === 'newId')
      fail(
        'BAD_SCHEMA',
        `'config.${name}' may not be declared so in a config`,
        { column: name },
        'Keys and ids belong to tables.',
      );
  return setLayout('config', columns);
}

/** Compiles a declaration; whatever contradicts itself is `BAD_SCHEMA`. */
export function compileSchema(spec: SchemaSpec): CompiledSchema {
  checkName(spec.name, 'schema');
  if (!Number.isSafeInteger(spec.version) || spec.version < 0)
    fail('BAD_SCHEMA', `the version of schema '${spec.name}' is no whole number`, { version: spec.version });
  for (const name of Object.keys(spec.tables)) checkName(name, 'table');
  const tick = tickLength(spec.tick);
  const tables = Object.entries(spec.tables).map(([name, table]) => tableLayout(spec, name, table));
  tables.push(
    tableLayout(spec, SOURCES, { columns: SOURCE_COLUMNS, key: ['source'], index: [], single: false }),
  );
  tables.sort((a, b) => byCodeUnits(a.name, b.name));
  const kinds = numberKinds(spec, tables);
  const config = configLayout(spec);
  // Last, when every part is known to have a text.
  const text = schemaText(spec);
  return {
    spec,
    text,
    fingerprint: hex(sha256(utf8(text))),
    config,
    tables,
    tableOf: new Map(tables.map((table) => [table.name, table])),
    kinds,
    kindOf: new Map(kinds.map((kind) => [kind.name, kind])),
    tick,
  };
}

/** Compiles the schema that a log carries, so that it can be read without the code that wrote it. */
export const compileText = (text: string): CompiledSchema => compileSchema(parseSchemaText(text));
