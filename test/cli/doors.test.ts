import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { quoted, runCommandText } from '../../src/cli/shell.ts';
import { counterWorld, folder, jsonOf, say, worldFolder } from './kit.ts';

const DB = ['--store', 'sqlite:runs.db'];
const DEMO = ['demo', '--ticks', '5', '--config', 'travellers=500', '--json'];
const AT_DEMO = ['--store', 'sqlite:worldfold-demo.db'];

function changed(at: string, sql: string, ...given: unknown[]): void {
  const db = new Sqlite(join(at, 'runs.db'));
  expect(db.prepare(sql).run(...given).changes).toBe(1);
  db.close();
}

const refusal = (said: { code: number; err: string }, code: number, line: RegExp, hint = /./): void => {
  expect(said.err).toMatch(line);
  expect(said.err.split('\n')[1]).toMatch(hint);
  expect(said.err).not.toMatch(/TypeError|Cannot read/);
  expect(said.code).toBe(code);
};

test('show tells config that JSON has no form for', async () => {
  const at = worldFolder(
    counterWorld().replace(
      'start: t.int()',
      'raw: t.bytes().default(Uint8Array.of(0, 255)), far: t.f64().default(-Infinity), big: t.u64().default(7n), start: t.int()',
    ),
  );
  await say(at, ['run', 'world.ts', '--ticks', '1', ...DB]);
  expect(jsonOf(await say(at, ['show', 'counter', '--json', ...DB])).config).toEqual({
    ...{ raw: { $bytes: '00ff' }, far: { $number: '-Infinity' }, big: { $big: '7' } },
    ...{ start: 5, by: 0.5, mode: 'calm' },
  });
  const { out, code } = await say(at, ['show', 'counter', ...DB]);
  expect(code).toBe(0);
  for (const text of ['raw=00ff', 'far=-Infinity', 'big=7']) expect(out).toContain(text);
});

describe('the file of the demo', () => {
  test('a demo that somebody went on with is kept, however few its ticks', async () => {
    const at = folder();
    await say(at, DEMO);
    const on = ['run', 'example:epidemic', '--continue', '--id', 'demo', '--ticks', '2', ...AT_DEMO];
    expect((await say(at, on)).code).toBe(0);
    expect(jsonOf(await say(at, DEMO)).id).toBe('demo-2');
    expect(jsonOf(await say(at, ['show', 'demo', '--json', ...AT_DEMO])).tick).toBe(7);
  });

  test('a demo that was taken up and not advanced is kept as well', async () => {
    const at = folder();
    await say(at, DEMO);
    await say(at, ['run', 'example:epidemic', '--continue', '--id', 'demo', '--ticks', '0', ...AT_DEMO]);
    expect(jsonOf(await say(at, DEMO)).id).toBe('demo-2');
  });
});

describe('a damaged header', () => {
  test.each(['{}', '{bad', 'null', '5', '{"digest":"0123456789abcdef"}'])('%s is named', async (header) => {
    const at = worldFolder();
    for (const id of ['good', 'hurt']) await say(at, ['run', 'world.ts', '--ticks', '1', '--id', id, ...DB]);
    changed(at, "UPDATE runs SET header = ? WHERE id = 'hurt'", header);
    for (const words of [['show', 'hurt'], ['replay', 'hurt'], ['ls']])
      refusal(await say(at, [...words, ...DB]), 1, /header of run 'hurt' is damaged/, /openRun/);
    expect((await say(at, ['ls', ...DB])).out).toMatch(/good +counter +1 [\s\S]*hurt +damaged +1\n/);
    const runs = jsonOf(await say(at, ['ls', '--json', ...DB]));
    expect(runs).toMatchObject([
      { id: 'good', world: 'counter' },
      { id: 'hurt', damaged: true, tick: 1 },
    ]);
    expect((await say(at, ['replay', 'hurt', '--world', 'world.ts', ...DB])).code).toBe(0);
    expect((await say(at, ['show', 'good', ...DB])).code).toBe(0);
  });

  test('a changed word is found by the digest', async () => {
    const at = worldFolder();
    await say(at, ['run', 'world.ts', '--ticks', '1', ...DB]);
    changed(at, `UPDATE runs SET header = replace(header, '"seed":"worldfold"', '"seed":"worldfolk"')`);
    refusal(await say(at, ['show', 'counter', ...DB]), 1, /header of run 'counter' is damaged/);
  });
});

