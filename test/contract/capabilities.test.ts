/** What each backend can do is what the table says; what it lacks is refused by name. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import {
  capability,
  hasJsonb,
  isWorldfoldError,
  type JsonbStore,
  memoryStore,
  type Store,
  UnsupportedError,
} from '../../src/index.ts';
import { BACKENDS, type Capability } from '../../src/log/backends.ts';
import type { LogStore } from '../../src/log/store.ts';
import { openPgliteStore, openPostgresStore } from '../../src/stores/postgres/open.ts';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import { type FreshDatabase, freshDatabase, withoutPostgres } from '../support/postgres.ts';

const CAPABILITIES = Object.keys(BACKENDS) as Capability[];

const thrown = (call: () => unknown): unknown => {
  try {
    return call();
  } catch (e) {
    return e;
  }
};

/** What must hold of a backend; `open` opens one store of it. */
function backend(kind: string, open: () => Promise<LogStore>): void {
  let store: LogStore;
  beforeAll(async () => {
    store = await open();
  }, 120_000);
  afterAll(() => store?.close());

  it('has the kind by which the table names it', () => {
    expect(store.kind).toBe(kind);
  });

  it.each(CAPABILITIES)('has %s where the table says so, and refuses it where not', (what) => {
    const available: readonly string[] = BACKENDS[what];
    const answer = thrown(() => capability(store, what));
    if (available.includes(kind)) {
      expect(answer).toBe(store);
      return;
    }
    expect(answer).toBeInstanceOf(UnsupportedError);
    expect(isWorldfoldError(answer, 'UNSUPPORTED')).toBe(true);
    expect(answer).toMatchObject({
      name: 'UnsupportedError',
      backend: kind,
      capability: what,
      available,
      facts: { store: store.location, backend: kind, capability: what, available },
    });
    const { message, hint } = answer as UnsupportedError;
    for (const part of [store.location, kind, what, ...available]) expect(message).toContain(part);
    expect(hint).toContain(available[0]);
  });
}

describe('the memory store', () => {
  backend('memory', async () => memoryStore());
});

describe('the SQLite store', () => {
  backend('sqlite', () => sqliteStore(':memory:'));
});

describe('the embedded store', () => {
  backend('pglite', () => openPgliteStore(':memory:'));
});

describe.skipIf(withoutPostgres)('the store on a server', () => {
  let database: FreshDatabase;
  backend('postgres', async () => {
    database = await freshDatabase();
    return openPostgresStore(database.url);
  });
  afterAll(() => database?.drop());
});

describe('asking for a capability', () => {
  const store: Store = memoryStore();

  it('every backend of the table is tried here', () => {
    const kinds = new Set(Object.values(BACKENDS).flat());
    expect([...kinds].sort()).toEqual(['memory', 'pglite', 'postgres', 'sqlite']);
  });

  it('docs/capabilities.md says what the table says', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/capabilities.md'), 'utf8');
    const cells = (line: string) => line.split('|').map((cell) => cell.trim());
    const [head, , ...rows] = page
      .split('\n')
      .filter((line) => /^\|( capability |---\|---\|---\|---\|---| `)/.test(line));
    const kinds = cells(head!).slice(3, -1);
    const said = rows.map((line) => {
      const [, name, , ...answers] = cells(line);
      return [name!.replaceAll('`', ''), kinds.filter((_, i) => answers[i] === 'yes')];
    });
    expect(Object.fromEntries(said)).toEqual(BACKENDS);
  });

  it('one that does not exist, and a store that is none, are BAD_USAGE', () => {
    for (const call of [
      () => capability(store, 'JSONB' as never),
      () => capability(store, 'toString' as never),
      () => capability(store, undefined as never),
      () => capability(undefined as never, 'jsonb'),
      () => capability('memory:' as never, 'jsonb'),
    ])
      expect(thrown(call)).toMatchObject({ code: 'BAD_USAGE' });
  });

  it('narrows the type, as the guard does', () => {
    expectTypeOf(capability<Store, 'jsonb'>).returns.toEqualTypeOf<Store & JsonbStore>();
    if (hasJsonb(store)) expectTypeOf(store).toEqualTypeOf<Store & JsonbStore>();
    expectTypeOf(capability).parameter(1).toEqualTypeOf<Capability>();
  });
});
