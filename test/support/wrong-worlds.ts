/**
 * A pond of frogs, right as it stands, and variants of it with one mistake each, where a user would make it;
 * for tests of what finds them.
 */
import {
  defineSchema,
  event,
  type InferShape,
  memoryStore,
  t,
  table,
  type WorldParts,
} from '../../src/index.ts';
import { defineWorld } from '../../src/simulation/define-world.ts';

const raw = defineSchema({
  name: 'pond',
  version: 1,
  config: { frogs: t.u32().default(6), heat: t.f64().default(0.5) },
  tables: {
    frogs: table({ id: t.id(), leaf: t.u32(), fed: t.u32().default(0) }),
    leaves: table({ leaf: t.u32().key(), size: t.f64() }),
  },
  events: { jumped: event({ frog: t.ref('frogs'), leaf: t.ref('leaves') }) },
  inputs: {
    fed: event({ frog: t.ref('frogs'), flies: t.u8() }),
    grew: event({ leaf: t.ref('leaves'), by: t.f64() }),
  },
});

/** The shape of the pond. */
export interface Pond extends InferShape<typeof raw> {}

/** The schema of the pond. */
export const pondSchema = raw.as<Pond>();

type Parts = WorldParts<Pond>;

/** What of the pond is another. */
export type PondParts = Partial<Omit<Parts, 'apply' | 'systems'>> & {
  readonly apply?: Partial<Parts['apply']>;
  /** To which of five leaves every frog jumps: a number to be taken modulo. By draws if left out. */
  readonly jump?: (world: object, tick: number) => number;
};

/** The pond. */
export function pond({ jump, apply, ...parts }: PondParts = {}) {
  const move = pondSchema.system('move', ({ world, emit, rng, tick }) => {
    const to = jump?.(world, tick);
    for (const { id } of world.frogs) {
      const draw = rng('move').of(id);
      if (draw.chance(0.7)) emit.jumped({ frog: id, leaf: to === undefined ? draw.int(1, 5) : 1 + (to % 5) });
    }
  });
  return defineWorld(pondSchema, {
    setup({ insert, config, rng }) {
      for (let leaf = 1; leaf <= 5; leaf++) insert.leaves({ leaf, size: rng('size').float() });
      for (let frog = 0; frog < config.frogs; frog++) insert.frogs({ leaf: 1 + (frog % 5) });
    },
    systems: [move],
    invariants: { onLeaves: ({ frogs, leaves }) => [...frogs].filter(({ leaf }) => !leaves.has(leaf)) },
    metrics: { frogs: ({ frogs }) => frogs.size },
    ...parts,
    apply: {
      jumped: (w, e) => w.frogs.update(e.frog, { leaf: e.leaf }),
      fed: (w, e) => w.frogs.update(e.frog, { fed: e.flies }),
      grew: (w, e) => w.leaves.update(e.leaf, { size: e.by }),
      ...apply,
    },
  });
}

/** Counts for each world apart, in memory alone. */
function counter(): { readonly of: (world: object) => number; readonly count: (world: object) => number } {
  const counts = new WeakMap<object, number>();
  const of = (world: object): number => counts.get(world) ?? 0;
  return { of, count: (world) => counts.set(world, of(world) + 1) && of(world) };
}

/** L3: a handler that counts its calls. */
export function countingHandler() {
  let calls = 0;
  return pond({ apply: { fed: (w, e) => w.frogs.update(e.frog, { fed: ++calls }) } });
}

/** L3: a handler that throws when its tick is folded, since it goes by what a metric saw last. */
export function throwingHandler() {
  let seen = 0;
  const grew: Parts['apply']['grew'] = (_, __, { tick }) => {
    if (tick !== seen + 1) throw new RangeError('the leaf has grown already');
  };
  return pond({ apply: { grew }, metrics: { now: (_, { tick }) => (seen = tick) } });
}

/** L4, L6, L11: a system that remembers, run by run, what no table holds. */
export function forgetfulSystem() {
  const { count } = counter();
  return pond({ jump: (world) => count(world) });
}

/** L5: a system that counts in a variable of its module. */
export function countingSystem() {
  let calls = 0;
  return pond({ jump: () => ++calls });
}

/** L8: a system that writes into a column which it may only read, from tick 2 on. */
export function writingSystem() {
  return pond({
    jump: (world, tick) => {
      const { columns } = (
        world as { readonly leaves: { readonly columns: { readonly size: Float64Array } } }
      ).leaves;
      if (tick >= 2) columns.size[3] = -1;
      return 0;
    },
  });
}

/** L8: a system that looks at the clock. */
export const clockSystem = () => pond({ jump: () => Date.now() });

/** L9: a metric that changes what a system reads. */
export function meddlingMetric() {
  const { of, count } = counter();
  return pond({ jump: of, metrics: { looks: (world) => count(world) } });
}

/** L9: a world that goes by what an observer counts. */
export function heedingObserver() {
  const { of, count } = counter();
  return { world: pond({ jump: of }), told: (world: object) => void count(world) };
}

/** L10: a world that goes by whether a store of its own is open. */
export function heedingStore() {
  let open = 0;
  const store = () => {
    const made = memoryStore();
    open = 1;
    return { ...made, close: () => made.close().finally(() => void (open = 0)) };
  };
  return { world: pond({ jump: () => open }), store };
}

/** What the pond's frogs were fed, as a simple reference. */
export const fedReference = {
  init: () => ({}) as { [frog: number]: number },
  apply: {
    fed: (
      state: { readonly [frog: number]: number },
      e: { readonly frog: number; readonly flies: number },
    ) => ({
      ...state,
      [e.frog]: e.flies,
    }),
  },
  compare: (
    { frogs }: { readonly frogs: Iterable<{ readonly id: number; readonly fed: number }> },
    state: object,
  ) =>
    [...frogs].every(({ id, fed }) => fed === ((state as { [frog: number]: number })[id] ?? 0)) ||
    'fed otherwise',
};

/** Broken by an input that the schema lets pass. */
export const overfed = () =>
  pond({ invariants: { notOverfed: ({ frogs }) => [...frogs].filter(({ fed }) => fed > 100) } });
