import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { framesOf, rowsOf } from '../../test/support/runs.ts';
import { type Tally, tally, tallySchema } from '../../test/support/tally.ts';
import type { WorldfoldError } from '../base/errors.ts';
import { memoryStore } from '../log/memory-store.ts';
import { t } from '../schema/columns.ts';
import type { Now } from '../schema/context.ts';
import { defineSchema } from '../schema/define.ts';
import { event, singleton } from '../schema/tables.ts';
import { createRun } from './create-run.ts';
import { defineWorld } from './define-world.ts';

describe('row form and batch form', () => {
  const { system } = tallySchema;
  const byRow = tally({
    apply: {
      add: (w, e) => w.total.set({ n: w.total.value.n + e.n, text: `${w.total.value.text}${e.n};` }),
      put: (w, e) => w.things.insert({ id: e.thing, n: e.n }),
      set: (w, e) => w.things.updateIf(e.thing, { n: e.n }),
    },
  }).def.apply;
  const byBatch = tally({
    apply: {
      add: {
        batch(w, { size, columns: { n } }) {
          let { n: sum, text: all } = w.total.value;
          for (let i = 0; i < size; i++) {
            sum += n[i]!;
            all += `${n[i]};`;
          }
          w.total.set({ n: sum, text: all });
        },
      },
      put: {
        batch: (w, { columns: { thing, n } }) => void w.things.insertMany({ id: thing, n }),
      },
      set: {
        batch(w, events) {
          for (const { thing, n } of events)
            if (w.things.has(thing)) w.things.write.n.set(w.things.row(thing), n);
        },
      },
    },
  }).def.apply;

  const act = fc.oneof(
    fc.record({ do: fc.constant('add' as const), n: fc.integer({ min: -9, max: 9 }) }),
    fc.record({ do: fc.constant('put' as const), n: fc.integer({ min: -9, max: 9 }) }),
    fc.record({ do: fc.constant('many' as const), n: fc.nat(4) }),
    fc.record({ do: fc.constant('set' as const), n: fc.integer({ min: 1, max: 12 }) }),
  );

  test('L3: agree, after and at once, live and folded', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(act, { maxLength: 12 }), { minLength: 1, maxLength: 4 }),
        fc.constantFrom('after' as const, 'at-once' as const),
        async (ticks, effects) => {
          const acts = system('acts', { effects }, ({ emit, tick }) => {
            for (const one of ticks[tick - 1]!)
              if (one.do === 'many') emit.put.many({ n: Array.from({ length: one.n }, (_, i) => i) });
              else if (one.do === 'set') emit.set({ thing: one.n, n: tick });
              else emit[one.do]({ n: one.n });
          });
          const seen = [];
          for (const apply of [byRow, byBatch]) {
            const store = memoryStore();
            const run = await createRun(tally({ systems: [acts], apply }), { store, seed: 's', id: 'r' });
            const { stateHash } = await run.advance(ticks.length);
            expect(rowsOf(await run.at(ticks.length))).toEqual(rowsOf(run.world));
            await run.close();
            seen.push([stateHash, rowsOf(run.world), (await framesOf(store, 'r')).map(({ waves }) => waves)]);
          }
          expect(seen[1]).toEqual(seen[0]);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('draws of handlers', () => {
  const { system } = tallySchema;
  const drawing = (draws: string[]) =>
    tally({
      systems: [
        system('adds', ({ emit, rng, tick }) => {
          rng('x').float();
          for (let n = 0; n < 3; n++) emit.add({ n });
          if (tick > 1) emit.put({ n: 1 });
          emit.add({ n: 3 });
        }),
        system('later', { effects: 'at-once' }, ({ emit }) => emit.add.many({ n: [4, 5] })),
      ],
      apply: {
        add: (_, e, now: Now<Tally>) => {
          const first = now.rng('x').float();
          const keyed = now.rng('x').of(7).float();
          draws.push([now.tick, e.n, first, now.rng('x').float(), keyed, now.rng('y').float()].join());
        },
      },
    });

  test('L5: are the same live and folded, go on within an event, and begin anew with the next', async () => {
    const draws: string[] = [];
    const run = await createRun(drawing(draws), { store: memoryStore(), seed: 's' });
    await run.advance(3);
    const live = draws.splice(0);
    await run.at(3);
    expect(draws).toEqual(live);
    expect(live).toHaveLength(18);
    const numbers = live.flatMap((line) => line.split(',').slice(2));
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  test('L6: depend on their event alone, not on the events of other kinds or on what systems draw', async () => {
    const [with_, without]: string[][] = [[], []];
    const full = await createRun(drawing(with_!), { store: memoryStore(), seed: 's' });
    await full.advance();
    const { apply } = drawing(without!).def;
    const bare = tally({
      apply,
      systems: [
        system('adds', ({ emit }) => {
          for (let n = 0; n < 4; n++) {
            emit.write({ text: 'other' });
            emit.add({ n });
          }
        }),
      ],
    });
    await (await createRun(bare, { store: memoryStore(), seed: 's' })).advance();
    expect(without).toEqual(with_!.slice(0, 4));
  });
});

describe('what a batch shows', () => {
  test('rows, columns, codes and nulls of its own stretch; what is not there is refused', async () => {
    const schema = defineSchema({
      name: 'b',
      version: 1,
      tables: { one: singleton({ n: t.u8().default(0) }) },
      events: { seen: event({ kind: t.enum('a', 'b'), maybe: t.u8().optional() }) },
    });
    const seen: unknown[] = [];
    const look = (events: {
      size: number;
      codes: unknown;
      at(i: number): unknown;
      nulls: { maybe(i: number): boolean };
      columns: { kind: Iterable<number> };
    }) => {
      const nulls = Array.from({ length: events.size }, (_, i) => events.nulls.maybe(i));
      seen.push([[...events.columns.kind], nulls, events.at(events.size - 1), events.codes]);
      try {
        seen.push(events.at(events.size));
      } catch (e) {
        seen.push((e as WorldfoldError).code);
      }
    };
    const world = defineWorld(schema, {
      setup() {},
      apply: { seen: { batch: (_, events) => look(events) } },
      systems: [
        schema.system('emits', { effects: 'at-once' }, ({ emit }) => {
          emit.seen({ kind: 'b', maybe: 4 });
          emit.seen.many({ kind: ['a', 'b'], maybe: [5, null] as never });
        }),
      ],
    });
    const run = await createRun(world, { store: memoryStore(), seed: 's' });
    await run.advance();
    expect(seen).toEqual([
      [[1], [false], { kind: 'b', maybe: 4 }, { kind: { a: 0, b: 1 } }],
      'BAD_USAGE',
      [[0, 1], [false, true], { kind: 'b', maybe: null }, { kind: { a: 0, b: 1 } }],
      'BAD_USAGE',
    ]);
  });
});
