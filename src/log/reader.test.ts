import { beforeAll, describe, expect, it } from 'vitest';
import { eventsOf, SMALL } from '../../test/golden/fixtures.ts';
import { isWorldfoldError } from '../base/errors.ts';
import { loadHash } from '../base/hash.ts';
import { type Environment, environmentText, parseEnvironment } from './environment.ts';
import { rootPath } from './lineage.ts';
import { memoryStore } from './memory-store.ts';
import { findRun, readFrames } from './reader.ts';
import { encodeRecord, NO_HASH, type TickContent } from './record.ts';
import type { LogRecord, LogStore, Page } from './store.ts';

const KIND = SMALL.kindOf.get('moved')!.number;
const META = { time: 0, metricNames: null, metrics: [] };

beforeAll(loadHash);

/** A chain of records, each of two events; `change` may bend the content of one. */
function chain(length: number, change: (content: TickContent) => TickContent = (c) => c): LogRecord[] {
  const records: LogRecord[] = [];
  for (let tick = 0; tick < length; tick++) {
    const rows = [1, 2].map((person) => ({ person, to: tick }));
    const content: TickContent = {
      tick,
      sequence: 2 * tick,
      previous: records.at(-1)?.hash ?? NO_HASH,
      environment: null,
      waves: [],
      batches: [{ kind: KIND, set: eventsOf(SMALL, 'moved', rows) }],
      draws: [],
      stateHash: null,
    };
    records.push(encodeRecord(change(content), META));
  }
  return records;
}

/** A store that only reads: pages of two records, as they are given. */
const storeOf = (records: readonly LogRecord[]): LogStore =>
  ({
    read: async (_: string, from: number, { records: limit }: { records: number }): Promise<Page> => ({
      records: records.slice(from, from + Math.min(2, limit)),
      next: null,
    }),
  }) as never;

async function ticks(store: LogStore, from: number, to: number): Promise<unknown> {
  const seen: number[] = [];
  try {
    for await (const frame of readFrames(store, rootPath('s'), from, to)) seen.push(frame.tick);
    return seen;
  } catch (e) {
    return isWorldfoldError(e) ? [...seen, e.code, e.message, e.facts.tick] : e;
  }
}

