/** L6: `diff` names the first tick at which two runs of a tree of forks part, as a look at each tick does. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { hex } from '../../src/base/bytes.ts';
import { memoryStore } from '../../src/log/memory-store.ts';
import type { Store } from '../../src/log/store.ts';
import { stateOf } from '../../src/projections/world-state.ts';
import { diff } from '../../src/replay/diff.ts';
import { createRun } from '../../src/simulation/create-run.ts';
import type { Run } from '../../src/simulation/types.ts';
import { type Tally, tally, tallySchema } from '../support/tally.ts';
import { holds } from './support/holds.ts';

/** Adds little, by draws that another seed often has too: worlds part late, and meet again. */
const world = tally({
  systems: [
    tallySchema.system('drift', { every: 3 }, ({ emit, rng }) => {
      emit.add({ n: rng('drift').int(0, 2) });
    }),
    tallySchema.system('grow', { every: 4 }, ({ emit, tick }) => {
      emit.put({ n: tick });
    }),
  ],
});

/** A run of the tree: a fork of an earlier one, or the first. */
const branch = fc.record({
  of: fc.nat(5),
  at: fc.nat(20),
  seed: fc.constantFrom(undefined, undefined, 'other'),
  ticks: fc.nat(14),
  inputs: fc.uniqueArray(fc.record({ after: fc.nat(14), n: fc.constantFrom(-1, 1) }), {
    maxLength: 4,
    selector: ({ after }) => after,
  }),
  closed: fc.boolean(),
});
const trees = fc.record({
  hashEvery: fc.constantFrom(1, 1, 1, 2, 5),
  snapshots: fc.constantFrom(3, 1000),
  branches: fc.array(branch, { minLength: 2, maxLength: 6 }),
});
type Tree = typeof trees extends fc.Arbitrary<infer T> ? T : never;
type Branch = Tree['branches'][number];

async function live(run: Run<Tally, never>, { ticks, inputs }: Branch): Promise<void> {
  for (let i = 0; i < ticks; i++) {
    for (const { after, n } of inputs) if (after === i) run.submit.given({ n });
    await run.advance();
  }
}

/** The runs of a tree: in the store, all open. */
async function grown({ hashEvery, snapshots, branches }: Tree, store: Store): Promise<Run<Tally, never>[]> {
  const policy = { hashEvery, snapshots: { every: snapshots }, clocks: { wall: () => 0, steady: () => 0 } };
  const runs: Run<Tally, never>[] = [];
  for (const [i, one] of branches.entries()) {
    const { of, at, seed } = one;
    const parent = runs[of % Math.max(1, runs.length)];
    const run =
      parent === undefined
        ? await createRun(world, { store, seed: 's', id: 'r0', ...policy })
        : await parent.fork({ at: at % (parent.tick + 1), id: `r${i}`, ...(seed && { seed }) });
    await live(run, one);
    runs.push(run);
  }
  return runs;
}

/** The state hash of each tick, looked at one by one. */
async function hashes(run: Run<Tally, never>): Promise<string[]> {
  const all: string[] = [];
  for (let tick = 0; tick <= run.tick; tick++) all.push(hex(stateOf(await run.at(tick))!.digest()));
  return all;
}

/**
 * The first tick that differs: between two ticks that recorded a hash only where the second differs, and any
 * after the last of them.
 */
function naive(a: readonly string[], b: readonly string[], hashEvery: number): number | null {
  const end = Math.min(a.length, b.length) - 1;
  const last = end - (end % hashEvery);
  let from = 0;
  for (let to = 0; to <= last; to += hashEvery) {
    if (a[to] !== b[to]) break;
    from = to;
  }
  for (let tick = from; tick <= end; tick++) if (a[tick] !== b[tick]) return tick;
  return null;
}

test('L6: the first tick whose worlds differ is the one that a look at every tick finds', async () => {
  await holds(trees, 25, async (tree) => {
    const store = memoryStore();
    const runs = await grown(tree, store);
    const twins = await grown(tree, memoryStore());
    const known = await Promise.all(runs.map(hashes));
    for (const [i, run] of runs.entries()) if (tree.branches[i]!.closed) await run.close();
    const side = (i: number) => (tree.branches[i]!.closed ? { store, world, id: `r${i}` } : runs[i]!);
    for (const i of runs.keys())
      for (const j of runs.keys()) {
        const [mine, other] = [known[i]!, known[j]!];
        const expected = naive(mine, other, tree.hashEvery);
        const heads = { a: mine.length - 1, b: other.length - 1 };
        const tick = expected ?? Math.min(heads.a, heads.b);
        for (const b of [side(j), twins[j]!])
          expect(await diff(side(i), b), `r${i} and r${j}`).toMatchObject({
            ...{ equal: expected === null, tick: expected, heads },
            difference: { same: expected === null, stateHash: { a: mine[tick], b: other[tick] } },
          });
      }
    for (const run of [...runs, ...twins]) await run.close();
  });
});
