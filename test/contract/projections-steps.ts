/** The contract of the projections port: steps, and the values that rows hold; a part of `projections.ts`. */
import { expect, test } from 'vitest';
import { fail } from '../../src/base/errors.ts';
import type { SqlValue } from '../../src/base/sql.ts';
import type { Checkpoint, ProjectionStep, RowChanges } from '../../src/log/projection-store.ts';
import {
  at,
  column,
  declare,
  infoOf,
  make,
  now,
  type ProjectionBench,
  people,
  real,
  removed,
  rowsIn,
  rowsOf,
  step,
  written,
} from './projections-bench.ts';
import { expectAt } from './projections-expect.ts';
import { outcome } from './records.ts';

/** The sentences of `ProjectionStore.advanceProjection`. */
export function advanceContract(bench: ProjectionBench): void {
  const begin = async () => {
    await make(bench.store, 'one');
    return declare(bench.store, 'one');
  };
  const advance = (one: ProjectionStep) => bench.store.advanceProjection(one);

  test('a step writes rows and the checkpoint together', async () => {
    const { store } = bench;
    const info = await begin();
    const { number } = info;
    expect(await advance(step(number, null, at(0), written([1, 'a', 7], [2, 'b'])))).toBe(true);
    await expectAt(store, info, at(0), [
      [1, 'a', 7],
      [2, 'b', null],
    ]);
    expect(await advance(step(number, at(0), at(5), written([2, 'B', 1], [3, 'c']), removed(1)))).toBe(true);
    await expectAt(store, info, at(5), [
      [2, 'B', 1],
      [3, 'c', null],
    ]);
    expect(await advance(step(number, at(5), at(6)))).toBe(true);
    expect(await infoOf(store, number)).toMatchObject({ current: false, problem: null });
    const large = at(6, { tick: 2 ** 40, sequence: 2 ** 50 });
    expect(await advance(step(number, at(6), large))).toBe(true);
    await expectAt(store, info, large, [
      [2, 'B', 1],
      [3, 'c', null],
    ]);
  });

  test('a checkpoint is tick, hash and sequence: where one differs nothing is written', async () => {
    const { store } = bench;
    const info = await begin();
    const others = (of: Checkpoint): (Checkpoint | null)[] => [
      null,
      { ...of, tick: of.tick + 1 },
      { ...of, tick: of.tick - 1 },
      { ...of, sequence: of.sequence + 1 },
      { ...of, sequence: of.sequence - 1 },
      { ...of, hash: new Uint8Array(32) },
      { ...of, hash: of.hash.map((byte, i) => (i === 31 ? byte ^ 1 : byte)) },
    ];
    expect(await advance(step(info.number, at(0), at(1), written([9, 'no'])))).toBe(false);
    await expectAt(store, info, null, []);
    await advance(step(info.number, null, at(3), written([1, 'a'])));
    for (const from of others(at(3))) {
      const changes = [written([1, 'no'], [9, 'no']), removed(1)];
      expect(await advance(step(info.number, from, at(4), ...changes)), JSON.stringify(from)).toBe(false);
      await expectAt(store, info, at(3), [[1, 'a', null]]);
    }
    expect(await advance(step(info.number, at(3), at(4), removed(1)))).toBe(true);
    await expectAt(store, info, at(4), []);
  });

  test('one that is retired or gone takes no step', async () => {
    const { store } = bench;
    const info = await begin();
    const number = info.number + 1000;
    expect(await advance(step(number, null, at(0), written([1, 'a'])))).toBe(false);
    await advance(step(info.number, null, at(0), written([1, 'a'])));
    await store.retireProjection(info.number);
    expect(await advance(step(info.number, at(0), at(1), written([2, 'b'])))).toBe(false);
    expect(await rowsOf(store, info)).toEqual([[1, 'a', null]]);
    await store.sweepProjections(Infinity);
    expect(await advance(step(info.number, at(0), at(1), written([2, 'b'])))).toBe(false);
    expect(await infoOf(store, info.number)).toBeUndefined();
  });

  test('rows go before others are written; keys that are not there are passed over', async () => {
    const { store } = bench;
    const info = await begin();
    await advance(step(info.number, null, at(0), written([1, 'a'], [2, 'b'], [3, 'c'])));
    const changes: RowChanges = { ...written([2, 'again', 5], [4, 'd']), removed: [[2, 3, 77, 78]] };
    expect(await advance(step(info.number, at(0), at(1), changes))).toBe(true);
    await expectAt(store, info, at(1), [
      [1, 'a', null],
      [2, 'again', 5],
      [4, 'd', null],
    ]);
  });

  test('changes are carried out in order', async () => {
    const { store } = bench;
    const info = await begin();
    const changes = [written([1, 'first']), removed(1), written([1, 'second']), written([1, 'third', 3])];
    expect(await advance(step(info.number, null, at(0), ...changes, written([2, 'x']), removed(2)))).toBe(
      true,
    );
    await expectAt(store, info, at(0), [[1, 'third', 3]]);
  });

  test('lists may be empty, or left out where nothing goes or is written', async () => {
    const { store } = bench;
    const info = await begin();
    const lists: Partial<RowChanges>[] = [
      { removed: [], written: [] },
      { removed: [[]], written: [[], [], []] },
      { removed: [], written: [[1], ['a'], [null]] },
      { removed: [[2]], written: [] },
    ];
    const changes = lists.map((some) => ({ ...written(), ...some }));
    expect(await advance(step(info.number, null, at(0), ...changes))).toBe(true);
    await expectAt(store, info, at(0), [[1, 'a', null]]);
  });

  test('a table without a key has one row a run', async () => {
    const { store } = bench;
    const infos = [];
    for (const run of ['one', 'two']) {
      await make(store, run);
      infos.push(await declare(store, run, [now(store.dialect)]));
    }
    const day = (value: number, mood: string | null): RowChanges => ({
      role: 'now',
      removed: [],
      written: [[value], [mood]],
    });
    for (const [i, { number }] of infos.entries()) {
      await advance(step(number, null, at(0), day(1, 'calm')));
      expect(await advance(step(number, at(0), at(1), day(5, 'x'), day(10 + i, null)))).toBe(true);
      await store.switchProjection(number);
    }
    expect(await rowsIn(store, 'now')).toEqual([
      ['one', 10, null],
      ['two', 11, null],
    ]);
  });

  test('keys of several columns', async () => {
    const { store } = bench;
    await make(store, 'one');
    const table = people(store.dialect, {
      columns: ['whole', 'text', 'real?', 'whole'].map((sort, i) =>
        column(store.dialect, 'abcd'[i]!, sort as 'whole'),
      ),
      key: ['d', 'b'],
      index: ['c', 'a'],
    });
    const info = await declare(store, 'one', [table]);
    const rows = (...of: readonly (readonly [number, string, number])[]): RowChanges => ({
      role: 'people',
      removed: [],
      written: [of.map(([a]) => a), of.map(([, b]) => b), of.map(() => null), of.map(([, , d]) => d)],
    });
    await advance(step(info.number, null, at(0), rows([1, 'x', 1], [2, 'y', 1], [3, 'x', 2], [4, '', 2])));
    const goes: RowChanges = {
      ...rows([9, 'y', 1], [5, 'z', 1]),
      removed: [
        [1, 2, 2],
        ['x', '', 'none'],
      ],
    };
    expect(await advance(step(info.number, at(0), at(1), goes))).toBe(true);
    expect(await rowsOf(store, info)).toEqual([
      [3, 'x', null, 2],
      [5, 'z', null, 1],
      [9, 'y', null, 1],
    ]);
  });

  test('a table of nothing but its key', async () => {
    const { store } = bench;
    await make(store, 'one');
    const columns = [column(store.dialect, 'id', 'whole')];
    const info = await declare(store, 'one', [people(store.dialect, { columns, index: [] })]);
    const ids = (...of: number[]): RowChanges => ({ role: 'people', removed: [], written: [of] });
    await advance(step(info.number, null, at(0), ids(1, 2), ids(2, 3)));
    await advance(step(info.number, at(0), at(1), { ...ids(3, 4), removed: [[1]] }));
    expect(await rowsOf(store, info)).toEqual([[2], [3], [4]]);
  });

  test('rows of other projections of the table are left alone', async () => {
    const { store } = bench;
    const [first, second] = [await begin(), await declare(store, 'one')];
    await advance(step(first.number, null, at(0), written([1, 'a'], [2, 'b'])));
    await advance(step(second.number, null, at(0), written([1, 'A'], [3, 'C'])));
    await advance(step(second.number, at(0), at(1), removed(1, 2)));
    await expectAt(store, first, at(0), [
      [1, 'a', null],
      [2, 'b', null],
    ]);
    await expectAt(store, second, at(1), [[3, 'C', null]]);
  });

  test('thousands of rows go in and out in one step', async () => {
    const { store } = bench;
    const info = await begin();
    const ids = Float64Array.from({ length: 5003 }, (_, i) => i);
    const names = Array.from(ids, (id) => `name of ${id}`);
    const all: RowChanges = { role: 'people', removed: [], written: [ids, names, ids.map((id) => id % 10)] };
    expect(await advance(step(info.number, null, at(0), all))).toBe(true);
    expect(await rowsOf(store, info)).toEqual(names.map((name, id) => [id, name, id % 10]));
    const odd = ids.filter((id) => id % 2 === 1);
    const change: RowChanges = {
      role: 'people',
      removed: [odd],
      written: [
        [0, 1],
        ['zero', 'one'],
        [0, 0],
      ],
    };
    expect(await advance(step(info.number, at(0), at(1), change))).toBe(true);
    const left = (await rowsOf(store, info)) as [number, string, number][];
    expect(left).toHaveLength(2503);
    expect(left.slice(0, 4).map(([, name]) => name)).toEqual(['zero', 'one', 'name of 2', 'name of 4']);
  });

  test.each([1, 31, 32, 33, 64, 65, 100])(
    '%i rows at once are all of them, with many columns',
    async (count) => {
      const { store } = bench;
      await make(store, 'one');
      const width = 60;
      const columns = Array.from({ length: width }, (_, i) => column(store.dialect, `c${i}`, 'whole'));
      const table = people(store.dialect, { columns, key: ['c0', 'c59'], index: [] });
      const info = await declare(store, 'one', [table]);
      const cells = columns.map((_, i) => Int32Array.from({ length: count }, (_, row) => row * width + i));
      await advance(step(info.number, null, at(0), { role: 'people', removed: [], written: cells }));
      const rows = Array.from({ length: count }, (_, row) => cells.map((cell) => cell[row]));
      expect(await rowsOf(store, info)).toEqual(rows);
      const keys = [cells[0]!.subarray(1), cells[59]!.subarray(1)];
      await advance(step(info.number, at(0), at(1), { role: 'people', removed: keys, written: [] }));
      expect(await rowsOf(store, info)).toEqual(rows.slice(0, 1));
    },
  );

  test('changes are taken one after the other: what holds one may be used again for the next', async () => {
    const { store } = bench;
    const info = await begin();
    const made: number[] = [];
    const changes: Iterable<RowChanges> = {
      *[Symbol.iterator]() {
        const [ids, cells, gone] = [new Float64Array(3), new Int32Array(3), new Float64Array(1)];
        const names = ['', '', ''];
        for (let turn = 0; turn < 200; turn++) {
          for (let i = 0; i < 3; i++) {
            ids[i] = turn * 3 + i;
            cells[i] = turn;
            names[i] = `of turn ${turn}`;
          }
          gone[0] = turn * 3 - 1;
          made.push(turn);
          yield { role: 'people', removed: [gone], written: [ids, names, cells] };
          for (const list of [ids, cells, gone]) list.fill(-7);
          names.fill('stale');
        }
      },
    };
    const one = { projection: info.number, from: null, to: at(0), changes };
    expect(await advance(one)).toBe(true);
    const rows = await rowsOf(store, info);
    expect(rows).toHaveLength(600 - 199);
    for (const [id, name, turn] of rows) {
      expect(turn).toBe(Math.floor((id as number) / 3));
      expect(name).toBe(`of turn ${turn}`);
    }
    expect(made.slice(-200)).toEqual(Array.from({ length: 200 }, (_, i) => i));
  });

  test('of a step that breaks off nothing is kept', async () => {
    const { store } = bench;
    const info = await begin();
    await advance(step(info.number, null, at(0), written([1, 'a'])));
    const said = { run: 'one', tick: 1 };
    const breaks = function* (why: () => never): Generator<RowChanges> {
      yield written([1, 'no'], [2, 'no']);
      yield removed(1);
      why();
    };
    const stopped = advance({
      ...step(info.number, at(0), at(1)),
      changes: breaks(() => fail('PROJECTION_STOPPED', 'it does not go on', said)),
    });
    await expect(stopped).rejects.toMatchObject({ code: 'PROJECTION_STOPPED', facts: said });
    await expectAt(store, info, at(0), [[1, 'a', null]]);
    const thrown = new RangeError('mine');
    const threw = advance({
      ...step(info.number, at(0), at(1)),
      changes: breaks(() => {
        throw thrown;
      }),
    });
    const e = (await threw.catch((caught: unknown) => caught)) as Error;
    expect([e, e.cause]).toContain(thrown);
    await expectAt(store, info, at(0), [[1, 'a', null]]);
    expect(await advance(step(info.number, at(0), at(1), removed(1)))).toBe(true);
  });

  test('of a step with a value that the database refuses nothing is kept', async () => {
    const { store } = bench;
    const info = await begin();
    await advance(step(info.number, null, at(0), written([1, 'a'])));
    for (const length of [1, 40, 2000]) {
      const ids = Array.from({ length }, (_, i) => i);
      const names: SqlValue[] = ids.map(String);
      names[length - 1] = null;
      const bad: RowChanges = { role: 'people', removed: [[1]], written: [ids, names, ids] };
      const refused = advance(step(info.number, at(0), at(1), written([5, 'no']), bad, written([6, 'no'])));
      expect(await outcome(() => refused)).toEqual({ code: 'STORE_FAILED' });
      await expectAt(store, info, at(0), [[1, 'a', null]]);
    }
  });

  test('what is no step is BAD_USAGE, and nothing of it is kept', async () => {
    const { store } = bench;
    const info = await begin();
    await advance(step(info.number, null, at(0), written([1, 'a'])));
    const good = written([2, 'b']);
    const bad: RowChanges[] = [
      { ...good, role: 'others' },
      { ...good, written: [[1], ['a']] },
      { ...good, written: [[1], ['a'], [1], [1]] },
      { ...good, written: [[1, 2], ['a'], [1]] },
      { ...good, written: [[1], ['a', 'b'], [1, 2]] },
      { ...good, removed: [[1], [1]] },
    ];
    for (const changes of bad) {
      const refused = advance(step(info.number, at(0), at(1), good, changes));
      expect(await outcome(() => refused), JSON.stringify(changes)).toEqual({ code: 'BAD_USAGE' });
    }
    const steps = [
      step(info.number, at(0), at(1, { tick: -1 })),
      step(info.number, at(0), at(1, { tick: 0.5 })),
      step(info.number, at(0), at(1, { sequence: -1 })),
      step(info.number, at(0), at(1, { hash: new Uint8Array(31) })),
      step(info.number, at(0, { hash: new Uint8Array(33) }), at(1)),
      step(0.5, at(0), at(1)),
    ];
    for (const one of steps) expect(await outcome(() => advance(one))).toEqual({ code: 'BAD_USAGE' });
    await expectAt(store, info, at(0), [[1, 'a', null]]);
  });

  test('a step clears the problem, and one that is not taken does not', async () => {
    const { store } = bench;
    const { number } = await begin();
    const problem = async () => (await infoOf(store, number))!.problem;
    await store.stopProjection(number, '{"why":"é"}');
    expect(await problem()).toBe('{"why":"é"}');
    await advance(step(number, at(3), at(4)));
    expect(await problem()).toBe('{"why":"é"}');
    await advance(step(number, null, at(0)));
    expect(await problem()).toBeNull();
  });
}

