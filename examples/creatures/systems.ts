/**
 * What happens in a tick: grass grows, creatures move, the hungry graze, starve or have eaten their fill, and
 * those who have may breed.
 *
 * The first three say only that it is time: what then happens follows from the world and from draws keyed by
 * the event, so that a record needs no more than a few bytes for a million creatures. Who died, was born or
 * changed its state is recorded by name, as columns.
 */
import { schema } from './schema.ts';

/** A tick begins. */
export const dawn = schema.system('dawn', ({ emit }) => void emit.dawned());

/** Everybody moves. */
export const move = schema.system('move', ({ emit }) => void emit.moved());

/** The hungry graze. */
export const graze = schema.system('graze', ({ world: { hungry }, emit }) => {
  if (hungry.size > 0) emit.grazed();
});

/** Who has nothing left to burn dies. They are among the hungry: nobody else has to be looked at. */
export const starve = schema.system('starve', ({ world: { creatures, hungry }, emit }) => {
  const { energy } = creatures.columns;
  const { creature } = hungry.columns;
  const who = new Uint32Array(hungry.size);
  let count = 0;
  for (let i = 0; i < who.length; i++)
    if (energy[creatures.row(creature[i]!)]! <= 0) who[count++] = creature[i]!;
  if (count > 0) emit.starved.many({ creature: who.subarray(0, count) });
});

/** Whose time has come gives birth. Emitting hands out the ids of the children. */
export const bear = schema.system('bear', ({ world: { pregnant }, emit, tick }) => {
  const { creature, due } = pregnant.columns;
  const who = new Uint32Array(pregnant.size);
  let count = 0;
  for (let i = 0; i < who.length; i++) if (due[i]! <= tick) who[count++] = creature[i]!;
  if (count > 0) emit.born.many({ mother: who.subarray(0, count) });
});

/** Who has eaten its fill is hungry no longer; who has burnt too much becomes hungry. */
export const hunger = schema.system('hunger', ({ world: { creatures, hungry }, emit, config }) => {
  const { fullAbove, hungryBelow } = config;
  const { id, energy } = creatures.columns;
  const { creature } = hungry.columns;
  const isHungry = new Uint8Array(creatures.size);
  const who = new Uint32Array(creatures.size);
  let count = 0;
  for (let i = 0; i < hungry.size; i++) {
    const row = creatures.row(creature[i]!);
    isHungry[row] = 1;
    if (energy[row]! > fullAbove) who[count++] = creature[i]!;
  }
  if (count > 0) emit.sated.many({ creature: who.subarray(0, count) });
  count = 0;
  for (let row = 0; row < isHungry.length; row++)
    if (energy[row]! < hungryBelow && isHungry[row] === 0) who[count++] = id[row]!;
  if (count > 0) emit.hungered.many({ creature: who.subarray(0, count) });
});

/** Who has just eaten its fill may conceive: this tick's events say who that is. */
export const conceive = schema.system('conceive', ({ world: { pregnant }, emit, events, rng, config }) => {
  const { size, columns } = events.sated;
  const draw = rng('conceive');
  const who = new Uint32Array(size);
  let count = 0;
  for (let i = 0; i < size; i++) {
    const creature = columns.creature[i]!;
    if (draw.of(creature).chance(config.conceive) && !pregnant.has(creature)) who[count++] = creature;
  }
  if (count > 0) emit.conceived.many({ creature: who.subarray(0, count) });
});
