import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { loadSnapshot } from '../../src/files/index.ts';
import { jsonOf, remember, say, worldFolder } from './kit.ts';

const DB = ['--store', 'sqlite:runs.db'];

/** People who move through cells and fall ill, with a column of each sort that a table shows. */
const TOWN = `
import { defineSchema, defineWorld, event, singleton, t, table } from 'worldfold';
const schema = defineSchema({
  name: 'town', version: 1, config: { beta: t.f64().default(0.25), far: t.u64().default(7n) },
  tables: {
    people: table({
      id: t.id(), name: t.text(), health: t.enum('well', 'ill').default('well'), cell: t.u32(),
      weight: t.f32().default(0.1), home: t.struct({ x: t.f64(), y: t.f64() }), friend: t.ref('people').optional(),
    }, { index: ['cell'] }),
    weather: singleton({ rain: t.f64().default(0.5) }),
  },
  events: { moved: event({ person: t.ref('people'), to: t.u32() }) },
  inputs: { infected: event({ person: t.ref('people') }), paid: event({ to: t.ref('people'), sum: t.u64() }) },
});
export default defineWorld(schema, {
  setup({ insert }) {
    for (let i = 0; i < 30; i++)
      insert.people({ name: i === 2 ? 'Eve\\u001b[31m' : 'P' + i, cell: i, home: { x: i / 3, y: -i }, friend: i > 20 ? 1 : null });
  },
  systems: [schema.system('move', ({ world: { people }, emit, rng }) => {
    const who = rng('who').int(1, people.size);
    emit.moved({ person: who, to: rng('to').int(0, 99) });
  })],
  apply: {
    moved: (w, e) => w.people.update(e.person, { cell: e.to }),
    infected: (w, e) => w.people.update(e.person, { health: 'ill' }),
    paid: (w, e) => w.people.update(e.to, { weight: Number(e.sum) }),
  },
  metrics: { ill: (w) => w.people.count({ health: 'ill' }) },
});
`;

/** A folder with a run `first` of 20 ticks. */
async function withRun(): Promise<string> {
  const at = worldFolder(TOWN);
  expect((await say(at, ['run', 'world.ts', '--ticks', '20', '--id', 'first', ...DB])).code).toBe(0);
  return at;
}

const ill = (person: number): string[] => ['--input', `["infected",{"person":${person}}]`];
const fork = (at: string, ...words: string[]) => say(at, ['fork', ...words, ...DB]);

