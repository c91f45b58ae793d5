import { describe, expect, test } from 'vitest';
import { hamlet, hamletSchema } from '../../test/support/hamlet.ts';
import { caught, codeOf, collect, framesOf, rowsOf } from '../../test/support/runs.ts';
import { tally, tallySchema } from '../../test/support/tally.ts';
import { memoryStore } from '../log/memory-store.ts';
import { createRun } from './create-run.ts';
import { openRun } from './open-run.ts';

const commit = { ticks: 4, ms: 1e9 };
const clocks = { wall: () => 0, steady: () => 0 };
const begin = (store = memoryStore()) => createRun(hamlet(), { store, seed: 's', id: 'r', commit, clocks });

describe('at', () => {
  test('L3: every tick so far, durable or not, is as it was', async () => {
    const run = await begin();
    const seen = [rowsOf(run.world)];
    for (let tick = 1; tick <= 10; tick++) {
      if (tick % 3 === 0) run.submit.joined({ name: `n${tick}` });
      await run.advance();
      seen.push(rowsOf(run.world));
    }
    expect([run.tick, run.durableTick]).toEqual([10, 9]);
    for (const [tick, rows] of seen.entries()) expect(rowsOf(await run.at(tick))).toEqual(rows);
    expect(rowsOf(run.world)).toEqual(seen[10]);
  });

  test('what it gives can not be written, and stays as it is', async () => {
    const run = await begin();
    await run.advance(3);
    const past = await run.at(2);
    const rows = rowsOf(past);
    await run.advance(3);
    expect(rowsOf(past)).toEqual(rows);
    expect('insert' in past.people || 'write' in past.people || 'set' in past.market).toBe(false);
  });

  test.each([-1, 4, 0.5, Number.NaN, '1' as never])('tick %s is NO_TICK', async (tick) => {
    const run = await begin();
    await run.advance(3);
    expect(await caught(() => run.at(tick))).toMatchObject({ code: 'NO_TICK', facts: { run: 'r', head: 3 } });
  });
});

describe('events', () => {
  test('L14: sequence numbers are gapless over all kinds, and the same from memory and from the store', async () => {
    const store = memoryStore();
    const run = await begin(store);
    run.submit.joined({ name: 'x' });
    run.submit.shouted({ what: { a: [1] } });
    await run.advance(10);
    const kinds = hamletSchema.compiled.kinds.map(({ name }) => name) as 'moved'[];
    const all = async () => (await Promise.all(kinds.map((kind) => collect(run.events(kind))))).flat();
    const before = await all();
    const seqs = before.map(({ seq }) => seq).sort((a, b) => a - b);
    expect(seqs).toEqual(seqs.map((_, i) => i));
    expect(seqs.length).toBeGreaterThan(100);
    const byTick = [...before].sort((a, b) => a.seq - b.seq).map(({ tick }) => tick);
    expect(byTick).toEqual([...byTick].sort((a, b) => a - b));
    await run.flush();
    expect(await all()).toEqual(before);
  });

  test('come in the order in which they were emitted, across kinds', async () => {
    const { system } = tallySchema;
    const world = tally({
      systems: [
        system('mixes', ({ emit }) => {
          emit.add({ n: 1 });
          emit.said({ n: 2 });
          emit.add.many({ n: [3, 4] });
          emit.said({ n: 5 });
          emit.add({ n: 6 });
        }),
      ],
    });
    const run = await createRun(world, { store: memoryStore(), seed: 's' });
    await run.advance(2);
    const both = [...(await collect(run.events('add'))), ...(await collect(run.events('said')))];
    expect(both.sort((a, b) => a.seq - b.seq).map(({ tick, n }) => [tick, n])).toEqual(
      [1, 2].flatMap((tick) => [1, 2, 3, 4, 5, 6].map((n) => [tick, n])),
    );
  });

  test('of a range of ticks, both ends included', async () => {
    const run = await begin();
    await run.advance(10);
    const all = await collect(run.events('moved'));
    for (const [from, to] of [
      [0, 10],
      [3, 5],
      [9, 10],
      [10, 10],
      [5, 3],
      [2, 99],
      [11, 12],
    ] as const)
      expect(await collect(run.events('moved', { from, to }))).toEqual(
        all.filter(({ tick }) => tick >= from && tick <= to),
      );
    expect(await collect(run.events('moved', { to: Infinity }))).toEqual(all);
    for (const range of [{ from: -1 }, { from: 0.5 }, { to: -1 }, { to: Number.NaN }])
      expect(await codeOf(() => run.events('moved', range))).toBe('BAD_USAGE');
    expect(await codeOf(() => collect(run.events('nothing' as never)))).toBe('BAD_USAGE');
  });

  test('while the run goes on: what was there when it was asked', async () => {
    const run = await begin();
    await run.advance(6);
    const seen: number[] = [];
    for await (const { tick } of run.events('sold')) {
      seen.push(tick);
      if (seen.length % 3 === 0) await run.advance();
    }
    expect(new Set(seen)).toEqual(new Set([1, 2, 3, 4, 5, 6]));
    expect(seen).toHaveLength(18);
  });
});

