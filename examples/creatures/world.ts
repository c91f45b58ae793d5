/**
 * Creatures that move, graze, starve and breed on a field that grows again.
 *
 * 20,000 of them unless the config says otherwise; a million is what the benchmarks run. What state a
 * creature is in, hungry or pregnant, is a row in a table of its own, so that systems visit only those. See
 * README.md.
 */
import { defineWorld, type ReadColumn, type World } from 'worldfold';
import { apply } from './apply.ts';
import { sideOf } from './field.ts';
import { type Creatures, schema } from './schema.ts';
import { bear, conceive, dawn, graze, hunger, move, starve } from './systems.ts';

/** Those of the ids that no creature has. */
function strays(creatures: World<Creatures>['creatures'], ids: ReadColumn<number>): number[] {
  const found: number[] = [];
  for (let i = 0; i < ids.length; i++) if (!creatures.has(ids[i]!)) found.push(ids[i]!);
  return found;
}

export default defineWorld(schema, {
  setup({ insert, emit, rng, config }) {
    const side = sideOf(config);
    const grass = rng('grass').floats(new Float32Array(side * side));
    insert.cells.many({ grass: grass.map((share) => share * config.grassMax) });
    emit.founded({ count: config.population });
  },
  systems: [dawn, move, graze, starve, bear, hunger, conceive],
  apply,
  invariants: {
    everybodyIsCounted: ({ creatures, tally: { value } }, { config }) =>
      creatures.size === config.population + value.born - value.died,
    statesAreOfTheLiving: ({ creatures, hungry, pregnant }) => [
      ...strays(creatures, hungry.columns.creature),
      ...strays(creatures, pregnant.columns.creature),
    ],
  },
  metrics: {
    population: ({ creatures }) => creatures.size,
    hungry: ({ hungry }) => hungry.size,
    pregnant: ({ pregnant }) => pregnant.size,
    births: ({ tally }) => tally.value.births,
    deaths: ({ tally }) => tally.value.deaths,
    meanEnergy: ({ creatures: { size, columns } }) => {
      let sum = 0;
      for (let row = 0; row < size; row++) sum += columns.energy[row]!;
      return size === 0 ? 0 : sum / size;
    },
  },
  until: ({ creatures }) => creatures.size === 0,
});
