/**
 * What SQLite itself says of a store's file.
 *
 * Owns no call of a port: records and snapshots are verified by whoever reads them. This looks below them, at
 * pages, indexes and the write-ahead log, and changes nothing.
 */
import { statSync } from 'node:fs';
import { type OpenOptions, openSqliteStore } from './open.ts';

/** The state of a store's file. */
export interface SqliteCondition {
  /** The format that the file has, and the newest that this version knows. */
  readonly format: number;
  readonly known: number;
  readonly bytes: number;
  /** Bytes of the write-ahead log that are not in the file yet. */
  readonly walBytes: number;
  /** What `PRAGMA integrity_check` and `PRAGMA foreign_key_check` found; empty where all is well. */
  readonly problems: readonly string[];
  readonly sqlite: string;
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** Examines the file of a store, which must be there. Errors are those of `sqliteStore`. */
export async function examineSqlite(path: string, options: OpenOptions = {}): Promise<SqliteCondition> {
  const store = await openSqliteStore(path, { ...options, readOnly: true });
  try {
    const { MIGRATIONS } = await import('../sql/migrations/index.ts');
    const found = store.examine();
    return {
      ...found,
      known: Object.keys(MIGRATIONS).length,
      bytes: sizeOf(path),
      walBytes: sizeOf(`${path}-wal`),
    };
  } finally {
    await store.close();
  }
}
