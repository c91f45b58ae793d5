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
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LogRecord } from '../../src/log/store.ts';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import { collectAll } from './forks.ts';
import { readAll } from './log-store.ts';
import { declare, rowsOf } from './projections-bench.ts';
import { chain, holder, newRun, plain } from './records.ts';
import { textsOf } from './snapshots.ts';
import {
  chunksOf,
  GROUP,
  KEPT,
  ownChunk,
  PROJECTED,
  peopleAt,
  RACES,
  startOf,
  stopOf,
} from './sqlite-child.ts';

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const childArguments = ['--import', 'tsx', here('./sqlite-child.ts')];

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'worldfold-processes-'));
  path = join(folder, 'runs.db');
});
let started: ChildProcess[] = [];
afterEach(async () => {
  // A test that failed leaves nobody behind.
  for (const child of started) child.kill('SIGKILL');
  await Promise.all(started.map(ended));
  started = [];
  rmSync(folder, { recursive: true });
});

function start(...given: string[]): ChildProcess {
  const child = spawn(process.execPath, [...childArguments, ...given], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.push(child);
  return child;
}

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

const linesOf = async (child: ChildProcess): Promise<string[]> => {
  const all: string[] = [];
  for await (const line of lines(child)) all.push(line);
  return all;
};

/** Every snapshot of the run can be read whole, and rows that belong to nothing are not there. */
async function expectSound(ticks: number): Promise<void> {
  const store = await sqliteStore(path);
  const snapshots = await store.snapshots('child-segment');
  expect(snapshots.map(({ tick }) => tick)).toEqual(
    Array.from({ length: KEPT }, (_, i) => ticks - KEPT + 1 + i),
  );
  const used = new Set<number>();
  for (const { tick } of snapshots) {
    const texts = await textsOf(store, 'child-segment', tick);
    expect(texts).toEqual(chunksOf(tick).map(ownChunk));
    for (const chunk of (await store.readSnapshot('child-segment', tick))!.chunks) used.add(chunk);
  }
  await collectAll(store, 50);
  const want = chain('child', ticks + 1);
  expect(plain(await readAll(store, 'child-segment'))).toEqual(plain(want));
  await store.close();
  const db = new Database(path);
  const count = (table: string) => db.prepare(`SELECT count(*) FROM ${table}`).pluck().get();
  expect(['segments', 'records', 'parts', 'snapshots', 'chunks'].map(count)).toEqual([
    1,
    ticks + 1,
    0,
    KEPT,
    used.size,
  ]);
  expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
  db.close();
}

/** Lets a collector work until it has deleted something so many times, or has ended. */
async function untilDeleted(collector: ChildProcess, times: number): Promise<void> {
  let count = 0;
  for await (const _ of lines(collector)) if (++count === times) break;
}

test('L2 L7: one process keeps snapshots and one forks while another collects', async () => {
  const children = [start('snapshots', path), start('forks', path), start('collect', path, '20')];
  const said: string[][] = [[], [], []];
  const listen = async (child: ChildProcess, i: number) => {
    for await (const line of lines(child)) {
      said[i]!.push(line);
      const [gone, forked, collected] = said as [string[], string[], string[]];
      // All three were at work, and the collection took chunks from under the writer.
      if (gone.length > 0 && forked.length > 9 && collected.length > 29) writeFileSync(stopOf(path), '');
    }
  };
  await Promise.all(children.map(listen));
  expect(await Promise.all(children.map(ended))).toEqual([0, 0, 0]);
  await expectSound(Number(said[0]!.at(-1)));
});

test('L2 L11: a collection that is killed anywhere has deleted whole steps', async () => {
  const writer = start('snapshots', path);
  const said = linesOf(writer);
  for (const times of [1, 2, 5, 11, 23]) {
    const collector = start('collect', path, '2');
    await untilDeleted(collector, times);
    collector.kill('SIGKILL');
    await ended(collector);
    expect(collector.signalCode).toBe('SIGKILL');
  }
  writeFileSync(stopOf(path), '');
  await expectSound(Number((await said).at(-1)));
});

test('L2 L11: a process that is killed anywhere leaves rows and checkpoint that agree', async () => {
  const want = chain('child', PROJECTED + 1);
  let before = -1;
  // Ticks to die in the middle of, and numbers of lines to be killed after.
  for (const [within, lineToDieAt] of [[5], [8], [0, 1], [0, 30], [0, 61]] as const) {
    const child = start('project', path, String(within));
    let [last, count] = [before, 0];
    for await (const line of lines(child)) {
      last = Number(line);
      if (++count === lineToDieAt) child.kill('SIGKILL');
    }
    await ended(child);
    expect(child.signalCode).toBe('SIGKILL');
    expect(last).toBeGreaterThan(before);
    const store = await sqliteStore(path);
    const [info] = await store.projections('child');
    const { tick, hash, sequence } = info!.checkpoint!;
    expect(tick).toBeGreaterThanOrEqual(last);
    if (within > 0) expect(tick).toBe(within - 1);
    expect({ hash: plain(hash), sequence }).toEqual({ hash: plain(want[tick]!.hash), sequence: tick * 2 });
    expect(await rowsOf(store, info!)).toEqual(peopleAt(tick));
    const { head } = (await store.head('child'))!.segment;
    // A tick whose record and rows go in together is in with both; any other may have its record alone.
    const oneAhead = tick % 2 === 1 ? [tick, tick + 1] : [tick];
    expect(oneAhead).toContain(head.tick);
    if (within > 0) expect(head.tick).toBe(oneAhead.at(-1));
    before = tick;
    await store.close();
  }
});

test('L2: of two processes that advance one projection each step is taken by exactly one', async () => {
  const store = await sqliteStore(path);
  await store.create(newRun('child', chain('child', 1)[0]!));
  const info = await declare(store, 'child');
  const took: number[][] = [[], []];
  const children = [0, 1].map((which) => start('race', path, String(which)));
  const listen = async (child: ChildProcess, which: number): Promise<void> => {
    for await (const line of lines(child)) {
      took[which]!.push(Number(line));
      if (took.every((ticks) => ticks.length >= 40) || Number(line) > 4000) writeFileSync(stopOf(path), '');
    }
  };
  await Promise.all(children.map(listen));
  expect(await Promise.all(children.map(ended))).toEqual([0, 0]);
  const all = took.flat().sort((a, b) => a - b);
  expect(all).toEqual(all.map((_, i) => i));
  for (const ticks of took) expect(ticks.length).toBeGreaterThanOrEqual(40);
  const rows = (await rowsOf(store, info)).filter(([id]) => (id as number) < 1_000_000);
  expect(rows).toEqual(all.map((tick) => [tick, `of ${took[0]!.includes(tick) ? 0 : 1}`, tick]));
  expect((await store.projections('child'))[0]!.checkpoint!.tick).toBe(all.at(-1));
  await store.close();
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
