/**
 * SQL/JSON paths over headers and failed ticks.
 *
 * Owns the jsonb capability of the store: its statements, and what the database says of a path. How a path is
 * asked of a text is a function of the schema, `finds`, that a migration makes.
 */
import type { Kysely } from 'kysely';
import { checkNames } from '../../base/arguments.ts';
import { canonicalJson, messageOf, show } from '../../base/canonical.ts';
import { fail } from '../../base/errors.ts';
import type { FindOptions, FoundAttempt } from '../../log/capabilities.ts';
import type { RunInfo } from '../../log/store.ts';
import { checkId, checkListing, checkText } from '../../log/store-checks.ts';
import { listedRunOf, listedRuns, orderKey } from '../sql/segments.ts';
import type { Tables } from '../sql/tables.ts';
import type { Connection } from './connection.ts';
import { sqlState } from './errors.ts';
import { all } from './queries.ts';
import type { Sessions, Statement } from './session.ts';

/** What the database says of a path that it can't read, or of one that it can't follow. */
const OF_THE_PATH = /^(22...|42601|42704|0A000|54001)$/;

const MOST = Number.MAX_SAFE_INTEGER;

/** The embedded database does not survive the reading of what is nested some ten thousand times. */
const LONGEST_PATH = 4096;

const VARS = 'Give values as variables: { vars: { seed } } is $seed in the path.';

interface Question {
  readonly path: string;
  readonly vars: string;
  readonly after: string | null;
  readonly limit: number;
}

/** Checks a question: `BAD_USAGE`. */
function questionOf(call: string, path: string, options: FindOptions): Question {
  checkNames(`the options of ${call}`, options, ['vars', 'after', 'limit']);
  const { vars = {}, after = null, limit = Infinity } = options;
  if (typeof path !== 'string' || path.trim() === '')
    fail('BAD_USAGE', `${call} needs a path, not ${show(path)}`, { path }, `Write '$.seed == "alpha"'.`);
  if (path.length > LONGEST_PATH)
    fail('BAD_USAGE', `a path has at most ${LONGEST_PATH} characters, not ${path.length}`, {}, VARS);
  checkText('the path', path);
  if (typeof vars !== 'object' || vars === null || Array.isArray(vars))
    fail('BAD_USAGE', `vars is an object, not ${show(vars)}`, {}, VARS);
  if (after !== null) checkId('run', after);
  checkListing(limit);
  return { path, vars: canonicalJson(vars, 'vars'), after, limit: Math.floor(Math.min(limit, MOST)) };
}

const attemptsIn = (s: string): Statement => {
  const kept = `FROM ${s}.attempts AS a WHERE a.segment = r.segment`;
  const found = `${s}.finds(a.text, $1::jsonpath, $2::jsonb)`;
  return {
    name: 'find_attempts',
    text:
      `WITH page AS MATERIALIZED (SELECT r.id, r.id_order, r.segment FROM ${s}.runs AS r` +
      ` WHERE ($3::bytea IS NULL OR r.id_order > $3) AND EXISTS (SELECT ${kept} AND ${found})` +
      ' ORDER BY r.id_order LIMIT $4)' +
      ` SELECT r.id AS run, a.tick, a.text, a.number = (SELECT max(a.number) ${kept}) AS newest` +
      ` FROM page AS r JOIN ${s}.attempts AS a ON a.segment = r.segment` +
      ` WHERE ${found} ORDER BY r.id_order, a.number`,
  };
};

/** The jsonb capability of one database. */
export class Jsonb {
  readonly #sessions: Sessions;
  readonly #sql: Kysely<Tables>;
  readonly #finds: string;
  readonly #attempts: Statement;

  constructor({ sessions, sql, schema }: Pick<Connection, 'sessions' | 'sql' | 'schema'>) {
    this.#sessions = sessions;
    this.#sql = sql;
    this.#finds = `${schema}.finds`;
    this.#attempts = attemptsIn(schema);
  }

  /** See `JsonbStore.findRuns`. */
  async runs(path: string, options: FindOptions = {}): Promise<readonly RunInfo[]> {
    const question = questionOf('findRuns', path, options);
    const { vars, after, limit } = question;
    const found = listedRuns(this.#sql, after, limit).where(({ fn, ref, val }) =>
      fn<boolean>(this.#finds, [ref('runs.header'), val(path), val(vars)]),
    );
    return asking(question, () =>
      this.#sessions.lend(async (session) => (await all(session, found)).map(listedRunOf)),
    );
  }

  /** See `JsonbStore.findAttempts`. */
  async attempts(path: string, options: FindOptions = {}): Promise<readonly FoundAttempt[]> {
    const question = questionOf('findAttempts', path, options);
    const { vars, after, limit } = question;
    const parameters = [path, vars, after === null ? null : orderKey(after), limit];
    return asking(question, () =>
      this.#sessions.lend(
        async (session) => (await session.run<FoundAttempt>(this.#attempts, parameters)).rows,
      ),
    );
  }
}

/** What the database says of the path is an error of who asks. */
async function asking<T>({ path, vars }: Question, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (e) {
    const sqlstate = sqlState(e);
    if (sqlstate === undefined || !OF_THE_PATH.test(sqlstate)) throw e;
    return fail(
      'BAD_USAGE',
      `the path ${show(path)} can not be asked: ${messageOf(e)}`,
      { path, vars, sqlstate },
      'Paths are those of SQL/JSON: https://www.postgresql.org/docs/current/functions-json.html.',
      e,
    );
  }
}
