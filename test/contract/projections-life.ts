/** The contract of the projections port: from the first step to the sweep; a part of `projections.ts`. */
import { expect, test } from 'vitest';
import type { ProjectionInfo, ProjectionStep, RowChanges } from '../../src/log/projection-store.ts';
import type { LogRecord } from '../../src/log/store.ts';
import { readAll } from './log-store.ts';
import {
  ask,
  at,
  declare,
  infoOf,
  make,
  now,
  type ProjectionBench,
  people,
  quoted,
  records,
  removed,
  rowsIn,
  rowsOf,
  step,
  sweepAll,
  written,
} from './projections-bench.ts';
import { expectAt } from './projections-expect.ts';
import { chain, newRun, outcome } from './records.ts';

/** The sentences of `ProjectionStore.appendWith`. */
export function appendContract(bench: ProjectionBench): void {
  const begin = async () => {
    await make(bench.store, 'one');
    return declare(bench.store, 'one');
  };
  /** Steps of one tick each that write a row of the tick. */
  const stepsTo = ({ number }: ProjectionInfo, from: number, to: number): ProjectionStep[] =>
    Array.from({ length: to - from + 1 }, (_, i) => from + i).map((tick) =>
      step(number, tick === 0 ? null : at(tick - 1), at(tick), written([tick, `tick ${tick}`])),
    );
  const rowsTo = (to: number) => Array.from({ length: to + 1 }, (_, i) => [i, `tick ${i}`, null]);
  const append = (
    from: number,
    to: number,
    steps: readonly ProjectionStep[],
    more: Partial<{ epoch: number }> = {},
  ) => bench.store.appendWith('one-segment', more.epoch ?? 1, from, records.slice(from, to + 1), steps);
  const expectHead = async (tick: number) => {
    const own = await readAll(bench.store, 'one-segment');
    expect(own.map((record: LogRecord) => record.tick)).toEqual(
      Array.from({ length: tick + 1 }, (_, i) => i),
    );
    expect((await bench.store.head('one'))!.segment.head).toEqual({ tick, hash: records[tick]!.hash });
  };

  test('records and steps are kept together, and the head is returned', async () => {
    const info = await begin();
    const head = await append(1, 4, stepsTo(info, 0, 4));
    expect(head).toEqual({ tick: 4, hash: records[4]!.hash });
    await expectHead(4);
    await expectAt(bench.store, info, at(4), rowsTo(4));
    expect((await append(5, 6, [])).tick).toBe(6);
    await expectAt(bench.store, info, at(4), rowsTo(4));
    expect((await append(7, 6, stepsTo(info, 5, 6))).tick).toBe(6);
    await expectAt(bench.store, info, at(6), rowsTo(6));
  });

  test('one step may be of many ticks, and clears the problem', async () => {
    const info = await begin();
    await bench.store.stopProjection(info.number, '{}');
    await append(1, 9, [step(info.number, null, at(9), written([1, 'all']), removed(2))]);
    await expectAt(bench.store, info, at(9), [[1, 'all', null]]);
    expect((await infoOf(bench.store, info.number))!.problem).toBeNull();
  });

  test('a call that is made again passes over what is there', async () => {
    const info = await begin();
    let taken = 0;
    const counted = stepsTo(info, 0, 4).map((one) => ({
      ...one,
      changes: {
        *[Symbol.iterator]() {
          taken++;
          yield* one.changes;
        },
      },
    }));
    await append(1, 4, counted);
    const first = taken;
    expect(first).toBeGreaterThanOrEqual(counted.length);
    expect((await append(1, 4, counted)).tick).toBe(4);
    expect(taken).toBe(first);
    await expectAt(bench.store, info, at(4), rowsTo(4));
    expect((await append(3, 6, [...counted.slice(2), ...stepsTo(info, 5, 6)])).tick).toBe(6);
    await expectHead(6);
    await expectAt(bench.store, info, at(6), rowsTo(6));
  });

  test('steps that are ahead of the records are taken all the same, and those behind as well', async () => {
    const info = await begin();
    await append(1, 3, []);
    await append(1, 3, stepsTo(info, 0, 2));
    await expectAt(bench.store, info, at(2), rowsTo(2));
    await append(4, 5, stepsTo(info, 0, 5));
    await expectHead(5);
    await expectAt(bench.store, info, at(5), rowsTo(5));
  });

  test('every refusal of an append stays what it is, and keeps no row', async () => {
    const { store } = bench;
    const info = await begin();
    await append(1, 2, stepsTo(info, 0, 2));
    const others = chain('b', 9);
    const refusals: [Parameters<typeof store.append>, string][] = [
      [['none', 1, 3, records.slice(3, 5)], 'UNKNOWN_RUN'],
      [['one-segment', 2, 3, records.slice(3, 5)], 'WRITER_REPLACED'],
      [['one-segment', 1, 4, records.slice(4, 6)], 'GAP'],
      [['one-segment', 1, 3, [records[3]!, records[5]!]], 'GAP'],
      [['one-segment', 1, 3, others.slice(3, 5)], 'DIVERGED'],
      [['one-segment', 1, 2, others.slice(2, 5)], 'DIVERGED'],
      [['one-segment', 1, -1, []], 'BAD_USAGE'],
      [['one-segment', 1, 3, [{ ...records[3]!, hash: new Uint8Array(3) }]], 'BAD_USAGE'],
    ];
    const { changes } = step(0, null, at(0), written([9, 'no']));
    const moved = step(info.number, at(7), at(8), written([9, 'no']));
    for (const [given, code] of refusals)
      for (const steps of [[{ ...step(info.number, at(2), at(4)), changes }], [moved]]) {
        expect(await outcome(() => store.appendWith(...given, steps)), code).toMatchObject({ code });
        await expectHead(2);
        await expectAt(store, info, at(2), rowsTo(2));
      }
    await store.remove('one', true);
    const late = append(3, 4, stepsTo(info, 3, 4));
    expect(await outcome(() => late)).toEqual({ code: 'WRITER_REPLACED' });
  });

  test('where the projection moved it is PROJECTION_MOVED, and no record is kept', async () => {
    const { store } = bench;
    const info = await begin();
    await append(1, 3, stepsTo(info, 0, 2));
    const wrong: ProjectionStep[][] = [
      [step(info.number, null, at(4), written([9, 'no']))],
      [step(info.number, at(3), at(4), written([9, 'no']))],
      [step(info.number, at(2, { sequence: 21 }), at(4), written([9, 'no']))],
      [step(info.number, at(2, { hash: records[3]!.hash }), at(4), written([9, 'no']))],
      stepsTo(info, 4, 5),
      [...stepsTo(info, 1, 1), ...stepsTo(info, 4, 4)].map((one, i) =>
        i === 0 ? { ...one, to: at(2, { sequence: 99 }) } : { ...one, from: at(2, { sequence: 99 }) },
      ),
      [step(info.number + 1000, null, at(4), written([9, 'no']))],
    ];
    for (const steps of wrong) {
      const e = await append(4, 5, steps).catch((caught: unknown) => caught);
      expect(e).toMatchObject({ code: 'PROJECTION_MOVED' });
      await expectHead(3);
      await expectAt(store, info, at(2), rowsTo(2));
    }
    await store.retireProjection(info.number);
    for (const steps of [stepsTo(info, 3, 4), stepsTo(info, 0, 2)]) {
      const retired = append(4, 5, steps);
      expect(await outcome(() => retired)).toEqual({ code: 'PROJECTION_MOVED' });
    }
    await expectHead(3);
    expect((await append(4, 5, [])).tick).toBe(5);
  });

  test('a step that breaks off, or holds what the database refuses, keeps no record', async () => {
    const { store } = bench;
    const info = await begin();
    await append(1, 2, stepsTo(info, 0, 2));
    const thrown = new RangeError('mine');
    const breaking: Iterable<RowChanges> = {
      *[Symbol.iterator]() {
        yield written([9, 'no']);
        throw thrown;
      },
    };
    const bad = { ...step(info.number, at(3), at(4)), changes: breaking };
    const e = (await append(3, 5, [...stepsTo(info, 3, 3), bad]).catch((caught: unknown) => caught)) as Error;
    expect([e, e.cause]).toContain(thrown);
    const refused = append(3, 5, [
      ...stepsTo(info, 3, 3),
      step(info.number, at(3), at(4), { ...written(), written: [[9], [null], [1]] }),
    ]);
    expect(await outcome(() => refused)).toEqual({ code: 'STORE_FAILED' });
    await expectHead(2);
    await expectAt(store, info, at(2), rowsTo(2));
    expect((await append(3, 5, stepsTo(info, 3, 5))).tick).toBe(5);
    await expectAt(store, info, at(5), rowsTo(5));
  });

  test('steps that do not follow each other, or are of two projections, are BAD_USAGE', async () => {
    const { store } = bench;
    const info = await begin();
    const other = await declare(store, 'one');
    for (const steps of [
      [...stepsTo(info, 0, 1), ...stepsTo(info, 3, 3)],
      [...stepsTo(info, 0, 1), ...stepsTo(other, 2, 2)],
      [...stepsTo(info, 0, 1), step(info.number, at(1, { sequence: 1 }), at(2))],
    ]) {
      const refused = append(1, 3, steps);
      expect(await outcome(() => refused)).toEqual({ code: 'BAD_USAGE' });
    }
    await expectHead(0);
    await expectAt(store, info, null, []);
  });
}

