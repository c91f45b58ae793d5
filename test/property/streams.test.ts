/** L5: a draw depends on its seed, its stream, its tick and its key: on all of them, and on nothing else. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Cursor } from '../../src/base/draws.ts';
import { Streams } from '../../src/random/streams.ts';
import { EDGE_TEXTS } from '../../src/testing/arbitraries-values.ts';
import { holds } from './support/holds.ts';

/** Short texts of few letters meet at every boundary: 'a' with 'bc' and 'ab' with 'c'. */
const anyText = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', '1'), maxLength: 4 }),
  fc.constantFrom(...EDGE_TEXTS),
);
const anyTick = fc.oneof(fc.nat(40), fc.constantFrom(111, 2 ** 32, Number.MAX_SAFE_INTEGER));
const anyKey = fc.oneof(fc.integer(), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), anyText);

/** Where a draw stands. */
interface Place {
  readonly seed: string;
  readonly tick: number;
  readonly name: string;
  readonly key: number | bigint | string | null;
  /** The event that draws, where it is not a system. */
  readonly event: { readonly kind: string; readonly origin: string; readonly ordinal: number } | null;
}
const anyPlace: fc.Arbitrary<Place> = fc.record({
  seed: anyText,
  tick: anyTick,
  name: anyText,
  key: fc.option(anyKey),
  event: fc.option(fc.record({ kind: anyText, origin: anyText, ordinal: fc.nat(300) })),
});

function cursorAt({ seed, tick, name, key, event }: Place): Cursor {
  const streams = new Streams(seed);
  const rng =
    event === null
      ? streams.tick(tick).rng(name)
      : streams.applying(tick, event.kind, event.origin).at(event.ordinal).rng(name);
  return key === null ? rng : rng.of(key);
}

const drawsAt = (place: Place): number[] =>
  Array.from(
    { length: 3 },
    (
      (cursor) => () =>
        cursor.float()
    )(cursorAt(place)),
  );

/** Another value for one part of a place. */
const CHANGES: { readonly [part: string]: (place: Place, other: Place) => Place } = {
  seed: (place, { seed }) => ({ ...place, seed }),
  tick: (place, { tick }) => ({ ...place, tick }),
  name: (place, { name }) => ({ ...place, name }),
  key: (place, { key }) => ({ ...place, key }),
  event: (place, { event }) => ({ ...place, event }),
  'kind of event': (place, { event }) => changed(place, event, 'kind'),
  origin: (place, { event }) => changed(place, event, 'origin'),
  ordinal: (place, { event }) => changed(place, event, 'ordinal'),
  // A letter that goes from the name to the seed leaves both together as they were.
  'border between seed and name': (place) => {
    const [first = '', ...rest] = [...place.name];
    return { ...place, seed: `${place.seed}${first}`, name: rest.join('') };
  },
};

const changed = (place: Place, event: Place['event'], part: 'kind' | 'origin' | 'ordinal'): Place =>
  place.event === null || event === null
    ? place
    : { ...place, event: { ...place.event, [part]: event[part] } };

const textOf = (place: Place): string =>
  Object.values(place)
    .map((part) => show(part))
    .join('|');
const show = (part: unknown): string =>
  typeof part === 'object' && part !== null
    ? Object.values(part).map(show).join('/')
    : `${typeof part} ${String(part)}`;

for (const [part, change] of Object.entries(CHANGES))
  test(`L5: another ${part} gives other draws, and the same gives the same`, async () => {
    await holds(fc.tuple(anyPlace, anyPlace), 100, ([place, other]) => {
      const moved = change(place, other);
      expect(drawsAt(place)).toEqual(drawsAt(place));
      const same = textOf(moved) === textOf(place) || sameKey(moved, place);
      if (!same) expect(drawsAt(moved)).not.toEqual(drawsAt(place));
    });
  });

/** A whole number is one key, however it is written. */
const sameKey = (a: Place, b: Place): boolean =>
  typeof a.key !== 'string' &&
  typeof b.key !== 'string' &&
  a.key !== null &&
  b.key !== null &&
  BigInt(a.key) === BigInt(b.key) &&
  textOf({ ...a, key: null }) === textOf({ ...b, key: null });

test('L5: draws of a key do not depend on what else was drawn', async () => {
  await holds(
    fc.tuple(anyPlace, fc.array(anyKey, { maxLength: 5 }), fc.nat(5)),
    100,
    ([place, keys, count]) => {
      const { seed, tick, name } = place;
      const key = place.key ?? 7;
      const alone = new Streams(seed).tick(tick).rng(name).of(key).float();
      const busy = new Streams(seed).tick(tick);
      for (let i = 0; i < count; i++) busy.rng(name).float();
      for (const one of keys) busy.rng(name).of(one).float();
      busy.rng(`${name}'`).float();
      expect(busy.rng(name).of(key).float()).toBe(alone);
    },
  );
});
