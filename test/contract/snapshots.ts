/** The contract of snapshots; a part of the suite in `log-store.ts`. */
import { expect, test } from 'vitest';
import { hasSnapshots, type LogRecord, type NewSnapshot, type Store } from '../../src/log/store.ts';
import { collectAll, factsOf, wholeLog } from './forks.ts';
import { type Bench, readAll } from './log-store.ts';
import { chain, continued, holder, newFork, newRun, outcome, plain, snapshotOf } from './records.ts';

const records = chain('a', 20);
const unknown = { code: 'UNKNOWN_RUN' };
const text = (s: string): Uint8Array => new TextEncoder().encode(s);
const refusal = async (call: Promise<unknown>): Promise<unknown> => outcome(() => call);

/** The texts of a snapshot's chunks. */
export async function textsOf(store: Store, segment: string, tick: number): Promise<string[]> {
  const { chunks } = (await store.readSnapshot(segment, tick))!;
  const texts: string[] = [];
  while (texts.length < chunks.length) {
    const page = await store.readChunks(segment, chunks.slice(texts.length), 20);
    texts.push(...page.map((bytes) => Buffer.from(bytes).toString()));
  }
  return texts;
}

/** `one` of 10 ticks, and `two`, a fork at tick 4 with 5 own ones. */
async function tree(store: Store): Promise<LogRecord[]> {
  await store.create(newRun('one', records[0]!));
  await store.append('one-segment', 1, 1, records.slice(1, 10));
  await store.fork(newFork('two', 'one-segment', records[4]!));
  const own = continued(records[4]!, 'two', 5);
  await store.append('two-segment', 1, 5, own);
  return [...records.slice(0, 5), ...own];
}

/** The sentences of `SnapshotStore`. */
export function snapshotContract(bench: Bench): void {
  keepContract(bench);
  shareContract(bench);
  baseContract(bench);
  refusedContract(bench);
  chunkContract(bench);
  pinContract(bench);
  sweepContract(bench);
  danglingContract(bench);
  gone(bench);
}

function keepContract(bench: Bench): void {
  test('a snapshot is read as it was kept', async () => {
    const { store } = bench;
    expect(hasSnapshots(store)).toBe(true);
    await tree(store);
    expect(await store.snapshots('one-segment')).toEqual([]);
    const chunks = await store.keepSnapshot(
      snapshotOf('one-segment', records[7]!, ['some', '', 'more of it']),
    );
    expect(new Set(chunks).size).toBe(3);
    await store.keepSnapshot(snapshotOf('one-segment', records[0]!, [], { pinned: true }));
    const [seventh, first] = [
      { segment: 'one-segment', tick: 7, pinned: false, bytes: 10 + 14 },
      { segment: 'one-segment', tick: 0, pinned: true, bytes: 10 },
    ];
    expect(await store.snapshots('one-segment')).toEqual([first, seventh]);
    expect(plain(await store.readSnapshot('one-segment', 7))).toEqual(
      plain({ ...seventh, manifest: text('manifest 7'), chunks }),
    );
    expect(plain(await store.readSnapshot('one-segment', 0))).toEqual(
      plain({ ...first, manifest: text('manifest 0'), chunks: [] }),
    );
    expect(await textsOf(store, 'one-segment', 7)).toEqual(['some', '', 'more of it']);
    expect(await store.readSnapshot('one-segment', 6)).toBeUndefined();
    expect(await store.snapshots('two-segment')).toEqual([]);
  });

  test('bytes of snapshots are copied on the way in and out', async () => {
    const { store } = bench;
    await tree(store);
    for (const [i, kind] of [Uint8Array, Buffer].entries()) {
      const given = { manifest: kind.from([1, 2, 3]), chunk: kind.from([4, 5]) };
      const hash = kind.from(records[i]!.hash);
      const more = { manifest: given.manifest, chunks: [given.chunk], hash };
      const numbers = await store.keepSnapshot(snapshotOf('one-segment', records[i]!, [], more));
      for (const bytes of [given.manifest, given.chunk, hash]) bytes.fill(7);
      const kept = [...numbers];
      (numbers as number[])[0] = 99;
      for (let times = 0; times < 2; times++) {
        const { manifest, chunks } = (await store.readSnapshot('one-segment', i))!;
        const [chunk] = await store.readChunks('one-segment', chunks, Infinity);
        expect({ manifest: plain(manifest), chunk: plain(chunk), chunks }).toEqual({
          manifest: '010203',
          chunk: '0405',
          chunks: kept,
        });
        for (const bytes of [manifest, chunk!]) {
          expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
          bytes.fill(9);
        }
        (chunks as number[])[0] = 99;
      }
    }
  });

  test('large manifests and chunks come back as they were', async () => {
    const { store } = bench;
    await tree(store);
    const sizes = [0, 4096, 65_536, 3_000_000];
    const more = {
      manifest: new Uint8Array(300_000).fill(5),
      chunks: sizes.map((size, i) => new Uint8Array(size).fill(i + 1)),
    };
    const numbers = await store.keepSnapshot(snapshotOf('one-segment', records[3]!, [], more));
    const back = await store.readChunks('one-segment', numbers, Infinity);
    expect(back.map((bytes) => bytes.length)).toEqual(sizes);
    expect(back.every((bytes, i) => Buffer.from(bytes).equals(more.chunks[i]!))).toBe(true);
    const { manifest, bytes } = (await store.readSnapshot('one-segment', 3))!;
    expect(Buffer.from(manifest).equals(more.manifest)).toBe(true);
    expect(bytes).toBe(300_000 + 4096 + 65_536 + 3_000_000);
  });
}

