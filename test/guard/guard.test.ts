import { promiseHooks } from 'node:v8';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { GUARD_GROUPS, type GuardGroup } from '../../src/base/ambient.ts';
import { memoryStore } from '../../src/log/memory-store.ts';
import { check } from '../../src/replay/check.ts';
import { diff } from '../../src/replay/diff.ts';
import { forkRun } from '../../src/replay/fork-run.ts';
import { readWorld } from '../../src/replay/read-world.ts';
import { replay } from '../../src/replay/replay.ts';
import { bisect } from '../../src/replay/verify/bisect.ts';
import { verify } from '../../src/replay/verify/verify.ts';
import { createRun } from '../../src/simulation/create-run.ts';
import { openRun } from '../../src/simulation/open-run.ts';
import type { GuardOption } from '../../src/simulation/types.ts';
import { type Place, planted } from '../support/planted.ts';
import { caught, framesOf, hashesOf, meddled } from '../support/runs.ts';

const seed = 's';
const id = 'r';

/** A world that does something in one of its functions. */
const worldWith = (place: Place, deed: () => unknown) => planted((here) => void (here === place && deed()));

const runWith = (place: Place, deed: () => unknown, guard?: GuardOption) =>
  createRun(worldWith(place, deed), {
    store: memoryStore(),
    seed,
    id,
    ...(guard !== undefined && { guard }),
  });

const hide = (deed: () => unknown): void => {
  try {
    deed();
  } catch {
    // A system that swallows what it is told.
  }
};

describe('what was refused', () => {
  test('L5 L8: is named by a verification, where the log was recorded without a guard', async () => {
    const store = memoryStore();
    const world = worldWith('a system', () => Math.random());
    const run = await createRun(world, { store, seed, id, guard: 'off' });
    await run.advance(2);
    await run.close();
    expect((await verify({ store, id, world, guard: 'off' })).verdict).toBe('verified');
    const { verdict, divergence } = await verify({ store, id, world });
    expect([verdict, divergence?.tick]).toEqual(['diverged', 1]);
    expect(JSON.stringify(divergence)).toContain('Math.random was used');
  });

  test('L8: fails the tick also where it was caught, or thrown on as something else', async () => {
    const deeds = [
      () => hide(Math.random),
      () => {
        hide(Math.random);
        hide(() => fetch('nowhere:'));
        throw new RangeError('something else');
      },
    ];
    for (const place of ['a system', 'a handler of rows', 'an invariant'] as const)
      for (const deed of deeds) {
        const run = await runWith(place, deed);
        const { code, facts } = await caught(() => run.advance());
        expect([code, facts.source]).toEqual(['AMBIENT', 'Math.random']);
      }
  });

  test('L8: in a handler at once is not hidden by the system around it, nor blamed on it', async () => {
    let times = 0;
    const run = await runWith('a handler inside a system', () => {
      times++;
      hide(Date.now);
    });
    const { code, facts } = await caught(() => run.advance());
    expect([code, facts.origin, facts.kind, facts.source]).toEqual(['AMBIENT', 'now', 'hit', 'Date.now']);
    expect(times).toBe(1);
  });

  test('L8: leaves nothing behind, and the run goes on when the code is mended', async () => {
    const store = memoryStore();
    let isBroken = true;
    const world = worldWith('a system', () => isBroken && Math.random());
    const run = await createRun(world, { store, seed, id });
    run.submit.poked({ n: 5 });
    for (let i = 0; i < 2; i++) expect((await caught(() => run.advance())).code).toBe('AMBIENT');
    expect([run.tick, run.state]).toEqual([0, 'failed']);
    isBroken = false;
    await run.advance(2);
    await run.close();
    const other = memoryStore();
    const whole = await createRun(
      planted(() => {}),
      { store: other, seed, id },
    );
    whole.submit.poked({ n: 5 });
    await whole.advance(2);
    await whole.close();
    expect(await hashesOf(store, id)).toEqual(await hashesOf(other, id));
  });

  test('an input is not dropped for what its handler does', async () => {
    const run = await runWith('a handler of inputs', () => Math.random());
    const { applied } = run.submit.poked({ n: 1 });
    let settled = false;
    applied.then(
      () => void (settled = true),
      () => void (settled = true),
    );
    expect((await caught(() => run.advance())).code).toBe('AMBIENT');
    expect(settled).toBe(false);
  });

  test('a returned promise stays ASYNC_IN_TICK, whatever the level', async () => {
    for (const guard of ['throw', 'off'] as const) {
      const world = planted(() => {});
      const { def } = world as never as { def: { systems: { run: unknown }[] } };
      def.systems[1] = { ...def.systems[1]!, run: async () => {} };
      const run = await createRun(world, { store: memoryStore(), seed, guard });
      expect((await caught(() => run.advance())).code).toBe('ASYNC_IN_TICK');
    }
  });
});

