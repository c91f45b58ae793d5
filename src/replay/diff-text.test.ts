import { beforeAll, expect, test } from 'vitest';
import { copyOf, edit } from '../../test/property/support/worlds.ts';
import { loadHash } from '../base/hash.ts';
import { diffWorlds } from '../projections/world-diff.ts';
import { WorldState } from '../projections/world-state.ts';
import { t } from '../schema/columns.ts';
import { SOURCES } from '../schema/compile.ts';
import { defineSchema, type Schema } from '../schema/define.ts';
import { event, singleton, table } from '../schema/tables.ts';
import { differenceText } from './diff-text.ts';

beforeAll(loadHash);

interface Rows {
  insert(row: object): unknown;
  update(key: unknown, patch: object): void;
  delete(key: unknown): void;
  set(patch: object): void;
}
type World = { readonly [table: string]: Rows };

const declared = (tables: object): Schema<never> =>
  defineSchema({ name: 'town', version: 1, tables, events: { e: event({}) } } as never) as never;
const town = declared({
  people: table({
    id: t.id(),
    health: t.enum('well', 'ill'),
    pos: t.struct({ x: t.f64(), y: t.f64() }),
  }),
  ties: table({ from: t.u32(), to: t.u32(), note: t.text() }, { key: ['from', 'to'] }),
  weather: singleton({ rain: t.f64().default(0) }),
});

const filled = ({ compiled }: Schema<never>, work: (world: World) => void): WorldState => {
  const state = new WorldState(compiled);
  edit(state, work);
  return state;
};
const base = (): WorldState =>
  filled(town, ({ people, ties }) => {
    for (let i = 0; i < 1200; i++) people!.insert({ health: 'well', pos: { x: i / 2, y: 0 } });
    for (let i = 0; i < 3; i++) ties!.insert({ from: i, to: i + 1, note: '' });
  });
const textOf = (change: (world: World) => void, options?: { readonly limit: number }): string[] => {
  const a = base();
  const b = copyOf(a);
  edit(b, change);
  return differenceText(diffWorlds(a, b, options), ['before', 'after']).split('\n');
};

test('equal worlds', () => {
  expect(differenceText(diffWorlds(base(), base()))).toBe('the two worlds are equal');
});

test('tables, rows and values, each said once', () => {
  const lines = textOf(({ people, ties, weather }) => {
    people!.update(512, { health: 'ill', pos: { x: -0, y: 1e21 } });
    people!.update(1200, { health: 'ill' });
    people!.insert({ health: 'well', pos: { x: 1, y: 2 } });
    ties!.delete({ from: 0, to: 1 });
    weather!.set({ rain: 0.25 });
  });
  expect(lines).toEqual([
    '3 tables differ',
    'people  1,200 rows in before, 1,201 in after, 3 differ',
    '  next id: 1,201 in before, 1,202 in after',
    '  changed: health in 2, pos.x in 1, pos.y in 1',
    '    id    column  before  after',
    '    512   health  well    ill',
    '          pos.x   255.5   -0',
    '          pos.y   0       1e+21',
    '    1200  health  well    ill',
    '  only in after: 1 row',
    '    id    values',
    '    1201  health well, pos {x: 1, y: 2}',
    'ties  3 rows in before, 2 in after, 2 differ',
    '  only in before: 1 row',
    '    from  to  values',
    '    0     1   note ""',
    '  in another place: 1 row',
    '    from  to  row in before  row in after',
    '    2     3   2              0',
    'weather  1 row, 1 differs',
    '  changed: rain in 1',
    '    column  before  after',
    '    rain    0       0.25',
  ]);
});

test('what the limit left out is counted', () => {
  const work = ({ people }: World): void => {
    for (let id = 1; id <= 1100; id++) people!.update(id, { health: 'ill' });
    people!.delete(1150);
  };
  expect(textOf(work, { limit: 3 })).toEqual([
    '1 table differs',
    'people  1,200 rows in before, 1,199 in after, 1,102 differ',
    '  changed: health in 1,100',
    '    id  column  before  after',
    '    1   health  well    ill',
    '    … 1,099 more',
    '  only in before: 1 row',
    '    id    values',
    '    1150  health well, pos {x: 574.5, y: 0}',
    '  in another place: 1 row',
    '    id    row in before  row in after',
    '    1200  1,199          1,149',
  ]);
  expect(textOf(work, { limit: 0 }).slice(2)).toEqual([
    '  changed: health in 1,100',
    '    … 1,100 more',
    '  only in before: 1 row',
    '    … 1 more',
    '  in another place: 1 row',
    '    … 1 more',
  ]);
});

