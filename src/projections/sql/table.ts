/**
 * A table or a kind as a table of SQL: its columns, and rows there and back.
 *
 * A struct becomes one column a field, `pos_x`; a null struct is null in all of them, and no field of a
 * struct that is there is. SQLite makes NULL of NaN, so that a column which may hold NaN has another beside
 * it, `x_nan`, that is 1 where it does. Needs no driver and executes nothing.
 */
import type { SqlDialect, SqlValue } from '../../base/sql.ts';
import type { SetLayout, TableLayout } from '../../schema/compile.ts';
import type { ColumnLayout, ValueType } from '../../schema/layout.ts';
import { formOf, type SqlForm } from './forms.ts';
import { quoted, SqlNames } from './names.ts';

/** A column of SQL. */
export interface SqlColumn {
  /** Unquoted. */
  readonly name: string;
  /** As {@link SqlForm}. */
  readonly type: string;
  readonly notNull: boolean;
  /** The column of the schema that it holds, and the fields on the way to it. */
  readonly steps: readonly string[];
  readonly layout: ColumnLayout;
  readonly form: SqlForm;
  /** Whether it says where the column before it, with the same steps, is NaN. */
  readonly tellsNaN: boolean;
}

/** A table of SQL that holds the rows of a table, or the events of a kind. */
export interface SqlTable {
  readonly dialect: SqlDialect;
  /** Unquoted. */
  readonly name: string;
  readonly layout: SetLayout;
  readonly columns: readonly SqlColumn[];
  /** The columns of the table's key; empty for singletons and kinds. */
  readonly key: readonly SqlColumn[];
  /** The columns that are declared with an index. */
  readonly index: readonly SqlColumn[];
}

/** What may be said of a table of SQL. */
export interface SqlTableOptions {
  /** Its name; that of the layout where it is left out. */
  readonly name?: string;
  /** Names of columns that the caller adds: they stay free. */
  readonly taken?: readonly string[];
}

interface Leaf {
  readonly steps: readonly string[];
  readonly layout: ColumnLayout;
  /** Whether the column of the schema that it stands in may be null. */
  readonly optional: boolean;
}

function* leavesOf(layout: ColumnLayout, before: readonly string[], optional: boolean): Generator<Leaf> {
  const steps = [...before, layout.name];
  if (layout.value.kind !== 'struct') yield { steps, layout, optional };
  else for (const field of layout.value.fields) yield* leavesOf(field, steps, optional);
}

const mayBeNaN = ({ layout: { value } }: Leaf): boolean => value.kind === 'number' && value.nan;

const NAN_VALUE: ValueType = { kind: 'bool', array: 'u8' };

/**
 * Columns that stand in the schema as they are get their names first, then fields of structs, then what
 * SQLite needs beside: what is added to a name never takes the name of something declared.
 */
function namesOf(leaves: readonly Leaf[], taken: readonly string[]): readonly [string[], string[]] {
  const names = new SqlNames(taken);
  const own = leaves.map(({ steps }) => (steps.length === 1 ? names.give(steps[0]!) : ''));
  const all = leaves.map(({ steps }, i) => own[i] || names.give(steps.join('_')));
  return [all, leaves.map((leaf, i) => (mayBeNaN(leaf) ? names.give(`${all[i]}_nan`) : ''))];
}

const isTable = (layout: SetLayout): layout is TableLayout => 'single' in layout;

/** The table of SQL for a table or a kind. */
export function sqlTable(dialect: SqlDialect, layout: SetLayout, options: SqlTableOptions = {}): SqlTable {
  const { name = layout.name, taken = [] } = options;
  const leaves = layout.columns.flatMap((column) => [...leavesOf(column, [], column.optional)]);
  const [names, nanNames] = namesOf(leaves, taken);
  const columns = leaves.flatMap((leaf, i): SqlColumn[] => {
    const { steps, optional } = leaf;
    const companion = dialect === 'sqlite' && mayBeNaN(leaf);
    const column = (of: string, value: ValueType, notNull: boolean, tellsNaN: boolean): SqlColumn => {
      const form = formOf(dialect, value);
      return { name: of, type: form.type, notNull, steps, layout: leaf.layout, form, tellsNaN };
    };
    const main = column(names[i]!, leaf.layout.value, !optional && !companion, false);
    return companion ? [main, column(nanNames[i]!, NAN_VALUE, !optional, true)] : [main];
  });
  const declared = (some: readonly ColumnLayout[]): SqlColumn[] =>
    some.map(({ name: of }) => columns.find(({ steps }) => steps.length === 1 && steps[0] === of)!);
  return {
    dialect,
    name,
    layout,
    columns,
    key: isTable(layout) ? declared(layout.key) : [],
    index: isTable(layout) ? declared(layout.index) : [],
  };
}

/** The columns as `create table` takes them, one an entry; the key is for the caller to say. */
export const columnDefinitions = ({ columns }: SqlTable): string[] =>
  columns.map(({ name, type, notNull }) =>
    [quoted(name), type, notNull ? 'not null' : ''].filter((part) => part !== '').join(' '),
  );

/** The columns as `select` takes them, so that every driver hands out what {@link rowOfSql} takes. */
export const selection = ({ columns }: SqlTable): string[] =>
  columns.map(({ name, form }) => {
    const read = form.read(quoted(name));
    return read === quoted(name) ? read : `${read} as ${quoted(name)}`;
  });

type Row = { readonly [column: string]: unknown };

const valueAt = (row: object, steps: readonly string[]): unknown => {
  let value: unknown = row;
  for (const step of steps) value = value === null ? null : (value as Row)[step];
  return value;
};

/** What a column of SQL holds for a value of the column of the schema; `null` where that may be null. */
export function cellOfValue({ form, layout, notNull, tellsNaN }: SqlColumn, value: unknown): SqlValue {
  const unreal = Number.isNaN(value);
  // JSON of a singleton that nobody has set reads as null, though null can't be stored there.
  if (value === null && !(layout.value.kind === 'json' && notNull)) return null;
  if (tellsNaN) return form.to(unreal);
  return unreal && form.type === '' ? null : form.to(value);
}

/** A row as drivers take it, in order of the columns. */
export const rowToSql = ({ columns }: SqlTable, row: object): SqlValue[] =>
  columns.map((column) => cellOfValue(column, valueAt(row, column.steps)));

/** The row again, from what a driver handed out for each of the columns. */
export function rowOfSql(table: SqlTable, cells: ArrayLike<unknown>): object {
  let at = 0;
  const take = (layout: ColumnLayout): unknown => {
    if (layout.value.kind === 'struct') {
      const from = at;
      const made = Object.fromEntries(layout.value.fields.map((field) => [field.name, take(field)]));
      for (let i = from; i < at; i++) if (cells[i] !== null) return made;
      return null;
    }
    const column = table.columns[at]!;
    const cell = cells[at++];
    const companion = table.columns[at];
    if (companion?.tellsNaN && companion.layout === layout) {
      if (companion.form.from(cells[at++]) === true) return Number.NaN;
    }
    return cell === null ? null : column.form.from(cell);
  };
  return Object.fromEntries(table.layout.columns.map((column) => [column.name, take(column)]));
}
