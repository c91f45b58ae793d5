/**
 * Keys and indexes of a world held against its rows, one by one.
 */

import type { TableStore } from '../columns/table-store.ts';
import { keyOf } from '../projections/world-diff.ts';
import type { WorldState } from '../projections/world-state.ts';
import { cellText } from '../replay/diff-text-layout.ts';

const WIDTH = 40;

/** The rows with each value of a column, in order. */
function rowsByValue(store: TableStore, column: string): ReadonlyMap<unknown, number[]> {
  const read = store.set.byName.get(column)!;
  const rows = new Map<unknown, number[]>();
  for (let row = 0; row < store.size; row++) {
    const value = read.read(row);
    const found = rows.get(value);
    if (found === undefined) rows.set(value, [row]);
    else found.push(row);
  }
  return rows;
}

function keyDisorder(name: string, store: TableStore): string | null {
  if (store.layout.single) return null;
  for (let row = 0; row < store.size; row++) {
    const key = keyOf(store, row);
    const found = store.find(key);
    if (found !== row)
      return `'${name}': the key ${cellText(key, WIDTH)} of row ${row} leads to row ${found}`;
  }
  return null;
}

function indexDisorder(name: string, store: TableStore): string | null {
  for (const { name: column } of store.layout.index)
    for (const [value, rows] of rowsByValue(store, column)) {
      const [there, found] = [rows.join(' '), store.rowsBy(column, value).join(' ')];
      if (found !== there)
        return `'${name}.${column}': ${cellText(value, WIDTH)} is in rows ${there}; the index says ${found}`;
    }
  return null;
}

/** The first row that its key or an index does not lead to, in words; null where there is none. */
export function disorderOf(state: WorldState): string | null {
  for (const [name, store] of state.tables) {
    const found = keyDisorder(name, store) ?? indexDisorder(name, store);
    if (found !== null) return found;
  }
  return null;
}
