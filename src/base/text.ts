/**
 * Text at the boundary: one rule for what a string may hold, one way to bytes and back.
 *
 * A text is a sequence of Unicode scalar values without U+0000: a lone surrogate has no UTF-8 form, and
 * U+0000 has no form in the text types of SQL databases. Both are refused where they come in, never repaired.
 */
import { fail } from './errors.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Why a string may not be stored, or null when it may. */
export function textFlaw(text: string): string | null {
  if (!text.isWellFormed()) return 'it holds a lone surrogate, which has no UTF-8 form';
  if (text.includes('\0')) return 'it holds U+0000, which SQL text cannot hold';
  return null;
}

/** UTF-8 bytes of a string that was checked by {@link textFlaw}. */
export const utf8 = (text: string): Uint8Array => encoder.encode(text);

/**
 * Writes UTF-8 into `into` from `at` and returns the number of bytes. The room must be three bytes a code
 * unit.
 */
export const utf8Into = (text: string, into: Uint8Array, at: number): number =>
  encoder.encodeInto(text, into.subarray(at)).written;

/** The string of UTF-8 bytes; bytes that are no UTF-8 are `CORRUPT`. */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    return fail('CORRUPT', 'stored text is no UTF-8', { bytes: bytes.length }, undefined, cause);
  }
}

/** Order of strings by UTF-16 code units: the same everywhere, whatever the locale. */
export const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
