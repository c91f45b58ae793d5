/** verify and bisect: what they say of logs that are sound, damaged, older, or of two minds. */
import { describe, expect, test } from 'vitest';
import { town, townApply } from '../../../test/gallery/town.ts';
import { caught, codeOf, meddled } from '../../../test/support/runs.ts';
import { memoryStore } from '../../log/memory-store.ts';
import type { Page, Store } from '../../log/store.ts';
import { createRun } from '../../simulation/create-run.ts';
import { openRun } from '../../simulation/open-run.ts';
import { bisect } from './bisect.ts';
import { bisectText, verifyText } from './report-text.ts';
import { verify } from './verify.ts';

const person = (id: number) => ({ person: id as never });

async function recorded(store: Store, ticks = 12, options: { hashEvery?: number } = {}) {
  const run = await createRun(town(), { store, seed: 's', id: 'r', snapshots: { every: 5 }, ...options });
  await run.advance(3);
  run.submit.cured(person(1));
  await run.advance(ticks - 3);
  await run.close();
}

const stored = (store: Store, world: ReturnType<typeof town> = town(), id = 'r') => ({ store, id, world });

describe('a sound run', () => {
  test('L5: is verified to the last byte, open or closed, durable or not, with its inputs', async () => {
    const store = memoryStore();
    const run = await createRun(town(), { store, seed: 's', id: 'r' });
    await run.advance(3);
    run.submit.cured(person(1));
    run.submit.cured(person(2), { source: 'nurse', seq: 1 });
    await run.advance(18);
    await run.advance(2);
    const open = await verify(run);
    expect(run.durableTick).toBeLessThan(run.tick);
    expect(open).toMatchObject({
      verdict: 'verified',
      chained: { from: 0, to: 23 },
      compared: 24,
      executed: 24,
      older: null,
      divergence: null,
      damage: null,
    });
    await run.close();
    expect(await verify(stored(store))).toEqual(open);
    expect(verifyText(open)).toMatch(
      /^run 'r' is verified\n {2}ticks 0 to 23: records and their chain, \d+ events\n/,
    );
  });

  test('L5: is verified from any tick on, with fewer hashes recorded, and by less', async () => {
    const store = memoryStore();
    await recorded(store, 12, { hashEvery: 5 });
    for (let from = 0; from <= 12; from++)
      expect(await verify(stored(store), { from })).toMatchObject({
        verdict: 'verified',
        executed: 13 - from,
      });
    const some = { from: 4, to: 11 };
    expect(await verify(stored(store), some)).toMatchObject({
      chained: some,
      compared: 2,
      executed: 8,
      verdict: 'verified',
    });
    expect(await verify(stored(store), { mode: 'fold' })).toMatchObject({ compared: 3, executed: 0 });
    expect(await verify(stored(store), { mode: 'chain' })).toMatchObject({
      compared: 0,
      executed: 0,
      verdict: 'verified',
    });
  });

  test('L5 L6: forks are verified through their parents, with changes of their own', async () => {
    const store = memoryStore();
    await recorded(store);
    const run = await openRun(town(), { store, id: 'r' });
    const change = { seed: 'other', config: { rate: 0.9 }, inputs: [['cured', person(3)]] as const };
    const fork = await run.fork({ at: 2, id: 'f', later: 'keep', ...change });
    await fork.advance(6);
    expect(await verify(fork)).toMatchObject({ verdict: 'verified', executed: 9 });
    await fork.close();
    await run.close();
    expect(await verify(stored(store, town(), 'f'))).toMatchObject({ verdict: 'verified', executed: 9 });
  });

  test('is verified as far as a signal lets it, with progress', async () => {
    const store = memoryStore();
    await recorded(store);
    const stop = new AbortController();
    const seen: number[] = [];
    stop.abort();
    const report = await verify(stored(store), {
      signal: stop.signal,
      onProgress: ({ tick }) => void seen.push(tick),
    });
    expect(report).toMatchObject({ verdict: 'aborted', chained: { from: 0, to: 0 } });
    expect(seen.length).toBeGreaterThan(0);
    expect(verifyText(report)).toMatch(/aborted/);
  });

  test('what means nothing is refused', async () => {
    const store = memoryStore();
    await recorded(store);
    const code = (options: object) => codeOf(() => verify(stored(store), options));
    expect(await code({ from: 13 })).toBe('NO_TICK');
    expect(await code({ from: 5, to: 4 })).toBe('BAD_USAGE');
    expect(await code({ mode: 'all' })).toBe('BAD_USAGE');
    expect(await code({ limit: -1 })).toBe('BAD_USAGE');
    expect(await code({ until: 3 })).toBe('BAD_USAGE');
    expect(await codeOf(() => verify(stored(store, town(), 'nobody')))).toBe('UNKNOWN_RUN');
    expect(await codeOf(() => verify({} as never))).toBe('BAD_USAGE');
    expect((await caught(() => verify({ store, id: 'r', world: {} } as never))).hint).toMatch(/defineWorld/);
  });
});

