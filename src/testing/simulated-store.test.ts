import { describe, expect, test } from 'vitest';
import { pond } from '../../test/support/wrong-worlds.ts';
import { isWorldfoldError } from '../base/errors.ts';
import { sha256 } from '../base/platform.ts';
import { createRun, openRun, replay } from '../index.ts';
import type { Head, LogRecord, NewRun, Store } from '../log/store.ts';
import { SimulatedMedium } from './simulated-medium.ts';
import { type Actor, type SimulatedScheduler, simulatedScheduler } from './simulated-scheduler.ts';
import { simulatedStore } from './simulated-store.ts';

const ALL = { records: Infinity, bytes: Infinity };
const ZEROS = new Uint8Array(32);

/** A record that follows a head; who wrote it is in its bytes. */
function following(head: Head | null, author: string): LogRecord {
  const tick = head === null ? 0 : head.tick + 1;
  const bytes = new TextEncoder().encode(`${author} ${tick}`);
  const previous = head?.hash ?? ZEROS;
  return { tick, previous, bytes, hash: new Uint8Array(sha256(Buffer.concat([previous, bytes]))) };
}

const holder = (token: string) => ({ host: 'here', pid: 1, token, ttlMs: 20 });
const newRun: NewRun = {
  id: 'run',
  header: '{}',
  segment: 's',
  record: following(null, 'setup'),
  holder: holder('setup'),
};

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const codeOf = (e: unknown): string => {
  if (isWorldfoldError(e)) return e.code;
  throw e;
};

/** What actors were told: hashes that are kept, by tick, the newest epoch, and how often the power went. */
interface Told {
  readonly kept: Map<number, string>;
  epoch: number;
  crashes: number;
}

/** Checks that records are a chain that begins with the setup. */
function expectChain(records: readonly LogRecord[]): void {
  let head: Head | null = null;
  for (const record of records) {
    expect(record.tick).toBe(head === null ? 0 : head.tick + 1);
    expect(hex(record.previous)).toBe(hex(head?.hash ?? ZEROS));
    expect(hex(record.hash)).toBe(hex(sha256(Buffer.concat([record.previous, record.bytes]))));
    head = record;
  }
}

/**
 * Appends six groups; takes the segment again when it was replaced, and says the same again when a call
 * failed.
 */
async function writer(store: Store, { name, pause }: Actor, told: Told): Promise<void> {
  const again = async <T>(call: () => Promise<T>): Promise<T> => {
    for (;;) {
      const answer = await call().catch((e: unknown) => {
        if (codeOf(e) !== 'STORE_FAILED' || (isWorldfoldError(e) && e.facts.dead === true)) throw e;
        return again;
      });
      if (answer !== again) return answer as T;
      await pause('fails');
    }
  };
  for (let groups = 0; groups < 6; ) {
    try {
      const epoch = await again(() => store.acquire('s', holder(name), true));
      told.epoch = Math.max(told.epoch, epoch);
      for (; groups < 6; groups++) {
        const info = (await again(() => store.head('run')))!;
        const group: LogRecord[] = [];
        for (let i = 0; i < 2; i++) group.push(following(group.at(-1) ?? info.segment.head, name));
        const before = told.crashes;
        let replaced = false;
        const head = await again(() => {
          replaced = epoch < told.epoch;
          return store.append('s', epoch, group[0]!.tick, group);
        });
        expect(replaced).toBe(false);
        expect(head.tick).toBeGreaterThanOrEqual(group[1]!.tick);
        if (told.crashes === before) for (const r of group) told.kept.set(r.tick, hex(r.hash));
      }
    } catch (e) {
      const code = codeOf(e);
      if (code === 'STORE_FAILED') return;
      // Another writer took over between reading the head and appending: both refusals say so.
      expect(['WRITER_REPLACED', 'DIVERGED', 'GAP']).toContain(code);
      await pause('was replaced');
    }
  }
}

/** Reads pages: what it has read stays as it was. */
async function reader(store: Store): Promise<void> {
  const seen: LogRecord[] = [];
  for (let turns = 0; turns < 8; turns++) {
    const page = await store
      .read('s', Math.max(0, seen.length - 1), { records: 4, bytes: 60 })
      .catch((e: unknown) => {
        expect(codeOf(e)).toBe('STORE_FAILED');
        return null;
      });
    for (const record of page?.records ?? []) {
      if (record.tick < seen.length) expect(hex(record.hash)).toBe(hex(seen[record.tick]!.hash));
      else seen.push(record);
    }
    expectChain(seen);
  }
}

