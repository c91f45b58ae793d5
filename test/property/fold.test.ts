/** L3: world(T) = fold(apply, records 0..T), for arbitrary worlds. */
import { afterEach, expect, test } from 'vitest';
import { allowGeneration } from '../../src/base/generate.ts';
import { memoryStore } from '../../src/log/memory-store.ts';
import { replay } from '../../src/replay/replay.ts';
import { SOURCE_KIND } from '../../src/schema/compile.ts';
import { textOf } from '../../src/testing/arbitraries-rows.ts';
import { anyWorld, type WorldPlan, type WorldVariant, worldOf } from '../../src/testing/arbitraries-world.ts';
import {
  dumpWorld,
  firstDifference,
  type ReferenceEvent,
  type WorldDump,
} from '../../src/testing/reference-world.ts';
import { begin, foldTick, Heard, referenceOf, runOut, stepOnce } from './support/drive.ts';
import { expectOneWorld } from './support/faces.ts';
import { holds } from './support/holds.ts';
import { eventsIn, framesOf, hashedPart } from './support/recorded.ts';

afterEach(() => allowGeneration(null));

/** Runs a plan live beside the reference; compares them after every tick. */
async function besideReference(plan: WorldPlan) {
  const store = memoryStore();
  const heard = new Heard();
  const saw: string[] = [];
  const reference = referenceOf(plan, (text) => void saw.push(text));
  const run = await begin(plan, store, { tap: heard });
  const dumps: WorldDump[] = [];
  const events: ReferenceEvent[][] = [];
  for (;;) {
    const { tick } = run;
    events.push(foldTick(reference, tick, heard));
    const dump = reference.dump();
    const differs = firstDifference(dump, dumpWorld(plan.schema.spec, run.world));
    expect({ tick, differs }).toEqual({ tick, differs: null });
    dumps.push(dump);
    if (tick === plan.ticks) return { store, run, saw, dumps, events, heard };
    await stepOnce(plan, run, heard);
  }
}

test('L3: live, replay, at(tick) and the reference agree at every tick', async () => {
  await holds(anyWorld(), 120, async (plan) => {
    const { store, run, saw, dumps } = await besideReference(plan);
    const { stateHash } = await run.advance(0);
    expectOneWorld(plan.schema.compiled, run.world);
    for (let tick = 0; tick <= plan.ticks; tick++) {
      const past = await run.at(tick);
      expect(firstDifference(dumps[tick]!, dumpWorld(plan.schema.spec, past))).toBe(null);
    }
    await run.close();
    const sawAgain: string[] = [];
    const witness = (text: string) => void sawAgain.push(text);
    const report = await replay(worldOf(plan, { witness }) as never, { store, id: 'any' });
    expect(report).toMatchObject({ tick: plan.ticks, stateHash, compared: plan.ticks + 1 });
    expect(sawAgain).toEqual(saw);
  });
});

/** The ids that emitting an event or inserting a row returns. */
function idsOf(plan: WorldPlan, [kind, row]: ReferenceEvent): string {
  const { kindOf, tableOf } = plan.schema.compiled;
  const { table, creates } = kindOf.get(kind)!;
  const names = (table === null ? creates : tableOf.get(table)!.key).map(({ name }) => name);
  const ids = names.map((name) => [name, (row as { [column: string]: unknown })[name]] as const);
  return `${kind} ${textOf(ids.length === 1 ? ids[0]![1] : ids.length === 0 ? undefined : Object.fromEntries(ids))}`;
}

test('L3: a record holds what was emitted, as it was applied, with the ids that emitting returned', async () => {
  await holds(anyWorld(), 80, async (plan) => {
    const { store, run, events, heard } = await besideReference(plan);
    await run.flush();
    const frames = await framesOf(store);
    let sequence = 0;
    frames.forEach((frame, tick) => {
      expect(frame.sequence).toBe(sequence);
      const recorded = eventsIn(frame, plan.schema.compiled);
      sequence += recorded.length;
      const users = recorded.filter(([kind]) => kind !== SOURCE_KIND);
      expect(users.map(textOf)).toEqual(events[tick]!.map(textOf));
      const returned = (heard.ids.get(tick) ?? []).map(([kind, ids]) => `${kind} ${textOf(ids)}`);
      const there = new Set(users.map((event) => idsOf(plan, event)));
      expect(returned.filter((ids) => !there.has(ids))).toEqual([]);
    });
    for (const { name, source, columns } of plan.schema.compiled.kinds) {
      if (source === 'insert' || source === 'source') continue;
      const logged: string[] = [];
      // Columns called tick and seq hide the event's place.
      const plain = !columns.some((column) => column.name === 'tick' || column.name === 'seq');
      let last = -1;
      for await (const { tick, seq, ...row } of run.events(name) as AsyncIterable<Record<string, number>>) {
        if (plain) {
          expect(seq).toBeGreaterThan(last);
          last = seq!;
        }
        logged.push(textOf(plain ? row : { tick, seq, ...row }));
      }
      const expected = events.flat().filter(([kind]) => kind === name);
      expect(logged.length).toBe(expected.length);
      if (plain) expect(logged).toEqual(expected.map(([, row]) => textOf(row)));
    }
  });
});

/** What is hashed of a plan's records, tick by tick: the text of the code stands outside. */
async function bytesOf(plan: WorldPlan, variant: WorldVariant = {}): Promise<string[]> {
  const store = memoryStore();
  const run = await begin(plan, store, variant);
  await runOut(plan, run);
  await run.close();
  return (await framesOf(store)).map(hashedPart);
}

test('L3: handlers in row form and in batch form fold the same', async () => {
  const still = anyWorld().map((plan) => ({ ...plan, handlersDraw: false }));
  await holds(still, 150, async (plan) => {
    expect(await bytesOf(plan, { handlers: 'batch' })).toEqual(await bytesOf(plan));
  });
});

test('L3: generated code and the general path give the same bytes', async () => {
  await holds(anyWorld(), 150, async (plan) => {
    const generated = await bytesOf(plan);
    allowGeneration(false);
    const general = await bytesOf(plan);
    allowGeneration(null);
    expect(general).toEqual(generated);
  });
});
