import { describe, expect, test } from 'vitest';
import { caught, codeOf, framesOf } from '../../test/support/runs.ts';
import { type Tally, tally, tallyOf, tallySchema } from '../../test/support/tally.ts';
import { memoryStore } from '../log/memory-store.ts';
import { t } from '../schema/columns.ts';
import type { Ctx, Emit, Now } from '../schema/context.ts';
import { defineSchema } from '../schema/define.ts';
import { event, table } from '../schema/tables.ts';
import { createRun } from './create-run.ts';
import { defineWorld, type WorldDef } from './define-world.ts';

const begin = <M extends string>(world: WorldDef<Tally, M>, store = memoryStore()) =>
  createRun(world, { store, seed: 's', id: 'r' });
const { system } = tallySchema;

describe('systems', () => {
  test('run in the order of their list, on the ticks that every asks for, where when holds', async () => {
    const seen: string[] = [];
    const note = (name: string) => (ctx: Ctx<Tally>) => void seen.push(`${ctx.tick}${name}`);
    const run = await begin(
      tallyOf(
        system('b', note('b')),
        system('a', { every: 3 }, note('a')),
        system('c', { when: (w, { tick }) => w.things.size === 0 && tick % 2 === 0 }, note('c')),
        system('d', { every: 2, when: (_, { tick }) => tick > 3 }, note('d')),
      ),
    );
    await run.advance(6);
    expect(seen.join(' ')).toBe('1b 2b 2c 3b 3a 4b 4c 4d 5b 6b 6a 6c 6d');
  });

  test('effects after: a system sees none of its own, the next one sees all, in the order emitted', async () => {
    const seen: string[] = [];
    const run = await begin(
      tallyOf(
        system('first', ({ world, emit }) => {
          emit.write({ text: 'a' });
          emit.add({ n: 1 });
          emit.write.many({ text: ['b', 'c'] });
          emit.add({ n: 2 });
          seen.push(`${world.total.value.text}${world.total.value.n}`);
        }),
        system('second', ({ world }) => void seen.push(`${world.total.value.text}${world.total.value.n}`)),
      ),
    );
    await run.advance();
    expect(seen).toEqual(['0', 'abc3']);
  });

  test('effects at-once: each event sees the ones before, many at once are one piece', async () => {
    const seen: unknown[] = [];
    const store = memoryStore();
    const pieces: number[] = [];
    const world = tally({
      systems: [
        system('moves', { effects: 'at-once' }, ({ world, emit }) => {
          for (const text of ['a', 'b']) {
            emit.write({ text });
            seen.push(world.total.value.text);
          }
          const thing = emit.put({ n: 4 });
          seen.push(world.things.need(thing).n);
          emit.add.many({ n: [1, 2, 3] });
          seen.push(world.total.value.n);
          emit.add({ n: 4 });
        }),
      ],
      apply: {
        add: {
          batch(w, { size, columns: { n } }) {
            pieces.push(size);
            w.total.set({ n: [...n].reduce((a, b) => a + b, w.total.value.n) });
          },
        },
      },
    });
    const run = await begin(world, store);
    await run.advance(2);
    expect(seen).toEqual(['a', 'ab', 4, 6, 'aba', 'abab', 4, 16]);
    expect(pieces).toEqual([3, 1, 3, 1]);
    pieces.length = 0;
    await run.at(2);
    expect(pieces, 'a replay applies the same pieces').toEqual([3, 1, 3, 1]);
    await run.flush();
    const [, one] = await framesOf(store, 'r');
    expect(one!.waves).toEqual([expect.objectContaining({ origin: 'moves', atOnce: true })]);
    expect(one!.waves[0]!.runs.map(({ size, times }) => [size, times])).toEqual([
      [1, 2],
      [1, 1],
      [3, 1],
      [1, 1],
    ]);
  });

  test('repeat runs a cascade until it emits nothing; each round sees the one before', async () => {
    const sizes: number[] = [];
    const cascade = system('cascade', { repeat: { max: 5 } }, ({ world, emit, events }) => {
      sizes.push(events.put.size);
      if (world.things.size < 6)
        for (let i = world.things.size; i < 2 * world.things.size || i === 0; i++) emit.put({ n: i });
    });
    const run = await begin(tallyOf(cascade));
    await run.advance();
    expect(sizes).toEqual([0, 1, 2, 4, 8]);
    expect(run.world.things.size).toBe(8);
  });

  test('repeat that does not come to rest is REPEAT_LIMIT with the system, and leaves no record', async () => {
    const run = await begin(
      tallyOf(system('endless', { repeat: { max: 4 }, every: 2 }, ({ emit }) => emit.add({ n: 1 }))),
    );
    const error = await caught(() => run.advance(5));
    expect(error).toMatchObject({
      code: 'REPEAT_LIMIT',
      facts: { run: 'r', tick: 2, origin: 'endless', rounds: 4 },
    });
    expect([run.tick, run.world.total.value.n, run.state]).toEqual([1, 0, 'failed']);
  });

  test('ctx.events holds the inputs and what was emitted so far in this tick, and nothing else', async () => {
    const seen: string[] = [];
    const look = ({ events }: Ctx<Tally>) => {
      const { given, add, said, put } = events;
      seen.push([given, add, said, put].map((kind) => [...kind].map((e) => ('n' in e ? e.n : 0))).join('|'));
    };
    const run = await begin(
      tallyOf(
        system('a', (ctx) => {
          look(ctx);
          ctx.emit.add({ n: 7 });
          ctx.emit.said({ n: 0.5 });
          look(ctx);
        }),
        system('b', { every: 2 }, ({ emit }) => void emit.put({ n: 3 })),
        system('c', look),
      ),
    );
    run.submit.given({ n: 1 });
    run.submit.given({ n: 2 });
    await run.advance(2);
    expect(seen).toEqual(['1,2|||', '1,2|7|0.5|', '1,2|7|0.5|', '|||', '|7|0.5|', '|7|0.5|3']);
  });

  test('a system of another schema works on the tables and kinds that it shares', async () => {
    const module = {
      tables: { agents: table({ id: t.text().key(), spent: t.int().default(0) }) },
      events: { charged: event({ agent: t.ref('agents'), cost: t.int() }) },
    };
    const turns = defineSchema({ name: 'turns', version: 1, ...module });
    const sum = turns.derive(['agents'], ({ agents }) => [...agents].reduce((all, a) => all + a.spent, 0));
    const seen: number[] = [];
    const charge = turns.system('charge', ({ world, emit, get }) => {
      seen.push(get(sum));
      for (const { id } of world.agents) emit.charged({ agent: id, cost: 2 });
    });
    const apply = turns.apply({
      charged: (w, e) => w.agents.update(e.agent, { spent: w.agents.need(e.agent).spent + e.cost }),
    });
    const arena = defineSchema({
      name: 'arena',
      version: 1,
      tables: { ...module.tables, lands: table({ id: t.id() }) },
      events: { ...module.events },
    });
    const world = defineWorld(arena, {
      setup({ insert }) {
        insert.lands({});
        insert.agents.many({ id: ['x', 'y'] });
      },
      apply: { ...apply },
      systems: [charge],
    });
    const run = await createRun(world, { store: memoryStore(), seed: 's' });
    await run.advance(3);
    expect(seen).toEqual([0, 4, 8]);
  });
});

