/** Mistakes in declarations: each must not compile, must say so readably, and has a twin that compiles. */
import type { Mistake } from './mistake.ts';

const schemaOf = (parts: string) => `export const s = defineSchema({ name: 'x', version: 1, ${parts} });`;

export const declaring: readonly Mistake[] = [
  {
    name: 'a ref to a table that is not there',
    wrong: schemaOf(`tables: { a: table({ id: t.id(), b: t.ref('bees') }) }`),
    right: schemaOf(`tables: { a: table({ id: t.id(), b: t.ref('a') }) }`),
    says: "a.b: there is no table 'bees' to refer to",
  },
  {
    name: 'a ref in an event to a table that is not there',
    wrong: schemaOf(`tables: {}, events: { hit: event({ b: t.ref('bees') }) }`),
    right: schemaOf(`tables: { bees: table({ id: t.id() }) }, events: { hit: event({ b: t.ref('bees') }) }`),
    says: "hit.b: there is no table 'bees' to refer to",
  },
  {
    name: 'a ref inside a struct inside a list to a table that is not there',
    wrong: schemaOf(`tables: { a: table({ id: t.id(), s: t.list(t.struct({ b: t.ref('bees') })) }) }`),
    right: schemaOf(`tables: { a: table({ id: t.id(), s: t.list(t.struct({ b: t.ref('a') })) }) }`),
    says: "a.s: there is no table 'bees' to refer to",
  },
  {
    name: 'a ref in the config to a table that is not there',
    wrong: schemaOf(`tables: {}, config: { b: t.ref('bees') }`),
    right: schemaOf(`tables: {}, config: { b: t.u8() }`),
    says: "config.b: there is no table 'bees' to refer to",
  },
  {
    name: 'a ref to a table with a composite key',
    wrong: schemaOf(
      `tables: { a: table({ id: t.id(), b: t.ref('c') }),
        c: table({ x: t.u8(), y: t.u8() }, { key: ['x', 'y'] }) }`,
    ),
    right: schemaOf(
      `tables: { a: table({ id: t.id(), b: t.ref('c') }),
        c: table({ x: t.u8(), y: t.u8() }, { key: ['x'] }) }`,
    ),
    says: "a.b: the table 'c' has a key of several columns",
  },
  {
    name: 'a ref to a singleton',
    wrong: schemaOf(`tables: { a: table({ id: t.id(), b: t.ref('c') }), c: singleton({ x: t.u8() }) }`),
    right: schemaOf(`tables: { a: table({ id: t.id(), b: t.ref('c') }), c: table({ x: t.u8().key() }) }`),
    says: "a.b: the table 'c' is a singleton",
  },
  {
    name: 'a newId in a table',
    wrong: schemaOf(`tables: { a: table({ id: t.id(), b: t.newId('a') }) }`),
    right: schemaOf(`tables: { a: table({ id: t.id(), b: t.ref('a') }) }`),
    says: "t.newId('a') belongs in events and inputs",
  },
  {
    name: 'a newId of a table without an id to hand out',
    wrong: schemaOf(
      `tables: { a: table({ name: t.text().key() }) }, inputs: { made: event({ a: t.newId('a') }) }`,
    ),
    right: schemaOf(`tables: { a: table({ name: t.id() }) }, inputs: { made: event({ a: t.newId('a') }) }`),
    says: "made.a: the table 'a' has no t.id() to hand out",
  },
  {
    name: 'an id in an event',
    wrong: schemaOf(`tables: {}, events: { made: event({ a: t.id() }) }`),
    right: schemaOf(`tables: {}, events: { made: event({ a: t.u32() }) }`),
    says: 't.id() belongs in tables',
  },
  {
    name: 'a table without a key',
    wrong: schemaOf('tables: { a: table({ x: t.u8() }) }'),
    right: schemaOf('tables: { a: singleton({ x: t.u8() }) }'),
    says: "the table 'a' has no key: add id: t.id()",
  },
  {
    name: 'keys that refer to each other in a circle',
    wrong: schemaOf(
      `tables: { a: table({ b: t.ref('b').key() }),
        b: table({ a: t.ref('a').key() }), c: table({ id: t.id() }) }`,
    ),
    right: schemaOf(
      `tables: { a: table({ b: t.ref('b').key() }),
        b: table({ c: t.ref('c').key() }), c: table({ id: t.id() }) }`,
    ),
    says: [
      "the table 'a' has a key that refers back to itself",
      "the table 'b' has a key that refers back to itself",
    ],
    errors: 2,
  },
  {
    name: 'one name as event and input',
    wrong: schemaOf('tables: {}, events: { hit: event({}) }, inputs: { hit: event({}) }'),
    right: schemaOf('tables: {}, events: { hit: event({}) }, inputs: { shot: event({}) }'),
    says: "'hit' is an event already",
  },
  {
    name: 'an index on a column that is not there',
    wrong: `export const a = table({ id: t.id(), cell: t.u8() }, { index: ['cel'] });`,
    right: `export const a = table({ id: t.id(), cell: t.u8() }, { index: ['cell'] });`,
    says: `Type '"cel"' is not assignable to type '"id" | "cell"'`,
  },
  {
    name: 'a key column that is not there',
    wrong: `export const a = table({ x: t.u8(), y: t.u8() }, { key: ['x', 'z'] });`,
    right: `export const a = table({ x: t.u8(), y: t.u8() }, { key: ['x', 'y'] });`,
    says: `Type '"z"' is not assignable to type '"x" | "y"'`,
  },
  {
    name: 'an agent that is no column of its event',
    wrong: `export const e = event({ person: t.ref('people'), to: t.u8() }, { agent: 'peson' });`,
    right: `export const e = event({ person: t.ref('people'), to: t.u8() }, { agent: 'person' });`,
    says: `Type '"peson"' is not assignable to type '"person" | "to" | undefined'`,
  },
  {
    name: 'an agent of a fact without columns',
    wrong: `export const e = fact({}, { agent: 'person' });`,
    right: `export const e = fact({});`,
    says: "Type 'string' is not assignable to type 'undefined'",
  },
  {
    name: 'a step that says what no step can say',
    wrong: `export const s = defineSchema({ name: 'x', version: 2, tables: {},
      migrations: { 2: { dropTable: ['a'] } } });`,
    right: `export const s = defineSchema({ name: 'x', version: 2, tables: {},
      migrations: { 2: { dropTables: ['a'] } } });`,
    says: "Did you mean to write 'dropTables'?",
  },
  {
    name: 'a step that misspells what becomes of columns',
    wrong: `export const s = defineSchema({ name: 'x', version: 2, tables: { a: table({ id: t.id(), b: t.u8() }) },
      migrations: { 2: { tables: { a: { renamed: { b: 'c' } } } } } });`,
    right: `export const s = defineSchema({ name: 'x', version: 2, tables: { a: table({ id: t.id(), b: t.u8() }) },
      migrations: { 2: { tables: { a: {
        rename: { b: 'c' }, change: { b: (old, row) => old + row.z } } },
        events: { e: { upcast: ({ size, columns: { d } }) => ({ d: d.map((x: number) => x + size) }) } } } } });`,
    says: "Did you mean to write 'rename'?",
  },
  {
    name: 'a change that is no function',
    wrong: `export const s = defineSchema({ name: 'x', version: 2, tables: { a: table({ id: t.id(), b: t.u8() }) },
      migrations: { 2: { tables: { a: { change: { b: 5 } } } } } });`,
    right: `export const s = defineSchema({ name: 'x', version: 2, tables: { a: table({ id: t.id(), b: t.u8() }) },
      migrations: { 2: { tables: { a: { change: { b: () => 5 } } } } } });`,
    says: "Type 'number' is not assignable to type 'ChangeColumn'",
  },
  {
    name: 'something that is no column',
    wrong: 'export const a = event({ x: 1 });',
    right: 'export const a = event({ x: t.u8() });',
    says: "Type 'number' is not assignable to type 'AnyColumn'",
  },
  {
    name: 'an optional field of a struct',
    wrong: 'export const a = t.struct({ x: t.u8().optional() });',
    right: 'export const a = t.struct({ x: t.u8() }).optional();',
    says: "not assignable to type 'Field'",
  },
  {
    name: 'a default inside a list',
    wrong: 'export const a = t.list(t.u8().default(1));',
    right: 'export const a = t.list(t.u8()).default([1]);',
    says: "not assignable to parameter of type 'Field'",
  },
  {
    name: 'a key that may be null',
    wrong: 'export const a = t.u8().optional().key();',
    right: 'export const a = t.u8().key();',
    says: "Property 'key' does not exist on type 'OptionalColumn<number, number>'",
  },
  {
    name: 'a default of another type',
    wrong: `export const a = t.enum('well', 'ill').default('sick');`,
    right: `export const a = t.enum('well', 'ill').default('ill');`,
    says: `'"sick"' is not assignable to parameter of type '"well" | "ill"'`,
  },
  {
    name: 'a derived value of a table that is not there',
    wrong: `export const d = schema.derive(['road'], () => 1);`,
    right: `export const d = schema.derive(['roads'], ({ roads }) => roads.size);`,
    says: `Type '"road"' is not assignable to type`,
  },
  {
    name: 'a derived value that reads a table it does not name',
    wrong: `export const d = schema.derive(['roads'], ({ people }) => people.size);`,
    right: `export const d = schema.derive(['roads', 'people'], ({ people }) => people.size);`,
    says: "Property 'people' does not exist on type 'Pick<World<Village>, \"roads\">'",
  },
];
