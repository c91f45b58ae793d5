/**
 * Errors: one class, a stable code, the facts as fields, a hint and a cause.
 *
 * Owns the list of codes. Every refusal in the project goes through `fail`, so that a caller can tell
 * refusals apart by `code` and never by message text.
 */

/** Every code that worldfold can throw, with the sentence that docs and tools show for it. */
export const ERROR_CODES = {
  AMBIENT: 'code inside a tick used a source that no log holds',
  ASYNC_IN_TICK: 'a function that runs inside a tick returned a promise',
  BAD_INPUT: 'an input does not fit its declaration',
  BAD_SCHEMA: 'a declaration contradicts itself',
  BAD_USAGE: 'a call was made with arguments that mean nothing',
  BAD_VALUE: 'a value does not fit its column',
  CANCELLED: 'a query was stopped before it was answered',
  CLOSED: 'the run or store is closed',
  CODE_CHANGED: 'changed code gives another world than was recorded',
  CORRUPT: 'stored bytes are damaged',
  DIVERGED: 'other bytes are in the log at that tick',
  DUPLICATE_KEY: 'a row with that key exists already',
  EXISTS: 'a run with that id exists already',
  GAP: 'a tick was appended that does not follow the head',
  INTERNAL: 'an assertion inside worldfold failed: a bug, please report it',
  INVARIANT_BROKEN: 'an invariant does not hold',
  ITERATING: 'a table was changed while it was iterated',
  LAW_BROKEN: 'a law does not hold for a world',
  MIGRATION_FAILED: 'a function of a migration threw',
  MISSING_DEPENDENCY: 'an optional package is not installed',
  NEWER_FORMAT: 'the bytes were written by a newer worldfold',
  NO_CHUNK: 'the store holds no such piece of a snapshot',
  NO_PROJECTION: 'the run has no tables in SQL',
  NO_PARTITION: 'the run has no partition',
  NO_RECORD: 'a record is missing inside the log',
  NO_ROW: 'there is no row with that key',
  NO_STATE: 'the world of that tick can not be rebuilt',
  NO_STORE: 'there is no such store, or it is no worldfold store',
  NO_TICK: 'the run has no such tick',
  NOT_AS_EXPECTED: 'a world did something else than a test expected',
  PROJECTION_MOVED: 'somebody else moved or replaced a projection',
  PROJECTION_STOPPED: 'a projection stopped at a tick that it can not take',
  QUEUE_FULL: 'a bounded queue is full',
  READ_ONLY: 'a world or a store was written where it may only be read',
  REPEAT_LIMIT: 'a repeated system, or a simulated actor, did not come to rest',
  REPLAY_DIFFERS: 'replaying the log gives another state hash than the recorded one',
  RUN_IN_USE: 'another writer holds the run',
  SCHEMA_DIFFERS: 'the world has another schema than the run',
  STALE_SPAN: 'rows were added or removed while a span was held',
  STALLED: 'commits fail: the run is readable and does not advance',
  STORE_FAILED: 'the store refused a read or a write',
  TICK_FAILED: 'user code threw inside a tick',
  UNKNOWN_RUN: 'the store has no such run',
  UNSUPPORTED: 'the store or the platform lacks what is needed',
  WRITER_REPLACED: 'another writer took the run over',
  WRITTEN_PAST: 'a table was written past the write view',
  WRONG_STATE: 'the run is in a state that does not allow the call',
} as const;

/** A stable error code; the list and its meanings are {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** What an error says beside its message: named values, safe to print. */
export type Facts = { readonly [name: string]: unknown };

/**
 * The one error class of worldfold.
 *
 * @example
 * ```ts
 * try { await openRun(town, { store, id: 'x' }) }
 * catch (e) { if (isWorldfoldError(e, 'UNKNOWN_RUN')) console.log(e.hint) }
 * ```
 */
export class WorldfoldError extends Error {
  /** Stable and meant for programs; see {@link ERROR_CODES}. */
  readonly code: ErrorCode;
  /** The facts as fields: run, tick, table, expected, actual, … */
  readonly facts: Facts;
  /** What to do next, as one sentence. */
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, facts: Facts = {}, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'WorldfoldError';
    this.code = code;
    this.facts = facts;
    this.hint = hint;
  }
}

/**
 * A backend was asked for a capability that it lacks: `UNSUPPORTED`.
 *
 * @example
 * ```ts
 * try { await capability(store, 'jsonb').findRuns('$.seed == "alpha"') }
 * catch (e) { if (e instanceof UnsupportedError) console.log(e.available) }
 * ```
 */
export class UnsupportedError extends WorldfoldError {
  /** The kind of the store that was asked: `sqlite`. */
  readonly backend: string;
  /** What it lacks: `jsonb`. */
  readonly capability: string;
  /** The backends that have it. */
  readonly available: readonly string[];

  constructor(location: string, backend: string, capability: string, available: readonly string[]) {
    super(
      'UNSUPPORTED',
      `${location} lacks the capability ${capability}: ${backend} has none, ${listed(available)}`,
      { store: location, backend, capability, available },
      available.length === 0 ? undefined : `Use a store of ${available.join(' or ')} for it.`,
    );
    this.name = 'UnsupportedError';
    this.backend = backend;
    this.capability = capability;
    this.available = available;
  }
}

/** Who has something, as the end of a sentence. */
const listed = (backends: readonly string[]): string =>
  backends.length === 0
    ? 'and no backend has'
    : `${backends.join(', ')} ${backends.length === 1 ? 'has' : 'have'}`;

/** Throws an {@link UnsupportedError}: `backend` is the kind of the store at `location`. */
export function lacks(
  location: string,
  backend: string,
  capability: string,
  available: readonly string[],
): never {
  throw new UnsupportedError(location, backend, capability, available);
}

/** Throws a {@link WorldfoldError}. Beside {@link lacks}, the only way this project raises an error. */
export function fail(code: ErrorCode, message: string, facts?: Facts, hint?: string, cause?: unknown): never {
  throw new WorldfoldError(code, message, facts, hint, cause);
}

/** Whether `e` is a worldfold error, and, where a code is given, that one. */
export function isWorldfoldError(e: unknown, code?: ErrorCode): e is WorldfoldError {
  return e instanceof WorldfoldError && (code === undefined || e.code === code);
}

/** Stops with `INTERNAL` when a condition that worldfold itself guarantees does not hold. */
export function assert(condition: unknown, message: string, facts?: Facts): asserts condition {
  if (!condition)
    fail('INTERNAL', message, facts, 'This is a bug in worldfold: please report it with the facts.');
}
