import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { allowGeneration, generate, quote } from './generate.ts';
import { fromUtf8, textFlaw, utf8, utf8Into } from './text.ts';

afterEach(() => allowGeneration(null));

describe('generated code', () => {
  it('sees its values by name, and none of another factory of the same text', () => {
    const make = (x: number) => generate<() => number>({ x }, 'return () => x;')!;
    const [one, two] = [make(1), make(2)];
    expect([one(), two()]).toEqual([1, 2]);
  });

  it('is null where code may not be generated', () => {
    allowGeneration(false);
    expect(generate({}, 'return 1')).toBeNull();
    allowGeneration(null);
    expect(generate({}, 'return 1')).toBe(1);
  });

  it('must return something', () => {
    expect(() => generate({}, '')).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  });

  it('holds any text as a literal', () => {
    const units = fc.array(fc.nat(0xffff)).map((codes) => String.fromCharCode(...codes));
    fc.assert(
      fc.property(fc.oneof(units, fc.string()), (text) => {
        expect(generate({}, `return { text: ${quote(text)} }`)).toEqual({ text });
      }),
    );
  });
});

describe('text at the boundary', () => {
  it('is Unicode scalar values without U+0000', () => {
    expect(textFlaw('')).toBeNull();
    expect(textFlaw('a😀\uffff\u0001')).toBeNull();
    expect(textFlaw('a\0')).toMatch(/U\+0000/);
    for (const text of ['\ud83d', 'a\ude00', '\ude00\ud83d'])
      expect(textFlaw(text)).toMatch(/lone surrogate/);
  });

  it('goes to UTF-8 and back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(5), (text, at) => {
        expect(fromUtf8(utf8(text))).toBe(text);
        const room = new Uint8Array(at + text.length * 3);
        const length = utf8Into(text, room, at);
        expect(room.subarray(at, at + length)).toEqual(utf8(text));
      }),
    );
    expect(() => fromUtf8(Uint8Array.of(0xed, 0xa0, 0x80))).toThrow(
      expect.objectContaining({ code: 'CORRUPT' }),
    );
  });
});
