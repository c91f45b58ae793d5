/**
 * What SQL drivers take and hand out, whichever database is behind them.
 *
 * Owns what stores and projections share of it; how columns of a schema become such values is in
 * `src/projections/sql`.
 */

/** The SQL that is spoken. */
export type SqlDialect = 'sqlite' | 'postgres';

/** What drivers take as a parameter. */
export type SqlValue = number | bigint | string | boolean | Uint8Array | null;

/** The names of the columns of an answer, each once: the second `n` is `n_2`. */
export function differentNames(names: readonly string[]): string[] {
  const given = new Set<string>();
  return names.map((name) => {
    let own = name;
    for (let count = 2; given.has(own); count++) own = `${name}_${count}`;
    given.add(own);
    return own;
  });
}

/** A whole number as a number where that is exact, and else as it is. */
export const exactNumber = (value: bigint): number | bigint =>
  Number.isSafeInteger(Number(value)) ? Number(value) : value;
