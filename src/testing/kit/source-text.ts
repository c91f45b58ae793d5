/**
 * Values as the text of TypeScript that gives them again, and as short texts for people.
 *
 * Every value that a column can hold has one, the awkward ones too: −0, NaN, infinities, big integers, bytes,
 * half of a surrogate pair in JSON, a property called __proto__.
 */
import { show } from '../../base/canonical.ts';

const IDENTIFIER = /^[A-Za-z_$][A-Za-z0-9_$]*$/;

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'Number.NaN';
  if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value);
  return value > 0 ? 'Number.POSITIVE_INFINITY' : 'Number.NEGATIVE_INFINITY';
}

/** What can't stand in a literal as it is; halves of surrogate pairs among it. */
const AWKWARD = /[\\'\p{Cc}\u2028\u2029\ufeff]|\p{Surrogate}/gu;

const escaped = (char: string): string =>
  char === '\\' || char === "'" ? `\\${char}` : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** A text in single quotes, all on one line. */
const textLiteral = (value: string): string => `'${value.replace(AWKWARD, escaped)}'`;

function nameText(name: string): string {
  // A plain __proto__ would set the prototype.
  if (name === '__proto__') return "['__proto__']";
  return IDENTIFIER.test(name) ? name : textLiteral(name);
}

/** The text of an expression that gives the value again. */
export function sourceText(value: unknown): string {
  if (typeof value === 'string') return textLiteral(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number') return numberText(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (value instanceof Uint8Array) return `Uint8Array.of(${value.join(', ')})`;
  if (Array.isArray(value)) return `[${value.map(sourceText).join(', ')}]`;
  const parts = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .map(([name, inner]) => `${nameText(name)}: ${sourceText(inner)}`);
  return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`;
}

const WIDTH = 120;

/** A value for people: as {@link sourceText} has it, cut where it is long. */
export function shortText(value: unknown): string {
  const text = typeof value === 'function' ? show(value) : sourceText(value);
  return text.length <= WIDTH ? text : `${text.slice(0, WIDTH - 1).toWellFormed()}…`;
}
