/** The contract of the projections port: every sentence of `ProjectionStore`. */
import { expect, test } from 'vitest';
import { hasProjections, type ProjectedTable, type ProjectionInfo } from '../../src/log/projection-store.ts';
import {
  ask,
  at,
  column,
  declare,
  make,
  now,
  type ProjectionBench,
  people,
  quoted,
  rowsIn,
  rowsOf,
  step,
  written,
} from './projections-bench.ts';
import { expectAt } from './projections-expect.ts';
import { appendContract, lifeContract, sweepContract } from './projections-life.ts';
import { readerContract } from './projections-reader.ts';
import { advanceContract, valueContract } from './projections-steps.ts';
import { outcome } from './records.ts';

/** Runs the suite on the store that the bench has; `shared` where the bench can open another one on it. */
export function projectionContract(bench: ProjectionBench, { shared }: { readonly shared: boolean }): void {
  declareContract(bench);
  nameContract(bench);
  viewContract(bench);
  advanceContract(bench);
  valueContract(bench);
  appendContract(bench);
  lifeContract(bench);
  sweepContract(bench);
  readerContract(bench);
  closeContract(bench);
  if (shared) sharedContract(bench);
}

function declareContract(bench: ProjectionBench): void {
  test('a projection begins without a row and is not current', async () => {
    const { store } = bench;
    expect(hasProjections(store)).toBe(true);
    await make(store, 'one');
    expect(await store.projections(null)).toEqual([]);
    const choice = '{"tables":["people","now"],"say":"\\"é😀\\""}';
    const tables = [now(store.dialect), people(store.dialect)];
    const info = await store.declareProjection({ run: 'one', choice, tables });
    expect(info).toEqual({
      number: info.number,
      run: 'one',
      choice,
      current: false,
      checkpoint: null,
      problem: null,
      tables: [
        { role: 'now', view: 'now', rows: info.tables[0]!.rows },
        { role: 'people', view: 'people', rows: info.tables[1]!.rows },
      ],
    });
    expect(await store.projections('one')).toEqual([info]);
    expect(await store.projections(null)).toEqual([info]);
    for (const { view, rows } of info.tables) {
      expect(await rowsIn(store, view)).toEqual([]);
      expect(await rowsIn(store, rows)).toEqual([]);
    }
  });

  test('projections of runs share tables, count up, and are listed by run and in order', async () => {
    const { store } = bench;
    for (const run of ['two', 'one']) await make(store, run);
    const infos = [await declare(store, 'two'), await declare(store, 'one'), await declare(store, 'two')];
    for (const { tables } of infos) expect(tables).toEqual(infos[0]!.tables);
    const [a, b, c] = infos.map(({ number }) => number) as [number, number, number];
    expect(a < b && b < c).toBe(true);
    expect(await store.projections(null)).toEqual(infos);
    expect(await store.projections('two')).toEqual([infos[0], infos[2]]);
    expect(await store.projections('none')).toEqual([]);
    await store.advanceProjection(step(a, null, at(0), written([1, 'a'])));
    await store.advanceProjection(step(b, null, at(0), written([1, 'b'])));
    expect(await rowsIn(store, infos[0]!.tables[0]!.rows)).toEqual([
      [a, 1, 'a', null],
      [b, 1, 'b', null],
    ]);
  });

  test('one table may be new and another one shared, in an order of its own', async () => {
    const { store } = bench;
    await make(store, 'one');
    const first = await declare(store, 'one');
    const second = await declare(store, 'one', [now(store.dialect), people(store.dialect, { role: 'folk' })]);
    expect(second.tables.map(({ role }) => role)).toEqual(['now', 'folk']);
    expect(second.tables[1]).toEqual({ ...first.tables[0]!, role: 'folk' });
    const none = await declare(store, 'one', []);
    expect(none.tables).toEqual([]);
    expect(await store.advanceProjection(step(none.number, null, at(0)))).toBe(true);
  });

  test('an unknown run is UNKNOWN_RUN, and nothing is made', async () => {
    const { store } = bench;
    expect(await outcome(() => declare(store, 'none'))).toEqual({ code: 'UNKNOWN_RUN' });
    expect(await store.projections(null)).toEqual([]);
    expect(await outcome(() => ask(store, 'select * from people'))).toEqual({ code: 'BAD_USAGE' });
  });

  test('what makes no table is BAD_USAGE', async () => {
    const { store } = bench;
    await make(store, 'one');
    const id = column(store.dialect, 'id', 'whole');
    const bad: Partial<ProjectedTable>[][] = [
      [{}, { wanted: 'others', identity: 'others' }],
      [{}, { role: 'others' }],
      [{ wanted: '' }],
      [{ wanted: 'a\0b' }],
      [{ identity: '\ud800' }],
      [{ columns: [id, id] }],
      [{ columns: [id, { ...id, name: 'ID' }], index: [] }],
      [{ columns: [id, { ...id, name: 'projection' }], index: [] }],
      [{ columns: [id, { ...id, name: 'run' }], index: [] }],
      [{ key: ['none'] }],
      [{ index: ['none'] }],
      [{ columns: [], key: [], index: [] }],
    ];
    for (const tables of bad) {
      const declared = declare(
        store,
        'one',
        tables.map((more) => people(store.dialect, more)),
      );
      expect(await outcome(() => declared), JSON.stringify(tables)).toEqual({ code: 'BAD_USAGE' });
    }
    const choice = 'a\0';
    expect(await outcome(() => store.declareProjection({ run: 'one', choice, tables: [] }))).toEqual({
      code: 'BAD_USAGE',
    });
    expect(await store.projections(null)).toEqual([]);
  });
}

