import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import fc from 'fast-check';
import seedrandom from 'seedrandom';
import { describe, expect, test, vi } from 'vitest';
import type { Cursor, Rng } from '../base/draws.ts';
import { digest, seedText, wordOf } from './digest.ts';
import { KeyedCursor, StreamKey, TextKeys } from './keyed.ts';
import { Streams } from './streams.ts';
import { parityOf, threefry } from './threefry.ts';

const badUsage = expect.objectContaining({ code: 'BAD_USAGE' });
const text = fc.string({ unit: 'binary' }).filter((s) => !/\p{Surrogate}/u.test(s));
const whole = fc.oneof(fc.nat(1000), fc.maxSafeInteger());
const key = fc.oneof(whole, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), text);

const take = (cursor: Cursor, n = 5): number[] => Array.from({ length: n }, () => cursor.float());

/** Any use of a stream: what a law must not depend on. */
const use = fc.array(
  fc.oneof(fc.record({ of: key, n: fc.nat(5) }), fc.record({ of: fc.constant(undefined), n: fc.nat(5) })),
);
function draw(rng: Rng, uses: readonly { of: number | bigint | string | undefined; n: number }[]): void {
  for (const { of, n } of uses) take(of === undefined ? rng : rng.of(of), n);
}

/** The float that a block of Threefry gives, by the documented layout and no code of the streams. */
function expectedFloat(bytes: Uint8Array, counter: readonly number[], half: 0 | 1): number {
  const [k0, k1, k2, k3] = [0, 1, 2, 3].map((i) => wordOf(bytes, i)) as [number, number, number, number];
  const out = { w0: 0, w1: 0, w2: 0, w3: 0 };
  const [a, b, c, d] = counter as [number, number, number, number];
  threefry({ k0, k1, k2, k3, k4: parityOf(k0, k1, k2, k3) }, a, b, c, d, out);
  const [high, low] = half === 0 ? [out.w0, out.w1] : [out.w2, out.w3];
  return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;
}

describe('the documented generators', () => {
  test("L15: a sequence is seedrandom's Alea on the first 16 bytes of the digest", () => {
    fc.assert(
      fc.property(text, text, fc.nat(), (seed, name, tick) => {
        const reference = seedrandom.alea(seedText(digest('sequential', seed, name, String(tick))));
        const drawn = take(new Streams(seed).tick(tick).rng(name));
        expect(drawn).toEqual(drawn.map(() => reference.double()));
      }),
    );
  });

  test('L15: keyed draws are Threefry blocks under the digest, counted by block, key and domain', () => {
    const bytes = digest('keyed', 'seed', 'name', '7');
    const rng = new Streams('seed').tick(7).rng('name');
    const min = -(2 ** 63);
    const hash = digest('text key', 'ann');
    const cases: [number | bigint | string, number, number, number][] = [
      [0, 0, 0, 0],
      [5, 0, 5, 0],
      [2 ** 31, 0, 2 ** 31, 0],
      [2 ** 40 + 3, 0, 3, 256],
      [-1, 1 << 30, -1, -1],
      [-(2 ** 40), 1 << 30, 0, -256],
      [BigInt(min), 1 << 30, 0, 1 << 31],
      [2n ** 64n - 1n, 0, -1, -1],
      [(7n << 32n) | 9n | (1n << 63n), 0, 9, (1 << 31) | 7],
      ['ann', 2 << 30, wordOf(hash, 0), wordOf(hash, 1)],
    ];
    for (const [of, domain, low, high] of cases) {
      const expected = [0, 1, 2].flatMap((block) => {
        const counter = [domain + block, low, high, 0];
        return [expectedFloat(bytes, counter, 0), expectedFloat(bytes, counter, 1)];
      });
      expect(take(rng.of(of), 6)).toEqual(expected);
    }
  });

  test('L15: an applied event draws from blocks that carry its ordinal, its sequence from a domain of its own', () => {
    const bytes = digest('applied', 'seed', 'settled', '7', 'market', 'name');
    const at = new Streams('seed').applying(7, 'settled', 'market').at(4_000_000_000);
    const sequence = [3 << 30, 0, 0, 4_000_000_000];
    const keyed = [0, 5, 0, 4_000_000_000];
    expect(take(at.rng('name'), 2)).toEqual([
      expectedFloat(bytes, sequence, 0),
      expectedFloat(bytes, sequence, 1),
    ]);
    expect(take(at.rng('name').of(5), 2)).toEqual([
      expectedFloat(bytes, keyed, 0),
      expectedFloat(bytes, keyed, 1),
    ]);
  });
});

