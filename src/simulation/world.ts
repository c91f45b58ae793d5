/**
 * A defined world as the engine sees it: the types of user values erased.
 */
import type { Rng } from '../base/draws.ts';
import type { AnyHandlers } from '../projections/applier.ts';
import type { CompiledSchema } from '../schema/compile.ts';
import type { Migrations } from '../schema/migration.ts';

/** What systems, conditions, invariants and metrics know of the moment. */
export interface AnyNow {
  readonly tick: number;
  readonly seconds: number;
  readonly config: object;
  rng(stream: string): Rng;
}

/** What a system gets. */
export interface AnyCtx extends AnyNow {
  readonly world: object;
  readonly emit: object;
  readonly events: object;
  get(derived: AnyDerived): unknown;
}

/** A cached value over some tables. */
export interface AnyDerived {
  readonly tables: readonly string[];
  readonly compute: (world: object) => unknown;
}

/** A system with its options. */
export interface AnySystem {
  readonly name: string;
  readonly options: {
    readonly every?: number;
    readonly when?: (world: object, now: AnyNow) => boolean;
    readonly effects?: 'after' | 'at-once';
    readonly repeat?: { readonly max: number };
  };
  readonly run: (ctx: AnyCtx) => unknown;
}

type Named<F> = { readonly [name: string]: F };

/** A world definition without its types. */
export interface AnyWorld {
  readonly schema: { readonly compiled: CompiledSchema; readonly migrations: Migrations };
  readonly def: {
    readonly setup: (ctx: AnyNow & { readonly insert: object; readonly emit: object }) => unknown;
    readonly apply: AnyHandlers;
    readonly systems: readonly AnySystem[];
    readonly invariants?: Named<(world: object, now: AnyNow) => unknown>;
    readonly metrics?: Named<(world: object, now: AnyNow) => unknown>;
    readonly until?: (world: object, now: AnyNow) => boolean;
  };
}
