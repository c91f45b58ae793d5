/**
 * Rows beside runs, each run's in an unlogged partition of its own.
 *
 * Owns the partitions capability of the store: its statements, its transactions, and the locks that it takes.
 * A partition is named by the number of its segment, so every id of a run will do, and one that is made anew
 * under an old id finds nothing. Which partitions there are is what the catalog of the database says.
 *
 * Reads and writes name a partition and never the table of all. A partition is made beside that table and
 * attached, which keeps nobody waiting. Dropping one needs the whole table for itself: the partition is
 * locked first, so that only what others do at that moment is waited for, and a wait that takes long is given
 * up and begun again, so that those who queue behind it come through.
 */
import { fail } from '../../base/errors.ts';
import { utf8 } from '../../base/text.ts';
import type { NewPartitionRow, PartitionInfo, PartitionRow } from '../../log/capabilities.ts';
import { checkListing, checkText, checkTick, unknownRun } from '../../log/store-checks.ts';
import { alone } from './alone.ts';
import { bigintArray, textArray } from './arrays.ts';
import { sqlState } from './errors.ts';
import type { Sessions, Statements } from './session.ts';

/** The table that all partitions make up. */
export const ROWS = 'run_rows';

/** About as many bytes of rows go in with one statement. */
const STATEMENT_BYTES = 8 * 1024 * 1024;

const isGone = (e: unknown): boolean => sqlState(e) === '42P01';

const noPartition = (run: string, location: string): never =>
  fail(
    'NO_PARTITION',
    `run '${run}' has no partition in ${location}`,
    { run, location },
    'Make one with createPartition.',
  );

/** Checks rows: `BAD_USAGE`. */
function checkRows(rows: readonly NewPartitionRow[]): void {
  for (const { tick, text } of rows) {
    checkTick('tick', tick);
    if (typeof text !== 'string')
      fail('BAD_USAGE', `the text of a row is text, not ${typeof text}`, { tick });
    checkText('the text of a row', text);
  }
}

const statementsIn = (s: string) => ({
  find: {
    name: 'find_partition',
    text:
      'SELECT segment AS number, to_regclass($2::text || segment) IS NOT NULL AS made' +
      ` FROM ${s}.runs WHERE id = $1`,
  },
  /** Keeps others from removing the run, and from making its partition as well. */
  hold: { name: 'hold_run', text: `SELECT 1 AS held FROM ${s}.runs WHERE id = $1 FOR UPDATE` },
  turn: { name: 'rows_turn', text: 'SELECT pg_advisory_xact_lock(hashtextextended($1, $2::bigint))' },
  list: {
    name: 'partitions',
    text:
      'SELECT id AS run, pg_total_relation_size(c.oid) AS bytes FROM pg_inherits AS i' +
      ` JOIN pg_class AS c ON c.oid = i.inhrelid JOIN ${s}.runs ON c.relname = '${ROWS}_' || runs.segment` +
      ' WHERE i.inhparent = to_regclass($1) ORDER BY id_order',
  },
});

interface Found {
  readonly number: number;
  readonly made: boolean;
}

/** The partitions of one database. */
export class Partitions {
  readonly #sessions: Sessions;
  readonly #schema: string;
  readonly #location: string;
  readonly #statements: ReturnType<typeof statementsIn>;

  constructor(sessions: Sessions, schema: string, location: string) {
    this.#sessions = sessions;
    this.#schema = schema;
    this.#location = location;
    this.#statements = statementsIn(schema);
  }

