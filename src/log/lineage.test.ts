import { beforeAll, describe, expect, it } from 'vitest';
import { chain, continued, newFork, newRun } from '../../test/contract/records.ts';
import { caught } from '../../test/support/runs.ts';
import { loadHash } from '../base/hash.ts';
import { checkHead, forkPath, pathOf, pathThrough } from './lineage.ts';
import { memoryStore } from './memory-store.ts';
import type { LogRecord, LogStore, SegmentInfo, Store } from './store.ts';

beforeAll(loadHash);

const ROOT = chain('one', 10);
const [TWO, THREE] = [
  continued(ROOT[5]!, 'two', 4),
  continued(continued(ROOT[5]!, 'two', 4)[1]!, 'three', 3),
];

/** `one` of the ticks 0 to 9, `two` on its tick 5 with 6 to 9, `three` on tick 7 of that with 8 to 10. */
async function forked(): Promise<{ store: Store; lineage: readonly SegmentInfo[] }> {
  const store = memoryStore();
  await store.create(newRun('one', ROOT[0]!));
  await store.append('one-segment', 1, 1, ROOT.slice(1));
  await store.fork(newFork('two', 'one-segment', ROOT[5]!));
  await store.append('two-segment', 1, 6, TWO);
  await store.fork(newFork('three', 'two-segment', TWO[1]!));
  await store.append('three-segment', 1, 8, THREE);
  return { store, lineage: await store.lineage('three-segment') };
}

/** What is told of the path through segments of which one is another than it was. */
async function told(place: number, change: (info: SegmentInfo) => Partial<SegmentInfo>): Promise<string> {
  const { store, lineage } = await forked();
  const bent = lineage.map((info, i) => (i === place ? { ...info, ...change(info) } : info));
  const { code, message } = await caught(() => pathThrough(store, bent));
  return `${code}: ${message}`;
}

const at =
  (tick: number) =>
  ({ parent }: SegmentInfo) => ({ parent: { ...parent!, tick } });
const ending =
  (tick: number) =>
  ({ head }: SegmentInfo) => ({ head: { ...head, tick } });

