/** The questions of docs/tables.md, asked of the epidemic in every database; README.md has the same. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import epidemic from '../examples/epidemic/world.ts';
import * as worldfold from '../src/index.ts';
import { createRun, projectTables, type Store } from '../src/index.ts';
import { capability } from '../src/log/capabilities.ts';
import { openSqliteStore } from '../src/stores/sqlite/open.ts';
import { withoutPostgres } from './support/postgres.ts';
import { inPglite, onServer, type StoreDatabase } from './support/postgres-stores.ts';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const page = read('docs/tables.md');
const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(([, code]) => code!.trim());
const questions = blocks(page, 'sql');

const databases: StoreDatabase[] = [];
const OPENERS: { readonly [name: string]: () => Promise<Store> } = {
  SQLite: () => openSqliteStore(':memory:'),
  PGlite: () => within(inPglite()),
  ...(withoutPostgres ? {} : { PostgreSQL: () => within(onServer()) }),
};
async function within(begun: Promise<StoreDatabase>): Promise<Store> {
  const database = await begun;
  databases.push(database);
  return database.open({ schema: database.schema() });
}
afterAll(() => Promise.all(databases.map((database) => database.end())));

const DAYS = 40;
const CONFIG = { travellers: 2000, firstIll: 100 };

describe('what a modeller asks first', () => {
  test('is five questions, in README.md too', () => {
    expect(questions).toHaveLength(5);
    const [asked] = blocks(read('README.md'), 'sql');
    const [, ...told] = asked!.split(/^-- .*\n/m).map((query) => query.trim().replace(/;$/, ''));
    expect(told.map((query) => query.replace(/\s+/g, ' '))).toEqual(
      questions.map((query) => query.replace(/\s+/g, ' ')),
    );
  });
});

describe.each(Object.keys(OPENERS))('in %s', (name) => {
  let store: Store;
  let first: Awaited<ReturnType<typeof begin>>;
  const begin = () => createRun(epidemic, { store, id: 'first', seed: 'alpha', config: CONFIG });
  let mild: Awaited<ReturnType<typeof first.fork>>;
  beforeAll(async () => {
    store = await OPENERS[name]!();
    first = await begin();
    await first.advance(DAYS);
    mild = await first.fork({ at: 10, id: 'mild', because: 'masks', config: { beta: 0.005 } });
    await mild.advance(DAYS - 10);
    await Promise.all([first.flush(), mild.flush()]);
    for (const { id } of [first, mild])
      await projectTables(epidemic, { store, id, history: { every: 10 }, events: true });
  });
  afterAll(async () => {
    await mild.close();
    await first.close();
    await store.close();
  });

  async function answer(query: string): Promise<(readonly unknown[])[]> {
    const reader = await capability(store, 'projections').openReader();
    try {
      const { rows } = await reader.query(query, []);
      return rows.map((row) => row.map((value) => (/^\d+$/.test(String(value)) ? Number(value) : value)));
    } finally {
      await reader.close();
    }
  }

  const illOf = async (run: typeof first, tick: number): Promise<number> =>
    (await run.at(tick)).travellers.count({ health: 'ill' });

  test('how is everybody now', async () => {
    const rows = await answer(questions[0]!);
    expect(rows.length).toBeGreaterThan(1);
    for (const [health, n] of rows) expect(first.world.travellers.count({ health: health as 'ill' })).toBe(n);
    expect(rows.reduce((sum, [, n]) => sum + Number(n), 0)).toBe(CONFIG.travellers);
  });

  test('where are the ill', async () => {
    const { airports, travellers } = first.world;
    const counts = [...airports].map(({ id }) => travellers.count({ health: 'ill', airport: id }));
    const most = counts.filter((count) => count > 0).sort((a, b) => b - a);
    const rows = await answer(questions[1]!);
    expect(rows.map(([, ill]) => ill)).toEqual(most.slice(0, 5));
    for (const [code, ill] of rows) {
      const [airport] = airports.where({ code: code as string });
      expect(travellers.count({ health: 'ill', airport: airport!.id })).toBe(ill);
    }
  });

  test('when was it worst', async () => {
    const [[tick, ill] = []] = await answer(questions[2]!);
    const kept = await Promise.all([0, 10, 20, 30, 40].map((at) => illOf(first, at)));
    expect([tick, ill]).toEqual([kept.indexOf(Math.max(...kept)) * 10, Math.max(...kept)]);
  });

  test('how many fell ill each day', async () => {
    const counts = new Map<number, number>();
    for await (const { tick } of first.events('infected')) counts.set(tick, (counts.get(tick) ?? 0) + 1);
    expect(await answer(questions[3]!)).toEqual([...counts]);
  });

  test('which of two runs had more at day 40', async () => {
    const rows = await answer(questions[4]!);
    const both = [
      ['first', await illOf(first, 40)],
      ['mild', await illOf(mild, 40)],
    ] as const;
    expect(rows).toEqual(both.toSorted(([, a], [, b]) => b - a).filter(([, ill]) => ill > 0));
    expect(rows[0]![0]).toBe('first');
  });

  test('the calls of docs/tables.md do what it says', async () => {
    const code = blocks(page, 'ts').find((one) => one.includes('projectTables'))!;
    const given = { ...worldfold, epidemic, store };
    const body = `return (async () => { ${code}; return { tick, rows, rebuilt, choice, tables }; })();`;
    const made = await new Function(...Object.keys(given), body)(...Object.values(given));
    expect(made).toMatchObject({ tick: DAYS, rows: 0, rebuilt: null });
    expect(made.choice).toEqual({ history: { every: 10 }, events: true });
    expect(made.tables.at(-1)).toEqual({ table: 'events', view: 'events', runColumn: 'run_id' });
    expect(await worldfold.describeTables(store, 'first')).toEqual([]);
    expect(await worldfold.describeTables(store, 'mild')).toHaveLength(1);
  });
});
