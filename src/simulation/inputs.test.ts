import { describe, expect, test } from 'vitest';
import { caught, codeOf, framesOf, hashesOf, rowsOf } from '../../test/support/runs.ts';
import { tally, tallySchema } from '../../test/support/tally.ts';
import { memoryStore } from '../log/memory-store.ts';
import { createRun } from './create-run.ts';
import { openRun } from './open-run.ts';

const clocks = { wall: () => 0, steady: () => 0 };
const begin = (world = tally(), store = memoryStore(), more = {}) =>
  createRun(world, { store, seed: 's', id: 'r', clocks, ...more });

/** Refuses 13, and what is over 99 only after it has written. */
const picky = () =>
  tally({
    apply: {
      given: (w, { n }) => {
        if (n === 13) w.things.need(999);
        w.things.insert({ n });
        w.total.set({ n: w.total.value.n + n });
        if (n > 99) w.things.need(n);
      },
    },
  });

describe('inputs', () => {
  test('are applied in order of arrival, before the systems, with the origin inputs', async () => {
    const seen: string[] = [];
    const look = tallySchema.system('look', ({ world, events }) => {
      seen.push(`${world.total.value.text}|${[...events.given].map(({ n }) => n)}|${events.heard.size}`);
    });
    const store = memoryStore();
    const run = await begin(
      tally({
        systems: [look],
        apply: {
          given: (w, e) => w.total.set({ text: `${w.total.value.text}g${e.n}` }),
          made: (w, e) => w.total.set({ text: `${w.total.value.text}m${e.other}` }),
        },
      }),
      store,
    );
    run.submit.given({ n: 1 });
    run.submit.made();
    run.submit.heard({ text: 'hi' });
    run.submit.given({ n: 2 });
    await run.advance(2);
    expect(seen).toEqual(['g1m1g2|1,2|1', 'g1m1g2||0']);
    await run.flush();
    const [, first] = await framesOf(store, 'r');
    expect(first!.waves.map(({ origin }) => origin)).toEqual(['inputs', 'inputs', 'inputs', 'inputs']);
  });

  test('tell their submitter the tick, the ids they created, and when they are durable', async () => {
    const run = await begin();
    const { applied, durable } = run.submit.made({ n: 8 });
    const plain = run.submit.given({ n: 1 });
    await run.advance(3);
    expect(await applied).toEqual({ tick: 1, created: { thing: 2, other: 1 }, repeated: false });
    expect(await plain.applied).toEqual({ tick: 1, created: undefined, repeated: false });
    expect(await durable).toEqual({ tick: 1 });
    expect(run.durableTick).toBeGreaterThanOrEqual(1);
    expect([...run.world.things].map(({ id, n }) => [id, n])).toEqual([
      [2, 8],
      [1, -8],
    ]);
  });

  test.each([
    ['a column is missing', (r: Made) => r.submit.given({} as never), { column: 'n' }],
    ['a value does not fit', (r: Made) => r.submit.given({ n: 2 ** 40 }), { column: 'n' }],
    ['a text has no UTF-8', (r: Made) => r.submit.heard({ text: '\ud800' }), { column: 'text' }],
    ['it is no object', (r: Made) => r.submit.given(7 as never), {}],
    ['a column is unknown', (r: Made) => r.submit.given({ n: 1, m: 2 } as never), { column: 'm' }],
    ['it names a source alone', (r: Made) => r.submit.given({ n: 1 }, { source: 'a' } as never), {}],
    ['it names a number alone', (r: Made) => r.submit.given({ n: 1 }, { seq: 1 } as never), {}],
    ['its number is none', (r: Made) => r.submit.given({ n: 1 }, { source: 'a', seq: 0.5 }), {}],
    ['its number is negative', (r: Made) => r.submit.given({ n: 1 }, { source: 'a', seq: -1 }), {}],
    ['its source is no text', (r: Made) => r.submit.given({ n: 1 }, { source: '\ud800', seq: 1 }), {}],
    ['its source is empty', (r: Made) => r.submit.given({ n: 1 }, { source: '', seq: 1 }), {}],
  ] as const)('are refused at once where %s: submit throws', async (_, submit, facts) => {
    const run = await begin();
    const error = await caught(() => submit(run));
    expect(error).toMatchObject({ code: 'BAD_INPUT', facts });
    const { stateHash } = await run.advance();
    expect(stateHash).toBe((await (await begin()).advance()).stateHash);
  });

  test('are copied: what the submitter changes later does not reach the tick', async () => {
    const { hamlet } = await import('../../test/support/hamlet.ts');
    const run = await createRun(hamlet(), { store: memoryStore(), seed: 's' });
    const bag = [1, 2];
    const what = { deep: [1] };
    const { applied } = run.submit.joined({ name: 'x', bag });
    run.submit.shouted({ what });
    bag.push(3);
    what.deep.push(2);
    await run.advance();
    const { created } = await applied;
    expect(run.world.people.need(created).bag).toEqual([1, 2]);
    for await (const shout of run.events('shouted')) expect(shout.what).toEqual({ deep: [1] });
  });

  test('QUEUE_FULL names the queue and its bound; an advance makes room', async () => {
    const run = await begin(tally(), memoryStore(), { maxInputs: 2 });
    run.submit.given({ n: 1 });
    run.submit.given({ n: 2 });
    const error = await caught(() => run.submit.given({ n: 3 }));
    expect(error).toMatchObject({ code: 'QUEUE_FULL', facts: { run: 'r', queue: 'inputs', max: 2 } });
    await run.advance();
    run.submit.given({ n: 4 });
    await run.advance();
    expect(run.world.total.value.n).toBe(7);
  });
});