describe('fork', () => {
  test('L6: begins a run on a tick of another, with its change and reason, and may advance it', async () => {
    const at = await withRun();
    const because = ['--because', 'what if'];
    const words = [
      'first',
      '--at',
      '10',
      ...ill(3),
      ...ill(5),
      '--config',
      'beta=0.5',
      '--id',
      'mild',
      '--ticks',
      '6',
    ];
    const said = await fork(at, ...words, ...because);
    expect(said).toMatchObject({ code: 0 });
    expect(said.out).toContain(
      'mild: a fork of first at tick 10, because: what if\n  changes     beta=0.5 · 2 inputs\n',
    );
    expect(said.out).toMatch(/advanced {4}6 ticks in .*, now at tick 16\n {2}state hash {2}[0-9a-f]{32}\n/);
    expect(said.out).toContain('  metrics     ill 2\n');
    expect(said.out).toContain('next: worldfold diff first mild --store sqlite:runs.db');
    expect((await say(at, ['replay', 'mild', ...DB])).code).toBe(0);
    expect(jsonOf(await say(at, ['show', 'mild', '--json', ...DB]))).toMatchObject({
      ...{ tick: 16, config: { beta: 0.5 }, metrics: { ill: 2 } },
      fork: { run: 'first', tick: 10, because: 'what if' },
    });
    expect((await say(at, ['show', 'mild', ...DB])).out).toContain(
      'fork of     first at tick 10, because: what if',
    );
  });

  test('without ticks it is not advanced; ids count up; json tells', async () => {
    const at = await withRun();
    expect((await fork(at, 'first', '--at', '10')).out).toContain('advanced    not yet');
    const second = jsonOf(await fork(at, 'first', '--at', '7', '--seed', 'other', '--ticks', '2', '--json'));
    expect(second).toMatchObject({
      id: 'first-fork-2',
      of: 'first',
      at: 7,
      tick: 9,
      durableTick: 9,
      because: null,
    });
    expect(jsonOf(await fork(at, 'first-fork-2', '--at', '8', '--json'))).toMatchObject({
      ...{ id: 'first-fork-2-fork', of: 'first-fork-2', tick: 8, stateHash: null },
    });
    const on = ['run', 'world.ts', '--continue', '--id', 'first-fork', '--ticks', '10', '--json', ...DB];
    expect(jsonOf(await say(at, on)).tick).toBe(20);
  });

  test('L6: a fork that keeps the later inputs comes to the same world', async () => {
    const at = await withRun();
    await fork(at, 'first', '--at', '3', ...ill(3), '--id', 'a', '--ticks', '9');
    const { stateHash } = jsonOf(
      await fork(at, 'a', '--at', '3', '--later', 'keep', '--ticks', '9', '--json'),
    );
    expect(jsonOf(await fork(at, 'a', '--at', '12', '--ticks', '0', '--json')).at).toBe(12);
    const same = await say(at, ['diff', 'a@12', 'a-fork@12', '--json', ...DB]);
    expect(jsonOf(same)).toMatchObject({ equal: true, difference: { stateHash: { a: stateHash } } });
    const dropped = await fork(at, 'a', '--at', '3', '--ticks', '9', '--json');
    expect(jsonOf(dropped).stateHash).not.toBe(stateHash);
  });

  test('inputs hold what their columns hold: big integers as numbers, or as the log writes them', async () => {
    const at = await withRun();
    const sums = ['{"$big":"5"}', '6'].map((sum, i) => `["paid",{"to":${i + 1},"sum":${sum}}]`);
    await fork(
      at,
      'first',
      '--at',
      '1',
      ...sums.flatMap((text) => ['--input', text]),
      '--id',
      'a',
      '--ticks',
      '1',
    );
    const words = ['show', 'a', '--table', 'people', '--columns', 'weight', '--limit', '2', '--json', ...DB];
    expect(jsonOf(await say(at, words)).rows).toEqual([{ weight: 5 }, { weight: 6 }]);
  });

  test('wrong words are refused, and nothing is made', async () => {
    const at = await withRun();
    const cases: [string[], RegExp, RegExp][] = [
      [['--at', '21'], /no tick 21: it has 0 to 20/, /durable/],
      [['--at', 'x'], /'x' is no tick/, /whole numbers from 0 on/],
      [[], /required option '--at <tick>'/, /--help/],
      [['--at', '3', '--input', 'infected'], /'infected' is no input/, /\["kind", \{"column": 1\}\]/],
      [['--at', '3', '--input', '["infected", 3]'], /is no input/, /JSON/],
      [['--at', '3', '--input', '["cured"]'], /no input of kind 'cured'/, /infected, paid/],
      [['--at', '3', '--input', '["infected",{"person":"x"}]'], /person/, /./],
      [['--at', '3', '--config', 'gamma=1'], /no config 'gamma'/, /beta/],
      [['--at', '3', '--later', 'some'], /--later/, /--help/],
      [['--at', '3', '--id', 'first'], /first/, /./],
    ];
    for (const [words, line, hint] of cases) {
      const { code, err, out } = await fork(at, 'first', ...words);
      expect(code, err).toBe(2);
      expect(err).toMatch(line);
      expect(err.split('\n')[1]).toMatch(hint);
      expect(out).toBe('');
    }
    expect(jsonOf(await say(at, ['ls', '--json', ...DB])).length).toBe(1);
  });

  test('a fork made without the command line finds the module of its parent', async () => {
    const at = await withRun();
    const source = `import { forkRun } from 'worldfold';
      import { sqliteStore } from 'worldfold/sqlite';
      import world from './world.ts';
      const store = await sqliteStore(${JSON.stringify(join(at, 'runs.db'))});
      const fork = await forkRun(world, { store, run: 'first', at: 4, id: 'bare' });
      await fork.advance(3);
      await fork.close();
      await store.close();
      export default world;`;
    writeFileSync(join(at, 'make.ts'), source);
    expect((await say(at, ['run', 'make.ts', '--ticks', '0', '--store', 'memory:'])).code).toBe(0);
    expect((await say(at, ['replay', 'bare', ...DB])).code).toBe(0);
  });
});

/** `first` (20) with `mild` (at 10, to 16) and `deep` (of mild at 12, to 13). */
async function withForks(): Promise<string> {
  const at = await withRun();
  await fork(
    at,
    'first',
    '--at',
    '10',
    ...ill(3),
    '--id',
    'mild',
    '--ticks',
    '6',
    '--because',
    'a \u001b[2J b',
  );
  await fork(at, 'mild', '--at', '12', '--id', 'deep', '--ticks', '1');
  return at;
}

