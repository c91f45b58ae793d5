import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { placedRuns, type Wave } from './waves.ts';

const run = fc.record({ kind: fc.nat(3), size: fc.nat(4), times: fc.nat(3) });
const waves: fc.Arbitrary<Wave[]> = fc.array(
  fc.record({
    origin: fc.constantFrom('a', 'b'),
    atOnce: fc.boolean(),
    runs: fc.array(run, { maxLength: 6, size: 'max' }),
  }),
  { maxLength: 6, size: 'max' },
);

test('L14: every event of a tick has one place among all and one row among those of its kind, in order', () => {
  fc.assert(
    fc.property(waves, (given) => {
      const plain = given.flatMap(({ origin, runs }) =>
        runs.flatMap(({ kind, size, times }) =>
          new Array<[string, number]>(size * times).fill([origin, kind]),
        ),
      );
      const seen = new Map<number, number>();
      const expected = plain.map(([origin, kind], place) => {
        const row = seen.get(kind) ?? 0;
        seen.set(kind, row + 1);
        return { origin, kind, place, row };
      });
      const placed = [...placedRuns(given)].flatMap(({ origin, kind, size, place, row }) =>
        Array.from({ length: size }, (_, i) => ({ origin, kind, place: place + i, row: row + i })),
      );
      expect(placed).toEqual(expected);
    }),
  );
});
