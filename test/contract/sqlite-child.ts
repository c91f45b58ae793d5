/**
 * A process of its own for the tests of the SQLite store: `sqlite-child.ts <what> <path> [n]`. Says one line
 * for each thing done, and the code of a refusal.
 */
import { existsSync } from 'node:fs';
import process from 'node:process';
import { isWorldfoldError } from '../../src/base/errors.ts';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import { chain, newRun } from './records.ts';

const say = (line: string | number): void => {
  process.stdout.write(`${line}\n`);
};

/** Ticks that a child commits at once, and how many it can. */
export const GROUP = 3;

async function append(path: string, ticks: number): Promise<void> {
  const store = await sqliteStore(path);
  const records = chain('child', ticks + 1);
  await store.create(newRun('child', records[0]!));
  for (let tick = 1; tick <= ticks; tick += GROUP) {
    const head = await store.append('child-segment', 1, tick, records.slice(tick, tick + GROUP));
    say(head.tick);
    // Lets the line out, and whoever reads in.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await store.close();
}

/** Files that processes make in a race, and the file that starts it. */
export const RACES = 25;
export const startOf = (path: string): string => `${path}.go`;

async function create(path: string, which: number): Promise<void> {
  const [record] = chain('child', 1);
  await (await sqliteStore(':memory:')).close();
  say('ready');
  while (!existsSync(startOf(path)));
  for (let race = 0; race < RACES; race++) {
    const store = await sqliteStore(`${path}.${race}`);
    await store.create(newRun(`run ${which}`, record!));
    await store.close();
  }
  say('created');
}

async function fill(path: string, bytes: number): Promise<void> {
  const store = await sqliteStore(path);
  const records = chain('fill', 4, (tick) => new Uint8Array(tick === 2 ? bytes : 10).fill(tick));
  await store.create(newRun('full', records[0]!));
  await store.append('full-segment', 1, 1, records.slice(1, 2));
  const failed = await store.append('full-segment', 1, 2, records.slice(2)).catch((e: unknown) => e);
  say(isWorldfoldError(failed) ? failed.code : String(failed));
  const { records: kept } = await store.read('full-segment', 0, { records: Infinity, bytes: Infinity });
  say(kept.length);
  const small = chain('fill', 3, (tick) => new Uint8Array(tick === 2 ? 0 : 10).fill(tick));
  say((await store.append('full-segment', 1, 2, small.slice(2))).tick);
  await store.close();
}

const [, , what, path = '', n = '0'] = process.argv;
const jobs: Record<string, (path: string, n: number) => Promise<void>> = { append, create, fill };
const job = jobs[what ?? ''];
if (job !== undefined)
  job(path, Number(n)).catch((e: unknown) => {
    say(isWorldfoldError(e) ? e.code : String(e));
    process.exitCode = 1;
  });
