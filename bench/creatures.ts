/**
 * The creatures of `examples/creatures` as a fixture, and the same ticks over plain arrays.
 *
 * The plain herd is what somebody would write who needs nothing but the numbers: typed arrays, lists, no
 * tables, no events, no log. It shares the draws and the surface of the field, and nothing else, so that a
 * test can hold the two to one result, and a comparison measures the framework alone.
 */
import { cellAt, sideOf, wrapped } from '../examples/creatures/field.ts';
import type { Creatures } from '../examples/creatures/schema.ts';
import creatures from '../examples/creatures/world.ts';
import { type Config, createRun, memoryStore, type Run, type RunPolicy, type World } from '../src/index.ts';
import { stateOf, type WorldState } from '../src/projections/world-state.ts';
import { Streams } from '../src/random/streams.ts';

/** A run in memory, with the tables behind its world. */
export interface CreaturesWorld {
  readonly run: Run<Creatures, string>;
  readonly state: WorldState;
}

const SEED = 'bench';
const NEVER = 1e9;

/** Without hashes and invariants, save those of tick 0. */
export const BARE: RunPolicy = { hashEvery: NEVER, invariantsEvery: NEVER };

/**
 * Makes a run of `rows` creatures in memory, at tick 0: half a second for a million. Besides the eight
 * columns of the creatures (36 bytes a row) its world holds a quarter as many cells, and the hungry and the
 * pregnant.
 */
export async function creaturesWorld(rows: number, policy: RunPolicy = {}): Promise<CreaturesWorld> {
  const options = { store: memoryStore(), seed: SEED, config: { population: rows }, ...policy };
  const run = (await createRun(creatures, options)) as unknown as Run<Creatures, string>;
  return { run, state: stateOf(run.world)! };
}

/** The config of a run of `rows` creatures. */
export function configOf(rows: number): Config<Creatures> {
  const { config } = creatures.schema.spec;
  const defaults = Object.entries(config).map(([name, { fallback }]) => [name, fallback?.value]);
  return { ...Object.fromEntries(defaults), population: rows } as Config<Creatures>;
}

/** Some of the creatures, in order: a list, and where each of them stands in it. */
class Some {
  size = 0;
  ids = new Uint32Array(1024);
  /** By id: the place in the list, counted from 1; 0 for who is not there. */
  places = new Uint32Array(1024);

  /** Appends an id and returns its place. */
  add(id: number): number {
    if (this.size === this.ids.length) this.ids = grown(this.ids);
    while (id >= this.places.length) this.places = grown(this.places);
    this.ids[this.size++] = id;
    this.places[id] = this.size;
    return this.size - 1;
  }

  /** Replaces an id that is there by the last one; returns the place that it had. */
  remove(id: number): number {
    const place = this.places[id]! - 1;
    const last = this.ids[--this.size]!;
    this.ids[place] = last;
    this.places[last] = place + 1;
    this.places[id] = 0;
    return place;
  }

  has(id: number): boolean {
    return this.places[id]! > 0;
  }
}

function grown<A extends Float32Array | Float64Array | Uint32Array>(array: A): A {
  const made = new (array.constructor as new (length: number) => A)(array.length * 2);
  made.set(array);
  return made;
}

/** The creatures without a framework. */
export class PlainHerd {
  readonly grass: Float32Array;
  readonly all = new Some();
  readonly hungry = new Some();
  readonly pregnant = new Some();
  /** By place among the pregnant. */
  due: Uint32Array;
  x = new Float32Array(1024);
  y = new Float32Array(1024);
  vx = new Float32Array(1024);
  vy = new Float32Array(1024);
  energy = new Float32Array(1024);
  age = new Float64Array(1024);
  cell = new Uint32Array(1024);
  tick = 0;
  meanEnergy = 0;
  private readonly side: number;
  private readonly config: Config<Creatures>;
  private readonly streams = new Streams(SEED);
  private nextId: number;

  /** Begins where a world of the same config stands at tick 0. */
  constructor(world: World<Creatures>, config: Config<Creatures>) {
    this.config = config;
    this.side = sideOf(config);
    this.grass = Float32Array.from(world.cells.columns.grass);
    const { columns, size } = world.creatures;
    while (this.x.length < size) this.grow();
    for (const id of columns.id) this.all.add(id);
    for (const name of ['x', 'y', 'vx', 'vy', 'energy', 'age', 'cell'] as const)
      this[name].set(columns[name] as Float64Array);
    for (const id of world.hungry.columns.creature) this.hungry.add(id);
    for (const id of world.pregnant.columns.creature) this.pregnant.add(id);
    this.due = new Uint32Array(this.pregnant.ids.length);
    this.due.set(world.pregnant.columns.due as Uint32Array);
    this.nextId = size + 1;
  }

