/**
 * Appending ticks to SQLite: the whole path from columns to a commit, beside JSON rows and beside bare blobs.
 */
import { join } from 'node:path';
import { ColumnSet } from '../../src/columns/column-set.ts';
import { memoryStore } from '../../src/log/memory-store.ts';
import { encodeRecord, NO_HASH, type TickContent } from '../../src/log/record.ts';
import type { LogRecord, Store } from '../../src/log/store.ts';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import { BlobLog, counters, type Folder, folder, jsonRows, logging, plainEvents } from '../fixtures.ts';
import { type Comparison, compare, type Row } from '../harness.ts';

/** How many ticks a commit holds. */
export const GROUP = 64;
const HOLDER = { host: 'bench', pid: 1, token: 'bench', ttlMs: 1e9 };

function contentOf(set: ColumnSet, kind: number, tick: number, previous: Uint8Array): TickContent {
  const waves = [{ origin: 'add', atOnce: false, runs: [{ kind, size: set.size, times: 1 }] }];
  const draws = [{ stream: 'add', draws: set.size }];
  const stateHash = NO_HASH.subarray(0, 16);
  return {
    tick,
    sequence: tick * set.size,
    previous,
    environment: null,
    waves,
    batches: [{ kind, set }],
    draws,
    stateHash,
  };
}

const META = { time: 0, metricNames: null, metrics: [] };

/** A store with a run of one record, and the columns of the ticks to come. */
export interface Columnar {
  readonly store: Store;
  readonly set: ColumnSet;
  readonly kind: number;
}

/** Begins a run in a store, outside any timer. */
export async function openColumnar(store: Store, events: number): Promise<Columnar> {
  const kind = counters.compiled.kindOf.get('added')!;
  const set = new ColumnSet(kind, false);
  for (const event of plainEvents(events)) set.append({ ...event, item: event.item + 1 });
  const record = encodeRecord(contentOf(set, kind.number, 0, NO_HASH), META);
  await store.create({ id: 'run', header: '{}', segment: 's', record, holder: HOLDER });
  return { store, set, kind: kind.number };
}

/** Encodes, chains and commits; the tick-0 record is outside the timer. */
export async function appendColumnar({ store, set, kind }: Columnar, ticks: number): Promise<void> {
  let previous = (await store.head('run'))!.segment.head.hash;
  let group: LogRecord[] = [];
  for (let tick = 1; tick <= ticks; tick++) {
    const record = encodeRecord(contentOf(set, kind, tick, previous), META);
    previous = record.hash;
    group.push(record);
    if (group.length === GROUP || tick === ticks) {
      await store.append('s', 1, group[0]!.tick, group);
      group = [];
    }
  }
}

/** The records of ticks 1 to `ticks`, chained. */
export function chained({ set, kind }: Columnar, ticks: number, previous: Uint8Array): LogRecord[] {
  const records: LogRecord[] = [];
  for (let tick = 1; tick <= ticks; tick++) {
    const record = encodeRecord(contentOf(set, kind, tick, records.at(-1)?.hash ?? previous), META);
    records.push(record);
  }
  return records;
}

async function sameBytes(events: number, ticks: number): Promise<Uint8Array[]> {
  const made = await openColumnar(memoryStore(), events);
  return chained(made, ticks, NO_HASH).map(({ bytes }) => bytes);
}

/** Columns against JSON rows, and against bare blobs of the same bytes. */
export async function appendRows(
  events: number,
  ticks: number,
  aims: { json: number; bare: number | null },
): Promise<Row[]> {
  const columnar = {
    name: 'columns',
    prepare: async () => {
      const made = folder();
      const store = await sqliteStore(join(made.path, 'runs.db'));
      return { ...made, ...(await openColumnar(store, events)) };
    },
    run: (made: Columnar) => appendColumnar(made, ticks),
    dispose: async (made: Columnar & Folder) => {
      await made.store.close();
      made.remove();
    },
  };
  const plain = plainEvents(events);
  const blobs = await sameBytes(events, ticks);
  const shared = { unit: 'events', opsPerRun: events * ticks };
  const json: Comparison = {
    ...shared,
    name: `append, ${events} events a tick, SQLite`,
    conditions:
      `WAL, synchronous NORMAL; columns: encode, chain and commits of ${GROUP} ticks inside the timer, ` +
      'no systems, no state hash; JSON rows: stringify and one transaction a tick',
    baseline: jsonRows(plain, ticks),
    candidates: [{ ...columnar, aim: { speedAtLeast: aims.json } }],
  };
  const bare: Comparison = {
    ...shared,
    name: `append beside bare INSERTs, ${events} events a tick`,
    conditions: `the same bytes as bare blobs in commits of ${GROUP} ticks; columns as above`,
    baseline: logging('bare INSERT', BlobLog, (log) => {
      for (let at = 0; at < ticks; at += GROUP) log.append(at, blobs.slice(at, at + GROUP));
    }),
    candidates: [{ ...columnar, ...(aims.bare === null ? {} : { aim: { speedAtLeast: aims.bare } }) }],
  };
  return [...(await compare(json)), ...(await compare(bare))];
}
