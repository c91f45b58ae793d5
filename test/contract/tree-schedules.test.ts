/**
 * L6, L7 and L11: writers, forks, removals, snapshots and collections in any order, with calls that fail,
 * answers that get lost, and power loss.
 */
import { expect, test } from 'vitest';
import { isWorldfoldError } from '../../src/base/errors.ts';
import type { LogRecord, Store } from '../../src/log/store.ts';
import { SimulatedMedium } from '../../src/testing/simulated-medium.ts';
import { type Actor, simulatedScheduler } from '../../src/testing/simulated-scheduler.ts';
import { simulatedStore } from '../../src/testing/simulated-store.ts';
import { collectAll, wholeLog } from './forks.ts';
import { chain, continued, holder, newFork, newRun, snapshotOf } from './records.ts';
import { textsOf } from './snapshots.ts';

const FAULTS = { beforeCommit: 0.05, afterCommit: 0.1, read: 0.05 };
const text = (s: string): Uint8Array => new TextEncoder().encode(s);

/** Makes a call until it is answered; a store that is dead ends the actor. */
async function answered<T>({ pause }: Actor, call: () => Promise<T>): Promise<T | string> {
  for (;;) {
    const answer = await call().catch((e: unknown) => {
      if (!isWorldfoldError(e) || e.facts.dead === true) throw e;
      return e.code;
    });
    if (answer !== 'STORE_FAILED') return answer;
    await pause('fails');
  }
}

/** How often a chunk was collected from under a writer. */
let gone = 0;

/** Writes a run: appends, and keeps snapshots that share a chunk with the one before. */
async function writer(store: Store, actor: Actor, run: string, turns: number): Promise<void> {
  const segment = `${run}-segment`;
  const epoch = await answered(actor, () => store.acquire(segment, holder(actor.name), true));
  if (typeof epoch === 'string') return expect(epoch).toBe('UNKNOWN_RUN');
  let chunk: { readonly number: number; readonly text: string } | null = null;
  for (let turn = 0; turn < turns; turn++) {
    const info = await answered(actor, () => store.head(run));
    if (info === undefined || typeof info === 'string') return;
    const { head } = info.segment;
    const last: LogRecord = { ...head, previous: head.hash, bytes: head.hash };
    const [record] = continued(last, actor.name, 1) as [LogRecord];
    const appended = await answered(actor, () => store.append(segment, epoch, record.tick, [record]));
    if (typeof appended === 'string') {
      expect(['WRITER_REPLACED', 'UNKNOWN_RUN', 'GAP', 'DIVERGED']).toContain(appended);
      return;
    }
    const own = `${actor.name} ${record.tick}`;
    const texts: string[] = [own, ...(chunk === null ? [] : [chunk.text])];
    const keep = (chunks: readonly (string | number)[]) =>
      answered(actor, () =>
        store.keepSnapshot(snapshotOf(segment, record, chunks, { epoch, manifest: text(texts.join('|')) })),
      );
    let numbers = await keep(chunk === null ? texts : [own, chunk.number]);
    if (numbers === 'NO_CHUNK') {
      gone++;
      numbers = await keep(texts);
    }
    if (typeof numbers === 'string') {
      expect(['WRITER_REPLACED', 'UNKNOWN_RUN']).toContain(numbers);
      return;
    }
    chunk = { number: numbers[0]!, text: own };
    // Now and then the one that holds the chunk to be shared next.
    const dropped = turn % 3 === 1 ? record.tick : Math.max(record.tick - 1, 0);
    await answered(actor, () => store.dropSnapshots(segment, [dropped]));
  }
}

interface Told {
  /** Forks whose making was answered, with the hash that they begin on, and the power losses before. */
  readonly made: Map<string, { readonly tick: number; readonly crashes: number }>;
  readonly removed: Set<string>;
  crashes: number;
}

async function forker(store: Store, actor: Actor, told: Told, below: (n: number) => number): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    const runs = await answered(actor, () => store.list(null, 99));
    const of = typeof runs === 'string' ? undefined : runs[below(runs.length)];
    if (of === undefined) continue;
    const { id: segment, parent, head } = of.segment;
    const first = parent === null ? 0 : parent.tick + 1;
    const from = first + below(Math.max(head.tick - first + 1, 1));
    const page = await answered(actor, () => store.read(segment, from, { records: 1, bytes: 1 }));
    const record = typeof page === 'string' ? undefined : page.records[0];
    if (record === undefined) continue;
    const id = `${actor.name} ${turn}`;
    const made = await answered(actor, () => store.fork(newFork(id, segment, record)));
    const code = typeof made === 'string' ? made : 'made';
    expect(['made', 'EXISTS', 'NO_TICK', 'UNKNOWN_RUN', 'DIVERGED']).toContain(code);
    if (code === 'made') told.made.set(id, { tick: record.tick, crashes: told.crashes });
    if (code === 'made' && below(2) === 0) await writer(store, actor, id, 1 + below(2));
    if (below(3) > 0) continue;
    const other = `${actor.name} ${below(turn + 1)}`;
    told.removed.add(other);
    await answered(actor, () => store.remove(other, true));
  }
}

