/**
 * A small world that has one of everything, for tests of runs: ids, a composite key, a singleton, an index,
 * a cache, effects after and at once, a cascade, inputs that create rows, handlers that draw, in row form and
 * in batch form.
 *
 * Every function of it first calls `probe` with the name of its place, from where a test may look or throw.
 */
import { defineSchema, event, fact, singleton, t, table } from '../../src/index.ts';
import { defineWorld } from '../../src/simulation/define-world.ts';

export const hamletSchema = defineSchema({
  name: 'hamlet',
  version: 1,
  tick: '1 hour',
  config: { rate: t.f64().default(0.3), last: t.u32().default(1_000_000) },
  tables: {
    people: table(
      {
        id: t.id(),
        cell: t.u8(),
        health: t.enum('well', 'ill'),
        name: t.text().optional(),
        bag: t.list(t.u16()).default([]),
      },
      { index: ['cell'] },
    ),
    ties: table({ a: t.ref('people'), b: t.ref('people'), weight: t.u32().default(1) }, { key: ['a', 'b'] }),
    market: singleton({ price: t.f64(), sold: t.u32().default(0), open: t.bool().default(true) }),
  },
  events: {
    infected: event({ person: t.ref('people') }),
    moved: event({ person: t.ref('people'), cell: t.u8() }),
    born: event({ child: t.newId('people'), cell: t.u8() }),
    sold: event({ count: t.u32() }),
    fell: event({ person: t.ref('people'), from: t.u8() }),
    noted: fact({ why: t.text(), tick: t.u32() }),
  },
  inputs: {
    joined: event({ person: t.newId('people'), name: t.text(), bag: t.list(t.u16()).default([]) }),
    priced: event({ price: t.f64() }),
    shouted: fact({ what: t.json().optional() }),
  },
});

/** Is called in every function of the world with its place. */
export type Probe = (place: string, tick: number) => void;

/** How many people each cell holds. */
const crowds = hamletSchema.derive(['people'], ({ people }) => {
  const crowd = new Uint32Array(10);
  for (const cell of people.columns.cell) crowd[cell]!++;
  return crowd;
});

function systemsOf(probe: Probe) {
  const infect = hamletSchema.system('infect', ({ world: { people }, emit, rng, config, tick }) => {
    probe('infect', tick);
    const { health, id } = people.columns;
    const draw = rng('infect');
    for (let row = 0; row < people.size; row++)
      if (health[row] !== people.codes.health.ill && draw.of(id[row]!).chance(config.rate * 0.2))
        emit.infected({ person: id[row]! });
    probe('infect ends', tick);
  });
  const move = hamletSchema.system('move', { effects: 'at-once' }, ({ world, emit, rng, tick }) => {
    probe('move', tick);
    const draw = rng('move');
    for (let i = 0; i < 4; i++) {
      const { id } = world.people.at(draw.int(0, world.people.size - 1));
      const cell = draw.int(0, 9);
      if (world.people.by.cell(cell).size < 5) emit.moved({ person: id, cell });
      if (i === 2) emit.sold.many({ count: new Uint32Array([1, 2, 3]) });
    }
  });
  const births = hamletSchema.system('births', { every: 3 }, ({ emit, get, tick }) => {
    probe('births', tick);
    const quietest = get(crowds).indexOf(Math.min(...get(crowds)));
    const child = emit.born({ cell: quietest });
    emit.infected({ person: child });
    emit.born.many({ cell: new Uint8Array([7, 8]) });
    emit.noted({ why: `child ${child}`, tick });
  });
  const fall = hamletSchema.system(
    'fall',
    { repeat: { max: 40 }, when: (w) => w.market.value.open },
    ({ world, emit, tick }) => {
      probe('fall', tick);
      for (const { id, cell } of world.people) if (cell >= 8) emit.fell({ person: id, from: cell });
    },
  );
  return [infect, move, births, fall];
}

/** The world, with a probe in it. */
export function hamlet(probe: Probe = () => {}) {
  return defineWorld(hamletSchema, {
    setup({ insert, emit, rng }) {
      probe('setup', 0);
      const ids = insert.people.many({
        cell: new Uint8Array(20).map((_, i) => i % 6),
        health: new Uint8Array(20),
      });
      for (let i = 1; i < ids.length; i += 3) insert.ties({ a: ids[i - 1]!, b: ids[i]! });
      insert.market({ price: rng('price').int(90, 110) });
      emit.infected({ person: ids[3]! });
      emit.born({ cell: 2 });
      insert.people({ cell: 1, health: 'well', name: 'Ada' });
    },
    apply: {
      infected: (w, e, now) => {
        probe('apply infected', now.tick);
        w.people.update(e.person, { health: 'ill' });
      },
      moved: {
        batch({ people }, { size, columns: { person, cell } }, now) {
          for (let i = 0; i < size; i++) people.write.cell.set(people.row(person[i]!), cell[i]!);
          probe('apply moved', now.tick);
        },
      },
      born: (w, e, now) => {
        probe('apply born', now.tick);
        w.people.insert({ id: e.child, cell: e.cell, health: 'well' });
        if (e.cell === 2) w.people.insert({ cell: 3, health: 'well', name: 'twin' });
      },
      sold: (w, e, now) => {
        const { price, sold } = w.market.value;
        const draw = now.rng('price');
        w.market.set({ price: price + draw.float() - draw.float(), sold: sold + e.count });
        probe('apply sold', now.tick);
      },
      fell: (w, e) => w.people.update(e.person, { cell: e.from - 1 }),
      joined: (w, e, now) => {
        w.people.insert({ id: e.person, cell: 4, health: 'well', name: e.name, bag: e.bag });
        probe('apply joined', now.tick);
      },
      priced: (w, e, now) => {
        w.market.set({ price: e.price });
        probe(`apply priced ${e.price}`, now.tick);
      },
    },
    systems: systemsOf(probe),
    invariants: {
      nobodyLost: (w, { tick }) => {
        probe('nobodyLost', tick);
        return w.people.size >= 20;
      },
      cellsExist: (w) => [...w.people].filter(({ cell }) => cell > 9),
    },
    metrics: {
      ill: (w, { tick }) => {
        probe('ill', tick);
        return w.people.count({ health: 'ill' });
      },
      price: (w) => w.market.value.price,
    },
    until: (_, { tick, config }) => {
      probe('until', tick);
      return tick >= config.last;
    },
  });
}
