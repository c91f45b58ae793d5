/**
 * Runs, as users see them.
 *
 * Owns the types of what is asked of a run and what it answers; the run itself is in `run.ts`.
 */
import type { GuardGroup, GuardLevel } from '../base/ambient.ts';
import type { Store } from '../log/store.ts';
import type { Now } from '../schema/context.ts';
import type {
  AllOmittable,
  Config,
  Created,
  EventRow,
  Kinds,
  NewConfig,
  NewEvent,
  Shape,
} from '../schema/infer.ts';
import type { Batch, World } from '../schema/views.ts';
import type { WorldDef } from './define-world.ts';
import type { RunState } from './run-states.ts';
import type { SqlOptions, SqlParams, SqlQuery, SqlRow } from './sql-types.ts';
import type { InlineTables } from './tables/inline.ts';
import type { TickLogEntry } from './tick-log.ts';

export type { RunState } from './run-states.ts';

/** Where a run is after advancing. */
export interface Advanced {
  /** The last computed tick. */
  readonly tick: number;
  /** The last tick that is safe in the store. */
  readonly durableTick: number;
  /**
   * The state hash after `tick`, in hexadecimal. With `hashEvery` above 1 it may be computed only when it is
   * read, which must be before the run advances again.
   */
  readonly stateHash: string;
  /** Whether the world's `until` holds. */
  readonly ended: boolean;
}

/** How far an `advance` has come. */
export interface Progress {
  readonly tick: number;
  /** The tick it was asked to reach. */
  readonly target: number;
  readonly durableTick: number;
}

/** How to advance. */
export interface AdvanceOptions<S extends Shape> {
  /** Called between ticks, now and then. */
  readonly onProgress?: (progress: Progress) => void;
  /** Stops between two ticks; what was computed stays. */
  readonly signal?: AbortSignal;
  /** Stops after the first tick where it is true. What it throws is thrown, and the run stays open. */
  readonly until?: (world: World<S>, now: Now<S>) => boolean;
}

/**
 * Who submits, and which of its inputs this is: a source's number is taken once, however often it is sent.
 */
export interface InputSource {
  readonly source: string;
  /** Counts up within the source. */
  readonly seq: number;
}
/** What becomes of a submitted input. */
export interface Submitted<C> {
  /**
   * When a tick has applied it; `BAD_INPUT` with its handler's error when the tick was computed without
   * it.
   */
  readonly applied: Promise<{
    readonly tick: number;
    readonly created: C;
    /** True where its source had sent it before: it did nothing then. */
    readonly repeated: boolean;
  }>;
  /** When that tick is safe in the store; otherwise why it will not be: `CLOSED`, `WRITER_REPLACED`. */
  readonly durable: Promise<{ readonly tick: number }>;
}
/**
 * Submits inputs, by kind. They are applied in order of arrival at the beginning of the next tick.
 *
 * What the caller can mend at once is thrown at once: a row that does not fit (`BAD_INPUT`), a full queue
 * (`QUEUE_FULL`), a run that takes no inputs now (`STALLED`, `WRITER_REPLACED`, `CLOSED`). What only the tick
 * or the store can tell comes with the promises. Nobody has to look at them: a rejection that nobody awaits
 * does not end the process. The row is copied.
 */
export type Submit<S extends Shape> = {
  readonly [K in keyof S['inputs'] & string]: (
    ...input: AllOmittable<S['inputs'][K]['columns']> extends true
      ? [row?: NewEvent<S, K>, from?: InputSource]
      : [row: NewEvent<S, K>, from?: InputSource]
  ) => Submitted<Created<S, S['inputs'][K]['columns']>>;
};

/** A tick, as observers hear of it. */
export interface Observed<S extends Shape> {
  readonly tick: number;
  /** The state hash in hex, or null where the run doesn't hash that tick. */
  readonly stateHash: string | null;
  readonly events: { readonly [K in Kinds<S>]: Batch<S, K> };
}

/** Which ticks: both ends included. */
export interface TickRange {
  readonly from?: number;
  readonly to?: number;
}
/** Where an event stands in the log. */
export interface EventPlace {
  readonly tick: number;
  /** The number of the event in its run, counted from the first event of tick 0 on. */
  readonly seq: number;
}
/**
 * An event from the log with its place. A column of its own called `tick` or `seq` hides that part of the
 * place.
 */
