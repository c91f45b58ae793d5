/**
 * The laws under seeded schedules in which runs are opened under another schema and other handlers, among all
 * that happens in the others.
 *
 * Half as many as of the others; `WORLDFOLD_ERA_SEED` runs one seed and prints its trace. Seeds that once
 * failed stand in regressions.json and are always run.
 */
import { test } from 'vitest';
import regressions from './regressions.json' with { type: 'json' };
import { declareSchedules, expectRepeated } from './support/schedules.ts';

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

declareSchedules({
  eras: true,
  laws: 'L1 L2 L3 L4 L5 L6 L7 L11 L12 L13 L14',
  share: 1 / 2,
  part: 250,
  met: ERAS_MET,
  one: 'WORLDFOLD_ERA_SEED',
  regressions: regressions.eras,
});

test('one seed gives one report', () => expectRepeated(5, true));
