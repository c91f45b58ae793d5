/**
 * The doors of a run: what holds for its calls whatever they do.
 */
import { refuseInTick } from '../base/ambient.ts';
import { sqlOf } from './sql.ts';

/** The calls of a run that code of a tick may not make, by the method that does the work. */
const CALLS = {
  advance: 'run.advance',
  flush: 'run.flush',
  snapshot: 'run.snapshot',
  snapshots: 'run.snapshots',
  unpin: 'run.unpin',
  submitOne: 'run.submit',
  on: 'run.on',
  events: 'run.events',
  metrics: 'run.metrics',
  tickLog: 'run.tickLog',
  at: 'run.at',
  fork: 'run.fork',
  close: 'run.close',
} as const;

type AnyCall = (this: unknown, ...given: unknown[]) => unknown;

/**
 * Refuses calls from inside a tick at once, before there is a promise that nobody would look at; and closes
 * the run at the end of a block (`await using`), where the platform knows that.
 */
export function finishRun(prototype: { close(): Promise<void> }): void {
  const methods = prototype as unknown as { [method: string]: AnyCall };
  for (const [method, name] of Object.entries(CALLS)) {
    const call = methods[method]!;
    const value: AnyCall = function (...given) {
      refuseInTick(name);
      return Reflect.apply(call, this, given);
    };
    Object.defineProperty(prototype, method, { value });
  }
  Object.defineProperty(prototype, 'sql', {
    value(this: typeof prototype, ...given: readonly unknown[]): Promise<readonly object[]> {
      refuseInTick('run.sql');
      return sqlOf(this, ...given);
    },
  });
  if (!Symbol.asyncDispose) return;
  Object.defineProperty(prototype, Symbol.asyncDispose, {
    value(this: typeof prototype): Promise<void> {
      return this.close();
    },
  });
}
