/** What tests of snapshot files share: a folder that goes away, files in memory, a small world. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail } from '../../src/base/errors.ts';
import type { ReadableFile } from '../../src/files/disk.ts';
import { type SaveOptions, saveSnapshot } from '../../src/files/index.ts';
import { WorldState } from '../../src/projections/world-state.ts';
import { t } from '../../src/schema/columns.ts';
import { defineSchema } from '../../src/schema/define.ts';
import { singleton, table } from '../../src/schema/tables.ts';

/** A folder for the files of a test file. */
export function place(): { readonly at: (name: string) => string; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'worldfold-snapshots-'));
  return {
    at: (name) => join(folder, name),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A file in memory that counts what is read of it. */
export function memoryFile(
  bytes: Uint8Array,
  path = 'memory',
): ReadableFile & { readonly counted: { bytes: number } } {
  const counted = { bytes: 0 };
  return {
    path,
    size: bytes.length,
    counted,
    async read(buffers, from) {
      let at = from;
      for (const buffer of buffers) {
        if (at + buffer.length > bytes.length) fail('CORRUPT', `${path} ends too early`, { path, at });
        buffer.set(bytes.subarray(at, at + buffer.length));
        at += buffer.length;
        counted.bytes += buffer.length;
      }
    },
    close: async () => {},
  };
}

/** A small schema with a lane of every kind. */
export const pond = defineSchema({
  name: 'pond',
  version: 3,
  tables: {
    frogs: table({
      id: t.id(),
      x: t.f32(),
      big: t.i64(),
      state: t.enum('egg', 'tadpole', 'frog'),
      name: t.text().optional(),
      at: t.vec(2, 'i32'),
    }),
    water: singleton({ level: t.f64().default(0.5), kept: t.bool().default(false) }),
  },
});

/** A pond with some frogs in it. */
export function pondOf(frogs: number): WorldState {
  const state = new WorldState(pond.compiled);
  const store = state.tables.get('frogs')!;
  for (let i = 0; i < frogs; i++)
    store.insert({
      x: i / 2,
      big: BigInt(i) - 3n,
      state: (['egg', 'tadpole', 'frog'] as const)[i % 3],
      name: i % 4 === 1 ? null : `frog ${i}`,
      at: [i, -i],
    });
  return state;
}

/** The bytes of a saved world. */
export async function bytesOf(world: WorldState, path: string, options: SaveOptions): Promise<Uint8Array> {
  await saveSnapshot(world.reader, path, { durability: 'process', ...options });
  return new Uint8Array(readFileSync(path));
}

/** A table of eight columns of one width. */
export function wide(rows: number): WorldState {
  const columns = Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`c${i}`, t.f32()]));
  const schema = defineSchema({
    name: 'wide',
    version: 1,
    tables: { cells: table({ id: t.id(), ...columns }) },
  });
  const state = new WorldState(schema.compiled);
  const values = (by: number) => Float32Array.from({ length: rows }, (_, row) => row * by);
  const given = Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`c${i}`, values(i + 1)]));
  state.tables.get('cells')!.insertMany(given);
  return state;
}