test('L8: what hangs from a source as a plain value is refused too', async () => {
  const run = await runWith('a system', () => performance.nodeTiming.duration);
  expect((await caught(() => run.advance())).code).toBe('AMBIENT');
});

describe('what is no source', () => {
  test('printing, values, and what the code around a tick does', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    const store = memoryStore();
    const world = worldWith('a system', () => {
      console.log('tick', { now: 1 });
      console.error('');
      return [
        new Date(86_400_000).toISOString(),
        new Date('2020-02-02T02:02:02Z').getUTCHours(),
        new Date('2020-02-02'),
        Math.sqrt(2) + Math.floor(2.5) + Math.max(1, 2),
        structuredClone({ a: [1] }),
        [3, 1, 2].sort((a, b) => a - b).map(String),
        'a'.toUpperCase().replace(/A/g, 'b'),
        new Map([[1, 2]]),
        JSON.stringify({ at: new Date(0) }),
        Buffer.concat([Buffer.from('a'), new TextEncoder().encode('b')]).toString('hex'),
        new Error('never thrown').message,
      ];
    });
    const run = await createRun(world, { store, seed, id });
    let observed = 0;
    run.on('computed', () => void (observed += Math.random() + Date.now()));
    let progress = 0;
    await run.advance(3, {
      onProgress: () => void (progress += Math.random()),
      until: () => Date.now() < 0,
    });
    expect(log).toHaveBeenCalled();
    log.mockRestore();
    expect([run.tick, observed > 0, progress > 0]).toEqual([3, true, true]);
    Promise.resolve().then(() => Math.random());
    await run.close();
  });

  test('promises of other code while ticks are computed', async () => {
    const run = await runWith('a system', () => {});
    let made = 0;
    const others = (async () => {
      for (let i = 0; i < 2000; i++) made += await Promise.resolve(1);
    })();
    await run.advance(50);
    await others;
    expect(made).toBe(2000);
    expect(run.tick).toBe(50);
  });
});

test('L8: promises are watched while ticks are computed or folded, and not while anything is waited for', async () => {
  let watching = 0;
  const { onInit } = promiseHooks;
  const spy = vi.spyOn(promiseHooks, 'onInit').mockImplementation((made) => {
    const stop = onInit(made) as () => void;
    watching++;
    return () => {
      watching--;
      stop();
    };
  });
  const [seen, waited]: [number[], number[]] = [[], []];
  const store = meddled();
  let fails = false;
  const world = worldWith('a handler of rows', () => {
    seen.push(watching);
    if (fails) throw new RangeError('the cause');
  });
  const run = await createRun(world, { store, seed, id, snapshots: false, commit: { ticks: 1 } });
  run.on('computed', () => void seen.push(watching));
  store.before.append = () => void waited.push(watching);
  await run.advance(3);
  expect([waited.length > 0, waited.some((depth) => depth !== 0), watching]).toEqual([true, false, 0]);
  seen.length = 0;
  fails = true;
  await caught(() => run.advance(1).finally(() => void (fails = false)));
  expect(watching).toBe(0);
  await run.at(1);
  await run.close();
  expect(new Set(seen)).toEqual(new Set([1]));
  const calls = spy.mock.calls.length;
  await createRun(world, { store, seed, id: 'unwatched', guard: { async: 'off' } });
  expect(spy.mock.calls.length).toBe(calls);
  expect(watching).toBe(0);
  spy.mockRestore();
});

test('L8: a fold watches promises once for the ticks that are at hand, and not while more are read', async () => {
  const store = meddled();
  const world = worldWith('a handler of rows', () => {});
  const run = await createRun(world, { store, seed, id, snapshots: false });
  await run.advance(40);
  await run.close();
  let [watching, times] = [0, 0];
  const { onInit } = promiseHooks;
  const spy = vi.spyOn(promiseHooks, 'onInit').mockImplementation((made) => {
    const stop = onInit(made) as () => void;
    watching++;
    times++;
    return () => {
      watching--;
      stop();
    };
  });
  const reading: number[] = [];
  store.before.read = () => void reading.push(watching);
  for (const fold of [
    () => replay(world, { store, id }),
    () => readWorld(world, { store, id, tick: 40 }),
    () => check(world, { store, id }),
  ]) {
    times = 0;
    await fold();
    expect([times > 0, times < 10, watching]).toEqual([true, true, 0]);
  }
  expect(new Set(reading)).toEqual(new Set([0]));
  const broken = worldWith('a handler of rows', () => Math.random());
  expect((await caught(() => replay(broken, { store, id }))).code).toBe('AMBIENT');
  expect(watching).toBe(0);
  spy.mockRestore();
});

