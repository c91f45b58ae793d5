/**
 * A process that lives on a store until it is killed. It waits for one line, `path until`, and writes one
 * line for each thing that is so from then on; what is written reaches whoever watches, however this ends.
 */
import { writeSync } from 'node:fs';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { isWorldfoldError } from '../../src/base/errors.ts';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import { live } from './life.ts';
import { openStore } from './open-store.ts';

const say = (what: unknown): void => {
  writeSync(1, `${JSON.stringify(what)}\n`);
};

async function serve(path: string, until: number): Promise<void> {
  const store = await openStore(path);
  await live(store, { until, say, tidies: true });
  await store.close();
}

process.on('warning', ({ name, message }) => say(['warned', `${name}: ${message}`]));
// The packages are loaded before the line comes: lives are short.
await (await sqliteStore(':memory:')).close();
say(['ready']);
for await (const line of createInterface({ input: process.stdin })) {
  const { path, until } = JSON.parse(line) as { path: string; until: number };
  try {
    await serve(path, until);
    say(['done']);
  } catch (e) {
    say(['failed', isWorldfoldError(e) ? `${e.code}: ${e.message} ${JSON.stringify(e.facts)}` : String(e)]);
    process.exitCode = 1;
  }
  break;
}
