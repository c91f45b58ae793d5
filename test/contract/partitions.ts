/** The contract of the partitions capability: every sentence of `PartitionStore`. */
import { expect, test } from 'vitest';
import type { PartitionRow, PartitionStore } from '../../src/log/capabilities.ts';
import type { Store } from '../../src/log/store.ts';
import { chain, newFork, newRun, outcome } from './records.ts';

type Both = Store & PartitionStore;

/** The store of the running test, and another one on the same database. */
export interface PartitionBench {
  store: Both;
  again(): Promise<Both>;
}

const records = chain('a', 4);
const row = (tick: number, text = `{"at":${tick}}`) => ({ tick, text });
const rows = (count: number, from = 0) => Array.from({ length: count }, (_, i) => row(from + i));

/** Every row of a run, in pages of three. */
async function readAll(store: PartitionStore, run: string): Promise<PartitionRow[]> {
  const all: PartitionRow[] = [];
  for (;;) {
    const page = await store.readRows(run, all.at(-1)?.number ?? null, 3);
    all.push(...page);
    if (page.length < 3) return all;
  }
}

/** Runs the suite on the store that the bench has. */
export function partitionContract(bench: PartitionBench): void {
  const make = (id: string) => bench.store.create(newRun(id, records[0]!));
  const names = async () => (await bench.store.partitions()).map(({ run }) => run);

  test('rows come back in pages as they were added, numbered from 1', async () => {
    await make('one');
    expect(await bench.store.createPartition('one')).toBe(true);
    expect(await readAll(bench.store, 'one')).toEqual([]);
    await bench.store.appendRows('one', rows(4));
    await bench.store.appendRows('one', []);
    const odd = [row(2, ''), row(2, 'é😀 "quoted", \\ {} \n'), row(Number.MAX_SAFE_INTEGER)];
    await bench.store.appendRows('one', odd);
    const all = [...rows(4), ...odd].map((one, i) => ({ number: i + 1, ...one }));
    expect(await readAll(bench.store, 'one')).toEqual(all);
    expect(await bench.store.readRows('one', 6, Infinity)).toEqual(all.slice(6));
    expect(await bench.store.readRows('one', 7, 1)).toEqual([]);
    expect(await bench.store.readRows('one', null, 1.9)).toEqual(all.slice(0, 1));
  });

  test('many rows and large ones go in at once', async () => {
    await make('one');
    await bench.store.createPartition('one');
    const large = 'x'.repeat(3 * 1024 * 1024);
    const many = [...rows(20_000), ...Array.from({ length: 4 }, (_, i) => row(i, large + i))];
    await bench.store.appendRows('one', many);
    const back = await bench.store.readRows('one', null, Infinity);
    expect(back).toHaveLength(many.length);
    expect(
      back.every(
        ({ number, tick, text }, i) => number === i + 1 && tick === many[i]!.tick && text === many[i]!.text,
      ),
    ).toBe(true);
    expect((await bench.store.partitions())[0]!.bytes).toBeGreaterThan(20_000 * 10);
  });

  test('of rows that are refused none is kept', async () => {
    await make('one');
    await bench.store.createPartition('one');
    for (const bad of [row(-1), row(0.5), row(1, 'a\0'), row(1, '\ud800'), { tick: 1, text: 5 as never }])
      expect(await outcome(() => bench.store.appendRows('one', [row(1), bad]))).toEqual({
        code: 'BAD_USAGE',
      });
    for (const [after, limit] of [
      [-1, 1],
      [0.5, 1],
      [null, 0],
      [null, Number.NaN],
    ] as const)
      expect(await outcome(() => bench.store.readRows('one', after, limit))).toEqual({ code: 'BAD_USAGE' });
    expect(await readAll(bench.store, 'one')).toEqual([]);
  });

  test('a partition is one run’s alone, whatever the id is', async () => {
    const ids = ['a', 'A', 'a"; DROP TABLE runs; --', '\u{1f600}', 'x'.repeat(2000), ' ', "'"];
    for (const id of ids) {
      await make(id);
      await bench.store.createPartition(id);
      await bench.store.appendRows(id, [row(0, id)]);
    }
    for (const id of ids) expect(await readAll(bench.store, id)).toEqual([{ number: 1, ...row(0, id) }]);
    const listed = (await bench.store.list(null, 99)).map(({ id }) => id);
    expect(await names()).toEqual(listed);
    expect(await bench.store.dropPartition('A')).toBe(true);
    expect(await names()).toEqual(listed.filter((id) => id !== 'A'));
    expect(await readAll(bench.store, 'a')).toHaveLength(1);
  });

  test('making one twice changes nothing; dropping takes the rows, and it can be made anew', async () => {
    await make('one');
    await bench.store.createPartition('one');
    await bench.store.appendRows('one', rows(3));
    expect(await bench.store.createPartition('one')).toBe(false);
    expect(await readAll(bench.store, 'one')).toHaveLength(3);
    expect(await bench.store.dropPartition('one')).toBe(true);
    expect(await bench.store.dropPartition('one')).toBe(false);
    expect(await names()).toEqual([]);
    const gone = { code: 'NO_PARTITION' };
    expect(await outcome(() => bench.store.appendRows('one', rows(1)))).toEqual(gone);
    expect(await outcome(() => bench.store.readRows('one', null, 1))).toEqual(gone);
    expect(await bench.store.createPartition('one')).toBe(true);
    expect(await readAll(bench.store, 'one')).toEqual([]);
  });

  test('an unknown run is UNKNOWN_RUN', async () => {
    for (const call of [
      () => bench.store.createPartition('none'),
      () => bench.store.appendRows('none', rows(1)),
      () => bench.store.readRows('none', null, 1),
      () => bench.store.dropPartition('none'),
    ])
      expect(await outcome(call)).toEqual({ code: 'UNKNOWN_RUN' });
  });

  test('removing a run drops its partition and no other; its id begins without one', async () => {
    for (const id of ['one', 'two']) {
      await make(id);
      await bench.store.createPartition(id);
      await bench.store.appendRows(id, rows(2));
    }
    await bench.store.fork(newFork('fork', 'one-segment', records[0]!));
    expect(await outcome(() => bench.store.readRows('fork', null, 1))).toEqual({ code: 'NO_PARTITION' });
    await bench.store.remove('one', true);
    expect(await names()).toEqual(['two']);
    await bench.store.create(newRun('one', records[0]!, { segment: 'another' }));
    expect(await outcome(() => bench.store.readRows('one', null, 1))).toEqual({ code: 'NO_PARTITION' });
    expect(await readAll(bench.store, 'two')).toHaveLength(2);
    await bench.store.remove('fork', true);
    expect(await bench.store.collect(Infinity)).toBeGreaterThan(0);
  });

  test('stores that make, fill and drop at once are in order', async () => {
    await make('one');
    const other = await bench.again();
    const stores = [bench.store, other];
    const made = await Promise.all(
      stores.flatMap((s) => [s.createPartition('one'), s.createPartition('one')]),
    );
    expect(made.filter(Boolean)).toEqual([true]);
    await Promise.all(Array.from({ length: 10 }, (_, i) => stores[i % 2]!.appendRows('one', rows(7, i * 7))));
    const all = await readAll(other, 'one');
    expect(all.map(({ number }) => number)).toEqual(Array.from({ length: 70 }, (_, i) => i + 1));
    for (let at = 0; at < 70; at += 7)
      expect(all.slice(at, at + 7).map(({ tick }) => tick - all[at]!.tick)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    const drops = await Promise.all([
      bench.store.dropPartition('one'),
      other.dropPartition('one'),
      ...stores.map((s) => outcome(() => s.appendRows('one', rows(1)))),
    ]);
    expect(drops.slice(0, 2).filter(Boolean)).toEqual([true]);
    expect(await names()).toEqual([]);
    const [, late] = await Promise.all([
      outcome(() => bench.store.remove('one', true)),
      outcome(() => other.createPartition('one')),
    ]);
    expect([{ value: true }, { code: 'UNKNOWN_RUN' }]).toContainEqual(late);
    expect(await names()).toEqual([]);
    await other.close();
  });

  test('a store for reading only reads, and after close it is CLOSED', async () => {
    await make('one');
    await bench.store.close();
    for (const call of [
      () => bench.store.createPartition('one'),
      () => bench.store.partitions(),
      () => bench.store.readRows('one', null, 1),
    ])
      expect(await outcome(call)).toEqual({ code: 'CLOSED' });
  });
}
