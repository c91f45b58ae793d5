/**
 * The world within a tick: after its inputs, or after one of its systems.
 */
import { checkNames } from '../base/arguments.ts';
import { show } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import type { Engine } from './engine.ts';
import { frames, type LogSource } from './history.ts';
import { crossEra, type RestoreOptions, restore } from './restore.ts';
import type { AnyWorld } from './world.ts';

/** What may have emitted in a tick, in the order in which it did. */
export const originsOf = ({ def }: AnyWorld, tick: number): readonly string[] =>
  tick === 0 ? ['setup'] : ['inputs', ...def.systems.map(({ name }) => name)];

/** The origin after which a world is asked for; undefined for the end of the tick. `BAD_USAGE`. */
export function checkAfter(world: AnyWorld, tick: number, options: unknown): string | undefined {
  checkNames('the options of at', options, ['after']);
  const { after } = options as { readonly after?: unknown };
  const origins = originsOf(world, tick);
  if (after !== undefined && !origins.includes(after as string))
    fail(
      'BAD_USAGE',
      `nothing called ${show(after)} emits in tick ${tick}`,
      { tick, after },
      `There is: ${origins.map((name) => `'${name}'`).join(', ')}.`,
    );
  return after as string | undefined;
}

/**
 * Gives an engine the world that a tick had after one of its origins; see {@link restore}. What a system
 * emitted at once is applied up to its last event. The world is to be looked at, and not to go on with.
 */
export async function restoreWithin(
  engine: Engine,
  source: LogSource,
  tick: number,
  after: string | undefined,
  options: RestoreOptions,
): Promise<void> {
  if (after === undefined) return restore(engine, source, tick, options);
  if (tick > 0) await restore(engine, source, tick - 1, options);
  engine.hide();
  const ranks = new Map(originsOf(engine.world, tick).map((name, rank) => [name, rank]));
  for await (const frame of frames(source, tick, tick)) {
    await crossEra(engine, source, frame);
    // A system that is no longer there counts to those before it.
    engine.fold(frame, (_, next) => next === null || (ranks.get(next.origin) ?? -1) <= ranks.get(after)!);
  }
  engine.reveal();
}
