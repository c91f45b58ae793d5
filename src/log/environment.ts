/**
 * What the fold depends on beside events: seed, config, schema, versions of algorithms.
 *
 * Record 0 carries all of it as canonical JSON; a later record may carry some of it anew, with a note of why:
 * a fork, a new era. Notes are told to people and to whoever crosses the place; no handler depends on them.
 */
import { canonicalJson, parseCanonical } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';

/** The version of the state hash: leaves, canonical forms and their combination. */
export const HASH_VERSION = 1;

/** What the fold depends on. */
export interface Environment {
  readonly seed: string;
  /** Config as canonical JSON with the literals of schema texts. */
  readonly config: string;
  /** Canonical schema text. */
  readonly schema: string;
  readonly random: number;
  readonly hash: number;
}

/** What becomes of the inputs that a parent recorded after the tick of a fork. */
export type LaterInputs = 'keep' | 'drop' | 'filter';

/** The first own record of a fork says why it was made, and what becomes of its parent's later inputs. */
export interface ForkNote {
  readonly because: string | null;
  readonly later: LaterInputs;
}

/** The first record of an era says what world the era begins with. */
export interface EraNote {
  /** The state hash, in hexadecimal, of the world before the record, under the record's schema. */
  readonly base: string;
  /** `migrated`: the schema changed. `adopted`: the handlers give other results, and that was accepted. */
  readonly why: 'migrated' | 'adopted';
}

/** What a record says of its environment: all of it in record 0, later what changes, and why. */
export interface EnvironmentChange extends Partial<Environment> {
  readonly fork?: ForkNote;
  readonly era?: EraNote;
}

/** The canonical text of an environment, or of a change. */
export const environmentText = (change: EnvironmentChange): string => canonicalJson(change);

/** What an environment says, each with the type of its value. */
const PARTS = {
  seed: 'string',
  config: 'string',
  schema: 'string',
  random: 'number',
  hash: 'number',
} as const;

const NOTES = {
  fork: { because: [null, 'string'], later: ['keep', 'drop', 'filter'] },
  era: { base: ['string'], why: ['migrated', 'adopted'] },
} as const;

function nonsense(name: string): never {
  return fail('CORRUPT', `an environment says nonsense about '${name}'`, { name });
}

/** The notes of a change, checked part by part. */
function checkNote(name: keyof typeof NOTES, note: unknown): void {
  if (typeof note !== 'object' || note === null) nonsense(name);
  const known: { readonly [part: string]: readonly (string | null)[] } = NOTES[name];
  const given = note as { readonly [part: string]: unknown };
  for (const part of Object.keys(given))
    if (!Object.hasOwn(known, part))
      fail('NEWER_FORMAT', `a record notes '${name}.${part}', which this version does not know`, { part });
  for (const [part, allowed] of Object.entries(known)) {
    const value = given[part];
    const fits =
      allowed.includes(value as string) || (allowed.includes('string') && typeof value === 'string');
    if (!fits) nonsense(`${name}.${part}`);
  }
}

/** The change that a record's text says. `CORRUPT`, `NEWER_FORMAT`. */
export function parseChange(text: string): EnvironmentChange {
  const given = parseCanonical(text);
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return fail('CORRUPT', 'an environment is no object', { text: text.slice(0, 80).toWellFormed() });
  for (const [name, value] of Object.entries(given)) {
    if (Object.hasOwn(NOTES, name)) checkNote(name as keyof typeof NOTES, value);
    else if (!Object.hasOwn(PARTS, name))
      fail('NEWER_FORMAT', `the run depends on '${name}', which this version does not know`, { part: name });
    else if (typeof value !== PARTS[name as keyof Environment]) nonsense(name);
  }
  return given as EnvironmentChange;
}

/**
 * The environment of a text, laid over the one before it; record 0 has none before it. `CORRUPT` where
 * something is missing or of another type, `NEWER_FORMAT` where the fold depends on more than this version
 * knows.
 */
export function parseEnvironment(text: string, before: Environment | null): Environment {
  const { fork: _, era: __, ...given } = parseChange(text);
  const made = { ...before, ...given } as Partial<Environment>;
  for (const name of Object.keys(PARTS))
    if (made[name as keyof Environment] === undefined)
      fail('CORRUPT', `record 0 says nothing about '${name}'`, { missing: name });
  if (made.hash !== HASH_VERSION)
    fail(
      'NEWER_FORMAT',
      `the run hashes its state by version ${made.hash}, which this version does not know`,
      { hash: made.hash },
    );
  return made as Environment;
}
