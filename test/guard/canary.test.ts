import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { isWorldfoldError } from '../../src/base/errors.ts';
import { memoryStore } from '../../src/log/memory-store.ts';
import { createRun } from '../../src/simulation/create-run.ts';
import { DATE_SOURCES } from '../../src/simulation/guard/date.ts';
import { installGuard, type WrappedSource, wrappedSources } from '../../src/simulation/guard/install.ts';
import { SOURCES } from '../../src/simulation/guard/sources.ts';
import { openRun } from '../../src/simulation/open-run.ts';
import { FOLDED, PLACES, type Place, planted } from '../support/planted.ts';
import { caught } from '../support/runs.ts';

const load = createRequire(import.meta.url);
const MODULE = /^node:[^.]+/;

/** Modules that this Node does not have, or wants a flag for, have no sources. */
for (const { on } of SOURCES)
  if (MODULE.test(on))
    try {
      load(MODULE.exec(on)![0]);
    } catch (e) {
      if ((e as { code?: string }).code !== 'ERR_UNKNOWN_BUILTIN_MODULE') throw e;
    }
installGuard();

/** How the sources are used whose use depends on what is given. */
const DATE_USES: { readonly [use in keyof typeof DATE_SOURCES]: () => unknown } = {
  call: () => Date(),
  now: () => new Date(),
  parts: () => new Date(2000, 1),
  text: () => new Date('2000-01-01T00:00'),
  parse: () => Date.parse('1 January 2000'),
};

/** A use of a source as code would write it, found by another way than the guard's own. */
function useOf({ on, member, source }: WrappedSource): () => unknown {
  const date = Object.entries(DATE_SOURCES).find(([, one]) => one === source);
  if (date !== undefined) return DATE_USES[date[0] as keyof typeof DATE_SOURCES];
  const module = MODULE.exec(on)?.[0];
  const names = on.slice(module?.length ?? 0).split('.');
  const start = module === undefined ? { ...UNNAMED, ...own(globalThis) } : load(module);
  const holder = names.filter((name) => name !== '').reduce((at, name) => at[name], start);
  const property = Object.getOwnPropertyDescriptor(holder, member)!;
  if (typeof property.value !== 'function') return () => holder[member];
  return /^[A-Z]/.test(member)
    ? () => Reflect.construct(property.value, [])
    : () => Reflect.apply(property.value, holder, []);
}

const UNNAMED = { globalThis, TypedArray: Object.getPrototypeOf(Uint8Array) };
const own = (of: object): object =>
  Object.fromEntries(Object.getOwnPropertyNames(of).map((name) => [name, (of as never)[name]]));

const CANARIES = wrappedSources().map((wrapped) => [wrapped.source.name, useOf(wrapped)] as const);

function isRefused(use: () => unknown): boolean {
  try {
    use();
    return false;
  } catch (e) {
    return isWorldfoldError(e, 'AMBIENT');
  }
}

/** Uses every source, each in spite of what became of those before, and notes what was let through. */
function useAll(missed: string[]): void {
  if (!isRefused(Math.random)) {
    // Then the others would do what they do: end the process, remove files.
    missed.push('everything');
    return;
  }
  for (const [name, use] of CANARIES)
    try {
      use();
      missed.push(name);
    } catch (e) {
      if (!isWorldfoldError(e, 'AMBIENT')) missed.push(`${name}: ${e}`);
      else if (e.facts.source !== name) missed.push(`${name} as ${e.facts.source}`);
    }
}

const missedIn = async (place: Place, run: (world: ReturnType<typeof planted>) => Promise<unknown>) => {
  const missed: string[] = [];
  let times = 0;
  const world = planted((here) => {
    if (here !== place) return;
    times++;
    useAll(missed);
  });
  const error = await caught(() => run(world));
  expect(times).toBeGreaterThan(0);
  return { error, missed };
};

const seed = 'canary';

/** A log of two ticks whose functions used nothing. */
async function recorded() {
  const store = memoryStore();
  const run = await createRun(
    planted(() => {}),
    { store, seed, id: 'r', snapshots: false },
  );
  run.submit.poked({ n: 1 });
  await run.advance(2);
  await run.close();
  return store;
}

describe('every source of the table', () => {
  test('is wrapped where this Node has it', () => {
    expect(CANARIES.length).toBeGreaterThan(600);
    const unwrapped = SOURCES.filter(
      ({ on, names }) => names !== undefined && wrappedSources().every((one) => one.on !== on),
    );
    // What only newer versions, or flags, bring; and a class of a family that lacks what the others have.
    const later = /^Temporal|^Navigator|^WebSocket|DurationFormat|^Intl\.Locale$/;
    expect(unwrapped.filter(({ on }) => !later.test(on))).toEqual([]);
  });

  const live = Object.keys(PLACES) as Place[];
  test.each(live)('L8: is refused by name in %s', async (place) => {
    const { error, missed } = await missedIn(place, async (world) => {
      const run = await createRun(world, { store: memoryStore(), seed, id: 'r' });
      run.submit.poked({ n: 1 });
      await run.advance();
    });
    expect(missed).toEqual([]);
    expect(error.code).toBe('AMBIENT');
    expect(error.facts).toMatchObject({ run: 'r', ...PLACES[place], source: 'Math.random' });
    expect(error.hint).toBeTruthy();
  });

  test.each(FOLDED)('L8: is refused by name in %s that is folded', async (place) => {
    const store = await recorded();
    const { error, missed } = await missedIn(place, (world) => openRun(world, { store, id: 'r' }));
    expect(missed).toEqual([]);
    expect(error.code).toBe('AMBIENT');
    expect(error.facts).toMatchObject({ run: 'r', ...PLACES[place] });
  });

  test.each(live)('L8: a promise fails %s, whatever becomes of it', async (place) => {
    const world = planted((here) => {
      if (here === place) (async () => {})();
    });
    const error = await caught(async () => {
      const run = await createRun(world, { store: memoryStore(), seed, id: 'r' });
      run.submit.poked({ n: 1 });
      await run.advance();
    });
    expect(error.code).toBe('AMBIENT');
    expect(error.facts).toMatchObject({ source: 'a promise', group: 'async', ...PLACES[place] });
  });
});
