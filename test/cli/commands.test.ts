import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { counterWorld, folder, jsonOf, say, worldFolder } from './kit.ts';

const DB = ['--store', 'sqlite:runs.db'];

describe('run', () => {
  test('loads TypeScript from outside of any project and says where the run stands', async () => {
    const at = worldFolder();
    const said = await say(at, ['run', 'world.ts', '--ticks', '12', ...DB]);
    expect(said.code).toBe(0);
    expect(said.out).toContain('counter: 12 ticks of counter');
    expect(said.out).toMatch(/state hash {2}[0-9a-f]{32}\n/);
    expect(said.out).toContain('next: worldfold replay counter --store sqlite:runs.db');
  });

  test('L5: one seed gives one hash, another seed or config another', async () => {
    const at = worldFolder();
    const hash = async (...more: string[]) =>
      jsonOf(await say(at, ['run', 'world.ts', '--ticks', '20', '--store', 'memory:', '--json', ...more]))
        .stateHash;
    const first = await hash('--seed', 'a');
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    expect(await hash('--seed', 'a')).toBe(first);
    expect(await hash('--seed', 'b')).not.toBe(first);
    expect(await hash('--seed', 'a', '--config', 'by=0.75')).not.toBe(first);
  });

  test('L10: memory and SQLite give the same hash', async () => {
    const at = worldFolder();
    const words = ['run', 'world.ts', '--ticks', '9', '--json', '--store'];
    const [memory, file] = [await say(at, [...words, 'memory:']), await say(at, [...words, 'sqlite:x.db'])];
    expect(jsonOf(memory).stateHash).toBe(jsonOf(file).stateHash);
    expect(jsonOf(memory)).toMatchObject({ store: 'memory:', tick: 9, durableTick: 9, ended: false });
  });

  test('json is one line with the facts, and nothing else is printed', async () => {
    const at = worldFolder();
    const said = await say(at, ['run', 'world.ts', '--ticks', '3', '--id', 'one', '--json', ...DB]);
    expect(said.err).toBe('');
    expect(said.out.trimEnd()).not.toContain('\n');
    expect(Object.keys(jsonOf(said))).toEqual([
      'durableTick',
      'ended',
      'id',
      'stateHash',
      'stopped',
      'store',
      'tick',
      'world',
    ]);
  });

  test('config values go through the types of their columns', async () => {
    const at = worldFolder();
    await say(at, ['run', 'world.ts', '--ticks', '0', '--config', 'start=7', '--config', 'mode=wild', ...DB]);
    const { config, metrics } = jsonOf(await say(at, ['show', 'counter', '--json', ...DB]));
    expect(config).toMatchObject({ start: 7, by: 0.5, mode: 'wild' });
    expect(metrics).toEqual({ n: 7 });
  });

  test('ids count up where none is given', async () => {
    const at = worldFolder();
    for (let i = 0; i < 3; i++) await say(at, ['run', 'world.ts', '--ticks', '1', ...DB]);
    const runs = jsonOf(await say(at, ['ls', '--json', ...DB]));
    expect(runs.map((run: { id: string }) => run.id)).toEqual(['counter', 'counter-2', 'counter-3']);
  });

  test('goes on where the log ends, to the same world as in one go', async () => {
    const at = worldFolder();
    const whole = jsonOf(
      await say(at, ['run', 'world.ts', '--ticks', '30', '--id', 'whole', '--json', ...DB]),
    );
    await say(at, ['run', 'world.ts', '--ticks', '10', '--id', 'parts', ...DB]);
    const words = ['run', 'world.ts', '--continue', '--id', 'parts', '--ticks', '20', '--json', ...DB];
    expect(jsonOf(await say(at, words))).toMatchObject({ tick: 30, stateHash: whole.stateHash });
  });

  test('a module may be native JavaScript, and may import its neighbours', async () => {
    const at = folder();
    const [head, ...rest] = counterWorld()
      .replace(/interface Typed.*\n/, '')
      .split('const schema');
    const source = `${head}import { start } from './start.mjs';\nconst schema${rest.join('const schema')}`
      .replace(' as const', '')
      .replace(/export type.*\n/, '')
      .replace('default(5)', 'default(start)');
    writeFileSync(join(at, 'start.mjs'), 'export const start = 41;');
    writeFileSync(join(at, 'world.mjs'), source);
    const said = await say(at, ['run', 'world.mjs', '--ticks', '0', ...DB]);
    expect(said.err).toBe('');
    expect(said.out).toContain('metrics     n 41');
  });

  test('a module reaches the other entries of worldfold as well', async () => {
    const at = worldFolder(
      `import { sqliteStore } from 'worldfold/sqlite';\nif (typeof sqliteStore !== 'function') throw 1;\n${counterWorld()}`,
    );
    expect((await say(at, ['run', 'world.ts', '--ticks', '1', '--store', 'memory:'])).code).toBe(0);
  });

  test('a world that ends says so', async () => {
    const at = worldFolder(
      counterWorld().replace('metrics:', 'until: (w) => w.total.value.n > 20, metrics:'),
    );
    const said = await say(at, ['run', 'world.ts', '--ticks', '1000', '--store', 'memory:']);
    expect(said.out).toContain('the world has ended');
  });
});

