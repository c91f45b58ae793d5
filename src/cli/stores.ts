/**
 * Opens the store that a command names.
 *
 * Commands that only look never create or change a file; `run` and `demo` create one where there is none, and
 * `fork` and `rm` need one.
 */
import { resolve } from 'node:path';
import { fail } from '../base/errors.ts';
import { memoryStore } from '../index.ts';
import type { RunInfo, Store } from '../log/store.ts';
import type { StorePlace } from './options.ts';
import { quoted } from './shell.ts';

/** What a command does in a store: looks, changes what must be there, or begins what may not be there yet. */
export type Access = 'read' | 'change' | 'write';

const ACCESS = {
  read: { create: false, readOnly: true },
  change: { create: false },
  write: { create: true },
} as const;

/** Opens a store. The packages of a database load only when it is asked for. */
export async function openStore(place: StorePlace, cwd: string, access: Access): Promise<Store> {
  if (place.kind === 'memory') return memoryStore();
  if (place.kind === 'sqlite') {
    const { sqliteStore } = await import('../stores/sqlite/index.ts');
    if (place.file === ':memory:') return sqliteStore(place.file);
    return sqliteStore(resolve(cwd, place.file), ACCESS[access]);
  }
  const { pgliteStore, postgresStore } = await import('../stores/postgres/index.ts');
  if (place.kind === 'postgres') {
    const { url, schema } = place;
    return postgresStore(url, { ...ACCESS[access], ...(schema !== null && { schema }) });
  }
  if (place.folder === ':memory:') return pgliteStore(place.folder);
  return pgliteStore(resolve(cwd, place.folder), ACCESS[access]);
}

/** Opens a store, hands it to `use`, and closes it whatever happens. */
export async function withStore<T>(
  place: StorePlace,
  cwd: string,
  access: Access,
  use: (store: Store) => Promise<T>,
): Promise<T> {
  const store = await openStore(place, cwd, access);
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** The first of `name`, `name-2`, `name-3`, … that no run of the store has. */
export async function freeId(store: Store, name: string): Promise<string> {
  for (let n = 1; ; n++) {
    const id = n === 1 ? name : `${name}-${n}`;
    if ((await store.head(id)) === undefined) return id;
  }
}

/** The run with that id, or `UNKNOWN_RUN` with the ids that the store has. */
export async function needRun(store: Store, id: string): Promise<RunInfo> {
  const found = await store.head(id);
  if (found !== undefined) return found;
  const some = (await store.list(null, 6)).map((run) => quoted(run.id));
  const known = some.slice(0, 5).join(', ') + (some.length > 5 ? ', …' : '');
  return fail(
    'UNKNOWN_RUN',
    `${store.location} has no run '${id}'`,
    { run: id, location: store.location },
    some.length === 0
      ? 'The store holds no run yet: worldfold run <world module> makes one.'
      : `It has: ${known}.`,
  );
}
