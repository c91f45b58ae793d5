/**
 * What tests of runs share: errors caught, records read, stores that fail when told to.
 */
import { expect } from 'vitest';
import { isWorldfoldError, memoryStore, type WorldfoldError } from '../../src/index.ts';
import { pathOf } from '../../src/log/lineage.ts';
import { findRun, readFrames } from '../../src/log/reader.ts';
import type { RecordFrame } from '../../src/log/record.ts';
import type { Store } from '../../src/log/store.ts';

/** The worldfold error that a call throws or rejects with. */
export async function caught(call: () => unknown): Promise<WorldfoldError> {
  try {
    await call();
  } catch (e) {
    if (isWorldfoldError(e)) return e;
    throw e;
  }
  return expect.fail('nothing was refused');
}

/** The code of what a call is refused with, or `done`. */
export async function codeOf(call: () => unknown): Promise<string> {
  try {
    await call();
    return 'done';
  } catch (e) {
    if (isWorldfoldError(e)) return e.code;
    throw e;
  }
}

/** The frames of a run's log. */
export async function framesOf(store: Store, id: string): Promise<RecordFrame[]> {
  const { segment } = await findRun(store, id);
  const frames: RecordFrame[] = [];
  for await (const frame of readFrames(store, await pathOf(store, segment), 0, segment.head.tick))
    frames.push(frame);
  return frames;
}

/** The record hashes of a run's log. */
export const hashesOf = async (store: Store, id: string): Promise<string[]> =>
  (await framesOf(store, id)).map(({ hash }) => Buffer.from(hash).toString('hex'));

/** The world as plain rows. */
export const rowsOf = (world: object): { [table: string]: unknown } =>
  Object.fromEntries(
    Object.entries(world).map(([name, table]) => [name, Symbol.iterator in table ? [...table] : table.value]),
  );

type Calls = { [call in keyof Store]?: (...given: never[]) => unknown };

/** A store with something to do before or after a call; what that throws, the caller gets. */
export interface Meddled extends Store {
  before: Calls;
  after: Calls;
  readonly inner: Store;
}

/** Puts a hand on a store's calls. */
export function meddled(inner: Store = memoryStore()): Meddled {
  const made: Record<string, unknown> = {
    inner,
    before: {},
    after: {},
    kind: inner.kind,
    location: inner.location,
  };
  for (const [name, call] of Object.entries(inner))
    if (typeof call === 'function')
      made[name] = async (...given: unknown[]) => {
        const { before, after } = made as {
          [hand: string]: { [call: string]: ((...a: unknown[]) => unknown) | undefined };
        };
        await before?.[name]?.(...given);
        const answer = await (call as (...a: unknown[]) => unknown)(...given);
        await after?.[name]?.(...given);
        return answer;
      };
  return made as unknown as Meddled;
}

/** All that comes. */
export async function collect<T>(from: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of from) all.push(one);
  return all;
}

/** Lets everything that waits for nothing go on. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
