import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { counterWorld, folder, type Said, say, worldFolder } from './kit.ts';

const DB = ['--store', 'sqlite:runs.db'];

/** A refusal is one clear line and one hint, on standard error alone, without a trace of the stack. */
function expectRefusal(said: Said, code: number, line: RegExp, hint: RegExp = /./): void {
  const [first, second, ...rest] = said.err.split('\n');
  expect(first).toMatch(/^worldfold: /);
  expect(first).toMatch(line);
  expect(second).toMatch(/^hint: /);
  expect(second).toMatch(hint);
  expect(rest).toEqual(['']);
  expect(said.err).not.toMatch(/\n {2,}at /);
  expect(said.out).toBe('');
  expect(said.code).toBe(code);
}

async function withRun(): Promise<string> {
  const at = worldFolder();
  expect((await say(at, ['run', 'world.ts', '--ticks', '3', '--id', 'first', ...DB])).code).toBe(0);
  return at;
}

describe('wrong usage is code 2, a line and a hint', () => {
  test('an unknown run', async () => {
    const at = await withRun();
    for (const command of [['show'], ['replay'], ['rm'], ['diff', 'first'], ['fork', '--at', '1']])
      expectRefusal(await say(at, [...command, 'nope', ...DB]), 2, /no run 'nope'/, /It has: first\./);
    const words = ['run', 'world.ts', '--continue', '--id', 'nope', ...DB];
    expectRefusal(await say(at, words), 2, /no run 'nope'/);
  });

  test('code of a tick that uses what no log holds, and a level that there is not', async () => {
    const at = worldFolder();
    writeFileSync(join(at, 'world.ts'), counterWorld().replace('by: config.by', 'by: Math.exp(config.by)'));
    const words = ['run', 'world.ts', '--ticks', '3', '--id', 'first', ...DB];
    expectRefusal(await say(at, words), 1, /system 'count': Math\.exp was used/, /worldfold\/math/);
    expectRefusal(await say(at, [...words, '--guard', 'maths=off']), 2, /no group 'maths'/, /math/);
    expectRefusal(await say(at, [...words, '--guard', 'of']), 2, /not 'of'/, /math/);
    const off = ['--guard', 'math=off'];
    expect((await say(at, [...words, '--id', 'second', ...off])).code).toBe(0);
    const again = ['run', 'world.ts', '--continue', '--id', 'second', '--ticks', '1', ...DB];
    expect((await say(at, again)).code).toBe(1);
    expect((await say(at, [...again, ...off])).code).toBe(0);
    for (const command of [
      ['replay', 'second'],
      ['verify', 'second'],
      ['bisect', 'second', 'second'],
      ['diff', 'second@1', 'second@2'],
      ['show', 'second@1'],
      ['check', 'second'],
    ])
      expect((await say(at, [...command, ...DB, ...off])).err).toBe('');
    expect((await say(at, ['fork', 'second', '--at', '2', '--ticks', '1', ...DB, ...off])).code).toBe(0);
    // Played again, the run fails where it was recorded without a guard; under its own it does not.
    expect((await say(at, ['shrink', 'second', ...DB])).err).toMatch(/Math\.exp was used/);
    expectRefusal(await say(at, ['shrink', 'second', ...DB, ...off]), 1, /does not fail/, /./);
  });

  test('a store file that is missing, and stays missing', async () => {
    const at = folder();
    for (const words of [
      ['ls'],
      ['show', 'x'],
      ['replay', 'x'],
      ['tree'],
      ['rm', 'x'],
      ['fork', 'x', '--at', '1'],
    ])
      expectRefusal(await say(at, [...words, '--store', 'sqlite:gone.db']), 2, /gone\.db/);
    expect(existsSync(join(at, 'gone.db'))).toBe(false);
  });

  test('a file that is no worldfold store', async () => {
    const at = worldFolder();
    writeFileSync(join(at, 'notes.txt'), 'Dear diary, '.repeat(500));
    for (const words of [['ls'], ['show', 'x'], ['run', 'world.ts'], ['demo']])
      expectRefusal(
        await say(at, [...words, '--store', 'sqlite:notes.txt']),
        2,
        /notes\.txt is no worldfold store/,
      );
    mkdirSync(join(at, 'dir.db'));
    expect((await say(at, ['ls', '--store', 'sqlite:dir.db'])).code).toBe(2);
  });

  test('a world whose schema differs from the run: the difference and the migration, as lines', async () => {
    const at = await withRun();
    const source = counterWorld(1, 2).replace('total: singleton({', 'total: singleton({ m: t.text(),');
    writeFileSync(join(at, 'other.ts'), source.replace("mode: t.enum('calm', 'wild').default('calm')", ''));
    for (const words of [
      ['replay', 'first', '--world', 'other.ts'],
      ['run', 'other.ts', '--continue', '--id', 'first'],
      ['fork', 'first', '--at', '2', '--world', 'other.ts'],
    ]) {
      const { err, out, code } = await say(at, [...words, ...DB]);
      expect({ out, code }).toEqual({ out: '', code: 2 });
      const lines = err.trimEnd().split('\n');
      expect(lines[0]).toMatch(
        /^worldfold: .*version 1 of the schema 'counter', and no migration leads to 2:$/,
      );
      expect(lines).toContain("  - config mode: enum 'calm', 'wild', default 'calm'");
      expect(lines).toContain('  + column total.m: text');
      const skeleton = lines.slice(lines.indexOf('hint: Add to defineSchema:') + 1);
      expect(skeleton[0]).toBe('  migrations: {');
      expect(skeleton.at(-1)).toBe('  },');
      expect(skeleton.length).toBeGreaterThan(4);
    }
  });

  test('a world module that is missing, broken, throws, or holds no world', async () => {
    const at = folder();
    const cases: [string, string, RegExp][] = [
      ['broken.ts', 'const x: number = ;', /broken\.ts could not be loaded/],
      ['throws.ts', "throw new Error('the reason');", /throws\.ts could not be loaded: the reason/],
      ['lost.ts', "import { x } from './not-there.ts'; export default x;", /lost\.ts could not be loaded/],
      ['none.ts', 'export const world = 1;', /default export of .*none\.ts is no world/],
      ['wrong.ts', 'export default { schema: 1 };', /is no world/],
    ];
    for (const [name, source, line] of cases) {
      writeFileSync(join(at, name), source);
      expectRefusal(await say(at, ['run', name, ...DB]), 2, line);
    }
    expectRefusal(
      await say(at, ['run', 'gone.ts', ...DB]),
      2,
      /no world module at .*gone\.ts/,
      /example:epidemic/,
    );
    expectRefusal(await say(at, ['run', 'example:nothing', ...DB]), 2, /no world module/);
    expect(existsSync(join(at, 'runs.db'))).toBe(false);
  });

  test('a run whose module has moved', async () => {
    const at = await withRun();
    writeFileSync(join(at, 'moved.ts'), counterWorld());
    rmSync(join(at, 'world.ts'));
    expectRefusal(await say(at, ['replay', 'first', ...DB]), 2, /not at .*world\.ts any more/, /--world/);
    expect((await say(at, ['replay', 'first', '--world', 'moved.ts', ...DB])).code).toBe(0);
  });

  test('an id that is taken', async () => {
    const at = await withRun();
    expectRefusal(await say(at, ['run', 'world.ts', '--id', 'first', ...DB]), 2, /first/);
  });

  test('config that does not fit', async () => {
    const at = worldFolder();
    const run = (pair: string) => say(at, ['run', 'world.ts', '--config', pair, ...DB]);
    expectRefusal(await run('beta=1'), 2, /no config 'beta'/, /start \(whole number\)/);
    expectRefusal(await run('start=1.5'), 2, /'start' can't be '1\.5'/);
    expectRefusal(await run('mode=mild'), 2, /'mode' can't be 'mild'/, /calm \| wild/);
    expectRefusal(await run('start'), 2, /no key=value/);
    expectRefusal(await run('start=9007199254740993'), 2, /start/);
  });

  test('options and commands that do not exist, or miss their value', async () => {
    const at = folder();
    expectRefusal(await say(at, ['run', 'world.ts', '--tick', '3']), 2, /unknown option '--tick'/);
    expectRefusal(await say(at, ['walk']), 2, /unknown command 'walk'/);
    expectRefusal(await say(at, ['run']), 2, /missing required argument 'world'/);
    expectRefusal(await say(at, ['ls', 'what']), 2, /too many arguments/);
    expectRefusal(await say(at, ['ls', '--store']), 2, /argument missing/);
    expectRefusal(await say(at, ['ls', '--store', 'postgres:x']), 2, /names no store/, /sqlite:FILE/);
    expectRefusal(await say(at, ['run', 'w.ts', '--ticks', 'many']), 2, /no number of ticks/);
    expectRefusal(await say(at, ['run', 'w.ts', '--continue', '--store', 'memory:']), 2, /no world module/);
  });

  test('going on needs an id and takes no config', async () => {
    const at = await withRun();
    expectRefusal(await say(at, ['run', 'world.ts', '--continue', ...DB]), 2, /needs the id/);
    const words = ['run', 'world.ts', '--continue', '--id', 'first', '--config', 'by=1', ...DB];
    expectRefusal(await say(at, words), 2, /takes no --config/);
  });
});

describe('a failed check is code 1', () => {
  test('a system that throws: the run and the tick are named, the log holds nothing of it', async () => {
    const source = counterWorld().replace(
      'emit, rng, config }) => {',
      'emit, rng, config, tick }) => {\n' + "  if (tick === 6) throw new Error('out of luck');",
    );
    const at = worldFolder(source);
    const said = await say(at, ['run', 'world.ts', '--ticks', '20', '--id', 'first', ...DB]);
    expectRefusal(said, 1, /first.*tick 6.*out of luck/);
    const shown = await say(at, ['show', 'first', '--json', ...DB]);
    expect(JSON.parse(shown.out)).toMatchObject({ tick: 5 });
  });

  test('a broken invariant', async () => {
    const at = worldFolder(
      counterWorld().replace('metrics:', 'invariants: { small: (w) => w.total.value.n < 20 }, metrics:'),
    );
    const said = await say(at, ['run', 'world.ts', '--ticks', '50', '--store', 'memory:']);
    expectRefusal(said, 1, /small/);
  });
});

describe('--debug', () => {
  test('shows the code and the stack trace, wherever it stands', async () => {
    const at = folder();
    for (const words of [
      ['--debug', 'show', 'x', '--store', 'memory:'],
      ['show', 'x', '--store', 'memory:', '--debug'],
    ]) {
      const { err, code } = await say(at, words);
      expect(code).toBe(2);
      expect(err).toMatch(/\ncode: UNKNOWN_RUN\n/);
      expect(err).toMatch(/\n +at /);
    }
  });
});

describe('help', () => {
  test('help and version are asked for, not failures', async () => {
    for (const words of [[], ['--help'], ['help'], ['run', '--help'], ['--version']]) {
      const said = await say(folder(), words);
      expect(said.code, words.join(' ')).toBe(0);
      expect(said.err).toBe('');
      expect(said.out.length).toBeGreaterThan(4);
    }
    const { out } = await say(folder(), ['--help']);
    const commands = [
      'demo',
      'run',
      'fork',
      'rm',
      'ls',
      'tree',
      'show',
      'replay',
      'diff',
      'snapshot',
      'copy',
    ];
    for (const command of commands) expect(out).toMatch(new RegExp(`^ +${command}`, 'm'));
  });
});
