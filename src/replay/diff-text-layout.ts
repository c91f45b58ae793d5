/**
 * Shapes of text that a difference is told in: numbers with separators, cells of one line, aligned columns.
 *
 * Owns no words of a difference. Cells are made safe for a terminal: a text that a world holds may hold
 * anything.
 */
import { hex } from '../base/bytes.ts';
import { canonicalJson } from '../base/canonical.ts';

/** A whole number with thousands separated by commas. */
export const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',');

/** `1 row`, `2 rows`. */
export const counted = (n: number, one: string, many = `${one}s`): string =>
  `${grouped(n)} ${n === 1 ? one : many}`;

/** A text with what moves the cursor, colours the screen or turns the direction of writing as escapes. */
export const escaped = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (found) => `\\u{${found.codePointAt(0)!.toString(16)}}`);

/** At most `width` characters, the last one an ellipsis where something was cut. */
export function cut(text: string, width: number): string {
  // Twice as many units are enough for as many characters, and a text may be very long.
  const characters = [...text.slice(0, 2 * width + 2)];
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}…`;
}

/** A value on one line; a text stands in quotes where it is empty, spaced, or inside of another value. */
function whole(value: unknown, width: number, inside: boolean): string {
  if (typeof value === 'string') {
    const text = value.slice(0, 2 * width + 2).toWellFormed();
    return inside || text === '' || /[\s\p{Cc}"]/u.test(text) ? canonicalJson(text) : text;
  }
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (value instanceof Uint8Array)
    return value.length === 0
      ? 'no bytes'
      : `${hex(value.subarray(0, width))} (${counted(value.length, 'byte')})`;
  if (typeof value !== 'object' || value === null) return String(value);
  const parts = Array.isArray(value)
    ? value.slice(0, width).map((one) => whole(one, width, true))
    : Object.entries(value)
        .slice(0, width)
        .map(([name, one]) => `${name}: ${whole(one, width, true)}`);
  return Array.isArray(value) ? `[${parts.join(', ')}]` : `{${parts.join(', ')}}`;
}

/** A value as a cell of at most `width` characters: bytes in hexadecimal, big integers as digits. */
export const cellText = (value: unknown, width: number): string =>
  cut(escaped(whole(value, width, false)), width);

/** Lines of cells, each column as wide as its widest cell; the first line holds the titles. */
export function aligned(lines: readonly (readonly string[])[]): readonly string[] {
  const width = (text: string): number => [...text].length;
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => width(line[column]!))));
  return lines.map((line) =>
    line
      .map((cell, column) => cell + ' '.repeat(widths[column]! - width(cell)))
      .join('  ')
      .trimEnd(),
  );
}