/** What rows hold is what was given. */
export function valueContract(bench: ProjectionBench): void {
  test('values of every sort come back as they were', async () => {
    const { store } = bench;
    const { dialect } = store;
    await make(store, 'one');
    const sorts = [
      'whole',
      'whole?',
      'real',
      'real?',
      'text',
      'text?',
      'bytes',
      'bytes?',
      'flag',
      'flag?',
    ] as const;
    const columns = sorts.map((sort, i) => column(dialect, `c${i}`, sort));
    const table = people(dialect, { columns, key: ['c0'], index: ['c3', 'c5'] });
    const info = await declare(store, 'one', [table]);
    const wholes = [0, 2 ** 53 - 1, 1 - 2 ** 53, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n];
    const reals = [-0, Infinity, -Infinity, 5e-324, Number.MAX_VALUE, 0.1];
    const texts = ['', 'é😀 "q" \\ \' {} \n\t', ' ', 'NULL', '\u2028\u{10ffff}', 'x'.repeat(100_000)];
    const byte = (...of: number[]) => new Uint8Array(of);
    const bytes = [
      byte(),
      byte(0),
      byte(0, 255, 92, 39),
      byte(92, 120),
      new Uint8Array(70_000).fill(7),
      byte(1),
    ];
    const flags = [true, false, true, false, true, false];
    const nulls = flags.map(() => null);
    const given = reals.map((value) => real(dialect, value));
    const cells = [wholes, nulls, given, given, texts, texts, bytes, bytes, flags, nulls];
    await store.advanceProjection(
      step(info.number, null, at(0), { role: 'people', removed: [], written: cells }),
    );
    const rows = (await rowsOf(store, info)).map((row) => row.map((v, i) => (i === 8 ? Number(v) : v)));
    const order = [4, 2, 0, 1, 5, 3];
    expect(rows).toEqual(
      order.map((i) => [
        ...[wholes[i], null, reals[i], reals[i], texts[i], texts[i], bytes[i], bytes[i]],
        ...[Number(flags[i]), null],
      ]),
    );
    for (const row of rows) expect(Object.getPrototypeOf(row[6])).toBe(Uint8Array.prototype);
    await store.advanceProjection(
      step(info.number, at(0), at(1), { role: 'people', removed: [wholes.slice(1)], written: [] }),
    );
    expect(await rowsOf(store, info)).toHaveLength(1);
  });

  test('columns may be arrays of any type', async () => {
    const { store } = bench;
    await make(store, 'one');
    const columns = ['a', 'b', 'c', 'd'].map((name) => column(store.dialect, name, 'whole'));
    const info = await declare(store, 'one', [people(store.dialect, { columns, key: ['a'], index: [] })]);
    const big = BigInt64Array.of(2n ** 60n, -1n);
    const lists = [big, Uint8Array.of(255, 0), Float32Array.of(3, 4), ['12', 13n]];
    const change = { role: 'people', removed: [], written: lists } as const;
    await store.advanceProjection(step(info.number, null, at(0), change));
    expect(await rowsOf(store, info)).toEqual([
      [-1, 0, 4, 13],
      [2n ** 60n, 255, 3, 12],
    ]);
    await store.advanceProjection(
      step(info.number, at(0), at(1), { ...change, removed: [big], written: [] }),
    );
    expect(await rowsOf(store, info)).toEqual([]);
  });
}
