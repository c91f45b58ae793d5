/**
 * The arguments of the calls that users make on runs, checked before anything is done.
 *
 * The types refuse most of this in TypeScript; JavaScript, and values that come from elsewhere, meet it here:
 * `BAD_USAGE` with what would do, never an error of the language itself.
 */
import { guardLevels } from '../base/ambient.ts';
import { checkFunction, checkNames } from '../base/arguments.ts';
import { show } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import { textFlaw } from '../base/text.ts';
import { CHOICE } from './tables/choice.ts';

type Given = { readonly [name: string]: unknown };

const POLICY = [
  'hashEvery',
  'invariantsEvery',
  'paranoid',
  'guard',
  'commit',
  'snapshots',
  'tables',
  'maxInputs',
  'maxUndurable',
  'leaseMs',
  'tickLog',
  'clocks',
];
const CREATE = ['store', 'seed', 'id', 'config', 'hints', ...POLICY];
const OPEN = ['store', 'id', 'takeover', 'adopt', 'later', ...POLICY];
const FORK = ['at', 'because', 'inputs', 'config', 'seed', 'later', 'id', 'hints', 'guard', 'tickLog'];
const REPLAY = ['store', 'id', 'to', 'onProgress', 'signal', 'guard'];
const READS = ['read', 'head', 'list'];
const WRITES = [...READS, 'create', 'append', 'acquire', 'renew', 'release'];

const isObject = (value: unknown): value is Given => typeof value === 'object' && value !== null;

/** A world that defineWorld made. */
function checkWorld(call: string, world: unknown): void {
  const { schema, def } = isObject(world) ? world : ({} as Given);
  if (isObject(schema) && isObject(schema.compiled) && isObject(def) && typeof def.setup === 'function')
    return;
  fail(
    'BAD_USAGE',
    `${call} needs a world, not ${show(world)}`,
    { call },
    'Give it what defineWorld returned: its first argument.',
  );
}

function storeHint(store: unknown): string {
  if (typeof (store as { then?: unknown } | null | undefined)?.then === 'function')
    return "It is a promise: write await sqliteStore('runs.db').";
  const text = typeof store === 'string' && store !== '' && textFlaw(store) === null ? store : 'runs.db';
  return `Open one: await sqliteStore(${show(text)}), or memoryStore().`;
}

/** A store with the calls that are made on it: all of them, or those of a reader. */
export function checkStore(call: string, store: unknown, use: 'read' | 'write' = 'read'): void {
  const calls = use === 'read' ? READS : WRITES;
  const missing = isObject(store) ? calls.find((name) => typeof store[name] !== 'function') : '';
  if (missing === undefined) return;
  const what =
    store === undefined
      ? 'was given none'
      : `was given ${isObject(store) ? 'an object that is none' : show(store)}`;
  fail(
    'BAD_USAGE',
    `${call} needs a store, and ${what}`,
    { call, missing: missing || null },
    storeHint(store),
  );
}

const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u;

/** A text of 1 to 200 characters: the id of a run, or a seed. */
export function checkText(what: string, text: unknown): void {
  if (typeof text === 'string' && text !== '' && text.length <= 200 && textFlaw(text) === null) return;
  fail(
    'BAD_USAGE',
    `the ${what} must be a text of 1 to 200 characters, not ${show(text)}`,
    { [what]: text },
    `Write { ${what}: 'alpha' }, for example.`,
  );
}

/** The id of a new run: it is printed and typed, so it holds no control characters. */
export function checkNewId(id: string): void {
  checkText('id', id);
  if (CONTROL.test(id))
    fail(
      'BAD_USAGE',
      `the id ${escaped(id)} holds a control character or a line break`,
      { id },
      'An id is printed and typed: write it without.',
    );
}