type Made = Awaited<ReturnType<typeof begin>>;

describe('an input whose handler throws', () => {
  test('is dropped and its submitter hears why; the tick is as if it had never come', async () => {
    const [store, twinStore] = [memoryStore(), memoryStore()];
    const run = await begin(picky(), store);
    const twin = await begin(picky(), twinStore);
    const bad = [0, 1, 2].map(() => [] as ReturnType<typeof run.submit.given>[]);
    for (const tick of [0, 1, 2]) {
      bad[tick]!.push(run.submit.given({ n: 13 }));
      const before = run.submit.made({ n: tick });
      bad[tick]!.push(run.submit.given({ n: 100 + tick }));
      const after = run.submit.made();
      bad[tick]!.push(run.submit.given({ n: 13 }));
      run.submit.given({ n: tick });
      const expected = [twin.submit.made({ n: tick }), twin.submit.made()];
      twin.submit.given({ n: tick });
      await Promise.all([run.advance(2), twin.advance(2)]);
      for (const [i, one] of [before, after].entries())
        expect(await one.applied).toEqual(await expected[i]!.applied);
    }
    for (const [tick, dropped] of bad.entries())
      for (const { applied, durable } of dropped) {
        const error = await caught(() => applied);
        expect(error).toMatchObject({
          code: 'BAD_INPUT',
          facts: { run: 'r', tick: 2 * tick + 1, kind: 'given', origin: 'inputs', table: 'things' },
        });
        expect(error.message).toContain('no row with key');
        expect(await caught(() => durable)).toBe(error);
      }
    await Promise.all([run.close(), twin.close()]);
    expect(await hashesOf(store, 'r')).toEqual(await hashesOf(twinStore, 'r'));
  });

  test('may be dropped together with all the others of its tick', async () => {
    const run = await begin(picky());
    const all = Array.from({ length: 5 }, () => run.submit.given({ n: 13 }));
    expect(await run.advance()).toMatchObject({ tick: 1, ended: false });
    expect(await Promise.all(all.map(({ applied }) => codeOf(() => applied)))).toEqual(
      Array.from({ length: 5 }, () => 'BAD_INPUT'),
    );
    expect(run.world.things.size).toBe(0);
    expect(run.state).toBe('open');
  });

  test('that waits is dropped too', async () => {
    const run = await begin(tally({ apply: { given: (async () => {}) as never } }));
    const { applied } = run.submit.given({ n: 1 });
    await run.advance();
    const error = await caught(() => applied);
    expect(error).toMatchObject({ code: 'BAD_INPUT', cause: { code: 'ASYNC_IN_TICK' } });
  });

  test('nobody has to look at the promises', async () => {
    const run = await begin(picky());
    run.submit.given({ n: 13 });
    await run.advance();
    run.submit.given({ n: 14 });
    await run.close();
  });
});

