/**
 * The first tick at which two logs tell of different worlds.
 *
 * What the logs share is not read: neither segments that both pass through, nor records under the same hash,
 * as a record's hash stands for all before it. From where the records part, recorded state hashes are
 * compared tick by tick; where a tick recorded none, or one of another schema, the next that can be compared
 * is taken, and both worlds are folded from the last that agreed.
 */
import { hex, sameBytes } from '../base/bytes.ts';
import { assert } from '../base/errors.ts';
import { steadyClock, yieldToEvents } from '../base/platform.ts';
import { parseChange } from '../log/environment.ts';
import type { RecordFrame } from '../log/record.ts';
import type { Engine } from '../simulation/engine.ts';
import { frames } from '../simulation/history.ts';
import { crossEra, noState } from '../simulation/restore.ts';
import { engineAt, type Log } from './given.ts';

/** Two logs, side by side. */
export interface Logs {
  readonly a: Log;
  readonly b: Log;
}

const SLICE_MS = 20;
const MAX_SPAN = 1024;

/** The last tick of the segments that both logs pass through; -1 where there is none. */
export function sharedTick({ a, b }: Logs): number {
  if (a.source.store !== b.source.store) return -1;
  let shared = -1;
  for (const [i, span] of a.source.path.entries()) {
    const other = b.source.path[i];
    if (other?.segment !== span.segment) break;
    shared = Math.min(span.to, other.to);
    if (span.to !== other.to) break;
  }
  return Math.min(shared, a.source.durableTick, b.source.durableTick);
}

async function recordHash({ source }: Log, tick: number): Promise<Uint8Array> {
  for await (const { hash } of frames(source, tick, tick)) return hash;
  return assert(false, 'a log has a record for each of its ticks', { tick }) as never;
}

/** The last tick from `known` to `end` at which both logs have the same record. `known` is one, or -1. */
export async function lastSame({ a, b }: Logs, known: number, end: number): Promise<number> {
  let same = known;
  let other = end + 1;
  for (let step = 1; other - same > 1; ) {
    // Logs that part at once are found by one look, those that go together for long by few.
    const tick = Math.min(same + step, Math.floor((same + other) / 2));
    if (sameBytes(await recordHash(a, tick), await recordHash(b, tick))) {
      same = tick;
      step *= 2;
    } else other = tick;
  }
  return same;
}

/** The frames of both logs, tick by tick. Read ahead by ever longer spans, as the difference may be near. */
async function* pairs({ a, b }: Logs, from: number, end: number): AsyncGenerator<[RecordFrame, RecordFrame]> {
  let slice = steadyClock();
  for (let first = from, span = 1; first <= end; first += span, span = Math.min(2 * span, MAX_SPAN)) {
    const last = Math.min(end, first + span - 1);
    const others = frames(b.source, first, last);
    for await (const frame of frames(a.source, first, last)) {
      const { value: other } = await others.next();
      assert(other !== undefined, 'a log has a record for each of its ticks', { tick: frame.tick });
      yield [frame, other];
      if (steadyClock() - slice < SLICE_MS) continue;
      await yieldToEvents();
      slice = steadyClock();
    }
  }
}

/** What recorded hashes tell. */
interface Scanned {
  /** The last tick before `differs` that is known to be equal; -1 for none. */
  readonly equal: number;
  /** The first tick whose hashes were compared and differ, or null. */
  readonly differs: number | null;
}

async function scan(logs: Logs, same: number, end: number): Promise<Scanned> {
  let equal = same;
  // The schemas as they changed since the logs parted; null stands for the one that both had there.
  let schemas: readonly [string | null, string | null] = [null, null];
  const schemaOf = ({ environment }: RecordFrame, before: string | null): string | null =>
    environment === null ? before : (parseChange(environment).schema ?? before);
  for await (const [a, b] of pairs(logs, same + 1, end)) {
    schemas = [schemaOf(a, schemas[0]), schemaOf(b, schemas[1])];
    if (a.stateHash === null || b.stateHash === null || schemas[0] !== schemas[1]) continue;
    if (!sameBytes(a.stateHash, b.stateHash)) return { equal, differs: a.tick };
    equal = a.tick;
  }
  return { equal, differs: null };
}

/** Two worlds, folded. */
export interface Folded {
  readonly a: Engine;
  readonly b: Engine;
}

async function foldOne(engine: Engine, { id, source }: Log, frame: RecordFrame): Promise<void> {
  try {
    await crossEra(engine, source, frame);
    engine.fold(frame);
    engine.compare(frame);
  } catch (e) {
    noState(e, id, frame.tick);
  }
}

/** Folds both worlds from a tick on, until they differ; null where they don't. */
async function foldApart(logs: Logs, from: number, end: number): Promise<Folded | null> {
  const folded = { a: await engineAt(logs.a, from), b: await engineAt(logs.b, from) };
  for await (const [a, b] of pairs(logs, from + 1, end)) {
    await foldOne(folded.a, logs.a, a);
    await foldOne(folded.b, logs.b, b);
    if (!folded.a.isHash(hex(folded.b.state.digest()))) return folded;
  }
  return null;
}

/** The worlds of both logs after a tick. */
export const foldedAt = async ({ a, b }: Logs, tick: number): Promise<Folded> => ({
  a: await engineAt(a, tick),
  b: await engineAt(b, tick),
});

/**
 * The first tick up to `end` whose worlds differ, and both worlds after it; null where none differs. Between
 * two recorded hashes that agree, ticks that recorded none count as equal.
 */
export async function firstDifference(
  logs: Logs,
  end: number,
): Promise<{ readonly tick: number; readonly folded: Folded } | null> {
  const same = await lastSame(logs, Math.min(sharedTick(logs), end), end);
  const { equal, differs } = await scan(logs, same, end);
  if (differs === equal + 1) return { tick: differs, folded: await foldedAt(logs, differs) };
  const last = differs ?? end;
  const folded = equal < last ? await foldApart(logs, equal, last) : null;
  if (folded !== null) return { tick: folded.a.position.tick, folded };
  return differs === null ? null : { tick: differs, folded: await foldedAt(logs, differs) };
}
