/** verify: what it says of logs that are sound, and of logs that are not. */
import { describe, expect, test } from 'vitest';
import { town } from '../../../test/gallery/town.ts';
import { createRun, memoryStore, verify } from '../../index.ts';

describe('a sound run', () => {
  test('L5: is verified to the last byte, open or closed, with its inputs and durable or not', async () => {
    const store = memoryStore();
    const run = await createRun(town(), { store, seed: 's', id: 'r' });
    await run.advance(3);
    run.submit.cured({ person: 1 as never });
    run.submit.cured({ person: 2 as never }, { source: 'nurse', seq: 1 });
    await run.advance(20);
    const open = await verify(run);
    expect(open).toMatchObject({
      verdict: 'verified',
      compared: 24,
      executed: 24,
      divergence: null,
      damage: null,
    });
    await run.close();
    const stored = await verify({ store, id: 'r', world: town() });
    expect(stored).toEqual({ ...open });
  });
});
