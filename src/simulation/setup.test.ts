import { describe, expect, test } from 'vitest';
import { hamlet, hamletSchema } from '../../test/support/hamlet.ts';
import { caught, codeOf, framesOf, meddled, rowsOf } from '../../test/support/runs.ts';
import { tally, tallySchema } from '../../test/support/tally.ts';
import { memoryStore } from '../log/memory-store.ts';
import { t } from '../schema/columns.ts';
import { defineSchema } from '../schema/define.ts';
import { singleton, table } from '../schema/tables.ts';
import { createRun } from './create-run.ts';
import { defineWorld } from './define-world.ts';
import { openRun } from './open-run.ts';

const given = () => ({ store: memoryStore(), seed: 's', id: 'r' });

describe('a setup', () => {
  test('inserts one by one and many at once, and is told the ids', async () => {
    const seen: unknown[] = [];
    const world = tally({
      setup({ insert }) {
        seen.push(insert.things({ n: 7 }), insert.things({}), [...insert.things.many({ n: [1, 2, 3] })]);
        seen.push(insert.things({ id: 50 }), insert.things({ n: 9 }));
      },
    });
    const run = await createRun(world, given());
    expect(seen).toEqual([1, 2, [3, 4, 5], 50, 51]);
    expect([...run.world.things].map(({ id, n }) => [id, n])).toEqual([
      [1, 7],
      [2, 0],
      [3, 1],
      [4, 2],
      [5, 3],
      [50, 0],
      [51, 9],
    ]);
  });

  test('L3: folds to the same rows though handlers took ids between its inserts', async () => {
    const world = tally({
      setup({ insert, emit }) {
        insert.things({ n: 1 });
        emit.add({ n: 1 });
        insert.things({ n: 2 });
        emit.put({ n: 3 });
      },
      apply: { add: (w) => void w.things.insert({ n: 100 }) },
    });
    const run = await createRun(world, given());
    const rows = [...run.world.things].map(({ id, n }) => `${id}:${n}`);
    expect(rows).toEqual(['1:1', '4:100', '2:2', '3:3']);
    expect(rowsOf(await run.at(0))).toEqual(rowsOf(run.world));
  });

  test('emits, draws, and what it emits is applied when it returns, in order', async () => {
    const sizes: number[] = [];
    const world = tally({
      setup({ insert, emit, rng, tick, world }: never) {
        const ctx = { insert, emit, rng, tick, world } as {
          insert: { things(): void };
          emit: { write(e: object): void };
          rng(s: string): { float(): number };
          tick: number;
          world: { things: { size: number } };
        };
        ctx.insert.things();
        sizes.push(ctx.world.things.size);
        ctx.emit.write({ text: 'a' });
        ctx.emit.write({ text: ctx.rng('x').float() < 1 ? 'b' : '' });
      },
    });
    const run = await createRun(world, given());
    expect(sizes).toEqual([0]);
    expect(run.world.total.value.text).toBe('ab');
    expect(run.tick).toBe(0);
  });

  test('a singleton whose columns have defaults needs no row', async () => {
    const run = await createRun(tally(), given());
    expect(run.world.total.value).toEqual({ n: 0, text: '' });
  });

  test('a singleton with a required column that is never inserted is named', async () => {
    const schema = defineSchema({
      name: 'm',
      version: 1,
      tables: { market: singleton({ sold: t.u32().default(0), price: t.f64() }) },
    });
    const none = defineWorld(schema, { setup() {}, apply: {}, systems: [] });
    const error = await caught(() => createRun(none, given()));
    expect(error).toMatchObject({
      code: 'TICK_FAILED',
      facts: { run: 'r', tick: 0, origin: 'setup', table: 'market', column: 'price' },
    });
    const twice = defineWorld(schema, {
      setup({ insert }) {
        insert.market({ price: 1 });
        insert.market({ price: 2 });
      },
      apply: {},
      systems: [],
    });
    expect(await caught(() => createRun(twice, given()))).toMatchObject({
      code: 'TICK_FAILED',
      facts: { table: 'market' },
    });
    const once = defineWorld(schema, {
      setup: ({ insert }) => void insert.market({ price: 1.5 }),
      apply: {},
      systems: [],
    });
    expect((await createRun(once, given())).world.market.value).toEqual({ price: 1.5, sold: 0 });
  });

  test('a row that does not fit names table, column and row', async () => {
    const world = tally({
      setup({ insert }) {
        insert.things.many({ n: [1, 2] });
        insert.things({ n: 2 ** 31 });
      },
    });
    const error = await caught(() => createRun(world, given()));
    expect(error).toMatchObject({
      code: 'TICK_FAILED',
      facts: {
        run: 'r',
        tick: 0,
        origin: 'setup',
        table: 'things',
        column: 'n',
        row: 2,
        reason: 'BAD_VALUE',
      },
    });
    expect(error.message).not.toContain('+');
  });

  test('a duplicate key is the setup', async () => {
    const schema = defineSchema({ name: 'k', version: 1, tables: { a: table({ k: t.text().key() }) } });
    const world = defineWorld(schema, {
      setup({ insert }) {
        insert.a({ k: 'x' });
        insert.a({ k: 'x' });
      },
      apply: {},
      systems: [],
    });
    expect(await caught(() => createRun(world, given()))).toMatchObject({
      code: 'TICK_FAILED',
      facts: { run: 'r', tick: 0, origin: 'setup', reason: 'DUPLICATE_KEY', table: 'a' },
    });
  });
});

