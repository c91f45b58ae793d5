/** The contract of forks, removal and collection; a part of the suite in `log-store.ts`. */
import { expect, test } from 'vitest';
import { isWorldfoldError } from '../../src/base/errors.ts';
import { thisProcess } from '../../src/base/platform.ts';
import { hasForks, type LogRecord, type NewFork, type Store } from '../../src/log/store.ts';
import { type Bench, readAll } from './log-store.ts';
import { chain, continued, deadPid, holder, newFork, newRun, outcome, plain } from './records.ts';

const ALL = { records: Infinity, bytes: Infinity };
const records = chain('a', 20);
const unknown = { code: 'UNKNOWN_RUN' };
const replaced = { code: 'WRITER_REPLACED' };
const exists = { code: 'EXISTS' };

const refusal = async (call: Promise<unknown>): Promise<unknown> => outcome(() => call);

/** The code and the facts of a refusal. */
export async function factsOf(call: Promise<unknown>): Promise<unknown> {
  const error = await call.catch((e: unknown) => e);
  if (!isWorldfoldError(error)) throw error ?? expect.unreachable('a refusal was due');
  return { code: error.code, ...error.facts };
}

/** Calls `collect` until nothing is left; returns what each call deleted. */
export async function collectAll(store: Store, limit: number): Promise<number[]> {
  const deleted: number[] = [];
  for (let calls = 0; deleted.at(-1) !== 0; calls++) {
    expect(calls).toBeLessThan(1000);
    deleted.push(await store.collect(limit));
  }
  return deleted.slice(0, -1);
}

/** A tree: `one` of 10 ticks (0 to 9), and forks of it and of each other with records of their own. */
async function tree(store: Store, forks: readonly (readonly [id: string, of: string, tick: number])[]) {
  const logs = new Map<string, LogRecord[]>([['one', records.slice(0, 10)]]);
  await store.create(newRun('one', records[0]!));
  await store.append('one-segment', 1, 1, records.slice(1, 10));
  for (const [id, of, tick] of forks) {
    const before = logs.get(of)!.slice(0, tick + 1);
    const own = continued(before[tick]!, id, 5);
    await store.fork(newFork(id, `${of}-segment`, before[tick]!));
    await store.append(`${id}-segment`, 1, tick + 1, own);
    logs.set(id, [...before, ...own]);
  }
  return logs;
}

/** The records of a run from tick 0, through all that it continues. */
export async function wholeLog(store: Store, segment: string): Promise<LogRecord[]> {
  const log: LogRecord[] = [];
  let last = Infinity;
  for (const { id, parent } of await store.lineage(segment)) {
    const own = await readAll(store, id, parent === null ? 0 : parent.tick + 1);
    log.unshift(...own.filter(({ tick }) => tick <= last));
    last = parent?.tick ?? -1;
  }
  return log;
}

/** The sentences of `ForkStore`, and what forks change of `LogStore`. */
export function forkContract(bench: Bench): void {
  beginContract(bench);
  continueContract(bench);
  refusedContract(bench);
  lineageContract(bench);
  removeContract(bench);
  collectContract(bench);
  reachContract(bench);
}

