/**
 * The collection of a PostgreSQL store.
 *
 * Owns the walk over what no run reaches; what may go is decided by the checks that all stores share. A
 * segment is cut from its end, and its head goes with it, so that the store is whole after every step and a
 * call may stop anywhere. Begins and ends no transaction.
 *
 * A fork is written after its parent, so its number is the higher one: going down, a parent comes after all
 * of its forks. Locks are taken in that order too, by forks as well, so that nobody waits in a ring: one
 * collection at a time, a family before its rows, the higher number before the lower. Each statement sees
 * what others committed before it.
 */
import { isSpent, lastReached } from '../../log/fork-checks.ts';
import { unusedChunks } from '../../log/snapshot-checks.ts';
import { noRecord } from '../../log/store-checks.ts';
import { unpack } from '../sql/chunk-list.ts';
import {
  brokenQuery,
  checkLinked,
  checkName,
  checkUnbroken,
  type LinkRow,
  type NameRow,
  namesQuery,
  unlinkedQuery,
} from '../sql/damage.ts';
import { firstOf } from '../sql/segments.ts';
import { bigintArray } from './arrays.ts';
import type { Parameter, Statements } from './session.ts';

interface NumberRow {
  readonly number: number;
}

interface NamelessRow extends NumberRow {
  readonly id: string;
  readonly family: number;
  readonly parent: number | null;
  readonly parent_tick: number | null;
  readonly head_tick: number;
}

const textsIn = (s: string) => {
  const tables = { runs: `${s}.runs`, segments: `${s}.segments`, records: `${s}.records` };
  return {
    turn: 'SELECT pg_advisory_xact_lock(hashtextextended($1, -1))',
    family: 'SELECT pg_advisory_xact_lock(hashtextextended($1, $2::bigint))',
    nameless:
      `SELECT number, family FROM ${s}.segments AS s WHERE NOT EXISTS` +
      ` (SELECT 1 FROM ${s}.runs WHERE runs.segment = s.number) ORDER BY number DESC`,
    segment:
      `SELECT number, id, family, parent, parent_tick, head_tick FROM ${s}.segments` +
      ' WHERE number = $1 FOR UPDATE',
    lastFork: `SELECT max(parent_tick) AS tick FROM ${s}.segments WHERE parent = $1`,
    moveHead: `UPDATE ${s}.segments SET head_tick = $1, head_hash = $2 WHERE number = $3`,
    hash: `SELECT hash FROM ${s}.records WHERE segment = $1 AND tick = $2`,
    deleteRecords: `DELETE FROM ${s}.records WHERE segment = $1 AND tick > $2`,
    deleteParts: `DELETE FROM ${s}.parts WHERE segment = $1 AND tick > $2`,
    deleteSnapshots:
      `DELETE FROM ${s}.snapshots WHERE segment = $1 AND tick IN` +
      ` (SELECT tick FROM ${s}.snapshots WHERE segment = $1 AND tick > $2 ORDER BY tick LIMIT $3)`,
    holdsAfter: `SELECT tick FROM ${s}.snapshots WHERE segment = $1 AND tick > $2 LIMIT 1`,
    deleteAttempts: `DELETE FROM ${s}.attempts WHERE segment = $1`,
    deleteSegment: `DELETE FROM ${s}.segments WHERE number = $1`,
    setUnswept: `UPDATE ${s}.segments SET unswept = $1 WHERE number = $2 AND unswept <> $1`,
    unswept: `SELECT number FROM ${s}.segments WHERE unswept = 1 ORDER BY number DESC`,
    refs:
      `SELECT chunks FROM ${s}.snapshots JOIN ${s}.segments ON segments.number = snapshots.segment` +
      ' WHERE family = $1',
    chunks: `SELECT number FROM ${s}.chunks WHERE family = $1 ORDER BY number`,
    deleteChunks: `DELETE FROM ${s}.chunks WHERE family = $1 AND number = ANY ($2::bigint[])`,
    names: namesQuery(tables),
    broken: brokenQuery(tables),
    unlinked: unlinkedQuery(tables),
  };
};

type Texts = ReturnType<typeof textsIn>;

/** How much one statement may be asked for at most. */
const MOST = 2 ** 31;

/** The collections of one database. */
export class Collector {
  readonly #texts: Texts;
  readonly #schema: string;

  constructor(schema: string) {
    this.#texts = textsIn(schema);
    this.#schema = schema;
  }

