/**
 * The SQLite store keeps the contract of projections, in a file and in memory.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe } from 'vitest';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import { projectionContract } from './projections.ts';
import type { ProjectionBench } from './projections-bench.ts';

describe('in a file', () => {
  const bench = {} as ProjectionBench;
  let folder: string;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'worldfold-projections-'));
    bench.again = () => sqliteStore(join(folder, 'runs.db'));
    bench.store = await bench.again();
  });
  afterEach(async () => {
    await bench.store.close();
    rmSync(folder, { recursive: true });
  });
  projectionContract(bench, { shared: true });
});

describe('in memory', () => {
  const bench = {} as ProjectionBench;
  beforeEach(async () => {
    bench.store = await sqliteStore(':memory:');
  });
  afterEach(() => bench.store.close());
  projectionContract(bench, { shared: false });
});