function beginContract(bench: Bench): void {
  test('L6: a fork is a segment on its parent’s record, and stores none', async () => {
    const { store } = bench;
    expect(hasForks(store)).toBe(true);
    await tree(store, []);
    const before = plain([await store.head('one'), await readAll(store, 'one-segment')]);
    const made = await store.fork(newFork('two', 'one-segment', records[4]!));
    const segment = {
      id: 'two-segment',
      family: 'one-segment',
      parent: { segment: 'one-segment', tick: 4 },
      head: { tick: 4, hash: records[4]!.hash },
      epoch: 1,
      opening: '{"why":"two"}',
    };
    expect(plain(made)).toEqual(plain({ id: 'two', header: '{"run":"3"}', segment }));
    expect(plain(await store.head('two'))).toEqual(plain(made));
    expect(plain(await store.list(null, 9))).toEqual(plain([await store.head('one'), made]));
    expect(await store.read('two-segment', 5, ALL)).toEqual({ records: [], next: null });
    expect(plain([await store.head('one'), await readAll(store, 'one-segment')])).toEqual(before);
  });

  test('L6 L7: parent and fork go on without touching each other', async () => {
    const { store } = bench;
    await tree(store, []);
    await store.fork(newFork('two', 'one-segment', records[4]!));
    const own = continued(records[4]!, 'two', 8);
    await store.append('two-segment', 1, 5, own.slice(0, 3));
    await store.append('one-segment', 1, 10, records.slice(10, 12));
    expect(plain(await store.append('two-segment', 1, 6, own.slice(1)))).toEqual(
      plain({ tick: 12, hash: own[7]!.hash }),
    );
    expect(plain(await readAll(store, 'one-segment'))).toEqual(plain(records.slice(0, 12)));
    expect(plain(await readAll(store, 'two-segment', 5))).toEqual(plain(own));
    expect(plain(await wholeLog(store, 'two-segment'))).toEqual(plain([...records.slice(0, 5), ...own]));
    expect(plain((await store.head('two'))?.segment.head)).toEqual(plain({ tick: 12, hash: own[7]!.hash }));
  });

  test('L7: a fork has a lease and attempts of its own', async () => {
    const { store } = bench;
    await tree(store, []);
    const made = newFork('two', 'one-segment', records[4]!, { holder: holder('other') });
    await store.fork(made);
    expect(await refusal(store.acquire('two-segment', holder('third'), false))).toEqual({
      code: 'RUN_IN_USE',
    });
    expect(await store.acquire('two-segment', holder('third'), true)).toBe(2);
    expect((await store.head('one'))?.segment.epoch).toBe(1);
    await store.keepAttempt('two-segment', { tick: 5, text: '{}' });
    expect(await store.attempts('one-segment')).toEqual([]);
    expect(await store.attempts('two-segment')).toHaveLength(1);
  });

  test('hashes handed in to a fork are copied', async () => {
    const { store } = bench;
    await tree(store, []);
    const hash = new Uint8Array(records[4]!.hash);
    const made = await store.fork({ ...newFork('two', 'one-segment', records[4]!), hash });
    hash.fill(1);
    made.segment.head.hash.fill(2);
    (await store.lineage('two-segment'))[0]!.head.hash.fill(3);
    expect(plain((await store.head('two'))?.segment.head)).toEqual(
      plain({ tick: 4, hash: records[4]!.hash }),
    );
    await store.append('two-segment', 1, 5, continued(records[4]!, 'two', 1));
  });
}

function continueContract(bench: Bench): void {
  test('L1: the first own record of a fork follows its parent’s record', async () => {
    const { store } = bench;
    await tree(store, []);
    await store.fork(newFork('two', 'one-segment', records[4]!));
    const own = continued(records[4]!, 'two', 3);
    const at = (tick: number, given: readonly LogRecord[]) =>
      refusal(store.append('two-segment', 1, tick, given));
    const gap = { code: 'GAP' };
    expect(await at(4, records.slice(4, 6))).toEqual(gap);
    expect(await at(0, records.slice(0, 1))).toEqual(gap);
    expect(await at(4, [])).toEqual(gap);
    expect(await at(6, own.slice(1))).toEqual(gap);
    expect(await at(6, [])).toEqual(gap);
    const elsewhere = continued(records[5]!, 'two', 1);
    const wrong = [{ ...own[0]!, previous: elsewhere[0]!.previous }];
    expect(await at(5, wrong)).toEqual({ code: 'DIVERGED', segment: 'two-segment', tick: 5 });
    expect(plain(await store.append('two-segment', 1, 5, []))).toEqual(
      plain({ tick: 4, hash: records[4]!.hash }),
    );
    // A fork may repeat its parent's history.
    await store.append('two-segment', 1, 5, records.slice(5, 7));
    await store.append('two-segment', 1, 5, records.slice(5, 8));
    expect(await at(5, own)).toEqual({ code: 'DIVERGED', segment: 'two-segment', tick: 5 });
    expect(await at(4, records.slice(4, 9))).toEqual(gap);
    expect(plain(await readAll(store, 'two-segment', 5))).toEqual(plain(records.slice(5, 8)));
  });

  test('a fork is read from its first own tick on', async () => {
    const { store } = bench;
    const logs = await tree(store, [['two', 'one', 4]]);
    for (const from of [0, 4])
      for (const segment of ['two-segment'])
        expect(await refusal(store.read(segment, from, ALL))).toEqual({ code: 'BAD_USAGE' });
    const page = await store.read('two-segment', 6, { records: 2, bytes: Infinity });
    expect(plain(page)).toEqual(plain({ records: logs.get('two')!.slice(6, 8), next: 8 }));
    expect((await store.read('two-segment', 9, ALL)).next).toBe(null);
    expect(await store.read('two-segment', 10, ALL)).toEqual({ records: [], next: null });
    expect(await refusal(store.read('none', 0, ALL))).toEqual(unknown);
  });
}