describe('tree, ls', () => {
  test('draw and list forks; what a reason holds can not reach the terminal', async () => {
    const at = await withForks();
    const { out } = await say(at, ['tree', ...DB]);
    expect(out.split('\n')).toEqual([
      'run         forked at  tick  because',
      '──────────  ─────────  ────  ─────────────',
      'first                    20',
      '└─ mild            10    16  a \\u{1b}[2J b',
      '   └─ deep         12    13',
      '',
    ]);
    expect(jsonOf(await say(at, ['tree', '--json', ...DB]))).toMatchObject([
      { id: 'first', at: null, children: [{ id: 'mild', at: 10, children: [{ id: 'deep', children: [] }] }] },
    ]);
    const list = (await say(at, ['ls', ...DB])).out;
    expect(list.split('\n').map((l) => l.split(/ {2,}/).slice(0, 5).join('|'))).toEqual([
      'run|world|tick|seed|fork of',
      '─────|─────|────|─────────|───────────',
      'deep|town|13|worldfold|mild at 12',
      expect.stringMatching(/^first\|town\|20\|worldfold\|\d{4}/),
      'mild|town|16|worldfold|first at 10',
      '',
    ]);
    expect(jsonOf(await say(at, ['ls', '--json', ...DB]))[0]).toMatchObject({ fork: { of: 'mild', at: 12 } });
    expect((await say(at, ['tree', '--store', 'memory:'])).out).toBe('memory: holds no run yet\n');
  });

  test('a damaged header changes nothing of the tree', async () => {
    const at = await withForks();
    const whole = (await say(at, ['tree', ...DB])).out;
    const db = new Sqlite(join(at, 'runs.db'));
    db.exec("UPDATE runs SET header = '{bad' WHERE id = 'mild'");
    db.close();
    expect(await say(at, ['tree', ...DB])).toMatchObject({ code: 0, out: whole });
    expect((await say(at, ['ls', ...DB])).out).toMatch(/\nmild +damaged +16 +\? at 10\n/);
  });
});

describe('diff', () => {
  test('L6: two runs: the first tick, its rows, and code 1; what agrees is code 0', async () => {
    const at = await withForks();
    const said = await say(at, ['diff', 'first', 'mild', ...DB]);
    expect(said.code).toBe(1);
    expect(said.out.split('\n')).toEqual([
      'first and mild part at tick 11: up to tick 10 they agree',
      '',
      '1 table differs',
      'people  30 rows, 1 differs',
      '  changed: health in 1',
      '    id  column  first  mild',
      '    3   health  well   ill',
      '',
    ]);
    const found = jsonOf(await say(at, ['diff', 'first', 'mild', '--json', ...DB]));
    expect(found).toMatchObject({ a: 'first', b: 'mild', equal: false, tick: 11, heads: { a: 20, b: 16 } });
    expect(found.difference.tables[0].rows).toMatchObject([{ key: 3, values: [{ a: 'well', b: 'ill' }] }]);
    const agrees = await say(at, ['diff', 'deep', 'mild', ...DB]);
    expect(agrees.out).toBe(
      '✓ deep and mild agree up to tick 13, where deep ends; mild goes on to tick 16\n',
    );
    expect(agrees.code).toBe(0);
    const same = await say(at, ['diff', 'mild', 'mild', ...DB]);
    expect(same).toMatchObject({
      ...{ code: 0, out: '✓ mild and mild agree on every tick up to 16, where both end\n' },
    });
    await say(at, [
      'run',
      'world.ts',
      '--id',
      'other',
      '--seed',
      'x',
      '--config',
      'beta=1',
      '--ticks',
      '1',
      ...DB,
    ]);
    expect((await say(at, ['diff', 'other', 'first', ...DB])).out).toMatch(/part at tick 1: up to tick 0/);
  });

  test('worlds of ticks, of one run or of two; a side without a tick stands at its end', async () => {
    const at = await withForks();
    const apart = await say(at, ['diff', 'first@3', 'first@9', '--limit', '1', ...DB]);
    expect(apart.code).toBe(1);
    expect(apart.out).toMatch(
      /^first@3 and first@9 differ\n\n1 table differs\npeople {2}30 rows, \d differ\n/,
    );
    expect(apart.out).toMatch(/… \d more\n$/);
    expect(await say(at, ['diff', 'first@10', 'mild@10', ...DB])).toMatchObject({
      ...{ code: 0, out: '✓ first@10 and mild@10 are equal\n' },
    });
    expect((await say(at, ['diff', 'first@12', 'mild', ...DB])).out).toMatch(/^first@12 and mild@16 differ/);
  });

  test('trouble is 2, so that 1 always means a difference', async () => {
    const at = await withForks();
    expect((await say(at, ['diff', 'first@21', 'mild', ...DB])).code).toBe(2);
    const db = new Sqlite(join(at, 'runs.db'));
    db.exec("UPDATE runs SET header = '{bad' WHERE id = 'mild'");
    db.close();
    const said = await say(at, ['diff', 'first', 'mild', ...DB]);
    expect(said.err).toMatch(/header of run 'mild' is damaged/);
    expect(said.code).toBe(2);
    expect((await say(at, ['diff', 'first', 'mild', '--world', 'world.ts', ...DB])).code).toBe(1);
  });

  test('an id may hold an @ of its own', async () => {
    const at = await withRun();
    await fork(at, 'first', '--at', '5', '--id', 'x@5', '--ticks', '2');
    await fork(at, 'first', '--at', '5', '--id', 'x', '--ticks', '9');
    expect((await say(at, ['diff', 'x@5', 'x', ...DB])).out).toMatch(/^✓ x@5 and x agree up to tick 7/);
    expect((await say(at, ['show', 'x@5@6', '--json', ...DB])).out).toContain('"id":"x@5"');
  });
});

