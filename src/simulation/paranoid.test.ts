import { describe, expect, test } from 'vitest';
import { hamlet } from '../../test/support/hamlet.ts';
import { caught, codeOf, hashesOf, rowsOf } from '../../test/support/runs.ts';
import { memoryStore } from '../log/memory-store.ts';
import type { Store } from '../log/store.ts';
import { t } from '../schema/columns.ts';
import { defineSchema } from '../schema/define.ts';
import { event, fact, singleton, table } from '../schema/tables.ts';
import { createRun } from './create-run.ts';
import { defineWorld } from './define-world.ts';
import { openRun } from './open-run.ts';

const schema = defineSchema({
  name: 'plot',
  version: 1,
  tables: {
    herbs: table({
      id: t.id(),
      x: t.f64().default(0),
      age: t.u16().optional(),
      kind: t.enum('dill', 'mint').default('dill'),
      pos: t.struct({ x: t.f32(), y: t.f32() }).default({ x: 0, y: 0 }),
      dir: t.vec(3).default([0, 0, 0]),
      tag: t.bytes().default(new Uint8Array([1, 2])),
      notes: t.list(t.struct({ n: t.u8() })).default([{ n: 1 }]),
      name: t.text().default('herb'),
    }),
    sky: singleton({ light: t.f64().default(1) }),
  },
  events: {
    grew: event({ by: t.f64() }),
    dried: event({ by: t.f64(), mark: t.bytes().default(new Uint8Array([7])) }),
    seen: fact({ n: t.u32() }),
  },
  inputs: { watered: event({ by: t.f64() }) },
});

type Loose = { [name: string]: any };
type Probe = (place: string, given: Loose) => void;
const HERBS = 600;

/** A world whose every function tells a probe where it is, and gives it what it was given. */
function plot(probe: Probe, effects: 'after' | 'at-once' = 'after') {
  const told = (place: string, given: Loose): boolean => {
    probe(place, given);
    return true;
  };
  return defineWorld(schema, {
    setup(ctx) {
      ctx.insert.herbs.many({ x: new Float64Array(HERBS) });
      probe('setup', ctx);
    },
    apply: {
      grew: (world, e) => {
        for (let row = 0; row < 10; row++) world.herbs.write.x.set(row, world.herbs.columns.x[row]! + e.by);
        probe('grew', { world, e });
      },
      dried: {
        batch(world, events) {
          const { by } = events.columns;
          for (let i = 0; i < events.size; i++) world.sky.set({ light: world.sky.value.light * by[i]! });
          probe('dried', { world, events });
        },
      },
      watered: (world, e) => {
        world.sky.set({ light: e.by });
        probe('watered', { world, e });
      },
    },
    systems: [
      schema.system('grow', { effects, when: (world) => told('when', { world }) }, (ctx) => {
        probe('grow', ctx);
        ctx.emit.grew({ by: 1 });
        ctx.emit.seen({ n: 4 });
        probe('grow ends', ctx);
      }),
      schema.system('dry', (ctx) => {
        probe('dry', ctx);
        ctx.emit.dried.many({ by: new Float64Array([0.5, 0.25]) });
      }),
      schema.system('rest', (ctx) => probe('rest', ctx)),
    ],
    invariants: { lit: (world) => told('lit', { world }) },
    metrics: { light: (world) => world.sky.value.light * Number(told('metric', { world })) },
    until: (world) => !told('until', { world }),
  });
}

const begin = (probe: Probe, effects?: 'at-once', store: Store = memoryStore(), paranoid = true) =>
  createRun(plot(probe, effects), { store, seed: 's', id: 'r', paranoid });

/** What a deed at a place of tick 2 is refused with; the run then goes on as if nothing had been. */
async function refusal(place: string, deed: (given: Loose) => void, effects?: 'at-once') {
  const [store, twinStore] = [memoryStore(), memoryStore()];
  let armed = false;
  const probe: Probe = (at, given) => {
    if (!armed || at !== place) return;
    armed = false;
    deed(given);
  };
  const run = await begin(probe, effects, store);
  const twin = await begin(() => {}, effects, twinStore, false);
  await Promise.all([run.advance(1), twin.advance(1)]);
  const before = rowsOf(run.world);
  const submitted = run.submit.watered({ by: 3 });
  twin.submit.watered({ by: 3 });
  armed = true;
  const error = await caught(() => run.advance(1));
  expect([run.state, run.tick]).toEqual(['failed', 1]);
  expect(rowsOf(run.world)).toEqual(before);
  await Promise.all([run.advance(2), twin.advance(2)]);
  expect(await submitted.applied).toMatchObject({ tick: 2 });
  await Promise.all([run.close(), twin.close()]);
  expect(await hashesOf(store, 'r')).toEqual(await hashesOf(twinStore, 'r'));
  return error;
}