export type LoggedEvent<S extends Shape, K extends string> = Omit<EventPlace, keyof EventRow<S, K>> &
  EventRow<S, K>;

/** Numbers in columns of one length. */
export interface Frame<C extends string> {
  readonly size: number;
  readonly columns: { readonly [K in C]: Float64Array };
}

/** `[Symbol.asyncDispose]`, for `await using`, where the compiler's library knows it. */
export type AsyncClose = SymbolConstructor extends { readonly asyncDispose: infer D extends symbol }
  ? { readonly [P in D]: () => Promise<void> }
  : {};

/** One execution of a world. */
export interface Run<S extends Shape, M extends string> extends AsyncClose {
  readonly id: string;
  /** The last computed tick. */
  readonly tick: number;
  /** The last tick that is safe in the store. */
  readonly durableTick: number;
  readonly state: RunState;
  /** Whether the world's `until` holds. */
  readonly ended: boolean;
  /** The world at `tick`, to read. */
  readonly world: World<S>;
  /** Inputs from outside. */
  readonly submit: Submit<S>;
  /**
   * Computes `n` (1) ticks, or fewer where the world ends. Commits go on beside; with a store that answers
   * late, `durableTick` may lie some groups behind. `WRONG_STATE` while another advance is under way.
   * `TICK_FAILED`, `INVARIANT_BROKEN`, `REPEAT_LIMIT`, `AMBIENT`, `ASYNC_IN_TICK` or `WRITTEN_PAST`: the tick
   * left nothing behind, its inputs wait again, and the next advance tries again. `STALLED`: see `flush`.
   */
  advance(n?: number, options?: AdvanceOptions<S>): Promise<Advanced>;
  /**
   * Makes everything computed durable; returns the durable tick. `STALLED` when the store does not take it:
   * the same bytes are offered again by the next flush.
   */
  flush(): Promise<{ readonly tick: number }>;
  /**
   * Hears of every tick when it is computed, or when it is durable. Returns what ends it. An observer that
   * fails is warned about and told of the next tick as before.
   */
  on(when: 'computed' | 'durable', observer: (tick: Observed<S>) => void): () => void;
  /**
   * The events of one kind in order, over the ticks computed so far. `BAD_USAGE` for no such kind or
   * range.
   */
  events<K extends Kinds<S>>(kind: K, range?: TickRange): AsyncIterable<LoggedEvent<S, K>>;
  /** The world's metrics, a row a tick. */
  metrics(): Promise<Frame<M | 'tick'>>;
  /**
   * How long the ticks so far took, one after another. What a tick's writer did not time is null. `BAD_USAGE`
   * for no such range.
   *
   * @example
   * ```ts
   * for await (const { tick, times } of run.tickLog({ from: 100 }))
   *   if (times !== null && times.computedMs > 50) slow.push(tick);
   * ```
   */
  tickLog(range?: TickRange): AsyncIterable<TickLogEntry>;
  /**
   * The world as it was after a tick, built from the nearest snapshot. `NO_TICK` when the run has not
   * computed it; `NO_STATE` when it can't be rebuilt: the log is damaged there, or other code recorded it.
   * `after` stops within the tick: after its inputs (`inputs`), or after a system by its name.
   */
  at(tick: number, options?: { readonly after?: string }): Promise<World<S>>;
  /**
   * Asks a query of SQL over the world after tick `at`, its events and metrics up to then; see docs/sql.md.
   * It reads and changes nothing. `BAD_USAGE` for what is no query, with the tables that there are;
   * `CANCELLED`; `NO_TICK`; `NO_STATE`; `MISSING_DEPENDENCY` without better-sqlite3.
   *
   * @example
   * ```ts
   * const rows = await run.sql<{ n: number }>(30, 'select count(*) as n from people where cell = ?', [7]);
   * ```
   */
  sql<R extends object = SqlRow>(
    at: number,
    query: SqlQuery,
    params?: SqlParams,
    options?: SqlOptions,
  ): Promise<readonly R[]>;
  /**
   * Begins a run whose log continues this one's after tick `at`: in the world of that tick, with the change
   * that is asked for. What was computed up to `at` is made durable first. The fork stores nothing that this
   * run holds, and is a run like any other: a writer of its own, to be advanced and closed. The change
   * becomes part of its first own record; an input of it that does not apply fails that tick. `NO_TICK`,
   * `NO_STATE`, `BAD_INPUT`, `EXISTS`, `UNSUPPORTED`.
   *
   * @example
   * ```ts
   * const mild = await run.fork({ at: 30, because: 'masks', config: { beta: 0.02 }, later: 'keep' });
   * await mild.advance(170);
   * ```
   */
  fork(options: ForkOptions<S>): Promise<Run<S, M>>;
  /**
   * Keeps a snapshot of the world as it is, after everything computed is durable. A run keeps some by itself
   * (see `snapshots` of its options); a pinned one stays until it is unpinned. `UNSUPPORTED` where the store
   * keeps none.
   */
  snapshot(options?: { readonly pin?: boolean }): Promise<{ readonly tick: number }>;
  /** The snapshots of the run's own ticks, in order of tick. `UNSUPPORTED` where the store keeps none. */
  snapshots(): Promise<readonly KeptSnapshot[]>;
  /**
   * Lets a pinned snapshot be thinned out like any other. `NO_TICK` where there is none; `BAD_USAGE` for the
   * one that an era begins with, which nothing else holds.
   */
  unpin(tick: number): Promise<void>;
  /**
   * Ends the run: an advance under way stops after its tick, everything computed is made durable, the lease
   * is given up, and further calls are refused with `CLOSED`. Closing twice does nothing more. Throws why
   * something could not be made durable.
   */
  close(): Promise<void>;
}

