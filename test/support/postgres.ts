/**
 * The PostgreSQL server that the tests of one run share, and databases on it.
 *
 * `WORLDFOLD_POSTGRES` names one; else the first test that asks starts one, with the programs of the system
 * or, where there are none, of npm. `postgres-setup.ts` stops it when all tests are done.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { ownServer, programs, type Source } from './postgres-server.ts';

const { WORLDFOLD_POSTGRES, WORLDFOLD_SERVERS, WORLDFOLD_REQUIRE_ALL } = process.env;

/** The servers that can be had, one of each version that is installed; a given one stands alone. */
export const SOURCES: readonly Source[] = WORLDFOLD_POSTGRES
  ? ['system']
  : (['system', 'npm'] as const).filter((source) => programs(source) !== undefined);

/** Whether tests on a server are left out: never where everything is required. */
export const withoutPostgres = SOURCES.length === 0 && !WORLDFOLD_REQUIRE_ALL;

/** Whether tests that start servers of their own are left out. */
export const withoutOwnServer =
  programs('system') === undefined && programs('npm') === undefined && !WORLDFOLD_REQUIRE_ALL;

/** The address of the shared server; the first that asks for it starts it. */
export async function sharedServer(source: Source = SOURCES[0] ?? 'system'): Promise<string> {
  if (WORLDFOLD_POSTGRES) return WORLDFOLD_POSTGRES;
  if (WORLDFOLD_SERVERS === undefined) throw new Error('vitest runs without postgres-setup.ts');
  const told = join(WORLDFOLD_SERVERS, source);
  try {
    mkdirSync(`${told}.turn`);
    const server = await ownServer(source).catch((e) => {
      writeFileSync(`${told}.failed`, String(e));
      throw e;
    });
    writeFileSync(`${told}.new`, JSON.stringify({ url: server.url, folder: server.folder, pid: server.pid }));
    renameSync(`${told}.new`, told);
  } catch (e) {
    if ((e as { code?: string }).code !== 'EEXIST') throw e;
  }
  while (!existsSync(told)) {
    if (existsSync(`${told}.failed`)) throw new Error(readFileSync(`${told}.failed`, 'utf8'));
    await sleep(20);
  }
  return (JSON.parse(readFileSync(told, 'utf8')) as { url: string }).url;
}

/** Runs statements one after another, each on its own. */
export async function administer(url: string, ...statements: readonly string[]): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    let rows: unknown[] = [];
    for (const statement of statements) rows = (await client.query(statement)).rows;
    return rows;
  } finally {
    await client.end();
  }
}

/** The same server, another database. */
export function withDatabase(url: string, database: string): string {
  const address = new URL(url);
  address.pathname = `/${database}`;
  return address.href;
}

/** A database of a test's own. */
export interface FreshDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** Makes a database that nothing else uses; whoever asks drops it. */
export async function freshDatabase(source?: Source): Promise<FreshDatabase> {
  const url = await sharedServer(source);
  const name = `test_${randomBytes(6).toString('hex')}`;
  await administer(url, `CREATE DATABASE ${name}`);
  return {
    url: withDatabase(url, name),
    drop: async () => void (await administer(url, `DROP DATABASE ${name} WITH (FORCE)`)),
  };
}
