/**
 * Where the present handlers begin to speak for a log: eras that began with adopted code.
 */
import { fail } from '../base/errors.ts';
import { parseChange } from '../log/environment.ts';
import { readFrame } from '../log/reader.ts';
import { hasSnapshots } from '../log/store.ts';
import { frames, type LogSource } from '../simulation/history.ts';

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

/**
 * Refuses with `NO_STATE` where a tick differs because handlers that were adopted later fold it, and the
 * snapshot that their era begins with is gone: the difference tells nothing of the code, and much of the
 * store.
 */
export async function refuseLostBase(
  source: LogSource,
  tick: number,
  to: number,
  cause: unknown,
): Promise<void> {
  for await (const { tick: first, environment } of frames(source, tick + 1, to))
    if (environment !== null && parseChange(environment).era?.why === 'adopted')
      fail(
        'NO_STATE',
        `the era of adopted code that begins with tick ${first} has lost the snapshot it began with`,
        { tick: first },
        'Earlier ticks can still be verified by the code that recorded them.',
        cause,
      );
}
