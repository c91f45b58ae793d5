/**
 * Values that are computed from tables and kept until the tables change: never hashed, never saved.
 */
import { fail } from '../base/errors.ts';
import type { WorldState } from '../projections/world-state.ts';
import type { AnyDerived } from './world.ts';

interface Kept {
  readonly versions: number[];
  value: unknown;
}

/** Derived values of one world state. */
export class DerivedValues {
  private readonly state: WorldState;
  private readonly kept = new Map<AnyDerived, Kept>();

  constructor(state: WorldState) {
    this.state = state;
  }

  /** The value, computed again if one of its tables was written since. */
  get(derived: AnyDerived): unknown {
    let kept = this.kept.get(derived);
    if (kept === undefined)
      this.kept.set(derived, (kept = { versions: derived.tables.map(() => -1), value: undefined }));
    if (this.isFresh(derived, kept.versions)) return kept.value;
    kept.value = derived.compute(this.state.reader);
    return kept.value;
  }

  private isFresh(derived: AnyDerived, versions: number[]): boolean {
    let fresh = true;
    for (let i = 0; i < versions.length; i++) {
      const table = derived.tables[i]!;
      const store = this.state.tables.get(table);
      if (store === undefined)
        return fail('BAD_SCHEMA', `a derived value names a table '${table}' that is not there`, { table });
      const version = store.version();
      if (versions[i] !== version) fresh = false;
      versions[i] = version;
    }
    return fresh;
  }

  /** Forgets everything: after the world was cleared. */
  clear(): void {
    this.kept.clear();
  }
}
