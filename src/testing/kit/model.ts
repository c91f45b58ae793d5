/**
 * `model`: a simple reference in plain objects, stepped beside runs over arbitrary plans.
 *
 * The reference sees what the log holds (events in their order, tick by tick) and must come to what the world
 * came to. Owns how the two are stepped; what counts as equal is the user's.
 */
import * as fc from 'fast-check';
import { guardLevels } from '../../base/ambient.ts';
import { checkFunction, checkNames } from '../../base/arguments.ts';
import { messageOf, show } from '../../base/canonical.ts';
import { fail, isWorldfoldError, WorldfoldError } from '../../base/errors.ts';
import { loadHash } from '../../base/hash.ts';
import { memoryStore } from '../../log/memory-store.ts';
import { readFrame } from '../../log/reader.ts';
import { logOf, needWorld } from '../../replay/given.ts';
import type { CompiledSchema } from '../../schema/compile.ts';
import type { Config, EventRow, Kinds, Shape } from '../../schema/infer.ts';
import type { World } from '../../schema/views.ts';
import { validConfig } from '../../simulation/config.ts';
import type { WorldDef } from '../../simulation/define-world.ts';
import type { RunCore } from '../../simulation/run.ts';
import type { PolicyOptions } from '../../simulation/run-options.ts';
import type { GuardOption } from '../../simulation/types.ts';
import type { AnyWorld } from '../../simulation/world.ts';
import { loggedRows } from './logged-events.ts';
import { type AnyInput, type AnyPlan, type Plan, planOf } from './plan.ts';
import { type AnyPlanOptions, anyPlan, PLAN_OPTIONS, type PlanOptions } from './plan-arbitraries.ts';
import { PlanFailed, play, playing } from './play.ts';
import { guardParts, planSummary, type ReproductionModules, reproductionText } from './reproduction.ts';

/** The moment that a reference is stepped at. */
export interface ModelNow<S extends Shape> {
  readonly tick: number;
  readonly config: Config<S>;
}

/** An event of the log with its kind: of a system, or an input. */
export type ModelEvent<S extends Shape> = {
  readonly [K in Kinds<S>]: readonly [kind: K, row: EventRow<S, K>];
}[Kinds<S>];

/** The state anew, or nothing where it was changed as it is. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function written as a block returns void.
export type ModelStep<R> = R | undefined | void;
/** Whether the two are the same: false, or a text that says why not, is no. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function written as a block returns void.
export type ModelVerdict = boolean | string | undefined | void;

/** A simple reference: `R` is whatever it keeps, and is changed or returned anew. */
export interface Model<S extends Shape, R> {
  /** What it begins with: the world as the setup left it is given to be read. */
  readonly init: (world: World<S>, now: ModelNow<S>) => R;
  /** What each kind of event or input does, one by one, in the order of the log. Others do nothing. */
  readonly apply?: {
    readonly [K in Kinds<S>]?: (state: R, event: EventRow<S, K>, now: ModelNow<S>) => ModelStep<R>;
  };
  /** What a whole tick does, after `apply`: its events and inputs in the order of the log. */
  readonly step?: (state: R, events: readonly ModelEvent<S>[], now: ModelNow<S>) => ModelStep<R>;
  /**
   * Compares the two after each tick, the setup included: throws, or returns false or a text, where they are
   * not the same.
   */
  readonly compare: (world: World<S>, state: R, now: ModelNow<S>) => ModelVerdict;
}

/** How a model is tried. */
export interface ModelOptions<S extends Shape> extends PlanOptions<S> {
  /** How many plans (50). */
  readonly runs?: number;
  /** The seed of fast-check. */
  readonly seed?: number;
  /** What becomes of a tick that uses a source which no log holds, as in the options of `createRun`. */
  readonly guard?: GuardOption;
  /** This plan alone, as a printed file gives it. */
  readonly plan?: Plan<S>;
  /** Which modules a printed file imports. */
  readonly from?: ReproductionModules;
}

interface AnyModel {
  readonly init: (world: object, now: object) => unknown;
  readonly apply?: {
    readonly [kind: string]: ((state: unknown, row: object, now: object) => unknown) | undefined;
  };
  readonly step?: (state: unknown, events: readonly (readonly [string, object])[], now: object) => unknown;
  readonly compare: (world: object, state: unknown, now: object) => unknown;
}

const PARTS = ['init', 'apply', 'step', 'compare'];
const OPTIONS = [...PLAN_OPTIONS, 'runs', 'seed', 'guard', 'plan', 'from'];
const RUNS = 50;

/** A reference that goes along with one run. */
class Beside {
  private readonly world: AnyWorld;
  private readonly model: AnyModel;
  private state: unknown;

  constructor(world: AnyWorld, model: AnyModel) {
    this.world = world;
    this.model = model;
  }

  /** Takes the tick that a run has computed: the setup begins the reference anew. */
  take(run: RunCore, config: object, events: readonly (readonly [string, object])[]): void {
    const now = { tick: run.tick, config };
    if (run.tick === 0) this.state = this.model.init(run.world, now);
    else this.step(events, now);
    this.compare(run, now);
  }

  private step(events: readonly (readonly [string, object])[], now: object): void {
    const { apply = {}, step } = this.model;
    for (const [kind, row] of events)
      this.state =
        (Object.hasOwn(apply, kind) ? apply[kind]?.(this.state, row, now) : undefined) ?? this.state;
    this.state = step?.(this.state, events, now) ?? this.state;
  }

