import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';

const scripts = fileURLToPath(new URL('../scripts/', import.meta.url));
const place = mkdtempSync(join(tmpdir(), 'worldfold-scripts-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

describe('the lock between set-ups', () => {
  const folder = join(place, 'setup.lock');
  const counter = join(place, 'counter');
  /** Reads, waits and writes: without a lock, additions of processes that run together are lost. */
  const add = `
    import { readFileSync, writeFileSync } from 'node:fs';
    import { withLock } from ${JSON.stringify(join(scripts, 'lock.mjs'))};
    const [folder, counter] = process.argv.slice(1);
    for (let i = 0; i < 5; i++)
      withLock(folder, () => {}, () => {
        const seen = Number(readFileSync(counter, 'utf8'));
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
        writeFileSync(counter, String(seen + 1));
      });`;
  const start = () =>
    new Promise<number | null>((resolve) => {
      const args = ['--input-type=module', '-e', add, folder, counter];
      spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] }).on('exit', resolve);
    });

  beforeEach(() => {
    rmSync(folder, { recursive: true, force: true });
    writeFileSync(counter, '0');
  });

  it('lets one process at a time in', async () => {
    expect(await Promise.all([start(), start(), start(), start()])).toEqual([0, 0, 0, 0]);
    expect(readFileSync(counter, 'utf8')).toBe('20');
    expect(existsSync(folder)).toBe(false);
  });

  it('is taken over from a process that died, by one at a time', async () => {
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    mkdirSync(folder);
    writeFileSync(join(folder, 'pid'), String(dead));
    expect(await Promise.all([start(), start(), start()])).toEqual([0, 0, 0]);
    expect(readFileSync(counter, 'utf8')).toBe('15');
  });

  it('is taken over from a process that died before it said its name', async () => {
    mkdirSync(folder);
    utimesSync(folder, 1, 1);
    expect(await start()).toBe(0);
    expect(readFileSync(counter, 'utf8')).toBe('5');
  });
});

describe('the closing line of CI', () => {
  const results = join(place, 'results');
  const file = (
    name: string,
    tests: readonly (readonly [status: string, fullName: string])[],
    status = 'passed',
  ) =>
    writeFileSync(
      join(results, name),
      JSON.stringify({
        testResults: [
          {
            name: '/project/test/a.test.ts',
            status,
            message: 'could not load',
            assertionResults: tests.map(([testStatus, fullName]) => ({ status: testStatus, fullName })),
          },
        ],
      }),
    );
  const close = (...failedSteps: string[]) => {
    const args = [join(scripts, 'ci-summary.mjs'), results, ...failedSteps];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    return { line: stdout, named: stderr.split('\n').filter(Boolean), status };
  };
  const passed = [
    ['passed', 'L1: one'],
    ['passed', 'L2: two'],
  ] as const;

  beforeEach(() => {
    rmSync(results, { recursive: true, force: true });
    mkdirSync(results);
    file('tests.json', passed);
    file('newer-node.json', passed);
  });

  it('adds up what ran', () => {
    expect(close()).toEqual({ line: '4 passed, 0 failed\n', named: [], status: 0 });
  });

  it.each(['skipped', 'pending', 'todo', 'failed', 'disabled'])(
    'counts %s as failed and names it',
    (status) => {
      file('tests.json', [...passed, [status, 'L3: three']]);
      const named = [`${status}: a.test.ts: L3: three`];
      expect(close()).toEqual({ line: '4 passed, 1 failed\n', named, status: 1 });
    },
  );

  it('counts a file that did not load, once, though its step failed too', () => {
    file('tests.json', [], 'failed');
    const named = ['failed: a.test.ts: could not load'];
    expect(close('tests')).toEqual({ line: '2 passed, 1 failed\n', named, status: 1 });
  });

  it('counts a step that failed without a failed test', () => {
    expect(close('tests', 'types')).toMatchObject({ line: '4 passed, 2 failed\n', status: 1 });
  });

  it('counts results that are absent or empty', () => {
    rmSync(join(results, 'newer-node.json'));
    expect(close()).toMatchObject({ line: '2 passed, 1 failed\n', named: ['did not run: newer Node'] });
    file('newer-node.json', []);
    expect(close()).toMatchObject({ line: '2 passed, 1 failed\n', status: 1 });
  });
});
