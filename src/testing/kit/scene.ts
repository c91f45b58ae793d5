/**
 * A scene: a few rows, and one system alone.
 *
 * Nothing of it is recorded; the tick that is played is the world's own, with its draws, its handlers and
 * its options of systems.
 */
import { guardLevels } from '../../base/ambient.ts';
import { checkNames } from '../../base/arguments.ts';
import { show } from '../../base/canonical.ts';
import { fail } from '../../base/errors.ts';
import { needWorld } from '../../replay/given.ts';
import type { System } from '../../schema/context.ts';
import type { Config, EventRow, IsSingle, NewRow, Shape } from '../../schema/infer.ts';
import type { World } from '../../schema/views.ts';
import type { WorldDef } from '../../simulation/define-world.ts';
import { type KindAndRow, SceneEngine } from '../../simulation/scene-engine.ts';
import type { GuardOption, Input } from '../../simulation/types.ts';
import type { AnySystem, AnyWorld } from '../../simulation/world.ts';

/** Rows by table, defaults left out; of a singleton, its row. A table that is not named is empty. */
export type SceneTables<S extends Shape> = {
  readonly [T in keyof S['tables'] & string]?: IsSingle<S, T> extends true
    ? NewRow<S, T>
    : readonly NewRow<S, T>[];
};

/** What a scene begins with. */
export interface SceneGiven<S extends Shape> {
  readonly tables?: SceneTables<S>;
  /** Columns of the config; the others have their defaults. */
  readonly config?: Partial<Config<S>>;
  /** Seeds every draw: `scene` if left out. */
  readonly seed?: string;
  /** The tick that is played, from 1 on: 1 if left out. */
  readonly tick?: number;
  /** Inputs that the tick begins with, applied in order. */
  readonly inputs?: readonly Input<S>[];
  /** What becomes of code that uses a source which no log holds, as in the options of `createRun`. */
  readonly guard?: GuardOption;
}

/** What a system emitted, by kind, in order; an empty list of a kind that it did not emit. */
export type Emitted<S extends Shape> = {
  readonly [K in keyof S['events'] & string]: readonly EventRow<S, K>[];
};

/** A tick of a world that is played system by system. */
export interface Scene<S extends Shape> {
  /** The world as it is now, to read. */
  readonly world: World<S>;
  readonly tick: number;
  /**
   * Runs one system as in a tick, and applies what it emits to the scene's world. A system whose turn it is
   * not (`every`, `when`) emits nothing. What it throws is thrown (`TICK_FAILED`), and ends the scene.
   */
  step(system: System<S>): Emitted<S>;
}

/** What a scene begins with, its types erased. */
export interface AnyGiven {
  readonly tables?: { readonly [table: string]: object | readonly object[] };
  readonly config?: object;
  readonly seed?: string;
  readonly tick?: number;
  readonly inputs?: readonly (readonly [kind: string, row?: object])[];
  readonly guard?: GuardOption;
}

/** What a scene can be given. */
export const SCENE_PARTS = ['tables', 'config', 'seed', 'tick', 'inputs', 'guard'];

/** The engine of a scene, its inputs applied. */
export function sceneEngine(call: string, world: AnyWorld, given: AnyGiven): SceneEngine {
  const { tables = {}, config = {}, seed = 'scene', tick = 1, inputs = [] } = given;
  const guard = guardLevels(given.guard);
  if (!Number.isSafeInteger(tick) || tick < 1)
    fail('BAD_USAGE', `the tick of a ${call} is a whole number from 1 on, not ${show(tick)}`, { tick });
  const rows = Object.entries(tables).map(([name, of]) => [name, Array.isArray(of) ? of : [of]]);
  const engine = new SceneEngine(world, { seed, config, tick, guard, tables: Object.fromEntries(rows) });
  for (const [kind, row = {}] of inputs) engine.submit(kind, row);
  return engine;
}

/** Events as lists by kind. */
function byKind({ schema }: AnyWorld, events: readonly KindAndRow[]): { readonly [kind: string]: object[] } {
  const lists = Object.fromEntries(
    Object.keys(schema.compiled.spec.events).map((kind): [string, object[]] => [kind, []]),
  );
  for (const [kind, row] of events) lists[kind]!.push(row);
  return lists;
}

/**
 * Sets a scene of a world: rows in tables, a config, a tick, inputs; the setup of the world does not run, and
 * no invariant is looked at. `BAD_VALUE`, `BAD_INPUT` or `BAD_USAGE` where what is given does not fit.
 *
 * @example
 * ```ts
 * const people = [{ cell: 1, health: 'ill' }, { cell: 1, health: 'well' }] as const;
 * const village = scene(town, { tables: { people }, config: { beta: 1 } });
 * expect(village.step(infect).infected).toEqual([{ person: 2 }]);
 * expect(village.world.people.count({ health: 'ill' })).toBe(2);
 * ```
 */
export function scene<S extends Shape, M extends string>(
  definition: WorldDef<S, M>,
  given: SceneGiven<NoInfer<S>> = {},
): Scene<S> {
  const world = needWorld('scene', definition);
  checkNames('what a scene is given', given, SCENE_PARTS);
  const engine = sceneEngine('scene', world, given as AnyGiven);
  return Object.freeze({
    world: engine.state.reader as World<S>,
    tick: given.tick ?? 1,
    step: (system: System<S>) =>
      byKind(world, engine.run(system as unknown as AnySystem)) as unknown as Emitted<S>,
  });
}