/** Switching, stopping and retiring. */
export function lifeContract(bench: ProjectionBench): void {
  const begin = async (run: string, name: string) => {
    const info = await declare(bench.store, run);
    await bench.store.advanceProjection(step(info.number, null, at(0), written([1, name])));
    return info;
  };
  const shown = async () => (await rowsIn(bench.store, 'people')).map(([run, , name]) => [run, name]);

  test('a switch shows one projection of the run in place of all others, which are retired', async () => {
    const { store } = bench;
    for (const run of ['one', 'two']) await make(store, run);
    const [a, b, c] = [await begin('one', 'a'), await begin('one', 'b'), await begin('one', 'c')];
    const other = await begin('two', 'x');
    expect(await shown()).toEqual([]);
    expect(await store.switchProjection(b.number)).toBe(true);
    expect(await shown()).toEqual([['one', 'b']]);
    expect((await store.projections(null)).map(({ number, current }) => [number, current])).toEqual([
      [b.number, true],
      [other.number, false],
    ]);
    expect(await store.switchProjection(b.number)).toBe(true);
    expect(await store.switchProjection(other.number)).toBe(true);
    expect(await shown()).toEqual([
      ['one', 'b'],
      ['two', 'x'],
    ]);
    for (const gone of [a.number, c.number, 12_345]) {
      expect(await store.switchProjection(gone)).toBe(false);
      expect(await shown()).toHaveLength(2);
    }
    const next = await begin('one', 'd');
    expect(await shown()).toHaveLength(2);
    expect(await store.advanceProjection(step(b.number, at(0), at(1), written([1, 'b2'])))).toBe(true);
    expect((await shown())[0]).toEqual(['one', 'b2']);
    expect(await store.switchProjection(next.number)).toBe(true);
    expect((await shown())[0]).toEqual(['one', 'd']);
    expect(await store.advanceProjection(step(b.number, at(1), at(2)))).toBe(false);
  });

  test('a problem is kept beside the checkpoint', async () => {
    const { store } = bench;
    await make(store, 'one');
    const info = await begin('one', 'a');
    await store.switchProjection(info.number);
    await store.stopProjection(info.number, '{"tick":3}');
    await store.stopProjection(info.number, '{"tick":4}');
    const [found] = await store.projections('one');
    expect({ ...found, checkpoint: null }).toEqual({ ...info, current: true, problem: '{"tick":4}' });
    await expectAt(store, info, at(0), [[1, 'a', null]]);
    expect(await shown()).toHaveLength(1);
    expect(await outcome(() => store.stopProjection(info.number, 'a\0'))).toEqual({ code: 'BAD_USAGE' });
    await store.stopProjection(12_345, '{}');
    expect(await store.projections(null)).toHaveLength(1);
  });

  test('what is retired is shown and listed no more, and its rows are left to the sweep', async () => {
    const { store } = bench;
    await make(store, 'one');
    const info = await begin('one', 'a');
    await store.switchProjection(info.number);
    const kept = await declare(store, 'one');
    await store.retireProjection(info.number);
    expect(await shown()).toEqual([]);
    expect(await store.projections(null)).toEqual([kept]);
    expect(await rowsOf(store, info)).toHaveLength(1);
    expect(await store.switchProjection(info.number)).toBe(false);
    await store.retireProjection(info.number);
    await store.retireProjection(12_345);
    expect(await store.projections(null)).toEqual([kept]);
  });

  test('removing a run takes its projections along: a run of that id begins without one', async () => {
    const { store } = bench;
    for (const run of ['one', 'two']) await make(store, run);
    const [gone, kept] = [await begin('one', 'a'), await begin('two', 'x')];
    for (const { number } of [gone, kept]) await store.switchProjection(number);
    await store.remove('one', true);
    await store.create(newRun('one', records[0]!, { segment: 'another' }));
    expect(await shown()).toEqual([['two', 'x']]);
    expect(await store.projections('one')).toEqual([]);
    expect(await store.switchProjection(gone.number)).toBe(false);
    expect(await store.advanceProjection(step(gone.number, at(0), at(1), written([2, 'b'])))).toBe(false);
    await store.collect(Infinity);
    const again = await begin('one', 'again');
    expect(await store.switchProjection(again.number)).toBe(true);
    expect(await sweepAll(store, Infinity)).toEqual([2]);
    expect(await shown()).toEqual([
      ['one', 'again'],
      ['two', 'x'],
    ]);
  });
}

