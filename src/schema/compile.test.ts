import { describe, expect, it } from 'vitest';
import { isWorldfoldError } from '../base/errors.ts';
import { t } from './columns.ts';
import { compileSchema } from './compile.ts';
import { defineSchema } from './define.ts';
import { meaningOf } from './layout.ts';
import type { ColumnSpec, SchemaSpec } from './spec.ts';
import { event, fact, singleton, table } from './tables.ts';
import { secondsAt, tickLength } from './tick-length.ts';

const refusal = (act: () => unknown): string => {
  try {
    act();
    return 'accepted';
  } catch (e) {
    return isWorldfoldError(e, 'BAD_SCHEMA') ? e.message : `another error: ${e}`;
  }
};

const people = table({ id: t.id() });
const define = (parts: object): unknown =>
  defineSchema({ name: 'a', version: 1, tables: { people }, ...parts } as never);

/** A schema made of data, as one that a log carries. */
const compile = (parts: Partial<SchemaSpec>): unknown =>
  compileSchema({
    name: 'a',
    version: 1,
    tick: '1 s',
    config: {},
    tables: { people: people.spec },
    events: {},
    inputs: {},
    ...parts,
  });
const raw = (type: ColumnSpec['type'], rest: Partial<ColumnSpec> = {}): ColumnSpec => ({
  type,
  key: false,
  optional: false,
  ...rest,
});