/** Deeds on a table, and what they are named. */
const DEEDS: [string, (herbs: Loose) => void, object][] = [
  ['x', ({ columns }) => (columns.x[599] = 5), { column: 'x', from: 512, to: 600 }],
  ['kind', ({ columns }) => (columns.kind[3] = 1), { column: 'kind', from: 0, to: 600 }],
  ['age', ({ columns }) => (columns.age[3] = 1), { column: 'age', from: 0, to: 600 }],
  ['pos.y', ({ columns }) => (columns.pos.y[0] = 1), { column: 'pos.y', from: 0, to: 600 }],
  ['dir', ({ columns }) => (columns.dir[3 * 128 + 2] = 1), { column: 'dir', from: 128, to: 256 }],
  ['tag', ({ columns }) => (columns.tag[8][1] = 1), { column: 'tag', from: 8, to: 9 }],
  ['notes', ({ columns }) => (columns.notes[9][0].n = 2), { column: 'notes', from: 9, to: 10 }],
  ['notes of another kind', ({ columns }) => (columns.notes[9][0].n = {}), { column: 'notes', from: 9 }],
  ['NaN where none may be', ({ columns }) => (columns.x[1] = Number.NaN), { column: 'x', from: 0, to: 512 }],
];

describe('written past the write view, by a system', () => {
  test.each(DEEDS)('L8: %s is named', async (_, deed, facts) => {
    const error = await refusal('rest', ({ world }) => deed(world.herbs));
    expect(error).toMatchObject({
      code: 'WRITTEN_PAST',
      facts: { run: 'r', tick: 2, origin: 'rest', table: 'herbs', ...facts },
    });
    expect(error.message).toMatch(/^run 'r': tick 2, system 'rest': 'herbs\.\S+' was written past the/);
    expect(error.hint).toMatch(/Emit an event/);
  });

  test('L8: the rows are said in words', async () => {
    const many = await refusal('rest', ({ world }) => (world.herbs.columns.x[1] = 7));
    expect(many.message).toMatch(/within rows 0 to 511$/);
    const one = await refusal('rest', ({ world }) => (world.herbs.columns.tag[1][0] = 9));
    expect(one.message).toMatch(/in row 1$/);
  });

  test('L8: counts changed behind the back of everyone are named', async () => {
    for (const count of ['nextId', 'size'] as const) {
      const error = await refusal('rest', ({ world }) => {
        const { behind } = world.herbs;
        if (count === 'size') behind.set.size--;
        else behind.nextId += 3;
      });
      expect(error).toMatchObject({ code: 'WRITTEN_PAST', facts: { table: 'herbs', count, origin: 'rest' } });
    }
  });

  test('L8: texts are frozen as they are', async () => {
    const error = await refusal('rest', ({ world }) => (world.herbs.columns.name[0] = 'weed'));
    expect(error.code).toBe('TICK_FAILED');
    expect(error.cause).toBeInstanceOf(TypeError);
  });
});

type Named = [place: string, facts: object];
const PLACES: Named[] = [
  ['when', { origin: 'grow' }],
  ['grow', { origin: 'grow' }],
  ['grow ends', { origin: 'grow' }],
  ['lit', { invariant: 'lit' }],
  ['metric', { metric: 'light' }],
  ['until', { origin: 'until' }],
  ['watered', { origin: 'inputs', kind: 'watered', event: 0 }],
  ['grew', { origin: 'grow', kind: 'grew', event: 0 }],
  ['dried', { origin: 'dry', kind: 'dried' }],
];

describe('whoever wrote past the write view', () => {
  for (const effects of [undefined, 'at-once'] as const)
    test.each(PLACES)(`L8: is named, ${effects ?? 'after'}: %s`, async (place, facts) => {
      const error = await refusal(place, ({ world }) => (world.herbs.columns.x[520] = 5), effects);
      expect(error).toMatchObject({ code: 'WRITTEN_PAST', facts: { tick: 2, table: 'herbs', ...facts } });
      expect('kind' in error.facts).toBe('kind' in facts);
    });

  test('L8: is told from the handler that wrote the same leaf before it', async () => {
    const deed = ({ world }: Loose): void => void (world.herbs.columns.x[3] = 50);
    const error = await refusal('grow ends', deed, 'at-once');
    expect(error).toMatchObject({ code: 'WRITTEN_PAST', facts: { origin: 'grow', column: 'x', from: 0 } });
  });

  test('L8: fails the setup', async () => {
    const wrong = (): Promise<unknown> =>
      begin((place, { world }) => void (place === 'setup' && (world.sky.behind.nextId = 9)));
    expect(await caught(wrong)).toMatchObject({ code: 'WRITTEN_PAST', facts: { tick: 0, origin: 'setup' } });
  });

  test('L8: between two ticks is found before the next begins, and is gone after', async () => {
    const run = await begin(() => {});
    await run.advance(1);
    (run.world.herbs.columns.x as Float64Array)[3] = 9;
    const error = await caught(() => run.advance(1));
    expect(error).toMatchObject({ code: 'WRITTEN_PAST', facts: { tick: 2, table: 'herbs', column: 'x' } });
    expect(error.message).toMatch(/within rows 0 to 511, before the tick began$/);
    expect(run.world.herbs.columns.x[3]).toBe(1);
    expect((await run.advance(1)).tick).toBe(2);
  });

  test('L3: is not noticed without paranoid mode, and then in a handler by whoever folds it', async () => {
    const store = memoryStore();
    const past: Probe = (place, { world }) => {
      if (place === 'grew') world.herbs.columns.x[520] += 5;
    };
    const run = await createRun(plot(past), { store, seed: 's', id: 'r' });
    await run.advance(3);
    await run.close();
    expect(await codeOf(() => openRun(plot(past), { store, id: 'r', paranoid: true }))).toBe('WRITTEN_PAST');
  });
});

