/**
 * The first place at which two computations of one tick differ: which origin, which event, which column,
 * which stream.
 *
 * Both sides are told as `a` and `b`: recorded and recomputed, or one run and another. Owns the order in
 * which places are looked at, which is the order in which they were computed. Worlds are compared
 * elsewhere.
 */
import { hex } from '../../base/bytes.ts';
import type { ColumnSet } from '../../columns/column-set.ts';
import { type Part, pairColumns } from '../../columns/table-diff-parts.ts';
import type { Batch, EventRun, Wave } from '../../columns/waves.ts';
import type { TickContent } from '../../log/record.ts';
import type { Both, ValueDifference } from '../../projections/world-diff.ts';
import type { StreamDraws } from '../../random/streams.ts';
import type { CompiledSchema } from '../../schema/compile.ts';

/** What a tick did, as one side has it. */
export type TickSide = Pick<TickContent, 'environment' | 'waves' | 'batches' | 'draws' | 'stateHash'>;

/** One event of a tick. */
export interface EventAt {
  readonly kind: string;
  /** Its number among the tick's events of that kind, from 0 on. */
  readonly number: number;
  readonly row: object;
}

/** Draws of a stream in one tick; null where a side did not draw from it. */
export interface DrawsDifference extends Both<number | null> {
  readonly stream: string;
}

/** Where two computations of a tick differ first. */
export interface TickDifference {
  /**
   * `environment`: seed, config or schema. `events`: an origin emitted something else. `pieces`: the same
   * events, applied in other pieces. `draws`: the same events from other draws. `state`: all of it is the
   * same, and handlers made another world of it.
   */
  readonly what: 'environment' | 'events' | 'pieces' | 'draws' | 'state';
  /** The system, `setup` or `inputs`; null where no origin is to blame. */
  readonly origin: string | null;
  /** The event at that place on each side; null where a side has none there. */
  readonly event: Both<EventAt | null> | null;
  /** The columns that differ, where both sides have an event of one kind. */
  readonly values: readonly ValueDifference[];
  /** All streams of the tick from which the sides did not draw the same number of times. */
  readonly draws: readonly DrawsDifference[];
}

/** A side, with where it stands in the events of each kind. */
class Cursor {
  readonly side: TickSide;
  private readonly sets: ReadonlyMap<number, ColumnSet>;
  private readonly at = new Map<number, number>();
  private readonly schema: CompiledSchema;

  constructor(side: TickSide, schema: CompiledSchema) {
    this.side = side;
    this.schema = schema;
    this.sets = new Map(side.batches.map(({ kind, set }: Batch) => [kind, set]));
  }

  place(kind: number): number {
    return this.at.get(kind) ?? 0;
  }

  advance(kind: number, count: number): void {
    this.at.set(kind, this.place(kind) + count);
  }

  set(kind: number): ColumnSet {
    return this.sets.get(kind)!;
  }

  /** The next event of a kind; null for none. */
  event(kind: number | undefined): EventAt | null {
    if (kind === undefined) return null;
    const number = this.place(kind);
    return { kind: this.schema.kinds[kind]!.name, number, row: this.set(kind).rowAt(number) };
  }
}

type Place = Omit<TickDifference, 'draws'>;

const nowhere = (what: TickDifference['what'], origin: string | null = null): Place => ({
  what,
  origin,
  event: null,
  values: [],
});

/** The stretches of one kind in a wave, neighbours of one kind as one. */
function stretches(runs: readonly EventRun[]): { kind: number; count: number }[] {
  const made: { kind: number; count: number }[] = [];
  for (const { kind, size, times } of runs) {
    const last = made.at(-1);
    if (last?.kind === kind) last.count += size * times;
    else made.push({ kind, count: size * times });
  }
  return made;
}

/** Walks the events of two ticks side by side. */
class Walk {
  private readonly a: Cursor;
  private readonly b: Cursor;
  private readonly parts = new Map<number, readonly Part[]>();

  constructor(a: TickSide, b: TickSide, schema: CompiledSchema) {
    this.a = new Cursor(a, schema);
    this.b = new Cursor(b, schema);
  }

  private partsOf(kind: number): readonly Part[] {
    let parts = this.parts.get(kind);
    if (parts === undefined)
      this.parts.set(kind, (parts = pairColumns(this.a.set(kind).columns, this.b.set(kind).columns).parts));
    return parts;
  }