  #table(number: number): string {
    return `${this.#schema}.${ROWS}_${number}`;
  }

  /** The segment of a run, and whether it has a partition. */
  async #find(on: Statements, run: string): Promise<Found> {
    const { rows } = await on.run<Found>(this.#statements.find, [run, `${this.#schema}.${ROWS}_`]);
    return rows[0] ?? unknownRun(run, this.#location);
  }

  /** Runs what needs the rows of a run; `number` is that of its segment. */
  async #within<T>(
    kind: 'read' | 'write',
    run: string,
    work: (on: Statements, number: number) => Promise<T>,
  ): Promise<T> {
    try {
      return await this.#sessions.lend((session) =>
        session.within(kind, async (on) => {
          const { number, made } = await this.#find(on, run);
          return made ? work(on, number) : noPartition(run, this.#location);
        }),
      );
    } catch (e) {
      // Somebody dropped it in between.
      if (isGone(e)) return noPartition(run, this.#location);
      throw e;
    }
  }

  /** See `PartitionStore.createPartition`. */
  async create(run: string): Promise<boolean> {
    return alone(this.#sessions, async (on) => {
      await on.run(this.#statements.hold, [run]);
      const { number, made } = await this.#find(on, run);
      if (made) return false;
      const [all, one] = [`${this.#schema}.${ROWS}`, this.#table(number)];
      await on.run({ text: `CREATE UNLOGGED TABLE ${one} (LIKE ${all} INCLUDING INDEXES)` });
      await on.run({ text: `ALTER TABLE ${all} ATTACH PARTITION ${one} FOR VALUES IN (${number})` });
      return true;
    });
  }

  /** See `PartitionStore.appendRows`. */
  async append(run: string, rows: readonly NewPartitionRow[]): Promise<void> {
    checkRows(rows);
    const groups = groupsOf(rows);
    return this.#within('write', run, async (on, number) => {
      // One at a time, so that numbers come to be seen in their order.
      await on.run(this.#statements.turn, [`${this.#schema} ${ROWS}`, number]);
      const table = this.#table(number);
      const text =
        `INSERT INTO ${table} (segment, number, tick, text) SELECT $1::bigint, m.most + r.n, r.tick, r.text` +
        ` FROM (SELECT coalesce(max(number), 0) AS most FROM ${table} WHERE segment = $1) AS m,` +
        ' ROWS FROM (unnest($2::bigint[]), unnest($3::text[])) WITH ORDINALITY AS r(tick, text, n)';
      for (const { ticks, texts } of groups)
        await on.run({ text }, [number, bigintArray(ticks), textArray(texts)]);
    });
  }

  /** See `PartitionStore.readRows`. */
  async read(run: string, after: number | null, limit: number): Promise<readonly PartitionRow[]> {
    if (after !== null) checkTick('after', after);
    checkListing(limit);
    const most = Math.floor(Math.min(limit, Number.MAX_SAFE_INTEGER));
    return this.#within('read', run, async (on, number) => {
      const text =
        `SELECT number, tick, text FROM ${this.#table(number)} WHERE segment = $1 AND number > $2` +
        ' ORDER BY number LIMIT $3';
      return (await on.run<PartitionRow>({ text }, [number, after ?? 0, most])).rows;
    });
  }

  /** See `PartitionStore.dropPartition`. */
  async drop(run: string): Promise<boolean> {
    return alone(this.#sessions, (on) => this.dropOf(on, run));
  }

  /** Drops the partition of a run within a transaction; none is made before that ends. False without one. */
  async dropOf(on: Statements, run: string): Promise<boolean> {
    await on.run(this.#statements.hold, [run]);
    const { number, made } = await this.#find(on, run);
    if (!made) return false;
    const table = this.#table(number);
    await on.run({ text: `LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE` });
    await on.run({ text: `DROP TABLE ${table}` });
    return true;
  }

  /** See `PartitionStore.partitions`. */
  async list(): Promise<readonly PartitionInfo[]> {
    type Row = { readonly run: string; readonly bytes: number | null };
    const { rows } = await this.#sessions.lend((session) =>
      session.run<Row>(this.#statements.list, [`${this.#schema}.${ROWS}`]),
    );
    // One that goes at this moment has no size any more.
    return rows.flatMap(({ run, bytes }) => (bytes === null ? [] : [{ run, bytes }]));
  }
}

/** Rows as columns, in groups of a size that a statement can carry. */
function groupsOf(rows: readonly NewPartitionRow[]) {
  const groups: { readonly ticks: number[]; readonly texts: Uint8Array[] }[] = [];
  let room = 0;
  for (const { tick, text } of rows) {
    const bytes = utf8(text);
    if (groups.length === 0 || room < bytes.length) {
      groups.push({ ticks: [], texts: [] });
      room = STATEMENT_BYTES;
    }
    const { ticks, texts } = groups.at(-1)!;
    ticks.push(tick);
    texts.push(bytes);
    room -= bytes.length + 32;
  }
  return groups;
}
