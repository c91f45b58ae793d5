/**
 * Commands as the user may paste them into a POSIX shell: ids and paths are quoted where the shell would read
 * them otherwise.
 */
import { placeText, type StorePlace } from './options.ts';

/** One word of a command. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** `diff first mild --store sqlite:runs.db`. Ids of which one begins with a dash stand last, after `--`. */
export function runCommandText(verb: string, ids: string | readonly string[], place: StorePlace): string {
  const store = `--store ${quoted(placeText(place))}`;
  const words = [ids].flat();
  const shown = words.map(quoted);
  if (words.some((id) => id.startsWith('-'))) return [verb, store, '--', ...shown].join(' ');
  return [verb, ...shown, store].join(' ');
}
