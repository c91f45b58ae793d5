/** `worldfold tables`, and what other commands have to do with tables in SQL: on every store that has SQL. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseStore } from '../../src/cli/options.ts';
import { openStore, withStore } from '../../src/cli/stores.ts';
import { describeTables, type Store } from '../../src/index.ts';
import { capability } from '../../src/log/capabilities.ts';
import { type FreshDatabase, freshDatabase, withoutPostgres } from '../support/postgres.ts';
import { folder, jsonOf, type Said, say, worldFolder } from './kit.ts';

/** Twenty people, of whom one falls ill each day; `handler` is what becomes of them. */
const town = (handler = "{ health: 'ill' }"): string => `
import { defineSchema, defineWorld, event, t, table } from 'worldfold';
const schema = defineSchema({
  name: 'town', version: 1,
  tables: {
    people: table({ id: t.id(), cell: t.u32(), health: t.enum('well', 'ill') }),
    cells: table({ id: t.id(), name: t.text() }),
  },
  events: { infected: event({ person: t.ref('people') }, { agent: 'person' }) },
  inputs: {},
});
export default defineWorld(schema, {
  setup({ insert }) {
    for (let i = 0; i < 20; i++) insert.people({ cell: i % 4, health: 'well' });
    for (let i = 0; i < 4; i++) insert.cells({ name: 'cell ' + i });
  },
  systems: [schema.system('infect', ({ world, emit }) => {
    for (const { id, health } of world.people) if (health === 'well') return void emit.infected({ person: id });
  })],
  apply: { infected: (w, e) => w.people.update(e.person, ${handler}) },
} as const);
`;
const OTHER = town("{ health: e.person > 3 ? 'well' : 'ill' }");

let database: FreshDatabase;
let embedded: string;
let keeper: Store;
beforeAll(async () => {
  if (!withoutPostgres) database = await freshDatabase();
  embedded = `pglite:${join(folder(), 'pg')}`;
  // Stays open: starting it takes longer than most tests.
  keeper = await openStore(parseStore(embedded), '/', 'write');
});
afterAll(async () => {
  await keeper.close();
  await database?.drop();
});

let made = 0;
const PLACES: { readonly [name: string]: () => string } = {
  SQLite: () => 'sqlite:runs.db',
  PGlite: () => embedded,
  ...(withoutPostgres ? {} : { PostgreSQL: () => `${database.url}?schema=s${++made}` }),
};

/** A folder with the world, a store, and a run of so many ticks in it. */
async function begun(place: () => string, ticks: number, ...more: readonly string[]) {
  const at = worldFolder(town());
  writeFileSync(join(at, 'other.ts'), OTHER);
  const store = place();
  const id = `run${++made}`;
  const on = (signal: AbortSignal | undefined, words: readonly string[]) =>
    say(at, [...words, '--store', store], signal && { signal });
  const tables = (...words: string[]) => on(undefined, ['tables', id, ...words]);
  const advance = (count: number, ...words: string[]) =>
    on(undefined, ['run', 'world.ts', '--continue', '--id', id, '--ticks', String(count), ...words]);
  const run = await on(undefined, ['run', 'world.ts', '--ticks', String(ticks), '--id', id, ...more]);
  expect(run).toMatchObject({ code: 0 });
  const opened = <T>(use: (store: Store) => Promise<T>) => withStore(parseStore(store), at, 'change', use);
  /** What a query answers, as numbers. */
  const ask = (query: string) =>
    opened(async (kept) => {
      const reader = await capability(kept, 'projections').openReader();
      const { rows } = await reader.query(query, []);
      await reader.close();
      return rows.map((row) => row.map(Number));
    });
  const reports = () => opened((kept) => describeTables(kept, id));
  return { at, id, on, tables, advance, opened, ask, reports, run };
}

