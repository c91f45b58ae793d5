/** Mistakes in systems, which read the world and emit: each must not compile; its twin does. */
import type { Mistake } from './mistake.ts';

const inSystem = (body: string) =>
  `export const s = schema.system('s', ({ world, emit, events, get, config, rng }) => {
  void [world, emit, events, get, config, rng];
  ${body}
});`;
const pair = (name: string, wrong: string, right: string, says: string | readonly string[]): Mistake => ({
  name,
  wrong: inSystem(wrong),
  right: inSystem(right),
  says,
});

export const systems: readonly Mistake[] = [
  pair('an unknown kind', 'emit.infectd({ person: 1 });', 'emit.infected({ person: 1 });', [
    "Property 'infectd' does not exist on type 'Emit<Village>'",
    "Did you mean 'infected'?",
  ]),
  pair('a missing field', 'emit.infected({});', 'emit.infected({ person: 1 });', [
    "Property 'person' is missing in type '{}'",
    'NewEvent<Village, "infected">',
  ]),
  pair(
    'an unknown field',
    'emit.infected({ person: 1, at: 3 });',
    'emit.infected({ person: 1, by: 2 });',
    "Object literal may only specify known properties, and 'at' does not exist in type 'NewEvent<Village, \"infected\">'",
  ),
  pair(
    'a value of the wrong type',
    "emit.infected({ person: 'x' });",
    'emit.infected({ person: 7 });',
    `Type 'string' is not assignable to type 'Id<"people">'`,
  ),
  pair(
    'an input emitted by a system',
    'emit.vaccinated({ person: 1 });',
    'emit.infected({ person: 1 });',
    "Property 'vaccinated' does not exist on type 'Emit<Village>'",
  ),
  pair(
    'nothing given where a field is required',
    'emit.infected();',
    'emit.paused();',
    'Expected 1 arguments, but got 0',
  ),
  pair(
    'a system that writes',
    "world.people.update(1, { health: 'ill' });",
    'world.people.need(1);',
    `Property 'update' does not exist on type 'Table<Village, "people">'`,
  ),
  pair(
    'a system that writes a column',
    'world.people.write.age.set(0, 1);',
    'world.people.columns.age.slice(0, 1);',
    `Property 'write' does not exist on type 'Table<Village, "people">'`,
  ),
  pair(
    'a system that sets a singleton',
    'world.clock.set({ day: 1 });',
    'void (world.clock.value.day + 1);',
    "Property 'set' does not exist on type 'Single<",
  ),
  pair('an unknown table', 'world.peeple.size;', 'world.people.size;', [
    "Property 'peeple' does not exist on type 'World<Village>'",
    "Did you mean 'people'?",
  ]),
  pair(
    'a code compared with a name',
    "if (world.people.columns.health[0] === 'ill') return;",
    'if (world.people.columns.health[0] === world.people.codes.health.ill) return;',
    'the types \'Code<readonly ["well", "ill"]> | undefined\' and \'string\' have no overlap',
  ),
  pair(
    'codes of two enums compared',
    'if (world.people.columns.health[0] === world.cells.codes.ground.ill) return;',
    'if (world.cells.columns.ground[0] === world.cells.codes.ground.ill) return;',
    'have no overlap',
  ),
  pair(
    'a read column written',
    'world.people.columns.health[0] = 1;',
    'world.people.columns.health[0];',
    'only permits reading',
  ),
  pair(
    'a read column filled',
    'world.cells.columns.length.fill(1);',
    'world.cells.columns.length.subarray(1);',
    "Property 'fill' does not exist on type 'ReadColumn<number>'",
  ),
  pair(
    'a read row written',
    'world.people.need(1).age = 3;',
    'world.people.need(1).age;',
    "Cannot assign to 'age' because it is a read-only property",
  ),
  pair(
    "an id of one table as another table's key",
    'world.people.get(world.cells.columns.id[0]!);',
    'world.people.get(world.people.columns.id[0]!);',
    `Argument of type 'Id<"cells">' is not assignable to parameter of type 'Id<"people">'`,
  ),
  pair(
    'an id of one table in a field for another',
    'for (const { cell } of world.people) emit.infected({ person: cell });',
    'for (const { id } of world.people) emit.infected({ person: id });',
    `Type 'Id<"cells">' is not assignable to type 'Id<"people">'`,
  ),
  pair(
    'ids of two tables compared',
    'for (const { cell, id } of world.people) if (cell === id) return;',
    'for (const { cell, id } of world.people) if (world.people.need(id).cell === cell) return;',
    'have no overlap',
  ),
  pair(
    'an id handed out for another table',
    'const made = emit.settled(); emit.infected({ person: made.cell });',
    'const made = emit.settled(); emit.infected({ person: made.first });',
    `Type 'Id<"cells">' is not assignable to type 'Id<"people">'`,
  ),
  pair(
    'what an event without newId returns used as an id',
    'const made = emit.infected({ person: 1 }); world.people.need(made);',
    'const made = emit.born({ cell: 1 }); world.people.need(made);',
    `Argument of type 'undefined' is not assignable to parameter of type 'Id<"people">'`,
  ),
  pair(
    'one part of a composite key',
    'world.roads.get(1);',
    'world.roads.get({ from: 1, to: 2 });',
    "Argument of type 'number' is not assignable to parameter of type",
  ),
  pair(
    'a composite key without one of its parts',
    'world.roads.get({ from: 1 });',
    'world.roads.get({ from: 1, to: 2 });',
    "Property 'to' is missing in type '{ from: number; }'",
  ),
  pair(
    'a ref to a text key given a number',
    'world.people.by.job(3);',
    "world.people.by.job('smith');",
    "Argument of type 'number' is not assignable to parameter of type 'string",
  ),
  pair(
    'a column without an index asked by value',
    'world.people.by.age(3);',
    'world.people.where({ age: 3 });',
    "Property 'age' does not exist on type",
  ),
  pair(
    'a struct matched by a field that it does not have',
    "world.people.count({ pos: { face: 'south' } });",
    "world.people.count({ pos: { facing: 'south' } });",
    "'face' does not exist in type 'MatchFields<",
  ),
  pair(
    'a column that can not be null asked whether it is',
    'world.people.nulls.cell(0);',
    'world.people.nulls.age(0);',
    "Property 'cell' does not exist on type 'Nulls<",
  ),
  pair(
    'codes of a column that is no enum',
    'world.people.codes.name;',
    'world.people.codes.pos.facing.north;',
    "Property 'name' does not exist on type 'Codes<",
  ),
  pair(
    'whole columns without one of them',
    'emit.moved.many({ person: new Uint32Array(3) });',
    'emit.moved.many({ person: new Uint32Array(3), to: [1, 2, 3] });',
    "Property 'to' is missing in type",
  ),
  pair(
    'a whole column of the wrong type',
    "emit.moved.many({ person: ['ann'], to: [1] });",
    'emit.moved.many({ person: world.people.columns.id, to: [1] });',
    `Type 'string' is not assignable to type 'Id<"people">'`,
  ),
  pair(
    'a config that is not there',
    'config.gamma;',
    'config.beta;',
    "Property 'gamma' does not exist on type 'Config<Village>'",
  ),
  pair(
    'the config written',
    'config.beta = 1;',
    'void (config.beta + 1);',
    "Cannot assign to 'beta' because it is a read-only property",
  ),
  pair(
    'events of a kind that is not there',
    'events.vaccinate;',
    'events.vaccinated.columns.shots;',
    "Property 'vaccinate' does not exist on type",
  ),
  {
    name: 'a system that returns a promise',
    wrong: "export const s = schema.system('s', async ({ emit }) => { emit.paused(); });",
    right: "export const s = schema.system('s', ({ emit }) => { emit.paused(); });",
    says: "Type 'Promise<void>' is not assignable to type 'Sync'",
  },
  {
    name: 'a system that is a generator, which would do nothing',
    wrong: "export const s = schema.system('s', function* ({ emit }) { emit.paused(); });",
    right: "export const s = schema.system('s', function ({ emit }) { emit.paused(); });",
    says: "is not assignable to type 'Sync'",
  },
  {
    name: 'an unknown option of a system',
    wrong: "export const s = schema.system('s', { evry: 2 }, () => {});",
    right: "export const s = schema.system('s', { every: 2 }, () => {});",
    says: "'evry' does not exist in type 'SystemOptions<Village>'",
  },
  {
    name: 'a cascade without a limit',
    wrong: "export const s = schema.system('s', { repeat: {} }, () => {});",
    right: "export const s = schema.system('s', { repeat: { max: 3 } }, () => {});",
    says: "Property 'max' is missing in type '{}'",
  },
  {
    name: 'a derived value of another schema',
    wrong: "export const s = schema.system('s', ({ get }) => void get(graph));",
    right: `const roads = schema.derive(['roads'], ({ roads: { columns } }) => columns.to);
export const s = schema.system('s', ({ get }) => void get(roads));`,
    says: "Property 'ties' is missing in type 'World<Village>' but required in type 'World<Town>'",
  },
];
