/**
 * Options that several commands take, each with the words of its help.
 */
import { Option } from 'commander';
import type { GuardOption } from '../index.ts';
import {
  collectGuard,
  collectPair,
  DEFAULT_STORE,
  parseLimit,
  parseStore,
  parseTick,
  parseTicks,
  type StorePlace,
} from './options.ts';

/** Pairs of `key=value`, as they were typed. */
export type Pairs = ReadonlyMap<string, string>;

/** What every command takes. */
export interface Common {
  readonly json?: true;
  readonly store: StorePlace;
}

/** What commands take that fold a stored run. */
export interface Folding extends Common {
  readonly world?: string;
  readonly guard: GuardOption;
}

/** The stores that there are, as help says them. */
const PLACES = 'sqlite:FILE, postgres://USER@HOST/DB, pglite:FOLDER or memory:';

/** The store of one end of a copy. */
export const endOption = (flags: string, what: string): Option =>
  new Option(`${flags} <place>`, `${what}: ${PLACES}`).argParser(parseStore);

/** Where runs are kept. */
export const storeOption = (fallback: string = DEFAULT_STORE): Option =>
  new Option('--store <place>', `where runs are kept: ${PLACES}`)
    .argParser(parseStore)
    .default(parseStore(fallback), fallback);

/** How many ticks to advance. */
export const ticksOption = (fallback: number): Option =>
  new Option('--ticks <n>', 'how many ticks to advance').argParser(parseTicks).default(fallback);

/** The seed. */
export const seedOption = (): Option => new Option('--seed <text>', 'the seed of all randomness');

/** Values of the config. */
export const configOption = (): Option =>
  new Option('--config <key=value>', 'a value of the world’s config; may be given often')
    .argParser(collectPair)
    .default(new Map() as Pairs, 'the world’s own');

/** Data instead of text. */
export const jsonOption = (): Option =>
  new Option('--json', 'one line of JSON on standard output, nothing else there');

/** Whether records say how long their ticks took. */
export const tickLogOption = (): Option =>
  new Option('--no-tick-log', 'do not write beside each tick how long its parts took');

/** The module to fold with. */
export const worldOption = (): Option =>
  new Option('--world <file>', 'the world module (default: the one the run was made from)');

/** A tick of the run. */
export const atOption = (what: string): Option => new Option('--at <tick>', what).argParser(parseTick);

/** What becomes of code that uses what no log holds. */
export const guardOption = (): Option =>
  new Option(
    '--guard <level>',
    'for code of a tick that uses what no log holds: throw, warn or off; math=off for one group; often',
  )
    .argParser(collectGuard)
    .default('throw' as GuardOption, 'throw');

/** How many rows to show. */
export const limitOption = (what: string, fallback: number): Option =>
  new Option('--limit <n>', what).argParser(parseLimit).default(fallback);
