/**
 * A world at a tick, with its events, metrics and tick log up to then, as tables of SQL.
 *
 * Owns which tables there are and what they are called. Columns are read for those only that a query names:
 * reading the log for events takes as long as the log is.
 */

import type { SqlValue } from '../base/sql.ts';
import { ColumnSet } from '../columns/column-set.ts';
import { parseChange } from '../log/environment.ts';
import type { RecordFrame } from '../log/record.ts';
import { rowJsonText } from '../projections/sql/json.ts';
import { quoted, SqlNames } from '../projections/sql/names.ts';
import { columnDefinitions, type SqlTable, sqlTable } from '../projections/sql/table.ts';
import { columnsToSql, columnToSql } from '../projections/sql/values.ts';
import { stateOf, type WorldState } from '../projections/world-state.ts';
import { engineAt, type Log } from '../replay/given.ts';
import { type KindLayout, SOURCES } from '../schema/compile.ts';
import { frames, type LogSource, metricsOf } from '../simulation/history.ts';
import { eventsUnder, pastOf } from '../simulation/past.ts';
import type { AnyWorld } from '../simulation/world.ts';
import type { TaskBase, TaskTable } from './task.ts';
import { type TickNames, tickTables } from './tick-tables.ts';

/** What a query may look at under one name. */
export interface Moment {
  readonly log: Log;
  readonly tick: number;
  /** The tables of the world, where an open run held it when it was asked. */
  readonly held: readonly TaskTable[] | null;
}

const EVENT_COLUMNS = ['tick', 'seq', 'origin'];

/** The tables of SQL that there are for a world, and what they are called. */
export interface Catalogue {
  readonly tables: readonly SqlTable[];
  readonly kinds: readonly (SqlTable & { readonly layout: KindLayout })[];
  readonly events: string;
  readonly metrics: string;
  /** The two tables of the tick log. */
  readonly tickLog: TickNames;
}

/** Tables of the world have the first choice of names. Rows of a setup are no kind of their own here. */
export function catalogueOf({ schema: { compiled } }: AnyWorld): Catalogue {
  const names = new SqlNames();
  const tables = compiled.tables
    .filter(({ name }) => name !== SOURCES)
    .map((layout) => sqlTable('sqlite', layout, { name: names.give(layout.name) }));
  const events = names.give('events');
  const metrics = names.give('metrics');
  const tickLog = { ticks: names.give('ticks'), parts: names.give('tick_parts') };
  const own = compiled.kinds.filter(({ source }) => source !== 'insert' && source !== 'source');
  const kinds = own.map((layout) => ({
    ...sqlTable('sqlite', layout, { name: names.give(`events_${layout.name}`), taken: EVENT_COLUMNS }),
    layout,
  }));
  return { tables, kinds, events, metrics, tickLog };
}

/** Whether a query names a table; too often rather than too seldom. */
const isNamed = (query: string, name: string): boolean =>
  new RegExp(`(?<![A-Za-z0-9_$])${name}(?![A-Za-z0-9_$])`, 'i').test(query);

const keyOf = ({ key }: SqlTable): string[] =>
  key.length === 0 ? [] : [`primary key (${key.map(({ name }) => quoted(name)).join(', ')})`];

/** Whether a query may want columns that it does not name. */
const wantsAll = (query: string): boolean =>
  /\*|\bnatural\b/i.test(query.replace(/count\s*\(\s*\*\s*\)/gi, ''));

/** The columns that a query may look at, as they are now: what is a view of the world is copied. */
function namedColumns(table: SqlTable, set: ColumnSet, query: string): (ArrayLike<SqlValue> | null)[] {
  const all = wantsAll(query);
  return table.columns.map((column) => {
    if (!all && !table.key.includes(column) && !isNamed(query, column.name)) return null;
    const values = columnToSql(column, set, 0, set.size);
    return Array.isArray(values) ? values : (values as Float64Array).slice();
  });
}

function worldTables(state: WorldState | null, { tables }: Catalogue, query: string): TaskTable[] {
  return tables.map((table) => {
    const set =
      state !== null && isNamed(query, table.name) ? state.tables.get(table.layout.name)!.set : null;
    return {
      name: table.name,
      definitions: [...columnDefinitions(table), ...keyOf(table)],
      columns: set === null ? [] : namedColumns(table, set, query),
      size: set?.size ?? 0,
    };
  });
}

/** Where the events of one kind stand in the log, beside the events. */
interface Places {
  readonly tick: number[];
  readonly seq: number[];
  readonly origin: string[];
}

const noPlaces = (): Places => ({ tick: [], seq: [], origin: [] });

function notePlaces(frame: RecordFrame, kind: number, places: Places): void {
  let seq = frame.sequence;
  for (const { origin, runs } of frame.waves)
    for (const run of runs) {
      const size = run.size * run.times;
      for (let i = 0; run.kind === kind && i < size; i++) {
        places.tick.push(frame.tick);
        places.seq.push(seq + i);
        places.origin.push(origin);
      }
      seq += size;
    }
}

interface Gathered {
  readonly set: ColumnSet;
  readonly places: Places;
}