  private grow(): void {
    this.x = grown(this.x);
    this.y = grown(this.y);
    this.vx = grown(this.vx);
    this.vy = grown(this.vy);
    this.energy = grown(this.energy);
    this.age = grown(this.age);
    this.cell = grown(this.cell);
  }

  /** Computes ticks. */
  advance(ticks: number): void {
    for (let i = 0; i < ticks; i++) {
      this.tick++;
      this.dawn();
      this.move();
      this.graze();
      this.starve();
      this.bear();
      this.conceive(this.becomeHungry());
      this.measure();
    }
  }

  private dawn(): void {
    const { grass } = this;
    const { regrowth, grassMax } = this.config;
    for (let at = 0; at < grass.length; at++) grass[at] = Math.min(grassMax, grass[at]! + regrowth);
  }

  private move(): void {
    const { side, x, y, vx, vy, energy, age, cell } = this;
    const { ids, size } = this.all;
    const { swerve, speed, burn, prime } = this.config;
    const draw = this.streams.applying(this.tick, 'moved', 'move').at(0).rng('swerve');
    for (let row = 0; row < size; row++) {
      const cursor = draw.of(ids[row]!);
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
  }

  private graze(): void {
    const { cell, energy, grass } = this;
    const { ids, size } = this.hungry;
    const { places } = this.all;
    const { bite } = this.config;
    for (let i = 0; i < size; i++) {
      const row = places[ids[i]!]! - 1;
      const at = cell[row]! - 1;
      const eaten = Math.min(bite, grass[at]!);
      grass[at] = grass[at]! - eaten;
      energy[row] = energy[row]! + eaten;
    }
  }

  private starve(): void {
    const { energy, hungry } = this;
    const { places } = this.all;
    const dead: number[] = [];
    for (let i = 0; i < hungry.size; i++)
      if (energy[places[hungry.ids[i]!]! - 1]! <= 0) dead.push(hungry.ids[i]!);
    for (const id of dead) {
      const row = this.all.remove(id);
      this.moveRow(this.all.size, row);
      hungry.remove(id);
      if (this.pregnant.has(id)) this.deliver(id);
    }
  }

  private moveRow(from: number, to: number): void {
    this.x[to] = this.x[from]!;
    this.y[to] = this.y[from]!;
    this.vx[to] = this.vx[from]!;
    this.vy[to] = this.vy[from]!;
    this.energy[to] = this.energy[from]!;
    this.age[to] = this.age[from]!;
    this.cell[to] = this.cell[from]!;
  }

  private deliver(id: number): void {
    const place = this.pregnant.remove(id);
    this.due[place] = this.due[this.pregnant.size]!;
  }

  private bear(): void {
    const { pregnant, config } = this;
    const mothers: number[] = [];
    for (let i = 0; i < pregnant.size; i++) if (this.due[i]! <= this.tick) mothers.push(pregnant.ids[i]!);
    const draw = this.streams.applying(this.tick, 'born', 'bear').at(0).rng('heading');
    for (const mother of mothers) {
      const from = this.all.places[mother]! - 1;
      const cursor = draw.of(this.nextId);
      const row = this.all.add(this.nextId++);
      if (row === this.x.length) this.grow();
      this.moveRow(from, row);
      this.vx[row] = (config.speed / 2) * (2 * cursor.float() - 1);
      this.vy[row] = (config.speed / 2) * (2 * cursor.float() - 1);
      this.energy[from] = this.energy[row] = this.energy[from]! / 2;
      this.age[row] = 0;
      this.deliver(mother);
    }
  }

  /** Returns who has eaten its fill. */
  private becomeHungry(): number[] {
    const { energy, hungry } = this;
    const { ids, places, size } = this.all;
    const { fullAbove, hungryBelow } = this.config;
    const sated: number[] = [];
    for (let i = 0; i < hungry.size; i++)
      if (energy[places[hungry.ids[i]!]! - 1]! > fullAbove) sated.push(hungry.ids[i]!);
    for (const id of sated) hungry.remove(id);
    for (let row = 0; row < size; row++)
      if (energy[row]! < hungryBelow && !hungry.has(ids[row]!)) hungry.add(ids[row]!);
    return sated;
  }

  private conceive(sated: readonly number[]): void {
    const { pregnant, config } = this;
    const draw = this.streams.tick(this.tick).rng('conceive');
    for (const id of sated) {
      if (!draw.of(id).chance(config.conceive) || pregnant.has(id)) continue;
      const place = pregnant.add(id);
      if (place >= this.due.length) this.due = grown(this.due);
      this.due[place] = this.tick + config.gestation;
    }
  }

  private measure(): void {
    const { size } = this.all;
    let sum = 0;
    for (let row = 0; row < size; row++) sum += this.energy[row]!;
    this.meanEnergy = size === 0 ? 0 : sum / size;
  }
}
