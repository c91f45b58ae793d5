/**
 * What the world of the epidemic consists of: its tables, what can happen in it, what may come from outside.
 */
import { defineSchema, event, type InferShape, singleton, t, table } from 'worldfold';

const raw = defineSchema({
  name: 'epidemic',
  version: 1,
  tick: '1 day',
  config: {
    travellers: t.int().default(200_000),
    /** Where the first ill live, and how many they are. */
    firstAirport: t.text().default('JFK'),
    firstIll: t.int().default(20),
    /** The chance that one contact with somebody ill infects. */
    beta: t.f64().default(0.03),
    /** Contacts of a traveller in a day, with people at the same airport. */
    contacts: t.int().default(10),
    /** How many days an illness lasts on average. */
    daysIll: t.f64().default(8),
    /** The chance in a day that somebody at home flies out, and that somebody away flies back. */
    travelRate: t.f64().default(0.03),
    returnRate: t.f64().default(0.3),
  },
  tables: {
    airports: table(
      {
        id: t.id(),
        code: t.text(),
        name: t.text(),
        city: t.text(),
        state: t.text(),
        lat: t.f64(),
        lon: t.f64(),
        traffic: t.u32(),
        open: t.bool().default(true),
      },
      { index: ['code'] },
    ),
    routes: table(
      { from: t.ref('airports'), to: t.ref('airports'), count: t.u32() },
      { key: ['from', 'to'] },
    ),
    travellers: table({
      id: t.id(),
      home: t.ref('airports'),
      airport: t.ref('airports'),
      health: t.enum('well', 'ill', 'immune', 'vaccinated').default('well'),
      /** The day on which this traveller fell ill; 0 for the first ill and for those who never did. */
      illOn: t.u32().default(0),
    }),
    /** `perDay` doses are given each day; `reached` says up to which row everybody has had the offer. */
    campaign: singleton({ perDay: t.u32().default(0), reached: t.u32().default(0) }),
  },
  events: {
    flew: event({ traveller: t.ref('travellers'), to: t.ref('airports') }, { agent: 'traveller' }),
    infected: event({ traveller: t.ref('travellers'), at: t.ref('airports') }, { agent: 'traveller' }),
    recovered: event({ traveller: t.ref('travellers') }, { agent: 'traveller' }),
    vaccinated: event({ traveller: t.ref('travellers') }, { agent: 'traveller' }),
  },
  inputs: {
    airportClosed: event({ airport: t.ref('airports') }),
    airportOpened: event({ airport: t.ref('airports') }),
    vaccinationStarted: event({ perDay: t.u32() }),
  },
});

/** The shape under a short name: hovers and compile errors then say `Emit<Epidemic>`. */
export interface Epidemic extends InferShape<typeof raw> {}

/** The schema of the epidemic. */
export const schema = raw.as<Epidemic>();
