/**
 * A run: ticks computed, encoded, committed and told of, one after another.
 *
 * Owns the order of what follows a computed tick (encode, note, tell, commit, tell) and the states of a run.
 * What waits is here; what is computed is in the engine.
 */
import { canonicalJson, show } from '../base/canonical.ts';
import { fail, isWorldfoldError, WorldfoldError } from '../base/errors.ts';
import { yieldToEvents } from '../base/platform.ts';
import { encodeRecord } from '../log/record.ts';
import type { LogRecord, Store } from '../log/store.ts';
import { validRow } from '../schema/validate.ts';
import { type CommitPolicy, Committer } from './committer.ts';
import { type ComputedTick, type Engine, InputRefused } from './engine.ts';
import { eventsOf, frames, type LogSource, type MetricFrame, metricsOf } from './history.ts';
import { drop, InputQueue, type Submission } from './input-queue.ts';
import { type ObservedMoment, Observers, type TickNews } from './observers.ts';
import { checkCall, type RunState } from './run-states.ts';
import type { AnyNow } from './world.ts';

/** What a run is made of; times come from the clocks that it is given. */
export interface RunParts {
  readonly id: string;
  readonly store: Store;
  readonly segment: string;
  readonly epoch: number;
  readonly engine: Engine;
  /** A second engine of the same world and environment, for looking at the past. */
  readonly another: () => Engine;
  readonly policy: CommitPolicy;
  readonly maxInputs: number;
  readonly wallClock: () => number;
  readonly steadyClock: () => number;
}

/** How to advance. */
export interface AdvanceOptions {
  readonly onProgress?: (progress: { tick: number; target: number; durableTick: number }) => void;
  readonly signal?: AbortSignal;
  readonly until?: (world: object, now: AnyNow) => boolean;
}

/** What an advance reached. */
export interface AdvanceResult {
  readonly tick: number;
  readonly durableTick: number;
  readonly stateHash: string;
  readonly ended: boolean;
}

/** Milliseconds of computing before other tasks get their turn. */
const SLICE_MS = 20;

/** One execution of a world. */
export class RunCore {
  readonly id: string;
  /** Writers of inputs by kind. */
  readonly submit: object;
  private readonly parts: RunParts;
  private readonly engine: Engine;
  private readonly committer: Committer;
  private readonly queue: InputQueue;
  private readonly observers: Observers;
  private namesTold = false;
  private current: RunState = 'open';
  private hasEnded = false;
  /** The tick that the world must be folded to before its next use, after a tick or a rebuild failed. */
  private rebuildTo: number | null = null;

  constructor(parts: RunParts, durable: { tick: number; hash: Uint8Array }) {
    const { id, store, segment, epoch, engine, policy, steadyClock } = parts;
    this.id = id;
    this.parts = parts;
    this.engine = engine;
    this.committer = new Committer(store, segment, epoch, durable, policy, steadyClock);
    this.queue = new InputQueue(id, parts.maxInputs);
    this.observers = new Observers(id, engine.world.schema.compiled);
    this.submit = this.submitters();
    this.namesTold = durable.tick === 0 && engine.position.tick === 0;
    this.hasEnded = engine.hasEnded();
  }

  /** The last computed tick. */
  get tick(): number {
    return this.rebuildTo ?? this.engine.position.tick;
  }

  /** The last tick that is safe at the chosen durability. */
  get durableTick(): number {
    return this.committer.durable.tick;
  }

  /** See {@link RunState}. */
  get state(): RunState {
    return this.current;
  }

  /** Whether the world's own end has come. */
  get ended(): boolean {
    return this.hasEnded;
  }

  /** The world after the last computed tick. */
  get world(): object {
    return this.engine.state.reader;
  }

  private get source(): LogSource {
    const { store, segment } = this.parts;
    return { store, segment, durableTick: this.durableTick, undurable: this.committer.undurable };
  }

  private submitters(): object {
    const kinds = this.engine.world.schema.compiled.kinds.filter(({ source }) => source === 'input');
    return Object.freeze(
      Object.fromEntries(
        kinds.map((kind) => [
          kind.name,
          (row: object = {}, options: { source?: string; seq?: number } = {}) => {
            checkCall(this.id, this.current, 'submit');
            const checked = validRow(kind, row, `input '${kind.name}'`, 'BAD_INPUT');
            const { applied, durable } = this.queue.submit({
              kind: kind.name,
              row: checked,
              ...checkSource(options),
            });
            return { applied: applied.promise, durable: durable.promise };
          },
        ]),
      ),
    );
  }

