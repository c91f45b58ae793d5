/**
 * Metadata of a record: what travels with a tick but outside every hash.
 *
 * It tells people and tools what the hashes alone can't: when a tick was encoded, its metrics, which tables
 * it changed and into what, what computed it, and how long that took. Nothing that is folded depends on it.
 */
import { type ByteReader, type ByteWriter, repeat } from '../base/bytes.ts';
import { canonicalJson, parseCanonical } from '../base/canonical.ts';
import { assert, fail } from '../base/errors.ts';
import type { engineHint } from '../base/platform.ts';
import { decodeTimes, encodeTimes, type RecordTimes } from './record-times.ts';

/** How many bytes of a table's hash are kept: enough to tell which table differs, where a world does. */
export const TABLE_HASH_BYTES = 8;

/** A table whose hash is another one than after the last tick that recorded a state hash. */
export interface ChangedTable {
  /** The table's place among the tables of the schema, in order of name, the framework's own included. */
  readonly table: number;
  /** The first {@link TABLE_HASH_BYTES} bytes of its hash after the tick. */
  readonly hash: Uint8Array;
}

/** What computed the ticks from a record on. */
export interface WriterNote {
  /** The hint about the texts of the world's functions, as run headers have it. */
  readonly code: string;
  readonly engine: ReturnType<typeof engineHint>;
  /** A digest of the text of each function that decides results, by its place in the world's definition. */
  readonly functions: { readonly [place: string]: string };
}

/** Metadata of a record. */
export interface RecordMeta {
  /** Milliseconds since 1970 when the record was encoded. */
  readonly time: number;
  /** Names of the metrics, given by the first record of a writer and kept until other names come. */
  readonly metricNames: readonly string[] | null;
  readonly metrics: readonly number[];
  /** The tables that changed; absent where the tick recorded no state hash, and in older records. */
  readonly changed?: readonly ChangedTable[];
  /** Given by the first record of a writer; absent in older records. */
  readonly writer?: WriterNote;
  /** How long the tick took; absent where the run keeps no tick log, and in older records. */
  readonly times?: RecordTimes;
}

const HAS_CHANGED = 1;
const HAS_WRITER = 2;
const HAS_TIMES = 4;
const PARTS = HAS_CHANGED | HAS_WRITER | HAS_TIMES;

/** Writes metadata. */
export function encodeMeta(writer: ByteWriter, meta: RecordMeta): void {
  assert(
    meta.metricNames === null || meta.metricNames.length === meta.metrics.length,
    'metrics and their names differ in number',
  );
  writer.f64(meta.time);
  writer.varint(meta.metrics.length * 2 + (meta.metricNames === null ? 0 : 1));
  for (const name of meta.metricNames ?? []) writer.text(name);
  for (const value of meta.metrics) writer.f64(value);
  const parts =
    (meta.changed === undefined ? 0 : HAS_CHANGED) |
    (meta.writer === undefined ? 0 : HAS_WRITER) |
    (meta.times === undefined ? 0 : HAS_TIMES);
  if (parts === 0) return;
  writer.u8(parts);
  if (meta.changed !== undefined) {
    writer.varint(meta.changed.length);
    for (const { table, hash } of meta.changed) {
      writer.varint(table);
      writer.raw(hash.subarray(0, TABLE_HASH_BYTES));
    }
  }
  if (meta.writer !== undefined) writer.text(canonicalJson(meta.writer));
  if (meta.times !== undefined) encodeTimes(writer, meta.times);
}

/** Reads metadata. `NEWER_FORMAT` where it says something that this version does not know. */
export function decodeMeta(reader: ByteReader): RecordMeta {
  const time = reader.f64();
  const packed = reader.varint();
  const count = Math.floor(packed / 2);
  const metricNames = packed % 2 === 1 ? repeat(count, () => reader.text()) : null;
  const metrics = repeat(count, () => reader.f64());
  const parts = reader.left > 0 ? partsOf(reader.u8()) : 0;
  return {
    time,
    metricNames,
    metrics,
    ...(parts & HAS_CHANGED && { changed: decodeChanged(reader) }),
    ...(parts & HAS_WRITER && { writer: parseCanonical(reader.text()) as WriterNote }),
    ...(parts & HAS_TIMES && { times: decodeTimes(reader) }),
  };
}

/** What else the metadata say. Nothing else is said by no byte at all. */
function partsOf(byte: number): number {
  if (byte === 0) fail('CORRUPT', 'metadata say that they say no more');
  if (byte > PARTS)
    fail('NEWER_FORMAT', 'the metadata say something that this version does not know', { parts: byte });
  return byte;
}

const decodeChanged = (reader: ByteReader): ChangedTable[] =>
  repeat(reader.varint(), () => ({ table: reader.varint(), hash: reader.raw(TABLE_HASH_BYTES) }));
