/** Arbitraries made from a user's schema. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../../../test/support/runs.ts';
import { pond } from '../../../test/support/wrong-worlds.ts';
import { defineSchema, defineWorld, event, t, table } from '../../index.ts';
import { flawOf } from '../../schema/layout.ts';
import { Choice, resolved } from './choices.ts';
import { type AnyPlan, planOf } from './plan.ts';
import { anyPlan, arbitraries } from './plan-arbitraries.ts';
import { firstPlay } from './play.ts';
import { scene } from './scene.ts';

const schema = defineSchema({
  name: 'guild',
  version: 1,
  config: {
    rate: t.f64().default(0.5),
    size: t.int().default(9),
    debt: t.int().default(-7),
    mode: t.enum('calm', 'wild').default('wild'),
    open: t.bool().default(true),
    motto: t.text().default('onward'),
    limit: t.u32(),
    none: t.f64().default(0),
  },
  tables: {
    members: table({ id: t.id(), name: t.text(), rank: t.u8() }),
    guilds: table({ code: t.text().key(), gold: t.u64().default(3n) }),
    ghosts: table({ id: t.id() }),
  },
  events: { paid: event({ from: t.ref('members'), to: t.ref('guilds'), sum: t.f32() }) },
  inputs: {
    joined: event({
      member: t.ref('members'),
      guild: t.ref('guilds').optional(),
      with: t.list(t.ref('members')),
      at: t.struct({ of: t.ref('guilds'), x: t.f64() }),
      child: t.newId('members'),
    }),
    haunted: event({ by: t.ref('ghosts') }),
    missed: event({ ghost: t.ref('ghosts').optional(), rank: t.u8() }),
    told: event({ what: t.json((x) => (Array.isArray(x) && x.length > 0 ? x : fail())) }),
  },
});
function fail(): never {
  throw new RangeError('no list');
}
const guild = defineWorld(schema, {
  setup({ insert }) {
    for (const name of ['a', 'b', 'c']) insert.members({ name, rank: 1 });
    insert.guilds({ code: 'x' });
    insert.guilds({ code: 'y' });
  },
  apply: { paid: () => {}, joined: () => {}, haunted: () => {}, missed: () => {}, told: () => {} },
  systems: [],
});

const samples = (options: object = {}, n = 300): readonly AnyPlan[] =>
  fc.sample(anyPlan(guild as never, { config: { limit: 2 }, inputs: { told: false }, ...options }), {
    numRuns: n,
    seed: 3,
  });

describe('plans', () => {
  it('L3: hold inputs that refer to rows which are there when they are submitted', async () => {
    const seen = new Set<string>();
    for (const plan of samples({}, 60)) {
      const { plan: played } = await firstPlay(guild as never, planOf(plan));
      for (const [, kind, row] of played.inputs) {
        seen.add(kind);
        const { member, guild: of, with: list, at, ghost } = row as never as { [column: string]: any };
        if (kind === 'joined') {
          expect([1, 2, 3]).toContain(member);
          expect([undefined, null, 'x', 'y']).toContain(of);
          for (const one of list) expect([1, 2, 3]).toContain(one);
          expect(['x', 'y']).toContain(at.of);
          expect(row).not.toHaveProperty('child');
        }
        // There is no ghost: who needs one does not come, who may have one has none.
        expect(kind).not.toBe('haunted');
        if (kind === 'missed') expect([undefined, null]).toContain(ghost);
      }
    }
    expect([...seen].sort()).toEqual(['joined', 'missed']);
  });

  it('L15: a choice of a row is taken modulo the rows that there are', () => {
    const { world } = scene(guild, {
      config: { limit: 1 },
      tables: {
        members: [
          { name: 'a', rank: 1 },
          { id: 7, name: 'b', rank: 2 },
        ],
      },
    });
    const row = (n: number) => ({
      member: new Choice(n),
      guild: new Choice(n),
      with: [],
      at: { of: 'x', x: 1 },
    });
    const of = (n: number) => resolved(schema.compiled, world, [[4, 'joined', row(n)]]);
    expect(of(2)).toEqual([[4, 'joined', { member: 1, guild: null, with: [], at: { of: 'x', x: 1 } }]]);
    expect(of(3)).toMatchObject([[4, 'joined', { member: 7 }]]);
  });

  it.each([3, 8, 50])('have as many inputs as they may have, of %d, and none', (maxInputs) => {
    const counts = samples({ maxInputs }).map(({ inputs }) => inputs.length);
    expect(Math.min(...counts)).toBe(0);
    expect(Math.max(...counts)).toBeLessThanOrEqual(maxInputs);
    expect(Math.max(...counts)).toBeGreaterThan(0.9 * maxInputs - 1);
  });

  it('keep inputs in order of their ticks, within the ticks that they have, and places of the schedule too', () => {
    for (const { ticks, inputs } of samples()) {
      const at = inputs.map(([tick]) => tick);
      expect(at).toEqual([...at].sort((a, b) => a - b));
      expect(Math.max(0, ...at)).toBeLessThanOrEqual(ticks);
      expect(Math.min(1, ...at)).toBe(1);
    }
    const { schedule } = planOf({ seed: 'a', ticks: 4, schedule: { forks: [9, 1, 5, 0], snapshots: [] } });
    expect(schedule).toEqual({
      commitTicks: 1,
      damages: [2],
      forks: [0, 1],
      snapshots: [2],
      reopenings: [2],
      crashes: [2],
    });
  });

  it('draw the config around its defaults, as declared, and as it is given', () => {
    const configs = samples().map(({ config }) => config as { readonly [column: string]: any });
    const values = (name: string) => configs.map((config) => config[name]);
    for (const [name, from, to] of [
      ['rate', 0.25, 0.5],
      ['size', 5, 9],
      ['debt', -7, -4],
      ['none', 0, 0],
    ] as const) {
      expect(Math.min(...values(name))).toBeGreaterThanOrEqual(from);
      expect(Math.max(...values(name))).toBeLessThanOrEqual(to);
    }
    expect(new Set(values('size')).size).toBeGreaterThan(2);
    expect(new Set(values('mode'))).toEqual(new Set(['calm', 'wild']));
    expect(new Set(values('open'))).toEqual(new Set([true, false]));
    expect(new Set(values('motto'))).toEqual(new Set(['onward']));
    expect(new Set(values('limit'))).toEqual(new Set([2]));
    const given = samples({ config: { limit: fc.constantFrom(3, 4), motto: 'back' } }).map(
      ({ config }) => config,
    );
    expect(new Set(given.map((config) => (config as any).limit))).toEqual(new Set([3, 4]));
    expect(given[0]).toMatchObject({ motto: 'back' });
  });

  it('take rows, columns, or no inputs of a kind, as they are given', async () => {
    const kinds = (plans: readonly AnyPlan[]) =>
      new Set(plans.flatMap(({ inputs }) => inputs.map(([, kind]) => kind)));
    expect(kinds(samples({ inputs: { told: false, joined: false, haunted: false } }))).toEqual(
      new Set(['missed']),
    );
    const ranked = samples({
      inputs: { told: false, missed: { rank: 5 }, joined: false, haunted: fc.constant({ by: 3 }) },
    });
    for (const [, kind, row] of ranked.flatMap(({ inputs }) => inputs))
      if (kind === 'missed') expect(row).toHaveProperty('rank', 5);
      else expect(row).toEqual({ by: 3 });
    expect(await codeOf(() => samples({ inputs: { nobody: false } }))).toBe('BAD_USAGE');
    expect(await codeOf(() => samples({ config: { nothing: 1 } }))).toBe('BAD_USAGE');
  });

  it('hold nothing that the check of a json column refuses, and say where nothing passes', async () => {
    const told = samples({ inputs: { joined: false, haunted: false, missed: false } }, 100).flatMap(
      ({ inputs }) => inputs,
    );
    expect(told.length).toBeGreaterThan(20);
    for (const [, , row] of told) expect((row as { what: unknown[] }).what.length).toBeGreaterThan(0);
    const picky = defineSchema({
      name: 'picky',
      version: 1,
      tables: { any: table({ id: t.id() }) },
      inputs: { told: event({ what: t.json((x) => (x === 'the word' ? x : fail())) }) },
    });
    const world = defineWorld(picky, { setup() {}, apply: { told: () => {} }, systems: [] });
    expect(await codeOf(() => anyPlan(world as never))).toBe('BAD_USAGE');
    expect(await codeOf(() => anyPlan(world as never, { inputs: { told: { what: 'the word' } } }))).toBe(
      'done',
    );
  });
});

describe('arbitraries', () => {
  it('give rows, events, inputs and configs that fit their declarations', () => {
    const { tables, events, inputs, config } = arbitraries(guild, { inputs: { told: { what: [1] } } });
    expect(Object.keys(tables).sort()).toEqual(['ghosts', 'guilds', 'members']);
    const { compiled } = schema;
    const fits = (name: string, columns: typeof compiled.config.columns, rows: fc.Arbitrary<object>) => {
      for (const row of fc.sample(rows, { numRuns: 100, seed: 2 }))
        for (const column of columns) {
          const value = (row as { readonly [column: string]: unknown })[column.name];
          if (value !== undefined)
            expect([name, column.name, flawOf(column, value)]).toEqual([name, column.name, null]);
        }
    };
    for (const [name, rows] of Object.entries(tables)) fits(name, compiled.tableOf.get(name)!.columns, rows);
    for (const [name, rows] of Object.entries({ ...events, ...inputs }))
      fits(name, compiled.kindOf.get(name)!.columns, rows);
    fits('config', compiled.config.columns, config);
  });

  it('are typed by the schema, and make scenes', () => {
    const { tables } = arbitraries(pond());
    fc.assert(
      fc.property(fc.array(tables.frogs, { maxLength: 5 }), (frogs) => {
        const { world } = scene(pond(), { tables: { frogs } });
        expect(world.frogs.size).toBe(frogs.length);
        expect(world.frogs.columns.leaf.length).toBe(frogs.length);
      }),
    );
  });
});
