import { describe, expect, test, vi } from 'vitest';
import {
  bank,
  recorded,
  bankSchema as schema,
  wideBank,
  wideSchema as wider,
} from '../../test/support/bank.ts';
import { caught, codeOf, framesOf, hashesOf, rowsOf } from '../../test/support/runs.ts';
import { hex } from '../base/bytes.ts';
import { parseChange } from '../log/environment.ts';
import { memoryStore } from '../log/memory-store.ts';
import { t } from '../schema/columns.ts';
import { defineSchema } from '../schema/define.ts';
import { singleton } from '../schema/tables.ts';
import { createRun } from '../simulation/create-run.ts';
import { defineWorld } from '../simulation/define-world.ts';
import { openRun } from '../simulation/open-run.ts';
import { replay } from './replay.ts';

describe('changed code', () => {
  test('L3 L13: handlers of another text and the same results go on in the same era', async () => {
    const store = memoryStore();
    await recorded(store);
    const same = bank('1.0' as never as number);
    const run = await openRun(same, { store, id: 'r' });
    await run.advance(5);
    await run.close();
    const twin = memoryStore();
    await recorded(twin, 15);
    expect(await hashesOf(store, 'r')).toEqual(await hashesOf(twin, 'r'));
  });

  test.each([
    ['its first tick and table', bank(2), 1, ['sums']],
    ['a later one', bank(1, 2), 3, ['marks']],
  ] as const)('L13: other results are CODE_CHANGED with %s', async (_, changed, tick, tables) => {
    const store = memoryStore();
    await recorded(store);
    const before = await hashesOf(store, 'r');
    expect(await caught(() => openRun(changed, { store, id: 'r' }))).toMatchObject({
      code: 'CODE_CHANGED',
      facts: { run: 'r', tick, tables },
    });
    expect(await hashesOf(store, 'r')).toEqual(before);
    // Nobody holds it: the code that recorded it may go on.
    await (await openRun(bank(1), { store, id: 'r' })).close();
  });

  test('L3 L13: what differs only after the last recorded hash, a snapshot at the head tells', async () => {
    const store = memoryStore();
    const run = await createRun(bank(1), { store, seed: 's', id: 'r', hashEvery: 10 });
    await run.advance(15);
    await run.close();
    // It differs from tick 11 on; tick 10 is the last with a hash.
    const changed = bank('(e.n > 10 ? 2 : 1)' as never as number);
    expect(await caught(() => openRun(changed, { store, id: 'r', hashEvery: 10 }))).toMatchObject({
      code: 'CODE_CHANGED',
      facts: { run: 'r', tick: 15 },
    });
    const again = await openRun(bank(1), { store, id: 'r', hashEvery: 10 });
    expect(again.tick).toBe(15);
    await again.close();
  });

  test('L13: adopted code goes on from the recorded world, in an era of its own on a pinned snapshot', async () => {
    const store = memoryStore();
    await recorded(store);
    const run = await openRun(bank(2), { store, id: 'r', adopt: true });
    expect(run.world.sums.value).toEqual({ total: 55, count: 10 });
    await run.advance(2);
    expect(run.world.sums.value).toEqual({ total: 55 + 2 * (11 + 12), count: 12 });
    await run.close();
    const frames = await framesOf(store, 'r');
    const { era } = parseChange(frames[11]!.environment!);
    expect(era).toEqual({ base: hex(frames[10]!.stateHash!), why: 'adopted' });
    const segment = (await store.head('r'))!.segment.id;
    expect((await store.snapshots(segment)).filter(({ pinned }) => pinned)).toMatchObject([{ tick: 10 }]);
    // Without any other snapshot the era still begins with its base.
    await store.dropSnapshots(segment, [4, 8, 10, 12]);
    const again = await openRun(bank(2), { store, id: 'r' });
    await again.advance(1);
    expect(again.world.sums.value.total).toBe(55 + 2 * (11 + 12 + 13));
    expect(await replay(bank(2), { store, id: 'r', to: 12 })).toMatchObject({
      from: 11,
      tick: 12,
      compared: 2,
    });
    expect((await again.at(11)).sums.value.total).toBe(55 + 22);
    // Ticks before it: the base itself, and others only as far as a snapshot holds them.
    expect((await again.at(10)).sums.value.total).toBe(55);
    expect(await codeOf(() => again.at(7))).toBe('NO_STATE');
    await again.close();
  });

  test('L13: two eras, one after the other', async () => {
    const store = memoryStore();
    await recorded(store);
    for (const factor of [2, 3]) {
      const run = await openRun(bank(factor), { store, id: 'r', adopt: true });
      await run.advance(3);
      await run.close();
    }
    const run = await openRun(bank(3), { store, id: 'r', snapshots: false });
    expect(run.world.sums.value.total).toBe(55 + 2 * (11 + 12 + 13) + 3 * (14 + 15 + 16));
    expect((await run.at(15)).sums.value.total).toBe(55 + 72 + 3 * 29);
    const fork = await run.fork({ at: 15, id: 'f' });
    await fork.advance(1);
    expect(rowsOf(fork.world)).toEqual(rowsOf(run.world));
    await run.close();
  });

  test('L13: an adopted era that recorded nothing is not there; the old code goes on', async () => {
    const store = memoryStore();
    await recorded(store, 10, false);
    const run = await openRun(bank(2), { store, id: 'r', adopt: true });
    await run.close();
    const old = await openRun(bank(1), { store, id: 'r' });
    await old.advance(1);
    expect(old.world.sums.value.total).toBe(66);
    await old.close();
    expect(await codeOf(() => openRun(bank(2), { store, id: 'r' }))).toBe('CODE_CHANGED');
  });

  test('L13: before an adopted era has a record, its world is looked at, forked, and rebuilt after a failure', async () => {
    const store = memoryStore();
    await recorded(store);
    let fails = true;
    const world = bank(2);
    const failing = defineWorld(schema, {
      ...world.def,
      invariants: { calm: () => !fails },
    } as never) as unknown as typeof world;
    const run = await openRun(failing, { store, id: 'r', adopt: true });
    expect((await run.at(10)).sums.value.total).toBe(55);
    expect(await codeOf(() => run.advance(1))).toBe('INVARIANT_BROKEN');
    expect(run.world.sums.value.total).toBe(55);
    expect(await codeOf(() => run.unpin(10))).toBe('BAD_USAGE');
    const fork = await run.fork({ at: 10, id: 'f' });
    expect(fork.world.sums.value.total).toBe(55);
    fails = false;
    await run.advance(1);
    await fork.advance(1);
    expect(await codeOf(() => run.unpin(10))).toBe('BAD_USAGE');
    await run.snapshot({ pin: true });
    await run.unpin(11);
    expect((await run.snapshots()).find(({ tick }) => tick === 11)?.pinned).toBe(false);
    expect([run.world.sums.value.total, fork.world.sums.value.total]).toEqual([77, 77]);
    await run.close();
    await fork.close();
    for (const id of ['r', 'f']) {
      const segment = (await store.head(id))!.segment.id;
      await store.dropSnapshots(segment, [4, 8, 10, 11]);
      const again = await openRun(failing, { store, id });
      expect(again.world.sums.value.total).toBe(77);
    }
  });

  test('L6 L13: a fork before an adopted era begins one of its own on what a snapshot holds', async () => {
    const store = memoryStore();
    await recorded(store);
    const run = await openRun(bank(2), { store, id: 'r', adopt: true });
    await run.advance(1);
    const fork = await run.fork({ at: 4, id: 'f', config: { step: 10 } });
    await fork.advance(2);
    expect(fork.world.sums.value.total).toBe(10 + 2 * 10 * (5 + 6));
    await fork.close();
    const again = await openRun(bank(2), { store, id: 'f', snapshots: false });
    expect(again.world.sums.value.total).toBe(230);
    const sibling = await again.fork({ at: 4, id: 'g' });
    await sibling.advance(1);
    expect(sibling.world.sums.value.total).toBe(10 + 2 * 5);
    expect(await replay(bank(2), { store, id: 'f' })).toMatchObject({ from: 5, tick: 6 });
  });

  test('L13: a tick of other code without a recorded hash is not guessed at', async () => {
    const store = memoryStore();
    const first = await createRun(bank(1), {
      store,
      seed: 's',
      id: 'r',
      hashEvery: 5,
      snapshots: { every: 4 },
    });
    await first.advance(12);
    await first.close();
    const run = await openRun(bank(2), { store, id: 'r', adopt: true, hashEvery: 5 });
    await run.advance(1);
    expect((await run.at(8)).sums.value.total).toBe(36);
    expect(await codeOf(() => run.at(9))).toBe('NO_STATE');
    expect(await codeOf(() => run.at(2))).toBe('NO_STATE');
    expect((await run.at(0)).sums.value.total).toBe(0);
    expect((await run.at(13)).sums.value.total).toBe(78 + 26);
    await run.close();
  });

  test('L3: what other handlers left on the way to equal hashes is folded into no world of the era', async () => {
    const store = memoryStore();
    await recorded(store, 10, { every: 6 }, { hashEvery: 5 });
    // Another world after tick 6 alone, where no hash was recorded and a snapshot stands.
    const changed = bank('(e.n === 6 ? 2 : e.n === 7 ? 1 / 7 : 1)' as never);
    const run = await openRun(changed, { store, id: 'r', hashEvery: 5, snapshots: { every: 6 } });
    const totals = [];
    for (const tick of [5, 6, 7, 8]) totals.push((await run.at(tick)).sums.value.total);
    expect(totals).toEqual([15, 15 + 12, 15 + 12 + 1, 36]);
    const fork = await run.fork({ at: 7, id: 'f' });
    expect(fork.world.sums.value.total).toBe(28);
    // It took the whole era to open it: the next opening finds a snapshot of this code.
    await run.advance(1);
    expect((await run.snapshots()).map(({ tick }) => tick)).toEqual([6, 10, 11]);
  });

  test.each([1, 5])('L12: a lost base of an era is named, hashing every %d ticks', async (hashEvery) => {
    const store = memoryStore();
    await recorded(store, 10, { every: 4 }, { hashEvery });
    const run = await openRun(bank(2), { store, id: 'r', adopt: true, hashEvery });
    await run.advance(2);
    await run.close();
    const segment = (await store.head('r'))!.segment.id;
    await store.pinSnapshot(segment, 10, false);
    await store.dropSnapshots(segment, [4, 8, 10, 12]);
    expect(await codeOf(() => openRun(bank(2), { store, id: 'r' }))).toBe('NO_STATE');
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    expect(await codeOf(() => replay(bank(2), { store, id: 'r' }))).toBe('NO_STATE');
    warned.mockRestore();
  });
});

