import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { specsNamed, TYPES } from '../../test/golden/every-type.ts';
import { withAgents } from '../../test/support/agents.ts';
import { anySchema } from '../testing/arbitraries.ts';
import { literal, parseSchemaText, schemaText, unliteral } from './canonical-text.ts';
import { t } from './columns.ts';
import { compileSchema, compileText } from './compile.ts';
import { defineSchema } from './define.ts';
import { planMigration } from './migration-plan.ts';
import type { ColumnSpecs, SchemaSpec } from './spec.ts';
import { event, fact, singleton, table } from './tables.ts';

/** A declaration whose parts can be turned around or changed one at a time. */
interface Parts {
  readonly turned?: boolean;
  readonly names?: readonly string[];
  readonly key?: readonly ('from' | 'to')[];
  readonly type?: 'u8' | 'u16';
  readonly fallback?: number;
  readonly optional?: boolean;
  readonly nan?: boolean;
  readonly index?: readonly ('a' | 'b')[];
  readonly tick?: string;
  readonly version?: number;
  readonly check?: (value: unknown) => unknown;
  readonly isFact?: boolean;
}

function spec(parts: Parts = {}): SchemaSpec {
  const order = <T extends object>(made: T): T =>
    parts.turned ? (Object.fromEntries(Object.entries(made).reverse()) as T) : made;
  const { names = ['x', 'y'], type = 'u8', fallback = 1, nan = false, index = ['a', 'b'] } = parts;
  const a = t[type]().default(fallback);
  const columns = order({
    id: t.id(),
    a: parts.optional ? a.optional() : a,
    b: t.enum(...names),
    pos: t.struct(order({ x: t.f64({ nan }), y: t.list(t.text()) })),
    data: t.json(parts.check),
  });
  const roads = order({ from: t.text(), to: t.text() });
  return {
    name: 'fixture',
    version: parts.version ?? 1,
    tick: parts.tick ?? '1 day',
    config: specsOfBuilders(order({ p: t.f64().default(-0), q: t.u64().default(3n) })),
    tables: order({
      people: table(columns, { index: parts.turned ? [...index].reverse() : index }).spec,
      roads: table(roads, { key: parts.key ?? ['from', 'to'] }).spec,
      clock: singleton(order({ hour: t.u8(), day: t.u32() })).spec,
    }),
    events: order({
      moved: (parts.isFact ? fact : event)(order({ who: t.ref('people'), to: t.u8() })).spec,
      born: event(order({ who: t.newId('people') })).spec,
    }),
    inputs: order({ told: event({ text: t.text() }).spec, asked: fact({}).spec }),
  };
}

const specsOfBuilders = (columns: { [name: string]: { spec: unknown } }): ColumnSpecs =>
  Object.fromEntries(Object.entries(columns).map(([name, { spec: of }]) => [name, of])) as ColumnSpecs;

const fingerprint = (parts?: Parts): string => compileSchema(spec(parts)).fingerprint;

describe('the fingerprint of a schema', () => {
  it('is the frozen one', () => {
    expect(fingerprint()).toBe('3c180649de95857c2d418ee17827f49f5052902a8671f2799bf5b7498e387520');
  });

  it('does not tell apart what means the same', () => {
    expect(fingerprint({ turned: true })).toBe(fingerprint());
    expect(fingerprint({ check: (value) => value })).toBe(fingerprint());
  });

  it.each<[string, Parts]>([
    ['the order of the names of an enum', { names: ['y', 'x'] }],
    ['the names of an enum', { names: ['x', 'y', 'z'] }],
    ['the order of a key of several columns', { key: ['to', 'from'] }],
    ['a type', { type: 'u16' }],
    ['a default', { fallback: 2 }],
    ['an optional column', { optional: true }],
    ['NaN allowed', { nan: true }],
    ['an index', { index: ['a'] }],
    ['the length of a tick', { tick: '2 day' }],
    ['the version', { version: 2 }],
    ['a fact', { isFact: true }],
  ])('tells apart %s', (_, parts) => {
    expect(fingerprint(parts)).not.toBe(fingerprint());
  });
});

