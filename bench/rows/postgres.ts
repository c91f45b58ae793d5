/**
 * Appending to PostgreSQL and reading from it, on a server that is started for it: beside bare statements
 * that carry the same bytes, beside JSON rows, and beside SQLite.
 */
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { memoryStore } from '../../src/log/memory-store.ts';
import { NO_HASH } from '../../src/log/record.ts';
import type { LogRecord } from '../../src/log/store.ts';
import { bigintArray, byteaArray } from '../../src/stores/postgres/arrays.ts';
import { openPostgresStore } from '../../src/stores/postgres/open.ts';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import { ownServer } from '../../test/support/postgres-server.ts';
import { batchWorld, folder, type PlainEvent, plainEvents } from '../fixtures.ts';
import { type Candidate, type Contestant, compare, type Row } from '../harness.ts';
import { appendColumnar, type Columnar, chained, GROUP, openColumnar } from './append.ts';
import { fold, readOnly, recorded } from './fold.ts';

const RECORDS = 'tick bigint PRIMARY KEY, bytes bytea NOT NULL';
const EVENTS = 'run text, seq bigint, tick bigint, kind text, payload jsonb NOT NULL, PRIMARY KEY (run, seq)';

let made = 0;

/** Contestants on one server: each run has a schema or a table of its own. */
class OnServer {
  readonly url: string;
  readonly events: number;
  readonly ticks: number;

  constructor(url: string, events: number, ticks: number) {
    this.url = url;
    this.events = events;
    this.ticks = ticks;
  }

  /** A table of one's own and a connection to it; `more` is done to the table first. */
  private bare<P>(
    columns: string,
    more: (table: string) => string,
    begin: () => P | Promise<P>,
    write: (client: pg.Client, table: string, given: P) => Promise<void>,
  ): Omit<Contestant<any>, 'name'> {
    return {
      prepare: async () => {
        const table = `bare${++made}`;
        const client = new pg.Client(this.url);
        await client.connect();
        await client.query(`CREATE TABLE ${table} (${columns})`);
        await client.query(more(table));
        return { table, client, given: await begin() };
      },
      run: ({ client, table, given }: { client: pg.Client; table: string; given: P }) =>
        write(client, table, given),
      dispose: async ({ client, table }: { client: pg.Client; table: string }) => {
        await client.query(`DROP TABLE ${table}`);
        await client.end();
      },
    };
  }

  private records = async (): Promise<LogRecord[]> =>
    chained(await openColumnar(memoryStore(), this.events), this.ticks, NO_HASH);

  /** One INSERT a group, with the bytes of the records as an array in binary form. */
  insert(storage = 'EXTERNAL', compression = 'pglz'): Omit<Contestant<any>, 'name'> {
    const as = `SET STORAGE ${storage}, ALTER COLUMN bytes SET COMPRESSION ${compression}`;
    return this.bare(
      RECORDS,
      (table) => `ALTER TABLE ${table} ALTER COLUMN bytes ${as}`,
      this.records,
      async (client, name, records) => {
        const text = `INSERT INTO ${name} SELECT * FROM unnest($1::bigint[], $2::bytea[])`;
        for (const group of groups(records)) {
          const ticks = bigintArray(group.map(({ tick }) => tick));
          const bytes = byteaArray(group.map((record) => record.bytes));
          await client.query({
            name: 'insert',
            text,
            values: [Buffer.from(ticks.buffer), Buffer.from(bytes.buffer)],
          });
        }
      },
    );
  }

  /** One binary COPY a group. */
  copy(): Omit<Contestant<any>, 'name'> {
    return this.bare(
      RECORDS,
      (table) => `ALTER TABLE ${table} ALTER COLUMN bytes SET STORAGE EXTERNAL`,
      this.records,
      async (client, name, records) => {
        for (const group of groups(records))
          await pipeline(
            [copyBytes(group)],
            client.query(copyFrom(`COPY ${name} FROM STDIN (FORMAT binary)`)),
          );
      },
    );
  }

  /** A JSON row an event, one statement and one commit a tick. */
  json(): Contestant {
    const events = plainEvents(this.events);
    return {
      name: 'JSON rows',
      ...this.bare(
        EVENTS,
        () => 'SELECT 1',
        () => events,
        async (client, name, all) => {
          const text =
            `INSERT INTO ${name} SELECT 'run', $1::bigint + n, $2, 'added', payload::jsonb` +
            ' FROM unnest($3::text[]) WITH ORDINALITY AS rows (payload, n)';
          for (let tick = 0; tick < this.ticks; tick++) {
            const values = [tick * all.length, tick, all.map((event: PlainEvent) => JSON.stringify(event))];
            await client.query({ name: 'json', text, values });
          }
        },
      ),
    };
  }

