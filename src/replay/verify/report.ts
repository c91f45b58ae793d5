/**
 * What a verification tells: its verdict, and of a divergence all that is known.
 */
import type { WorldDifference } from '../../projections/world-diff.ts';
import type { TickDifference } from './compare-ticks.ts';

/** What the log was held against: its own chain, folding it, or running the systems again. */
export type VerifyMode = 'chain' | 'fold' | 'execute';

/**
 * Why a tick diverges.
 *
 * - `not deterministic`: two computations in this process differ from each other.
 * - `ambient source`: the code of the tick used something that no log holds, such as a clock; `error`
 *   names it.
 * - `written past`: the systems give what was recorded, and the events alone do not: something wrote a table
 *   past the write view.
 * - `changed code`: the functions of the world have other texts than when the tick was recorded.
 * - `changed engine`: the texts are the same; the version of Node, of V8, or the platform is another.
 * - `unknown`: neither; what the functions call or close over has changed, or they depend on something
 *   outside that was another when the tick was recorded.
 */
export type DivergenceCause =
  | 'not deterministic'
  | 'ambient source'
  | 'written past'
  | 'changed code'
  | 'changed engine'
  | 'unknown';

/** What computed something: digests of the texts of a world's functions, and the engine. */
export interface Computed {
  readonly code: string;
  /** As `node 20.11.0, v8 11.3, x64, linux`. */
  readonly engine: string;
  /** A digest of the text of each function, by its place: `apply.moved`; null where the log does not say. */
  readonly functions: { readonly [place: string]: string } | null;
}

/** The first divergence of a run from its log, told down to what can be known of it. */
export interface DivergenceReport {
  readonly run: string;
  /** The first tick that diverges. */
  readonly tick: number;
  /**
   * The last tick that is known to agree; -1 for none. Where not every tick recorded a state hash, what a
   * fold finds may have begun on any tick after it.
   */
  readonly after: number;
  /** `fold`: folding the events gives another world. `execute`: running the systems gives other events. */
  readonly found: 'fold' | 'execute';
  readonly cause: DivergenceCause;
  /** Where in the tick. `a` is recorded, `b` recomputed. */
  readonly place: TickDifference | null;
  /** The functions whose texts are others than when the tick was recorded, as far as the log says. */
  readonly changed: readonly string[];
  /**
   * The kinds of events whose handlers are in question: of those that the tick has, the ones whose text has
   * changed, or all. Empty where no handler is in question.
   */
  readonly kinds: readonly string[];
  /** What was thrown when the tick was computed again; null where nothing was. */
  readonly error: { readonly code: string | null; readonly message: string; readonly facts: object } | null;
  /** The tables that differ after the tick, as far as it is known. */
  readonly tables: readonly string[];
  /**
   * What the worlds after the tick differ in, where there are two to compare. `a` is the recorded one, or the
   * first computation; `b` the recomputed one, or the second.
   */
  readonly difference: WorldDifference | null;
  /** What `a` and `b` of the difference are called. */
  readonly sides: readonly [string, string];
  readonly recordedBy: Computed | null;
  readonly recomputedBy: Computed;
}

/** Damage that was met in the store. */
export interface DamageReport {
  readonly run: string;
  readonly code: string;
  readonly message: string;
  readonly facts: object;
  readonly hint: string | null;
}

/** A stretch of ticks, both included. */
export interface Ticks {
  readonly from: number;
  readonly to: number;
}

/** What a verification found. */
export interface VerifyReport {
  readonly run: string;
  readonly mode: VerifyMode;
  /**
   * `verified`: all that was asked for was done, and agreed. `diverged`: see `divergence`. `damaged`: see
   * `damage`. `aborted`: the signal came; what was done until then agreed.
   */
  readonly verdict: 'verified' | 'diverged' | 'damaged' | 'aborted';
  /** The ticks whose records were read, in order, with their hashes and links; null for none. */
  readonly chained: Ticks | null;
  /** Ticks whose recorded state hash was compared with the folded world. */
  readonly compared: number;
  /** Ticks whose systems were run again, and gave the recorded bytes. */
  readonly executed: number;
  /**
   * Ticks of older eras: their records are verified; what they lead to was recorded under another schema
   * or by other handlers, so that it is not compared. Null for none.
   */
  readonly older: Ticks | null;
  readonly events: number;
  readonly divergence: DivergenceReport | null;
  readonly damage: DamageReport | null;
}

/** How two sides are called that were recorded and recomputed. */
export const RECORDED: readonly [string, string] = ['recorded', 'recomputed'];
/** How two sides are called that are two computations of one thing. */
export const TWICE: readonly [string, string] = ['first', 'second'];
