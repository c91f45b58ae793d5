/**
 * An agent-based model: ids, an index, a composite key, a cache, keyed draws, handlers by row and by batch.
 */
import {
  createRun,
  defineSchema,
  defineWorld,
  event,
  type InferShape,
  type ReadColumn,
  store,
  t,
  table,
} from '../api.ts';

const declared = defineSchema({
  name: 'town',
  version: 1,
  tick: '1 day',
  config: { beta: t.f64().default(0.1) },
  tables: {
    people: table(
      { id: t.id(), cell: t.u32(), health: t.enum('well', 'ill'), mother: t.ref('people').optional() },
      { index: ['cell'] },
    ),
    ties: table({ a: t.ref('people'), b: t.ref('people') }, { key: ['a', 'b'], index: ['a'] }),
  },
  events: {
    moved: event({ person: t.ref('people'), to: t.u32() }),
    infected: event({ person: t.ref('people') }),
    born: event({ child: t.newId('people'), mother: t.ref('people') }),
    parted: event({ a: t.ref('people'), b: t.ref('people') }),
  },
});
/** Errors and hovers say `Emit<Town>`. */
export interface Town extends InferShape<typeof declared> {}
export const schema = declared.as<Town>();

function csr<T>(from: ReadColumn<T>, to: ReadColumn<T>): (of: T) => Iterable<T> {
  return (of) => [...to].filter((_, i) => from[i] === of);
}
export const graph = schema.derive(['ties'], ({ ties }) => csr(ties.columns.a, ties.columns.b));

export const infect = schema.system('infect', ({ world: { people }, emit, get, rng, config }) => {
  const { health, id } = people.columns;
  const { ill } = people.codes.health;
  const draw = rng('infect');
  for (let row = 0; row < people.size; row++)
    if (health[row] === ill)
      for (const you of get(graph)(id[row]!))
        if (draw.of(you).chance(config.beta)) emit.infected({ person: you });
});
export const move = schema.system('move', { effects: 'at-once' }, ({ world, emit, rng }) => {
  for (const person of world.people) {
    const to = rng('move').of(person.id).int(0, 99);
    if (!world.people.by.cell(to).size) emit.moved({ person: person.id, to });
  }
});
export const births = schema.system('births', { every: 30 }, ({ emit }) => {
  const child = emit.born({ mother: 1 });
  emit.infected({ person: child });
});

export const town = defineWorld(schema, {
  setup({ insert }) {
    const ids = insert.people.many({ cell: new Uint32Array(1000), health: new Uint8Array(1000) });
    insert.ties.many({ a: ids.subarray(0, 999), b: ids.subarray(1) });
    insert.ties({ a: ids[999]!, b: ids[0]! });
  },
  apply: {
    infected: (w, e) => w.people.update(e.person, { health: 'ill' }),
    born: (w, e) => w.people.insert({ id: e.child, cell: 0, health: 'well', mother: e.mother }),
    moved: {
      batch({ people }, { size, columns: { person, to } }) {
        for (let i = 0; i < size; i++) people.write.cell.set(people.row(person[i]!), to[i]!);
      },
    },
    parted: (w, { a, b }) => w.ties.deleteIf({ a, b }),
  },
  systems: [move, infect, births],
  invariants: {
    nobodyLost: (w) => w.people.size >= 1000,
    noLoops: (w) => [...w.ties].filter((tie) => tie.a === tie.b),
  },
  metrics: { ill: (w) => w.people.count({ health: 'ill' }) },
  until: (w) => w.people.count({ health: 'ill' }) === 0,
});

export async function main(): Promise<number> {
  const run = await createRun(town, { store, seed: 'alpha' });
  const { stateHash, ended } = await run.advance(200, {
    until: (w, { tick }) => tick > 9 && w.people.size > 3,
  });
  const past = await run.at(30);
  const { ill } = (await run.metrics()).columns;
  await run.close();
  return ended || stateHash === null ? past.people.size : ill[0]!;
}
