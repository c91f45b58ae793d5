/**
 * Projected tables in PostgreSQL.
 *
 * Owns their names, and how they are made and dropped. Begins and ends no transaction. Who makes or drops
 * tables takes turns with all others of the schema, so that no two make one of the same identity, and none is
 * dropped that somebody is about to write.
 */
import type { Kysely } from 'kysely';
import { PROJECTION_COLUMN } from '../../log/projection-checks.ts';
import type { ProjectedTable } from '../../log/projection-store.ts';
import { quoted, SqlNames } from '../../projections/sql/names.ts';
import {
  giveNames,
  knownTable,
  rowsDefinition,
  tableColumns,
  tablesOfProjection,
  unusedTables,
  viewSelection,
} from '../sql/projections.ts';
import type { Tables } from '../sql/tables.ts';
import { ROWS } from './partitions.ts';
import { ProjectedRows } from './projected-rows.ts';
import { all, change } from './queries.ts';
import type { Statements } from './session.ts';

/** The server cuts names after so many bytes. */
const LONGEST_NAME = 63;
/** As much of a name that is longer leaves room for a number behind it. */
const CUT_NAME = 55;

/** Names of partitions, which are made later and by number. */
const OF_PARTITION = new RegExp(`^${ROWS}_\\d+$`);

/** Hands out names that the server takes whole, and none that a partition may have. */
class ServerNames extends SqlNames {
  override give(wanted: string): string {
    const name = super.give(wanted);
    if (OF_PARTITION.test(name)) return this.give(`_${wanted}`);
    if (Buffer.byteLength(name) <= LONGEST_NAME) return name;
    let cut = '';
    for (const character of wanted)
      if (Buffer.byteLength(cut + character) > CUT_NAME) break;
      else cut += character;
    return super.give(cut);
  }
}

const TURN = { name: 'tables_turn', text: 'SELECT pg_advisory_xact_lock(hashtextextended($1, -2))' };

/** Names that a table would meet in its schema, and those that a query finds before those of the schema. */
const TAKEN = {
  name: 'taken_names',
  text:
    'SELECT relname AS name FROM pg_class WHERE relnamespace IN' +
    " ($1::regnamespace, 'pg_catalog'::regnamespace)" +
    ' UNION ALL SELECT typname FROM pg_type WHERE typnamespace = $1::regnamespace',
};

/** The projected tables of one schema. Each call runs on the connection that it is given. */
export class ProjectedTables {
  readonly #sql: Kysely<Tables>;
  readonly #schema: string;
  /** By the number of the table, which is never given twice: what was dropped is asked for no more. */
  readonly #rows = new Map<number, ProjectedRows>();

  constructor(sql: Kysely<Tables>, schema: string) {
    this.#sql = sql;
    this.#schema = schema;
  }

  #named(name: string): string {
    return `${this.#schema}.${quoted(name)}`;
  }

  /** Waits for whoever makes or drops tables; the turn ends with the transaction. */
  async turn(on: Statements): Promise<void> {
    await on.run(TURN, [`${this.#schema} projections`]);
  }

  /** Makes the tables that are not there, within a turn; returns the numbers of all. */
  async declare(on: Statements, tables: readonly ProjectedTable[]): Promise<readonly number[]> {
    const numbers: number[] = [];
    for (const table of tables) {
      const known = this.#sql.selectFrom('projected_tables').select('number');
      const found = (await all(on, known.where('identity', '=', table.identity)))[0];
      numbers.push(found?.number ?? (await this.#create(on, table)));
    }
    return numbers;
  }

  /** Asked anew for each table: the server names indexes of keys by itself. */
  async #names(on: Statements): Promise<SqlNames> {
    const { rows } = await on.run<{ readonly name: string }>(TAKEN, [this.#schema]);
    return new ServerNames(rows.map(({ name }) => name));
  }

  async #create(on: Statements, table: ProjectedTable): Promise<number> {
    const names = await this.#names(on);
    const given = giveNames(table, names);
    const [view, rows] = [this.#named(given.view), this.#named(given.rows)];
    await on.run({ text: `CREATE TABLE ${rows} (${rowsDefinition(table, 'bigint')})` });
    for (const column of table.index) {
      const index = quoted(names.give(`${given.rows}_${column}`));
      const columns = `${quoted(PROJECTION_COLUMN)}, ${quoted(column)}`;
      await on.run({ text: `CREATE INDEX ${index} ON ${rows} (${columns})` });
    }
    const selection = viewSelection(table, rows, this.#named('projections'));
    await on.run({ text: `CREATE VIEW ${view} AS ${selection}` });
    const insert = this.#sql.insertInto('projected_tables').values(tableColumns(table, given));
    return (await all(on, insert.returning('number')))[0]!.number;
  }

  /** What writes the tables of a projection, by role. */
  async rowsOf(on: Statements, projection: number): Promise<ReadonlyMap<string, ProjectedRows>> {
    const linked = await all(on, tablesOfProjection(this.#sql, projection));
    return new Map(
      linked.map((row) => {
        const rows = this.#rows.get(row.number) ?? new ProjectedRows(this.#schema, knownTable(row));
        this.#rows.set(row.number, rows);
        return [row.role, rows];
      }),
    );
  }

  /** Whether there are tables that no projection is left of; who finds some may find none in its turn. */
  async hasUnused(on: Statements): Promise<boolean> {
    return (await all(on, unusedTables(this.#sql).limit(1))).length > 0;
  }

  /** Drops tables that no projection is left of, at most `limit`, within a turn; returns how many. */
  async dropUnused(on: Statements, limit: number): Promise<number> {
    const unused = await all(on, unusedTables(this.#sql).limit(limit));
    for (const { number, view, rows } of unused) {
      this.#rows.delete(number);
      await on.run({ text: `DROP VIEW ${this.#named(view)}` });
      await on.run({ text: `DROP TABLE ${this.#named(rows)}` });
      await change(on, this.#sql.deleteFrom('projected_tables').where('number', '=', number));
    }
    return unused.length;
  }
}
