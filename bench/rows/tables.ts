/**
 * Rows in SQL: written as columns beside one row at a time, and following the epidemic beside its replay.
 */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import pg from 'pg';
import epidemic from '../../examples/epidemic/world.ts';
import type { SqlValue } from '../../src/base/sql.ts';
import { createRun, projectTables, replay } from '../../src/index.ts';
import type { ProjectedTable, ProjectionStep, ProjectionStore } from '../../src/log/projection-store.ts';
import type { Store } from '../../src/log/store.ts';
import { openPostgresStore } from '../../src/stores/postgres/open.ts';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import { ownServer } from '../../test/support/postgres-server.ts';
import { batchWorld, type Folder, folder } from '../fixtures.ts';
import { type Contestant, compare, type Row } from '../harness.ts';

const ROWS = 20_000;
const UNIT = { unit: 'rows', opsPerRun: ROWS };

/** The rows that are written: a key, a number, a real number, a name, a flag as a number. */
const columns = (): SqlValue[][] => {
  const of = <T>(make: (i: number) => T): T[] => Array.from({ length: ROWS }, (_, i) => make(i));
  return [
    of((i) => i + 1),
    of((i) => i % 305),
    of((i) => i / 7),
    of((i) => (i % 3 ? 'well' : 'ill')),
    of((i) => i % 2),
  ];
};

const NAMES = ['id', 'airport', 'weight', 'health', 'away'];

const table = (store: ProjectionStore): ProjectedTable => {
  const types =
    store.dialect === 'sqlite'
      ? ['integer', 'integer', '', 'text', 'integer']
      : ['bigint', 'bigint', 'double precision', 'text collate "C"', 'bigint'];
  return {
    wanted: 'bench_1_people',
    identity: 'bench',
    role: 'people',
    runColumn: 'run',
    columns: NAMES.map((name, i) => ({ name, type: types[i]!, notNull: true })),
    key: ['id'],
    index: [],
  };
};

interface Written {
  readonly store: Store & ProjectionStore;
  readonly step: ProjectionStep;
  readonly end: () => Promise<void>;
}

/** A step of all rows, to be taken by a store that has none of them. */
async function stepOf(store: Store & ProjectionStore, end: () => Promise<void>): Promise<Written> {
  const run = await createRun(batchWorld, { store, seed: 'bench', id: 'run', config: { perTick: 1 } });
  await run.close();
  const { number } = await store.declareProjection({ run: 'run', choice: '', tables: [table(store)] });
  const to = { tick: 0, hash: new Uint8Array(32), sequence: 0 };
  const changes = [{ role: 'people', removed: [[]], written: columns() }];
  return { store, step: { projection: number, from: null, to, changes }, end };
}

const asColumns = (open: () => Promise<Written>): Omit<Contestant<Written>, 'name'> => ({
  prepare: open,
  run: ({ store, step }) => store.advanceProjection(step),
  dispose: async ({ store, end }) => {
    await store.close();
    await end();
  },
});

const DEFINED =
  'projection bigint, id bigint, airport bigint, weight double precision, health text, away bigint';
const UPSERT = ['airport', 'weight', 'health', 'away'];

interface Bare extends Folder {
  readonly db: Database.Database;
  readonly rows: readonly (readonly SqlValue[])[];
}

/** A file with such a table, and the rows one by one. */
const bare = (): Bare => {
  const made = folder();
  const db = new Database(join(made.path, 'rows.db'));
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL');
  db.exec(`CREATE TABLE people (${DEFINED}, PRIMARY KEY (projection, id)) WITHOUT ROWID`);
  const all = columns();
  return {
    ...made,
    db,
    rows: Array.from({ length: ROWS }, (_, i) => [1, ...all.map((column) => column[i]!)]),
  };
};

const closeBare = ({ db, remove }: Bare): void => {
  db.close();
  remove();
};

/** One upsert a row through kysely, all in one transaction. */
async function byKysely({ db, rows }: Bare): Promise<void> {
  const sql = new Kysely<any>({ dialect: new SqliteDialect({ database: db }) });
  await sql.transaction().execute(async (on) => {
    for (const [projection, id, ...values] of rows) {
      const set = Object.fromEntries(UPSERT.map((name, i) => [name, values[i]]));
      await on
        .insertInto('people')
        .values({ projection, id, ...set })
        .onConflict((conflict) => conflict.columns(['projection', 'id']).doUpdateSet(set))
        .execute();
    }
  });
}

/** One prepared statement a row, all in one transaction. */
function byStatement({ db, rows }: Bare): void {
  const names = ['projection', ...NAMES];
  const set = UPSERT.map((name) => `${name} = excluded.${name}`).join(', ');
  const insert = db.prepare(
    `INSERT INTO people (${names}) VALUES (${names.map(() => '?')})` +
      ` ON CONFLICT (projection, id) DO UPDATE SET ${set}`,
  );
  db.transaction(() => {
    for (const row of rows) insert.run(...row);
  })();
}

