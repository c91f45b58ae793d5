/**
 * The record codec: one tick as bytes and back. docs/formats.md holds the layout.
 *
 * A record is a hashed part, its SHA-256, and metadata outside the hash (time of encoding, metrics) with a
 * CRC-32 of its own. The hash chains records: each holds the hash of the one before. Batches are columns; the
 * exact order of events stands beside them as runs. Bytes hold no run id, so that a fork shares its parent's
 * records as they are.
 */
import { ByteReader, ByteWriter, hex, repeat, sameBytes } from '../base/bytes.ts';
import { assert, fail, isWorldfoldError } from '../base/errors.ts';
import { crc32, STATE_HASH_BYTES } from '../base/hash.ts';
import { sha256 } from '../base/platform.ts';
import { ColumnSet } from '../columns/column-set.ts';
import type { Batch, Wave } from '../columns/waves.ts';
import type { StreamDraws } from '../random/streams.ts';
import type { CompiledSchema } from '../schema/compile.ts';
import { decodeMeta, encodeMeta, type RecordMeta } from './record-meta.ts';
import type { LogRecord } from './store.ts';

/** `WFR` and the version of the record format. */
const MAGIC = [0x57, 0x46, 0x52];
/** The version of the record format that is written. */
export const RECORD_VERSION = 1;
const HASH_BYTES = 32;
/** Where the hashed part begins to hold more than magic and length. */
const LENGTH_AT = 4;

const HAS_ENVIRONMENT = 1;
const HAS_STATE_HASH = 2;
const FLAGS = HAS_ENVIRONMENT | HAS_STATE_HASH;

/** The hash that tick 0 names as the one before it. */
export const NO_HASH: Uint8Array = new Uint8Array(HASH_BYTES);

/** Everything a record says inside its hash. */
export interface TickContent {
  readonly tick: number;
  /** Events of the log before this record: the sequence number of its first event. */
  readonly sequence: number;
  readonly previous: Uint8Array;
  /** Canonical JSON of what the fold depends on, where it is set or changed. */
  readonly environment: string | null;
  readonly waves: readonly Wave[];
  readonly batches: readonly Batch[];
  readonly draws: readonly StreamDraws[];
  readonly stateHash: Uint8Array | null;
}

const shared = new ByteWriter(1 << 16);

function encodeWaves(writer: ByteWriter, waves: readonly Wave[]): void {
  writer.varint(waves.length);
  for (const { origin, atOnce, runs } of waves) {
    writer.text(origin);
    writer.varint(runs.length * 2 + (atOnce ? 1 : 0));
    for (const { kind, size, times } of runs) {
      writer.varint(kind);
      writer.varint(size);
      if (atOnce) writer.varint(times);
      else assert(times === 1, 'a run outside an at-once wave was repeated');
    }
  }
}

/** Encodes a tick. The bytes returned are the record's own. */
export function encodeRecord(content: TickContent, meta: RecordMeta): LogRecord {
  const writer = shared;
  writer.length = 0;
  for (const byte of MAGIC) writer.u8(byte);
  writer.u8(RECORD_VERSION);
  writer.u32(0);
  writer.u8(
    (content.environment === null ? 0 : HAS_ENVIRONMENT) | (content.stateHash === null ? 0 : HAS_STATE_HASH),
  );
  writer.varint(content.tick);
  writer.varint(content.sequence);
  writer.raw(content.previous);
  if (content.stateHash !== null) writer.raw(content.stateHash);
  if (content.environment !== null) writer.text(content.environment);
  encodeWaves(writer, content.waves);
  writer.varint(content.draws.length);
  for (const { stream, draws } of content.draws) {
    writer.text(stream);
    writer.varint(draws);
  }
  writer.varint(content.batches.length);
  let last = -1;
  for (const { kind, set } of content.batches) {
    assert(kind > last, 'batches stand in order of their kinds', { kind, last });
    last = kind;
    writer.varint(kind);
    writer.varint(set.size);
  }
  for (const { set } of content.batches) set.encode(writer, 0, set.size);
  return seal(writer, content, meta);
}

