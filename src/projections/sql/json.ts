/**
 * Values as JSON and back: what SQL gets of lists, vectors and events.
 *
 * JSON has no form for some values, which are written as texts here: NaN, the infinities, −0 (which JSONB
 * would make 0), 64-bit numbers (which readers of JSON would round) and bytes (in hexadecimal).
 */
import { fromHex, hex } from '../../base/bytes.ts';
import { canonicalJson } from '../../base/canonical.ts';
import type { ColumnLayout, ValueType } from '../../schema/layout.ts';

type JsonObject = { [name: string]: unknown };

const numberText = (value: number): string =>
  Object.is(value, -0) ? '"-0"' : Number.isFinite(value) ? String(value) : `"${value}"`;

/** The JSON text of a value of a column that is not null. */
export function jsonText(type: ValueType, value: unknown): string {
  switch (type.kind) {
    case 'number':
      return numberText(value as number);
    case 'vec':
      return `[${Array.from(value as ArrayLike<number>, numberText).join()}]`;
    case 'big':
      return `"${value}"`;
    case 'bytes':
      return `"${hex(value as Uint8Array)}"`;
    case 'list':
      return `[${(value as readonly unknown[]).map((item) => jsonText(type.of.value, item)).join()}]`;
    case 'struct':
      return rowJsonText(type.fields, value as object);
    default:
      // One by one: a value may be nested as deep as JSON may be at all, and stand in a list besides.
      return canonicalJson(value);
  }
}

/** The JSON text of a row or of the value of a struct: one entry a column, null where it is null. */
export function rowJsonText(columns: readonly ColumnLayout[], row: object): string {
  const entries = columns.map(({ name, value }) => {
    const given = (row as JsonObject)[name];
    return `"${name}":${given === null || given === undefined ? 'null' : jsonText(value, given)}`;
  });
  return `{${entries.join()}}`;
}

/** The value again, from JSON that was parsed. */
export function fromJson(type: ValueType, json: unknown): unknown {
  switch (type.kind) {
    case 'number':
      return Number(json);
    case 'vec':
      return (json as readonly unknown[]).map(Number);
    case 'big':
      return BigInt(json as string);
    case 'bytes':
      return fromHex(json as string);
    case 'list':
      return (json as readonly unknown[]).map((item) => fromJson(type.of.value, item));
    case 'struct':
      return rowFromJson(type.fields, json as object);
    default:
      return json;
  }
}

/** The row or the value of a struct again, from JSON that was parsed. */
export function rowFromJson(columns: readonly ColumnLayout[], json: object): JsonObject {
  const made: JsonObject = {};
  for (const { name, value } of columns) {
    const given = (json as JsonObject)[name];
    made[name] = given === null || given === undefined ? null : fromJson(value, given);
  }
  return made;
}
