/** Every command on a run that is kept in PostgreSQL, and its way from there to the other stores. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FreshDatabase, freshDatabase, withoutPostgres } from '../support/postgres.ts';
import { jsonOf, say, worldFolder } from './kit.ts';

describe.skipIf(withoutPostgres)('--store postgres://…', () => {
  let database: FreshDatabase;
  let at: string;
  let store: string;
  beforeAll(async () => {
    database = await freshDatabase();
    at = worldFolder();
    store = `${database.url}?schema=of%20tests`;
    const words = ['run', 'world.ts', '--ticks', '20', '--id', 'first', '--store', store];
    expect(await say(at, words)).toMatchObject({ code: 0 });
    const fork = ['fork', 'first', '--at', '12', '--ticks', '5', '--id', 'mild', '--store', store];
    expect(await say(at, fork)).toMatchObject({ code: 0 });
  });
  afterAll(() => database.drop());

  test.each([
    ['ls', /first +counter +20/],
    ['tree', /└─ mild +12 +17/],
    ['show first@3', /state hash/],
    ['replay mild', /✓ agrees with the log/],
    ['verify first', /✓ run 'first' is verified/],
    ['check first', /first/],
    ['diff first mild', /first and mild/],
    ['bisect first first', /first/],
    ['snapshot first --at 5 --out five.wfs', /five\.wfs/],
    ['doctor', /✓ postgres:.*format \d+ of \d+/],
  ])('%s', async (line, out) => {
    const said = await say(at, [...line.split(' '), '--store', store]);
    expect(said).toMatchObject({ code: 0 });
    expect(said.out).toMatch(out);
  });

  test('sql', async () => {
    const said = await say(at, [
      'sql',
      'first@4',
      'select n > 5 as more from total',
      '--json',
      '--store',
      store,
    ]);
    expect(jsonOf(said)).toMatchObject({ columns: ['more'] });
  });

  test('L10: a tree goes through every kind of store and back, and has the same hashes', async () => {
    const hashes = async (place: string) =>
      Promise.all(
        ['first', 'mild'].map(async (run) =>
          jsonOf(await say(at, ['verify', run, '--json', '--store', place])),
        ),
      ).then((reports) => reports.map((report) => [report.verdict, report.recordHash]));
    const expected = await hashes(store);
    const places = ['sqlite:copy.db', 'pglite:copy', `${database.url}?schema=back`];
    for (const [i, place] of places.entries()) {
      const from = i === 0 ? store : places[i - 1]!;
      const words = ['copy', 'first', '--tree', '--from', from, '--to', place];
      expect(await say(at, words)).toMatchObject({ code: 0 });
      expect(await hashes(place)).toEqual(expected);
    }
  });

  test('a run is removed', async () => {
    expect(await say(at, ['rm', 'mild', '--store', store])).toMatchObject({ code: 0 });
    expect((await say(at, ['ls', '--json', '--store', store])).out).not.toContain('mild');
  });
});
