/**
 * Questions of users in SQL.
 *
 * Owns which statements are taken, and what the database says of the others. A statement is described before
 * it is carried out: one without rows to answer with (`SET`, `COMMIT`, `COPY`, most that write) is refused
 * then, and what else would write is refused by the transaction that it runs in.
 */
import { messageOf } from '../../base/canonical.ts';
import { fail } from '../../base/errors.ts';
import { differentNames, type SqlValue } from '../../base/sql.ts';
import type { SqlAnswer, SqlReader } from '../../log/projection-store.ts';
import { checkText } from '../../log/store-checks.ts';
import { endsConnection, sqlState } from './errors.ts';
import { MOST_PARAMETERS } from './query.ts';
import type { OwnSession, Parameter, Sessions } from './session.ts';

/** What is nothing but comments; one that holds another is not looked into. */
const NOTHING = /^(?:\s|;|--[^\r\n]*|\/\*(?:[^*]|\*(?!\/))*\*\/)*$/;

/** What is no fault of a query: locks, what the server has no room for, and what befalls it. */
const OF_THE_SERVER = /^(40|53|55|57|58|F0|XX)/;
const STOPPED = '57014';

const READS = 'Ask with SELECT, WITH, VALUES or EXPLAIN; what is shown is written by projections alone.';

/** What the database says of a query is an error of who asks. */
function refused(e: unknown, query: string): never {
  const sqlstate = sqlState(e);
  if (sqlstate === undefined || endsConnection(e)) throw e;
  const position = Number((e as { position?: string }).position ?? Number.NaN);
  const at = Number.isNaN(position) ? {} : { position };
  const facts = { query, sqlstate, ...at };
  if (sqlstate === STOPPED) fail('CANCELLED', `a query was stopped: ${messageOf(e)}`, facts, undefined, e);
  if (OF_THE_SERVER.test(sqlstate)) throw e;
  if (sqlstate.startsWith('25')) fail('READ_ONLY', `a query only reads: ${messageOf(e)}`, facts, READS, e);
  const where = Number.isNaN(position) ? '' : ` at character ${position}`;
  return fail(
    'BAD_USAGE',
    `the database does not take the query${where}: ${messageOf(e)}`,
    facts,
    undefined,
    e,
  );
}

function sentFor(value: SqlValue, i: number): Parameter {
  if (typeof value === 'string') checkText(`the parameter $${i + 1}`, value);
  return typeof value === 'bigint' ? String(value) : value;
}

/** Checks a query as far as the protocol needs it: `BAD_USAGE`. */
function checkQuery(sql: string, parameters: readonly SqlValue[]): void {
  if (typeof sql !== 'string' || NOTHING.test(sql))
    fail('BAD_USAGE', 'a query is a statement of SQL', { query: sql });
  checkText('the query', sql);
  if (parameters.length > MOST_PARAMETERS)
    fail('BAD_USAGE', `a query has at most ${MOST_PARAMETERS} parameters, not ${parameters.length}`);
}

/** A connection for reading; one that broke is replaced by the next query. */
export class Reader implements SqlReader {
  readonly #sessions: Sessions;
  readonly #call: <T>(work: () => Promise<T>) => Promise<T>;
  #opened: Promise<OwnSession>;
  #closed = false;

  private constructor(
    sessions: Sessions,
    session: OwnSession,
    call: <T>(work: () => Promise<T>) => Promise<T>,
  ) {
    this.#sessions = sessions;
    this.#opened = Promise.resolve(session);
    this.#call = call;
  }

  /** Opens one; `call` runs what is a call of the store. */
  static async open(sessions: Sessions, call: <T>(work: () => Promise<T>) => Promise<T>): Promise<Reader> {
    return new Reader(sessions, await sessions.open('look'), call);
  }

  async #session(): Promise<OwnSession> {
    const opened = this.#opened;
    const session = await opened.catch(() => null);
    if (session !== null && !session.lost) return session;
    await session?.end();
    if (this.#opened === opened) this.#opened = this.#sessions.open('look');
    return this.#opened;
  }

  /** See `SqlReader.query`. */
  query(sql: string, parameters: readonly SqlValue[]): Promise<SqlAnswer> {
    return this.#call(async () => {
      if (this.#closed) fail('CLOSED', 'the connection for reading is closed');
      checkQuery(sql, parameters);
      const sent = parameters.map(sentFor);
      const session = await this.#session();
      const looked = await session.look(sql, sent).catch((e) => refused(e, sql));
      if (looked === null)
        return fail(
          'READ_ONLY',
          'a query only reads, and this one has no rows to answer with',
          { query: sql },
          READS,
        );
      return { columns: differentNames(looked.columns), rows: looked.rows };
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const session = await this.#opened.catch(() => null);
    await session?.end();
  }
}
