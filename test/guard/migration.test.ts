import { describe, expect, test } from 'vitest';
import { defineSchema, defineWorld, event, singleton, t } from '../../src/index.ts';
import { memoryStore } from '../../src/log/memory-store.ts';
import { createRun } from '../../src/simulation/create-run.ts';
import { openRun } from '../../src/simulation/open-run.ts';
import { caught } from '../support/runs.ts';

const events = { added: event({ n: t.u32() }) };
const first = defineSchema({
  name: 'm',
  version: 1,
  config: { step: t.u32().default(1) },
  tables: { sum: singleton({ n: t.u32().default(0) }) },
  events,
});

/** The second version, whose migration does something in one of its functions. */
function second(where: 'tables' | 'events' | 'config', deed: () => unknown) {
  const change = (place: string) => (old: number) => {
    if (place === where) deed();
    return String(old);
  };
  return defineSchema({
    name: 'm',
    version: 2,
    config: { step: t.text().default('') },
    tables: { sum: singleton({ n: t.text().default('') }) },
    events: { added: event({ n: t.text() }) },
    migrations: {
      2: {
        config: { change: { step: change('config') } },
        tables: { sum: { change: { n: change('tables') } } },
        events: { added: { change: { n: change('events') } } },
      },
    },
  });
}

async function recorded(onClose: boolean) {
  const store = memoryStore();
  const world = defineWorld(first, {
    setup() {},
    apply: { added: (w, { n }) => w.sum.set({ n: w.sum.value.n + n }) },
    systems: [first.system('add', ({ emit }) => emit.added({ n: 2 }))],
  });
  const run = await createRun(world, { store, seed: 's', id: 'r', snapshots: onClose && {} });
  await run.advance(2);
  await run.close();
  return store;
}

function opened(schema: ReturnType<typeof second>) {
  const apply = {
    added: (w: { sum: { set(row: { n: string }): void } }, { n }: { n: string }) => w.sum.set({ n }),
  };
  return defineWorld(schema, { setup() {}, apply, systems: [] });
}

describe('functions of a migration', () => {
  // Tables are migrated where there is a snapshot, events where there is none.
  test.each([
    ['tables', true],
    ['events', false],
    ['config', false],
  ] as const)('L8: are refused what no log holds: %s', async (where, onClose) => {
    const deeds: [() => unknown, string][] = [
      [() => Math.random(), 'Math.random'],
      [() => void Promise.resolve(), 'a promise'],
    ];
    for (const [deed, source] of deeds) {
      const store = await recorded(onClose);
      const { code, facts } = await caught(() => openRun(opened(second(where, deed)), { store, id: 'r' }));
      expect([code, facts.source, facts.origin]).toEqual(['AMBIENT', source, 'migration']);
    }
    const store = await recorded(onClose);
    const run = await openRun(opened(second(where, () => {})), { store, id: 'r' });
    expect(run.world.sum.value.n).toBe(onClose ? '4' : '2');
    await run.close();
  });
});
