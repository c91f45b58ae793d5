/**
 * A small town, sound as it stands, of which each bug of the gallery spoils one thing.
 *
 * It has what bugs need: keyed draws and draws in sequence, handlers that draw, a cascade, an index, a
 * float sum, rows that are born and die, inputs.
 */
import {
  defineSchema,
  event,
  type Handlers,
  type InferShape,
  type System,
  singleton,
  t,
  table,
} from '../../src/index.ts';
import { defineWorld } from '../../src/simulation/define-world.ts';

/** Its schema. */
export const townSchema = defineSchema({
  name: 'town',
  version: 1,
  config: { rate: t.f64().default(0.2) },
  tables: {
    people: table(
      { id: t.id(), cell: t.u8(), ill: t.bool().default(false), money: t.f64().default(1) },
      { index: ['cell'] },
    ),
    bank: singleton({ sum: t.f64().default(0), last: t.u32().default(0) }),
  },
  events: {
    infected: event({ person: t.ref('people') }),
    moved: event({ person: t.ref('people'), cell: t.u8() }),
    paid: event({ person: t.ref('people'), amount: t.f64() }),
    born: event({ child: t.newId('people'), cell: t.u8() }),
    died: event({ person: t.ref('people') }),
  },
  inputs: { cured: event({ person: t.ref('people') }) },
});
/** Its shape. */
export type Town = InferShape<typeof townSchema>;

const move = townSchema.system('move', ({ world: { people }, emit, rng }) => {
  for (const { id } of people) {
    const draw = rng('move').of(id);
    if (draw.chance(0.3)) emit.moved({ person: id, cell: draw.int(0, 9) });
  }
});

const infect = townSchema.system('infect', ({ world: { people }, emit, rng, config }) => {
  const draw = rng('infect');
  for (const { cell } of people.where({ ill: true }))
    for (const { id, ill } of people.by.cell(cell))
      if (!ill && draw.chance(config.rate)) emit.infected({ person: id });
});

const earn = townSchema.system('earn', ({ world: { people }, emit }) => {
  for (const { id, cell } of people) emit.paid({ person: id, amount: 0.1 * (cell + 1) });
});

const live = townSchema.system('live', { every: 2 }, ({ world: { people }, emit, rng }) => {
  const draw = rng('live');
  if (draw.chance(0.5)) emit.born({ cell: draw.int(0, 9) });
  if (people.size > 20) emit.died({ person: people.columns.id[draw.int(0, people.size - 1)]! });
});

/** Its systems, in order. */
export const sound = { move, infect, earn, live };

type Apply = Handlers<Town, 'infected' | 'moved' | 'paid' | 'born' | 'died' | 'cured'>;

/** Its handlers. */
export const townApply: Apply = {
  infected: (w, e) => w.people.update(e.person, { ill: true }),
  moved: (w, e) => w.people.update(e.person, { cell: e.cell }),
  paid: (w, e) => {
    const { money } = w.people.need(e.person);
    w.people.update(e.person, { money: money + e.amount });
    w.bank.set({ sum: w.bank.value.sum + e.amount, last: e.person });
  },
  born: (w, e, now) => w.people.insert({ id: e.child, cell: e.cell, money: now.rng('gift').float() }),
  died: (w, e) => w.people.deleteIf(e.person),
  cured: (w, e) => w.people.updateIf(e.person, { ill: false }),
};

type Systems = { readonly [name in keyof typeof sound]?: System<Town> };

/** The town with some of its parts replaced. */
export const town = ({
  systems = {},
  apply = {},
}: {
  readonly systems?: Systems;
  readonly apply?: Partial<Apply>;
} = {}) =>
  defineWorld(townSchema, {
    setup({ insert, rng }) {
      const draw = rng('setup');
      for (let i = 0; i < 24; i++) insert.people({ cell: draw.int(0, 9), ill: i < 4 });
    },
    apply: { ...townApply, ...apply },
    systems: Object.values({ ...sound, ...systems }),
  });
