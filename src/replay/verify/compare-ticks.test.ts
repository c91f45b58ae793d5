/** Two computations of a tick, compared: what is the same, and what differs in one thing alone. */
import { describe, expect, test } from 'vitest';
import { framesOf } from '../../../test/support/runs.ts';
import { tally, tallySchema } from '../../../test/support/tally.ts';
import type { EventRun } from '../../columns/waves.ts';
import { memoryStore } from '../../log/memory-store.ts';
import { createRun } from '../../simulation/create-run.ts';
import { eventsUnder } from '../../simulation/past.ts';
import { compareTicks, type TickSide } from './compare-ticks.ts';

const world = tally({
  systems: [
    tallySchema.system('first', ({ emit, rng }) => {
      for (const n of [1, 2]) emit.add({ n: n + rng('dice').int(0, 5) });
      for (const n of [3, 4]) emit.put({ n });
    }),
    tallySchema.system('second', ({ emit }) => void emit.add({ n: 9 })),
  ],
});
const { compiled } = world.schema;
const ORDER = ['first', 'second'];

/** What the first tick of a run holds. */
async function recorded(): Promise<TickSide> {
  const store = memoryStore();
  const run = await createRun(world, { store, seed: 's', id: 'r' });
  await run.advance(1);
  await run.close();
  const frame = (await framesOf(store, 'r'))[1]!;
  return { ...frame, ...eventsUnder(world as never, compiled.text, frame) };
}
const side = await recorded();
const compare = (other: Partial<TickSide>, one: Partial<TickSide> = {}) =>
  compareTicks({ ...side, ...one }, { ...side, ...other }, compiled, ORDER);
const nothing = { event: null, values: [], draws: [] };

/** The waves with other runs in that of the first system. */
const withRuns = (runs: readonly EventRun[]) => ({
  waves: side.waves.map((wave) => (wave.origin === 'first' ? { ...wave, runs } : wave)),
});

describe('two sides', () => {
  test('are the same', () => {
    expect(compare({})).toBeNull();
    expect(compare({ stateHash: side.stateHash!.slice() })).toBeNull();
    expect(compare({ stateHash: null }, { stateHash: null })).toBeNull();
  });

  test('differ in the state alone', () => {
    const state = { what: 'state', origin: null, ...nothing };
    expect(compare({ stateHash: side.stateHash!.map((byte) => byte ^ 1) })).toEqual(state);
    expect(compare({ stateHash: null })).toEqual(state);
  });

  test('differ in the environment, whatever else does', () => {
    const environment = { what: 'environment', origin: null, ...nothing };
    expect(compare({ environment: '{}', stateHash: null, waves: [] })).toEqual(environment);
  });

  test('differ in draws: each stream with another number is told, in order of name', () => {
    const draws = [
      { stream: 'z', draws: 1 },
      { stream: 'dice', draws: 3 },
      { stream: 'a', draws: 2 },
    ];
    expect(compare({ draws })).toEqual({
      ...{ what: 'draws', origin: null, ...nothing },
      draws: [
        { stream: 'a', a: null, b: 2 },
        { stream: 'dice', a: 2, b: 3 },
        { stream: 'z', a: null, b: 1 },
      ],
    });
    expect(compare({ draws: [] })).toMatchObject({ draws: [{ stream: 'dice', a: 2, b: null }] });
  });

  test('differ in how the same events were applied: in any piece, or at once', () => {
    const [add, put] = ['add', 'put'].map((name) => compiled.kinds.findIndex((kind) => kind.name === name));
    const runs = (...sizes: [number, number, number, number]): EventRun[] => [
      { kind: add!, size: sizes[0], times: sizes[1] },
      { kind: put!, size: sizes[2], times: sizes[3] },
    ];
    const one = withRuns(runs(1, 2, 1, 2));
    const pieces = { what: 'pieces', origin: 'first', ...nothing };
    expect(compare(one, one)).toBeNull();
    expect(compare(withRuns(runs(2, 1, 1, 2)), one)).toEqual(pieces);
    expect(compare(withRuns(runs(1, 2, 2, 1)), one)).toEqual(pieces);
    const split = [{ kind: add!, size: 1, times: 1 }, ...runs(1, 1, 1, 2)];
    expect(compare(withRuns(split), one)).toEqual(pieces);
    const atOnce = side.waves.map((wave) => ({ ...wave, atOnce: !wave.atOnce }));
    expect(compare({ waves: atOnce })).toEqual(pieces);
  });

  test('differ in who emitted: whoever is first in order', () => {
    const [first, second] = side.waves;
    const events = { what: 'events', values: [], draws: [] };
    const added = (number: number) => ({ kind: 'add', number, row: { n: expect.any(Number) } });
    expect(compare({ waves: [first!] })).toEqual({
      ...{ ...events, origin: 'second' },
      event: { a: added(2), b: null },
    });
    expect(compare({ waves: [second!] })).toEqual({
      ...{ ...events, origin: 'first' },
      event: { a: added(0), b: null },
    });
    expect(compare({}, { waves: [second!] })).toEqual({
      ...{ ...events, origin: 'first' },
      event: { a: null, b: added(0) },
    });
    expect(compare({}, { waves: [] })).toMatchObject({ origin: 'first', event: { a: null } });
  });
});
