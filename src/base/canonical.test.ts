import vm from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, parseCanonical, show } from './canonical.ts';
import { isWorldfoldError } from './errors.ts';

const refusal = (value: unknown): string => {
  try {
    return `accepted: ${canonicalJson(value, 'v')}`;
  } catch (e) {
    return isWorldfoldError(e, 'BAD_VALUE') ? e.message : `another error: ${e}`;
  }
};

describe('canonical JSON', () => {
  it('puts keys in order of code units, at every depth', () => {
    // U+10000 is written as surrogates, which sort before U+E000 by code units and behind it by code points.
    const value = { b: { z: 1, a: 2 }, '\u{10000}': 3, '\ue000': 4, Z: 5, a: 6, '10': 7, '9': 8 };
    expect(canonicalJson(value)).toBe(
      '{"10":7,"9":8,"Z":5,"a":6,"b":{"a":2,"z":1},"\u{10000}":3,"\ue000":4}',
    );
  });

  it('says the same of the same value, however its object was built', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (made) => {
        const turned = Object.fromEntries(Object.entries(made).reverse());
        expect(canonicalJson(turned)).toBe(canonicalJson(made));
      }),
    );
  });

  it('comes back as the value it was', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const plain = JSON.parse(JSON.stringify(value));
        expect(parseCanonical(canonicalJson(value))).toEqual(plain);
        expect(canonicalJson(parseCanonical(canonicalJson(value)))).toBe(canonicalJson(value));
      }),
    );
  });

  it.each([
    [0, '0'],
    [-0, '0'],
    [1e21, '1e+21'],
    [1e-7, '1e-7'],
    [123456789012345680000, '123456789012345680000'],
    [2 ** 53, '9007199254740992'],
    [5e-324, '5e-324'],
    [0.1 + 0.2, '0.30000000000000004'],
  ])('writes the number %s as %s', (value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  it('carries __proto__ as an ordinary key both ways', () => {
    const given = JSON.parse('{"a":1,"__proto__":{"polluted":true}}');
    const text = canonicalJson(given);
    expect(text).toBe('{"__proto__":{"polluted":true},"a":1}');
    const back = parseCanonical(text) as object;
    expect(Object.keys(back)).toEqual(['__proto__', 'a']);
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('leaves undefined properties out, and takes objects without a prototype or of another realm', () => {
    expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}');
    expect(canonicalJson(Object.assign(Object.create(null), { b: 1 }))).toBe('{"b":1}');
    expect(canonicalJson(vm.runInNewContext('({ b: [1] })'))).toBe('{"b":[1]}');
  });

  it.each<[string, unknown, string]>([
    [
      '1e400 read from JSON',
      JSON.parse('{"x":[1e400]}'),
      'v.x[0] cannot be stored as JSON: Infinity has no JSON form',
    ],
    ['NaN', { a: Number.NaN }, 'v.a cannot be stored as JSON: NaN has no JSON form'],
    ['undefined in an array', [1, undefined], 'v[1] cannot be stored as JSON: undefined has no JSON form'],
    ['a hole in an array', Array(1), 'v[0] cannot be stored as JSON: undefined has no JSON form'],
    [
      'a name on an array',
      Object.assign([1], { n: 1 }),
      'v cannot be stored as JSON: it is an array with named properties',
    ],
    ['undefined itself', undefined, 'v cannot be stored as JSON: undefined has no JSON form'],
    ['a big integer', { a: 1n }, 'v.a cannot be stored as JSON: a bigint has no JSON form'],
    ['a function', { toJSON: () => 1 }, 'v.toJSON cannot be stored as JSON: a function has no JSON form'],
    ['a symbol', Symbol('s'), 'v cannot be stored as JSON: a symbol has no JSON form'],
    ['a date', { at: new Date(0) }, 'v.at cannot be stored as JSON: it is a Date, no plain object'],
    ['a map', new Map(), 'v cannot be stored as JSON: it is a Map, no plain object'],
    ['a typed array', new Uint8Array(1), 'v cannot be stored as JSON: it is a Uint8Array, no plain object'],
    [
      'an instance of a class',
      new (class Cat {})(),
      'v cannot be stored as JSON: it is a Cat, no plain object',
    ],
    [
      'half a surrogate pair',
      ['\ud800'],
      'v[0] cannot be stored as JSON: it holds a lone surrogate, which has no UTF-8 form',
    ],
    [
      'half a pair in a key',
      { '\udc00': 1 },
      'v cannot be stored as JSON: it holds a lone surrogate, which has no UTF-8 form',
    ],
    ['U+0000', 'a\0b', 'v cannot be stored as JSON: it holds U+0000, which SQL text cannot hold'],
  ])('refuses %s', (_, value, message) => {
    expect(refusal(value)).toBe(message);
  });

  it('refuses an instance whose class has no prototype above it', () => {
    function Bare(this: object): void {}
    Bare.prototype = Object.assign(Object.create(null), { inherited: 1 });
    expect(refusal(new (Bare as never as { new (): object })())).toMatch(/no plain object$/);
  });

  it('refuses cycles by their depth, and takes 200 levels', () => {
    const loop: unknown[] = [];
    loop.push(loop, loop);
    expect(refusal(loop)).toMatch(/nested deeper than 200 levels, or refers to itself$/);
    const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
    expect(canonicalJson(nested(200))).toHaveLength(401);
    expect(refusal(nested(201))).toMatch(/200 levels/);
  });

  it('calls text that is no JSON corrupt', () => {
    for (const text of ['', '{', "{'a':1}", '{"a":1}x'])
      expect(() => parseCanonical(text)).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
  });
});

describe('a value in a message', () => {
  it('is short, whole text, and never throws', () => {
    const loop: { self?: unknown } = {};
    loop.self = loop;
    expect(show(-0)).toBe('-0');
    expect(show(3n)).toBe('3n');
    expect(show('a')).toBe("'a'");
    expect(show(() => 1)).toBe('a function');
    expect(show(Symbol('x'))).toBe('Symbol(x)');
    expect(show({ a: 1n })).toBe('[object Object]');
    expect(show(loop)).toBe('[object Object]');
    expect(show({ toJSON: () => undefined })).toBe('[object Object]');
    for (const long of ['x'.repeat(56) + '😀'.repeat(9), { a: 'x'.repeat(51) + '😀'.repeat(9) }, '\ud800']) {
      const text = show(long);
      expect(text.length).toBeLessThanOrEqual(60);
      expect(text.isWellFormed()).toBe(true);
    }
  });
});
