/**
 * Values of PostgreSQL in binary form, in and out.
 *
 * Owns what a row gives for each type. The forms are those of the send and receive functions of the types; a
 * type whose binary form is not read here is refused, never shown as something else.
 */
import { fail } from '../../base/errors.ts';
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

/** Makes what reads the rows of an answer with these columns. */
export function rowReader<R extends object>(fields: readonly Field[]): (row: RowBytes) => R {
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

/** What is sent for a parameter: text in the text form of its type, bytes as they are. */
export function sent(value: Parameter): string | Buffer | null {
  if (value === null || typeof value === 'string') return value;
  if (typeof value === 'object') return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return Object.is(value, -0) ? '-0' : String(value);
}
