/**
 * `worldfold/tables`: the tables that a projection keeps in SQL, as a typed database of kysely.
 *
 * Needs the package kysely. It reads and changes nothing. docs/tables.md says how tables are kept and asked.
 */
import { show } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import { loadHash } from '../base/hash.ts';
import { capability } from '../log/capabilities.ts';
import type { Store } from '../log/store.ts';
import { paddedU64 } from '../projections/sql/forms.ts';
import { logGiven, needWorld } from '../replay/given.ts';
import type { Shape } from '../schema/infer.ts';
import { checkStore } from '../simulation/arguments.ts';
import type { WorldDef } from '../simulation/define-world.ts';
import type { Run } from '../simulation/types.ts';
import { dialectOf } from './driver.ts';
import { type Scope, scopeOfRun, scopeOfWorld } from './shown.ts';
import type { RunTables, RunTablesOf, U64Text, WorldTables, WorldTablesOf } from './types.ts';

export type {
  digits,
  EventsRow,
  HistoryRow,
  RunTables,
  RunTablesOf,
  TableRow,
  U64Text,
  WorldTables,
  WorldTablesOf,
} from './types.ts';

/** A stored run whose tables are asked without becoming its writer. */
export interface StoredTables<S extends Shape, M extends string> {
  readonly store: Store;
  readonly id: string;
  readonly world: WorldDef<S, M>;
}

/** The package is loaded when tables are first asked for. */
async function loadKysely(): Promise<typeof import('kysely')> {
  try {
    return await import('kysely');
  } catch (e) {
    return fail(
      'MISSING_DEPENDENCY',
      'worldfold/tables needs the package kysely: it is not installed',
      { package: 'kysely' },
      'Install it: npm install kysely',
      e,
    );
  }
}

type Packages = Awaited<ReturnType<typeof loadKysely>>;

const database = <DB>(kysely: Packages, scope: Scope): import('kysely').Kysely<DB> =>
  new kysely.Kysely<DB>({ dialect: dialectOf(kysely, scope) });

/**
 * The tables of a run in SQL: those of its current projection, as far as that came. End it with `destroy()`.
 * Tables are read; whatever else is asked is `READ_ONLY`, and transactions are `UNSUPPORTED`. `NO_PROJECTION`
 * where the run keeps no tables, and `UnsupportedError` where its store can't.
 *
 * @example
 * ```ts
 * const db = await runTables(run);
 * const ill = await db.selectFrom('people').where('health', '=', 'ill').selectAll().execute();
 * await db.destroy();
 * ```
 */
export async function runTables<S extends Shape, M extends string>(
  given: Run<S, M> | StoredTables<S, M>,
): Promise<RunTables<S>> {
  const kysely = await loadKysely();
  await loadHash();
  const { id, source, world } = await logGiven('runTables', given);
  const scope = scopeOfRun(capability(source.store, 'projections'), world.schema.compiled, id);
  await scope.shown(await scope.current(), async () => []);
  return database<RunTablesOf<S>>(kysely, scope);
}

/**
 * The tables of all runs of a world in a store, one run after another: with the column `run` in each row. As
 * {@link runTables} in everything else. Runs whose tables have other columns than the schema says, as those
 * of another version of it, are left out.
 *
 * @example
 * ```ts
 * const db = await worldTables(town, store);
 * const { count } = db.fn;
 * await db.selectFrom('people').groupBy('run').select(['run', count('id').as('n')]).execute();
 * ```
 */
export async function worldTables<S extends Shape, M extends string>(
  world: WorldDef<S, M>,
  store: Store,
): Promise<WorldTables<S>> {
  const kysely = await loadKysely();
  const { schema } = needWorld('worldTables', world);
  checkStore('worldTables', store);
  const scope = scopeOfWorld(capability(store, 'projections'), schema.compiled);
  return database<WorldTablesOf<S>>(kysely, scope);
}

const MOST = 2n ** 64n;

/**
 * A number as `u64` columns are compared with it: `where('money', '>', u64(100))`. `BAD_VALUE` for what is no
 * whole number from 0 to 2⁶⁴ − 1.
 */
export function u64(value: bigint | number): U64Text {
  const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value);
  if (!isWhole || value < 0 || value >= MOST)
    fail('BAD_VALUE', `${show(value)} is no u64`, { value }, 'Give it a whole number from 0 to 2⁶⁴ − 1.');
  return paddedU64(value) as U64Text;
}
