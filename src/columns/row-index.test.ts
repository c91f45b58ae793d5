import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyIndex } from './key-index.ts';
import { RowIndex } from './row-index.ts';

type Values = (number | string | null)[];

function check(index: RowIndex, values: Values): void {
  for (const value of [0, 1, 2, 'a', null])
    expect([...index.rows(value, values.length)]).toEqual(
      values.flatMap((held, row) => (held === value ? [row] : [])),
    );
}

describe('an index of rows', () => {
  it('depends on the values alone, and never on how they came to be', () => {
    const value = fc.constantFrom(0, 1, 2, 'a', null);
    // More rows come than go: buckets of a row or two are in order whatever is done to them.
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ add: value }) },
      { weight: 3, arbitrary: fc.record({ change: fc.nat(), to: value }) },
      fc.record({ drop: fc.nat() }),
      fc.record({ raw: fc.nat(), to: value }),
      fc.record({ look: value }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
        const values: Values = [];
        const index = new RowIndex((row) => values[row]!);
        for (const s of steps) {
          if ('add' in s) {
            values.push(s.add);
            index.add(s.add, values.length - 1);
          } else if ('look' in s) check(index, values);
          else if (values.length === 0) continue;
          else if ('change' in s) {
            const row = s.change % values.length;
            index.remove(values[row]!, row);
            values[row] = s.to;
            index.add(s.to, row);
          } else if ('raw' in s) {
            values[s.raw % values.length] = s.to;
            index.drop();
          } else {
            const row = s.drop % values.length;
            const last = values.length - 1;
            index.remove(values[row]!, row);
            if (row !== last) index.remove(values[last]!, last);
            values[row] = values[last]!;
            values.pop();
            if (row !== last) index.add(values[row]!, row);
          }
        }
        check(index, values);
      }),
      { numRuns: 300 },
    );
  });

  it('is built anew for every reader while it is held', () => {
    const values: Values = [1, 1];
    const index = new RowIndex((row) => values[row]!);
    index.hold();
    index.hold();
    for (const [row, value] of [
      [0, 2],
      [1, 2],
      [0, 1],
    ] as const) {
      values[row] = value;
      check(index, values);
    }
    index.release();
    values[1] = 0;
    check(index, values);
    index.release();
    check(index, values);
  });
});

describe('an index of keys', () => {
  it('tells dense and sparse ids apart by nothing', () => {
    // Numbers that are no ids may be keys as well, and 0 is one of them.
    const id = fc.oneof(fc.nat(200), fc.integer({ min: 1, max: 4294967295 }), fc.constant(0));
    fc.assert(
      fc.property(fc.array(fc.tuple(id, fc.nat(2)), { maxLength: 40, size: 'max' }), (steps) => {
        const index = new KeyIndex(true);
        const model = new Map<number, number>();
        steps.forEach(([key, what], row) => {
          if (what === 0) {
            index.delete(key);
            model.delete(key);
          } else {
            index.set(key, row);
            model.set(key, row);
          }
          for (const [known] of steps) expect(index.get(known)).toBe(model.get(known) ?? -1);
        });
        index.clear();
        for (const [known] of steps) expect(index.get(known)).toBe(-1);
      }),
    );
  });

  it('holds little for few ids, however large', () => {
    const index = new KeyIndex(true) as unknown as Pick<KeyIndex, keyof KeyIndex> & {
      dense: Uint32Array | null;
    };
    for (let key = 1; key <= 1000; key++) index.set(key, key);
    index.set(60_000, 1);
    expect(index.dense!.length).toBeLessThan(70_000);
    index.set(4_294_967_295, 2);
    expect(index.dense).toBeNull();
    expect([index.get(1000), index.get(60_000), index.get(4_294_967_295)]).toEqual([1000, 1, 2]);
  });

  it('finds the key 0 when it has given way to a map', () => {
    const index = new KeyIndex(true);
    index.set(0, 3);
    index.set(4_294_967_295, 2);
    expect([index.get(0), index.get(1)]).toEqual([3, -1]);
  });
});
