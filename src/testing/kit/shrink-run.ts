/**
 * `shrinkRun`: the smallest plan that still does what a recorded run did; and `playPlan`, which plays it.
 *
 * Owns what counts as the same: a condition of the caller's, or the failure that the run ended with. Imports
 * nothing of fast-check, since the command line uses it.
 */
import { checkFunction, checkNames } from '../../base/arguments.ts';
import { messageOf, show } from '../../base/canonical.ts';
import { fail, isWorldfoldError, type WorldfoldError } from '../../base/errors.ts';
import { loadHash } from '../../base/hash.ts';
import { memoryStore } from '../../log/memory-store.ts';
import type { Store } from '../../log/store.ts';
import { checkTick, type Log, logGiven, needWorld } from '../../replay/given.ts';
import type { Shape } from '../../schema/infer.ts';
import { checkStore } from '../../simulation/arguments.ts';
import type { WorldDef } from '../../simulation/define-world.ts';
import type { RunCore } from '../../simulation/run.ts';
import type { GuardOption, Run } from '../../simulation/types.ts';
import { type AnyPlan, type Plan, planOf } from './plan.ts';
import { play, playing } from './play.ts';
import { attemptedPlan, keptAttempts, recordedPlan } from './recorded-plan.ts';
import { guardParts, planSummary, type ReproductionModules, reproductionText } from './reproduction.ts';
import { shrinkPlan } from './shrink-plan.ts';

/** A stored run to shrink. */
export interface ShrinkLog<S extends Shape, M extends string> {
  readonly store: Store;
  readonly id: string;
  readonly world: WorldDef<S, M>;
  /** What becomes of a tick that uses a source which no log holds; an open run has its own. */
  readonly guard?: GuardOption;
}

/** Whether a smaller run still does what is looked for: `error` is what it ended with, or null. */
export type RunPredicate<S extends Shape, M extends string> = (
  run: Run<S, M>,
  error: WorldfoldError | null,
) => boolean | Promise<boolean>;

/** How to shrink. */
export interface ShrinkOptions {
  /** The last tick to take of the log: its end if left out, or the failed tick without a condition. */
  readonly to?: number;
  /** At most so many smaller plans are tried (500). */
  readonly maxPlans?: number;
  /** Hears of each smaller plan that was found. */
  readonly onProgress?: (progress: {
    readonly tried: number;
    readonly ticks: number;
    readonly inputs: number;
  }) => void;
  /** Which modules the printed file imports. */
  readonly from?: ReproductionModules;
}

/** What shrinking came to. */
export interface Shrunk<S extends Shape> {
  /** The smallest plan that was found. */
  readonly plan: Plan<S>;
  /** What playing it ends with, or null. */
  readonly error: WorldfoldError | null;
  /** A test file that plays it. */
  readonly file: string;
  /** The plan in a line. */
  readonly summary: string;
  /** How many plans were tried. */
  readonly tried: number;
  /** Whether it stopped at `maxPlans`, where smaller ones may be left. */
  readonly stopped: boolean;
}

const MAX_PLANS = 500;
const OPTIONS = ['to', 'maxPlans', 'onProgress', 'from'];

/** What plans are played with. */
type Played = Pick<Log, 'world' | 'guard'>;

/** A run that was played, as far as it came. */
interface Outcome {
  readonly run: RunCore | null;
  readonly error: WorldfoldError | null;
}

async function outcomeOf({ world, guard }: Played, plan: AnyPlan): Promise<Outcome> {
  let run: RunCore | null = null;
  try {
    await play(playing(world, plan, memoryStore(), { guard }), { begun: (begun) => void (run = begun) });
    return { run, error: null };
  } catch (e) {
    if (!isWorldfoldError(e)) throw e;
    return { run, error: e };
  }
}

/** What tells one failure from another, wherever and whenever it happens. */
const SIGNS = ['invariant', 'metric', 'origin', 'kind', 'reason', 'table', 'column'] as const;

/** Whether a failure is the one that is looked for. */
const isSame = (error: WorldfoldError | null, wanted: WorldfoldError): boolean =>
  error !== null &&
  error.code === wanted.code &&
  SIGNS.every((sign) => error.facts[sign] === wanted.facts[sign]);

/** The plan to begin with: that of the newest failed tick where one is looked for, else that of the log. */
async function planToShrink(log: Log, wantsAttempt: boolean, to: number | undefined): Promise<AnyPlan> {
  if (wantsAttempt) {
    const kept = (await keptAttempts(log)).filter(({ tick }) => to === undefined || tick === to).at(-1);
    if (kept !== undefined) return attemptedPlan(log, kept);
  }
  const last = to ?? log.tick;
  checkTick(log, last);
  return recordedPlan(log, last);
}

type AnyPredicate = (run: RunCore, error: WorldfoldError | null) => unknown;

