/**
 * The field as a surface: a square of cells whose edges meet, so that who leaves on one side comes in on the
 * other.
 */

/** How many cells a side of the field has. */
export const sideOf = ({ population, perCell }: { readonly population: number; readonly perCell: number }) =>
  Math.max(1, Math.ceil(Math.sqrt(population / perCell)));

/**
 * A coordinate brought back into the field. It is rounded to single precision before it is compared: what is
 * a hair below 0, or below the far edge, would otherwise be stored as the far edge itself.
 */
export function wrapped(at: number, side: number): number {
  const inside = at < 0 ? (at % side) + side : at < side ? at : at % side;
  const near = Math.fround(inside);
  return near < side ? near : 0;
}

/** The id of the cell at a point of the field. */
export const cellAt = (x: number, y: number, side: number): number =>
  Math.floor(y) * side + Math.floor(x) + 1;
