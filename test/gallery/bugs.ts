/**
 * Planted bugs: each makes a world that diverges from its own log, and says where it must be found.
 *
 * `record` makes the world that a run is recorded with, `verify` the one that it is verified with; where
 * the latter is left out, the former is made anew, as another process would. `restart` closes the run in
 * the middle and goes on with a world that was made anew. All of them compile and look harmless.
 */
import { expect } from 'vitest';
import type { Ctx, DivergenceReport, InferShape, WorldDef } from '../../src/index.ts';
import { sound, town, townApply, townSchema } from './town.ts';

type Town = InferShape<typeof townSchema>;

/** A bug, and where it is. */
export interface Bug {
  readonly name: string;
  readonly record: () => WorldDef<Town, string>;
  readonly verify?: () => WorldDef<Town, string>;
  readonly restart?: boolean;
  readonly expected: Partial<Pick<DivergenceReport, 'found' | 'cause' | 'kinds' | 'tables'>> & {
    readonly origin?: string;
    readonly stream?: string;
    /** The kind of the first event that differs. */
    readonly kind?: string;
    readonly column?: string;
    /** The first tick that diverges; any if left out. */
    readonly tick?: number;
  };
}

const system = townSchema.system.bind(townSchema);
/** As code that was imported before anybody could look would have it. */
const capturedRandom = Math.random;

/** State of a module. */
let counter = 0;

const isThere = (world: Ctx<Town>['world'], id: number): boolean => world.people.has(id as never);

