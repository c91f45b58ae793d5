/**
 * What keys the generators: SHA-256 over length-prefixed UTF-8.
 *
 * Owns the version of everything random and the one way from user text to a key. A generator is never
 * seeded with user text directly, since generators fold short texts onto each other (ARC4's seeds '1', '11'
 * and '111' are one seed). Every part has its length before it, so that ('a', 'bc') and ('ab', 'c') are
 * different keys.
 */
import { fail } from '../base/errors.ts';
import { sha256 } from '../base/platform.ts';

/**
 * The version of the random algorithm, recorded in record 0 of a log. It covers all that decides a drawn
 * value: how keys are digested, both generators (seedrandom's Alea, Threefry-4x32-20), how counters are
 * laid out, and what every method of `Cursor` makes of its draws. Whoever changes any of these raises it.
 */
export const RANDOM_VERSION = 1;

/** What a digest is for; digests of different purposes are unrelated. */
export type Purpose = 'sequential' | 'keyed' | 'applied' | 'text key';

const utf8 = new TextEncoder();
const LONE_SURROGATE = /\p{Surrogate}/u;
let scratch = new Uint8Array(1024);

/**
 * SHA-256 of `worldfold/random/<version>/<purpose>` and the parts, each as a little-endian u32 of its
 * length in bytes and its UTF-8. The parts are well formed: {@link checkText} saw to that.
 */
export function digest(purpose: Purpose, ...parts: readonly string[]): Uint8Array {
  let end = append(0, `worldfold/random/${RANDOM_VERSION}/${purpose}`);
  for (const part of parts) end = append(end, part);
  return sha256(scratch.subarray(0, end));
}

function append(from: number, part: string): number {
  const most = from + 4 + 3 * part.length;
  if (most > scratch.length) {
    const grown = new Uint8Array(2 * most);
    grown.set(scratch.subarray(0, from));
    scratch = grown;
  }
  const { written } = utf8.encodeInto(part, scratch.subarray(from + 4));
  for (let i = 0; i < 4; i++) scratch[from + i] = written >>> (8 * i);
  return from + 4 + written;
}

/** The little-endian 32-bit word `index` of some bytes, as a signed integer. */
export function wordOf(bytes: Uint8Array, index: number): number {
  const at = 4 * index;
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/**
 * The first 16 bytes as 16 characters, for a generator that is seeded with text. 128 bits are more than
 * Alea's state holds, and Alea's seeding costs time by the character.
 */
export function seedText(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < 16; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}

/**
 * Returns the text when it can be a seed, a name or a key. `BAD_USAGE` when it is no text or holds a lone
 * surrogate: UTF-8 has no form for those, and two different texts would share their draws.
 */
export function checkText(text: string, what: string): string {
  if (typeof text !== 'string')
    fail('BAD_USAGE', `${what} must be text, not ${text === null ? 'null' : typeof text}`, { [what]: text });
  if (LONE_SURROGATE.test(text))
    fail('BAD_USAGE', `${what} holds a lone surrogate`, { [what]: text }, 'Use well-formed text.');
  return text;
}
