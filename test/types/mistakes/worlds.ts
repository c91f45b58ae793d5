/** Mistakes in handlers, worlds and runs: each must not compile, and has a twin that compiles. */
import type { Mistake } from './mistake.ts';

const worldOf = (parts: string) =>
  `export const w = defineWorld(schema, { setup() {}, systems: [idle], apply: handlers, ${parts} });`;
const applied = (name: string, wrong: string, right: string, says: string | readonly string[]): Mistake => ({
  name,
  wrong: `export const h = schema.apply({ ${wrong} });`,
  right: `export const h = schema.apply({ ${right} });`,
  says,
});
const running = (name: string, wrong: string, right: string, says: string | readonly string[]): Mistake => ({
  name,
  wrong: `export async function f(run: Run<Village, 'ill'>) { ${wrong} }`,
  right: `export async function f(run: Run<Village, 'ill'>) { ${right} }`,
  says,
});
const handling = (apply: string) =>
  `export const w = defineWorld(schema, { setup() {}, systems: [], apply: { ${apply} } });`;
const RUN = "{ store, seed: 'x', config: { beta: 1 } }";

export const worlds: readonly Mistake[] = [
  applied(
    'a wrong value in a patch',
    "infected: (world, e) => world.people.update(e.person, { health: 'sick' })",
    "infected: (world, e) => world.people.update(e.person, { health: 'ill' })",
    `Type '"sick"' is not assignable to type '"well" | "ill"'`,
  ),
  applied(
    'an unknown field of an event',
    'moved: (world, e) => world.people.update(e.prson, {})',
    'moved: (world, e) => world.people.update(e.person, {})',
    "Property 'prson' does not exist on type 'EventRow<Village, \"moved\">'. Did you mean 'person'?",
  ),
  applied(
    'a patch of the key',
    'moved: (world, e) => world.people.update(e.person, { id: 3 })',
    'moved: (world, e) => world.people.update(e.person, { cell: e.to })',
    "'id' does not exist in type 'Patch<Village, \"people\">'",
  ),
  applied(
    'a key column written',
    'moved: (world, e) => world.people.write.id.set(0, e.person)',
    'moved: (world, e) => world.people.write.cell.set(0, e.to)',
    "Property 'id' does not exist on type 'WriteColumns<Village, \"people\">'",
  ),
  applied(
    'a part of a composite key written',
    'moved: (world, e) => world.roads.write.from.set(0, e.to)',
    'moved: (world) => world.roads.write.cost.set(0, 3)',
    "Property 'from' does not exist on type 'WriteColumns<Village, \"roads\">'",
  ),
  applied(
    'the name of an enum written into its column',
    "infected: (world) => world.people.write.health.set(0, 'ill')",
    'infected: (world) => world.people.write.health.set(0, world.people.codes.health.ill)',
    `Argument of type 'string' is not assignable to parameter of type 'Code<readonly ["well", "ill"]>'`,
  ),
  applied(
    'the code of another enum written',
    'infected: (world) => world.people.write.health.fill(world.cells.codes.ground.ill)',
    'infected: (world) => world.people.write.health.fill(world.people.codes.health.ill)',
    'is not assignable to parameter of type \'Code<readonly ["well", "ill"]>\'',
  ),
  applied(
    'a write span of the wrong codes',
    'infected: (world) => { world.people.write.health.span(0, 9)[0] = world.cells.codes.ground.ill; }',
    'infected: (world) => { world.people.write.health.span(0, 9)[0] = world.people.codes.health.ill; }',
    'is not assignable to type \'Code<readonly ["well", "ill"]>\'',
  ),
  applied(
    'null written into a column that has none',
    'infected: (world) => world.people.write.cell.set(0, null)',
    'infected: (world) => world.people.write.age.set(0, null)',
    "Argument of type 'null' is not assignable to parameter of type 'Id<\"cells\">'",
  ),
  applied(
    'a boolean written into its column of ones and zeros',
    'infected: (world) => world.people.write.alive.fill(true)',
    'infected: (world) => world.people.write.alive.fill(1)',
    "Argument of type 'boolean' is not assignable to parameter of type 'number'",
  ),
  applied(
    'a row without a required column',
    'born: (world, e) => world.people.insert({ id: e.child, cell: e.cell, pos: world.people.at(0).pos })',
    `born: (world, e) =>
      world.people.insert({ id: e.child, cell: e.cell, health: 'well', pos: world.people.at(0).pos })`,
    "Property 'health' is missing in type",
  ),
  applied(
    'a bigint column given a number',
    "paused: (world) => world.jobs.insert({ title: 'smith', pay: 3 })",
    "paused: (world) => world.jobs.insert({ title: 'smith', pay: 3n })",
    "Type 'number' is not assignable to type 'bigint'",
  ),
  applied(
    'a handler that returns a promise',
    'infected: async () => {}',
    'infected: () => {}',
    "Type 'Promise<void>' is not assignable to type 'Sync'",
  ),
  applied(
    'a batch handler that returns a promise',
    'infected: { batch: async () => {} }',
    'infected: { batch: () => {} }',
    "Type 'Promise<void>' is not assignable to type 'Sync'",
  ),
  applied(
    'a handler of an unknown kind',
    'exploded: () => {}',
    'infected: () => {}',
    "'exploded' does not exist in type",
  ),
  {
    name: 'handlers that are missing',
    wrong: handling('moved: () => {}'),
    right: handling('...handlers, moved: () => {}'),
    says: [
      "Type '{ moved: () => void; }' is missing the following properties from type",
      'infected, born, settled',
    ],
  },
  {
    name: 'a handler of an unknown kind in a world',
    wrong: handling('...handlers, exploded: () => {}'),
    right: handling('...handlers, infected: () => {}'),
    says: "may only specify known properties, and 'exploded' does not exist in type 'Handlers<",
  },
  {
    name: 'a fact with a handler',
    wrong: handling('...handlers, dayEnded: () => {}'),
    right: handling('...handlers, infected: () => {}'),
    says: "may only specify known properties, and 'dayEnded' does not exist in type 'Handlers<",
  },
  {
    name: 'a system of another schema',
    wrong: `export const w = defineWorld(schema, { setup() {}, systems: [idle, infect], apply: handlers });`,
    right: `export const w = defineWorld(schema, { setup() {}, systems: [idle, idle], apply: handlers });`,
    says: [
      "Type 'System<Town>' is not assignable to type 'System<NoInfer<Village>>'",
      "Property 'ties' is missing in type 'World<NoInfer<Village>>' but required in type 'World<Town>'",
    ],
  },
  {
    name: 'a setup that returns a promise',
    wrong: 'export const w = defineWorld(schema, { async setup() {}, systems: [], apply: handlers });',
    right: 'export const w = defineWorld(schema, { setup() {}, systems: [], apply: handlers });',
    says: "Type 'Promise<void>' is not assignable to type 'Sync'",
  },
  {
    name: 'a row of another table in the setup',
    wrong: `export const w = defineWorld(schema, {
  setup({ insert }) {
  insert.cells({ ground: 'well', length: 1, size: '' }); }, systems: [], apply: handlers });`,
    right: `export const w = defineWorld(schema, {
  setup({ insert }) {
  insert.cells({ ground: 'ill', length: 1, size: '' }); }, systems: [], apply: handlers });`,
    says: `Type '"well"' is not assignable to type '"ill" | "sand"'`,
  },
  {
    name: "a metric that is called 'tick'",
    wrong: worldOf('metrics: { tick: () => 1 }'),
    right: worldOf('metrics: { ticks: () => 1 }'),
    says: "'tick' is a column of every frame already",
  },
  {
    name: 'a metric that is no number',
    wrong: worldOf('metrics: { ill: (world) => world.people.size > 3 }'),
    right: worldOf('metrics: { ill: (world) => world.people.size }'),
    says: "Type 'boolean' is not assignable to type 'number'",
  },
  {
    name: 'an invariant that returns a promise',
    wrong: worldOf('invariants: { sound: async () => true }'),
    right: worldOf('invariants: { sound: () => true }'),
    says: "Type 'Promise<boolean>' is not assignable to type 'boolean | Iterable<unknown>'",
  },
  {
    name: 'a config left out that has required columns',
    wrong: `export const run = createRun(village, { store, seed: 'x' });`,
    right: `export const run = createRun(village, ${RUN});
export const other = createRun(town, { store, seed: 'x' });`,
    says: "Property 'config' is missing in type '{ store: Store; seed: string; }'",
  },
  {
    name: 'a config without a required column',
    wrong: `export const run = createRun(village, { store, seed: 'x', config: { masks: true } });`,
    right: `export const run = createRun(village, ${RUN});`,
    says: "Property 'beta' is missing in type '{ masks: true; }'",
  },
  {
    name: 'a run without a seed',
    wrong: 'export const run = createRun(village, { store, config: { beta: 1 } });',
    right: `export const run = createRun(village, ${RUN});`,
    says: "Property 'seed' is missing in type",
  },
  {
    name: 'a config given when a run is opened',
    wrong: `export const run = openRun(village, { store, id: 'x', config: { beta: 1 } });`,
    right: `export const run = openRun(village, { store, id: 'x', takeover: true });`,
    says: "'config' does not exist in type 'OpenOptions",
  },
  running(
    'a source without its number',
    "run.submit.vaccinated({ person: 1 }, { source: 'clinic' });",
    "run.submit.vaccinated({ person: 1 }, { source: 'clinic', seq: 1 });",
    "Property 'seq' is missing in type '{ source: string; }' but required in type 'InputSource'",
  ),
  running(
    'a number without its source',
    'run.submit.recounted({}, { seq: 1 });',
    "run.submit.recounted({}, { source: 'clinic', seq: 1 });",
    "Property 'source' is missing in type '{ seq: number; }' but required in type 'InputSource'",
  ),
  running(
    'an event submitted from outside',
    'run.submit.infected({ person: 1 });',
    'run.submit.vaccinated({ person: 1 });',
    "Property 'infected' does not exist on type 'Submit<Village>'",
  ),
  running(
    'the world of a run written',
    'run.world.people.delete(1);',
    'run.world.people.has(1);',
    `Property 'delete' does not exist on type 'Table<Village, "people">'`,
  ),
  running(
    'an unknown metric',
    '(await run.metrics()).columns.well;',
    '(await run.metrics()).columns.ill;',
    "Property 'well' does not exist on type",
  ),
  running(
    'the events of an unknown kind',
    "run.events('infect');",
    "run.events('infected', { from: 1 });",
    `Argument of type '"infect"' is not assignable to parameter of type`,
  ),
  running(
    'an unknown moment to observe',
    "run.on('applied', () => {});",
    "run.on('computed', () => {});",
    `Argument of type '"applied"' is not assignable to parameter of type '"computed" | "durable"'`,
  ),
];
