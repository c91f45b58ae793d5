/**
 * What `worldfold tables` says of the tables that a run has in SQL, for people and for programs.
 */
import type { ChosenTicks, ProjectedReport, Store, TableInSql, TablesChoice } from '../../index.ts';
import { capability } from '../../log/capabilities.ts';
import { quoted, quotedText } from '../../projections/sql/names.ts';
import { isList } from '../../simulation/tables/choice.ts';
import { DEFAULT_SCHEMA } from '../../stores/postgres/settings.ts';
import { type Io, paintFor } from '../io.ts';
import type { StorePlace } from '../options.ts';
import { counted, grouped, textTable } from '../text.ts';
import { seconds } from './run.ts';

/** What a command did, and of how many ticks it was stopped; null where it was not. */
export interface Done {
  readonly done: ProjectedReport;
  readonly ms: number;
  readonly stoppedOf: number | null;
}

const REBUILT = {
  new: 'the run had no tables in SQL',
  rewound: 'the log has another record at the tick that they were of',
  adopted: 'an era of other code began in the log',
  migrated: 'an era of another schema began in the log',
  unproven: 'it had stopped at rows that no recorded hash proves',
  'chosen otherwise': 'another choice, or other columns in the schema',
  'asked for': 'as was asked for',
} as const satisfies Readonly<Record<NonNullable<ProjectedReport['rebuilt']>, string>>;

/** How many rows of a run each of its tables has. */
async function rowsOf(
  store: Store,
  { id, tables }: ProjectedReport,
): Promise<readonly (TableInSql & { readonly rows: number })[]> {
  const reader = await capability(store, 'projections').openReader();
  try {
    const counts: (TableInSql & { readonly rows: number })[] = [];
    for (const table of tables) {
      const where = `${quoted(table.runColumn)} = ${quotedText(id)}`;
      const { rows } = await reader.query(`select count(*) from ${quoted(table.view)} where ${where}`, []);
      counts.push({ ...table, rows: Number(rows[0]![0]) });
    }
    return counts;
  } finally {
    await reader.close();
  }
}

/** A choice as JSON has it: null for all tables and for no history. */
export const choiceFacts = ({ tables, history, events }: TablesChoice): object => ({
  tables: tables ?? null,
  history: history ?? null,
  events: events === true,
});

/** What was done, as data; the tables are counted where there is a store. */
export async function factsOf(
  store: Store | null,
  { done, stoppedOf = null }: Pick<Done, 'done'> & Partial<Done>,
): Promise<object> {
  const { id, tick, recordHash, version, rebuilt, rows, choice } = done;
  const facts = { id, tick, recordHash, version, rebuilt, rows, problem: null, stopped: stoppedOf !== null };
  if (store === null) return facts;
  const tables = (await rowsOf(store, done)).map((table) => ({ ...table }));
  return { ...facts, choice: choiceFacts(choice), tables };
}

function ticksText(ticks: ChosenTicks): string {
  if (!isList(ticks))
    return `history of every ${ticks.every === 1 ? 'tick' : `${grouped(ticks.every)} ticks`}`;
  const shown = ticks.length > 3 ? [...ticks.slice(0, 3), '…'] : ticks;
  return ticks.length === 0 ? 'history of no tick' : `history of ${shown.join(', ')}`;
}

/** A choice in a few words: `people, cells · history of every 10 ticks · events`. */
export const choiceText = ({ tables, history, events }: TablesChoice): string =>
  [
    ...(tables === undefined ? ['all tables'] : tables.length > 0 ? [tables.join(', ')] : []),
    ...(history === undefined ? [] : [ticksText(history)]),
    ...(events === true ? ['events'] : []),
  ].join(' · ');

/** How the view is named in a query: in a database of PostgreSQL, with the schema of the store. */
function nameIn({ view }: TableInSql, place: StorePlace): string {
  if (place.kind === 'sqlite') return quoted(view);
  const schema = place.kind === 'postgres' ? place.schema : null;
  return `${quoted(schema ?? DEFAULT_SCHEMA)}.${quoted(view)}`;
}

/** Why all rows were written, where they were. */
const whyText = ({ rebuilt }: ProjectedReport): string | null => {
  if (rebuilt === null) return null;
  return rebuilt === 'new' ? `set up: ${REBUILT.new}` : `built anew: ${REBUILT[rebuilt]}`;
};

/** What was done, with every table, as lines. */
export async function reportLines(
  io: Io,
  store: Store,
  o: { readonly store: StorePlace; readonly rebuild: boolean },
  { done, ms, stoppedOf }: Done,
): Promise<readonly string[]> {
  const paint = paintFor(io.stdout, io.env);
  const { id, tick, rows, tables, choice } = done;
  const work = `${counted(rows, 'row')} changed in ${seconds(ms)}`;
  const why = whyText(done);
  const head = [
    `${paint.strong(id)}: tables of tick ${grouped(tick)} in SQL, ${work}`,
    ...(why === null ? [] : [`  ${why}`]),
    `  keeps  ${choiceText(choice)}`,
  ];
  if (stoppedOf !== null) {
    const next = o.rebuild ? 'the next --rebuild begins anew' : 'the same command goes on from there';
    const seen = done.current ? '' : '; queries do not see these rows yet';
    return [...head, `  stopped at tick ${grouped(tick)} of ${grouped(stoppedOf)}: ${next}${seen}`];
  }
  const counts = await rowsOf(store, done);
  const shown = textTable(
    [{ title: 'table' }, { title: 'name in SQL' }, { title: 'rows', align: 'right' }],
    counts.map(({ table, view, rows: count }) => [table, view, grouped(count)]),
  );
  const first = tables[0]!;
  const query = `select * from ${nameIn(first, o.store)} where ${first.runColumn} = ${quotedText(id)}`;
  return [
    ...head,
    ...shown.map((text, i) => (i < 2 ? paint.faint(text) : text)),
    paint.faint(`ask: ${query}`),
  ];
}

/** What one look at a followed run wrote: `tick 201: 12 rows changed`. */
export function writtenText(done: ProjectedReport): string {
  const why = whyText(done);
  return `tick ${grouped(done.tick)}: ${counted(done.rows, 'row')} changed${why === null ? '' : `, ${why}`}`;
}

/** The last word of a command that followed a run. */
export const followedText = ({ id, tick }: ProjectedReport): string =>
  `${id}: followed up to tick ${grouped(tick)}`;
