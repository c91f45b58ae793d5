/**
 * A process of its own for the tests of the SQLite store: `sqlite-child.ts <what> <path> [n]`. Says one line
 * for each thing done, and the code of a refusal.
 */
import { existsSync } from 'node:fs';
import process from 'node:process';
import { isWorldfoldError } from '../../src/base/errors.ts';
import type { ProjectionInfo, ProjectionStep } from '../../src/log/projection-store.ts';
import type { LogRecord } from '../../src/log/store.ts';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import { declare, removed, step, written } from './projections-bench.ts';
import { chain, continued, holder, newFork, newRun, snapshotOf } from './records.ts';

const say = (line: string | number): void => {
  process.stdout.write(`${line}\n`);
};

/** Ticks that a child commits at once, and how many it can. */
export const GROUP = 3;

async function append(path: string, ticks: number): Promise<void> {
  const store = await sqliteStore(path);
  const records = chain('child', ticks + 1);
  await store.create(newRun('child', records[0]!));
  for (let tick = 1; tick <= ticks; tick += GROUP) {
    const head = await store.append('child-segment', 1, tick, records.slice(tick, tick + GROUP));
    say(head.tick);
    // Lets the line out, and whoever reads in.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await store.close();
}

/** Files that processes make in a race, and the file that starts it. */
export const RACES = 25;
export const startOf = (path: string): string => `${path}.go`;

async function create(path: string, which: number): Promise<void> {
  const [record] = chain('child', 1);
  await (await sqliteStore(':memory:')).close();
  say('ready');
  while (!existsSync(startOf(path)));
  for (let race = 0; race < RACES; race++) {
    const store = await sqliteStore(`${path}.${race}`);
    await store.create(newRun(`run ${which}`, record!));
    await store.close();
  }
  say('created');
}

async function fill(path: string, bytes: number): Promise<void> {
  const store = await sqliteStore(path);
  const records = chain('fill', 4, (tick) => new Uint8Array(tick === 2 ? bytes : 10).fill(tick));
  await store.create(newRun('full', records[0]!));
  await store.append('full-segment', 1, 1, records.slice(1, 2));
  const failed = await store.append('full-segment', 1, 2, records.slice(2)).catch((e: unknown) => e);
  say(isWorldfoldError(failed) ? failed.code : String(failed));
  const { records: kept } = await store.read('full-segment', 0, { records: Infinity, bytes: Infinity });
  say(kept.length);
  const small = chain('fill', 3, (tick) => new Uint8Array(tick === 2 ? 0 : 10).fill(tick));
  say((await store.append('full-segment', 1, 2, small.slice(2))).tick);
  await store.close();
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** The file that ends what goes on until then. */
export const stopOf = (path: string): string => `${path}.stop`;

/** How many snapshots the writer of `snapshots` leaves. */
export const KEPT = 3;
/** What is in the chunk that is the own one of the snapshot of a tick. */
export const ownChunk = (tick: number): string => `chunk of ${tick} `.repeat(300);
/** The ticks whose chunks the snapshot of a tick has: every fifth wants one that may be collected by then. */
export const chunksOf = (tick: number): readonly number[] =>
  [tick, tick - 1, tick - 2, ...(tick % 5 === 0 ? [tick - 9] : [])].filter((at) => at > 0);

/**
 * Appends a tick, keeps its snapshot and drops an older one, again and again. Says `gone` for each chunk that
 * was not there any more, and the last tick at the end.
 */
async function snapshots(path: string): Promise<void> {
  const store = await sqliteStore(path);
  let [record] = chain('child', 1) as [LogRecord];
  await store.create(newRun('child', record));
  const own = new Map<number, number>();
  for (let tick = 1; tick <= KEPT || !existsSync(stopOf(path)); tick++) {
    [record] = continued(record, 'child', 1) as [LogRecord];
    await store.append('child-segment', 1, tick, [record]);
    const used = chunksOf(tick);
    const keep = (chunks: readonly (string | number)[]) =>
      store.keepSnapshot(snapshotOf('child-segment', record, chunks));
    const planned = used.map((at) => own.get(at) ?? ownChunk(at));
    const numbers = await keep(planned).catch((e: unknown) => {
      if (!isWorldfoldError(e, 'NO_CHUNK')) throw e;
      say('gone');
      return keep(used.map(ownChunk));
    });
    for (const [i, at] of used.entries()) own.set(at, numbers[i]!);
    if (tick > KEPT) await store.dropSnapshots('child-segment', [tick - KEPT]);
    await turn();
  }
  say(record.tick);
  await store.close();
}

const LARGE_STEP = 100;

/** Forks tick 0 of that run, appends to it, keeps a snapshot and removes it, again and again; says so. */
async function forks(path: string): Promise<void> {
  const store = await sqliteStore(path);
  const [first, next] = chain('child', 2) as [LogRecord, LogRecord];
  let made = 0;
  while (!existsSync(stopOf(path))) {
    await turn();
    if ((await store.head('child')) === undefined) continue;
    const id = `fork ${made++}`;
    await store.fork(newFork(id, 'child-segment', first));
    await store.append(`${id}-segment`, 1, 1, [next]);
    await store.keepSnapshot(snapshotOf(`${id}-segment`, next, [id]));
    await store.remove(id, true);
    say(id);
  }
  await store.close();
}

/**
 * Collects by small steps; says what each deleted, where it deleted something. Every other step is a large
 * one: chunks come last, and small steps alone never come to them beside a process that forks faster.
 */
async function collect(path: string, limit: number): Promise<void> {
  const store = await sqliteStore(path);
  for (let step = 1; !existsSync(stopOf(path)); step++) {
    const deleted = await store.collect(step % 2 === 0 ? limit * LARGE_STEP : limit);
    if (deleted > 0) say(deleted);
    // Whoever waits for the file sleeps between its tries: lets it have one.
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await store.close();
}

/** Rows that the steps of `project` and `race` write go round in so many ids. */
const IDS = 200;

/** What the step to a tick does to `people`: which ids go, and which are written as of that tick. */
const idsOf = (tick: number) => ({
  removed: Array.from({ length: 20 }, (_, i) => (tick * 7 + i * 3) % IDS),
  written: Array.from({ length: 70 }, (_, i) => (tick * 13 + i) % IDS),
});

/** The rows of `people` at a tick, by what the steps up to it did. */
export function peopleAt(tick: number): readonly (readonly [number, string, number])[] {
  const rows = new Map<number, number>();
  for (let at = 0; at <= tick; at++) {
    for (const id of idsOf(at).removed) rows.delete(id);
    for (const id of idsOf(at).written) rows.set(id, at);
  }
  return [...rows].sort(([a], [b]) => a - b).map(([id, of]) => [id, `as of ${of}`, of]);
}

const checkpointAt = ({ tick, hash }: LogRecord) => ({ tick, hash, sequence: tick * 2 });

function stepTo(projection: number, records: readonly LogRecord[], tick: number): ProjectionStep {
  const ids = idsOf(tick);
  // In pieces, so that a process that dies in the middle of a step leaves some of its rows behind.
  const pieces = [0, 23, 46].map((from) => written(...pieceOf(ids.written, from, tick)));
  const from = tick === 0 ? null : checkpointAt(records[tick - 1]!);
  return step(projection, from, checkpointAt(records[tick]!), removed(...ids.removed), ...pieces);
}

const pieceOf = (ids: readonly number[], from: number, tick: number) =>
  ids.slice(from, from === 46 ? undefined : from + 23).map((id) => [id, `as of ${tick}`, tick] as const);

/** The same step in a process that dies when half of it is written. */
const deadly = (one: ProjectionStep): ProjectionStep => ({
  ...one,
  changes: {
    *[Symbol.iterator]() {
      for (const [i, changes] of [...one.changes].entries()) {
        if (i === 2) process.kill(process.pid, 'SIGKILL');
        yield changes;
      }
    },
  },
});

/** How far `project` goes. */
export const PROJECTED = 4000;

/**
 * Goes on with the run and its projection, which it makes where they are not there: every odd tick in one
 * transaction, every even one in two. Says each tick whose rows are in; dies in the middle of the step to the
 * tick `last`, where that is not 0.
 */
async function project(path: string, last: number): Promise<void> {
  const store = await sqliteStore(path);
  const records = chain('child', PROJECTED + 1);
  const found = await store.head('child');
  const epoch = found === undefined ? 1 : await store.acquire('child-segment', holder('child'), false);
  if (found === undefined) await store.create(newRun('child', records[0]!));
  const [known] = await store.projections('child');
  const { number, checkpoint } = known ?? (await declare(store, 'child'));
  for (let tick = (checkpoint?.tick ?? -1) + 1; tick <= PROJECTED; tick++) {
    const whole = stepTo(number, records, tick);
    const [next, own] = [tick === last ? deadly(whole) : whole, tick === 0 ? [] : [records[tick]!]];
    const first = Math.max(tick, 1);
    if (tick % 2 === 1) await store.appendWith('child-segment', epoch, first, own, [next]);
    else {
      await store.append('child-segment', epoch, first, own);
      if (!(await store.advanceProjection(next))) say('not taken');
    }
    say(tick);
    await turn();
  }
  await store.close();
}

/** Takes steps of the projection that is there beside others who do. Says those that it took. */
async function race(path: string, which: number): Promise<void> {
  const store = await sqliteStore(path);
  const [{ number }] = (await store.projections('child')) as [ProjectionInfo];
  const records = chain('child', 5000);
  for (let tick = 0; !existsSync(stopOf(path)); ) {
    const from = tick === 0 ? null : checkpointAt(records[tick - 1]!);
    const mine = written([tick, `of ${which}`, tick], [1_000_000 + which, 'last', tick]);
    if (await store.advanceProjection(step(number, from, checkpointAt(records[tick]!), mine))) say(tick);
    const [now] = await store.projections('child');
    tick = now!.checkpoint!.tick + 1;
    if (tick % 3 === which % 3) await turn();
  }
  await store.close();
}

const [, , what, path = '', n = '0'] = process.argv;
const jobs: Record<string, (path: string, n: number) => Promise<void>> = {
  append,
  create,
  fill,
  snapshots,
  forks,
  collect,
  project,
  race,
};
const job = jobs[what ?? ''];
if (job !== undefined)
  job(path, Number(n)).catch((e: unknown) => {
    say(isWorldfoldError(e) ? e.code : String(e));
    process.exitCode = 1;
  });
