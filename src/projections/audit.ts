/**
 * Paranoid mode: finds what was written past the write view, and names who did it.
 *
 * Columns of tables and of events are the arrays themselves: read-only by type, which JavaScript and a cast
 * can get around. Before user code runs, everything is hashed, so that nothing is marked; after it has run,
 * whatever is not marked must have the hash it had. Owns the list of who is running, since with effects at
 * once a handler runs inside a system. It costs a hash of the world twice a call, and changes no result.
 */
import { ByteWriter, sameBytes } from '../base/bytes.ts';
import { fail } from '../base/errors.ts';
import { xxh128 } from '../base/hash.ts';
import { type TickPlace, tickError } from '../base/tick-error.ts';
import type { ColumnSet } from '../columns/column-set.ts';
import type { Lane, RowRange } from '../columns/lane.ts';
import type { Batch } from '../columns/waves.ts';
import { rowsText, type WorldState } from './world-state.ts';

/** Rows of a set, with the hash of each of its lanes. */
interface Stretch extends RowRange {
  readonly hashes: readonly Uint8Array[];
}

/** The events of one kind, as far as someone may have seen them. */
interface Watched {
  readonly kind: string;
  readonly set: ColumnSet;
  stretches: Stretch[];
}

/** Watches one world state and the events of the tick that is under way. */
export class Audit {
  private readonly state: WorldState;
  /** Who is running: a system, and inside it the handler of what it emitted. */
  private readonly running: TickPlace[] = [];
  private watched = new Map<number, Watched>();

  constructor(state: WorldState) {
    this.state = state;
  }

  /** Begins a tick. What is found now was written since the last one: by no code of the tick. */
  begin(tick: number): void {
    this.blame({ tick }, () => this.state.audit('before the tick began'));
  }

  /** Takes the events of a tick under watch, and forgets those of the last. */
  watch(batches: readonly Batch[]): void {
    const { kinds } = this.state.schema;
    this.watched = new Map(
      batches.map(({ kind, set }) => [kind, { kind: kinds[kind]!.name, set, stretches: [] }]),
    );
  }

  /** Takes note of the events of a kind as they are now: someone is about to see them. */
  shown(kind: number): void {
    const watched = this.watched.get(kind);
    if (watched !== undefined) note(watched);
  }

  /**
   * Runs user code. `WRITTEN_PAST` with its place where it wrote something past the write view; what was
   * written by the code around it, until now, is found first and carries that code's place.
   */
  around<T>(place: TickPlace, run: () => T): T {
    const { running } = this;
    const depth = running.length;
    if (depth > 0) this.check(running[depth - 1]!);
    this.note();
    running.push(place);
    try {
      const result = run();
      this.check(place);
      this.note();
      return result;
    } finally {
      running.length = depth;
    }
  }

  /** From here on everything is as it should be. */
  private note(): void {
    this.state.digest();
    for (const watched of this.watched.values()) note(watched);
  }

  private check(place: TickPlace): void {
    this.blame(place, () => {
      this.state.audit();
      for (const watched of this.watched.values()) check(watched);
    });
  }

  private blame(place: TickPlace, look: () => void): void {
    try {
      look();
    } catch (cause) {
      throw tickError(cause, place);
    }
  }
}

/** Hashes the events that no stretch holds yet. */
function note({ set, stretches }: Watched): void {
  const from = stretches.at(-1)?.to ?? 0;
  const to = set.size;
  if (to > from) stretches.push({ from, to, hashes: set.lanes.map((lane) => hashOf(lane, from, to)) });
}

/** Fails where an event is no longer what it was; then one stretch holds all of them. */
function check(watched: Watched): void {
  const { kind, set, stretches } = watched;
  for (const { from, to, hashes } of stretches)
    for (const [i, lane] of set.lanes.entries())
      if (!sameBytes(hashOf(lane, from, to), hashes[i]!)) writtenPast(kind, lane.path, { from, to });
  for (const lane of set.lanes) {
    const rows = lane.spoilt();
    if (rows !== null) writtenPast(kind, lane.path, rows);
  }
  if (stretches.length < 2) return;
  watched.stretches = [];
  note(watched);
}

const writer = new ByteWriter(1 << 14);

function hashOf(lane: Lane, from: number, to: number): Uint8Array {
  writer.length = 0;
  lane.encode(writer, from, to);
  return xxh128(writer.bytes.subarray(0, writer.length));
}

function writtenPast(kind: string, column: string, rows: RowRange): never {
  return fail(
    'WRITTEN_PAST',
    `the events of '${kind}' were written, column '${column}', ${rowsText(rows)}`,
    { kind, column, ...rows },
    'Events are facts, and their columns are for reading: take a copy with slice() to change it.',
  );
}
