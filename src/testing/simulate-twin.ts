/**
 * The end of a simulated schedule: every run is mended, and compared with a twin that nobody ever disturbed.
 *
 * Owns the judgement of runs. A healthy process takes each run, sends what no source heard of, and closes it.
 * Then the log alone is read: replay agrees, and an engine without store, writers, snapshots or faults that
 * is given the recorded inputs at their ticks computes the same records, hash for hash.
 */
import { hex } from '../base/bytes.ts';
import type { ErrorCode } from '../base/errors.ts';
import { parseChange } from '../log/environment.ts';
import { pathOf } from '../log/lineage.ts';
import { findRun, readFrames } from '../log/reader.ts';
import { encodeRecord, type RecordFrame } from '../log/record.ts';
import { replay } from '../replay/replay.ts';
import { createRun } from '../simulation/create-run.ts';
import type { ComputedTick, Engine } from '../simulation/engine.ts';
import { openRun } from '../simulation/open-run.ts';
import { newEngine } from '../simulation/run-options.ts';
import type { AnyWorld } from '../simulation/world.ts';
import { drawPolicy } from './simulate-actors.ts';
import { calmWorld, codeText, FIRST_CODE, type SimulatedCode, worldOf } from './simulate-codes.ts';
import type { EraTick } from './simulate-eras.ts';
import { SeededFuse } from './simulate-fuse.ts';
import { type BookedLog, ownerOf } from './simulate-ledger.ts';
import { Pen } from './simulate-pen.ts';
import { inputsOf } from './simulate-records.ts';
import { isGood, type Stage } from './simulate-stage.ts';
import { worldText } from './simulate-world.ts';

/** Runs the systems again on the recorded inputs: the same records must come out. */
async function runTwin(stage: Stage, id: string): Promise<void> {
  const { book, medium } = stage;
  const { store, pid } = stage.start('twin', true, stage.fitting(id));
  const { segment } = await findRun(store, id);
  const log = book.logs.get(id)!;
  const path = await pathOf(store, segment);
  const hashEvery = stage.hashEvery(id);
  let engine: Engine = engineOf(FIRST_CODE, hashEvery);
  const era: RecordFrame[] = [];
  for await (const frame of readFrames(store, path, 0, segment.head.tick)) {
    const { tick, environment } = frame;
    const told = log.ticks[tick]?.told ?? null;
    if (told !== null) {
      engine = twinIn(stage, log, engine, told, era);
      book.eras?.codes.set(pid, told.code);
    }
    era.push({ ...frame });
    if (environment !== null) engine.propose(parseChange(environment));
    const inputs = tick === 0 ? [] : inputsOf(frame, told?.code.version ?? FIRST_CODE.version);
    const { content }: ComputedTick = tick === 0 ? engine.setup() : engine.step(inputs);
    const { hash } = encodeRecord(content, { time: 0, metricNames: null, metrics: [] });
    engine.advanceTo(content, hash);
    book.holds(hex(hash) === hex(frame.hash), () => `L5: the twin of ${id} has another tick ${tick}`);
    book.holds(
      hex(hash) === log.ticks[tick]?.hash,
      () => `L1: tick ${tick} of ${id} is not the one that was committed`,
    );
    book.sawTick(log, tick, worldText(engine.state.reader), `the twin of ${id}`, pid);
    if (book.broken) return;
  }
  const memory = medium.memory.head(id)?.segment.head.tick;
  book.holds(engine.position.tick === memory, () => `L12: the twin of ${id} ends before its log`);
}

const engineOf = (code: SimulatedCode, hashEvery: number): Engine =>
  newEngine(calmWorld(code) as unknown as AnyWorld, { hashEvery });

/**
 * The engine that computes a tick: a new one, on what an era begins with, where the tick begins one; one with
 * the era folded anew where the handlers changed within it.
 */
function twinIn(stage: Stage, log: BookedLog, engine: Engine, told: EraTick, era: RecordFrame[]): Engine {
  const { tick, code } = told;
  const last = log.ticks[tick - 1]?.told?.code;
  if (told.era !== tick && last !== undefined && codeText(last) === codeText(code)) return engine;
  const made = engineOf(code, stage.hashEvery(log.run));
  if (told.era === tick) era.length = 0;
  if (told.era > 0) {
    const { change } = log.ticks[told.era]!;
    const base = parseChange(change!).era!.base;
    made.load(stage.book.archive.whole(ownerOf(log, told.era), told.era - 1, base)!);
  }
  for (const frame of era) made.fold(frame);
  return made;
}

/** Whether the inputs that a fork was to be fed are gone with its parent. */
const isOrphan = ({ ask }: BookedLog): boolean => ask !== null && ask.later !== 'drop' && !ask.of.named;

/** A healthy process takes a run, and everything that waits for it comes to an end. */
async function mend(stage: Stage, id: string): Promise<void> {
  const { book } = stage;
  const code = stage.fitting(id);
  const process = stage.start('mender', true, code);
  const fuse = new SeededFuse();
  const world = worldOf(code, fuse.pass);
  const before = book.logs.get(id);
  const later = before !== undefined && isOrphan(before) ? ({ later: 'drop' } as const) : stage.drawLater(id);
  const policy = drawPolicy(stage, id);
  const options = { ...policy, store: process.store, id, maxInputs: 1000 };
  const heard = book.archive.heard;
  const open = () =>
    before === undefined
      ? createRun(world, { ...options, ...stage.newRun(id) })
      : openRun(world, { ...options, ...later, takeover: true });
  const may = (refusal: ErrorCode): boolean =>
    refusal === 'NO_STATE' && before !== undefined && stage.mayLack(before);
  const outcome = await stage.ask(`mender.open(${id})`, open, may);
  if (outcome.value === null) return;
  const log = book.logs.get(id)!;
  const pen = new Pen(stage, process, outcome.value, fuse, { ...later, ...policy });
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
  const log = book.logs.get(id)!;
  const calm = stage.start('judge', true);
  const replayed = await stage.ask(
    `replay(${id})`,
    () => replay(calmWorld(stage.fitting(id)), { store: calm.store, id }),
    (refusal) => stage.mayNotReplay(log, refusal),
  );
  const last = log.ticks.length - 1;
  if (replayed.code !== null) return;
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
