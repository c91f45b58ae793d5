/**
 * The small world that simulated schedules run: a table, a singleton, two kinds, two inputs, streams and
 * keyed draws.
 *
 * Owns the world and its reading as text. Inputs carry a tag, a number of their own, so that a schedule can
 * count how often the log holds one. Every place calls `fuse` first, which may throw: a failure that no log
 * knows of.
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
  config: { rate: t.f64().default(0.4) },
  tables: {
    plots: table({ id: t.id(), crop: t.u32().default(0), tag: t.u32().default(0) }, { index: ['crop'] }),
    barn: singleton({ stock: t.int().default(0), last: t.text().default('') }),
  },
  events: {
    grew: event({ plot: t.ref('plots'), by: t.u8() }),
    sown: event({ plot: t.newId('plots'), crop: t.u32() }),
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

/** The world, with a fuse in it. */
export function simulatedWorld(fuse: Fuse) {
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
    setup({ insert, emit }) {
      fuse('setup', 0);
      insert.plots.many({ crop: Uint32Array.of(1, 2, 3, 4) });
      emit.sown({ crop: 50 });
    },
    apply: {
      grew: (w, e, { tick }) => {
        fuse('apply grew', tick);
        w.plots.update(e.plot, { crop: w.plots.get(e.plot)!.crop + e.by });
      },
      sown: (w, e) => w.plots.insert({ id: e.plot, crop: e.crop }),
      given: (w, e, { tick, rng }) => {
        if (e.by === REFUSED) fail('BAD_VALUE', 'nobody gives that much');
        fuse('apply given', tick);
        w.barn.set({ stock: w.barn.value.stock + e.by + rng('luck').int(0, 3), last: `gift ${e.tag}` });
      },
      planted: (w, e) => w.plots.insert({ id: e.plot, tag: e.tag }),
    },
    systems: [grow, sow],
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

/** A world as text: equal for worlds that no reader can tell apart. */
export const worldText = (world: object): string =>
  Object.entries(world)
    .map(([name, rows]) => `${name} ${textOf(Symbol.iterator in rows ? [...rows] : rows.value)}`)
    .join('\n');