describe('snapshot', () => {
  test('L4: writes the world of a tick, for worldfold and for numpy', async () => {
    const at = await withForks();
    const said = await say(at, ['snapshot', 'mild', '--at', '11', '--out', 'day.npz', ...DB]);
    expect(said.out).toMatch(
      /^day\.npz: the world of mild@11, 2 tables, [\d.]+ kB\n {2}state hash {2}[0-9a-f]{32}\n$/,
    );
    const whole = jsonOf(
      await say(at, ['snapshot', 'mild', '--out', 'end.wfs', '--compress', '--json', ...DB]),
    );
    expect(whole).toMatchObject({ id: 'mild', tick: 16, out: 'end.wfs' });
    const { world, stateHash, ...about } = await loadSnapshot(join(at, 'end.wfs'));
    expect(stateHash).toBe(whole.stateHash);
    expect(about).toMatchObject({ tick: 16, seed: 'worldfold', hints: { run: 'mild' } });
    expect((world as any).people.get(3).health).toBe('ill');
    expect((await loadSnapshot(join(at, 'day.npz'))).tick).toBe(11);
    expect(readFileSync(join(at, 'day.npz')).subarray(0, 2).toString()).toBe('PK');
    expect((await say(at, ['snapshot', 'mild', '--at', '99', '--out', 'no.npz', ...DB])).code).toBe(2);
    expect((await say(at, ['snapshot', 'mild', '--out', 'gone/no.npz', ...DB])).err).toMatch(
      /Make the folder/,
    );
    expect(existsSync(join(at, 'no.npz'))).toBe(false);
  });
});