describe('going on', () => {
  test('takes no seed, and takeover goes with it', async () => {
    const at = worldFolder();
    await say(at, ['run', 'world.ts', '--ticks', '1', '--id', 'a', ...DB]);
    const on = ['run', 'world.ts', '--continue', '--id', 'a', ...DB];
    refusal(await say(at, [...on, '--seed', 'other']), 2, /takes no --seed/, /--continue --id RUN/);
    refusal(await say(at, ['run', 'world.ts', '--takeover', ...DB]), 2, /--takeover goes with --continue/);
  });

  test('a run in use is named with its holder, and can be taken over', async () => {
    const at = worldFolder();
    await say(at, ['run', 'world.ts', '--ticks', '1', '--id', 'a', ...DB]);
    changed(
      at,
      `UPDATE segments SET holder_host = 'elsewhere', holder_pid = 77, holder_token = 't',
       holder_ttl_ms = 30000, expires_ms = unixepoch('subsec') * 1000 + 25000`,
    );
    const on = ['run', 'world.ts', '--continue', '--id', 'a', '--ticks', '1', ...DB];
    const said = await say(at, on);
    refusal(said, 2, /run 'a' is written by process 77 on elsewhere; its lease lasts 2\d s/, /--takeover/);
    expect((await say(at, [...on, '--takeover'])).code).toBe(0);
  });

  test('code that gives another world is refused with both hashes, and can be adopted', async () => {
    const at = worldFolder();
    await say(at, ['run', 'world.ts', '--ticks', '4', '--id', 'a', ...DB]);
    writeFileSync(join(at, 'other.ts'), counterWorld(2));
    const on = ['run', 'other.ts', '--continue', '--id', 'a', '--ticks', '3', ...DB];
    const said = await say(at, on);
    expect(said.code).toBe(1);
    expect(said.err.split('\n')).toEqual([
      expect.stringMatching(/^worldfold: run 'a': .* first at tick 1 in table 'total'$/),
      expect.stringMatching(/^ {2}recorded {2}[0-9a-f]{32}$/),
      expect.stringMatching(/^ {2}folded {4}[0-9a-f]{32}$/),
      expect.stringMatching(/^hint: .*--adopt/),
      '',
    ]);
    expect((await say(at, [...on, '--adopt'])).code).toBe(0);
    const { out, code } = await say(at, ['replay', 'a', '--world', 'other.ts', ...DB]);
    expect(code).toBe(0);
    expect(out).toContain('a: folded ticks 5 to 7 and 3 events');
    expect(out).toContain('ticks 0 to 4 were recorded by other code: verified, not folded');
    refusal(await say(at, ['run', 'world.ts', '--adopt', ...DB]), 2, /--adopt goes with --continue/);
  });
});

describe('a folder as a world', () => {
  test('means the world or the index module in it', async () => {
    const at = worldFolder();
    mkdirSync(join(at, 'one'));
    expect((await say(at, ['run', '.', '--ticks', '1', '--id', 'a', ...DB])).code).toBe(0);
    expect((await say(at, ['replay', 'a', ...DB])).code).toBe(0);
    refusal(await say(at, ['run', 'one', ...DB]), 2, /the folder .*one holds no world module/, /world\.ts/);
    writeFileSync(join(at, 'one', 'index.ts'), counterWorld());
    expect((await say(at, ['run', 'one', '--ticks', '1', '--id', 'b', ...DB])).code).toBe(0);
    writeFileSync(join(at, 'one', 'world.ts'), 'export default 1;');
    refusal(await say(at, ['run', 'one', ...DB]), 2, /world\.ts is no world/);
  });
});

describe('words for the shell', () => {
  test('ids and paths are quoted where the shell would read them otherwise', async () => {
    expect(['a-b.c/d:e', "it's", 'a b', '$(x)', ''].map(quoted)).toEqual([
      'a-b.c/d:e',
      "'it'\\''s'",
      "'a b'",
      "'$(x)'",
      "''",
    ]);
    const place = { kind: 'sqlite', file: 'my runs.db' } as const;
    expect(runCommandText('show', '-x', place)).toBe("show --store 'sqlite:my runs.db' -- -x");
    expect(runCommandText('diff', ['a b', 'c'], place)).toBe("diff 'a b' c --store 'sqlite:my runs.db'");
    expect(runCommandText('diff', ['a', '-c'], place)).toBe("diff --store 'sqlite:my runs.db' -- a -c");
    const at = worldFolder();
    const words = ['run', 'world.ts', '--ticks', '1', '--id', 'a b', '--store', 'sqlite:my runs.db'];
    expect((await say(at, words)).out).toContain("next: worldfold replay 'a b' --store 'sqlite:my runs.db'");
    expect((await say(at, ['replay', '--store', 'sqlite:my runs.db', '--', 'a b'])).code).toBe(0);
  });

  test('ids with control characters are refused; config that does not fit has a hint', async () => {
    const at = worldFolder();
    const run = (...more: string[]) => say(at, ['run', 'world.ts', '--ticks', '1', ...more, ...DB]);
    refusal(await run('--id', 'a\u001b[2J'), 2, /control character/);
    refusal(await run('--config', 'start=1.5'), 2, /can't be '1\.5'/, /^hint: Give it a whole number\.$/);
    refusal(await run('--config', 'mode=x'), 2, /can't be 'x'/, /^hint: Give it one of calm \| wild\.$/);
    refusal(await run('--config', 'start=1e300'), 2, /start/, /takes: start \(int\)/);
  });
});
