/**
 * Real processes on one SQLite file: reading beside a writer, SIGKILL, a full disk, a package that is not
 * there.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LogRecord } from '../../src/log/store.ts';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import { readAll } from './log-store.ts';
import { chain, holder, plain } from './records.ts';
import { GROUP, RACES, startOf } from './sqlite-child.ts';

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const childArguments = ['--import', 'tsx', here('./sqlite-child.ts')];

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'worldfold-processes-'));
  path = join(folder, 'runs.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

const start = (...given: string[]): ChildProcess =>
  spawn(process.execPath, [...childArguments, ...given], { stdio: ['ignore', 'pipe', 'inherit'] });

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) =>
    (child.exitCode ?? child.signalCode) === null ? child.once('exit', resolve) : resolve(child.exitCode),
  );

const lines = (child: ChildProcess) => createInterface({ input: child.stdout! });

test('L7: one process reads while another appends, and sees a prefix', async () => {
  const ticks = 600;
  const want = chain('child', ticks + 1);
  const child = start('append', path, String(ticks));
  const seen: LogRecord[] = [];
  let pages = 0;
  for await (const line of lines(child)) {
    if (pages > 0 && Number(line) % 30 !== 0) continue;
    const store = await sqliteStore(path, { create: false });
    const page = await store.read('child-segment', seen.length, { records: 50, bytes: Infinity });
    expect(seen.length + page.records.length).toBeGreaterThan(0);
    seen.push(...page.records);
    pages++;
    await store.close();
  }
  expect(await ended(child)).toBe(0);
  const store = await sqliteStore(path);
  seen.push(...(await readAll(store, 'child-segment', seen.length)));
  await store.close();
  expect(pages).toBeGreaterThan(5);
  expect(plain(seen)).toEqual(plain(want));
});

test('L2 L11: a killed process leaves whole groups up to its last commit, and no lease', async () => {
  const want = chain('child', 3001);
  for (const lineToDieAt of [1, 7, 40]) {
    rmSync(path, { force: true });
    const child = start('append', path, '3000');
    let last = 0;
    let count = 0;
    for await (const line of lines(child)) {
      last = Number(line);
      if (++count === lineToDieAt) child.kill('SIGKILL');
    }
    await ended(child);
    expect(child.signalCode).toBe('SIGKILL');
    const store = await sqliteStore(path);
    const { head } = (await store.head('child'))!.segment;
    expect(head.tick).toBeGreaterThanOrEqual(last);
    expect(head.tick).toBeLessThan(3000);
    expect(head.tick % GROUP).toBe(0);
    expect(plain(await readAll(store, 'child-segment'))).toEqual(plain(want.slice(0, head.tick + 1)));
    expect(await store.acquire('child-segment', holder('next'), false)).toBe(2);
    const next = want.slice(head.tick + 1, head.tick + 3);
    await store.append('child-segment', 2, head.tick + 1, next);
    await store.close();
    for (const end of ['-wal', '-shm']) rmSync(path + end, { force: true });
  }
});

test('L2: several processes that create one file at once make one store', async () => {
  const children = [1, 2, 3].map((n) => start('create', path, String(n)));
  let ready = 0;
  const said = await Promise.all(
    children.map(async (child) => {
      const all: string[] = [];
      for await (const line of lines(child)) {
        all.push(line);
        if (line === 'ready' && ++ready === children.length) writeFileSync(startOf(path), '');
      }
      return all;
    }),
  );
  expect(said).toEqual(children.map(() => ['ready', 'created']));
  for (let race = 0; race < RACES; race++) {
    const store = await sqliteStore(`${path}.${race}`);
    expect((await store.list(null, 9)).map((r) => r.id)).toEqual(['run 1', 'run 2', 'run 3']);
    await store.close();
  }
});

test.skipIf(process.platform === 'win32')('L2: a file that may not grow fails the commit whole', () => {
  const command = [process.execPath, ...childArguments, 'fill', path, '3000000']
    .map((s) => `'${s}'`)
    .join(' ');
  // 1,000 blocks of 512 or 1,024 bytes, by the shell: enough for the tables and not for 3 MB.
  const ran = spawnSync('sh', ['-c', `ulimit -f 1000; exec ${command}`], { encoding: 'utf8' });
  expect(ran.stdout.trim().split('\n')).toEqual(['STORE_FAILED', '2', '2']);
});

test('the packages are loaded by the call and not by the import', () => {
  const hooks = join(folder, 'hooks.mjs');
  writeFileSync(
    hooks,
    `export const resolve = (name, context, next) => {
       if (name === 'better-sqlite3' || name === 'kysely') throw new Error('no ' + name);
       return next(name, context);
     };`,
  );
  const script = join(folder, 'script.mts');
  const index = pathToFileURL(here('../../src/stores/sqlite/index.ts')).href;
  writeFileSync(
    script,
    `import { register } from 'node:module';
     register(${JSON.stringify(pathToFileURL(hooks).href)});
     const { sqliteStore } = await import(${JSON.stringify(index)});
     await sqliteStore(':memory:').catch((e) => console.log(e.code, e.facts.package));`,
  );
  const ran = spawnSync(process.execPath, ['--import', 'tsx', script], { encoding: 'utf8' });
  expect(ran.stdout.trim()).toBe('MISSING_DEPENDENCY better-sqlite3');
});
