/**
 * What every store refuses about snapshots, and which chunks may go.
 *
 * Owns decisions as functions of plain values; see `store-checks.ts`. Owns no storage.
 */
import { fail } from '../base/errors.ts';
import { checkOwnRecord } from './fork-checks.ts';
import type { NewSnapshot } from './store.ts';
import { checkHash, checkTick, checkWriter, type SegmentState } from './store-checks.ts';

const isNumber = (number: unknown): boolean => Number.isSafeInteger(number) && (number as number) >= 0;

function checkNumber(number: unknown): void {
  if (!isNumber(number))
    fail('BAD_USAGE', `the number of a chunk is a whole number from 0 on, not ${String(number)}`, { number });
}

const isBytes = (value: unknown): boolean => value instanceof Uint8Array;

/** Checks what `keepSnapshot` is given: `BAD_USAGE`. */
export function checkNewSnapshot({ tick, hash, pinned, manifest, chunks }: NewSnapshot): void {
  checkTick('tick', tick);
  checkHash('hash', tick, hash);
  checkPinned(pinned);
  if (!isBytes(manifest)) fail('BAD_USAGE', 'a manifest is a Uint8Array', { tick });
  for (const chunk of chunks) if (!isBytes(chunk)) checkNumber(chunk);
}

/** Checks whether a snapshot is to be pinned: `BAD_USAGE`. */
export function checkPinned(pinned: boolean): void {
  if (typeof pinned !== 'boolean') fail('BAD_USAGE', `pinned is true or false, not ${String(pinned)}`);
}

/** Checks the arguments of `readChunks`: `BAD_USAGE`. The bytes may be `Infinity`. */
export function checkChunks(numbers: readonly number[], bytes: number): void {
  for (const number of numbers) checkNumber(number);
  if (!(bytes >= 0)) fail('BAD_USAGE', `chunks have 0 or more bytes, not ${bytes}`, { bytes });
}

/**
 * Decides whether a snapshot may be kept, in the order of the port. `storedHash` gives the hash of an own
 * record, `holds` whether the family has a chunk of that number.
 */
export function planSnapshot(
  segment: SegmentState,
  snapshot: NewSnapshot,
  storedHash: (tick: number) => Uint8Array | undefined,
  holds: (chunk: number) => boolean,
): void {
  checkWriter(segment, snapshot.epoch);
  const { first, head } = segment;
  // A fork may begin with an era of its own: its base is the world of the record that it continues.
  const begins = snapshot.tick === first - 1 && head.tick === snapshot.tick;
  if (begins) checkOwnRecord({ ...segment, first: head.tick }, head.tick, snapshot.hash, () => head.hash);
  else checkOwnRecord(segment, snapshot.tick, snapshot.hash, storedHash);
  for (const chunk of snapshot.chunks)
    if (typeof chunk === 'number' && !holds(chunk)) noChunk(segment.id, chunk);
}

/** The bytes that are stored for a snapshot: its manifest and the chunks that are not there yet. */
export const storedBytes = ({ manifest, chunks }: NewSnapshot): number =>
  chunks.reduce<number>(
    (sum, chunk) => sum + (typeof chunk === 'number' ? 0 : chunk.length),
    manifest.length,
  );

/** Of the chunks of a family, at most `limit` that no snapshot of it uses. */
export function unusedChunks(
  numbers: Iterable<number>,
  used: ReadonlySet<number>,
  limit: number,
): readonly number[] {
  const unused: number[] = [];
  for (const number of numbers) {
    if (unused.length >= limit) break;
    if (!used.has(number)) unused.push(number);
  }
  return unused;
}

/** The family holds no chunk of that number. */
export const noChunk = (segment: string, chunk: number): never =>
  fail(
    'NO_CHUNK',
    `the family of segment '${segment}' has no chunk ${chunk}`,
    { segment, chunk },
    'Give its bytes instead; a snapshot that needs it is damaged, and can be made again from the log.',
  );

/** There is no snapshot of that tick. */
export const noSnapshot = (segment: string, tick: number): never =>
  fail('NO_TICK', `segment '${segment}' has no snapshot of tick ${tick}`, { segment, tick });
