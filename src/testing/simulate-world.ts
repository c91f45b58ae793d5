/**
 * The small world that simulated schedules run: tables, a singleton, kinds, two inputs, streams and keyed
 * draws.
 *
 * Owns the world and its reading as text. Inputs carry a tag, a number of their own, so that a schedule can
 * count how often the log holds one. Every place calls `fuse` first, which may throw: a failure that no log
 * knows of. The land is wide enough that snapshots store its columns apart, and most of it is seldom written,
 * so that they share them. The barn shows what config and seed the systems were given.
 */
import { fail } from '../base/errors.ts';
import { t } from '../schema/columns.ts';
import { defineSchema, type InferShape } from '../schema/define.ts';
import { event, singleton, table } from '../schema/tables.ts';
import { defineWorld } from '../simulation/define-world.ts';
import type { Run } from '../simulation/types.ts';
import { textOf } from './arbitraries-rows.ts';

/** The schema of the simulated world. */
export const simulatedSchema = defineSchema({
  name: 'simulated',
  version: 1,
  tick: '1 day',
  config: { rate: t.f64().default(0.4), land: t.u32().default(0) },
  tables: {
    plots: table({ id: t.id(), crop: t.u32().default(0), tag: t.u32().default(0) }, { index: ['crop'] }),
    barn: singleton({
      stock: t.int().default(0),
      last: t.text().default(''),
      rate: t.f64().default(0),
      luck: t.u32().default(0),
    }),
    land: table({ id: t.id(), height: t.f64(), soil: t.u32().default(0), name: t.text().default('') }),
  },
  events: {
    grew: event({ plot: t.ref('plots'), by: t.u8() }),
    sown: event({ plot: t.newId('plots'), crop: t.u32() }),
    felt: event({ rate: t.f64(), luck: t.u32() }),
    tilled: event({ field: t.ref('land'), soil: t.u32() }),
    drowned: event({ field: t.ref('land') }),
    raised: event({ field: t.newId('land'), height: t.f64() }),
  },
  inputs: {
    given: event({ tag: t.u32(), by: t.u16() }),
    planted: event({ plot: t.newId('plots'), tag: t.u32() }),
  },
});

/** An input of kind `given` by so much is refused by its handler. */
export const REFUSED = 999;

/** Where the fuse may blow. */
export type FusePlace = 'setup' | 'grow' | 'apply grew' | 'apply given' | 'invariant';
/** Is called in the functions of the world with its place. */
export type Fuse = (place: FusePlace, tick: number) => void;

const { system } = simulatedSchema;

/** The config of the barn as the systems see it, and a draw that only the seed and the tick decide. */
const feel = system('feel', ({ emit, rng, config }) => {
  emit.felt({ rate: config.rate, luck: rng('feel').int(0, 2 ** 31) });
});

/** Every third tick a field is tilled, and then and again one is lost or won. */
const till = system('till', { every: 3 }, ({ world: { land }, emit, rng, tick }) => {
  if (land.size === 0) return;
  const draw = rng('till');
  const fieldAt = (row: number): number => land.columns.id[row]!;
  emit.tilled({ field: fieldAt(draw.int(0, land.size - 1)), soil: draw.int(1, 99) });
  if (tick % 2 === 0) emit.drowned({ field: fieldAt(draw.int(0, land.size - 1)) });
  if (tick % 4 === 1 || tick % 4 === 2) emit.raised({ height: draw.float() });
});

/** The land of a setup: columns that are all different, with names for the first fields. */
const landOf = (fields: number) => ({
  height: Float64Array.from({ length: fields }, (_, i) => i / 8),
  soil: new Uint32Array(fields),
  name: Array.from({ length: fields }, (_, i) => (i < NAMED ? `field ${i}` : '')),
});
const NAMED = 150;

/** What the handler of `grew` does. Two of them do the same; the texts of all are different. */
export type Growth = 'plain' | 'same' | 'more' | 'double';
/** What a handler of `grew` sees. */
interface Growing {
  readonly plots: {
    need(id: never): { readonly crop: number };
    update(id: never, patch: { readonly crop: number }): unknown;
  };
}
type Grew = (w: Growing, e: { readonly plot: never; readonly by: number }, now: { tick: number }) => void;

