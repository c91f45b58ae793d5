/**
 * Errors of user code inside a tick: who failed, where, at which event.
 */
import { messageOf } from './canonical.ts';
import { type ErrorCode, WorldfoldError } from './errors.ts';

/** Where a tick failed. */
export interface TickPlace {
  readonly tick: number;
  /** The system, `setup`, `inputs`, `until` or `migration`. */
  readonly origin?: string;
  /** The kind of event whose handler failed, and its number among the tick's events of that kind. */
  readonly kind?: string;
  readonly event?: number;
  readonly invariant?: string;
  readonly metric?: string;
}

const NO_SYSTEMS = ['setup', 'inputs', 'until', 'migration'];

/** A place in words: `tick 3, system 'infect'`. */
export function placeText({ tick, origin, kind, event, invariant, metric }: Partial<TickPlace>): string {
  const parts = tick === undefined ? [] : [`tick ${tick}`];
  if (origin !== undefined) parts.push(NO_SYSTEMS.includes(origin) ? origin : `system '${origin}'`);
  if (kind !== undefined) parts.push(`event '${kind}'${event === undefined ? '' : ` number ${event}`}`);
  if (invariant !== undefined) parts.push(`invariant '${invariant}'`);
  if (metric !== undefined) parts.push(`metric '${metric}'`);
  return parts.join(', ');
}

const PLACED: ReadonlySet<ErrorCode> = new Set(['TICK_FAILED', 'INVARIANT_BROKEN', 'REPEAT_LIMIT']);

/** What keeps its code when its place is added. */
const KEPT: ReadonlySet<ErrorCode> = new Set(['AMBIENT', 'ASYNC_IN_TICK', 'WRITTEN_PAST']);

/** Whether an error says its place already. */
const isPlaced = ({ code, facts }: WorldfoldError): boolean =>
  PLACED.has(code) || (KEPT.has(code) && facts.tick !== undefined);

/** Wraps what user code threw. Facts of the inner error (table, column, row) are kept beside the place. */
export function tickError(cause: unknown, place: TickPlace): WorldfoldError {
  const inner = cause instanceof WorldfoldError ? cause : null;
  if (inner !== null && isPlaced(inner)) return inner;
  const text = messageOf(cause);
  const code = inner !== null && KEPT.has(inner.code) ? inner.code : 'TICK_FAILED';
  const facts = { ...inner?.facts, ...place, ...(inner ? { reason: inner.code } : {}) };
  return new WorldfoldError(code, `${placeText(place)}: ${text}`, facts, inner?.hint, cause);
}

/** Throws `ASYNC_IN_TICK` when a function that must not be async returned a promise. */
export function refusePromise(result: unknown, what: string): void {
  if (result === undefined || result === null || typeof (result as { then?: unknown }).then !== 'function')
    return;
  // The promise belongs to a function that is refused; that it may fail as well is no news.
  (result as Promise<unknown>).then(undefined, () => {});
  throw new WorldfoldError(
    'ASYNC_IN_TICK',
    `${what} returned a promise`,
    { what },
    'Nothing inside a tick may wait: bring answers from outside in as inputs.',
  );
}
