/**
 * Reads what the user typed after the options: numbers, stores, `key=value` pairs.
 *
 * A value that means nothing is `BAD_USAGE`, with a hint that says what would.
 */
import { dirname, resolve } from 'node:path';
import { guardLevels } from '../base/ambient.ts';
import { fail } from '../base/errors.ts';
import type { GuardOption } from '../index.ts';

/** Where runs are kept: in this process only, or in a SQLite file. */
export type StorePlace = { readonly kind: 'memory' } | { readonly kind: 'sqlite'; readonly file: string };

/** The store that commands use when none is named. */
export const DEFAULT_STORE = 'sqlite:worldfold.db';

/** The seed of runs that are given none. */
export const DEFAULT_SEED = 'worldfold';

/** Reads `sqlite:FILE` or `memory:`. */
export function parseStore(text: string): StorePlace {
  if (text === 'memory:') return { kind: 'memory' };
  const file = /^sqlite:(.+)$/s.exec(text)?.[1];
  if (file !== undefined) return { kind: 'sqlite', file };
  return fail(
    'BAD_USAGE',
    `'${text}' names no store`,
    { store: text },
    'Write --store sqlite:FILE, or --store memory: for a run that is not kept.',
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

/** Reads names separated by commas. */
export function parseNames(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  if (!names.includes('')) return names;
  return fail('BAD_USAGE', `'${text}' is no list of names`, { names: text }, 'Write --columns id,name.');
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

/** The store as the user would write it. */
export const placeText = (place: StorePlace): string =>
  place.kind === 'memory' ? 'memory:' : `sqlite:${place.file}`;

/** The folder that paths inside a store's headers are seen from: the file's, or the current one. */
export const storeFolder = (place: StorePlace, cwd: string): string =>
  place.kind === 'memory' ? cwd : dirname(resolve(cwd, place.file));
