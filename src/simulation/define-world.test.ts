import { describe, expect, it } from 'vitest';
import { isWorldfoldError } from '../base/errors.ts';
import { t } from '../schema/columns.ts';
import { defineSchema } from '../schema/define.ts';
import { event, fact, table } from '../schema/tables.ts';
import { defineWorld } from './define-world.ts';

const schema = defineSchema({
  name: 'town',
  version: 1,
  tables: { people: table({ id: t.id() }) },
  events: { born: event({ child: t.newId('people') }), dayEnded: fact({ day: t.u32() }) },
  inputs: { named: event({ person: t.ref('people'), name: t.text() }), noted: fact({ text: t.text() }) },
});
const run = () => {};
const apply = { born: run, named: { batch: run } };
const parts = { setup: run, apply, systems: [schema.system('births', run)] };
const define = (change: object) => (defineWorld as any)(schema, { ...parts, ...change });
const systems = (...list: unknown[]) => define({ systems: list });
const options = (given: unknown) => systems({ name: 'a', options: given, run });

const refuses = (build: () => unknown, words: string) => {
  try {
    build();
  } catch (e) {
    expect(isWorldfoldError(e, 'BAD_SCHEMA')).toBe(true);
    expect((e as Error).message).toContain(words);
    return;
  }
  expect.fail(`nothing was refused: ${words}`);
};

describe('defineWorld', () => {
  it('keeps the schema and the definition', () => {
    const metrics = { size: () => 1 };
    const world = defineWorld(schema, {
      ...parts,
      metrics,
      invariants: { sound: () => true },
      until: () => false,
    });
    expect(world.schema).toBe(schema);
    expect(world.def.metrics).toBe(metrics);
    expect(world.def.apply).toBe(apply);
    expect(Object.isFrozen(world)).toBe(true);
    expect(Object.isFrozen(world.def)).toBe(true);
  });
  it('keeps systems in the order they are written, whatever their names', () => {
    const names = ['10', '2', 'b', '1', 'a'];
    const world = defineWorld(schema, { ...parts, systems: names.map((name) => schema.system(name, run)) });
    expect(world.def.systems.map(({ name }) => name)).toEqual(names);
  });
  it('takes every option of a system', () => {
    for (const given of [
      { every: 1 },
      { when: () => true },
      { effects: 'at-once' },
      { repeat: { max: 9 } },
      undefined,
    ])
      expect(() => options(given)).not.toThrow();
  });
  it('takes no systems and no kinds', () => {
    const empty = defineSchema({ name: 'empty', version: 1, tables: { people: table({ id: t.id() }) } });
    expect(() => defineWorld(empty, { setup: run, apply: {}, systems: [] })).not.toThrow();
  });
});

describe('defineWorld refuses', () => {
  const system = (name: unknown) => ({ name, options: {}, run });
  it.each<[string, () => unknown, string]>([
    ['no schema', () => (defineWorld as any)({}, parts), 'needs a schema made by defineSchema'],
    ['no definition', () => (defineWorld as any)(schema), 'must be an object'],
    ['no setup', () => define({ setup: undefined }), "needs 'setup'"],
    ['no apply', () => define({ apply: undefined }), "needs 'apply'"],
    ['a missing handler', () => define({ apply: { born: run } }), "no handler for 'named'"],
    ['several missing handlers', () => define({ apply: {} }), "no handler for 'born', 'named'"],
    ['an inherited handler', () => define({ apply: Object.create(apply) }), "no handler for 'born', 'named'"],
    [
      'a handler of an unknown kind',
      () => define({ apply: { ...apply, exploded: run } }),
      "'exploded', but no such",
    ],
    [
      'a handler called toString',
      () => define({ apply: { ...apply, toString: run } }),
      "'toString', but no such",
    ],
    ['a fact with a handler', () => define({ apply: { ...apply, dayEnded: run } }), "'dayEnded' is a fact"],
    ['an input fact with a handler', () => define({ apply: { ...apply, noted: run } }), "'noted' is a fact"],
    [
      'a handler that is no function',
      () => define({ apply: { ...apply, born: {} } }),
      'a function or { batch }',
    ],
    ['systems in an object', () => define({ systems: { a: system('a') } }), 'are a list'],
    ['a system without a name', () => systems(system('')), 'place 0 has no name'],
    ['a hole in the list', () => systems(system('a'), undefined), 'place 1 has no name'],
    ['a system named by a number', () => systems(system(3)), 'place 0 has no name'],
    ["a system called 'setup'", () => systems(system('setup')), "can't be called 'setup'"],
    ["a system called 'inputs'", () => systems(system('inputs')), "can't be called 'inputs'"],
    ["a name that begins with '$'", () => systems(system('$a')), "can't be called '$a'"],
    [
      'two systems of one name',
      () => systems(system('a'), system('b'), system('a')),
      "two systems are called 'a'",
    ],
    ['a system without a function', () => systems({ name: 'a', options: {} }), "'a' has no function"],
    ['an unknown option', () => options({ evry: 2 }), "unknown option 'evry'"],
    ['every 0', () => options({ every: 0 }), "'every' of the system 'a'"],
    ['every half', () => options({ every: 0.5 }), "'every' of the system 'a'"],
    ['every NaN', () => options({ every: Number.NaN }), "'every' of the system 'a'"],
    ['a when that is no function', () => options({ when: true }), "'when' of the system 'a'"],
    ['unknown effects', () => options({ effects: 'before' }), "'effects' of the system 'a'"],
    ['repeat without max', () => options({ repeat: {} }), "'repeat.max' of the system 'a'"],
    ['repeat −1', () => options({ repeat: { max: -1 } }), "'repeat.max' of the system 'a'"],
    ['repeat null', () => options({ repeat: null }), "'repeat.max' of the system 'a'"],
    ["a metric called 'tick'", () => define({ metrics: { tick: () => 1 } }), "can't be called 'tick'"],
    ['a metric that is no function', () => define({ metrics: { ill: 3 } }), "'ill' of metrics"],
    ['metrics that are no object', () => define({ metrics: 3 }), 'the metrics of a world'],
    ['an invariant without a name', () => define({ invariants: { '': () => true } }), 'has no name'],
    ['an until that is no function', () => define({ until: 200 }), "'until' of a world"],
  ])('%s', (_, build, words) => refuses(build, words));
});