describe('metrics', () => {
  const ticks = (n: number) => Float64Array.from({ length: n }, (_, i) => i);

  test('are recorded each tick and read back as columns, after a reopening too', async () => {
    const store = memoryStore();
    const run = await begin(store);
    const ill = [run.world.people.count({ health: 'ill' })];
    for (let i = 0; i < 6; i++) {
      await run.advance();
      ill.push(run.world.people.count({ health: 'ill' }));
    }
    const frame = await run.metrics();
    expect(frame.size).toBe(7);
    expect(Object.keys(frame.columns)).toEqual(['tick', 'ill', 'price']);
    expect(frame.columns.tick).toEqual(ticks(7));
    expect(frame.columns.ill).toEqual(Float64Array.from(ill));
    expect(frame.columns.price[6]).toBe(run.world.market.value.price);
    await run.close();
    const again = await openRun(hamlet(), { store, id: 'r' });
    expect(await again.metrics()).toEqual(frame);
    await again.advance(2);
    expect((await again.metrics()).columns.ill.slice(0, 7)).toEqual(frame.columns.ill);
    expect((await again.metrics()).size).toBe(9);
  });

  test('change their names with the code that reads them: NaN where a tick did not record one', async () => {
    const store = memoryStore();
    const options = { store, seed: 's', id: 'r' };
    const first = await createRun(tally({ metrics: { a: () => 1, b: () => 2 } }), options);
    await first.close();
    const second = await openRun(tally({ metrics: { b: () => 3, c: () => 4 } }), { store, id: 'r' });
    await second.advance(2);
    await second.close();
    const third = await openRun(tally(), { store, id: 'r' });
    await third.advance();
    await third.close();
    const fourth = await openRun(tally({ metrics: { a: () => 5 } }), { store, id: 'r' });
    await fourth.advance();
    const { NaN: no } = Number;
    expect((await fourth.metrics()).columns).toEqual({
      tick: ticks(5),
      a: Float64Array.of(1, no, no, no, 5),
      b: Float64Array.of(2, 3, 3, no, no),
      c: Float64Array.of(no, 4, 4, no, no),
    });
  });

  test('L9: are outside the hashes', async () => {
    const hashes = async (metrics: Parameters<typeof tally>[0]) => {
      const store = memoryStore();
      const run = await createRun(tally(metrics), { store, seed: 's', id: 'r', clocks });
      await run.advance(3);
      await run.close();
      return (await framesOf(store, 'r')).map(({ hash }) => hash);
    };
    expect(await hashes({ metrics: { a: (w) => w.total.value.n + 0.5 } })).toEqual(await hashes({}));
  });

  test('have any names, and any numbers', async () => {
    const names = ['__proto__', 'constructor', 'toString', 'size', '2', 'Ω'];
    const values = [Number.NaN, Infinity, -0, 5e-324, 2 ** 53, -1.5];
    const metrics = Object.fromEntries(names.map((name, i) => [name, () => values[i]!]));
    const run = await createRun(tally({ metrics }), { store: memoryStore(), seed: 's' });
    await run.advance();
    const { columns } = await run.metrics();
    for (const [i, name] of names.entries())
      expect(Object.getOwnPropertyDescriptor(columns, name)!.value).toEqual(
        Float64Array.of(values[i]!, values[i]!),
      );
    expect(({} as { [tick: number]: unknown })[1]).toBeUndefined();
  });

  test('that give no number fail the tick by name', async () => {
    const run = await createRun(tally({ metrics: { odd: (_, { tick }) => (tick > 1 ? 1n : 1) as number } }), {
      store: memoryStore(),
      seed: 's',
    });
    expect(await caught(() => run.advance(2))).toMatchObject({
      code: 'TICK_FAILED',
      facts: { tick: 2, metric: 'odd', reason: 'BAD_VALUE' },
    });
  });
});
