import { describe, expect, it } from 'vitest';
import { isWorldfoldError } from '../base/errors.ts';
import { t } from './columns.ts';
import { type CompiledSchema, compileText } from './compile.ts';
import { defineSchema } from './define.ts';
import type { Migrations } from './migration.ts';
import { describeDifference } from './migration-difference.ts';
import { migrationSkeleton, planMigration } from './migration-plan.ts';
import { event, fact, singleton, table } from './tables.ts';

const people = table({ id: t.id(), cell: t.u32() });

/** A schema of a version; `more` is a declaration that is put together at run time. */
const schemaOf = (version: number, more: object): CompiledSchema =>
  (
    defineSchema({ name: 'town', version, tick: '1 day', tables: { people }, ...more } as never) as {
      readonly compiled: CompiledSchema;
    }
  ).compiled;
const carried = (more: object): CompiledSchema => compileText(schemaOf(1, more).text);

/** What is said of a refusal, or `accepted`. */
function refusal(act: () => unknown, code: 'BAD_SCHEMA' | 'SCHEMA_DIFFERS'): string {
  try {
    act();
    return 'accepted';
  } catch (e) {
    return isWorldfoldError(e, code) ? e.message : `another error: ${e}`;
  }
}

describe('declared migrations', () => {
  const declare = (migrations: unknown, version = 3): unknown =>
    schemaOf(version, { migrations, events: { born: event({ who: t.ref('people') }) } });

  it.each<[string, unknown, string]>([
    ['no object', [], 'migrations must be an object, not []'],
    ['a key that is no version', { one: {} }, 'migrations.one is no version'],
    ['version 0', { 0: {} }, 'migrations.0 is no version'],
    ['a version beyond the schema', { 4: {} }, "migrations.4 leads beyond version 3 of the schema 'town'"],
    ['a step that is no object', { 3: 5 }, 'migrations.3 must be an object, not 5'],
    ['an unknown word', { 3: { dropTable: [] } }, "migrations.3: there is no 'dropTable'"],
    ['tables that are no object', { 3: { tables: [] } }, 'migrations.3.tables must be an object, not []'],
    [
      'an unknown word for a table',
      { 3: { tables: { people: { upcast: () => ({}) } } } },
      "migrations.3.tables.people: there is no 'upcast'",
    ],
    [
      'a table that is not there',
      { 3: { tables: { cats: {} } } },
      "migrations.3.tables names 'cats', which the schema does not have",
    ],
    [
      'an event that is not there',
      { 3: { events: { people: {} } } },
      "migrations.3.events names 'people', which the schema does not have",
    ],
    [
      'a column that is not there',
      { 3: { tables: { people: { change: { cel: () => 1 } } } } },
      "migrations.3.tables.people.change names a column 'cel' that the schema does not have",
    ],
    [
      'a config that is not there',
      { 3: { config: { rename: { a: 'b' } } } },
      "migrations.3.config.rename names a column 'a' that the schema does not have",
    ],
    [
      'a renaming to no name',
      { 3: { tables: { people: { rename: { cell: 5 } } } } },
      'migrations.3.tables.people.rename.cell must be the old name, not 5',
    ],
    [
      'a list of drops that is none',
      { 3: { dropTables: 'cats' } },
      "migrations.3.dropTables must be a list of old names, not 'cats'",
    ],
    ['a drop said twice', { 3: { dropEvents: ['a', 'a'] } }, "migrations.3.dropEvents names 'a' twice"],
    [
      'a change that is no function',
      { 3: { tables: { people: { change: { cell: 5 } } } } },
      'migrations.3.tables.people.change.cell must be a function, not 5',
    ],
    [
      'a column dropped and renamed',
      { 3: { tables: { people: { rename: { cell: 'x' }, drop: ['x'] } } } },
      "migrations.3.tables.people takes 'x' away twice",
    ],
    [
      'a column renamed to two',
      { 2: { tables: { any: { rename: { a: 'x', b: 'x' } } } } },
      "migrations.2.tables.any takes 'x' away twice",
    ],
    [
      'a column renamed and added',
      { 3: { tables: { people: { rename: { cell: 'x' }, add: { cell: () => 1 } } } } },
      "migrations.3.tables.people renames 'x' to 'cell' and adds 'cell'",
    ],
    [
      'a column added and changed',
      { 3: { tables: { people: { add: { cell: () => 1 }, change: { cell: () => 1 } } } } },
      "migrations.3.tables.people adds and changes 'cell'",
    ],
    [
      'a table dropped and renamed',
      { 3: { tables: { people: { from: 'x' } }, dropTables: ['x'] } },
      "migrations.3 takes 'x' of tables away twice",
    ],
    ['another word about the tick', { 3: { tick: 'new' } }, "migrations.3.tick must be 'changed', not 'new'"],
  ])('L13: are refused: %s', (_, migrations, message) => {
    expect(refusal(() => declare(migrations), 'BAD_SCHEMA')).toBe(message);
  });

  it('L13: are no part of the text, and can not be changed afterwards', () => {
    const drop = ['x'];
    const given = { 2: { tables: { any: { drop } } } };
    const bare = defineSchema({ name: 'town', version: 2, tables: { people } });
    const made = defineSchema({
      name: 'town',
      version: 3,
      tables: { people },
      migrations: given,
    });
    drop.push('y');
    expect(made.migrations[2]!.tables!.any!.drop).toEqual(['x']);
    expect(() => ((made.migrations as { [version: number]: object })[3] = {})).toThrow(TypeError);
    expect(made.compiled.fingerprint).toBe(
      defineSchema({ name: 'town', version: 3, tables: { people } }).compiled.fingerprint,
    );
    expect(bare.migrations).toEqual({});
  });
});

