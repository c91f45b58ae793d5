/**
 * What a user chooses of the tables that a projection keeps in SQL.
 *
 * Owns the options, their checks, and the text by which a projection is known again: one that was made under
 * another choice, or of a schema with other columns, is built anew.
 */
import { canonicalJson, parseCanonical, show } from '../../base/canonical.ts';
import { fail } from '../../base/errors.ts';
import type { ProjectedTable } from '../../log/projection-store.ts';
import { SOURCES } from '../../schema/compile.ts';
import { EVENTS } from '../event-rows.ts';
import type { AnyWorld } from '../world.ts';

/** Ticks: every so many of them, from tick 0 on, or those that are listed. */
export type ChosenTicks = { readonly every: number } | readonly number[];

/** What is kept in SQL of a run. */
export interface TablesChoice {
  /** Which tables of the world; all where left out. */
  readonly tables?: readonly string[];
  /** At which ticks the rows of that moment are kept as well, in tables of their own; none if left out. */
  readonly history?: ChosenTicks;
  /** Whether all events are kept too, in one table for all worlds; false if left out. */
  readonly events?: boolean;
}

/** The names of the options above. */
export const CHOICE: readonly string[] = ['tables', 'history', 'events'];

/** A choice that was checked. */
export interface Chosen {
  /** In order of name. */
  readonly tables: readonly string[];
  readonly history: ChosenTicks | null;
  readonly events: boolean;
}

/** The tables of a world that can be kept. */
export const tablesOf = ({ schema }: Pick<AnyWorld, 'schema'>): readonly string[] =>
  schema.compiled.tables.map(({ name }) => name).filter((name) => name !== SOURCES);

function chosenTables(world: AnyWorld, given: TablesChoice['tables']): readonly string[] {
  const all = tablesOf(world);
  if (given === undefined) return all;
  if (!Array.isArray(given))
    fail('BAD_USAGE', `tables is a list of names, not ${show(given)}`, {}, "Write tables: ['people'].");
  const unknown = given.find((name) => !all.includes(name));
  if (unknown !== undefined)
    fail(
      'BAD_USAGE',
      `the world has no table ${show(unknown)}`,
      { table: unknown },
      `It has ${all.join(', ')}.`,
    );
  return all.filter((name) => given.includes(name));
}

const isTick = (tick: unknown): boolean => Number.isSafeInteger(tick) && (tick as number) >= 0;

function chosenTicks(given: TablesChoice['history']): ChosenTicks | null {
  if (given === undefined) return null;
  if (Array.isArray(given) && given.every(isTick)) return [...new Set<number>(given)].sort((a, b) => a - b);
  const every = (given as { readonly every?: unknown } | null)?.every;
  if (isTick(every) && every !== 0) return { every: every as number };
  return fail(
    'BAD_USAGE',
    `history is { every: n } or a list of ticks, not ${show(given)}`,
    {},
    'Write history: { every: 10 }, or history: [0, 30, 60].',
  );
}

/** What is kept besides must not have the name of a table that is kept. */
function checkRoles({ tables, history, events }: Chosen): void {
  const besides = [...(history === null ? [] : tables.map(historyRole)), ...(events ? [EVENTS] : [])];
  const twice = besides.find((role) => tables.includes(role));
  if (twice !== undefined)
    fail(
      'BAD_USAGE',
      `the world has a table '${twice}', which is the name of the ${twice === EVENTS ? 'events' : 'history'}`,
      { table: twice },
      `Leave '${twice}' out of tables, or keep no ${twice === EVENTS ? 'events' : 'history'}.`,
    );
}

/** Checks a choice, with what it stands in left aside: `BAD_USAGE`. */
export function chosen(world: AnyWorld, { tables, history, events }: TablesChoice): Chosen {
  if (events !== undefined && typeof events !== 'boolean')
    fail('BAD_USAGE', `events must be true or false, not ${show(events)}`, {}, 'Write events: true.');
  const made = {
    tables: chosenTables(world, tables),
    history: chosenTicks(history),
    events: events ?? false,
  };
  if (made.tables.length === 0 && !made.events)
    fail(
      'BAD_USAGE',
      'a projection keeps tables or events, and was asked for none',
      {},
      'Leave tables out for all.',
    );
  checkRoles(made);
  return made;
}

/** What the table of a tick's rows is to its projection. */
export const historyRole = (table: string): string => `${table}_history`;

/** Whether ticks are listed; a list has a method `every` too. */
export const isList = (ticks: ChosenTicks): ticks is readonly number[] => Array.isArray(ticks);

/** Whether the rows of a tick are kept. */
export function keepsTick({ history }: Chosen, tick: number): boolean {
  if (history === null) return false;
  return isList(history) ? history.includes(tick) : tick % history.every === 0;
}

/** The text by which a projection is known again. All tables are no list: a later schema may have more. */
export function choiceText(world: AnyWorld, chosen: Chosen, tables: readonly ProjectedTable[]): string {
  const { history, events } = chosen;
  const named = chosen.tables.length === tablesOf(world).length ? null : chosen.tables;
  return canonicalJson({ tables: named, history, events, columns: tables.map(({ identity }) => identity) });
}

/** What was chosen, from the text by which a projection is known. */
export function choiceOf(text: string): TablesChoice {
  const { tables, history, events } = parseCanonical(text) as {
    readonly [Part in keyof Chosen]: Chosen[Part] | null;
  };
  return { ...(tables && { tables }), ...(history && { history }), events: events === true };
}