describe('derived values', () => {
  test('are computed again exactly when one of their tables was written', async () => {
    let computed = 0;
    const sum = tallySchema.derive(['things'], ({ things }) => {
      computed++;
      return [...things].reduce((all, { n }) => all + n, 0);
    });
    const seen: unknown[] = [];
    const look = (name: string) => system(name, ({ get }) => void seen.push([get(sum), get(sum), computed]));
    const run = await begin(
      tallyOf(
        look('a'),
        system('total only', ({ emit }) => emit.add({ n: 1 })),
        look('b'),
        system('puts', { every: 2, effects: 'at-once' }, ({ emit, get }) => {
          emit.put({ n: 5 });
          seen.push(get(sum));
          emit.set({ thing: 1, n: 6 });
          seen.push(get(sum));
        }),
        look('c'),
      ),
    );
    await run.advance(2);
    expect(seen).toEqual([[0, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, 1], 5, 6, [6, 6, 3]]);
  });

  test('that threw are computed again, and see no table that they do not name', async () => {
    let fails = true;
    const one = tallySchema.derive(['things'], (world) => {
      if (fails) world.things.need(77);
      return Object.keys(world);
    });
    const seen: unknown[] = [];
    const run = await begin(
      tallyOf(
        system('catches', ({ get }) => {
          for (const now of [true, true, false]) {
            fails = now;
            try {
              seen.push(get(one));
            } catch {
              seen.push('threw');
            }
          }
        }),
      ),
    );
    await run.advance();
    expect(seen).toEqual(['threw', 'threw', ['things']]);
  });
});

