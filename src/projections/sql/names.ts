/**
 * Names in SQL: quoting, and one name for each thing.
 *
 * Owns the rule that makes names of a schema good in every dialect. SQLite does not tell capitals from small
 * letters and keeps `sqlite_…` for itself; PostgreSQL cuts names after 63 bytes and has columns of its own in
 * every table. A name that is good and free stays as it is; any other is made good in the same way each time.
 */

/** Names are cut here, which is where PostgreSQL would cut them. */
const MAX_LENGTH = 63;

/** Columns that every table of PostgreSQL has. */
const SYSTEM_COLUMNS = ['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid'];

/** A name as SQL takes it: between double quotes, so that no keyword and no character matters. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A text as SQL takes it: between single quotes. */
export const quotedText = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Hands out names of one table, or of one database: each once, whatever the case. */
export class SqlNames {
  readonly #taken: Set<string>;

  /** `taken` are names that are in use already. */
  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set(SYSTEM_COLUMNS);
    for (const name of taken) this.#taken.add(name.toLowerCase());
  }

  /** The name itself where it is good and free; else the first of `name_2`, `name_3`, … that is. */
  give(wanted: string): string {
    const good = /^sqlite_/i.test(wanted) ? `_${wanted}` : wanted;
    for (let count = 1; ; count++) {
      const end = count === 1 ? '' : `_${count}`;
      const name = good.slice(0, MAX_LENGTH - end.length) + end;
      if (this.#taken.has(name.toLowerCase())) continue;
      this.#taken.add(name.toLowerCase());
      return name;
    }
  }
}