function shareContract(bench: Bench): void {
  test('snapshots of a family share chunks, and count what was stored for them', async () => {
    const { store } = bench;
    const two = await tree(store);
    const [a, b] = await store.keepSnapshot(snapshotOf('one-segment', records[3]!, ['aaa', 'bbb']));
    const next = await store.keepSnapshot(snapshotOf('one-segment', records[8]!, ['cc', a!, a!, 'd']));
    expect(next.slice(1, 3)).toEqual([a, a]);
    expect(new Set([a, b, ...next]).size).toBe(4);
    const far = await store.keepSnapshot(snapshotOf('two-segment', two[9]!, [next[0]!, b!, 'e']));
    expect(far.slice(0, 2)).toEqual([next[0], b]);
    expect(await textsOf(store, 'one-segment', 8)).toEqual(['cc', 'aaa', 'aaa', 'd']);
    expect(await textsOf(store, 'two-segment', 9)).toEqual(['cc', 'bbb', 'e']);
    const bytes = async (segment: string) => (await store.snapshots(segment)).map((info) => info.bytes);
    expect(await bytes('one-segment')).toEqual([10 + 6, 10 + 3]);
    expect(await bytes('two-segment')).toEqual([10 + 1]);
  });

  test('L7: a family holds no chunk of another', async () => {
    const { store } = bench;
    await tree(store);
    await store.create(newRun('other', records[0]!));
    const mine = await store.keepSnapshot(snapshotOf('one-segment', records[3]!, ['aaa', 'bbb']));
    const theirs = await store.keepSnapshot(snapshotOf('other-segment', records[0]!, ['ours']));
    for (const chunk of mine) {
      const none = { code: 'NO_CHUNK', segment: 'other-segment', chunk };
      expect(await factsOf(store.readChunks('other-segment', [chunk], 99))).toEqual(none);
      const taken = store.keepSnapshot(snapshotOf('other-segment', records[0]!, ['x', chunk]));
      expect(await factsOf(taken)).toEqual(none);
    }
    expect(await factsOf(store.readChunks('two-segment', theirs, 99))).toMatchObject({ code: 'NO_CHUNK' });
    expect(await textsOf(store, 'other-segment', 0)).toEqual(['ours']);
  });

  test('a snapshot of the same tick takes the place of the one before', async () => {
    const { store } = bench;
    await tree(store);
    const keep = (chunks: (string | number)[], pinned: boolean) =>
      store.keepSnapshot(snapshotOf('one-segment', records[3]!, chunks, { pinned, manifest: text('new') }));
    const [a] = await keep(['aaa', 'bbb'], false);
    await keep([a!, 'c'], true);
    const info = { segment: 'one-segment', tick: 3, pinned: true };
    expect(await store.snapshots('one-segment')).toEqual([{ ...info, bytes: 3 + 1 }]);
    await keep(['dddd'], false);
    expect(await store.snapshots('one-segment')).toEqual([{ ...info, bytes: 3 + 4 }]);
    expect(await textsOf(store, 'one-segment', 3)).toEqual(['dddd']);
    expect(await store.collect(99)).toBe(3);
    expect(await textsOf(store, 'one-segment', 3)).toEqual(['dddd']);
  });
}

