import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { backOf, backRow, kindOf, rowsOf, TYPES } from '../../test/golden/every-type.ts';
import { ByteReader, ByteWriter, hex } from '../base/bytes.ts';
import { isWorldfoldError } from '../base/errors.ts';
import { allowGeneration } from '../base/generate.ts';
import { loadHash } from '../base/hash.ts';
import { ColumnSet } from './column-set.ts';

const NAMES = Object.keys(TYPES);
const ALL = kindOf(NAMES);

beforeAll(loadHash);
afterEach(() => allowGeneration(null));

function setOf(layout = ALL, generated = true): ColumnSet {
  allowGeneration(generated ? null : false);
  const set = new ColumnSet(layout, true);
  // Both functions are made when they are first asked for.
  set.append;
  set.rowAt;
  allowGeneration(null);
  return set;
}

function filled(rows: readonly object[], layout = ALL, generated = true): ColumnSet {
  const set = setOf(layout, generated);
  for (const row of rows) set.append(row);
  return set;
}

function bytesOf(set: ColumnSet, from = 0, to = set.size): Uint8Array {
  const writer = new ByteWriter();
  set.encode(writer, from, to);
  return writer.take();
}

function decoded(bytes: Uint8Array, count: number, layout = ALL): ColumnSet {
  const set = new ColumnSet(layout, false);
  const reader = new ByteReader(bytes);
  set.decode(reader, count);
  expect(reader.left).toBe(0);
  return set;
}

const rowsIn = (set: ColumnSet): object[] => Array.from({ length: set.size }, (_, row) => set.rowAt(row));
const digests = (set: ColumnSet): string[] => set.lanes.map((lane) => hex(lane.digest(set.size)));
const rows = (max = 40) => fc.array(rowsOf(NAMES), { maxLength: max, size: 'max' });
const RUNS = { numRuns: 15 };

function refusal(act: () => void): string {
  try {
    act();
    return 'accepted';
  } catch (e) {
    return isWorldfoldError(e, 'BAD_VALUE') ? e.message : `another error: ${e}`;
  }
}

describe.each(NAMES)('a column of type %s', (name) => {
  const { edges, flaws } = TYPES[name]!;
  const layout = kindOf([name]);
  const back = edges.map((value) => backOf(name, value));
  const values = (set: ColumnSet): unknown[] => rowsIn(set).map((row) => (row as never)[name]);

  it.each([true, false])('stores its edges and reads them back (generated code: %s)', (generated) => {
    const set = filled(
      edges.map((value) => ({ [name]: value })),
      layout,
      generated,
    );
    expect(values(set)).toStrictEqual(back);
    expect(edges.map((_, row) => set.byName.get(name)!.read(row))).toStrictEqual(back);
  });

  it('comes back from its bytes, and from a part of them', () => {
    const set = filled(
      edges.map((value) => ({ [name]: value })),
      layout,
    );
    expect(values(decoded(bytesOf(set), set.size, layout))).toStrictEqual(back);
    const tail = decoded(bytesOf(set, 1, set.size), set.size - 1, layout);
    expect(values(tail)).toStrictEqual(back.slice(1));
    expect(values(decoded(bytesOf(set, 1, 1), 0, layout))).toEqual([]);
  });

  it('holds the same bytes by row, by array, from another set and in general code', () => {
    const one = filled(
      edges.map((value) => ({ [name]: value })),
      layout,
    );
    const many = setOf(layout);
    expect(many.appendMany({ [name]: edges })).toBe(edges.length);
    const copied = setOf(layout);
    copied.appendFrom(decoded(bytesOf(one), one.size, layout), 0, one.size);
    const general = filled(
      edges.map((value) => ({ [name]: value })),
      layout,
      false,
    );
    for (const set of [many, copied, general]) {
      expect(hex(bytesOf(set))).toBe(hex(bytesOf(one)));
      expect(digests(set)).toEqual(digests(one));
    }
  });

  it.each(flaws)('refuses %s by row and by array, in both codes alike', (value, message) => {
    for (const generated of [true, false]) {
      const set = filled([{ [name]: edges[0] }], layout, generated);
      const before = [hex(bytesOf(set)), digests(set)];
      const text = refusal(() => set.append({ [name]: value }));
      expect(text).toMatch(message);
      expect(text).toMatch(new RegExp(`^seen\\.${name}: `));
      expect(refusal(() => set.appendMany({ [name]: [edges[0], value] }))).toMatch(message);
      expect(set.size).toBe(1);
      expect([hex(bytesOf(set)), digests(set)]).toEqual(before);
    }
  });

  it('refuses or fills what is missing as it is declared', () => {
    const set = setOf(layout);
    if (!name.endsWith('Maybe')) {
      expect(refusal(() => set.append({}))).toBe(`seen.${name}: it is missing`);
      expect(refusal(() => set.appendMany({ [name]: [undefined] }))).toBe(`seen.${name}: it is missing`);
      return;
    }
    set.append({});
    set.appendMany({ [name]: [undefined, null] });
    expect(values(set)).toEqual([null, null, null]);
  });
});