describe('streams of a tick', () => {
  test('L5: the same seed, name and tick draw the same, whatever other streams did', () => {
    fc.assert(
      fc.property(text, text, text, fc.nat(), use, (seed, name, other, tick, uses) => {
        fc.pre(name !== other);
        const quiet = new Streams(seed).tick(tick);
        const busy = new Streams(seed);
        draw(busy.tick(tick + 1).rng(name), uses);
        const now = busy.tick(tick);
        draw(now.rng(other), uses);
        expect(take(now.rng(name))).toEqual(take(quiet.rng(name)));
      }),
    );
  });

  test('L6: keyed draws depend on nothing but (seed, name, tick, key), and begin anew for each cursor', () => {
    fc.assert(
      fc.property(text, text, fc.nat(), key, use, use, (seed, name, tick, of, before, between) => {
        const fresh = take(new Streams(seed).tick(tick).rng(name).of(of));
        const rng = new Streams(seed).tick(tick).rng(name);
        draw(rng, before);
        const cursor = rng.of(of);
        const first = take(cursor, 2);
        draw(rng, between);
        expect(take(rng.of(of))).toEqual(fresh);
        expect([...first, ...take(cursor, 3)]).toEqual(fresh);
      }),
    );
  });

  test('the sequence does not depend on keyed draws', () => {
    fc.assert(
      fc.property(text, fc.array(key), (name, keys) => {
        const rng = new Streams('s').tick(1).rng(name);
        const mixed = [0, 1, 2].map(() => {
          for (const of of keys) rng.of(of).float();
          return rng.float();
        });
        expect(mixed).toEqual(take(new Streams('s').tick(1).rng(name), 3));
      }),
    );
  });

  test('different keys, names, ticks and seeds draw differently, numbers and texts of one look too', () => {
    const streams = new Streams('s');
    const rng = streams.tick(1).rng('n');
    const firsts = [
      ...[0, 1, -1, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1, -(2 ** 32), 2n ** 64n - 1n, 2n ** 63n].map((k) =>
        rng.of(k),
      ),
      ...['', '0', '1', '-1', 'a', 'A'].map((k) => rng.of(k)),
      rng,
      ...[0, 2, 11].map((tick) => streams.tick(tick).rng('n').of(0)),
      ...['', 'N', 'n1', 'nn'].map((name) => streams.tick(1).rng(name).of(0)),
      ...['', 'S', 'ss'].map((seed) => new Streams(seed).tick(1).rng('n').of(0)),
      streams.applying(1, 'n', '').at(0).rng('n'),
      streams.applying(1, 'n', '').at(0).rng('n').of(0),
      streams.applying(1, 'n', '').at(1).rng('n').of(0),
      streams.applying(2, 'n', '').at(0).rng('n').of(0),
      streams.applying(1, '', 'n').at(0).rng('n').of(0),
    ].map((cursor) => cursor.float());
    expect(new Set(firsts).size).toBe(firsts.length);
  });

  test('a number and a bigint of one value are one key', () => {
    const rng = new Streams('s').tick(0).rng('n');
    fc.assert(
      fc.property(whole, (of) => {
        expect(take(rng.of(BigInt(of)))).toEqual(take(rng.of(of)));
      }),
    );
    expect(take(rng.of(-0))).toEqual(take(rng.of(0)));
  });

  test.each([
    0.5,
    NaN,
    Infinity,
    2 ** 53,
    -(2 ** 53),
    2n ** 64n,
    -(2n ** 63n) - 1n,
    '\ud800',
    null,
    undefined,
    {},
  ])('refuses the key %s', (bad) => {
    const rng = new Streams('s').tick(0).rng('n');
    expect(() => rng.of(bad as number)).toThrow(badUsage);
    expect(() =>
      new Streams('s')
        .applying(0, 'k', 'o')
        .at(0)
        .rng('n')
        .of(bad as number),
    ).toThrow(badUsage);
  });

  test('L5: a stream is one object for its tick, and its draws are counted by name', () => {
    const now = new Streams('s').tick(3);
    const b = now.rng('b');
    expect(now.rng('b')).toBe(b);
    b.float();
    b.floats(new Float64Array(3));
    b.of(1).normals(new Float64Array(5));
    b.of('x').shuffle([1, 2, 3]);
    now.rng('unused').of(4);
    now.rng('\u{10000}').float();
    now.rng('\uffff').float();
    now.rng('a').of(7n).chance(0.5);
    expect(now.draws()).toEqual([
      { stream: 'a', draws: 1 },
      { stream: 'b', draws: 11 },
      { stream: '\u{10000}', draws: 1 },
      { stream: '\uffff', draws: 1 },
    ]);
  });

  test('refuses seeds, names, kinds, origins and ticks that mean nothing', () => {
    const streams = new Streams('s');
    expect(() => new Streams('\ud800')).toThrow(badUsage);
    expect(() => new Streams(1 as unknown as string)).toThrow(badUsage);
    for (const tick of [-1, 0.5, NaN, 2 ** 53]) {
      expect(() => streams.tick(tick)).toThrow(badUsage);
      expect(() => streams.applying(tick, 'k', 'o')).toThrow(badUsage);
    }
    expect(() => streams.tick(0).rng('\udfff')).toThrow(badUsage);
    expect(() => streams.tick(0).rng(undefined as unknown as string)).toThrow(badUsage);
    expect(() => streams.applying(0, '\ud800', 'o')).toThrow(badUsage);
    expect(() => streams.applying(0, 'k', '\ud800')).toThrow(badUsage);
    expect(() => streams.applying(0, 'k', 'o').at(0).rng('\ud800')).toThrow(badUsage);
    for (const bad of [-1, 0.5, NaN, 2 ** 32])
      expect(() => streams.applying(0, 'k', 'o').at(bad)).toThrow(badUsage);
  });
});

