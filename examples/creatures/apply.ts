/**
 * What each event does to the tables.
 *
 * Whole columns are written through spans, which are raw typed arrays; rows come and go through `insertMany`
 * and `delete`. A deleted row is replaced by the last one: the order of rows is state, and everything here
 * that goes through a table in its order gives the same result in every replay.
 */
import type { WritableWorld } from 'worldfold';
import { cellAt, sideOf, wrapped } from './field.ts';
import { founded } from './founding.ts';
import { type Creatures, schema } from './schema.ts';

type Tables = WritableWorld<Creatures>;

function grow({ cells }: Tables, by: number, most: number): void {
  const grass = cells.write.grass.span();
  for (let row = 0; row < grass.length; row++) grass[row] = Math.min(most, grass[row]! + by);
}

/** How each kind of event changes the world. */
export const apply = schema.apply({
  founded,
  dawned: (world, _, { config: { regrowth, grassMax } }) => {
    grow(world, regrowth, grassMax);
    world.tally.set({ births: 0, deaths: 0 });
  },
  rained: (world, { grass }, { config: { grassMax } }) => grow(world, grass, grassMax),
  /** Everybody swerves a little, by draws of its own, goes on, burns energy and grows older. */
  moved: ({ creatures }, _, { config, rng }) => {
    const { swerve, speed, burn, prime } = config;
    const side = sideOf(config);
    const { id } = creatures.columns;
    const { write } = creatures;
    const [x, y, vx, vy] = [write.x.span(), write.y.span(), write.vx.span(), write.vy.span()];
    const [energy, age, cell] = [write.energy.span(), write.age.span(), write.cell.span()];
    const draw = rng('swerve');
    for (let row = 0; row < id.length; row++) {
      const cursor = draw.of(id[row]!);
      let dx = vx[row]! + swerve * (2 * cursor.float() - 1);
      let dy = vy[row]! + swerve * (2 * cursor.float() - 1);
      const far = dx * dx + dy * dy;
      if (far > speed * speed) {
        const shorter = speed / Math.sqrt(far);
        dx *= shorter;
        dy *= shorter;
      }
      vx[row] = dx;
      vy[row] = dy;
      x[row] = wrapped(x[row]! + dx, side);
      y[row] = wrapped(y[row]! + dy, side);
      cell[row] = cellAt(x[row]!, y[row]!, side);
      const worn = age[row]! / prime;
      energy[row] = energy[row]! - burn * (1 + worn * worn);
      age[row] = age[row]! + 1;
    }
  },
  /** In order of the rows of `hungry`, each takes from its cell what is left there, up to a bite. */
  grazed: ({ cells, creatures, hungry }, _, { config: { bite } }) => {
    const { creature } = hungry.columns;
    const { cell } = creatures.columns;
    const energy = creatures.write.energy.span();
    const grass = cells.write.grass.span();
    for (let i = 0; i < hungry.size; i++) {
      const row = creatures.row(creature[i]!);
      const at = cell[row]! - 1;
      const eaten = Math.min(bite, grass[at]!);
      grass[at] = grass[at]! - eaten;
      energy[row] = energy[row]! + eaten;
    }
  },
  starved: {
    batch({ creatures, hungry, pregnant, tally }, { size, columns: { creature } }) {
      for (let i = 0; i < size; i++) {
        creatures.delete(creature[i]!);
        hungry.delete(creature[i]!);
        pregnant.deleteIf(creature[i]!);
      }
      const { deaths, died } = tally.value;
      tally.set({ deaths: deaths + size, died: died + size });
    },
  },
  /** A child begins where its mother is, with half of her energy. */
  born: {
    batch({ creatures, pregnant, tally }, { size, columns: { child, mother } }, { config: { speed }, rng }) {
      const from = creatures.columns;
      const { energy } = creatures.write;
      const floats = (): Float32Array => new Float32Array(size);
      const [x, y, vx, vy, half] = [floats(), floats(), floats(), floats(), floats()];
      const cell = new Uint32Array(size);
      const draw = rng('heading');
      for (let i = 0; i < size; i++) {
        const row = creatures.row(mother[i]!);
        const cursor = draw.of(child[i]!);
        x[i] = from.x[row]!;
        y[i] = from.y[row]!;
        vx[i] = (speed / 2) * (2 * cursor.float() - 1);
        vy[i] = (speed / 2) * (2 * cursor.float() - 1);
        half[i] = from.energy[row]! / 2;
        cell[i] = from.cell[row]!;
        energy.set(row, half[i]!);
        pregnant.delete(mother[i]!);
      }
      creatures.insertMany({ id: child, x, y, vx, vy, energy: half, age: new Float64Array(size), cell });
      const { births, born } = tally.value;
      tally.set({ births: births + size, born: born + size });
    },
  },
  hungered: { batch: ({ hungry }, { columns }) => hungry.insertMany({ creature: columns.creature }) },
  sated: {
    batch({ hungry }, { size, columns: { creature } }) {
      for (let i = 0; i < size; i++) hungry.delete(creature[i]!);
    },
  },
  conceived: {
    batch({ pregnant }, { size, columns: { creature } }, { tick, config: { gestation } }) {
      pregnant.insertMany({ creature, due: new Uint32Array(size).fill(tick + gestation) });
    },
  },
});
