/** Snapshot files of runs, through the public entries. */
import { afterAll, describe, expect, it } from 'vitest';
import { createRun, defineSchema, defineWorld, event, memoryStore, t, table } from 'worldfold';
import { loadSnapshot, saveSnapshot } from 'worldfold/files';
import { place } from './support/snapshot-files.ts';

const folder = place();
afterAll(folder.remove);
const path = folder.at('town.wfs');

describe('a run', () => {
  const town = defineSchema({
    name: 'town',
    version: 1,
    tables: { people: table({ id: t.id(), n: t.u32() }, { index: ['n'] }) },
    events: { counted: event({ person: t.ref('people') }) },
  });
  const world = defineWorld(town, {
    setup: ({ insert }) => void insert.people.many({ n: new Uint32Array(100) }),
    systems: [
      town.system('count', ({ emit, rng }) => void emit.counted({ person: rng('a').int(1, 100) as never })),
    ],
    apply: {
      counted: (w, { person }) => w.people.update(person, { n: w.people.need(person).n + 1 }),
    },
  });

  it('L4: is saved live and as it was, with the hashes that it recorded', async () => {
    const run = await createRun(world, { store: memoryStore(), seed: 's' });
    const { stateHash: early } = await run.advance(3);
    const { stateHash: late } = await run.advance(4);
    await saveSnapshot(run.world, path, { tick: run.tick });
    await saveSnapshot(await run.at(3), folder.at('three.npz'), { tick: 3 });
    expect((await loadSnapshot(path, { schema: town })).stateHash).toBe(late);
    const past = await loadSnapshot(folder.at('three.npz'), { schema: town });
    expect([past.stateHash, past.tick, past.format]).toEqual([early, 3, 'npz']);
    const most = Math.max(...past.world.people.columns.n);
    expect(past.world.people.by.n(most).size).toBe(past.world.people.count({ n: most }));
    await run.close();
  });

  it('L9: saving changes nothing', async () => {
    const run = async (save: boolean) => {
      const live = await createRun(world, { store: memoryStore(), seed: 's' });
      for (let tick = 1; tick <= 5; tick++) {
        await live.advance(1);
        if (save) await saveSnapshot(live.world, path, { compress: tick % 2 === 0, durability: 'process' });
      }
      return (await live.advance(0)).stateHash;
    };
    expect(await run(true)).toBe(await run(false));
  });
});
