/**
 * What each event does to the tables. Nothing here decides or draws: that was done by whoever emitted.
 *
 * The events of a day come as columns, thousands at a time, so they are applied as batches.
 */
import { schema } from './schema.ts';

/** How each kind of event changes the world. */
export const apply = schema.apply({
  flew: {
    batch({ travellers }, { size, columns: { traveller, to } }) {
      const { airport } = travellers.write;
      for (let i = 0; i < size; i++) airport.set(travellers.row(traveller[i]!), to[i]!);
    },
  },
  infected: {
    batch({ travellers }, { size, columns: { traveller } }, { tick }) {
      const { health, illOn } = travellers.write;
      const { ill } = travellers.codes.health;
      for (let i = 0; i < size; i++) {
        const row = travellers.row(traveller[i]!);
        health.set(row, ill);
        illOn.set(row, tick);
      }
    },
  },
  recovered: {
    batch({ travellers }, { size, columns: { traveller } }) {
      const { health } = travellers.write;
      const { immune } = travellers.codes.health;
      for (let i = 0; i < size; i++) health.set(travellers.row(traveller[i]!), immune);
    },
  },
  vaccinated: {
    batch({ travellers, campaign }, { size, columns: { traveller } }) {
      const { health } = travellers.write;
      const { vaccinated } = travellers.codes.health;
      for (let i = 0; i < size; i++) health.set(travellers.row(traveller[i]!), vaccinated);
      campaign.set({ reached: travellers.row(traveller[size - 1]!) + 1 });
    },
  },
  airportClosed: ({ airports }, { airport }) => airports.update(airport, { open: false }),
  airportOpened: ({ airports }, { airport }) => airports.update(airport, { open: true }),
  vaccinationStarted: ({ campaign }, { perDay }) => campaign.set({ perDay }),
});
