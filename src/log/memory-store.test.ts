import { describe, expect, it } from 'vitest';
import { chain, continued, holder, newFork, newRun, plain, snapshotOf } from '../../test/contract/records.ts';
import { isWorldfoldError } from '../base/errors.ts';
import { type Change, MemoryMedium } from './memory-store.ts';

const ALL = { records: Infinity, bytes: Infinity };
const ONE = chain('one', 8);
const TWO = continued(ONE[4]!, 'two', 3);
const THREE = continued(ONE[5]!, 'three', 2);
const alive = (): boolean => true;

/** `one` with the forks `two` and `three`, whose name is gone; snapshots of all, and a failed tick. */
function filled(): MemoryMedium {
  const medium = new MemoryMedium();
  medium.create(newRun('one', ONE[0]!), 0);
  medium.append('one-segment', 1, 1, ONE.slice(1));
  medium.fork(newFork('two', 'one-segment', ONE[4]!), 0);
  medium.append('two-segment', 1, 5, TWO);
  medium.fork(newFork('three', 'one-segment', ONE[5]!), 0);
  medium.append('three-segment', 1, 6, THREE);
  medium.keepSnapshot(snapshotOf('three-segment', THREE[1]!, ['gone']));
  medium.remove('three', true, 0, alive);
  medium.keepSnapshot(snapshotOf('one-segment', ONE[2]!, ['a', 'b']));
  medium.keepSnapshot(snapshotOf('two-segment', TWO[0]!, [2, 'c'], { pinned: true }));
  medium.keepAttempt('one-segment', { tick: 8, text: 'failed' });
  return medium;
}

/** Who holds a segment, and until when, as another holder hears of it. */
function leaseOf(medium: MemoryMedium, id: string): unknown {
  try {
    const { answer, undo } = medium.acquire(id, holder('other'), false, 10, alive);
    undo();
    return answer;
  } catch (e) {
    return isWorldfoldError(e) ? [e.code, e.facts] : e;
  }
}

/** All that can be seen of a medium. */
function look(medium: MemoryMedium): unknown {
  const segment = (id: string): unknown => {
    if (!isThere(medium, id)) return null;
    const [info] = medium.lineage(id);
    const snapshots = medium.snapshots(id);
    return {
      info,
      lease: leaseOf(medium, id),
      records: medium.read(id, info!.parent === null ? 0 : info!.parent.tick + 1, ALL),
      attempts: medium.attempts(id),
      snapshots: snapshots.map((kept) => [kept, medium.readSnapshot(id, kept.tick)]),
    };
  };
  const ids = ['one', 'two', 'three', 'four'];
  const segments = ids.map((id) => segment(`${id}-segment`));
  return plain({ runs: medium.list(null, Infinity), segments, count: medium.count() });
}

function isThere(medium: MemoryMedium, id: string): boolean {
  try {
    return medium.lineage(id).length > 0;
  } catch (e) {
    if (isWorldfoldError(e, 'UNKNOWN_RUN')) return false;
    throw e;
  }
}

describe('a change of a medium', () => {
  it.each<[string, (medium: MemoryMedium) => Change<unknown>]>([
    ['a run', (medium) => medium.create(newRun('four', ONE[0]!), 5)],
    ['a fork', (medium) => medium.fork(newFork('four', 'two-segment', TWO[1]!), 5)],
    [
      'records',
      (medium) => medium.append('one-segment', 1, 6, [...ONE.slice(6), ...continued(ONE[7]!, 'one', 2)]),
    ],
    ['the name of a run', (medium) => medium.remove('two', true, 5, alive)],
    ['what nobody reaches', (medium) => medium.collect(Infinity)],
    ['a part of it', (medium) => medium.collect(2)],
    ['a lease', (medium) => medium.acquire('one-segment', holder('next'), true, 5, alive)],
    ['more time', (medium) => medium.renew('one-segment', 1, 5)],
    ['the end of a lease', (medium) => medium.release('one-segment', 1)],
    ['a failed tick', (medium) => medium.keepAttempt('one-segment', { tick: 9, text: 'again' })],
    ['a snapshot', (medium) => medium.keepSnapshot(snapshotOf('one-segment', ONE[5]!, [3, 'd']))],
    [
      'a snapshot in place of one',
      (medium) => medium.keepSnapshot(snapshotOf('one-segment', ONE[2]!, ['d'])),
    ],
    ['a snapshot dropped', (medium) => medium.dropSnapshots('one-segment', [2, 2, 3])],
    ['a snapshot pinned', (medium) => medium.pinSnapshot('one-segment', 2, true)],
    ['a snapshot unpinned', (medium) => medium.pinSnapshot('two-segment', 5, false)],
  ])('L11: can be seen, and taken back as if it had never been: %s', (_, change) => {
    const medium = filled();
    const before = look(medium);
    const { undo } = change(medium);
    const after = look(medium);
    expect(after).not.toEqual(before);
    undo();
    expect(look(medium)).toEqual(before);
    change(medium);
    expect(look(medium)).toEqual(after);
  });

  it('L11: a number of a chunk that was taken back is given again', () => {
    const medium = filled();
    const keep = () => medium.keepSnapshot(snapshotOf('one-segment', ONE[5]!, ['d', 'e']));
    const { answer, undo } = keep();
    undo();
    expect(keep().answer).toEqual(answer);
  });

  it('the release of a replaced writer changes nothing, and can be taken back', () => {
    const medium = filled();
    const before = look(medium);
    const { undo } = medium.release('one-segment', 7);
    expect(look(medium)).toEqual(before);
    undo();
    expect(look(medium)).toEqual(before);
  });
});
