/**
 * Full validation of rows that come from outside: inputs, config, rows of a setup.
 *
 * Every field is checked, unknown ones included, and `json` columns run their own check, inside structs and
 * lists too. What comes out is a copy: whoever handed the row in may change it afterwards. The hot path
 * inside a tick does less: see the writers of `src/columns`.
 */
import { canonicalJson, parseCanonical, show } from '../base/canonical.ts';
import { type ErrorCode, fail } from '../base/errors.ts';
import type { SetLayout } from './compile.ts';
import { type ColumnLayout, rowFlaw } from './layout.ts';

type RowObject = { [name: string]: unknown };

/** Whether `row` may serve as a row at all. */
const isObject = (row: unknown): row is RowObject =>
  typeof row === 'object' && row !== null && !Array.isArray(row) && !ArrayBuffer.isView(row);

function checkedJson(check: ((value: unknown) => unknown) | null, given: unknown, path: string): unknown {
  const value = check === null ? given : check(given);
  if (value === undefined)
    fail('BAD_VALUE', 'its check returned nothing', {}, 'A check returns the value, or throws.');
  return parseCanonical(canonicalJson(value, path));
}

/** A copy of a value whose form was checked, after the checks of the `json` columns in it. */
function checked(column: ColumnLayout, given: unknown): unknown {
  const type = column.value;
  if (given === null || given === undefined) return given;
  switch (type.kind) {
    case 'json':
      return checkedJson(type.check, given, column.path);
    case 'bytes':
      return new Uint8Array(given as Uint8Array);
    case 'vec':
      return Array.from(given as ArrayLike<number>);
    case 'list':
      return (given as readonly unknown[]).map((item) => checked(type.of, item));
    case 'struct':
      return Object.fromEntries(
        type.fields.map((field) => [field.name, checked(field, (given as RowObject)[field.name])]),
      );
    default:
      return given;
  }
}

const reason = (cause: unknown): string => (cause instanceof Error ? cause.message : show(cause));

/**
 * A checked copy of a row, with declared defaults filled in; ids and new ids may stay out.
 * `what` heads the message: `input 'fired'`. Throws with `code`; facts name the column and the reason.
 */
export function validRow(set: SetLayout, row: unknown, what: string, code: ErrorCode): RowObject {
  if (!isObject(row)) return fail(code, `${what} is ${show(row)}, no object with columns`, { what });
  const flaw = rowFlaw(set.columns, row);
  if (flaw !== null) return fail(code, `${what}: ${flaw.text}`, { what, column: flaw.column });
  const made: RowObject = {};
  for (const column of set.columns) {
    const given = row[column.name];
    try {
      made[column.name] = checked(column, given === undefined ? defaultOf(column) : given);
    } catch (cause) {
      const facts = { what, column: column.path };
      fail(code, `${what}: ${column.name}: ${reason(cause)}`, facts, undefined, cause);
    }
  }
  return made;
}

/**
 * What a column holds when a row leaves it out: its default, null, or undefined where the framework fills it.
 */
export function defaultOf(column: ColumnLayout): unknown {
  if (column.fallback !== null) return column.fallback.value;
  return column.optional ? null : undefined;
}
