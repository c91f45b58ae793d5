/**
 * What may be asked of a verification.
 */
import { checkFunction, checkNames } from '../../base/arguments.ts';
import { show } from '../../base/canonical.ts';
import { fail } from '../../base/errors.ts';
import { checkSignal } from '../../simulation/arguments.ts';
import { checkLimit, checkTick, type Log } from '../given.ts';
import type { VerifyMode } from './report.ts';

/** How to verify. */
export interface VerifyOptions {
  /** The first tick: 0 if left out. The world before it is taken from the nearest snapshot, as recorded. */
  readonly from?: number;
  /** The last tick, included; the head if left out. */
  readonly to?: number;
  /**
   * `chain`: the records alone. `fold`: and their events, folded. `execute`, the default: and the
   * systems, run again.
   */
  readonly mode?: VerifyMode;
  /** At most how many rows of a table a divergence lists: 20 if left out. */
  readonly limit?: number;
  readonly onProgress?: (progress: { readonly tick: number; readonly target: number }) => void;
  /** Stops after the tick under way. */
  readonly signal?: AbortSignal;
}

const MODES: readonly unknown[] = ['chain', 'fold', 'execute'] satisfies VerifyMode[];

/** Refuses options that mean nothing. `BAD_USAGE`, `NO_TICK`. */
export function checkVerify(log: Log, options: VerifyOptions): void {
  const names = ['from', 'to', 'mode', 'limit', 'onProgress', 'signal'];
  checkNames('the options of verify', options, names);
  const { from = 0, to = log.tick, mode, limit } = options;
  checkTick(log, from);
  checkTick(log, to);
  if (from > to) fail('BAD_USAGE', `there are no ticks from ${from} to ${to}`, { from, to });
  if (mode !== undefined && !MODES.includes(mode))
    fail('BAD_USAGE', `mode is 'chain', 'fold' or 'execute', not ${show(mode)}`, { mode });
  checkLimit(limit);
  checkFunction('onProgress', options.onProgress);
  checkSignal(options.signal);
}
