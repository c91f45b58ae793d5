/** L4: a world that went through a file is the world, and continues exactly as it would have. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hex } from '../../src/base/bytes.ts';
import { loadHash } from '../../src/base/hash.ts';
import { loadSnapshot, openSnapshot, type SaveOptions, saveSnapshot } from '../../src/files/index.ts';
import { memoryStore } from '../../src/log/memory-store.ts';
import { decodeBatches, freshSets, type RecordFrame } from '../../src/log/record.ts';
import { Applier } from '../../src/projections/applier.ts';
import { foldTick } from '../../src/projections/fold.ts';
import { stateOf, type WorldState } from '../../src/projections/world-state.ts';
import { Streams } from '../../src/random/streams.ts';
import { validRow } from '../../src/schema/validate.ts';
import { textOf } from '../../src/testing/arbitraries-rows.ts';
import { anyWorld, type WorldPlan, worldOf } from '../../src/testing/arbitraries-world.ts';
import { dumpWorld } from '../../src/testing/reference-world.ts';
import { begin, runOut } from './support/drive.ts';
import { holds } from './support/holds.ts';
import { framesOf } from './support/recorded.ts';

const place = mkdtempSync(join(tmpdir(), 'worldfold-files-'));
const file = join(place, 'world');
beforeAll(loadHash);
afterAll(() => rmSync(place, { recursive: true, force: true }));

const FORMS: readonly SaveOptions[] = [
  { format: 'columns' },
  { format: 'columns', compress: true },
  { format: 'npz' },
  { format: 'npz', compress: true },
];

/** A run of a plan, and its records. */
async function ran(plan: WorldPlan) {
  const store = memoryStore();
  const run = await begin(plan, store);
  await runOut(plan, run);
  await run.flush();
  return { run, frames: await framesOf(store) };
}

/** Folds later records into a state; returns the state hash after each. */
function continued(plan: WorldPlan, state: WorldState, config: object, frames: readonly RecordFrame[]) {
  const { apply } = worldOf(plan).def;
  const applier = new Applier(state, apply);
  applier.enter(new Streams(plan.seed), config);
  return frames.map((frame) => {
    const batches = decodeBatches(frame, state.schema, freshSets(state.schema));
    foldTick(frame.tick, frame.waves, batches, applier);
    return hex(state.digest());
  });
}

test('L4: every format gives the world back, with its hash, capacity and allocators', async () => {
  await holds(anyWorld({ maxTicks: 3 }), 40, async (plan) => {
    const { run } = await ran(plan);
    const before = stateOf(run.world)!;
    const dump = textOf(dumpWorld(plan.schema.spec, run.world));
    for (const form of FORMS) {
      await saveSnapshot(run.world, file, {
        ...form,
        durability: 'process',
        tick: run.tick,
        seed: plan.seed,
      });
      const { world, stateHash, tick, seed } = await loadSnapshot(file, { schema: plan.schema });
      const after = stateOf(world)!;
      expect({ stateHash, tick, seed }).toEqual({
        stateHash: hex(before.digest()),
        tick: plan.ticks,
        seed: plan.seed,
      });
      expect(textOf(dumpWorld(plan.schema.spec, world))).toBe(dump);
      for (const [name, { set, nextId }] of after.tables) {
        const table = before.tables.get(name)!;
        expect([set.capacity, nextId]).toEqual([table.set.capacity, table.nextId]);
      }
    }
    await run.close();
  });
});

test('L4: a world from a file continues with the hashes of one that never stopped', async () => {
  await holds(anyWorld({ maxTicks: 5 }), 40, async (plan) => {
    const { run, frames } = await ran(plan);
    const config = validRow(plan.schema.compiled.config, plan.config, 'config', 'BAD_INPUT');
    const middle = Math.floor(plan.ticks / 2);
    const later = frames.slice(middle + 1);
    const expected = later.map(({ stateHash }) => hex(stateHash!));
    for (const form of FORMS) {
      await saveSnapshot(await run.at(middle), file, { ...form, durability: 'process' });
      const { world } = await loadSnapshot(file, { schema: plan.schema });
      expect(continued(plan, stateOf(world)!, config, later)).toEqual(expected);
    }
    await run.close();
  });
});

test('L4: columns and tables that are read alone are those of the world', async () => {
  await holds(anyWorld({ maxTicks: 2 }), 25, async (plan) => {
    const { run } = await ran(plan);
    const state = stateOf(run.world)!;
    for (const form of FORMS) {
      await saveSnapshot(run.world, file, { ...form, durability: 'process' });
      const opened = await openSnapshot(file);
      for (const { table, column } of opened.columns) {
        const { set, size } = state.tables.get(table)!;
        const alone = await opened.column(table, column);
        expect(textOf(alone)).toBe(textOf(set.byName.get(column)!.view(0, size)));
      }
      for (const { name } of state.schema.tables.filter(({ name }) => !name.startsWith('$'))) {
        const alone = (await opened.table(name)) as never as Iterable<object> & { value?: object };
        const rows = state.schema.tableOf.get(name)!.single ? [alone.value] : [...alone];
        const { set, size } = state.tables.get(name)!;
        expect(rows.map(textOf)).toEqual(Array.from({ length: size }, (_, i) => textOf(set.rowAt(i))));
      }
      await opened.close();
    }
    await run.close();
  });
});