/** An input as a fork is given it: its kind, and its row where it has columns. */
export type Input<S extends Shape> = {
  readonly [K in keyof S['inputs'] & string]: AllOmittable<S['inputs'][K]['columns']> extends true
    ? readonly [kind: K, row?: NewEvent<S, K>]
    : readonly [kind: K, row: NewEvent<S, K>];
}[keyof S['inputs'] & string];
/** An input that a parent recorded, as a filter of later inputs sees it. */
export type RecordedInput<S extends Shape> = {
  readonly [K in keyof S['inputs'] & string]: readonly [kind: K, row: EventRow<S, K>];
}[keyof S['inputs'] & string];
/**
 * Whether an input that the parent recorded at a tick enters the fork. It is asked when the fork begins to
 * compute that tick: once for each, unless the tick fails.
 */
export type LaterFilter<S extends Shape> = (input: RecordedInput<S>, tick: number) => boolean;

/** A snapshot that the store keeps of a run. */
export interface KeptSnapshot {
  readonly tick: number;
  /** Whether it stays until it is unpinned. */
  readonly pinned: boolean;
  /** Bytes that were stored for it, those that it shares with earlier ones not counted. */
  readonly bytes: number;
}

/** Where and how to fork. */
export interface ForkOptions<S extends Shape> {
  /** The tick whose world the fork begins with. */
  readonly at: number;
  /** Why: kept in the log, shown in lists. */
  readonly because?: string;
  /** Inputs that the first tick of the fork begins with, in this order. */
  readonly inputs?: readonly Input<S>[];
  /** Columns of the config that change; the others stay. */
  readonly config?: Partial<Config<S>>;
  /** Another seed: draws differ from the next tick on. */
  readonly seed?: string;
  /**
   * What becomes of the inputs that this run records after the tick: fed to the fork tick by tick (`'keep'`),
   * not fed (`'drop'`, the default), or chosen. Kept ones are read when the fork computes their tick.
   */
  readonly later?: 'keep' | 'drop' | LaterFilter<S>;
  /** The name of the fork; a random one if left out. */
  readonly id?: string;
  /** Texts worth knowing about the fork later. */
  readonly hints?: { readonly [name: string]: string };
  /** How the fork is guarded: as its parent is where left out. */
  readonly guard?: GuardOption;
  /** Whether the fork keeps a tick log: as its parent does where left out. */
  readonly tickLog?: boolean;
}

/**
 * What becomes of a tick whose code uses a source that no log holds, as `Math.random`: it fails with
 * `AMBIENT` (`'throw'`, the default), the operator is warned once a source and place (`'warn'`), or nothing
 * (`'off'`). For all sources, or by group; groups that are not named throw. docs/determinism.md lists them.
 */
export type GuardOption = GuardLevel | { readonly [group in GuardGroup]?: GuardLevel };

