/**
 * The real network: airports and flights of the United States, read from the two files in `data/`.
 *
 * Owns reading and joining the files when the module loads. Nothing here is state: `world.ts` inserts these
 * columns in its setup, so that the log holds all that the fold depends on and a replay does not read the
 * files.
 */
import { readFileSync } from 'node:fs';

/** The airports that some flight of 2008 touches, in order of their code; one array per column. */
export interface Airports {
  readonly code: readonly string[];
  readonly name: readonly string[];
  readonly city: readonly string[];
  readonly state: readonly string[];
  readonly lat: Float64Array;
  readonly lon: Float64Array;
  /** Flights that left or arrived in 2008. */
  readonly traffic: Uint32Array;
}

/** The routes as the file lists them. `from` and `to` are positions in {@link Airports}. */
export interface Routes {
  readonly from: Uint32Array;
  readonly to: Uint32Array;
  /** Flights of 2008. */
  readonly count: Uint32Array;
}

const QUOTED = /"((?:[^"]|"")*)"|([^,]*)/y;

/**
 * The cells of one CSV line, in which a cell may be quoted and double its quotes (RFC 4180, without line
 * breaks).
 */
export function cells(line: string): string[] {
  const found: string[] = [];
  for (let at = 0; at <= line.length; at = QUOTED.lastIndex + 1) {
    QUOTED.lastIndex = at;
    const [, quoted, plain] = QUOTED.exec(line)!;
    found.push(quoted === undefined ? plain! : quoted.replaceAll('""', '"'));
  }
  return found;
}

function lines(file: string): string[][] {
  const text = readFileSync(new URL(`./data/${file}`, import.meta.url), 'utf8');
  return text.trim().split(/\r?\n/).slice(1).map(cells);
}

const flights = lines('flights-airport.csv');
const places = new Map(lines('airports.csv').map((row) => [row[0]!, row]));
const codes = [...new Set(flights.flatMap(([from, to]) => [from!, to!]))].sort();
const position = new Map(codes.map((code, i) => [code, i]));
const column = (i: number): string[] => codes.map((code) => places.get(code)![i]!);

/** Routes of 2008. */
export const routes: Routes = {
  from: Uint32Array.from(flights, ([from]) => position.get(from!)!),
  to: Uint32Array.from(flights, ([, to]) => position.get(to!)!),
  count: Uint32Array.from(flights, ([, , count]) => Number(count)),
};

const traffic = new Uint32Array(codes.length);
routes.count.forEach((count, i) => {
  traffic[routes.from[i]!]! += count;
  traffic[routes.to[i]!]! += count;
});

/** Airports of 2008. */
export const airports: Airports = {
  code: codes,
  name: column(1),
  city: column(2),
  state: column(3),
  lat: Float64Array.from(column(5), Number),
  lon: Float64Array.from(column(6), Number),
  traffic,
};
