/** An arena that includes another module's tables, events, handlers and system. */
import { createRun, defineSchema, defineWorld, event, openRun, store, t, table } from '../api.ts';
import { charge, turnDeclaration, turnsApply } from './turns.ts';

interface Move {
  readonly gold: number;
}
export const schema = defineSchema({
  name: 'bargain',
  version: 1,
  tick: '1 turn',
  config: { budget: t.int().default(5_000_000) },
  tables: {
    ...turnDeclaration.tables,
    lands: table({ id: t.id(), owner: t.ref('agents'), gold: t.int() }, { index: ['owner'] }),
  },
  events: { ...turnDeclaration.events, acted: event({ agent: t.ref('agents'), move: t.json<Move>() }) },
  inputs: {
    granted: event({ agent: t.ref('agents'), gold: t.int() }),
    decided: event({ agent: t.ref('agents'), move: t.json<Move>().optional(), microUsd: t.int() }),
  },
});
export const act = schema.system('act', ({ events, emit }) => {
  for (const { agent, move, microUsd } of events.decided)
    if (move) {
      emit.acted({ agent, move });
      emit.charged({ agent, microUsd });
    }
});
export const bargain = defineWorld(schema, {
  setup({ insert }) {
    insert.agents({ id: 'ann', model: 'm' });
    insert.lands.many({ owner: ['ann', 'ann'], gold: [1, 2] });
  },
  systems: [act, charge],
  apply: {
    ...turnsApply,
    acted: (w, e) => {
      for (const land of w.lands.by.owner(e.agent))
        w.lands.update(land.id, { gold: land.gold + e.move.gold });
    },
    granted: (w, e) => w.lands.insert({ owner: e.agent, gold: e.gold }),
    decided: () => {},
  },
  metrics: { spent: (w) => [...w.agents].reduce((sum, agent) => sum + agent.spent, 0) },
  until: (w, { config }) => [...w.agents].some((agent) => agent.spent > config.budget),
});

export async function main(): Promise<string> {
  const first = await createRun(bargain, { store, seed: 'g', id: 'b', config: { budget: 10 } });
  first.submit.decided({ agent: 'ann', move: { gold: 3 }, microUsd: 5 });
  await first.advance(40);
  await first.close();
  const again = await openRun(bargain, { store, id: 'b', takeover: true });
  const [owner] = again.world.lands.columns.owner;
  return owner ?? again.state;
}
