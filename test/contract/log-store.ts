/**
 * The contract of a store: every "must" of `src/log/store.ts`, as one suite for every implementation.
 *
 * The random scripts at the end compare a store with a model; the tests before them say each sentence by
 * itself, so that a failure is readable.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hasAttempts, hasLeases, type LogRecord, type Store } from '../../src/log/store.ts';
import { forkContract } from './forks.ts';
import { attemptContract, leaseContract } from './leases.ts';
import { chain, newFork, newRun, outcome, plain, snapshotOf } from './records.ts';
import { Model, scripts } from './script.ts';
import { snapshotContract } from './snapshots.ts';

/** One store, empty, and what a test needs beside it. */
export interface StoreUnderTest {
  readonly store: Store;
  /** Opens another store object on the same medium; absent where a medium can't be shared. */
  readonly again?: () => Promise<Store>;
  /** Lets time pass on the clock of leases. */
  elapse(ms: number): void;
  /** Closes what is open and takes away what is left. */
  end(): Promise<void>;
}

/** What the parts of the suite work on: the store of the running test. */
export interface Bench {
  store: Store;
  under: StoreUnderTest;
}

const ALL = { records: Infinity, bytes: Infinity };
const records = chain('a', 40);
const others = chain('b', 40);

const refusal = async (call: Promise<unknown>): Promise<unknown> => outcome(() => call);

/** Every record of a segment, page by page. */
export async function readAll(store: Store, segment: string, from = 0): Promise<LogRecord[]> {
  const all: LogRecord[] = [];
  for (let next: number | null = from; next !== null; ) {
    const page = await store.read(segment, next, { records: 3, bytes: 200 });
    all.push(...page.records);
    next = page.next;
  }
  return all;
}

/**
 * Runs the suite. `makeStore` gives an empty store each time; `shared` says that two store objects can be on
 * its medium; `numRuns` is how many random scripts are
 * played.
 */
export function logStoreContract(
  name: string,
  makeStore: () => Promise<StoreUnderTest>,
  { numRuns = 100, shared = true }: { numRuns?: number; shared?: boolean } = {},
): void {
  describe(`${name}: the contract of a store`, () => {
    const bench = {} as Bench;
    beforeEach(async () => {
      bench.under = await makeStore();
      bench.store = bench.under.store;
    });
    afterEach(() => bench.under.end());

    createContract(bench);
    appendContract(bench);
    sizeContract(bench);
    divergenceContract(bench);
    readContract(bench);
    listContract(bench);
    leaseContract(bench);
    attemptContract(bench);
    forkContract(bench);
    snapshotContract(bench);
    closeContract(bench);
    if (shared) sharedContract(bench);
    scriptContract(makeStore, numRuns);
  });
}

