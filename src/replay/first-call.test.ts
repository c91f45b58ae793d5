/** Each call of this folder may be the first that a process makes, and on a store that only keeps logs. */
import { afterAll, describe, expect, test, vi } from 'vitest';
import { bank, recorded } from '../../test/support/bank.ts';
import { memoryStore } from '../log/memory-store.ts';
import type { Store } from '../log/store.ts';

const store = memoryStore();
await recorded(store);
const world = bank(1);
const log = { store, id: 'r', world };

/** The modules as a process has them that did nothing yet: nothing is loaded that a call loads. */
async function fresh() {
  vi.resetModules();
  return {
    ...(await import('./check.ts')),
    ...(await import('./describe.ts')),
    ...(await import('./diff.ts')),
    ...(await import('./fork-run.ts')),
    ...(await import('./fork-tree.ts')),
    ...(await import('./read-world.ts')),
    ...(await import('./replay.ts')),
    ...(await import('./verify/bisect.ts')),
    ...(await import('./verify/verify.ts')),
  };
}
type Fresh = Awaited<ReturnType<typeof fresh>>;

afterAll(() => void vi.resetModules());

describe('the first call of a process', () => {
  const calls: readonly (readonly [string, (of: Fresh) => Promise<object>, object])[] = [
    ['replay', ({ replay }) => replay(world as never, { store, id: 'r' }), { tick: 10, compared: 11 }],
    ['check', ({ check }) => check(world as never, { store, id: 'r' }), { checked: 11, violations: [] }],
    ['readWorld', ({ readWorld }) => readWorld(world as never, { store, id: 'r', tick: 6 }), { tick: 6 }],
    ['forkRun', ({ forkRun }) => forkRun(world as never, { store, run: 'r', at: 6 }), { tick: 6 }],
    ['verify', ({ verify }) => verify(log), { verdict: 'verified', executed: 11 }],
    ['diff', ({ diff }) => diff({ ...log, tick: 3 }, { ...log, tick: 3 }), { equal: true }],
    ['diff of ticks', ({ diff }) => diff(log, 3, 4), { equal: false }],
    ['bisect', ({ bisect }) => bisect(log, log), { same: 10, tick: null }],
    ['describeRun', ({ describeRun }) => describeRun(store, 'r'), { tick: 10 }],
  ];
  test.each(calls)('may be %s', async (_, call, answer) => {
    expect(await call(await fresh())).toMatchObject(answer);
  });
});

/** A store that has no more than it must: no snapshots, no forks. */
function bare({ kind, location, create, append, acquire, renew, release, read, head, list, close }: Store) {
  return { kind, location, create, append, acquire, renew, release, read, head, list, close } as Store;
}

test('L10: a store without snapshots and without forks is read like any other', async () => {
  const { replay, check, readWorld, verify, diff, forkTree } = await fresh();
  const inner = memoryStore();
  await recorded(inner);
  const whole = { ...log, store: inner };
  const less = { ...log, store: bare(inner) };
  const options = { store: less.store, id: 'r' };
  expect(await replay(world as never, options)).toMatchObject({ from: 0, tick: 10, compared: 11 });
  expect(await check(world as never, options)).toMatchObject({ checked: 11, violations: [] });
  expect(await readWorld(world as never, { ...options, tick: 9 })).toMatchObject({ tick: 9 });
  expect(await verify(less)).toEqual(await verify(whole));
  expect(await diff(less, whole)).toMatchObject({ equal: true });
  expect(await forkTree(less.store)).toMatchObject([{ id: 'r', tick: 10, children: [] }]);
});
