import * as crypto from 'node:crypto';
import { createRequire } from 'node:module';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { memoryStore } from '../../src/log/memory-store.ts';
import { createRun } from '../../src/simulation/create-run.ts';
import {
  guardInstalls,
  installGuard,
  removeGuard,
  wrappedSources,
} from '../../src/simulation/guard/install.ts';
import { SOURCES } from '../../src/simulation/guard/sources.ts';
import { tally } from '../support/tally.ts';

const load = createRequire(import.meta.url);
const HOLDERS: readonly object[] = [
  globalThis,
  Math,
  Date,
  Date.prototype,
  process,
  process.hrtime,
  Intl,
  Intl.Collator.prototype,
  String.prototype,
  Object.getPrototypeOf(Uint8Array).prototype,
  Object.getPrototypeOf(performance),
  WeakRef.prototype,
  RegExp,
  console,
  ...['node:crypto', 'node:fs', 'node:fs/promises', 'node:timers', 'node:os', 'node:http', 'node:zlib'].map(
    (name) => load(name) as object,
  ),
];

/** All properties, lazy classes as they are when they were read. */
const propertiesOf = (holder: object): [PropertyKey, PropertyDescriptor][] => {
  for (const name of Object.getOwnPropertyNames(holder)) if (/^[A-Z]/.test(name)) Reflect.get(holder, name);
  return Reflect.ownKeys(holder).map((key) => [key, Object.getOwnPropertyDescriptor(holder, key)!]);
};
const sameProperty = (a: PropertyDescriptor, b: PropertyDescriptor): boolean =>
  (['value', 'get', 'set', 'writable', 'enumerable', 'configurable'] as const).every((part) =>
    Object.is(a[part], b[part]),
  );

const found = HOLDERS.map(propertiesOf);
const original = { Date, WeakRef, random: Math.random, setTimeout, env: process.env };

afterEach(() => void removeGuard());
afterAll(() => void removeGuard());

/** Keys whose property is another one than was found. */
const changed = (): PropertyKey[] =>
  HOLDERS.flatMap((holder, i) =>
    found[i]!.filter(([key, property]) => {
      const now = Object.getOwnPropertyDescriptor(holder, key);
      return now === undefined || !sameProperty(now, property);
    }).map(([key]) => key),
  );

describe('the wrappers', () => {
  test('are put in by the first run that wants them, once, and by no run that does not', async () => {
    const before = guardInstalls();
    await createRun(tally(), { store: memoryStore(), seed: 's', guard: 'off' });
    expect(guardInstalls()).toBe(before);
    expect(changed()).toEqual([]);
    for (let i = 0; i < 3; i++) {
      const run = await createRun(tally(), { store: memoryStore(), seed: 's' });
      await run.advance(3);
    }
    expect(guardInstalls()).toBe(before + 1);
    expect(Math.random).not.toBe(original.random);
  });

  test('are taken out again, and every property is as it was found', () => {
    installGuard();
    expect(changed().length).toBeGreaterThan(200);
    expect(removeGuard()).toEqual([]);
    expect(changed()).toEqual([]);
    expect(wrappedSources()).toEqual([]);
    expect(removeGuard()).toEqual([]);
  });

  test('leave what others put on top of them, and serve below it', () => {
    installGuard();
    const ours = Math.random;
    const theirs = (): number => ours() / 2;
    Math.random = theirs;
    expect(removeGuard()).toEqual(['random']);
    expect(Math.random).toBe(theirs);
    expect(Math.random()).toBeLessThan(0.5);
    Math.random = original.random;
    expect(changed()).toEqual([]);
  });

  test('keep what was assigned to a value meanwhile', () => {
    installGuard();
    process.title = 'another';
    const { env } = process;
    expect(env).toBe(original.env);
    const title = process.title;
    expect(removeGuard()).toEqual([]);
    expect(process.title).toBe(title);
    expect(process.env).toBe(original.env);
  });

  test('go around a module of Node that is loaded later', async () => {
    installGuard();
    const isWrapped = (): boolean => wrappedSources().some(({ on }) => on === 'node:trace_events');
    expect(isWrapped()).toBe(false);
    load('node:trace_events');
    const run = await createRun(tally(), { store: memoryStore(), seed: 's' });
    await run.advance(1);
    expect(isWrapped()).toBe(true);
    expect(SOURCES.some(({ on }) => on === 'node:trace_events')).toBe(true);
  });

  test('are seen by who imported the module as an ES module', () => {
    const before = crypto.randomBytes;
    installGuard();
    expect(crypto.randomBytes).not.toBe(before);
    expect(crypto.randomBytes).toBe((load('node:crypto') as typeof crypto).randomBytes);
  });
});

