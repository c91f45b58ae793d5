import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compiled, kindOf, TYPES } from '../../test/golden/every-type.ts';
import { isWorldfoldError } from '../base/errors.ts';
import { type AnyColumn, t } from './columns.ts';
import type { SetLayout } from './compile.ts';
import { event } from './tables.ts';
import { validRow } from './validate.ts';

const layoutOf = (columns: { [name: string]: AnyColumn }): SetLayout =>
  compiled({ events: { fired: event(columns).spec } }).kindOf.get('fired')!;

const refusal = (set: SetLayout, row: unknown): string => {
  try {
    validRow(set, row, "input 'fired'", 'BAD_INPUT');
    return 'accepted';
  } catch (e) {
    return isWorldfoldError(e, 'BAD_INPUT') ? e.message : `another error: ${e}`;
  }
};

describe('a row from outside', () => {
  it('is an object of its columns, all of them and no others', () => {
    const set = layoutOf({
      shooter: t.u8(),
      at: t.f64().default(7),
      by: t.text().optional(),
      made: t.newId('homes'),
    });
    expect(validRow(set, { shooter: 1 }, '', 'BAD_INPUT')).toEqual({
      shooter: 1,
      at: 7,
      by: null,
      made: undefined,
    });
    expect(refusal(set, { shooter: 1, shoter: 2 })).toBe(
      "input 'fired': 'shoter' is no column (there are: at, by, made, shooter)",
    );
    expect(refusal(set, {})).toBe("input 'fired': shooter: it is missing");
    expect(refusal(set, { shooter: null })).toBe(
      "input 'fired': shooter: null is refused (the column is not optional)",
    );
    expect(refusal(set, JSON.parse('{"shooter":1,"__proto__":1}'))).toMatch(/'__proto__' is no column/);
    for (const [row, text] of [
      [null, 'null'],
      [undefined, 'undefined'],
      ['a', "'a'"],
      [[], '[]'],
      [new Uint8Array(), '{}'],
    ])
      expect(refusal(set, row)).toBe(`input 'fired' is ${text}, no object with columns`);
  });

  it('names column and reason as facts', () => {
    const set = layoutOf({ pos: t.struct({ x: t.f64() }) });
    expect(() => validRow(set, { pos: { x: '1' } }, 'config', 'BAD_INPUT')).toThrow(
      expect.objectContaining({
        message: "config: pos: x: '1' is no number",
        facts: { what: 'config', column: 'pos' },
      }),
    );
  });

  it.each(Object.keys(TYPES))(
    'takes what fits type %s, and refuses what does not, by the same words as a column',
    (name) => {
      const set = kindOf([name]);
      for (const value of TYPES[name]!.edges)
        expect(validRow(set, { [name]: value }, '', 'BAD_INPUT')).toHaveProperty(name);
      for (const [value, message] of TYPES[name]!.flaws)
        expect(refusal(set, { [name]: value })).toMatch(message);
    },
  );

  it('is a copy to the bottom', () => {
    const list = t.list(t.struct({ tags: t.list(t.text()), raw: t.bytes() }));
    const set = layoutOf({ list, json: t.json(), vec: t.vec(2), raw: t.bytes() });
    const given = {
      list: [{ tags: ['a'], raw: Uint8Array.of(1) }],
      json: { a: [1] },
      vec: [1, 2],
      raw: Uint8Array.of(1),
    };
    const made = validRow(set, given, '', 'BAD_INPUT');
    const before = structuredClone(given);
    expect(made).toEqual(before);
    given.list[0]!.tags.push('b');
    given.list[0]!.raw[0] = 9;
    given.json.a.push(2);
    given.vec[0] = 9;
    given.raw[0] = 9;
    expect(made).toEqual(before);
  });

  it('gives the same, checked again', () => {
    const names = Object.keys(TYPES);
    const set = kindOf(names);
    const row = fc.record(Object.fromEntries(names.map((name) => [name, TYPES[name]!.values])));
    fc.assert(
      fc.property(row, (given) => {
        const made = validRow(set, given, '', 'BAD_INPUT');
        expect(validRow(set, made, '', 'BAD_INPUT')).toEqual(made);
      }),
      { numRuns: 30 },
    );
  });
});

describe('the check of a json column', () => {
  const even = (value: unknown): unknown => {
    if (typeof value !== 'number') throw new RangeError('a number, please');
    return value * 2;
  };

  it('decides, and may change the value', () => {
    const set = layoutOf({ data: t.json(even) });
    expect(validRow(set, { data: 3 }, '', 'BAD_INPUT')).toEqual({ data: 6 });
    expect(refusal(set, { data: 'x' })).toBe("input 'fired': data: a number, please");
  });

  it('runs inside structs and lists, and on defaults, but not on null', () => {
    const data = t.json(even);
    const set = layoutOf({
      list: t.list(t.struct({ deep: t.list(data) })),
      some: data.default(5),
      none: data.optional(),
    });
    expect(validRow(set, { list: [{ deep: [1, 2] }], none: null }, '', 'BAD_INPUT')).toEqual({
      list: [{ deep: [2, 4] }],
      some: 10,
      none: null,
    });
    expect(refusal(set, { list: [{ deep: [1, 'x'] }] })).toBe("input 'fired': list: a number, please");
  });

  it('must return JSON, and throw what can be told', () => {
    const given = (check: () => unknown): string => refusal(layoutOf({ data: t.json(check) }), { data: 1 });
    expect(given(() => undefined)).toBe("input 'fired': data: its check returned nothing");
    expect(given(() => ({ at: 1n }))).toBe(
      "input 'fired': data: data.at cannot be stored as JSON: a bigint has no JSON form",
    );
    expect(
      given(() => {
        throw 'a word';
      }),
    ).toBe("input 'fired': data: 'a word'");
  });
});
