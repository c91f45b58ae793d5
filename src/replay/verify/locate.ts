/**
 * Where and why one tick diverges: it is computed again, twice, with the world hashed after each origin.
 *
 * What a fold or an execution finds is one tick; all detail is made from the log here, on demand, so that no
 * log has to hold it.
 */
import { hex, sameBytes } from '../../base/bytes.ts';
import { messageOf } from '../../base/canonical.ts';
import { isWorldfoldError } from '../../base/errors.ts';
import type { RecordFrame } from '../../log/record.ts';
import { diffWorlds, type WorldDifference } from '../../projections/world-diff.ts';
import type { Engine } from '../../simulation/engine.ts';
import { restore, UNKNOWN_LOG } from '../../simulation/restore.ts';
import { newEngine } from '../../simulation/run-options.ts';
import { originsOf } from '../../simulation/within-tick.ts';
import type { AnyWorld } from '../../simulation/world.ts';
import type { Log } from '../given.ts';
import { compareTicks, type TickDifference } from './compare-ticks.ts';
import { type Executed, engineBefore, executeTick, recordedSide } from './execute.ts';
import { causeOf, changedFunctions, presentOf, recordedBy } from './recorded-by.ts';
import { type Computed, type DivergenceCause, type DivergenceReport, RECORDED, TWICE } from './report.ts';

/** A tick that was computed again, as far as it came. */
interface Attempt {
  readonly engine: Engine;
  readonly executed: Executed | null;
  readonly error: unknown;
  /** Each wave with the hash of the world after it. */
  readonly waves: readonly WaveHash[];
}

interface WaveHash {
  readonly origin: string;
  readonly hash: string;
}

async function execute(log: Log, frame: RecordFrame, paranoid = false): Promise<Attempt> {
  const engine = await engineBefore(log, frame, paranoid);
  const waves: WaveHash[] = [];
  const note = (origin: string): void => void waves.push({ origin, hash: hex(engine.state.digest()) });
  try {
    return { engine, executed: executeTick(engine, frame, note), error: null, waves };
  } catch (error) {
    return { engine, executed: null, error, waves };
  }
}

async function fold(log: Log, frame: RecordFrame): Promise<Attempt> {
  const engine = await engineBefore(log, frame);
  const waves: WaveHash[] = [];
  try {
    engine.fold(frame, (done) => {
      if (done !== null) waves.push({ origin: done.origin, hash: hex(engine.state.digest()) });
    });
    return { engine, executed: null, error: null, waves };
  } catch (error) {
    return { engine, executed: null, error, waves };
  }
}

/** The place of the first wave after which two computations have other worlds; -1 for none. */
function firstOther(a: Attempt, b: Attempt): number {
  const end = Math.max(a.waves.length, b.waves.length);
  for (let i = 0; i < end; i++) if (a.waves[i]?.hash !== b.waves[i]?.hash) return i;
  return -1;
}

const errorText = ({ error }: Attempt): string => (error === null ? '' : messageOf(error));

const stateAt = (origin: string | null): TickDifference => ({
  what: 'state',
  origin,
  event: null,
  values: [],
  draws: [],
});

/** The names of the kinds that some waves of a recorded tick hold. */
function kindsIn({ schema }: AnyWorld, waves: RecordFrame['waves']): readonly string[] {
  const numbers = waves.flatMap(({ runs }) => runs.map(({ kind }) => kind));
  return [...new Set(numbers)].map((kind) => schema.compiled.kinds[kind]!.name);
}

/** What two worlds differ in; null where one of them is in pieces. */
const differenceOf = (a: Attempt, b: Attempt, limit: number): WorldDifference | null =>
  a.error === null && b.error === null ? diffWorlds(a.engine.state, b.engine.state, { limit }) : null;

const tablesOf = (difference: WorldDifference | null): readonly string[] =>
  difference === null ? [] : difference.tables.map(({ table }) => table);

const told = (error: unknown): DivergenceReport['error'] =>
  error === null
    ? null
    : isWorldfoldError(error)
      ? { code: error.code, message: error.message, facts: error.facts }
      : { code: null, message: messageOf(error), facts: {} };

/** What a verification knows when it meets a divergence. */
export interface Met {
  readonly log: Log;
  readonly frame: RecordFrame;
  /** The last tick that is known to agree. */
  readonly after: number;
  /** At most so many rows of a table are listed. */
  readonly limit: number;
}

type Known = 'run' | 'tick' | 'after' | 'sides' | 'changed' | 'recordedBy' | 'recomputedBy';
type Found = Omit<DivergenceReport, Known> & Partial<Pick<DivergenceReport, 'sides'>>;

/** The cause of what was found; hints about code and engine tell of one that nothing else does. */
function sharpened({ cause, error }: Found, recorded: Computed | null, present: Computed): DivergenceCause {
  if (error?.code === 'AMBIENT') return 'ambient source';
  return cause === 'unknown' ? causeOf(recorded, present) : cause;
}

async function reportOf({ log, frame, after }: Met, found: Found): Promise<DivergenceReport> {
  const { tick } = frame;
  const recorded = await recordedBy(log, tick);
  const recomputedBy = presentOf(log.world);
  const changed = changedFunctions(recorded, recomputedBy);
  const suspects = found.kinds.filter((kind) => changed.includes(`apply.${kind}`));
  return {
    run: log.id,
    tick,
    after,
    sides: RECORDED,
    ...found,
    cause: sharpened(found, recorded, recomputedBy),
    kinds: suspects.length > 0 ? suspects : found.kinds,
    changed,
    recordedBy: recorded,
    recomputedBy,
  };
}

