/**
 * The actors of a simulated schedule: writers and those who meddle with their runs, readers, and death.
 *
 * Owns what each does in its turns. Every choice comes from the schedule's seed; every call is made through a
 * pen or through `Stage.ask`, where its answer is judged.
 */
import type { ErrorCode } from '../base/errors.ts';
import { describeRun, listRuns } from '../replay/describe.ts';
import { replay } from '../replay/replay.ts';
import { createRun } from '../simulation/create-run.ts';
import { openRun } from '../simulation/open-run.ts';
import type { RunPolicy } from '../simulation/types.ts';
import { calmWorld, FIRST_CODE, worldOf } from './simulate-codes.ts';
import type { Opening } from './simulate-eras.ts';
import { SeededFuse } from './simulate-fuse.ts';
import type { BookedLog } from './simulate-ledger.ts';
import { Pen } from './simulate-pen.ts';
import type { SimulatedProcess, Stage } from './simulate-stage.ts';
import { type FusePlace, type SimulatedRun, worldText } from './simulate-world.ts';
import type { Actor } from './simulated-scheduler.ts';

/** A clock that goes on by so much each time it is looked at. */
function clockOf(pace: number): () => number {
  let now = 0;
  return () => (now += pace);
}

/** How a writer works: nothing of it may change what is computed. */
export function drawPolicy(
  stage: Stage,
  run: string,
): RunPolicy & { readonly commit: { readonly ticks: number } } {
  const { choices } = stage;
  const pick = (...from: readonly number[]): number => from[choices.below(from.length)]!;
  return {
    hashEvery: stage.hashEvery(run),
    invariantsEvery: pick(1, 3),
    commit: { ticks: pick(1, 2, 3, 64), ms: pick(10, 1e9) },
    snapshots: choices.chance(0.25)
      ? false
      : { every: pick(2, 3, 5), keep: pick(1, 2, 3), onClose: choices.chance(0.7) },
    maxInputs: pick(2, 4, 100),
    maxUndurable: pick(700, 1e9),
    leaseMs: pick(10, 60, 1e6),
    clocks: { wall: () => stage.medium.now(), steady: clockOf(pick(0, 1, 7, 30)) },
  };
}

const PLACES: readonly FusePlace[] = ['grow', 'apply grew', 'apply given', 'invariant'];

/** The runs that there are, and those that may still be made. */
export function runsOf({ plan, book }: Stage): readonly string[] {
  const roots = Object.keys(plan.runs).filter((id) => !book.removed.has(id));
  return [...roots, ...[...book.logs.keys()].filter((id) => !roots.includes(id))];
}

/** Opens a run, or makes it where there is none. */
async function take(stage: Stage, process: SimulatedProcess, actor: Actor): Promise<Pen | null> {
  const fuse = new SeededFuse();
  const runs = runsOf(stage);
  if (runs.length === 0) return null;
  const id = runs[stage.below(runs.length)]!;
  const { book, choices } = stage;
  const opening = book.eras?.draw(choices, book.logs.get(id)) ?? { code: FIRST_CODE, adopt: false };
  book.eras?.codes.set(process.pid, opening.code);
  const world = worldOf(opening.code, fuse.pass);
  for (let tries = 0; tries < 4; tries++) {
    if (stage.book.removed.has(id)) return null;
    // Drawn all the same, so that a seed gives one schedule whichever way it opens its run.
    const policy = drawPolicy(stage, id);
    const later = stage.drawLater(id);
    const takeover = stage.choices.chance(0.4);
    const made = await (stage.book.logs.has(id)
      ? opened(stage, process, id, opening, () => {
          const { adopt } = opening;
          return openRun(world, { store: process.store, id, takeover, adopt, ...policy, ...later });
        })
      : created(stage, process, id, fuse, () =>
          createRun(world, {
            ...{ store: process.store, id, ...policy, ...stage.newRun(id) },
            hints: { by: process.name },
          }),
        ));
    if (made !== null) return new Pen(stage, process, made, fuse, { ...later, ...policy });
    if (process.dead) return null;
    await actor.pause('tries again');
  }
  return null;
}

