/**
 * Questions to an epidemic, answered from its log and its tables, and what to change in another telling of
 * it.
 */
import type { Input, Run, World } from 'worldfold';
import type { Epidemic } from './schema.ts';

/** What the epidemic did to one airport. */
export interface AirportToll {
  readonly code: string;
  readonly city: string;
  readonly state: string;
  /** Infections that happened at the airport, whoever was infected. */
  readonly infections: number;
  /** The day with the most infections there, and how many they were. */
  readonly worstDay: number;
  readonly onWorstDay: number;
  /** Travellers whose home it is, and how many of them fell ill at some time. */
  readonly residents: number;
  readonly residentsIll: number;
}

/**
 * The airports at which the most infections happened, worst first; equals in order of their code.
 * Where and when somebody was infected is read from the events in the log; who lives where, from the tables.
 */
export async function hardestHit(run: Run<Epidemic, string>, most: number): Promise<readonly AirportToll[]> {
  const { airports, travellers } = run.world;
  const days = run.tick + 1;
  const daily = new Uint32Array(airports.size * days);
  for await (const { tick, at } of run.events('infected')) daily[airports.row(at) * days + tick]!++;

  const residents = new Uint32Array(airports.size);
  const residentsIll = new Uint32Array(airports.size);
  const { home, health } = travellers.columns;
  const { ill, immune } = travellers.codes.health;
  for (let row = 0; row < travellers.size; row++) {
    const lives = airports.row(home[row]!);
    residents[lives]!++;
    if (health[row] === ill || health[row] === immune) residentsIll[lives]!++;
  }

  const tolls = Array.from({ length: airports.size }, (_, row): AirportToll => {
    const those = daily.subarray(row * days, (row + 1) * days);
    const onWorstDay = those.reduce((a, b) => Math.max(a, b), 0);
    return {
      code: airports.columns.code[row]!,
      city: airports.columns.city[row]!,
      state: airports.columns.state[row]!,
      infections: those.reduce((a, b) => a + b, 0),
      worstDay: those.indexOf(onWorstDay),
      onWorstDay,
      residents: residents[row]!,
      residentsIll: residentsIll[row]!,
    };
  });
  return tolls.sort((a, b) => b.infections - a.infections || (a.code < b.code ? -1 : 1)).slice(0, most);
}

/** Airports, and the inputs that close them. */
export interface Closure {
  readonly airports: readonly { readonly code: string; readonly city: string; readonly state: string }[];
  readonly inputs: readonly Input<Epidemic>[];
}

/** Closes the open airports that have the most flights; equals in order of their code. */
export function closeBusiest({ airports }: World<Epidemic>, most: number): Closure {
  const open = [...airports].filter((airport) => airport.open);
  open.sort((a, b) => b.traffic - a.traffic || (a.code < b.code ? -1 : 1));
  const busiest = open.slice(0, most);
  return {
    airports: busiest.map(({ code, city, state }) => ({ code, city, state })),
    inputs: busiest.map(({ id }) => ['airportClosed', { airport: id }]),
  };
}