describe('outside a tick a wrapper is what it stands for', () => {
  test('name, length, own properties, prototype', () => {
    installGuard();
    HOLDERS.forEach((holder, i) => {
      for (const [key, { value }] of found[i]!) {
        const now = Object.getOwnPropertyDescriptor(holder, key)!.value;
        if (typeof value !== 'function' || now === value || typeof now !== 'function') continue;
        expect([now.name, now.length], String(key)).toEqual([value.name, value.length]);
        expect(now.prototype === value.prototype, String(key)).toBe(true);
        expect(new Set(Reflect.ownKeys(now)), String(key)).toEqual(new Set(Reflect.ownKeys(value)));
      }
    });
  });

  test('dates: classes, statics, subclasses, and every way of making one', () => {
    installGuard();
    expect(Date).not.toBe(original.Date);
    class Day extends Date {
      next(): Day {
        return new Day(this.getTime() + 86_400_000);
      }
    }
    const day = new Day(0).next();
    expect([day instanceof Day, day instanceof Date, day instanceof original.Date]).toEqual([
      true,
      true,
      true,
    ]);
    expect([new Date(0).constructor === Date, Object.getPrototypeOf(day) === Day.prototype]).toEqual([
      true,
      true,
    ]);
    expect(new original.Date(0) instanceof Date).toBe(true);
    expect([day.toISOString(), Date.UTC(1970, 0, 2), Date.parse('1970-01-02')]).toEqual([
      '1970-01-02T00:00:00.000Z',
      86_400_000,
      86_400_000,
    ]);
    expect(new Date(2000, 0, 1, 5).getHours()).toBe(5);
    expect(typeof Date()).toBe('string');
    expect(Date.now()).toBeGreaterThan(1.7e12);
    expect(structuredClone(new Date(7))).toEqual(new Date(7));
    expect(Object.prototype.toString.call(new Date())).toBe('[object Date]');
  });

  test('what was passed, `this`, and what came back', async () => {
    installGuard();
    expect([Math.hypot(3, 4), Math.hypot(), Math.hypot(2, 3, 6), 2 ** 10, Math.atan2(0, -1)]).toEqual([
      5,
      0,
      7,
      1024,
      Math.PI,
    ]);
    expect(['b', 'a'].sort((a, b) => a.localeCompare(b))).toEqual(['a', 'b']);
    expect(new WeakRef(HOLDERS).deref()).toBe(HOLDERS);
    expect(new WeakRef(HOLDERS).constructor).toBe(WeakRef);
    expect(WeakRef).not.toBe(original.WeakRef);
    class Kept extends WeakRef<object> {}
    expect(new Kept(HOLDERS)).toBeInstanceOf(Kept);
    expect(new Kept(HOLDERS)).toBeInstanceOf(original.WeakRef);
    expect(new Intl.Collator('en').constructor).toBe(Intl.Collator);
    expect(crypto.randomBytes(4)).toHaveLength(4);
    expect(setTimeout).toBe(load('node:timers').setTimeout);
    await new Promise((resolve) => setTimeout(resolve, 1));
    await load('node:util').promisify(setTimeout)(1);
    expect((await import('node:fs')).existsSync('/')).toBe(true);
  });

  test('vitest can put a clock of its own over them', () => {
    installGuard();
    vi.useFakeTimers({ now: 5 });
    expect(Date.now()).toBe(5);
    vi.useRealTimers();
    expect(Date.now()).toBeGreaterThan(1.7e12);
  });
});