/** The condition that smaller plans must meet, and what the plan itself ended with. */
async function conditionOf(
  log: Played,
  plan: AnyPlan,
  predicate: AnyPredicate | undefined,
): Promise<(outcome: Outcome) => Promise<boolean>> {
  const first = await outcomeOf(log, plan);
  if (predicate === undefined) {
    const { error } = first;
    if (error === null)
      return fail(
        'NOT_AS_EXPECTED',
        'played again, the run does not fail',
        { plan },
        'Say what is looked for: shrinkRun(run, (run) => …).',
      );
    return async (outcome) => isSame(outcome.error, error);
  }
  const holds = async ({ run, error }: Outcome): Promise<boolean> =>
    run !== null && Boolean(await predicate(run, error));
  if (await holds(first)) return holds;
  return fail('NOT_AS_EXPECTED', 'what is looked for does not hold for the run itself, played again', {
    plan,
    error: first.error === null ? null : first.error.message,
  });
}

function fileOf(
  { world, guard }: Played,
  plan: AnyPlan,
  error: WorldfoldError | null,
  modules: ReproductionModules,
) {
  const { name } = world.schema.compiled.spec;
  const found = error === null ? `What was looked for holds: ${planSummary(plan)}` : messageOf(error);
  return reproductionText({
    world,
    plan,
    name: `${name}: the smallest plan`,
    found,
    call: 'playPlan',
    before: ['world'],
    after: guardParts(guard).map((part) => `{ ${part} }`),
    modules,
  });
}

/**
 * Finds the smallest plan that does what a recorded run does: fewer ticks, fewer and simpler inputs, a config
 * nearer to its defaults. With a condition, it must hold for the run that is played; it is not asked where
 * the setup fails. Without one, the failure must stay the same: that of the newest tick that failed and was
 * kept beside the log, or of an invariant that the log breaks by now. `NOT_AS_EXPECTED` where the run itself
 * does not do it.
 *
 * @example
 * ```ts
 * const { plan, file } = await shrinkRun(run, ({ world }) => world.people.count({ health: 'ill' }) > 100);
 * ```
 */
export async function shrinkRun<S extends Shape, M extends string>(
  given: Run<S, M> | ShrinkLog<S, M>,
  predicate?: RunPredicate<NoInfer<S>, NoInfer<M>>,
  options: ShrinkOptions = {},
): Promise<Shrunk<S>> {
  checkFunction('the condition of shrinkRun', predicate);
  checkNames('the options of shrinkRun', options, OPTIONS);
  const { to, maxPlans = MAX_PLANS, onProgress, from = {} } = options;
  if (!Number.isSafeInteger(maxPlans) || maxPlans < 0)
    fail('BAD_USAGE', `maxPlans must be a whole number, not ${show(maxPlans)}`, { maxPlans });
  checkFunction('onProgress', onProgress);
  await loadHash();
  const log = await logGiven('shrinkRun', given);
  const { world } = log;
  const start = await planToShrink(log, predicate === undefined, to);
  const holds = await conditionOf(log, start, predicate as unknown as AnyPredicate | undefined);
  let tried = 0;
  const found = await shrinkPlan(
    world,
    start,
    async (plan) => {
      tried++;
      const isFound = await holds(await outcomeOf(log, plan));
      if (isFound) onProgress?.({ tried, ticks: plan.ticks, inputs: plan.inputs.length });
      return isFound;
    },
    maxPlans,
  );
  const { plan, stopped } = found;
  const { error } = await outcomeOf(log, plan);
  const file = fileOf(log, plan, error, from);
  return { plan: shown(plan) as unknown as Plan<S>, error, file, summary: planSummary(plan), tried, stopped };
}

/** A plan without what it does not need. */
const shown = ({ seed, config, ticks, inputs, changes }: AnyPlan): object => ({
  ...{ seed, config, ticks, inputs },
  ...(changes.length > 0 && { changes }),
});

/**
 * Plays a plan, in memory unless a store is given, and returns the run after its last tick. What keeps a tick
 * from being computed is thrown: `TICK_FAILED`, `INVARIANT_BROKEN`. The schedule of the plan is passed over.
 *
 * @example
 * ```ts
 * const run = await playPlan(town, { seed: 'a', ticks: 3, inputs: [[1, 'cured', { person: 1 }]] });
 * ```
 */
export async function playPlan<S extends Shape, M extends string>(
  definition: WorldDef<S, M>,
  plan: Plan<NoInfer<S>>,
  options: { readonly store?: Store; readonly guard?: GuardOption } = {},
): Promise<Run<S, M>> {
  const world = needWorld('playPlan', definition);
  checkNames('the options of playPlan', options, ['store', 'guard']);
  const { store = memoryStore(), guard = 'throw' } = options;
  checkStore('playPlan', store, 'write');
  const run = await play(playing(world, planOf(plan), store, { guard }));
  return run as unknown as Run<S, M>;
}
