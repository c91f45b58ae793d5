/**
 * Times in the metadata of a record: how long the parts of a tick took, outside every hash.
 *
 * Owns the bytes; docs/formats.md has them. All times are whole microseconds of a clock that never goes back.
 * What follows a record, its encoding and its commit, is known only later: the record after it tells.
 */
import { type ByteReader, type ByteWriter, repeat } from '../base/bytes.ts';
import { fail } from '../base/errors.ts';

/** What systems and invariants are called, in the order in which a record tells their times. */
export interface TimedNames {
  readonly systems: readonly string[];
  readonly invariants: readonly string[];
}

/** How long a system took in one tick. */
export interface SystemTimes {
  /** How often it ran; 0 where its `when` said no. */
  readonly rounds: number;
  /** Its own code, its `when` included; with effects at once also what its events did. */
  readonly run: number;
  /** The handlers of what it emitted, where that was applied when it had returned. */
  readonly apply: number;
}

/** What happened between the computing of two ticks of one writer. */
export interface TimesBefore {
  /** The encoding of the record before. */
  readonly encoded: number;
  /** All the time between the two, the encoding included. */
  readonly between: number;
  /** How much of it an advance waited for the store. */
  readonly waited: number;
}

/** A group of records that became durable. */
export interface LandedGroup {
  /** Its last tick. */
  readonly tick: number;
  readonly ticks: number;
  readonly bytes: number;
  /** From the hand-over to the answer of the store. */
  readonly time: number;
}

/** How long a tick took, and what was known by then of what came before. */
export interface RecordTimes {
  /** Given by the first record of a writer and kept until other names come. */
  readonly names: TimedNames | null;
  /** All of the tick's computing. */
  readonly computed: number;
  /** Its inputs; of tick 0 the setup. */
  readonly begun: number;
  /** By place among the systems; null where it was not a system's turn. None in tick 0. */
  readonly systems: readonly (SystemTimes | null)[];
  /** By place among the invariants; none where they were not asked. */
  readonly invariants: readonly number[];
  readonly metrics: number;
  /** Null where the tick was not hashed. */
  readonly hash: number | null;
  /** Null in the first record of a writer. */
  readonly before: TimesBefore | null;
  /** The groups that became durable since the record before. */
  readonly landed: readonly LandedGroup[];
}

const HAS_NAMES = 1;
const HAS_HASH = 2;
const HAS_BEFORE = 4;
const FLAGS = HAS_NAMES | HAS_HASH | HAS_BEFORE;

/** Writes times. */
export function encodeTimes(writer: ByteWriter, times: RecordTimes): void {
  const { names, hash, before } = times;
  writer.u8(
    (names === null ? 0 : HAS_NAMES) | (hash === null ? 0 : HAS_HASH) | (before === null ? 0 : HAS_BEFORE),
  );
  for (const list of names === null ? [] : [names.systems, names.invariants]) {
    writer.varint(list.length);
    for (const name of list) writer.text(name);
  }
  writer.varint(times.computed);
  writer.varint(times.begun);
  writer.varint(times.systems.length);
  for (const system of times.systems) encodeSystem(writer, system);
  writer.varint(times.invariants.length);
  for (const time of times.invariants) writer.varint(time);
  writer.varint(times.metrics);
  if (hash !== null) writer.varint(hash);
  if (before !== null) {
    writer.varint(before.encoded);
    writer.varint(before.between);
    writer.varint(before.waited);
  }
  writer.varint(times.landed.length);
  for (const { tick, ticks, bytes, time } of times.landed) {
    writer.varint(tick);
    writer.varint(ticks);
    writer.varint(bytes);
    writer.varint(time);
  }
}

function encodeSystem(writer: ByteWriter, system: SystemTimes | null): void {
  writer.varint(system === null ? 0 : system.rounds + 1);
  if (system === null) return;
  writer.varint(system.run);
  writer.varint(system.apply);
}

function decodeSystem(reader: ByteReader): SystemTimes | null {
  const turns = reader.varint();
  return turns === 0 ? null : { rounds: turns - 1, run: reader.varint(), apply: reader.varint() };
}

/** Reads times. `NEWER_FORMAT` where they say something that this version does not know. */
export function decodeTimes(reader: ByteReader): RecordTimes {
  const flags = reader.u8();
  if ((flags & ~FLAGS) !== 0)
    fail('NEWER_FORMAT', 'the times of a tick say something that this version does not know', { flags });
  const number = (): number => reader.varint();
  const list = <T>(read: () => T): T[] => repeat(number(), read);
  const texts = (): string[] => list(() => reader.text());
  return {
    names: flags & HAS_NAMES ? { systems: texts(), invariants: texts() } : null,
    computed: number(),
    begun: number(),
    systems: list(() => decodeSystem(reader)),
    invariants: list(number),
    metrics: number(),
    hash: flags & HAS_HASH ? number() : null,
    before: flags & HAS_BEFORE ? { encoded: number(), between: number(), waited: number() } : null,
    landed: list(() => ({ tick: number(), ticks: number(), bytes: number(), time: number() })),
  };
}
