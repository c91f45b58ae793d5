/** The gallery of planted bugs: verify finds each, at its place and with its cause. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { createRun, divergenceText, memoryStore, openRun, type Store, verify } from '../../src/index.ts';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import { caught } from '../support/runs.ts';
import { AMBIENT_BUGS } from './ambient.ts';
import { BUGS, type Bug } from './bugs.ts';
import { town } from './town.ts';

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

describe('the guard', () => {
  test.each(AMBIENT_BUGS.map((bug) => [bug.name, bug] as const))('L8: names it when %s', async (_, bug) => {
    const { source, origin, kind } = bug;
    const place = { source, origin, ...(kind !== undefined && { kind }) };
    const store = memoryStore();
    const guarded = await createRun(bug.world(), { store, seed: 's', id: 'guarded' });
    expect(await caught(() => guarded.advance(3))).toMatchObject({
      code: 'AMBIENT',
      facts: { tick: 1, ...place },
    });
    expect(guarded.tick).toBe(0);
    await guarded.close();
    const run = await createRun(bug.world(), { store, seed: 's', id: 'r', guard: 'off' });
    await run.advance(3);
    await run.close();
    const { verdict, divergence } = await verify({ store, id: 'r', world: bug.world() });
    expect(verdict).toBe('diverged');
    expect(divergence).toMatchObject({
      tick: 1,
      cause: 'ambient source',
      error: { code: 'AMBIENT', facts: place },
    });
    expect(divergenceText(divergence!)).toContain(`${source} was used, which no log holds`);
  });
});

describe('a damaged log', () => {
  test.each([
    ['a bit of a record flips', 'UPDATE records SET bytes = flipped(bytes) WHERE tick = 5', 'CORRUPT', 5],
    ['a record is gone', 'DELETE FROM records WHERE tick = 5', 'NO_RECORD', 5],
    [
      'a record stands in the place of another',
      'UPDATE records SET bytes = (SELECT bytes FROM records WHERE tick = 6) WHERE tick = 5',
      'CORRUPT',
      5,
    ],
  ] as const)('L12: is told from a run that diverges: %s', async (_, sql, code, tick) => {
    const folder = mkdtempSync(join(tmpdir(), 'worldfold-gallery-'));
    const path = join(folder, 'runs.db');
    const store = await sqliteStore(path);
    const run = await createRun(town(), { store, seed: 's', id: 'r' });
    await run.advance(9);
    await run.close();
    const db = new Database(path);
    db.function('flipped', (bytes) => {
      (bytes as Buffer)[70]! ^= 4;
      return bytes;
    });
    db.exec(sql);
    db.close();
    const report = await verify({ store, id: 'r', world: town() });
    expect(report).toMatchObject({ verdict: 'damaged', divergence: null, damage: { code, facts: { tick } } });
    await store.close();
    rmSync(folder, { recursive: true });
  });
});
