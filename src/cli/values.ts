/**
 * Values of config columns as text for people.
 */
import { hex } from '../base/bytes.ts';
import { canonicalJson } from '../base/canonical.ts';
import { bytesText } from './text.ts';

const SHOWN_BYTES = 32;

/**
 * A value on one line: bytes in hexadecimal, big integers as digits, texts in quotes where they need them.
 */
export function valueText(value: unknown, inside = false): string {
  if (typeof value === 'string')
    return inside || /[\s\p{Cc}"]/u.test(value) || value === '' ? canonicalJson(value) : value;
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (value instanceof Uint8Array) {
    const shown = hex(value.subarray(0, SHOWN_BYTES));
    return value.length > SHOWN_BYTES ? `${shown}… (${bytesText(value.length)})` : shown || 'no bytes';
  }
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map((one) => valueText(one, true)).join(', ')}]`;
  const fields = Object.entries(value).map(([name, one]) => `${name}: ${valueText(one, true)}`);
  return `{${fields.join(', ')}}`;
}