  /** The store: encoded inside the timer, or offered as records that are there already. */
  columns(encoded: boolean): Omit<Contestant<any>, 'name'> {
    return {
      prepare: async () => {
        const store = await openPostgresStore(this.url, { schema: `store${++made}` });
        const columnar = await openColumnar(store, this.events);
        const { hash } = (await store.head('run'))!.segment.head;
        // A call of the writer's, so that its connection is there, as the others' are.
        await store.renew('s', 1);
        return { columnar, records: encoded ? chained(columnar, this.ticks, hash) : null };
      },
      run: async ({ columnar, records }: { columnar: Columnar; records: LogRecord[] | null }) => {
        if (records === null) return appendColumnar(columnar, this.ticks);
        for (const group of groups(records)) await columnar.store.append('s', 1, group[0]!.tick, group);
      },
      dispose: ({ columnar }: { columnar: Columnar }) => columnar.store.close(),
    };
  }
}

function* groups(records: readonly LogRecord[]): Generator<readonly LogRecord[]> {
  for (let at = 0; at < records.length; at += GROUP) yield records.slice(at, at + GROUP);
}

/** Rows as `COPY … (FORMAT binary)` takes them: a signature, then of each row its fields after lengths. */
function copyBytes(records: readonly LogRecord[]): Buffer {
  const signature = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
  const parts = [signature, Buffer.alloc(8)];
  for (const { tick, bytes } of records) {
    const head = Buffer.alloc(18);
    head.writeInt16BE(2, 0);
    head.writeInt32BE(8, 2);
    head.writeBigInt64BE(BigInt(tick), 6);
    head.writeInt32BE(bytes.length, 14);
    parts.push(head, Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length));
  }
  return Buffer.concat([...parts, Buffer.from([0xff, 0xff])]);
}

async function withServer<T>(work: (url: string) => Promise<T>): Promise<T> {
  const server = await ownServer();
  try {
    return await work(server.url);
  } finally {
    await server.end();
  }
}

/** Columns against JSON rows, and against bare statements with the same bytes. */
export const postgresAppendRows = (events: number, ticks: number, isWhole: boolean): Promise<Row[]> =>
  withServer(async (url) => {
    const on = new OnServer(url, events, ticks);
    const shared = { unit: 'events', opsPerRun: events * ticks };
    const group = `${ticks} ticks, commits of ${GROUP}, synchronous_commit on, connected before`;
    const json = await compare({
      ...shared,
      name: `append, ${events} events a tick, PostgreSQL`,
      conditions:
        `${group}; columns: encode, chain and commit; ` +
        'JSON rows: stringify, one INSERT and commit a tick',
      baseline: on.json(),
      candidates: [{ name: 'columns', ...on.columns(false), aim: { speedAtLeast: 12 } }],
    });
    const others: Candidate[] = [
      { name: 'binary COPY', ...on.copy() },
      { name: 'compressed (pglz)', ...on.insert('EXTENDED') },
      { name: 'kept in the row (MAIN)', ...on.insert('MAIN') },
    ];
    const bare = await compare({
      ...shared,
      name: `append beside bare INSERTs, ${events} events a tick, PostgreSQL`,
      conditions: `${group}; the same bytes, encoded before, in one INSERT a group; EXTERNAL unless said`,
      baseline: { name: 'bare INSERT', ...on.insert() },
      candidates: [
        { name: 'store', ...on.columns(true), aim: { speedAtLeast: 0.8 } },
        ...(isWhole ? others : []),
      ],
    });
    return [...json, ...bare];
  });

/** Reading and folding from a server, beside the same from SQLite. */
export const postgresReadRows = (events: number, ticks: number): Promise<Row[]> =>
  withServer(async (url) => {
    const place = folder();
    const sqlite = await recorded(await sqliteStore(join(place.path, 'runs.db')), events, ticks);
    const postgres = await recorded(await openPostgresStore(url), events, ticks);
    const shared = { unit: 'events', opsPerRun: events * ticks };
    const conditions = 'hash and chain of every record verified, no state hash; both on this machine';
    const rows = [
      ...(await compare({
        ...shared,
        name: `read and verify, ${events} events a tick, PostgreSQL`,
        conditions,
        baseline: { name: 'SQLite', run: () => readOnly(sqlite) },
        candidates: [{ name: 'PostgreSQL', run: () => readOnly(postgres) }],
      })),
      ...(await compare({
        ...shared,
        name: `read and fold, ${events} events a tick, PostgreSQL`,
        conditions,
        baseline: { name: 'SQLite', run: () => fold(batchWorld, sqlite) },
        candidates: [{ name: 'PostgreSQL', run: () => fold(batchWorld, postgres) }],
      })),
    ];
    await Promise.all([sqlite.close(), postgres.close()]);
    place.remove();
    return rows;
  });