  private compare(run: RunCore, now: object): void {
    const { tick } = run;
    const { name } = this.world.schema.compiled.spec;
    const differ = (why: string, cause?: unknown): never =>
      fail(
        'NOT_AS_EXPECTED',
        `tick ${tick}: '${name}' and its model differ${why === '' ? '' : `: ${why}`}`,
        { tick },
        undefined,
        cause,
      );
    let answer: unknown;
    try {
      answer = this.model.compare(run.world, this.state, now);
    } catch (e) {
      differ(messageOf(e), e);
    }
    if (answer === false) differ('');
    if (typeof answer === 'string') differ(answer);
  }
}

const isOfUser = ({ kindOf }: CompiledSchema, kind: string): boolean =>
  ['event', 'fact', 'input'].includes(kindOf.get(kind)!.source);

/** The config that holds at a tick of a plan. */
function configAt(world: AnyWorld, { config, changes }: AnyPlan, tick: number): object {
  const made = changes.filter(([from]) => from <= tick).map(([, change]) => change.config ?? {});
  return validConfig(world, Object.assign({}, config, ...made));
}

/** Plays a plan with the reference beside it. What they differ in is the cause of {@link PlanFailed}. */
async function playBeside(
  world: AnyWorld,
  model: AnyModel,
  plan: AnyPlan,
  policy: PolicyOptions,
): Promise<void> {
  const store = memoryStore();
  const { compiled } = world.schema;
  const given = playing(world, plan, store, policy);
  const inputs: AnyInput[] = [];
  const beside = new Beside(world, model);
  const between = async (run: RunCore): Promise<RunCore> => {
    await run.flush();
    const { source } = await logOf(store, run.id, world);
    const frame = await readFrame(store, source.path, run.tick);
    const rows = loggedRows(compiled, frame).filter(({ kind }) => isOfUser(compiled, kind));
    beside.take(
      run,
      configAt(world, plan, run.tick),
      rows.map(({ kind, row }) => [kind, row] as const),
    );
    return run;
  };
  try {
    const run = await play(given, { between, submitting: (next) => void inputs.push(...next) });
    await run.close();
  } catch (e) {
    throw new PlanFailed({ ...plan, inputs }, e);
  }
}

function reported(
  world: AnyWorld,
  { plan, cause }: PlanFailed,
  { guard, from = {} }: AnyOptions,
): WorldfoldError {
  const { name } = world.schema.compiled.spec;
  const file = reproductionText({
    world,
    plan,
    name: `${name} does as its model`,
    found: messageOf(cause),
    call: 'model',
    before: ['world', 'reference'],
    asOption: 'plan',
    options: guardParts(guard),
    modules: from,
    imports: ['reference'],
  });
  const known = isWorldfoldError(cause) ? cause : null;
  return new WorldfoldError(
    known?.code ?? 'NOT_AS_EXPECTED',
    `${messageOf(cause)}\n\nThe plan: ${planSummary(plan)}. As a file:\n\n${file}`,
    { ...known?.facts, plan, file },
    known?.hint,
    known?.cause ?? cause,
  );
}

/**
 * Asserts that a world does as a simple reference of it: both go along over arbitrary plans, and are compared
 * after each tick. A failure is shrunk, names the tick and what `compare` said, and prints a file that plays
 * the smallest plan. `NOT_AS_EXPECTED`.
 *
 * @example
 * ```ts
 * test('the market does as a list of prices', () =>
 *   model(market, {
 *     init: () => ({ sold: 0 }),
 *     apply: { sold: (m, { count }) => ({ sold: m.sold + count }) },
 *     compare: ({ market }, { sold }) => market.value.sold === sold,
 *   }));
 * ```
 */
export async function model<S extends Shape, M extends string, R>(
  definition: WorldDef<S, M>,
  reference: Model<NoInfer<S>, R>,
  options: ModelOptions<NoInfer<S>> = {},
): Promise<void> {
  const world = needWorld('model', definition);
  checkNames('a model', reference, PARTS);
  for (const part of ['init', 'compare'] as const)
    if (typeof reference[part] !== 'function')
      fail('BAD_USAGE', `a model needs '${part}', not ${show(reference[part])}`, { part });
  checkFunction('step of a model', reference.step);
  checkNames('the options of model', options, OPTIONS);
  const { runs = RUNS, seed, plan, from, guard, ...given } = options as AnyOptions;
  guardLevels(guard);
  await loadHash();
  const beside = reference as unknown as AnyModel;
  const play = (one: AnyPlan): Promise<void> =>
    playBeside(world, beside, one, guard === undefined ? {} : { guard }).catch((e) => {
      throw e instanceof PlanFailed ? reported(world, e, options as AnyOptions) : e;
    });
  if (plan !== undefined) return play(planOf(plan));
  const found = await fc.check(fc.asyncProperty(anyPlan(world, given), play), {
    numRuns: runs,
    ...(seed !== undefined && { seed }),
  });
  if (found.failed) throw found.errorInstance;
}

interface AnyOptions extends AnyPlanOptions {
  readonly runs?: number;
  readonly seed?: number;
  readonly plan?: object;
  readonly guard?: GuardOption;
  readonly from?: ReproductionModules;
}
