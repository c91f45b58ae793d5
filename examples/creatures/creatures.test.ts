import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRun, memoryStore, openRun, replay } from 'worldfold';
import { cellAt, sideOf, wrapped } from './field.ts';
import creatures from './world.ts';

const SMALL = { population: 2000 };

const start = (config: { [key: string]: number } = {}, seed = 'alpha', store = memoryStore()) =>
  createRun(creatures, { store, seed, id: 'run', config: { ...SMALL, ...config } });

const sum = (of: Float64Array): number => of.reduce((a, b) => a + b, 0);

describe('the field', () => {
  test('every cell has as many creatures as the config says, or a few less', () => {
    expect(sideOf({ population: 1_000_000, perCell: 4 })).toBe(500);
    expect(sideOf({ population: 2000, perCell: 4 })).toBe(23);
    expect(sideOf({ population: 1, perCell: 4 })).toBe(1);
  });

  test('whatever leaves it comes in on the other side, and is in a cell', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 700 }),
        fc.double({ min: -9, max: 9, noNaN: true }),
        (side, part) => {
          const at = wrapped(part * side, side);
          expect(at).toBe(Math.fround(at));
          expect(at >= 0 && at < side).toBe(true);
          expect(cellAt(at, at, side)).toBeLessThanOrEqual(side * side);
          const turns = (part * side - at) / side;
          expect(Math.abs(turns - Math.round(turns))).toBeLessThan(1e-6);
        },
      ),
      {
        examples: [
          [500, -1e-12],
          [500, 1],
          [1, -0],
          [3, 1 - 1e-9],
          [1, 1.9999999403953552],
        ],
      },
    );
  });
});

describe('the creatures', () => {
  test('are born and die in number, and stay about as many', async () => {
    const run = await start();
    await run.advance(300);
    const { columns, size } = await run.metrics();
    expect(size).toBe(301);
    expect(columns.population[0]).toBe(2000);
    expect(Math.min(...columns.population)).toBeGreaterThan(1500);
    expect(Math.max(...columns.population)).toBeLessThan(2500);
    expect(sum(columns.births)).toBeGreaterThan(300 * 10);
    expect(sum(columns.deaths)).toBeGreaterThan(300 * 10);
    for (let i = 1; i < size; i++)
      expect(columns.population[i]! - columns.population[i - 1]!).toBe(
        columns.births[i]! - columns.deaths[i]!,
      );
    await run.close();
  });

  test('die out, and the run ends, where no grass grows', async () => {
    const run = await start({ regrowth: 0, population: 200 });
    const { ended, tick } = await run.advance(500);
    expect(ended).toBe(true);
    expect(tick).toBeLessThan(400);
    expect(run.world.creatures.size + run.world.hungry.size + run.world.pregnant.size).toBe(0);
    expect((await run.metrics()).columns.meanEnergy[tick]).toBe(0);
    await run.close();
  });

  test('eat no more than there was and grew', async () => {
    const run = await start({ regrowth: 0 });
    const before = [...run.world.cells.columns.grass];
    run.submit.rained({ grass: 0.25 });
    await run.advance(1);
    const { grass } = run.world.cells.columns;
    expect(before.every((was, i) => grass[i]! <= Math.fround(was + 0.25) && grass[i]! <= 1)).toBe(true);
    expect(before.some((was, i) => grass[i]! > was)).toBe(true);
    expect(before.some((was, i) => grass[i]! < was)).toBe(true);
    expect(Math.min(...grass)).toBeGreaterThanOrEqual(0);
    await run.close();
  });

  test('are on the field, in the cell of their place, no faster than they may be', async () => {
    const run = await start();
    await run.advance(100);
    const side = sideOf({ ...SMALL, perCell: 4 });
    for (const { x, y, vx, vy, cell } of run.world.creatures) {
      expect(cell).toBe(cellAt(x, y, side));
      expect(run.world.cells.row(cell)).toBe(cell - 1);
      expect(vx * vx + vy * vy).toBeLessThan(0.25 ** 2 + 1e-6);
    }
    await run.close();
  });
});