describe('L8: purity', () => {
  type Kept = { emit: Emit<Tally>; rng: Now<Tally>['rng']; insert: { things(row: object): unknown } };
  const keep: Partial<Kept> = {};
  const kept = () => keep as Kept;
  const keeping = () => system('keeps', ({ emit, rng }) => void Object.assign(keep, { emit, rng }));

  const places: [string, (trap: () => void) => Parameters<typeof tally>[0]][] = [
    ['a handler', (trap) => ({ apply: { add: trap } })],
    ['a batch handler', (trap) => ({ apply: { add: { batch: trap } } })],
    ['an invariant', (trap) => ({ invariants: { no: () => trap() === undefined } })],
    ['a metric', (trap) => ({ metrics: { no: () => Number(trap() === undefined) } })],
    ['until', (trap) => ({ until: () => trap() !== undefined })],
  ];
  const acts: [string, () => unknown, string][] = [
    ['emits', () => kept().emit.put(), 'READ_ONLY'],
    ['emits many', () => kept().emit.add.many({ n: [1, 2] }), 'READ_ONLY'],
    ['draws from a system', () => kept().rng('x').float(), 'BAD_USAGE'],
  ];
  const cases = places.flatMap(([place, parts]) => acts.map((act) => [place, ...act, parts] as const));
  test.each(cases)('%s that %s is refused', async (_, __, act, reason, parts) => {
    let armed = false;
    const trap = () => void (armed && act());
    const adds = system('adds', { every: 2 }, ({ emit }) => emit.add({ n: 1 }));
    const run = await begin(tally({ systems: [keeping(), adds], ...parts(trap) }));
    await run.advance();
    armed = true;
    expect(await caught(() => run.advance())).toMatchObject({
      code: 'TICK_FAILED',
      facts: { run: 'r', tick: 2, reason },
    });
    expect(run.tick).toBe(1);
  });

  test('a writer or stream that was kept is refused between ticks and in timers', async () => {
    const run = await begin(tallyOf(keeping()));
    await run.advance();
    expect(await codeOf(() => kept().emit.add({ n: 1 }))).toBe('READ_ONLY');
    expect(await codeOf(() => kept().emit.add.many({ n: [1] }))).toBe('READ_ONLY');
    expect(await codeOf(() => kept().rng('x'))).toBe('BAD_USAGE');
    const late = new Promise((resolve) => setTimeout(() => resolve(codeOf(() => kept().emit.put()))));
    await run.advance(3);
    expect(await late).toBe('READ_ONLY');
    expect((await run.advance()).tick).toBe(5);
  });

  test("a handler's stream ends with its call, and a setup's insert with the setup", async () => {
    let rng: Now<Tally>['rng'] | undefined;
    const run = await begin(
      tally({
        setup({ insert }) {
          Object.assign(keep, { insert });
        },
        systems: [
          system('adds', ({ emit }) => emit.add({ n: 1 })),
          system('inserts', { every: 2 }, () => void kept().insert.things({ n: 1 })),
        ],
        apply: { add: (_, __, now) => void (rng = now.rng) },
      }),
    );
    await run.advance();
    expect(await codeOf(() => rng!('x'))).toBe('BAD_USAGE');
    expect(await caught(() => run.advance())).toMatchObject({
      facts: { reason: 'READ_ONLY', table: 'things' },
    });
    expect(run.world.things.size).toBe(0);
  });

  const waits = (async () => {}) as never;
  test.each([
    ['system', { systems: [system('waits', waits)] }, { origin: 'waits' }],
    ['when', { systems: [system('waits', { when: waits }, () => {})] }, { origin: 'waits' }],
    [
      'row handler',
      { systems: [adding()], apply: { add: waits } },
      { kind: 'add', origin: 'adds', event: 0 },
    ],
    ['batch handler', { systems: [adding()], apply: { add: { batch: waits } } }, { kind: 'add' }],
    ['handler at once', { systems: [adding('at-once')], apply: { add: waits } }, { kind: 'add' }],
    ['derived value', { systems: [deriving(waits)] }, { origin: 'derives' }],
  ])('L8: a %s that returns a promise is refused by name', async (_, parts, facts) => {
    const run = await begin(tally(parts));
    const error = await caught(() => run.advance());
    expect(error).toMatchObject({ code: 'ASYNC_IN_TICK', facts: { run: 'r', tick: 1, ...facts } });
    expect(error.message.match(/tick 1/g)).toHaveLength(1);
    expect(run.tick).toBe(0);
  });

  test.each([
    ['an invariant', { invariants: { waits } }],
    ['a metric', { metrics: { waits } }],
    ['until', { until: waits }],
    ['a setup', { setup: waits }],
  ])('L8: %s that returns a promise is refused', async (_, parts) => {
    expect(await codeOf(() => begin(tally(parts)))).toBe('ASYNC_IN_TICK');
  });

  test("L8: an advance's own until that returns a promise is refused, and the run is as before", async () => {
    const run = await begin(tally());
    expect(await codeOf(() => run.advance(3, { until: waits }))).toBe('ASYNC_IN_TICK');
    expect([run.tick, run.state]).toEqual([1, 'open']);
  });

  test('what a system is given can not be changed', async () => {
    const run = await begin(tallyOf(system('changes', (ctx) => void Object.assign(ctx, { tick: 9 }))));
    expect(await codeOf(() => run.advance())).toBe('TICK_FAILED');
  });
});

