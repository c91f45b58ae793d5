/**
 * The last acts of a simulated schedule: what nobody needs is taken away, and then something that is needed.
 *
 * Owns the judgement of the store as a whole, once every run is closed: without its snapshots each run is the
 * same; a collection leaves what runs reach and nothing else; a flipped bit of a record is named by whoever
 * comes by it, and by nobody else.
 */
import { hex } from '../base/bytes.ts';
import { canonicalJson } from '../base/canonical.ts';
import { isWorldfoldError } from '../base/errors.ts';
import { replay } from '../replay/replay.ts';
import { openRun } from '../simulation/open-run.ts';
import { calmWorld } from './simulate-codes.ts';
import { type BookedLog, ownerOf, reachedBy } from './simulate-ledger.ts';
import type { Stage } from './simulate-stage.ts';
import { judgeRuns } from './simulate-twin.ts';
import { worldText } from './simulate-world.ts';

/** Opens a run, looks at it, and closes it. */
async function lookAt(stage: Stage, log: BookedLog): Promise<void> {
  const { book } = stage;
  const { run: id, ticks } = log;
  const code = stage.fitting(id);
  const { store, pid } = stage.start('visitor', true, code);
  const options = { store, id, hashEvery: stage.hashEvery(id), snapshots: false, later: 'drop' } as const;
  const what = `visitor.open(${id})`;
  const outcome = await stage.ask(
    what,
    () => openRun(calmWorld(code), options),
    (refusal) => refusal === 'NO_STATE' && stage.mayLack(log),
  );
  if (outcome.value === null) return;
  const { value: run } = outcome;
  book.holds(run.tick === ticks.length - 1, () => `L4: ${what} is at tick ${run.tick}`);
  book.sawTick(log, run.tick, worldText(run.world), what, pid);
  const tick = stage.below(run.tick + 1);
  const past = await stage.ask(
    `${what}.at(${tick})`,
    () => run.at(tick),
    (refusal) =>
      refusal === 'NO_STATE' && (stage.mayLack(log) || book.eras?.isBeforeAdopted(log, tick) === true),
  );
  if (past.value !== null) book.sawTick(log, tick, worldText(past.value), `${what}.at(${tick})`, pid);
  await run.close();
}

/** Takes all snapshots away that are not pinned: nothing is lost with them. */
async function dropAll(stage: Stage): Promise<void> {
  const { book } = stage;
  const { store } = stage.start('janitor', true);
  for (const { segment, snapshots } of book.segments.values())
    await store.dropSnapshots(segment, [...snapshots.keys()]);
  const logs = [...book.logs.values()];
  await lookAt(stage, logs[stage.below(logs.length)]!);
}

/** Deletes the name of a run that others continue: they keep what they need of it. */
async function orphan(stage: Stage): Promise<void> {
  const { book } = stage;
  const { store } = stage.start('remover', true);
  const parents = new Set(
    [...book.logs.values()].flatMap(({ parent }) => (parent?.log.named ? [parent.log] : [])),
  );
  const log = [...parents][stage.below(parents.size)];
  if (log === undefined) return;
  await store.remove(log.run, true);
  book.count('orphans');
}

/** Everything is collected: the medium holds what runs reach, every record of it as it was, and no more. */
async function collectAll(stage: Stage): Promise<void> {
  const { book, medium } = stage;
  const { store } = stage.start('collector', true);
  const limit = stage.choices.chance(0.5) ? Infinity : 1 + stage.below(5);
  for (let calls = 0; (await store.collect(limit)) > 0; calls++)
    if (calls > 10_000) return void book.broke('L6: a collection never ends');
  const reached = reachedBy(book.logs.values());
  const expected = { runs: book.logs.size, segments: reached.size, records: 0, snapshots: 0 };
  const chunks = new Set<string>();
  for (const [{ run, segment, first, family, ticks, snapshots }, to] of reached) {
    const last = Math.min(to, ticks.length - 1);
    expected.records += last - first + 1;
    for (const [tick, snapshot] of snapshots) {
      if (tick > last) continue;
      expected.snapshots++;
      for (const number of snapshot.chunks) chunks.add(`${family} ${number}`);
    }
    if (last < first) continue;
    for (const { tick, hash } of medium.memory.read(segment, first, { records: Infinity, bytes: Infinity })
      .records)
      book.holds(hex(hash) === ticks[tick]?.hash, () => `L6: tick ${tick} of ${run} changed`);
  }
  const held = canonicalJson(medium.memory.count());
  const due = canonicalJson({ ...expected, chunks: chunks.size });
  book.holds(held === due, () => `L6: a collection left ${held}, and runs reach ${due}`);
}

