/**
 * The worlds that are saved again and again by processes that are killed: one for each number, of some
 * thousand rows, told apart by a value in the first.
 */

import { TOUCHED } from '../../src/columns/table-store.ts';
import { type SaveOptions, saveSnapshot } from '../../src/files/index.ts';
import { defineSchema, t, table } from '../../src/index.ts';
import { WorldState } from '../../src/projections/world-state.ts';

const schema = defineSchema({
  name: 'saved',
  version: 1,
  tables: { cells: table({ id: t.id(), number: t.u32(), x: t.f32(), y: t.f64(), name: t.text() }) },
});

/** How worlds are saved, by name. */
export const FORMS: { readonly [name: string]: SaveOptions } = {
  'plain columns': { format: 'columns' },
  'compressed columns': { format: 'columns', compress: true },
  npz: { format: 'npz' },
  'deflated npz': { format: 'npz', compress: true },
};

/** So many that a save takes some milliseconds, whatever its form. */
export const rowsOf = (form: string): number => (form === 'plain columns' ? 400_000 : 20_000);

/** The world of number 0, to be changed by {@link become}. */
export function savedWorld(rows: number): WorldState {
  const state = new WorldState(schema.compiled);
  state.tables.get('cells')!.insertMany({
    number: new Uint32Array(rows),
    x: Float32Array.from({ length: rows }, (_, row) => row / 3),
    y: Float64Array.from({ length: rows }, (_, row) => row / 7),
    name: Array.from({ length: rows }, (_, row) => `cell ${row % 100}`),
  });
  return state;
}

/** Makes the world that of another number. */
export function become(state: WorldState, number: number): void {
  const cells = state.tables.get('cells')!;
  cells.set.byName.get('number')!.store(0, number);
  cells.touched = TOUCHED;
}

/** Saves the world as that of a number. */
export async function saveAs(state: WorldState, number: number, path: string, form: string): Promise<void> {
  become(state, number);
  // Whether the disk keeps it is not asked here: a killed process takes nothing with it that was written.
  await saveSnapshot(state.reader, path, { ...FORMS[form], tick: number, durability: 'process' });
}