describe('a declaration that contradicts itself', () => {
  it.each<[string, () => unknown, string]>([
    ['a name with a space', () => define({ name: 'a b' }), "schema 'a b' is no name"],
    ['a table named by a number', () => define({ tables: { 1: people } }), "table '1' is no name"],
    [
      'a column named __proto__',
      () => compile({ config: JSON.parse('{"__proto__":{"type":{"type":"u8"}}}') }),
      "a column of 'config', '__proto__' has a name that every JavaScript object has",
    ],
    [
      'a column named constructor',
      () => define({ events: { a: event({ constructor: t.u8() }) } }),
      "a column of 'a', 'constructor' has a name that every JavaScript object has",
    ],
    [
      'a kind named toString',
      () => define({ events: { toString: event({}) } }),
      "kind 'toString' has a name that every JavaScript object has",
    ],
    [
      'a field with a dash',
      () => define({ events: { a: event({ s: t.struct({ 'x-y': t.u8() }) }) } }),
      "a column of 'a.s', 'x-y' is no name",
    ],
    [
      'a version that is no number',
      () => define({ version: 1.5 }),
      "the version of schema 'a' is no whole number",
    ],
    ['a tick of nothing', () => define({ tick: '0 s' }), "'0 s' is no length of a tick"],
    [
      'a reference to nowhere',
      () => define({ events: { a: event({ b: t.ref('cats') }) } }),
      "a.b refers to a table 'cats' that is not declared",
    ],
    [
      'a reference to what every object has',
      () => define({ events: { a: event({ b: t.ref('constructor') }) } }),
      "a.b refers to a table 'constructor' that is not declared",
    ],
    [
      'a reference to a singleton',
      () =>
        define({
          tables: { one: singleton({ x: t.u8() }) },
          events: { a: event({ b: t.list(t.ref('one')) }) },
        }),
      "a.b.item refers to 'one', which has no key of one column",
    ],
    [
      'a reference to several keys',
      () =>
        define({
          tables: { two: table({ x: t.u8(), y: t.u8() }, { key: ['x', 'y'] }) },
          config: { b: t.ref('two') },
        }),
      "config.b refers to 'two', which has no key of one column",
    ],
    [
      'keys that refer to each other',
      () => define({ tables: { a: table({ b: t.ref('b').key() }), b: table({ a: t.ref('a').key() }) } }),
      "the key of 'b' refers to itself",
    ],
    [
      'a key that is not exact',
      () => define({ tables: { a: table({ x: t.f64().key() }) } }),
      "the key of 'a' holds 'x', whose values are not exact",
    ],
    [
      'an index that is not exact',
      () => define({ tables: { a: table({ id: t.id(), x: t.vec(2) }, { index: ['x'] }) } }),
      "the index of 'a' holds 'x', whose values are not exact",
    ],
    [
      'a key that may be null',
      () => define({ tables: { a: table({ x: t.u8().optional() }, { key: ['x'] }) } }),
      "a key column of 'a' is optional",
    ],
    [
      'an id beside a key',
      () => define({ tables: { a: table({ id: t.id(), x: t.u8() }, { key: ['id', 'x'] }) } }),
      "'a.id' may not be declared so in a table",
    ],
    [
      'a new id in a table',
      () => define({ tables: { people, a: table({ id: t.id(), x: t.newId('people') }) } }),
      "'a.x' may not be declared so in a table",
    ],
    [
      'an id in an event',
      () => define({ events: { a: fact({ id: raw({ type: 'id' }) } as never) } }),
      'fact.id is no column',
    ],
    [
      'a new id of texts',
      () =>
        define({ tables: { a: table({ x: t.text().key() }) }, events: { b: event({ c: t.newId('a') }) } }),
      "'b.c' may not be declared so in an event",
    ],
    [
      'an id in config',
      () => define({ config: { x: t.id() } }),
      "'config.x' may not be declared so in a config",
    ],
    [
      'a new id in config',
      () => define({ config: { x: t.newId('people') } }),
      "'config.x' may not be declared so in a config",
    ],
    [
      'a key in config',
      () => define({ config: { x: t.u8().key() } }),
      "'config.x' may not be declared so in a config",
    ],
    [
      'a kind named twice',
      () => define({ events: { a: event({}) }, inputs: { a: event({}) } }),
      "'a' is an event and an input: a kind is one of them",
    ],
    [
      'a kind named twice in data',
      () => compile({ events: { a: event({}).spec }, inputs: { a: event({}).spec } }),
      "'a' is an event and an input",
    ],
    [
      'a default too large',
      () => define({ config: { x: t.u8().default(256) } }),
      'the default of config.x does not fit: 256 is outside 0 to 255',
    ],
    [
      'a default deep inside',
      () => define({ config: { x: t.list(t.struct({ y: t.text() })).default([{ y: 'a\0' }]) } }),
      'the default of config.x does not fit: [0]: y: it holds U+0000, which SQL text cannot hold',
    ],
    [
      'a reference to no row by default',
      () => define({ config: { x: t.ref('people').default(0) } }),
      'the default of config.x does not fit: 0 is outside 1 to 4294967295',
    ],
    [
      'null by default',
      () => define({ config: { x: t.u8().default(null as never) } }),
      'the default of config.x does not fit: null is refused (the column is not optional)',
    ],
    [
      'a name of an enum that is no text',
      () => define({ config: { x: t.enum('a', '\ud800') } }),
      'enum config.x has a name that cannot be stored',
    ],
    [
      'an enum without names',
      () => compile({ config: { x: raw({ type: 'enum', names: [] }) } }),
      'the names of enum config.x must be 1 to 65536 different ones',
    ],
    [
      'an enum of one name twice',
      () => compile({ config: { x: raw({ type: 'enum', names: ['a', 'a'] }) } }),
      'the names of enum config.x must be 1 to 65536 different ones',
    ],
    [
      'an enum of too many names',
      () => compile({ config: { x: raw({ type: 'enum', names: Array.from({ length: 65537 }, String) }) } }),
      'the names of enum config.x must be 1 to 65536 different ones',
    ],
    [
      'a vec of nothing',
      () => compile({ config: { x: raw({ type: 'vec', size: 0, of: 'f64' }) } }),
      'the size of vec config.x must be a whole number from 1 to 1024',
    ],
    [
      'a vec too long',
      () => define({ config: { x: t.vec(1025) } }),
      'the size of vec config.x must be a whole number from 1 to 1024',
    ],
    [
      'a table without a key in data',
      () => compile({ tables: { a: { columns: {}, key: [], index: [], single: false } } }),
      "table 'a' has no key",
    ],
    [
      'a key of no column in data',
      () => compile({ tables: { a: { columns: {}, key: ['x'], index: [], single: false } } }),
      "the key of 'a' names a column 'x' that it does not have",
    ],
    [
      'a reference to a key of no column',
      () =>
        compile({
          config: { x: raw({ type: 'ref', table: 'a' }) },
          tables: {
            b: { columns: { y: raw({ type: 'ref', table: 'a' }) }, key: ['y'], index: [], single: false },
            a: { columns: {}, key: ['x'], index: [], single: false },
          },
        }),
      "the key of 'a' names a column 'x' that it does not have",
    ],
  ])('is refused: %s', (_, act, message) => {
    expect(refusal(act)).toBe(message);
  });
});

