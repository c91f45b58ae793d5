/** Verdicts at the edges of a log: its first record, its last, and the first tick of an era. */
import { describe, expect, test } from 'vitest';
import { bank, recorded, wideBank } from '../../../test/support/bank.ts';
import { meddled } from '../../../test/support/runs.ts';
import { tally, tallyApply, tallySchema } from '../../../test/support/tally.ts';
import { memoryStore } from '../../log/memory-store.ts';
import type { Store } from '../../log/store.ts';
import { createRun } from '../../simulation/create-run.ts';
import { openRun } from '../../simulation/open-run.ts';
import { bisect } from './bisect.ts';
import { bisectText, divergenceText } from './report-text.ts';
import { verify } from './verify.ts';

/** A store that cuts the record of a tick short. */
function spoilt(inner: Store, tick: number): Store {
  const store = meddled(inner);
  store.read = async (...given) => {
    const page = await inner.read(...given);
    const cut = page.records.map((one) => (one.tick === tick ? { ...one, bytes: one.bytes.slice(1) } : one));
    return { ...page, records: cut };
  };
  return store;
}

describe('a verification', () => {
  test('L12: of a log whose first record is damaged has read none', async () => {
    const inner = memoryStore();
    await recorded(inner);
    for (const tick of [0, 4]) {
      const store = spoilt(inner, tick);
      for (const from of [0, 2, 4]) {
        if (from > tick) continue;
        const mode = tick === 0 ? 'fold' : 'chain';
        const report = await verify({ store, id: 'r', world: bank(1) }, { from, mode });
        expect(report).toMatchObject({ verdict: 'damaged', damage: { facts: { tick } }, compared: 0 });
        expect(report.chained).toEqual(from === tick ? null : { from, to: tick - 1 });
      }
    }
  });

  test('L12: that does not come to its first tick, as damage lies before it, has read none', async () => {
    const inner = memoryStore();
    await recorded(inner, 10, false);
    const report = await verify({ store: spoilt(inner, 2), id: 'r', world: bank(1) }, { from: 5 });
    expect(report).toMatchObject({ verdict: 'damaged', chained: null, older: null, executed: 0 });
  });

  test('L5 L13: of a log that was migrated runs again what the present schema recorded', async () => {
    const store = memoryStore();
    await recorded(store);
    const run = await openRun(wideBank, { store, id: 'r' });
    await run.advance(3);
    await run.close();
    for (const [mode, executed] of [
      ['execute', 3],
      ['fold', 0],
    ] as const)
      expect(await verify({ store, id: 'r', world: wideBank }, { mode })).toMatchObject({
        ...{ verdict: 'verified', chained: { from: 0, to: 13 }, older: { from: 0, to: 10 } },
        ...{ compared: 3, executed },
      });
  });

  test('that a signal meets on its last tick was not cut short', async () => {
    const store = memoryStore();
    await recorded(store);
    const log = { store, id: 'r', world: bank(1) };
    const signal = AbortSignal.abort();
    expect(await verify(log, { from: 10, signal })).toMatchObject({ verdict: 'verified', executed: 1 });
    expect(await verify(log, { from: 3, to: 3, signal })).toMatchObject({ verdict: 'verified' });
    expect(await verify(log, { from: 9, signal })).toMatchObject({
      verdict: 'aborted',
      chained: { from: 9, to: 9 },
    });
  });

  test('L5 L13: of an era finds what its first tick does otherwise, on the base of that era', async () => {
    const store = memoryStore();
    await recorded(store);
    const adopted = await openRun(bank(2), { store, id: 'r', adopt: true });
    await adopted.advance(3);
    await adopted.close();
    const { verdict, older, divergence } = await verify({ store, id: 'r', world: bank(3) });
    expect({ verdict, older }).toEqual({ verdict: 'diverged', older: { from: 0, to: 10 } });
    expect(divergence).toMatchObject({
      tick: 11,
      after: 10,
      found: 'fold',
      cause: 'changed code',
      kinds: ['added'],
      changed: ['apply.added'],
      tables: ['sums'],
      error: null,
    });
    expect(divergenceText(divergence!)).toMatch(/^run 'r' diverges at tick 11: folding its events/);
  });

  test('L5 L13: of an era whose system emits something else finds the event', async () => {
    const counting = (n: number, add = tallyApply.add) =>
      tally({
        systems: [tallySchema.system('adds', ({ emit, tick }) => emit.add({ n: tick > 4 ? n : 1 }))],
        apply: { add },
      });
    const twice: typeof tallyApply.add = (w, e) => w.total.set({ n: w.total.value.n + 2 * e.n });
    const store = memoryStore();
    const run = await createRun(counting(1), { store, seed: 's', id: 'r' });
    await run.advance(4);
    await run.close();
    const next = await openRun(counting(1, twice), { store, id: 'r', adopt: true });
    await next.advance(2);
    await next.close();
    expect(await verify({ store, id: 'r', world: counting(1, twice) })).toMatchObject({
      verdict: 'verified',
      older: { from: 0, to: 4 },
    });
    const { divergence } = await verify({ store, id: 'r', world: counting(7, twice) });
    expect(divergence).toMatchObject({
      ...{ tick: 5, after: 4, found: 'execute', tables: ['total'] },
      place: { what: 'events', origin: 'adds', values: [{ column: 'n', a: 1, b: 7 }] },
      difference: { tables: [{ rows: [{ values: [{ column: 'n', a: 6, b: 18 }] }] }] },
    });
  });
});

test('L5: records that part over one world part without a difference of worlds', async () => {
  const store = memoryStore();
  const drawing = (times: number) =>
    tally({
      systems: [
        tallySchema.system('draws', ({ rng }) => {
          for (let i = 0; i < times; i++) rng('dice').float();
        }),
      ],
    });
  for (const times of [1, 2]) {
    const run = await createRun(drawing(times), { store, seed: 's', id: `r${times}` });
    await run.advance(3);
    await run.close();
  }
  const [a, b] = [1, 2].map((times) => ({ store, id: `r${times}`, world: drawing(times) }));
  const report = await bisect(a!, b!);
  expect(report).toMatchObject({ same: 0, tick: 1, difference: null, place: { what: 'draws' } });
  expect(bisectText(report)).toBe(
    'r1 and r2 part at tick 1\n  the events are the same; the draws they came from differ\n' +
      "  stream 'dice': 1 draw r1, 2 draws r2\n  the worlds after the tick are equal",
  );
});

test('of a table 20 rows are listed where no limit says another number', async () => {
  const store = memoryStore();
  const putting = (n: number) =>
    tally({
      systems: [
        tallySchema.system('puts', ({ emit }) => {
          for (let i = 0; i < 30; i++) emit.put({ n });
        }),
      ],
    });
  for (const n of [1, 2]) {
    const run = await createRun(putting(n), { store, seed: 's', id: `r${n}` });
    await run.advance(1);
    await run.close();
  }
  const [a, b] = [1, 2].map((n) => ({ store, id: `r${n}`, world: putting(n) }));
  for (const [options, listed] of [
    [{}, 20],
    [{ limit: 3 }, 3],
  ] as const) {
    const tables = [{ table: 'things', counts: { changed: 30 }, rows: { length: listed }, truncated: true }];
    expect((await bisect(a!, b!, options)).difference).toMatchObject({ tables });
    const { divergence } = await verify({ ...a!, world: putting(2) }, options);
    expect(divergence!.difference).toMatchObject({ tables });
  }
});