/** The events of some kinds over ticks 0 to `to`, as the present schema has them. */
async function gather(
  source: LogSource,
  world: AnyWorld,
  kinds: readonly KindLayout[],
  to: number,
): Promise<Map<KindLayout, Gathered>> {
  const made = new Map(
    kinds.map((kind) => [kind, { set: new ColumnSet(kind, false), places: noPlaces() }] as const),
  );
  const { compiled } = world.schema;
  let text = compiled.text;
  if (kinds.length === 0) return made;
  for await (const frame of frames(source, 0, to)) {
    if (frame.environment !== null) text = parseChange(frame.environment).schema ?? text;
    const { batches } = eventsUnder(world, text, frame);
    const past = text === compiled.text ? null : pastOf(world, text);
    for (const { kind, set } of batches) {
      const found = made.get(compiled.kinds[kind]!);
      if (found === undefined) continue;
      found.set.appendFrom(set, 0, set.size);
      notePlaces(frame, past === null ? kind : past.numberOf(kind), found.places);
    }
  }
  return made;
}

const PLACE_DEFINITIONS = ['"tick" integer not null', '"seq" integer not null', '"origin" text not null'];

function kindTable(table: SqlTable, found: Gathered | undefined): TaskTable {
  const definitions = [...PLACE_DEFINITIONS, ...columnDefinitions(table)];
  if (found === undefined) return { name: table.name, definitions, columns: [], size: 0 };
  const { set, places } = found;
  const columns = [places.tick, places.seq, places.origin, ...columnsToSql(table, set, 0, set.size)];
  return { name: table.name, definitions, columns, size: set.size };
}

const EVENT_DEFINITIONS = [
  '"run" text not null',
  '"t" integer not null',
  '"seq" integer not null',
  '"origin" text not null',
  '"kind" text not null',
  '"payload" text not null',
];

/** All events in one table, in order, what they hold as JSON. */
function eventTable(name: string, run: string, all: ReadonlyMap<KindLayout, Gathered>): TaskTable {
  const rows: SqlValue[][] = [];
  for (const [kind, { set, places }] of all)
    for (let i = 0; i < set.size; i++) {
      const { tick, seq, origin } = places;
      rows.push([run, tick[i]!, seq[i]!, origin[i]!, kind.name, rowJsonText(kind.columns, set.rowAt(i))]);
    }
  rows.sort((a, b) => (a[2] as number) - (b[2] as number));
  const columns = EVENT_DEFINITIONS.map((_, column) => rows.map((row) => row[column]!));
  return { name, definitions: EVENT_DEFINITIONS, columns, size: rows.length };
}

/** A row a tick; NULL where a tick did not record a metric. */
async function metricTable(name: string, source: LogSource, tick: number): Promise<TaskTable> {
  const { columns, size } = await metricsOf(source, tick);
  const names = new SqlNames();
  const definitions = Object.keys(columns).map((metric) =>
    metric === 'tick' ? `${quoted(names.give(metric))} integer not null` : quoted(names.give(metric)),
  );
  return { name, definitions, columns: Object.values(columns), size };
}

/** What a query is given of a moment: every table, with rows where the query names it. */
export async function baseOf(name: string, moment: Moment, query: string): Promise<TaskBase> {
  const { log, tick } = moment;
  const { world, source, id } = log;
  const catalogue = catalogueOf(world);
  const wanted = catalogue.tables.some((table) => isNamed(query, table.name));
  const state = wanted && moment.held === null ? (await engineAt(log, tick)).state : null;
  const tables = moment.held ?? worldTables(state, catalogue, query);
  const all = isNamed(query, catalogue.events);
  const kinds = all
    ? world.schema.compiled.kinds
    : catalogue.kinds.filter((kind) => isNamed(query, kind.name)).map(({ layout }) => layout);
  const found = await gather(source, world, kinds, tick);
  const { tickLog } = catalogue;
  const timed = Object.values(tickLog).some((table) => isNamed(query, table));
  return {
    name,
    tables: [
      ...tables,
      ...catalogue.kinds.map((kind) => kindTable(kind, found.get(kind.layout))),
      eventTable(catalogue.events, id, all ? found : new Map()),
      await metricTable(catalogue.metrics, source, isNamed(query, catalogue.metrics) ? tick : 0),
      ...(await tickTables(tickLog, timed ? source : null, tick)),
    ],
  };
}

/** The u64 columns of a base, as a query names where a value comes from. */
export const exactColumns = (name: string, { log }: Moment): string[] => {
  const { tables, kinds } = catalogueOf(log.world);
  return [...tables, ...kinds].flatMap((table) =>
    table.columns
      .filter(({ layout: { value } }) => value.kind === 'big' && value.array === 'u64')
      .map((column) => `${name}.${table.name}.${column.name}`),
  );
};

/** The tables of the world that an open run is at, copied at once; null where it can't be looked at. */
export function heldTables(world: AnyWorld, reader: object, query: string): readonly TaskTable[] | null {
  const state = stateOf(reader);
  return state === undefined || state.gate.hidden ? null : worldTables(state, catalogueOf(world), query);
}
