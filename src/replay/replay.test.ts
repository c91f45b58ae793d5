import { describe, expect, test } from 'vitest';
import { hamlet } from '../../test/support/hamlet.ts';
import { caught, codeOf, framesOf, meddled } from '../../test/support/runs.ts';
import { tally, tallySchema } from '../../test/support/tally.ts';
import { memoryStore } from '../log/memory-store.ts';
import type { LogRecord, Page, Store } from '../log/store.ts';
import { createRun } from '../simulation/create-run.ts';
import { replay } from './replay.ts';

async function recorded(store: Store = memoryStore(), more = {}) {
  const run = await createRun(hamlet(), { store, seed: 's', id: 'r', ...more });
  for (let i = 1; i <= 4; i++) {
    run.submit.joined({ name: `n${i}` }, { source: 'door', seq: i });
    await run.advance(3);
  }
  const { stateHash } = await run.advance(0);
  await run.close();
  return { store, stateHash };
}

/** A store whose reads give other records than it holds. */
function damaged(inner: Store, damage: (record: LogRecord) => LogRecord | null): Store {
  const store = meddled(inner);
  const read = async (...given: Parameters<Store['read']>): Promise<Page> => {
    const page = await inner.read(...given);
    return { ...page, records: page.records.map(damage).filter((record) => record !== null) };
  };
  return Object.assign(store, { read });
}

const at = (tick: number, change: (record: LogRecord) => LogRecord | null) => (record: LogRecord) =>
  record.tick === tick ? change(record) : record;

describe('replay', () => {
  test('L3: folds the log from nothing to the recorded hashes, and reports what it read', async () => {
    const { store, stateHash } = await recorded();
    const frames = await framesOf(store, 'r');
    const events = frames.reduce(
      (all, { counts }) => all + counts.reduce((sum, { size }) => sum + size, 0),
      0,
    );
    expect(await replay(hamlet(), { store, id: 'r' })).toEqual({
      ...{ id: 'r', tick: 12, from: 0, ticks: 13, compared: 13, events },
      ...{ stateHash, recordedHash: stateHash },
    });
  });

  test('compares what was hashed', async () => {
    const { store, stateHash } = await recorded(memoryStore(), { hashEvery: 5 });
    expect(await replay(hamlet(), { store, id: 'r' })).toMatchObject({
      ...{ tick: 12, compared: 3, stateHash, recordedHash: null },
    });
    const ten = await replay(hamlet(), { store, id: 'r', to: 10 });
    expect(ten.recordedHash).toBe(ten.stateHash);
  });

  test('stops at the tick that it is asked for', async () => {
    const { store } = await recorded();
    const frames = await framesOf(store, 'r');
    for (const to of [0, 1, 7, 12])
      expect(await replay(hamlet(), { store, id: 'r', to })).toMatchObject({
        ...{ tick: to, ticks: to + 1, compared: to + 1 },
        stateHash: Buffer.from(frames[to]!.stateHash!).toString('hex'),
      });
    for (const to of [-1, 13, 1.5])
      expect(await caught(() => replay(hamlet(), { store, id: 'r', to }))).toMatchObject({
        code: 'NO_TICK',
        facts: { run: 'r', head: 12 },
      });
  });

  test('stops when it is aborted, and reports how far it came', async () => {
    const { store } = await recorded();
    const stop = AbortSignal.abort();
    expect(await replay(hamlet(), { store, id: 'r', signal: stop })).toMatchObject({
      tick: 0,
      ticks: 1,
      compared: 1,
    });
    const told: number[] = [];
    await replay(hamlet(), {
      store,
      id: 'r',
      onProgress: ({ tick, target }) => void told.push(tick, target),
    });
    expect(told.slice(-2)).toEqual([12, 12]);
  });

  test('writes nothing, needs no lease, and reads a run that goes on', async () => {
    const store = meddled();
    const run = await createRun(hamlet(), { store, seed: 's', id: 'r', commit: { ticks: 2, ms: 1e9 } });
    await run.advance(5);
    const writes: string[] = [];
    for (const call of ['append', 'acquire', 'renew', 'release', 'keepAttempt', 'create'] as const)
      store.before[call] = () => void writes.push(call);
    const reported = replay(hamlet(), { store, id: 'r' });
    expect(await reported).toMatchObject({ tick: 4 });
    expect(writes).toEqual([]);
    expect((await run.advance()).tick).toBe(6);
  });

  test('an unknown run and another schema are refused by name', async () => {
    const { store } = await recorded();
    expect(await codeOf(() => replay(hamlet(), { store, id: 'x' }))).toBe('UNKNOWN_RUN');
    expect(await caught(() => replay(tally(), { store, id: 'r' }))).toMatchObject({
      code: 'SCHEMA_DIFFERS',
      facts: { run: 'r' },
    });
  });

  test.each([
    ['another result', (n: number) => (n === 5 ? 50 : n), 5, 'expected'],
    ['an error', (n: number) => (n === 7 ? 0.5 : n), 7, 'reason'],
  ])('L3: changed handlers are named with the first tick that differs: %s', async (_, change, tick, fact) => {
    const store = memoryStore();
    const world = (f: (n: number) => number) =>
      tally({
        systems: [tallySchema.system('adds', ({ emit, tick: n }) => emit.add({ n }))],
        apply: { add: (w, e) => w.total.set({ n: w.total.value.n + f(e.n) }) },
      });
    const run = await createRun(
      world((n) => n),
      { store, seed: 's', id: 'r' },
    );
    await run.advance(9);
    await run.close();
    const error = await caught(() => replay(world(change), { store, id: 'r' }));
    expect(error).toMatchObject({ code: 'REPLAY_DIFFERS', facts: { run: 'r', tick } });
    expect(error.facts[fact]).toBeDefined();
  });
});

