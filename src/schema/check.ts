/**
 * Mistakes across a declaration, as sentences that the compiler shows.
 *
 * Owns the checks that need the whole declaration: references and their tables, keys, kinds named twice. A
 * mistake turns the type of the wrong part into its sentence, so that the error stands where the mistake is.
 */
import type { AnyColumn, Columns, ListOf, NewIn, OwnId, RefTo, Special, StructOf } from './columns.ts';
import type { RawOf, Shape, SingleKey } from './infer.ts';
import type { Migrations } from './migration.ts';
import type { form } from './tables.ts';

/** What a user declares. */
export interface Declaration {
  /** The name of the schema. */
  readonly name: string;
  /** Begins at 1 and goes up when the declaration changes. */
  readonly version: number;
  /** What a tick stands for: `1 day`, `1/30 s`, `1 turn`. */
  readonly tick?: string;
  /** What a run can set. */
  readonly config?: Columns;
  readonly tables: Shape['tables'];
  readonly events?: Shape['events'];
  readonly inputs?: Shape['inputs'];
  /** How logs of older versions are taken along, by the version that each step leads to. */
  readonly migrations?: Migrations;
}
/** A part of a declaration, or nothing where it is left out. */
export type Given<D, P extends keyof Shape> = D extends { readonly [Q in P]: infer X extends Shape[P] }
  ? X
  : {};

type Place = 'table' | 'kind' | 'config';
type KeyIn<T extends Shape['tables'], R extends keyof T> = T[R][typeof form]['key'];
type RefProblem<R extends string, T extends Shape['tables']> = R extends keyof T
  ? T[R][typeof form]['single'] extends true
    ? `the table '${R}' is a singleton: it has no rows to refer to`
    : [SingleKey<KeyIn<T, R>>] extends [never]
      ? `the table '${R}' has a key of several columns: refer to it by columns of your own`
      : never
  : `there is no table '${R}' to refer to`;
type NewProblem<R extends string, T extends Shape['tables'], P extends Place> = P extends 'kind'
  ? R extends keyof T
    ? [SingleKey<KeyIn<T, R>>] extends [never]
      ? `the table '${R}' has no t.id() to hand out`
      : RawOf<T[R]['columns'][KeyIn<T, R>]> extends OwnId
        ? never
        : `the table '${R}' has no t.id() to hand out`
    : `there is no table '${R}' to refer to`
  : `t.newId('${R}') belongs in events and inputs: write t.ref('${R}') here`;
type SpecialProblem<R extends Special, T extends Shape['tables'], P extends Place> =
  R extends RefTo<infer N>
    ? RefProblem<N, T>
    : R extends NewIn<infer N>
      ? NewProblem<N, T, P>
      : R extends StructOf<infer F>
        ? { [G in keyof F]: Problem<F[G], T, P> }[keyof F]
        : R extends ListOf<infer E>
          ? Problem<E, T, P>
          : P extends 'table'
            ? never
            : 't.id() belongs in tables: events take t.newId() or t.ref()';
type Problem<C extends AnyColumn, T extends Shape['tables'], P extends Place> =
  RawOf<C> extends Special ? SpecialProblem<RawOf<C>, T, P> : never;
/**
 * The mistakes of some columns, each a sentence that begins with the place of the column; never where all is
 * well.
 */
type Mistakes<C extends Columns, T extends Shape['tables'], P extends Place, At extends string> = {
  [F in keyof C & string]: Problem<C[F], T, P> extends infer X extends string ? `${At}.${F}: ${X}` : never;
}[keyof C & string];
type OrSentence<M> = [M] extends [never] ? unknown : M;

/** Whether following the keys that are references comes back to a table seen before. */
type Circular<T extends Shape['tables'], N, Seen = never> = N extends keyof T
  ? N extends Seen
    ? true
    : [SingleKey<KeyIn<T, N>>] extends [never]
      ? false
      : RawOf<T[N]['columns'][KeyIn<T, N>]> extends RefTo<infer M>
        ? Circular<T, M, Seen | N>
        : false
  : false;

type TableMistakes<
  T extends Shape['tables'],
  N extends keyof T & string,
> = T[N][typeof form]['single'] extends true
  ? Mistakes<T[N]['columns'], T, 'table', N>
  : [KeyIn<T, N>] extends [never]
    ? `the table '${N}' has no key: add id: t.id(), a column with .key(), or { key: ['a', 'b'] }`
    : Circular<T, N> extends true
      ? `the table '${N}' has a key that refers back to itself`
      : Mistakes<T[N]['columns'], T, 'table', N>;
type SoundTables<T extends Shape['tables']> = {
  readonly [N in keyof T]: OrSentence<TableMistakes<T, N & string>>;
};
type SoundKinds<K extends Shape['events'], T extends Shape['tables'], Taken> = {
  readonly [N in keyof K]: N extends Taken
    ? `'${N & string}' is an event already`
    : OrSentence<Mistakes<K[N]['columns'], T, 'kind', N & string>>;
};

/** A declaration without mistakes; each mistake is a sentence in its place. */
export type Checked<D extends Declaration> = {
  readonly tables: SoundTables<D['tables']>;
  readonly events?: SoundKinds<Given<D, 'events'>, D['tables'], never>;
  readonly inputs?: SoundKinds<Given<D, 'inputs'>, D['tables'], keyof Given<D, 'events'>>;
  readonly config?: OrSentence<Mistakes<Given<D, 'config'>, D['tables'], 'config', 'config'>>;
};
