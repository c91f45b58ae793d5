/**
 * `verify`: a log held against itself, against the fold of its events, and against its systems run again.
 *
 * One pass over the records, with two engines: one folds what was recorded, the other computes it anew. Both
 * must come to the recorded bytes and hashes at every tick; the first that does not is looked at in detail.
 */
import { hex, sameBytes } from '../../base/bytes.ts';
import { type ErrorCode, isWorldfoldError, type WorldfoldError } from '../../base/errors.ts';
import { loadHash } from '../../base/hash.ts';
import { steadyClock, yieldToEvents } from '../../base/platform.ts';
import { eventCount, type RecordFrame } from '../../log/record.ts';
import { diffWorlds } from '../../projections/world-diff.ts';
import { lastAdopted } from '../../simulation/adopted.ts';
import type { Engine } from '../../simulation/engine.ts';
import type { TableHashes } from '../../simulation/folded-world.ts';
import { frames } from '../../simulation/history.ts';
import { crossEra } from '../../simulation/restore.ts';
import { newEngine } from '../../simulation/run-options.ts';
import { originsOf } from '../../simulation/within-tick.ts';
import { refuseLostBase } from '../adopted.ts';
import { engineAt, type GivenLog, type GivenRun, type Log, logGiven } from '../given.ts';
import { compareTicks, type TickDifference } from './compare-ticks.ts';
import { executeTick, recordedSide } from './execute.ts';
import { locateExecution, locateFold, type Met, type Seen } from './locate.ts';
import { checkVerify, type VerifyOptions } from './options.ts';
import type { DamageReport, DivergenceReport, Ticks, VerifyMode, VerifyReport } from './report.ts';

const SLICE_MS = 20;
const MODES: readonly VerifyMode[] = ['chain', 'fold', 'execute'];

/** What makes a verdict of damage: bytes that are not what was written, or are not there. */
const DAMAGE: readonly ErrorCode[] = ['CORRUPT', 'NO_RECORD', 'NEWER_FORMAT', 'NO_STATE', 'UNKNOWN_RUN'];

/** A verification under way. */
class Verification {
  private readonly log: Log;
  private readonly limit: number;
  private readonly folding: Engine | null;
  private readonly executing: Engine | null;
  /** Ticks from here on are folded: records before it lead to worlds that the present handlers don't give. */
  private readonly foldFrom: number;
  /** The tables' hashes when they were compared last. */
  private known: TableHashes | null = null;
  private agreed: number;
  private readonly to: number;
  compared = 0;
  executed = 0;
  events = 0;
  last = -1;
  older = 0;
  divergence: DivergenceReport | null = null;

  constructor(log: Log, limit: number, engines: readonly Engine[], foldFrom: number, { from, to }: Ticks) {
    this.log = log;
    this.limit = limit;
    this.folding = engines[0] ?? null;
    this.executing = engines[1] ?? null;
    this.foldFrom = foldFrom;
    this.agreed = from - 1;
    this.to = to;
    this.known = this.folding?.tableHashes() ?? null;
  }

  /** Takes the next record; false where it diverges. */
  async take(frame: RecordFrame): Promise<boolean> {
    this.last = frame.tick;
    this.events += eventCount(frame.counts);
    const { folding } = this;
    if (folding === null) return true;
    if (frame.tick < this.foldFrom) {
      this.older++;
      return true;
    }
    if (await crossEra(folding, this.log.source, frame)) {
      this.known = folding.tableHashes();
      // An era begins with the world that was recorded for it.
      this.agreed = frame.tick - 1;
    }
    if (this.executing !== null) await crossEra(this.executing, this.log.source, frame);
    if (!(await this.fold(folding, frame))) return false;
    if (folding.isPresent) {
      if (this.executing !== null && !(await this.execute(this.executing, folding, frame))) return false;
      this.agreed = frame.tick;
      return true;
    }
    this.older++;
    this.executing?.fold(frame);
    return true;
  }

  private met(frame: RecordFrame): Met {
    return { log: this.log, frame, after: this.agreed, limit: this.limit };
  }

  private async fold(engine: Engine, frame: RecordFrame): Promise<boolean> {
    try {
      engine.fold(frame);
      engine.compare(frame, this.known);
    } catch (e) {
      if (!isWorldfoldError(e, 'REPLAY_DIFFERS') && !isWorldfoldError(e, 'AMBIENT')) throw e;
      await refuseLostBase(this.log.source, frame.tick, this.to, e);
      const { tables, among } = e.facts as { readonly tables?: string[]; readonly among?: string[] };
      this.divergence = await locateFold(this.met(frame), tables ?? among ?? []);
      return false;
    }
    if (frame.stateHash === null || !engine.isPresent) return true;
    this.known = engine.tableHashes();
    this.compared++;
    return true;
  }

  private async execute(engine: Engine, folding: Engine, frame: RecordFrame): Promise<boolean> {
    const seen = this.computeAgain(engine, folding, frame);
    if (seen !== null) this.divergence = await locateExecution(this.met(frame), seen);
    else this.executed++;
    return seen === null;
  }

