/** L3: world(T) = fold(apply, records 0..T), for arbitrary worlds. */
import { afterEach, expect, test } from 'vitest';
import { allowGeneration } from '../../src/base/generate.ts';
import { memoryStore } from '../../src/log/memory-store.ts';
import { replay } from '../../src/replay/replay.ts';
import { anyWorld, type WorldPlan, worldOf } from '../../src/testing/arbitraries-world.ts';
import { dumpWorld, firstDifference, type WorldDump } from '../../src/testing/reference-world.ts';
import { begin, foldTick, Heard, referenceOf, stepOnce } from './support/drive.ts';
import { holds } from './support/holds.ts';

afterEach(() => allowGeneration(null));

/** Runs a plan live beside the reference; compares them after every tick. Returns what the reference saw. */
async function besideReference(plan: WorldPlan) {
  const store = memoryStore();
  const heard = new Heard();
  const saw: string[] = [];
  const reference = referenceOf(plan, (text) => void saw.push(text));
  const run = await begin(plan, store, { tap: heard });
  const dumps: WorldDump[] = [];
  const events: (readonly [string, object])[][] = [];
  for (;;) {
    events.push(foldTick(reference, run.tick, heard));
    const dump = reference.dump();
    expect({
      tick: run.tick,
      differs: firstDifference(dump, dumpWorld(plan.schema.spec, run.world)),
    }).toEqual({
      tick: run.tick,
      differs: null,
    });
    dumps.push(dump);
    if (run.tick === plan.ticks) return { store, run, saw, dumps, events };
    await stepOnce(plan, run, heard);
  }
}

test('L3: live, replay, at(tick) and the reference agree at every tick', async () => {
  await holds(anyWorld(), 150, async (plan) => {
    const { store, run, saw, dumps, events } = await besideReference(plan);
    const { stateHash } = await run.advance(0);
    for (let tick = 0; tick <= plan.ticks; tick++)
      expect(firstDifference(dumps[tick]!, dumpWorld(plan.schema.spec, await run.at(tick)))).toBe(null);
    await run.close();
    const sawAgain: string[] = [];
    const report = await replay(worldOf(plan, { witness: (text) => void sawAgain.push(text) }) as never, {
      store,
      id: 'any',
    });
    expect(report).toMatchObject({ tick: plan.ticks, stateHash, compared: plan.ticks + 1 });
    expect(sawAgain).toEqual(saw);
    expect(events.length).toBe(plan.ticks + 1);
  });
});