/**
 * How a run works. Nothing of it changes what is computed; `hashEvery` decides which records hold a hash, and
 * `tickLog` which hold times.
 */
export interface RunPolicy {
  /** Record the state hash every so many ticks (1). It is part of the record, so keep it over reopenings. */
  readonly hashEvery?: number;
  /** Check invariants every so many ticks (1). */
  readonly invariantsEvery?: number;
  /**
   * Hash everything before and after each call of user code, and fail the tick with `WRITTEN_PAST` where
   * something was written that may only be read (false). Slow: for tests, and for a replay that differs.
   */
  readonly paranoid?: boolean;
  readonly guard?: GuardOption;
  /**
   * Commit after so many ticks (64) or milliseconds (100), whichever comes first; looked at between ticks. An
   * advance waits for the store when four such groups wait.
   */
  readonly commit?: { readonly ticks?: number; readonly ms?: number };
  /**
   * Snapshots that the run keeps by itself: one every so many ticks (1,000), one when it is closed (true),
   * the newest few of them (4) and a thinning row of older ones. They are caches that make opening, `at` and
   * `fork` quick; `false` for none.
   */
  readonly snapshots?:
    | false
    | { readonly every?: number; readonly keep?: number; readonly onClose?: boolean };
  /**
   * Keeps the world's tables in SQL in the database of the store, in the transactions of the run's commits:
   * all of them for `true`, or a choice. Its forks do so too. `UNSUPPORTED` for a store without SQL. Where
   * rows may be behind the run, `projectTables` keeps them at no cost to it.
   */
  readonly tables?: InlineTables;
  /** How many inputs may wait. */
  readonly maxInputs?: number;
  /** How many bytes of records may wait for a commit, in flight included, before an advance waits. */
  readonly maxUndurable?: number;
  /**
   * Keep a tick log (false): each record says, outside every hash, how long the parts of its tick took. Read
   * it by `tickLog`, by SQL or by `worldfold profile`; docs/profile.md says what the times mean.
   */
  readonly tickLog?: boolean;
  /** Clocks for metadata and for intervals, in milliseconds; for tests. No clock reaches a tick. */
  readonly clocks?: { readonly wall?: () => number; readonly steady?: () => number };
  /** How long the run stays the writer without a sign of life, in milliseconds. */
  readonly leaseMs?: number;
}
/** The config of a run: required where a column of it is. */
export type ConfigOption<S extends Shape> =
  AllOmittable<S['config']> extends true
    ? { readonly config?: NewConfig<S> }
    : { readonly config: NewConfig<S> };
/** What a new run is made with. */
export type RunOptions<S extends Shape> = RunPolicy & {
  readonly store: Store;
  /** Seeds every draw. */
  readonly seed: string;
  /** The name of the run; a random one if left out. */
  readonly id?: string;
  /** Texts worth knowing about the run later; shown in lists, never part of a hash. */
  readonly hints?: { readonly [name: string]: string };
} & ConfigOption<S>;
/** What a run is opened with. */
export interface OpenOptions<S extends Shape = Shape> extends RunPolicy {
  readonly store: Store;
  readonly id: string;
  /** Takes the run from a writer whose lease has not expired. */
  readonly takeover?: boolean;
  /**
   * Goes on though the handlers give another world than was recorded: a new era begins with the world as it
   * was recorded, as far as a snapshot holds it. Earlier ticks keep their records and hashes.
   */
  readonly adopt?: boolean;
  /** For a fork that chooses among its parent's later inputs: the function, or `'drop'` to take no more. */
  readonly later?: 'drop' | LaterFilter<S>;
}

/** Creates a run: its header and tick 0, or nothing. `EXISTS` when the id is taken. */
export type CreateRun = <S extends Shape, M extends string>(
  world: WorldDef<S, M>,
  options: RunOptions<NoInfer<S>>,
) => Promise<Run<S, M>>;
/** Opens a run at its durable tick. `UNKNOWN_RUN`, `RUN_IN_USE`, `SCHEMA_DIFFERS`, `CODE_CHANGED`. */
export type OpenRun = <S extends Shape, M extends string>(
  world: WorldDef<S, M>,
  options: OpenOptions<NoInfer<S>>,
) => Promise<Run<S, M>>;