  /** Computes up to `n` ticks. Stops early when the world ends, `until` holds, or the signal is aborted. */
  async advance(n = 1, options: AdvanceOptions = {}): Promise<AdvanceResult> {
    checkCall(this.id, this.current, 'advance');
    if (!Number.isSafeInteger(n) || n < 0) fail('BAD_USAGE', `${show(n)} is no number of ticks`, { n });
    this.current = 'advancing';
    try {
      if (this.rebuildTo !== null) await this.rebuild();
      await this.advanceTo(this.tick + n, options);
      if (this.queue.waitsForCommit) await this.commit();
      if (this.current === 'advancing') this.current = 'open';
    } catch (e) {
      if (this.current === 'advancing') this.current = 'failed';
      throw e;
    }
    return this.result();
  }

  private result(): AdvanceResult {
    const { tick, durableTick, hasEnded } = this;
    return { tick, durableTick, stateHash: this.engine.stateHash(), ended: hasEnded };
  }

  private async advanceTo(target: number, options: AdvanceOptions): Promise<void> {
    const { steadyClock } = this.parts;
    const { onProgress, signal, until } = options;
    const progress = (): void => onProgress?.({ tick: this.tick, target, durableTick: this.durableTick });
    let slice = steadyClock();
    while (this.tick < target && !this.hasEnded && !signal?.aborted && this.current === 'advancing') {
      await this.step();
      if (until?.(this.world, this.engine.now)) break;
      if (this.committer.isDue()) await this.commit();
      if (steadyClock() - slice > SLICE_MS) {
        progress();
        await yieldToEvents();
        slice = steadyClock();
      }
    }
    progress();
  }

  /** One tick. Inputs that do not apply are dropped and the tick is computed again without them. */
  private async step(): Promise<void> {
    let submissions = this.queue.take();
    for (;;) {
      try {
        const computed = this.engine.step(submissions.map(({ input }) => input));
        this.hasEnded = this.engine.hasEnded();
        const record = this.encode(computed);
        this.committer.add(record);
        this.queue.applied(record.tick, submissions, computed.inputs);
        this.observers.tell('computed', [record]);
        return;
      } catch (e) {
        await this.rebuild();
        if (!(e instanceof InputRefused)) throw await this.tickFailed(e, submissions);
        drop(submissions[e.index]!, this.inputError(submissions[e.index]!, e.cause));
        submissions = submissions.filter((_, i) => i !== e.index);
      }
    }
  }

  private encode({ content, metrics }: ComputedTick): LogRecord {
    const names = Object.keys(this.engine.world.def.metrics ?? {});
    const metricNames = this.namesTold ? null : names;
    const record = encodeRecord(content, { time: this.parts.wallClock(), metricNames, metrics });
    this.namesTold = true;
    this.engine.advanceTo(content, record.hash);
    return record;
  }

  private inputError({ input }: Submission, cause: unknown): WorldfoldError {
    const inner = cause as WorldfoldError;
    const facts = { ...inner.facts, run: this.id, kind: input.kind };
    return new WorldfoldError(
      'BAD_INPUT',
      `input '${input.kind}' was dropped: ${inner.message}`,
      facts,
      inner.hint,
      cause,
    );
  }

  /** Puts the inputs back, keeps the attempt beside the log, and names the run in the error. */
  private async tickFailed(e: unknown, submissions: readonly Submission[]): Promise<unknown> {
    this.queue.putBack(submissions);
    const inner = e as WorldfoldError;
    const error = isWorldfoldError(e)
      ? new WorldfoldError(
          inner.code,
          `run '${this.id}': ${inner.message}`,
          { run: this.id, ...inner.facts },
          inner.hint,
          inner.cause,
        )
      : e;
    const tick = this.tick + 1;
    const { store, segment } = this.parts;
    try {
      await store.keepAttempt(segment, { tick, text: attemptText(error as Error, submissions) });
    } catch {
      // The attempt is a courtesy beside the log: that it can't be kept must not hide why the tick failed.
    }
    return error;
  }

