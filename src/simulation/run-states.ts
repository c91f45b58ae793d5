/**
 * The states of a run and the calls that each allows, as one table.
 */
import { type ErrorCode, fail } from '../base/errors.ts';

/**
 * - `open`: at rest.
 * - `advancing`: computing ticks.
 * - `failed`: the last tick failed and left nothing behind; the world is as before it, and `advance` tries
 *   again.
 * - `stalled`: commits fail; what was computed waits in memory.
 * - `fenced`: another writer took over; what was not committed is lost to this run.
 * - `closed`: over.
 */
export type RunState = 'open' | 'advancing' | 'failed' | 'stalled' | 'fenced' | 'closed';

/** The calls that depend on the state. */
export type RunCall = 'advance' | 'flush' | 'snapshot' | 'submit' | 'read' | 'close';

/** Null: the call is allowed. A code: it is refused with it. */
export const RUN_CALLS: { readonly [state in RunState]: { readonly [call in RunCall]: ErrorCode | null } } = {
  open: { advance: null, flush: null, snapshot: null, submit: null, read: null, close: null },
  advancing: {
    advance: 'WRONG_STATE',
    flush: null,
    snapshot: 'WRONG_STATE',
    submit: null,
    read: null,
    close: null,
  },
  failed: { advance: null, flush: null, snapshot: null, submit: null, read: null, close: null },
  stalled: {
    advance: 'STALLED',
    flush: null,
    snapshot: 'STALLED',
    submit: 'STALLED',
    read: null,
    close: null,
  },
  fenced: {
    advance: 'WRITER_REPLACED',
    flush: 'WRITER_REPLACED',
    snapshot: 'WRITER_REPLACED',
    submit: 'WRITER_REPLACED',
    read: null,
    close: null,
  },
  closed: {
    advance: 'CLOSED',
    flush: 'CLOSED',
    snapshot: 'CLOSED',
    submit: 'CLOSED',
    read: 'CLOSED',
    close: null,
  },
};

const HINTS: { readonly [state in RunState]?: string } = {
  advancing: "Wait for the advance that is under way; two can't run at once.",
  stalled: 'Mend the store and call flush(), or close the run and open it again at its durable tick.',
  fenced: 'Open the run again; with takeover: true if the other writer must go.',
  closed: 'Open the run again with openRun.',
};

/** Refuses a call that the state does not allow; `why` tells what led to a state that a commit led to. */
export function checkCall(run: string, state: RunState, call: RunCall, why?: () => unknown): void {
  const code = RUN_CALLS[state][call];
  if (code === null) return;
  const cause = state === 'stalled' || state === 'fenced' ? why?.() : undefined;
  fail(code, `run '${run}' is ${state}: ${call} is refused`, { run, state, call }, HINTS[state], cause);
}