describe('dates', () => {
  const texts = (text: string): [string, () => unknown][] => [
    [text, () => new Date(text)],
    [`String: ${text}`, () => new Date(new String(text) as never)],
    [`list: ${text}`, () => new Date([text] as never)],
    [`own: ${text}`, () => new Date({ [Symbol.toPrimitive]: () => text } as never)],
    [`parse: ${text}`, () => Date.parse(text)],
    [`parse of a list: ${text}`, () => Date.parse([text] as never)],
  ];
  // What is out of range is left to the engine; V8 reads `-000000` in the time zone of the machine.
  const local = ['2020-02-02T02:02', '-000000', '2020-00', '2020-13-01', '2020-01-32', '2020-01-01T00:60Z'];

  test.each(local.flatMap(texts))('L8: %s is refused', async (_, deed) => {
    const run = await runWith('a system', deed);
    expect((await caught(() => run.advance())).facts.group).toBe('locale');
  });

  test('an object is asked once what it is', async () => {
    const answers = ['2020-02-02', '2 Feb 2020'];
    const fickle = { toString: () => answers.shift() };
    let made: Date | null = null;
    const run = await runWith('a system', () => void (made ??= new Date(fickle as never)));
    await run.advance();
    expect([made!.getTime(), answers.length]).toEqual([Date.UTC(2020, 1, 2), 1]);
  });

  test('values, and texts that name their moment, are not', async () => {
    const seen: number[] = [];
    const fixed = ['2020', '-002020-12-31', '2020-02-29T23:59:59.999Z', '2020-02-02T24:00+05:30'];
    const run = await runWith('a system', () => {
      for (const text of fixed) for (const [, deed] of texts(text)) seen.push(Number(deed()));
      for (const value of [5, new Date(5), Object(5), { valueOf: () => 5 }])
        seen.push(new Date(value as never).getTime());
    });
    await run.advance();
    const wanted = fixed.flatMap((text) => texts(text).map(() => Date.parse(text)));
    expect(seen).toEqual([...wanted, 5, 5, 5, 5]);
  });
});