function baseContract(bench: Bench): void {
  test('L6: a fork without own records may begin with a snapshot of the record that it continues', async () => {
    const { store } = bench;
    await tree(store);
    const [a] = await store.keepSnapshot(snapshotOf('one-segment', records[7]!, ['aa']));
    await store.fork(newFork('new', 'one-segment', records[7]!));
    const keep = (tick: number, more: Partial<NewSnapshot> = {}) =>
      factsOf(store.keepSnapshot(snapshotOf('new-segment', records[tick]!, ['b', a!], more)));
    for (const tick of [6, 8]) expect(await keep(tick)).toMatchObject({ code: 'NO_TICK', tick });
    expect(await keep(7, { hash: records[6]!.hash })).toMatchObject({ code: 'DIVERGED', tick: 7 });
    await store.keepSnapshot(snapshotOf('new-segment', records[7]!, ['b', a!]));
    const base = { segment: 'new-segment', tick: 7, pinned: false, bytes: 10 + 1 };
    expect(await store.snapshots('new-segment')).toEqual([base]);
    expect(await textsOf(store, 'one-segment', 7)).toEqual(['aa']);
    const [own] = continued(records[7]!, 'new', 1) as [LogRecord];
    await store.append('new-segment', 1, 8, [own]);
    expect(await keep(7)).toMatchObject({ code: 'NO_TICK', tick: 7, first: 8, last: 8 });
    await store.keepSnapshot(snapshotOf('new-segment', own, [a!]));
    await store.fork(newFork('newer', 'new-segment', own));
    await store.remove('new', true);
    // The base is among what the last fork reaches.
    expect(await store.collect(99)).toBe(0);
    expect(await textsOf(store, 'new-segment', 7)).toEqual(['b', 'aa']);
    await store.keepSnapshot(snapshotOf('newer-segment', own, ['c']));
    await store.remove('newer', true);
    // Both segments, a record, three snapshots, and the chunks that only they used.
    expect((await collectAll(store, 1)).reduce((x, y) => x + y)).toBe(2 + 1 + 3 + 2);
    expect(await textsOf(store, 'one-segment', 7)).toEqual(['aa']);
  });
}

