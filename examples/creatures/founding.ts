/**
 * The first creatures: drawn from the seed where the event is applied, so that the log holds their number and
 * nothing else.
 */
import type { Now, WritableWorld } from 'worldfold';
import { cellAt, sideOf, wrapped } from './field.ts';
import type { Creatures } from './schema.ts';

/** One founder in so many is pregnant. */
const PREGNANT = 0.1;

/** Puts `count` creatures anywhere on the field, up to twice their prime in age, of every hunger. */
export function founded(
  { creatures, hungry, pregnant }: WritableWorld<Creatures>,
  { count }: { readonly count: number },
  { config, rng }: Now<Creatures>,
): void {
  const side = sideOf(config);
  const floats = (): Float32Array => new Float32Array(count);
  const [x, y, vx, vy, energy] = [floats(), floats(), floats(), floats(), floats()];
  const age = new Float64Array(count);
  const cell = new Uint32Array(count);
  const carrying = new Uint32Array(count);
  const draw = rng('found');
  for (let i = 0; i < count; i++) {
    const cursor = draw.of(i);
    x[i] = wrapped(side * cursor.float(), side);
    y[i] = wrapped(side * cursor.float(), side);
    vx[i] = (config.speed / 2) * (2 * cursor.float() - 1);
    vy[i] = (config.speed / 2) * (2 * cursor.float() - 1);
    energy[i] = config.fullAbove * cursor.float();
    age[i] = Math.floor(2 * config.prime * cursor.float());
    cell[i] = cellAt(x[i]!, y[i]!, side);
    if (cursor.chance(PREGNANT)) carrying[i] = cursor.int(1, config.gestation);
  }
  const ids = Uint32Array.from(creatures.insertMany({ x, y, vx, vy, energy, age, cell }));
  hungry.insertMany({ creature: ids.filter((_, i) => energy[i]! < config.hungryBelow) });
  pregnant.insertMany({
    creature: ids.filter((_, i) => carrying[i]! > 0),
    due: carrying.filter((due) => due > 0),
  });
}
