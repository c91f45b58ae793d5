/**
 * The collection of a SQLite store.
 *
 * Owns the walk over what no run reaches; what may go is decided by the checks that all stores share. A
 * segment is cut from its end, and its head goes with it, so that the store is whole after every step and a
 * call may stop anywhere. Begins and ends no transaction.
 *
 * A fork is written after its parent, so its number is the higher one: going down, a parent comes after all
 * of its forks.
 */
import type { Database } from 'better-sqlite3';
import { isSpent, lastReached } from '../../log/fork-checks.ts';
import { unusedChunks } from '../../log/snapshot-checks.ts';
import { noRecord } from '../../log/store-checks.ts';
import { unpack } from '../sql/chunk-list.ts';
import { firstOf } from '../sql/segments.ts';
import { CollectionChecks } from './collect-checks.ts';

interface NamelessRow {
  readonly number: number;
  readonly id: string;
  readonly family: number;
  readonly parent: number | null;
  readonly parentTick: number | null;
  readonly head: number;
}

const prepareAll = (db: Database) => ({
  nameless: db
    .prepare<[], number>(
      'SELECT number FROM segments WHERE NOT EXISTS' +
        ' (SELECT 1 FROM runs WHERE runs.segment = segments.number) ORDER BY number DESC',
    )
    .pluck(),
  segment: db.prepare<[number], NamelessRow>(
    'SELECT number, id, family, parent, parent_tick AS parentTick, head_tick AS head FROM segments' +
      ' WHERE number = ?',
  ),
  lastFork: db
    .prepare<[number], number | null>('SELECT max(parent_tick) FROM segments WHERE parent = ?')
    .pluck(),
  moveHead: db.prepare<[number, Uint8Array, number]>(
    'UPDATE segments SET head_tick = ?, head_hash = ? WHERE number = ?',
  ),
  hash: db
    .prepare<[number, number], Buffer>('SELECT hash FROM records WHERE segment = ? AND tick = ?')
    .pluck(),
  deleteRecords: db.prepare<[number, number]>('DELETE FROM records WHERE segment = ? AND tick > ?'),
  deleteParts: db.prepare<[number, number]>('DELETE FROM parts WHERE segment = ? AND tick > ?'),
  deleteSnapshots: db.prepare<[number, number, number, number]>(
    'DELETE FROM snapshots WHERE segment = ? AND tick IN' +
      ' (SELECT tick FROM snapshots WHERE segment = ? AND tick > ? ORDER BY tick LIMIT ?)',
  ),
  holdsAfter: db
    .prepare<[number, number], number>('SELECT 1 FROM snapshots WHERE segment = ? AND tick > ? LIMIT 1')
    .pluck(),
  deleteAttempts: db.prepare<[number]>('DELETE FROM attempts WHERE segment = ?'),
  deleteSegment: db.prepare<[number]>('DELETE FROM segments WHERE number = ?'),
  setUnswept: db.prepare<[number, number]>('UPDATE segments SET unswept = ? WHERE number = ?'),
  unswept: db.prepare<[], number>('SELECT number FROM segments WHERE unswept = 1').pluck(),
  refs: db
    .prepare<[number], Buffer>(
      'SELECT chunks FROM snapshots JOIN segments ON segments.number = snapshots.segment WHERE family = ?',
    )
    .pluck(),
  chunks: db.prepare<[number], number>('SELECT number FROM chunks WHERE family = ? ORDER BY number').pluck(),
  deleteChunk: db.prepare<[number]>('DELETE FROM chunks WHERE number = ?'),
});

/** How much one statement may be asked for at most. */
const MOST = 2 ** 31;

/** The collections of one open database. */
export class Collector {
  readonly #statements: ReturnType<typeof prepareAll>;
  readonly #checks: CollectionChecks;
  #room = 0;
  #deleted = 0;
  #checked = false;

  constructor(db: Database) {
    this.#statements = prepareAll(db);
    this.#checks = new CollectionChecks(db);
  }

  /**
   * Deletes what no run reaches, at most about `limit` things; returns how many. `CORRUPT`, `NO_RECORD` where
   * damage may hide what a run reaches: whoever called undoes what was deleted before that was found.
   */
  collect(limit: number): number {
    this.#room = Math.floor(Math.min(limit, MOST));
    this.#deleted = 0;
    this.#checked = false;
    for (const number of this.#statements.nameless.all()) {
      if (this.#room <= 0) break;
      this.#cut(this.#statements.segment.get(number)!);
    }
    for (const family of this.#statements.unswept.all()) this.#sweep(family);
    return this.#deleted;
  }

  /** Looks for damage, once a call and only where something is about to go. */
  #check(): void {
    if (!this.#checked) this.#checks.check();
    this.#checked = true;
  }

  #count(deleted: number): void {
    this.#deleted += deleted;
    this.#room -= deleted;
  }

  /** Cuts a segment back to what is reached, and deletes it where that is nothing. */
  #cut({ number, id, family, parent, parentTick, head }: NamelessRow): void {
    const first = firstOf(parentTick);
    const reached = lastReached(first, head, false, this.#statements.lastFork.get(number) ?? null);
    const spent = isSpent(first, reached);
    // What a fork began with goes with it, though its tick is the parent's.
    const kept = spent ? -1 : reached;
    if (spent || reached < head || this.#statements.holdsAfter.get(number, kept) !== undefined) this.#check();
    const dropped = this.#statements.deleteSnapshots.run(number, number, kept, this.#room).changes;
    if (dropped > 0) this.#statements.setUnswept.run(1, family);
    this.#count(dropped);
    // The chunks go before the root: their family is known by it.
    if (spent && parent === null) this.#sweep(number);
    const last = Math.max(reached, head - Math.max(this.#room, 0));
    if (last < head) {
      this.#statements.deleteRecords.run(number, last);
      this.#statements.deleteParts.run(number, last);
      this.#count(head - last);
    }
    if (isSpent(first, last)) this.#deleteSegment(number);
    else if (last < head) this.#moveHead(number, id, last);
  }

  #deleteSegment(number: number): void {
    this.#statements.deleteAttempts.run(number);
    this.#statements.deleteSegment.run(number);
    this.#count(1);
  }

  #moveHead(number: number, id: string, tick: number): void {
    const hash = this.#statements.hash.get(number, tick) ?? noRecord(id, tick);
    this.#statements.moveHead.run(tick, hash, number);
  }

  /** Deletes chunks that no snapshot of their family uses. */
  #sweep(family: number): void {
    if (this.#room <= 0) return;
    const used = new Set<number>();
    for (const refs of this.#statements.refs.iterate(family))
      for (const chunk of unpack(refs)) used.add(chunk);
    const unused = unusedChunks(this.#statements.chunks.iterate(family), used, this.#room);
    if (unused.length > 0) this.#check();
    if (unused.length < this.#room) this.#statements.setUnswept.run(0, family);
    for (const chunk of unused) this.#statements.deleteChunk.run(chunk);
    this.#count(unused.length);
  }
}
