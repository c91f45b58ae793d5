/**
 * What the comparisons share: folders that go away, a log of JSON rows, a world of counters.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { defineSchema, defineWorld, event, type InferShape, type SetupCtx, t, table } from '../src/index.ts';
import type { Contestant } from './harness.ts';

/** A folder for one run of one contestant. */
export interface Folder {
  readonly path: string;
  remove(): void;
}

/** Makes an empty folder. */
export function folder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'worldfold-bench-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** One event as plain code would write it. */
export interface PlainEvent {
  readonly item: number;
  readonly by: number;
  readonly amount: number;
}

/** The events of a tick, the same for everybody. */
export const plainEvents = (count: number): PlainEvent[] =>
  Array.from({ length: count }, (_, i) => ({ item: (i * 7) % ITEMS, by: i, amount: (i % 13) * 0.5 }));

/** Rows of the world of counters. */
export const ITEMS = 10_000;

/**
 * The well-tuned baseline: a JSON row an event, prepared statements, one transaction a tick, WAL.
 */
export class JsonLog {
  readonly db: Database.Database;
  private readonly insert: Database.Statement;
  private sequence = 0;

  constructor(file: string) {
    this.db = new Database(file);
    this.db.pragma('journal_mode = WAL');
    this.db.pragma('synchronous = NORMAL');
    this.db.exec(
      `CREATE TABLE events (run TEXT, seq INTEGER, tick INTEGER, kind TEXT, payload TEXT,
       PRIMARY KEY (run, seq)) WITHOUT ROWID`,
    );
    this.insert = this.db.prepare('INSERT INTO events VALUES (?, ?, ?, ?, ?)');
  }

  /** Appends the events of a tick. */
  append(tick: number, events: readonly PlainEvent[]): void {
    this.db.exec('BEGIN');
    for (const event of events) this.insert.run('run', this.sequence++, tick, 'added', JSON.stringify(event));
    this.db.exec('COMMIT');
  }
}

/** A bare table of blobs: the floor under any log in SQLite. */
export class BlobLog {
  readonly db: Database.Database;
  private readonly insert: Database.Statement;

  constructor(file: string) {
    this.db = new Database(file);
    this.db.pragma('journal_mode = WAL');
    this.db.pragma('synchronous = NORMAL');
    this.db.exec('CREATE TABLE records (tick INTEGER PRIMARY KEY, bytes BLOB)');
    this.insert = this.db.prepare('INSERT INTO records VALUES (?, ?)');
  }

  /** Appends the bytes of several ticks in one transaction. */
  append(first: number, all: readonly Uint8Array[]): void {
    this.db.exec('BEGIN');
    all.forEach((bytes, i) => void this.insert.run(first + i, bytes));
    this.db.exec('COMMIT');
  }
}

/** A contestant that writes a log of its own in a folder of its own, each time anew. */
export function logging<L extends { readonly db: Database.Database }>(
  name: string,
  Log: new (file: string) => L,
  write: (log: L) => void,
): Contestant<Folder & { readonly log: L }> {
  return {
    name,
    prepare: () => {
      const made = folder();
      return { ...made, log: new Log(join(made.path, 'log.db')) };
    },
    run: ({ log }) => write(log),
    dispose: ({ log, remove }) => {
      log.db.close();
      remove();
    },
  };
}

/** The JSON rows of `ticks` ticks of the same events. */
export const jsonRows = (events: readonly PlainEvent[], ticks: number) =>
  logging('JSON rows', JsonLog, (log) => {
    for (let tick = 0; tick < ticks; tick++) log.append(tick, events);
  });

/** The schema of counters. */
export const counters = defineSchema({
  name: 'counters',
  version: 1,
  config: { perTick: t.u32().default(10), items: t.u32().default(ITEMS) },
  tables: { items: table({ id: t.id(), total: t.f64().default(0), last: t.u32().default(0) }) },
  events: { added: event({ item: t.ref('items'), by: t.u32(), amount: t.f32() }) },
});

const add = counters.system('add', ({ emit, rng, config }) => {
  const draw = rng('add');
  for (let i = 0; i < config.perTick; i++)
    emit.added({ item: draw.int(1, config.items), by: i, amount: (i % 13) * 0.5 });
});

const setup = ({ insert, config }: SetupCtx<InferShape<typeof counters>>): void => {
  insert.items.many({ total: new Float64Array(config.items) });
};

/** Counters whose events are applied row by row. */
export const rowWorld = defineWorld(counters, {
  setup,
  systems: [add],
  apply: {
    added: (world, e) =>
      world.items.update(e.item, { total: world.items.need(e.item).total + e.amount, last: e.by }),
  },
});

/** Counters whose events are applied as columns. */
export const batchWorld = defineWorld(counters, {
  setup,
  systems: [add],
  apply: {
    added: {
      batch({ items }, { size, columns: { item, by, amount } }) {
        const { total, last } = items.write;
        const totals = items.columns.total;
        for (let i = 0; i < size; i++) {
          const row = items.row(item[i]!);
          total.set(row, totals[row]! + amount[i]!);
          last.set(row, by[i]!);
        }
      },
    },
  },
});