describe('the text of a schema', () => {
  const everything = (): SchemaSpec => ({
    ...spec(),
    events: { all: { columns: specsNamed(Object.keys(TYPES)), fact: true } },
    tables: { ...spec().tables, homes: table({ id: t.id() }).spec },
  });

  it.each([
    ['a fixture', spec],
    ['every column type', everything],
  ])('gives back the schema of %s', (_, make) => {
    const text = schemaText(make());
    expect(parseSchemaText(text)).toEqual(make());
    expect(schemaText(parseSchemaText(text))).toBe(text);
    const [direct, read] = [compileSchema(make()), compileText(text)];
    expect(read.text).toBe(text);
    expect(read.fingerprint).toBe(direct.fingerprint);
    expect(read.kinds).toEqual(direct.kinds);
    expect(read.tables).toEqual(direct.tables);
    expect(read.config).toEqual(direct.config);
    expect(read.tick).toEqual(direct.tick);
  });

  it('is the same for any order of declaration, and comes back, whatever the schema', () => {
    const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,6}$/).filter((n) => !(n in {}));
    const column = fc.constantFrom(...Object.keys(TYPES)).map((of) => TYPES[of]!.column.spec);
    const columns = fc.dictionary(name, column, { maxKeys: 6, noNullPrototype: true });
    const kinds = fc.dictionary(name, fc.record({ columns, fact: fc.boolean() }), { maxKeys: 4 });
    const tables = fc.dictionary(name, columns, { maxKeys: 4, noNullPrototype: true });
    fc.assert(
      fc.property(tables, kinds, columns, (t1, events, config) => {
        const keyed = Object.entries({ ...t1, homes: {} }).map(([n, c]) => [
          n,
          { columns: { ...c, id: t.id().spec }, key: ['id'], index: [], single: false },
        ]);
        const base = { name: 'any', version: 1, tick: '1 turn', config, inputs: {} };
        const one = { ...base, tables: Object.fromEntries(keyed), events };
        const turned = Object.fromEntries(Object.entries(events).reverse());
        const two = { ...base, tables: Object.fromEntries(keyed.reverse()), events: turned };
        const { text } = compileSchema(one);
        expect(compileSchema(two).text).toBe(text);
        expect(compileText(text).text).toBe(text);
        expect(compileText(text).kinds).toEqual(compileSchema(one).kinds);
      }),
      { numRuns: 60 },
    );
  });

  it('does not tell the agents of kinds: a log need not be migrated for them', () => {
    fc.assert(
      fc.property(anySchema(), fc.nat(), ({ compiled: plain }, choice) => {
        const named = withAgents(plain, choice);
        expect([named.text, named.fingerprint]).toEqual([plain.text, plain.fingerprint]);
        for (const { agent } of compileText(named.text).kinds) expect(agent).toBeNull();
        expect(planMigration(compileText(plain.text), named, {}).unchanged).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('of a newer form is refused by name', () => {
    const text = schemaText(spec()).replace('"format":1', '"format":2');
    expect(() => parseSchemaText(text)).toThrow(expect.objectContaining({ code: 'NEWER_FORMAT' }));
    expect(() => parseSchemaText('{')).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
  });

  it('is the same from builders and from data', () => {
    const schema = defineSchema({ name: 'a', version: 1, tables: { people: table({ id: t.id() }) } });
    expect(schema.compiled.text).toBe(compileSchema(schema.spec).text);
    expect(schema.compiled.text).toBe(
      '{"config":{},"events":{},"format":1,"inputs":{},"name":"a","tables":{"people":{"columns":{"id":' +
        '{"key":true,"type":"id"}},"index":[],"key":["id"],"single":false}},"tick":"1 tick","version":1}',
    );
  });
});

describe('literals', () => {
  it('carry what JSON has no form for, and come back', () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.bigInt(),
      fc.double(),
      fc.uint8Array(),
      fc.constantFrom(-0, { $big: '1' }, { $number: 'NaN' }, JSON.parse('{"__proto__":1}')),
    );
    const nested = fc.oneof(
      value,
      fc.array(value),
      fc.dictionary(fc.string(), value, { noNullPrototype: true }),
    );
    fc.assert(
      fc.property(nested, (given) => {
        const plain = JSON.parse(JSON.stringify(literal(given)));
        expect(unliteral(plain)).toEqual(given);
      }),
    );
  });

  it('leave undefined properties out, and write arrays of numbers as lists', () => {
    expect(literal({ a: undefined, b: 1 })).toEqual({ $object: [['b', 1]] });
    expect(literal(Float64Array.of(-0, 1))).toEqual([{ $number: '-0' }, 1]);
    const made = compileSchema({
      ...spec(),
      config: {
        data: t.json().default({ a: undefined, b: [1] }).spec,
        dir: t.vec(2).default(Float64Array.of(1, 2) as never).spec,
      },
    });
    expect(compileText(made.text).config.byName.get('data')!.fallback).toEqual({ value: { b: [1] } });
    expect(compileText(made.text).config.byName.get('dir')!.fallback).toEqual({ value: [1, 2] });
  });
});
