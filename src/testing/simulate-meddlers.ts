/**
 * Those who meddle with a simulated store while writers write: names are deleted, segments collected,
 * snapshots dropped and damaged.
 *
 * Owns what each does and when. None of them knows a run's code; what they may not touch, the store decides.
 */
import { runsOf } from './simulate-actors.ts';
import type { BookedLog } from './simulate-ledger.ts';
import type { SimulatedProcess, Stage } from './simulate-stage.ts';
import type { Actor } from './simulated-scheduler.ts';

/** Waits for a while; false where nobody needs to go on, or nobody is left to be meddled with. */
async function waits(stage: Stage, actor: Actor, most: number): Promise<boolean> {
  for (let turns = stage.below(most); turns > 0 && stage.writing > 0; turns--) await actor.pause('waits');
  return !stage.book.broken && stage.writing > 0;
}

/** One of the segments that are there. */
function someLog(stage: Stage): BookedLog | undefined {
  const logs = [...stage.book.segments.values()];
  return logs[stage.below(logs.length)];
}

const mayFail = (stage: Stage, process: SimulatedProcess) => (code: string) =>
  code === 'STORE_FAILED' && stage.mayFail(process, 'write');

/** Deletes names of runs, forks sooner than others, now and then one that somebody writes. */
export async function remove(stage: Stage, actor: Actor): Promise<void> {
  const { book, plan, choices } = stage;
  for (let left = plan.removals; left > 0; left--) {
    if (!(await waits(stage, actor, 120))) return;
    const process = stage.start(actor.name);
    const runs = runsOf(stage).filter((id) => book.logs.has(id) && (id.includes('.') || choices.chance(0.3)));
    const id = runs[stage.below(runs.length)];
    if (id === undefined) continue;
    const force = choices.chance(0.5);
    const may = mayFail(stage, process);
    await stage.ask(
      `${process.name}.remove(${id}${force ? ', force' : ''})`,
      () => process.store.remove(id, force),
      (code) =>
        may(code) || (code === 'RUN_IN_USE' && !force) || (code === 'UNKNOWN_RUN' && !book.logs.has(id)),
    );
  }
}

/** Collects, a few things at a time. */
export async function collect(stage: Stage, actor: Actor): Promise<void> {
  for (let left = stage.plan.collections; left > 0; left--) {
    if (!(await waits(stage, actor, 60))) return;
    const process = stage.start(actor.name);
    const limit = 1 + stage.below(12);
    await stage.ask(
      `${process.name}.collect(${limit})`,
      () => process.store.collect(limit),
      mayFail(stage, process),
    );
  }
}

/** Drops the snapshots of a segment, all that are not pinned, and their chunks; now and then unpins one. */
export async function sweep(stage: Stage, actor: Actor): Promise<void> {
  const { choices } = stage;
  for (let left = stage.plan.drops; left > 0; left--) {
    if (!(await waits(stage, actor, 60))) return;
    const log = someLog(stage);
    if (log === undefined) continue;
    const { store, name } = stage.start(actor.name);
    const { segment, run } = log;
    const process = stage.processes.at(-1)!;
    const ticks = [...log.snapshots.keys()];
    // What a writer means to share goes between two of its snapshots.
    const collects = choices.chance(0.6);
    const isPin = ticks.length > 0 && choices.chance(0.2);
    const may = mayFail(stage, process);
    await stage.ask(
      `${name}.${isPin ? 'unpins' : 'drops'} snapshots of ${run}`,
      async () => {
        if (isPin) await store.pinSnapshot(segment, ticks[0]!, choices.chance(0.3));
        else await store.dropSnapshots(segment, ticks);
        if (collects) await store.collect(100);
      },
      (code) => may(code) || (code === 'NO_TICK' && isPin) || code === 'UNKNOWN_RUN',
    );
  }
}

/** Flips bits of snapshots behind the store's back. */
export async function vandalise(stage: Stage, actor: Actor): Promise<void> {
  for (let left = stage.plan.flips; left > 0; left--) {
    if (!(await waits(stage, actor, 60))) return;
    stage.book.archive.damage(stage.medium.memory, stage.choices);
  }
}
