/**
 * `given(…).when(…).then(…)`: what was there, what happens, what must come of it; for handlers and systems.
 *
 * Owns the comparison and its words. The tick is played on a scene: no setup, no invariants, no log.
 */
import { checkNames } from '../../base/arguments.ts';
import { messageOf, show } from '../../base/canonical.ts';
import { type ErrorCode, type Facts, fail, isWorldfoldError } from '../../base/errors.ts';
import { needWorld } from '../../replay/given.ts';
import type { System } from '../../schema/context.ts';
import type { EventRow, IsSingle, NewEvent, Row, Shape } from '../../schema/infer.ts';
import type { World } from '../../schema/views.ts';
import type { WorldDef } from '../../simulation/define-world.ts';
import type { KindAndRow, SceneEngine } from '../../simulation/scene-engine.ts';
import type { Input } from '../../simulation/types.ts';
import type { AnySystem, AnyWorld } from '../../simulation/world.ts';
import { type AnyGiven, SCENE_PARTS, type SceneGiven, sceneEngine } from './scene.ts';
import { shortText, sourceText } from './source-text.ts';

/** An event with its kind, as it would be emitted. */
export type EventOf<S extends Shape> = {
  readonly [K in keyof S['events'] & string]: readonly [kind: K, row: NewEvent<S, K>];
}[keyof S['events'] & string];

/** What may happen: a system runs, an input arrives, an event is applied. */
export type Happening<S extends Shape> = System<S> | Input<S> | EventOf<S>;

/** An event that must have been emitted: its kind, and those of its columns that matter. */
export type ExpectedEvent<S extends Shape> = {
  readonly [K in keyof S['events'] & string]: readonly [kind: K, row?: Partial<EventRow<S, K>>];
}[keyof S['events'] & string];

/** The rows that tables must have then: all of them, in their order, those of their columns that matter. */
export type ExpectedTables<S extends Shape> = {
  readonly [T in keyof S['tables'] & string]?: IsSingle<S, T> extends true
    ? Partial<Row<S, T>>
    : readonly Partial<Row<S, T>>[];
};

/** What came of it. */
export interface Outcome<S extends Shape> {
  /** The world then, to read. */
  readonly world: World<S>;
  /** Systems emitted these events in this order, and no other. `NOT_AS_EXPECTED` shows both. */
  then(expected: readonly ExpectedEvent<S>[]): void;
  /** Tables hold these rows. Tables that are not named are not looked at. `NOT_AS_EXPECTED`. */
  leaves(tables: ExpectedTables<S>): void;
  /** A handler or a system threw, with that code where one is given. Returns the message. */
  fails(code?: ErrorCode): string;
}

/** What was there. */
export interface Given<S extends Shape> {
  /**
   * Plays what happens, in order. Where nothing but inputs happens, or nothing at all, the tick is played
   * whole: all systems of the world run after them, in their order.
   */
  when(...happenings: readonly Happening<S>[]): Outcome<S>;
}

const isSystem = (happening: unknown): happening is AnySystem =>
  typeof (happening as { readonly run?: unknown } | null | undefined)?.run === 'function';

type Pair = readonly [kind: string, row?: object];

function pairOf(happening: unknown): Pair {
  const [kind, row = {}] = Array.isArray(happening) ? (happening as readonly unknown[]) : [];
  if (typeof kind === 'string' && typeof row === 'object' && row !== null) return [kind, row];
  return fail(
    'BAD_USAGE',
    `${show(happening)} is neither a system nor an event`,
    {},
    'Give a system, or [kind, row] of an input or an event.',
  );
}

const MISTAKES: readonly ErrorCode[] = ['BAD_INPUT', 'BAD_USAGE', 'BAD_VALUE'];

/** What happened: events in order, or what was thrown. */
interface Played {
  readonly engine: SceneEngine;
  readonly events: readonly KindAndRow[];
  readonly thrown: unknown;
}

function playAll(engine: SceneEngine, { schema, def }: AnyWorld, happenings: readonly unknown[]): Played {
  const isInput = (kind: string): boolean => schema.compiled.kindOf.get(kind)?.source === 'input';
  const steps = happenings.map((one) => (isSystem(one) ? one : pairOf(one)));
  const isWhole = steps.every((one) => !isSystem(one) && isInput(one[0]));
  const events: KindAndRow[] = [];
  try {
    for (const one of isWhole ? [...steps, ...def.systems] : steps)
      if (isSystem(one)) events.push(...engine.run(one));
      else if (isInput(one[0])) engine.submit(one[0], one[1]!);
      else engine.apply(one[0], one[1]!);
    return { engine, events, thrown: undefined };
  } catch (thrown) {
    // What does not fit its declaration is a mistake of the test, and nothing that happened in the world.
    if (MISTAKES.some((code) => isWorldfoldError(thrown, code))) throw thrown;
    return { engine, events, thrown };
  }
}

/** Whether a row holds what is expected of it. */
function holds(row: object, expected: object): boolean {
  const values = row as { readonly [column: string]: unknown };
  return Object.entries(expected).every(([name, value]) => sourceText(values[name]) === sourceText(value));
}

