/** syncTest: sound worlds stay in sync; what lives in closures is found as soon as a tick is taken back. */
import { describe, expect, test } from 'vitest';
import { verifyText } from '../../src/index.ts';
import { stateOf } from '../../src/projections/world-state.ts';
import { disorderOf } from '../../src/testing/row-order.ts';
import { syncTest } from '../../src/testing/sync-test.ts';
import { caught } from '../support/runs.ts';
import { BUGS } from './bugs.ts';
import { town } from './town.ts';

const MADE_ANEW = BUGS.filter(({ verify, restart }) => verify === undefined && restart === true);

describe('syncTest', () => {
  test.each([true, false])('L5: a sound world stays in sync, with its inputs; heavy: %s', async (heavy) => {
    const { inSync, tick, report, disorder } = await syncTest(town(), {
      ticks: 20,
      heavy,
      config: { rate: 0.5 },
      before: (run) => void (run.tick % 3 === 0 && run.submit.cured({ person: (run.tick + 1) as never })),
    });
    expect({ inSync, tick, disorder }, verifyText(report)).toEqual({
      inSync: true,
      tick: 20,
      disorder: null,
    });
    expect(report.executed).toBe(4);
  });

  test.each(MADE_ANEW.map((bug) => [bug.name, bug] as const))(
    'L5: finds that %s',
    async (_, { record, expected }) => {
      const { inSync, report } = await syncTest(record, { ticks: 12, rollback: 2 });
      expect(inSync).toBe(false);
      expect(report.divergence!.place!.origin).toBe(expected.origin);
    },
  );

  test('L3: finds a write past the write view when it is heavy', async () => {
    const bug = BUGS.find(({ name }) => name.startsWith('a system writes a table'))!;
    const error = await caught(() => syncTest(bug.record(), { heavy: true }));
    expect(error).toMatchObject({
      code: 'WRITTEN_PAST',
      facts: { tick: 4, origin: 'move', table: 'people' },
    });
    const { inSync, report } = await syncTest(bug.record());
    expect(inSync).toBe(false);
    expect(report.divergence).toMatchObject({ tick: 4, cause: 'written past' });
  });

  test('what means nothing is refused', async () => {
    expect((await caught(() => syncTest(town(), { ticks: 0 }))).code).toBe('BAD_USAGE');
    expect((await caught(() => syncTest(town(), { rollback: 1.5 }))).code).toBe('BAD_USAGE');
    expect((await caught(() => syncTest(town(), { twice: true } as never))).code).toBe('BAD_USAGE');
  });
});

test('L3: a key or an index that does not lead to its row is told', async () => {
  let state: ReturnType<typeof stateOf>;
  await syncTest(town(), { ticks: 1, before: (run) => void (state = stateOf(run.world)) });
  expect(disorderOf(state!)).toBe(null);
  const { set } = state!.tables.get('people')!;
  const [first, last] = [set.byName.get('cell')!.read(0) as number, set.byName.get('id')!.read(1) as number];
  // Past every index, as a bug in the columns would.
  set.byName.get('cell')!.store(0, (first + 1) % 10);
  expect(disorderOf(state!)).toMatch(/^'people\.cell': \d is in rows /);
  set.byName.get('cell')!.store(0, first);
  set.byName.get('id')!.store(1, last + 50);
  expect(disorderOf(state!)).toBe(`'people': the key ${last + 50} of row 1 leads to row -1`);
});