async function collector(store: Store, actor: Actor, below: (n: number) => number): Promise<void> {
  for (let turn = 0; turn < 25; turn++) await answered(actor, () => store.collect(1 + below(4)));
}

/** Every run is a whole chain, every snapshot whole, and nothing is left that nobody reaches. */
async function expectSound(medium: SimulatedMedium): Promise<void> {
  const store = simulatedStore({ medium });
  const check = async () => {
    for (const { id, segment } of await store.list(null, 999)) {
      const log = await wholeLog(store, segment.id);
      let previous: Uint8Array = new Uint8Array(32);
      for (const [tick, record] of log.entries()) {
        expect({ id, tick: record.tick, ok: Buffer.from(record.previous).equals(previous) }).toEqual({
          id,
          tick,
          ok: true,
        });
        previous = record.hash;
      }
      expect(log.length).toBe(segment.head.tick + 1);
      for (const of of await store.lineage(segment.id))
        for (const { tick } of await store.snapshots(of.id)) {
          const { manifest } = (await store.readSnapshot(of.id, tick))!;
          expect((await textsOf(store, of.id, tick)).join('|')).toBe(Buffer.from(manifest).toString());
        }
    }
  };
  await check();
  await collectAll(store, 3);
  await check();
  const runs = await store.list(null, 999);
  for (const { id } of runs) await store.remove(id, true);
  await collectAll(store, 3);
  expect(medium.memory.count()).toEqual({ runs: 0, segments: 0, records: 0, snapshots: 0, chunks: 0 });
}

async function simulate(seed: number, durability: 'process' | 'power'): Promise<Told> {
  const scheduler = simulatedScheduler(seed);
  const medium = new SimulatedMedium({ seed, durability, checkpoint: 0.2 });
  const told: Told = { made: new Map(), removed: new Set(), crashes: 0 };
  const [first] = chain('setup', 1) as [LogRecord];
  await simulatedStore({ medium }).create(newRun('main', first));
  medium.sync();
  const below = (n: number): number => scheduler.choices.below(n);
  const open = (name: string, salt: number) =>
    simulatedStore({ seed: seed * 11 + salt, faults: FAULTS, scheduler, medium, name });
  const spawn = (name: string, salt: number, work: (store: Store, actor: Actor) => Promise<void>) =>
    scheduler.spawn(name, async (actor) => {
      const dead = (e: unknown) => {
        if (!isWorldfoldError(e, 'STORE_FAILED')) throw e;
      };
      await work(open(name, salt), actor).catch(dead);
    });
  const spawnAll = (round: string, salt: number) => {
    spawn(`writer${round}`, salt + 1, (store, actor) => writer(store, actor, 'main', 6));
    for (const n of [2, 3])
      spawn(`fork${n}${round}`, salt + n, (store, actor) => forker(store, actor, told, below));
    spawn(`collector${round}`, salt + 4, (store, actor) => collector(store, actor, below));
  };
  spawnAll('', 0);
  scheduler.spawn('death', async ({ pause }) => {
    for (let turns = below(120); turns > 0; turns--) await pause();
    medium.crash();
    told.crashes++;
    spawnAll(' again', 5);
  });
  await scheduler.run();
  // Who was told that a fork is there finds it, unless it went with the power.
  const store = simulatedStore({ medium });
  for (const [id, { crashes }] of told.made)
    if (!told.removed.has(id) && (durability === 'power' || crashes === told.crashes))
      expect((await store.head(id))?.id).toBe(id);
  await expectSound(medium);
  return told;
}

for (const durability of ['process', 'power'] as const)
  test(`L6 L7 L11: any schedule of forks and collections; durability ${durability}`, async () => {
    let made = 0;
    let removed = 0;
    for (let seed = 0; seed < 120; seed++) {
      const told = await simulate(seed, durability);
      made += told.made.size;
      removed += told.removed.size;
    }
    // The schedules do what they are there for.
    expect(made).toBeGreaterThan(500);
    expect(removed).toBeGreaterThan(200);
    expect(gone).toBeGreaterThan(50);
  });
