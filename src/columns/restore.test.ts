import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { compiled } from '../../test/golden/every-type.ts';
import { caught } from '../../test/support/runs.ts';
import { pond, pondOf } from '../../test/support/snapshot-files.ts';
import { ByteReader, ByteWriter, hex } from '../base/bytes.ts';
import { loadHash } from '../base/hash.ts';
import { t } from '../schema/columns.ts';
import { table } from '../schema/tables.ts';
import type { CellLane } from './cell-lane.ts';
import type { FixedLane } from './fixed-lane.ts';
import { Gate } from './gate.ts';
import { KeyIndex } from './key-index.ts';
import { TableStore } from './table-store.ts';

beforeAll(loadHash);

describe('keys that are said at once', () => {
  const ids = fc.uniqueArray(
    fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 2 ** 32 - 1 })),
  );

  it('are found as keys that were said one by one', () => {
    fc.assert(
      fc.property(ids, fc.integer({ min: 1, max: 300 }), (given, other) => {
        const [at, one] = [new KeyIndex(true), new KeyIndex(true)];
        const column = Uint32Array.from(given);
        if (!at.fill(column)) given.forEach((id, row) => void at.set(id, row));
        given.forEach((id, row) => void one.set(id, row));
        for (const id of [...given, other]) expect(at.get(id)).toBe(one.get(id));
        for (const keys of [at, one]) {
          keys.set(other, 7);
          if (given.length > 0) keys.delete(given[0]!);
        }
        for (const id of [...given, other, 400]) expect(at.get(id)).toBe(one.get(id));
      }),
    );
  });

  it('are refused where one is there twice, where they are sparse, and where keys are there', () => {
    const keys = new KeyIndex(true);
    expect(keys.fill(Uint32Array.of(3, 4, 3))).toBe(false);
    expect(keys.get(4)).toBe(-1);
    expect(keys.fill(Uint32Array.of(1, 10_000_000))).toBe(false);
    expect(keys.fill(Uint32Array.of(5, 6))).toBe(true);
    expect(keys.fill(Uint32Array.of(7))).toBe(false);
    expect([keys.get(6), keys.get(7)]).toEqual([1, -1]);
  });

  it.each([1, 2])('are refused while a key is there that was said %d times, and taken then', (times) => {
    const keys = new KeyIndex(true);
    for (let row = 0; row < times; row++) keys.set(5, row);
    expect(keys.fill(Uint32Array.of(7))).toBe(false);
    expect([keys.get(5), keys.get(7)]).toEqual([times - 1, -1]);
    keys.delete(5);
    keys.delete(5);
    expect(keys.fill(Uint32Array.of(7))).toBe(true);
    expect([keys.get(5), keys.get(7)]).toEqual([-1, 0]);
  });
});

describe('a table that is filled in two steps', () => {
  const filled = (ids: readonly number[]): TableStore => {
    const store = new TableStore(pond.compiled.tableOf.get('frogs')!, new Gate());
    store.beginRestore(ids.length + 5);
    (store.set.byName.get('id')!.lane as FixedLane).data.set(ids as never);
    store.endRestore({ size: ids.length, nextId: 9 });
    return store;
  };

  it('has its rows, keys and allocator; a key twice is refused', async () => {
    const store = filled([4, 8, 2]);
    expect([store.size, store.find(8), store.find(9), store.nextId, store.set.capacity]).toEqual([
      3, 1, -1, 9, 8,
    ]);
    expect(filled([4, 100_000_000]).find(100_000_000)).toBe(1);
    expect(await caught(() => filled([4, 8, 4]))).toMatchObject({ code: 'DUPLICATE_KEY', facts: { key: 4 } });
  });
});

describe('a table that was large', () => {
  it('takes fewer rows and hashes them as one that never held more', () => {
    const lanesOf = (store: TableStore) => store.set.lanes.map((lane) => hex(lane.digest(store.size)));
    const [small, store] = [3, 40_000].map((rows) => pondOf(rows).tables.get('frogs')!);
    expect(lanesOf(store!)).not.toEqual(lanesOf(small!));
    const { set, size, nextId } = small!;
    store!.restore({ size, nextId, capacity: 8 }, (into) => {
      for (const [i, lane] of into.lanes.entries()) {
        const writer = new ByteWriter(64);
        set.lanes[i]!.encode(writer, 0, size);
        lane.load(new ByteReader(writer.take()), 0, size);
      }
    });
    expect(store!.set.lanes.map((lane) => lane.marks.length)).toEqual(set.lanes.map(() => 1));
    expect(lanesOf(store!)).toEqual(lanesOf(small!));
  });
});

describe('a number that is none', () => {
  it('is stored as the one NaN, whichever it was and whoever writes it', () => {
    const { tableOf } = compiled({ tables: { one: table({ id: t.id(), f64: t.f64({ nan: true }) }).spec } });
    const set = new TableStore(tableOf.get('one')!, new Gate()).set;
    set.room(8);
    const column = set.byName.get('f64')!;
    const { data } = column.lane as FixedLane;
    const bits = new BigUint64Array(data.buffer);
    const [other] = new Float64Array(BigUint64Array.of(0xfff8_0000_0000_0123n).buffer);
    bits.fill(1n);
    column.write(2, other, 'one');
    expect([...bits.subarray(1, 4)]).toEqual([1n, 0x7ff8_0000_0000_0000n, 1n]);
  });
});

describe('cells that become the lane’s own', () => {
  const lane = (): CellLane => {
    const store = pondOf(0).tables.get('frogs')!;
    store.set.room(8);
    return store.set.byName.get('name')!.lane as CellLane;
  };
  const bytes = (...values: number[]) => Uint8Array.from(values);

  it('are read, written and grown like others', () => {
    const cells = lane();
    cells.adopt(bytes(1, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 97, 98, 99), 3);
    expect([0, 1, 2].map((row) => cells.read(row))).toEqual(['a', '', 'bc']);
    cells.write(1, 'longer than all');
    cells.write(3, 'd');
    expect([0, 1, 2, 3].map((row) => cells.read(row))).toEqual(['a', 'longer than all', 'bc', 'd']);
  });

  it('L12: ends that go back, or miss the bytes, are CORRUPT', async () => {
    for (const damaged of [
      bytes(2, 0, 0, 0, 1, 0, 0, 0, 97, 98),
      bytes(1, 0, 0, 0, 3, 0, 0, 0, 97, 98),
      bytes(1, 0, 0, 0, 1, 0, 0, 0, 97, 98),
    ])
      expect(await caught(() => lane().adopt(damaged, 2))).toMatchObject({ code: 'CORRUPT' });
  });
});
