import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { jsonOf, say, worldFolder } from './kit.ts';

const DB = ['--store', 'sqlite:runs.db'];

/** A jar that is filled by as much as the config says, and by what comes as an input. */
const JAR = (invariants = ''): string => `
import { defineSchema, defineWorld, event, t, table } from 'worldfold';
const schema = defineSchema({
  name: 'jar', version: 1, config: { by: t.u32().default(1) },
  tables: { jars: table({ id: t.id(), n: t.u64(), label: t.text().default('a "jar"') }) },
  events: { filled: event({ jar: t.ref('jars'), by: t.u32() }) },
  inputs: { poured: event({ jar: t.ref('jars'), by: t.u32() }) },
});
const fill = (w, { jar, by }) => w.jars.update(jar, { n: w.jars.need(jar).n + BigInt(by) });
export default defineWorld(schema, {
  setup({ insert }) { for (let i = 0; i < 7; i++) insert.jars({ n: BigInt(i) }); },
  systems: [schema.system('fill', ({ world, emit, config }) => {
    for (const { id } of world.jars) emit.filled({ jar: id, by: config.by });
  })],
  apply: { filled: fill, poured: fill },
  invariants: { ${invariants} },
});
`;

/** A folder with a run of ten ticks; at tick 4 somebody poured 50 into jar 2. */
async function withRun(): Promise<string> {
  const at = worldFolder(JAR());
  expect((await say(at, ['run', 'world.ts', '--ticks', '4', '--id', 'first', ...DB])).code).toBe(0);
  const poured = ['--input', '["poured",{"jar":2,"by":50}]'];
  const words = ['fork', 'first', '--at', '4', '--id', 'poured', '--ticks', '6', ...poured, ...DB];
  expect((await say(at, words)).code).toBe(0);
  writeFileSync(
    join(at, 'strict.ts'),
    JAR('notFull: (w) => [...w.jars].filter(({ n }) => n >= 40n), any: () => true'),
  );
  return at;
}

describe('check', () => {
  test('L3: ends with 0 where every invariant holds', async () => {
    const at = await withRun();
    const said = await say(at, ['check', 'first', '--world', 'strict.ts', ...DB]);
    expect(said).toMatchObject({ code: 0, err: '' });
    expect(said.out).toBe('✓ first holds 2 invariants at 5 ticks from 0 to 4\n');
    const json = jsonOf(await say(at, ['check', 'first', '--json', ...DB]));
    expect(json).toMatchObject({
      id: 'first',
      from: 0,
      to: 4,
      checked: 5,
      invariants: [],
      violations: [],
      holds: true,
    });
  });

  test('L3: tells ticks and rows of a new invariant that an old log breaks, and ends with 1', async () => {
    const at = await withRun();
    const said = await say(at, ['check', 'poured', '--world', 'strict.ts', '--to', '6', ...DB]);
    expect(said.code).toBe(1);
    expect(said.out.split('\n')).toEqual([
      "tick 5: 'notFull' does not hold, 1 row",
      '  {id: 2, label: "a \\"jar\\"", n: 56}',
      "tick 6: 'notFull' does not hold, 1 row",
      '  {id: 2, label: "a \\"jar\\"", n: 57}',
      '✗ poured: 2 violations of 2 invariants at 7 ticks from 0 to 6',
      '',
    ]);
    const json = jsonOf(
      await say(at, ['check', 'poured', '--world', 'strict.ts', '--from', '10', '--json', ...DB]),
    );
    const rows = [{ id: 2, label: 'a "jar"', n: { $big: '61' } }];
    expect(json).toMatchObject({
      holds: false,
      checked: 1,
      violations: [{ tick: 10, invariant: 'notFull', rows }],
    });
  });

  test('looks at some ticks, tells some violations', async () => {
    const at = await withRun();
    const check = (...words: string[]) =>
      say(at, ['check', 'poured', '--world', 'strict.ts', ...words, ...DB]);
    expect((await check('--to', '4')).code).toBe(0);
    expect(jsonOf(await check('--every', '3', '--json')).violations.map(({ tick }: any) => tick)).toEqual([
      6, 9,
    ]);
    expect((await check('--limit', '2')).out).toContain('… more: raise --limit to see them');
  });

  test('trouble is no violation: it ends with 2', async () => {
    const at = await withRun();
    expect((await say(at, ['check', 'none', ...DB])).code).toBe(2);
    expect((await say(at, ['check', 'first', '--from', '9', ...DB])).code).toBe(2);
    expect((await say(at, ['check', 'first', '--every', '0', ...DB])).code).toBe(2);
    writeFileSync(join(at, 'other.ts'), JAR().replace('BigInt(by)', '3n'));
    const changed = await say(at, ['check', 'first', '--world', 'other.ts', ...DB]);
    expect(changed.code).toBe(2);
    expect(changed.err).toContain('worldfold: ');
    const stopped = await say(at, ['check', 'first', ...DB], { signal: AbortSignal.abort() });
    expect(stopped.code).toBe(130);
  });
});

describe('shrink', () => {
  test('L2: prints the smallest plan that fails as the kept tick of a run did', async () => {
    const at = worldFolder(JAR('notFull: (w) => [...w.jars].filter(({ n }) => n >= 12n)'));
    const ran = await say(at, ['run', 'world.ts', '--ticks', '40', '--id', 'r', '--config', 'by=2', ...DB]);
    expect(ran.code).toBe(1);
    const said = await say(at, ['shrink', 'r', ...DB]);
    expect(said.code).toBe(0);
    expect(said.err).toContain("invariant 'notFull' does not hold");
    expect(said.out).toContain("import world from './world.ts';");
    expect(said.out).toContain('  await playPlan(world, {');
    // A jar holds 6 at first: three ticks of 2 break it, and so does one of 6.
    expect(said.out).toMatch(/ticks: [1-6],/);
    const json = jsonOf(await say(at, ['shrink', 'r', '--json', ...DB]));
    expect(json).toMatchObject({ id: 'r', stopped: false, error: { code: 'INVARIANT_BROKEN' } });
    expect(json.file).toBe(said.out);
  });

  test('shrinks a log that a new invariant breaks, into a file beside its world', async () => {
    const at = await withRun();
    const words = ['shrink', 'poured', '--world', 'strict.ts', '--out', 'least.test.ts', ...DB];
    const said = await say(at, words);
    expect(said).toMatchObject({ code: 0, out: '' });
    expect(said.err).toContain('written to least.test.ts');
    const file = readFileSync(join(at, 'least.test.ts'), 'utf8');
    expect(file).toContain("import world from './strict.ts';");
    expect(file).toMatch(/ticks: 1,\n {4}inputs: \[\n {6}\[1, 'poured', \{ by: \d+, jar: 2 \}\],\n/);
  });

  test('ends with 1 where nothing fails, and stops where it is told to', async () => {
    const at = await withRun();
    const said = await say(at, ['shrink', 'first', ...DB]);
    expect(said.code).toBe(1);
    expect(said.err).toContain('does not fail');
    const few = await say(at, ['shrink', 'poured', '--world', 'strict.ts', '--plans', '1', ...DB]);
    expect(few.err).toContain('raise --plans to go on');
    expect((await say(at, ['shrink', 'poured', '--world', 'strict.ts', '--at', '4', ...DB])).code).toBe(1);
  });
});