/** A store that hands out the record of one tick otherwise. */
function spoilt(inner: Store, tick: number, spoil: (bytes: Uint8Array) => Uint8Array): Store {
  const { read } = inner;
  return Object.assign(meddled(inner), {
    read: async (...given: Parameters<Store['read']>): Promise<Page> => {
      const page = await read.apply(inner, given);
      return {
        ...page,
        records: page.records.map((one) =>
          one.tick === tick ? { ...one, bytes: spoil(one.bytes.slice()) } : one,
        ),
      };
    },
  });
}

describe('a damaged run', () => {
  test('L12: is told from one that diverges, in every mode, with segment and tick', async () => {
    const store = memoryStore();
    await recorded(store);
    const flipped = spoilt(store, 7, (bytes) => {
      bytes[60]! ^= 1;
      return bytes;
    });
    for (const mode of ['chain', 'fold', 'execute'] as const) {
      const report = await verify(stored(flipped), { mode });
      expect(report).toMatchObject({ verdict: 'damaged', chained: { from: 0, to: 6 }, divergence: null });
      expect(report.damage).toMatchObject({ code: 'CORRUPT', facts: { tick: 7 } });
      expect(verifyText(report)).toMatch(/^run 'r' is damaged \(CORRUPT\): the record of tick 7/);
    }
  });
});

describe('a log that is damaged where it ends', () => {
  test.each<readonly [string, string, (page: Page) => Page]>([
    [
      'is lost',
      'NO_RECORD',
      (page) => ({ ...page, records: page.records.filter(({ tick }) => tick !== 12) }),
    ],
    [
      'is another',
      'CORRUPT',
      (page) => ({
        ...page,
        records: page.records.map((one) => (one.tick === 12 ? { ...one, hash: new Uint8Array(32) } : one)),
      }),
    ],
  ])('L12: a last record that %s is told as damage, and not thrown', async (_, code, harm) => {
    const whole = memoryStore();
    await recorded(whole);
    const store = {
      ...whole,
      read: async (...of: Parameters<Store['read']>) => harm(await whole.read(...of)),
    };
    for (const mode of ['chain', 'fold', 'execute'] as const) {
      const report = await verify(stored(store), { mode });
      expect(report).toMatchObject({ run: 'r', mode, verdict: 'damaged', divergence: null });
      expect(report.damage).toMatchObject({ code, facts: { tick: 12 } });
      expect(verifyText(report)).toContain(`run 'r' is damaged (${code})`);
    }
    expect(await codeOf(() => verify(stored(store, town(), 'nobody')))).toBe('UNKNOWN_RUN');
  });
});

