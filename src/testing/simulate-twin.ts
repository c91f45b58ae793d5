/**
 * The end of a simulated schedule: every run is mended, and compared with a twin that nobody ever disturbed.
 *
 * Owns the judgement of runs. A healthy process takes each run, sends what no source heard of, and closes it.
 * Then the log alone is read: replay agrees, and an engine without store, writers, snapshots or faults that
 * is given the recorded inputs at their ticks computes the same records, hash for hash.
 */
import { hex } from '../base/bytes.ts';
import { parseChange } from '../log/environment.ts';
import { pathOf } from '../log/lineage.ts';
import { findRun, readFrames } from '../log/reader.ts';
import { encodeRecord } from '../log/record.ts';
import { replay } from '../replay/replay.ts';
import { createRun } from '../simulation/create-run.ts';
import type { ComputedTick, Engine } from '../simulation/engine.ts';
import { openRun } from '../simulation/open-run.ts';
import { newEngine } from '../simulation/run-options.ts';
import type { AnyWorld } from '../simulation/world.ts';
import { drawPolicy } from './simulate-actors.ts';
import { SeededFuse } from './simulate-fuse.ts';
import type { BookedLog } from './simulate-ledger.ts';
import { Pen } from './simulate-pen.ts';
import { inputsOf } from './simulate-records.ts';
import { isGood, type Stage } from './simulate-stage.ts';
import { simulatedWorld, worldText } from './simulate-world.ts';

/** The world of a schedule without a fuse. */
export const CALM_WORLD = simulatedWorld(() => {});

/** Runs the systems again on the recorded inputs: the same records must come out. */
async function runTwin(stage: Stage, id: string): Promise<void> {
  const { book, medium } = stage;
  const { store } = stage.start('twin', true);
  const { segment } = await findRun(store, id);
  const log = book.logs.get(id)!;
  const path = await pathOf(store, segment);
  const hashEvery = stage.hashEvery(id);
  const engine: Engine = newEngine(CALM_WORLD as unknown as AnyWorld, { hashEvery });
  for await (const frame of readFrames(store, path, 0, segment.head.tick)) {
    const { tick, environment } = frame;
    if (environment !== null) engine.propose(parseChange(environment));
    const { content }: ComputedTick = tick === 0 ? engine.setup() : engine.step(inputsOf(frame));
    const { hash } = encodeRecord(content, { time: 0, metricNames: null, metrics: [] });
    engine.advanceTo(content, hash);
    book.holds(hex(hash) === hex(frame.hash), () => `L5: the twin of ${id} has another tick ${tick}`);
    book.holds(
      hex(hash) === log.ticks[tick]?.hash,
      () => `L1: tick ${tick} of ${id} is not the one that was committed`,
    );
    book.sawTick(log, tick, worldText(engine.state.reader), `the twin of ${id}`);
    if (book.broken) return;
  }
  const memory = medium.memory.head(id)?.segment.head.tick;
  book.holds(engine.position.tick === memory, () => `L12: the twin of ${id} ends before its log`);
}

/** Whether the inputs that a fork was to be fed are gone with its parent. */
const isOrphan = ({ ask }: BookedLog): boolean => ask !== null && ask.later !== 'drop' && !ask.of.named;

/** A healthy process takes a run, and everything that waits for it comes to an end. */
async function mend(stage: Stage, id: string): Promise<void> {
  const { book } = stage;
  const process = stage.start('mender', true);
  const fuse = new SeededFuse();
  const world = simulatedWorld(fuse.pass);
  const before = book.logs.get(id);
  const later = before !== undefined && isOrphan(before) ? ({ later: 'drop' } as const) : stage.drawLater(id);
  const options = { ...drawPolicy(stage, id), store: process.store, id, maxInputs: 1000 };
  const heard = book.archive.heard;
  const open = () =>
    before === undefined
      ? createRun(world, { ...options, ...stage.newRun(id) })
      : openRun(world, { ...options, ...later, takeover: true });
  const outcome = await stage.ask(`mender.open(${id})`, open, () => false);
  if (outcome.value === null) return;
  const log = book.logs.get(id)!;
  const pen = new Pen(stage, process, outcome.value, fuse, later);
  checkMended(stage, log, heard);
  const sources = stage.sources.filter(({ run }) => run === id);
  for (const source of sources) await pen.send(source);
  await pen.advance(2);
  await pen.lookBack();
  await pen.readBack();
  await pen.close();
  checkHeard(stage, log);
}

/** Snapshots of its own that an opening found damaged are no longer there, save pinned ones. */
function checkMended({ book, medium }: Stage, log: BookedLog, heard: number): void {
  for (const tick of book.archive.warnedSince(heard, log)) {
    const kept = log.snapshots.get(tick);
    const isLeft = kept !== undefined && book.archive.isDamaged(medium.memory, log, tick);
    book.holds(
      !isLeft || kept.pinned,
      () => `L12: the damaged snapshot of tick ${tick} of ${log.run} was left where it is`,
    );
    const head = log.ticks.length - 1;
    book.holds(
      head < log.first || log.snapshots.has(head),
      () => `L12: ${log.run} found a damaged snapshot, and kept no other one`,
    );
    book.count('damage mended');
  }
}

/** Every source was heard, and what was promised is there. */
function checkHeard({ book, sources }: Stage, log: BookedLog): void {
  const { run } = log;
  for (const { name, run: of, inputs } of sources) {
    if (of !== run) continue;
    for (const input of inputs) {
      book.holds(
        input.heard,
        () => `L11: input ${input.tag} of ${name} was never heard of, though ${run} is well`,
      );
      book.holds(
        isGood(input) || !log.tags.has(input.tag),
        () => `L2: refused input ${input.tag} is in ${run}`,
      );
    }
  }
  for (const tag of log.promised)
    book.holds(log.tags.has(tag), () => `L11: input ${tag} of ${run} was durable, and is gone`);
}

/** Replays a run as it is: the whole of it, and nothing refused. */
async function replayWhole(stage: Stage, id: string): Promise<void> {
  const { book } = stage;
  const calm = stage.start('judge', true);
  const replayed = await stage.ask(
    `replay(${id})`,
    () => replay(CALM_WORLD, { store: calm.store, id }),
    () => false,
  );
  const last = book.logs.get(id)!.ticks.length - 1;
  book.holds(
    replayed.value?.tick === last,
    () => `L3: replay of ${id} came to ${replayed.value?.tick} of ${last}`,
  );
}

/** Mends and judges every run: the first ones, made now where nobody came to it, and their forks. */
export async function judgeRuns(stage: Stage): Promise<void> {
  const { book, plan } = stage;
  const roots = Object.keys(plan.runs).filter((id) => !book.removed.has(id));
  for (const id of new Set([...roots, ...book.logs.keys()])) {
    await mend(stage, id);
    if (!book.broken) await replayWhole(stage, id);
    if (!book.broken) await runTwin(stage, id);
    if (book.broken) return;
  }
}
