/** Scenes: rows, inputs and one system alone. */
import { describe, expect, it } from 'vitest';
import { hamlet, hamletSchema } from '../../../test/support/hamlet.ts';
import { caught, codeOf } from '../../../test/support/runs.ts';
import {
  createRun,
  defineSchema,
  defineWorld,
  event,
  fact,
  memoryStore,
  singleton,
  t,
  table,
} from '../../index.ts';
import { scene } from './scene.ts';

const schema = defineSchema({
  name: 'town',
  version: 1,
  config: { beta: t.f64().default(0.5), days: t.u32() },
  tables: {
    people: table({
      id: t.id(),
      cell: t.u32().default(7),
      health: t.enum('well', 'ill'),
      near: t.ref('people').optional(),
    }),
    market: singleton({ price: t.f64(), sold: t.u32().default(3) }),
  },
  events: {
    infected: event({ person: t.ref('people') }),
    born: event({ child: t.newId('people'), mother: t.ref('people') }),
    seen: fact({ ill: t.u32(), price: t.f64(), tick: t.u32() }),
  },
  inputs: { cured: event({ person: t.ref('people') }) },
});
const infect = schema.system('infect', ({ world, emit, rng, config }) => {
  for (const { id, health } of world.people)
    if (health === 'well' && rng('infect').of(id).chance(config.beta)) emit.infected({ person: id });
});
const births = schema.system('births', { effects: 'at-once', every: 2 }, ({ world, emit, tick }) => {
  const child = emit.born({ mother: 1 });
  emit.born.many({ mother: [child, 1] });
  emit.seen({ ill: world.people.count({ health: 'ill' }), price: world.market.value.price, tick });
  emit.born({ mother: 1 });
});
const town = defineWorld(schema, {
  setup() {
    throw new RangeError('the setup of a scene does not run');
  },
  apply: {
    infected: (w, e) => w.people.update(e.person, { health: 'ill' }),
    born: (w, e) => w.people.insert({ id: e.child, health: 'ill', near: e.mother }),
    cured: (w, e) => w.people.update(e.person, { health: 'well' }),
  },
  systems: [infect],
  invariants: { never: () => false },
});

const config = { days: 1 };
const people = [{ health: 'ill' }, { health: 'well', cell: 2 }, { id: 9, health: 'well', near: 1 }] as const;

describe('a scene', () => {
  it('L3: holds the rows that it was given, with their defaults and ids, and no others', () => {
    const { world, tick } = scene(town, { tables: { people, market: { price: 2 } }, config });
    expect(tick).toBe(1);
    expect([...world.people]).toEqual([
      { id: 1, cell: 7, health: 'ill', near: null },
      { id: 2, cell: 2, health: 'well', near: null },
      { id: 9, cell: 7, health: 'well', near: 1 },
    ]);
    expect(world.market.value).toEqual({ price: 2, sold: 3 });
    expect([...scene(town, { config }).world.people]).toEqual([]);
  });

  it('runs one system, gives what it emitted by kind, and applies it', () => {
    const one = scene(town, { tables: { people }, config: { ...config, beta: 1 } });
    expect(one.step(infect)).toEqual({ infected: [{ person: 2 }, { person: 9 }], born: [], seen: [] });
    expect(one.world.people.count({ health: 'ill' })).toBe(3);
    expect(one.step(infect)).toEqual({ infected: [], born: [], seen: [] });
  });

  it('gives events of a kind in the order in which they were emitted, applied at once where they are', () => {
    const one = scene(town, { tables: { people, market: { price: 4 } }, config, tick: 6 });
    expect(one.step(births)).toEqual({
      infected: [],
      born: [10, 11, 12, 13].map((child) => ({ child, mother: child === 11 ? 10 : 1 })),
      seen: [{ ill: 4, price: 4, tick: 6 }],
    });
    expect(one.world.people.size).toBe(7);
    // The next step of the tick gives what it emitted itself, and not what came before.
    expect(one.step(births).born.map(({ child }) => child)).toEqual([14, 15, 16, 17]);
  });

  it('a system whose turn it is not emits nothing', () => {
    expect(scene(town, { config, tick: 3 }).step(births).born).toEqual([]);
  });

  it('begins its tick with the inputs that it was given', () => {
    const { world } = scene(town, { tables: { people }, config, inputs: [['cured', { person: 1 }]] });
    expect(world.people.count({ health: 'ill' })).toBe(0);
  });

  it('L5: draws as a run of the same seed, config and rows does in that tick', async () => {
    const run = await createRun(hamlet(), { store: memoryStore(), seed: 'alpha', config: { rate: 0.9 } });
    await run.advance(4);
    const tables = { people: [...run.world.people], ties: [...run.world.ties] };
    const at4 = scene(hamlet(), { tables, seed: 'alpha', config: { rate: 0.9 }, tick: 5 });
    const [first] = hamlet().def.systems;
    const emitted = at4.step(first!).infected.map(({ person }) => person);
    await run.advance(1);
    const recorded: number[] = [];
    for await (const { person } of run.events('infected', { from: 5 })) recorded.push(person);
    expect(emitted.length).toBeGreaterThan(0);
    expect(emitted).toEqual(recorded);
    const other = scene(hamlet(), { tables, seed: 'beta', config: { rate: 0.9 }, tick: 5 });
    expect(other.step(first!).infected.map(({ person }) => person)).not.toEqual(recorded);
  });

  it('what its systems or handlers throw is named, and ends it', async () => {
    const one = scene(town, { tables: { people }, config });
    const wrong = schema.system('wrong', ({ emit }) => void emit.infected({ person: 77 }));
    const error = await caught(() => one.step(wrong));
    expect(error).toMatchObject({
      code: 'TICK_FAILED',
      facts: { origin: 'wrong', kind: 'infected', key: 77 },
    });
    expect(await codeOf(() => one.step(infect))).toBe('WRONG_STATE');
    expect(await codeOf(() => one.world.people.size)).toBe('WRONG_STATE');
  });

  it('L8: is guarded as a run is', async () => {
    const late = schema.system('late', ({ emit }) => void emit.infected({ person: 1 + (Date.now() % 2) }));
    const error = await caught(() => scene(town, { tables: { people }, config }).step(late));
    expect(error).toMatchObject({ code: 'AMBIENT', facts: { origin: 'late' } });
  });

  it('refuses what does not fit', async () => {
    const refused = (given: object): Promise<string> => codeOf(() => scene(town, given as never));
    expect(await refused({})).toBe('BAD_INPUT');
    expect(await refused({ config, tables: { people: [{ health: 'dead' }] } })).toBe('BAD_VALUE');
    expect(await refused({ config, tables: { market: [{ price: 1 }, { price: 2 }] } })).toBe('BAD_USAGE');
    expect(await refused({ config, tables: { ghosts: [] } })).toBe('BAD_USAGE');
    expect(await refused({ config, tables: { $sources: [] } })).toBe('BAD_USAGE');
    expect(await refused({ config, tick: 0 })).toBe('BAD_USAGE');
    expect(await refused({ config, inputs: [['infected', { person: 1 }]] })).toBe('BAD_USAGE');
    expect(await refused({ config, inputs: [['cured', { person: 5 }]] })).toBe('TICK_FAILED');
    expect(await refused({ config, rows: {} })).toBe('BAD_USAGE');
    expect(await codeOf(() => scene(hamletSchema as never))).toBe('BAD_USAGE');
  });
});
