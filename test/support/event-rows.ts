/** The event rows of a log, as objects, each record read as it is followed. */
import type { SqlValue } from '../../src/base/sql.ts';
import { parseChange } from '../../src/log/environment.ts';
import type { Store } from '../../src/log/store.ts';
import { eventsRecorded, eventTable } from '../../src/simulation/event-rows.ts';
import type { AnyWorld } from '../../src/simulation/world.ts';
import { framesOf } from './runs.ts';

/** A row of the table `events`, the run apart. */
export interface EventRow {
  readonly agent_id: string | null;
  readonly t: number;
  readonly seq: number;
  readonly kind: string;
  readonly payload_json: string;
  readonly ts: number;
  readonly schema_version: number;
}

/** Columns as rows. */
export const asRows = (columns: readonly ArrayLike<SqlValue>[]): EventRow[] =>
  Array.from(columns[0]!, (_, row) =>
    Object.fromEntries(eventTable('sqlite').columns.map(({ name }, i) => [name, columns[i]![row]])),
  ) as unknown as EventRow[];

/** All event rows of a run in a store, from a tick on. */
export async function eventRowsOf(world: object, store: Store, id: string, from = 0): Promise<EventRow[]> {
  const known = world as AnyWorld;
  let { text } = known.schema.compiled;
  const rows: EventRow[] = [];
  for (const frame of await framesOf(store, id)) {
    if (frame.environment !== null) text = parseChange(frame.environment).schema ?? text;
    if (frame.tick >= from) rows.push(...asRows(eventsRecorded(known, text, frame)));
  }
  return rows;
}