describe('an older era', () => {
  test('L13: ticks that other handlers recorded are verified as records, later ones in full', async () => {
    const store = memoryStore();
    await recorded(store);
    const changed = town({
      apply: { ...townApply, infected: (w, e) => w.people.update(e.person, { money: 0 }) },
    });
    const run = await openRun(changed, { store, id: 'r', adopt: true });
    await run.advance(5);
    await run.close();
    const report = await verify(stored(store, changed));
    expect(report).toMatchObject({
      verdict: 'verified',
      older: { from: 0, to: 12 },
      compared: 5,
      executed: 5,
    });
    expect(verifyText(report)).toMatch(/ticks 0 to 12 belong to an older era/);
    // The code that recorded them can do more, up to the era.
    expect(await verify(stored(store), { to: 12 })).toMatchObject({
      verdict: 'verified',
      executed: 13,
      older: null,
    });
  });
});

describe('bisect', () => {
  const other = () => town({ apply: {}, systems: {} });

  test('L5: two records of one run are the same up to the lesser head', async () => {
    const [mine, theirs] = [memoryStore(), memoryStore()];
    await recorded(mine, 12);
    await recorded(theirs, 9);
    const report = await bisect(stored(mine), stored(theirs, other()));
    expect(report).toEqual({
      runs: { a: 'r', b: 'r' },
      heads: { a: 12, b: 9 },
      same: 9,
      tick: null,
      place: null,
      difference: null,
    });
  });

  test('L5: where they part is named to event, column and row', async () => {
    const [mine, theirs] = [memoryStore(), memoryStore()];
    await recorded(mine);
    const run = await createRun(town(), { store: theirs, seed: 's', id: 'r' });
    await run.advance(3);
    run.submit.cured(person(2));
    await run.advance(9);
    await run.close();
    const report = await bisect(stored(mine), stored(theirs));
    expect(report).toMatchObject({ same: 3, tick: 4, place: { what: 'events', origin: 'inputs' } });
    expect(report.place!.values).toEqual([{ column: 'person', a: 1, b: 2 }]);
    expect(report.difference!.tables.map(({ table }) => table)).toContain('people');
    expect(bisectText(report)).toMatch(
      /^r and r part at tick 4, the inputs\n {2}first in an event of the inputs: 'cured' number 0\n/,
    );
  });

  test('L5: runs of two seeds part at tick 0, by their environment', async () => {
    const store = memoryStore();
    await recorded(store);
    const run = await createRun(town(), { store, seed: 'other', id: 'q' });
    const report = await bisect(stored(store), run);
    expect(report).toMatchObject({ same: -1, tick: 0, place: { what: 'environment' } });
    await run.close();
  });
});

describe('a world within a tick', () => {
  test('L3: is that after its inputs, or after a system, in order', async () => {
    const store = memoryStore();
    await recorded(store);
    const run = await openRun(town(), { store, id: 'r' });
    const hashes = new Map<string, unknown>();
    const rows = (world: object) => JSON.stringify([...(world as { people: Iterable<unknown> }).people]);
    for (const after of ['inputs', 'move', 'infect', 'earn', 'live'])
      hashes.set(after, rows(await run.at(4, { after })));
    const [before, end] = [rows(await run.at(3)), rows(await run.at(4))];
    expect(hashes.get('inputs')).not.toBe(before);
    expect(hashes.get('move')).not.toBe(hashes.get('inputs'));
    expect(hashes.get('earn')).not.toBe(hashes.get('infect'));
    expect(hashes.get('live')).toBe(end);
    // A system that did not run leaves the world as the one before it did.
    expect(rows(await run.at(5, { after: 'live' }))).toBe(rows(await run.at(5, { after: 'earn' })));
    expect(rows(await run.at(0, { after: 'setup' }))).toBe(rows(await run.at(0)));
    expect((await caught(() => run.at(4, { after: 'nobody' }))).hint).toBe(
      "There is: 'inputs', 'move', 'infect', 'earn', 'live'.",
    );
    await run.close();
  });
});