function createContract(bench: Bench): void {
  test('create returns the run as head then gives it', async () => {
    const made = await bench.store.create(newRun('one', records[0]!));
    const head = { tick: 0, hash: records[0]!.hash };
    const id = 'one-segment';
    const segment = { id, family: id, parent: null, head, epoch: 1, opening: null };
    expect(plain(made)).toEqual(plain({ id: 'one', header: '{"run":"3"}', segment }));
    expect(plain(await bench.store.head('one'))).toEqual(plain(made));
    expect(await bench.store.head('two')).toBeUndefined();
    expect(hasLeases(bench.store) && hasAttempts(bench.store)).toBe(true);
  });

  test('L2: create writes all or nothing', async () => {
    const { store } = bench;
    await store.create(newRun('one', records[0]!));
    const taken = { code: 'EXISTS' };
    expect(await refusal(store.create(newRun('one', others[0]!, { segment: 'fresh' })))).toEqual(taken);
    expect(await refusal(store.read('fresh', 0, ALL))).toEqual({ code: 'UNKNOWN_RUN' });
    expect(await refusal(store.create(newRun('two', others[0]!, { segment: 'one-segment' })))).toEqual(taken);
    expect(await store.head('two')).toBeUndefined();
    expect(await store.list(null, 9)).toHaveLength(1);
    expect(plain(await readAll(store, 'one-segment'))).toEqual(plain(records.slice(0, 1)));
    await store.create(newRun('two', others[0]!, { segment: 'fresh' }));
  });

  test('L1: a log begins with tick 0 on zeros', async () => {
    const { store } = bench;
    const zeros = new Uint8Array(32);
    const wrong = [
      records[1]!,
      { ...records[1]!, previous: zeros },
      { ...records[0]!, previous: records[0]!.hash },
    ];
    for (const record of wrong)
      expect(await refusal(store.create(newRun('one', record)))).toEqual({ code: 'GAP' });
    expect(await store.list(null, 9)).toEqual([]);
  });

  test('arguments that mean nothing are refused and change nothing', async () => {
    const { store } = bench;
    await store.create(newRun('one', records[0]!));
    const short = { ...records[1]!, hash: records[1]!.hash.subarray(1) };
    const calls = [
      () => store.create(newRun('', records[0]!)),
      () => store.create(newRun('a\0b', records[0]!)),
      () => store.create(newRun('two', records[0]!, { segment: '\ud83d' })),
      () => store.append('one-segment', 1, -1, []),
      () => store.append('one-segment', 1, 0.5, []),
      () => store.append('one-segment', 1, 1, [short]),
      () => store.read('one-segment', -1, ALL),
      () => store.read('one-segment', 0, { records: 0, bytes: 10 }),
      () => store.read('one-segment', 0, { records: 1, bytes: Number.NaN }),
      () => store.list(null, 0),
      () => store.keepAttempt('one-segment', { tick: 1, text: 'half \ud83d' }),
    ];
    for (const call of calls) expect(await outcome(call)).toEqual({ code: 'BAD_USAGE' });
    expect(plain(await store.list(null, 9))).toHaveLength(1);
    expect(await store.attempts('one-segment')).toEqual([]);
  });
}

function appendContract(bench: Bench): void {
  test('L1: the same bytes again change nothing', async () => {
    const { store } = bench;
    await store.create(newRun('one', records[0]!));
    const head = await store.append('one-segment', 1, 1, records.slice(1, 6));
    expect(plain(head)).toEqual(plain({ tick: 5, hash: records[5]!.hash }));
    for (const [from, to] of [
      [1, 6],
      [0, 1],
      [3, 4],
      [6, 6],
      [2, 2],
    ] as const)
      expect(plain(await store.append('one-segment', 1, from, records.slice(from, to)))).toEqual(plain(head));
    expect(plain(await readAll(store, 'one-segment'))).toEqual(plain(records.slice(0, 6)));
  });

  test('L1: what overlaps is skipped, and the rest goes in', async () => {
    const { store } = bench;
    await store.create(newRun('one', records[0]!));
    await store.append('one-segment', 1, 1, records.slice(1, 4));
    await store.append('one-segment', 1, 2, records.slice(2, 9));
    expect(plain(await readAll(store, 'one-segment'))).toEqual(plain(records.slice(0, 9)));
    expect((await store.head('one'))?.segment.head.tick).toBe(8);
  });

  test('L2: a group with one bad record leaves nothing behind', async () => {
    const { store } = bench;
    await store.create(newRun('one', records[0]!));
    const group = [...records.slice(1, 5), others[5]!];
    const refused = await refusal(store.append('one-segment', 1, 1, group));
    expect(refused).toEqual({ code: 'DIVERGED', segment: 'one-segment', tick: 5 });
    expect(plain(await readAll(store, 'one-segment'))).toEqual(plain(records.slice(0, 1)));
    expect((await store.head('one'))?.segment.head.tick).toBe(0);
    await store.append('one-segment', 1, 1, records.slice(1, 6));
  });

  test('bytes handed in are copied, and bytes handed out are nobody else’s', async () => {
    const { store } = bench;
    for (const kind of [Uint8Array, Buffer]) {
      const own = chain('own', 2, (tick) => kind.from([1, 2, 3, tick]));
      const hash = kind === Buffer ? Buffer.from(own[1]!.hash) : own[1]!.hash;
      const given = [own[0]!, { ...own[1]!, hash, previous: new Uint8Array(own[1]!.previous) }] as const;
      const want = plain(given);
      await store.create(newRun(`own ${kind.name}`, given[0], { segment: kind.name }));
      await store.append(kind.name, 1, 1, [given[1]]);
      for (const record of given)
        for (const bytes of [record.bytes, record.hash, record.previous]) bytes.fill(7);
      for (let times = 0; times < 2; times++) {
        const page = await store.read(kind.name, 0, ALL);
        expect(plain(page.records)).toEqual(want);
        for (const record of page.records)
          for (const bytes of [record.bytes, record.hash, record.previous]) {
            expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
            bytes.fill(9);
          }
        (await store.append(kind.name, 1, 2, [])).hash.fill(9);
        (await store.head(`own ${kind.name}`))?.segment.head.hash.fill(9);
      }
    }
  });
}