const x = (column: object): object => ({ tables: { people, a: table({ id: t.id(), x: column as never }) } });

describe('a plan', () => {
  const plans = (from: object, to: object, migrations: Migrations = { 2: {} }): string =>
    refusal(() => planMigration(carried(from), schemaOf(2, to), migrations), 'SCHEMA_DIFFERS');

  it.each<[string, object, object]>([
    ['u8 to u32', t.u8(), t.u32()],
    ['u8 to i16', t.u8(), t.i16()],
    ['u16 to f32', t.u16(), t.f32()],
    ['u32 to int', t.u32(), t.int()],
    ['int to f64', t.int(), t.f64()],
    ['f32 to f64', t.f32(), t.f64()],
    ['NaN allowed', t.f64(), t.f64({ nan: true })],
    ['a new name at the end', t.enum('a', 'b'), t.enum('a', 'b', 'c')],
    ['required to optional', t.text(), t.text().optional()],
    ['another default', t.u8().default(1), t.u8().default(2)],
    ['vec to wider', t.vec(2, 'f32'), t.vec(2, 'f64')],
    ['list to wider', t.list(t.u8()), t.list(t.u16())],
    ['struct to wider', t.struct({ a: t.u8() }), t.struct({ a: t.u32() })],
    ['json with a check', t.json(), t.json((value) => value)],
    ['the same reference', t.ref('people'), t.ref('people').optional()],
  ])('L13: takes %s without a word', (_, from, to) => {
    expect(plans(x(from), x(to))).toBe('accepted');
  });

  it.each<[string, object, object]>([
    ['u32 to u8', t.u32(), t.u8()],
    ['i8 to u8', t.i8(), t.u8()],
    ['u32 to f32', t.u32(), t.f32()],
    ['int to i32', t.int(), t.i32()],
    ['f64 to f32', t.f64(), t.f32()],
    ['f64 to int', t.f64(), t.int()],
    ['NaN no longer allowed', t.f64({ nan: true }), t.f64()],
    ['u32 to a big integer', t.u32(), t.u64()],
    ['u64 to i64', t.u64(), t.i64()],
    ['names in another order', t.enum('a', 'b'), t.enum('b', 'a')],
    ['a name less', t.enum('a', 'b'), t.enum('a')],
    ['enum to text', t.enum('a', 'b'), t.text()],
    ['optional to required', t.u8().optional(), t.u8()],
    ['a longer vec', t.vec(2), t.vec(3)],
    ['a struct of other fields', t.struct({ a: t.u8() }), t.struct({ b: t.u8() })],
    ['a list of other items', t.list(t.u8()), t.list(t.text())],
    ['a reference to a number', t.ref('people'), t.u32()],
    ['a reference to another table', t.ref('people'), t.ref('a')],
    ['a list of references to another table', t.list(t.ref('people')), t.list(t.ref('a'))],
  ])('L13: asks for a function: %s', (_, from, to) => {
    expect(plans(x(from), x(to))).toMatch(/does not speak of:\n~ a\.x: /);
    expect(plans(x(from), x(to), { 2: { tables: { a: { change: { x: () => 0 } } } } })).toBe('accepted');
  });

  it('L13: asks for a value where there is no zero', () => {
    const one = { tables: { people } };
    for (const column of [t.ref('people'), t.json(), t.struct({ a: t.ref('people') })]) {
      const to = { tables: { people: table({ id: t.id(), cell: t.u32(), x: column as never }) } };
      expect(plans(one, to)).toMatch(/\n\+ column people\.x: .*, without a default$/);
      expect(plans(one, to, { 2: { tables: { people: { add: { x: () => 1 } } } } })).toBe('accepted');
    }
    const key = { tables: { people: table({ nr: t.id(), cell: t.u32() }) } };
    expect(plans(one, key)).toMatch(/- column people\.id: id\n\+ column people\.nr: id, without a default$/);
    expect(plans(one, key, { 2: { tables: { people: { rename: { nr: 'id' } } } } })).toBe('accepted');
  });

  it('L13: follows references through the renaming of their table', () => {
    const from = { tables: { persons: people, a: table({ id: t.id(), x: t.list(t.ref('persons')) }) } };
    const to = { tables: { people, a: table({ id: t.id(), x: t.list(t.ref('people')) }) } };
    expect(plans(from, to, { 2: { tables: { people: { from: 'persons' } } } })).toBe('accepted');
    expect(plans(from, to, { 2: { dropTables: ['persons'] } })).toMatch(/~ a\.x: list of ref to persons/);
  });

  it('L13: lets columns and tables change names with each other', () => {
    const columns = (a: string, b: string) => table({ id: t.id(), [a]: t.u8(), [b]: t.text() });
    const from = { tables: { p: columns('a', 'b'), q: people } };
    const to = { tables: { q: columns('b', 'a'), p: people } };
    const migrations = {
      2: { tables: { q: { from: 'p', rename: { a: 'b', b: 'a' } }, p: { from: 'q' } } },
    };
    expect(plans(from, to, migrations)).toBe('accepted');
    const { tables } = planMigration(carried(from), schemaOf(2, to), migrations);
    expect(tables.get('q')!.columns.map((c) => [c.to.name, c.from?.name, c.how])).toEqual([
      ['a', 'b', 'same'],
      ['b', 'a', 'same'],
      ['id', 'id', 'same'],
    ]);
  });

  it('L13: takes a kind that became something else for another one', () => {
    const from = { events: { a: event({ x: t.u8() }), b: event({}) }, tables: { people, s: people } };
    const to = {
      events: { b: fact({}) },
      inputs: { a: event({ x: t.u8() }) },
      tables: { people, s: singleton({ x: t.u8() }) },
    };
    expect(plans(from, to)).toMatch(/speak of:\n- table s\n- event a$/);
    expect(plans(from, to, { 2: { dropEvents: ['a'], dropTables: ['s'] } })).toBe('accepted');
  });

  it('L13: makes up no value for a singleton that an older log does not have', () => {
    const to = (column: object) => ({ tables: { people, s: singleton({ x: column as never, y: t.u8() }) } });
    const refused =
      /^'s' is new, and an older log has no value for its 'x':\n\+ s\.x: (ref|json), without a default$/;
    expect(plans({}, to(t.ref('people')))).toMatch(refused);
    expect(plans({}, to(t.json()))).toMatch(refused);
    expect(plans({}, to(t.ref('people').optional()))).toBe('accepted');
    expect(plans({}, to(t.json().default({})))).toBe('accepted');
    expect(plans({}, to(t.list(t.u8())))).toBe('accepted');
  });

  it('L13: asks about the length of a tick, not about its name', () => {
    expect(plans({ tick: '1 day' }, { tick: '24 h' })).toBe('accepted');
    expect(plans({ tick: '1 day' }, { tick: '1 h' })).toMatch(/\n~ tick: 1 day -> 1 h$/);
    expect(plans({ tick: '1 day' }, { tick: '1 turn' })).toMatch(/\n~ tick: 1 day -> 1 turn$/);
    expect(plans({ tick: '1 day' }, { tick: '1 h' }, { 2: { tick: 'changed' } })).toBe('accepted');
  });

  it('L13: is not made between versions that no step can bridge', () => {
    const one = carried({});
    const other = compileText(defineSchema({ name: 'city', version: 1, tables: { people } }).compiled.text);
    const at = (to: CompiledSchema, from = one): unknown => planMigration(from, to, {});
    expect(refusal(() => at(schemaOf(1, {})), 'SCHEMA_DIFFERS')).toBe('accepted');
    expect(refusal(() => at(schemaOf(1, {}), other), 'SCHEMA_DIFFERS')).toBe(
      "the log is of the schema 'city', the code of 'town'",
    );
    expect(refusal(() => at(schemaOf(1, { inputs: { a: event({}) } })), 'SCHEMA_DIFFERS')).toBe(
      "log and code both say version 1 of the schema 'town', and differ:\n+ input a",
    );
    expect(refusal(() => at(one, compileText(schemaOf(2, {}).text)), 'SCHEMA_DIFFERS')).toBe(
      "the log has version 2 of the schema 'town', the code only version 1",
    );
    expect(refusal(() => at(schemaOf(2, {})), 'SCHEMA_DIFFERS')).toBe(
      "the log has version 1 of the schema 'town', and no migration leads to 2",
    );
  });

  it.each<[string, Migrations, string]>([
    ['a table', { 2: { tables: { b: { from: 'c' } } } }, "the table 'c', which version 1 does not have"],
    ['a dropped table', { 2: { dropTables: ['c'] } }, "the table 'c', which version 1 does not have"],
    ['an event', { 2: { events: { e: {} } } }, "the event 'e', which version 1 does not have"],
    ['a dropped input', { 2: { dropInputs: ['c'] } }, "the input 'c', which version 1 does not have"],
    [
      'a dropped column',
      { 2: { tables: { people: { drop: ['x'] } } } },
      "a column 'people.x', which version 1 does not have",
    ],
    [
      'a renamed column',
      { 2: { tables: { people: { rename: { cell: 'x' } } } } },
      "a column 'people.x', which version 1 does not have",
    ],
    [
      'a changed column',
      { 2: { tables: { people: { change: { x: () => 1 } } } } },
      "a column 'people.x', which version 1 does not have",
    ],
  ])('L13: does not pass over a step that speaks of what is not there: %s', (_, migrations, words) => {
    const message = refusal(() => planMigration(carried({}), schemaOf(2, {}), migrations), 'BAD_SCHEMA');
    expect(message).toBe(`the step to version 2 speaks of ${words}`);
  });

  it('L13: does not let two become one', () => {
    const from = { tables: { people, folk: people } };
    const into = (migrations: Migrations, to = {}): string =>
      refusal(() => planMigration(carried(from), schemaOf(2, to), migrations), 'BAD_SCHEMA');
    expect(into({ 2: { tables: { people: { from: 'folk' } } } })).toBe(
      "the step to version 2 makes 'folk' of tables to 'people', which is there already",
    );
    const renames = { 2: { dropTables: ['folk'], tables: { people: { rename: { cell: 'id' } } } } };
    expect(into(renames)).toMatch(/of 'people' to one 'cell'$/);
    const adds = { 2: { dropTables: ['folk'], tables: { people: { add: { cell: () => 1 } } } } };
    expect(into(adds)).toBe("the step to version 2 adds 'people.cell', which is there already");
  });

  it('L13: passes over, in later steps, what was added on the way', () => {
    const migrations: Migrations = {
      3: {
        tables: { homes: { from: 'houses', drop: ['x'] }, people: { rename: { age: 'years' } } },
        dropEvents: ['seen'],
      },
    };
    const to = {
      tables: { people: table({ id: t.id(), cell: t.u32(), age: t.u8() }), homes: people },
    };
    expect(planMigration(carried({}), schemaOf(3, to), migrations).tables.has('homes')).toBe(false);
  });
});