/** Declares a table for each name, writes a row into it that tells it, and reads it back by its view. */
async function expectDistinct(bench: ProjectionBench, names: readonly string[]): Promise<readonly string[]> {
  const { store } = bench;
  await make(store, 'one');
  const tables = names.map((wanted, i) =>
    people(store.dialect, { wanted, identity: `table ${i}`, role: `role ${i}` }),
  );
  const info = await declare(store, 'one', tables);
  const changes = names.map((_, i) => ({ ...written([i, `row ${i}`]), role: `role ${i}` }));
  expect(await store.advanceProjection(step(info.number, null, at(0), ...changes))).toBe(true);
  expect(await store.switchProjection(info.number)).toBe(true);
  for (const [i, { view, rows }] of info.tables.entries()) {
    expect(await rowsIn(store, view)).toEqual([['one', i, `row ${i}`, null]]);
    expect(await rowsIn(store, rows)).toEqual([[info.number, i, `row ${i}`, null]]);
  }
  const all = info.tables.flatMap(({ view, rows }) => [view.toLowerCase(), rows.toLowerCase()]);
  expect(new Set(all).size).toBe(all.length);
  expect((await declare(store, 'one', tables)).tables).toEqual(info.tables);
  return info.tables.map(({ view }) => view);
}

function nameContract(bench: ProjectionBench): void {
  test('a name that is free is the name, whatever is in it', async () => {
    const names = ['town_1_people', 'a"b', "it's", 'select', 'two words', 'ärger 😀', '%s $1 ?', ';--', '""'];
    expect(await expectDistinct(bench, names)).toEqual(names);
  });

  test('tables of one wanted name and other identity never meet', async () => {
    const [first, ...others] = await expectDistinct(bench, ['people', 'people', 'people']);
    expect(first).toBe('people');
    expect(others).not.toContain('people');
  });

  test('names that differ in capitals alone are two', async () => {
    await expectDistinct(bench, ['people', 'PEOPLE', 'People', 'Now', 'noW']);
  });

  test('names of tables, views and indexes that are there are left to them', async () => {
    const { store } = bench;
    const taken = ['runs', 'segments', 'Records', 'projections', 'projected_tables', 'worldfold_migrations'];
    const made = await expectDistinct(bench, [...taken, 'sqlite_master', 'sqlite_mine', 'p', 'pg_class']);
    for (const name of taken) expect(made).not.toContain(name);
    expect((await store.list(null, 9)).map(({ id }) => id)).toEqual(['one']);
    const { rows } = (await store.projections(null))[0]!.tables[0]!;
    const second = await declare(store, 'one', [people(store.dialect, { wanted: rows, identity: 'second' })]);
    expect(second.tables[0]!.view).not.toBe(rows);
    expect(await rowsIn(store, second.tables[0]!.view)).toEqual([]);
  });

  test('long names are cut, and stay apart', async () => {
    const long = 'x'.repeat(60);
    await expectDistinct(bench, [`${long}abcdef`, `${long}abcxyz`, `${long}abc`, 'y'.repeat(1000)]);
  });

  test('an identity may be of any length, and differ at its end alone', async () => {
    const { store } = bench;
    await make(store, 'one');
    // Texts that differ everywhere, so that no database can keep them small.
    const long = Array.from({ length: 20_000 }, (_, i) => ((i * 7919) % 104_729).toString(36)).join();
    const tableOf = (end: string) => people(store.dialect, { identity: long + end });
    const [a, b, c] = [
      await declare(store, 'one', [tableOf('a')]),
      await declare(store, 'one', [tableOf('b')]),
      await declare(store, 'one', [tableOf('a')]),
    ];
    expect(c.tables).toEqual(a.tables);
    expect(b.tables[0]!.view).not.toBe(a.tables[0]!.view);
  });

  test('columns may have any name that is good', async () => {
    const { store } = bench;
    await make(store, 'one');
    const names = ['order', 'a"b', "it's", 'two words', 'rows', 'p', 'r', 'run_2', 'current', 'number', 'ä'];
    const table = people(store.dialect, {
      runColumn: 'run_3',
      columns: names.map((name) => column(store.dialect, name, 'whole')),
      key: ['order', 'a"b'],
      index: ["it's", 'two words', 'p'],
    });
    const info = await declare(store, 'one', [table]);
    const cells = (add: number) => names.map((_, i) => [i + add]);
    const wide = (removed: number[][], add: number) => ({ role: 'people', removed, written: cells(add) });
    await store.advanceProjection(step(info.number, null, at(0), wide([[], []], 0), wide([[], []], 5)));
    await store.advanceProjection(step(info.number, at(0), at(1), wide([[0], [1]], 7)));
    await store.switchProjection(info.number);
    const { view } = info.tables[0]!;
    const found = await ask(store, `select * from ${quoted(view)} order by ${quoted('order')}`);
    expect(found.columns).toEqual(['run_3', ...names]);
    expect(found.rows).toEqual([5, 7].map((add) => ['one', ...names.map((_, i) => i + add)]));
  });
}