describe('presence tables', () => {
  test('hungry holds whoever fell below the one energy and has not risen above the other', async () => {
    const run = await start();
    const isHungry = new Set(run.world.hungry.columns.creature);
    for (let tick = 1; tick <= 60; tick++) {
      await run.advance(1);
      for (const { id, energy } of run.world.creatures) {
        if (energy < Math.fround(0.2)) isHungry.add(id);
        else if (energy > 0.8) isHungry.delete(id);
      }
      for (const id of isHungry) if (!run.world.creatures.has(id)) isHungry.delete(id);
      expect([...run.world.hungry.columns.creature].sort()).toEqual([...isHungry].sort());
    }
    await run.close();
  });

  test('who conceives had eaten its fill in the same tick, and gives birth when it is due or dies before', async () => {
    const run = await start();
    await run.advance(80);
    const due = new Map<number, number>();
    const at0 = await run.at(0);
    for (const { creature, due: when } of at0.pregnant) due.set(creature, when);
    const sated = new Set<string>();
    for await (const { tick, creature } of run.events('sated')) sated.add(`${tick} ${creature}`);
    const conceived = new Map<number, { tick: number; creature: number }[]>();
    for await (const one of run.events('conceived')) {
      expect(sated).toContain(`${one.tick} ${one.creature}`);
      conceived.set(one.tick, [...(conceived.get(one.tick) ?? []), one]);
    }
    const starved = new Map<number, number>();
    for await (const { tick, creature } of run.events('starved')) starved.set(creature, tick);
    let births = 0;
    let last = 0;
    for await (const { tick, mother, child } of run.events('born')) {
      for (; last < tick; last++)
        for (const { creature } of conceived.get(last) ?? []) due.set(creature, last + 12);
      expect(due.get(mother)).toBe(tick);
      due.delete(mother);
      expect(child).toBe(2000 + ++births);
    }
    expect(births).toBeGreaterThan(1000);
    const missed = [...due].filter(([id, when]) => when <= 80 && !((starved.get(id) ?? 99) <= when));
    expect(missed).toEqual([]);
    await run.close();
  });
});

describe('the log', () => {
  test('L3: replaying it gives the recorded hash, and another seed another one', async () => {
    const store = memoryStore();
    const run = await start({}, 'alpha', store);
    const { stateHash } = await run.advance(40);
    await run.close();
    const again = await replay(creatures, { store, id: 'run' });
    expect(again).toMatchObject({ tick: 40, stateHash, recordedHash: stateHash, compared: 41 });
    const other = await start({}, 'beta');
    expect((await other.advance(40)).stateHash).not.toBe(stateHash);
    await other.close();
  });

  test('L11: a run that is opened again goes on as one that was never closed', async () => {
    const store = memoryStore();
    const run = await start({}, 'alpha', store);
    await run.advance(23);
    await run.close();
    const opened = await openRun(creatures, { store, id: 'run' });
    expect(opened.tick).toBe(23);
    const resumed = await opened.advance(27);
    const { columns } = await opened.metrics();
    await opened.close();
    const whole = await start();
    expect(await whole.advance(50)).toEqual({ ...resumed, durableTick: expect.any(Number) });
    expect(columns).toEqual((await whole.metrics()).columns);
    await whole.close();
  });

  test('L15: a seed gives the same creatures on every machine', async () => {
    const run = await start();
    const hashes: string[] = [];
    for (const ticks of [1, 19, 80]) hashes.push((await run.advance(ticks)).stateHash);
    expect(hashes).toEqual([
      'd5e2efa3950b136ec3fc7cdb26f640af',
      '8154b814f15e97ebebfc868af9ca9da2',
      '190ce01775461985fd893655d86905d6',
    ]);
    const { columns } = await run.metrics();
    expect([1, 20, 100].map((tick) => columns.population[tick])).toEqual([2006, 2111, 2075]);
    expect([1, 20, 100].map((tick) => columns.hungry[tick])).toEqual([529, 730, 896]);
    await run.close();
  });

  test('of a tick is small: what is arithmetic is computed anew, and founders are drawn', async () => {
    const run = await start();
    await run.advance(30);
    const count = async (kind: 'founded' | 'moved' | 'grazed') => {
      let events = 0;
      for await (const _ of run.events(kind)) events++;
      return events;
    };
    expect([await count('founded'), await count('moved'), await count('grazed')]).toEqual([1, 30, 30]);
    await run.close();
  });
});