export const BUGS: readonly Bug[] = [
  {
    name: 'a variable of a module decides what a system emits',
    record: () =>
      town({
        systems: {
          move: system('move', ({ world, emit }) => {
            emit.moved({ person: world.people.columns.id[0]!, cell: counter++ % 10 });
          }),
        },
      }),
    expected: {
      found: 'execute',
      cause: 'not deterministic',
      origin: 'move',
      kind: 'moved',
      column: 'cell',
      tick: 1,
    },
  },
  {
    name: 'a Set that outlives the tick gives the order',
    record: () => {
      const seen = new Set<number>();
      return town({
        systems: {
          earn: system('earn', ({ world, emit, tick }) => {
            const ids = [...world.people.columns.id];
            for (const id of tick % 2 ? ids : ids.reverse()) seen.add(id);
            for (const id of seen) if (isThere(world, id)) emit.paid({ person: id as never, amount: 1 });
          }),
        },
      });
    },
    restart: true,
    expected: { found: 'execute', origin: 'earn', kind: 'paid', column: 'person' },
  },
  {
    name: 'a Map is rebuilt in another order after a restart',
    record: () => {
      const cells = new Map<number, number>();
      return town({
        systems: {
          earn: system('earn', ({ world, emit }) => {
            for (const { id, cell } of world.people) cells.set(cell, id);
            for (const id of cells.values())
              if (isThere(world, id)) emit.paid({ person: id as never, amount: 1 });
          }),
        },
      });
    },
    restart: true,
    expected: { found: 'execute', origin: 'earn' },
  },
  {
    name: 'an array that is sorted again and again keeps the order of ties',
    record: () => {
      const ids: number[] = [];
      return town({
        systems: {
          earn: system('earn', ({ world, emit, tick }) => {
            if (ids.length === 0) ids.push(...world.people.columns.id);
            if (tick === 2) ids.reverse();
            ids.sort((a, b) => (a % 3) - (b % 3));
            for (const id of ids.slice(0, 5))
              if (isThere(world, id)) emit.paid({ person: id as never, amount: 1 });
          }),
        },
      });
    },
    restart: true,
    expected: { found: 'execute', origin: 'earn' },
  },
  {
    name: 'a draw comes from another stream',
    record: () => town(),
    verify: () =>
      town({
        systems: {
          live: system('live', { every: 2 }, ({ world: { people }, emit, rng }) => {
            const draw = rng('life');
            if (draw.chance(0.5)) emit.born({ cell: draw.int(0, 9) });
            if (people.size > 20) emit.died({ person: people.columns.id[draw.int(0, people.size - 1)]! });
          }),
        },
      }),
    expected: { found: 'execute', cause: 'changed code', origin: 'live', stream: 'life', tick: 2 },
  },
  {
    name: 'one more draw shifts the stream of a system that emits the same',
    record: () => town(),
    verify: () =>
      town({
        systems: {
          infect: system('infect', ({ world: { people }, emit, rng, config }) => {
            const draw = rng('infect');
            for (const { cell } of people.where({ ill: true }))
              for (const { id, ill } of people.by.cell(cell))
                if (!ill && draw.chance(config.rate)) emit.infected({ person: id });
            draw.float();
          }),
        },
      }),
    expected: { found: 'execute', cause: 'changed code', stream: 'infect', tick: 1 },
  },
  {
    name: 'floats are summed in another order',
    record: () => town(),
    verify: () =>
      town({
        apply: {
          paid: {
            batch(w, e) {
              let sum = 0;
              for (const { person, amount } of e) {
                w.people.update(person, { money: w.people.need(person).money + amount });
                w.bank.set({ last: person });
                sum += amount;
              }
              w.bank.set({ sum: w.bank.value.sum + sum });
            },
          },
        },
      }),
    expected: { found: 'fold', cause: 'changed code', tables: ['bank'], kinds: ['paid'] },
  },
  {
    name: 'a system writes a table past the write view',
    record: () =>
      town({
        systems: {
          move: system('move', ({ world, tick }) => {
            if (tick === 4) (world.people.columns.money as unknown as Float64Array)[2] = 99;
          }),
        },
      }),
    expected: { found: 'fold', cause: 'written past', origin: 'move', tables: ['people'], tick: 4 },
  },
  {
    name: 'a system writes into the events of another',
    record: () =>
      town({
        systems: {
          infect: system('infect', ({ events }) => {
            if (events.moved.size > 0) (events.moved.columns.cell as unknown as Uint8Array)[0] = 7;
          }),
        },
      }),
    expected: { found: 'fold', cause: 'written past', origin: 'infect', tables: ['people'] },
  },
  {
    name: 'chance that was captured when a module was loaded, in a system',
    record: () =>
      town({
        systems: {
          live: system('live', { every: 2 }, ({ emit, world }) => {
            emit.paid({ person: world.people.columns.id[0]!, amount: capturedRandom() });
          }),
        },
      }),
    expected: {
      found: 'execute',
      cause: 'not deterministic',
      origin: 'live',
      kind: 'paid',
      column: 'amount',
      tick: 2,
    },
  },
  {
    name: 'chance that was captured when a module was loaded, in a handler',
    record: () =>
      town({
        apply: { infected: (w, e) => w.people.update(e.person, { ill: true, money: capturedRandom() }) },
      }),
    expected: {
      found: 'fold',
      cause: 'not deterministic',
      origin: 'infect',
      kinds: ['infected'],
      tables: ['people'],
    },
  },
  {
    name: 'a handler counts its calls',
    record: () => {
      let calls = 0;
      return town({
        apply: { moved: (w, e) => w.people.update(e.person, { cell: (e.cell + calls++) % 10 }) },
      });
    },
    expected: {
      found: 'execute',
      cause: 'not deterministic',
      origin: 'move',
      kinds: ['moved'],
      tables: ['bank', 'people'],
      tick: 1,
    },
  },
  {
    name: 'a handler reads an array that an earlier call kept',
    record: () => {
      let kept: ArrayLike<number> | null = null;
      return town({
        systems: {
          live: system('live', ({ emit }) => {
            for (let cell = 0; cell < 3; cell++) emit.born({ cell });
          }),
        },
        apply: {
          born: (w, e) => {
            kept ??= w.people.columns.money;
            return w.people.insert({ id: e.child, cell: e.cell, money: kept[0]! });
          },
        },
      });
    },
    expected: {
      cause: 'not deterministic',
      tables: ['people'],
      kinds: expect.arrayContaining(['born']),
    },
  },
  {
    name: 'the code of a handler has changed',
    record: () => town(),
    verify: () => town({ apply: { died: () => {} } }),
    expected: { found: 'fold', cause: 'changed code', tables: ['people'], kinds: ['died'] },
  },
  {
    name: 'a handler closes over a value that is another now',
    record: () => withBonus(1),
    verify: () => withBonus(2),
    expected: {
      found: 'fold',
      cause: 'unknown',
      tables: ['people'],
      kinds: expect.arrayContaining(['infected']),
    },
  },
  {
    name: 'a handler throws on an event that it once took',
    record: () => town(),
    verify: () =>
      town({
        apply: {
          moved: () => {
            throw new Error('nobody moves any more');
          },
        },
      }),
    expected: { found: 'fold', cause: 'changed code', kinds: ['moved'], tick: 1 },
  },
  {
    name: 'a system throws that once ran',
    record: () => town(),
    verify: () =>
      town({
        systems: {
          live: system('live', { every: 2 }, ({ tick }) => {
            if (tick > 5) throw new Error('no life after five');
          }),
        },
      }),
    expected: { found: 'execute', cause: 'changed code' },
  },
  {
    name: 'a system is gone',
    record: () => town(),
    verify: () => town({ systems: { earn: system('earn', () => {}) } }),
    expected: { found: 'execute', cause: 'changed code', origin: 'earn', tick: 1 },
  },
  {
    name: 'two systems have changed places',
    record: () => town(),
    verify: () => town({ systems: { move: sound.earn, earn: sound.move } }),
    expected: { found: 'execute', cause: 'changed code', tick: 1 },
  },
  {
    name: 'a condition remembers',
    record: () => {
      let ran = 0;
      return town({
        systems: {
          live: system('live', { when: () => ran++ % 3 === 1 }, ({ emit }) => void emit.born({ cell: 1 })),
        },
      });
    },
    restart: true,
    expected: { found: 'execute', origin: 'live' },
  },
  {
    name: 'what a derived value returned is changed by whoever got it',
    record: () => {
      const crowd = townSchema.derive(['bank'], () => ({ seen: 0 }));
      return town({
        systems: {
          earn: system('earn', ({ get, emit, world, tick }) => {
            const found = get(crowd);
            found.seen++;
            if (tick % 3 === 0) emit.paid({ person: world.people.columns.id[0]!, amount: found.seen });
          }),
          infect: system('infect', () => {}),
        },
      });
    },
    restart: true,
    expected: { found: 'execute', origin: 'earn', kind: 'paid', column: 'amount' },
  },
  {
    name: 'a handler throws away a draw, so that the next one is another',
    record: () => town(),
    verify: () =>
      town({
        apply: {
          born: (w, e, now) => {
            const draw = now.rng('gift');
            draw.float();
            w.people.insert({ id: e.child, cell: e.cell, money: draw.float() });
          },
        },
      }),
    expected: { found: 'fold', cause: 'changed code', tables: ['people'], kinds: ['born'] },
  },
];

/** Two of these have handlers of one text. */
function withBonus(bonus: number) {
  return town({
    apply: { ...townApply, infected: (w, e) => w.people.update(e.person, { ill: true, money: bonus }) },
  });
}
