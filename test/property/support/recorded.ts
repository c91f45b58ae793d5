/** What a store holds of a run, for comparing. */
import { hex } from '../../../src/base/bytes.ts';
import { pathOf } from '../../../src/log/lineage.ts';
import { findRun, readFrames } from '../../../src/log/reader.ts';
import { decodeBatches, freshSets, type RecordFrame } from '../../../src/log/record.ts';
import type { LogRecord, LogStore } from '../../../src/log/store.ts';
import type { CompiledSchema } from '../../../src/schema/compile.ts';
import type { ReferenceEvent } from '../../../src/testing/reference-world.ts';

/** Everything at once. */
export const ALL = { records: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };

/** The records of a run as stored. */
export async function recordsOf(store: LogStore, id = 'any'): Promise<readonly LogRecord[]> {
  const { segment } = await findRun(store, id);
  return (await store.read(segment.id, 0, ALL)).records;
}

/** The frames of a run, verified. */
export async function framesOf(store: LogStore, id = 'any'): Promise<RecordFrame[]> {
  const { segment } = await findRun(store, id);
  const frames: RecordFrame[] = [];
  for await (const frame of readFrames(store, await pathOf(store, segment), 0, segment.head.tick))
    frames.push(frame);
  return frames;
}

/** The events of a record in the order in which they were applied. */
export function eventsIn(frame: RecordFrame, schema: CompiledSchema): ReferenceEvent[] {
  const sets = new Map(decodeBatches(frame, schema, freshSets(schema)).map(({ kind, set }) => [kind, set]));
  const next = new Map<number, number>();
  const events: ReferenceEvent[] = [];
  for (const { runs } of frame.waves)
    for (const { kind, size, times } of runs)
      for (let i = 0; i < size * times; i++) {
        const at = next.get(kind) ?? 0;
        next.set(kind, at + 1);
        events.push([schema.kinds[kind]!.name, sets.get(kind)!.rowAt(at)]);
      }
  return events;
}

/** The hashed part of a record and its hash: what no circumstance may change. */
export const hashedPart = ({ bytes, end }: RecordFrame): string => hex(bytes.subarray(0, end + 32));
