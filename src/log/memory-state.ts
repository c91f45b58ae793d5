/**
 * What a memory store keeps: plain objects, and changes to them that can be taken back.
 *
 * Owns the shapes and the undo of single changes. Decides nothing.
 */
import type { Attempt, ForkPoint, Head, LogRecord, RunInfo, SegmentInfo } from './store.ts';
import { copyBytes, type Lease, noRecord, type SegmentState } from './store-checks.ts';

/** A change that was made: what to answer, and how to take it back while no later change was made. */
export interface Change<T> {
  readonly answer: T;
  undo(): void;
}

/** What the segments of one fork tree share. */
export interface StoredFamily {
  readonly id: string;
  readonly chunks: Map<number, Uint8Array>;
  /** Whether a snapshot went since the chunks were last swept to the end. */
  unswept: boolean;
}

/** A snapshot as it is kept; its bytes are counted once. */
export interface KeptSnapshot {
  readonly tick: number;
  readonly pinned: boolean;
  readonly bytes: number;
  readonly manifest: Uint8Array;
  readonly chunks: readonly number[];
}

/** A segment with everything that is keyed by it. */
export interface StoredSegment {
  readonly id: string;
  readonly family: StoredFamily;
  readonly parent: { readonly segment: StoredSegment; readonly tick: number } | null;
  readonly opening: string | null;
  readonly first: number;
  /** Its own records: the one of tick `first` is at index 0. */
  readonly records: LogRecord[];
  readonly forks: Map<string, StoredSegment>;
  readonly snapshots: Map<number, KeptSnapshot>;
  named: boolean;
  epoch: number;
  lease: Lease | null;
  attempts: readonly Attempt[];
}

/** A name for a segment. */
export interface StoredRun {
  readonly id: string;
  readonly header: string;
  readonly segment: StoredSegment;
}

/** The record of one of a segment's own ticks. */
export const recordAt = ({ first, records }: StoredSegment, tick: number): LogRecord | undefined =>
  records[tick - first];

/** Where a segment ends: with its last own record, or on its parent's. */
export function headOf(segment: StoredSegment): Head {
  const { id, parent, first, records } = segment;
  const last = records.at(-1) ?? (parent && recordAt(parent.segment, parent.tick)) ?? noRecord(id, first);
  return { tick: last.tick, hash: copyBytes(last.hash) };
}

/** What the decisions of the ports need to know. */
export const stateOf = (segment: StoredSegment): SegmentState => ({
  id: segment.id,
  first: segment.first,
  head: headOf(segment),
  epoch: segment.epoch,
  named: segment.named,
});

/** A segment as the ports show it. */
export function segmentInfoOf(segment: StoredSegment): SegmentInfo {
  const { id, family, epoch, opening } = segment;
  const parent: ForkPoint | null = segment.parent && {
    segment: segment.parent.segment.id,
    tick: segment.parent.tick,
  };
  return { id, family: family.id, parent, head: headOf(segment), epoch, opening };
}

/** A run as the ports show it. */
export const infoOf = ({ id, header, segment }: StoredRun): RunInfo => ({
  id,
  header,
  segment: segmentInfoOf(segment),
});

/** Changes that are made one after the other and taken back as one. */
export class Changes {
  readonly #undo: (() => void)[] = [];

  /** Makes a change that `undo` takes back. */
  make(change: () => void, undo: () => void): void {
    change();
    this.#undo.push(undo);
  }

  /** Sets fields of an object. */
  assign<T extends object>(object: T, fields: Partial<T>): void {
    const before = Object.fromEntries(Object.keys(fields).map((name) => [name, object[name as keyof T]]));
    this.make(
      () => Object.assign(object, fields),
      () => Object.assign(object, before),
    );
  }

  /** Sets an entry of a map. */
  put<K, V>(map: Map<K, V>, key: K, value: V): void {
    const had = map.has(key);
    const before = map.get(key);
    this.make(
      () => map.set(key, value),
      () => (had ? map.set(key, before as V) : map.delete(key)),
    );
  }

  /** Deletes an entry of a map. */
  drop<K, V>(map: Map<K, V>, key: K): void {
    if (!map.has(key)) return;
    const before = map.get(key) as V;
    this.make(
      () => map.delete(key),
      () => map.set(key, before),
    );
  }

  /** Cuts the end of a list off. */
  truncate<T>(list: T[], length: number): void {
    const tail = list.slice(length);
    this.make(
      () => list.splice(length),
      () => {
        for (const item of tail) list.push(item);
      },
    );
  }

  /** All of it as one change. */
  done<T>(answer: T): Change<T> {
    return {
      answer,
      undo: () => {
        for (const undo of this.#undo.splice(0).reverse()) undo();
      },
    };
  }
}
