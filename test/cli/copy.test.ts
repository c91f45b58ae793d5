/** `worldfold copy`, and stores whose address holds a password. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { counterWorld, jsonOf, say, worldFolder } from './kit.ts';

const FROM = ['--store', 'sqlite:runs.db'];
const PLACES = ['--from', 'sqlite:runs.db', '--to', 'sqlite:copy.db'];

/** A folder with a run `first` of 20 ticks and a fork `mild` of it at tick 12. */
async function withFork(): Promise<string> {
  const at = worldFolder();
  const words = ['run', 'world.ts', '--ticks', '20', '--id', 'first'];
  expect((await say(at, [...words, ...FROM])).code).toBe(0);
  const fork = ['fork', 'first', '--at', '12', '--ticks', '5', '--id', 'mild'];
  expect((await say(at, [...fork, ...FROM])).code).toBe(0);
  return at;
}

const ls = async (at: string, store: string) =>
  jsonOf(await say(at, ['ls', '--json', '--store', store])).map(({ id, tick }: any) => [id, tick]);

describe('copy', () => {
  test('L10: brings a run into another store, with what it continues; again, nothing', async () => {
    const at = await withFork();
    const said = await say(at, ['copy', 'mild', ...PLACES]);
    expect(said.out).toMatch(/^✓ sqlite:copy\.db has first up to tick 12, mild\n {2}copied 18 records, /);
    expect(await ls(at, 'sqlite:copy.db')).toEqual([
      ['first', 12],
      ['mild', 17],
    ]);
    const hash = async (store: string) =>
      jsonOf(await say(at, ['verify', 'mild', '--json', '--store', store])).recordHash;
    expect(await hash('sqlite:copy.db')).toBe(await hash('sqlite:runs.db'));
    const again = jsonOf(await say(at, ['copy', 'mild', ...PLACES, '--json']));
    expect(again).toMatchObject({ id: 'mild', complete: true, records: 0, segments: 0 });
    expect(again.runs).toEqual([
      { id: 'first', tick: 12, whole: false },
      { id: 'mild', tick: 17, whole: true },
    ]);
    const tree = await say(at, ['copy', 'mild', '--tree', ...PLACES, '--json']);
    expect(jsonOf(tree)).toMatchObject({ records: 8, segments: 0 });
    expect(await ls(at, 'sqlite:copy.db')).toEqual(await ls(at, 'sqlite:runs.db'));
    expect((await say(at, ['copy', 'first', '--from', 'sqlite:copy.db', '--to', 'memory:'])).code).toBe(0);
  });

  test('leaves snapshots behind that were not to stay', async () => {
    const at = await withFork();
    const all = jsonOf(await say(at, ['copy', 'first', ...PLACES, '--json']));
    expect(all.snapshots).toEqual({ copied: 1, present: 0, damaged: 0 });
    const words = ['copy', 'first', '--from', 'sqlite:runs.db', '--to', 'memory:', '--snapshots', 'pinned'];
    expect(jsonOf(await say(at, [...words, '--json'])).snapshots).toMatchObject({ copied: 0 });
    expect((await say(at, ['copy', 'first', ...PLACES, '--snapshots', 'some'])).code).toBe(2);
  });

  test('an unknown run, or no target, leaves nothing behind', async () => {
    const at = await withFork();
    expect(await say(at, ['copy', 'nope', ...PLACES])).toMatchObject({ code: 2, out: '' });
    expect(existsSync(join(at, 'copy.db'))).toBe(false);
    const said = await say(at, ['copy', 'first', '--from', 'sqlite:runs.db']);
    expect(said).toMatchObject({ code: 2 });
    expect(said.err).toMatch(/--to <place>/);
  });

  test('another run of that id, and another history of the run, are refused', async () => {
    const at = await withFork();
    expect((await say(at, ['copy', 'first', ...PLACES])).code).toBe(0);
    for (const store of ['sqlite:copy.db', 'sqlite:runs.db'])
      await say(at, ['fork', 'first', '--at', '20', '--ticks', '2', '--id', 'other', '--store', store]);
    const other = await say(at, ['copy', 'other', ...PLACES]);
    expect(other).toMatchObject({ code: 2, out: '' });
    expect(other.err).toMatch(/copy\.db has another run 'other'\nhint: /);
    const goOn = (world: string, store: string, ...more: string[]) => {
      const words = ['run', world, '--continue', '--id', 'first', '--ticks', '3'];
      return say(at, [...words, '--store', store, ...more]);
    };
    expect((await goOn('world.ts', 'sqlite:runs.db')).code).toBe(0);
    writeFileSync(join(at, 'other.ts'), counterWorld(2));
    expect((await goOn('other.ts', 'sqlite:copy.db', '--adopt')).code).toBe(0);
    const before = await ls(at, 'sqlite:copy.db');
    const said = await say(at, ['copy', 'first', ...PLACES]);
    expect(said).toMatchObject({ code: 1, out: '' });
    expect(said.err).toMatch(/run 'first' has another record of tick 21 in .*copy\.db than in .*runs\.db/);
    expect(await ls(at, 'sqlite:copy.db')).toEqual(before);
  });

  test('stopped by Ctrl-C it ends with 130 and goes on later', async () => {
    const at = await withFork();
    const stop = new AbortController();
    stop.abort();
    const said = await say(at, ['copy', 'first', ...PLACES], { signal: stop.signal });
    expect(said).toMatchObject({ code: 130 });
    expect(said.out).toMatch(/^stopped: .* goes on from there\n/);
    expect((await say(at, ['copy', 'first', ...PLACES])).code).toBe(0);
    expect(await ls(at, 'sqlite:copy.db')).toEqual([['first', 20]]);
  });

  test('is in the help', async () => {
    const { out } = await say(worldFolder(), ['copy', '--help']);
    expect(out).toMatch(/--to <place>/);
    expect(out).toMatch(/postgres:\/\/USER@HOST\/DB/);
  });
});

describe('a password in the address of a store', () => {
  const SECRET = 'hunter2';
  const url = `postgres://me:${SECRET}@127.0.0.1:1/worlds?schema=mine&sslpassword=${SECRET}`;

  test.each([
    [['ls', '--store', url]],
    [['ls', '--store', url, '--debug']],
    [['copy', 'first', '--from', url, '--to', 'memory:']],
    [['doctor', '--store', url]],
    [['doctor', '--store', url, '--json']],
    [['ls', '--store', `postgress://me:${SECRET}@host/db`, '--debug']],
    [['ls', '--store', `postgres://me:1/${SECRET}@host/db`, '--debug']],
    [['ls', '--store', `postgres://me:1#${SECRET}@host/db`, '--debug']],
    [['ls', '--store', `postgres://me:1?${SECRET}@host/db`, '--debug']],
    [['ls', '--store', `postgres://me:${SECRET}@ho st:x/db`, '--debug']],
    [[url]],
    [['ls', url]],
  ])('is never printed: %#', async (words) => {
    const said = await say(worldFolder(), words);
    expect(said.code).not.toBe(0);
    expect(said.out + said.err).not.toBe('');
    expect(said.out + said.err).not.toContain(SECRET);
  });
});