/** The sentences of `ProjectionStore.sweepProjections`. */
export function sweepContract(bench: ProjectionBench): void {
  const tables = () => [people(bench.store.dialect), now(bench.store.dialect)];
  const fill = async (run: string, count: number, of = tables()) => {
    const info = await declare(bench.store, run, of);
    const ids = Array.from({ length: count }, (_, i) => i);
    const day: RowChanges = { role: 'now', removed: [], written: [[1], [null]] };
    const all: RowChanges = { role: 'people', removed: [], written: [ids, ids.map(String), ids] };
    await bench.store.advanceProjection(step(info.number, null, at(0), all, day));
    await bench.store.switchProjection(info.number);
    return info;
  };
  const isThere = async (name: string): Promise<boolean> =>
    'value' in ((await outcome(() => ask(bench.store, `select 1 from ${quoted(name)}`))) as object);

  test('where nothing is to be deleted it is 0', async () => {
    const { store } = bench;
    expect(await store.sweepProjections(1)).toBe(0);
    await make(store, 'one');
    const info = await fill('one', 20);
    const building = await declare(store, 'one');
    expect(await store.sweepProjections(Infinity)).toBe(0);
    expect(await rowsOf(store, info)).toHaveLength(20);
    expect(await store.projections(null)).toHaveLength(2);
    await store.retireProjection(building.number);
    expect(await sweepAll(store, 100)).toEqual([1]);
    expect(await rowsOf(store, info)).toHaveLength(20);
  });

  test('rows go, then projections, then tables and views that no projection is left of', async () => {
    const { store } = bench;
    for (const run of ['one', 'two']) await make(store, run);
    const [gone, kept] = [await fill('one', 20), await fill('two', 15)];
    const alone = await fill('one', 7, [people(store.dialect, { identity: 'alone' }), now(store.dialect)]);
    expect(await store.projections('one')).toEqual([await infoOf(store, alone.number)]);
    expect(await store.sweepProjections(Infinity)).toBe(20 + 1 + 1);
    expect(await rowsOf(store, gone)).toEqual([]);
    await store.retireProjection(alone.number);
    expect(await store.sweepProjections(Infinity)).toBe(7 + 1 + 1 + 1);
    for (const name of Object.values(alone.tables[0]!).slice(1)) expect(await isThere(name)).toBe(false);
    for (const { view, rows } of kept.tables)
      for (const name of [view, rows]) expect(await isThere(name)).toBe(true);
    expect(await rowsIn(store, 'people')).toHaveLength(15);
    expect(await rowsIn(store, 'now')).toEqual([['two', 1, null]]);
    await store.retireProjection(kept.number);
    expect(await store.sweepProjections(Infinity)).toBe(15 + 1 + 1 + 2);
    for (const { view, rows } of kept.tables)
      for (const name of [view, rows]) expect(await isThere(name)).toBe(false);
    const again = await fill('two', 3);
    expect(again.tables.map(({ view }) => view)).toEqual(['people', 'now']);
    expect(again.number).toBeGreaterThan(alone.number);
    expect(await rowsIn(store, 'people')).toHaveLength(3);
    expect(await store.sweepProjections(1)).toBe(0);
  });

  test.each([1, 2, 7, 10.9, 1000])('in steps of %d it comes to the same end', async (limit) => {
    const { store } = bench;
    for (const run of ['one', 'two', 'three']) await make(store, run);
    const kept = await fill('one', 12);
    const [gone, retired] = [await fill('two', 30), await fill('three', 25)];
    const building = await declare(store, 'one', [people(store.dialect, { wanted: 'b', identity: 'b' })]);
    await store.advanceProjection(step(building.number, null, at(0), written([1, 'a'], [2, 'b'])));
    await store.remove('two', true);
    for (const { number } of [retired, building]) await store.retireProjection(number);
    const counts = await sweepAll(store, limit);
    const things = 30 + 1 + 1 + 25 + 1 + 1 + 2 + 1 + 1;
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(things);
    for (const count of counts) expect(count).toBeLessThan(limit + 10);
    if (limit < 10) expect(counts.length).toBeGreaterThan(things / (limit + 10));
    for (const info of [gone, retired]) expect(await rowsOf(store, info)).toEqual([]);
    expect(await isThere('b')).toBe(false);
    expect(await rowsOf(store, kept)).toHaveLength(12);
    expect(await rowsOf(store, kept, 1)).toHaveLength(1);
    expect((await store.projections(null)).map(({ number }) => number)).toEqual([kept.number]);
    expect(await rowsIn(store, 'people')).toHaveLength(12);
  });

  test('what lives goes on between the steps of a sweep', async () => {
    const { store } = bench;
    await make(store, 'one');
    const old = await fill('one', 40);
    const info = await declare(store, 'one', tables());
    await store.advanceProjection(step(info.number, null, at(0), written([1, 'a'])));
    await store.switchProjection(info.number);
    for (let tick = 1; (await store.sweepProjections(3)) > 0; tick++) {
      await store.advanceProjection(
        step(info.number, at(tick - 1), at(tick), written([tick, 'b']), removed(0)),
      );
      expect(await rowsIn(store, 'people')).toHaveLength(tick);
      await store.retireProjection((await declare(store, 'one', tables())).number);
      if (tick > 20) await store.sweepProjections(Infinity);
    }
    expect(await rowsOf(store, old)).toEqual([]);
    expect(await store.projections(null)).toHaveLength(1);
  });

  test('a limit below 1 is BAD_USAGE', async () => {
    for (const limit of [0, -1, 0.5, Number.NaN])
      expect(await outcome(() => bench.store.sweepProjections(limit))).toEqual({ code: 'BAD_USAGE' });
  });
}