function refusedContract(bench: Bench): void {
  test('a fork is refused in the order of the port, and then nothing of it is there', async () => {
    const { store } = bench;
    await tree(store, [['two', 'one', 4]]);
    const fork = (more: Partial<NewFork>) =>
      refusal(store.fork(newFork('new', 'none', records[9]!, { hash: new Uint8Array(32), ...more })));
    const late = { segment: 'one-segment', tick: 10 };
    expect(await fork({ id: 'one', parent: { ...late, segment: 'none' } })).toEqual(exists);
    expect(await fork({ segment: 'one-segment', parent: { ...late, segment: 'none' } })).toEqual(exists);
    expect(await fork({ parent: { ...late, segment: 'none' } })).toEqual(unknown);
    expect(await fork({ parent: late })).toEqual({ code: 'NO_TICK' });
    expect(await fork({ parent: { ...late, tick: 9 } })).toEqual({
      code: 'DIVERGED',
      segment: 'one-segment',
      tick: 9,
    });
    expect(await store.head('new')).toBeUndefined();
    expect(await refusal(store.lineage('new-segment'))).toEqual(unknown);
    expect(await store.list(null, 9)).toHaveLength(2);
    await store.fork(newFork('new', 'one-segment', records[9]!));
  });

  test('a fork attaches to the segment that owns its tick', async () => {
    const { store } = bench;
    const logs = await tree(store, [['two', 'one', 4]]);
    const at = (segment: string, record: LogRecord) => factsOf(store.fork(newFork('new', segment, record)));
    const none = (segment: string, tick: number, first: number, last: number) => ({
      code: 'NO_TICK',
      segment,
      tick,
      first,
      last,
    });
    const two = logs.get('two')!;
    expect(await at('two-segment', two[4]!)).toEqual(none('two-segment', 4, 5, 9));
    expect(await at('two-segment', continued(two[9]!, 'x', 1)[0]!)).toEqual(none('two-segment', 10, 5, 9));
    await store.fork(newFork('empty', 'two-segment', two[9]!));
    expect(await at('empty-segment', two[9]!)).toEqual(none('empty-segment', 9, 10, 9));
    await store.fork(newFork('new', 'two-segment', two[5]!));
  });

  test('arguments that mean nothing to a fork are refused and change nothing', async () => {
    const { store } = bench;
    await tree(store, []);
    const bad: Partial<NewFork>[] = [
      { id: '' },
      { segment: 'a\0b' },
      { header: '\ud83d' },
      { opening: '\udc00' },
      { hash: new Uint8Array(31) },
      { parent: { segment: '', tick: 4 } },
      { parent: { segment: 'one-segment', tick: -1 } },
      { parent: { segment: 'one-segment', tick: 0.5 } },
      { holder: holder('me', Number.NaN) },
    ];
    for (const more of bad)
      expect(await refusal(store.fork(newFork('new', 'one-segment', records[4]!, more)))).toEqual({
        code: 'BAD_USAGE',
      });
    for (const limit of [0, 0.5, -1, Number.NaN])
      expect(await refusal(store.collect(limit))).toEqual({ code: 'BAD_USAGE' });
    expect(await store.list(null, 9)).toHaveLength(1);
  });
}

