/**
 * The canonical text of a schema, and the schema of a text.
 *
 * The text is what a log carries and what the fingerprint is taken over: canonical JSON of our own making,
 * independent of library versions and of the order of declaration where that order means nothing (tables,
 * kinds, columns, fields, indexes). The order of enum names and of the columns of a composite key means
 * something and is kept. Which column names the agent of a kind is left out: it changes neither a byte of a
 * record nor what is folded of it, so that a log need not be taken along when it is declared.
 */

import { fromHex, hex } from '../base/bytes.ts';
import { canonicalJson, parseCanonical } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import { byCodeUnits } from '../base/text.ts';
import type { ColumnSpec, ColumnSpecs, ColumnType, KindSpec, SchemaSpec, TableSpec } from './spec.ts';

/** The version of the text's own form. */
export const SCHEMA_TEXT_VERSION = 1;

type Json = { [name: string]: unknown };

/**
 * Values as JSON: what JSON has no form for stands as an object with one key that begins with `$`, objects
 * among them. Properties that are undefined are left out, as everywhere.
 */
export function literal(value: unknown): unknown {
  if (typeof value === 'bigint') return { $big: String(value) };
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0)))
    return { $number: Object.is(value, -0) ? '-0' : String(value) };
  if (value instanceof Uint8Array) return { $bytes: hex(value) };
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>, literal);
  if (Array.isArray(value)) return value.map(literal);
  if (typeof value !== 'object' || value === null) return value;
  return {
    $object: Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .map(([key, inner]) => [key, literal(inner)])
      .sort(byFirst),
  };
}

const byFirst = (a: unknown[], b: unknown[]): number => byCodeUnits(a[0] as string, b[0] as string);

/** The value of a {@link literal}. */
export function unliteral(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unliteral);
  if (typeof value !== 'object' || value === null) return value;
  const made = value as { $big?: string; $number?: string; $bytes?: string; $object?: [string, unknown][] };
  if (made.$big !== undefined) return BigInt(made.$big);
  if (made.$number !== undefined) return Number(made.$number);
  if (made.$bytes !== undefined) return fromHex(made.$bytes);
  return Object.fromEntries((made.$object ?? []).map(([key, inner]) => [key, unliteral(inner)]));
}

function columnJson(column: ColumnSpec): Json {
  const type = column.type;
  const json: Json = { type: type.type };
  if (type.type === 'enum') json.names = type.names;
  if (type.type === 'vec') Object.assign(json, { size: type.size, of: type.of });
  if (type.type === 'ref' || type.type === 'newId') json.table = type.table;
  if (type.type === 'struct') json.fields = columnsJson(type.fields);
  if (type.type === 'list') json.of = columnJson(type.of);
  if ('nan' in type && type.nan) json.nan = true;
  if (column.key) json.key = true;
  if (column.optional) json.optional = true;
  if (column.fallback !== undefined) json.default = literal(column.fallback.value);
  return json;
}

const columnsJson = (columns: ColumnSpecs): Json =>
  Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, columnJson(column)]));

const tableJson = (table: TableSpec): Json => ({
  columns: columnsJson(table.columns),
  key: table.key,
  index: [...table.index].sort(byCodeUnits),
  single: table.single,
});

const mapped = <A, B>(from: { readonly [name: string]: A }, f: (a: A) => B): { [name: string]: B } =>
  Object.fromEntries(Object.entries(from).map(([name, a]) => [name, f(a)]));

/** The canonical text of a schema. */
export function schemaText(spec: SchemaSpec): string {
  const kind = (k: KindSpec): Json => ({ columns: columnsJson(k.columns), fact: k.fact });
  return canonicalJson({
    format: SCHEMA_TEXT_VERSION,
    name: spec.name,
    version: spec.version,
    tick: spec.tick,
    config: columnsJson(spec.config),
    tables: mapped(spec.tables, tableJson),
    events: mapped(spec.events, kind),
    inputs: mapped(spec.inputs, kind),
  });
}

function columnFrom(json: Json): ColumnSpec {
  const { key, optional, default: fallback, fields, of, ...type } = json;
  if (fields !== undefined) type.fields = columnsFrom(fields as Json);
  if (of !== undefined) type.of = typeof of === 'string' ? of : columnFrom(of as Json);
  if (type.type === 'f32' || type.type === 'f64') type.nan = type.nan === true;
  return {
    type: type as ColumnType,
    key: key === true,
    optional: optional === true,
    ...(fallback === undefined ? {} : { fallback: { value: unliteral(fallback) } }),
  };
}

const columnsFrom = (json: Json): ColumnSpecs => mapped(json as { [name: string]: Json }, columnFrom);

/** The schema of a canonical text, as a log carries it. A text of a newer form is `NEWER_FORMAT`. */
export function parseSchemaText(text: string): SchemaSpec {
  const json = parseCanonical(text) as Json;
  if (json.format !== SCHEMA_TEXT_VERSION)
    fail('NEWER_FORMAT', 'the schema text has a form that this version does not know', {
      format: json.format,
    });
  const kind = (k: Json): KindSpec => ({ columns: columnsFrom(k.columns as Json), fact: k.fact === true });
  return {
    name: json.name as string,
    version: json.version as number,
    tick: json.tick as string,
    config: columnsFrom(json.config as Json),
    tables: mapped(json.tables as { [t: string]: Json }, (table) => ({
      columns: columnsFrom(table.columns as Json),
      key: table.key as string[],
      index: table.index as string[],
      single: table.single === true,
    })),
    events: mapped(json.events as { [k: string]: Json }, kind),
    inputs: mapped(json.inputs as { [k: string]: Json }, kind),
  };
}