describe('levels', () => {
  const warnings: string[] = [];
  const hear = vi
    .spyOn(process, 'emitWarning')
    .mockImplementation((text) => void warnings.push(String(text)));
  afterEach(() => void (warnings.length = 0));

  test("'warn' warns once a source and place, and the tick goes on", async () => {
    const run = await runWith(
      'a system',
      () => {
        Math.random();
        Math.random();
        hide(() => performance.now());
        Promise.resolve();
      },
      'warn',
    );
    await run.advance(3);
    expect(run.tick).toBe(3);
    expect(hear).toHaveBeenCalled();
    expect(warnings).toHaveLength(3);
    for (const [i, source] of ['Math.random', 'performance.now', 'a promise'].entries())
      expect(warnings[i]).toMatch(new RegExp(`^system 'plain': ${source} was used, which no log holds\\. `));
  });

  test("'off' says nothing and records what it would have recorded", async () => {
    const hashes: string[][] = [];
    for (const [deed, guard] of [
      [() => [Math.random(), Promise.resolve()], 'off'],
      [() => {}, 'throw'],
    ] as const) {
      const store = memoryStore();
      const world = worldWith('a system', deed);
      const run = await createRun(world, { store, seed, id, guard });
      await run.advance(3);
      await run.close();
      hashes.push(await hashesOf(store, id));
    }
    expect(hashes[0]).toEqual(hashes[1]);
    expect(warnings).toEqual([]);
  });

  test('groups have levels of their own; the others throw', async () => {
    const guard = { math: 'off', clock: 'warn' } as const;
    const deeds: [() => unknown, string | null][] = [
      [() => Math.exp(1), null],
      [() => Date.now(), null],
      [() => Math.random(), 'random'],
      [() => 'a'.localeCompare('b'), 'locale'],
    ];
    for (const [deed, group] of deeds) {
      const run = await runWith('a system', deed, guard);
      if (group === null) expect((await run.advance()).tick).toBe(1);
      else expect((await caught(() => run.advance())).facts.group).toBe(group);
    }
    expect(warnings).toHaveLength(1);
  });

  test('what is no level is refused with those that there are', async () => {
    const wrong = ['on', null, 5, [], { maths: 'off' }, { math: true }, { math: null }];
    for (const guard of wrong) {
      const { code, hint } = await caught(() => runWith('a system', () => {}, guard as never));
      expect([code, hint]).toEqual(['BAD_USAGE', expect.stringContaining('locale')]);
    }
    const all = Object.fromEntries(Object.keys(GUARD_GROUPS).map((group) => [group as GuardGroup, 'off']));
    expect((await runWith('a system', () => Math.random(), all)).id).toBe(id);
  });

  test('the level holds wherever the world is built again: at, forks, replay, reading, diff', async () => {
    const store = memoryStore();
    const world = worldWith('a handler of rows', () => Math.exp(1));
    const guard = { math: 'off' } as const;
    const options = { store, id, guard };
    const run = await createRun(world, { ...options, seed, snapshots: false });
    await run.advance(3);
    expect(await run.at(2)).toBeTruthy();
    const fork = await run.fork({ at: 2, id: 'f' });
    await fork.advance();
    await fork.close();
    const strict = await run.fork({ at: 3, guard: 'throw' }).catch((e) => e);
    expect(strict.code).toBe('AMBIENT');
    expect((await diff(run, { ...options, id: 'f', world })).equal).toBe(true);
    await run.close();
    expect((await replay(world, options)).compared).toBe(4);
    expect((await verify({ ...options, world })).verdict).toBe('verified');
    expect((await bisect({ ...options, world }, { ...options, world })).tick).toBe(null);
    expect((await readWorld(world, { ...options, tick: 2 })).tick).toBe(2);
    expect((await diff({ ...options, world, tick: 1 }, { ...options, world, tick: 1 })).equal).toBe(true);
    expect((await forkRun(world, { store, run: id, at: 2, guard })).tick).toBe(2);
    await (await openRun(world, { ...options, snapshots: false })).close();
    for (const call of [
      () => replay(world, { store, id }),
      () => readWorld(world, { store, id }),
      () => forkRun(world, { store, run: id, at: 2 }),
      () => openRun(world, { store, id }),
      () => diff({ store, id, world, tick: 1 }, { store, id, world, tick: 1 }),
    ])
      expect((await caught(call)).code).toBe('AMBIENT');
  });
});

describe('runs inside a tick', () => {
  test('L8: every call on a run is refused by name, whatever the level, and makes no promise', async () => {
    for (const guard of ['throw', 'off'] as const) {
      const store = memoryStore();
      let deed = (): unknown => null;
      const world = worldWith('a system', () => hide(() => deed()));
      const run = await createRun(world, { store, seed, id, guard });
      const calls: { readonly [name: string]: () => unknown } = {
        'run.advance': () => run.advance(),
        'run.flush': () => run.flush(),
        'run.snapshot': () => run.snapshot(),
        'run.snapshots': () => run.snapshots(),
        'run.unpin': () => run.unpin(0),
        'run.submit': () => run.submit.poked({ n: 1 }),
        'run.on': () => run.on('computed', () => {}),
        'run.events': () => run.events('hit'),
        'run.metrics': () => run.metrics(),
        'run.at': () => run.at(0),
        'run.fork': () => run.fork({ at: 0 }),
        'run.close': () => run.close(),
        createRun: () => createRun(world, { store, seed }),
        openRun: () => openRun(world, { store, id }),
      };
      const asynchronous = Reflect.ownKeys(Object.getPrototypeOf(run)).filter(
        (name) =>
          typeof name === 'string' &&
          /^(advance|flush|snapshot|snapshots|unpin|metrics|at|fork|close)$/.test(name),
      );
      expect(asynchronous).toHaveLength(9);
      for (const [name, call] of Object.entries(calls)) {
        deed = call;
        const { code, facts } = await caught(() => run.advance());
        expect([code, facts.source, facts.group]).toEqual(['AMBIENT', name, 'runs']);
      }
      deed = () => null;
      await run.advance();
      expect(run.tick).toBe(1);
      expect((await framesOf(store, id)).length).toBeGreaterThan(0);
      await run.close();
    }
  });
});