describe('{ source, seq }', () => {
  const sum = (run: Made): number => run.world.total.value.n;

  test('the same number again does nothing: in one tick, in a later one, after a reopening', async () => {
    const store = memoryStore();
    const run = await begin(tally(), store);
    const first = run.submit.given({ n: 1 }, { source: 'a', seq: 5 });
    const second = run.submit.given({ n: 10 }, { source: 'a', seq: 5 });
    const other = run.submit.given({ n: 100 }, { source: 'b', seq: 0 });
    await run.advance();
    expect((await first.applied).repeated).toBe(false);
    expect(await second.applied).toEqual({ tick: 1, created: undefined, repeated: true });
    expect((await other.applied).repeated).toBe(false);
    run.submit.given({ n: 1000 }, { source: 'a', seq: 4 });
    run.submit.given({ n: 2 }, { source: 'a', seq: 7 });
    await run.advance();
    expect(sum(run)).toBe(103);
    await run.close();
    const again = await openRun(tally(), { store, id: 'r', clocks });
    const third = again.submit.given({ n: 1 }, { source: 'a', seq: 7 });
    const fresh = again.submit.given({ n: 4 }, { source: 'a', seq: 8 });
    await again.advance();
    expect(await third.applied).toMatchObject({ tick: 3, repeated: true });
    expect(await third.durable).toEqual({ tick: 3 });
    expect((await fresh.applied).repeated).toBe(false);
    expect(sum(again)).toBe(107);
  });

  test('a repeated input leaves no trace in the log', async () => {
    const [store, twinStore] = [memoryStore(), memoryStore()];
    const run = await begin(tally(), store);
    const twin = await begin(tally(), twinStore);
    for (const seq of [1, 1, 2, 1, 2, 3]) run.submit.made({ n: seq }, { source: 'a', seq });
    for (const seq of [1, 2, 3]) twin.submit.made({ n: seq }, { source: 'a', seq });
    await Promise.all([run.advance(), twin.advance()]);
    await Promise.all([run.close(), twin.close()]);
    expect(await hashesOf(store, 'r')).toEqual(await hashesOf(twinStore, 'r'));
  });

  test('an input that failed was not taken: its number may come again', async () => {
    const run = await begin(picky());
    const bad = run.submit.given({ n: 13 }, { source: 'a', seq: 1 });
    await run.advance();
    expect(await codeOf(() => bad.applied)).toBe('BAD_INPUT');
    const good = run.submit.given({ n: 7 }, { source: 'a', seq: 1 });
    await run.advance();
    expect((await good.applied).repeated).toBe(false);
    expect(sum(run)).toBe(7);
  });

  test('the high-water mark is part of the state hash', async () => {
    const hash = async (source: string, seq: number) => {
      const run = await begin();
      run.submit.given({ n: 1 }, { source, seq });
      return (await run.advance()).stateHash;
    };
    const first = await hash('a', 1);
    expect(await hash('a', 1)).toBe(first);
    expect(await hash('a', 2)).not.toBe(first);
    expect(await hash('b', 1)).not.toBe(first);
  });
});

test('L3: ids that an input names by itself are never handed out again', async () => {
  const store = memoryStore();
  const run = await begin(tally(), store);
  run.submit.made({ thing: 40, n: 1 });
  await run.advance();
  const { applied } = run.submit.made();
  await run.advance();
  expect((await applied).created).toEqual({ thing: 42, other: 41 });
  expect(rowsOf(await run.at(2))).toEqual(rowsOf(run.world));
  await run.close();
  const again = await openRun(tally(), { store, id: 'r' });
  expect(rowsOf(again.world)).toEqual(rowsOf(await again.at(2)));
});