  /** Folds the world anew from the log, records in memory included. */
  private async rebuild(): Promise<void> {
    this.rebuildTo ??= this.engine.position.tick;
    await foldInto(this.engine, this.source, this.rebuildTo);
    this.rebuildTo = null;
  }

  /** Commits what waits and tells whoever waits for it. */
  private async commit(): Promise<void> {
    try {
      const records = await this.committer.commit();
      if (this.current === 'stalled') this.current = 'open';
      this.queue.committed(this.durableTick);
      this.observers.tell('durable', records);
    } catch (e) {
      if (isWorldfoldError(e, 'STALLED')) this.current = 'stalled';
      else {
        this.current = 'fenced';
        this.queue.abandon(e);
      }
      throw e;
    }
  }

  /** Makes everything computed so far durable. In a stalled run: offers the same bytes again. */
  async flush(): Promise<{ readonly tick: number }> {
    checkCall(this.id, this.current, 'flush');
    await this.commit();
    return { tick: this.durableTick };
  }

  /** Tells `tell` of every tick from now on; the function returned ends it. */
  on(when: ObservedMoment, tell: (news: TickNews) => unknown): () => void {
    checkCall(this.id, this.current, 'read');
    if (when !== 'computed' && when !== 'durable')
      fail('BAD_USAGE', `${show(when)} is no moment to watch`, { when });
    return this.observers.add(when, tell);
  }

  /** The events of a kind in order, over ticks `from` to `to`, both included. */
  events(kind: string, range: { from?: number; to?: number } = {}): AsyncIterable<object> {
    checkCall(this.id, this.current, 'read');
    const { from = 0, to = this.tick } = range;
    return eventsOf(this.source, this.engine.world.schema.compiled, kind, from, Math.min(to, this.tick));
  }

  /** The metrics of all ticks so far. */
  async metrics(): Promise<MetricFrame> {
    checkCall(this.id, this.current, 'read');
    return metricsOf(this.source, this.tick);
  }

  /** The world as it was after a tick, folded anew. */
  async at(tick: number): Promise<object> {
    checkCall(this.id, this.current, 'read');
    if (!Number.isSafeInteger(tick) || tick < 0 || tick > this.tick)
      fail('NO_TICK', `run '${this.id}' has no tick ${show(tick)}: it has 0 to ${this.tick}`, {
        run: this.id,
        tick,
        head: this.tick,
      });
    const engine = this.parts.another();
    await foldInto(engine, this.source, tick);
    return engine.state.reader;
  }

  /** Makes everything durable and gives the run up. Closing twice does nothing. */
  async close(): Promise<void> {
    if (this.current === 'closed') return;
    const { store, segment, epoch } = this.parts;
    const lost = this.current === 'fenced';
    try {
      if (!lost) await this.commit();
    } finally {
      this.current = 'closed';
      this.queue.abandon(new WorldfoldError('CLOSED', `run '${this.id}' was closed`, { run: this.id }));
      if (!lost) await store.release(segment, epoch);
    }
  }
}

// `await using` where the platform has it.
if (Symbol.asyncDispose)
  Object.defineProperty(RunCore.prototype, Symbol.asyncDispose, {
    value(this: RunCore): Promise<void> {
      return this.close();
    },
  });

/** Folds ticks 0 to `to` into an engine, from nothing. */
export async function foldInto(engine: Engine, source: LogSource, to: number): Promise<void> {
  engine.clear();
  for await (const frame of frames(source, 0, to)) engine.fold(frame);
  engine.reveal();
}

function checkSource({ source, seq }: { source?: string; seq?: number }): {
  source: string | null;
  seq: number;
} {
  if (source === undefined && seq === undefined) return { source: null, seq: 0 };
  if (typeof source !== 'string' || source === '' || !Number.isSafeInteger(seq) || seq! < 0)
    fail('BAD_INPUT', 'source and seq go together: a name and a whole number from 0 on', { source, seq });
  return { source: source!, seq: seq! };
}

function attemptText(error: Error, submissions: readonly Submission[]): string {
  const inputs = submissions.map(({ input: { kind, source, seq, row } }) => ({
    kind,
    source,
    seq,
    row: show(row),
  }));
  const code = isWorldfoldError(error) ? error.code : null;
  return canonicalJson({
    error: { code, message: error.message.toWellFormed().replaceAll('\0', '') },
    inputs,
  });
}
