/**
 * The laws under seeded schedules: writers, rivals, readers, forks, removals, collections, damage, faults,
 * deaths and power losses, judged by an oracle; and, as schedules of their own, all of that while runs are
 * opened under another schema and other handlers.
 *
 * 5,000 schedules in CI, 500 elsewhere; `WORLDFOLD_SCHEDULES` says another number; half as many with eras.
 * `WORLDFOLD_SEED` runs one seed and prints its trace, `WORLDFOLD_ERA_SEED` one with eras. Seeds that once
 * failed stand in regressions.json and are always run.
 */
import { describe, expect, test } from 'vitest';
import { type SimulationReport, simulate } from '../../src/testing/simulate.ts';
import regressions from './regressions.json' with { type: 'json' };

const { env } = process;
const isThorough = Boolean(env.CI || env.WORLDFOLD_REQUIRE_ALL);
const SCHEDULES = Number(env.WORLDFOLD_SCHEDULES ?? (isThorough ? 5000 : 500));
const ONE = env.WORLDFOLD_ERA_SEED ?? env.WORLDFOLD_SEED;
const ONE_HAS_ERAS = env.WORLDFOLD_ERA_SEED !== undefined;
/** Schedules of one test: each ends within its time on a slow machine, and a failing one is found early. */
const PART = 500;
const MINUTES = 60_000;

/** The last lines of a trace, which lead to what broke. */
const LINES = 60;

/** The laws that a schedule is judged by. */
const LAWS = 'L1 L2 L3 L4 L5 L6 L7 L11 L12 L14';
const ERA_LAWS = 'L1 L2 L3 L4 L5 L6 L7 L11 L12 L13 L14';

function told({ seed, plan, violations, trace }: SimulationReport): string {
  const broken = violations.map(({ step, what }) => `step ${step}: ${what}`).join('\n');
  const shown = ONE === undefined ? trace.slice(-LINES) : trace;
  const name = plan.eras ? 'WORLDFOLD_ERA_SEED' : 'WORLDFOLD_SEED';
  return `seed ${seed} broke a law (${name}=${seed} shows all of it)\n${broken}\n${JSON.stringify(plan)}\n${shown.join('\n')}`;
}

async function check(seed: number, eras: boolean): Promise<SimulationReport> {
  const report = await simulate(seed, { eras });
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

/** What two hundred and fifty schedules with eras must have met beside. */
const ERAS_MET = [
  'CODE_CHANGED',
  'NO_STATE',
  'SCHEMA_DIFFERS',
  'adopted',
  'bases folded',
  'damage mended',
  'deaths',
  'eras adopted',
  'eras migrated',
  'failed ticks',
  'forks',
  'forks of forks',
  'inputs kept',
  'opened past damage',
  'other handlers accepted',
  'power losses',
  'replays',
  'snapshots dropped',
  'snapshots read',
];

/** Runs schedules in parts; each part must have met what proves that it did something. */
function schedules(laws: string, eras: boolean, all: number, part: number, met: readonly string[]): void {
  for (let from = 0; from < all; from += part) {
    const to = Math.min(from + part, all);
    test(`${laws}: schedules ${from} to ${to - 1}`, { timeout: 10 * MINUTES }, async () => {
      const counts = new Set<string>();
      for (let seed = from; seed < to; seed++)
        for (const what of (await check(seed, eras)).counts.keys()) counts.add(what);
      if (to - from === part) expect(met.filter((what) => !counts.has(what))).toEqual([]);
    });
  }
}

if (ONE !== undefined)
  test(`${ONE_HAS_ERAS ? ERA_LAWS : LAWS}: the schedule of seed ${ONE}`, async () => {
    process.stdout.write(`${(await check(Number(ONE), ONE_HAS_ERAS)).trace.join('\n')}\n`);
  });
else {
  const once = async ({ seed }: { seed: number }, eras: boolean): Promise<void> =>
    expect((await check(seed, eras)).steps).toBeGreaterThan(0);
  test.each(regressions.schedules)(`${LAWS}: the schedule of seed $seed, which once failed: $why`, (one) =>
    once(one, false),
  );
  test.each(regressions.eras)(
    `${ERA_LAWS}: the schedule with eras of seed $seed, which once failed: $why`,
    (one) => once(one, true),
  );
  describe('as they are', () => schedules(LAWS, false, SCHEDULES, PART, MET));
  describe('with eras', () => schedules(ERA_LAWS, true, Math.ceil(SCHEDULES / 2), PART / 2, ERAS_MET));
}

test('one seed gives one report', async () => {
  for (const [seed, eras] of [
    [3, false],
    [17, false],
    [2 ** 31, false],
    [5, true],
  ] as const) {
    const { trace, counts } = await simulate(seed, { eras });
    const again = await simulate(seed, { eras });
    expect(again.trace).toEqual(trace);
    expect(again.counts).toEqual(counts);
  }
});
