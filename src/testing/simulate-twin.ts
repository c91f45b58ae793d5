/**
 * The end of a simulated schedule: every run is mended, and compared with a twin that nobody ever disturbed.
 *
 * Owns the last judgement. A healthy process takes each run, sends what no source heard of, and closes it.
 * Then the log alone is read: replay agrees, and an engine without store, writers or faults that is given the
 * recorded inputs at their ticks computes the same records, hash for hash.
 */
import { hex } from '../base/bytes.ts';
import { pathOf } from '../log/lineage.ts';
import { findRun, readFrames } from '../log/reader.ts';
import { decodeBatches, encodeRecord, freshSets, type RecordFrame } from '../log/record.ts';
import { replay } from '../replay/replay.ts';
import { SOURCE_KIND } from '../schema/compile.ts';
import { validRow } from '../schema/validate.ts';
import { createRun } from '../simulation/create-run.ts';
import type { ComputedTick, Engine, PendingInput } from '../simulation/engine.ts';
import { readEnvironment } from '../simulation/history.ts';
import { openRun } from '../simulation/open-run.ts';
import { newEngine } from '../simulation/run-options.ts';
import type { AnyWorld } from '../simulation/world.ts';
import { drawPolicy } from './simulate-actors.ts';
import { Pen, SeededFuse } from './simulate-pen.ts';
import { isGood, type Stage } from './simulate-stage.ts';
import { simulatedSchema, simulatedWorld, worldText } from './simulate-world.ts';

const { compiled } = simulatedSchema;
const WORLD = simulatedWorld(() => {});

/** The inputs of a recorded tick, in order, as they waited for it. */
function inputsOf(frame: RecordFrame): PendingInput[] {
  const sets = new Map(
    decodeBatches(frame, compiled, freshSets(compiled)).map(({ kind, set }) => [kind, set]),
  );
  const next = new Map<number, number>();
  const inputs: PendingInput[] = [];
  for (const { origin, runs } of frame.waves) {
    if (origin !== 'inputs') continue;
    for (const { kind, size, times } of runs)
      for (let left = size * times; left > 0; left--) {
        const at = next.get(kind) ?? 0;
        next.set(kind, at + 1);
        const row = sets.get(kind)!.rowAt(at) as { [column: string]: unknown };
        const layout = compiled.kinds[kind]!;
        if (layout.name === SOURCE_KIND)
          inputs.push({ ...inputs.pop()!, source: row.source as string, seq: row.seq as number });
        else {
          for (const { name } of layout.creates) delete row[name];
          const own = validRow(layout, row, 'a recorded input', 'BAD_INPUT');
          inputs.push({ kind: layout.name, row: own, source: null, seq: 0 });
        }
      }
  }
  return inputs;
}

/** Runs the systems again on the recorded inputs: the same records must come out. */
async function runTwin(stage: Stage, id: string): Promise<void> {
  const { book, medium } = stage;
  const { store } = stage.start('twin', true);
  const { segment } = await findRun(store, id);
  const path = await pathOf(store, segment);
  const engine: Engine = newEngine(WORLD as unknown as AnyWorld, { hashEvery: stage.plan.runs[id]! });
  engine.propose(await readEnvironment(store, path));
  for await (const frame of readFrames(store, path, 0, segment.head.tick)) {
    const { tick } = frame;
    const { content }: ComputedTick = tick === 0 ? engine.setup() : engine.step(inputsOf(frame));
    const { hash } = encodeRecord(content, { time: 0, metricNames: null, metrics: [] });
    engine.advanceTo(content, hash);
    book.holds(hex(hash) === hex(frame.hash), () => `L5: the twin of ${id} has another tick ${tick}`);
    book.holds(
      hex(hash) === book.logs.get(id)?.ticks[tick]?.hash,
      () => `L1: tick ${tick} of ${id} is not the one that was committed`,
    );
    book.sawWorld(
      frame.stateHash && hex(frame.stateHash),
      worldText(engine.state.reader),
      `the twin of ${id}`,
    );
    if (book.broken) return;
  }
  const memory = medium.memory.head(id)?.segment.head.tick;
  book.holds(engine.position.tick === memory, () => `L12: the twin of ${id} ends before its log`);
}

/** A healthy process takes a run, and everything that waits for it comes to an end. */
async function mend(stage: Stage, id: string): Promise<void> {
  const { book } = stage;
  const process = stage.start('mender', true);
  const fuse = new SeededFuse();
  const world = simulatedWorld(fuse.pass);
  const options = { ...drawPolicy(stage, id), store: process.store, id, maxInputs: 1000 };
  const open = () =>
    book.logs.has(id)
      ? openRun(world, { ...options, takeover: true })
      : createRun(world, { ...options, seed: `seed of ${id}` });
  const outcome = await stage.ask(`mender.open(${id})`, open, () => false);
  if (outcome.value === null) return;
  const pen = new Pen(stage, process, outcome.value, fuse);
  const sources = stage.sources.filter(({ run }) => run === id);
  for (const source of sources) await pen.send(source);
  await pen.advance(2);
  await pen.lookBack();
  await pen.readBack();
  await pen.close();
  for (const { name, inputs } of sources)
    for (const input of inputs)
      book.holds(
        input.heard,
        () => `L11: input ${input.tag} of ${name} was never heard of, though ${id} is well`,
      );
  const log = book.logs.get(id);
  for (const { inputs } of sources)
    for (const input of inputs)
      book.holds(
        isGood(input) || log?.tags.has(input.tag) !== true,
        () => `L2: refused input ${input.tag} is in ${id}`,
      );
  for (const tag of log?.promised ?? [])
    book.holds(log!.tags.has(tag), () => `L11: input ${tag} of ${id} was durable, and is gone`);
}

/** Judges what a schedule left behind. */
export async function judge(stage: Stage): Promise<void> {
  const { book } = stage;
  for (const id of Object.keys(stage.plan.runs)) {
    if (!book.broken) await mend(stage, id);
    if (book.broken) return;
    const calm = stage.start('judge', true);
    const replayed = await stage.ask(
      `replay(${id})`,
      () => replay(WORLD, { store: calm.store, id }),
      () => false,
    );
    const last = book.logs.get(id)!.ticks.length - 1;
    book.holds(
      replayed.value?.tick === last,
      () => `L3: replay of ${id} came to ${replayed.value?.tick} of ${last}`,
    );
    if (!book.broken) await runTwin(stage, id);
  }
}