function refusedContract(bench: Bench): void {
  test('a snapshot is refused in the order of the port, and then nothing of it is there', async () => {
    const { store } = bench;
    const two = await tree(store);
    const wrong = new Uint8Array(32);
    const keep = (segment: string, more: Partial<NewSnapshot>) =>
      factsOf(store.keepSnapshot(snapshotOf(segment, two[7]!, ['new', 12345], { hash: wrong, ...more })));
    const late = { tick: 10, epoch: 9 };
    expect(await keep('none', late)).toMatchObject(unknown);
    expect(await keep('two-segment', late)).toMatchObject({ code: 'WRITER_REPLACED' });
    const place = { segment: 'two-segment', first: 5, last: 9 };
    for (const tick of [10, 4, 0])
      expect(await keep('two-segment', { tick })).toEqual({ code: 'NO_TICK', tick, ...place });
    expect(await keep('two-segment', {})).toMatchObject({
      code: 'DIVERGED',
      segment: 'two-segment',
      tick: 7,
    });
    expect(await keep('two-segment', { hash: two[7]!.hash })).toEqual({
      code: 'NO_CHUNK',
      segment: 'two-segment',
      chunk: 12345,
    });
    expect(await store.snapshots('two-segment')).toEqual([]);
    expect(await store.collect(99)).toBe(0);
    await store.remove('two', true);
    for (const epoch of [1, 2])
      expect(await keep('two-segment', { hash: two[7]!.hash, epoch })).toMatchObject({
        code: 'WRITER_REPLACED',
      });
  });

  test('arguments that mean nothing to snapshots are refused, and so are unknown segments', async () => {
    const { store } = bench;
    await tree(store);
    const keep = (more: object) =>
      store.keepSnapshot({ ...snapshotOf('one-segment', records[3]!, ['a']), ...more });
    const s = 'one-segment';
    const calls = [
      () => keep({ tick: -1 }),
      () => keep({ hash: new Uint8Array(31) }),
      () => keep({ pinned: 1 }),
      () => keep({ manifest: '' }),
      () => keep({ chunks: [-1] }),
      () => keep({ chunks: [0.5] }),
      () => keep({ chunks: ['text'] }),
      () => store.readSnapshot(s, 0.5),
      () => store.readChunks(s, [Number.NaN], 9),
      () => store.readChunks(s, [], -1),
      () => store.readChunks(s, [], Number.NaN),
      () => store.dropSnapshots(s, [-1]),
      () => store.pinSnapshot(s, -1, true),
      () => store.pinSnapshot(s, 1, 'yes' as unknown as boolean),
    ];
    for (const call of calls) expect(await outcome(call)).toEqual({ code: 'BAD_USAGE' });
    expect(await store.snapshots(s)).toEqual([]);
    const others = [
      () => store.snapshots('none'),
      () => store.readSnapshot('none', 3),
      () => store.readChunks('none', [], 9),
      () => store.dropSnapshots('none', []),
      () => store.pinSnapshot('none', 3, true),
    ];
    for (const call of others) expect(await outcome(call)).toEqual(unknown);
  });

  test('L7: a replaced writer keeps no snapshot', async () => {
    const { store } = bench;
    await tree(store);
    expect(await store.acquire('one-segment', holder('next'), true)).toBe(2);
    const keep = (epoch: number) =>
      refusal(store.keepSnapshot(snapshotOf('one-segment', records[3]!, ['a'], { epoch })));
    expect(await keep(1)).toEqual({ code: 'WRITER_REPLACED' });
    expect(await keep(2)).toHaveProperty('value');
  });
}

function chunkContract(bench: Bench): void {
  test('chunks are read in the order asked for, as many as fit', async () => {
    const { store } = bench;
    await tree(store);
    const texts = ['aaaa', 'bb', '', 'cccccc'];
    const [a, b, none, c] = await store.keepSnapshot(snapshotOf('one-segment', records[3]!, texts));
    const read = async (numbers: (number | undefined)[], bytes: number) =>
      (await store.readChunks('two-segment', numbers as number[], bytes)).map((r) =>
        Buffer.from(r).toString(),
      );
    expect(await read([], 9)).toEqual([]);
    expect(await read([c, a, b, a], Infinity)).toEqual(['cccccc', 'aaaa', 'bb', 'aaaa']);
    expect(await read([a, b, c], 6)).toEqual(['aaaa', 'bb']);
    expect(await read([a, b, none, c], 6)).toEqual(['aaaa', 'bb', '']);
    expect(await read([a, b, c], 5)).toEqual(['aaaa']);
    expect(await read([a, b, c], 5.5)).toEqual(['aaaa']);
    expect(await read([c, none, none], 0)).toEqual(['cccccc']);
    expect(await read([none, none, a], 0)).toEqual(['', '']);
  });

  test('a chunk that is not there is named', async () => {
    const { store } = bench;
    await tree(store);
    const [a, b] = await store.keepSnapshot(snapshotOf('one-segment', records[3]!, ['aaaa', 'bb']));
    const absent = a! + b! + 1;
    for (const numbers of [[absent], [a!, absent], [a!, b!, absent, a!]])
      expect(await factsOf(store.readChunks('one-segment', numbers, Infinity))).toEqual({
        code: 'NO_CHUNK',
        segment: 'one-segment',
        chunk: absent,
      });
    expect(await store.readChunks('one-segment', [a!, b!, absent], 4)).toHaveLength(1);
  });
}

