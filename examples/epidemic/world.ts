/**
 * An epidemic that spreads through the real network of US airports and flights.
 *
 * 200,000 travellers, each with a home airport, fly by the route counts of 2008, infect where they are, and
 * recover. Inputs close and open airports and start a vaccination. See README.md.
 */
import { defineWorld, type Rng, type World } from 'worldfold';
import { apply } from './apply.ts';
import * as data from './data.ts';
import { search } from './network.ts';
import { type Epidemic, schema } from './schema.ts';
import { infect, recover, travel, vaccinate } from './systems.ts';

type Health = 'well' | 'ill' | 'immune' | 'vaccinated';

function inState(state: Health) {
  return ({ travellers }: World<Epidemic>): number => {
    const { health } = travellers.columns;
    const code = travellers.codes.health[state];
    let count = 0;
    for (let row = 0; row < travellers.size; row++) if (health[row] === code) count++;
    return count;
  };
}

/**
 * A home for each traveller, as a position in the data: one of the year's departures and arrivals, equally
 * likely.
 */
function drawHomes(travellers: number, draw: Rng): Uint32Array {
  let all = 0;
  const upTo = Array.from(data.airports.traffic, (traffic) => (all += traffic));
  return Uint32Array.from({ length: travellers }, (_, i) =>
    search(upTo, 0, upTo.length, draw.of(i).int(0, all - 1)),
  );
}

export default defineWorld(schema, {
  setup({ insert, rng, config }) {
    const ids = insert.airports.many(data.airports);
    const { from, to, count } = data.routes;
    insert.routes.many({ from: from.map((i) => ids[i]!), to: to.map((i) => ids[i]!), count });
    insert.campaign({});

    const home = drawHomes(config.travellers, rng('home')).map((i) => ids[i]!);
    const start = data.airports.code.indexOf(config.firstAirport);
    if (start < 0) throw new RangeError(`no flight of 2008 touches an airport '${config.firstAirport}'`);
    let left = config.firstIll;
    const health = Array.from(home, (id) => (id === ids[start] && left-- > 0 ? 'ill' : 'well'));
    insert.travellers.many({ home, airport: home, health });
  },
  systems: [recover, vaccinate, travel, infect],
  apply,
  invariants: {
    nobodyIsLost: ({ travellers }, { config }) => travellers.size === config.travellers,
    everybodyIsSomewhere: ({ travellers, airports }) => {
      const { airport } = travellers.columns;
      for (let row = 0; row < travellers.size; row++)
        if (airport[row]! < 1 || airport[row]! > airports.size) return false;
      return true;
    },
  },
  metrics: {
    well: inState('well'),
    ill: inState('ill'),
    immune: inState('immune'),
    vaccinated: inState('vaccinated'),
    newlyIll: ({ travellers }, { tick }) => {
      const { illOn, health } = travellers.columns;
      const { ill } = travellers.codes.health;
      let count = 0;
      for (let row = 0; row < travellers.size; row++) if (illOn[row] === tick && health[row] === ill) count++;
      return count;
    },
  },
});
