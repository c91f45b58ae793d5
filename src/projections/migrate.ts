/**
 * Old tables, old events and old config under a new schema, as a plan says.
 *
 * Everything here is a function of its arguments: the same log and the same migrations give the same bytes,
 * wherever and whenever. A table's rows keep their order, its ids go on where they were. So folding migrated
 * events comes to the same world as migrating the folded one, wherever handlers do the same in both versions.
 */
import { assert, fail, isWorldfoldError } from '../base/errors.ts';
import { ColumnSet } from '../columns/column-set.ts';
import type { FixedLane } from '../columns/fixed-lane.ts';
import type { TableStore } from '../columns/table-store.ts';
import type { Batch, Wave } from '../columns/waves.ts';
import type { KindLayout, TableLayout } from '../schema/compile.ts';
import type { MigrationPlan, SetPlan } from '../schema/migration-plan.ts';
import { beginningOf, checked, fillColumns, passStages, type What } from './migrate-columns.ts';

/** A migration may make one key of two. */
function namingKeys<T>({ name, version }: What, migrate: () => T): T {
  try {
    return migrate();
  } catch (e) {
    if (!isWorldfoldError(e, 'DUPLICATE_KEY')) throw e;
    const message = `the migration of '${name}' to version ${version} gives two rows one key: ${e.message}`;
    return fail('DUPLICATE_KEY', message, { ...e.facts, version }, undefined, e);
  }
}

/** The id that comes next: no id that the table has handed out or holds is handed out again. */
function nextIdOf(from: TableStore, to: TableStore): number {
  if (!to.layout.ids) return 1;
  const { lane } = to.set.byName.get(to.layout.key[0]!.name)!;
  const ids = (lane as FixedLane).data as Uint32Array;
  let next = from.layout.ids ? from.nextId : 1;
  for (let row = 0; row < from.size; row++) if (ids[row]! >= next) next = ids[row]! + 1;
  return next;
}

function migrateTable(plan: SetPlan<TableLayout>, from: TableStore, to: TableStore, version: number): void {
  const what: What = { noun: 'table', name: to.layout.name, version };
  const { size } = from;
  const { capacity } = from.set;
  namingKeys(what, () => {
    to.restore({ size, nextId: from.nextId, capacity }, (set) => fillColumns(plan, from.set, set, what));
    to.nextId = nextIdOf(from, to);
  });
}

/**
 * Fills the tables of a new world from those of the old one: columns that did not change as whole arrays,
 * without row objects. Order of rows and ids go on; a table that is new stays as a new world has it. Capacity
 * goes on too, because it would be the same had the new tables taken the same inserts: which arrays are
 * retired by growth then does not tell a migrated world from one that was folded under the new schema.
 *
 * `from` and `to` are tables by name, of the plan's two schemas; `to` is as a new world has it. Raises
 * `DUPLICATE_KEY` where changed keys meet, `BAD_VALUE` for a value that does not fit, `MIGRATION_FAILED` for
 * a function that throws; `to` is then in pieces and must be thrown away.
 */
export function migrateTables(
  plan: MigrationPlan,
  from: ReadonlyMap<string, TableStore>,
  to: ReadonlyMap<string, TableStore>,
): void {
  for (const [name, table] of plan.tables) {
    const [old, now] = [from.get(table.from.name), to.get(name)];
    assert(old !== undefined && now !== undefined, 'a table of the plan is not there', { table: name });
    migrateTable(table, old, now, plan.to.spec.version);
  }
}

function upcastBatch(plan: SetPlan<KindLayout>, set: ColumnSet, version: number): Batch {
  if (plan.same) return { kind: plan.to.number, set };
  const made = new ColumnSet(plan.to, false);
  made.room(set.size);
  fillColumns(plan, set, made, { noun: 'kind', name: plan.to.name, version });
  made.size = set.size;
  return { kind: plan.to.number, set: made };
}

/**
 * The events of a recorded tick under the new schema: kinds renumbered, batches in order of their new
 * numbers, events of dropped kinds gone, those that set tables up turned as their tables are. Pieces stay as
 * they were recorded, even where what stood between two of them is gone. Columns that did not change are
 * shared with the batches given, not copied. Raises `BAD_VALUE`, `MIGRATION_FAILED`; `CORRUPT` for kinds that
 * the old schema does not have.
 */
export function upcastTick(
  plan: MigrationPlan,
  waves: readonly Wave[],
  batches: readonly Batch[],
): { readonly waves: readonly Wave[]; readonly batches: readonly Batch[] } {
  if (plan.unchanged) return { waves, batches };
  const { version } = plan.to.spec;
  const planOf = (kind: number): SetPlan<KindLayout> | null => {
    const found = plan.kinds[kind];
    return found === undefined
      ? fail('CORRUPT', `a record counts events of kind number ${kind}, unknown to its schema`, { kind })
      : found;
  };
  const upcastWave = (wave: Wave): Wave => ({
    ...wave,
    runs: wave.runs.flatMap((run) => {
      const kind = planOf(run.kind);
      return kind === null ? [] : [{ ...run, kind: kind.to.number }];
    }),
  });
  return {
    waves: waves.map(upcastWave).filter(({ runs }, i) => runs.length > 0 || waves[i]!.runs.length === 0),
    batches: batches
      .flatMap(({ kind, set }) => {
        const found = planOf(kind);
        return found === null ? [] : [upcastBatch(found, set, version)];
      })
      .sort((a, b) => a.kind - b.kind),
  };
}

/**
 * A config under the new schema: every column of it, new ones with their default or zero. Raises `BAD_VALUE`,
 * `MIGRATION_FAILED`.
 */
export function migrateConfig(plan: MigrationPlan, config: object): object {
  if (plan.unchanged) return config;
  const what: What = { noun: 'config', name: 'config', version: plan.to.spec.version };
  const given = plan.config.from.columns.flatMap(({ name }) => {
    const value = (config as { readonly [column: string]: unknown })[name];
    return value === undefined ? [] : [[name, [value]] as const];
  });
  const values = passStages(plan.config, new Map<string, readonly unknown[]>(given), 1, what);
  const columns = plan.config.columns.map(({ to }) => {
    const source = values.get(to.name) as readonly unknown[] | undefined;
    const value = source === undefined ? beginningOf(to, what) : checked(to, source[0], 0, what);
    return [to.name, value] as const;
  });
  return Object.fromEntries(columns);
}
