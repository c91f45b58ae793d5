/**
 * A process that saves worlds over one path until it is killed, or has saved as many as it should. It waits
 * for one line and writes one for each save that begins and one for each that is done.
 */
import { writeSync } from 'node:fs';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { loadHash } from '../../src/base/hash.ts';
import { rowsOf, saveAs, savedWorld } from './saved.ts';

/** What the process is sent: where and how to save, and the worlds, from the first number up to the last. */
export interface Saves {
  readonly path: string;
  readonly form: string;
  readonly from: number;
  readonly to: number;
}

const say = (what: unknown): void => {
  writeSync(1, `${JSON.stringify(what)}\n`);
};

await loadHash();
say(['ready']);
for await (const line of createInterface({ input: process.stdin })) {
  const { path, form, from, to } = JSON.parse(line) as Saves;
  const state = savedWorld(rowsOf(form));
  try {
    for (let number = from; number <= to; number++) {
      say(['saving', number]);
      await saveAs(state, number, path, form);
      say(['saved', number]);
    }
    say(['done']);
  } catch (e) {
    say(['failed', String(e)]);
    process.exitCode = 1;
  }
  break;
}
