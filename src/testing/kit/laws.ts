/**
 * `laws`: one test for each law that a user's own world can break, over arbitrary plans.
 *
 * Owns which laws are tried, and what a failure says: the law, the place, the smallest plan that was found,
 * and a file that plays it.
 */
import * as fc from 'fast-check';
import { guardLevels } from '../../base/ambient.ts';
import { checkFunction, checkNames } from '../../base/arguments.ts';
import { messageOf, show } from '../../base/canonical.ts';
import { fail, isWorldfoldError, WorldfoldError } from '../../base/errors.ts';
import { loadHash } from '../../base/hash.ts';
import { memoryStore } from '../../log/memory-store.ts';
import type { Store } from '../../log/store.ts';
import { needWorld } from '../../replay/given.ts';
import type { Shape } from '../../schema/infer.ts';
import type { WorldDef } from '../../simulation/define-world.ts';
import type { RunCore } from '../../simulation/run.ts';
import type { GuardOption, Run } from '../../simulation/types.ts';
import type { AnyWorld } from '../../simulation/world.ts';
import { LAW_CHECKS, type LawCheck, type LawName } from './law-checks.ts';
import { type AnyPlan, type Plan, planOf, type Schedule } from './plan.ts';
import { type AnyPlanOptions, anyPlan, PLAN_OPTIONS, type PlanOptions } from './plan-arbitraries.ts';
import { firstPlay, PlanFailed } from './play.ts';
import { guardParts, planSummary, type ReproductionModules, reproductionText } from './reproduction.ts';
import { sourceText } from './source-text.ts';

/** A function that declares a test: that of vitest, of node:test, or anything like them. */
export type TestFunction = (name: string, run: () => Promise<void>, timeoutMs?: number) => unknown;

/** What laws are tried on. */
export interface LawCircumstances<S extends Shape, M extends string = string> {
  /**
   * Makes a new, empty store for each call, which is closed afterwards. Plans are played in memory first, and
   * then again here. L10 needs one.
   */
  readonly store?: () => Store | Promise<Store>;
  /** Attaches observers of your own: L9 says that they change nothing. */
  readonly observe?: (run: Run<S, M>) => void;
  /**
   * What becomes of a tick that uses a source which no log holds, as in the options of `createRun`: for a
   * world that is run with some groups at another level than `throw`.
   */
  readonly guard?: GuardOption;
}

/** How laws are tried. */
export interface LawOptions<S extends Shape, M extends string = string>
  extends PlanOptions<S>,
    LawCircumstances<S, M> {
  /** How many plans each law is tried on (20). */
  readonly runs?: number;
  /** The seed of fast-check, to draw the same plans again: a whole number. A failure names it. */
  readonly seed?: number;
  /** Only these laws. */
  readonly only?: readonly LawName[];
  /** All but these. */
  readonly skip?: readonly LawName[];
  /** Which modules a printed file imports. */
  readonly from?: ReproductionModules;
}

/** How laws are declared as tests. */
export interface LawTestOptions<S extends Shape, M extends string = string> extends LawOptions<S, M> {
  /** Declares a test: `test` of vitest or node:test. The global `test` if left out. */
  readonly test?: TestFunction;
  /** Milliseconds for each law, handed on to `test` (120,000). */
  readonly timeout?: number;
}

/** A law as a property of fast-check. */
export interface LawProperty {
  readonly law: LawName;
  /** What holds, as the name of a test. */
  readonly name: string;
  /** Over plans; `fc.assert` it. */
  readonly property: fc.IAsyncProperty<[AnyPlan]>;
}

const CIRCUMSTANCES = ['store', 'observe', 'guard'];
const OPTIONS = [...PLAN_OPTIONS, ...CIRCUMSTANCES, 'runs', 'seed', 'only', 'skip', 'from'];
const RUNS = 20;
const TIMEOUT_MS = 120_000;

/** What of a schedule a law speaks of. */
const SCHEDULED: { readonly [law in LawName]?: readonly (keyof Schedule)[] } = {
  L4: ['snapshots', 'reopenings'],
  L6: ['forks'],
  L11: ['commitTicks', 'crashes'],
  L12: ['damages'],
};

/** What a law plays with beside the plan, if it is given: a printed file imports it. */
const CIRCUMSTANCES_OF: { readonly [law in LawName]?: readonly ('store' | 'observe')[] } = {
  L4: ['store'],
  L6: ['store'],
  L8: ['store'],
  L9: ['store', 'observe'],
  L10: ['store'],
  L12: ['store'],
  L14: ['store'],
};