function lineageContract(bench: Bench): void {
  test('L6: the lineage names every segment up to the root, itself first', async () => {
    const { store } = bench;
    await tree(store, [
      ['two', 'one', 4],
      ['three', 'two', 6],
      ['four', 'two', 8],
    ]);
    const names = async (id: string) => (await store.lineage(id)).map((segment) => segment.id);
    expect(await names('three-segment')).toEqual(['three-segment', 'two-segment', 'one-segment']);
    expect(await names('two-segment')).toEqual(['two-segment', 'one-segment']);
    expect(await names('one-segment')).toEqual(['one-segment']);
    const line = await store.lineage('four-segment');
    for (const [i, id] of ['four', 'two', 'one'].entries())
      expect(plain(line[i])).toEqual(plain((await store.head(id))?.segment));
    expect(new Set(line.map(({ family }) => family))).toEqual(new Set(['one-segment']));
    expect(await refusal(store.lineage('none'))).toEqual(unknown);
  });

  test('L6: forks of forks, hundreds deep', async () => {
    const { store } = bench;
    // A database of another process answers each of the calls that make one after a round trip.
    const depth = store.kind === 'postgres' || store.kind === 'pglite' ? 200 : 1000;
    await store.create(newRun('0', records[0]!));
    let last = records[0]!;
    for (let i = 1; i <= depth; i++) {
      await store.fork(newFork(`${i}`, `${i - 1}-segment`, last));
      last = continued(last, `${i}`, 1)[0]!;
      await store.append(`${i}-segment`, 1, i, [last]);
    }
    const line = await store.lineage(`${depth}-segment`);
    expect(line.map(({ id }) => id)).toEqual(
      Array.from({ length: depth + 1 }, (_, i) => `${depth - i}-segment`),
    );
    for (let i = 0; i < depth; i++) await store.remove(`${i}`, true);
    expect(await store.collect(Infinity)).toBe(0);
    await store.remove(`${depth}`, true);
    // As many records as segments.
    expect(await store.collect(Infinity)).toBe(2 * (depth + 1));
    expect(await refusal(store.lineage('0-segment'))).toEqual(unknown);
  });
}

