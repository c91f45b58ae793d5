/**
 * A stretch of a run, verified in a thread of its own: started by verify-workers.ts.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { isWorldfoldError } from '../base/errors.ts';
import { verify } from '../index.ts';
import { loadWorld } from './load-world.ts';
import { withStore } from './stores.ts';
import type { FromWorker, WorkerTask } from './verify-workers.ts';

const port = parentPort!;
const { file, place, cwd, id, guard, asked } = workerData as WorkerTask;
const stop = new AbortController();
port.on('message', () => stop.abort());
const say = (message: FromWorker): void => port.postMessage(message);

try {
  const { world } = await loadWorld(file);
  await withStore(place, cwd, 'read', async (store) => {
    const onProgress = ({ tick }: { readonly tick: number }) => say({ tick });
    say({ report: await verify({ store, id, world, guard }, { ...asked, onProgress, signal: stop.signal }) });
  });
} catch (e) {
  if (!isWorldfoldError(e)) throw e;
  const { code, message, facts, hint } = e;
  // Facts that can't be sent from thread to thread are told by the message.
  const sent = Object.fromEntries(Object.entries(facts).filter(([, fact]) => typeof fact !== 'function'));
  say({ error: { code, message, facts: sent, hint: hint ?? null } });
} finally {
  port.close();
}
