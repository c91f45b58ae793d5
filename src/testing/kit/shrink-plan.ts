/**
 * Shrinking a plan that is at hand, instead of one that fast-check drew: fewer ticks, fewer inputs, a config
 * nearer to its defaults, simpler rows.
 *
 * Owns the order in which smaller plans are tried. Each step keeps the first smaller plan for which the
 * condition still holds; it ends where no smaller one does, or after so many plans.
 */
import type { AnyWorld } from '../../simulation/world.ts';
import type { AnyInput, AnyPlan } from './plan.ts';
import { simplerRows, simplerValues } from './simpler-values.ts';

/** Whether a plan still does what is looked for. */
export type Holds = (plan: AnyPlan) => Promise<boolean>;

/** What shrinking came to. */
export interface ShrunkPlan {
  readonly plan: AnyPlan;
  /** How many plans were tried. */
  readonly tried: number;
  /** Whether it stopped before it knew of no smaller plan. */
  readonly stopped: boolean;
}

/** Tick by tick earlier by so many, the first of them together. */
function earlier(plan: AnyPlan, by: number): AnyPlan {
  const at = (tick: number): number => Math.max(1, tick - by);
  return {
    ...plan,
    ticks: plan.ticks - by,
    inputs: plan.inputs.map(([tick, kind, row]) => [at(tick), kind, row]),
    changes: plan.changes.map(([tick, change]) => [at(tick), change]),
  };
}

/** Without its last ticks, and what would happen in them. */
function shorter(plan: AnyPlan, by: number): AnyPlan {
  const ticks = plan.ticks - by;
  const isLeft = ([tick]: readonly [number, ...unknown[]]): boolean => tick <= ticks;
  return { ...plan, ticks, inputs: plan.inputs.filter(isLeft), changes: plan.changes.filter(isLeft) };
}

/** The half, the quarter, …, one. */
function portions(whole: number): readonly number[] {
  const found: number[] = [];
  for (let size = Math.ceil(whole / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    found.push(size);
  return found;
}

function* fewerTicks(plan: AnyPlan): Generator<AnyPlan> {
  for (const by of portions(plan.ticks - 1))
    if (by < plan.ticks) {
      yield shorter(plan, by);
      yield earlier(plan, by);
    }
}

function* fewerInputs(plan: AnyPlan): Generator<AnyPlan> {
  const { inputs, changes } = plan;
  if (inputs.length > 0) yield { ...plan, inputs: [] };
  for (const size of portions(inputs.length))
    for (let from = 0; from < inputs.length; from += size)
      yield { ...plan, inputs: inputs.toSpliced(from, size) };
  for (const at of changes.keys()) yield { ...plan, changes: changes.toSpliced(at, 1) };
}

function* nearerConfig(plan: AnyPlan, { schema }: AnyWorld): Generator<AnyPlan> {
  const config = plan.config as { readonly [column: string]: unknown };
  for (const column of schema.compiled.config.columns)
    for (const value of simplerValues(column, config[column.name]))
      yield { ...plan, config: { ...config, [column.name]: value } };
}

function* simplerInputs(plan: AnyPlan, { schema }: AnyWorld): Generator<AnyPlan> {
  for (const [at, [tick, kind, row]] of plan.inputs.entries()) {
    const columns = schema.compiled.kindOf.get(kind)?.columns ?? [];
    for (const other of simplerRows(columns, row as { readonly [column: string]: unknown }))
      yield { ...plan, inputs: plan.inputs.with(at, [tick, kind, other] as AnyInput) };
  }
}

const PLAIN_SEED = 'a';

function* plainSeed(plan: AnyPlan): Generator<AnyPlan> {
  if (plan.seed !== PLAIN_SEED) yield { ...plan, seed: PLAIN_SEED };
}

const WAYS: readonly ((plan: AnyPlan, world: AnyWorld) => Generator<AnyPlan>)[] = [
  fewerTicks,
  fewerInputs,
  nearerConfig,
  simplerInputs,
  plainSeed,
];

/** The smallest plan that was found for which a condition holds; it must hold for the one that is given. */
export async function shrinkPlan(
  world: AnyWorld,
  given: AnyPlan,
  holds: Holds,
  maxPlans: number,
): Promise<ShrunkPlan> {
  let plan = given;
  let tried = 0;
  const smaller = async (way: (typeof WAYS)[number]): Promise<boolean> => {
    for (const candidate of way(plan, world)) {
      if (tried === maxPlans) return false;
      tried++;
      if (!(await holds(candidate))) continue;
      plan = candidate;
      return true;
    }
    return false;
  };
  for (let found = true; found; ) {
    found = false;
    for (const way of WAYS) while (await smaller(way)) found = true;
  }
  return { plan, tried, stopped: tried === maxPlans };
}
