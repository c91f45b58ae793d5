import { expect, test } from 'vitest';
import {
  createRun,
  defineSchema,
  defineWorld,
  event,
  memoryStore,
  openRun,
  replay,
  t,
  table,
} from '../../src/index.ts';

const schema = defineSchema({
  name: 'free',
  version: 1,
  tables: {
    a: table({ id: t.id(), n: t.u32().default(0), s: t.text().default('x') }, { index: ['n'] }),
    floats: table({ id: t.id(), x: t.f64().default(0) }),
  },
  events: {
    set: event({ id: t.ref('a'), n: t.u32() }),
    add: event({}),
    spread: event({ to: t.u32() }),
    hurt: event({ x: t.f64() }),
  },
  inputs: { burst: event({ rows: t.u32() }), poison: event({}) },
});
type System = ReturnType<typeof schema.system>;

function worldOf(systems: readonly System[]) {
  return defineWorld(schema, {
    setup({ insert }) {
      for (let i = 0; i < 12; i++) insert.a({ n: i % 4 });
      insert.floats({});
    },
    systems,
    apply: {
      set: (w, e) => w.a.updateIf(e.id, { n: e.n }),
      add: (w) => w.a.insert({ n: 3 }),
      spread: (w, e) => w.a.updateIf((e.to % 5) + 1, { n: e.to }),
      hurt: (w, e) => {
        w.floats.write.x.span()[0] = e.x - e.x + (e.x > 1 ? Number.NaN : 0);
      },
      burst: (w, e) => {
        for (let i = 0; i < e.rows; i++) w.a.insert({ n: 9 });
        w.a.need(4_000_000);
      },
      poison: (w) => {
        w.floats.write.x.span()[0] = Number.NaN;
      },
    },
  });
}

const options = { clocks: { wall: () => 0, steady: () => 0 } };

/**
 * The state hash after `ticks`, of a run that goes on in one process and of one that is reopened every tick.
 */
async function both(systems: readonly System[], ticks = 6): Promise<readonly [string, string]> {
  const world = worldOf(systems);
  const store = memoryStore();
  const whole = await createRun(world, { store, seed: 's', id: 'whole', ...options });
  const { stateHash } = await whole.advance(ticks);
  let parts = await createRun(world, { store, seed: 's', id: 'parts', ...options });
  let last = '';
  for (let tick = 0; tick < ticks; tick++) {
    last = (await parts.advance()).stateHash;
    await parts.close();
    parts = await openRun(world, { store, id: 'parts', ...options });
  }
  expect((await replay(world, { store, id: 'parts' })).stateHash).toBe(last);
  return [stateHash, last];
}

test('L3: rows of an index that a system shuffles are its own', async () => {
  const shuffle = schema.system('shuffle', ({ world, rng, emit }) => {
    const rows = rng('m').shuffle(world.a.by.n(3).rows);
    for (const row of rows.slice(0, 2)) emit.set({ id: world.a.at(row).id, n: 4 });
    for (const row of world.a.by.n(4).rows) emit.set({ id: world.a.at(row).id, n: 3 });
  });
  const [whole, parts] = await both([shuffle]);
  expect(parts).toBe(whole);
});

test('L3: rows of an index stay as they were while at-once effects change it', async () => {
  const move = schema.system('move', { effects: 'at-once' }, ({ world, tick, emit }) => {
    for (const row of world.a.by.n(3).rows) {
      emit.set({ id: world.a.at(row).id, n: tick % 2 === 0 ? 3 : 7 });
      emit.add();
    }
  });
  const [whole, parts] = await both([move]);
  expect(parts).toBe(whole);
});

test('L3: columns of events that are held across emits read the same in a reopened run', async () => {
  const spread = schema.system('spread', ({ emit, events, tick }) => {
    for (let i = 0; i < (tick === 1 ? 40 : 12); i++) emit.spread({ to: i });
    const { to } = events.spread.columns;
    for (let i = 0; i < 12; i++) if ((to[i] ?? 1) % 2 === 0) emit.spread({ to: i });
  });
  const [whole, parts] = await both([spread]);
  expect(parts).toBe(whole);
});

test('L3: columns of a table that are held across growth depend on the log alone', async () => {
  const grow = schema.system('grow', { effects: 'at-once' }, ({ world, emit }) => {
    const { n } = world.a.columns;
    let sum = 0;
    for (let i = 0; i < 10; i++) {
      sum += n[i] ?? 0;
      emit.add();
    }
    emit.set({ id: 1, n: sum });
  });
  const world = worldOf([grow]);
  const hashes: string[] = [];
  for (const spoiled of [false, true]) {
    const run = await createRun(world, { store: memoryStore(), seed: 's', ...options });
    if (spoiled) run.submit.burst({ rows: 100 }).applied.catch(() => {});
    hashes.push((await run.advance(3)).stateHash);
  }
  expect(hashes[1]).toBe(hashes[0]);
});

test('L3: values of a text column that were handed out can not be written and do not change', async () => {
  let held: readonly string[] = [];
  const look = schema.system('look', { effects: 'at-once' }, ({ world, emit }) => {
    held = world.a.columns.s;
    expect(() => ((held as string[])[0] = 'other')).toThrow(TypeError);
    const { length } = held;
    emit.add();
    expect(world.a.columns.s).toHaveLength(length + 1);
    expect(held).toHaveLength(length);
  });
  const [whole, parts] = await both([look], 2);
  expect(parts).toBe(whole);
});

test('L5: a stream that was kept from an earlier tick is refused', async () => {
  let kept: { float(): number } | null = null;
  const keep = schema.system('keep', ({ rng, emit }) => {
    kept ??= rng('x').of(1);
    emit.spread({ to: Math.floor(kept.float() * 9) });
  });
  const run = await createRun(worldOf([keep]), { store: memoryStore(), seed: 's', ...options });
  await run.advance();
  await expect(run.advance()).rejects.toMatchObject({ code: 'TICK_FAILED', facts: { reason: 'BAD_USAGE' } });
});

test('L2: a span that leaves NaN fails its tick, however seldom the run hashes', async () => {
  const hurt = schema.system('hurt', ({ tick, emit }) => void emit.hurt({ x: tick === 3 ? 2 : 1 }));
  const run = await createRun(worldOf([hurt]), {
    store: memoryStore(),
    seed: 's',
    hashEvery: 10,
    ...options,
  });
  await expect(run.advance(5)).rejects.toMatchObject({
    code: 'TICK_FAILED',
    facts: { tick: 3, origin: 'hurt', kind: 'hurt', table: 'floats', column: 'x', row: 0 },
  });
  expect(run.tick).toBe(2);
});

test('L2: an input whose handler leaves NaN is dropped', async () => {
  const run = await createRun(worldOf([]), { store: memoryStore(), seed: 's', ...options });
  const { applied } = run.submit.poison();
  expect((await run.advance(2)).tick).toBe(2);
  await expect(applied).rejects.toMatchObject({ code: 'BAD_INPUT', facts: { column: 'x' } });
});
