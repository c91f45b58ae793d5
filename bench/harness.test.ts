import { expect, it } from 'vitest';
import { type Comparison, compare, table } from './harness.ts';

/** A clock that moves only when a contestant works. */
function machine() {
  let now = 0;
  const order: string[] = [];
  const works = (name: string, ms: () => number) => ({
    name,
    run: () => {
      order.push(name);
      now += ms();
    },
  });
  return { clock: () => now, works, order, idle: (ms: number) => void (now += ms) };
}

const about = { conditions: 'a made-up clock', unit: 'events', opsPerRun: 1000 };
const oneRunTurns = { rounds: 5, warmUpMs: 1, turnMs: 1 };

it('takes turns: baseline and every candidate once a round', async () => {
  const { clock, works, order } = machine();
  const [baseline, one, two] = ['base', 'one', 'two'].map((name) => works(name, () => 4));
  await compare(
    { ...about, name: 'turns', baseline: baseline!, candidates: [one!, two!] },
    { ...oneRunTurns, clock },
  );
  const rounds = order.slice(-15);
  expect(rounds).toEqual(Array.from({ length: 5 }, () => ['base', 'one', 'two']).flat());
});

it('a slow spell of the machine does not change the ratio', async () => {
  const { clock, works, order } = machine();
  const slow = () => (order.length > 14 ? 10 : 1);
  const comparison: Comparison = {
    ...about,
    name: 'spell',
    baseline: works('base', () => 40 * slow()),
    candidates: [
      { ...works('quick', () => 2 * slow()), aim: { speedAtLeast: 20 } },
      { ...works('slow', () => 60 * slow()), aim: { timeAtMost: 1.3 } },
      { ...works('flat', () => 4 * slow()), aim: { perSecondAtLeast: 1e6 } },
      works('free', () => 40 * slow()),
    ],
  };
  const rows = await compare(comparison, { ...oneRunTurns, rounds: 7, clock });
  expect(rows.map(({ speed }) => Number(speed.toPrecision(6)))).toEqual([20, 0.666667, 10, 1]);
  expect(rows.map(({ ok }) => ok)).toEqual([true, false, false, null]);
  expect(rows[0]!.quartiles).toEqual([20, 20]);
});

it('short runs are repeated within a turn, and a rate counts every run', async () => {
  const { clock, works, order } = machine();
  const comparison = {
    ...about,
    name: 'short',
    baseline: works('base', () => 0.5),
    candidates: [works('x', () => 0.25)],
  };
  const [row] = await compare(comparison, { rounds: 3, warmUpMs: 50, turnMs: 20, clock });
  expect(row).toMatchObject({ baselineMeasured: 2_000_000, measured: 4_000_000, speed: 2 });
  expect(order.slice(-120)).toEqual([...Array(40).fill('base'), ...Array(80).fill('x')]);
});

it('preparing and disposing stay outside the timer and happen once a run', async () => {
  const { clock, works, idle } = machine();
  const open: object[] = [];
  const prepared = {
    ...works('prepared', () => 10),
    prepare: async () => {
      idle(1000);
      const made = {};
      open.push(made);
      return made;
    },
    dispose: (made: object) => {
      idle(1000);
      expect(open.pop()).toBe(made);
    },
  };
  const comparison = {
    ...about,
    name: 'prepared',
    baseline: works('base', () => 10),
    candidates: [prepared],
  };
  const [row] = await compare(comparison, { ...oneRunTurns, clock });
  expect(row).toMatchObject({ measured: 100_000, speed: 1 });
  expect(open).toEqual([]);
});

it('waits for runs that are asynchronous', async () => {
  const { clock, works, idle } = machine();
  const later = { name: 'later', run: () => Promise.resolve().then(() => idle(20)) };
  const comparison = { ...about, name: 'async', baseline: works('base', () => 10), candidates: [later] };
  expect(await compare(comparison, { ...oneRunTurns, clock })).toMatchObject([{ speed: 0.5 }]);
});

it('the table is aligned and says the conditions', () => {
  const row = {
    what: 'append',
    conditions: 'SQLite, a hash each tick',
    unit: 'events',
    candidate: 'columns',
    baseline: 'JSON rows',
    measured: 5_123_456,
    baselineMeasured: 250_000,
    speed: 20.4938,
    quartiles: [20, 21] as const,
    aim: { speedAtLeast: 20 },
    ok: true,
  };
  const slower = {
    ...row,
    candidate: 'blob',
    measured: 200_000,
    speed: 0.8,
    aim: { timeAtMost: 1.2 },
    ok: false,
  };
  expect(table([row, slower]).split('\n')).toEqual([
    'what            | measured       | baseline                | ratio          | aim             | ok?',
    '----------------|----------------|-------------------------|----------------|-----------------|----',
    'append: columns | 5.12M events/s | JSON rows 250k events/s | 20.5×          | ≥ 20×           | yes',
    'append: blob    | 200k events/s  | JSON rows 250k events/s | 1.25× the time | ≤ 1.2× the time | NO',
    '',
    'append: SQLite, a hash each tick',
  ]);
});
