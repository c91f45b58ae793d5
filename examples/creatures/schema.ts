/**
 * What the world of the creatures consists of: its tables, what can happen in it, what may come from outside.
 */
import { defineSchema, event, type InferShape, singleton, t, table } from 'worldfold';

const raw = defineSchema({
  name: 'creatures',
  version: 1,
  tick: '1 hour',
  config: {
    /** How many creatures there are at first. */
    population: t.int().default(20_000),
    /** How many of them share a cell at first: the world is as large as that asks for. */
    perCell: t.f64().default(4),
    /** What a cell grows in a tick, and the most that it holds. */
    regrowth: t.f64().default(0.1),
    grassMax: t.f64().default(1),
    /** The most that a creature eats in a tick. */
    bite: t.f64().default(0.3),
    /** What a creature burns in a tick when it is newly born. */
    burn: t.f64().default(0.01),
    /** The age, in ticks, at which it burns twice as much; the rest grows with the square of the age. */
    prime: t.f64().default(70),
    /** How far a creature goes in a tick at most, in cells, and how much it changes its way. */
    speed: t.f64().default(0.25),
    swerve: t.f64().default(0.05),
    /** Below the one energy a creature is hungry, above the other it has eaten its fill. */
    hungryBelow: t.f64().default(0.2),
    fullAbove: t.f64().default(0.8),
    /** The chance to conceive at the end of a meal, and how many ticks a pregnancy lasts. */
    conceive: t.f64().default(0.4),
    gestation: t.int().default(12),
  },
  tables: {
    /** The field: a torus of square cells. Cell 1 is row 0, and so on, since no cell is ever deleted. */
    cells: table({ id: t.id(), grass: t.f32() }),
    creatures: table({
      id: t.id(),
      /** Where the creature is, in cells from the field's corner, and how far it goes in a tick. */
      x: t.f32(),
      y: t.f32(),
      vx: t.f32(),
      vy: t.f32(),
      /** What it has left to burn. At 0 it starves. */
      energy: t.f32(),
      /** In ticks. */
      age: t.f64(),
      cell: t.ref('cells'),
    }),
    /** Presence: a row here says that the creature is hungry. It grazes until it has eaten its fill. */
    hungry: table({ creature: t.ref('creatures').key() }),
    /** Presence: a row here says that the creature will give birth in the tick `due`. */
    pregnant: table({ creature: t.ref('creatures').key(), due: t.u32() }),
    /** Births and deaths of this tick, and of all ticks. */
    tally: singleton({
      births: t.u32().default(0),
      deaths: t.u32().default(0),
      born: t.u32().default(0),
      died: t.u32().default(0),
    }),
  },
  events: {
    founded: event({ count: t.u32() }),
    dawned: event({}),
    moved: event({}),
    grazed: event({}),
    starved: event({ creature: t.ref('creatures') }, { agent: 'creature' }),
    born: event({ child: t.newId('creatures'), mother: t.ref('creatures') }, { agent: 'child' }),
    hungered: event({ creature: t.ref('creatures') }, { agent: 'creature' }),
    sated: event({ creature: t.ref('creatures') }, { agent: 'creature' }),
    conceived: event({ creature: t.ref('creatures') }, { agent: 'creature' }),
  },
  inputs: {
    rained: event({ grass: t.f32() }),
  },
});

/** The shape under a short name: hovers and compile errors then say `Emit<Creatures>`. */
export interface Creatures extends InferShape<typeof raw> {}

/** The schema of the creatures. */
export const schema = raw.as<Creatures>();