interface Plan {
  readonly seed: number;
  readonly durability: 'process' | 'power';
  readonly death: 'none' | 'process' | 'machine';
}

const FAULTS = { beforeCommit: 0.1, afterCommit: 0.1, read: 0.1 };

async function simulate({
  seed,
  durability,
  death,
}: Plan): Promise<{ scheduler: SimulatedScheduler; end: string }> {
  const scheduler = simulatedScheduler(seed);
  const medium = new SimulatedMedium({ seed, durability, checkpoint: 0.2 });
  const told: Told = { kept: new Map(), epoch: 1, crashes: 0 };
  await simulatedStore({ medium }).create(newRun);
  medium.sync();
  const open = (name: string, salt: number) =>
    simulatedStore({ seed: seed * 7 + salt, faults: FAULTS, scheduler, medium, name });
  const one = open('one', 1);
  scheduler.spawn('one', (actor) => writer(one, actor, told));
  scheduler.spawn('two', (actor) => writer(open('two', 2), actor, told));
  scheduler.spawn('reader', () => reader(open('reader', 3)));
  if (death !== 'none')
    scheduler.spawn('death', async ({ name, pause }) => {
      for (let turns = scheduler.choices.below(60); turns > 0; turns--) await pause();
      if (death === 'process') one.crash();
      else {
        const lost = medium.crash();
        told.crashes++;
        if (durability === 'power') expect(lost).toBe(0);
        else {
          told.kept.clear();
          told.epoch = 1;
        }
      }
      await writer(open(name, 4), { name, pause }, told);
    });
  await scheduler.run();
  const last = simulatedStore({ medium });
  const run = (await last.head('run'))!;
  const { records } = await last.read('s', 0, ALL);
  expectChain(records);
  for (const [tick, hash] of told.kept) expect(hex(records[tick]?.hash ?? ZEROS)).toBe(hash);
  return { scheduler, end: `${run.segment.epoch} ${hex(run.segment.head.hash)}` };
}

describe('schedules', () => {
  const plans = (['process', 'power'] as const).flatMap((durability) =>
    (['none', 'process', 'machine'] as const).map((death) => ({ durability, death })),
  );
  for (const plan of plans)
    test(`L1 L2 L7 L11: any schedule; durability ${plan.durability}, dies: ${plan.death}`, async () => {
      for (let seed = 0; seed < 300; seed++) await simulate({ seed, ...plan });
    });

  test('a seed gives the same schedule again, and another seed another one', async () => {
    const ends = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const plan = { seed, durability: 'process', death: 'machine' } as const;
      const first = await simulate(plan);
      const second = await simulate(plan);
      expect(second.scheduler.trace).toEqual(first.scheduler.trace);
      expect(second.end).toBe(first.end);
      ends.add(first.scheduler.trace.join());
    }
    expect(ends.size).toBe(20);
  });
});

const first = following(newRun.record, 'a');
const made = async () => {
  const medium = new SimulatedMedium({ checkpoint: 0 });
  const sound = simulatedStore({ medium });
  await sound.create(newRun);
  return { medium, sound };
};
const head = async (store: Store) => (await store.head('run'))?.segment.head.tick;

describe('faults', () => {
  test('L2: before the commit nothing is kept, after it all is; saying it again is harmless', async () => {
    const { medium, sound } = await made();
    const before = simulatedStore({ medium, faults: { beforeCommit: 1 } });
    await expect(before.append('s', 1, 1, [first])).rejects.toMatchObject({ code: 'STORE_FAILED' });
    expect(await head(sound)).toBe(0);
    const lost = simulatedStore({ medium, faults: { afterCommit: 1 } });
    await expect(lost.append('s', 1, 1, [first])).rejects.toMatchObject({ code: 'STORE_FAILED' });
    expect(await head(sound)).toBe(1);
    expect((await sound.append('s', 1, 1, [first])).tick).toBe(1);
    const deaf = simulatedStore({ medium, faults: { read: 1 } });
    for (const call of [() => deaf.read('s', 0, ALL), () => deaf.head('run'), () => deaf.list(null, 1)])
      await expect(call()).rejects.toMatchObject({ code: 'STORE_FAILED' });
  });

  test('faults come about as often as asked', async () => {
    const { medium } = await made();
    const store = simulatedStore({ seed: 5, medium, faults: { beforeCommit: 0.3 } });
    let failed = 0;
    for (let i = 0; i < 1000; i++) await store.append('s', 1, 1, []).catch(() => failed++);
    expect(Math.abs(failed - 300)).toBeLessThan(60);
  });
});

