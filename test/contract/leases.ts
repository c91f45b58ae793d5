/** The contract of leases and attempts; a part of the suite in `log-store.ts`. */
import { expect, test } from 'vitest';
import { isWorldfoldError } from '../../src/base/errors.ts';
import { thisProcess } from '../../src/base/platform.ts';
import type { Bench } from './log-store.ts';
import { chain, deadPid, holder, newRun, outcome } from './records.ts';

const records = chain('a', 9);
const inUse = { code: 'RUN_IN_USE' };
const replaced = { code: 'WRITER_REPLACED' };
const at = (bench: Bench) => ({
  take: (token: string, takeover = false, more = {}) =>
    outcome(() => bench.store.acquire('s', holder(token, 1000, more), takeover)),
  append: (epoch: number, tick: number) =>
    outcome(() => bench.store.append('s', epoch, tick, records.slice(tick, tick + 1))),
  make: () => bench.store.create(newRun('one', records[0]!, { segment: 's', holder: holder('first') })),
});

/** The sentences of `LeaseStore`. */
export function leaseContract(bench: Bench): void {
  const { take, append, make } = at(bench);

  test('L7: a lease keeps others away until it expires, and names who has it', async () => {
    await make();
    bench.under.elapse(400);
    const error = await bench.store.acquire('s', holder('second'), false).catch((e: unknown) => e);
    expect(isWorldfoldError(error, 'RUN_IN_USE')).toBe(true);
    const { facts } = error as { facts: { host: string; pid: number; expiresInMs: number } };
    expect({ host: facts.host, pid: facts.pid }).toEqual(thisProcess());
    expect(facts.expiresInMs).toBeGreaterThan(0);
    expect(facts.expiresInMs).toBeLessThanOrEqual(600);
    expect(await append(1, 1)).toHaveProperty('value');
    bench.under.elapse(600);
    expect(await take('second')).toEqual({ value: 2 });
    expect(await append(1, 2)).toEqual(replaced);
    expect(await append(2, 2)).toHaveProperty('value');
    expect(await outcome(() => bench.store.acquire('none', holder(), true))).toEqual({ code: 'UNKNOWN_RUN' });
  });

  test('L7: expiry permits a takeover and fails nobody whom none replaced', async () => {
    await make();
    bench.under.elapse(50_000);
    expect(await append(1, 1)).toHaveProperty('value');
    expect(await outcome(() => bench.store.renew('s', 1))).toHaveProperty('value');
    bench.under.elapse(900);
    expect(await take('second')).toEqual(inUse);
  });

  test('L7: a takeover, the same holder and a dead process may take a segment at once', async () => {
    await make();
    expect(await take('first')).toEqual({ value: 2 });
    expect(await take('second')).toEqual(inUse);
    expect(await take('second', true)).toEqual({ value: 3 });
    expect(await take('first')).toEqual(inUse);
    expect(await take('dead', true, { pid: deadPid() })).toEqual({ value: 4 });
    expect(await take('second')).toEqual({ value: 5 });
    const elsewhere = { pid: deadPid(), host: 'another-host.invalid' };
    expect(await take('elsewhere', true, elsewhere)).toEqual({ value: 6 });
    expect(await take('second')).toEqual(inUse);
  });

  test('L7: a lease is renewed and released by its writer only', async () => {
    await make();
    bench.under.elapse(900);
    await bench.store.renew('s', 1);
    bench.under.elapse(900);
    expect(await take('second')).toEqual(inUse);
    await bench.store.release('s', 1);
    await bench.store.renew('s', 1);
    expect(await take('second')).toEqual({ value: 2 });
    expect(await outcome(() => bench.store.renew('s', 1))).toEqual(replaced);
    expect(await outcome(() => bench.store.renew('s', 3))).toEqual(replaced);
    await bench.store.release('s', 1);
    expect(await take('third')).toEqual(inUse);
    const unknown = { code: 'UNKNOWN_RUN' };
    expect(await outcome(() => bench.store.renew('none', 1))).toEqual(unknown);
    expect(await outcome(() => bench.store.release('none', 1))).toEqual(unknown);
  });

  test('L7: one segment’s writer says nothing about another’s', async () => {
    await make();
    await bench.store.create(newRun('two', records[0]!, { segment: 't', holder: holder('first') }));
    await bench.store.acquire('t', holder('second'), true);
    expect(await append(1, 1)).toHaveProperty('value');
    expect((await bench.store.head('one'))?.segment.epoch).toBe(1);
    expect((await bench.store.head('two'))?.segment.epoch).toBe(2);
  });
}

/** The sentences of `AttemptStore`. */
export function attemptContract(bench: Bench): void {
  const { make } = at(bench);

  test('the newest 16 attempts of each segment are kept', async () => {
    await make();
    await bench.store.create(newRun('two', records[0]!, { segment: 't' }));
    const kept = Array.from({ length: 19 }, (_, i) => ({ tick: i % 3, text: `{"a":${i},"say":"é😀"}` }));
    for (const attempt of kept) await bench.store.keepAttempt('s', attempt);
    await bench.store.keepAttempt('t', kept[0]!);
    expect(await bench.store.attempts('s')).toEqual(kept.slice(3));
    expect(await bench.store.attempts('t')).toEqual(kept.slice(0, 1));
    const unknown = { code: 'UNKNOWN_RUN' };
    expect(await outcome(() => bench.store.attempts('none'))).toEqual(unknown);
    expect(await outcome(() => bench.store.keepAttempt('none', kept[0]!))).toEqual(unknown);
  });
}