describe('a span that is kept', () => {
  const places: Named[] = [
    ['rest', { origin: 'rest' }],
    ['dried', { origin: 'dry', kind: 'dried' }],
    ['lit', { invariant: 'lit' }],
  ];
  test.each(places)('L8: is found when it is written later: %s', async (place, facts) => {
    let span: Float64Array | null = null;
    const run = await begin((at, { world }) => {
      if (at === 'grew') {
        span = world.herbs.write.x.span(100, 200);
        span!.fill(4);
      } else if (at === place && span !== null) span![7] = 5;
    });
    expect(await caught(() => run.advance(1))).toMatchObject({
      code: 'WRITTEN_PAST',
      facts: { tick: 1, table: 'herbs', column: 'x', from: 0, to: 512, ...facts },
    });
  });
});

describe('events that were written', () => {
  type Spoil = [place: string, who: object, facts: object, deed: (given: Loose) => void];
  const spoils: Spoil[] = [
    [
      'grow ends',
      { origin: 'grow' },
      { kind: 'seen', column: 'n', from: 0, to: 1 },
      (ctx) => {
        ctx.events.seen.columns.n[0] = 5;
      },
    ],
    [
      'rest',
      { origin: 'rest' },
      { kind: 'dried', column: 'by', from: 0, to: 2 },
      (ctx) => {
        ctx.events.dried.columns.by[1] = 5;
      },
    ],
    [
      'rest',
      { origin: 'rest' },
      { kind: 'dried', column: 'mark', from: 1, to: 2 },
      (ctx) => {
        ctx.events.dried.columns.mark[1][0] = 5;
      },
    ],
    [
      'rest',
      { origin: 'rest' },
      { kind: 'watered', column: 'by', from: 0, to: 1 },
      (ctx) => {
        ctx.events.watered.columns.by[0] = 5;
      },
    ],
    [
      'dried',
      { origin: 'dry', kind: 'dried' },
      { column: 'by', from: 0, to: 2 },
      ({ events }) => {
        events.columns.by[0] = 5;
      },
    ],
  ];
  for (const effects of [undefined, 'at-once'] as const)
    test.each(spoils)(`L3: are named, ${effects ?? 'after'}: %s, %j, %j`, async (place, who, facts, deed) => {
      const error = await refusal(place, deed, effects);
      expect(error).toMatchObject({ code: 'WRITTEN_PAST', facts: { tick: 2, ...who, ...facts } });
      expect(error.hint).toMatch(/Events are facts/);
    });

  test('L3: are found in columns that were kept from an earlier call', async () => {
    let kept: Float64Array | null = null;
    const run = await begin((place, { events }) => {
      if (place === 'dried') kept = events.columns.by;
      if (place === 'rest') kept![0] = 5;
    });
    expect(await caught(() => run.advance(1))).toMatchObject({
      code: 'WRITTEN_PAST',
      facts: { origin: 'rest', kind: 'dried', column: 'by', from: 0, to: 2 },
    });
  });
});

test('L9: a run that is watched has the records of one that is not', async () => {
  const records = async (paranoid: boolean, hashEvery: number): Promise<string[]> => {
    const store = memoryStore();
    const options = { store, seed: 's', id: 'r', paranoid, hashEvery };
    const run = await createRun(hamlet(), options);
    for (let tick = 1; tick <= 12; tick++) {
      run.submit.joined({ name: `n${tick}`, bag: [tick] });
      run.submit.priced({ price: 80 + tick });
      await run.advance(1);
    }
    await run.close();
    const again = await openRun(hamlet(), { store, id: 'r', paranoid, hashEvery });
    await again.advance(3);
    await again.close();
    return hashesOf(store, 'r');
  };
  for (const hashEvery of [1, 5])
    expect(await records(true, hashEvery)).toEqual(await records(false, hashEvery));
});
