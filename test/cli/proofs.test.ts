import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { counterWorld, jsonOf, say, worldFolder } from './kit.ts';

const DB = ['--store', 'sqlite:runs.db'];

async function withRun(...more: string[]): Promise<string> {
  const at = worldFolder();
  expect((await say(at, ['run', 'world.ts', '--ticks', '12', '--id', 'first', ...DB, ...more])).code).toBe(0);
  return at;
}

describe('verify', () => {
  test('L5: a sound run is verified, as text and as data', async () => {
    const at = await withRun();
    const said = await say(at, ['verify', 'first', ...DB]);
    expect(said).toMatchObject({ code: 0 });
    expect(said.out).toBe(
      "✓ run 'first' is verified\n  ticks 0 to 12: records and their chain, 13 events\n" +
        '  13 state hashes compared\n  13 ticks executed again\n',
    );
    const some = await say(at, [
      'verify',
      'first',
      '--from',
      '3',
      '--to',
      '5',
      '--mode',
      'fold',
      '--json',
      ...DB,
    ]);
    expect(some.code).toBe(0);
    expect(jsonOf(some)).toMatchObject({
      verdict: 'verified',
      chained: { from: 3, to: 5 },
      compared: 3,
      executed: 0,
    });
  });

  test('L3 L5: changed code ends with 1, and names tick, table, handler and why', async () => {
    const at = await withRun();
    writeFileSync(join(at, 'changed.ts'), counterWorld(2));
    const changed = ['verify', 'first', '--world', 'changed.ts', ...DB];
    const said = await say(at, changed);
    expect(said.code).toBe(1);
    expect(said.out).toContain(
      "run 'first' diverges at tick 1: folding its events gives another world; after it 'total' differs",
    );
    expect(said.out).toContain('functions whose texts have changed: apply.counted');
    expect(said.out).toContain(
      'why: the functions of the world have other texts than those that recorded this tick.',
    );
    expect(said.out.split('\n').every((line) => line.length <= 110)).toBe(true);
    const data = jsonOf(await say(at, [...changed, '--json']));
    expect(data).toMatchObject({
      verdict: 'diverged',
      divergence: { tick: 1, found: 'fold', cause: 'changed code', tables: ['total'], kinds: ['counted'] },
    });
  });

  test('L12: a damaged record ends with 1', async () => {
    const at = await withRun();
    const db = new Sqlite(join(at, 'runs.db'));
    db.prepare('UPDATE records SET bytes = zeroblob(length(bytes)) WHERE tick = 7').run();
    db.close();
    const said = await say(at, ['verify', 'first', ...DB]);
    expect(said.code).toBe(1);
    expect(said.out).toMatch(/^run 'first' is damaged \(CORRUPT\): .*tick 7/);
    const looked = await say(at, ['doctor', ...DB]);
    expect(looked.code).toBe(1);
    expect(looked.out).toMatch(/✗ records of sqlite:runs\.db: 1 run, 7 records read.*run 'first'.*tick 7/);
  });
});

describe('bisect', () => {
  test('L5: ends with 0 for the same records, 1 for others, 2 for none to compare', async () => {
    const at = await withRun();
    expect((await say(at, ['run', 'world.ts', '--ticks', '9', '--id', 'again', ...DB])).code).toBe(0);
    expect(
      (await say(at, ['run', 'world.ts', '--ticks', '9', '--id', 'other', '--config', 'by=2', ...DB])).code,
    ).toBe(0);
    const same = await say(at, ['bisect', 'first', 'again', ...DB]);
    expect(same).toMatchObject({
      code: 0,
      out: '✓ first and again have the same records up to tick 9, where again ends\n',
    });
    const apart = await say(at, ['bisect', 'first', 'other', ...DB]);
    expect(apart).toMatchObject({ code: 1 });
    expect(apart.out).toContain('first and other part at tick 0\n  seed, config or schema differ\n');
    expect(jsonOf(await say(at, ['bisect', 'first', 'other', '--json', ...DB]))).toMatchObject({
      same: -1,
      tick: 0,
    });
    expect((await say(at, ['bisect', 'first', 'nobody', ...DB])).code).toBe(2);
  });

  test('L5: compares the same run in two stores', async () => {
    const [at, there] = [await withRun(), await withRun()];
    const other = ['--other', `sqlite:${join(there, 'runs.db')}`];
    const said = await say(at, ['bisect', 'first', 'first', ...DB, ...other]);
    expect(said).toMatchObject({ code: 0 });
  });
});

describe('doctor', () => {
  test('says what is well, and that a store is not there yet', async () => {
    const at = worldFolder();
    const said = await say(at, ['doctor', ...DB]);
    expect(said).toMatchObject({ code: 0, err: '' });
    expect(said.out).toMatch(/^✓ versions: worldfold \d/);
    expect(said.out).toContain('✓ engine: a known run has its known hash, and verifies\n');
    expect(said.out).toContain('– sqlite:runs.db: there is no such file yet\n');
  });

  test('L12: reads every record of a store', async () => {
    const at = await withRun();
    const { well, findings } = jsonOf(await say(at, ['doctor', '--json', ...DB]));
    expect(well).toBe(true);
    expect(findings.at(-1)).toEqual({
      what: 'records of sqlite:runs.db',
      state: 'good',
      said: '1 run, 13 records read with hashes and links',
      hint: null,
    });
  });

  test('L12: a file that SQLite finds damaged, or that is no store, ends with 1', async () => {
    const at = worldFolder();
    writeFileSync(join(at, 'runs.db'), 'no database at all, and long enough to look like one'.repeat(4));
    const said = await say(at, ['doctor', ...DB]);
    expect(said.code).toBe(1);
    expect(said.out).toMatch(/✗ sqlite:runs\.db: .* is no worldfold store/);
  });
});
