import { beforeAll, describe, expect, test } from 'vitest';
import { caught, rowsOf } from '../../test/support/runs.ts';
import { tallySchema } from '../../test/support/tally.ts';
import { loadHash } from '../base/hash.ts';
import { ColumnSet } from '../columns/column-set.ts';
import type { Batch, Wave } from '../columns/waves.ts';
import { Streams } from '../random/streams.ts';
import { type AnyHandlers, Applier } from './applier.ts';
import { foldTick } from './fold.ts';
import { WorldState } from './world-state.ts';

beforeAll(loadHash);
const { compiled } = tallySchema;
const numberOf = (kind: string): number => compiled.kindOf.get(kind)!.number;

/** A batch of a kind, of the given rows. */
function batch(kind: string, rows: readonly object[]): Batch {
  const set = new ColumnSet(compiled.kindOf.get(kind)!, false);
  for (const row of rows) set.append(row);
  return { kind: numberOf(kind), set };
}
const runs = (...sizes: readonly [kind: string, size: number, times?: number][]): Wave['runs'] =>
  sizes.map(([kind, size, times = 1]) => ({ kind: numberOf(kind), size, times }));

function applierOf(handlers: AnyHandlers): Applier {
  const applier = new Applier(new WorldState(compiled), handlers);
  applier.enter(new Streams('s'), {});
  return applier;
}
const text = (applier: Applier): string => (rowsOf(applier.state.reader).total as { text: string }).text;

describe('foldTick', () => {
  const log: string[] = [];
  const noting: AnyHandlers = {
    add: (_, e) => void log.push(`add ${(e as { n: number }).n}`),
    write: {
      batch: (_, { size, columns }) =>
        log.push(`write ${size} ${(columns as { text: string[] }).text.slice()}`),
    },
  };
  const adds = (...ns: number[]): Batch =>
    batch(
      'add',
      ns.map((n) => ({ n })),
    );
  const writes = (...texts: string[]): Batch =>
    batch(
      'write',
      texts.map((one) => ({ text: one })),
    );
  const fold = (waves: readonly Wave[], batches: readonly Batch[]): string[] => {
    log.length = 0;
    foldTick(3, waves, batches, applierOf(noting));
    return [...log];
  };

  test('L3: applies events in recorded order, row handlers one by one, batch handlers piece by piece', () => {
    const waves: Wave[] = [
      { origin: 'a', atOnce: false, runs: runs(['add', 1], ['write', 2], ['add', 2]) },
      { origin: 'b', atOnce: true, runs: runs(['write', 1, 3], ['write', 2], ['add', 1]) },
    ];
    expect(fold(waves, [adds(1, 2, 3, 4), writes('p', 'q', 'r', 's', 't', 'u', 'v')])).toEqual([
      ...['add 1', 'write 2 p,q', 'add 2', 'add 3'],
      ...['write 1 r', 'write 1 s', 'write 1 t', 'write 2 u,v', 'add 4'],
    ]);
  });

  test.each([
    [
      'more in the order than in the columns',
      [{ origin: 'a', atOnce: false, runs: runs(['add', 3]) }],
      [adds(1, 2)],
    ],
    [
      'less in the order than in the columns',
      [{ origin: 'a', atOnce: false, runs: runs(['add', 1]) }],
      [adds(1, 2)],
    ],
    ['a kind in the order alone', [{ origin: 'a', atOnce: true, runs: runs(['add', 1]) }], []],
    ['a kind in the columns alone', [], [adds(1)]],
  ])('L12: %s is CORRUPT, with the tick', async (_, waves, batches) => {
    expect(await caught(() => fold(waves, batches))).toMatchObject({ code: 'CORRUPT', facts: { tick: 3 } });
  });
});

describe('the gate', () => {
  test('tables are written while a handler runs, and not by what it leaves behind', async () => {
    let kept: { total: { set(patch: object): void } } | undefined;
    const applier = applierOf({ add: (world) => void (kept = world as never) });
    const set = () => kept!.total.set({ n: 1 });
    foldTick(
      1,
      [{ origin: 'a', atOnce: false, runs: runs(['add', 1]) }],
      [batch('add', [{ n: 1 }])],
      applier,
    );
    expect(await caught(set)).toMatchObject({ code: 'READ_ONLY' });
    const throwing = applierOf({
      add: (world) => {
        kept = world as never;
        set();
        throw new RangeError('late');
      },
    });
    const waves = [{ origin: 'a', atOnce: false, runs: runs(['add', 1]) }];
    const error = await caught(() => foldTick(1, waves, [batch('add', [{ n: 1 }])], throwing));
    expect(error).toMatchObject({
      code: 'TICK_FAILED',
      facts: { tick: 1, origin: 'a', kind: 'add', event: 0 },
    });
    expect(await caught(set)).toMatchObject({ code: 'READ_ONLY' });
  });
});

test('a world that is cleared is as it was at the start', () => {
  const applier = applierOf({
    write: (world, e) =>
      (world as never as { total: { set(p: object): void } }).total.set({
        text: (e as { text: string }).text,
      }),
    put: (world, e) =>
      (world as never as { things: { insert(r: object): void } }).things.insert({
        id: (e as { thing: number }).thing,
      }),
  });
  const empty = applier.state.digest();
  const waves = [{ origin: 'a', atOnce: false, runs: runs(['write', 1], ['put', 2]) }];
  const batches = [batch('write', [{ text: 'x' }]), batch('put', [{ thing: 4 }, { thing: 9 }])];
  foldTick(1, waves, batches, applier);
  const full = applier.state.digest();
  expect(text(applier)).toBe('x');
  expect(full).not.toEqual(empty);
  applier.state.clear();
  expect(applier.state.digest()).toEqual(empty);
  foldTick(1, waves, batches, applier);
  expect(applier.state.digest()).toEqual(full);
});
