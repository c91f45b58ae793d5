import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { folder, jsonOf, remember, say, worldFolder } from './kit.ts';

const SMALL = ['--ticks', '60', '--config', 'travellers=3000', '--config', 'firstAirport=ATL'];
const ESCAPE = '\u001b[';

describe('demo', () => {
  test('runs, draws, replays to the same hash, answers, and says what to type next', async () => {
    const at = folder();
    const { code, out, err } = await say(at, ['demo', ...SMALL]);
    expect(code).toBe(0);
    expect(out).toContain('run demo · seed worldfold · 60 days · worldfold-demo.db (new)');
    expect(out).toMatch(/┤ +▁*[▂▃▄▅▆▇█]/);
    const [, ran] = /as it ran {4}([0-9a-f]{32})\n/.exec(out)!;
    expect(out).toContain(`as replayed  ${ran}\n  ✓ both hashes agree`);
    expect(out).toMatch(/\n {2}ATL {2}Atlanta, GA +\d+ +day \d+: \d+ +\d+ % of \d+\n/);
    expect(out).toContain('  worldfold replay demo-closed --store sqlite:worldfold-demo.db\n');
    expect(out + err).not.toContain(ESCAPE);
    for (const line of out.split('\n')) expect([...line].length, line).toBeLessThanOrEqual(80);
  });

  test('L6: the second act closes two airports on day 30, and tells what that changed', async () => {
    const at = folder();
    const { code, out } = await say(at, ['demo', ...SMALL]);
    expect(code).toBe(0);
    const second = out.slice(out.indexOf('What if the two busiest airports close'), out.indexOf('\nNext\n'));
    expect(second).toContain('ATL Atlanta, GA and ORD Chicago, IL close; the first 30 days are shared.');
    expect(second).toMatch(/┤ +.*•/);
    expect(second).toMatch(/\n {2}never fell ill +[\d,]+ +[\d,]+ +[+−]\d+ \([+−]\d+ %\)\n/);
    expect(second).toContain('Where do the two part? On day 31:');
    expect(second).toMatch(/\n {2}airports {2}305 rows, 2 differ\n {4}changed: open in 2\n/);
    const store = ['--store', 'sqlite:worldfold-demo.db'];
    expect((await say(at, ['replay', 'demo-closed', ...store])).code).toBe(0);
    const parted = jsonOf(await say(at, ['diff', 'demo', 'demo-closed', '--json', ...store]));
    expect(parted).toMatchObject({ equal: false, tick: 31, heads: { a: 60, b: 60 } });
    const { children } = jsonOf(await say(at, ['tree', '--json', ...store]))[0];
    expect(children).toMatchObject([{ id: 'demo-closed', at: 30, tick: 60, because: 'ATL and ORD closed' }]);
  });

  test('a demo that ends by day 30 has one act', async () => {
    const at = folder();
    const words = ['demo', '--ticks', '30', '--config', 'travellers=500'];
    expect((await say(at, words)).out).not.toContain('What if');
    expect(jsonOf(await say(at, [...words, '--json'])).closed).toBe(null);
  });

  test('stopped in the second act it keeps both runs, which go on from there', async () => {
    const at = folder();
    const stop = new AbortController();
    const err = remember();
    err.sink.on('data', (chunk: Buffer) => {
      if (String(chunk).startsWith('demo-closed: ')) stop.abort();
    });
    const out = remember();
    const { sink } = out;
    const io = { stdout: sink, stderr: err.sink, self: 'worldfold', cwd: at, env: {}, signal: stop.signal };
    const code = await runProgram(['demo', ...SMALL, '--config', 'travellers=40000'], io);
    expect(code).toBe(130);
    expect(out.text()).toMatch(/stopped: day 31 to \d+ in .*, kept as demo-closed\n/);
    const on = ['run', 'example:epidemic', '--continue', '--id', 'demo-closed', '--ticks', '1'];
    const store = ['--store', 'sqlite:worldfold-demo.db'];
    expect((await say(at, [...on, ...store])).code).toBe(0);
    expect((await say(at, ['replay', 'demo-closed', ...store])).code).toBe(0);
  });

  test('every command that it suggests works', async () => {
    const at = folder();
    const { out } = await say(at, ['demo', ...SMALL]);
    const next = out.slice(out.indexOf('\nNext\n')).match(/(?<=\n {2}worldfold ).*/g)!;
    expect(next.length).toBe(5);
    for (const words of next.filter((w) => !w.startsWith('run'))) {
      const said = await say(at, words.split(' '));
      expect(said, words).toMatchObject({ code: 0, err: expect.not.stringContaining('worldfold:') });
    }
  });

  test('L5: one seed, one demo; and memory agrees with SQLite', async () => {
    const [at, other] = [folder(), folder()];
    const words = ['demo', ...SMALL, '--seed', 'alpha', '--json'];
    const first = jsonOf(await say(at, words));
    expect(first.agrees).toBe(true);
    expect(first.replayHash).toBe(first.stateHash);
    expect(first.hardestHit.length).toBe(5);
    expect({ ...jsonOf(await say(other, [...words, '--store', 'memory:'])), store: '' }).toEqual({
      ...first,
      store: '',
    });
  });

  test('a second demo replaces the first one’s file', async () => {
    const at = folder();
    const first = jsonOf(await say(at, ['demo', ...SMALL, '--json', '--seed', 'a']));
    const { out } = await say(at, ['demo', ...SMALL, '--seed', 'b']);
    expect(out).toContain('worldfold-demo.db (replaced)');
    const runs = jsonOf(await say(at, ['ls', '--store', 'sqlite:worldfold-demo.db', '--json']));
    expect(runs.map((r: { id: string; seed: string }) => [r.id, r.seed])).toEqual([
      ['demo', 'b'],
      ['demo-closed', 'b'],
    ]);
    expect(out).not.toContain(first.stateHash);
  });

  test('a file with other runs in it is added to, and keeps them', async () => {
    const at = worldFolder();
    const store = ['--store', 'sqlite:mine.db'];
    await say(at, ['run', 'world.ts', '--ticks', '3', '--id', 'demo', ...store]);
    const { out } = await say(at, ['demo', ...SMALL, ...store]);
    expect(out).toContain('run demo-2 · ');
    expect(out).toContain('mine.db (added to)');
    const runs = jsonOf(await say(at, ['ls', '--json', ...store]));
    expect(runs.map((r: { id: string }) => r.id)).toEqual(['demo', 'demo-2', 'demo-2-closed']);
    expect((await say(at, ['replay', 'demo', ...store])).code).toBe(0);
  });

  test('a file that is not ours stays as it is', async () => {
    const at = folder();
    const text = 'the only copy of a poem\n'.repeat(99);
    writeFileSync(join(at, 'worldfold-demo.db'), text);
    expect((await say(at, ['demo', ...SMALL])).code).toBe(2);
    expect(readFileSync(join(at, 'worldfold-demo.db'), 'utf8')).toBe(text);
  });

  test('refuses config before it touches the file', async () => {
    const at = folder();
    expect((await say(at, ['demo', '--config', 'gamma=1'])).code).toBe(2);
    expect((await say(at, ['demo', '--config', 'firstAirport=ZZZ'])).err).toContain("airport 'ZZZ'");
    expect(existsSync(join(at, 'worldfold-demo.db-wal'))).toBe(false);
  });

  test('stopped early it keeps what was computed and ends with 130', async () => {
    const at = folder();
    const said = await say(at, ['demo', ...SMALL], { signal: AbortSignal.abort() });
    expect(said.code).toBe(130);
    expect(said.out).toContain('stopped after 0 days');
    expect((await say(at, ['replay', 'demo', '--store', 'sqlite:worldfold-demo.db'])).code).toBe(0);
  });
});

describe('on a terminal', () => {
  const words = ['demo', ...SMALL, '--store', 'memory:'];

  test('there are colours and a bar, and the bar leaves nothing behind', async () => {
    const { out, err } = await say(folder(), words, { terminal: true });
    expect(out).toContain(`${ESCAPE}36m`);
    expect(err).toContain('tick 0 of 60');
    expect(err).not.toContain('\n');
    // Hidden while the bar is there, shown again after it.
    expect(err.lastIndexOf(`${ESCAPE}?25h`)).toBeGreaterThan(err.lastIndexOf(`${ESCAPE}?25l`));
  });

  test('NO_COLOR takes the colours away', async () => {
    const { out } = await say(folder(), words, { terminal: true, env: { NO_COLOR: '1' } });
    expect(out).not.toContain(ESCAPE);
    expect((await say(folder(), words, { terminal: true, env: { NO_COLOR: '' } })).out).toContain(ESCAPE);
  });
});
