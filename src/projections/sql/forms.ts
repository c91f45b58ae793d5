/**
 * How one value stands in one SQL column: its type, what a driver takes for it, and the value again.
 *
 * Owns the table of docs/sql.md, a dialect at a time. Every form is lossless: `from(to(value))` is the value
 * that was stored. Nulls, and NaN in SQLite, are for the table around the forms: see table.ts.
 */
import { canonicalJson, parseCanonical } from '../../base/canonical.ts';
import type { SqlDialect, SqlValue } from '../../base/sql.ts';
import { fromUtf8 } from '../../base/text.ts';
import type { ArrayType, NumberValue, ValueType } from '../../schema/layout.ts';
import { fromJson, jsonText } from './json.ts';

/** A value that is not null in a column of one dialect. */
export interface SqlForm {
  /** The type as a declaration of the column writes it; empty where SQLite shall convert nothing. */
  readonly type: string;
  /** Whether stored numbers are what a driver takes, as they are. */
  readonly plain: boolean;
  /** What selects the column, by its quoted name, so that every driver hands out what `from` takes. */
  readonly read: (name: string) => string;
  to(value: unknown): SqlValue;
  /** Takes what drivers of the dialect hand out: numbers, bigints, and texts of either. */
  from(stored: unknown): unknown;
}

type Parts = Pick<SqlForm, 'type' | 'to' | 'from'> & Partial<SqlForm>;

const itself = (name: string): string => name;
const form = (parts: Parts): SqlForm => ({ plain: false, read: itself, ...parts });

const same = (value: unknown): SqlValue => value as SqlValue;
const bytesForm = (type: string): SqlForm =>
  form({ type, to: same, from: (stored) => new Uint8Array(stored as Uint8Array) });

const parsed = (stored: unknown): unknown => parseCanonical(stored as string);
/** Drivers parse JSONB, and a parsed text can't be told from one that was not parsed. */
const readJson = (type: string) => (type === 'text' ? itself : (name: string) => `${name}::text`);

const jsonForm = (type: string): SqlForm =>
  form({ type, read: readJson(type), to: (value) => canonicalJson(value), from: parsed });

/** Lists and, in SQLite, vectors. */
const itemsForm = (type: string, of: ValueType): SqlForm =>
  form({
    type,
    read: readJson(type),
    to: (value) => jsonText(of, value),
    from: (stored) => fromJson(of, parsed(stored)),
  });

/** As many digits as the largest number has, so that texts stand in the order of numbers. */
const U64_DIGITS = 20;

/** A u64 as the text that a column of SQLite holds. */
export const paddedU64 = (value: unknown): string => String(value).padStart(U64_DIGITS, '0');

function sqliteForm(value: ValueType): SqlForm {
  switch (value.kind) {
    case 'number':
      // A column of type REAL would store −0 as 0.
      return form({ type: value.whole ? 'integer' : '', plain: true, to: same, from: Number });
    case 'big':
      return value.array === 'i64'
        ? form({ type: 'integer', plain: true, to: same, from: (stored) => BigInt(stored as bigint) })
        : form({ type: 'text', to: paddedU64, from: (stored) => BigInt(stored as string) });
    case 'bool':
      return form({ type: 'integer', plain: true, to: Number, from: (stored) => Number(stored) === 1 });
    case 'bytes':
      return bytesForm('blob');
    case 'json':
      return jsonForm('text');
    case 'vec':
    case 'list':
      return itemsForm('text', value);
    default:
      return form({ type: 'text', to: same, from: (stored) => stored });
  }
}

const POSTGRES_NUMBERS: { readonly [array in ArrayType]: string } = {
  u8: 'smallint',
  i8: 'smallint',
  i16: 'smallint',
  u16: 'integer',
  i32: 'integer',
  u32: 'bigint',
  i64: 'bigint',
  u64: 'numeric(20)',
  f32: 'real',
  f64: 'double precision',
};

/** Whole numbers within ±2⁵³ are stored as f64, and are whole numbers in SQL. */
const postgresNumber = ({ array, whole }: NumberValue): string =>
  whole && array === 'f64' ? 'bigint' : POSTGRES_NUMBERS[array];

/** Drivers would write −0 as 0. */
const signed = (value: unknown): SqlValue => (Object.is(value, -0) ? '-0' : (value as number));

const nearest = (array: ArrayType, stored: unknown): number =>
  array === 'f32' ? Math.fround(Number(stored)) : Number(stored);

function arrayForm({ array }: Extract<ValueType, { kind: 'vec' }>): SqlForm {
  const items = (stored: unknown): readonly unknown[] =>
    typeof stored === 'string' ? stored.slice(1, -1).split(',') : (stored as readonly unknown[]);
  return form({
    type: `${POSTGRES_NUMBERS[array]}[]`,
    to: (value) => `{${Array.from(value as ArrayLike<number>, signed).join()}}`,
    from: (stored) => items(stored).map((item) => nearest(array, item)),
  });
}

/**
 * Texts are compared by their bytes, as in SQLite, and not by the rules of a language. They are read as
 * bytes, because PGlite takes a byte order mark away from the beginning of a text.
 */
const postgresText = (): SqlForm =>
  form({
    type: 'text collate "C"',
    read: (name) => `convert_to(${name}, 'UTF8')`,
    to: same,
    from: (stored) => fromUtf8(stored as Uint8Array),
  });

function postgresForm(value: ValueType): SqlForm {
  switch (value.kind) {
    case 'number':
      return form({
        type: postgresNumber(value),
        plain: value.whole,
        to: value.whole ? same : signed,
        from: (stored) => nearest(value.array, stored),
      });
    case 'big':
      return form({
        type: POSTGRES_NUMBERS[value.array],
        to: String,
        from: (stored) => BigInt(stored as string),
      });
    case 'bool':
      return form({ type: 'boolean', to: same, from: (stored) => stored === true || stored === 't' });
    case 'bytes':
      return bytesForm('bytea');
    case 'json':
      return jsonForm('jsonb');
    case 'vec':
      return arrayForm(value);
    case 'list':
      return itemsForm('jsonb', value);
    default:
      return postgresText();
  }
}

/** The form of a type; a struct has none, but its fields have. */
export const formOf = (dialect: SqlDialect, value: ValueType): SqlForm =>
  dialect === 'sqlite' ? sqliteForm(value) : postgresForm(value);