function removeContract(bench: Bench): void {
  test('L7: a removal deletes the name, and its writer commits no more', async () => {
    const { store } = bench;
    const logs = await tree(store, [['two', 'one', 4]]);
    await store.remove('two', true);
    expect(await store.head('two')).toBeUndefined();
    expect((await store.list(null, 9)).map((run) => run.id)).toEqual(['one']);
    const own = logs.get('two')!.slice(5);
    const next = continued(own.at(-1)!, 'two', 1);
    for (const epoch of [0, 1, 2, 3]) {
      expect(await refusal(store.append('two-segment', epoch, 10, next))).toEqual(replaced);
      expect(await refusal(store.renew('two-segment', epoch))).toEqual(replaced);
    }
    expect(await refusal(store.acquire('two-segment', holder('next'), true))).toEqual(unknown);
    expect(plain(await readAll(store, 'two-segment', 5))).toEqual(plain(own));
    expect((await store.lineage('two-segment')).map(({ epoch }) => epoch)).toEqual([2, 1]);
    await store.append('one-segment', 1, 10, records.slice(10, 11));
    expect(await refusal(store.remove('two', true))).toEqual(unknown);
    expect(
      await refusal(store.fork(newFork('new', 'one-segment', records[4]!, { segment: 'two-segment' }))),
    ).toEqual(exists);
    await store.fork(newFork('two', 'one-segment', records[4]!, { segment: 'fresh' }));
    expect(await refusal(store.append('two-segment', 1, 10, next))).toEqual(replaced);
  });

  test('L7: a run that is written is removed only by force', async () => {
    const { store, under } = bench;
    const inUse = { code: 'RUN_IN_USE' };
    const remove = (id: string, force = false) => refusal(store.remove(id, force));
    await tree(store, []);
    const fork = (id: string, who = holder()) =>
      store.fork(newFork(id, 'one-segment', records[4]!, { holder: who }));
    await fork('held');
    await fork('dead', holder('dead', 1000, { pid: deadPid() }));
    await fork('released');
    await store.release('released-segment', 1);
    expect(await remove('held')).toEqual(inUse);
    expect(await factsOf(store.remove('held', false))).toMatchObject({ ...thisProcess(), ...inUse });
    expect(await store.head('held')).toBeDefined();
    for (const free of ['dead', 'released']) expect(await remove(free)).toHaveProperty('value');
    expect(await remove('held', true)).toHaveProperty('value');
    await fork('expired');
    under.elapse(999);
    expect(await remove('expired')).toEqual(inUse);
    under.elapse(1);
    expect(await remove('expired')).toHaveProperty('value');
    expect(await remove('never')).toEqual(unknown);
    expect((await store.list(null, 9)).map((run) => run.id)).toEqual(['one']);
  });

  test('what no run names can be forked while it is there', async () => {
    const { store } = bench;
    const logs = await tree(store, [['two', 'one', 4]]);
    await store.remove('two', true);
    const two = logs.get('two')!;
    await store.fork(newFork('three', 'two-segment', two[7]!));
    expect(await collectAll(store, 9)).toEqual([2]);
    expect(plain(await wholeLog(store, 'three-segment'))).toEqual(plain(two.slice(0, 8)));
  });
}

function collectContract(bench: Bench): void {
  test('a collection of what runs reach deletes nothing', async () => {
    const { store } = bench;
    expect(await store.collect(1)).toBe(0);
    const logs = await tree(store, [['two', 'one', 4]]);
    expect(await store.collect(Infinity)).toBe(0);
    for (const id of ['one', 'two'])
      expect(plain(await wholeLog(store, `${id}-segment`))).toEqual(plain(logs.get(id)));
  });

  test('L6: of a removed run there stays what its forks continue', async () => {
    const { store } = bench;
    const logs = await tree(store, [
      ['two', 'one', 4],
      ['three', 'one', 6],
      ['four', 'two', 7],
    ]);
    for (const id of ['one', 'two']) await store.remove(id, true);
    // Ticks 7, 8 and 9 of `one`, 8 and 9 of `two`.
    expect(await collectAll(store, 100)).toEqual([5]);
    for (const id of ['three', 'four'])
      expect(plain(await wholeLog(store, `${id}-segment`))).toEqual(plain(logs.get(id)));
    const [one] = (await store.lineage('one-segment')).slice(-1);
    expect(plain(one?.head)).toEqual(plain({ tick: 6, hash: records[6]!.hash }));
    const gone = store.fork(newFork('new', 'one-segment', records[7]!));
    expect(await factsOf(gone)).toMatchObject({ code: 'NO_TICK', tick: 7, first: 0, last: 6 });
    await store.remove('four', true);
    // Five records and the segment of `four`, then all three of `two`, whose fork was the last.
    expect(await collectAll(store, 100)).toEqual([5 + 1 + 3 + 1]);
    expect(await refusal(store.lineage('two-segment'))).toEqual(unknown);
    expect(plain(await wholeLog(store, 'three-segment'))).toEqual(plain(logs.get('three')));
  });

  test('a collection goes on where it stopped, by at most its limit', async () => {
    const { store } = bench;
    const logs = await tree(store, [
      ['two', 'one', 4],
      ['three', 'two', 7],
    ]);
    await store.keepAttempt('two-segment', { tick: 9, text: '{}' });
    for (const id of ['two', 'three']) await store.remove(id, true);
    const deleted = await collectAll(store, 2);
    // Five records each and both segments; a segment may go along with its last record.
    expect(deleted.reduce((a, b) => a + b)).toBe(12);
    expect(deleted.length).toBeGreaterThanOrEqual(4);
    for (const count of deleted) expect(count).toBeLessThanOrEqual(3);
    for (const segment of ['two-segment', 'three-segment']) {
      expect(await refusal(store.read(segment, 9, ALL))).toEqual(unknown);
      expect(await refusal(store.attempts(segment))).toEqual(unknown);
      expect(await refusal(store.append(segment, 1, 10, []))).toEqual(unknown);
    }
    expect(plain(await readAll(store, 'one-segment'))).toEqual(plain(logs.get('one')));
  });

  test('ids of what was collected are free, and nothing of it comes back', async () => {
    const { store } = bench;
    await tree(store, [['two', 'one', 4]]);
    await store.keepAttempt('one-segment', { tick: 9, text: '{}' });
    for (const id of ['one', 'two']) await store.remove(id, true);
    await collectAll(store, 3);
    expect(await store.list(null, 9)).toEqual([]);
    const others = chain('b', 4);
    await store.create(newRun('one', others[0]!));
    await store.append('one-segment', 1, 1, others.slice(1));
    await store.fork(newFork('two', 'one-segment', others[2]!));
    await store.append('two-segment', 1, 3, continued(others[2]!, 'new', 1));
    expect(await store.attempts('one-segment')).toEqual([]);
    expect(plain(await readAll(store, 'one-segment'))).toEqual(plain(others));
    expect(await readAll(store, 'two-segment', 3)).toHaveLength(1);
    expect(await store.collect(9)).toBe(0);
  });
}

