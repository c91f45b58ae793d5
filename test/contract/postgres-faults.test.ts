/** Connections that break, servers that stop, and processes that start or end at the same time. */
import { execFile } from 'node:child_process';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Connection } from '../../src/stores/postgres/connection.ts';
import { connectServer, openPostgresStore } from '../../src/stores/postgres/open.ts';
import type { Session, Statements } from '../../src/stores/postgres/session.ts';
import {
  administer,
  type FreshDatabase,
  freshDatabase,
  withoutOwnServer,
  withoutPostgres,
} from '../support/postgres.ts';
import { type OwnServer, ownServer } from '../support/postgres-server.ts';

const codeOf = (e: unknown): string => String((e as { code?: unknown }).code ?? (e as Error).message);
const refused = async (work: Promise<unknown>): Promise<string> => work.then(() => 'nothing', codeOf);

const idOf = async (s: Statements): Promise<number> =>
  (await s.run<{ id: number }>({ text: 'SELECT pg_backend_pid() AS id' })).rows[0]!.id;

describe.skipIf(withoutPostgres)('a connection that the server ends', () => {
  let database: FreshDatabase;
  let connection: Connection;
  const kill = (id: number) => administer(database.url, `SELECT pg_terminate_backend(${id}, 5000)`);

  beforeAll(async () => {
    database = await freshDatabase();
    connection = await connectServer(database.url, { transactionTimeoutMs: 200, lockTimeoutMs: 200 });
  }, 120_000);
  afterAll(async () => {
    await connection?.sessions.close();
    await database?.drop();
  });

  it("idle, a writer's own, is lost, and another can be opened", async () => {
    const own = await connection.sessions.open();
    await kill(await idOf(own));
    while (!own.lost) await sleep(5);
    expect(await refused(idOf(own))).toBe('57P01');
    await own.end();
    const next = await connection.sessions.open();
    expect(await idOf(next)).toBeGreaterThan(0);
    await next.end();
  });

  it('idle, one that was lent, is not lent again', async () => {
    const id = await connection.sessions.lend(idOf);
    await kill(id);
    await sleep(20);
    expect(await connection.sessions.lend(idOf)).not.toBe(id);
  });

  it.each([
    ["a writer's own", async (work: (s: Session) => Promise<void>) => work(await connection.sessions.open())],
    ['one that was lent', (work: (s: Session) => Promise<void>) => connection.sessions.lend(work)],
  ])('in the middle of a statement, %s, is an error of that statement', async (_, use) => {
    await use(async (s) => {
      const id = await idOf(s);
      const asleep = refused(s.run({ text: 'SELECT pg_sleep(60)' }));
      await sleep(20);
      await kill(id);
      expect(await asleep).toBe('57P01');
      expect(await refused(idOf(s))).toBe('57P01');
    });
    expect(await connection.sessions.lend(idOf)).toBeGreaterThan(0);
  });

  it('in a transaction that pauses too long, frees what it held', async () => {
    const own = await connection.sessions.open();
    await own.run({ text: 'CREATE TABLE held (v int)' });
    const paused = own.within('write', async (s) => {
      await s.run({ text: 'INSERT INTO held VALUES (1)' });
      await sleep(600);
      await s.run({ text: 'SELECT 1' });
    });
    expect(await refused(paused)).toBe('25P03');
    expect(own.lost).toBe(true);
    const count = { text: 'SELECT count(*) AS n FROM held' };
    expect((await connection.sessions.lend((s) => s.run(count))).rows).toEqual([{ n: 0 }]);
  });

  it('a lock that is held for too long is an error, and the connection goes on', async () => {
    const own = await connection.sessions.open();
    const lock = { text: 'SELECT pg_advisory_lock(5)' };
    await own.run(lock);
    await connection.sessions.lend(async (s) => {
      expect(await refused(s.run(lock))).toBe('55P03');
      expect(await idOf(s)).toBeGreaterThan(0);
    });
    await own.end();
  });
});

describe.skipIf(withoutOwnServer)('a server that stops', () => {
  let server: OwnServer;
  beforeAll(async () => {
    server = await ownServer();
  }, 120_000);
  afterAll(() => server?.end());

  it.each(['fast', 'immediate', 'kill'] as const)('%s, is used again when it runs again', async (how) => {
    const { sessions } = await connectServer(server.url);
    const own = await sessions.open();
    const { pid } = server;
    await server.stop(how);
    expect(await refused(idOf(own))).not.toBe('nothing');
    expect(await refused(sessions.lend(idOf))).not.toBe('nothing');
    expect(own.lost).toBe(true);
    const opening = openPostgresStore(server.url);
    await expect(opening).rejects.toMatchObject({
      code: 'STORE_FAILED',
      hint: expect.stringMatching(/server runs/),
    });
    await server.start();
    expect(server.pid).not.toBe(pid);
    expect(await sessions.lend(idOf)).toBeGreaterThan(0);
    await sessions.close();
  });
});

describe.skipIf(withoutPostgres)('processes', () => {
  let database: FreshDatabase;
  beforeAll(async () => {
    database = await freshDatabase();
  }, 120_000);
  afterAll(() => database?.drop());

  const open = fileURLToPath(new URL('../../src/stores/postgres/open.ts', import.meta.url));
  const tsx = import.meta.resolve('tsx');
  const run = (code: string) =>
    promisify(execFile)(process.execPath, ['--import', tsx, '--input-type=module', '-e', code], {
      timeout: 60_000,
    });
  const connect = () => `
    const { connectServer } = await import(${JSON.stringify(open)});
    const { sessions } = await connectServer(${JSON.stringify(database.url)});`;

  it('that start at once all have the store, and end while connections are idle', async () => {
    const code = `${connect()}
      const own = await sessions.open();
      const { rows } = await own.run({ text: 'SELECT count(*) AS n FROM worldfold_migrations' });
      console.log(rows[0].n);`;
    const answers = await Promise.all(Array.from({ length: 4 }, () => run(code)));
    const known = answers[0]!.stdout;
    expect(Number(known)).toBeGreaterThan(0);
    for (const { stdout, stderr } of answers) expect([stdout, stderr]).toEqual([known, '']);
  });

  it('that close the store end after it is closed', async () => {
    const code = `${connect()}
      await sessions.open();
      await sessions.close();
      console.log('closed');`;
    expect((await run(code)).stdout).toBe('closed\n');
  });
});