function sizeContract(bench: Bench): void {
  test('large and empty records come back as they were', async () => {
    const { store } = bench;
    const sizes = [0, 1, 4095, 4096, 4097, 8191, 8192, 8193, 100_000, 3_000_000, 0];
    const large = chain('large', sizes.length, (tick) => new Uint8Array(sizes[tick]!).fill(tick + 1));
    await store.create(newRun('one', large[0]!));
    await store.append('one-segment', 1, 1, large.slice(1));
    const { records: back } = await store.read('one-segment', 0, ALL);
    expect(back.map((r) => r.bytes.length)).toEqual(sizes);
    expect(back.every((r, i) => Buffer.from(r.bytes).equals(large[i]!.bytes))).toBe(true);
  });
}

function divergenceContract(bench: Bench): void {
  test('L1: other bytes are a named error', async () => {
    const { store } = bench;
    await store.create(newRun('one', records[0]!));
    await store.append('one-segment', 1, 1, records.slice(1, 6));
    const at = async (firstTick: number, given: LogRecord[]) =>
      refusal(store.append('one-segment', 1, firstTick, given));
    const diverged = (tick: number) => ({ code: 'DIVERGED', segment: 'one-segment', tick });
    expect(await at(3, others.slice(3, 4))).toEqual(diverged(3));
    expect(await at(3, [...records.slice(3, 5), ...others.slice(5, 8)])).toEqual(diverged(5));
    expect(await at(6, others.slice(6, 8))).toEqual(diverged(6));
    expect(await at(6, [records[6]!, others[7]!])).toEqual(diverged(7));
    expect(await at(7, records.slice(7, 8))).toEqual({ code: 'GAP' });
    expect(await at(7, [])).toEqual({ code: 'GAP' });
    expect(await at(6, [records[6]!, records[8]!])).toEqual({ code: 'GAP' });
    expect(await at(6, [records[7]!])).toEqual({ code: 'GAP' });
    expect(plain(await readAll(store, 'one-segment'))).toEqual(plain(records.slice(0, 6)));
  });

  test('L1: an append is checked in the order of the port', async () => {
    const { store } = bench;
    await store.create(newRun('one', records[0]!));
    await store.append('one-segment', 1, 1, records.slice(1, 6));
    // Each call breaks this rule and every later one.
    const hole = [others[3]!, others[5]!];
    const calls: [string, number, number, LogRecord[], string][] = [
      ['none', 9, 9, [others[9]!, others[3]!], 'UNKNOWN_RUN'],
      ['one-segment', 9, 9, [others[9]!, others[3]!], 'WRITER_REPLACED'],
      ['one-segment', 0, 9, [others[9]!, others[3]!], 'WRITER_REPLACED'],
      ['one-segment', 1, 9, [others[9]!, others[3]!], 'GAP'],
      ['one-segment', 1, 3, hole, 'GAP'],
    ];
    for (const [segment, epoch, first, given, code] of calls)
      expect(await refusal(store.append(segment, epoch, first, given))).toEqual({ code });
    const both = [others[5]!, records[6]!];
    const refused = await refusal(store.append('one-segment', 1, 5, both));
    expect(refused).toEqual({ code: 'DIVERGED', segment: 'one-segment', tick: 5 });
  });
}