  /** Computes a tick again; null where that gives what was recorded, else what was seen. */
  private computeAgain(engine: Engine, folding: Engine, frame: RecordFrame): Seen | null {
    const seen = (place: TickDifference | null): Seen => {
      const difference = diffWorlds(folding.state, engine.state, { limit: this.limit });
      return { place, difference: difference.same ? null : difference };
    };
    try {
      const { content, record } = executeTick(engine, frame);
      if (!sameBytes(record.hash, frame.hash)) {
        const order = originsOf(engine.world, frame.tick);
        const recorded = recordedSide(engine, frame);
        return seen(compareTicks(recorded, content, engine.world.schema.compiled, order));
      }
      engine.advanceTo(content, record.hash);
    } catch {
      // What is thrown is told of by the computation that follows.
      return { place: null, difference: null };
    }
    // A tick that recorded no hash must still be one world, folded or computed.
    return frame.stateHash !== null || folding.isHash(hex(engine.state.digest())) ? null : seen(null);
  }
}

async function enginesFor(log: Log, mode: VerifyMode, from: number, foldFrom: number): Promise<Engine[]> {
  const engines: Engine[] = [];
  for (let i = 0; i < MODES.indexOf(mode); i++)
    engines.push(
      from === 0 || from <= foldFrom
        ? newEngine(log.world, { guard: log.guard })
        : await engineAt(log, from - 1),
    );
  return engines;
}

/** What makes a log one whose head can't be found. A run that is not there is no damage. */
const HEADLESS: readonly ErrorCode[] = ['CORRUPT', 'NO_RECORD', 'NEWER_FORMAT'];

const isHeadless = (e: unknown): boolean => HEADLESS.some((code) => isWorldfoldError(e, code));

/** The report of a log that is damaged where it ends: no record of it was read. */
function headless(run: string, mode: VerifyMode, e: unknown): VerifyReport {
  return {
    run,
    mode,
    verdict: 'damaged',
    chained: null,
    compared: 0,
    executed: 0,
    older: null,
    events: 0,
    divergence: null,
    damage: damageOf(run, e as WorldfoldError),
  };
}

const damageOf = (run: string, { code, message, facts, hint }: WorldfoldError): DamageReport => ({
  run,
  code,
  message,
  facts,
  hint: hint ?? null,
});

const stretch = (from: number, count: number): Ticks | null =>
  count > 0 ? { from, to: from + count - 1 } : null;

async function verifyLog(log: Log, options: VerifyOptions): Promise<VerifyReport> {
  const { mode = 'execute', limit = 20, from = 0, to = log.tick, onProgress, signal } = options;
  let damage: DamageReport | null = null;
  let under: Verification | null = null;
  let aborted = false;
  try {
    const adopted = mode === 'chain' ? 0 : await lastAdopted(log.source, to);
    under = new Verification(log, limit, await enginesFor(log, mode, from, adopted), adopted, { from, to });
    let slice = steadyClock();
    for await (const frame of frames(log.source, from, to)) {
      if (!(await under.take(frame))) break;
      if ((aborted = signal?.aborted === true)) break;
      if (steadyClock() - slice < SLICE_MS) continue;
      onProgress?.({ tick: frame.tick, target: to });
      await yieldToEvents();
      slice = steadyClock();
    }
  } catch (e) {
    if (!DAMAGE.some((code) => isWorldfoldError(e, code))) throw e;
    damage = damageOf(log.id, e as WorldfoldError);
  }
  const {
    compared = 0,
    executed = 0,
    events = 0,
    older = 0,
    last = from - 1,
    divergence = null,
  } = under ?? {};
  onProgress?.({ tick: Math.max(last, from), target: to });
  const isCut = aborted && last < to;
  return {
    run: log.id,
    mode,
    verdict: damage !== null ? 'damaged' : divergence !== null ? 'diverged' : isCut ? 'aborted' : 'verified',
    chained: stretch(from, last - from + 1),
    compared,
    executed,
    older: stretch(from, older),
    events,
    divergence,
    damage,
  };
}

/**
 * Verifies a run: its records are read with their hashes and links, its events are folded and compared with
 * every recorded state hash, and its systems are run again and must give the recorded bytes, draw for draw.
 * The first tick that differs is reported with system, event, column, stream, tables and rows, and with why;
 * nothing is thrown for what a verification is there to find. Takes no lease and writes nothing.
 *
 * `SCHEMA_DIFFERS`, `UNKNOWN_RUN`, `NO_TICK`, `NO_STATE` where the world before `from` can't be rebuilt,
 * `CLOSED`, `BAD_USAGE`.
 *
 * @example
 * ```ts
 * const report = await verify(run);
 * if (report.verdict !== 'verified') console.log(verifyText(report));
 * ```
 */
export async function verify(run: GivenRun | GivenLog, options: VerifyOptions = {}): Promise<VerifyReport> {
  await loadHash();
  let log: Log;
  try {
    log = await logGiven('verify', run);
  } catch (e) {
    if (!isHeadless(e)) throw e;
    return headless(run.id, options.mode ?? 'execute', e);
  }
  checkVerify(log, options);
  return verifyLog(log, options);
}
