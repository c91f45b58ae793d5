/**
 * Reading a log and folding it into tables.
 */
import { join } from 'node:path';
import { createRun } from '../../src/index.ts';
import { rootPath } from '../../src/log/lineage.ts';
import { findRun, readFrames } from '../../src/log/reader.ts';
import type { Store } from '../../src/log/store.ts';
import { restore, UNKNOWN_LOG } from '../../src/simulation/restore.ts';
import { newEngine } from '../../src/simulation/run-options.ts';
import type { AnyWorld } from '../../src/simulation/world.ts';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import { batchWorld, folder, ITEMS, JsonLog, type PlainEvent, plainEvents, rowWorld } from '../fixtures.ts';
import { type Candidate, compare, type Row } from '../harness.ts';

/** Records a run of counters in a store. */
export async function recorded(store: Store, events: number, ticks: number): Promise<Store> {
  const run = await createRun(batchWorld, {
    store,
    seed: 'bench',
    id: 'run',
    config: { perTick: events },
    hashEvery: 1e6,
  });
  await run.advance(ticks);
  await run.close();
  return store;
}

/** Reads every record, verifies hash and chain, and folds it. */
export async function fold(world: unknown, store: Store): Promise<number> {
  const { segment } = await findRun(store, 'run');
  const engine = newEngine(world as AnyWorld, {});
  const source = { store, path: rootPath(segment.id), durableTick: segment.head.tick, undurable: [] };
  await restore(engine, source, segment.head.tick, {
    code: '',
    compare: 'last',
    known: UNKNOWN_LOG,
    onDamage: () => {},
  });
  return engine.position.sequence;
}

/** Reads every record and verifies hash and chain. */
export async function readOnly(store: Store): Promise<number> {
  const { segment } = await findRun(store, 'run');
  let bytes = 0;
  for await (const frame of readFrames(store, rootPath(segment.id), 0, segment.head.tick))
    bytes += frame.bytes.length;
  return bytes;
}

/** Columns against JSON rows, read and folded into totals. */
export async function foldRows(events: number, ticks: number): Promise<readonly Row[]> {
  const place = folder();
  const store = await recorded(await sqliteStore(join(place.path, 'runs.db')), events, ticks);
  const log = new JsonLog(join(place.path, 'log.db'));
  const plain = plainEvents(events);
  for (let tick = 0; tick < ticks; tick++) log.append(tick, plain);
  const select = log.db.prepare('SELECT payload FROM events WHERE run = ? ORDER BY seq').pluck();
  const candidates: Candidate[] = [
    { name: 'apply in batch form', run: () => fold(batchWorld, store), aim: { speedAtLeast: 40 } },
    { name: 'apply in row form', run: () => fold(rowWorld, store) },
    { name: 'read and verify only', run: () => readOnly(store) },
  ];
  const rows = await compare({
    name: `read and fold, ${events} events a tick, SQLite`,
    conditions:
      'hash and chain of every record verified, no state hash; JSON rows: SELECT, parse, add to typed arrays',
    unit: 'events',
    opsPerRun: events * ticks,
    baseline: {
      name: 'JSON rows',
      run: () => {
        const total = new Float64Array(ITEMS + 1);
        const last = new Uint32Array(ITEMS + 1);
        for (const text of select.iterate('run')) {
          const { item, by, amount } = JSON.parse(text as string) as PlainEvent;
          total[item]! += amount;
          last[item] = by;
        }
        return total;
      },
    },
    candidates,
  });
  log.db.close();
  await store.close();
  place.remove();
  return rows;
}