interface AnyCircumstances {
  readonly store?: () => Store | Promise<Store>;
  readonly observe?: (run: RunCore) => void;
  readonly guard?: GuardOption;
}

interface AnyOptions extends AnyPlanOptions, AnyCircumstances {
  readonly runs?: number;
  readonly seed?: number;
  readonly only?: readonly LawName[];
  readonly skip?: readonly LawName[];
  readonly from?: ReproductionModules;
}

/** Tries a law on a plan. What does not hold is the cause of {@link PlanFailed}. */
async function tryLaw(
  world: AnyWorld,
  law: LawName,
  plan: AnyPlan,
  { store = memoryStore, observe, guard = 'throw' }: AnyCircumstances,
): Promise<void> {
  await loadHash();
  if (plan.changes.length > 0)
    fail('BAD_USAGE', 'laws are tried on plans without changes', {}, 'Forks are made by the schedule.');
  const first = await firstPlay(world, plan, { guard });
  const opened: Store[] = [];
  const open = async (): Promise<Store> => {
    const made = await store();
    opened.push(made);
    return made;
  };
  try {
    await LAW_CHECKS[law].check({ world, first, guard, store: open, observe });
  } catch (e) {
    throw new PlanFailed(first.plan, e);
  } finally {
    for (const made of opened) await made.close();
  }
}

function checkLawNames(what: string, names: unknown): readonly LawName[] {
  const known = Object.keys(LAW_CHECKS);
  if (!Array.isArray(names) || names.some((name) => !known.includes(name)))
    return fail(
      'BAD_USAGE',
      `${what} must be a list of laws, not ${show(names)}`,
      { [what]: names },
      `These can be tried: ${known.join(', ')}.`,
    );
  return names as readonly LawName[];
}

/** The laws that are asked for, in their order. L10 is among them where there is a store to compare. */
function chosen({ only, skip = [], store }: AnyOptions): readonly LawName[] {
  const wanted = only === undefined ? (Object.keys(LAW_CHECKS) as LawName[]) : checkLawNames('only', only);
  const left = checkLawNames('skip', skip);
  const laws = wanted.filter((law) => !left.includes(law) && (law !== 'L10' || store !== undefined));
  if (laws.length === 0)
    fail('BAD_USAGE', 'no law is left to try', { only, skip }, 'L10 needs a store to compare with memory.');
  return laws;
}

const nameOf = (world: AnyWorld, law: LawName): string =>
  `${law}: ${world.schema.compiled.spec.name}: ${(LAW_CHECKS[law] as LawCheck).says}`;

/** What was found, with the plan and the file that plays it. */
function reported(world: AnyWorld, law: LawName, { plan, cause }: PlanFailed, options: AnyOptions) {
  const imports = CIRCUMSTANCES_OF[law]?.filter((one) => options[one] !== undefined) ?? [];
  const circumstances = [...imports, ...guardParts(options.guard)];
  const file = reproductionText({
    world,
    plan,
    schedule: SCHEDULED[law] ?? [],
    name: nameOf(world, law),
    found: messageOf(cause),
    call: 'checkLaw',
    before: ['world', sourceText(law)],
    after: circumstances.length > 0 ? [`{ ${circumstances.join(', ')} }`] : [],
    modules: options.from ?? {},
    imports,
  });
  const known = isWorldfoldError(cause) ? cause : null;
  const summary = `The plan: ${planSummary(plan)}. As a file:`;
  return new WorldfoldError(
    known?.code ?? 'LAW_BROKEN',
    `${messageOf(cause)}\n\n${summary}\n\n${file}`,
    { law, ...known?.facts, plan, file },
    known?.hint,
    cause,
  );
}

function propertyOf(world: AnyWorld, law: LawName, options: AnyOptions): LawProperty {
  const { ticks, maxInputs, inputs, config } = options;
  const given = Object.entries({ ticks, maxInputs, inputs, config }).filter(
    ([, value]) => value !== undefined,
  );
  const property = fc.asyncProperty(anyPlan(world, Object.fromEntries(given)), async (plan) => {
    try {
      await tryLaw(world, law, planOf(plan), options);
    } catch (e) {
      throw e instanceof PlanFailed ? reported(world, law, e, options) : e;
    }
  });
  return { law, name: nameOf(world, law), property };
}

