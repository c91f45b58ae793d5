/** L9: with and without a tick log, whatever its clock says, a run computes the same and draws the same. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { hex } from '../../src/base/bytes.ts';
import { memoryStore } from '../../src/log/memory-store.ts';
import { encodeRecord, type RecordFrame } from '../../src/log/record.ts';
import type { RecordTimes } from '../../src/log/record-times.ts';
import { createCore } from '../../src/simulation/create-run.ts';
import { openCore } from '../../src/simulation/open-run.ts';
import type { RunCore } from '../../src/simulation/run.ts';
import type { TickLogEntry } from '../../src/simulation/tick-log.ts';
import { anyWorld, type WorldPlan, worldOf } from '../../src/testing/arbitraries-world.ts';
import { dumpWorld, firstDifference } from '../../src/testing/reference-world.ts';
import { runOut } from './support/drive.ts';
import { holds } from './support/holds.ts';
import { framesOf, hashedPart } from './support/recorded.ts';

/** How a run is timed: not at all, or by a clock that goes on by these steps, again and again. */
type Steps = readonly number[] | null;

const policyOf = (steps: Steps) => {
  let [now, at] = [0, 0];
  const steady = (): number => {
    if (steps !== null && steps.length > 0) now += steps[at++ % steps.length]!;
    return now;
  };
  return {
    clocks: { wall: () => 5, steady },
    tickLog: steps !== null,
    commit: { ticks: 2, ms: Number.MAX_SAFE_INTEGER },
  };
};

interface Played {
  readonly frames: readonly RecordFrame[];
  readonly log: readonly TickLogEntry[];
  readonly world: ReturnType<typeof dumpWorld>;
}

async function logOf(run: RunCore): Promise<TickLogEntry[]> {
  const log: TickLogEntry[] = [];
  for await (const entry of run.tickLog()) log.push(entry);
  return log;
}

/** Plays a plan, reopens the run and goes on for two ticks. */
async function played(plan: WorldPlan, steps: Steps): Promise<Played> {
  const store = memoryStore();
  const { seed, config } = plan;
  const policy = policyOf(steps);
  const first = await createCore(worldOf(plan), { store, seed, config, id: 'any', ...policy });
  await runOut(plan, first);
  await first.close();
  const run = await openCore(worldOf(plan), { store, id: 'any', ...policy });
  await run.advance(2);
  const log = await logOf(run);
  const world = dumpWorld(plan.schema.spec, run.world);
  await run.close();
  return { frames: await framesOf(store), log, world };
}

const anySteps = fc.array(
  fc.oneof(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.constantFrom(-3, 0, Number.NaN, 1e300)),
  { maxLength: 12 },
);

test('L9: a tick log changes no hash, no draw and no state, and no byte that is not its own', async () => {
  await holds(fc.tuple(anyWorld({ maxTicks: 4 }), anySteps), 60, async ([plan, steps]) => {
    const [on, off] = [await played(plan, steps), await played(plan, null)];
    expect(on.frames.map(hashedPart)).toEqual(off.frames.map(hashedPart));
    expect(on.frames.map(({ draws }) => draws)).toEqual(off.frames.map(({ draws }) => draws));
    expect(firstDifference(on.world, off.world)).toBe(null);
    expect(off.frames.every(({ meta }) => meta.times === undefined)).toBe(true);
    const without = ({ meta: { times: _, ...meta } }: RecordFrame) => meta;
    expect(on.frames.map(without)).toEqual(off.frames.map(without));
    // What the metadata hold without times is, byte for byte, what they held before there were any.
    on.frames.forEach((frame, i) => {
      const bare = encodeRecord({ ...frame, batches: [] }, without(frame));
      const other = encodeRecord({ ...off.frames[i]!, batches: [] }, off.frames[i]!.meta);
      expect(hex(bare.bytes)).toBe(hex(other.bytes));
    });
  });
});

test('the parts of every tick sum to the whole, whatever the clock says', async () => {
  await holds(fc.tuple(anyWorld({ maxTicks: 4 }), anySteps), 40, async ([plan, steps]) => {
    const { frames, log } = await played(plan, steps);
    const names = new Set(Object.keys(worldOf(plan).def.invariants ?? {}));
    expect(log.map(({ tick }) => tick)).toEqual(frames.map(({ tick }) => tick));
    for (const [i, { meta }] of frames.entries()) {
      const { computed, begun, systems, invariants, metrics, hash, before } = meta.times!;
      const ran = systems.flatMap((system) => (system === null ? [] : [system.run, system.apply]));
      const parts = [begun, metrics, hash ?? 0, ...ran, ...invariants].reduce((a, b) => a + b, 0);
      expect(parts).toBeLessThanOrEqual(computed);
      if (before !== null) expect(before.encoded + before.waited).toBeLessThanOrEqual(before.between);
      expect(new Set(log[i]!.times!.invariants.map(({ name }) => name))).toEqual(names);
      expect(log[i]!.times!.restMs).toBe((computed - parts) / 1000);
    }
    // A writer tells nothing of what was before it, and its names once.
    const begun = [0, plan.ticks + 1];
    const first = (is: (times: RecordTimes) => boolean): number[] =>
      frames.filter(({ meta }) => is(meta.times!)).map(({ tick }) => tick);
    expect(first(({ before }) => before === null)).toEqual(begun);
    expect(first(({ names }) => names !== null)).toEqual(begun);
  });
});
