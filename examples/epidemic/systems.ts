/**
 * What happens in a day: the ill recover, doses are given, travellers fly, the well are infected where they
 * are.
 *
 * Every chance is a keyed draw of the traveller it is about: it depends on the seed, the system's stream,
 * the day and the traveller, and on nobody else. Two runs that differ in one input can therefore be compared
 * person by person. Arithmetic is plain (+ − × ÷), so that every machine computes the same bits.
 */
import { network } from './network.ts';
import { schema } from './schema.ts';

/** Whoever is ill recovers with the same chance each day: an illness lasts `daysIll` days on average. */
export const recover = schema.system('recover', ({ world: { travellers }, emit, rng, config }) => {
  const { id, health } = travellers.columns;
  const { ill } = travellers.codes.health;
  const chance = 1 / config.daysIll;
  const draw = rng('recover');
  const who = new Uint32Array(travellers.size);
  let count = 0;
  for (let row = 0; row < travellers.size; row++)
    if (health[row] === ill && draw.of(id[row]!).chance(chance)) who[count++] = id[row]!;
  if (count > 0) emit.recovered.many({ traveller: who.subarray(0, count) });
});

/** Gives the day's doses to the next who are well, in order of their row: nobody is asked twice. */
export const vaccinate = schema.system('vaccinate', ({ world: { travellers, campaign }, emit }) => {
  const { perDay, reached } = campaign.value;
  const { id, health } = travellers.columns;
  const { well } = travellers.codes.health;
  const who = new Uint32Array(Math.min(perDay, travellers.size));
  let count = 0;
  for (let row = reached; row < travellers.size && count < perDay; row++)
    if (health[row] === well) who[count++] = id[row]!;
  if (count > 0) emit.vaccinated.many({ traveller: who.subarray(0, count) });
});

/**
 * From home a traveller takes one of the year's flights, each equally likely. Away, they fly home where a
 * flight goes there, and onward by any flight where none does. A flight from or to a closed airport is
 * cancelled.
 */
export const travel = schema.system('travel', ({ world, emit, get, rng, config }) => {
  const { travellers, airports } = world;
  const { id, home, airport } = travellers.columns;
  const routes = get(network);
  const open = new Uint8Array(routes.size);
  for (let row = 0; row < airports.size; row++) open[airports.columns.id[row]!] = airports.columns.open[row]!;

  const draw = rng('travel');
  const who = new Uint32Array(travellers.size);
  const where = new Uint32Array(travellers.size);
  let count = 0;
  for (let row = 0; row < travellers.size; row++) {
    const from = airport[row]!;
    const cursor = draw.of(id[row]!);
    const away = from !== home[row];
    if (!cursor.chance(away ? config.returnRate : config.travelRate)) continue;
    const to = away && routes.connects(from, home[row]!) ? home[row]! : routes.draw(from, cursor);
    if (to === 0 || open[from] === 0 || open[to] === 0) continue;
    who[count] = id[row]!;
    where[count++] = to;
  }
  if (count > 0) emit.flew.many({ traveller: who.subarray(0, count), to: where.subarray(0, count) });
});

/**
 * The chance to be infected by one of `contacts` contacts, of which each infects with chance `p`: 1 − (1 −
 * p)ⁿ.
 */
function risk(p: number, contacts: number): number {
  let safe = 1;
  for (let i = 0; i < contacts; i++) safe *= 1 - p;
  return 1 - safe;
}

/**
 * Each contact is with somebody at the same airport; the share of the ill among those there sets the danger.
 */
export const infect = schema.system('infect', ({ world: { travellers }, emit, get, rng, config }) => {
  const { id, airport, health } = travellers.columns;
  const { well, ill } = travellers.codes.health;
  const { size } = get(network);
  const present = new Uint32Array(size);
  const sick = new Uint32Array(size);
  for (let row = 0; row < travellers.size; row++) {
    present[airport[row]!]!++;
    if (health[row] === ill) sick[airport[row]!]!++;
  }
  const danger = Float64Array.from(sick, (n, at) =>
    n === 0 ? 0 : risk((config.beta * n) / present[at]!, config.contacts),
  );

  const draw = rng('infect');
  const who = new Uint32Array(travellers.size);
  const where = new Uint32Array(travellers.size);
  let count = 0;
  for (let row = 0; row < travellers.size; row++) {
    if (health[row] !== well) continue;
    const chance = danger[airport[row]!]!;
    if (chance === 0 || !draw.of(id[row]!).chance(chance)) continue;
    who[count] = id[row]!;
    where[count++] = airport[row]!;
  }
  if (count > 0) emit.infected.many({ traveller: who.subarray(0, count), at: where.subarray(0, count) });
});
