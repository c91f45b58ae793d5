/** Records for tests of stores: chained bytes that mean nothing, since stores decode no record. */
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { isWorldfoldError } from '../../src/base/errors.ts';
import { sha256, thisProcess } from '../../src/base/platform.ts';
import type { Holder, LogRecord, NewFork, NewRun, NewSnapshot } from '../../src/log/store.ts';

const text = (s: string): Uint8Array => new TextEncoder().encode(s);

/**
 * Bytes that depend on salt and tick; every seventh tick is empty, sizes differ, so that parts and limits
 * bite.
 */
const bytesOf = (salt: string, tick: number): Uint8Array => {
  const size = (tick * 37) % 7 === 0 && tick > 0 ? 0 : 1 + ((tick * 53) % 90);
  return Uint8Array.from({ length: size }, (_, i) => sha256(text(`${salt} ${tick} ${i >> 5}`))[i & 31]!);
};

function grow(
  before: LogRecord | undefined,
  salt: string,
  length: number,
  bytes: (tick: number) => Uint8Array,
): LogRecord[] {
  const records: LogRecord[] = [];
  for (let i = 0; i < length; i++) {
    const last = records.at(-1) ?? before;
    const tick = last === undefined ? 0 : last.tick + 1;
    const previous = last?.hash ?? new Uint8Array(32);
    const own = bytes(tick);
    const hash = new Uint8Array(sha256(Buffer.concat([previous, text(`${salt} ${tick} `), own])));
    records.push({ tick, hash, previous, bytes: own });
  }
  return records;
}

/** A chain of records from tick 0. */
export const chain = (
  salt: string,
  length: number,
  bytes: (tick: number) => Uint8Array = (tick) => bytesOf(salt, tick),
): LogRecord[] => grow(undefined, salt, length, bytes);

/** Records that follow another one. */
export const continued = (after: LogRecord, salt: string, length: number): LogRecord[] =>
  grow(after, salt, length, (tick) => bytesOf(salt, tick));

/** A holder of this process. */
export const holder = (token = 'me', ttlMs = 1000, more: Partial<Holder> = {}): Holder => ({
  ...thisProcess(),
  token,
  ttlMs,
  ...more,
});

/** What `create` takes. */
export const newRun = (id: string, record: LogRecord, more: Partial<NewRun> = {}): NewRun => ({
  id,
  header: `{"run":"${id.length}"}`,
  segment: `${id}-segment`,
  record,
  holder: holder(),
  ...more,
});

/** What `fork` takes, on a record of a segment. */
export const newFork = (id: string, of: string, at: LogRecord, more: Partial<NewFork> = {}): NewFork => ({
  id,
  header: `{"run":"${id.length}"}`,
  segment: `${id}-segment`,
  parent: { segment: of, tick: at.tick },
  hash: at.hash,
  opening: `{"why":"${id}"}`,
  holder: holder(),
  ...more,
});

/** What `keepSnapshot` takes: a snapshot of a record whose chunks are texts or numbers. */
export const snapshotOf = (
  segment: string,
  record: LogRecord,
  chunks: readonly (string | number)[],
  more: Partial<NewSnapshot> = {},
): NewSnapshot => ({
  segment,
  epoch: 1,
  tick: record.tick,
  hash: record.hash,
  pinned: false,
  manifest: text(`manifest ${record.tick}`),
  chunks: chunks.map((chunk) => (typeof chunk === 'number' ? chunk : text(chunk))),
  ...more,
});

let dead: number | undefined;

/** The pid of a process of this host that has ended. */
export const deadPid = (): number => (dead ??= spawnSync(process.execPath, ['-e', '0']).pid);

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A value with its byte arrays as hex text, so that values of different stores compare. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
}

/** What came of a call: its value, or the code of the refusal with the facts that the ports promise. */
export async function outcome(call: () => unknown): Promise<unknown> {
  try {
    return { value: plain(await call()) };
  } catch (e) {
    if (!isWorldfoldError(e)) throw e;
    const { segment, tick } = e.facts;
    return e.code === 'DIVERGED' || e.code === 'NO_RECORD'
      ? { code: e.code, segment, tick }
      : { code: e.code };
  }
}
