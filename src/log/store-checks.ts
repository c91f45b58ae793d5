/**
 * What every store refuses, and in which words.
 *
 * Owns the checks of arguments and the decisions of the ports (what an append skips, whether a lease may be
 * taken), as functions of plain values, so that no two stores can decide differently. Owns no storage: a
 * store calls these inside its own transaction and carries out what they return.
 */
import { hex, sameBytes } from '../base/bytes.ts';
import { show } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import type { ProcessIdentity } from '../base/platform.ts';
import type { Attempt, Head, Holder, LogRecord, NewRun, PageLimit } from './store.ts';

const HASH_BYTES = 32;

/** How many failed ticks a store keeps of each segment. */
export const KEPT_ATTEMPTS = 16;

/** A segment as a store has it at the moment of a call. */
export interface SegmentState {
  readonly id: string;
  /** The first tick that can be its own: 0, or the one after its parent's. */
  readonly first: number;
  readonly head: Head;
  readonly epoch: number;
  /** Whether a run names it. What no run names has no writer. */
  readonly named: boolean;
}

/** A lease as a store keeps it: the holder, and when it expires in milliseconds of the store's clock. */
export interface Lease extends Holder {
  readonly expiresMs: number;
}

/** A copy that shares no memory: `slice` of a Buffer would share it. */
export const copyBytes = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);

/** A copy of a record that shares no memory with it. */
export const copyRecord = (record: LogRecord): LogRecord => ({
  tick: record.tick,
  hash: copyBytes(record.hash),
  previous: copyBytes(record.previous),
  bytes: copyBytes(record.bytes),
});

const isTick = (tick: number): boolean => Number.isSafeInteger(tick) && tick >= 0;

/** Checks that a number is a tick: `BAD_USAGE`. `what` names it. */
export function checkTick(what: string, tick: number): void {
  if (!isTick(tick))
    fail('BAD_USAGE', `${what} must be a whole number from 0 on, not ${tick}`, { [what]: tick });
}

/**
 * Text that every database can keep: SQL text holds no U+0000, and UTF-8 holds no half of a surrogate pair.
 */
export function checkText(what: string, text: string): void {
  const bad = /\0|\p{Surrogate}/u.exec(text);
  if (bad !== null)
    fail('BAD_USAGE', `${what} holds U+0000 or half a surrogate pair at ${bad.index}`, { at: bad.index });
}

const PLAIN = ['string', 'number', 'bigint', 'boolean'];

/** Checks that parameters of a query are values of SQL; drivers make something of others: `BAD_USAGE`. */
export function checkParameters(parameters: readonly unknown[]): void {
  parameters.forEach((value, i) => {
    if (value === null || value instanceof Uint8Array || PLAIN.includes(typeof value)) return;
    fail(
      'BAD_USAGE',
      `the parameter ${i + 1} is no value of SQL: ${show(value)}`,
      { parameter: i + 1 },
      'Give it a text, a number, a bigint, a boolean, a Uint8Array or null.',
    );
  });
}

/** Checks that a text can be an id: `BAD_USAGE`. `what` is what it would name. */
export function checkId(what: string, id: string): void {
  if (typeof id !== 'string' || id === '')
    fail('BAD_USAGE', `a ${what} id must be text that is not empty`, { id });
  checkText(`the ${what} id`, id);
}

/** Checks that bytes can be the hash of a record: `BAD_USAGE`. */
export function checkHash(field: string, tick: number, hash: Uint8Array): void {
  if (hash.length !== HASH_BYTES)
    fail('BAD_USAGE', `${field} of tick ${tick} has ${hash.length} bytes, not 32`, { tick, field });
}

function checkRecordShape(record: LogRecord): void {
  for (const field of ['hash', 'previous'] as const) checkHash(field, record.tick, record[field]);
}

