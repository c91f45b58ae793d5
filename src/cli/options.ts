/**
 * Reads what the user typed after the options: numbers, stores, `key=value` pairs.
 *
 * A value that means nothing is `BAD_USAGE`, with a hint that says what would.
 */
import { dirname, resolve } from 'node:path';
import { guardLevels } from '../base/ambient.ts';
import { fail } from '../base/errors.ts';
import type { ChosenTicks, GuardOption } from '../index.ts';
import { shownAddress } from './secrets.ts';

/** A database of a PostgreSQL server, and the schema of it that holds the store. */
export interface ServerPlace {
  readonly kind: 'postgres';
  /** The address with its password, for the driver alone. */
  readonly url: string;
  /** The address as it may be shown. */
  readonly shown: string;
  /** Null for the store's default. */
  readonly schema: string | null;
}

/** Where runs are kept: in this process only, in a SQLite file, on a server, or in a folder of PGlite. */
export type StorePlace =
  | { readonly kind: 'memory' }
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'pglite'; readonly folder: string }
  | ServerPlace;

/** The store that commands use when none is named. */
export const DEFAULT_STORE = 'sqlite:worldfold.db';

/** The seed of runs that are given none. */
export const DEFAULT_SEED = 'worldfold';

const badAddress = (why: string): never =>
  fail(
    'BAD_USAGE',
    `the address of the server ${why}`,
    {},
    'Write postgres://USER@HOST:PORT/DB?schema=NAME; in a password, / is %2F, ? is %3F, # is %23, @ is %40.',
  );

/**
 * Reads the address of a server. Its parameter `schema` is ours, the others are the driver's. What can't be
 * read is not shown: it may hold a password.
 */
function parseServer(text: string): ServerPlace {
  if (!URL.canParse(text)) return badAddress("can't be read");
  const url = new URL(text);
  // A password that is not written as an address needs it would be taken for something that is shown.
  if (/@/.test(url.pathname + url.search) || url.hash !== '') badAddress('has an @ or a # behind the host');
  const schema = url.searchParams.get('schema');
  if (schema === '') badAddress('names an empty schema');
  const shown = shownAddress(url);
  url.searchParams.delete('schema');
  return { kind: 'postgres', url: schema === null ? text : url.href, shown, schema };
}

/** Reads `sqlite:FILE`, `postgres://…`, `pglite:FOLDER` or `memory:`. */
export function parseStore(text: string): StorePlace {
  if (text === 'memory:') return { kind: 'memory' };
  if (/^postgres(ql)?:\/\//.test(text)) return parseServer(text);
  const [, kind, path] = /^(sqlite|pglite):(.+)$/s.exec(text) ?? [];
  if (kind === 'sqlite') return { kind, file: path! };
  if (kind === 'pglite') return { kind, folder: path! };
  const shown = text.replace(/:\/\/.*$/s, '://…');
  return fail(
    'BAD_USAGE',
    `'${shown}' names no store`,
    { store: shown },
    'Write --store sqlite:FILE, postgres://USER@HOST/DB or pglite:FOLDER; or memory:, which keeps nothing.',
  );
}

/** Reads a count of ticks: a whole number from 0 on. */
export function parseTicks(text: string): number {
  const ticks = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(ticks)) return ticks;
  return fail(
    'BAD_USAGE',
    `'${text}' is no number of ticks`,
    { ticks: text },
    'Write --ticks 200, for example.',
  );
}

/** Reads a count of rows: a whole number from 0 on. */
export function parseLimit(text: string): number {
  const rows = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(rows)) return rows;
  return fail(
    'BAD_USAGE',
    `'${text}' is no number of rows`,
    { rows: text },
    'Write --limit 20, for example.',
  );
}

/** Reads a count of at least 1. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(count) && count > 0) return count;
  return fail(
    'BAD_USAGE',
    `'${text}' is no whole number from 1 on`,
    { count: text },
    'Write 10, for example.',
  );
}

/** Reads a tick: a whole number from 0 on. */
export function parseTick(text: string): number {
  const tick = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(tick)) return tick;
  return fail('BAD_USAGE', `'${text}' is no tick`, { tick: text }, 'Ticks are whole numbers from 0 on: 30.');
}

