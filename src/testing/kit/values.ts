/**
 * Arbitraries of values that users would give: within the declared ranges, small more often than large,
 * finite, with references that can be met.
 *
 * The wild values that break codecs are those of `cellOf`; they are taken here where a type has no size.
 */
import * as fc from 'fast-check';
import type { SetLayout } from '../../schema/compile.ts';
import { type ColumnLayout, mayOmit, type NumberValue, type ValueType } from '../../schema/layout.ts';
import { cellOf } from '../arbitraries.ts';
import { vecElement } from '../arbitraries-values.ts';

/** How references are drawn. */
export type RefsOf = (column: ColumnLayout) => fc.Arbitrary<unknown>;

/** Whether something is an arbitrary of fast-check, be it of another copy of it. */
export const isArbitrary = (value: unknown): value is fc.Arbitrary<unknown> =>
  typeof (value as Partial<fc.Arbitrary<unknown>> | null | undefined)?.generate === 'function';

const LEAST = -16;
const MOST = 64;
const FAR = 1e6;

function wholeNumber({ min, max }: NumberValue): fc.Arbitrary<number> {
  const within = (n: number): number => Math.min(Math.max(n, min), max);
  const whole = {
    min: Math.max(min, Number.MIN_SAFE_INTEGER),
    max: Math.min(max, Number.MAX_SAFE_INTEGER),
  };
  return fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: within(LEAST), max: within(MOST) }) },
    { weight: 1, arbitrary: fc.integer(whole) },
  );
}

function numberOf(value: NumberValue): fc.Arbitrary<number> {
  if (value.whole) return wholeNumber(value);
  const range = { min: -FAR, max: FAR, noNaN: true } as const;
  const near = fc.integer({ min: LEAST, max: MOST }).map((n) => n / 16);
  return fc.oneof(near, value.array === 'f32' ? fc.float(range) : fc.double(range));
}

function presentValue(column: ColumnLayout, refs: RefsOf): fc.Arbitrary<unknown> {
  const type: ValueType = column.value;
  if (column.role === 'ref') return refs(column);
  switch (type.kind) {
    case 'number':
      return type.nan
        ? fc.oneof({ weight: 9, arbitrary: numberOf(type) }, fc.constant(Number.NaN))
        : numberOf(type);
    case 'vec':
      return fc.array(numberOf(vecElement(type)), { minLength: type.size, maxLength: type.size });
    case 'list':
      return fc.array(presentValue(type.of, refs), { maxLength: 4 });
    case 'struct':
      return fc.record(
        Object.fromEntries(type.fields.map((field) => [field.name, presentValue(field, refs)])),
      );
    case 'enum':
      return fc.constantFrom(...type.names);
    default:
      return cellOf({ ...column, optional: false });
  }
}

/** Values of a column; null too where it is optional. */
export function plainValue(column: ColumnLayout, refs: RefsOf): fc.Arbitrary<unknown> {
  const value = presentValue(column, refs);
  return column.optional ? fc.option(value, { nil: null }) : value;
}

/** Values that replace what is drawn: an arbitrary or one value, by column. */
export type Instead = { readonly [column: string]: unknown };

/**
 * Rows of a table or kind. Ids are left out; what may be left out sometimes is; `instead` says what some
 * columns hold.
 */
export function plainRow(set: SetLayout, refs: RefsOf, instead: Instead = {}): fc.Arbitrary<object> {
  const columns = set.columns.filter(({ role }) => role !== 'id' && role !== 'newId');
  const of = (column: ColumnLayout): fc.Arbitrary<unknown> => {
    if (!Object.hasOwn(instead, column.name)) return plainValue(column, refs);
    const given = instead[column.name];
    return isArbitrary(given) ? given : fc.constant(given);
  };
  const required = columns.filter((column) => !mayOmit(column) || Object.hasOwn(instead, column.name));
  return fc.record(Object.fromEntries(columns.map((column) => [column.name, of(column)])), {
    requiredKeys: required.map(({ name }) => name),
  });
}
