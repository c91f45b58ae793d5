/**
 * What the fold depends on beside events: seed, config, schema, versions of algorithms.
 *
 * Record 0 carries all of it as canonical JSON; a later record may carry some of it anew.
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

/** The canonical text of an environment. */
export const environmentText = (environment: Environment): string => canonicalJson(environment);

/** What an environment says, each with the type of its value. */
const PARTS = {
  seed: 'string',
  config: 'string',
  schema: 'string',
  random: 'number',
  hash: 'number',
} as const;

/**
 * The environment of a text, laid over the one before it; record 0 has none before it. `CORRUPT` where
 * something is missing or of another type, `NEWER_FORMAT` where the fold depends on more than this version
 * knows.
 */
export function parseEnvironment(text: string, before: Environment | null): Environment {
  const given = parseCanonical(text);
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return fail('CORRUPT', 'an environment is no object', { text: text.slice(0, 80).toWellFormed() });
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(PARTS, name));
  if (unknown !== undefined)
    fail('NEWER_FORMAT', `the run depends on '${unknown}', which this version does not know`, {
      part: unknown,
    });
  const made = { ...before, ...given } as Partial<Environment>;
  for (const [name, type] of Object.entries(PARTS)) {
    const value = made[name as keyof Environment];
    if (value === undefined) fail('CORRUPT', `record 0 says nothing about '${name}'`, { missing: name });
    if (typeof value !== type) fail('CORRUPT', `an environment says nonsense about '${name}'`, { name });
  }
  if (made.hash !== HASH_VERSION)
    fail(
      'NEWER_FORMAT',
      `the run hashes its state by version ${made.hash}, which this version does not know`,
      { hash: made.hash },
    );
  return made as Environment;
}