/** Reads a count of threads: a whole number from 1 to 64. */
export function parseWorkers(text: string): number {
  const workers = Number(text);
  if (/^\d+$/.test(text) && workers >= 1 && workers <= 64) return workers;
  return fail('BAD_USAGE', `'${text}' is no number of threads`, { workers: text }, 'Write --workers 4.');
}

/** Adds one text to those before it. */
export const collectText = (text: string, before: readonly string[]): readonly string[] => [...before, text];

/** Adds what the guard is to do to what was said before: `warn` for every group, `math=off` for one. */
export function collectGuard(text: string, before: GuardOption): GuardOption {
  const at = text.indexOf('=');
  return guardLevels(at < 0 ? text : { ...guardLevels(before), [text.slice(0, at)]: text.slice(at + 1) });
}

const namesReader =
  (example: string) =>
  (text: string): readonly string[] => {
    const names = text.split(',').map((name) => name.trim());
    if (!names.includes('')) return names;
    return fail('BAD_USAGE', `'${text}' is no list of names`, { names: text }, `Write ${example}.`);
  };

/** Reads names of columns, separated by commas. */
export const parseNames = namesReader('--columns id,name');

/** Reads names of tables, separated by commas. */
export const parseOnly = namesReader('--only people,cells');

/** Reads ticks of which rows are kept: `every=10`, `0,30,60`, or `none`. */
export function parseHistory(text: string): ChosenTicks | 'none' {
  if (text === 'none') return text;
  const [, count] = /^every=(\d+)$/.exec(text) ?? [];
  const ticks = (count ?? text).split(',').map((tick) => tick.trim());
  const numbers = ticks.map(Number);
  const isGood = ticks.every((tick, i) => /^\d+$/.test(tick) && Number.isSafeInteger(numbers[i]));
  if (!isGood || (count !== undefined && numbers[0] === 0))
    fail(
      'BAD_USAGE',
      `'${text}' says no ticks`,
      { history: text },
      'Write --history every=10, --history 0,30,60 or --history none.',
    );
  return count === undefined ? numbers : { every: numbers[0]! };
}

type Pairs = ReadonlyMap<string, string>;

/** Seconds, with a fraction or without. */
export function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds < 1e6))
    fail('BAD_USAGE', `'${text}' is no number of seconds`, { seconds: text }, 'Write --timeout 10.');
  return seconds;
}

const pairReader =
  (example: string) =>
  (text: string, before: Pairs): Pairs => {
    const at = text.indexOf('=');
    if (at < 1)
      fail('BAD_USAGE', `'${text}' is no key=value`, { pair: text }, `Write ${example}, for example.`);
    return new Map([...before, [text.slice(0, at), text.slice(at + 1)]]);
  };

/**
 * Adds one `key=value` to those before it; the last of a key counts. Values are text until the world is
 * known.
 */
export const collectPair = pairReader('--config beta=0.02');

/** Adds one `name=RUN@N` that a query may look at. */
export const collectWith = pairReader('--with other=first@30');

/** Adds one `column=value` that rows must have. */
export const collectMatch = pairReader('--where health=ill');

/** The store as the user would write it, without the password of a server. */
export function placeText(place: StorePlace): string {
  switch (place.kind) {
    case 'memory':
      return 'memory:';
    case 'sqlite':
      return `sqlite:${place.file}`;
    case 'pglite':
      return `pglite:${place.folder}`;
    case 'postgres':
      return place.shown;
  }
}

/** The file or folder of a store; null where it has none of its own. */
export function storePath(place: StorePlace, cwd: string): string | null {
  if (place.kind === 'sqlite') return resolve(cwd, place.file);
  return place.kind === 'pglite' ? resolve(cwd, place.folder) : null;
}

/** The folder that paths inside a store's headers are seen from: the file's, or the current one. */
export function storeFolder(place: StorePlace, cwd: string): string {
  const path = storePath(place, cwd);
  return path === null ? cwd : dirname(path);
}