describe('deaths', () => {
  test('L11: power loss takes the newest commits and leaves a prefix', async () => {
    const lost = new Set<number>();
    for (let seed = 0; seed < 60; seed++) {
      const medium = new SimulatedMedium({ seed, checkpoint: 0 });
      const store = simulatedStore({ medium });
      await store.create(newRun);
      let last: Head = newRun.record;
      for (let i = 0; i < 3; i++) {
        const record = following(last, 'a');
        last = await store.append('s', 1, record.tick, [record]);
      }
      const gone = medium.crash();
      lost.add(gone);
      await expect(store.head('run')).rejects.toMatchObject({ code: 'STORE_FAILED', facts: { dead: true } });
      const reopened = simulatedStore({ medium });
      expect(await head(reopened)).toBe(gone === 4 ? undefined : 3 - gone);
      if (gone < 4) expectChain((await reopened.read('s', 0, ALL)).records);
      expect(medium.crash()).toBe(0);
    }
    expect([...lost].sort()).toEqual([0, 1, 2, 3, 4]);
  });

  test('L11: power loss takes leases, epochs and attempts back too, and never what was synced', async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const medium = new SimulatedMedium({ seed, checkpoint: 0 });
      const store = simulatedStore({ medium });
      await store.create(newRun);
      medium.sync();
      await store.acquire('s', holder('two'), true);
      await store.keepAttempt('s', { tick: 1, text: '{}' });
      await store.release('s', 2);
      medium.crash();
      const back = simulatedStore({ medium });
      const taken = await back.acquire('s', holder('three'), false).catch(codeOf);
      seen.add(`${taken} ${(await back.attempts('s')).length}`);
    }
    // Lost: all three, two, one, none.
    expect([...seen].sort()).toEqual(['3 1', 'RUN_IN_USE 0', 'RUN_IN_USE 1']);
  });
});

describe('calls under way', () => {
  test('L11: a call under way when its process dies is kept whole or not at all', async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const { medium, sound } = await made();
      const scheduler = simulatedScheduler(seed);
      const store = simulatedStore({ medium, scheduler });
      let heard = 'nothing';
      scheduler.spawn('writer', async () => {
        heard = await store.append('s', 1, 1, [first]).then(() => 'done', codeOf);
      });
      scheduler.spawn('death', () => store.crash());
      await scheduler.run();
      seen.add(`${heard} ${await head(sound)}`);
    }
    expect([...seen].sort()).toEqual(['STORE_FAILED 0', 'STORE_FAILED 1', 'done 1']);
  });

  test('calls under way at the same time overtake each other', async () => {
    const orders = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const { medium } = await made();
      const scheduler = simulatedScheduler(seed);
      const store = simulatedStore({ medium, scheduler });
      const order: string[] = [];
      for (const name of ['a', 'b', 'c'])
        scheduler.spawn(name, async () => {
          await store.keepAttempt('s', { tick: 0, text: name });
          order.push(name);
        });
      await scheduler.run();
      orders.add(order.join(''));
    }
    expect(orders.size).toBe(6);
  });

  test('calls that write may be late, there and back; those that read are not', async () => {
    const lengths = { read: new Set<number>(), write: new Set<number>() };
    for (let seed = 0; seed < 40; seed++)
      for (const kind of ['read', 'write'] as const) {
        const { medium } = await made();
        const scheduler = simulatedScheduler(seed);
        const store = simulatedStore({ medium, scheduler, seed, faults: { late: 0.5 } });
        scheduler.spawn(kind, async () => {
          await (kind === 'read' ? store.head('run') : store.keepAttempt('s', { tick: 0, text: 'x' }));
        });
        lengths[kind].add(await scheduler.run());
      }
    expect([...lengths.read]).toEqual([3]);
    expect(Math.min(...lengths.write)).toBe(3);
    expect(Math.max(...lengths.write)).toBeGreaterThan(6);
  });
});

/** A run of a small world over a medium, and how it is opened again. */
function pondOver(medium: SimulatedMedium, policy: object = {}) {
  const options = { id: 'pond', snapshots: false, commit: { ticks: 2 }, ...policy } as const;
  const open = (faults: object = {}) => simulatedStore({ medium, seed: 5, faults });
  return {
    begin: (faults?: object) => createRun(pond(), { ...options, store: open(faults), seed: 'alpha' }),
    open: () => openRun(pond(), { ...options, store: open(), takeover: true }),
  };
}

const still = { clocks: { wall: () => 0, steady: () => 0 } };

