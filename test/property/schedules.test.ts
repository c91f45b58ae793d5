/**
 * The laws under seeded schedules: writers, rivals, readers, forks, removals, collections, damage, faults,
 * deaths and power losses, judged by an oracle.
 *
 * 5,000 schedules in CI, 500 elsewhere; `WORLDFOLD_SCHEDULES` says another number. `WORLDFOLD_SEED` runs one
 * seed and prints its trace. Seeds that once failed stand in regressions.json and are always run.
 */
import { expect, test } from 'vitest';
import { type SimulationReport, simulate } from '../../src/testing/simulate.ts';
import regressions from './regressions.json' with { type: 'json' };

const { env } = process;
const isThorough = Boolean(env.CI || env.WORLDFOLD_REQUIRE_ALL);
const SCHEDULES = Number(env.WORLDFOLD_SCHEDULES ?? (isThorough ? 5000 : 500));
const ONE = env.WORLDFOLD_SEED;
/** Schedules of one test: each ends within its time on a slow machine, and a failing one is found early. */
const PART = 500;
const MINUTES = 60_000;

/** The last lines of a trace, which lead to what broke. */
const LINES = 60;

function told({ seed, plan, violations, trace }: SimulationReport): string {
  const broken = violations.map(({ step, what }) => `step ${step}: ${what}`).join('\n');
  const shown = ONE === undefined ? trace.slice(-LINES) : trace;
  return `seed ${seed} broke a law (WORLDFOLD_SEED=${seed} shows all of it)\n${broken}\n${JSON.stringify(plan)}\n${shown.join('\n')}`;
}

async function check(seed: number): Promise<SimulationReport> {
  const report = await simulate(seed);
  if (report.violations.length > 0) expect.fail(told(report));
  return report;
}

/** What five hundred schedules must have met at least once, or they prove little. */
const MET = [
  'BAD_INPUT',
  'CLOSED',
  'EXISTS',
  'NO_CHUNK',
  'NO_TICK',
  'QUEUE_FULL',
  'RUN_IN_USE',
  'STALLED',
  'STORE_FAILED',
  'TICK_FAILED',
  'UNKNOWN_RUN',
  'WRITER_REPLACED',
  'WRONG_STATE',
  'chunks shared',
  'chunks stored',
  'collected',
  'commits',
  'commits lost',
  'damage mended',
  'damage read',
  'deaths',
  'failed ticks',
  'forks',
  'forks before a fork',
  'forks of forks',
  'inputs durable',
  'inputs kept',
  'opened',
  'opened past damage',
  'orphans',
  'power losses',
  'removed',
  'repeated',
  'replaced',
  'replays',
  'snapshots',
  'snapshots dropped',
  'snapshots read',
  'ticks as the parent',
  'ticks lost',
  'warned of damage',
];

if (ONE !== undefined)
  test(`L1 L2 L3 L4 L5 L6 L7 L11 L12 L14: the schedule of seed ${ONE}`, async () => {
    process.stdout.write(`${(await check(Number(ONE))).trace.join('\n')}\n`);
  });
else {
  test.each(regressions.schedules)(
    'L1 L2 L3 L4 L5 L6 L7 L11 L12 L14: the schedule of seed $seed, which once failed: $why',
    async ({ seed }) => {
      expect((await check(seed)).steps).toBeGreaterThan(0);
    },
  );

  for (let from = 0; from < SCHEDULES; from += PART) {
    const to = Math.min(from + PART, SCHEDULES);
    test(`L1 L2 L3 L4 L5 L6 L7 L11 L12 L14: schedules ${from} to ${to - 1}`, {
      timeout: 10 * MINUTES,
    }, async () => {
      const met = new Set<string>();
      for (let seed = from; seed < to; seed++)
        for (const what of (await check(seed)).counts.keys()) met.add(what);
      if (to - from === PART) expect(MET.filter((what) => !met.has(what))).toEqual([]);
    });
  }
}

test('one seed gives one report', async () => {
  for (const seed of [3, 17, 2 ** 31]) {
    const { trace, counts } = await simulate(seed);
    const again = await simulate(seed);
    expect(again.trace).toEqual(trace);
    expect(again.counts).toEqual(counts);
  }
});
