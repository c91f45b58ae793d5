/**
 * What a fork begins with until its first own record holds it: the change, the inputs, whose inputs to keep.
 *
 * Stored beside the segment as canonical JSON that carries a digest of itself; docs/formats.md has the parts.
 * Once the first own record is there, the log is the truth, and only whose later inputs are kept is still of
 * use.
 */
import { hex } from '../base/bytes.ts';
import { canonicalJson, parseCanonical } from '../base/canonical.ts';
import { fail, isWorldfoldError } from '../base/errors.ts';
import { sha256 } from '../base/platform.ts';
import { utf8 } from '../base/text.ts';
import { type EnvironmentChange, environmentText, parseChange } from '../log/environment.ts';
import { literal, unliteral } from '../schema/canonical-text.ts';
import type { PendingInput } from './engine.ts';
import type { LaterSource } from './later.ts';

/** What a fork begins with. */
export interface Opening {
  readonly change: EnvironmentChange;
  readonly inputs: readonly PendingInput[];
  /** Whose later inputs are kept, or null. */
  readonly later: LaterSource | null;
}

const digestOf = (text: string): string => hex(sha256(utf8(text))).slice(0, 32);

/** The text of an opening, with its digest. */
export function openingText({ change, inputs, later }: Opening): string {
  const body = canonicalJson({
    change: environmentText(change),
    inputs: inputs.map(({ kind, row }) => ({ kind, row: literal(row) })),
    later,
  });
  return canonicalJson({ body, digest: digestOf(body) });
}

/** The opening of a text. `CORRUPT` with the segment where it is not as it was written. */
export function parseOpening(text: string, segment: string): Opening {
  try {
    const { body, digest } = parseCanonical(text) as { readonly body: string; readonly digest: string };
    if (digest !== digestOf(body)) return damaged(segment);
    const { change, inputs, later } = parseCanonical(body) as {
      readonly change: string;
      readonly inputs: readonly { readonly kind: string; readonly row: unknown }[];
      readonly later: LaterSource | null;
    };
    const rows = inputs.map(({ kind, row }) => ({
      kind,
      row: unliteral(row) as object,
      source: null,
      seq: 0,
    }));
    return { change: parseChange(change), inputs: rows, later };
  } catch (e) {
    if (isWorldfoldError(e, 'NEWER_FORMAT')) throw e;
    return damaged(segment);
  }
}

const damaged = (segment: string): never =>
  fail(
    'CORRUPT',
    `what the fork in segment '${segment}' was to begin with is damaged`,
    { segment },
    'Its parent is whole: fork it again.',
  );
