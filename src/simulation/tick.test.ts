import { expect, test } from 'vitest';
import { hamlet } from '../../test/support/hamlet.ts';
import { hashesOf, rowsOf } from '../../test/support/runs.ts';
import { memoryStore } from '../log/memory-store.ts';
import { createRun, openRun } from './create-run.ts';

test('L3: smoke', async () => {
  const store = memoryStore();
  const run = await createRun(hamlet(), { store, seed: 'a', id: 'h' });
  run.submit.joined({ name: 'Bo' });
  await run.advance(50);
  const at = await run.at(50);
  expect(rowsOf(at)).toEqual(rowsOf(run.world));
  await run.close();
  const again = await openRun(hamlet(), { store, id: 'h' });
  expect((await again.advance(0)).tick).toBe(50);
  expect(await hashesOf(store, 'h')).toHaveLength(51);
});
