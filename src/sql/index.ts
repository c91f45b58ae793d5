/**
 * `worldfold/sql`: SQL over the world of any tick of any run, with nothing set up before.
 *
 * Needs the package better-sqlite3. A query reads and changes nothing: it runs over copies, in a process of
 * its own. docs/sql.md has the tables that there are.
 */
import { checkNames, checkPositive } from '../base/arguments.ts';
import { show } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import { loadHash } from '../base/hash.ts';
import type { SqlValue } from '../base/sql.ts';
import { checkTick, type GivenLog, logGiven } from '../replay/given.ts';
import { RunCore } from '../simulation/run.ts';
import type { SqlOptions, SqlParams, SqlQuery, SqlRow } from '../simulation/sql-types.ts';
import { ask, type Found, foundIn } from './engine.ts';
import { baseOf, catalogueOf, exactColumns, heldTables, type Moment } from './moment.ts';

export type { SqlValue } from '../base/sql.ts';
export type { GivenLog } from '../replay/given.ts';
export type { SqlMoment, SqlOptions, SqlParams, SqlQuery, SqlRow } from '../simulation/sql-types.ts';
export type { Found as SqlFound } from './engine.ts';

/** A stored run at a tick; its last durable tick where that is left out. */
export interface StoredMoment extends GivenLog {
  readonly tick?: number;
}

async function momentOf(call: string, given: object, at: unknown, text: string): Promise<Moment> {
  // Before anything is waited for: the run may be advancing.
  const present = given instanceof RunCore && (at ?? given.tick) === given.tick;
  const held = present ? heldTables(given.definition, given.world, text) : null;
  const log = await logGiven(call, given);
  const tick = at ?? log.tick;
  checkTick(log, tick);
  return { log, tick, held };
}

function compiled(call: string, query: SqlQuery, params: SqlParams): [query: string, params: SqlParams] {
  if (typeof query === 'string') return [query, params];
  if (typeof query?.compile !== 'function')
    fail('BAD_USAGE', `${call} needs a query, not ${show(query)}`, { call }, 'Give it a text of SQL.');
  const { sql, parameters } = query.compile();
  return [sql, parameters as SqlParams];
}

/** The same run at another tick. */
function again({ log, tick, held }: Moment, at: unknown = tick): Moment {
  checkTick(log, at);
  return { log, tick: at, held: at === tick ? held : null };
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

async function momentsOf(
  call: string,
  main: Moment,
  text: string,
  options: SqlOptions,
): Promise<Map<string, Moment>> {
  const moments = new Map([['main', main]]);
  for (const [name, other] of Object.entries(options.with ?? {})) {
    if (!NAME.test(name) || ['main', 'temp'].includes(name.toLowerCase()))
      fail(
        'BAD_USAGE',
        `'${name}' is no name for a world in a query`,
        { name },
        'Write: with: { other: … }.',
      );
    if ('store' in other) {
      const { tick, ...log } = other as StoredMoment;
      moments.set(name, await momentOf(call, log, tick, text));
    } else {
      checkNames(`with.${name}`, other, ['run', 'at']);
      moments.set(name, other.run ? await momentOf(call, other.run, other.at, text) : again(main, other.at));
    }
  }
  return moments;
}

/** The place of what SQLite complains of, where the query holds it once. */
function placeOf(query: string, why: string): { line: number; column: number } | null {
  const word = /near "([^"]+)"|no such (?:table|column|function): (\S+)|ambiguous column name: (\S+)/.exec(
    why,
  );
  const token = word?.[1] ?? word?.[2] ?? word?.[3];
  const at = token === undefined ? -1 : query.indexOf(token);
  if (at < 0 || query.indexOf(token!, at + 1) >= 0) return null;
  const before = query.slice(0, at).split('\n');
  return { line: before.length, column: before.at(-1)!.length + 1 };
}

function refused(query: string, why: string, moments: ReadonlyMap<string, Moment>): never {
  const place = placeOf(query, why);
  const where = place === null ? '' : ` (line ${place.line}, column ${place.column})`;
  const names = [...moments].flatMap(([name, { log }]) => {
    const { tables, kinds, events, metrics, tickLog } = catalogueOf(log.world);
    const own = [
      ...tables.map((table) => table.name),
      ...[events, ...kinds.map((kind) => kind.name)],
      ...[metrics, tickLog.ticks, tickLog.parts],
    ];
    return own.map((table) => (name === 'main' ? table : `${name}.${table}`));
  });
  return fail(
    'BAD_USAGE',
    `the query is refused: ${why}${where}`,
    { query, ...place },
    `There are: ${names.join(', ')}.`,
  );
}

async function query(
  call: string,
  run: object,
  at: unknown,
  [text, values]: readonly [query: string, params: SqlParams],
  options: SqlOptions,
): Promise<Found> {
  const moments = await momentsOf(call, await momentOf(call, run, at, text), text, options);
  const bases = await Promise.all([...moments].map(([name, moment]) => baseOf(name, moment, text)));
  const exact = [...moments].flatMap(([name, moment]) => exactColumns(name, moment));
  const bound = (value: SqlValue): SqlValue => (typeof value === 'boolean' ? Number(value) : value);
  const task = {
    bases,
    query: text,
    params: Array.isArray(values)
      ? values.map(bound)
      : Object.fromEntries(Object.entries(values).map(([name, value]) => [name, bound(value)])),
    exact,
  };
  return foundIn(await ask(task, options), (why) => refused(text, why, moments));
}

function checkOptions(call: string, options: SqlOptions): void {
  checkNames(`the options of ${call}`, options, ['with', 'signal', 'timeoutMs']);
  if (options.timeoutMs !== undefined) checkPositive('timeoutMs', options.timeoutMs);
}

const asObjects = ({ columns, rows }: Found): SqlRow[] =>
  rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));

/** What `run.sql` does. */
export async function sqlOfRun(
  run: object,
  at: number,
  given: SqlQuery,
  params: SqlParams = [],
  options: SqlOptions = {},
): Promise<readonly SqlRow[]> {
  checkOptions('run.sql', options);
  return asObjects(await query('run.sql', run, at, compiled('run.sql', given, params), options));
}

/**
 * Asks a query over the world of a stored run at a tick. It takes no lease and writes nothing: another
 * process may be advancing the run. Fails as `run.sql` does; `UNKNOWN_RUN`.
 *
 * @example
 * ```ts
 * const { rows } = await sqlAt({ store, id: 'first', world: town, tick: 30 }, 'select count(*) from people');
 * ```
 */
export async function sqlAt(
  moment: StoredMoment,
  given: SqlQuery,
  params: SqlParams = [],
  options: SqlOptions = {},
): Promise<Found> {
  checkOptions('sqlAt', options);
  await loadHash();
  const { tick, ...log } = moment;
  return query('sqlAt', log, tick, compiled('sqlAt', given, params), options);
}
