/**
 * A small world in two versions, for tests of eras: its handler can be changed, in its text and in what it
 * does, and its schema was.
 */
import {
  createRun,
  defineSchema,
  defineWorld,
  event,
  type Store,
  singleton,
  t,
  table,
} from '../../src/index.ts';
import type { RunPolicy } from '../../src/simulation/types.ts';

export const bankSchema = defineSchema({
  name: 'bank',
  version: 1,
  config: { step: t.u8().default(1) },
  tables: {
    sums: singleton({ total: t.f64().default(0), count: t.u32().default(0) }),
    marks: table({ tick: t.u32().key(), n: t.f64() }),
  },
  events: { added: event({ n: t.f64() }), marked: event({ n: t.f64() }) },
  inputs: { fined: event({ n: t.f64() }), paid: event({ n: t.f64() }) },
});

/** The world, whose handlers multiply what is added and what is marked. */
export const bank = (factor: number, marks = 1) => {
  const add = bankSchema.system('add', ({ emit, tick, config }) => {
    emit.added({ n: tick * config.step });
    if (tick % 3 === 0) emit.marked({ n: tick });
  });
  // The factor must show in the text of the handler, as an edit of the code would.
  const added = new Function(
    'w',
    'e',
    `const { total, count } = w.sums.value; w.sums.set({ total: total + e.n * ${factor}, count: count + 1 });`,
  ) as (w: object, e: object) => undefined;
  const marked = new Function('w', 'e', 'now', `w.marks.insert({ tick: now.tick, n: e.n * ${marks} });`) as (
    w: object,
    e: object,
  ) => undefined;
  return defineWorld(bankSchema, {
    setup() {},
    apply: {
      added,
      marked,
      fined: (w, e) => w.sums.set({ total: w.sums.value.total - e.n }),
      paid: (w, e) => w.sums.set({ total: w.sums.value.total + e.n }),
    },
    systems: [add],
  });
};

/** Records run `r` of the first version and closes it. */
export async function recorded(
  store: Store,
  ticks = 10,
  snapshots: false | { every: number } = { every: 4 },
  policy: RunPolicy = {},
): Promise<void> {
  const run = await createRun(bank(1), { store, seed: 's', id: 'r', snapshots, ...policy });
  await run.advance(ticks);
  await run.close();
}

export const wideSchema = defineSchema({
  name: 'bank',
  version: 2,
  config: { step: t.u8().default(1), fee: t.f64().default(0.5) },
  tables: {
    sums: singleton({ total: t.f64().default(0), number: t.u32().default(0), fees: t.f64().default(7) }),
    marks: table({ tick: t.u32().key(), n: t.f64() }),
  },
  // A kind that comes before the others gives each of them another number.
  events: { aaa: event({}), added: event({ n: t.f64() }), marked: event({ n: t.f64() }) },
  inputs: { paid: event({ n: t.f64() }) },
  migrations: { 2: { tables: { sums: { rename: { number: 'count' } } }, dropInputs: ['fined'] } },
});

/** The world of the second version, which takes a fee for each sum. */
export const wideBank = defineWorld(wideSchema, {
  setup() {},
  apply: {
    added: (w, e, { config }) => {
      const { total, number, fees } = w.sums.value;
      w.sums.set({ total: total + e.n, number: number + 1, fees: fees + config.fee });
    },
    marked: (w, e, { tick }) => void w.marks.insert({ tick, n: e.n }),
    aaa: () => {},
    paid: (w, e) => w.sums.set({ total: w.sums.value.total + e.n }),
  },
  systems: [wideSchema.system('add', ({ emit, tick, config }) => emit.added({ n: tick * config.step }))],
});