function readContract(bench: Bench): void {
  test('pages are bounded, in order and without holes', async () => {
    const { store } = bench;
    const sized = chain('sized', 10, () => new Uint8Array(100));
    await store.create(newRun('one', sized[0]!));
    await store.append('one-segment', 1, 1, sized.slice(1));
    const page = async (from: number, count: number, bytes: number) => {
      const { records: got, next } = await store.read('one-segment', from, { records: count, bytes });
      return [got.map((r) => r.tick), next];
    };
    expect(await page(0, 3, Infinity)).toEqual([[0, 1, 2], 3]);
    expect(await page(0, Infinity, 300)).toEqual([[0, 1, 2], 3]);
    expect(await page(0, Infinity, 299)).toEqual([[0, 1], 2]);
    expect(await page(4, Infinity, 0)).toEqual([[4], 5]);
    expect(await page(8, 9, Infinity)).toEqual([[8, 9], null]);
    expect(await page(8, 2, Infinity)).toEqual([[8, 9], null]);
    expect(await page(10, 9, Infinity)).toEqual([[], null]);
    expect(await page(5000, 9, Infinity)).toEqual([[], null]);
    expect(await refusal(store.read('none', 0, ALL))).toEqual({ code: 'UNKNOWN_RUN' });
  });

  test('L7: reading while appending gives a prefix, page by page', async () => {
    const { store } = bench;
    await store.create(newRun('one', records[0]!));
    const seen: LogRecord[] = [];
    let next: number | null = 0;
    for (let tick = 1; next !== null; tick++) {
      // The append is under way while the page is read.
      const appended = tick < records.length ? store.append('one-segment', 1, tick, [records[tick]!]) : null;
      const page = await store.read('one-segment', next, { records: 2, bytes: Infinity });
      seen.push(...page.records);
      await appended;
      const { segment } = (await store.head('one'))!;
      expect(segment.head.tick).toBeGreaterThanOrEqual(seen.length - 1);
      next = page.next ?? (seen.length < records.length ? seen.length : null);
    }
    expect(plain(seen)).toEqual(plain(records));
  });
}

function listContract(bench: Bench): void {
  test('runs are listed by UTF-16 code units, in pages', async () => {
    const { store } = bench;
    // U+1F600 is above U+FFFD in UTF-8 and below it in UTF-16.
    const ids = [
      'b',
      'a',
      'ab',
      'B',
      'é',
      'e\u0301',
      '\ufffd',
      '😀',
      '😀a',
      '\u{10ffff}',
      '\ue000',
      '10',
      '9',
      ' a',
    ];
    for (const id of ids) await store.create(newRun(id, records[0]!));
    const sorted = [...ids].sort();
    for (const limit of [1, 3, 99, Infinity]) {
      const seen: string[] = [];
      for (let after: string | null = null; ; after = seen.at(-1)!) {
        const page = await store.list(after, limit);
        expect(page.length).toBeLessThanOrEqual(limit);
        if (page.length === 0) break;
        seen.push(...page.map((r) => r.id));
      }
      expect(seen).toEqual(sorted);
    }
    expect((await store.list('aa', 2)).map((r) => r.id)).toEqual(['ab', 'b']);
    for (const id of ids) expect((await store.head(id))?.segment.id).toBe(`${id}-segment`);
  });
}

