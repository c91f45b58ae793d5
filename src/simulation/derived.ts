/**
 * Values that are computed from tables and kept until the tables change: never hashed, never saved.
 */
import { fail } from '../base/errors.ts';
import { refusePromise } from '../base/tick-error.ts';
import type { WorldState } from '../projections/world-state.ts';
import type { AnyDerived } from './world.ts';

interface Kept {
  /** The tables that the value may read, and no others: it would not be computed anew when those change. */
  readonly world: object;
  readonly versions: readonly number[];
  readonly value: unknown;
}

/** Derived values of one world state. */
export class DerivedValues {
  private readonly state: WorldState;
  private kept = new WeakMap<AnyDerived, Kept>();

  constructor(state: WorldState) {
    this.state = state;
  }

  /** The value, computed again if one of its tables was written since. */
  get(derived: AnyDerived): unknown {
    const before = this.kept.get(derived);
    if (before !== undefined && this.isFresh(derived.tables, before.versions)) return before.value;
    const versions = derived.tables.map((table) => this.versionOf(table));
    const world = before?.world ?? this.worldOf(derived.tables);
    const value = derived.compute(world);
    refusePromise(value, 'a derived value');
    this.kept.set(derived, { world, versions, value });
    return value;
  }

  private isFresh(tables: readonly string[], versions: readonly number[]): boolean {
    for (let i = 0; i < tables.length; i++) if (this.versionOf(tables[i]!) !== versions[i]) return false;
    return true;
  }

  private versionOf(table: string): number {
    const store = this.state.tables.get(table);
    if (store !== undefined) return store.version();
    return fail('BAD_SCHEMA', `a derived value names a table '${table}' that is not there`, { table });
  }

  private worldOf(tables: readonly string[]): object {
    const { reader } = this.state as { readonly reader: { readonly [table: string]: unknown } };
    return Object.freeze(Object.fromEntries(tables.map((table) => [table, reader[table]])));
  }

  /** Forgets everything: after the world was cleared. */
  clear(): void {
    this.kept = new WeakMap();
  }
}
