/**
 * Metadata of a record: what travels with a tick but outside every hash.
 */
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { assert } from '../base/errors.ts';

/** Metadata of a record. */
export interface RecordMeta {
  /** Milliseconds since 1970 when the record was encoded. */
  readonly time: number;
  /** Names of the metrics, given by the first record of a writer and kept until other names come. */
  readonly metricNames: readonly string[] | null;
  readonly metrics: readonly number[];
}

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
}

/** Reads metadata. */
export function decodeMeta(reader: ByteReader): RecordMeta {
  const time = reader.f64();
  const packed = reader.varint();
  const count = Math.floor(packed / 2);
  const metricNames = packed % 2 === 1 ? Array.from({ length: count }, () => reader.text()) : null;
  return { time, metricNames, metrics: Array.from({ length: count }, () => reader.f64()) };
}
