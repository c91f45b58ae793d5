/** Forks at the edge of an era, and eras that are in no log yet. */
import { describe, expect, test } from 'vitest';
import { bank, recorded, wideBank } from '../../test/support/bank.ts';
import { codeOf, collect, framesOf, rowsOf } from '../../test/support/runs.ts';
import { hex } from '../base/bytes.ts';
import { parseChange } from '../log/environment.ts';
import { memoryStore } from '../log/memory-store.ts';
import { openRun } from '../simulation/open-run.ts';
import { type DiffLog, diff } from './diff.ts';
import { readWorld } from './read-world.ts';
import { replay } from './replay.ts';

describe('a fork at the tick that an era begins on', () => {
  test('L6 L13: says the schema of its records where that era was migrated', async () => {
    const store = memoryStore();
    await recorded(store);
    const run = await openRun(wideBank, { store, id: 'r' });
    await run.advance(2);
    const fork = await run.fork({ at: 10, id: 'f' });
    await fork.advance(2);
    await fork.flush();
    const change = parseChange((await framesOf(store, 'f'))[11]!.environment!);
    expect(change).toMatchObject({ schema: wideBank.schema.compiled.text, era: { why: 'migrated' } });
    expect(await collect(fork.events('added'))).toEqual(await collect(run.events('added')));
    expect(await diff(run, fork)).toMatchObject({ equal: true });
    await fork.close();
    const again = await openRun(wideBank, { store, id: 'f' });
    expect(rowsOf(again.world)).toEqual(rowsOf(run.world));
  });

  test('L13: reads later inputs under the schema that they were recorded with', async () => {
    const store = memoryStore();
    await recorded(store);
    const run = await openRun(wideBank, { store, id: 'r' });
    const fork = await run.fork({ at: 10, id: 'f', later: 'keep' });
    await run.close();
    // The era of the wide bank was never recorded: the old code goes on.
    const old = await openRun(bank(1), { store, id: 'r' });
    old.submit.paid({ n: 1000 });
    await old.advance(1);
    await old.close();
    await fork.advance(1);
    expect(fork.world.sums.value.total).toBe(55 + 11 + 1000);
  });
});

describe('an era that recorded nothing yet', () => {
  test.each([
    ['adopted', bank(2), { adopt: true }],
    ['migrated', wideBank, {}],
  ] as const)('L4 L13: goes on when its code opens it again: %s', async (why, world, how) => {
    const store = memoryStore();
    await recorded(store);
    const open = () => openRun(world as typeof wideBank, { store, id: 'r', ...how });
    const first = await open();
    const rows = rowsOf(first.world);
    await first.close();
    expect(rowsOf((await readWorld(world as typeof wideBank, { store, id: 'r' })).world)).toEqual(rows);
    const again = await open();
    expect(rowsOf(again.world)).toEqual(rows);
    await again.advance(1);
    await again.close();
    const frames = await framesOf(store, 'r');
    expect(parseChange(frames[11]!.environment!)).toMatchObject({ era: { why } });
    expect(await replay(world as typeof wideBank, { store, id: 'r' })).toMatchObject({ tick: 11 });
  });

  test('L13: leaves its world to other code that is adopted instead', async () => {
    const store = memoryStore();
    await recorded(store);
    await (await openRun(bank(2), { store, id: 'r', adopt: true })).close();
    expect(await codeOf(() => openRun(bank(3), { store, id: 'r' }))).toBe('CODE_CHANGED');
    const run = await openRun(bank(3), { store, id: 'r', adopt: true });
    expect(run.world.sums.value.total).toBe(55);
    await run.close();
    const old = await openRun(bank(1), { store, id: 'r' });
    await old.advance(1);
    expect(old.world.sums.value.total).toBe(66);
  });

  test('L6 L13: of a fork is there when the fork is opened again', async () => {
    const store = memoryStore();
    await recorded(store);
    const run = await openRun(bank(2), { store, id: 'r', adopt: true });
    await run.advance(1);
    const fork = await run.fork({ at: 4, id: 'f', config: { step: 10 } });
    const rows = rowsOf(fork.world);
    await fork.close();
    const again = await openRun(bank(2), { store, id: 'f' });
    expect(rowsOf(again.world)).toEqual(rows);
    await again.advance(1);
    expect(again.world.sums.value.total).toBe(10 + 2 * 10 * 5);
  });
});

test('L13: diff of logs of an older schema tells the hash of the worlds that it compared', async () => {
  const store = memoryStore();
  await recorded(store);
  const old = await openRun(bank(1), { store, id: 'r' });
  const fork = await old.fork({ at: 5, id: 'f' });
  await fork.advance(5);
  await fork.close();
  const { stateHash } = await readWorld(wideBank, { store, id: 'r' });
  const sides = ['r', 'f'].map((id) => ({ store, id, world: wideBank })) as [DiffLog, DiffLog];
  expect((await diff(...sides)).difference).toMatchObject({
    same: true,
    stateHash: { a: stateHash, b: stateHash },
  });
  const recordedHash = hex((await framesOf(store, 'r'))[10]!.stateHash!);
  expect((await diff(old, { store, id: 'f', world: bank(1) })).difference.stateHash.b).toBe(recordedHash);
});
