/**
 * Event rows as a projection: the table of the port, and its rows of a record.
 */
import type { SqlDialect, SqlValue } from '../base/sql.ts';
import type { ProjectedTable, RowChanges } from '../log/projection-store.ts';
import { decodeBatches, freshSets, type RecordFrame } from '../log/record.ts';
import {
  eventColumns,
  eventRows,
  type RecordedSchema,
  recordedUnder,
} from '../projections/sql/event-rows.ts';
import type { MigrationPlan } from '../schema/migration-plan.ts';
import { planOf } from './past.ts';
import type { AnyWorld } from './world.ts';

/** What the table is to its projection, and what it is called where the name is free. */
export const EVENTS = 'events';

/** The column of the id of the run there. */
export const RUN_OF_EVENTS = 'run_id';

/** The table of the events of any world: all worlds of a store share it. */
export const eventTable = (dialect: SqlDialect): ProjectedTable => ({
  wanted: EVENTS,
  // The version of the columns: other ones would be another table.
  identity: `${EVENTS} 1`,
  role: EVENTS,
  runColumn: RUN_OF_EVENTS,
  columns: eventColumns(dialect),
  key: ['seq'],
  index: ['kind', 'agent_id', 't'],
});

const known = new WeakMap<MigrationPlan, RecordedSchema>();

/**
 * The events of a record as rows, in order: one array for each column of {@link eventTable}. `text` is the
 * schema that it was recorded under. `SCHEMA_DIFFERS` where no migration leads from there to the world's.
 */
export function eventsRecorded(world: AnyWorld, text: string, frame: RecordFrame): SqlValue[][] {
  const plan = planOf(world, text);
  let recorded = known.get(plan);
  if (recorded === undefined) known.set(plan, (recorded = recordedUnder(plan)));
  const { schema } = recorded;
  return eventRows(frame, decodeBatches(frame, schema, freshSets(schema)), recorded);
}

/** What a record adds to the table of events; fails as {@link eventsRecorded} does. */
export const eventChanges = (world: AnyWorld, text: string, frame: RecordFrame): RowChanges => ({
  role: EVENTS,
  removed: [[]],
  written: eventsRecorded(world, text, frame),
});