function pinContract(bench: Bench): void {
  test('a pinned snapshot is kept until it is unpinned', async () => {
    const { store } = bench;
    await tree(store);
    for (const tick of [2, 3, 5])
      await store.keepSnapshot(snapshotOf('one-segment', records[tick]!, ['a'], { pinned: tick === 2 }));
    await store.pinSnapshot('one-segment', 5, true);
    const ticks = async () =>
      (await store.snapshots('one-segment')).map(({ tick, pinned }) => [tick, pinned]);
    expect(await ticks()).toEqual([
      [2, true],
      [3, false],
      [5, true],
    ]);
    expect((await store.readSnapshot('one-segment', 5))?.pinned).toBe(true);
    expect(await store.dropSnapshots('one-segment', [2, 3, 3, 4, 5, 999])).toBe(1);
    await store.pinSnapshot('one-segment', 2, false);
    expect(await ticks()).toEqual([
      [2, false],
      [5, true],
    ]);
    expect(await store.dropSnapshots('one-segment', [2, 3, 5])).toBe(1);
    expect(await store.dropSnapshots('one-segment', [])).toBe(0);
    expect(await ticks()).toEqual([[5, true]]);
    for (const tick of [2, 3])
      expect(await factsOf(store.pinSnapshot('one-segment', tick, true))).toEqual({
        code: 'NO_TICK',
        segment: 'one-segment',
        tick,
      });
  });

  test('L4: without a snapshot no record is lost', async () => {
    const { store } = bench;
    const two = await tree(store);
    for (const tick of [2, 3, 5])
      await store.keepSnapshot(snapshotOf('one-segment', records[tick]!, ['a', 'b']));
    await store.keepSnapshot(snapshotOf('two-segment', two[6]!, ['a']));
    const before = plain([await store.head('one'), await store.head('two')]);
    expect(await store.dropSnapshots('one-segment', [2, 3, 5])).toBe(3);
    expect(await store.dropSnapshots('two-segment', [6])).toBe(1);
    expect((await collectAll(store, 3)).reduce((a, b) => a + b)).toBe(7);
    expect(plain([await store.head('one'), await store.head('two')])).toEqual(before);
    expect(plain(await readAll(store, 'one-segment'))).toEqual(plain(records.slice(0, 10)));
    expect(plain(await wholeLog(store, 'two-segment'))).toEqual(plain(two));
  });
}

function sweepContract(bench: Bench): void {
  test('a collection deletes the chunks that no snapshot uses, and no other', async () => {
    const { store } = bench;
    const two = await tree(store);
    const [a] = await store.keepSnapshot(snapshotOf('one-segment', records[2]!, ['a', 'b', 'c']));
    await store.keepSnapshot(snapshotOf('two-segment', two[7]!, ['d', a!]));
    expect(await store.collect(99)).toBe(0);
    await store.dropSnapshots('one-segment', [2]);
    expect(await collectAll(store, 1)).toEqual([1, 1]);
    expect(await textsOf(store, 'two-segment', 7)).toEqual(['d', 'a']);
    await store.dropSnapshots('two-segment', [7]);
    expect(await store.collect(99)).toBe(2);
    expect(await factsOf(store.readChunks('one-segment', [a!], 9))).toMatchObject({
      code: 'NO_CHUNK',
      chunk: a,
    });
    expect(await store.collect(99)).toBe(0);
  });

  test('a number is never given to a second chunk', async () => {
    const { store } = bench;
    await tree(store);
    const seen = new Set<number>();
    for (let times = 0; times < 5; times++) {
      const numbers = await store.keepSnapshot(snapshotOf('one-segment', records[2]!, ['a', 'b']));
      for (const number of numbers) seen.add(number);
      await store.dropSnapshots('one-segment', [2]);
      await store.collect(99);
    }
    expect(seen.size).toBe(10);
  });
}

