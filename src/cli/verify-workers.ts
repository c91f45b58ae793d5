/**
 * A verification over several threads: each verifies a stretch of the ticks, from the nearest snapshot on.
 *
 * Owns how the ticks are shared out, and what the reports of the stretches are together: the first stretch
 * that is not verified decides, as one pass would have stopped there.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type ErrorCode, WorldfoldError } from '../base/errors.ts';
import type { GuardOption, Ticks, VerifyMode, VerifyReport } from '../index.ts';
import type { StorePlace } from './options.ts';

/** What is asked of each stretch. */
export interface Asked extends Ticks {
  readonly mode: VerifyMode;
  readonly limit: number;
}

/** What a thread is given. */
export interface WorkerTask {
  /** The module of the world. */
  readonly file: string;
  readonly place: StorePlace;
  readonly cwd: string;
  readonly id: string;
  readonly guard: GuardOption;
  readonly asked: Asked;
}

/** What a thread says: how far it is, and at its end what it found. */
export type FromWorker =
  | { readonly tick: number }
  | { readonly report: VerifyReport }
  | {
      readonly error: {
        readonly code: ErrorCode;
        readonly message: string;
        readonly facts: { readonly [name: string]: unknown };
        readonly hint: string | null;
      };
    };

/** Ticks in stretches of about the same length, at most so many. */
export function stretches({ from, to }: Ticks, parts: number): readonly Ticks[] {
  const count = Math.min(parts, to - from + 1);
  const begin = (part: number): number => from + Math.floor(((to - from + 1) * part) / count);
  return Array.from({ length: count }, (_, part) => ({ from: begin(part), to: begin(part + 1) - 1 }));
}

const joined = (a: Ticks | null, b: Ticks | null): Ticks | null =>
  a === null ? b : b === null ? a : { from: a.from, to: b.to };

/** What stretches that follow each other found, as one. */
export function together(reports: readonly VerifyReport[]): VerifyReport {
  const [first, ...rest] = reports as readonly [VerifyReport, ...VerifyReport[]];
  return rest.reduce((all, next) => {
    if (all.verdict !== 'verified') return all;
    return {
      ...next,
      chained: joined(all.chained, next.chained),
      older: joined(all.older, next.older),
      compared: all.compared + next.compared,
      executed: all.executed + next.executed,
      events: all.events + next.events,
    };
  }, first);
}

/** The program of a thread, as it is built: threads load no TypeScript. */
const PROGRAM = new URL('./verify-worker.js', import.meta.url);

async function runWorker(
  task: WorkerTask,
  signal: AbortSignal,
  onTick: (tick: number) => void,
): Promise<VerifyReport> {
  const worker = new Worker(PROGRAM, { workerData: task });
  const stop = (): void => worker.postMessage('stop');
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  let report: VerifyReport | null = null;
  let error: WorldfoldError | null = null;
  worker.on('message', (message: FromWorker) => {
    if ('tick' in message) onTick(message.tick);
    else if ('report' in message) report = message.report;
    else {
      const { code, message: text, facts, hint } = message.error;
      error = new WorldfoldError(code, text, facts, hint ?? undefined);
    }
  });
  // What the thread throws that is no refusal of ours rejects here.
  await once(worker, 'exit').finally(() => signal.removeEventListener('abort', stop));
  if (error !== null) throw error;
  return report!;
}

/** Verifies a run's ticks over threads. `onProgress` hears how many ticks are done. */
export async function verifyOver(
  threads: number,
  task: WorkerTask,
  signal: AbortSignal,
  onProgress: (done: number) => void,
): Promise<VerifyReport> {
  const parts = stretches(task.asked, threads);
  const at = parts.map(({ from }) => from - 1);
  const reports = await Promise.all(
    parts.map((part, i) =>
      runWorker({ ...task, asked: { ...task.asked, ...part } }, signal, (tick) => {
        at[i] = tick;
        onProgress(at.reduce((sum, now, k) => sum + now - parts[k]!.from + 1, 0));
      }),
    ),
  );
  return together(reports);
}
