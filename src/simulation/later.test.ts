/** The inputs that a parent recorded after the tick of a fork. */
import { describe, expect, test } from 'vitest';
import { bank, wideBank } from '../../test/support/bank.ts';
import { hamlet } from '../../test/support/hamlet.ts';
import { caught, collect } from '../../test/support/runs.ts';
import { memoryStore } from '../log/memory-store.ts';
import { createRun } from './create-run.ts';
import type { LaterFilter } from './later.ts';
import { openRun } from './open-run.ts';

/** A parent of two ticks that takes one input in the first. */
async function parentRun() {
  const store = memoryStore();
  const run = await createRun(hamlet(), { store, seed: 's', id: 'parent' });
  const { applied } = run.submit.joined({ name: 'Eve', bag: [7] });
  await run.advance(2);
  return { run, store, eve: (await applied).created };
}

describe('L6: the filter of later inputs', () => {
  test('sees the row as it was recorded, and what it does to that reaches no tick', async () => {
    const { run, eve } = await parentRun();
    const seen: object[] = [];
    const later: LaterFilter = ([, row]) => {
      seen.push({ ...row });
      return Object.assign(row, { name: 3, bag: 'none' });
    };
    const fork = await run.fork({ at: 0, later: later as never });
    await fork.advance(1);
    expect(seen).toEqual([{ person: eve, name: 'Eve', bag: [7] }]);
    const [told] = await collect(fork.events('joined'));
    expect(told).toMatchObject({ name: 'Eve', bag: [7] });
  });

  test('is refused where it returns a promise, which would let everything in', async () => {
    const { run } = await parentRun();
    const fork = await run.fork({ at: 0, id: 'f', later: (async () => false) as never });
    expect(await caught(() => fork.advance(1))).toMatchObject({ code: 'ASYNC_IN_TICK', facts: { run: 'f' } });
    expect(fork.tick).toBe(0);
  });
});

describe('L6 L12: later inputs that the parent recorded after the fork and that went with it', () => {
  const gone = { code: 'NO_STATE', facts: { run: 'f', tick: 3 } };

  test.each([true, false])('are named, where its end was collected: %s', async (collected) => {
    const { run, store } = await parentRun();
    const fork = await run.fork({ at: 2, id: 'f', later: 'keep' });
    run.submit.priced({ price: 5 });
    await run.advance(1);
    await run.close();
    await store.remove(run.id, false);
    while (collected && (await store.collect(100)) > 0);
    if (collected) expect(await caught(() => fork.advance(1))).toMatchObject(gone);
    else expect((await fork.advance(1)).tick).toBe(3);
    expect(await caught(() => fork.advance(1))).toMatchObject({ code: 'NO_STATE', facts: { run: 'f' } });
    await fork.close();
    const again = await openRun(hamlet(), { store, id: 'f', later: 'drop' });
    expect((await again.advance(5)).tick).toBe(collected ? 7 : 8);
  });

  test('are named where another run has the name of the parent', async () => {
    const { run, store } = await parentRun();
    const fork = await run.fork({ at: 2, id: 'f', later: 'keep' });
    await run.close();
    await store.remove(run.id, false);
    const other = await createRun(hamlet(), { store, seed: 't', id: run.id });
    await other.advance(9);
    expect(await caught(() => fork.advance(1))).toMatchObject(gone);
  });

  test('are waited for as long as the parent has its name', async () => {
    const { run } = await parentRun();
    const fork = await run.fork({ at: 2, id: 'f', later: 'keep' });
    expect((await fork.advance(3)).tick).toBe(5);
  });
});

test('L13: the mark of an input whose kind was dropped is given to no other input', async () => {
  const store = memoryStore();
  const old = await createRun(bank(1), { store, seed: 's', id: 'r' });
  await old.advance(2);
  old.submit.paid({ n: 100 }, { source: 'till', seq: 1 });
  old.submit.fined({ n: 3 }, { source: 'court', seq: 5 });
  await old.advance(1);
  old.submit.fined({ n: 3 }, { source: 'court', seq: 6 });
  await old.advance(1);
  await old.close();
  const run = await openRun(wideBank, { store, id: 'r' });
  const fork = await run.fork({ at: 2, later: 'keep' });
  await fork.advance(2);
  const again = fork.submit.paid({ n: 100 }, { source: 'till', seq: 1 });
  const other = fork.submit.paid({ n: 1 }, { source: 'court', seq: 5 });
  await fork.advance(1);
  expect(await again.applied).toMatchObject({ repeated: true });
  expect(await other.applied).toMatchObject({ repeated: false });
  expect(fork.world.sums.value.total).toBe(1 + 2 + 3 + 4 + 5 + 100 + 1);
});