/** Checks who writes: the time to live is a number of milliseconds, and texts can be kept. */
export function checkHolder(holder: Holder): void {
  if (!Number.isFinite(holder.ttlMs) || holder.ttlMs < 0)
    fail('BAD_USAGE', `a lease lasts 0 or more milliseconds, not ${holder.ttlMs}`, { ttlMs: holder.ttlMs });
  if (!Number.isSafeInteger(holder.pid)) fail('BAD_USAGE', `a pid is a whole number, not ${holder.pid}`);
  checkText('the host', holder.host);
  checkText('the token', holder.token);
}

/** Checks what `create` is given: `BAD_USAGE`, or `GAP` for a record that can't begin a log. */
export function checkNewRun(run: NewRun): void {
  checkId('run', run.id);
  checkId('segment', run.segment);
  checkText('the header', run.header);
  checkHolder(run.holder);
  checkRecordShape(run.record);
  const { tick, previous } = run.record;
  if (tick !== 0 || previous.some((b) => b !== 0))
    fail('GAP', `a log begins with tick 0 on a previous hash of zeros, not with tick ${tick}`, {
      run: run.id,
      tick,
      previous: hex(previous),
    });
}

/** Checks the arguments of `append` that mean nothing in any log: `BAD_USAGE`. */
export function checkAppend(firstTick: number, records: readonly LogRecord[]): void {
  checkTick('firstTick', firstTick);
  for (const record of records) checkRecordShape(record);
}

/** Checks the arguments of `read`: `BAD_USAGE`. A limit may be `Infinity`. */
export function checkRead(from: number, limit: PageLimit): void {
  checkTick('from', from);
  if (!(limit.records >= 1)) fail('BAD_USAGE', `a page has at least one record, not ${limit.records}`);
  if (!(limit.bytes >= 0)) fail('BAD_USAGE', `a page has 0 or more bytes, not ${limit.bytes}`);
}

/** Checks the limit of `list`: `BAD_USAGE`. It may be `Infinity`. */
export function checkListing(limit: number): void {
  if (!(limit >= 1)) fail('BAD_USAGE', `a listing has at least one run, not ${limit}`);
}

/** Refuses a read from before the segment's own ticks: `BAD_USAGE`. */
export function checkFrom(id: string, first: number, from: number): void {
  if (from < first)
    fail(
      'BAD_USAGE',
      `segment '${id}' begins at tick ${first}: tick ${from} is its parent's`,
      { segment: id, first, from },
      'Read the earlier ticks from the segments that lineage gives.',
    );
}

/** Checks an attempt: `BAD_USAGE`. */
export function checkAttempt(attempt: Attempt): void {
  checkTick('tick', attempt.tick);
  checkText('the attempt', attempt.text);
}

/**
 * Decides an append: checks it as the port says and returns how many of the records are in the log already.
 * `storedHash` gives the hash that the segment has at a tick; it is asked for the overlap only.
 */
export function planAppend(
  segment: SegmentState,
  epoch: number,
  firstTick: number,
  records: readonly LogRecord[],
  storedHash: (tick: number) => Uint8Array | undefined,
): number {
  const { id, first, head } = segment;
  checkWriter(segment, epoch);
  if (firstTick < first)
    fail('GAP', `segment '${id}' begins at tick ${first}: tick ${firstTick} is its parent's`, {
      segment: id,
      tick: firstTick,
      first,
    });
  if (firstTick > head.tick + 1)
    fail('GAP', `segment '${id}' ends at tick ${head.tick}: tick ${firstTick} does not follow`, {
      segment: id,
      tick: firstTick,
      head: head.tick,
    });
  records.forEach((record, i) => {
    if (record.tick !== firstTick + i)
      fail('GAP', `tick ${firstTick + i} was due in segment '${id}', and tick ${record.tick} came`, {
        segment: id,
        tick: record.tick,
        expected: firstTick + i,
      });
  });
  const overlap = Math.min(records.length, head.tick - firstTick + 1);
  for (let i = 0; i < overlap; i++) {
    const tick = firstTick + i;
    const stored = storedHash(tick) ?? noRecord(id, tick);
    if (!sameBytes(stored, records[i]!.hash)) diverged(id, tick, 'hash', stored, records[i]!.hash);
  }
  let previous = head.hash;
  for (let i = overlap; i < records.length; i++) {
    const record = records[i]!;
    if (!sameBytes(previous, record.previous))
      diverged(id, record.tick, 'previous', previous, record.previous);
    previous = record.hash;
  }
  return overlap;
}

