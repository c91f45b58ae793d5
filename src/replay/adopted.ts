/**
 * Adopted eras whose base is lost.
 */
import { fail } from '../base/errors.ts';
import { parseChange } from '../log/environment.ts';
import { frames, type LogSource } from '../simulation/history.ts';

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
