import { describe, expect, it } from 'vitest';
import { isWorldfoldError } from '../base/errors.ts';
import { specOf, specsOf, t } from './columns.ts';

const plain = { key: false, optional: false };
const loose = t as unknown as Record<string, (...args: unknown[]) => any>;
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

describe('t', () => {
  it.each(['u8', 'i8', 'u16', 'i16', 'u32', 'i32', 'u64', 'i64', 'int', 'bool', 'text', 'bytes'])(
    'makes a column of %s',
    (type) => {
      expect(loose[type]!().spec).toEqual({ type: { type }, ...plain });
    },
  );
  it('says of floats whether they may be NaN', () => {
    expect(t.f32().spec.type).toEqual({ type: 'f32', nan: false });
    expect(t.f64({ nan: true }).spec.type).toEqual({ type: 'f64', nan: true });
  });
  it('keeps the names of an enum in order', () => {
    expect(t.enum('well', 'ill').spec.type).toEqual({ type: 'enum', names: ['well', 'ill'] });
  });
  it('keeps the check of json', () => {
    const check = (value: unknown) => value as number;
    expect(t.json(check).spec.type).toEqual({ type: 'json', check });
    expect(t.json().spec.type).toEqual({ type: 'json' });
  });
  it('nests structs, lists and vecs', () => {
    const { spec } = t.list(t.struct({ x: t.f64(), of: t.vec(3, 'i32') }));
    expect(spec.type).toEqual({
      type: 'list',
      of: {
        type: {
          type: 'struct',
          fields: {
            x: { type: { type: 'f64', nan: false }, ...plain },
            of: { type: { type: 'vec', size: 3, of: 'i32' }, ...plain },
          },
        },
        ...plain,
      },
    });
    expect(t.vec(2).spec.type).toEqual({ type: 'vec', size: 2, of: 'f64' });
  });
  it('names the table of references and new ids', () => {
    expect(t.id().spec).toEqual({ type: { type: 'id' }, key: true, optional: false });
    expect(t.ref('people').spec).toEqual({ type: { type: 'ref', table: 'people' }, ...plain });
    expect(t.newId('people').spec).toEqual({ type: { type: 'newId', table: 'people' }, ...plain });
  });
});

describe('a builder', () => {
  it('is immutable: every method returns another one', () => {
    const base = t.u8();
    const other = base.default(0).optional();
    expect(base.spec).toEqual({ type: { type: 'u8' }, ...plain });
    expect(other.spec).toEqual({ type: { type: 'u8' }, key: false, optional: true, fallback: { value: 0 } });
    expect(base.key().spec.key).toBe(true);
    for (const value of [base, other, base.spec, base.spec.type, other.spec.fallback])
      expect(Object.isFrozen(value)).toBe(true);
  });
  it('keeps null apart from no default', () => {
    expect(t.json<null | number>().default(null).spec.fallback).toEqual({ value: null });
    expect(t.u8().optional().spec.fallback).toBeUndefined();
    refuses(() => t.u8().default(undefined as unknown as number), 'was given no value');
  });
  it('refuses what its type means already', () => {
    refuses(() => (t.id() as any).default(1), 't.id() takes no .default()');
    refuses(() => (t.id() as any).optional(), 't.id() takes no .optional()');
    refuses(() => (t.newId('a') as any).key(), 't.newId() takes no .key()');
  });
});

describe('t refuses', () => {
  it.each<[string, () => unknown, string]>([
    ['an enum without names', () => t.enum(), 'at least one name'],
    ['an empty name', () => t.enum('a', ''), 'not empty'],
    ['a name that is no text', () => loose.enum!('a', 1), 'not empty'],
    ['a name given twice', () => t.enum('a', 'b', 'a'), 'one thing twice'],
    ['a vec of nothing', () => t.vec(0), 'at least 1'],
    ['a vec of half a number', () => t.vec(1.5), 'at least 1'],
    ['a vec of texts', () => loose.vec!(2, 'text'), "'f32', 'f64' or 'i32'"],
    ['a struct without fields', () => t.struct({}), 'at least one field'],
    ['a struct of no columns', () => loose.struct!({ x: 1 }), 't.struct.x is no column'],
    ['an optional field', () => loose.struct!({ x: t.u8().optional() }), 't.struct.x: a column inside'],
    ['a field that is a key', () => loose.struct!({ x: t.u8().key() }), 't.struct.x: a column inside'],
    ['a list of defaults', () => loose.list!(t.u8().default(1)), 't.list: a column inside'],
    ['a list of ids', () => loose.list!(t.id()), "t.id() can't stand inside"],
    ['a struct of new ids', () => loose.struct!({ x: t.newId('a') }), "t.newId() can't stand inside"],
    ['a ref to no table', () => t.ref(''), 'needs the name of a table'],
    ['a new id of no table', () => loose.newId!(), 'needs the name of a table'],
    ['a check that is no function', () => loose.json!({}), 'must be a function'],
  ])('%s', (_, build, words) => refuses(build, words));
});

describe('specsOf', () => {
  it('says which value is no column', () => {
    refuses(() => specsOf({ a: t.u8(), b: { spec: t.u8().spec } }, 'config'), 'config.b is no column');
    refuses(() => specOf(undefined, 'here'), 'here is no column');
    refuses(() => specsOf([t.u8()], 'config'), 'config must be an object');
  });
  it('takes any name as a name, also __proto__', () => {
    const specs = specsOf(protoColumns(), 'table');
    expect(Object.keys(specs)).toEqual(['__proto__', 'constructor']);
  });
});

function protoColumns(): object {
  return Object.fromEntries([
    ['__proto__', t.u8()],
    ['constructor', t.u8()],
  ]);
}