describe('sets of every column type', () => {
  it('L3: read back what was written, over growth of the arrays', () => {
    fc.assert(
      fc.property(rows(70), (given) => {
        expect(rowsIn(filled(given))).toStrictEqual(given.map(backRow));
      }),
      RUNS,
    );
  });

  it('do the same in generated and in general code', () => {
    fc.assert(
      fc.property(rows(), (given) => {
        const [made, general] = [filled(given), filled(given, ALL, false)];
        expect(hex(bytesOf(made))).toBe(hex(bytesOf(general)));
        expect(rowsIn(made)).toStrictEqual(rowsIn(general));
      }),
      RUNS,
    );
  });

  it('come back from their bytes, wherever these lie in memory', () => {
    fc.assert(
      fc.property(rows(), fc.nat(15), fc.nat(40), (given, offset, cut) => {
        const from = Math.min(cut, given.length);
        const bytes = bytesOf(filled(given), from);
        const moved = new Uint8Array(bytes.length + offset);
        moved.set(bytes, offset);
        const set = decoded(moved.subarray(offset), given.length - from);
        expect(rowsIn(set)).toStrictEqual(given.slice(from).map(backRow));
      }),
      RUNS,
    );
  });

  it('L12: are named when they are cut, at every length', () => {
    fc.assert(
      fc.property(fc.array(rowsOf(NAMES), { minLength: 1, maxLength: 2 }), (given) => {
        const bytes = bytesOf(filled(given));
        for (let end = 0; end < bytes.length; end += 7) {
          const set = new ColumnSet(ALL, false);
          expect(() => set.decode(new ByteReader(bytes, 0, end), given.length)).toThrow(
            expect.objectContaining({ code: 'CORRUPT' }),
          );
        }
      }),
      { numRuns: 5 },
    );
  });

  it('drop a row by moving the last one into its place', () => {
    fc.assert(
      fc.property(rows(30), fc.array(fc.nat()), (given, drops) => {
        const set = filled(given);
        const model = given.map(backRow);
        for (const drop of drops) {
          if (model.length === 0) break;
          const row = drop % model.length;
          set.swapRemove(row);
          const last = model.pop()!;
          if (row < model.length) model[row] = last;
        }
        expect(rowsIn(set)).toStrictEqual(model);
        expect(hex(bytesOf(set))).toBe(hex(bytesOf(filled(model))));
        expect(digests(set)).toEqual(digests(filled(model)));
      }),
      RUNS,
    );
  });

  it('begin anew when they are cleared', () => {
    fc.assert(
      fc.property(rows(20), rows(20), (before, after) => {
        const set = filled(before);
        digests(set);
        set.clear();
        for (const row of after) set.append(row);
        expect(hex(bytesOf(set))).toBe(hex(bytesOf(filled(after))));
        expect(digests(set)).toEqual(digests(filled(after)));
      }),
      RUNS,
    );
  });

  it('show columns of exactly the rows asked for, nulls among cells, whatever was asked before', () => {
    const layout = kindOf(['textMaybe', 'json', 'u8', 'struct', 'vec']);
    const names = [...layout.byName.keys()];
    const step = fc.record({ rows: fc.array(rowsOf(names), { maxLength: 4 }), from: fc.nat(), to: fc.nat() });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const set = setOf(layout);
        const model: { [name: string]: unknown }[] = [];
        for (const { rows: given, from, to } of steps) {
          for (const row of given) set.append(row);
          model.push(...given.map(backRow));
          const [a, b] = [from % (model.length + 1), to % (model.length + 1)].sort((x, y) => x - y);
          const view = set.view(a!, b!) as { [name: string]: unknown[] };
          const part = model.slice(a, b);
          expect(view.textMaybe).toEqual(part.map((row) => row.textMaybe));
          expect(view.json).toStrictEqual(part.map((row) => row.json));
          expect([...view.u8!]).toEqual(part.map((row) => row.u8));
          expect([...view.vec!]).toEqual(part.flatMap((row) => row.vec));
          expect(rowsIn(set)).toStrictEqual(model);
        }
      }),
    );
  });
});

describe('arrays taken from a set', () => {
  it('read as undefined once the set has outgrown them', () => {
    const set = filled([{ u8: 7, vec: [1, 2, 3] }], kindOf(['u8', 'vec']));
    const { u8, vec } = set.view(0, 1) as { u8: Uint8Array; vec: Float64Array };
    expect([u8[0], vec[2]]).toEqual([7, 3]);
    set.ensure(set.capacity + 1);
    expect([u8.length, u8[0], vec[2]]).toEqual([0, undefined, undefined]);
    expect(rowsIn(set)).toEqual([{ u8: 7, vec: [1, 2, 3] }]);
  });

  it('can be appended to the set itself, whether it grows or not', () => {
    for (const reserve of [0, 1000]) {
      const set = filled(
        [
          { u8: 1, text: 'a' },
          { u8: 2, text: 'b' },
        ],
        kindOf(['u8', 'text']),
      );
      set.ensure(reserve);
      for (let i = 0; i < 5; i++) set.appendMany(set.view(0, set.size));
      expect(set.size).toBe(64);
      expect(rowsIn(set).slice(-2)).toEqual([
        { u8: 1, text: 'a' },
        { u8: 2, text: 'b' },
      ]);
    }
  });

  it('hand out bytes to keep, and lists and JSON that cannot be changed', () => {
    const set = filled(
      [{ bytes: Uint8Array.of(1), list: [1], json: { a: [1] } }],
      kindOf(['bytes', 'list', 'json']),
    );
    for (const asked of [false, true]) {
      if (asked) set.view(0, 1);
      const row = set.rowAt(0) as { bytes: Uint8Array; list: number[]; json: { a: number[] } };
      row.bytes[0] = 9;
      expect(() => row.list.push(2)).toThrow(TypeError);
      expect(() => row.json.a.push(2)).toThrow(TypeError);
      expect(set.rowAt(0)).toEqual({ bytes: Uint8Array.of(1), list: [1], json: { a: [1] } });
    }
  });
});