function adding(effects: 'after' | 'at-once' = 'after') {
  return system('adds', { effects }, ({ emit }) => emit.add({ n: 1 }));
}

function deriving(compute: never) {
  const derived = tallySchema.derive(['things'], compute);
  return system('derives', ({ get }) => void get(derived));
}

describe('a system that goes on after a writer failed', () => {
  test.each([
    ['a value that does not fit', (emit: Emit<Tally>) => emit.put({ n: 0.5 })],
    ['columns that do not fit', (emit: Emit<Tally>) => emit.put.many({ n: [1, 2.5] })],
  ])('L3: %s takes ids that no record tells of, so the tick fails all the same', async (_, write) => {
    let armed = true;
    const run = await begin(
      tallyOf(
        system('catches', ({ emit }) => {
          try {
            if (armed) write(emit);
          } catch {
            // The test is that this does not help.
          }
        }),
      ),
    );
    expect(await caught(() => run.advance())).toMatchObject({
      code: 'TICK_FAILED',
      facts: { run: 'r', tick: 1, origin: 'catches', kind: 'put', column: 'n', reason: 'BAD_VALUE' },
    });
    armed = false;
    const { stateHash } = await run.advance();
    expect(stateHash).toBe((await (await begin(tallyOf())).advance()).stateHash);
  });

  test('L3: a handler that throws at once leaves nothing half-applied behind a system that catches', async () => {
    const run = await begin(
      tally({
        systems: [
          system('catches', { effects: 'at-once' }, ({ emit }) => {
            try {
              emit.add({ n: 1 });
            } catch {
              emit.write({ text: 'went on' });
            }
          }),
        ],
        apply: {
          add(w) {
            w.total.set({ n: 99 });
            w.things.need(5);
          },
        },
      }),
    );
    expect(await caught(() => run.advance())).toMatchObject({ facts: { kind: 'add', reason: 'NO_ROW' } });
    expect(run.world.total.value).toEqual({ n: 0, text: '' });
  });
});

test('L3: ids that events name by themselves, after and at once, fold to the same allocator', async () => {
  for (const effects of ['after', 'at-once'] as const) {
    const run = await begin(
      tally({
        systems: [
          system('puts', { effects }, ({ emit, tick }) => {
            emit.put({ thing: 10 * tick });
            emit.put({ n: 1 });
            emit.put({ thing: 10 * tick + 5 });
          }),
        ],
        apply: { put: (w, { thing, n }) => void (n === 1 && w.things.insert({ id: thing, n })) },
      }),
    );
    await run.advance(2);
    const ids = [...run.world.things].map(({ id }) => id);
    expect(ids).toEqual([11, 21]);
    const past = await run.at(2);
    expect([...past.things].map(({ id }) => id)).toEqual(ids);
  }
});
