/**
 * A world at a tick, with its events, metrics and tick log up to then, as tables of SQL.
 *
 * Owns which tables there are and what they are called. Columns are read for those only that a query names:
 * reading the log for events takes as long as the log is.
 */

import type { SqlValue } from '../base/sql.ts';
import { ColumnSet } from '../columns/column-set.ts';
import { placedRuns } from '../columns/waves.ts';
import { parseChange } from '../log/environment.ts';
import type { RecordFrame } from '../log/record.ts';
import { quoted, SqlNames } from '../projections/sql/names.ts';
import { columnDefinitions, type SqlTable, sqlTable } from '../projections/sql/table.ts';
import { columnsToSql, columnToSql } from '../projections/sql/values.ts';
import { stateOf, type WorldState } from '../projections/world-state.ts';
import { engineAt, type Log } from '../replay/given.ts';
import { type KindLayout, SOURCES } from '../schema/compile.ts';
import { EVENTS, eventsRecorded, eventTable } from '../simulation/event-rows.ts';
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

/** Where a store keeps event rows it has a table of the same columns, the origin apart. */
const STORED_EVENTS = eventTable('sqlite');
const EVENT_ROWS = [
  ...STORED_EVENTS.columns.map(
    ({ name, type, notNull }) => `${quoted(name)} ${type}${notNull ? ' not null' : ''}`,
  ),
  '"origin" text not null',
];

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
  const events = names.give(EVENTS);
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
  for (const run of placedRuns(frame.waves))
    for (let i = 0; run.kind === kind && i < run.size; i++) {
      places.tick.push(frame.tick);
      places.seq.push(frame.sequence + run.place + i);
      places.origin.push(run.origin);
    }
}

interface Gathered {
  readonly set: ColumnSet;
  readonly places: Places;
}

/** Adds the events of a record, as the present schema has them. */
function gatherKinds(
  world: AnyWorld,
  text: string,
  frame: RecordFrame,
  into: ReadonlyMap<KindLayout, Gathered>,
): void {
  if (into.size === 0) return;
  const { compiled } = world.schema;
  const { batches } = eventsUnder(world, text, frame);
  const past = text === compiled.text ? null : pastOf(world, text);
  for (const { kind, set } of batches) {
    const found = into.get(compiled.kinds[kind]!);
    if (found === undefined) continue;
    found.set.appendFrom(set, 0, set.size);
    notePlaces(frame, past === null ? kind : past.numberOf(kind), found.places);
  }
}

/** Adds the events of a record as they were recorded, and their origins: one array a column. */
function gatherRows(world: AnyWorld, text: string, frame: RecordFrame, into: readonly SqlValue[][]): void {
  const columns = eventsRecorded(world, text, frame);
  for (const [i, column] of columns.entries()) for (const value of column) into[i]!.push(value);
  for (const { origin, size } of placedRuns(frame.waves))
    for (let i = 0; i < size; i++) into[columns.length]!.push(origin);
}

interface Events {
  readonly kinds: ReadonlyMap<KindLayout, Gathered>;
  /** The rows of the one table of all events, the run apart; null where it is not asked for. */
  readonly rows: readonly SqlValue[][] | null;
}

/** The events of ticks 0 to `to`: of some kinds, and all of them in one table. */
async function gather(
  source: LogSource,
  world: AnyWorld,
  wanted: { readonly kinds: readonly KindLayout[]; readonly rows: boolean },
  to: number,
): Promise<Events> {
  const kinds = new Map(
    wanted.kinds.map((kind) => [kind, { set: new ColumnSet(kind, false), places: noPlaces() }] as const),
  );
  const rows = wanted.rows ? EVENT_ROWS.map((): SqlValue[] => []) : null;
  if (kinds.size === 0 && rows === null) return { kinds, rows };
  let { text } = world.schema.compiled;
  for await (const frame of frames(source, 0, to)) {
    if (frame.environment !== null) text = parseChange(frame.environment).schema ?? text;
    gatherKinds(world, text, frame, kinds);
    if (rows !== null) gatherRows(world, text, frame, rows);
  }
  return { kinds, rows };
}

const PLACE_DEFINITIONS = ['"tick" integer not null', '"seq" integer not null', '"origin" text not null'];

function kindTable(table: SqlTable, found: Gathered | undefined): TaskTable {
  const definitions = [...PLACE_DEFINITIONS, ...columnDefinitions(table)];
  if (found === undefined) return { name: table.name, definitions, columns: [], size: 0 };
  const { set, places } = found;
  const columns = [places.tick, places.seq, places.origin, ...columnsToSql(table, set, 0, set.size)];
  return { name: table.name, definitions, columns, size: set.size };
}

/** All events in one table, in order, what they hold as JSON. */
function allEvents(name: string, run: string, rows: readonly SqlValue[][] | null): TaskTable {
  const definitions = [`${quoted(STORED_EVENTS.runColumn)} text not null`, ...EVENT_ROWS];
  if (rows === null) return { name, definitions, columns: [], size: 0 };
  const size = rows[0]!.length;
  return { name, definitions, columns: [new Array<SqlValue>(size).fill(run), ...rows], size };
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
  const found = await gather(
    source,
    world,
    {
      kinds: catalogue.kinds.filter((kind) => isNamed(query, kind.name)).map(({ layout }) => layout),
      rows: isNamed(query, catalogue.events),
    },
    tick,
  );
  const { tickLog } = catalogue;
  const timed = Object.values(tickLog).some((table) => isNamed(query, table));
  return {
    name,
    tables: [
      ...tables,
      ...catalogue.kinds.map((kind) => kindTable(kind, found.kinds.get(kind.layout))),
      allEvents(catalogue.events, id, found.rows),
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