  /** The first of `count` events of a kind that differs; null where none does. Steps over those before it. */
  private rows(origin: string, kind: number, count: number): Place | null {
    const { a, b } = this;
    const parts = this.partsOf(kind);
    const [from, other] = [a.place(kind), b.place(kind)];
    for (let i = 0; i < count; i++) {
      const differing = parts.filter(({ differs }) => differs(from + i, other + i));
      if (differing.length === 0) continue;
      a.advance(kind, i);
      b.advance(kind, i);
      const values = differing.map(({ path, a: mine, b: theirs }) => ({
        column: path,
        a: mine.read(from + i),
        b: theirs.read(other + i),
      }));
      return { what: 'events', origin, event: { a: a.event(kind), b: b.event(kind) }, values };
    }
    a.advance(kind, count);
    b.advance(kind, count);
    return null;
  }

  /** Where the events of two waves of one origin part; null where they don't. */
  wave(origin: string, mine: readonly EventRun[], theirs: readonly EventRun[]): Place | null {
    const [left, right] = [stretches(mine), stretches(theirs)];
    for (;;) {
      const [one, two] = [left[0], right[0]];
      if (one === undefined && two === undefined) return null;
      if (one?.kind !== two?.kind) return this.apart(origin, one?.kind, two?.kind);
      const count = Math.min(one!.count, two!.count);
      const found = this.rows(origin, one!.kind, count);
      if (found !== null) return found;
      for (const [side, stretch] of [
        [left, one!],
        [right, two!],
      ] as const)
        if ((stretch.count -= count) === 0) side.shift();
    }
  }

  /** A place at which the sides have events of two kinds, or one of them none. */
  apart(origin: string, mine: number | undefined, theirs: number | undefined): Place {
    return { what: 'events', origin, event: { a: this.a.event(mine), b: this.b.event(theirs) }, values: [] };
  }
}

const samePieces = (a: Wave, b: Wave): boolean =>
  a.atOnce === b.atOnce &&
  a.runs.length === b.runs.length &&
  a.runs.every(({ size, times }, i) => size === b.runs[i]!.size && times === b.runs[i]!.times);

function compareWaves(
  a: TickSide,
  b: TickSide,
  schema: CompiledSchema,
  order: readonly string[],
): Place | null {
  const walk = new Walk(a, b, schema);
  const rank = ({ origin }: Wave): number => order.indexOf(origin);
  for (let i = 0; i < Math.max(a.waves.length, b.waves.length); i++) {
    const [mine, theirs] = [a.waves[i], b.waves[i]];
    if (mine === undefined || theirs === undefined || mine.origin !== theirs.origin) {
      // Whoever comes first in the order emitted on one side only.
      const isMine = theirs === undefined || (mine !== undefined && rank(mine) < rank(theirs));
      const { origin, runs } = isMine ? mine! : theirs;
      const kind = runs[0]?.kind;
      return isMine ? walk.apart(origin, kind, undefined) : walk.apart(origin, undefined, kind);
    }
    const found = walk.wave(mine.origin, mine.runs, theirs.runs);
    if (found !== null) return found;
    if (!samePieces(mine, theirs)) return nowhere('pieces', mine.origin);
  }
  return null;
}

/** The streams from which two ticks did not draw the same number of times, in order of name. */
function compareDraws(a: readonly StreamDraws[], b: readonly StreamDraws[]): DrawsDifference[] {
  const counts = (all: readonly StreamDraws[]): ReadonlyMap<string, number> =>
    new Map(all.map(({ stream, draws }) => [stream, draws]));
  const [mine, theirs] = [counts(a), counts(b)];
  return [...new Set([...mine.keys(), ...theirs.keys()])]
    .sort()
    .map((stream) => ({ stream, a: mine.get(stream) ?? null, b: theirs.get(stream) ?? null }))
    .filter((one) => one.a !== one.b);
}

const hashText = (hash: Uint8Array | null): string => (hash === null ? '' : hex(hash));

/**
 * Compares two computations of a tick under one schema; null where they are the same. `order` are the
 * names of all that may emit, in the order in which they do.
 */
export function compareTicks(
  a: TickSide,
  b: TickSide,
  schema: CompiledSchema,
  order: readonly string[],
): TickDifference | null {
  const draws = compareDraws(a.draws, b.draws);
  if (a.environment !== b.environment) return { ...nowhere('environment'), draws };
  const place = compareWaves(a, b, schema, order);
  if (place !== null) return { ...place, draws };
  if (draws.length > 0) return { ...nowhere('draws'), draws };
  return hashText(a.stateHash) === hashText(b.stateHash) ? null : { ...nowhere('state'), draws };
}