/** A text whose control characters are written as escapes. */
function escaped(text: string): string {
  return show(
    text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
}

/** A signal to stop, or nothing. */
export function checkSignal(signal: unknown): void {
  if (signal === undefined || (isObject(signal) && typeof signal.aborted === 'boolean')) return;
  fail(
    'BAD_USAGE',
    `signal must be an AbortSignal, not ${show(signal)}`,
    {},
    'Give the signal of an AbortController, or leave it out.',
  );
}

/** True, false, or nothing. */
function checkFlag(name: string, flag: unknown): void {
  if (flag === undefined || typeof flag === 'boolean') return;
  fail('BAD_USAGE', `${name} must be true or false, not ${show(flag)}`, {}, `Write ${name}: true.`);
}

function checkPolicy({ commit, clocks, guard, paranoid, snapshots, tables, tickLog }: Given): void {
  checkFlag('paranoid', paranoid);
  checkFlag('tickLog', tickLog);
  guardLevels(guard);
  if (commit !== undefined) checkNames('commit', commit, ['ticks', 'ms']);
  if (snapshots !== undefined && snapshots !== false)
    checkNames('snapshots', snapshots, ['every', 'keep', 'onClose']);
  if (tables !== undefined && tables !== true) checkNames('tables', tables, CHOICE);
  if (clocks === undefined) return;
  checkNames('clocks', clocks, ['wall', 'steady']);
  checkFunction('clocks.wall', (clocks as Given).wall);
  checkFunction('clocks.steady', (clocks as Given).steady);
}

function checkHints(hints: unknown): void {
  if (hints === undefined) return;
  const wrong = 'Hints are texts by name: { hints: { by: "Ada" } }.';
  if (!isObject(hints) || Array.isArray(hints))
    fail('BAD_USAGE', `hints must be an object of texts, not ${show(hints)}`, {}, wrong);
  for (const [name, text] of Object.entries(hints)) {
    if (typeof text !== 'string')
      fail('BAD_USAGE', `the hint ${show(name)} is ${show(text)}, no text`, { name }, wrong);
    const flaw = textFlaw(name) ?? textFlaw(text);
    if (flaw !== null) fail('BAD_USAGE', `the hint ${show(name)} can't be kept: ${flaw}`, { name }, wrong);
  }
}

/** The arguments of `createRun`. */
export function checkCreate(world: unknown, options: unknown): void {
  checkWorld('createRun', world);
  checkNames('the options of createRun', options, CREATE);
  const given = options as Given;
  checkStore('createRun', given.store, 'write');
  checkText('seed', given.seed);
  checkPolicy(given);
  checkHints(given.hints);
}

/** The arguments of `openRun`. */
export function checkOpen(world: unknown, options: unknown): void {
  checkWorld('openRun', world);
  checkNames('the options of openRun', options, OPEN);
  const given = options as Given;
  checkStore('openRun', given.store, 'write');
  checkText('id', given.id);
  checkPolicy(given);
  checkFlag('takeover', given.takeover);
  checkFlag('adopt', given.adopt);
  if (given.later !== undefined && given.later !== 'drop' && typeof given.later !== 'function')
    fail(
      'BAD_USAGE',
      `later must be 'drop' or a function, not ${show(given.later)}`,
      {},
      'A run that was forked with kept inputs goes on keeping them: leave it out.',
    );
}

/** The options of `fork`. */
export function checkFork(options: unknown): void {
  checkNames('the options of fork', options, FORK);
  const { because, inputs, later, config } = options as Given;
  if (because !== undefined && (typeof because !== 'string' || textFlaw(because) !== null))
    fail('BAD_USAGE', `because must be a text, not ${show(because)}`, {}, "Write because: 'masks'.");
  if (inputs !== undefined && !Array.isArray(inputs))
    fail('BAD_USAGE', `inputs must be a list, not ${show(inputs)}`, {}, 'Write inputs: [[kind, row], …].');
  if (config !== undefined && (!isObject(config) || Array.isArray(config)))
    fail('BAD_USAGE', `config must be an object, not ${show(config)}`, {}, 'Write config: { name: value }.');
  if (later !== undefined && later !== 'keep' && later !== 'drop' && typeof later !== 'function')
    fail(
      'BAD_USAGE',
      `later must be 'keep', 'drop' or a function, not ${show(later)}`,
      {},
      "The parent's inputs after the tick of the fork are dropped where it is left out.",
    );
  checkHints((options as Given).hints);
  guardLevels((options as Given).guard);
  checkFlag('tickLog', (options as Given).tickLog);
}

/** The arguments of `replay`. */
export function checkReplay(world: unknown, options: unknown): void {
  checkWorld('replay', world);
  checkNames('the options of replay', options, REPLAY);
  const given = options as Given;
  checkStore('replay', given.store);
  checkText('id', given.id);
  checkFunction('onProgress', given.onProgress);
  checkSignal(given.signal);
  guardLevels(given.guard);
}

/** The arguments of `advance`. */
export function checkAdvance(n: unknown, options: unknown): void {
  if (!Number.isSafeInteger(n) || (n as number) < 0)
    fail('BAD_USAGE', `${show(n)} is no number of ticks`, { n }, 'Write run.advance(100), for example.');
  checkNames('the options of advance', options, ['onProgress', 'signal', 'until']);
  const { onProgress, signal, until } = options as Given;
  checkFunction('onProgress', onProgress);
  checkFunction('until', until);
  checkSignal(signal);
}

/** The range of `events` and `tickLog`: whole numbers from 0 on; `to` may be Infinity. */
export function checkRange(range: unknown, of = 'events'): void {
  checkNames(`the range of ${of}`, range, ['from', 'to']);
  const { from = 0, to = 0 } = range as Given;
  const isTick = (tick: unknown): boolean => Number.isSafeInteger(tick) && (tick as number) >= 0;
  if (!isTick(from) || !(isTick(to) || to === Number.POSITIVE_INFINITY))
    fail(
      'BAD_USAGE',
      `${show(range)} is no range of ticks`,
      { from, to },
      'Write { from: 10, to: 20 }: whole numbers from 0 on, both included.',
    );
}

/** A tick that a run has: `NO_TICK`. */
export function checkHasTick(
  { id, tick: head }: { readonly id: string; readonly tick: number },
  tick: number,
): void {
  if (!Number.isSafeInteger(tick) || tick < 0 || tick > head)
    fail('NO_TICK', `run '${id}' has no tick ${show(tick)}: it has 0 to ${head}`, { run: id, tick, head });
}

/** The arguments of `on`. */
export function checkObserver(when: unknown, observer: unknown): void {
  if (when !== 'computed' && when !== 'durable')
    fail('BAD_USAGE', `${show(when)} is no moment to watch`, { when }, "There are 'computed' and 'durable'.");
  if (typeof observer !== 'function')
    fail(
      'BAD_USAGE',
      `on('${when}') needs a function, not ${show(observer)}`,
      { when },
      `Write run.on('${when}', ({ tick }) => console.log(tick)).`,
    );
}

/** What comes with a submitted row: whose input it is, and which. */
export const checkFrom = (from: unknown): void =>
  checkNames('what follows the row of an input', from, ['source', 'seq']);

/** Which input of which source it is. */
export interface InputFrom {
  readonly source?: string;
  readonly seq?: number;
}

/** The source of an input and its number there: both or neither. `BAD_INPUT`. */
export function checkSource({ source, seq }: InputFrom): { source: string | null; seq: number } {
  if (source === undefined && seq === undefined) return { source: null, seq: 0 };
  if (typeof source !== 'string' || source === '' || textFlaw(source) !== null)
    return fail('BAD_INPUT', `${show(source)} is no name of a source`, { source, seq });
  if (!Number.isSafeInteger(seq) || seq! < 0)
    fail('BAD_INPUT', `${show(seq)} is no number of an input: source and seq go together`, { source, seq });
  return { source, seq: seq! };
}