function reachContract(bench: Bench): void {
  test('L6: a fork that comes between two calls keeps its record, or is refused', async () => {
    const fates: string[] = [];
    for (let calls = 0; calls < 5; calls++) {
      const { store } = bench;
      const id = `run ${calls}`;
      await store.create(newRun(id, records[0]!));
      await store.append(`${id}-segment`, 1, 1, records.slice(1, 10));
      await store.remove(id, true);
      for (let call = 0; call < calls; call++) await store.collect(3);
      const name = `fork ${calls}`;
      const made = await refusal(store.fork(newFork(name, `${id}-segment`, records[4]!)));
      fates.push((made as { code?: string }).code ?? 'made');
      await collectAll(store, 3);
      const log = await refusal(wholeLog(store, `${name}-segment`));
      expect(log).toEqual(fates.at(-1) === 'made' ? { value: plain(records.slice(0, 5)) } : unknown);
    }
    expect(fates).toEqual(['made', 'made', 'NO_TICK', 'NO_TICK', 'UNKNOWN_RUN']);
  });

  test('L7: a collection of one tree leaves every other as it is', async () => {
    const { store } = bench;
    await tree(store, [['two', 'one', 4]]);
    const others = chain('b', 40);
    await store.create(newRun('other', others[0]!));
    for (const id of ['one', 'two']) await store.remove(id, true);
    let tick = 1;
    for (; (await store.collect(1)) > 0; tick++)
      await store.append('other-segment', 1, tick, others.slice(tick, tick + 1));
    expect(plain(await readAll(store, 'other-segment'))).toEqual(plain(others.slice(0, tick)));
    expect((await store.list(null, 9)).map((run) => run.id)).toEqual(['other']);
  });

  test('L12: large records go whole', async () => {
    const { store } = bench;
    const large = chain('large', 4, (tick) => new Uint8Array(100_000 + tick));
    await store.create(newRun('one', large[0]!));
    await store.append('one-segment', 1, 1, large.slice(1));
    await store.fork(newFork('two', 'one-segment', large[1]!));
    await store.remove('one', true);
    expect(await collectAll(store, 1)).toEqual([1, 1]);
    expect(plain(await wholeLog(store, 'two-segment'))).toEqual(plain(large.slice(0, 2)));
    await store.append('two-segment', 1, 2, large.slice(2));
    expect(plain(await readAll(store, 'two-segment', 2))).toEqual(plain(large.slice(2)));
  });
}
