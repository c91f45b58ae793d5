import { readdirSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { hamlet } from '../../test/support/hamlet.ts';
import { codeOf, collect, framesOf, meddled, settled } from '../../test/support/runs.ts';
import { fail } from '../base/errors.ts';
import { createRun } from './create-run.ts';
import { openRun } from './open-run.ts';
import { RUN_CALLS, type RunCall, type RunState } from './run-states.ts';

const root = new URL('../../', import.meta.url);
const spec = readFileSync(new URL('docs/SPEC.md', root), 'utf8');
const broken = (): never => fail('STORE_FAILED', 'no');

/** A run in a state that was reached for real, and what lets it go on where something holds it. */
async function reach(state: RunState) {
  const store = meddled();
  let fails = false;
  const world = hamlet((place) => void (fails && place === 'move' && fail('BAD_USAGE', 'told to')));
  // The window is full with the first tick: an advance waits for the store.
  const policy = { commit: { ticks: 1 }, maxUndurable: 1 };
  const run = await createRun(world, { store, seed: 's', id: 'r', ...policy });
  await run.advance(2);
  let release = () => {};
  const work: Promise<unknown>[] = [];
  if (state === 'advancing') {
    const held = new Promise<void>((resolve) => void (release = resolve));
    store.before.append = () => held;
    work.push(run.advance());
    await settled();
  }
  if (state === 'failed') {
    fails = true;
    expect(await codeOf(() => run.advance())).toBe('TICK_FAILED');
    fails = false;
  }
  if (state === 'stalled') {
    store.before.append = broken;
    expect(await codeOf(() => run.advance())).toBe('STALLED');
    store.before = {};
  }
  if (state === 'fenced') {
    await openRun(hamlet(), { store, id: 'r', takeover: true });
    expect(await codeOf(() => run.advance())).toBe('WRITER_REPLACED');
  }
  if (state === 'closed') await run.close();
  expect(run.state).toBe(state);
  const end = async (): Promise<void> => {
    release();
    await Promise.all(work);
    await run.close();
    await run.close();
    expect(run.state).toBe('closed');
  };
  return { run, store, release, end };
}

type Reached = Awaited<ReturnType<typeof reach>>;

/** Every public call of a run, by the name that the table has for it. */
const CALLS: { readonly [call in RunCall]: readonly [string, (reached: Reached) => unknown][] } = {
  advance: [
    ['advance()', ({ run }) => run.advance()],
    ['advance(0)', ({ run }) => run.advance(0)],
  ],
  flush: [
    [
      'flush()',
      ({ run, release }) => {
        const flushed = run.flush();
        release();
        return flushed;
      },
    ],
  ],
  snapshot: [
    ['snapshot()', ({ run }) => run.snapshot()],
    // Nothing is pinned: what the table refuses is refused before that is found.
    ['unpin()', ({ run }) => run.unpin(0).catch((e) => (e.code === 'NO_TICK' ? null : Promise.reject(e)))],
  ],
  submit: [
    ['an input', ({ run }) => run.submit.priced({ price: 1 })],
    ['a fact', ({ run }) => run.submit.shouted()],
  ],
  read: [
    ['on computed', ({ run }) => run.on('computed', () => {})()],
    ['on durable', ({ run }) => run.on('durable', () => {})()],
    ['snapshots', ({ run }) => run.snapshots()],
    ['events', ({ run }) => collect(run.events('moved'))],
    ['metrics', ({ run }) => run.metrics()],
    ['at', ({ run }) => run.at(1)],
  ],
  close: [
    [
      'close()',
      ({ run, release }) => {
        const closed = run.close();
        release();
        return closed;
      },
    ],
  ],
};

const STATES = Object.keys(RUN_CALLS) as RunState[];
const table = STATES.flatMap((state) =>
  (Object.keys(CALLS) as RunCall[]).flatMap((call) =>
    CALLS[call].map(([name, make]) => [state, name, RUN_CALLS[state][call] ?? 'done', make] as const),
  ),
);

describe('states and calls', () => {
  test.each(table)('a run that is %s answers %s with %s', async (state, _, code, make) => {
    const reached = await reach(state);
    expect(await codeOf(() => make(reached))).toBe(code);
    await reached.end();
  });

  test.each(STATES)('a run that is %s says where it is, and shows its world', async (state) => {
    const { run, end } = await reach(state);
    expect(run.tick).toBe(['open', 'failed', 'closed'].includes(state) ? 2 : 3);
    expect(run.durableTick).toBe(2);
    expect(run.ended).toBe(false);
    expect(run.world.people.size).toBeGreaterThan(0);
    await end();
  });

  test('the table in docs/SPEC.md is this one', () => {
    const rows = spec
      .split('\n')
      .filter((line) => STATES.some((state) => line.startsWith(`| \`${state}\` |`)))
      .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')));
    const heads = spec.split('\n').find((line) => line.startsWith('| state '))!;
    const calls = heads
      .split('|')
      .map((cell) => cell.trim().replaceAll('`', ''))
      .slice(2, -1) as RunCall[];
    const written = Object.fromEntries(
      rows.map(([, state, ...cells]) => [
        state,
        Object.fromEntries(calls.map((call, i) => [call, cells[i] === 'yes' ? null : cells[i]])),
      ]),
    );
    expect(written).toEqual(RUN_CALLS);
  });
});

describe('the laws of docs/SPEC.md', () => {
  const laws = spec.split('\n').flatMap((line) => {
    const law = /^\| \*\*(L\d+) .* \| ([^|]*) \|$/.exec(line);
    return law === null
      ? []
      : [[law[1]!, [...law[2]!.matchAll(/`([^`]+)`/g)].map(([, path]) => path!)] as const];
  });

  test('are fifteen, and each has its tests', () => {
    expect(laws.map(([law]) => law)).toEqual(Array.from({ length: 15 }, (_, i) => `L${i + 1}`));
    expect(laws.filter(([, paths]) => paths.length === 0)).toEqual([]);
  });

  test.each(laws)('%s: what is named as its test speaks of it', (law, paths) => {
    const names = new RegExp(`['"\`](?:L\\d+,? ?)*${law}\\b`);
    for (const path of paths) {
      const place = new URL(path, root);
      const files = statSync(place).isDirectory()
        ? readdirSync(place, { withFileTypes: true })
            .filter((entry) => entry.isFile())
            .map(({ name }) => new URL(`${path}/${name}`, root))
        : [place];
      const texts = files.map((file) => readFileSync(file, 'utf8'));
      expect(
        texts.some((text) => names.test(text)),
        path,
      ).toBe(true);
    }
  });
});

describe('close', () => {
  test('L2: beside an advance it lets the tick under way end, and nothing computed is lost', async () => {
    const { run, store } = await reach('open');
    store.before.append = () => settled();
    const work = run.advance(1000);
    await settled();
    const closing = run.close();
    expect(run.state).toBe('closed');
    const { tick } = await work;
    await closing;
    expect(tick).toBeLessThan(1000);
    expect(await framesOf(store, 'r')).toHaveLength(tick + 1);
  });

  test('L2: from inside the first tick of an advance keeps that tick', async () => {
    const store = meddled();
    const run = await createRun(hamlet(), { store, seed: 's', id: 'r', commit: { ticks: 100, ms: 1e9 } });
    run.on('computed', () => void run.close());
    expect((await run.advance(9)).tick).toBe(1);
    await run.close();
    expect(await framesOf(store, 'r')).toHaveLength(2);
  });

  test('makes durable what was computed, tells who waits, and gives the lease up', async () => {
    const store = meddled();
    const run = await createRun(hamlet(), { store, seed: 's', id: 'r', commit: { ticks: 100, ms: 1e9 } });
    await run.advance(2);
    const waiting = run.submit.joined({ name: 'x' });
    await run.close();
    expect(await codeOf(() => waiting.applied)).toBe('CLOSED');
    expect(await codeOf(() => waiting.durable)).toBe('CLOSED');
    expect(await framesOf(store, 'r')).toHaveLength(3);
    expect((await openRun(hamlet(), { store, id: 'r' })).tick).toBe(2);
  });

  test('a lease that can not be given back harms nobody', async () => {
    const { run, store } = await reach('open');
    store.before.release = broken;
    await run.close();
    expect(run.state).toBe('closed');
  });

  test('ends with the block that uses the run', async () => {
    const { run } = await reach('open');
    await (run as never as { [Symbol.asyncDispose](): Promise<void> })[Symbol.asyncDispose]();
    expect(run.state).toBe('closed');
  });
});
