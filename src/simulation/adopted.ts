/**
 * Where the present handlers begin to speak for a log: eras that began with adopted code.
 */
import { parseChange } from '../log/environment.ts';
import { readFrame } from '../log/reader.ts';
import { hasSnapshots } from '../log/store.ts';
import type { LogSource } from './history.ts';

/**
 * The first tick of the last era up to `to` that began with adopted code, or 0. Such an era begins on a
 * snapshot, so that only records behind those are looked at: behind all, since a store may be told to unpin
 * one.
 */
export async function lastAdopted({ store, path }: LogSource, to: number): Promise<number> {
  if (!hasSnapshots(store)) return 0;
  let from = 0;
  for (const { segment, to: last } of path)
    for (const { tick } of await store.snapshots(segment)) {
      if (tick + 1 > Math.min(to, last)) continue;
      const { environment } = await readFrame(store, path, tick + 1);
      if (environment !== null && parseChange(environment).era?.why === 'adopted') from = tick + 1;
    }
  return from;
}
