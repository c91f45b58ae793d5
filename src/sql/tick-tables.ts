/**
 * The tick log as tables of SQL: a row a tick, and a row for each part of each.
 */
import type { SqlValue } from '../base/sql.ts';
import type { LogSource } from '../simulation/history.ts';
import { computedParts, type LandedCommit, type TickLogEntry, tickLogOf } from '../simulation/tick-log.ts';
import type { TaskTable } from './task.ts';

// Times have a type, so that whole ones divide as numbers do.
const TICKS = [
  '"tick" integer not null primary key',
  '"time" real not null',
  '"events" integer not null',
  '"bytes" integer not null',
  '"computed_ms" real',
  '"encode_ms" real',
  '"waited_ms" real',
  '"other_ms" real',
  '"commit_ticks" integer',
  '"commit_bytes" integer',
  '"commit_ms" real',
];

const PARTS = ['"tick" integer not null', '"part" text not null', '"name" text', '"ms" real not null'];

/** A row a tick; NULL where its writer kept no tick log, or where nothing later tells. */
function tickRow({ tick, time, events, bytes, times }: TickLogEntry, commit?: LandedCommit): SqlValue[] {
  const after = times?.after;
  return [
    ...[tick, time, events, bytes, times?.computedMs ?? null],
    ...[after?.encodeMs ?? null, after?.waitedMs ?? null, after?.otherMs ?? null],
    ...[commit?.ticks ?? null, commit?.bytes ?? null, commit?.ms ?? null],
  ];
}

const tableOf = (
  name: string,
  definitions: readonly string[],
  rows: readonly (readonly SqlValue[])[],
): TaskTable => ({
  name,
  definitions: [...definitions],
  columns: rows.length === 0 ? [] : definitions.map((_, column) => rows.map((row) => row[column]!)),
  size: rows.length,
});

/** What the two tables are called, and whether a query looks at them. */
export interface TickNames {
  readonly ticks: string;
  readonly parts: string;
}

/** Both tables up to a tick; without rows where no log is to be read. */
export async function tickTables(
  { ticks, parts }: TickNames,
  source: LogSource | null,
  to: number,
): Promise<readonly TaskTable[]> {
  const entries: TickLogEntry[] = [];
  if (source !== null) for await (const entry of tickLogOf(source, 0, to)) entries.push(entry);
  // A group is told of by the tick after which it had landed; it stands with the last of its own.
  const landed = new Map(
    entries.flatMap(({ times }) => times?.commits ?? []).map((commit) => [commit.tick, commit]),
  );
  const rows = entries.map((entry) => tickRow(entry, landed.get(entry.tick)));
  const timed = entries.flatMap(({ tick, times }) =>
    times === null
      ? []
      : [['setup', null, times.setupMs] as const, ...computedParts(times)].flatMap(([part, name, ms]) =>
          ms === null ? [] : [[tick, part, name, ms]],
        ),
  );
  return [tableOf(ticks, TICKS, rows), tableOf(parts, PARTS, timed)];
}
