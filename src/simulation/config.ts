/**
 * Config on its way in: checked, with its defaults, and as the log carries it.
 */
import { canonicalJson, parseCanonical } from '../base/canonical.ts';
import { fail, isWorldfoldError } from '../base/errors.ts';
import { literal } from '../schema/canonical-text.ts';
import { validRow } from '../schema/validate.ts';
import type { AnyWorld } from './world.ts';

/** The config with its defaults; what does not fit is `BAD_INPUT` with the columns that there are. */
export function validConfig({ schema }: AnyWorld, given: object | undefined): object {
  try {
    return validRow(schema.compiled.config, given === undefined ? {} : given, 'config', 'BAD_INPUT');
  } catch (e) {
    if (!isWorldfoldError(e, 'BAD_INPUT')) throw e;
    const columns = Object.entries(schema.compiled.spec.config).map(
      ([name, { type }]) => `${name} (${type.type})`,
    );
    const known =
      columns.length === 0 ? 'This world has no config.' : `This world takes: ${columns.join(', ')}.`;
    const hint = e.hint === undefined ? known : `${e.hint} ${known}`;
    return fail('BAD_INPUT', e.message, e.facts, hint, e.cause);
  }
}

/** A config as the log carries it. */
export const configText = (config: object): string => canonicalJson(literal(config));

/** A literal as plain JSON, where it has that form. */
function plainOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainOf);
  const { $object } = (value ?? {}) as { readonly $object?: readonly [string, unknown][] };
  return $object === undefined ? value : Object.fromEntries($object.map(([k, v]) => [k, plainOf(v)]));
}

/** A longer value makes lists of runs slow. */
const LONGEST_HINT = 1024;

/** A config for the header of a run, where it can be asked about: as plain JSON, without large values. */
export function configHint(text: string): { readonly [name: string]: unknown } {
  const config = plainOf(parseCanonical(text)) as object;
  return Object.fromEntries(
    Object.entries(config).filter(([, value]) => canonicalJson(value).length <= LONGEST_HINT),
  );
}