async function opened(
  stage: Stage,
  process: SimulatedProcess,
  id: string,
  opening: Opening,
  open: () => Promise<SimulatedRun>,
): Promise<SimulatedRun | null> {
  const { book } = stage;
  const log = book.logs.get(id)!;
  const { told, epoch } = log;
  const what = `${process.name}.open(${id})`;
  const outcome = await stage.ask(what, open, (code, { tick }) => {
    if (book.eras !== null && (process.dead || book.eras.mayRefuse(log, opening, code, tick))) return true;
    if (code === 'NO_STATE') return stage.mayLack(log);
    if (code === 'STORE_FAILED') return stage.mayFail(process, 'read') || stage.mayFail(process, 'write');
    if (code === 'RUN_IN_USE') return true;
    if (code === 'WRITER_REPLACED') return log.pid !== process.pid;
    return !log.named && (code === 'UNKNOWN_RUN' || code === 'NO_RECORD');
  });
  if (outcome.value === null) return null;
  const { tick, durableTick, world } = outcome.value;
  book.count('opened');
  if (process.dead) return outcome.value;
  book.holds(durableTick >= told, () => `L11: ${what} is at tick ${durableTick}, and ${told} was durable`);
  book.holds(tick === durableTick, () => `${what} is at tick ${tick}, and ${durableTick} is durable`);
  book.holds(log.epoch > epoch, () => `L7: ${what} took nothing`);
  book.eras?.opened(log, opening, tick, what);
  book.sawTick(log, tick, worldText(world), what, process.pid);
  return outcome.value;
}

async function created(
  stage: Stage,
  process: SimulatedProcess,
  id: string,
  fuse: SeededFuse,
  create: () => Promise<SimulatedRun>,
): Promise<SimulatedRun | null> {
  if (stage.choices.chance(0.1)) fuse.arm('setup', 1);
  const { book } = stage;
  const what = `${process.name}.create(${id})`;
  const outcome = await stage.ask(what, create, (code) => {
    if (code === 'STORE_FAILED') return stage.mayFail(process, 'write');
    // The run is there: another's, or one's own whose answer was lost.
    if (code === 'EXISTS') return book.known.has(id);
    return code === 'TICK_FAILED' && fuse.hasBlown();
  });
  if (outcome.value !== null && !process.dead) {
    const log = book.known.get(id)!;
    book.toldDurable(log, 0, null, what);
    book.sawTick(log, 0, worldText(outcome.value.world), what, process.pid);
  }
  return outcome.value;
}

/** A writer: begins, works, ends; and begins again where it died or was replaced. */
export async function write(stage: Stage, actor: Actor): Promise<void> {
  await writeOn(stage, actor);
  stage.writing--;
}

async function writeOn(stage: Stage, actor: Actor): Promise<void> {
  const { plan, book, choices } = stage;
  for (let life = 0; life < plan.lives && !book.broken; life++) {
    const process = stage.start(actor.name);
    const pen = await take(stage, process, actor);
    if (pen === null) continue;
    if (choices.chance(0.75))
      stage.scheduler.spawn(`${process.name} helper`, (helper) => meddle(stage, pen, helper));
    for (let turn = 0; turn < plan.turns && !process.dead && !book.broken; turn++) {
      await actor.pause('turn');
      await writersTurn(stage, pen);
    }
    if (process.dead || choices.chance(0.7)) await pen.close();
    else stage.kill(process);
  }
}

async function writersTurn(stage: Stage, pen: Pen): Promise<void> {
  const { choices, below } = { choices: stage.choices, below: (n: number) => stage.below(n) };
  const sources = stage.sources.filter(({ run }) => run === pen.run.id);
  if (choices.chance(0.2)) pen.fuse.arm(PLACES[below(PLACES.length)]!, 1 + below(2));
  if (choices.chance(0.6)) await pen.send(sources[below(sources.length)]!);
  if (choices.chance(0.1)) await pen.sendLoose();
  if (choices.chance(0.1)) stage.medium.elapse(below(50));
  if (pen.run.state === 'stalled' || choices.chance(0.1)) await pen.flush();
  if (choices.chance(0.85)) await pen.advance(choices.chance(0.1) ? below(15) : below(5));
  pen.look();
  if (choices.chance(0.2)) await pen.lookBack();
  if (choices.chance(0.1)) await pen.keep();
  if (choices.chance(pen.log.ask === null ? 0.25 : 0.4)) await branch(stage, pen);
}

/** Forks a run and goes on with both. */
async function branch(stage: Stage, pen: Pen): Promise<void> {
  const fork = await pen.fork();
  if (fork === null) return;
  stage.scheduler.spawn(fork.name, async (actor) => {
    if (stage.choices.chance(0.15)) await fork.keep();
    for (let turns = stage.below(5); turns > 0 && !fork.process.dead && !stage.book.broken; turns--) {
      await actor.pause('turn');
      await writersTurn(stage, fork);
    }
    if (stage.choices.chance(0.6)) await fork.close();
  });
}

