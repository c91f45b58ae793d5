/**
 * A large record as its parts hold it.
 */
import { fail } from '../../base/errors.ts';

/** Which record it is, and how many bytes its row says that it has. */
export interface RecordPlace {
  readonly segment: string;
  readonly tick: number;
  readonly length: number;
}

/** The bytes of a record from its parts, in order: `CORRUPT` where they do not make its length. */
export function wholeRecord(parts: readonly Uint8Array[], place: RecordPlace): Uint8Array {
  const { segment, tick, length: expected } = place;
  const actual = parts.reduce((sum, part) => sum + part.length, 0);
  if (actual !== expected)
    fail(
      'CORRUPT',
      `tick ${tick} of segment '${segment}' has ${actual} bytes, not ${expected}`,
      { segment, tick, expected, actual },
      'The store was damaged from outside: restore it from a backup.',
    );
  const bytes = new Uint8Array(expected);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
