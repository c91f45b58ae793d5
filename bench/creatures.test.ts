import { expect, test } from 'vitest';
import { BARE, configOf, creaturesWorld, PlainHerd } from './creatures.ts';

test('L3: the tables of the creatures are those of the same ticks over plain arrays', async () => {
  const { run } = await creaturesWorld(1500, BARE);
  const herd = new PlainHerd(run.world, configOf(1500));
  const { creatures, hungry, pregnant, cells } = run.world;
  for (const ticks of [0, 1, 1, 60, 60]) {
    herd.advance(ticks);
    await run.advance(ticks);
    expect(herd.all.size).toBe(creatures.size);
    expect(herd.all.ids.subarray(0, creatures.size)).toEqual(creatures.columns.id);
    for (const name of ['x', 'y', 'vx', 'vy', 'energy', 'age', 'cell'] as const)
      expect([name, herd[name].subarray(0, creatures.size)]).toEqual([name, creatures.columns[name]]);
    expect(herd.grass).toEqual(cells.columns.grass);
    expect(herd.hungry.ids.subarray(0, herd.hungry.size)).toEqual(hungry.columns.creature);
    expect(herd.pregnant.ids.subarray(0, herd.pregnant.size)).toEqual(pregnant.columns.creature);
    expect(herd.due.subarray(0, herd.pregnant.size)).toEqual(pregnant.columns.due);
  }
  const { columns } = await run.metrics();
  expect(columns.meanEnergy![run.tick]).toBe(herd.meanEnergy);
  expect(herd.tick).toBe(122);
  await run.close();
});