/** Waits until something holds. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
}

const rowsIn = (said: Said): Record<string, number> =>
  Object.fromEntries(jsonOf(said).tables.map(({ table, rows }: any) => [table, rows]));

describe.each(Object.keys(PLACES))('tables in SQL on %s', (name) => {
  const place = PLACES[name]!;

  test('are set up, brought to the head, and told of', async () => {
    const { tables, advance, id, ask } = await begun(place, 5);
    const first = await tables();
    expect(first).toMatchObject({ code: 0, err: '' });
    const [head, why, keeps, titles, , cells, people, asked, ...rest] = first.out.split('\n');
    expect(head).toMatch(new RegExp(`^${id}: tables of tick 5 in SQL, 24 rows changed in \\d+\\.\\d s$`));
    expect(why).toBe('  set up: the run had no tables in SQL');
    expect(keeps).toBe('  keeps  all tables');
    expect(titles).toBe('table   name in SQL    rows');
    expect(cells).toBe('cells   town_1_cells      4');
    expect(people).toBe('people  town_1_people    20');
    expect(asked).toMatch(new RegExp(`^ask: select \\* from .*"town_1_cells" where run = '${id}'$`));
    expect(await ask(`${asked!.slice('ask: '.length)} and id = 5`)).toEqual([]);
    expect(rest).toEqual(['']);
    expect((await advance(3)).code).toBe(0);
    const again = await tables();
    expect(again.out).toMatch(/: tables of tick 8 in SQL, 3 rows changed in .*\n {2}keeps/);
    expect(await ask(`select count(*) from town_1_people where run = '${id}' and health = 'ill'`)).toEqual([
      [8],
    ]);
    expect((await tables()).out).toContain('0 rows changed');
  });

  test('stay as they were chosen until they are chosen otherwise', async () => {
    const { tables, advance, id, reports } = await begun(place, 20);
    const chosen = async (...words: string[]) => {
      const { choice, rebuilt, ...facts } = jsonOf(await tables(...words, '--json'));
      expect(facts).toMatchObject({ id, tick: 20, stopped: false, problem: null });
      return { ...choice, rebuilt };
    };
    const all = { tables: null, history: null, events: false };
    expect(await chosen()).toEqual({ ...all, rebuilt: 'new' });
    expect(await chosen('--events')).toEqual({ ...all, events: true, rebuilt: 'chosen otherwise' });
    const more = { ...all, events: true, history: { every: 10 } };
    expect(await chosen('--history', 'every=10')).toEqual({ ...more, rebuilt: 'chosen otherwise' });
    expect(await chosen()).toEqual({ ...more, rebuilt: null });
    expect(await chosen('--only', 'all', '--events')).toEqual({ ...more, rebuilt: null });
    const said = await tables('--json');
    expect(rowsIn(said)).toEqual({ people: 20, people_history: 60, cells: 4, cells_history: 12, events: 44 });
    expect(await chosen('--rebuild')).toEqual({ ...more, rebuilt: 'asked for' });
    expect((await tables()).out).toContain('  keeps  all tables · history of every 10 ticks · events\n');
    expect(await chosen('--only', 'people', '--no-events', '--history', '0,7')).toEqual({
      ...{ tables: ['people'], history: [0, 7], events: false, rebuilt: 'chosen otherwise' },
    });
    expect(rowsIn(await tables('--json'))).toEqual({ people: 20, people_history: 40 });
    expect(await chosen('--history', 'none', '--only', 'all')).toMatchObject(all);
    expect((await advance(1)).code).toBe(0);
    expect(await reports()).toMatchObject([{ tick: 20, current: true, choice: { events: false } }]);
  });

  test('are followed: a line each time that they change, until Ctrl-C', async () => {
    const { on, id, advance, reports } = await begun(place, 5);
    const stop = new AbortController();
    const following = on(stop.signal, ['tables', id, '--follow', '--poll', '5']);
    const reached = (tick: number) => until(async () => (await reports())[0]?.tick === tick);
    await reached(5);
    for (const tick of [7, 8]) {
      expect((await advance(tick === 7 ? 2 : 1)).code).toBe(0);
      await reached(tick);
    }
    stop.abort();
    const { code, out, err } = await following;
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^run\d+: tables of tick 5 in SQL/);
    const lines = out.slice(out.indexOf('following')).split('\n');
    expect(lines[0]).toBe('following: Ctrl-C ends it');
    expect(lines.at(-2)).toBe(`${id}: followed up to tick 8`);
    const changed = lines.slice(1, -2).map((text) => /^tick ([678]): ([123]) rows? changed$/.exec(text)!);
    expect(changed.reduce((sum, [, , rows]) => sum + Number(rows), 0)).toBe(3);
    expect(changed.at(-1)![1]).toBe('8');
    const ended = new AbortController();
    const json = on(ended.signal, ['tables', id, '--follow', '--poll', '5', '--json']);
    await advance(1);
    await reached(9);
    ended.abort();
    const facts = (await json).out
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text));
    expect(facts.at(-1)).toMatchObject({ id, tick: 9, rebuilt: null, stopped: false });
    expect(facts[0].tables).toHaveLength(2);
  });

  test('are followed by one who sees them built anew, and ends where somebody chooses otherwise', async () => {
    const { on, tables, id, advance, reports } = await begun(place, 3);
    const following = on(undefined, ['tables', id, '--follow', '--poll', '5']);
    const current = async () => (await reports()).find((report) => report.current);
    await until(async () => (await current())?.tick === 3);
    expect((await tables('--rebuild')).code).toBe(0);
    expect((await advance(1)).code).toBe(0);
    await until(async () => (await current())?.tick === 4);
    expect(await tables('--events')).toMatchObject({ code: 0, err: '' });
    const { code, out, err } = await following;
    expect(code).toBe(1);
    expect(out).toMatch(/\ntick 4: 1 row changed\n$/);
    expect(err).toMatch(
      /^worldfold: somebody keeps other tables of run 'run\d+', .*\nhint: A run has one choice/,
    );
    expect(jsonOf(await tables('--json'))).toMatchObject({
      tick: 4,
      choice: { events: true },
      rebuilt: null,
    });
  });

  test('are rebuilt while the run is written', async () => {
    const { tables, advance, id, ask, reports } = await begun(place, 2);
    const writing = advance(400);
    const ticks: number[] = [];
    do {
      const said = await tables('--rebuild', '--history', 'every=1', '--json');
      expect(said).toMatchObject({ code: 0, err: '' });
      ticks.push(jsonOf(said).tick);
    } while (ticks.length < 3 || ticks.at(-1) === 2);
    expect(await writing).toMatchObject({ code: 0 });
    expect(ticks).toEqual([...ticks].sort((a, b) => a - b));
    expect(jsonOf(await tables('--json'))).toMatchObject({ tick: 402, rebuilt: null });
    const days = `select tick, count(*) from town_1_people_history where run = '${id}' and health = 'ill'`;
    const ill = await ask(`${days} and tick between 1 and 402 group by tick order by tick`);
    expect(ill).toEqual(Array.from({ length: 402 }, (_, day) => [day + 1, Math.min(20, day + 1)]));
    expect(await reports()).toHaveLength(1);
  });

  test('stop at a tick that can not be folded: exit code 1, and the tick', async () => {
    const { tables, advance, on, id } = await begun(place, 6, '--tables');
    expect((await advance(3)).code).toBe(0);
    const other = await tables('--world', 'other.ts', '--history', 'every=1');
    expect(other).toMatchObject({ code: 1, out: '' });
    expect(other.err).toMatch(
      new RegExp(
        `^worldfold: the tables of run '${id}' stop at tick 4: .*\nhint: Nothing was skipped\\. .*--world`,
      ),
    );
    const list = await on(undefined, ['tables', '--list', id]);
    expect(list.out).toMatch(/ +6 +3 +shown +all tables\n/);
    expect(list.out).toMatch(/ +3 +6 +stopped at 4 +all tables · history of every tick\n/);
    expect(list.out).toMatch(/: folding tick 4 gives another world/);
    // What is shown has not stopped.
    expect((await on(undefined, ['doctor'])).out).toMatch(
      /^✓ tables of .* in SQL, \d+ not up to their logs$/m,
    );
    expect((await tables('--drop')).code).toBe(0);
    const json = await tables('--world', 'other.ts', '--events', '--json');
    expect(json.code).toBe(1);
    expect(jsonOf(json)).toMatchObject({ id, problem: { tick: 4, code: 'REPLAY_DIFFERS' } });
    const doctor = await on(undefined, ['doctor']);
    expect(doctor.code).toBe(1);
    expect(doctor.out).toMatch(new RegExp(`^✗ tables of .*; run '${id}' stopped at tick 4: folding`, 'm'));
    expect(await tables()).toMatchObject({ code: 0 });
    expect((await on(undefined, ['doctor'])).code).toBe(0);
  });

  test('are listed and dropped', async () => {
    const { tables, on, id, ask } = await begun(place, 3);
    const none = await on(undefined, ['tables', id, '--list']);
    expect(none).toMatchObject({ code: 0, out: `${id} has no tables in SQL\n` });
    expect((await tables('--events')).code).toBe(0);
    const all = await on(undefined, ['tables', '--list']);
    expect(all.out).toMatch(/^run +tick +behind +state +keeps\n/);
    expect(all.out).toMatch(new RegExp(`^${id} +3 +0 +shown +all tables · events$`, 'm'));
    const [facts, ...others] = jsonOf(await tables('--list', '--json'));
    expect(others).toEqual([]);
    expect(facts).toMatchObject({ id, tick: 3, behind: 0, current: true, problem: null });
    expect(facts.tables.at(-1)).toEqual({ table: 'events', view: 'events', runColumn: 'run_id' });
    expect(await ask(`select count(*) from events where run_id = '${id}'`)).toEqual([[27]]);
    const dropped = await tables('--drop');
    const said = `${id}: has no tables in SQL any more; its log stays as it is\n`;
    expect(dropped).toMatchObject({ code: 0, out: said });
    const again = await tables('--drop', '--json');
    expect(again).toMatchObject({ code: 2, out: '' });
    expect(again.err).toMatch(/^worldfold: run 'run\d+' has no tables in SQL\nhint: /);
    expect((await on(undefined, ['replay', id])).code).toBe(0);
    expect((await tables()).code).toBe(0);
    expect(jsonOf(await tables('--drop', '--json'))).toMatchObject({ id, deleted: expect.any(Number) });
  });

  test('that were stopped on the way are gone on with', async () => {
    const { on, tables, id } = await begun(place, 15);
    const words = ['tables', id, '--history', 'every=1'];
    const stop = AbortSignal.abort();
    const said = await on(stop, words);
    expect(said.code).toBe(130);
    expect(said.out).toMatch(
      /stopped at tick \d+ of 15: the same command goes on from there; queries do not/,
    );
    expect((await on(stop, [...words, '--follow'])).code).toBe(130);
    expect((await tables('--list')).out).toContain('being built');
    expect(jsonOf(await tables('--json'))).toMatchObject({ tick: 15, choice: { history: { every: 1 } } });
    expect((await on(stop, [...words, '--rebuild'])).out).toContain('the next --rebuild begins anew');
    expect(rowsIn(await tables('--json'))).toMatchObject({ people: 20, people_history: 320 });
  });

  test('are kept in the transactions of a run, as they were chosen', async () => {
    const { run, tables, advance, id, reports } = await begun(place, 4, '--tables');
    expect(run.out).toMatch(/kept in .*, with its tables in SQL\nnext: worldfold tables /);
    expect(await reports()).toMatchObject([{ tick: 4, current: true }]);
    expect((await tables('--history', 'every=2')).code).toBe(0);
    expect((await advance(4, '--tables')).code).toBe(0);
    const [report, ...others] = await reports();
    expect(others).toEqual([]);
    expect(report).toMatchObject({ id, tick: 8, choice: { history: { every: 2 } } });
    expect(rowsIn(await tables('--json'))).toMatchObject({ people_history: 100 });
    expect((await advance(1)).code).toBe(0);
    expect(await reports()).toMatchObject([{ tick: 8 }]);
  });

  test('go with their run', async () => {
    const { on, tables, id, opened, ask, reports } = await begun(place, 3, '--tables');
    const other = `${id}-other`;
    expect((await on(undefined, ['run', 'world.ts', '--tables', '--id', other, '--ticks', '2'])).code).toBe(
      0,
    );
    const { deleted } = jsonOf(await on(undefined, ['rm', id, '--json']));
    expect(deleted).toBeGreaterThanOrEqual(4 + 24);
    expect(await reports()).toEqual([]);
    expect((await tables()).code).toBe(2);
    const rows = async (run: string) =>
      ask(`select count(*) from town_1_people where run = '${run}'`).then(([row]) => row![0]);
    expect([await rows(id), await rows(other)]).toEqual([0, 20]);
    // Nothing is left for the next to delete.
    expect(await opened((kept) => capability(kept, 'projections').sweepProjections(9))).toBe(0);
  });
});

test.each([
  [['tables'], /needs the id of a run/],
  [['tables', 'nope'], /has no run 'nope'/],
  [['tables', 'first', '--drop', '--events'], /--drop does not go with --events/],
  [['tables', 'first', '--list', '--follow'], /--list does not go with --follow/],
  [['tables', 'first', '--poll', '5'], /--poll goes with --follow/],
  [['tables', 'first', '--follow', '--poll', '0'], /'0' is no whole number from 1 on/],
  [['tables', 'first', '--history', 'every=0'], /'every=0' says no ticks/],
  [['tables', 'first', '--history', '1,x'], /'1,x' says no ticks/],
  [['tables', 'first', '--only', 'people,,cells'], /is no list of names/],
  [['tables', 'first', '--only', 'nobody'], /the world has no table 'nobody'/],
])('%j is wrong usage', async (words, message) => {
  const { on } = await begun(PLACES.SQLite!, 1);
  const { id, on: here } = await begun(PLACES.SQLite!, 1);
  void on;
  const said = await here(
    undefined,
    words.map((word) => (word === 'first' ? id : word)),
  );
  expect(said).toMatchObject({ code: 2, out: '' });
  expect(said.err).toMatch(message);
  expect(said.err).toMatch(/\nhint: (?!Run the command again)/);
});

test.each([[['tables', 'first']], [['tables', '--list']], [['run', 'world.ts', '--tables', '--ticks', '1']]])(
  'a store without SQL can not: %j',
  async (words) => {
    const said = await say(worldFolder(town()), [...words, '--store', 'memory:']);
    expect(said).toMatchObject({ code: 2, out: '' });
    expect(said.err).toMatch(
      /lacks the capability projections: memory has none, .*\nhint: Use a store of sqlite/,
    );
  },
);

test('the commands of docs/tables.md do what it says', async () => {
  const page = readFileSync(new URL('../../docs/tables.md', import.meta.url), 'utf8');
  const lines = [...page.matchAll(/^worldfold (tables .*?)(?: {2,}|$)/gm)].map(([, words]) =>
    words!.split(' '),
  );
  expect(lines.length).toBeGreaterThan(5);
  const { id, on } = await begun(PLACES.SQLite!, 12);
  for (const words of lines.filter((line) => !line.includes('--follow'))) {
    const said = await on(
      undefined,
      words.map((word) => (word === 'first' ? id : word)),
    );
    expect(said).toMatchObject({ code: 0, err: '' });
  }
});

test('what is said fits a terminal of 80 columns, and the bar goes away', async () => {
  const { at, id } = await begun(PLACES.SQLite!, 15);
  const words = ['--history', '0,3,6,9,12', '--events', '--store', 'sqlite:runs.db'];
  const said = await say(at, ['tables', id, ...words], { terminal: true });
  const list = await say(at, ['tables', '--list', '--store', 'sqlite:runs.db'], { terminal: true });
  expect([said.code, list.code]).toEqual([0, 0]);
  for (const text of (said.out + list.out).split('\n')) {
    const shown = stripVTControlCharacters(text);
    expect([...shown].length).toBeLessThanOrEqual(80);
  }
  expect(list.out).toContain('history of 0, 3, 6, …');
});
