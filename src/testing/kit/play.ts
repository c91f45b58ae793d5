/**
 * Playing a plan: a run from its setup to the last tick of the plan, with whatever is to happen between
 * ticks.
 *
 * Owns the loop. It goes by the tick that the run has, so that a run which was opened at an earlier one is
 * given its inputs again.
 */
import { fail, isWorldfoldError } from '../../base/errors.ts';
import { memoryStore } from '../../log/memory-store.ts';
import { readFrames } from '../../log/reader.ts';
import type { RecordFrame } from '../../log/record.ts';
import type { Store } from '../../log/store.ts';
import { type Log, logOf } from '../../replay/given.ts';
import { createCore } from '../../simulation/create-run.ts';
import type { RunCore } from '../../simulation/run.ts';
import type { PolicyOptions } from '../../simulation/run-options.ts';
import type { AnyWorld } from '../../simulation/world.ts';
import { resolved } from './choices.ts';
import type { AnyInput, AnyPlan } from './plan.ts';

/** A run that is being played. */
export interface Playing {
  readonly world: AnyWorld;
  readonly plan: AnyPlan;
  readonly store: Store;
  readonly id: string;
  readonly policy: PolicyOptions;
}

/** What happens to a run while it is played. */
export interface Happenings {
  /** When it begins, and when a change of the plan gives another one. */
  begun?(run: RunCore): void;
  /** After each tick, the setup included: gives the run that goes on. */
  between?(run: RunCore): Promise<RunCore>;
  /** When a tick could not be computed or committed: gives the run that goes on, or throws. */
  failed?(error: unknown): Promise<RunCore>;
  /** Hears of the inputs of a tick as they are about to be submitted. */
  submitting?(inputs: readonly AnyInput[]): void;
}

/** A clock that stands still: commits are due by ticks, and metadata are the same in every play. */
const STILL = { wall: () => 0, steady: () => 0 };

/** How plans are played unless something else is asked for. */
export const PLAIN: PolicyOptions = { snapshots: false, clocks: STILL };

/** What is to be played, in a store of its own unless one is given. */
export const playing = (
  world: AnyWorld,
  plan: AnyPlan,
  store: Store = memoryStore(),
  policy: PolicyOptions = {},
): Playing => ({ world, plan, store, id: 'plan', policy: { ...PLAIN, ...policy } });

/** Begins the run of a plan. */
export function begin({ world, plan, store, id, policy }: Playing): Promise<RunCore> {
  return createCore(world, { store, id, seed: plan.seed, config: plan.config, ...policy });
}

type Submitters = { readonly [kind: string]: (row: object) => unknown };

/** Submits the inputs of the next tick. */
function submitNext(run: RunCore, { world, plan }: Playing, happen: Happenings): void {
  const due = plan.inputs.filter(([tick]) => tick === run.tick + 1);
  const inputs = resolved(world.schema.compiled, run.world, due);
  happen.submitting?.(inputs);
  const submit = run.submit as Submitters;
  for (const [, kind, row] of inputs)
    if (Object.hasOwn(submit, kind)) submit[kind]!(row);
    else fail('BAD_USAGE', `a plan holds an input of kind '${kind}', which there is not`, { kind });
}

/** The run that computes the next tick: a fork, where the plan says that something changes there. */
async function changed(run: RunCore, { plan }: Playing): Promise<RunCore> {
  const [at, change] = plan.changes.find(([tick]) => tick === run.tick + 1) ?? [];
  if (change === undefined) return run;
  const fork = await run.fork({ at: run.tick, id: `${run.id}-${at}`, ...change });
  await run.close();
  return fork;
}

async function step(before: RunCore, given: Playing, happen: Happenings): Promise<RunCore> {
  try {
    const run = await changed(before, given);
    if (run !== before) happen.begun?.(run);
    submitNext(run, given, happen);
    await run.advance(1);
    if (run.tick === given.plan.ticks || run.ended) await run.flush();
    return (await happen.between?.(run)) ?? run;
  } catch (e) {
    if (happen.failed === undefined) throw e;
    return happen.failed(e);
  }
}

/** Plays a plan to its end, or to that of the world. The run is open and all of it durable. */
export async function play(given: Playing, happen: Happenings = {}): Promise<RunCore> {
  let run = await begin(given);
  happen.begun?.(run);
  run = (await happen.between?.(run)) ?? run;
  while (run.tick < given.plan.ticks && !run.ended) run = await step(run, given, happen);
  return run;
}

/** A log with its records. */
export interface Recorded {
  readonly log: Log;
  /** By tick. */
  readonly frames: readonly RecordFrame[];
}

/** The durable log of a run. */
export async function recorded({ world, store, policy }: Playing, id: string): Promise<Recorded> {
  const log = await logOf(store, id, world, policy.guard);
  const frames: RecordFrame[] = [];
  for await (const frame of readFrames(store, log.source.path, 0, log.tick)) frames.push(frame);
  return { log, frames };
}

/** Plays a plan and reads what was recorded; the run is closed. */
export async function playedLog(given: Playing, happen: Happenings = {}): Promise<Recorded> {
  const run = await play(given, happen);
  await run.close();
  return recorded(given, given.id);
}

/** A plan that was played for the first time: its references are keys now. */
export interface FirstPlay extends Recorded {
  readonly plan: AnyPlan;
}

/** What came of a plan is wrong. The references of its inputs are keys, as far as it was played. */
export class PlanFailed extends Error {
  readonly plan: AnyPlan;

  constructor(plan: AnyPlan, cause: unknown) {
    super('a plan failed', { cause });
    this.plan = plan;
  }
}

/**
 * Plays a plan in memory, where references are still to be chosen, and keeps the world of each tick as it was
 * computed. What makes a tick fail is thrown as the cause of {@link PlanFailed}.
 */
export async function firstPlay(
  world: AnyWorld,
  plan: AnyPlan,
  policy: PolicyOptions = {},
): Promise<FirstPlay> {
  const snapshots = { every: 1, keep: plan.ticks + 2, onClose: false };
  const given = playing(world, plan, memoryStore(), { ...policy, snapshots });
  const inputs: AnyInput[] = [];
  const known = (): AnyPlan => ({ ...plan, inputs: [...inputs] });
  try {
    const run = await play(given, { submitting: (next) => void inputs.push(...next) });
    await run.close();
  } catch (e) {
    throw new PlanFailed(known(), e);
  }
  return { ...(await recorded(given, given.id)), plan: known() };
}

/** Whether an error says that a store, and not the world, failed. */
export const isOfStore = (e: unknown): boolean =>
  isWorldfoldError(e, 'STORE_FAILED') || isWorldfoldError(e, 'STALLED') || isWorldfoldError(e, 'CLOSED');