/** Flips a bit of a record: whoever replays it names it. */
async function damageRecord(stage: Stage): Promise<void> {
  const { book, medium } = stage;
  const reached = [...reachedBy(book.logs.values())].filter(
    ([log, to]) => Math.min(to, log.ticks.length - 1) >= log.first,
  );
  const [log, to] = reached[stage.below(reached.length)]!;
  const last = Math.min(to, log.ticks.length - 1);
  const tick = log.first + stage.below(last - log.first + 1);
  const bytes = medium.memory.keptBytes(log.segment, 'record', tick)!;
  const at = stage.below(bytes.length);
  bytes[at]! ^= 1 << stage.below(8);
  book.note(`vandal: byte ${at} of tick ${tick} of ${log.run}`);
  book.archive.isLogDamaged = true;
  const logs = [...book.logs.values()];
  const hit = logs.filter((one) => tick < one.ticks.length && ownerOf(one, tick) === log);
  const one = hit[stage.below(hit.length)]!;
  // One that holds the record, and one that may or may not.
  for (const other of new Set([one, logs[stage.below(logs.length)]!]))
    await replayDamaged(stage, other, log, hit.includes(other) ? tick : null);
  if (!book.broken) await openDamaged(stage, one, log, tick);
}

/** Whether an error names the tick of a segment. */
const names = (e: unknown, { segment }: BookedLog, tick: number | null): boolean =>
  isWorldfoldError(e) &&
  ['CORRUPT', 'NEWER_FORMAT'].includes(e.code) &&
  e.facts.segment === segment &&
  e.facts.tick === tick;

/** Replays a log: what is damaged in it is named, and what is damaged elsewhere is no concern of it. */
async function replayDamaged(
  stage: Stage,
  log: BookedLog,
  at: BookedLog,
  tick: number | null,
): Promise<void> {
  const { store } = stage.start('judge', true);
  const found = await replay(calmWorld(stage.fitting(log.run)), { store, id: log.run }).then(
    () => null,
    (e: unknown) => e,
  );
  stage.book.holds(
    (tick === null ? found === null : names(found, at, tick)) ||
      (isWorldfoldError(found) && stage.mayNotReplay(log, found.code)),
    () => `L12: tick ${tick} of ${at.run} is damaged; the replay of ${log.run} says ${found}`,
  );
}

/** Opens a log that holds a damaged record: a snapshot may lead past it, into the right world. */
async function openDamaged(stage: Stage, log: BookedLog, at: BookedLog, tick: number): Promise<void> {
  const { book } = stage;
  const code = stage.fitting(log.run);
  const { store, pid } = stage.start('judge', true, code);
  const options = { store, id: log.run, hashEvery: stage.hashEvery(log.run), later: 'drop' } as const;
  try {
    const run = await openRun(calmWorld(code), options);
    book.count('opened past damage');
    book.sawTick(log, run.tick, worldText(run.world), `the opening of ${log.run} past damage`, pid);
    await run.close();
  } catch (e) {
    book.holds(
      names(e, at, tick) || (isWorldfoldError(e, 'NO_STATE') && stage.mayLack(log)),
      () => `L12: tick ${tick} of ${at.run} is damaged; the opening of ${log.run} says ${e}`,
    );
  }
}

/** Judges what a schedule left behind. */
export async function judge(stage: Stage): Promise<void> {
  const { book } = stage;
  await judgeRuns(stage);
  book.archive.judge();
  if (book.logs.size === 0) return;
  const some = [dropAll, orphan].filter(() => stage.choices.chance(0.5));
  const acts = [...some, collectAll, damageRecord];
  for (const act of acts) if (!book.broken) await act(stage);
}