/** Refuses a writer that is not the segment's: `WRITER_REPLACED`. What no run names has none. */
export function checkWriter(segment: SegmentState, epoch: number): void {
  if (!segment.named)
    fail(
      'WRITER_REPLACED',
      `no run names segment '${segment.id}' any more: nobody writes it`,
      { segment: segment.id, actual: epoch },
      'The run was removed: its records can be forked while they are there.',
    );
  if (epoch !== segment.epoch) writerReplaced(segment.id, epoch, segment.epoch);
}

/** Another record than the one that was said is in the log at that tick. */
export function diverged(
  segment: string,
  tick: number,
  field: string,
  expected: Uint8Array,
  actual: Uint8Array,
): never {
  const said = field === 'hash' ? 'is in the log with another hash' : 'does not follow the record before it';
  return fail(
    'DIVERGED',
    `tick ${tick} of segment '${segment}' ${said}`,
    { segment, tick, field, expected: hex(expected), actual: hex(actual) },
    'Two writers computed different histories: read the log again and go on from its head.',
  );
}

/**
 * Decides whether a segment may be taken at `now`: `RUN_IN_USE` while another holder's lease runs, its
 * process is not known to be dead, and nobody asked for a takeover. The same holder may always take it again;
 * without one (a removal) every lease that runs is another's.
 */
export function checkLease(
  segment: string,
  lease: Lease | null,
  holder: Holder | null,
  takeover: boolean,
  now: number,
  isAlive: (who: ProcessIdentity) => boolean,
): void {
  if (lease === null || takeover || now >= lease.expiresMs) return;
  const same = lease.host === holder?.host && lease.pid === holder.pid && lease.token === holder.token;
  if (same || !isAlive(lease)) return;
  const { host, pid } = lease;
  const expiresInMs = Math.ceil(lease.expiresMs - now);
  fail(
    'RUN_IN_USE',
    `process ${pid} on ${host} writes segment '${segment}'`,
    { segment, host, pid, expiresInMs },
    `Close the run there, wait ${expiresInMs} ms, or take it over: the other writer can then commit no more.`,
  );
}

/** The segment is not in the store. */
export const unknownSegment = (segment: string, location: string): never =>
  fail('UNKNOWN_RUN', `${location} has no segment '${segment}'`, { segment, location });

/** The run is not in the store. */
export const unknownRun = (run: string, location: string): never =>
  fail('UNKNOWN_RUN', `${location} has no run '${run}'`, { run, location });

/** The segment is there, for its forks, and no run names it: nobody may write it. */
export const unnamedSegment = (segment: string, location: string): never =>
  fail('UNKNOWN_RUN', `${location} has no run any more that names segment '${segment}'`, {
    segment,
    location,
  });

/** A commit, renewal or head update came from a writer that another one replaced. */
export const writerReplaced = (segment: string, epoch: number, current: number): never =>
  fail(
    'WRITER_REPLACED',
    `another writer took over segment '${segment}': its epoch is ${current}, not ${epoch}`,
    { segment, expected: current, actual: epoch },
    'This writer can commit no more: open the run again to go on from the head.',
  );

/** A run or segment id is taken. */
export const alreadyThere = (what: 'run' | 'segment', id: string, location: string): never =>
  fail(
    'EXISTS',
    `${location} has a ${what} '${id}' already`,
    { [what]: id, location },
    'Choose another id, or open it.',
  );

/** The head says that a record is there, and it is not. */
export const noRecord = (segment: string, tick: number): never =>
  fail(
    'NO_RECORD',
    `tick ${tick} is missing inside segment '${segment}'`,
    { segment, tick },
    'The store was damaged from outside: restore it from a backup.',
  );

/** The store is closed. */
export const storeClosed = (location: string): never =>
  fail('CLOSED', `the store ${location} is closed`, { location }, 'Open the store again.');