function danglingContract(bench: Bench): void {
  test('L2: a snapshot that counts on a chunk which a collection took is refused whole', async () => {
    const { store, under } = bench;
    const other = (await under.again?.()) ?? store;
    await tree(store);
    const [x, y] = await store.keepSnapshot(snapshotOf('one-segment', records[2]!, ['x', 'y']));
    const planned = snapshotOf('one-segment', records[8]!, ['new', x!, y!]);
    await other.dropSnapshots('one-segment', [2]);
    expect(await other.collect(1)).toBe(1);
    const [gone] = (
      await Promise.all(
        [x!, y!].map(async (chunk) => {
          const read = await refusal(store.readChunks('one-segment', [chunk], 9));
          return (read as { code?: string }).code === 'NO_CHUNK' ? [chunk] : [];
        }),
      )
    ).flat();
    expect(await factsOf(store.keepSnapshot(planned))).toEqual({
      code: 'NO_CHUNK',
      segment: 'one-segment',
      chunk: gone,
    });
    expect(await store.snapshots('one-segment')).toEqual([]);
    // Of the refused one nothing stays: the other chunk of the first snapshot is all that is left.
    expect(await collectAll(other, 9)).toEqual([1]);
    await store.keepSnapshot({ ...planned, chunks: ['new', 'x', 'y'].map(text) });
    expect(await textsOf(store, 'one-segment', 8)).toEqual(['new', 'x', 'y']);
    if (other !== store) await other.close();
  });

  test('L2: a chunk that a snapshot uses is never deleted, whenever the collection comes', async () => {
    const { store, under } = bench;
    const other = (await under.again?.()) ?? store;
    await tree(store);
    let shared: readonly number[] = [];
    for (let round = 0; round < 12; round++) {
      const tick = round % 10;
      const [first, second] = shared;
      const reused = first === undefined ? [] : [first, second!];
      const snapshot = snapshotOf('one-segment', records[tick]!, [`new ${round}`, ...reused]);
      // Both are under way at once; the collection sees the snapshot or comes before it.
      const [kept] = await Promise.all([
        store.keepSnapshot(snapshot),
        other.collect(2),
        other.dropSnapshots('one-segment', round > 2 ? [(round + 7) % 10] : []),
      ]);
      shared = kept;
      await other.collect(3);
      for (const info of await store.snapshots('one-segment'))
        expect(await textsOf(store, 'one-segment', info.tick)).toContain(
          `new ${round - ((round - info.tick) % 10)}`,
        );
    }
    if (other !== store) await other.close();
  });
}

function gone(bench: Bench): void {
  test('snapshots of a removed run go with its records, pinned or not', async () => {
    const { store } = bench;
    const two = await tree(store);
    for (const tick of [3, 8])
      await store.keepSnapshot(snapshotOf('one-segment', records[tick]!, [`only ${tick}`], { pinned: true }));
    await store.keepSnapshot(snapshotOf('two-segment', two[6]!, ['mine']));
    await store.remove('one', true);
    // Records 5 to 9, the snapshot of 8 and its chunk.
    expect((await collectAll(store, 2)).reduce((a, b) => a + b)).toBe(7);
    expect((await store.snapshots('one-segment')).map(({ tick }) => tick)).toEqual([3]);
    expect(await textsOf(store, 'one-segment', 3)).toEqual(['only 3']);
    expect(await textsOf(store, 'two-segment', 6)).toEqual(['mine']);
    await store.remove('two', true);
    // Five records each, two snapshots, two chunks, two segments.
    expect((await collectAll(store, 1)).reduce((a, b) => a + b)).toBe(16);
    expect(await store.list(null, 9)).toEqual([]);
    expect(await refusal(store.snapshots('one-segment'))).toEqual(unknown);
  });
}
