import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { caught } from '../../../test/support/runs.ts';
import type { SqlValue } from '../../base/sql.ts';
import { groupsOf, rowColumn, type Values } from './row-columns.ts';

type Value = SqlValue;

/** What PostgreSQL reads of an array, by the type of its elements. */
const ELEMENT: Record<number, (bytes: Buffer) => Value> = {
  16: (bytes) => bytes[0] === 1,
  17: (bytes) => new Uint8Array(bytes),
  20: (bytes) => bytes.readBigInt64BE(),
  25: (bytes) => bytes.toString('utf8'),
  701: (bytes) => bytes.readDoubleBE(),
};

function read(array: Uint8Array): Value[] {
  const bytes = Buffer.from(array);
  const [dimensions, nulls, type, count, from] = [0, 4, 8, 12, 16].map((at) => bytes.readInt32BE(at));
  expect([dimensions, from]).toEqual([1, 1]);
  const values: Value[] = [];
  let at = 20;
  for (let i = 0; i < count!; i++) {
    const length = bytes.readInt32BE(at);
    at += 4;
    if (length === -1) values.push(null);
    else {
      values.push(ELEMENT[type!]!(bytes.subarray(at, at + length)));
      at += length;
    }
  }
  expect(at).toBe(bytes.length);
  expect(values.includes(null)).toBe(nulls === 1);
  return values;
}

const column = (type: string) => rowColumn({ name: `a ${type}`, type, notNull: false });
const texts = fc.string({ unit: 'grapheme', maxLength: 12 });

/** A column of each sort, its values, and what an array holds for one. */
const SORTS: readonly { type: string; value: fc.Arbitrary<Value>; as: (value: Value) => Value }[] = [
  {
    type: 'bigint',
    value: fc.oneof(
      fc.maxSafeInteger(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
    ),
    as: (value) => BigInt(value as number),
  },
  {
    type: 'double precision',
    value: fc.oneof(
      fc.double(),
      fc.double().map((n) => (Object.is(n, -0) ? '-0' : String(n))),
    ),
    as: Number,
  },
  { type: 'boolean', value: fc.boolean(), as: (value) => value },
  { type: 'bytea', value: fc.uint8Array({ maxLength: 40 }), as: (value) => value },
  { type: 'text collate "C"', value: texts, as: (value) => value },
  {
    type: 'numeric(20)',
    value: fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.double()),
    as: (value) => (Object.is(value, -0) ? '-0' : String(value)),
  },
];

test('every value stands in the arrays of its column, whatever its neighbours are', () => {
  const columns = SORTS.map(({ type }) => column(type));
  const row = fc.tuple(...SORTS.map(({ value }) => fc.option(value)));
  fc.assert(
    fc.property(fc.array(row, { size: 'max', maxLength: 200 }), (rows) => {
      const values = SORTS.map((_, i) => rows.map((cells) => cells[i]!)) as Values;
      const groups = [...groupsOf('people', columns, values)];
      expect(groups).toHaveLength(rows.length === 0 ? 0 : 1);
      for (const [i, array] of (groups[0] ?? []).entries())
        expect(read(array)).toEqual(
          rows.map((cells) => (cells[i] === null ? null : SORTS[i]!.as(cells[i] as Value))),
        );
    }),
  );
});

describe('many rows', () => {
  it('go in groups of about eight megabytes, in order', () => {
    const text = 'é'.repeat(300_000);
    const rows = Array.from({ length: 50 }, (_, i) => i);
    const values = [rows, rows.map((i) => (i % 7 === 0 ? null : text + i))];
    const columns = [column('integer'), column('jsonb')];
    const groups = [...groupsOf('people', columns, values)];
    expect(groups.length).toBeGreaterThan(2);
    for (const group of groups)
      expect(group.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(9_100_000);
    for (const i of [0, 1])
      expect(groups.flatMap((group) => read(group[i]!)).map((v) => (v === null ? null : String(v)))).toEqual(
        values[i]!.map((v) => (v === null ? null : String(v))),
      );
  });

  it('of numbers alone are bounded too', () => {
    const values = [new Float64Array(1_600_000), new Int32Array(1_600_000)];
    const groups = [...groupsOf('people', [column('real'), column('smallint')], values)];
    expect(groups).toHaveLength(5);
  });
});

test.each<[string, readonly Value[]]>([
  ['integer', [0.5, Number.NaN, Infinity, 2 ** 53, '1.5', '', 'x', true, 2n ** 63n, -(2n ** 63n) - 1n]],
  ['real', ['', ' ', 'x', true, 1n, new Uint8Array(1)]],
  ['boolean', [1, 0, 't', 'true']],
  ['bytea', ['\\x00', 1, true]],
  ['text', ['\ud800', 'a\udc00', new Uint8Array(1)]],
])('a column of type %s names what it does not take', async (type, values) => {
  for (const value of values) {
    const write = () => [...groupsOf('people', [column(type)], [[value]])];
    expect(await caught(async () => write()), String(value)).toMatchObject({
      code: 'BAD_VALUE',
      facts: { table: 'people', column: `a ${type}`, value },
    });
  }
});