describe('createRun is atomic', () => {
  const failing = [
    ['its setup throws', tally({ setup: () => (undefined as never as { x: { y: 1 } }).x.y as never }), {}],
    ['its setup waits', tally({ setup: (async () => {}) as never }), {}],
    ['an invariant does not hold', tally({ invariants: { no: () => false } }), {}],
    ['a metric throws', tally({ metrics: { no: (w) => w.things.at(3).n } }), {}],
    ['until throws', tally({ until: (w) => w.things.at(3).n > 1 }), {}],
    ['until waits', tally({ until: (async () => true) as never }), {}],
    ['a policy means nothing', tally(), { commit: { ticks: 0 } }],
    ['another policy means nothing', tally(), { maxInputs: 1.5 }],
    ['its lease means nothing', tally(), { leaseMs: -1 }],
    ['its seed is no text', tally(), { seed: '\ud800' }],
    ['its hints are no texts', tally(), { hints: { a: () => 1 } as never }],
  ] as const;
  test.each(failing)('L2: where %s the store has no run', async (_, world, more) => {
    const { store } = given();
    const code = await codeOf(() => createRun(world, { store, seed: 's', id: 'r', ...more }));
    expect(['TICK_FAILED', 'ASYNC_IN_TICK', 'INVARIANT_BROKEN', 'BAD_USAGE', 'BAD_VALUE']).toContain(code);
    expect(await store.list(null, 10)).toEqual([]);
    await createRun(tally(), { store, seed: 's', id: 'r' });
  });

  test('L2: a store that refuses has no run, and the same call works when it is mended', async () => {
    const store = meddled();
    store.before.create = () => store.inner.append('nowhere', 1, 0, []);
    expect(await codeOf(() => createRun(tally(), { store, seed: 's', id: 'r' }))).toBe('UNKNOWN_RUN');
    expect(await store.list(null, 10)).toEqual([]);
    store.before = {};
    expect((await createRun(tally(), { store, seed: 's', id: 'r' })).id).toBe('r');
  });

  test('an id that is taken is EXISTS, and the run that has it goes on', async () => {
    const { store } = given();
    const first = await createRun(hamlet(), { store, seed: 's', id: 'r' });
    expect(await codeOf(() => createRun(tally(), { store, seed: 't', id: 'r' }))).toBe('EXISTS');
    expect((await first.advance(3)).tick).toBe(3);
    await first.flush();
    expect((await framesOf(store, 'r')).length).toBe(4);
  });

  test('without an id it makes one up from the name of the world', async () => {
    const { store } = given();
    const a = await createRun(tally(), { store, seed: 's' });
    const b = await createRun(tally(), { store, seed: 's' });
    expect(a.id).toMatch(/^tally-[0-9a-f]{8}$/);
    expect(a.id).not.toBe(b.id);
  });
});

describe('config', () => {
  const schema = defineSchema({
    name: 'c',
    version: 1,
    config: {
      must: t.u8(),
      may: t.f64().default(0.5),
      list: t.list(t.u8()).default([1, 2]),
      big: t.u64().default(2n ** 60n),
      never: t.text().optional(),
    },
    tables: { one: singleton({ n: t.f64().default(0) }) },
  });
  const seen: unknown[] = [];
  const world = defineWorld(schema, {
    setup({ config }) {
      seen.push({ ...config });
      expect(Object.isFrozen(config) && Object.isFrozen(config.list)).toBe(true);
    },
    apply: {},
    systems: [],
  });

  test('takes defaults, reaches every function frozen, and comes back from the log', async () => {
    const { store } = given();
    const made = await createRun(world, { store, seed: 's', id: 'r', config: { must: 3, list: [9] } });
    expect(seen.at(-1)).toEqual({ must: 3, may: 0.5, list: [9], big: 2n ** 60n, never: null });
    await made.close();
    let later: unknown;
    const again = await openRun(
      defineWorld(schema, {
        setup() {},
        apply: {},
        systems: [schema.system('look', ({ config }) => void (later = { ...config }))],
      }),
      { store, id: 'r' },
    );
    await again.advance();
    expect(later).toEqual(seen.at(-1));
  });

  test.each([
    ['a required column is missing', {}, 'must'],
    ['a value does not fit', { must: 300 }, 'must'],
    ['a column is not there', { must: 1, mist: 2 }, 'mist'],
    ['a float is NaN', { must: 1, may: Number.NaN }, 'may'],
  ])('is refused where %s', async (_, config, column) => {
    const { store } = given();
    const error = await caught(() =>
      createRun(world, { store, seed: 's', id: 'r', config: config as never }),
    );
    expect(error).toMatchObject({ code: 'BAD_INPUT', facts: { column } });
    expect(await store.list(null, 10)).toEqual([]);
  });
});

test('L5: seed and config decide, and nothing else', async () => {
  const hash = async (seed: string, rate: number) => {
    const run = await createRun(hamlet(), { store: memoryStore(), seed, config: { rate } });
    return (await run.advance(20)).stateHash;
  };
  const first = await hash('a', 0.3);
  expect(await hash('a', 0.3)).toBe(first);
  expect(await hash('b', 0.3)).not.toBe(first);
  expect(await hash('a', 0.9)).not.toBe(first);
  expect(hamletSchema.compiled.fingerprint).not.toBe(tallySchema.compiled.fingerprint);
});
