/** L1 and L2: the log only grows, by whole groups, whatever is offered and whatever fails. */
import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { hex } from '../../src/base/bytes.ts';
import { isWorldfoldError } from '../../src/base/errors.ts';
import { memoryStore } from '../../src/log/memory-store.ts';
import type { LogRecord, Store } from '../../src/log/store.ts';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import { SimulatedMedium } from '../../src/testing/simulated-medium.ts';
import { seededChoices } from '../../src/testing/simulated-scheduler.ts';
import { simulatedStore } from '../../src/testing/simulated-store.ts';
import { withoutPostgres } from '../support/postgres.ts';
import { onServer } from '../support/postgres-stores.ts';
import { holds } from './support/holds.ts';
import { ALL } from './support/recorded.ts';
import { chainOf, otherMetadata } from './support/records.ts';

const HOLDER = { host: 'here', pid: 1, token: 'one', ttlMs: 1000 };
const TICKS = 12;

const textsOf = (records: readonly LogRecord[]): string[] => records.map(({ bytes }) => hex(bytes));

async function createdIn(store: Store, record: LogRecord): Promise<void> {
  await store.create({ id: 'run', header: '{}', segment: 's', record, holder: HOLDER });
}

/** What somebody offers to a store: ticks of the true history, or of another one. */
interface Offer {
  readonly from: number;
  readonly size: number;
  readonly whose: 'ours' | 'theirs' | 'ours, encoded later';
}
const anyOffers: fc.Arbitrary<readonly Offer[]> = fc.array(
  fc.record({
    from: fc.integer({ min: 0, max: TICKS }),
    size: fc.integer({ min: 0, max: 4 }),
    whose: fc.constantFrom('ours', 'ours', 'ours', 'theirs', 'ours, encoded later'),
  }),
  { maxLength: 25, size: 'max' },
);

/** What must come of an offer: the new head, or the code of the refusal. */
function fateOf({ from, size, whose }: Offer, head: number): number | string {
  if (from > head + 1) return 'GAP';
  const last = from + size - 1;
  if (whose !== 'theirs' || size === 0) return Math.max(head, last);
  // Their tick 0 is ours, too: histories part after it.
  return from === 0 && size === 1 ? head : 'DIVERGED';
}

const server = withoutPostgres ? null : await onServer();
afterAll(() => server?.end());

const STORES: { readonly [name: string]: () => Store | Promise<Store> } = {
  memory: () => memoryStore(),
  sqlite: () => sqliteStore(':memory:'),
  simulated: () => simulatedStore(),
  ...(server && { postgres: () => server.open({ schema: server.schema() }) }),
};

for (const [name, open] of Object.entries(STORES))
  test(`L1: ${name} takes the same bytes again as nothing, and other bytes never`, async () => {
    const ours = chainOf(TICKS + 5, 'ours');
    const theirs = chainOf(TICKS + 5, 'theirs');
    const later = ours.map(otherMetadata);
    const histories = { ours, theirs, 'ours, encoded later': later };
    await holds(anyOffers, 15, async (offers) => {
      const store = await open();
      await createdIn(store, ours[0]!);
      // Whose history it is shows in tick 1.
      await store.append('s', 1, 1, [ours[1]!]);
      const kept = ours.slice(0, 2);
      for (const offer of offers) {
        const { from, size, whose } = offer;
        const given = histories[whose].slice(from, from + size).map((record) => ({
          ...record,
          bytes: record.bytes.slice(),
          hash: record.hash.slice(),
        }));
        const fate = fateOf(offer, kept.length - 1);
        const answer = await store.append('s', 1, from, given).catch((e: unknown) => {
          if (isWorldfoldError(e)) return e.code;
          throw e;
        });
        expect(typeof answer === 'string' ? answer : answer.tick).toBe(fate);
        // What was handed in is the caller's, who may reuse it.
        for (const { bytes, hash } of given) for (const own of [bytes, hash]) own.fill(0);
        if (typeof fate === 'number')
          for (let tick = kept.length; tick <= fate; tick++) kept.push(histories[whose][tick]!);
        const page = await store.read('s', 0, ALL);
        expect(textsOf(page.records)).toEqual(textsOf(kept));
        for (const { bytes } of page.records) bytes.fill(0);
      }
      await store.close();
    });
  });

test('L2: a group is kept whole or not at all, whatever fails and whenever the power goes', async () => {
  const chain = chainOf(40, 'ours');
  const plan = fc.record({
    seed: fc.nat(),
    groups: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 12, size: 'max' }),
    durability: fc.constantFrom('process' as const, 'power' as const),
    beforeCommit: fc.constantFrom(0, 0.2, 0.5),
    afterCommit: fc.constantFrom(0, 0.2, 0.5),
    crash: fc.constantFrom(0, 0.1, 0.3),
  });
  await holds(plan, 150, async ({ seed, groups, durability, beforeCommit, afterCommit, crash }) => {
    const medium = new SimulatedMedium({ seed, durability });
    const choices = seededChoices(seed + 1);
    const open = (): Store =>
      simulatedStore({ seed: choices.bits(), medium, faults: { beforeCommit, afterCommit } });
    await createdIn(simulatedStore({ medium }), chain[0]!);
    medium.sync();
    let store = open();
    let head = 0;
    for (const size of groups) {
      const group = chain.slice(head + 1, head + 1 + size);
      const boundaries = new Set([head, head + group.length]);
      const answer = await store.append('s', 1, head + 1, group).catch((e: unknown) => {
        if (isWorldfoldError(e, 'STORE_FAILED')) return null;
        throw e;
      });
      if (answer !== null) expect(answer.tick).toBe(head + group.length);
      if (choices.chance(crash)) {
        medium.crash();
        // Older groups may be gone with the power as well: back to a boundary of before.
        if (durability === 'process') for (let at = 0; at < head; at++) boundaries.add(at);
        store = open();
      }
      const { records } = medium.memory.read('s', 0, ALL);
      const now = records.length - 1;
      expect(boundaries).toContain(now);
      expect(medium.memory.head('run')!.segment.head).toMatchObject({ tick: now, hash: chain[now]!.hash });
      expect(textsOf(records)).toEqual(textsOf(chain.slice(0, now + 1)));
      if (durability === 'power' && answer !== null) expect(now).toBe(answer.tick);
      head = now;
    }
  });
});
