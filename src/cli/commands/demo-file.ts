/**
 * The file of the demo: removed before a new demo when it holds nothing but earlier ones, never otherwise.
 */
import { rmSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { isWorldfoldError } from '../../base/errors.ts';
import { freshName, thisProcess } from '../../base/platform.ts';
import type { Store } from '../../index.ts';
import type { RunInfo } from '../../log/store.ts';
import { allRuns } from '../../replay/describe.ts';
import { headerOf } from '../header.ts';
import type { StorePlace } from '../options.ts';
import { withStore } from '../stores.ts';

/** How a run remembers its module, that a demo made it, and how far the demo was to go. */
export const demoHints = (
  module: string,
  ticks: number,
): { readonly module: string; readonly demo: string } => ({
  module,
  demo: `${ticks} ticks`,
});

/** Whether a demo made the run and nobody took it up again: the epoch of its first writer is 1. */
function isUntouched(info: RunInfo): boolean {
  try {
    const ticks = /^(\d+) ticks$/.exec(headerOf(info).hints.demo ?? '')?.[1];
    return ticks !== undefined && info.segment.head.tick <= Number(ticks) && info.segment.epoch === 1;
  } catch (e) {
    // A header that can't be read tells nothing: the run may be anybody's.
    if (isWorldfoldError(e, 'CORRUPT')) return false;
    throw e;
  }
}

/** Whether somebody is writing the run right now. Takes the lease and gives it back. */
async function isBusy(store: Store, { segment }: RunInfo): Promise<boolean> {
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
  const runs = await allRuns(store);
  if (!runs.every(isUntouched)) return false;
  for (const run of runs) if (await isBusy(store, run)) return false;
  return true;
}

/**
 * Makes room for a demo and says what became of the file. One that is no worldfold store is `NO_STORE` and
 * stays as it is; one that holds other runs, or a demo that is running or that somebody went on with, is only
 * added to.
 */
export async function makeRoom(place: StorePlace, cwd: string): Promise<'new' | 'replaced' | 'added to'> {
  if (place.kind === 'memory') return 'new';
  // What is not one file of ours is never deleted whole.
  if (place.kind !== 'sqlite') return 'added to';
  const file = resolve(cwd, place.file);
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return 'new';
  if (!(await withStore(place, cwd, 'write', onlyOldDemos))) return 'added to';
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
  return 'replaced';
}
