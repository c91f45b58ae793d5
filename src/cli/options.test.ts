import { expect, test } from 'vitest';
import { isWorldfoldError } from '../base/errors.ts';
import type { ColumnSpec } from '../schema/spec.ts';
import { parseConfig } from './config.ts';
import {
  collectPair,
  parseHistory,
  parseOnly,
  parseStore,
  parseTicks,
  placeText,
  storeFolder,
} from './options.ts';
import { masked } from './secrets.ts';

const refusal = (f: () => unknown): string => {
  try {
    f();
  } catch (e) {
    if (isWorldfoldError(e, 'BAD_USAGE')) return `${e.message} / ${e.hint}`;
    throw e;
  }
  return 'accepted';
};

const spec = (type: ColumnSpec['type'], optional = false): ColumnSpec => ({ type, key: false, optional });

const columns = {
  beta: spec({ type: 'f64', nan: false }),
  people: spec({ type: 'int' }),
  seats: spec({ type: 'u8' }),
  open: spec({ type: 'bool' }),
  town: spec({ type: 'text' }),
  mode: spec({ type: 'enum', names: ['calm', 'wild'] }),
  big: spec({ type: 'u64' }),
  raw: spec({ type: 'bytes' }),
  at: spec({ type: 'vec', size: 2, of: 'f64' }),
  rest: spec({ type: 'json' }, true),
};

const read = (...pairs: string[]) =>
  parseConfig(
    columns,
    pairs.reduce((map, pair) => collectPair(pair, map), new Map() as ReadonlyMap<string, string>),
  );

test('a store is memory or a SQLite file, whose name may hold a colon', () => {
  expect(parseStore('memory:')).toEqual({ kind: 'memory' });
  expect(parseStore('sqlite:a b.db')).toEqual({ kind: 'sqlite', file: 'a b.db' });
  expect(parseStore('sqlite:C:\\runs.db')).toEqual({ kind: 'sqlite', file: 'C:\\runs.db' });
  for (const bad of ['', 'sqlite:', 'runs.db', 'pglite:', 'postgres:x', 'memory', 'mysql://a:b@c'])
    expect(refusal(() => parseStore(bad))).toMatch(/names no store.*postgres:\/\//);
});

test('a store is a folder of PGlite, or a database of a server and a schema of it', () => {
  expect(parseStore('pglite:a b')).toEqual({ kind: 'pglite', folder: 'a b' });
  const url = 'postgres://me@db.example.org:5433/worlds';
  expect(parseStore(url)).toEqual({ kind: 'postgres', url, shown: url, schema: null });
  expect(parseStore('postgresql:///worlds?host=/run/pg')).toEqual({
    kind: 'postgres',
    url: 'postgresql:///worlds?host=/run/pg',
    shown: 'postgresql:///worlds?host=%2Frun%2Fpg',
    schema: null,
  });
  const place = parseStore(`postgres://me:se%2Fcret@host/db?schema=my%20own&sslmode=require&password=x`);
  expect(place).toEqual({
    kind: 'postgres',
    url: 'postgres://me:se%2Fcret@host/db?sslmode=require&password=x',
    shown: 'postgres://me@host/db?schema=my%20own&sslmode=require',
    schema: 'my own',
  });
  // What is shown names the same store again; the password comes from the environment then.
  expect(parseStore(placeText(place))).toMatchObject({ schema: 'my own', shown: placeText(place) });
  for (const bad of [
    'postgres://a b:x/c',
    'postgres://u:1/2@h/d',
    'postgres://u:1#2@h/d',
    'postgres://h/d?schema=',
  ])
    expect(refusal(() => parseStore(bad))).toMatch(/^the address of the server /);
});

test('paths in headers are seen from the folder of the store, or from where the command runs', () => {
  const folderOf = (text: string) => storeFolder(parseStore(text), '/work');
  expect(['sqlite:a/b.db', 'pglite:a/b', 'memory:', 'postgres://h/d'].map(folderOf)).toEqual([
    '/work/a',
    '/work/a',
    '/work',
    '/work',
  ]);
});

test('passwords in a text are masked, whatever they hold', () => {
  expect(masked('no postgres://me:a:b/c@d@host/db here')).toBe('no postgres://me:…@host/db here');
  expect(masked('postgres://host/db?password=a&sslpassword=b')).not.toMatch(/=[ab]/);
  expect(masked('at http://localhost:80/a and me@host')).toBe('at http://localhost:80/a and me@host');
});

test('ticks are whole numbers from 0 on', () => {
  expect(parseTicks('200')).toBe(200);
  expect(parseTicks('0')).toBe(0);
  for (const bad of ['', '-1', '1.5', '1e3', 'ten', '99999999999999999999'])
    expect(refusal(() => parseTicks(bad))).toContain('no number of ticks');
});

test('config values are read by the type of their column', () => {
  expect(
    read(
      'beta=.5',
      'people=1e3',
      'seats=7',
      'open=false',
      'town=New York',
      'mode=wild',
      'at=[1,2]',
      'raw=00ff',
    ),
  ).toEqual({
    beta: 0.5,
    people: 1000,
    seats: 7,
    open: false,
    town: 'New York',
    mode: 'wild',
    at: [1, 2],
    raw: Uint8Array.of(0, 255),
  });
  expect(read('big=18446744073709551615')).toEqual({ big: 18446744073709551615n });
  expect(read('rest=null')).toEqual({ rest: null });
});

test('a value may hold "=", an empty text is a text, and the last of a key counts', () => {
  expect(read('town=a=b')).toEqual({ town: 'a=b' });
  expect(read('town=')).toEqual({ town: '' });
  expect(read('beta=1', 'beta=2')).toEqual({ beta: 2 });
});

test('a value that its column cannot hold is refused with what would do', () => {
  const cases: [string, string][] = [
    ['beta=', 'number'],
    ['beta=much', 'number'],
    ['beta=NaN', 'number'],
    ['people=1.5', 'whole number'],
    ['open=yes', 'true | false'],
    ['mode=mild', 'calm | wild'],
    ['at=[1,', 'JSON'],
    ['raw=0', 'hexadecimal'],
    ['big=1.5', 'whole number'],
  ];
  for (const [pair, hint] of cases)
    expect(
      refusal(() => read(pair)),
      pair,
    ).toMatch(hint);
});

test('an unknown key is refused with the keys that exist', () => {
  expect(refusal(() => read('gamma=1'))).toContain("no config 'gamma' / This world knows: beta (number)");
  expect(refusal(() => read('toString=1'))).toContain("no config 'toString'");
  expect(refusal(() => parseConfig({}, new Map([['a', '1']])))).toContain('This world has no config.');
});

test('a pair needs a key', () => {
  expect(refusal(() => collectPair('beta', new Map()))).toContain('no key=value');
  expect(refusal(() => collectPair('=1', new Map()))).toContain('no key=value');
});

test('ticks of a history are a step, a list, or none; tables are a list of names', () => {
  expect(parseHistory('every=10')).toEqual({ every: 10 });
  expect(parseHistory('0,30, 60')).toEqual([0, 30, 60]);
  expect(parseHistory('7')).toEqual([7]);
  expect(parseHistory('none')).toBe('none');
  for (const text of ['every=0', 'every=', 'every=1,2', '1,,2', '-1', '1.5', 'all', '', '9007199254740993'])
    expect(
      refusal(() => parseHistory(text)),
      text,
    ).toMatch(/says no ticks \/ Write --history every=10, /);
  expect(parseOnly('people, cells')).toEqual(['people', 'cells']);
  expect(refusal(() => parseOnly('people,'))).toMatch(/no list of names \/ Write --only people,cells/);
});
