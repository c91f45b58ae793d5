/**
 * The rows of one projected table in SQLite.
 *
 * Owns the prepared statements on it, in plain SQL, because this is where speed counts: many rows go in and
 * out with one statement. Begins and ends no transaction.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { SqlValue } from '../../base/sql.ts';
import { countChanges, PROJECTION_COLUMN } from '../../log/projection-checks.ts';
import type { RowChanges } from '../../log/projection-store.ts';
import { quoted } from '../../projections/sql/names.ts';
import type { KnownTable } from '../sql/projections.ts';

/** How many rows one statement takes: the most first. More than 32 are no faster. */
const SIZES = [32, 8, 1];
/** SQLite takes no more parameters in one statement. */
const MAX_PARAMETERS = 32_766;

const list = (names: readonly string[]): string => names.map(quoted).join();

/** `(?,?),(?,?)`: `size` rows of `width` values. */
const places = (size: number, width: number): string =>
  Array.from({ length: size }, () => `(${Array(width).fill('?').join()})`).join();

/** Statements of one kind, by how many rows they take, each prepared when it is first needed. */
class Batches {
  readonly #db: Database;
  readonly #text: (size: number) => string;
  readonly #sizes: readonly number[];
  readonly #prepared = new Map<number, Statement>();

  constructor(db: Database, width: number, text: (size: number) => string) {
    this.#db = db;
    this.#text = text;
    this.#sizes = SIZES.filter((size) => size === 1 || (size + 1) * width <= MAX_PARAMETERS);
  }

  #statement(size: number): Statement {
    const prepared = this.#prepared.get(size) ?? this.#db.prepare(this.#text(size));
    this.#prepared.set(size, prepared);
    return prepared;
  }

  /** Runs statements until they took `count` rows; `fill` makes the parameters of some of them. */
  run(count: number, fill: (from: number, to: number) => SqlValue[]): void {
    let from = 0;
    for (const size of this.#sizes)
      for (; count - from >= size; from += size) this.#statement(size).run(fill(from, from + size));
  }
}

/** SQLite has no booleans. */
const bound = (value: SqlValue): SqlValue => (typeof value === 'boolean' ? Number(value) : value);

/** Puts the values of rows behind each other, each row after what stands before it. */
function fillRows(
  before: readonly SqlValue[],
  lists: readonly ArrayLike<SqlValue>[],
  from: number,
  to: number,
  into: SqlValue[],
): SqlValue[] {
  for (let row = from; row < to; row++) {
    into.push(...before);
    for (const values of lists) into.push(bound(values[row]!));
  }
  return into;
}

/** Writes the rows of one projected table. */
export class ProjectedRows {
  readonly #table: KnownTable;
  readonly #write: Batches;
  readonly #remove: Batches;
  readonly #sweep: Statement<number[]>;

  constructor(db: Database, table: KnownTable) {
    this.#table = table;
    const { key } = table;
    const rows = quoted(table.rows);
    const columns = table.columns.map(({ name }) => name);
    const all = [PROJECTION_COLUMN, ...columns];
    const others = columns.filter((name) => !key.includes(name)).map(quoted);
    const conflict =
      others.length === 0
        ? 'NOTHING'
        : `UPDATE SET ${others.map((name) => `${name} = excluded.${name}`).join()}`;
    const of = `DELETE FROM ${rows} WHERE ${quoted(PROJECTION_COLUMN)} = ?`;
    this.#write = new Batches(
      db,
      all.length,
      (size) =>
        `INSERT INTO ${rows} (${list(all)}) VALUES ${places(size, all.length)}` +
        ` ON CONFLICT (${list([PROJECTION_COLUMN, ...key])}) DO ${conflict}`,
    );
    this.#remove = new Batches(
      db,
      key.length,
      (size) => `${of} AND (${list(key)}) IN (VALUES ${places(size, key.length)})`,
    );
    const some = `SELECT ${list(key)} FROM ${rows} WHERE ${quoted(PROJECTION_COLUMN)} = ? LIMIT ?`;
    this.#sweep = db.prepare(key.length === 0 ? of : `${of} AND (${list(key)}) IN (${some})`);
  }

  /** Carries out changes of rows of a projection; `BAD_USAGE` where they do not fit the table. */
  change(projection: number, changes: RowChanges): void {
    const count = countChanges(this.#table, changes);
    this.#remove.run(count.removed, (from, to) => fillRows([], changes.removed, from, to, [projection]));
    this.#write.run(count.written, (from, to) => fillRows([projection], changes.written, from, to, []));
  }

  /** Deletes rows of a projection, at most `limit`; returns how many. */
  sweep(projection: number, limit: number): number {
    const some = this.#table.key.length === 0 ? [] : [projection, limit];
    return this.#sweep.run(projection, ...some).changes;
  }
}
