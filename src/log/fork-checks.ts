/**
 * What every store refuses about forks, and what a collection may delete.
 *
 * Owns decisions as functions of plain values; see `store-checks.ts`. Owns no storage.
 */
import { sameBytes } from '../base/bytes.ts';
import { fail } from '../base/errors.ts';
import type { NewFork } from './store.ts';
import {
  checkHash,
  checkHolder,
  checkId,
  checkText,
  checkTick,
  diverged,
  noRecord,
  type SegmentState,
} from './store-checks.ts';

/** Checks what `fork` is given: `BAD_USAGE`. */
export function checkNewFork(fork: NewFork): void {
  checkId('run', fork.id);
  checkId('segment', fork.segment);
  checkText('the header', fork.header);
  checkText('the opening', fork.opening);
  checkHolder(fork.holder);
  checkId('segment', fork.parent.segment);
  checkTick('tick', fork.parent.tick);
  checkHash('hash', fork.parent.tick, fork.hash);
}

/** Checks the limit of `collect`: `BAD_USAGE`. It may be `Infinity`. */
export function checkCollection(limit: number): void {
  if (!(limit >= 1)) fail('BAD_USAGE', `a collection deletes at least one thing, not ${limit}`, { limit });
}

/**
 * Refuses a tick that is none of the segment's own records (`NO_TICK`) or has another hash (`DIVERGED`).
 * `storedHash` is asked for that tick only.
 */
export function checkOwnRecord(
  { id, first, head }: SegmentState,
  tick: number,
  hash: Uint8Array,
  storedHash: (tick: number) => Uint8Array | undefined,
): void {
  if (tick < first || tick > head.tick) noTick(id, tick, first, head.tick);
  const stored = storedHash(tick) ?? noRecord(id, tick);
  if (!sameBytes(stored, hash)) diverged(id, tick, 'hash', stored, hash);
}

function noTick(segment: string, tick: number, first: number, last: number): never {
  const own = first > last ? `has none of its own from ${first} on` : `has those from ${first} to ${last}`;
  return fail(
    'NO_TICK',
    `tick ${tick} is none of segment '${segment}': it ${own}`,
    { segment, tick, first, last },
    'An earlier tick is in one of the segments that it continues.',
  );
}

/**
 * The last tick of a segment that anybody reaches, given its first and its last: the last while a run names
 * it, else the last that a fork of it continues (`lastFork`, null without forks), else the one before its
 * first. The records after it may be deleted.
 */
export const lastReached = (first: number, last: number, named: boolean, lastFork: number | null): number =>
  named ? last : Math.min(last, lastFork ?? first - 1);

/** Whether a segment may be deleted itself: nobody reaches a record of its own, so no fork continues one. */
export const isSpent = (first: number, reached: number): boolean => reached < first;
