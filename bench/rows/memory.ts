/**
 * Work in memory: emitting, writing through the view, and a tick beside a loop written by hand.
 */

import { createRun, defineSchema, defineWorld, event, memoryStore, t, table } from '../../src/index.ts';
import { Applier } from '../../src/projections/applier.ts';
import { WorldState } from '../../src/projections/world-state.ts';
import { TickEvents } from '../../src/simulation/tick-events.ts';
import { compare, type Row } from '../harness.ts';

const COUNT = 1_000_000;

const points = defineSchema({
  name: 'points',
  version: 1,
  tables: {
    points: table({ id: t.id(), x: t.f64(), v: t.f64(), n: t.u32().default(0) }),
  },
  events: {
    hit: event({ point: t.ref('points'), by: t.u32(), force: t.f32() }),
    stepped: event({ dt: t.f64() }),
  },
});

interface HitWriter {
  (row: { point: number; by: number; force: number }): void;
  many(columns: { point: Uint32Array; by: Uint32Array; force: Float32Array }): void;
}

function emitter(): { events: TickEvents; hit: HitWriter } {
  const state = new WorldState(points.compiled);
  const events = new TickEvents(new Applier(state, { hit: () => {} }));
  events.begin(1);
  events.emitting = true;
  return { events, hit: (events.emit as { hit: HitWriter }).hit };
}

/** One event as an object, and whole arrays. */
export async function emitRows(): Promise<readonly Row[]> {
  const { events, hit } = emitter();
  const columns = {
    point: Uint32Array.from({ length: COUNT }, (_, i) => i + 1),
    by: Uint32Array.from({ length: COUNT }, (_, i) => i),
    force: Float32Array.from({ length: COUNT }, (_, i) => i % 7),
  };
  const copies = { point: columns.point.slice(), by: columns.by.slice(), force: columns.force.slice() };
  const again = (run: () => void) => () => {
    events.begin(1);
    events.emitting = true;
    run();
  };
  return compare({
    name: 'emit',
    conditions: `${COUNT} events of three columns into memory, no apply; the baseline copies the same bytes`,
    unit: 'events',
    opsPerRun: COUNT,
    baseline: {
      name: 'copy of the arrays',
      run: () => {
        copies.point.set(columns.point);
        copies.by.set(columns.by);
        copies.force.set(columns.force);
      },
    },
    candidates: [
      {
        name: 'one object an event',
        aim: { perSecondAtLeast: 40e6 },
        run: again(() => {
          for (let i = 0; i < COUNT; i++) hit({ point: i + 1, by: i, force: i % 7 });
        }),
      },
      { name: 'whole arrays', run: again(() => hit.many(columns)) },
    ],
  });
}

interface Writer {
  readonly write: { readonly n: { set(row: number, v: number): void; span(): Uint32Array } };
  insertMany(columns: { x: Float64Array; v: Float64Array }): unknown;
}

/** Writing a column of numbers in sequence. */
export async function writeRows(): Promise<readonly Row[]> {
  const state = new WorldState(points.compiled);
  state.gate.open = true;
  const { points: writer } = state.writer as { points: Writer };
  writer.insertMany({ x: new Float64Array(COUNT), v: new Float64Array(COUNT) });
  const raw = new Uint32Array(COUNT);
  const fillRaw = (array: Uint32Array): void => {
    for (let i = 0; i < COUNT; i++) array[i] = i;
  };
  return compare({
    name: 'write through the view',
    conditions: `${COUNT} values of a u32 column in sequence; set checks and marks each`,
    unit: 'values',
    opsPerRun: COUNT,
    baseline: { name: 'raw array', run: () => fillRaw(raw) },
    candidates: [
      {
        name: 'set',
        // 2 ns where the raw array takes 0.4.
        aim: { timeAtMost: 5 },
        run: () => {
          const { n } = writer.write;
          for (let i = 0; i < COUNT; i++) n.set(i, i);
        },
      },
      {
        name: 'span',
        run: () => {
          fillRaw(writer.write.n.span());
          state.gate.settle();
        },
      },
    ],
  });
}

const DT = 0.01;
const SIZE = 200_000;

/** Springs whose columns take NaN, which is then stored as one bit pattern, or refuse it. */
function springs(nan: boolean) {
  const schema = defineSchema({
    name: 'springs',
    version: 1,
    tables: { points: table({ id: t.id(), x: t.f64({ nan }), v: t.f64({ nan }) }) },
    events: { stepped: event({ dt: t.f64() }) },
  });
  return defineWorld(schema, {
    setup({ insert }) {
      const x = Float64Array.from({ length: SIZE }, (_, i) => i / SIZE);
      insert.points.many({ x, v: new Float64Array(SIZE) });
    },
    systems: [schema.system('step', ({ emit }) => void emit.stepped({ dt: DT }))],
    apply: {
      stepped: ({ points: { write } }, { dt }) => {
        const x = write.x.span();
        const v = write.v.span();
        for (let i = 0; i < x.length; i++) {
          v[i] = v[i]! - x[i]! * dt;
          x[i] = x[i]! + v[i]! * dt;
        }
      },
    },
  });
}

/** A tick of the framework beside the same loop over plain arrays. */
export async function loopRows(): Promise<readonly Row[]> {
  const x = Float64Array.from({ length: SIZE }, (_, i) => i / SIZE);
  const v = new Float64Array(SIZE);
  const ticks = 20;
  const options = { store: memoryStore(), seed: 'bench', hashEvery: 1e9 };
  const bare = await createRun(springs(true), { ...options, id: 'bare' });
  const searched = await createRun(springs(false), { ...options, id: 'searched' });
  const hashed = await createRun(springs(false), { ...options, id: 'hashed', hashEvery: 1 });
  return compare({
    name: `a tick over ${SIZE} springs`,
    conditions:
      'memory store; a small event, applied by a loop over two spans; with a hash: all leaves, every tick',
    unit: 'ticks',
    opsPerRun: ticks,
    baseline: {
      name: 'loop by hand',
      run: () => {
        for (let tick = 0; tick < ticks; tick++)
          for (let i = 0; i < SIZE; i++) {
            v[i] = v[i]! - x[i]! * DT;
            x[i] = x[i]! + v[i]! * DT;
          }
      },
    },
    candidates: [
      { name: 'no state hash, NaN taken', aim: { timeAtMost: 1.15 }, run: () => bare.advance(ticks) },
      { name: 'no state hash, NaN refused', run: () => searched.advance(ticks) },
      { name: 'state hash every tick, NaN refused', run: () => hashed.advance(ticks) },
    ],
  });
}
