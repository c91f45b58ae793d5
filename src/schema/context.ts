/**
 * What runs inside a tick: systems, handlers, setup, and the contexts they are given.
 *
 * Owns the types only; the tick that calls these functions is the simulation's. Everything here is
 * synchronous: a function that returns a promise doesn't compile.
 */
import type { Rng } from '../base/draws.ts';
import type {
  AllOmittable,
  Config,
  Created,
  EventRow,
  IsSingle,
  KindColumns,
  Kinds,
  Many,
  NewEvent,
  NewRow,
  Shape,
} from './infer.ts';
import type { Batch, Inserted, InsertedMany, NewRows, ReadColumn, World, WritableWorld } from './views.ts';

/**
 * What a function may return inside a tick: anything that writing in one expression gives, but never a
 * promise.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler written as a block returns void, not undefined.
export type Sync = void | undefined | null | number | string | bigint | boolean | ReadColumn<number>;

/** The moment, for functions that run inside a tick. */
export interface Now<S extends Shape> {
  /** The tick being computed; 0 is the setup. */
  readonly tick: number;
  /** Simulated seconds since tick 0, by the schema's `tick`. */
  readonly seconds: number;
  readonly config: Config<S>;
  /** The stream of that name in this tick. */
  rng(stream: string): Rng;
}

/** Emits events of one kind. */
export interface EmitOne<S extends Shape, K extends string> {
  /** Emits one. Returns the id that the event hands out, an object where it hands out several, or nothing. */
  (
    ...event: AllOmittable<KindColumns<S, K>> extends true
      ? [event?: NewEvent<S, K>]
      : [event: NewEvent<S, K>]
  ): Created<S, KindColumns<S, K>>;
  /** Emits many, given as columns of one length. */
  many(columns: Many<S, KindColumns<S, K>, ''>): void;
}
/** Emits events, by kind. */
export type Emit<S extends Shape> = { readonly [K in keyof S['events'] & string]: EmitOne<S, K> };

/** Inserts rows of one table in the setup. */
export interface InsertOne<S extends Shape, T extends keyof S['tables'] & string> {
  /** Adds a row and returns its key, but nothing where the key has several columns. */
  (row: NewRow<S, T>): Inserted<S, T>;
  /** Adds rows given as columns of one length; returns the ids handed out, if any are. */
  many(columns: NewRows<S, T>): InsertedMany<S, T>;
}
/** Inserts rows, by table. A singleton's row is given once. */
export type Insert<S extends Shape> = {
  readonly [T in keyof S['tables'] & string]: IsSingle<S, T> extends true
    ? (row: NewRow<S, T>) => void
    : InsertOne<S, T>;
};

/** What a system is given. */
export interface Ctx<S extends Shape> extends Now<S> {
  readonly world: World<S>;
  readonly emit: Emit<S>;
  /** This tick's inputs, and everything emitted so far this tick. */
  readonly events: { readonly [K in Kinds<S>]: Batch<S, K> };
  /** A cache declared with `schema.derive`, computed again if its tables have changed. */
  get<D>(derived: Derived<S, D>): D;
}
/** What the setup is given. */
export interface SetupCtx<S extends Shape> extends Now<S> {
  readonly insert: Insert<S>;
  readonly emit: Emit<S>;
}

/**
 * Turns an event into changes of tables: one event at a time, or `{ batch }` for all of one origin at once.
 */
export type Handler<S extends Shape, K extends string> =
  | ((world: WritableWorld<S>, event: EventRow<S, K>, now: Now<S>) => Sync)
  | { readonly batch: (world: WritableWorld<S>, events: Batch<S, K>, now: Now<S>) => Sync };
/** Handlers by kind. */
export type Handlers<S extends Shape, K extends string> = { readonly [P in K]: Handler<S, P> };

/** When and how a system runs. */
export interface SystemOptions<S extends Shape> {
  /** Runs on ticks that are a multiple of this. */
  readonly every?: number;
  /** Runs only where this is true. */
  readonly when?: (world: World<S>, now: Now<S>) => boolean;
  /** Whether its events change the world when it returns (`after`, the default) or as each is emitted. */
  readonly effects?: 'after' | 'at-once';
  /** Runs again until it emits nothing, at most `max` times (`REPEAT_LIMIT`). */
  readonly repeat?: { readonly max: number };
}
/** A named function that reads the world and emits events. */
export interface System<S extends Shape> {
  readonly name: string;
  readonly options: SystemOptions<S>;
  readonly run: (ctx: Ctx<S>) => Sync;
}

/** A cache over tables: never hashed, never saved. */
export interface Derived<S extends Shape, D> {
  readonly tables: readonly string[];
  readonly compute: (world: World<S>) => D;
}
