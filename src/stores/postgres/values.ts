/**
 * Values of PostgreSQL, in and out.
 *
 * Owns what a row gives for each type. What the store asks is answered in binary form, that of the send
 * functions of the types; a type whose binary form is not read here is refused, never shown as something
 * else. What users ask is answered in text form, which every type has.
 */
import { fromHex } from '../../base/bytes.ts';
import { fail } from '../../base/errors.ts';
import { exactNumber } from '../../base/sql.ts';
import type { SentValue } from './messages.ts';
import type { Parameter } from './session.ts';
import type { RowBytes } from './wire.ts';

/** A column of an answer, as pg describes it. */
export interface Field {
  readonly name: string;
  readonly dataTypeID: number;
}

type Value = string | number | boolean | Uint8Array;
type Read = (body: Buffer, at: number, length: number, field: Field) => Value;

const HIGH = 2 ** 32;

const readText: Read = (body, at, length) => body.toString('utf8', at, at + length);

const readInt8: Read = (body, at, _length, { name }) => {
  const value = body.readInt32BE(at) * HIGH + body.readUInt32BE(at + 4);
  if (Number.isSafeInteger(value)) return value;
  const exact = body.readBigInt64BE(at).toString();
  return fail(
    'CORRUPT',
    `the database holds the number ${exact} as ${name}, which no store wrote`,
    { column: name, value: exact },
    'Restore the database from a backup.',
  );
};

const BYTEA = 17;

/** The types by their OIDs, which never change. */
const READ: ReadonlyMap<number, Read> = new Map<number, Read>([
  [16, (body, at) => body[at] !== 0], // bool
  [18, readText], // "char"
  [19, readText], // name
  [20, readInt8],
  [21, (body, at) => body.readInt16BE(at)], // int2
  [23, (body, at) => body.readInt32BE(at)], // int4
  [25, readText], // text
  [26, (body, at) => body.readUInt32BE(at)], // oid
  [114, readText], // json
  [700, (body, at) => body.readFloatBE(at)], // float4
  [701, (body, at) => body.readDoubleBE(at)], // float8
  [705, readText], // unknown
  [1042, readText], // char(n)
  [1043, readText], // varchar
  [2278, () => ''], // void
]);

/** Bytes that nothing else holds: a copy, unless they are most of a row that nothing else holds. */
function readBytes({ body, own }: RowBytes, at: number, length: number): Uint8Array {
  if (own && length > body.length / 2) return new Uint8Array(body.buffer, body.byteOffset + at, length);
  return new Uint8Array(body.subarray(at, at + length));
}

const NULL = -1;

/** How the rows of an answer come, and what is made of them. */
export interface Reading<R> {
  readonly binary: boolean;
  /** Makes what reads rows of these columns. */
  of(fields: readonly Field[]): (row: RowBytes) => R;
}

/** Makes what reads the rows of an answer with these columns. */
function rowReader<R extends object>(fields: readonly Field[]): (row: RowBytes) => R {
  const reads = fields.map((field) => {
    const read = READ.get(field.dataTypeID);
    if (read === undefined && field.dataTypeID !== BYTEA)
      fail(
        'INTERNAL',
        `the column ${field.name} has the type ${field.dataTypeID}, which is not read`,
        { column: field.name, type: field.dataTypeID },
        'Cast it in the statement, for example to text.',
      );
    return read ?? null;
  });
  return (row) => {
    const { body } = row;
    const values: Record<string, Value | null> = {};
    let at = 2;
    for (const [i, field] of fields.entries()) {
      const length = body.readInt32BE(at);
      at += 4;
      if (length === NULL) {
        values[field.name] = null;
        continue;
      }
      const read = reads[i]!;
      values[field.name] = read === null ? readBytes(row, at, length) : read(body, at, length, field);
      at += length;
    }
    return values as R;
  };
}

/** Rows as objects, each value of a type that is known. */
export const objects = <R extends object>(): Reading<R> => ({ binary: true, of: (f) => rowReader<R>(f) });

/** What is made of the text form of a value; of every other type it stays text. */
const OF_TEXT: ReadonlyMap<number, (text: string) => unknown> = new Map<number, (text: string) => unknown>([
  [16, (text) => text === 't'], // bool
  [BYTEA, (text) => fromHex(text.slice(2))],
  [20, (text) => exactNumber(BigInt(text))], // int8
  [21, Number], // int2
  [23, Number], // int4
  [26, Number], // oid
  [700, (text) => Math.fround(Number(text))], // float4
  [701, Number], // float8
]);

function textReader(fields: readonly Field[]): (row: RowBytes) => readonly unknown[] {
  const reads = fields.map(({ dataTypeID }) => OF_TEXT.get(dataTypeID));
  return ({ body }) => {
    let at = 2;
    return reads.map((read) => {
      const length = body.readInt32BE(at);
      at += 4;
      if (length === NULL) return null;
      const text = body.toString('utf8', at, at + length);
      at += length;
      return read === undefined ? text : read(text);
    });
  };
}

/** Rows as lists of values of any type; the settings that their texts depend on are {@link PLAIN_TEXTS}. */
export const TEXTS: Reading<readonly unknown[]> = { binary: false, of: textReader };

/** Settings under which texts are exact, and the same on every server. */
export const PLAIN_TEXTS = {
  bytea_output: 'hex',
  DateStyle: 'ISO, YMD',
  extra_float_digits: '1',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
} as const;

/** What is sent for a parameter: text in the text form of its type, bytes as they are. */
export function sent(value: Parameter): SentValue {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  return typeof value === 'boolean' ? String(value) : value;
}
