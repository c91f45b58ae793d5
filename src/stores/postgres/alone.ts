/**
 * What needs a table for itself.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { waitedForLock } from './conditions.ts';
import type { Sessions, Statements } from './session.ts';

/** How long others wait at most behind a wait for a lock, and how often it is tried. */
const SHORT_WAIT = "SET LOCAL lock_timeout = '200ms'";
const TRIES = 25;
const PAUSE_MS = 30;

/**
 * Runs what needs a table for itself, in a transaction: a wait for it that takes long is given up and begun
 * again, so that those who queue behind it come through.
 */
export async function alone<T>(sessions: Sessions, work: (on: Statements) => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried++)
    try {
      return await sessions.lend((session) =>
        session.within('write', async (on) => {
          await on.run({ text: SHORT_WAIT });
          return work(on);
        }),
      );
    } catch (e) {
      if (!waitedForLock(e) || tried === TRIES) throw e;
      await sleep(PAUSE_MS);
    }
}