function seal(writer: ByteWriter, { tick, previous }: TickContent, meta: RecordMeta): LogRecord {
  const length = writer.length;
  if (length > 0xffffffff) fail('BAD_VALUE', `tick ${tick} emitted more than 4 GiB`, { tick, length });
  writer.length = LENGTH_AT;
  writer.u32(length);
  writer.length = length;
  const hash = new Uint8Array(sha256(writer.bytes.subarray(0, length)));
  writer.raw(hash);
  const metaAt = writer.length;
  encodeMeta(writer, meta);
  writer.u32(crc32(writer.bytes, metaAt, writer.length));
  return { tick, hash, previous: previous.slice(), bytes: writer.take() };
}

/** A record whose frame was read and verified; its batches are decoded with the schema of its era. */
export interface RecordFrame extends Omit<TickContent, 'batches'> {
  readonly hash: Uint8Array;
  readonly meta: RecordMeta;
  /** Number of events of each kind, in the order of the columns behind them. */
  readonly counts: readonly { readonly kind: number; readonly size: number }[];
  readonly bytes: Uint8Array;
  /** Where the columns begin, and where the hashed part ends. */
  readonly columnsAt: number;
  readonly end: number;
}

/** Where a damaged record was met. */
export type Where = { readonly [fact: string]: unknown };

/** The record in words: `the record of tick 5 in segment 'x'`, as far as its place is known. */
function named({ tick, segment }: Where): string {
  if (tick === undefined) return 'a record';
  return `the record of tick ${tick}${segment === undefined ? '' : ` in segment '${segment}'`}`;
}

/** Damage that a reader of bytes meets is told with the place of the record. */
function placed<T>(where: Where, read: () => T): T {
  try {
    return read();
  } catch (e) {
    if (!isWorldfoldError(e, 'CORRUPT')) throw e;
    return fail('CORRUPT', `${named(where)} is damaged: ${e.message}`, { ...where, ...e.facts }, e.hint, e);
  }
}

function checkFrame(bytes: Uint8Array, where: Where): number {
  const version = bytes[MAGIC.length];
  if (bytes.length < LENGTH_AT + 4 || version === 0 || MAGIC.some((byte, i) => bytes[i] !== byte))
    fail('CORRUPT', `the bytes of ${named(where)} are no record`, { ...where, length: bytes.length });
  if (version !== RECORD_VERSION)
    fail('NEWER_FORMAT', `${named(where)} has format ${version}; this version reads ${RECORD_VERSION}`, {
      ...where,
      version,
    });
  const end = new ByteReader(bytes, LENGTH_AT).u32();
  if (end + HASH_BYTES > bytes.length)
    fail('CORRUPT', `${named(where)} is cut short`, {
      ...where,
      length: bytes.length,
      expected: end + HASH_BYTES,
    });
  const expected = bytes.subarray(end, end + HASH_BYTES);
  const actual = sha256(bytes.subarray(0, end));
  if (!sameBytes(expected, actual))
    fail('CORRUPT', `${named(where)} does not have the hash that it carries`, {
      ...where,
      expected: hex(expected),
      actual: hex(actual),
    });
  return end;
}

function readMeta(bytes: Uint8Array, from: number, where: Where): RecordMeta {
  const end = bytes.length - 4;
  if (end < from || new ByteReader(bytes, Math.max(end, 0)).u32() !== crc32(bytes, from, end))
    fail('CORRUPT', `the metadata of ${named(where)} is damaged`, where);
  const reader = new ByteReader(bytes, from, end);
  const meta = placed(where, () => decodeMeta(reader));
  if (reader.left > 0) fail('CORRUPT', `the metadata of ${named(where)} holds more than metadata`, where);
  return meta;
}

