/** L5: any run of any world is verified to the last byte, and a log that was made otherwise is not. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { memoryStore, type Store, verify, verifyText } from '../../src/index.ts';
import { segmentPrefix } from '../../src/log/reader.ts';
import { decodeBatches, encodeRecord, freshSets, NO_HASH } from '../../src/log/record.ts';
import { anyWorld, type WorldPlan, worldOf } from '../../src/testing/arbitraries-world.ts';
import { newRun } from '../contract/records.ts';
import { begin, runOut } from './support/drive.ts';
import { holds } from './support/holds.ts';
import { framesOf } from './support/recorded.ts';

const given = (store: Store, plan: WorldPlan) =>
  ({ store, id: 'any', world: worldOf(plan) as never }) as const;

test('L5: systems run again give the recorded bytes, draw for draw, from any tick on', async () => {
  await holds(fc.tuple(anyWorld(), fc.nat(), fc.boolean()), 150, async ([plan, start, isOpen]) => {
    const store = memoryStore();
    const run = await begin(plan, store);
    await runOut(plan, run);
    if (!isOpen) await run.close();
    const from = start % (run.tick + 1);
    const report = await verify(isOpen ? (run as never) : given(store, plan), { from });
    expect(report.verdict, verifyText(report)).toBe('verified');
    expect(report.executed).toBe(run.tick - from + 1);
    if (isOpen) await run.close();
  });
});

/** The log of a run with one more draw in the record of a tick, and everything after it chained anew. */
async function forged(plan: WorldPlan, store: Store, tick: number): Promise<Store> {
  const made = memoryStore();
  const segment = `${segmentPrefix('any')}forged`;
  const { compiled } = plan.schema;
  let previous = NO_HASH;
  for (const frame of await framesOf(store)) {
    const batches = decodeBatches(frame, compiled, freshSets(compiled));
    const draws = frame.tick === tick ? [...frame.draws, { stream: 'forged', draws: 1 }] : frame.draws;
    const record = encodeRecord({ ...frame, batches, draws, previous }, frame.meta);
    previous = record.hash;
    if (frame.tick === 0) await made.create(newRun('any', record, { segment }));
    else await made.append(segment, 1, frame.tick, [record]);
  }
  return made;
}

test('L5: a log whose chain and hashes are sound, and whose draws are not, is found out at its tick', async () => {
  await holds(fc.tuple(anyWorld(), fc.nat()), 100, async ([plan, at]) => {
    const store = memoryStore();
    const run = await begin(plan, store);
    await runOut(plan, run);
    await run.close();
    const tick = at % (run.tick + 1);
    const { verdict, divergence, executed } = await verify(given(await forged(plan, store, tick), plan));
    expect([verdict, executed]).toEqual(['diverged', tick]);
    expect(divergence).toMatchObject({ tick, found: 'execute', place: { what: 'draws' } });
    expect(divergence!.place!.draws).toEqual([{ stream: 'forged', a: 1, b: null }]);
  });
});
