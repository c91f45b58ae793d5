/**
 * The tick log: how long the ticks of a run took, as its records say beside their hashes.
 *
 * Owns the way from the metadata of records to entries: names instead of places, milliseconds, and what the
 * next record tells of a tick put with that tick. docs/profile.md says what each number means.
 */
import { fail } from '../base/errors.ts';
import { eventCount, type RecordFrame } from '../log/record.ts';
import type { LandedGroup, RecordTimes, TimedNames } from '../log/record-times.ts';
import { frames, type LogSource } from './history.ts';

/** A system in one tick. */
export interface SystemTime {
  readonly name: string;
  /** How often it ran; 0 where its `when` said no. */
  readonly rounds: number;
  /** Its own code, its `when` included; with effects at once also what its events did. */
  readonly runMs: number;
  /** The handlers of what it emitted, where that was applied after it had returned. */
  readonly applyMs: number;
}

/** An invariant that was asked after a tick. It held: else there would be no record. */
export interface InvariantTime {
  readonly name: string;
  readonly ms: number;
}

/** What followed the computing of a tick, up to that of the next. */
export interface AfterTick {
  /** Encoding and hashing its record. */
  readonly encodeMs: number;
  /** How long an advance waited for the store. */
  readonly waitedMs: number;
  /** All the rest: observers, `until`, snapshots, and whatever the caller did between two advances. */
  readonly otherMs: number;
}

/** A group of ticks that became durable. */
export interface LandedCommit {
  /** Its last tick. */
  readonly tick: number;
  readonly ticks: number;
  readonly bytes: number;
  /** From the hand-over to the store's answer. Ticks go on meanwhile, as far as they were not waited for. */
  readonly ms: number;
}

/** How long one tick took, in milliseconds. Setup to rest sum to `computedMs`. */
export interface TickTimes {
  readonly computedMs: number;
  /** Tick 0 only; else null. */
  readonly setupMs: number | null;
  /** Null in tick 0, which has no inputs. */
  readonly inputsMs: number | null;
  /** Those whose turn it was, in order. */
  readonly systems: readonly SystemTime[];
  /** Those that were asked, in order. */
  readonly invariants: readonly InvariantTime[];
  readonly metricsMs: number;
  /** Null where the tick recorded no state hash. */
  readonly hashMs: number | null;
  /** What the engine itself needs. */
  readonly restMs: number;
  /** Null for the last tick of a writer: the next one of the same writer tells it. */
  readonly after: AfterTick | null;
  /** The groups that became durable between the tick before and this one. */
  readonly commits: readonly LandedCommit[];
}

/** A part of the computing of a tick: what it is, of which system or invariant, and how long it took. */
export type ComputedPart = readonly [
  part: 'inputs' | 'system' | 'apply' | 'invariant' | 'metrics' | 'hash' | 'rest',
  name: string | null,
  ms: number | null,
];

/** The parts of the computing of a tick, in order: with the setup they sum to what it took. */
export const computedParts = (times: TickTimes): readonly ComputedPart[] => [
  ['inputs', null, times.inputsMs],
  ...times.systems.flatMap(({ name, runMs, applyMs }): ComputedPart[] => [
    ['system', name, runMs],
    ['apply', name, applyMs],
  ]),
  ...times.invariants.map(({ name, ms }): ComputedPart => ['invariant', name, ms]),
  ['metrics', null, times.metricsMs],
  ['hash', null, times.hashMs],
  ['rest', null, times.restMs],
];

/** A tick of the tick log. */
export interface TickLogEntry {
  readonly tick: number;
  /** Milliseconds since 1970 when its record was encoded. */
  readonly time: number;
  readonly events: number;
  /** Bytes of its record. */
  readonly bytes: number;
  /** Null where the writer of the tick kept no tick log. */
  readonly times: TickTimes | null;
}

const ms = (us: number): number => us / 1000;

const commitOf = ({ time, ...group }: LandedGroup): LandedCommit => ({ ...group, ms: ms(time) });

