/** The gallery of planted bugs: verify finds each, at its place and with its cause. */
import { describe, expect, test } from 'vitest';
import { createRun, memoryStore, openRun, type Store, verify } from '../../src/index.ts';
import { BUGS, type Bug } from './bugs.ts';

const SNAPSHOTS = { every: 5, onClose: false };

async function recordRun(store: Store, { record, restart = false }: Bug): Promise<void> {
  const run = await createRun(record(), { store, seed: 's', id: 'r', snapshots: SNAPSHOTS });
  await run.advance(restart ? 7 : 12);
  await run.close();
  if (!restart) return;
  const again = await openRun(record(), { store, id: 'r', snapshots: SNAPSHOTS });
  await again.advance(8);
  await again.close();
}

describe('verify', () => {
  test.each(BUGS.map((bug) => [bug.name, bug] as const))('L3 L5: finds that %s', async (_, bug) => {
    const store = memoryStore();
    await recordRun(store, bug);
    const { verdict, divergence } = await verify({ store, id: 'r', world: (bug.verify ?? bug.record)() });
    expect(verdict).toBe('diverged');
    const { origin, stream, kind, column, ...told } = bug.expected;
    const { place } = divergence!;
    expect(divergence).toMatchObject(told);
    if (origin !== undefined) expect(place!.origin).toBe(origin);
    if (stream !== undefined) expect(place!.draws.map((one) => one.stream)).toContain(stream);
    if (kind !== undefined) expect([place!.event!.a?.kind, place!.event!.b?.kind]).toContain(kind);
    if (column !== undefined) expect(place!.values.map((one) => one.column)).toContain(column);
  });
});