function viewContract(bench: ProjectionBench): void {
  test('views show current projections alone, each row with the id of its run', async () => {
    const { store } = bench;
    const ids = ['b', 'a"\'; --', '\u{1f600}', 'x'.repeat(2000)];
    const table = people(store.dialect, { runColumn: 'which' });
    for (const id of ids) {
      await make(store, id);
      for (const name of ['old', 'new']) {
        const { number } = await declare(store, id, [table]);
        await store.advanceProjection(step(number, null, at(0), written([1, name], [2, id])));
        if (name === 'old') await store.switchProjection(number);
      }
    }
    const of = async (id: string) => {
      const mark = store.dialect === 'sqlite' ? '?' : '$1';
      return (await ask(store, `select name from people where which = ${mark} order by id`, [id])).rows;
    };
    for (const id of ids) expect(await of(id)).toEqual([['old'], [id]]);
    expect((await ask(store, 'select * from people')).columns).toEqual(['which', 'id', 'name', 'cell']);
    const second = (await store.projections('b'))[1]!;
    await store.switchProjection(second.number);
    expect(await of('b')).toEqual([['new'], ['b']]);
    expect(await of(ids[1]!)).toEqual([['old'], [ids[1]]]);
    expect(await of('none')).toEqual([]);
  });
}

