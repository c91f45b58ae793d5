/** A game server: structs, lists, commands judged in systems, a cascade, two observers. */
import { createRun, defineSchema, defineWorld, event, fact, store, t, table } from '../api.ts';

const pos = t.struct({ x: t.f64(), y: t.f64() });
export const schema = defineSchema({
  name: 'skirmish',
  version: 1,
  tick: '1/30 s',
  tables: {
    players: table({ id: t.id(), account: t.text(), seq: t.u32().default(0) }),
    bodies: table(
      { id: t.id(), player: t.ref('players').optional(), pos, hp: t.i32(), bag: t.list(t.u16()).default([]) },
      { index: ['player'] },
    ),
  },
  events: {
    hit: event({ body: t.ref('bodies'), by: t.ref('bodies') }),
    died: event({ body: t.ref('bodies') }),
    dropped: event({ crate: t.newId('bodies'), pos }),
    refused: fact({ player: t.ref('players'), seq: t.u32(), why: t.enum('dead', 'late') }),
  },
  inputs: {
    joined: event({ player: t.newId('players'), account: t.text() }),
    fired: event({ player: t.ref('players'), seq: t.u32(), angle: t.f64() }),
  },
});
export const judge = schema.system('judge', ({ world, events, emit }) => {
  for (const command of events.fired) {
    const [me] = world.bodies.by.player(command.player);
    if (!me) {
      emit.refused({ player: command.player, seq: command.seq, why: 'dead' });
      continue;
    }
    for (const body of world.bodies)
      if (body.id !== me.id && Math.abs(body.pos.x - me.pos.x) < 2) emit.hit({ body: body.id, by: me.id });
  }
});
export const deaths = schema.system('deaths', { repeat: { max: 32 } }, ({ world, emit }) => {
  for (const body of world.bodies.backwards())
    if (body.hp <= 0) {
      emit.died({ body: body.id });
      emit.dropped({ pos: body.pos });
    }
});
export const skirmish = defineWorld(schema, {
  setup() {},
  systems: [judge, deaths],
  apply: {
    hit: (w, e) => w.bodies.update(e.body, { hp: w.bodies.need(e.body).hp - 9 }),
    died: (w, e) => w.bodies.delete(e.body),
    dropped: (w, e) => w.bodies.insert({ id: e.crate, pos: e.pos, hp: 1 }),
    joined: (w, e) => w.players.insert({ id: e.player, account: e.account }),
    fired: (w, e) => w.players.updateIf(e.player, { seq: e.seq }),
  },
});

export async function main(): Promise<number> {
  const run = await createRun(skirmish, { store, seed: 's', commit: { ticks: 30 } });
  const joining = run.submit.joined({ account: 'ann' }, { source: 'gateway', seq: 1 });
  await run.advance();
  const { created: me } = await joining.applied;
  const off = run.on('computed', ({ events }) => {
    for (const { player, why } of events.refused) if (player === me) off.call(why);
  });
  run.on('durable', () => {});
  run.submit.fired({ player: me, seq: 2, angle: Math.PI });
  let seen = 0;
  for await (const shot of run.events('fired', { from: 1 })) seen += shot.tick + shot.seq;
  return seen;
}