/** Rows written as columns, in SQLite and PostgreSQL, beside one row at a time. */
export async function tableWriteRows(): Promise<readonly Row[]> {
  const conditions = `${ROWS} rows of 5 columns, one transaction, keyed, upserted`;
  const sqlite = await compare({
    ...UNIT,
    name: 'rows in SQL, SQLite',
    conditions: `${conditions}; one row at a time: kysely, one statement a row`,
    baseline: { name: 'one row at a time', prepare: bare, run: byKysely, dispose: closeBare },
    candidates: [
      {
        name: 'as columns',
        ...asColumns(async () => {
          const place = folder();
          return stepOf(await sqliteStore(join(place.path, 'runs.db')), async () => place.remove());
        }),
        aim: { speedAtLeast: 10 },
      },
      { name: 'one prepared statement a row', prepare: bare, run: byStatement, dispose: closeBare },
    ],
  });
  const server = await ownServer();
  let made = 0;
  try {
    const postgres = await compare(
      {
        ...UNIT,
        name: 'rows in SQL, PostgreSQL',
        conditions: `${conditions}; one row at a time: pg, one prepared statement a row`,
        baseline: {
          name: 'one row at a time',
          prepare: async () => {
            const client = new pg.Client(server.url);
            await client.connect();
            const name = `people${++made}`;
            await client.query(`CREATE TABLE ${name} (${DEFINED}, PRIMARY KEY (projection, id))`);
            return { client, name };
          },
          run: ({ client, name }: { client: pg.Client; name: string }) => oneByOne(client, name),
          dispose: ({ client }: { client: pg.Client }) => client.end(),
        },
        candidates: [
          {
            name: 'as columns',
            ...asColumns(async () =>
              stepOf(await openPostgresStore(server.url, { schema: `store${++made}` }), async () => {}),
            ),
            aim: { speedAtLeast: 10 },
          },
        ],
      },
      { rounds: 5 },
    );
    return [...sqlite, ...postgres];
  } finally {
    await server.end();
  }
}

async function oneByOne(client: pg.Client, name: string): Promise<void> {
  const names = ['projection', ...NAMES];
  const set = UPSERT.map((column) => `${column} = excluded.${column}`).join(', ');
  const text =
    `INSERT INTO ${name} (${names}) VALUES (${names.map((_, i) => `$${i + 1}`)})` +
    ` ON CONFLICT (projection, id) DO UPDATE SET ${set}`;
  const all = columns();
  await client.query('BEGIN');
  for (let i = 0; i < ROWS; i++)
    await client.query({ name: 'row', text, values: [1, ...all.map((column) => column[i])] });
  await client.query('COMMIT');
}

const DAYS = 200;

/** 200 days of 200,000 travellers: caught up from nothing, followed day by day, and asked at a day. */
export async function epidemicTableRows(): Promise<readonly Row[]> {
  const place = folder();
  const store = await sqliteStore(join(place.path, 'runs.db'));
  const run = await createRun(epidemic, { store, seed: 'bench', id: 'run', snapshots: false });
  await run.advance(DAYS);
  await run.flush();
  const project = (options: object) =>
    projectTables(epidemic, { store, id: 'run', rebuild: true, ...options });
  const shared = { unit: 'days', opsPerRun: DAYS };
  const effort = { rounds: 3, warmUpMs: 0 };
  const conditions = `${DAYS} days of 200,000 travellers, SQLite, every state hash compared`;
  const rows = [
    ...(await compare(
      {
        ...shared,
        name: 'catch-up of the epidemic',
        conditions: `${conditions}; rows of the last day, of every 20th day too, and with all events`,
        baseline: { name: 'replay', run: () => replay(epidemic, { store, id: 'run' }) },
        candidates: [
          { name: 'tables', run: () => project({}) },
          { name: 'tables, history of 10 days', run: () => project({ history: { every: 20 } }) },
          { name: 'tables and events', run: () => project({ events: true }) },
        ],
      },
      effort,
    )),
    ...(await compare(
      {
        name: 'SQL over the epidemic at a day',
        conditions: 'group by over 200,000 travellers of an open run, a process a query; without snapshots',
        unit: 'queries',
        opsPerRun: 1,
        baseline: { name: 'day 40', run: () => run.sql(40, ASKED) },
        candidates: [{ name: 'the last day', run: () => run.sql(DAYS, ASKED), aim: { perSecondAtLeast: 1 } }],
      },
      { rounds: 9 },
    )),
  ];
  await run.close();
  await store.close();
  place.remove();
  return rows;
}

const ASKED = 'select health, count(*) as n from travellers group by health order by n desc';