/** Both lists side by side, a mark at each line that differs. */
function sideBySide(
  expected: readonly string[],
  actual: readonly string[],
  same: (i: number) => boolean,
): string {
  const width = Math.min(Math.max(8, ...expected.map((text) => text.length)), 60);
  const lines = Array.from({ length: Math.max(expected.length, actual.length) }, (_, i) => {
    const mark = same(i) ? ' ' : '≠';
    return `${mark} ${(expected[i] ?? 'nothing').padEnd(width)}  ${actual[i] ?? 'nothing'}`;
  });
  return [`  ${'expected'.padEnd(width)}  actual`, ...lines].join('\n');
}

function notAsExpected(what: string, facts: Facts): never {
  return fail('NOT_AS_EXPECTED', what, facts);
}

function compareEvents({ events }: Played, given: unknown): void {
  if (!Array.isArray(given))
    fail(
      'BAD_USAGE',
      `then takes a list of events, not ${show(given)}`,
      {},
      'It is no promise: nothing of given(…).when(…) is to be awaited or returned.',
    );
  const expected = (given as readonly unknown[]).map(pairOf);
  const same = (i: number): boolean => {
    const [mine, other] = [events[i], expected[i]];
    return mine !== undefined && other !== undefined && mine[0] === other[0] && holds(mine[1], other[1]!);
  };
  if (events.length === expected.length && events.every((_, i) => same(i))) return;
  const texts = (of: readonly Pair[]): string[] => of.map(([kind, row]) => `${kind} ${shortText(row)}`);
  notAsExpected(`other events were emitted:\n${sideBySide(texts(expected), texts(events), same)}`, {
    expected,
    actual: events,
  });
}

function rowsOf(world: object, table: string): readonly object[] {
  const face = (world as { readonly [table: string]: Iterable<object> | { readonly value: object } })[table];
  if (face === undefined) return fail('BAD_USAGE', `there is no table '${table}'`, { table });
  return Symbol.iterator in face ? [...face] : [face.value];
}

function compareTables({ engine }: Played, tables: object): void {
  for (const [table, given] of Object.entries(tables)) {
    const actual = rowsOf(engine.state.reader, table);
    const expected: readonly object[] = Array.isArray(given) ? given : [given];
    const same = (i: number): boolean =>
      actual[i] !== undefined && expected[i] !== undefined && holds(actual[i], expected[i]);
    if (actual.length === expected.length && actual.every((_, i) => same(i))) continue;
    const texts = sideBySide(expected.map(shortText), actual.map(shortText), same);
    notAsExpected(`'${table}' holds other rows:\n${texts}`, { table, expected, actual });
  }
}

function compareFailure({ thrown }: Played, code: ErrorCode | undefined): string {
  if (thrown === undefined) return notAsExpected('nothing was thrown', { expected: code ?? 'an error' });
  const actual = isWorldfoldError(thrown) ? thrown.code : null;
  if (code !== undefined && actual !== code)
    notAsExpected(`${actual ?? 'another error'} was thrown, not ${code}: ${messageOf(thrown)}`, {
      expected: code,
      actual,
    });
  return messageOf(thrown);
}

function outcomeOf(played: Played): object {
  const whole = (): Played => {
    if (played.thrown !== undefined) throw played.thrown;
    return played;
  };
  return Object.freeze({
    world: played.engine.state.reader,
    // biome-ignore lint/suspicious/noThenProperty: given, when, then are the words; it refuses to be awaited.
    then: (expected: unknown) => compareEvents(whole(), expected),
    leaves: (tables: object) => compareTables(whole(), tables),
    fails: (code?: ErrorCode) => compareFailure(played, code),
  });
}

/** What a scene begins with, and events that are applied to it first. */
export interface GivenParts<S extends Shape> extends SceneGiven<S> {
  readonly events?: readonly EventOf<S>[];
}

/**
 * Sets a scene for what is to happen: rows, config, tick, or the events that led there. `BAD_VALUE`,
 * `BAD_INPUT` or `BAD_USAGE` where what is given does not fit.
 *
 * @example
 * ```ts
 * const people = [{ cell: 1, health: 'ill' }, { cell: 1, health: 'well' }] as const;
 * given(town, { tables: { people }, config: { beta: 1 } })
 *   .when(infect)
 *   .then([['infected', { person: 2 }]]);
 * given(town, { tables: { people: [{ cell: 1, health: 'ill' }] } })
 *   .when(['cured', { person: 1 }])
 *   .leaves({ people: [{ health: 'well' }] });
 * ```
 */
export function given<S extends Shape, M extends string>(
  definition: WorldDef<S, M>,
  start: GivenParts<NoInfer<S>> | readonly EventOf<NoInfer<S>>[] = {},
): Given<S> {
  const world = needWorld('given', definition);
  const parts = Array.isArray(start) ? { events: start } : (start as GivenParts<S>);
  checkNames('what is given', parts, [...SCENE_PARTS, 'events']);
  const { events = [], ...scene } = parts as AnyGiven & { readonly events?: readonly Pair[] };
  return Object.freeze({
    when(...happenings: readonly Happening<S>[]): Outcome<S> {
      const engine = sceneEngine('given', world, scene);
      for (const [kind, row = {}] of events) engine.apply(kind, row);
      return outcomeOf(playAll(engine, world, happenings)) as Outcome<S>;
    },
  });
}
