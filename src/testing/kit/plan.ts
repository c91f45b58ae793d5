/**
 * Plans: everything that a run of a world depends on, as data that can be printed and played again.
 *
 * Owns what a plan holds and how its schedule is read. How plans are drawn is in plan-arbitraries.ts, how
 * they are played in play.ts.
 */
import { checkNames } from '../../base/arguments.ts';
import { show } from '../../base/canonical.ts';
import { fail } from '../../base/errors.ts';
import type { Config, NewConfig, NewEvent, Shape } from '../../schema/infer.ts';

/** An input with the tick that it enters. */
export type PlannedInput<S extends Shape> = {
  readonly [K in keyof S['inputs'] & string]: readonly [tick: number, kind: K, row: NewEvent<S, K>];
}[keyof S['inputs'] & string];

/**
 * What happens to the run while it is played, each as the ticks after which it does. A tick that the plan
 * does not have is taken modulo its ticks; where none is named, it happens half way.
 */
export interface Schedule {
  /** A commit after so many ticks. */
  readonly commitTicks?: number;
  /** L4: a snapshot is kept, the run is closed, opened from it, and goes on. */
  readonly snapshots?: readonly number[];
  /** L4: the run is closed and opened without a new snapshot. */
  readonly reopenings?: readonly number[];
  /** L6: a fork begins. */
  readonly forks?: readonly number[];
  /** L11: the machine stops at the next commit. An even place in the list: before it is kept; else after. */
  readonly crashes?: readonly number[];
  /** L12: the record of the tick is damaged; the last tick's may be, too. */
  readonly damages?: readonly number[];
}

/** What a fork changes: from its tick on, the run has another seed, or another config. */
export type PlannedChange<S extends Shape> = readonly [
  tick: number,
  change: { readonly seed?: string; readonly config?: Partial<Config<S>> },
];

/** Everything that a run depends on, and what happens to it. */
export interface Plan<S extends Shape> {
  readonly seed: string;
  readonly config?: NewConfig<S>;
  /** How many ticks are computed, from 1 on. */
  readonly ticks: number;
  /** In order within a tick. */
  readonly inputs?: readonly PlannedInput<S>[];
  /** By the first tick that they hold for. The run is forked there. */
  readonly changes?: readonly PlannedChange<S>[];
  readonly schedule?: Schedule;
}

/** An input of a plan, its types erased. */
export type AnyInput = readonly [tick: number, kind: string, row: object];

/** A change of a plan, its types erased. */
export type AnyChange = readonly [tick: number, change: { readonly seed?: string; readonly config?: object }];

/** A plan, its types erased and its defaults filled in. */
export interface AnyPlan {
  readonly seed: string;
  readonly config: object;
  readonly ticks: number;
  readonly inputs: readonly AnyInput[];
  readonly changes: readonly AnyChange[];
  readonly schedule: Required<Schedule>;
}

const PARTS = ['seed', 'config', 'ticks', 'inputs', 'changes', 'schedule'];
const MOMENTS = ['snapshots', 'reopenings', 'forks', 'crashes', 'damages'] as const;

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1;

/** The ticks of a list that a plan has, in order, each once; half way where there is none. */
function places(name: string, given: unknown, ticks: number): readonly number[] {
  const list = given ?? [];
  if (!Array.isArray(list) || !list.every((tick) => Number.isSafeInteger(tick) && tick >= 0))
    return fail('BAD_USAGE', `${name} of a schedule must be a list of ticks, not ${show(given)}`, { name });
  const chosen = list.length === 0 ? [Math.floor(ticks / 2)] : list.map((tick) => tick % ticks);
  return [...new Set<number>(chosen)].sort((a, b) => a - b);
}

function scheduleOf(given: unknown, ticks: number): Required<Schedule> {
  const schedule = (given ?? {}) as Schedule;
  checkNames('the schedule of a plan', schedule, ['commitTicks', ...MOMENTS]);
  const { commitTicks = 1 } = schedule;
  if (!isCount(commitTicks))
    fail('BAD_USAGE', `commitTicks must be a whole number from 1 on, not ${show(commitTicks)}`, {});
  // A record is there after each tick, the last one too, after which nothing else can happen.
  const count = (name: string): number => (name === 'damages' ? ticks + 1 : ticks);
  const moments = MOMENTS.map((name) => [name, places(name, schedule[name], count(name))]);
  return { commitTicks, ...(Object.fromEntries(moments) as Omit<Required<Schedule>, 'commitTicks'>) };
}

function inputsOf(given: unknown): readonly AnyInput[] {
  if (!Array.isArray(given))
    return fail(
      'BAD_USAGE',
      `the inputs of a plan are a list, not ${show(given)}`,
      {},
      'Write [tick, kind, row].',
    );
  return given.map((input: unknown) => {
    const [tick, kind, row = {}] = Array.isArray(input) ? (input as readonly unknown[]) : [];
    if (!isCount(tick) || typeof kind !== 'string' || typeof row !== 'object' || row === null)
      return fail('BAD_USAGE', `${show(input)} is no input of a plan`, {}, 'Write [tick, kind, row].');
    return [tick, kind, row] as const;
  });
}

function changesOf(given: unknown): readonly AnyChange[] {
  const fits = (change: unknown): boolean =>
    Array.isArray(change) && isCount(change[0]) && typeof change[1] === 'object' && change[1] !== null;
  if (Array.isArray(given) && given.every(fits)) return given as readonly AnyChange[];
  return fail('BAD_USAGE', `${show(given)} are no changes of a plan`, {}, 'Write [tick, { config: … }].');
}

/** A plan with what was left out, its schedule read. `BAD_USAGE` where it is none. */
export function planOf(given: unknown): AnyPlan {
  checkNames('a plan', given, PARTS);
  const parts = given as { readonly [part: string]: unknown };
  const { seed, config = {}, ticks, inputs = [], changes = [], schedule } = parts;
  if (typeof seed !== 'string') fail('BAD_USAGE', `the seed of a plan is a text, not ${show(seed)}`, {});
  if (!isCount(ticks))
    return fail('BAD_USAGE', `the ticks of a plan are a whole number from 1 on, not ${show(ticks)}`, {});
  return {
    seed,
    config: config as object,
    ticks,
    inputs: inputsOf(inputs),
    changes: changesOf(changes),
    schedule: scheduleOf(schedule, ticks),
  };
}
