/** The contract of the jsonb capability: every sentence of `JsonbStore`. */
import { expect, test } from 'vitest';
import { canonicalJson } from '../../src/base/canonical.ts';
import { isWorldfoldError } from '../../src/base/errors.ts';
import type { JsonbStore } from '../../src/log/capabilities.ts';
import type { Store } from '../../src/log/store.ts';
import { chain, newRun } from './records.ts';

/** The store of the running test. */
export interface JsonbBench {
  store: Store & JsonbStore;
}

const first = chain('a', 1)[0]!;
const header = (seed: string, beta: number, more: object = {}) =>
  canonicalJson({ world: 'town', seed, config: { beta }, hints: {}, ...more });
const ids = (found: readonly { readonly id: string }[]): string[] => found.map(({ id }) => id);

async function refused(call: Promise<unknown>): Promise<{ code: string; message: string }> {
  const e = await call.then(
    () => new TypeError('it was not refused'),
    (thrown: unknown) => thrown,
  );
  if (!isWorldfoldError(e)) throw e;
  return e;
}

/** Runs the suite on the store that the bench has. */
export function jsonbContract(bench: JsonbBench): void {
  const make = (id: string, text: string) => bench.store.create(newRun(id, first, { header: text }));
  const fail = (id: string, tick: number, error: object) =>
    bench.store.keepAttempt(`${id}-segment`, { tick, text: canonicalJson({ error, inputs: [] }) });
  const find = async (path: string, options?: Parameters<JsonbStore['findRuns']>[1]) =>
    ids(await bench.store.findRuns(path, options));
  const made = async (): Promise<void> => {
    await make('hot', header('alpha', 0.3));
    await make('cold', header('alpha', 0.05, { hints: { arena: 'north' } }));
    await make('other', header('beta', 0.3, { fork: { run: 'hot', tick: 3, because: null } }));
  };

  test('a condition finds the runs for which it holds, and they come as list gives them', async () => {
    await made();
    const found = await bench.store.findRuns('$.seed == "alpha" && $.config.beta > 0.1');
    expect(found).toEqual((await bench.store.list(null, 9)).filter(({ id }) => id === 'hot'));
    expect(await find('$.config.beta > 0.01')).toEqual(['cold', 'hot', 'other']);
    expect(await find('$.config.beta > 9')).toEqual([]);
  });

  test('a filter and a part that is there find runs as well; false and null find none', async () => {
    await made();
    expect(await find('$.hints ? (@.arena == "north")')).toEqual(['cold']);
    expect(await find('$.fork')).toEqual(['other']);
    expect(await find('$.fork.because')).toEqual([]);
    expect(await find('false')).toEqual([]);
    expect(await find('0')).toHaveLength(3);
    expect(await find('$.hints.arena like_regex "^n"')).toEqual(['cold']);
  });

  test('what a document lacks or has in another type is found by nothing', async () => {
    await made();
    expect(await find('$.no.such[7].part > 1')).toEqual([]);
    expect(await find('$.seed > 1')).toEqual([]);
    expect(await find('strict $.hints.arena == "north"')).toEqual(['cold']);
    expect(await find('$.config.beta / 0 > 1')).toEqual([]);
  });

  test('variables are data', async () => {
    await made();
    const path = '$.seed == $seed && $.config.beta >= $least';
    expect(await find(path, { vars: { seed: 'alpha', least: 0.05 } })).toEqual(['cold', 'hot']);
    expect(await find(path, { vars: { seed: '" || true || "', least: 0 } })).toEqual([]);
  });

  test('runs come in pages', async () => {
    await made();
    expect(await find('$.world == "town"', { limit: 2 })).toEqual(['cold', 'hot']);
    expect(await find('$.world == "town"', { limit: 2, after: 'hot' })).toEqual(['other']);
    expect(await find('$.world == "town"', { limit: 1.5, after: null })).toEqual(['cold']);
    expect(await find('$.world == "town"', { after: 'other' })).toEqual([]);
  });

  test('a header that jsonb refuses makes no question fail', async () => {
    await made();
    await make('null', '{"seed":"alpha","say":"a\\u0000"}');
    await make('torn', header('alpha', 0.2).slice(0, 20));
    await make('half', '{"seed":"alpha","say":"\\ud800"}');
    await make('huge', '{"seed":"alpha","n":1e999999}');
    await make('text', 'no JSON');
    expect(await find('$.seed == "alpha"')).toEqual(['cold', 'hot']);
    expect(await find('true')).toEqual(['cold', 'hot', 'other']);
  });

  test('failed ticks are found run by run, with whether each is the last that was kept', async () => {
    await made();
    const [infect, move] = ['infect', 'move'].map((origin) => ({ code: 'TICK_FAILED', origin }));
    await fail('hot', 3, infect!);
    await fail('hot', 4, move!);
    await fail('hot', 5, infect!);
    await fail('other', 1, infect!);
    await fail('other', 2, move!);
    await bench.store.keepAttempt('cold-segment', { tick: 1, text: 'no JSON' });
    const path = '$.error.origin == "infect"';
    const found = await bench.store.findAttempts(path);
    expect(found.map(({ run, tick, newest }) => [run, tick, newest])).toEqual([
      ['hot', 3, false],
      ['hot', 5, true],
      ['other', 1, false],
    ]);
    expect(found[0]!.text).toBe((await bench.store.attempts('hot-segment'))[0]!.text);
    const page = (options: object) => bench.store.findAttempts(path, options);
    expect((await page({ limit: 1 })).map(({ run }) => run)).toEqual(['hot', 'hot']);
    expect((await page({ limit: 1, after: 'hot' })).map(({ run }) => run)).toEqual(['other']);
    const byTick = await bench.store.findAttempts('$.error.origin == $o', { vars: { o: 'move' } });
    expect(byTick.map(({ tick }) => tick)).toEqual([4, 2]);
    await bench.store.remove('hot', true);
    expect((await page({})).map(({ run }) => run)).toEqual(['other']);
  });

  test('a broken path is BAD_USAGE with what the database says', async () => {
    await made();
    for (const call of ['findRuns', 'findAttempts'] as const) {
      const e = await refused(bench.store[call]('$.seed = "alpha"'));
      expect(e).toMatchObject({ code: 'BAD_USAGE' });
      expect(e.message).toMatch(/syntax error.* jsonpath/);
    }
    expect((await refused(bench.store.findRuns('$.seed == $who'))).message).toContain('"who"');
    expect((await refused(bench.store.findRuns('$.a like_regex "("'))).message).toContain(
      'regular expression',
    );
    const vars = { b: 'a\0' };
    expect(await refused(bench.store.findRuns('$.a == $b', { vars }))).toMatchObject({ code: 'BAD_VALUE' });
    expect(await find('$.world')).toHaveLength(3);
  });

  test.each([
    ['', {}],
    [' ', {}],
    ['$\0', {}],
    [5, {}],
    ['('.repeat(5000), {}],
    ['$', { vars: [] }],
    ['$', { vars: 5 }],
    ['$', { limit: 0 }],
    ['$', { limit: Number.NaN }],
    ['$', { after: '' }],
    ['$', { order: 'id' }],
  ])('what means nothing is BAD_USAGE: %j %j', async (path, options) => {
    expect((await refused(bench.store.findRuns(path as string, options as object))).code).toBe('BAD_USAGE');
  });

  test('after close it is CLOSED', async () => {
    await bench.store.close();
    expect((await refused(bench.store.findRuns('$'))).code).toBe('CLOSED');
    expect((await refused(bench.store.findAttempts('$'))).code).toBe('CLOSED');
  });
}