/** Names for places. `CORRUPT` where times stand for what has no name. */
function named<T>(times: readonly T[], names: readonly string[] | undefined, tick: number): [string, T][] {
  if (times.length > 0 && times.length !== names?.length)
    fail('CORRUPT', `the times of tick ${tick} stand for ${times.length} names, and the log gives others`, {
      tick,
      names: names?.length ?? null,
      times: times.length,
    });
  return times.map((time, place) => [names![place]!, time]);
}

/** The sum of all named parts. */
function partsOf({ begun, systems, invariants, metrics, hash }: RecordTimes): number {
  const ran = systems.reduce((sum, system) => sum + (system === null ? 0 : system.run + system.apply), 0);
  return invariants.reduce((sum, time) => sum + time, begun + ran + metrics + (hash ?? 0));
}

function timesOf(tick: number, times: RecordTimes, names: TimedNames | null): Omit<TickTimes, 'after'> {
  const { computed, begun, systems, invariants, metrics, hash, landed } = times;
  return {
    computedMs: ms(computed),
    setupMs: tick === 0 ? ms(begun) : null,
    inputsMs: tick === 0 ? null : ms(begun),
    systems: named(systems, names?.systems, tick).flatMap(([name, system]) =>
      system === null
        ? []
        : [{ name, rounds: system.rounds, runMs: ms(system.run), applyMs: ms(system.apply) }],
    ),
    invariants: named(invariants, names?.invariants, tick).map(([name, time]) => ({ name, ms: ms(time) })),
    metricsMs: ms(metrics),
    hashMs: hash === null ? null : ms(hash),
    restMs: ms(computed - partsOf(times)),
    commits: landed.map(commitOf),
  };
}

/** What the record after a tick tells of it. */
function afterOf(next: RecordTimes | undefined): AfterTick | null {
  if (next === undefined || next.before === null) return null;
  const { encoded, between, waited } = next.before;
  return { encodeMs: ms(encoded), waitedMs: ms(waited), otherMs: ms(between - encoded - waited) };
}

/** The names that hold before a tick. They are looked for backwards. */
async function namesBefore(source: LogSource, tick: number): Promise<TimedNames | null> {
  for (let last = tick - 1, span = 1; last >= 0; last -= span, span *= 2) {
    let found: TimedNames | null = null;
    for await (const { meta } of frames(source, Math.max(0, last - span + 1), last))
      found = meta.times?.names ?? found;
    if (found !== null) return found;
  }
  return null;
}

/** An entry that waits for the next record, which tells what followed it. */
interface Waiting {
  readonly entry: Omit<TickLogEntry, 'times'>;
  readonly times: Omit<TickTimes, 'after'> | null;
}

function complete({ entry, times }: Waiting, next: RecordFrame | undefined): TickLogEntry {
  if (times === null) return { ...entry, times };
  const { commits, ...parts } = times;
  return { ...entry, times: { ...parts, after: afterOf(next?.meta.times), commits } };
}

/** The last tick of a log as it stands. */
const lastOf = ({ undurable, durableTick }: LogSource): number =>
  Math.max(durableTick, undurable.at(-1)?.tick ?? -1);

/** The tick log over ticks `from` to `to`, both included, as far as there are such ticks. */
export async function* tickLogOf(source: LogSource, from: number, to: number): AsyncGenerator<TickLogEntry> {
  const last = Math.min(to, lastOf(source));
  let names: TimedNames | null = null;
  let waiting: Waiting | null = null;
  if (from > last) return;
  for await (const frame of frames(source, from, Math.min(last + 1, lastOf(source)))) {
    const { tick, meta, counts, bytes } = frame;
    if (waiting !== null) yield complete(waiting, frame);
    waiting = null;
    if (tick > last) return;
    if (meta.times !== undefined) names = meta.times.names ?? names ?? (await namesBefore(source, tick));
    waiting = {
      entry: { tick, time: meta.time, events: eventCount(counts), bytes: bytes.length },
      times: meta.times === undefined ? null : timesOf(tick, meta.times, names),
    };
  }
  if (waiting !== null) yield complete(waiting, undefined);
}
