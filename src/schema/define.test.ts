import { describe, expect, it } from 'vitest';
import { isWorldfoldError } from '../base/errors.ts';
import { t } from './columns.ts';
import { defineSchema } from './define.ts';
import { event, fact, singleton, table } from './tables.ts';

const define = defineSchema as unknown as (declaration: unknown) => any;
const looseTable = table as unknown as (columns: unknown, options?: unknown) => any;
const people = table({ id: t.id(), cell: t.u32(), name: t.text().optional() }, { index: ['cell'] });
const town = () =>
  defineSchema({
    name: 'town',
    version: 3,
    tick: '1 day',
    config: { beta: t.f64().default(0.1) },
    tables: { people, clock: singleton({ day: t.u32() }) },
    events: { infected: event({ person: t.ref('people') }), dayEnded: fact({ day: t.u32() }) },
    inputs: { vaccinated: event({ person: t.ref('people') }) },
  });
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

describe('table', () => {
  it('takes its key from the columns or from the options', () => {
    expect(people.spec).toEqual({
      columns: { id: people.columns.id.spec, cell: t.u32().spec, name: t.text().optional().spec },
      key: ['id'],
      index: ['cell'],
      single: false,
    });
    expect(table({ b: t.u8(), a: t.u8() }, { key: ['b', 'a'] }).spec.key).toEqual(['b', 'a']);
    expect(table({ a: t.u8().key(), b: t.u8().key() }).spec.key).toEqual(['a', 'b']);
  });
  it('keeps its builders, so that they can be used again', () => {
    const wider = table({ ...people.columns, age: t.u8() });
    expect(Object.keys(wider.spec.columns)).toEqual(['id', 'cell', 'name', 'age']);
    expect(Object.isFrozen(people.columns)).toBe(true);
    expect(Object.isFrozen(people.spec.columns)).toBe(true);
  });
  it.each<[string, () => unknown, string]>([
    ['no key', () => looseTable({ a: t.u8() }), 'has no key'],
    ['an empty key', () => looseTable({ a: t.u8() }, { key: [] }), 'names no column'],
    ['a key that is no list', () => looseTable({ a: t.u8() }, { key: 'a' }), 'is a list of columns'],
    ['an unknown key column', () => looseTable({ a: t.u8() }, { key: ['b'] }), "the column 'b'"],
    [
      'an inherited key column',
      () => looseTable({ a: t.u8() }, { key: ['toString'] }),
      "the column 'toString'",
    ],
    ['a key column named twice', () => looseTable({ a: t.u8() }, { key: ['a', 'a'] }), 'one column twice'],
    ['two keys', () => looseTable({ a: t.u8().key(), b: t.u8() }, { key: ['b'] }), "'a' says it is a key"],
    [
      'an unknown indexed column',
      () => looseTable({ a: t.u8().key() }, { index: ['cel'] }),
      "the column 'cel'",
    ],
    ['what is no column', () => looseTable({ a: 1 }), 'table.a is no column'],
    ['a key in a singleton', () => singleton({ a: t.u8().key() }), "its column 'a' is one"],
    ['a key in an event', () => event({ a: t.u8().key() }), "its column 'a' is one"],
    ['an id in a fact', () => fact({ a: t.id() }), "its column 'a' is one"],
    [
      'an inherited column as an agent',
      () => event({ a: t.u8() }, { agent: 'toString' as 'a' }),
      "the agent of an event is 'toString', which is no column of it",
    ],
  ])('refuses %s', (_, build, words) => refuses(build, words));
});

describe('a kind', () => {
  it('names the column of its agent, or none', () => {
    expect(event({ a: t.u8(), b: t.text() }, { agent: 'b' }).spec.agent).toBe('b');
    expect(fact({ a: t.u8() }, { agent: 'a' }).spec).toEqual({
      columns: { a: t.u8().spec },
      fact: true,
      agent: 'a',
    });
    for (const plain of [event({ a: t.u8() }), fact({ a: t.u8() }, {})])
      expect(Object.keys(plain.spec)).toEqual(['columns', 'fact']);
  });
});

describe('defineSchema', () => {
  it('turns a declaration into data', () => {
    const schema = town();
    expect(schema.name).toBe('town');
    expect(schema.compiled.spec).toEqual(schema.spec);
    expect(schema.spec).toEqual({
      name: 'town',
      version: 3,
      tick: '1 day',
      config: { beta: t.f64().default(0.1).spec },
      tables: {
        people: people.spec,
        clock: { columns: { day: t.u32().spec }, key: [], index: [], single: true },
      },
      events: {
        infected: { columns: { person: t.ref('people').spec }, fact: false },
        dayEnded: { columns: { day: t.u32().spec }, fact: true },
      },
      inputs: { vaccinated: { columns: { person: t.ref('people').spec }, fact: false } },
    });
  });
  it('fills in the parts that are left out', () => {
    const { spec } = defineSchema({ name: 'small', version: 1, tables: { people } });
    expect(spec).toEqual({
      name: 'small',
      version: 1,
      tick: '1 tick',
      config: {},
      tables: { people: people.spec },
      events: {},
      inputs: {},
    });
  });
  it('is the same schema under another name', () => {
    const schema = town();
    expect(schema.as()).toBe(schema);
    expect(Object.isFrozen(schema)).toBe(true);
  });
  it.each<[string, () => unknown, string]>([
    ['nothing', () => define(undefined), 'must be an object'],
    ['no tables', () => define({ name: 'x', version: 1 }), "'tables' of a schema must be an object"],
    [
      'a table that is none',
      () => define({ name: 'x', version: 1, tables: { a: {} } }),
      'tables.a is no table',
    ],
    [
      'an event as a table',
      () => define({ name: 'x', version: 1, tables: { a: event({}) } }),
      'tables.a is no table',
    ],
    [
      'a table as an event',
      () => define({ name: 'x', version: 1, tables: { people }, inputs: { people } }),
      'inputs.people is no event',
    ],
    [
      'an event that is an input too',
      () => define({ name: 'x', version: 1, tables: {}, events: { a: event({}) }, inputs: { a: fact({}) } }),
      "'a' is an event and an input",
    ],
    [
      'a config that is no column',
      () => define({ name: 'x', version: 1, tables: {}, config: { beta: 0.1 } }),
      'config.beta is no column',
    ],
  ])('refuses %s', (_, build, words) => refuses(build, words));
});

describe('a schema', () => {
  it('names systems with and without options', () => {
    const run = () => {};
    const every = { every: 2 };
    const plain = town().system('a', run);
    const timed = town().system('b', every, run);
    expect(plain).toEqual({ name: 'a', options: {}, run });
    expect(timed).toEqual({ name: 'b', options: { every: 2 }, run });
    expect(timed.options).not.toBe(every);
    for (const value of [plain, timed, timed.options]) expect(Object.isFrozen(value)).toBe(true);
    refuses(() => (town() as any).system('c', {}), "the system 'c' has no function");
    refuses(() => (town() as any).system('c', 3, run), 'must be an object');
  });
  it('hands handlers back as they are', () => {
    const handlers = { infected: () => {} };
    expect(town().apply(handlers)).toBe(handlers);
  });
  it('keeps what is derived with the tables it names', () => {
    const compute = () => 1;
    const derived = town().derive(['people'], compute);
    expect(derived).toEqual({ tables: ['people'], compute });
    expect(Object.isFrozen(derived)).toBe(true);
    refuses(() => (town() as any).derive(['peeple'], compute), "the table 'peeple'");
    refuses(() => (town() as any).derive(['people']), 'needs a function');
  });
});
