import { describe, expect, test } from 'vitest';
import { durationText } from '../../src/cli/commands/profile.ts';
import { jsonOf, say, worldFolder } from './kit.ts';

const DB = ['--store', 'sqlite:runs.db'];

/** A jar that is full after some ticks. */
const JAR = `
import { defineSchema, defineWorld, event, singleton, t } from 'worldfold';
const schema = defineSchema({
  name: 'jar', version: 1, config: { most: t.u32().default(1000) },
  tables: { jar: singleton({ n: t.u32().default(0) }) },
  events: { filled: event({ by: t.u32() }) },
  inputs: {},
});
export default defineWorld(schema, {
  setup() {},
  systems: [schema.system('fill', ({ emit }) => { for (let i = 0; i < 10; i++) emit.filled({ by: 1 }); })],
  apply: { filled: (w, { by }) => w.jar.set({ n: w.jar.value.n + by }) },
  invariants: { fits: (w, { config }) => (w.jar.value.n > config.most ? [w.jar.value] : []), any: () => true },
  metrics: { n: (w) => w.jar.value.n },
});
`;

async function withRun(...words: string[]): Promise<string> {
  const at = worldFolder(JAR);
  await say(at, ['run', 'world.ts', '--ticks', '20', '--id', 'first', ...words, ...DB]);
  return at;
}

/** What was printed with its numbers taken away, and the room that they took. */
const shape = (text: string): string =>
  text
    .replace(/[\d,.]+ (µs|ms|s)\b|[\d,.]+ (%|ticks\/s)/g, 'N')
    .replace(/─+/g, '─')
    .replace(/\b\d[\d,.]*/g, 'n')
    .replace(/ +/g, ' ');

describe('profile', () => {
  test('tells where the time goes, in lines that fit', async () => {
    const at = await withRun();
    const { code, out, err } = await say(at, ['profile', 'first', ...DB]);
    expect([code, err]).toEqual([0, '']);
    const lines = shape(out).split('\n');
    expect(lines[0]).toBe('first: n ticks from n to n in N, N');
    expect(lines).toContain(' a tick mean N · p50 N · p95 N · max N, to compute');
    expect(lines).toContain(' events n: n a tick, n a second of computing');
    expect(lines.some((line) => /^ setup N: tick n/.test(line))).toBe(true);
    expect(lines).toContain('where the time goes share total mean p95 max ticks');
    for (const part of ['fill', 'fill: applied', 'state hash'])
      expect(lines.some((line) => line.startsWith(`${part} N N N N N`))).toBe(true);
    expect(lines.some((line) => line.startsWith('all of it N N N'))).toBe(true);
    expect(lines).toContain('slowest ticks took events most of it');
    expect(out).toContain('✓ invariants that held: fits 21× · any 21×\n');
    for (const line of out.split('\n')) expect([...line].length).toBeLessThanOrEqual(100);
  });

  test('as data has the same', async () => {
    const at = await withRun();
    const said = jsonOf(await say(at, ['profile', 'first', '--from', '5', '--to', '14', '--json', ...DB]));
    expect(said).toMatchObject({
      ...{ id: 'first', from: 5, to: 14, ticks: 10, timed: 10, setupMs: null, events: 100 },
      ...{ broken: [], invariants: [{ name: 'fits', asked: 10 }, expect.anything()] },
    });
    const { parts, computed, ownMs } = said;
    expect(parts.map(({ name, part }: never) => `${part} ${name}`)).toContain('system fill');
    expect(parts.reduce((sum: number, { totalMs }: { totalMs: number }) => sum + totalMs, 0)).toBeCloseTo(
      ownMs,
    );
    expect(computed.totalMs).toBeLessThanOrEqual(ownMs);
  });

  test('tells the invariant that ended a run', async () => {
    const at = await withRun('--config', 'most=95');
    const { code, out } = await say(at, ['profile', 'first', ...DB]);
    expect(code).toBe(0);
    expect(out).toContain("✗ tick 10 failed: 'fits' did not hold, 1 row\n");
    expect(out).toContain('first: 9 ticks from 0 to 9 in ');
  });

  test('of a run without a tick log says what to do, and ends as for bad usage', async () => {
    const at = await withRun('--no-tick-log');
    const { code, out, err } = await say(at, ['profile', 'first', ...DB]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain("run 'first' keeps no tick log in ticks 0 to 20");
    expect(err).toContain('tickLog: true');
    await say(at, ['run', 'world.ts', '--continue', '--id', 'first', '--ticks', '5', ...DB]);
    expect((await say(at, ['profile', 'first', ...DB])).out).toContain(
      'first: 5 of 25 ticks from 0 to 25 in ',
    );
    expect((await say(at, ['profile', 'first', '--to', '20', ...DB])).code).toBe(2);
    expect((await say(at, ['profile', 'first', '--from', '26', ...DB])).err).toContain(
      'no ticks from 26 to 25',
    );
    expect((await say(at, ['profile', 'second', ...DB])).err).toContain("no run 'second'");
    const fork = ['fork', 'first', '--at', '20', '--ticks', '3', ...DB, '--id'];
    expect((await say(at, [...fork, 'f', '--no-tick-log'])).code).toBe(0);
    expect((await say(at, ['profile', 'f', ...DB])).code).toBe(2);
    expect((await say(at, [...fork, 'g'])).code).toBe(0);
    expect((await say(at, ['profile', 'g', ...DB])).out).toContain('g: 3 of 23 ticks from 0 to 23 in ');
  });

  test('writes durations with three digits', () => {
    const written = [0, 0.001, 0.9994, 0.9996, 9.994, 9.996, 12.34, 99.94, 99.96, 999.4, 999.6, 12_345, 1e7];
    expect(written.map(durationText)).toEqual([
      ...['0 µs', '1 µs', '999 µs', '1 ms', '9.99 ms', '10 ms', '12.3 ms', '99.9 ms', '100 ms', '999 ms'],
      ...['1 s', '12.3 s', '10,000 s'],
    ]);
  });
});
