/** Runs generic worlds: live with a tap, and beside it the reference world that folds what the tap heard. */

import type { Store } from '../../../src/log/store.ts';
import { Streams } from '../../../src/random/streams.ts';
import { createCore } from '../../../src/simulation/create-run.ts';
import type { RunCore } from '../../../src/simulation/run.ts';
import { digestOf, textOf } from '../../../src/testing/arbitraries-rows.ts';
import {
  handlersOf,
  type InputPlan,
  type Tap,
  type WorldPlan,
  type WorldVariant,
  worldOf,
} from '../../../src/testing/arbitraries-world.ts';
import {
  type ReferenceEvent,
  type ReferenceWave,
  ReferenceWorld,
} from '../../../src/testing/reference-world.ts';

/** What was emitted, by tick. */
export class Heard implements Tap {
  readonly waves = new Map<number, ReferenceWave[]>();
  readonly ids = new Map<number, [kind: string, ids: unknown][]>();

  wave(tick: number, wave: ReferenceWave): void {
    this.waves.set(tick, [...(this.waves.get(tick) ?? []), wave]);
  }
  returned(tick: number, kind: string, ids: unknown): void {
    this.ids.set(tick, [...(this.ids.get(tick) ?? []), [kind, ids]]);
  }
  /** Forgets a tick that failed. */
  drop(tick: number): void {
    this.waves.delete(tick);
    this.ids.delete(tick);
  }
}

/** Clocks that stand still, so that whole records can be compared. */
export const STILL = { wall: () => 1_700_000_000_000, steady: () => 0 };

/** Begins the run of a plan. */
export const begin = (
  plan: WorldPlan,
  store: Store,
  variant: WorldVariant = {},
  id = 'any',
): Promise<RunCore> =>
  createCore(worldOf(plan, variant), {
    store,
    seed: plan.seed,
    config: plan.config,
    id,
    clocks: STILL,
    commit: { ticks: 2 },
  });

type Submit = {
  readonly [kind: string]: (
    row: object,
    from?: object,
  ) => { readonly applied: Promise<{ readonly repeated: boolean; readonly created: unknown }> };
};

/** The inputs of a tick. */
export const inputsOf = (plan: WorldPlan, tick: number): readonly InputPlan[] =>
  plan.inputs.filter((input) => input.tick === tick);

/** Submits the inputs of the next tick; what became of each is known when the tick is computed. */
export function submitInputs(plan: WorldPlan, run: RunCore): Promise<('applied' | 'repeated' | 'refused')[]> {
  const submitted = inputsOf(plan, run.tick + 1).map(({ kind, row, from }) =>
    (run.submit as Submit)[kind]!(row, from ?? undefined).applied.then(
      ({ repeated }) => (repeated ? ('repeated' as const) : ('applied' as const)),
      (e) => {
        if (e.code !== 'BAD_INPUT') throw e;
        return 'refused' as const;
      },
    ),
  );
  return Promise.all(submitted);
}

/** One tick with its inputs; the tap hears of those that were applied. */
export async function stepOnce(
  plan: WorldPlan,
  run: RunCore,
  tap?: Tap & { readonly waves?: Heard['waves'] },
) {
  const tick = run.tick + 1;
  const fates = submitInputs(plan, run);
  const advanced = await run.advance(1);
  const became = await fates;
  const heard = tap?.waves?.get(tick) ?? [];
  const applied = inputsOf(plan, tick)
    .filter((_, i) => became[i] === 'applied')
    .map(({ kind, row }): ReferenceWave => ({ origin: 'inputs', events: [[kind, row]] }));
  tap?.waves?.set(tick, [...applied, ...heard]);
  return { ...advanced, became };
}

/** All ticks of a plan, one after another. */
export async function runOut(plan: WorldPlan, run: RunCore): Promise<void> {
  while (run.tick < plan.ticks) await stepOnce(plan, run);
}

/** The reference world of a plan; its handlers say what they see to the witness. */
export function referenceOf(plan: WorldPlan, witness?: (saw: string) => void): ReferenceWorld {
  const streams = new Streams(plan.seed);
  return new ReferenceWorld(plan.schema, handlersOf(plan, witness), (tick, kind, origin, ordinal) => {
    const drawn = streams.applying(tick, kind, origin).at(ordinal);
    return { rng: (stream: string) => drawn.rng(stream) };
  });
}

/** Folds the waves of one tick; returns the events as they must be recorded. */
export const foldTick = (reference: ReferenceWorld, tick: number, heard: Heard): ReferenceEvent[] =>
  (heard.waves.get(tick) ?? []).flatMap((wave) => reference.fold(tick, wave));

/** Texts by their digest, for comparing long sequences. */
export const shortOf = (value: unknown): number => digestOf(textOf(value));
