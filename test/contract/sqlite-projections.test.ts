/**
 * The SQLite store keeps the contract of projections, in a file and in memory.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import { projectionContract } from './projections.ts';
import {
  at,
  column,
  declare,
  make,
  type ProjectionBench,
  people,
  rowsOf,
  step,
} from './projections-bench.ts';

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

  test('a table may be so wide that a statement takes few of its rows', async () => {
    const { store } = bench;
    await make(store, 'one');
    const columns = Array.from({ length: 1900 }, (_, i) => column('sqlite', `c${i}`, 'whole'));
    const info = await declare(store, 'one', [people('sqlite', { columns, key: ['c0'], index: [] })]);
    const cells = columns.map((_, i) => Array.from({ length: 70 }, (_, row) => row * 1900 + i));
    const written = { role: 'people', removed: [], written: cells };
    expect(await store.advanceProjection(step(info.number, null, at(0), written))).toBe(true);
    const rows = await rowsOf(store, info);
    expect(rows.map((row) => [row.length, row[0], row[1899]])).toEqual(
      rows.map((_, i) => [1900, i * 1900, i * 1900 + 1899]),
    );
    expect(rows).toHaveLength(70);
  });
});