describe('show RUN@TICK', () => {
  test('tells the tables of a tick, or rows of one: names of enums, numbers to the right', async () => {
    const at = await withForks();
    const world = await say(at, ['show', 'mild@11', ...DB]);
    expect(world.out).toMatch(/^mild@11: 2 tables\n {2}state hash {2}[0-9a-f]{32}\n/);
    expect(world.out).toContain('people     30  id, name, health, cell, weight, home.x, home.y, friend\n');
    const rows = await say(at, ['show', 'mild@11', '--table', 'people', '--limit', '3', ...DB]);
    expect(rows.out.split('\n').slice(1, 6)).toEqual([
      'id  name           health  cell  weight       home.x  home.y  friend',
      '──  ─────────────  ──────  ────  ──────  ───────────  ──────  ──────',
      ' 1  P0             well       4     0.1            0      -0    null',
      ' 2  P1             well       1     0.1  0.333333333      -1    null',
      expect.stringMatching(/^ 3 {2}Eve\\u\{1b\}\[31m {2}ill /),
    ]);
    expect(rows.out).toMatch(/\n… 27 more rows \(--limit\)\n$/);
  });

  test('rows are chosen by values of their columns, columns by name', async () => {
    const at = await withForks();
    const show = async (...words: string[]) =>
      jsonOf(await say(at, ['show', 'mild', '--table', 'people', ...words, '--json', ...DB]));
    expect(await show('--where', 'health=ill', '--columns', 'id,home')).toEqual({
      ...{ id: 'mild', tick: 16, table: 'people', size: 30, matched: 1 },
      rows: [{ id: 3, 'home.x': 2 / 3, 'home.y': -2 }],
    });
    expect(await show('--where', 'friend=1', '--where', 'home.y=-25')).toMatchObject({ matched: 1 });
    expect(await show('--where', 'home.y=-25', '--where', 'home.x=1')).toMatchObject({ matched: 0 });
    expect(await show('--where', 'weight=0.1', '--limit', '1')).toMatchObject({ matched: 30 });
    expect(await show('--where', 'friend=null', '--limit', '0')).toMatchObject({ matched: 21, rows: [] });
    expect((await say(at, ['show', 'mild', '--table', 'weather', ...DB])).out).toBe(
      'weather of mild@16: one row\nrain\n────\n 0.5\n',
    );
  });

  test('on a terminal what has no room is said, not wrapped', async () => {
    const at = await withForks();
    for (const [columns, room] of [
      [40, false],
      [120, true],
    ] as const) {
      const out = remember(true);
      Object.assign(out.sink, { columns });
      const io = { stdout: out.sink, stderr: remember().sink, self: 'worldfold', cwd: at };
      const more = { env: { NO_COLOR: '1' }, signal: new AbortController().signal };
      await runProgram(['show', 'mild', '--table', 'people', ...DB], { ...io, ...more });
      await new Promise((resolve) => setImmediate(resolve));
      const lines = out.text().trimEnd().split('\n');
      for (const line of lines.slice(0, -1)) expect([...line].length).toBeLessThanOrEqual(columns);
      expect(/no room for .*friend \(--columns\)/.test(lines.at(-1)!)).toBe(!room);
    }
  });

  test('mistakes are refused with what there is', async () => {
    const at = await withForks();
    const cases: [string[], RegExp, RegExp][] = [
      [['mild@99'], /no tick 99: it has 0 to 16/, /./],
      [['mild', '--where', 'a=1'], /--where goes with --table/, /--table people/],
      [['mild', '--columns', 'a'], /--columns goes with --table/, /--table people/],
      [['mild', '--table', 'cats'], /no table 'cats'/, /people, weather/],
      [['mild', '--table', 'people', '--where', 'health=sick'], /never 'sick'/, /well \| ill/],
      [['mild', '--table', 'people', '--where', 'home=1'], /'people\.home' has fields/, /home\.x/],
      [['mild', '--table', 'people', '--columns', 'nom'], /no column 'nom'/, /id, name, health/],
      [['mild', '--table', 'people', '--columns', 'id,,'], /no list of names/, /./],
      [['mild', '--table', 'weather', '--where', 'rain=1'], /has one row/, /--where/],
      [['mild', '--table', 'people', '--limit', '-1'], /no number of rows/, /--limit 20/],
    ];
    for (const [words, line, hint] of cases) {
      const { code, err } = await say(at, ['show', ...words, ...DB]);
      expect(err).toMatch(line);
      expect(err.split('\n')[1]).toMatch(hint);
      expect(code).toBe(2);
    }
  });
});

describe('rm', () => {
  test('L6: removes a run, says what stays for its forks, and the forks are whole', async () => {
    const at = await withForks();
    const said = await say(at, ['rm', 'mild', ...DB]);
    expect(said.code).toBe(0);
    expect(said.out).toMatch(/^mild: removed\n {2}deleted {2}4 records \(\d+ things of the store in all\)\n/);
    expect(said.out).toContain('  kept     ticks 11 to 12, which deep needs\n');
    expect((await say(at, ['tree', ...DB])).out).toContain('└─ (removed)         10    12  a ');
    expect((await say(at, ['replay', 'deep', ...DB])).code).toBe(0);
    expect(jsonOf(await say(at, ['rm', 'first', '--json', ...DB]))).toMatchObject({
      ...{ id: 'first', records: 10, kept: { from: 0, to: 10, for: ['deep'] } },
    });
    expect((await say(at, ['rm', 'deep', ...DB])).out).toMatch(/deleted {2}14 records/);
    expect((await say(at, ['ls', ...DB])).out).toContain('holds no run yet');
  });

  test('a run that is written elsewhere stays, unless forced', async () => {
    const at = await withRun();
    const db = new Sqlite(join(at, 'runs.db'));
    db.exec(
      `UPDATE segments SET holder_host = 'elsewhere', holder_pid = 77, holder_token = 't',
       holder_ttl_ms = 30000, expires_ms = unixepoch('subsec') * 1000 + 25000`,
    );
    db.close();
    const said = await say(at, ['rm', 'first', ...DB]);
    expect(said.code).toBe(2);
    expect(said.err).toMatch(/\nhint: .*--force/);
    expect((await say(at, ['rm', 'first', '--force', ...DB])).code).toBe(0);
  });
});
