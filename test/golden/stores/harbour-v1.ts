/**
 * The world behind `store-v1.db`, as it was when that file was written. It never changes: a later version of
 * the world is a file of its own.
 */
import { defineSchema, defineWorld, event, fact, singleton, t, table } from '../../../src/index.ts';

export const schemaV1 = defineSchema({
  name: 'harbour',
  version: 1,
  tick: '1 hour',
  config: { wind: t.f64().default(0.25), berths: t.u8() },
  tables: {
    ships: table(
      {
        id: t.id(),
        name: t.text(),
        berth: t.u8().optional(),
        state: t.enum('at sea', 'waiting', 'docked'),
        cargo: t.list(t.u16()).default([]),
        position: t.struct({ x: t.f32(), y: t.f32() }),
        tonnage: t.u64().default(0n),
      },
      { index: ['state'] },
    ),
    tolls: singleton({ paid: t.f64().default(0), ledger: t.json().optional() }),
  },
  events: {
    sailed: event({ ship: t.ref('ships'), dx: t.f32(), dy: t.f32() }),
    docked: event({ ship: t.ref('ships'), berth: t.u8() }),
    left: event({ ship: t.ref('ships') }),
    built: event({ ship: t.newId('ships'), name: t.text() }),
    seen: fact({ what: t.text() }),
  },
  inputs: {
    paid: event({ ship: t.ref('ships'), amount: t.f64() }),
    scrapped: event({ ship: t.ref('ships') }),
  },
});

const sail = schemaV1.system('sail', { effects: 'at-once' }, ({ world: { ships }, emit, rng, config }) => {
  const draw = rng('sail');
  for (const { id, state } of [...ships]) {
    if (state === 'docked') continue;
    emit.sailed({ ship: id, dx: draw.of(id).float() - config.wind, dy: draw.of(id).float() });
  }
});

const pilot = schemaV1.system('pilot', { every: 2 }, ({ world: { ships }, emit, rng, tick, config }) => {
  const draw = rng('pilot');
  for (const { id, state, berth } of ships)
    if (state !== 'docked' && draw.chance(0.4))
      emit.docked({ ship: id, berth: draw.int(0, config.berths - 1) });
    else if (berth !== null && draw.chance(0.5)) emit.left({ ship: id });
  if (tick % 4 === 0) emit.built({ name: `ship ${tick} ⚓` });
  emit.seen({ what: `${ships.size} ships` });
});

export const harbourV1 = defineWorld(schemaV1, {
  setup({ insert }) {
    for (const name of ['Argo', 'Beagle', 'Calypso', 'Dawn'])
      insert.ships({ name, state: 'at sea', position: { x: 0, y: 0 }, tonnage: 2n ** 40n });
    insert.tolls({});
  },
  apply: {
    sailed: ({ ships }, { ship, dx, dy }) => {
      const { position } = ships.need(ship);
      ships.update(ship, { position: { x: position.x + dx, y: position.y + dy } });
    },
    docked: ({ ships }, { ship, berth }, now) =>
      ships.update(ship, { berth, state: 'docked', cargo: [now.rng('cargo').int(0, 999), berth] }),
    left: ({ ships }, { ship }) => ships.update(ship, { berth: null, state: 'waiting', cargo: [] }),
    built: ({ ships }, { ship, name }) =>
      void ships.insert({ id: ship, name, state: 'at sea', position: { x: 1, y: -1 } }),
    paid: ({ tolls }, { ship, amount }) =>
      tolls.set({ paid: tolls.value.paid + amount, ledger: { ship, amount } }),
    scrapped: ({ ships }, { ship }) => ships.delete(ship),
  },
  systems: [sail, pilot],
  invariants: { fits: ({ ships }) => ships.size < 100 },
  metrics: { docked: ({ ships }) => ships.count({ state: 'docked' }) },
});
