/** Seeded schedules as tests: how many, in which parts, and what is told of one that broke a law. */
import { expect, test } from 'vitest';
import { type SimulationReport, simulate } from '../../../src/testing/simulate.ts';

const { env } = process;
const isThorough = Boolean(env.CI || env.WORLDFOLD_REQUIRE_ALL);
const SCHEDULES = Number(env.WORLDFOLD_SCHEDULES ?? (isThorough ? 600 : 300));
const MINUTES = 60_000;

/** The last lines of a trace, which lead to what broke. */
const LINES = 60;

/** A family of schedules: as they are, or with eras. */
export interface Family {
  readonly eras: boolean;
  /** The laws that they are judged by. */
  readonly laws: string;
  /** The share of all schedules that is played of it. */
  readonly share: number;
  /** Schedules of one test: each ends within its time on a slow machine, and a failing one is found early. */
  readonly part: number;
  /** What a part must have met at least once, or it proves little. */
  readonly met: readonly string[];
  /** The variable that asks for one seed, and the seeds that once failed. */
  readonly one: string;
  readonly regressions: readonly { readonly seed: number; readonly why: string }[];
}

function told({ one }: Family, { seed, plan, violations, trace }: SimulationReport): string {
  const broken = violations.map(({ step, what }) => `step ${step}: ${what}`).join('\n');
  const shown = env[one] === undefined ? trace.slice(-LINES) : trace;
  const head = `seed ${seed} broke a law (${one}=${seed} shows all of it)`;
  return `${head}\n${broken}\n${JSON.stringify(plan)}\n${shown.join('\n')}`;
}

async function check(seed: number, family: Family): Promise<SimulationReport> {
  const report = await simulate(seed, { eras: family.eras });
  if (report.violations.length > 0) expect.fail(told(family, report));
  return report;
}

/** Runs schedules in parts; each part must have met what proves that it did something. */
function inParts(family: Family): void {
  const { laws, share, part, met } = family;
  const all = Math.ceil(SCHEDULES * share);
  for (let from = 0; from < all; from += part) {
    const to = Math.min(from + part, all);
    test(`${laws}: schedules ${from} to ${to - 1}`, { timeout: 10 * MINUTES }, async () => {
      const counts = new Set<string>();
      for (let seed = from; seed < to; seed++)
        for (const what of (await check(seed, family)).counts.keys()) counts.add(what);
      if (to - from === part) expect(met.filter((what) => !counts.has(what))).toEqual([]);
    });
  }
}

/** Declares the tests of a family: one seed where it is asked for; else those that once failed, and all. */
export function declareSchedules(family: Family): void {
  const { laws, one, regressions } = family;
  const seed = env[one];
  if (seed !== undefined)
    test(`${laws}: the schedule of seed ${seed}`, async () => {
      process.stdout.write(`${(await check(Number(seed), family)).trace.join('\n')}\n`);
    });
  else {
    test.each(regressions)(`${laws}: the schedule of seed $seed, which once failed: $why`, async (given) => {
      expect((await check(given.seed, family)).steps).toBeGreaterThan(0);
    });
    inParts(family);
  }
}

/** Proves that a seed is all that a schedule depends on. */
export async function expectRepeated(seed: number, eras: boolean): Promise<void> {
  const { trace, counts } = await simulate(seed, { eras });
  const again = await simulate(seed, { eras });
  expect(again.trace).toEqual(trace);
  expect(again.counts).toEqual(counts);
}