describe('reading a log', () => {
  it('gives the frames asked for, in order, over pages', async () => {
    expect(await ticks(storeOf(chain(7)), 0, 6)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(await ticks(storeOf(chain(7)), 3, 5)).toEqual([3, 4, 5]);
    expect(await ticks(storeOf(chain(7)), 5, 4)).toEqual([]);
  });

  it('L12: names a log that ends too early', async () => {
    expect(await ticks(storeOf(chain(3)), 0, 4)).toEqual([
      0,
      1,
      2,
      'NO_RECORD',
      "segment 's' ends before tick 3, which it must hold",
      3,
    ]);
  });

  const bent = (tick: number, change: Partial<TickContent>) =>
    chain(4, (content) => (content.tick === tick ? { ...content, ...change } : content));
  const indexed = (tick: number, change: Partial<LogRecord>) =>
    chain(4).map((record, i) => (i === tick ? { ...record, ...change } : record));
  const other = new Uint8Array(32).fill(1);

  it.each<[string, () => LogRecord[], string]>([
    [
      'another tick inside',
      () => bent(2, { tick: 3 }),
      "the record of tick 2 in segment 's' says that it is tick 3",
    ],
    [
      'another tick in the index',
      () => indexed(2, { tick: 3 }),
      "the record of tick 2 in segment 's' says that it is tick 2",
    ],
    [
      'another hash in the index',
      () => indexed(2, { hash: other }),
      "the record of tick 2 in segment 's' is not the one that the store indexed",
    ],
    [
      'another previous hash in the index',
      () => indexed(2, { previous: other }),
      "the record of tick 2 in segment 's' is not the one that the store indexed",
    ],
    [
      'a record of another log',
      () => bent(2, { previous: other }),
      "the record of tick 2 in segment 's' does not follow the one before it",
    ],
    [
      'events numbered twice',
      () => bent(2, { sequence: 3 }),
      "the events of tick 2 in segment 's' are not numbered from 4",
    ],
    [
      'events left out',
      () => bent(2, { sequence: 5 }),
      "the events of tick 2 in segment 's' are not numbered from 4",
    ],
    [
      'a record missing in the middle',
      () => chain(4).filter(({ tick }) => tick !== 2),
      "the record of tick 2 in segment 's' says that it is tick 3",
    ],
  ])('L12: names %s', async (_, records, message) => {
    expect(await ticks(storeOf(records()), 0, 3)).toEqual([0, 1, 'CORRUPT', message, 2]);
  });

  it('L12: begins on zeros at tick 0, and on what is there elsewhere', async () => {
    const zero = chain(1, (content) => ({ ...content, previous: other }));
    expect(await ticks(storeOf(zero), 0, 0)).toMatchObject([
      'CORRUPT',
      expect.stringMatching(/does not follow/),
      0,
    ]);
    const late = chain(1, (content) => ({ ...content, sequence: 4 }));
    expect(await ticks(storeOf(late), 0, 0)).toMatchObject([
      'CORRUPT',
      expect.stringMatching(/not numbered from 0/),
      0,
    ]);
    expect(await ticks(storeOf(bent(2, { previous: other, sequence: 9 })), 2, 2)).toEqual([2]);
  });

  it('L12: names damaged bytes with segment and tick', async () => {
    const records = chain(3);
    const bytes = records[1]!.bytes.slice();
    bytes[20]! ^= 1;
    const store = storeOf(records.map((record, i) => (i === 1 ? { ...record, bytes } : record)));
    await expect(async () => {
      for await (const _ of readFrames(store, rootPath('town/1'), 0, 2));
    }).rejects.toMatchObject({ code: 'CORRUPT', facts: { segment: 'town/1', tick: 1 } });
  });

  it('names a run that is not there', async () => {
    await expect(findRun(memoryStore(), 'x')).rejects.toMatchObject({
      code: 'UNKNOWN_RUN',
      facts: { run: 'x' },
    });
  });
});

describe('an environment', () => {
  const full: Environment = { seed: 'a', config: '{}', schema: '{}', random: 1, hash: 1 };
  const parsed = (text: string, before: Environment | null = null): unknown => {
    try {
      return parseEnvironment(text, before);
    } catch (e) {
      return isWorldfoldError(e) ? e.code : e;
    }
  };

  it('is canonical JSON, and comes back', () => {
    expect(environmentText(full)).toBe('{"config":"{}","hash":1,"random":1,"schema":"{}","seed":"a"}');
    expect(parsed(environmentText(full))).toEqual(full);
  });

  it('lies over the one before it', () => {
    expect(parsed('{"seed":"b"}', full)).toEqual({ ...full, seed: 'b' });
    expect(parsed('{}', full)).toEqual(full);
  });

  it.each([
    ['{', 'CORRUPT'],
    ['null', 'CORRUPT'],
    ['[]', 'CORRUPT'],
    ['{"seed":"a"}', 'CORRUPT'],
    ['{"config":"{}","hash":1,"random":1,"schema":"{}","seed":7}', 'CORRUPT'],
    ['{"config":"{}","hash":"1","random":1,"schema":"{}","seed":"a"}', 'CORRUPT'],
    ['{"config":null,"hash":1,"random":1,"schema":"{}","seed":"a"}', 'CORRUPT'],
    ['{"config":"{}","hash":2,"random":1,"schema":"{}","seed":"a"}', 'NEWER_FORMAT'],
    ['{"config":"{}","hash":1,"random":1,"schema":"{}","seed":"a","weather":1}', 'NEWER_FORMAT'],
  ])('is refused: %s', (text, code) => {
    expect(parsed(text)).toBe(code);
  });

  const noted = (notes: string): unknown =>
    parsed(`{"config":"{}",${notes},"hash":1,"random":1,"schema":"{}","seed":"a"}`);

  it.each([
    '"era":{"base":"00","why":"adopted"}',
    '"era":{"base":"00","why":"migrated"}',
    '"fork":{"because":"masks","later":"keep"}',
    '"fork":{"because":null,"later":"filter"}',
  ])('says nothing of its notes: %s', (notes) => {
    expect(noted(notes)).toEqual(full);
  });

  it.each([
    ['"era":null', 'CORRUPT'],
    ['"era":"adopted"', 'CORRUPT'],
    ['"era":{"base":"00","why":"bored"}', 'CORRUPT'],
    ['"era":{"base":null,"why":"adopted"}', 'CORRUPT'],
    ['"era":{"base":"00"}', 'CORRUPT'],
    ['"era":{"base":"00","until":9,"why":"adopted"}', 'NEWER_FORMAT'],
    ['"fork":{"because":7,"later":"keep"}', 'CORRUPT'],
    ['"fork":{"because":null,"later":"perhaps"}', 'CORRUPT'],
    ['"fork":{"because":null,"later":null}', 'CORRUPT'],
  ])('L13: a note is refused: %s', (notes, code) => {
    expect(noted(notes)).toBe(code);
  });
});