  /**
   * Deletes what no run reaches, at most about `limit` things; returns how many. `CORRUPT`, `NO_RECORD` where
   * damage may hide what a run reaches: the transaction is then given up.
   */
  async collect(on: Statements, limit: number): Promise<number> {
    const walk = new Collection(on, this.#texts, this.#schema, Math.floor(Math.min(limit, MOST)));
    return walk.collect();
  }
}

/** One collection, in its transaction. */
class Collection {
  readonly #on: Statements;
  readonly #texts: Texts;
  readonly #schema: string;
  /** The families that are locked. */
  readonly #mine = new Set<number>();
  #room: number;
  #deleted = 0;
  #checked = false;

  constructor(on: Statements, texts: Texts, schema: string, room: number) {
    this.#on = on;
    this.#texts = texts;
    this.#schema = schema;
    this.#room = room;
  }

  async #rows<R extends object>(name: keyof Texts, ...parameters: Parameter[]): Promise<readonly R[]> {
    const text = this.#texts[name];
    return (await this.#on.run<R>({ name: `collect_${name}`, text }, parameters)).rows;
  }

  async #change(name: keyof Texts, ...parameters: Parameter[]): Promise<number> {
    const text = this.#texts[name];
    return (await this.#on.run({ name: `collect_${name}`, text }, parameters)).count;
  }

  async collect(): Promise<number> {
    await this.#rows('turn', this.#schema);
    for (const { number, family } of await this.#rows<NamelessRow>('nameless')) {
      if (this.#room <= 0) break;
      await this.#lockFamily(family);
      const [segment] = await this.#rows<NamelessRow>('segment', number);
      if (segment !== undefined) await this.#cut(segment);
    }
    for (const { number } of await this.#rows<NumberRow>('unswept')) await this.#sweep(number);
    return this.#deleted;
  }

  async #lockFamily(family: number): Promise<void> {
    if (this.#mine.has(family)) return;
    await this.#rows('family', this.#schema, family);
    this.#mine.add(family);
  }

  /** Looks for damage, once a call and only where something is about to go. */
  async #check(): Promise<void> {
    if (this.#checked) return;
    this.#checked = true;
    for (const row of await this.#rows<NameRow>('names')) checkName(row);
    checkUnbroken((await this.#rows<{ readonly id: string }>('broken'))[0]?.id);
    checkLinked((await this.#rows<LinkRow>('unlinked'))[0]);
  }

  #count(deleted: number): void {
    this.#deleted += deleted;
    this.#room -= deleted;
  }

  /** Cuts a segment back to what is reached, and deletes it where that is nothing. */
  async #cut({ number, id, family, parent, parent_tick, head_tick: head }: NamelessRow): Promise<void> {
    const first = firstOf(parent_tick);
    const [lastFork] = await this.#rows<{ readonly tick: number | null }>('lastFork', number);
    const reached = lastReached(first, head, false, lastFork!.tick);
    const spent = isSpent(first, reached);
    // What a fork began with goes with it, though its tick is the parent's.
    const kept = spent ? -1 : reached;
    if (spent || reached < head || (await this.#rows('holdsAfter', number, kept)).length > 0)
      await this.#check();
    const dropped = await this.#change('deleteSnapshots', number, kept, Math.max(this.#room, 0));
    if (dropped > 0) await this.#change('setUnswept', 1, family);
    this.#count(dropped);
    // The chunks go before the root: their family is known by it.
    if (spent && parent === null) await this.#sweep(number);
    const last = Math.max(reached, head - Math.max(this.#room, 0));
    if (last < head) {
      await this.#change('deleteRecords', number, last);
      await this.#change('deleteParts', number, last);
      this.#count(head - last);
    }
    if (isSpent(first, last)) await this.#deleteSegment(number);
    else if (last < head) await this.#moveHead(number, id, last);
  }

  async #deleteSegment(number: number): Promise<void> {
    await this.#change('deleteAttempts', number);
    await this.#change('deleteSegment', number);
    this.#count(1);
  }

  async #moveHead(number: number, id: string, tick: number): Promise<void> {
    const [found] = await this.#rows<{ readonly hash: Uint8Array }>('hash', number, tick);
    await this.#change('moveHead', tick, found?.hash ?? noRecord(id, tick), number);
  }

  /** Deletes chunks that no snapshot of their family uses. */
  async #sweep(family: number): Promise<void> {
    if (this.#room <= 0) return;
    await this.#lockFamily(family);
    const used = new Set<number>();
    for (const { chunks } of await this.#rows<{ readonly chunks: Uint8Array }>('refs', family))
      for (const chunk of unpack(chunks)) used.add(chunk);
    const numbers = (await this.#rows<NumberRow>('chunks', family)).map(({ number }) => number);
    const unused = unusedChunks(numbers, used, this.#room);
    if (unused.length > 0) await this.#check();
    if (unused.length < this.#room) await this.#change('setUnswept', 0, family);
    if (unused.length > 0) await this.#change('deleteChunks', family, bigintArray(unused));
    this.#count(unused.length);
  }
}