describe('the agent of a kind', () => {
  const columns = {
    ref: t.ref('homes'),
    code: t.ref('coded'),
    new: t.newId('homes'),
    u8: t.u8(),
    i8: t.i8(),
    u16: t.u16(),
    i16: t.i16(),
    u32: t.u32(),
    i32: t.i32(),
    u64: t.u64(),
    i64: t.i64(),
    int: t.int(),
    bool: t.bool(),
    text: t.text(),
    enum: t.enum('a', 'b'),
    maybe: t.u8().optional(),
    f32: t.f32(),
    f64: t.f64(),
    json: t.json<string>(),
    bytes: t.bytes(),
    vec: t.vec(2),
    struct: t.struct({ x: t.u8() }),
    list: t.list(t.u8()),
  };
  const compiled = (agent: keyof typeof columns, part: 'events' | 'inputs' = 'events') =>
    defineSchema({
      name: 'a',
      version: 1,
      tables: {
        homes: table({ id: t.id() }),
        coded: table({ code: t.text().key() }),
      },
      [part]: { hit: (part === 'events' ? event : fact)(columns, { agent }) },
    }).compiled;

  it.each([
    ...(['ref', 'code', 'new', 'u8', 'i8', 'u16', 'i16', 'u32', 'i32', 'u64', 'i64', 'int'] as const),
    ...(['bool', 'text', 'enum', 'maybe'] as const),
  ])('is a column that identifies: %s', (agent) => {
    for (const part of ['events', 'inputs'] as const) {
      const { kindOf, kinds } = compiled(agent, part);
      expect(kindOf.get('hit')!.agent).toBe(kindOf.get('hit')!.byName.get(agent));
      expect(kinds.filter((kind) => kind.agent !== null)).toHaveLength(1);
    }
  });

  it.each(['f32', 'f64', 'json', 'bytes', 'vec', 'struct', 'list'] as const)('is no %s', (agent) => {
    expect(refusal(() => compiled(agent))).toBe(
      `the agent of 'hit' holds '${agent}', whose values are not exact`,
    );
  });

  it('is a column of its own kind, in a schema made of data too', () => {
    const kind = { columns: { a: raw({ type: 'u8' }) }, fact: false, agent: 'b' };
    expect(refusal(() => compile({ inputs: { hit: kind } }))).toBe(
      "the agent of 'hit' names a column 'b' that it does not have",
    );
  });
});

describe('a compiled schema', () => {
  const { compiled } = defineSchema({
    name: 'town',
    version: 3,
    tick: '1/30 s',
    config: { beta: t.f64() },
    tables: {
      people: table({ name: t.text(), id: t.id(), home: t.ref('homes') }, { index: ['home', 'name'] }),
      homes: table({ code: t.text().key() }),
      clock: singleton({ hour: t.u8() }),
    },
    events: { born: event({ who: t.newId('people'), at: t.ref('homes') }), seen: fact({}) },
    inputs: { told: event({}) },
  });

  it('numbers kinds by name, its own among them', () => {
    expect(compiled.kinds.map(({ name, number, source }) => [number, name, source])).toEqual([
      [0, '$source', 'source'],
      [1, '+clock', 'insert'],
      [2, '+homes', 'insert'],
      [3, '+people', 'insert'],
      [4, 'born', 'event'],
      [5, 'seen', 'fact'],
      [6, 'told', 'input'],
    ]);
    expect(compiled.kindOf.get('+people')!.table).toBe('people');
    expect(compiled.kindOf.get('born')!.creates.map(({ name }) => name)).toEqual(['who']);
  });

  it('lays columns out by name, and references as the keys that they name', () => {
    const tables = compiled.tables.map(({ name, ids, columns }) => [name, ids, columns.map((c) => c.name)]);
    expect(tables).toEqual([
      ['$sources', false, ['seq', 'source']],
      ['clock', false, ['hour']],
      ['homes', false, ['code']],
      ['people', true, ['home', 'id', 'name']],
    ]);
    const person = compiled.tableOf.get('people')!;
    expect(meaningOf(person.byName.get('home')!)).toEqual({
      name: 'home',
      optional: false,
      type: { kind: 'text' },
    });
    expect(person.byName.get('home')!).toMatchObject({ role: 'ref', table: 'homes', path: 'home' });
    expect(compiled.tick).toEqual({ text: '1/30 s', unit: 's', seconds: [1, 30] });
  });

  it('keeps a default from those who hold the declared object', () => {
    const shared = { a: [1] };
    const made = defineSchema({
      name: 'a',
      version: 1,
      tables: { people },
      config: { x: t.json<object>().default(shared) },
    });
    shared.a.push(2);
    expect(made.compiled.config.byName.get('x')!.fallback).toEqual({ value: { a: [1] } });
  });
});

describe('the length of a tick', () => {
  it.each([
    ['1 day', 'day', [86400, 1]],
    ['2 weeks', 'weeks', [1209600, 1]],
    ['1/30 s', 's', [1, 30]],
    ['250 ms', 'ms', [250, 1000]],
    ['5/2 min', 'min', [300, 2]],
    ['1 turn', 'turn', null],
    ['1 constructor', 'constructor', null],
    ['1 s', 's', [1, 1]],
  ])('of %s', (text, unit, seconds) => {
    expect(tickLength(text)).toEqual({ text, unit, seconds });
  });

  it.each(['', 'day', '1', '-1 s', '1.5 s', '1/0 s', '0 s', '1  s', '1 s ', '1/2/3 s', '1 日'])(
    'refuses %j',
    (text) => {
      expect(refusal(() => tickLength(text))).toBe(`'${text}' is no length of a tick`);
    },
  );

  it('gives seconds at a tick, where it is time', () => {
    expect(secondsAt(tickLength('1/30 s'), 90)).toBe(3);
    expect(secondsAt(tickLength('250 ms'), 3)).toBe(0.75);
    expect(() => secondsAt(tickLength('1 turn'), 1)).toThrow(
      expect.objectContaining({ code: 'BAD_USAGE', message: 'a turn has no length in seconds' }),
    );
  });
});