const GREW: { readonly [growth in Growth]: (fuse: Fuse) => Grew } = {
  plain: (fuse) => (w, e, now) => {
    fuse('apply grew', now.tick);
    w.plots.update(e.plot, { crop: w.plots.need(e.plot).crop + e.by });
  },
  same: (fuse) => (w, e, now) => {
    fuse('apply grew', now.tick);
    const { crop } = w.plots.need(e.plot);
    w.plots.update(e.plot, { crop: e.by + crop });
  },
  more: (fuse) => (w, e, now) => {
    fuse('apply grew', now.tick);
    w.plots.update(e.plot, { crop: w.plots.need(e.plot).crop + e.by + 1 });
  },
  double: (fuse) => (w, e, now) => {
    fuse('apply grew', now.tick);
    w.plots.update(e.plot, { crop: w.plots.need(e.plot).crop + 2 * e.by });
  },
};

/** The world, with a fuse in it. */
export function simulatedWorld(fuse: Fuse, growth: Growth = 'plain') {
  const grow = system('grow', ({ world: { plots }, emit, rng, config, tick }) => {
    fuse('grow', tick);
    const draw = rng('grow');
    const first = draw.int(0, 2);
    for (const { id } of plots)
      if (rng('keyed').of(id).chance(config.rate)) emit.grew({ plot: id, by: first + draw.int(1, 9) });
  });
  const sow = system('sow', { every: 4, effects: 'at-once' }, ({ emit, world, rng }) => {
    const plot = emit.sown({ crop: rng('sow').int(0, 99) });
    if (world.plots.by.crop(7).size === 0) emit.grew({ plot, by: 7 });
  });
  return defineWorld(simulatedSchema, {
    setup({ insert, emit, config }) {
      fuse('setup', 0);
      if (config.land > 0) insert.land.many(landOf(config.land));
      insert.plots.many({ crop: Uint32Array.of(1, 2, 3, 4) });
      emit.sown({ crop: 50 });
    },
    apply: {
      grew: GREW[growth](fuse) as never,
      sown: (w, e) => w.plots.insert({ id: e.plot, crop: e.crop }),
      felt: (w, { rate, luck }) => w.barn.set({ rate, luck }),
      tilled: (w, { field, soil }) => w.land.update(field, { soil }),
      drowned: (w, { field }) => w.land.delete(field),
      raised: (w, { field, height }) => w.land.insert({ id: field, height }),
      given: (w, e, { tick, rng }) => {
        if (e.by === REFUSED) fail('BAD_VALUE', 'nobody gives that much');
        fuse('apply given', tick);
        w.barn.set({ stock: w.barn.value.stock + e.by + rng('luck').int(0, 3), last: `gift ${e.tag}` });
      },
      planted: (w, e) => w.plots.insert({ id: e.plot, tag: e.tag }),
    },
    systems: [grow, sow, feel, till],
    invariants: {
      plotsStay: (w, { tick }) => {
        fuse('invariant', tick);
        return w.plots.size >= 5;
      },
    },
    metrics: { crops: (w) => w.plots.size },
  });
}

/** A run of the simulated world. */
export type SimulatedRun = Run<InferShape<typeof simulatedSchema>, 'crops'>;

/** What a reader of the land sees, in short: sizes and sums that no two lands of a schedule share. */
function landText({ size, columns: { id, height, soil, name } }: SimulatedRun['world']['land']): string {
  let sum = 0;
  for (let row = 0; row < size; row++) {
    sum = Math.imul(sum ^ id[row]!, 0x01000193) ^ Math.floor(height[row]! * 1e9);
    sum = Math.imul(sum ^ soil[row]!, 0x01000193) ^ name[row]!.length;
  }
  return `${size} ${sum >>> 0} ${name[0]} ${name[size - 1]}`;
}

/** A world as text: equal for worlds that no reader can tell apart. */
export const worldText = (world: object): string =>
  Object.entries(world)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, rows]) => {
      if (name === 'land') return `land ${landText(rows)}`;
      return `${name} ${textOf(Symbol.iterator in rows ? [...rows] : rows.value)}`;
    })
    .join('\n');
