/**
 * The harbour two versions later: renamed, dropped, retyped and new columns, tables and kinds, with the
 * migrations that lead here from version 1. Version 2 is a step on the way that no store was written with.
 */
import { defineSchema, defineWorld, event, fact, singleton, t, table } from '../../../src/index.ts';

export const schemaV3 = defineSchema({
  name: 'harbour',
  version: 3,
  tick: '1 hour',
  config: { wind: t.f64().default(0.25), quays: t.u8(), depth: t.f32().default(12.5) },
  tables: {
    vessels: table(
      {
        id: t.id(),
        name: t.text(),
        berth: t.u32().optional(),
        state: t.enum('at sea', 'waiting', 'docked', 'wrecked'),
        position: t.struct({ x: t.f32(), y: t.f32() }),
        tons: t.f64(),
        flag: t.text().default('Panama'),
      },
      { index: ['state', 'flag'] },
    ),
    tolls: singleton({ paid: t.f64().default(0), ledger: t.json().optional() }),
    storms: table({ id: t.id(), tick: t.u32() }),
  },
  events: {
    sailed: event({ ship: t.ref('vessels'), dx: t.f32(), dy: t.f32() }),
    docked: event({ ship: t.ref('vessels'), berth: t.u32() }),
    left: event({ ship: t.ref('vessels') }),
    built: event({ ship: t.newId('vessels'), name: t.text(), flag: t.text().default('Panama') }),
    seen: fact({ what: t.text() }),
  },
  inputs: {
    paid: event({ ship: t.ref('vessels'), amount: t.f64() }),
    scrapped: event({ ship: t.ref('vessels') }),
  },
  migrations: {
    2: {
      tables: { vessels: { from: 'ships', drop: ['cargo'] } },
      config: { rename: { quays: 'berths' } },
    },
    3: {
      tables: {
        vessels: { rename: { tons: 'tonnage' }, change: { tons: (tonnage: bigint) => Number(tonnage) } },
      },
    },
  },
});

const sail = schemaV3.system('sail', { effects: 'at-once' }, ({ world: { vessels }, emit, rng, config }) => {
  const draw = rng('sail');
  for (const { id, state } of [...vessels]) {
    if (state === 'docked' || state === 'wrecked') continue;
    emit.sailed({ ship: id, dx: draw.of(id).float() - config.wind, dy: draw.of(id).float() });
  }
});

export const harbourV3 = defineWorld(schemaV3, {
  setup({ insert }) {
    insert.vessels({ name: 'Argo', state: 'at sea', position: { x: 0, y: 0 }, tons: 1 });
  },
  apply: {
    sailed: ({ vessels }, { ship, dx, dy }) => {
      const { position } = vessels.need(ship);
      vessels.update(ship, { position: { x: position.x + dx, y: position.y + dy } });
    },
    docked: ({ vessels }, { ship, berth }) => vessels.update(ship, { berth, state: 'docked' }),
    left: ({ vessels }, { ship }) => vessels.update(ship, { berth: null, state: 'waiting' }),
    built: ({ vessels }, { ship, name, flag }) =>
      void vessels.insert({ id: ship, name, flag, state: 'at sea', position: { x: 1, y: -1 }, tons: 0 }),
    paid: ({ tolls }, { ship, amount }) =>
      tolls.set({ paid: tolls.value.paid + amount, ledger: { ship, amount } }),
    scrapped: ({ vessels }, { ship }) => vessels.delete(ship),
  },
  systems: [sail],
  metrics: { docked: ({ vessels }) => vessels.count({ state: 'docked' }) },
});
