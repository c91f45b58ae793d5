/**
 * Turns what was typed into values of the world's columns: `--config key=value`, `--where column=value`,
 * `--input '["kind", {…}]'`.
 *
 * Owns the reading of text by a column's type. Ranges and checks are the engine's: it validates config and
 * inputs whole when it is given them.
 */
import { fail } from '../base/errors.ts';
import { unliteral } from '../schema/canonical-text.ts';
import type { ColumnSpec, ColumnSpecs, KindSpec } from '../schema/spec.ts';

const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
const WHOLE = new Set(['u8', 'i8', 'u16', 'i16', 'u32', 'i32', 'int', 'id']);
const FLOAT = new Set(['f32', 'f64']);

/** What a column takes, in words for a hint. */
export function typeText({ type }: ColumnSpec): string {
  switch (type.type) {
    case 'enum':
      return type.names.join(' | ');
    case 'bool':
      return 'true | false';
    case 'text':
      return 'text';
    case 'f32':
    case 'f64':
      return 'number';
    case 'bytes':
      return 'bytes in hexadecimal';
    case 'json':
    case 'struct':
    case 'list':
    case 'vec':
      return 'JSON';
    default:
      return 'whole number';
  }
}

/** What a column takes, as the end of a sentence: `Give it a whole number.` */
export function wantedText(spec: ColumnSpec): string {
  const text = typeText(spec);
  if (text === 'JSON') return 'a value in JSON, in quotes for the shell';
  if (text.startsWith('bytes')) return text;
  return text.includes(' | ') || spec.type.type === 'enum' ? `one of ${text}` : `a ${text}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The value that `text` means for the column, or undefined where it means none. */
export function readValue(spec: ColumnSpec, text: string): unknown {
  const { type } = spec.type;
  if (spec.optional && text === 'null') return null;
  if (type === 'text') return text;
  if (type === 'bool') return text === 'true' ? true : text === 'false' ? false : undefined;
  if (type === 'enum') return spec.type.names.includes(text) ? text : undefined;
  if (type === 'u64' || type === 'i64') return /^-?\d+$/.test(text) ? BigInt(text) : undefined;
  if (WHOLE.has(type)) return NUMBER.test(text) && Number.isInteger(Number(text)) ? Number(text) : undefined;
  if (FLOAT.has(type)) return NUMBER.test(text) ? Number(text) : undefined;
  if (type === 'bytes')
    return /^([0-9a-f]{2})*$/i.test(text) ? Uint8Array.from(Buffer.from(text, 'hex')) : undefined;
  return parseJson(text);
}

/**
 * Reads config values by the columns that the world declares.
 * An unknown key, or a value that the column's type cannot hold, is `BAD_USAGE` with what would do.
 */
export function parseConfig(
  columns: ColumnSpecs,
  pairs: ReadonlyMap<string, string>,
): { readonly [key: string]: unknown } {
  const config: { [key: string]: unknown } = {};
  for (const [key, text] of pairs) {
    const spec = Object.hasOwn(columns, key) ? columns[key] : undefined;
    if (spec === undefined) {
      const known = Object.entries(columns).map(([name, column]) => `${name} (${typeText(column)})`);
      const hint =
        known.length === 0 ? 'This world has no config.' : `This world knows: ${known.join(', ')}.`;
      return fail('BAD_USAGE', `the world has no config '${key}'`, { key }, hint);
    }
    const value = readValue(spec, text);
    if (value === undefined)
      fail('BAD_USAGE', `config '${key}' can't be '${text}'`, { key, text }, `Give it ${wantedText(spec)}.`);
    config[key] = value;
  }
  return config;
}

/** A value of JSON as a column has it: `{"$big":"7"}` and the like are what the log writes for it. */
function fromJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromJson);
  if (typeof value !== 'object' || value === null) return value;
  const names = Object.keys(value);
  if (names.length === 1 && names[0]!.startsWith('$')) return unliteral(value);
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, fromJson(one)]));
}

/** A value of a row: whole numbers are big integers where the column holds those. */
function cellFrom(spec: ColumnSpec | undefined, json: unknown): unknown {
  const value = fromJson(json);
  const isBig = spec?.type.type === 'u64' || spec?.type.type === 'i64';
  return isBig && typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value;
}

/**
 * Reads an input as the API has it, `["kind", { … }]`, by the kinds that the world declares. What is no such
 * JSON is `BAD_USAGE`; whether the world takes it is for the engine to say.
 */
export function parseInput(
  kinds: { readonly [kind: string]: KindSpec },
  text: string,
): readonly [string, object] {
  const json = parseJson(text);
  const [kind, row = {}] = Array.isArray(json) ? (json as unknown[]) : [];
  if (typeof kind !== 'string' || typeof row !== 'object' || row === null || Array.isArray(row))
    return fail(
      'BAD_USAGE',
      `'${text}' is no input`,
      { input: text },
      `Write it as JSON, in quotes for the shell: --input '["kind", {"column": 1}]'.`,
    );
  const columns = Object.hasOwn(kinds, kind) ? kinds[kind]!.columns : {};
  const cells = Object.entries(row).map(([name, value]) => [name, cellFrom(columns[name], value)]);
  return [kind, Object.fromEntries(cells)];
}
