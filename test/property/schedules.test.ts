/**
 * The laws under seeded schedules: writers, rivals, readers, forks, removals, collections, damage, faults,
 * deaths and power losses, judged by an oracle.
 *
 * 600 schedules in CI, 300 elsewhere; `WORLDFOLD_SCHEDULES` says another number. `WORLDFOLD_SEED` runs one
 * seed and prints its trace. Seeds that once failed stand in regressions.json and are always run.
 */
import { test } from 'vitest';
import regressions from './regressions.json' with { type: 'json' };
import { declareSchedules, expectRepeated } from './support/schedules.ts';

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
  'deaths beside a commit',
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
  'replaced beside a commit',
  'replays',
  'snapshots',
  'snapshots dropped',
  'snapshots read',
  'ticks as the parent',
  'ticks beside a commit',
  'ticks lost',
  'warned of damage',
  'windows filled',
];

declareSchedules({
  eras: false,
  laws: 'L1 L2 L3 L4 L5 L6 L7 L11 L12 L14',
  share: 1,
  part: 500,
  met: MET,
  one: 'WORLDFOLD_SEED',
  regressions: regressions.schedules,
});

test.each([3, 17, 2 ** 31])('one seed gives one report: %i', (seed) => expectRepeated(seed, false));
