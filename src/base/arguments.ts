/**
 * Checks at the doors: what callers hand in is looked at before anything is done with it.
 *
 * Owns the checks that many doors need. A misspelt option that is passed over does the wrong thing
 * without a word, so unknown names are refused with the ones that exist.
 */
import { show } from './canonical.ts';
import { type ErrorCode, fail } from './errors.ts';

type Refusal = Extract<ErrorCode, 'BAD_USAGE' | 'BAD_SCHEMA'>;

/** `{ a, b }`, as a hint shows options. */
const listed = (known: readonly string[]): string => `{ ${known.join(', ')} }`;

/** An object whose every name is known; `what` heads the message: `the options of createRun`. */
export function checkNames(
  what: string,
  given: unknown,
  known: readonly string[],
  code: Refusal = 'BAD_USAGE',
): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    fail(code, `${what} must be an object, not ${show(given)}`, { what }, `It may hold ${listed(known)}.`);
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined)
    fail(code, `${what}: there is no '${unknown}'`, { what, unknown }, `There are: ${known.join(', ')}.`);
}

/** A function, or nothing at all. */
export function checkFunction(what: string, given: unknown): void {
  if (given !== undefined && typeof given !== 'function')
    fail(
      'BAD_USAGE',
      `${what} must be a function, not ${show(given)}`,
      { what },
      'Give a function, or leave it out.',
    );
}

/** A whole number from 1 on. */
export function checkPositive(name: string, value: unknown): void {
  if (!Number.isSafeInteger(value) || (value as number) < 1)
    fail('BAD_USAGE', `${name} must be a whole number from 1 on, not ${show(value)}`, { [name]: value });
}