function decodeWaves(reader: ByteReader): Wave[] {
  return repeat(reader.varint(), () => {
    const origin = reader.text();
    const packed = reader.varint();
    const atOnce = packed % 2 === 1;
    const runs = repeat(Math.floor(packed / 2), () => ({
      kind: reader.varint(),
      size: reader.varint(),
      times: atOnce ? reader.varint() : 1,
    }));
    return { origin, atOnce, runs };
  });
}

/** Reads and verifies a record's frame: magic, version, length, hash, metadata. `where` goes into errors. */
export function decodeFrame(bytes: Uint8Array, where: Where): RecordFrame {
  const end = checkFrame(bytes, where);
  const meta = readMeta(bytes, end + HASH_BYTES, where);
  const hash = bytes.subarray(end, end + HASH_BYTES);
  return placed(where, () => ({ ...readContent(bytes, end, where), hash, meta, bytes, end }));
}

function readContent(bytes: Uint8Array, end: number, where: Where) {
  const reader = new ByteReader(bytes, LENGTH_AT + 4, end);
  const flags = reader.u8();
  if ((flags & ~FLAGS) !== 0)
    fail('NEWER_FORMAT', `${named(where)} says something that this version does not know`, {
      ...where,
      flags,
    });
  const tick = reader.varint();
  const sequence = reader.varint();
  const previous = reader.raw(HASH_BYTES);
  const stateHash = flags & HAS_STATE_HASH ? reader.raw(STATE_HASH_BYTES) : null;
  const environment = flags & HAS_ENVIRONMENT ? reader.text() : null;
  const waves = decodeWaves(reader);
  const draws = repeat(reader.varint(), () => ({ stream: reader.text(), draws: reader.varint() }));
  const counts = repeat(reader.varint(), () => ({ kind: reader.varint(), size: reader.varint() }));
  const columnsAt = reader.at;
  return { tick, sequence, previous, stateHash, environment, waves, draws, counts, columnsAt };
}

/** Where sets for decoding come from: fresh ones, or the same ones again and again. */
export type SetSource = (kind: number) => ColumnSet;

/** Fresh sets: for readers who keep what they get. */
export const freshSets =
  (schema: CompiledSchema): SetSource =>
  (kind) =>
    new ColumnSet(schema.kinds[kind]!, false);

/** One set a kind, overwritten by the next record: for folding. */
export function reusedSets(schema: CompiledSchema): SetSource {
  const sets = new Map<number, ColumnSet>();
  return (kind) => {
    let set = sets.get(kind);
    if (set === undefined) sets.set(kind, (set = new ColumnSet(schema.kinds[kind]!, false)));
    return set;
  };
}

/**
 * Decodes the columns of a frame, without copying those that are aligned. What does not fit the schema is
 * `CORRUPT`.
 */
export function decodeBatches(frame: RecordFrame, schema: CompiledSchema, sets: SetSource): Batch[] {
  const reader = new ByteReader(frame.bytes, frame.columnsAt, frame.end);
  let last = -1;
  const batches = frame.counts.map(({ kind, size }) => {
    if (schema.kinds[kind] === undefined)
      fail(
        'CORRUPT',
        `the record of tick ${frame.tick} holds events of kind number ${kind}, unknown to the schema`,
        {
          tick: frame.tick,
          kind,
        },
      );
    if (kind <= last)
      fail('CORRUPT', `the kinds of the record of tick ${frame.tick} do not stand in order`, {
        tick: frame.tick,
        kind,
      });
    last = kind;
    const set = sets(kind);
    placed({ tick: frame.tick, kind }, () => set.decode(reader, size));
    return { kind, set };
  });
  if (reader.at !== frame.end)
    fail('CORRUPT', `the record of tick ${frame.tick} holds more than its events`, { tick: frame.tick });
  return batches;
}

/** Number of events in a frame or a content. */
export const eventCount = (counts: readonly { readonly size: number }[]): number =>
  counts.reduce((sum, { size }) => sum + size, 0);