test('a changed row that stands elsewhere says where', () => {
  const lines = textOf(({ ties }) => {
    ties!.delete({ from: 0, to: 1 });
    ties!.update({ from: 2, to: 3 }, { note: 'new' });
    ties!.update({ from: 1, to: 2 }, { note: 'new' });
  });
  expect(lines.slice(2, 6)).toEqual([
    '  changed: note in 2',
    '    from  to  row    column  before  after',
    '    1     2   1      note    ""      new',
    '    2     3   2 → 0  note    ""      new',
  ]);
});

test('long values are cut, and nothing in them moves the cursor', () => {
  const noted = (note: string): string =>
    textOf(({ ties }) => ties!.update({ from: 0, to: 1 }, { note }))
      .at(-1)!
      .slice('    0     1   note    ""      '.length);
  expect(noted('two words')).toBe('"two words"');
  expect(noted('\u001b[31mred\u009b\u202e')).toBe('"\\u001b[31mred\\u{9b}\\u{202e}"');
  expect(noted('x'.repeat(1000))).toBe(`${'x'.repeat(39)}…`);
  expect(noted('😀'.repeat(41))).toBe(`${'😀'.repeat(39)}…`);
  expect(noted('😀'.repeat(40))).toBe('😀'.repeat(40));
  expect(noted(`a${'😀'.repeat(1000)}`)).toBe(`a${'😀'.repeat(38)}…`);
});

test('values of every form stand on one line', () => {
  const forms = declared({
    all: table({
      id: t.id(),
      big: t.i64().default(0n),
      bytes: t.bytes().default(new Uint8Array(0)),
      json: t.json().optional(),
      list: t.list(t.text()).default([]),
      on: t.bool().default(false),
      speed: t.f64({ nan: true }).default(0),
    }),
  });
  const a = filled(forms, ({ all }) => void all!.insert({}));
  const b = copyOf(a);
  edit(b, ({ all }: World) =>
    all!.update(1, {
      big: -(2n ** 63n),
      bytes: Uint8Array.of(0, 171),
      json: { deep: [1, 'two', null] },
      list: ['x', ''],
      on: true,
      speed: Number.NaN,
    }),
  );
  expect(differenceText(diffWorlds(a, b)).split('\n').slice(3)).toEqual([
    '    id  column  a         b',
    '    1   big     0         -9223372036854775808',
    '        bytes   no bytes  00ab (2 bytes)',
    '        json    null      {deep: [1, "two", null]}',
    '        list    []        ["x", ""]',
    '        on      false     true',
    '        speed   0         NaN',
  ]);
});

test('input sources are called so; schemas that differ are told first', () => {
  const a = filled(
    declared({ people: table({ id: t.id(), age: t.u8() }), old: table({ id: t.id() }) }),
    ({ people }) => void people!.insert({ age: 4 }),
  );
  const b = filled(
    declared({ people: table({ code: t.text().key(), age: t.u16() }) }),
    ({ people }) => void people!.insert({ code: 'c', age: 4 }),
  );
  edit(b, ({ people }: World) => people!.insert({ code: 'd', age: 5 }));
  b.tables.get(SOURCES)!.insert({ source: 'gate', seq: 4 });
  expect(differenceText(diffWorlds(a, b)).split('\n')).toEqual([
    'the schemas of a and b differ',
    'declared only in a: old',
    '2 tables differ',
    'input sources  0 rows in a, 1 in b, 1 differs',
    '  only in b: 1 row',
    '    source  values',
    '    gate    seq 4',
    'people  1 row in a, 2 in b, 2 differ',
    '  declared only in a: id',
    '  declared only in b: code',
    '  declared otherwise: age',
    '  matched by row number: the two have no key in common',
    '  next id: 2 in a, 1 in b',
    '  changed: age in 1',
    '    row  column  a  b',
    '    0    age     4  4',
    '  only in b: 1 row',
    '    row  values',
    '    1    age 5, code d',
  ]);
});
