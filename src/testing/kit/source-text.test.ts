/** Values as TypeScript that gives them again. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anySchema, rowOf } from '../arbitraries.ts';
import { shortText, sourceText } from './source-text.ts';

/** The value of a text, as a file with it would have it. */
const evaluated = (text: string): unknown => new Function(`'use strict'; return (${text});`)();

const rows = anySchema().chain(({ compiled }) =>
  fc.oneof(...[...compiled.tables, ...compiled.kinds].map((set) => rowOf(set))),
);

describe('sourceText', () => {
  it('L15: gives every row of every schema again, on one line', () => {
    fc.assert(
      fc.property(rows, (row) => {
        const text = sourceText(row);
        expect(text).not.toMatch(/[\n\r\u2028\u2029]/);
        expect(evaluated(text)).toEqual(
          Object.fromEntries(Object.entries(row).filter(([, v]) => v !== undefined)),
        );
      }),
      { numRuns: 300 },
    );
  });

  it.each<readonly [unknown, string]>([
    [-0, '-0'],
    [Number.NaN, 'Number.NaN'],
    [-Infinity, 'Number.NEGATIVE_INFINITY'],
    [7n, '7n'],
    ["it's \\ \n", "'it\\'s \\\\ \\u000a'"],
    ['\ud800', "'\\ud800'"],
    ['😀', "'😀'"],
    [Uint8Array.of(0, 255), 'Uint8Array.of(0, 255)'],
    [JSON.parse('{"__proto__":1,"a b":[null,true]}'), "{ ['__proto__']: 1, 'a b': [null, true] }"],
    [{ none: undefined }, '{}'],
  ])('L15: %o is as it is read', (value, text) => {
    expect(sourceText(value)).toBe(text);
    if (text !== '{}') expect(evaluated(text)).toEqual(value);
  });

  it('is cut for people where it is long', () => {
    expect(shortText({ a: 1 })).toBe('{ a: 1 }');
    expect(shortText('x'.repeat(500))).toHaveLength(120);
  });
});