describe('faults that users may ask for', () => {
  test.each(['before', 'after'] as const)('L11: the machine stops %s a commit is kept', async (when) => {
    // With power every commit is on the disk: what is lost is the one under way, or nothing.
    const medium = new SimulatedMedium({ seed: 1, durability: 'power' });
    const world = pondOver(medium, still);
    const run = await world.begin();
    await run.advance(4);
    medium.crashAtCommit(when);
    expect(await run.advance(2).catch(codeOf)).toBe('STALLED');
    const opened = await world.open();
    expect(opened.tick).toBe(when === 'before' ? 4 : 6);
    const { stateHash } = await opened.advance(10 - opened.tick);
    const whole = await pondOver(new SimulatedMedium(), still).begin();
    expect((await whole.advance(10)).stateHash).toBe(stateHash);
  });

  test('L11: a seed loses the power at commits, before and after they are kept', async () => {
    const found = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const medium = new SimulatedMedium({ seed, durability: 'power' });
      await simulatedStore({ medium }).create(newRun);
      const store = simulatedStore({ medium, seed, faults: { powerLoss: 1 } });
      const record = following(following(null, 'setup'), 'writer');
      const error = await store.append('s', 1, 1, [record]).catch((e: unknown) => e);
      expect(error).toMatchObject({ code: 'STORE_FAILED', facts: { dead: true } });
      expect(store.isAlive).toBe(false);
      found.add(`kept up to ${(await simulatedStore({ medium }).head('run'))!.segment.head.tick}`);
    }
    expect([...found].sort()).toEqual(['kept up to 0', 'kept up to 1']);
  });

  test('L2: a full disk refuses a commit whole, and takes it when there is room', async () => {
    const medium = new SimulatedMedium({ seed: 1 });
    const world = pondOver(medium, still);
    const run = await world.begin();
    await run.advance(4);
    medium.resize(medium.used + 10);
    const full = await run.advance(2).catch((e: unknown) => e);
    expect(full).toMatchObject({ code: 'STALLED' });
    expect(run.state).toBe('stalled');
    expect(run.durableTick).toBe(4);
    expect((await simulatedStore({ medium }).head('pond'))!.segment.head.tick).toBe(4);
    const { used } = medium;
    medium.resize(Number.POSITIVE_INFINITY);
    expect(await run.flush()).toEqual({ tick: 6 });
    expect(medium.used).toBeGreaterThan(used);
    expect((await run.advance(2)).tick).toBe(8);
    await run.close();
  });

  test('L12: a commit that was half written is named when it is read, and never folded in', async () => {
    const ends = new Map<string, number>();
    for (let seed = 0; seed < 30; seed++) {
      const medium = new SimulatedMedium({ seed, checkpoint: 0, torn: 0.5 });
      const world = pondOver(medium, still);
      const run = await world.begin();
      medium.sync();
      await run.advance(8);
      medium.crash();
      const store = simulatedStore({ medium });
      const head = (await store.head('pond'))!.segment.head.tick;
      const error = await replay(pond(), { store, id: 'pond' }).catch((e: unknown) => e);
      const isTorn = isWorldfoldError(error);
      if (isTorn) expect(error).toMatchObject({ code: 'CORRUPT', facts: { run: 'pond', tick: head } });
      else expect(error).toMatchObject({ tick: head });
      ends.set(isTorn ? 'torn' : 'whole', (ends.get(isTorn ? 'torn' : 'whole') ?? 0) + 1);
    }
    expect(ends.get('torn')).toBeGreaterThan(3);
    expect(ends.get('whole')).toBeGreaterThan(3);
  });

  test('L15: faults that never happen leave a seed its choices', async () => {
    const traces = [{}, { powerLoss: 0, late: 0 }].map(async (more) => {
      const medium = new SimulatedMedium({ seed: 3, ...(Object.keys(more).length > 0 && { torn: 0 }) });
      const store = simulatedStore({ medium, seed: 9, faults: { beforeCommit: 0.3, read: 0.3, ...more } });
      const outcomes: string[] = [];
      for (let call = 0; call < 40; call++)
        outcomes.push(
          await store.create({ ...newRun, id: `r${call}`, segment: `s${call}` }).then(() => 'kept', codeOf),
        );
      outcomes.push(String(medium.crash()));
      return outcomes.join();
    });
    const [before, after] = await Promise.all(traces);
    expect(after).toBe(before);
    // As it was before there were powerLoss and torn: k for kept, f for failed, and what the crash took.
    const short = before!.replaceAll('kept', 'k').replaceAll('STORE_FAILED', 'f').replaceAll(',', '');
    expect(short).toBe('kffkfkfkkfkkkkkkffkkkfkfkffkfkkkkfkkfffk0');
  });
});
