/**
 * The optional packages of the PostgreSQL stores.
 *
 * Owns loading each when a store is opened, and what is said where one is not installed.
 */
import { fail } from '../../base/errors.ts';

/** The optional packages, each loaded when a store is opened. */
export interface Packages {
  pg(): Promise<typeof import('pg')>;
  kysely(): Promise<typeof import('kysely')>;
  pglite(): Promise<typeof import('@electric-sql/pglite')>;
}

/** Those of the user's project. */
export const INSTALLED: Packages = {
  pg: async () => (await import('pg')).default as unknown as typeof import('pg'),
  kysely: () => import('kysely'),
  pglite: () => import('@electric-sql/pglite'),
};

const NAMES: Readonly<Record<keyof Packages, string>> = {
  pg: 'pg',
  kysely: 'kysely',
  pglite: '@electric-sql/pglite',
};

/** Loads the packages that a store needs. */
export async function load<K extends keyof Packages>(
  packages: Packages,
  store: string,
  needed: readonly K[],
): Promise<{ readonly [N in K]: Awaited<ReturnType<Packages[N]>> }> {
  const loaded: Record<string, unknown> = {};
  for (const name of needed)
    try {
      loaded[name] = await packages[name]();
    } catch (e) {
      fail(
        'MISSING_DEPENDENCY',
        `${store} needs the package ${NAMES[name]}: it is not installed`,
        { package: NAMES[name] },
        `Install all it needs: npm install ${needed.map((each) => NAMES[each]).join(' ')}`,
        e,
      );
    }
  return loaded as never;
}
