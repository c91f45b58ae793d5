/** Opening a database as a store: what is made, what is refused, and what is left as it was. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isWorldfoldError, type WorldfoldError } from '../../src/base/errors.ts';
import type { Connection } from '../../src/stores/postgres/connection.ts';
import { pgliteStore, postgresStore } from '../../src/stores/postgres/index.ts';
import { connectEmbedded, connectServer } from '../../src/stores/postgres/open.ts';
import { INSTALLED } from '../../src/stores/postgres/packages.ts';
import type { OpenOptions } from '../../src/stores/postgres/settings.ts';
import { administer, type FreshDatabase, freshDatabase, withoutPostgres } from '../support/postgres.ts';

async function refusal(opening: Promise<unknown>): Promise<WorldfoldError> {
  const e = await opening.then(
    () => new TypeError('it was not refused'),
    (thrown: unknown) => thrown,
  );
  if (!isWorldfoldError(e)) throw e;
  return e;
}

const setting = async ({ sessions }: Connection, name: string): Promise<unknown> => {
  const text = 'SELECT current_setting($1) AS v';
  return sessions.lend(async (s) => (await s.run<{ v: string }>({ text }, [name])).rows[0]!.v);
};

describe.skipIf(withoutPostgres)('a database of a server', () => {
  let database: FreshDatabase;
  let schemas = 0;
  const opened: Connection[] = [];
  const open = async (options: OpenOptions = {}): Promise<Connection> => {
    const connection = await connectServer(database.url, options);
    opened.push(connection);
    return connection;
  };
  const fresh = (): string => `store ${++schemas}"ä`;
  const sql = (...statements: string[]) => administer(database.url, ...statements);

  beforeAll(async () => {
    database = await freshDatabase();
  }, 120_000);
  afterAll(async () => {
    await Promise.all(opened.map(({ sessions }) => sessions.close()));
    await database?.drop();
  });

  it('is made a store in a schema of any name, and opened again', async () => {
    const schema = fresh();
    const { schema: quoted, kind, location } = await open({ schema });
    expect(quoted).toBe(`"${schema.replace('"', '""')}"`);
    expect(kind).toBe('postgres');
    expect(location).toMatch(/^postgres:\/\/127\.0\.0\.1:\d+\/test_[0-9a-f]+$/);
    const found = await sql(`SELECT relname FROM pg_class WHERE relnamespace = '${quoted}'::regnamespace`);
    expect(found).toContainEqual({ relname: 'records' });
    for (const options of [{ create: false }, { readOnly: true }, {}]) await open({ schema, ...options });
  });

  it('many openings at once make it but once', async () => {
    const schema = fresh();
    await Promise.all(Array.from({ length: 6 }, () => open({ schema })));
    const again = await open({ schema });
    const { rows } = await again.sessions.lend((s) =>
      s.run<{ n: number }>({ text: 'SELECT count(*) - count(DISTINCT name) AS n FROM worldfold_migrations' }),
    );
    expect(rows).toEqual([{ n: 0 }]);
  });

  it('absent is NO_STORE where it may not be made, and nothing is made', async () => {
    const schema = fresh();
    for (const options of [{ create: false }, { readOnly: true }])
      expect((await refusal(open({ schema, ...options }))).code).toBe('NO_STORE');
    expect(await sql(`SELECT 1 FROM pg_namespace WHERE nspname = '${schema}'`)).toEqual([]);
  });

  it('an empty schema becomes a store', async () => {
    await sql('CREATE SCHEMA bare');
    expect((await refusal(open({ schema: 'bare', create: false }))).code).toBe('NO_STORE');
    await open({ schema: 'bare' });
  });

  it.each([
    ['CREATE TABLE foreign_table.people (id int)', 'foreign_table'],
    ['CREATE SEQUENCE foreign_sequence.people', 'foreign_sequence'],
    ['CREATE VIEW foreign_view.people AS SELECT 1', 'foreign_view'],
  ])('the schema of something else is NO_STORE and stays as it is: %s', async (statement, schema) => {
    await sql(`CREATE SCHEMA ${schema}`, statement);
    const e = await refusal(open({ schema }));
    expect(e.code).toBe('NO_STORE');
    expect(e.message).toContain('something else');
    const count = `SELECT relname FROM pg_class WHERE relnamespace = '${schema}'::regnamespace`;
    expect(await sql(count)).toEqual([{ relname: 'people' }]);
  });

  it('L13: a store of a later version is NEWER_FORMAT', async () => {
    const schema = 'newer';
    await open({ schema });
    await sql(`INSERT INTO newer.worldfold_migrations VALUES ('9999-later', '2999-01-01T00:00:00Z')`);
    expect(await refusal(open({ schema }))).toMatchObject({ code: 'NEWER_FORMAT' });
  });

  it('migrations of something else, or a table that is gone, are NO_STORE', async () => {
    await open({ schema: 'other' });
    await sql(`UPDATE other.worldfold_migrations SET name = '0000-' || name`);
    expect((await refusal(open({ schema: 'other' }))).message).toContain('made by the migration 0000-');
    await open({ schema: 'torn' });
    await sql('DROP TABLE torn.parts CASCADE');
    expect((await refusal(open({ schema: 'torn' }))).message).toContain('has no table parts');
    await open({ schema: 'rowless' });
    await sql('DROP TABLE rowless.run_rows');
    expect((await refusal(open({ schema: 'rowless' }))).message).toContain('has no table run_rows');
  });

  it('one that must be migrated is READ_ONLY for who only reads', async () => {
    await sql(
      'CREATE SCHEMA older',
      'CREATE TABLE older.worldfold_migrations (name varchar(255) PRIMARY KEY, timestamp varchar(255))',
    );
    expect((await refusal(open({ schema: 'older', readOnly: true }))).code).toBe('READ_ONLY');
    await open({ schema: 'older' });
    await open({ schema: 'older', readOnly: true });
  });

  it('every session has the settings of its store', async () => {
    const schema = fresh();
    const write = await open({ schema, transactionTimeoutMs: 1234, lockTimeoutMs: 4321 });
    expect(await setting(write, 'synchronous_commit')).toBe('on');
    expect(await setting(write, 'idle_in_transaction_session_timeout')).toBe('1234ms');
    expect(await setting(write, 'lock_timeout')).toBe('4321ms');
    expect(await setting(write, 'application_name')).toBe('worldfold');
    expect(await setting(write, 'client_encoding')).toBe('UTF8');
    const read = await open({ schema, readOnly: true, durability: 'process' });
    expect(await setting(read, 'synchronous_commit')).toBe('off');
    const text = 'CREATE TABLE one_more (v int)';
    await expect(read.sessions.lend((s) => s.run({ text }))).rejects.toMatchObject({ code: '25006' });
    const own = await read.sessions.open();
    await expect(own.run({ text })).rejects.toMatchObject({ code: '25006' });
  });

  it('a role without rights is told so', async () => {
    await sql('DROP ROLE IF EXISTS worldfold_guest', 'CREATE ROLE worldfold_guest LOGIN');
    const url = new URL(database.url);
    url.username = 'worldfold_guest';
    const e = await refusal(connectServer(url.href, { schema: fresh() }));
    await sql('DROP ROLE worldfold_guest');
    expect(e).toMatchObject({ code: 'STORE_FAILED', facts: { sqlstate: '42501' } });
    expect(e.hint).toMatch(/rights/);
  });

  it('a closed store is CLOSED', async () => {
    const { sessions } = await open();
    await sessions.close();
    await sessions.close();
    expect((await refusal(sessions.lend(async () => {}))).code).toBe('CLOSED');
    expect((await refusal(sessions.open())).code).toBe('CLOSED');
  });

  it('no message shows a password', async () => {
    const hidden = 's3cret-word';
    const url = new URL(database.url);
    url.password = hidden;
    const wrong = [url.href.replace(url.port, '1'), url.href.replace(/test_\w+/, 'absent')];
    const broken = [`postgres://a:${hidden}@[/x`, `postgres://a:${hidden}@h:99999999/x`, `a:${hidden}@h/x`];
    for (const address of [...wrong, ...broken]) {
      const e = await refusal(connectServer(address));
      expect(inspect(e, { depth: 20, showHidden: true })).not.toContain(hidden);
    }
    const connection = await connectServer(url.href);
    expect(connection.location).not.toContain(hidden);
    await connection.sessions.close();
  });
});

describe('what a call is given is looked at first', () => {
  it.each([
    [{ schema: '' }],
    [{ schema: 'x'.repeat(64) }],
    [{ schema: 'ä'.repeat(32) }],
    [{ schema: 'pg_mine' }],
    [{ schema: 'information_schema' }],
    [{ schema: 'a\0b' }],
    [{ schema: '\ud800' }],
    [{ schema: 5 }],
    [{ create: 1 }],
    [{ readOnly: 'no' }],
    [{ readOnly: true, create: true }],
    [{ durability: 'disk' }],
    [{ transactionTimeoutMs: 0 }],
    [{ lockTimeoutMs: 2 ** 31 }],
    [{ nonsense: 1 }],
  ])('%j', async (options) => {
    expect((await refusal(postgresStore('postgres://h', options as object))).code).toBe('BAD_USAGE');
  });

  it.each(['', 'h', 'mysql://h', 5, null])('the address %j', async (address) => {
    expect((await refusal(postgresStore(address as string))).code).toBe('BAD_USAGE');
  });

  it.each(['', ' ', 5, null])('the folder %j', async (path) => {
    expect((await refusal(pgliteStore(path as string))).code).toBe('BAD_USAGE');
  });

  it('an embedded store has no durability to choose', async () => {
    const options = { durability: 'power' } as object;
    expect((await refusal(pgliteStore(':memory:', options))).code).toBe('BAD_USAGE');
  });

  it.each([
    ['pg', connectServer, 'npm install pg kysely'],
    ['kysely', connectServer, 'npm install pg kysely'],
    ['pglite', connectEmbedded, 'npm install pg kysely @electric-sql/pglite'],
  ] as const)('a missing %s is named with what to install', async (name, connect, hint) => {
    const gone = { ...INSTALLED, [name]: () => Promise.reject(new TypeError('gone')) };
    const e = await refusal(connect('postgres://h', { packages: gone }));
    expect(e).toMatchObject({ code: 'MISSING_DEPENDENCY' });
    expect(e.hint).toContain(hint);
  });
});

describe('a folder of the embedded database', () => {
  const home = mkdtempSync(join(tmpdir(), 'worldfold-embedded-'));
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  it('is made, shared by the stores of this process, kept, and given free', async () => {
    const folder = join(home, 'db');
    expect((await refusal(connectEmbedded(folder, { create: false }))).code).toBe('NO_STORE');
    expect(existsSync(folder)).toBe(false);
    const both = await Promise.all([connectEmbedded(folder), connectEmbedded(join(home, '.', 'db'))]);
    const other = await connectEmbedded(folder, { schema: 'other', readOnly: false });
    const [first, second] = both as [Connection, Connection];
    expect(first.location).toBe(`pglite:${folder}`);
    await first.sessions.lend((s) => s.run({ text: 'CREATE TABLE probe (v int)' }));
    await first.sessions.close();
    const seen = { text: "SELECT to_regclass('probe')::text AS v" };
    for (const [store, v] of [
      [second, 'probe'],
      [other, null],
      [second, 'probe'],
    ] as const)
      expect((await store.sessions.lend((s) => s.run(seen))).rows).toEqual([{ v }]);
    expect(existsSync(`${folder}.lock`)).toBe(true);
    const [, , again] = await Promise.all([
      second.sessions.close(),
      other.sessions.close(),
      connectEmbedded(folder, { readOnly: true }),
    ]);
    expect((await again.sessions.lend((s) => s.run(seen))).rows).toEqual([{ v: 'probe' }]);
    const write = again.sessions.lend((s) => s.run({ text: 'DROP TABLE probe' }));
    await expect(write).rejects.toMatchObject({ code: '25006' });
    await again.sessions.close();
    expect((await refusal(again.sessions.open())).code).toBe('CLOSED');
    expect(existsSync(`${folder}.lock`)).toBe(false);
  });

  it('the folder of something else is left as it is', async () => {
    writeFileSync(join(home, 'notes.txt'), 'mine');
    expect((await refusal(connectEmbedded(home))).code).toBe('NO_STORE');
    expect((await refusal(connectEmbedded(join(home, 'notes.txt')))).code).toBe('NO_STORE');
    expect(existsSync(`${home}.lock`)).toBe(false);
  });
});
