/**
 * Full validation of rows that come from outside: inputs, config, rows of a setup.
 *
 * Every field is checked, unknown ones included, and `json` columns run their own check. The hot path inside
 * a tick does less: see the writers of `src/columns`.
 */
import { canonicalJson, show } from '../base/canonical.ts';
import { type ErrorCode, fail } from '../base/errors.ts';
import type { SetLayout } from './compile.ts';
import { type ColumnLayout, rowFlaw } from './layout.ts';

type RowObject = { [name: string]: unknown };

/** Whether `row` may serve as a row at all. */
const isObject = (row: unknown): row is RowObject =>
  typeof row === 'object' && row !== null && !Array.isArray(row) && !ArrayBuffer.isView(row);

function checkJson(column: ColumnLayout, value: unknown): unknown {
  const type = column.value;
  if (type.kind !== 'json' || type.check === null || value === null || value === undefined) return value;
  return type.check(value);
}

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
      const value = checkJson(column, given);
      if (column.value.kind === 'json' && value !== undefined && value !== null)
        canonicalJson(value, column.path);
      made[column.name] = value === undefined ? defaultOf(column) : value;
    } catch (cause) {
      fail(
        code,
        `${what}: ${column.name}: ${(cause as Error).message}`,
        { what, column: column.path },
        undefined,
        cause,
      );
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
