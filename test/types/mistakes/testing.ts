/** Mistakes in scenes, plans and laws: each must not compile, and has a twin that compiles. */
import type { Mistake } from './mistake.ts';

const IMPORTS = `import { checkLaw, given, laws, model, playPlan, scene, shrinkRun } from '../../src/testing/index.ts';\n`;
const using = (name: string, wrong: string, right: string, says: string | readonly string[]): Mistake => ({
  name,
  wrong: `${IMPORTS}${wrong}`,
  right: `${IMPORTS}${right}`,
  says,
});
const BETA = 'config: { beta: 1 }';
const PERSON = "cell: 1, health: 'well', pos: { x: 0, y: 0, facing: 'north' }";
const planned = (parts: string): string =>
  `export const p = playPlan(village, { seed: 'a', ${BETA}, ${parts} });`;

export const testing: readonly Mistake[] = [
  using(
    'a value that no row of a scene may have',
    `scene(village, { tables: { people: [{ ${PERSON.replace('well', 'sick')} }] } });`,
    `scene(village, { tables: { people: [{ ${PERSON} }] } });`,
    `Type '"sick"' is not assignable to type '"well" | "ill"'`,
  ),
  using(
    'a row of a scene without a column that has no default',
    "scene(village, { tables: { cells: [{ ground: 'sand', length: 1 }] } });",
    "scene(village, { tables: { cells: [{ ground: 'sand', length: 1, size: '' }] } });",
    "Property 'size' is missing",
  ),
  using(
    'several rows of a singleton in a scene',
    'scene(village, { tables: { clock: [{ day: 1 }] } });',
    'scene(village, { tables: { clock: { day: 1 } } });',
    "'day' is missing",
  ),
  using(
    'rows of a table that there is not',
    'scene(village, { tables: { ghosts: [] } });',
    'scene(village, { tables: { cells: [] } });',
    "'ghosts' does not exist in type 'SceneTables<",
  ),
  using(
    'an event among the inputs of a scene',
    "scene(village, { inputs: [['moved', { person: 1, to: 2 }]] });",
    "scene(village, { inputs: [['vaccinated', { person: 1 }]] });",
    `Type '"moved"' is not assignable to type`,
  ),
  using(
    'a system of another world in a scene',
    'scene(village).step(infect);',
    'scene(town).step(infect);',
    "is not assignable to parameter of type 'System<Village>'",
  ),
  using(
    'a column that what a system emitted does not have',
    'export const a = scene(village).step(idle).moved.map(({ person, prson }) => [person, prson]);',
    'export const a = scene(village).step(idle).moved.map(({ person, to }) => [person, to]);',
    "Property 'prson' does not exist",
  ),
  using(
    'an input that is expected to be emitted',
    "given(village).when(idle).then([['vaccinated', { person: 1 }]]);",
    "given(village).when(idle).then([['moved', { person: 1 }]]);",
    `Type '"vaccinated"' is not assignable to type`,
  ),
  using(
    'an event that happens without a column that has no default',
    "given(village).when(['moved', { person: 1 }]);",
    "given(village).when(['moved', { person: 1, to: 2 }]);",
    "Property 'to' is missing",
  ),
  using(
    'an outcome that is awaited',
    'export const f = async () => { await given(village).when(idle); };',
    'export const f = async () => { given(village).when(idle).then([]); };',
    "must not contain a callable 'then' member",
  ),
  using(
    'the input of a plan without a column that has no default',
    planned("ticks: 1, inputs: [[1, 'noted', {}]]"),
    planned("ticks: 1, inputs: [[1, 'noted', { text: 'x' }]]"),
    "Property 'text' is missing",
  ),
  using(
    'a plan that changes what no config has',
    planned('ticks: 2, changes: [[2, { config: { gamma: 1 } }]]'),
    planned('ticks: 2, changes: [[2, { config: { beta: 2 } }]]'),
    "'gamma' does not exist in type",
  ),
  using(
    'a law that no world can break',
    `checkLaw(village, 'L1', { seed: 'a', ${BETA}, ticks: 1 });`,
    `checkLaw(village, 'L3', { seed: 'a', ${BETA}, ticks: 1 });`,
    `Argument of type '"L1"' is not assignable to parameter of type`,
  ),
  using(
    'values for a kind that is no input',
    'laws(village, { inputs: { moved: false } });',
    'laws(village, { inputs: { noted: false } });',
    "'moved' does not exist in type",
  ),
  using(
    'a value that no column of an input may have',
    'laws(village, { inputs: { noted: { text: 7 } }, config: { beta: 1 } });',
    "laws(village, { inputs: { noted: { text: 'x' } }, config: { beta: 1 } });",
    "Type 'number' is not assignable to type",
  ),
  using(
    'a model of a kind that there is not',
    'model(village, { init: () => 0, apply: { mooved: () => 1 }, compare: () => true });',
    'model(village, { init: () => 0, apply: { moved: (n, e) => n + e.to }, compare: () => true });',
    "'mooved' does not exist in type",
  ),
  using(
    'a condition over a table that there is not',
    "export const s = (run: Run<Village, 'ill'>) => shrinkRun(run, ({ world }) => world.ghosts.size > 0);",
    "export const s = (run: Run<Village, 'ill'>) => shrinkRun(run, ({ world }) => world.people.size > 0);",
    "Property 'ghosts' does not exist on type 'World<",
  ),
];
