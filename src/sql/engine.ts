/**
 * Asking: a process is started for a query, given its tables, and gone when it has answered or must stop.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '../base/errors.ts';
import { differentNames, exactNumber } from '../base/sql.ts';
import type { Answer, Task } from './task.ts';

/** When to stop waiting for an answer. */
export interface Patience {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

/** What a query found: names of columns, each once, and rows in the order of the query. */
export interface Found {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

const PROGRAM = new URL('./child.js', import.meta.url);

/** Refuses where the optional package is not there, as the stores do. */
async function needSqlite(): Promise<void> {
  try {
    const { default: Database } = await import('better-sqlite3');
    new Database(':memory:').close();
  } catch (e) {
    fail(
      'MISSING_DEPENDENCY',
      'SQL over a world needs the package better-sqlite3',
      { package: 'better-sqlite3' },
      'Install it: npm install better-sqlite3',
      e,
    );
  }
}

const cancelled = (why: string, query: string): never =>
  fail('CANCELLED', `the query was cancelled: ${why}`, { query });

async function heard(child: ChildProcess, query: string): Promise<Answer> {
  const stop = new AbortController();
  const { signal } = stop;
  const answer = once(child, 'message', { signal }).then(([said]) => said as Answer);
  const gone = once(child, 'exit', { signal }).then(([code, by]) =>
    fail('UNSUPPORTED', `the process of the query ended by itself: ${by ?? code}`, { query }),
  );
  try {
    return await Promise.race([answer, gone]);
  } finally {
    stop.abort();
    answer.catch(() => {});
    gone.catch(() => {});
  }
}

/** Waits for whichever comes first: a signal, the end of patience. Ends with `stop`. */
async function impatience({ signal, timeoutMs }: Patience, stop: AbortSignal, query: string): Promise<never> {
  const aborted = signal && once(signal, 'abort', { signal: stop }).then(() => 'its signal was aborted');
  const late =
    timeoutMs !== undefined &&
    sleep(timeoutMs, undefined, { signal: stop }).then(() => `it took longer than ${timeoutMs} ms`);
  const waits = [aborted, late].filter((wait) => typeof wait === 'object');
  return cancelled(await (waits.length > 0 ? Promise.race(waits) : new Promise<string>(() => {})), query);
}

/** Ends a process for good, and waits until it is gone. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** The answer to a task. `CANCELLED` where it must stop before. */
export async function ask(task: Task, patience: Patience): Promise<Answer> {
  await needSqlite();
  if (patience.signal?.aborted) cancelled('its signal was aborted', task.query);
  const child = fork(PROGRAM, {
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const stop = new AbortController();
  const late = impatience(patience, stop.signal, task.query);
  late.catch(() => {});
  try {
    child.send(task, () => {});
    return await Promise.race([heard(child, task.query), late]);
  } finally {
    stop.abort();
    await end(child);
  }
}

/** A number where it is exact, else a bigint; bytes as plain bytes; texts of u64 columns as numbers. */
function plain(value: unknown, u64: boolean): unknown {
  const read = u64 && typeof value === 'string' ? BigInt(value) : value;
  if (typeof read === 'bigint') return exactNumber(read);
  return read instanceof Uint8Array ? new Uint8Array(read) : read;
}

/** What an answer found; an error of SQLite is for `refuse` to tell. */
export function foundIn(answer: Answer, refuse: (why: string) => never): Found {
  if ('error' in answer) return refuse(answer.error);
  if ('refused' in answer) return refuse(answer.refused);
  const { columns, rows } = answer;
  return {
    columns: differentNames(columns.map(({ name }) => name)),
    rows: rows.map((row) => row.map((value, i) => plain(value, columns[i]!.u64))),
  };
}