/** Somebody else with the same run: reads, flushes, submits, and now and then calls what he should not. */
async function meddle(stage: Stage, pen: Pen, actor: Actor): Promise<void> {
  const source = stage.sources.find(({ run }) => run === pen.run.id)!;
  for (let turns = 2 + stage.below(10); turns > 0 && !pen.process.dead && !stage.book.broken; turns--) {
    await actor.pause('turn');
    const turn = stage.below(15);
    if (turn < 4 || pen.run.state === 'stalled') await pen.flush();
    else if (turn < 5) await pen.send(source);
    else if (turn < 6) await pen.lookBack();
    else if (turn < 8) await pen.readBack();
    else if (turn < 9) await pen.measure();
    else if (turn < 11) await pen.advance(1);
    else if (turn < 13) await pen.keep();
    else if (turn < 14) await branch(stage, pen);
    else if (stage.choices.chance(0.5)) await pen.close();
  }
}

/** A reader in a process of its own: sees what the log holds, and no run goes back while the power is on. */
export async function read(stage: Stage, actor: Actor): Promise<void> {
  const { book } = stage;
  let process = stage.start(actor.name);
  for (let turns = 3 + stage.below(6); turns > 0 && !book.broken; turns--) {
    await actor.pause('turn');
    if (process.dead) process = stage.start(actor.name);
    const runs = runsOf(stage);
    const id = runs[stage.below(runs.length)];
    if (id === undefined) return;
    if (stage.choices.chance(0.3)) await readList(stage, process);
    else if (stage.choices.chance(0.7)) await readDescription(stage, process, id);
    else await replayNow(stage, id);
  }
}

const mayRead = (stage: Stage, process: SimulatedProcess, log: BookedLog | undefined) => {
  return (code: ErrorCode): boolean => {
    if (code === 'STORE_FAILED') return stage.mayFail(process, 'read');
    if (code === 'UNKNOWN_RUN') return log?.named !== true;
    return code === 'NO_RECORD' && log?.named === false;
  };
};

async function readList(stage: Stage, process: SimulatedProcess): Promise<void> {
  const { book } = stage;
  const before = [...book.logs.values()].map((log) => [log, log.ticks.length] as const);
  const what = `${process.name}.list`;
  const outcome = await stage.ask(
    what,
    () => listRuns(process.store),
    (code) => code === 'STORE_FAILED' && stage.mayFail(process, 'read'),
  );
  if (outcome.value === null || process.dead) return;
  for (const [{ run, named }, length] of before) {
    const listed = outcome.value.find(({ id }) => id === run);
    book.holds(
      !named || (listed !== undefined && listed.tick >= length - 1),
      () => `L14: ${what} has ${run} at ${listed?.tick}`,
    );
  }
}

async function readDescription(stage: Stage, process: SimulatedProcess, id: string): Promise<void> {
  const { book } = stage;
  const log = book.logs.get(id);
  const before = log?.ticks.length ?? 0;
  const what = `${process.name}.describe(${id})`;
  const outcome = await stage.ask(what, () => describeRun(process.store, id), mayRead(stage, process, log));
  if (outcome.value === null || process.dead || book.known.get(id)?.named !== true) return;
  const { tick, recordHash, stateHash, stateHashTick, events } = outcome.value;
  const ticks = book.logs.get(id)?.ticks.slice(0, tick + 1) ?? [];
  const held = ticks.flatMap(({ tags }) => tags).length;
  book.holds(tick >= before - 1, () => `L14: ${what} ends at ${tick}, and ${before} ticks were there`);
  book.holds(ticks[tick]?.hash === recordHash, () => `L14: ${what} shows another tick ${tick} than the log`);
  book.holds(
    stateHashTick === null || ticks[stateHashTick]?.stateHash === stateHash,
    () => `L14: ${what} shows another state hash at ${stateHashTick} than the log`,
  );
  book.holds(
    (events.given ?? 0) + (events.planted ?? 0) === held,
    () => `L14: ${what} counts other inputs than the ${held} of the log`,
  );
}

/** Replays what the medium holds at this moment; nobody else gets a turn meanwhile. */
async function replayNow(stage: Stage, id: string): Promise<void> {
  const { book } = stage;
  const log = book.logs.get(id);
  if (log === undefined) return;
  const calm = stage.start('replayer', true);
  const world = calmWorld(stage.fitting(id));
  const work = (): Promise<unknown> => replay(world, { store: calm.store, id });
  await stage.scheduler.hold(() => stage.ask(`replay(${id})`, work, (code) => stage.mayNotReplay(log, code)));
  book.count('replays');
}

/** Kills writers and readers, or the machine, at moments of its choice. */
export async function die(stage: Stage, actor: Actor): Promise<void> {
  for (const death of stage.plan.deaths) {
    for (let turns = stage.below(50); turns > 0; turns--) await actor.pause('waits');
    if (stage.book.broken) return;
    const living = stage.processes.filter(({ dead }) => !dead);
    if (death === 'power') stage.losePower();
    else if (living.length > 0) stage.kill(living[stage.below(living.length)]!);
  }
}
