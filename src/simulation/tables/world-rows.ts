/**
 * Which rows of a world are to be written in SQL, as whole columns.
 *
 * Owns a copy of the tables as they were when their rows were last written. The state hash is a tree: what
 * differs from the copy is found by going down where hashes differ, and only rows with other values are
 * written. The copy takes as much memory as the tables do.
 */
import { sameBytes } from '../../base/bytes.ts';
import type { SqlValue } from '../../base/sql.ts';
import { compareTables } from '../../columns/table-diff.ts';
import type { TableStore } from '../../columns/table-store.ts';
import type { RowChanges } from '../../log/projection-store.ts';
import type { SqlTable } from '../../projections/sql/table.ts';
import { cellsToSql, columnsToSql } from '../../projections/sql/values.ts';
import { WorldState } from '../../projections/world-state.ts';
import type { CompiledSchema } from '../../schema/compile.ts';
import { historyRole } from './choice.ts';
import type { KeptTable } from './layout.ts';

/** Rows of one piece, at most: they are in memory as values at once. */
const PIECE = 8192;

function* pieces<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += PIECE) yield all.slice(at, at + PIECE);
}

const ranges = (size: number): (readonly [from: number, to: number])[] =>
  Array.from({ length: Math.ceil(size / PIECE) }, (_, i) => [i * PIECE, Math.min(size, (i + 1) * PIECE)]);

/** All rows of a table. */
function* allRows(role: string, table: SqlTable, { set }: TableStore): Generator<RowChanges> {
  for (const [from, to] of ranges(set.size))
    yield { role, removed: [], written: columnsToSql(table, set, from, to) };
}

/** All rows of a table, with the tick before each. */
function* rowsOfTick(
  role: string,
  table: SqlTable,
  { set }: TableStore,
  tick: number,
): Generator<RowChanges> {
  for (const [from, to] of ranges(set.size)) {
    const ticks: SqlValue[] = new Array(to - from).fill(tick);
    yield { role, removed: [], written: [ticks, ...columnsToSql(table, set, from, to)] };
  }
}

/** The rows of one world that are in SQL. */
export class WorldRows {
  private readonly tables: readonly KeptTable[];
  /** The tables as they were written. */
  private readonly copy: WorldState;
  /** Whether anything was written. */
  private begun = false;

  constructor(schema: CompiledSchema, tables: readonly KeptTable[]) {
    this.tables = tables;
    this.copy = new WorldState(schema);
  }

  /**
   * What is to be written so that the rows are those of a world. The world must stand still until all of it
   * was taken.
   */
  *changes(state: WorldState): Generator<RowChanges> {
    for (const { name, rows } of this.tables) {
      const now = state.tables.get(name)!;
      if (this.begun) yield* this.changed(name, rows, now);
      else yield* allRows(name, rows, now);
    }
  }

  private *changed(role: string, table: SqlTable, now: TableStore): Generator<RowChanges> {
    const before = this.copy.tables.get(role)!;
    if (sameBytes(now.digest(), before.digest())) return;
    const { changed, onlyInA, onlyInB } = compareTables(now, before, Number.POSITIVE_INFINITY);
    for (const rows of pieces(onlyInB.b))
      yield { role, removed: table.key.map((column) => cellsToSql(column, before.set, rows)), written: [] };
    for (const rows of pieces(changed.a.concat(onlyInA.a)))
      yield { role, removed: [], written: table.columns.map((column) => cellsToSql(column, now.set, rows)) };
  }

  /** The rows of a tick, where they are kept by tick too. */
  *history(state: WorldState, tick: number): Generator<RowChanges> {
    for (const { name, history } of this.tables)
      if (history !== null) yield* rowsOfTick(historyRole(name), history, state.tables.get(name)!, tick);
  }

  /** Takes note that the rows are those of a world. */
  settle(state: WorldState): void {
    for (const { name } of this.tables) {
      const [now, before] = [state.tables.get(name)!, this.copy.tables.get(name)!];
      if (!this.begun || !sameBytes(now.digest(), before.digest())) before.copyFrom(now);
    }
    this.begun = true;
  }
}
