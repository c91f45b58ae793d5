/**
 * The file of the demo: removed before a new demo when it holds nothing but earlier ones, never otherwise.
 */
import { rmSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { isWorldfoldError } from '../../base/errors.ts';
import { freshName, thisProcess } from '../../base/platform.ts';
import { listRuns, type Store } from '../../index.ts';
import type { StorePlace } from '../options.ts';
import { needRun, withStore } from '../stores.ts';

/** How a run remembers that a demo made it. */
export const DEMO_HINT = { demo: 'yes' } as const;

/** Whether somebody is writing the run right now. Takes the lease and gives it back. */
async function isBusy(store: Store, id: string): Promise<boolean> {
  const { segment } = await needRun(store, id);
  try {
    const holder = { ...thisProcess(), token: freshName(), ttlMs: 1000 };
    await store.release(segment.id, await store.acquire(segment.id, holder, false));
    return false;
  } catch (e) {
    if (isWorldfoldError(e, 'RUN_IN_USE')) return true;
    throw e;
  }
}

async function onlyOldDemos(store: Store): Promise<boolean> {
  for (const { id, header } of await listRuns(store))
    if (header.hints.demo !== DEMO_HINT.demo || (await isBusy(store, id))) return false;
  return true;
}

/**
 * Makes room for a demo and says what became of the file. One that is no worldfold store is `NO_STORE` and
 * stays as it is; one that holds other runs, or a demo that is running, is only added to.
 */
export async function makeRoom(place: StorePlace, cwd: string): Promise<'new' | 'replaced' | 'added to'> {
  if (place.kind === 'memory') return 'new';
  const file = resolve(cwd, place.file);
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return 'new';
  if (!(await withStore(place, cwd, 'write', onlyOldDemos))) return 'added to';
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
  return 'replaced';
}
