/**
 * What is told of a failure: to the caller with the run's name, to a submitter, and beside the log.
 */
import { canonicalJson } from '../base/canonical.ts';
import { fail, isWorldfoldError, WorldfoldError } from '../base/errors.ts';
import { literal } from '../schema/canonical-text.ts';
import type { Submission } from './input-queue.ts';

/** The same error with the run that it happened in; what is no error of worldfold stays as it is. */
export function inRun(e: unknown, run: string): unknown {
  if (!isWorldfoldError(e) || e.facts.run !== undefined) return e;
  const { code, message, facts, hint, cause } = e;
  return new WorldfoldError(code, `run '${run}': ${message}`, { run, ...facts }, hint, cause);
}

/** What the submitter of a dropped input hears. */
export function inputError({ input }: Submission, cause: unknown, run: string): WorldfoldError {
  const { facts, message, hint } = cause as WorldfoldError;
  const named = { ...facts, run, kind: input.kind };
  return new WorldfoldError('BAD_INPUT', `input '${input.kind}' was dropped: ${message}`, named, hint, cause);
}

/** The state hash of a tick that recorded none is known only as long as its world is there. */
export const hashTooLate = (run: string, tick: number, now: number): never =>
  fail(
    'WRONG_STATE',
    `the state hash after tick ${tick} was asked for at tick ${now}`,
    { run, tick, now },
    'The run does not hash every tick: read stateHash before advancing again, or lower hashEvery.',
  );

/**
 * Where a tick failed, as far as it is known, and how many rows broke an invariant: for questions about
 * failed ticks.
 */
function placeOf(error: unknown): object {
  const facts = isWorldfoldError(error) ? error.facts : {};
  const known = ['origin', 'kind', 'invariant', 'metric'].filter((name) => typeof facts[name] === 'string');
  const rows = Array.isArray(facts.rows) ? { rows: facts.rows.length } : {};
  return { ...Object.fromEntries(known.map((name) => [name, facts[name]])), ...rows };
}

/**
 * A failed attempt as it is kept: the error with its place, and the inputs of the tick with their rows as
 * literals.
 */
export function attemptText(error: unknown, submissions: readonly Submission[]): string {
  const message = error instanceof Error ? error.message : String(error);
  const inputs = submissions.map(({ input: { kind, source, seq, row } }) => ({
    kind,
    source,
    seq,
    // Ids that are still to be handed out have no value, and no literal.
    row: literal(Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined))),
  }));
  return canonicalJson({
    error: {
      code: isWorldfoldError(error) ? error.code : null,
      message: message.toWellFormed().replaceAll('\0', ''),
      ...placeOf(error),
    },
    inputs,
  });
}
