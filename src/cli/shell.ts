/**
 * Commands as the user may paste them into a POSIX shell: ids and paths are quoted where the shell would read
 * them otherwise.
 */
import { placeText, type StorePlace } from './options.ts';

/** One word of a command. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** `replay first --store sqlite:runs.db`. An id that begins with a dash stands last, after `--`. */
export function runCommandText(verb: string, id: string, place: StorePlace): string {
  const store = `--store ${quoted(placeText(place))}`;
  return id.startsWith('-') ? `${verb} ${store} -- ${quoted(id)}` : `${verb} ${quoted(id)} ${store}`;
}