describe('streams of an applied event', () => {
  test('L3: an event draws the same at every fold, in any order of events, and its streams go on within it', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(), { minLength: 1, maxLength: 6 }), use, (ordinals, uses) => {
        const folded = (order: readonly number[]): Map<number, number[]> => {
          const streams = new Streams('s').applying(9, 'settled', 'market');
          return new Map(
            order.map((ordinal) => {
              const at = streams.at(ordinal);
              const first = take(at.rng('x'), 1);
              draw(at.rng('y'), uses);
              return [ordinal, [...first, ...take(at.rng('x'), 2), at.rng('x').of(ordinal).float()]];
            }),
          );
        };
        const forward = folded(ordinals);
        expect(folded([...ordinals].reverse())).toEqual(new Map([...forward].reverse()));
        expect(new Set([...forward.values()].flat()).size).toBe(4 * ordinals.length);
      }),
    );
  });

  test('L3: events that are open at once do not disturb each other', () => {
    const streams = new Streams('s').applying(9, 'settled', 'market');
    const [a, b] = [streams.at(0), streams.at(1)];
    const mixed = [a.rng('x').float(), b.rng('x').float(), a.rng('x').float(), b.rng('x').float()];
    const [c, d] = [take(streams.at(0).rng('x'), 2), take(streams.at(1).rng('x'), 2)];
    expect(mixed).toEqual([c[0], d[0], c[1], d[1]]);
  });

  test('a stream is one object for its event', () => {
    const at = new Streams('s').applying(9, 'settled', 'market').at(3);
    const named = ['x', 'y', 'x', 'z', 'y', 'x', 'z'].map((name) => [name, at.rng(name)] as const);
    for (const [name, rng] of named) expect(at.rng(name)).toBe(rng);
    expect(new Set(named.map(([, rng]) => rng)).size).toBe(3);
  });
});

test('a digest is made at the first draw, and once for the events of one kind, origin and name', async () => {
  const made: number[] = [];
  vi.resetModules();
  vi.doMock('../base/platform.ts', () => ({
    sha256: (bytes: Uint8Array) => {
      made.push(bytes.length);
      return new Uint8Array(createHash('sha256').update(bytes).digest());
    },
  }));
  try {
    const fresh: typeof import('./streams.ts') = await import('./streams.ts');
    const streams = new fresh.Streams('s');
    const applying = streams.applying(1, 'k', 'o');
    const rng = streams.tick(1).rng('n');
    applying.at(0).rng('n').of(1);
    rng.of(1);
    expect(made).toHaveLength(0);
    for (let i = 0; i < 100; i++) applying.at(i).rng('n').float();
    expect(made).toHaveLength(1);
    for (let i = 0; i < 100; i++) rng.of(i).float();
    expect(made).toHaveLength(2);
    rng.float();
    rng.float();
    expect(made).toHaveLength(3);
    for (let i = 0; i < 100; i++) rng.of('ann').float();
    expect(made).toHaveLength(4);
  } finally {
    vi.doUnmock('../base/platform.ts');
    vi.resetModules();
  }
});

test('L8: neither loading the generator nor drawing asks for ambient randomness', () => {
  const require = createRequire(import.meta.url);
  const load = (id: string): void => {
    delete require.cache[require.resolve(id)];
    require(id);
  };
  const ambient = vi.spyOn(Math, 'random');
  const entropy = vi.spyOn(globalThis.crypto, 'getRandomValues');
  try {
    load('seedrandom/lib/alea.js');
    const now = new Streams('s').tick(0);
    take(now.rng('n'));
    take(now.rng('n').of('x'));
    expect(ambient).not.toHaveBeenCalled();
    expect(entropy).not.toHaveBeenCalled();
    load('seedrandom/seedrandom.js');
    expect(ambient, 'the root of the package does ask, so this test can see it').toHaveBeenCalled();
  } finally {
    ambient.mockRestore();
    entropy.mockRestore();
  }
  const here = new URL('.', import.meta.url);
  const sources = readdirSync(here).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  const asked = sources.flatMap(
    (file) => readFileSync(new URL(file, here), 'utf8').match(/'seedrandom[^']*'/g) ?? [],
  );
  expect(new Set(asked)).toEqual(new Set(["'seedrandom/lib/alea.js'"]));
});

test('text keys are forgotten when there are too many, without changing what they mean', () => {
  const [few, many] = [new TextKeys(2), new TextKeys()];
  for (const name of ['a', 'b', 'c', 'a', 'b', 'c', 'a'])
    expect(few.wordsOf(name)).toEqual(many.wordsOf(name));
});

test('a cursor that has given all its draws refuses to begin anew', () => {
  const cursor = new KeyedCursor(new StreamKey('keyed', ['s', 'n', '0']), 0, 1, 0, 0);
  (cursor as unknown as { block: number }).block = 2 ** 30 - 1;
  take(cursor, 2);
  expect(() => cursor.float()).toThrow(badUsage);
});
