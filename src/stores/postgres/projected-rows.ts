/**
 * The rows of one projected table in PostgreSQL.
 *
 * Owns the statements on it, in plain SQL, because this is where speed counts: whole columns go in and out at
 * once. Begins and ends no transaction.
 */
import { messageOf } from '../../base/canonical.ts';
import { fail } from '../../base/errors.ts';
import { countChanges, PROJECTION_COLUMN } from '../../log/projection-checks.ts';
import type { RowChanges } from '../../log/projection-store.ts';
import { quoted } from '../../projections/sql/names.ts';
import type { KnownTable } from '../sql/projections.ts';
import { sqlState } from './errors.ts';
import { groupsOf, type RowColumn, rowColumn, type Values } from './row-columns.ts';
import type { Statement, Statements } from './session.ts';

/** What the database says of a value, or of a row with it: the same rows would be refused again. */
const OF_THE_ROW = /^(21|22|23|54)/;
const TOO_LARGE = '54000';

const PROJECTION = quoted(PROJECTION_COLUMN);

/** What a sweep deletes with one statement at most. */
const SWEPT_AT_ONCE = 1_000_000;

/** The longest row of an index is a third of a page. */
const SHORTER = 'Leave the index of the column away: the database indexes values of up to about 2,700 bytes.';

function refused(e: unknown, table: string): never {
  const sqlstate = sqlState(e);
  if (sqlstate === undefined || !OF_THE_ROW.test(sqlstate)) throw e;
  return fail(
    'STORE_FAILED',
    `the table ${table} does not take a row: ${messageOf(e)}`,
    { table, sqlstate },
    sqlstate === TOO_LARGE ? SHORTER : undefined,
    e,
  );
}

/** Columns from parameters, from `$2` on, as `r(c0, c1, …)`. */
const unnested = (columns: readonly RowColumn[]): string => {
  const lists = columns.map(({ sort }, i) => `unnest($${i + 2}::${sort.array}) AS c${i}`);
  return `(SELECT ${lists.join(', ')}) AS r`;
};

function insertion(rows: string, columns: readonly RowColumn[], key: readonly string[]): Statement {
  const names = columns.map(({ name }) => quoted(name));
  const others = columns.filter(({ name }) => !key.includes(name)).map(({ name }) => quoted(name));
  const set = others.map((name) => `${name} = excluded.${name}`).join(', ');
  return {
    text:
      `INSERT INTO ${rows} (${PROJECTION}, ${names.join(', ')})` +
      ` SELECT $1::bigint, ${columns.map(({ type }, i) => `c${i}::${type}`).join(', ')}` +
      ` FROM ${unnested(columns)} ON CONFLICT (${[PROJECTION, ...key.map(quoted)].join(', ')})` +
      ` DO ${others.length === 0 ? 'NOTHING' : `UPDATE SET ${set}`}`,
  };
}

function deletion(rows: string, key: readonly RowColumn[]): Statement {
  const same = key.map(({ name, type }, i) => `t.${quoted(name)} = r.c${i}::${type}`);
  const where = [`t.${PROJECTION} = $1::bigint`, ...same].join(' AND ');
  return { text: `DELETE FROM ${rows} AS t USING ${unnested(key)} WHERE ${where}` };
}

/** Writes the rows of one projected table. */
export class ProjectedRows {
  readonly #table: KnownTable;
  readonly #columns: readonly RowColumn[];
  readonly #key: readonly RowColumn[];
  readonly #write: Statement;
  readonly #remove: Statement;
  readonly #sweep: Statement;

  constructor(schema: string, table: KnownTable) {
    const rows = `${schema}.${quoted(table.rows)}`;
    this.#table = table;
    this.#columns = table.columns.map(rowColumn);
    this.#key = table.key.map((name) => this.#columns.find((column) => column.name === name)!);
    this.#write = insertion(rows, this.#columns, table.key);
    this.#remove = deletion(rows, this.#key);
    this.#sweep = {
      text:
        `DELETE FROM ${rows} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${rows}` +
        ` WHERE ${PROJECTION} = $1::bigint LIMIT $2::bigint))`,
    };
  }

  /** Carries out changes of rows of a projection; `BAD_USAGE` where they do not fit the table. */
  async change(on: Statements, projection: number, changes: RowChanges): Promise<void> {
    const count = countChanges(this.#table, changes);
    if (count.removed > 0) await this.#each(on, this.#remove, projection, this.#key, changes.removed);
    if (count.written > 0) await this.#each(on, this.#write, projection, this.#columns, changes.written);
  }

  /** Deletes rows of a projection, at most `limit`; returns how many. */
  async sweep(on: Statements, projection: number, limit: number): Promise<number> {
    let room = limit;
    for (let most = 0, count = 0; room > 0 && count === most; room -= count) {
      most = Math.min(room, SWEPT_AT_ONCE);
      count = (await on.run(this.#sweep, [projection, most])).count;
    }
    return limit - room;
  }

  async #each(
    on: Statements,
    statement: Statement,
    projection: number,
    columns: readonly RowColumn[],
    values: Values,
  ): Promise<void> {
    const { view } = this.#table;
    for (const arrays of groupsOf(view, columns, values))
      await on.run(statement, [projection, ...arrays]).catch((e) => refused(e, view));
  }
}
