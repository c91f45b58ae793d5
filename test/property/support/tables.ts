/** What property tests of tables in SQL share: rows as SQL has them, and as the folded world has them. */
import { expect } from 'vitest';
import type { Store } from '../../../src/index.ts';
import { capability, describeTables } from '../../../src/index.ts';
import { parseChange } from '../../../src/log/environment.ts';
import type { ProjectionStore } from '../../../src/log/projection-store.ts';
import { quoted, quotedText } from '../../../src/projections/sql/names.ts';
import { rowOfSql, selection } from '../../../src/projections/sql/table.ts';
import { stateOf } from '../../../src/projections/world-state.ts';
import { eventsRecorded } from '../../../src/simulation/event-rows.ts';
import { historyRole } from '../../../src/simulation/tables/choice.ts';
import { keptTables } from '../../../src/simulation/tables/layout.ts';
import type { AnyWorld } from '../../../src/simulation/world.ts';
import { textOf } from '../../../src/testing/arbitraries-rows.ts';
import { framesOf } from '../../support/runs.ts';

/** Rows of each table as texts, in an order of their own. */
export type Rows = { readonly [table: string]: readonly string[] };

/** The rows of a world, its own tables' only. */
export function rowsOfWorld(world: object): Rows {
  const user = [...stateOf(world)!.tables].filter(([name]) => !name.startsWith('$'));
  return Object.fromEntries(
    user.map(([name, { set, size }]) => [
      name,
      Array.from({ length: size }, (_, row) => textOf(set.rowAt(row))).sort(),
    ]),
  );
}

/** The events of a run as the view shows them: places, kinds and payloads, in order. */
export async function eventsInSql(store: Store, id: string): Promise<readonly unknown[]> {
  const reader = await capability(store, 'projections').openReader();
  try {
    const columns = 't, seq, kind, agent_id, schema_version, ts';
    const where = `where run_id = ${quotedText(id)} order by seq`;
    const { rows } = await reader.query(`select ${columns} from events ${where}`, []);
    return rows;
  } finally {
    await reader.close();
  }
}

/** The same, from the log. */
export async function eventsInLog(world: AnyWorld, store: Store, id: string): Promise<readonly unknown[]> {
  const all: unknown[] = [];
  let text = '';
  for (const frame of await framesOf(store, id)) {
    if (frame.environment !== null) text = parseChange(frame.environment).schema ?? text;
    const [agents, ticks, seqs, kinds, , times, versions] = eventsRecorded(world, text, frame);
    for (const [i, seq] of seqs!.entries())
      all.push([ticks![i], seq, kinds![i], agents![i], versions![i], times![i]]);
  }
  return all;
}

/** The rows that the views show of a run: those of the world, or those that are kept of a tick. */
export async function rowsInSql(
  world: AnyWorld,
  store: Store,
  id: string,
  tick: number | null = null,
): Promise<Rows> {
  const projections: ProjectionStore = capability(store, 'projections');
  const report = (await describeTables(store, id)).find(({ current }) => current);
  expect(report).toBeDefined();
  const all = world.schema.compiled.tables.map(({ name }) => name).filter((name) => !name.startsWith('$'));
  const history = tick === null ? null : [tick];
  const reader = await projections.openReader();
  const made: { [table: string]: string[] } = {};
  try {
    for (const kept of keptTables(world, projections.dialect, { tables: all, history, events: false })) {
      const table = tick === null ? kept.rows : kept.history!;
      const role = tick === null ? kept.name : historyRole(kept.name);
      const { view } = report!.tables.find((one) => one.table === role)!;
      const where = `"run" = ${quotedText(id)}${tick === null ? '' : ` and "tick" = ${tick}`}`;
      const query = `select ${selection(table).join(', ')} from ${quoted(view)} where ${where}`;
      const { rows } = await reader.query(query, []);
      made[kept.name] = rows.map((row) => textOf(rowOfSql(table, row))).sort();
    }
  } finally {
    await reader.close();
  }
  return made;
}
