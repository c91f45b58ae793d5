/**
 * A world with one function of every sort, each of which first calls `plant` with the name of its place: for
 * tests of what may not be used inside a tick.
 */
import { defineSchema, event, singleton, t, table } from '../../src/index.ts';
import { defineWorld } from '../../src/simulation/define-world.ts';

/** The functions of the world by name, each with the place that an error in it names. */
export const PLACES = {
  setup: { tick: 0, origin: 'setup' },
  'a condition': { tick: 1, origin: 'waits' },
  'a system': { tick: 1, origin: 'plain' },
  'a derived value': { tick: 1, origin: 'derives' },
  'a system with effects at once': { tick: 1, origin: 'now' },
  'a handler inside a system': { tick: 1, origin: 'now', kind: 'hit', event: 1 },
  'a handler of rows': { tick: 1, origin: 'plain', kind: 'added', event: 0 },
  'a handler of batches': { tick: 1, origin: 'plain', kind: 'counted', event: 0 },
  'a handler of inputs': { tick: 1, origin: 'inputs', kind: 'poked', event: 0 },
  'an invariant': { tick: 1, invariant: 'holds' },
  'a metric': { tick: 1, metric: 'size' },
  'an end': { tick: 1, origin: 'until' },
} as const;

/** A function of the world. */
export type Place = keyof typeof PLACES;

/** Those that a fold calls again. */
export const FOLDED = (Object.keys(PLACES) as Place[]).filter((place) => 'kind' in PLACES[place]);

const schema = defineSchema({
  name: 'planted',
  version: 1,
  tables: { items: table({ id: t.id(), n: t.u32() }), sum: singleton({ n: t.u32().default(0) }) },
  events: {
    added: event({ n: t.u32() }),
    counted: event({ n: t.u32() }),
    hit: event({ n: t.u32() }),
  },
  inputs: { poked: event({ n: t.u32() }) },
});

/** The world; `plant` runs in every function of it, outside of ticks never. */
export function planted(plant: (place: Place) => void) {
  const total = schema.derive(['items'], ({ items }) => {
    plant('a derived value');
    return items.size;
  });
  const when = (): boolean => {
    plant('a condition');
    return true;
  };
  const add = (world: { sum: { value: { n: number }; set(row: { n: number }): void } }, n: number): void =>
    world.sum.set({ n: world.sum.value.n + n });
  return defineWorld(schema, {
    setup({ insert }) {
      insert.items({ n: 1 });
      plant('setup');
    },
    systems: [
      schema.system('waits', { when }, () => {}),
      schema.system('plain', ({ emit, tick }) => {
        emit.added({ n: tick });
        emit.counted({ n: tick });
        plant('a system');
      }),
      schema.system('derives', ({ get }) => void get(total)),
      schema.system('now', { effects: 'at-once' }, ({ emit }) => {
        emit.hit({ n: 0 });
        emit.hit({ n: 1 });
        plant('a system with effects at once');
      }),
    ],
    apply: {
      added: (world, { n }) => {
        add(world, n);
        plant('a handler of rows');
      },
      counted: {
        batch(world, { size }) {
          add(world, size);
          plant('a handler of batches');
        },
      },
      hit: (world, { n }) => {
        add(world, n);
        if (n === 1) plant('a handler inside a system');
      },
      poked: (world, { n }) => {
        add(world, n);
        plant('a handler of inputs');
      },
    },
    invariants: {
      holds: (world, { tick }) => {
        if (tick > 0) plant('an invariant');
        return world.items.size > 0;
      },
    },
    metrics: {
      size: (world, { tick }) => {
        if (tick > 0) plant('a metric');
        return world.items.size;
      },
    },
    until: (world, { tick }) => {
      if (tick > 0) plant('an end');
      return world.items.size === 0;
    },
  });
}
