/** What tests of the projections port look at together. */
import { expect } from 'vitest';
import type { Checkpoint, ProjectionInfo, ProjectionStore } from '../../src/log/projection-store.ts';
import { infoOf, rowsOf } from './projections-bench.ts';

/** Checks that a projection has these rows of `people` and this checkpoint: neither without the other. */
export async function expectAt(
  store: ProjectionStore,
  info: ProjectionInfo,
  checkpoint: Checkpoint | null,
  rows: readonly (readonly unknown[])[],
): Promise<void> {
  const found = (await infoOf(store, info.number))!.checkpoint;
  expect(found && { ...found, hash: [...found.hash] }).toEqual(
    checkpoint && { ...checkpoint, hash: [...checkpoint.hash] },
  );
  expect(await rowsOf(store, info)).toEqual(rows);
}
