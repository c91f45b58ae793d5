/**
 * The network as the systems need it: for each airport its routes, ready to draw one by its number of
 * flights.
 *
 * Derived from the `routes` table: recomputed when routes change, never hashed, never saved.
 */
import type { Cursor } from 'worldfold';
import { schema } from './schema.ts';

/** Routes grouped by the airport they leave from. All arrays are indexed by airport id. */
export interface Network {
  /** Airport ids are below this. */
  readonly size: number;
  /**
   * The destination of one flight of `from`, each of the year's flights equally likely; 0 where none leaves.
   */
  draw(from: number, cursor: Cursor): number;
  /** Whether some flight goes from one airport to the other. */
  connects(from: number, to: number): boolean;
}

/** The first position in `upTo[lo..hi)` whose value is above `flight`; `upTo` ascends. */
export function search(upTo: ArrayLike<number>, lo: number, hi: number, flight: number): number {
  let from = lo;
  let to = hi - 1;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (upTo[middle]! > flight) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** The routes of the world as a {@link Network}. */
export const network = schema.derive(['routes'], ({ routes }): Network => {
  const { from, to, count } = routes.columns;
  let size = 1;
  for (let row = 0; row < routes.size; row++) size = Math.max(size, from[row]! + 1, to[row]! + 1);

  // A counting sort by origin; `upTo` sums the flights of an origin up to and with each of its routes.
  const first = new Uint32Array(size + 1);
  for (let row = 0; row < routes.size; row++) first[from[row]! + 1]!++;
  for (let airport = 0; airport < size; airport++) first[airport + 1]! += first[airport]!;
  const next = first.slice();
  const destination = new Uint32Array(routes.size);
  const upTo = new Uint32Array(routes.size);
  const direct = new Uint8Array(size * size);
  for (let row = 0; row < routes.size; row++) {
    const origin = from[row]!;
    const slot = next[origin]!++;
    destination[slot] = to[row]!;
    upTo[slot] = count[row]! + (slot > first[origin]! ? upTo[slot - 1]! : 0);
    direct[origin * size + to[row]!] = 1;
  }

  return {
    size,
    draw(origin, cursor) {
      const lo = first[origin]!;
      const hi = first[origin + 1]!;
      if (lo === hi) return 0;
      return destination[search(upTo, lo, hi, cursor.int(0, upTo[hi - 1]! - 1))]!;
    },
    connects: (origin, target) => direct[origin * size + target] === 1,
  };
});