function propertiesOf(world: AnyWorld, options: AnyOptions): readonly LawProperty[] {
  checkFunction('store', options.store);
  checkFunction('observe', options.observe);
  guardLevels(options.guard);
  return chosen(options).map((law) => propertyOf(world, law, options));
}

/** Asserts a law; what fails says how it was found. */
async function assertLaw({ property }: LawProperty, { runs = RUNS, seed }: AnyOptions): Promise<void> {
  const found = await fc.check(property, { numRuns: runs, ...(seed !== undefined && { seed }) });
  if (!found.failed) return;
  const { errorInstance: e, numRuns, numShrinks, counterexamplePath: path } = found;
  const how = `Found by plan ${numRuns} after ${numShrinks} shrinks: seed ${found.seed}, path ${path}.`;
  if (!isWorldfoldError(e)) throw e;
  throw new WorldfoldError(
    e.code,
    `${e.message}\n${how}`,
    { ...e.facts, seed: found.seed, path },
    e.hint,
    e.cause,
  );
}

/**
 * The laws of a world as properties of fast-check, to be asserted with parameters of your own. What fails is
 * told as by {@link laws}. `BAD_USAGE` for options that mean nothing.
 *
 * @example
 * ```ts
 * for (const { property } of lawProperties(town)) await fc.assert(property, { numRuns: 1000 });
 * ```
 */
export function lawProperties<S extends Shape, M extends string>(
  definition: WorldDef<S, M>,
  options: LawOptions<NoInfer<S>, NoInfer<M>> = {},
): readonly LawProperty[] {
  const world = needWorld('lawProperties', definition);
  checkNames('the options of lawProperties', options, OPTIONS);
  return propertiesOf(world, options as unknown as AnyOptions);
}

/**
 * Declares a test for each law that a world can break: its systems, handlers, invariants and metrics are
 * played over arbitrary plans (seeds, configs, inputs that refer to rows that exist, snapshots, forks,
 * crashes), and each plan is played again as the law has it. A failure is shrunk, names law, tick, table,
 * column and rows, and prints a test file that plays the smallest plan. `BAD_USAGE` for options that mean
 * nothing.
 *
 * @example
 * ```ts
 * import { test } from 'vitest';
 * import { laws } from 'worldfold/testing';
 * import town from './town.ts';
 *
 * laws(town, { test, from: { world: './town.ts' } });
 * ```
 */
export function laws<S extends Shape, M extends string>(
  definition: WorldDef<S, M>,
  options: LawTestOptions<NoInfer<S>, NoInfer<M>> = {},
): void {
  const world = needWorld('laws', definition);
  checkNames('the options of laws', options, [...OPTIONS, 'test', 'timeout']);
  const { test = (globalThis as { readonly test?: unknown }).test, timeout = TIMEOUT_MS } = options;
  if (typeof test !== 'function')
    fail(
      'BAD_USAGE',
      `laws needs a function that declares a test, not ${show(test)}`,
      {},
      "Write import { test } from 'vitest' and laws(world, { test }).",
    );
  const declare = test as TestFunction;
  for (const law of propertiesOf(world, options as unknown as AnyOptions))
    declare(law.name, () => assertLaw(law, options as unknown as AnyOptions), timeout);
}

/**
 * Tries one law on one plan, as a printed file does. `LAW_BROKEN` with law, tick, table, column and rows;
 * whatever else keeps the plan from being played is thrown as it is.
 *
 * @example
 * ```ts
 * await checkLaw(town, 'L5', { seed: 'a', ticks: 3, inputs: [[1, 'cured', { person: 1 }]] });
 * ```
 */
export async function checkLaw<S extends Shape, M extends string>(
  definition: WorldDef<S, M>,
  law: LawName,
  plan: Plan<NoInfer<S>>,
  circumstances: LawCircumstances<NoInfer<S>, NoInfer<M>> = {},
): Promise<void> {
  const world = needWorld('checkLaw', definition);
  checkNames('the circumstances of checkLaw', circumstances, CIRCUMSTANCES);
  guardLevels(circumstances.guard);
  const [name] = checkLawNames('law', [law]);
  if (name === 'L10' && circumstances.store === undefined)
    fail('BAD_USAGE', 'L10 compares a store with memory', {}, 'Give it: { store: () => sqliteStore(…) }.');
  try {
    await tryLaw(world, name!, planOf(plan), circumstances as unknown as AnyCircumstances);
  } catch (e) {
    throw e instanceof PlanFailed ? e.cause : e;
  }
}