describe('ls, show', () => {
  test('ls lists what runs made, show tells what a log holds without the module', async () => {
    const at = worldFolder();
    await say(at, ['run', 'world.ts', '--ticks', '1200', '--seed', 'alpha', '--id', 'b', ...DB]);
    await say(at, ['run', 'world.ts', '--ticks', '4', '--id', 'a', ...DB]);
    writeFileSync(join(at, 'world.ts'), 'no world any more');
    const list = await say(at, ['ls', ...DB]);
    expect(list.out.split('\n').map((l) => l.split(/ {2,}/).slice(0, 4).join('|'))).toEqual([
      'run|world|tick|seed',
      '───|───────|─────|─────────',
      'a|counter|4|worldfold',
      'b|counter|1,200|alpha',
      '',
    ]);
    const shown = await say(at, ['show', 'b', ...DB]);
    expect(shown.code).toBe(0);
    expect(shown.out).toContain('b: at tick 1,200');
    expect(shown.out).toMatch(/counted +1,200\n/);
    expect(shown.out).toMatch(/n +5 +[\d,.]+ +[\d,.]+ {2}▁/);
    const facts = jsonOf(await say(at, ['show', 'b', '--json', ...DB]));
    expect(facts).toMatchObject({ id: 'b', world: 'counter', seed: 'alpha', tick: 1200 });
    expect(facts.log).toMatchObject({ records: 1201, events: { counted: 1200 } });
    expect(facts.stateHash).toMatch(/^[0-9a-f]{32}$/);
  });

  test('looking at a store does not change a byte of it', async () => {
    const at = worldFolder();
    await say(at, ['run', 'world.ts', '--ticks', '50', ...DB]);
    const before = readFileSync(join(at, 'runs.db'));
    for (const words of [
      ['ls'],
      ['tree'],
      ['show', 'counter'],
      ['show', 'counter@20', '--table', 'total'],
      ['replay', 'counter'],
      ['diff', 'counter', 'counter'],
      ['diff', 'counter@7', 'counter@7'],
      ['snapshot', 'counter', '--out', 'end.wfs'],
    ])
      expect((await say(at, [...words, ...DB])).code, words.join(' ')).toBe(0);
    expect(readFileSync(join(at, 'runs.db')).equals(before)).toBe(true);
  });

  test('an empty store is no failure', async () => {
    expect(await say(folder(), ['ls', '--store', 'memory:'])).toMatchObject({
      code: 0,
      out: 'memory: holds no run yet\n',
    });
    expect(jsonOf(await say(folder(), ['ls', '--store', 'memory:', '--json']))).toEqual([]);
  });
});

describe('replay', () => {
  test('L3: folds the log again with the module that the run remembers', async () => {
    const at = worldFolder();
    const { stateHash } = jsonOf(await say(at, ['run', 'world.ts', '--ticks', '40', '--json', ...DB]));
    const said = await say(at, ['replay', 'counter', ...DB]);
    expect(said.code).toBe(0);
    expect(said.out).toContain(stateHash);
    expect(said.out).toContain('agrees with the log at each of 41 recorded hashes');
    expect(jsonOf(await say(at, ['replay', 'counter', '--json', ...DB]))).toMatchObject({
      id: 'counter',
      agrees: true,
      tick: 40,
      stateHash,
      recordedHash: stateHash,
    });
  });

  test('the module is found from another folder, as the store remembers it', async () => {
    const at = worldFolder();
    await say(at, ['run', 'world.ts', '--ticks', '2', '--store', 'sqlite:kept.db']);
    const elsewhere = join(at, 'deep', 'inside');
    mkdirSync(elsewhere, { recursive: true });
    expect((await say(elsewhere, ['replay', 'counter', '--store', 'sqlite:../../kept.db'])).code).toBe(0);
  });

  test('a folder with store and module in it can be moved', async () => {
    const at = worldFolder();
    await say(at, ['run', 'world.ts', '--ticks', '2', ...DB]);
    const there = join(folder(), 'deeper', 'there');
    cpSync(at, there, { recursive: true });
    rmSync(at, { recursive: true });
    expect(await say(there, ['replay', 'counter', ...DB])).toMatchObject({ code: 0 });
  });

  test('L3: other handlers give another world: code 1, the first tick that differs, and json says so', async () => {
    const at = worldFolder();
    await say(at, ['run', 'world.ts', '--ticks', '8', ...DB]);
    writeFileSync(join(at, 'other.ts'), counterWorld(2));
    const said = await say(at, ['replay', 'counter', '--world', 'other.ts', ...DB]);
    expect(said.code).toBe(1);
    expect(said.err).toMatch(/^worldfold: .*tick 1 .*\nhint: .*\n$/);
    const json = await say(at, ['replay', 'counter', '--world', 'other.ts', '--json', ...DB]);
    expect(json.code).toBe(1);
    expect(jsonOf(json)).toMatchObject({ id: 'counter', agrees: false, tick: 1 });
  });
});
