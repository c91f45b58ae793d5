/**
 * Planted bugs that use what no log holds: a tick refuses each by name, and where the guard was off when the
 * run was recorded, a verification does.
 */
import type { InferShape, WorldDef } from '../../src/index.ts';
import { town, townApply, townSchema } from './town.ts';

type Town = InferShape<typeof townSchema>;

/** A bug, the source that it uses, and who runs. */
export interface AmbientBug {
  readonly name: string;
  readonly source: string;
  readonly origin: string;
  readonly kind?: string;
  readonly world: () => WorldDef<Town, string>;
}

const system = townSchema.system.bind(townSchema);

/** A town whose system `move` moves somebody by a number that it gets from somewhere. */
const movedBy = (number: () => number) => () =>
  town({
    systems: {
      move: system('move', ({ world, emit }) => {
        emit.moved({ person: world.people.columns.id[0]!, cell: Math.abs(Math.floor(number())) % 10 });
      }),
    },
  });

const inMove = (name: string, source: string, number: () => number): AmbientBug => ({
  name,
  source,
  origin: 'move',
  world: movedBy(number),
});

/** Bugs of every group. */
export const AMBIENT_BUGS: readonly AmbientBug[] = [
  inMove('chance decides', 'Math.random', () => Math.random() * 10),
  inMove('the clock decides', 'Date.now', () => Date.now()),
  inMove('a name that is made up decides', 'crypto.randomUUID', () => crypto.randomUUID().charCodeAt(0)),
  inMove('the last bits of an exponential decide', 'Math.exp', () => Math.exp(1.5) * 1e15),
  inMove('the locale sorts', 'String.localeCompare', () => 5 + 'ä'.localeCompare('z')),
  inMove('the environment decides', 'process.env', () => Object.keys(process.env).length),
  inMove('a timer leaks out of a tick', 'setTimeout', () => {
    setTimeout(() => {}, 0);
    return 1;
  }),
  inMove('a promise leaks out of a tick', 'a promise', () => {
    void (async () => {})();
    return 1;
  }),
  {
    name: 'a handler asks the clock',
    source: 'Date.now',
    origin: 'move',
    kind: 'moved',
    world: () =>
      town({ apply: { ...townApply, moved: (w, e) => w.people.update(e.person, { money: Date.now() }) } }),
  },
];