describe('L12: damage', () => {
  test('a flipped bit anywhere in a record is named with its tick, and never folded in', async () => {
    const { store } = await recorded();
    const length = (await framesOf(store, 'r'))[5]!.bytes.length;
    for (let at8 = 0; at8 < length; at8 += 7) {
      const hurt = damaged(
        store,
        at(5, (record) => {
          const bytes = record.bytes.slice();
          bytes[at8]! ^= 1 << (at8 % 8);
          return { ...record, bytes };
        }),
      );
      const error = await caught(() => replay(hamlet(), { store: hurt, id: 'r' }));
      expect(['CORRUPT', 'NEWER_FORMAT']).toContain(error.code);
      expect(error.facts).toMatchObject({ run: 'r', tick: 5, segment: expect.stringMatching(/^r\//) });
    }
  });

  test.each([
    ['a record that is cut short', at(5, (r) => ({ ...r, bytes: r.bytes.slice(0, -9) })), 'CORRUPT'],
    ['a record of another tick', at(5, (r) => ({ ...r, tick: 6 })), 'CORRUPT'],
    ['a missing record', at(5, () => null), 'CORRUPT'],
    ['a missing tail', (r: LogRecord) => (r.tick > 8 ? null : r), 'NO_RECORD'],
  ])('%s is named', async (_, damage, code) => {
    const { store } = await recorded();
    const error = await caught(() => replay(hamlet(), { store: damaged(store, damage), id: 'r' }));
    expect(error).toMatchObject({ code, facts: { tick: code === 'CORRUPT' ? 5 : 12 } });
    expect((await replay(hamlet(), { store, id: 'r' })).tick).toBe(12);
  });

  test('a record of another run is named, though it is whole', async () => {
    const { store } = await recorded();
    const other = await recorded(memoryStore(), { seed: 't' });
    const foreign = (await framesOf(other.store, 'r')).map(({ bytes }) => bytes);
    const hurt = damaged(
      store,
      at(5, (record) => ({ ...record, bytes: foreign[5]! })),
    );
    expect(await caught(() => replay(hamlet(), { store: hurt, id: 'r' }))).toMatchObject({
      code: 'CORRUPT',
      facts: { tick: 5 },
    });
  });
});
