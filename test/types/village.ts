/** The schema and the world that the mistakes are made against. */
import { defineSchema, defineWorld, event, fact, type InferShape, singleton, t, table } from './api.ts';

const declared = defineSchema({
  name: 'village',
  version: 1,
  tick: '1 day',
  config: { beta: t.f64(), masks: t.bool().default(false) },
  tables: {
    people: table(
      {
        id: t.id(),
        cell: t.ref('cells'),
        health: t.enum('well', 'ill'),
        name: t.text().optional(),
        age: t.u8().optional(),
        job: t.ref('jobs').optional(),
        pos: t.struct({ x: t.f64(), y: t.f64(), facing: t.enum('north', 'south') }),
        colour: t.vec(3, 'f32').default([0, 0, 0]),
        alive: t.bool().default(true),
        bag: t.list(t.ref('jobs')).default([]),
      },
      { index: ['cell', 'job'] },
    ),
    cells: table({ id: t.id(), ground: t.enum('ill', 'sand'), length: t.u32(), size: t.text() }),
    jobs: table({ title: t.text().key(), pay: t.u64() }),
    roads: table({ from: t.ref('cells'), to: t.ref('cells'), cost: t.u16() }, { key: ['from', 'to'] }),
    chiefs: table({ person: t.ref('people').key(), since: t.u32() }),
    taxes: table({ code: t.u32().key(), rate: t.f32({ nan: true }) }),
    clock: singleton({ day: t.u32(), mood: t.enum('calm', 'tense').default('calm') }),
  },
  events: {
    moved: event({ person: t.ref('people'), to: t.ref('cells') }),
    infected: event({ person: t.ref('people'), by: t.ref('people').optional() }),
    born: event({ child: t.newId('people'), cell: t.ref('cells') }),
    settled: event({ cell: t.newId('cells'), first: t.newId('people') }),
    paused: event({ why: t.text().default('') }),
    dayEnded: fact({ day: t.u32(), chief: t.ref('chiefs').optional() }),
  },
  inputs: {
    vaccinated: event({ person: t.ref('people'), shots: t.u8().default(1) }),
    recounted: event({}),
    noted: fact({ text: t.text() }),
  },
});
export interface Village extends InferShape<typeof declared> {}
export const schema = declared.as<Village>();
export const idle = schema.system('idle', () => {});
export const handlers = schema.apply({
  moved: () => {},
  infected: () => {},
  born: () => {},
  settled: () => {},
  paused: () => {},
  vaccinated: () => {},
  recounted: () => {},
});
export const village = defineWorld(schema, { setup() {}, systems: [idle], apply: handlers });
