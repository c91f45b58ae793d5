/**
 * Reading a log: pages in, verified frames out, in order, without holes.
 *
 * Every frame is checked against its own hash, its row in the store, the hash of the record before it and the
 * gapless sequence of events. Damage is named with segment and tick and stops the reader.
 */
import { hex, sameBytes } from '../base/bytes.ts';
import { fail } from '../base/errors.ts';
import { type LogPath, spanAt } from './lineage.ts';
import { decodeFrame, eventCount, NO_HASH, type RecordFrame } from './record.ts';
import type { LogRecord, LogStore, PageLimit, RunInfo } from './store.ts';

const PAGE: PageLimit = { records: 1024, bytes: 16 * 1024 * 1024 };

/** What the next frame must fit. */
interface Link {
  tick: number;
  hash: Uint8Array | null;
  sequence: number | null;
}

/** What the ids of the segments of a run begin with; what follows makes them unlike any other. */
export const segmentPrefix = (run: string): string => `${run}/`;

/** The run that a segment was made for. */
export const runOf = (segment: string): string => segment.slice(0, Math.max(0, segment.lastIndexOf('/')));

/**
 * Whether a run may name a segment: the one that was made for it has it, or the segment itself lends its id
 * while a copy that will have no name is under way.
 */
export const isOwnSegment = (run: string, segment: string): boolean =>
  runOf(segment) === run || segment === run;

/**
 * Checks that a run is in a segment of its own: an index that names another one's shows its world. `CORRUPT`.
 */
export function checkNamed(info: RunInfo): RunInfo {
  const { id, segment } = info;
  if (isOwnSegment(id, segment.id)) return info;
  return fail(
    'CORRUPT',
    `run '${id}' names segment '${segment.id}', which is not its own`,
    { run: id, segment: segment.id },
    'The store was damaged from outside: restore it from a backup.',
  );
}

/** A run by its id; `UNKNOWN_RUN` when the store has none. `CORRUPT` where it is in another run's segment. */
export async function findRun(store: LogStore, id: string): Promise<RunInfo> {
  const info = await store.head(id);
  if (info !== undefined) return checkNamed(info);
  return fail(
    'UNKNOWN_RUN',
    `${store.location} has no run '${id}'`,
    { run: id, store: store.location },
    '`worldfold ls` lists the runs of a store.',
  );
}

function checkLink(frame: RecordFrame, record: LogRecord, link: Link, segment: string): void {
  const where = { segment, tick: link.tick };
  if (frame.tick !== link.tick || record.tick !== link.tick)
    fail(
      'CORRUPT',
      `the record of tick ${link.tick} in segment '${segment}' says that it is tick ${frame.tick}`,
      where,
    );
  if (!sameBytes(frame.hash, record.hash) || !sameBytes(frame.previous, record.previous))
    fail(
      'CORRUPT',
      `the record of tick ${link.tick} in segment '${segment}' is not the one that the store indexed`,
      where,
    );
  if (link.hash !== null && !sameBytes(frame.previous, link.hash))
    fail(
      'CORRUPT',
      `the record of tick ${link.tick} in segment '${segment}' does not follow the one before it`,
      {
        ...where,
        expected: hex(link.hash),
        actual: hex(frame.previous),
      },
    );
  if (link.sequence !== null && frame.sequence !== link.sequence)
    fail(
      'CORRUPT',
      `the events of tick ${link.tick} in segment '${segment}' are not numbered from ${link.sequence}`,
      where,
    );
}

/** Decodes what was read and checks it, a frame when it is asked for; `link` goes on with each. */
function* linked(records: readonly LogRecord[], link: Link, segment: string): Generator<RecordFrame> {
  for (const record of records) {
    const frame = decodeFrame(record.bytes, { segment, tick: link.tick });
    checkLink(frame, record, link, segment);
    const { hash, sequence, counts } = frame;
    yield frame;
    link.tick++;
    link.hash = hash;
    link.sequence = sequence + eventCount(counts);
  }
}

/**
 * The frames of a log from `from` to `to`, both included, across its segments: in pages, whose frames are at
 * hand. Each page must be gone through before the next is asked for. Must reach `to`: a log that ends before
 * it is `NO_RECORD`. Nothing of the store stays open between two pages.
 */
export async function* readPages(
  store: LogStore,
  path: LogPath,
  from: number,
  to: number,
): AsyncGenerator<Iterable<RecordFrame>> {
  const link: Link = { tick: from, hash: from === 0 ? NO_HASH : null, sequence: from === 0 ? 0 : null };
  while (link.tick <= to) {
    const span = spanAt(path, link.tick);
    const { segment } = span;
    const last = Math.min(to, span.to);
    const page = await store.read(segment, link.tick, {
      ...PAGE,
      records: Math.min(PAGE.records, last - link.tick + 1),
    });
    if (page.records.length === 0)
      fail('NO_RECORD', `segment '${segment}' ends before tick ${link.tick}, which it must hold`, {
        segment,
        tick: link.tick,
        to,
      });
    yield linked(page.records, link, segment);
  }
}

/** The same, frame by frame. Nothing of the store stays open between two frames. */
export async function* readFrames(
  store: LogStore,
  path: LogPath,
  from: number,
  to: number,
): AsyncGenerator<RecordFrame> {
  for await (const page of readPages(store, path, from, to)) yield* page;
}

/** The frame of one tick. */
export async function readFrame(store: LogStore, path: LogPath, tick: number): Promise<RecordFrame> {
  for await (const frame of readFrames(store, path, tick, tick)) return frame;
  return fail('INTERNAL', 'a reader that must reach its end did not', { tick });
}