describe('the path of a log', () => {
  it('passes from each segment to the one that continues it', async () => {
    const { store, lineage } = await forked();
    expect(await pathOf(store, lineage[0]!)).toEqual([
      { segment: 'one-segment', from: 0, to: 5 },
      { segment: 'two-segment', from: 6, to: 7 },
      { segment: 'three-segment', from: 8, to: Number.POSITIVE_INFINITY },
    ]);
  });

  it.each([
    [0, 'one-segment', ROOT[0]!],
    [9, 'one-segment', ROOT[9]!],
    [6, 'two-segment', TWO[0]!],
    [9, 'two-segment', TWO[3]!],
  ])('may go on from the first and the last record of a segment: tick %d of %s', async (tick, of, record) => {
    const { store } = await forked();
    const { segment } = await store.fork(newFork('four', of, record));
    const path = await pathOf(store, segment);
    expect(path.at(-1)).toEqual({ segment: 'four-segment', from: tick + 1, to: Number.POSITIVE_INFINITY });
    expect(path.at(-2)).toMatchObject({ segment: of, to: tick });
  });

  it('of a fork ends where it begins, in the segment that holds that tick', async () => {
    const { store, lineage } = await forked();
    const path = await pathOf(store, lineage[0]!);
    expect(forkPath(path, 7, 'x').map(({ segment, to }) => [segment, to])).toEqual([
      ['one-segment', 5],
      ['two-segment', 7],
      ['x', Number.POSITIVE_INFINITY],
    ]);
    expect(forkPath(path, 8, 'x').map(({ segment, to }) => [segment, to])).toEqual([
      ['one-segment', 5],
      ['two-segment', 7],
      ['three-segment', 8],
      ['x', Number.POSITIVE_INFINITY],
    ]);
  });

  it.each<[string, number, (info: SegmentInfo) => Partial<SegmentInfo>]>([
    ['a fork without a parent', 0, () => ({ parent: null })],
    ['a fork without an opening', 0, () => ({ opening: null })],
    ['a fork of another family', 1, () => ({ family: 'three-segment' })],
    ['a root with a parent', 2, () => ({ parent: { segment: 'x', tick: 1 } })],
    ['a root with an opening', 2, () => ({ opening: '{}' })],
    ['a root of another family', 2, () => ({ family: 'x' })],
  ])('L12: is refused through %s', async (_, place, change) => {
    const message = `CORRUPT: segment '${['three', 'two', 'one'][place]}-segment' is neither a root nor a fork`;
    expect(await told(place, change)).toBe(message);
  });

  it.each<[string, number, (info: SegmentInfo) => Partial<SegmentInfo>, string]>([
    [
      'a segment that is not the next',
      0,
      ({ parent }) => ({ parent: { ...parent!, segment: 'x' } }),
      "CORRUPT: segment 'three-segment' can't continue tick 7 of segment 'x'",
    ],
    [
      'a tick that is the next segment’s parent’s',
      0,
      at(5),
      "CORRUPT: segment 'three-segment' can't continue tick 5 of segment 'two-segment'",
    ],
    [
      'a tick before all',
      1,
      at(-1),
      "CORRUPT: segment 'two-segment' can't continue tick -1 of segment 'one-segment'",
    ],
    [
      'a tick that the next segment does not reach',
      1,
      ending(6),
      "CORRUPT: segment 'three-segment' can't continue tick 7 of segment 'two-segment'",
    ],
    [
      'a tick after its own end',
      0,
      ending(6),
      "CORRUPT: segment 'three-segment' can't continue tick 7 of segment 'two-segment'",
    ],
  ])('L12: is refused where a fork continues %s', async (_, place, change, message) => {
    expect(await told(place, change)).toBe(message);
  });

  it('L12: is refused where a first own record is gone, or follows another', async () => {
    const { store, lineage } = await forked();
    const reading = (change: (record: LogRecord) => LogRecord[]): LogStore => ({
      ...store,
      read: async (segment, from, limit) => {
        const page = await store.read(segment, from, limit);
        return segment === 'three-segment' ? { ...page, records: page.records.flatMap(change) } : page;
      },
    });
    const other = reading((record) => [{ ...record, previous: new Uint8Array(32) }]);
    expect(await caught(() => pathThrough(other, lineage))).toMatchObject({
      code: 'CORRUPT',
      facts: { tick: 7 },
    });
    const gone = reading(() => []);
    expect(await caught(() => pathThrough(gone, lineage))).toMatchObject({
      code: 'NO_RECORD',
      facts: { tick: 8 },
    });
  });
});

describe('the head of a segment', () => {
  it('is its last record, or the one that it continues', async () => {
    const { store, lineage } = await forked();
    for (const info of lineage) await checkHead(store, info);
    await checkHead(store, (await store.fork(newFork('four', 'two-segment', TWO[1]!))).segment);
  });

  it('L12: is refused where another record, or none, is there', async () => {
    const { store, lineage } = await forked();
    const [three] = lineage as [SegmentInfo];
    const refused = (head: Partial<SegmentInfo['head']>) =>
      caught(() => checkHead(store, { ...three, head: { ...three.head, ...head } }));
    expect(await refused({ tick: 6 })).toMatchObject({
      code: 'CORRUPT',
      message: "segment 'three-segment' can't end with tick 6",
    });
    expect(await refused({ tick: 9 })).toMatchObject({ code: 'CORRUPT', facts: { tick: 9 } });
    expect(await refused({ tick: 11 })).toMatchObject({ code: 'NO_RECORD', facts: { tick: 11 } });
    expect(await refused({ hash: new Uint8Array(32) })).toMatchObject({
      code: 'CORRUPT',
      facts: { tick: 10 },
    });
  });
});