function closeContract(bench: ProjectionBench): void {
  test('after close every call is CLOSED, and so is a reader', async () => {
    const { store } = bench;
    await make(store, 'one');
    const { number } = await declare(store, 'one');
    const reader = await store.openReader();
    await store.close();
    for (const call of [
      () => declare(store, 'one'),
      () => store.projections(null),
      () => store.advanceProjection(step(number, null, at(0))),
      () => store.appendWith('one-segment', 1, 1, [], []),
      () => store.switchProjection(number),
      () => store.stopProjection(number, '{}'),
      () => store.retireProjection(number),
      () => store.sweepProjections(1),
      () => store.openReader(),
      () => reader.query('select 1', []),
    ])
      expect(await outcome(call), String(call)).toEqual({ code: 'CLOSED' });
    await reader.close();
  });
}

function sharedContract(bench: ProjectionBench): void {
  const both = async () => {
    const other = await bench.again!();
    return [bench.store, other] as const;
  };

  test('stores that declare the same tables at once share them', async () => {
    const [store, other] = await both();
    await make(store, 'one');
    const infos = await Promise.all(
      [store, other, store, other, other, store].map((each) =>
        declare(each, 'one', [people(each.dialect), now(each.dialect)]),
      ),
    );
    for (const { tables } of infos) expect(tables).toEqual(infos[0]!.tables);
    expect(new Set(infos.map(({ number }) => number)).size).toBe(infos.length);
    expect(await other.projections('one')).toHaveLength(infos.length);
    await other.close();
  });

  test('of stores that take the same step at once exactly one does', async () => {
    const [store, other] = await both();
    await make(store, 'one');
    const info = await declare(store, 'one');
    const stores = [store, other, store, other];
    for (let tick = 0; tick < 6; tick++) {
      const from = tick === 0 ? null : at(tick - 1);
      const took = await Promise.all(
        stores.map((each, i) =>
          each.advanceProjection(
            step(info.number, from, at(tick), written([tick, 'same', tick], [99 + i, 'mine'])),
          ),
        ),
      );
      expect(took.filter(Boolean)).toHaveLength(1);
    }
    const rows = await rowsOf(store, info);
    expect(rows.filter(([, name]) => name === 'same')).toHaveLength(6);
    await expectAt(other, info, at(5), rows);
    await other.close();
  });

  test('of stores that sweep while others retire none waits for one that waits for it', async () => {
    const [store, other] = await both();
    await make(store, 'one');
    for (let round = 0; round < 4; round++) {
      const infos: ProjectionInfo[] = [];
      for (let i = 0; i < 8; i++) {
        const info = await declare(store, 'one');
        await store.advanceProjection(step(info.number, null, at(0), written([1, 'row'])));
        infos.push(info);
      }
      // The later ones first: a sweep that has begun finds others before the one that it holds.
      const retiring = async () => {
        for (const { number } of infos.toReversed()) await store.retireProjection(number);
      };
      const sweeping = async (each: typeof store) => {
        for (let i = 0; i < 8; i++) await each.sweepProjections(Infinity);
      };
      await Promise.all([retiring(), sweeping(store), sweeping(other), sweeping(store), sweeping(other)]);
      await store.sweepProjections(Infinity);
      expect(await other.projections('one')).toEqual([]);
    }
    await other.close();
  });

  test('what another store wrote, switched and swept is seen', async () => {
    const [store, other] = await both();
    await make(store, 'one');
    const first = await declare(store, 'one');
    await store.advanceProjection(step(first.number, null, at(0), written([1, 'first'])));
    await other.advanceProjection(step(first.number, at(0), at(1), written([2, 'second'])));
    await store.advanceProjection(step(first.number, at(1), at(2), written([3, 'third'])));
    await other.switchProjection(first.number);
    expect(await rowsIn(store, 'people')).toHaveLength(3);
    await other.retireProjection(first.number);
    expect(await rowsIn(store, 'people')).toEqual([]);
    expect(await other.sweepProjections(Infinity)).toBe(5);
    expect(await store.advanceProjection(step(first.number, at(2), at(3), written([4, 'late'])))).toBe(false);
    const again = await declare(store, 'one');
    expect(again.number).toBeGreaterThan(first.number);
    await store.advanceProjection(step(again.number, null, at(0), written([1, 'again'])));
    await expectAt(other, again, at(0), [[1, 'again', null]]);
    await other.close();
  });
}
