/** A module with a schema of its own, to be included in another: agents, their turns and what they cost. */
import { defineSchema, event, fact, type InferShape, t, table } from '../api.ts';

export const turnDeclaration = {
  name: 'turns',
  version: 1,
  tables: {
    agents: table({
      id: t.text().key(),
      model: t.text(),
      spent: t.int().default(0),
      alive: t.bool().default(true),
    }),
  },
  events: {
    turnStarted: fact({ turn: t.u32() }),
    charged: event({ agent: t.ref('agents'), microUsd: t.int() }),
  },
  inputs: {},
} as const;
export const turns = defineSchema(turnDeclaration);
export type Turns = InferShape<typeof turns>;
export const charge = turns.system('charge', ({ world, emit, tick }) => {
  emit.turnStarted({ turn: tick });
  for (const agent of world.agents) if (agent.alive) emit.charged({ agent: agent.id, microUsd: 1 });
});
export const turnsApply = turns.apply({
  charged: (world, e) =>
    world.agents.update(e.agent, { spent: world.agents.need(e.agent).spent + e.microUsd }),
});