function closeContract(bench: Bench): void {
  test('after close every call is refused, and closing again does nothing', async () => {
    const { store } = bench;
    await store.create(newRun('one', records[0]!));
    await store.close();
    await store.close();
    const holding = newRun('two', records[0]!).holder;
    const calls = [
      () => store.create(newRun('', records[0]!)),
      () => store.append('one-segment', 1, 1, []),
      () => store.read('one-segment', 0, ALL),
      () => store.head('one'),
      () => store.list(null, 1),
      () => store.acquire('one-segment', holding, true),
      () => store.renew('one-segment', 1),
      () => store.release('one-segment', 1),
      () => store.keepAttempt('one-segment', { tick: 1, text: '{}' }),
      () => store.attempts('one-segment'),
      () => store.fork(newFork('', 'one-segment', records[0]!)),
      () => store.lineage('one-segment'),
      () => store.remove('one', true),
      () => store.collect(1),
      () => store.keepSnapshot(snapshotOf('one-segment', records[0]!, [])),
      () => store.snapshots('one-segment'),
      () => store.readSnapshot('one-segment', 0),
      () => store.readChunks('one-segment', [], 1),
      () => store.dropSnapshots('one-segment', []),
      () => store.pinSnapshot('one-segment', 0, true),
    ];
    for (const call of calls) expect(await outcome(call)).toEqual({ code: 'CLOSED' });
  });
}

function sharedContract(bench: Bench): void {
  const two = async (): Promise<[Store, Store]> => [bench.store, await bench.under.again!()];

  test('L7: two store objects on one medium see one log', async () => {
    const [a, b] = await two();
    await a.create(newRun('one', records[0]!));
    const twice = [
      a.append('one-segment', 1, 1, records.slice(1, 4)),
      b.append('one-segment', 1, 1, records.slice(1, 6)),
    ];
    await Promise.all(twice);
    expect(plain(await readAll(a, 'one-segment'))).toEqual(plain(records.slice(0, 6)));
    expect(plain(await readAll(b, 'one-segment'))).toEqual(plain(records.slice(0, 6)));
    const made = [a.create(newRun('two', records[0]!)), b.create(newRun('two', others[0]!))];
    const settled = await Promise.all(made.map(refusal));
    expect(settled.filter((s) => (s as { code?: string }).code === 'EXISTS')).toHaveLength(1);
    await a.close();
    expect(await b.list(null, 9)).toHaveLength(2);
    await b.close();
  });

  test('L7: a replaced writer commits nothing, from whichever store object', async () => {
    const [a, b] = await two();
    await a.create(newRun('one', records[0]!));
    await a.append('one-segment', 1, 1, records.slice(1, 3));
    expect(await b.acquire('one-segment', newRun('x', records[0]!).holder, true)).toBe(2);
    for (const store of [a, b]) {
      const late = await refusal(store.append('one-segment', 1, 3, records.slice(3, 4)));
      expect(late).toEqual({ code: 'WRITER_REPLACED' });
    }
    await b.append('one-segment', 2, 3, records.slice(3, 5));
    expect(plain(await readAll(a, 'one-segment'))).toEqual(plain(records.slice(0, 5)));
    await b.close();
  });
}

function scriptContract(makeStore: () => Promise<StoreUnderTest>, numRuns: number): void {
  test('L1 L2 L7 L10: any script of calls is answered as the model says', async () => {
    const property = fc.asyncProperty(scripts, fc.boolean(), async (script, shared) => {
      const { store, again, elapse, end } = await makeStore();
      const stores = [store, shared && again ? await again() : store];
      const model = new Model();
      try {
        for (const [i, step] of script.entries()) {
          const got = await outcome(() => model.play(step, stores[i % 2]!, elapse));
          expect({ step, got }).toEqual({ step, got: model.expect(step) });
        }
        for (const run of await store.list(null, 9)) {
          const { id, head } = run.segment;
          expect(await readAll(store, id)).toHaveLength(head.tick + 1);
        }
      } finally {
        await stores[1]!.close();
        await end();
      }
    });
    await fc.assert(property, { numRuns });
  });
}