const sameRecord = ({ executed }: Attempt, hash: Uint8Array): boolean =>
  executed !== null && sameBytes(executed.record.hash, hash);

/** Whether two computations of one thing came to the same end. */
const isSteady = (one: Attempt, two: Attempt): boolean =>
  errorText(one) === errorText(two) &&
  firstOther(one, two) < 0 &&
  (one.executed === null || sameRecord(two, one.executed.record.hash));

/** What a verification saw when a tick was computed again. */
export interface Seen {
  readonly place: TickDifference | null;
  readonly difference: WorldDifference | null;
}

/** The report of a tick whose systems do not give what was recorded. */
export async function locateExecution(met: Met, seen: Seen): Promise<DivergenceReport> {
  const { log, frame, limit } = met;
  const [one, two] = [await execute(log, frame), await execute(log, frame)];
  const folded = await fold(log, frame);
  const place = seen.place ?? placeOf(one, frame);
  const difference = seen.difference ?? differenceOf(folded, one, limit);
  const handled = handledOtherwise(folded, one, place);
  const isSame = sameRecord(one, frame.hash) || !holdsRecorded(folded, frame);
  const waves = handled === null ? frame.waves : frame.waves.slice(handled.at, handled.at + 1);
  return reportOf(met, {
    found: 'execute',
    cause: isSteady(one, two) && !isSame ? 'unknown' : 'not deterministic',
    place: handled === null ? place : stateAt(handled.origin),
    kinds: handled === null && place?.what !== 'state' ? [] : kindsIn(log.world, waves),
    error: told(one.error),
    tables: tablesOf(difference),
    difference: difference?.same ? null : difference,
  });
}

/** Whether a fold of a tick that once gave the recorded world still does. */
const holdsRecorded = ({ engine, error }: Attempt, { stateHash }: RecordFrame): boolean =>
  error === null && (stateHash === null || sameBytes(stateHash, engine.state.digest()));

/** A wave whose events are the same and whose world is not: handlers differ before any event does. */
function handledOtherwise(
  folded: Attempt,
  executed: Attempt,
  seen: TickDifference | null,
): { readonly at: number; readonly origin: string } | null {
  const at = firstOther(folded, executed);
  const [mine, theirs] = [folded.waves[at]?.origin, executed.waves[at]?.origin];
  const isEvents = seen !== null && seen.what !== 'state' && seen.origin === theirs;
  return mine === undefined || mine !== theirs || isEvents ? null : { at, origin: mine };
}

function placeOf({ engine, executed }: Attempt, frame: RecordFrame): TickDifference | null {
  if (executed === null) return null;
  const { world } = engine;
  const order = originsOf(world, frame.tick);
  return compareTicks(recordedSide(engine, frame), executed.content, world.schema.compiled, order);
}

/** The report of a tick whose events, folded, do not give the recorded world; `tables` is what is known. */
export async function locateFold(met: Met, tables: readonly string[]): Promise<DivergenceReport> {
  const { log, frame, limit } = met;
  const [one, two] = [await fold(log, frame), await fold(log, frame)];
  if (!isSteady(one, two)) return foldsOtherwise(met, one, two, tables);
  const again = await execute(log, frame);
  if (sameRecord(again, frame.hash)) return writtenPast(met, again, one);
  const recorded = one.error === null ? await snapshotAt(log, frame.tick) : null;
  const difference = recorded === null ? null : diffWorlds(recorded.state, one.engine.state, { limit });
  return reportOf(met, {
    found: 'fold',
    cause: 'unknown',
    place: null,
    kinds: one.error === null ? kindsIn(log.world, frame.waves) : kindsOf(one.error),
    error: told(one.error),
    tables: difference === null ? tables : tablesOf(difference),
    difference,
  });
}

/** Handlers that do not do the same twice. */
async function foldsOtherwise(
  met: Met,
  one: Attempt,
  two: Attempt,
  tables: readonly string[],
): Promise<DivergenceReport> {
  const at = Math.max(0, firstOther(one, two));
  const difference = differenceOf(one, two, met.limit);
  return reportOf(met, {
    found: 'fold',
    cause: 'not deterministic',
    place: stateAt(met.frame.waves[at]?.origin ?? null),
    kinds: kindsIn(met.log.world, met.frame.waves.slice(at, at + 1)),
    error: told(one.error ?? two.error),
    tables: difference === null ? tables : tablesOf(difference),
    difference,
    sides: TWICE,
  });
}

/** Systems that give what was recorded, where the events do not: paranoid mode says who wrote what. */
async function writtenPast(met: Met, again: Attempt, folded: Attempt): Promise<DivergenceReport> {
  const { error } = await execute(met.log, met.frame, true);
  const difference = differenceOf(again, folded, met.limit);
  const { origin } = isWorldfoldError(error) ? (error.facts as { readonly origin?: string }) : {};
  return reportOf(met, {
    found: 'fold',
    cause: 'written past',
    place: origin === undefined ? null : stateAt(origin),
    kinds: [],
    error: told(error),
    tables: tablesOf(difference),
    difference,
  });
}

const kindsOf = (error: unknown): readonly string[] =>
  isWorldfoldError(error) && typeof error.facts.kind === 'string' ? [error.facts.kind] : [];

/** The recorded world of a tick where a snapshot holds it; else null. */
async function snapshotAt({ world, source, guard }: Log, tick: number): Promise<Engine | null> {
  const engine = newEngine(world, { guard });
  const how = { code: null, compare: 'none', known: UNKNOWN_LOG, onDamage: () => {} } as const;
  await restore(engine, source, tick, how);
  return engine.from?.manifest.point.tick === tick ? engine : null;
}
