/** Forks at the edge of an era, and eras that are in no log yet. */
import { describe, expect, test } from 'vitest';
import { bank, recorded, wideBank } from '../../test/support/bank.ts';
import { collect, framesOf, rowsOf } from '../../test/support/runs.ts';
import { parseChange } from '../log/environment.ts';
import { memoryStore } from '../log/memory-store.ts';
import { openRun } from '../simulation/open-run.ts';
import { diff } from './diff.ts';

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