describe('L13: a changed schema', () => {
  test.each([{ every: 4 }, false] as const)('begins an era, with snapshots %o', async (snapshots) => {
    const store = memoryStore();
    await recorded(store, 10, snapshots);
    const run = await openRun(wideBank, { store, id: 'r' });
    const fees = snapshots === false ? 7 + 10 * 0.5 : 7;
    expect(run.world.sums.value).toEqual({ total: 55, number: 10, fees });
    await run.advance(2);
    await run.close();
    const again = await openRun(wideBank, { store, id: 'r' });
    expect(again.world.sums.value).toEqual({ total: 78, number: 12, fees: fees + 1 });
    expect((await again.at(11)).sums.value.total).toBe(66);
    // Ticks of the earlier era: their records and snapshots, taken along.
    expect((await again.at(5)).sums.value.total).toBe(15);
    expect(await replay(wideBank, { store, id: 'r' })).toMatchObject({ tick: 12, compared: 2 });
    await again.close();
    expect(await codeOf(() => openRun(bank(1), { store, id: 'r' }))).toBe('SCHEMA_DIFFERS');
  });

  test('L13: under it, a tick before adopted handlers is shown as it was recorded, or not at all', async () => {
    const store = memoryStore();
    const first = await createRun(bank(2), { store, seed: 's', id: 'r', snapshots: { every: 4 } });
    await first.advance(6);
    await first.close();
    const adopted = await openRun(bank(1), { store, id: 'r', adopt: true });
    await adopted.advance(2);
    await adopted.close();
    const run = await openRun(wideBank, { store, id: 'r' });
    const [ofBase, ofEra] = [2 * 21, 2 * 21 + 7];
    const look = async () => {
      expect((await run.at(4)).sums.value.total).toBe(20);
      expect(await codeOf(() => run.at(5))).toBe('NO_STATE');
      expect(await codeOf(() => run.fork({ at: 5, id: 'f' }))).toBe('NO_STATE');
      expect((await run.at(6)).sums.value.total).toBe(ofBase);
      expect((await run.at(7)).sums.value.total).toBe(ofEra);
    };
    // Before the new schema has a record, and when it has some.
    await look();
    await run.advance(2);
    await look();
    await run.close();
  });

  test('L13: handlers adopted under it show no tick of the old schema that they fold', async () => {
    const store = memoryStore();
    await recorded(store, 6);
    const wide = await openRun(wideBank, { store, id: 'r' });
    await wide.advance(1);
    await wide.close();
    const twice = defineWorld(wider, {
      ...wideBank.def,
      apply: { ...(wideBank.def.apply as object), added: (w: any, e: any) => w.sums.set({ total: 2 * e.n }) },
    } as never) as unknown as typeof wideBank;
    const run = await openRun(twice, { store, id: 'r', adopt: true });
    expect((await run.at(4)).sums.value.total).toBe(10);
    // Nothing tells of the era yet but the run that begins it.
    expect(await codeOf(() => run.at(5))).toBe('NO_STATE');
    await run.close();
  });

  test('L14: events of both schemas are told as the present one has them, numbered as they were', async () => {
    const store = memoryStore();
    await recorded(store, 6);
    const told = async (run: { events(kind: 'added', range?: object): AsyncIterable<object> }, from = 0) => {
      const all: object[] = [];
      for await (const event of run.events('added', { from })) all.push(event);
      return all;
    };
    const old = await openRun(bank(1), { store, id: 'r' });
    const before = await told(old as never);
    await old.close();
    const run = await openRun(wideBank, { store, id: 'r' });
    expect(await told(run as never)).toEqual(before);
    await run.advance(2);
    const later = [
      { tick: 7, seq: 8, n: 7 },
      { tick: 8, seq: 9, n: 8 },
    ];
    expect(await told(run as never)).toEqual([...before, ...later]);
    expect(await told(run as never, 5)).toEqual([...before.slice(4), ...later]);
    expect(await told(run as never, 8)).toEqual(later.slice(1));
    await run.close();
  });

  test('a fork of an older tick begins an era of its own', async () => {
    const store = memoryStore();
    await recorded(store);
    const run = await openRun(wideBank, { store, id: 'r' });
    const fork = await run.fork({ at: 6, config: { fee: 100 }, id: 'f' });
    expect(fork.world.sums.value.total).toBe(21);
    await fork.advance(1);
    await fork.close();
    const again = await openRun(wideBank, { store, id: 'f' });
    expect(again.world.sums.value).toMatchObject({ total: 28, number: 7 });
    const frames = await framesOf(store, 'f');
    expect(parseChange(frames[7]!.environment!)).toMatchObject({
      fork: { later: 'drop' },
      era: { why: 'migrated' },
      schema: wider.compiled.text,
    });
  });

  test.each([
    ['pending', 0],
    ['recorded', 2],
  ])('L6 L13: a fork of the tick before it begins one as well, with the same world: %s', async (_, ticks) => {
    const store = memoryStore();
    await recorded(store);
    const run = await openRun(wideBank, { store, id: 'r' });
    await run.advance(ticks);
    const fork = await run.fork({ at: 10, id: 'f', later: 'keep' });
    expect(fork.world.sums.value).toEqual({ total: 55, number: 10, fees: 7 });
    await fork.advance(1);
    await fork.close();
    await run.close();
    const again = await openRun(wideBank, { store, id: 'f' });
    expect(again.world.sums.value).toEqual({ total: 66, number: 11, fees: 7.5 });
    const frames = await framesOf(store, 'f');
    expect(parseChange(frames[11]!.environment!)).toMatchObject({
      era: { why: 'migrated' },
      schema: wider.compiled.text,
    });
    expect(await replay(wideBank, { store, id: 'f' })).toMatchObject({ tick: 11 });
    await again.close();
  });

  test('L6 L13: a fork of the tick before it that keeps later inputs reads them as the parent went on', async () => {
    const store = memoryStore();
    await recorded(store, 4);
    const run = await openRun(wideBank, { store, id: 'r' });
    const fork = await run.fork({ at: 4, id: 'f', later: 'keep' });
    await run.close();
    // The era has no record: the old code goes on.
    const old = await openRun(bank(1), { store, id: 'r' });
    await old.advance(1);
    await old.close();
    await fork.advance(1);
    expect(fork.world.sums.value.total).toBe(15);
    await fork.close();
  });

  test('without a migration it is refused with the difference and a migration to write', async () => {
    const store = memoryStore();
    await recorded(store);
    const { migrations: _, ...declared } = {
      name: 'bank',
      version: 2,
      tables: { sums: singleton({ total: t.text() }) },
      migrations: 0,
    };
    const other = defineWorld(defineSchema(declared), { setup() {}, apply: {}, systems: [] } as never);
    const error = await caught(() => openRun(other, { store, id: 'r' }));
    expect(error).toMatchObject({ code: 'SCHEMA_DIFFERS', facts: { run: 'r' } });
    const { message, hint } = error as { message: string; hint: string };
    expect(message).toContain('sums.total');
    expect(hint).toMatch(/migrations|2: \{/);
  });
});
