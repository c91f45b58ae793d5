import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { counterWorld, jsonOf, type Said, say, worldFolder } from './kit.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
/** From the project's folder, so that tsx is found wherever the test's own folder lies. */
const tsx = import.meta.resolve('tsx');
const nodeWords = (words: readonly string[]): string[] => ['--import', tsx, main, ...words];

const call = (cwd: string, words: readonly string[]): Promise<Said> =>
  new Promise((resolve) => {
    execFile(process.execPath, nodeWords(words), { cwd }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });

const endOf = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => child.once('close', (code) => resolve(code)));

describe('the process', () => {
  test('begins with a line that names Node, for shells', () => {
    expect(readFileSync(main, 'utf8').split('\n')[0]).toBe('#!/usr/bin/env node');
  });

  test('L15: says the same as the command in this process, down to the hash', async () => {
    const at = worldFolder();
    const words = ['run', 'world.ts', '--ticks', '25', '--seed', 'x', '--json', '--store'];
    const child = await call(at, [...words, 'sqlite:child.db']);
    expect(child.err).toBe('');
    const here = await say(at, [...words, 'sqlite:here.db']);
    expect({ ...jsonOf(child), store: '' }).toEqual({ ...jsonOf(here), store: '' });
    expect((await call(at, ['replay', 'counter', '--store', 'sqlite:here.db'])).code).toBe(0);
  });

  test('ends with 2 on wrong usage and 1 on a failed check', async () => {
    const at = worldFolder();
    expect((await call(at, ['show', 'nope', '--store', 'memory:'])).code).toBe(2);
    const broken = worldFolder(
      counterWorld().replace('metrics:', 'invariants: { no: () => false }, metrics:'),
    );
    const said = await call(broken, ['run', 'world.ts', '--ticks', '2', '--store', 'memory:']);
    expect(said.code).toBe(1);
    expect(said.err).toMatch(/^worldfold: .*\nhint: .*\n$/);
  });

  test('L11: Ctrl-C lets the tick end, flushes, closes, and the run goes on from there', async () => {
    const at = worldFolder();
    const store = ['--store', 'sqlite:long.db'];
    const words = ['run', 'world.ts', '--ticks', '40000000', '--id', 'long', '--json', ...store];
    const child = spawn(process.execPath, nodeWords(words), { cwd: at, stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = endOf(child);
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    for (;;) {
      const seen = await say(at, ['ls', '--json', ...store]);
      if (seen.code === 0 && jsonOf(seen)[0]?.tick > 100) break;
      if (child.exitCode !== null) expect.fail('the process ended before it was stopped');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    const stopped = JSON.parse(out);
    expect(stopped).toMatchObject({ stopped: true, durableTick: stopped.tick });

    const replayed = jsonOf(await say(at, ['replay', 'long', '--json', ...store]));
    expect(replayed).toMatchObject({ agrees: true, tick: stopped.tick, stateHash: stopped.stateHash });
    const on = ['run', 'world.ts', '--continue', '--id', 'long', '--ticks', '5', '--json', ...store];
    expect(jsonOf(await say(at, on)).tick).toBe(stopped.tick + 5);
  });

  test('a reader that leaves early is no failure', async () => {
    const at = worldFolder();
    const child = spawn(process.execPath, nodeWords(['--help']), {
      cwd: at,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = endOf(child);
    child.stdout.destroy();
    let err = '';
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
    });
    expect(await ended).toBe(0);
    expect(err).toBe('');
  });
});