describe('a difference', () => {
  const from = carried({
    config: { beta: t.f64(), gone: t.u8() },
    tables: {
      people: table({ id: t.id(), cell: t.u8(), state: t.enum('a', 'b'), x: t.u8().default(1) }),
      ghosts: people,
      pairs: table({ a: t.u8(), b: t.u8() }, { key: ['a', 'b'] }),
      clock: singleton({ h: t.u8() }),
    },
    events: { seen: fact({}), hit: event({ z: t.f32() }), e: event({}) },
  });
  const to = schemaOf(2, {
    tick: '1 h',
    config: { beta: t.f64({ nan: true }).optional(), alpha: t.struct({ b: t.vec(2), a: t.list(t.u8()) }) },
    tables: {
      people: table(
        { id: t.id(), cell: t.text(), health: t.enum('a', 'b'), x: t.u8().default(2), y: t.json() },
        { index: ['cell', 'id'] },
      ),
      spirits: people,
      pairs: table({ a: t.u8(), b: t.u8() }, { key: ['b'] }),
      clock: singleton({ h: t.u8() }),
    },
    events: { seen: event({}), hit: event({ z: t.f32(), by: t.newId('people') }) },
    inputs: { e: event({}) },
  });

  it('L13: reads as lines', () => {
    expect(describeDifference(from, to).split('\n')).toEqual([
      '~ tick: 1 day -> 1 h',
      '- table ghosts',
      '~ key of pairs: a, b -> b',
      '~ index of people: none -> cell, id',
      '~ people.cell: u8 -> text',
      "+ column people.health: enum 'a', 'b'",
      "- column people.state: enum 'a', 'b'",
      '~ people.x: u8, default 1 -> u8, default 2',
      '+ column people.y: json',
      '+ table spirits',
      '- event e',
      '+ column hit.by (event): new id of people',
      '~ seen: fact -> event',
      '+ input e',
      '+ config alpha: struct { a: list of u8, b: vec of 2 f64 }',
      '~ config beta: f64 -> f64 with nan, optional',
      '- config gone: u8',
    ]);
  });

  it('L13: comes with the migration to write', () => {
    expect(migrationSkeleton(from, to)).toBe(`migrations: {
  2: {
    tables: {
      people: {
        // Was it renamed? rename: { health: 'state' }
        drop: ['state'],
        change: {
          cell: (old, row) => todo, // u8 -> text
        },
        add: {
          y: (row) => todo, // json
        },
      },
    },
    // Was it renamed? tables: { spirits: { from: 'ghosts' } }
    dropTables: ['ghosts'],
    events: {
      hit: {
        add: {
          by: (row) => todo, // new id of people
        },
      },
    },
    dropEvents: ['e'],
    config: {
      drop: ['gone'],
    },
    tick: 'changed', // 1 day -> 1 h
  },
},`);
  });

  it('L13: shows a change that its words hide', () => {
    const names = (last: string): object => x(t.enum(...Array.from({ length: 40 }, (_, i) => `n${i}`), last));
    const lines = describeDifference(carried(names('o')), schemaOf(2, names('p')));
    expect(lines).toBe("~ a.x: enum 'n0', 'n1', 'n2', … of 41, in another way");
  });
});
