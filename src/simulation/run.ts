/**
 * A run: ticks computed, encoded, committed and told of, one after another.
 *
 * Owns the order of what follows a computed tick (encode, note, tell, commit, tell) and the states of a run.
 * What waits is here; what is computed is in the engine.
 */
import type { GuardLevels } from '../base/ambient.ts';
import { WorldfoldError } from '../base/errors.ts';
import { yieldToEvents } from '../base/platform.ts';
import type { EnvironmentChange } from '../log/environment.ts';
import { hasSnapshots, type LogRecord, type SnapshotInfo, unsupported } from '../log/store.ts';
import type { KindLayout } from '../schema/compile.ts';
import { validRow } from '../schema/validate.ts';
import {
  checkAdvance,
  checkFork,
  checkFrom,
  checkHasTick,
  checkObserver,
  checkRange,
  checkSource,
  type InputFrom,
} from './arguments.ts';
import { recordOf } from './code.ts';
import { Commits } from './commits.ts';
import { release } from './committer.ts';
import { type ComputedTick, type Engine, InputRefused } from './engine.ts';
import { attemptText, inputError, inRun } from './failures.ts';
import type { ForkOptions } from './fork.ts';
import { eventsOf, type LogSource, type MetricFrame, metricsOf } from './history.ts';
import { drop, InputQueue, type Submission } from './input-queue.ts';
import { type ObservedMoment, Observers, type TickNews } from './observers.ts';
import { type KnownLog, lookingBack, noState, type RestoreOptions, restore } from './restore.ts';
import { finishRun } from './run-doors.ts';
import { type AdvanceOptions, type AdvanceResult, resultOf } from './run-options.ts';
import type { RunParts } from './run-parts.ts';
import { checkCall, type RunCall, type RunState } from './run-states.ts';
import { checkUnpin, SnapshotKeeper } from './snapshots.ts';
import { type TickLogEntry, tickLogOf } from './tick-log.ts';
import type { KeptSnapshot } from './types.ts';
import { checkAfter, restoreWithin } from './within-tick.ts';
import type { AnyWorld } from './world.ts';

/** Something to wait for that is over. */
const DONE = Promise.resolve();

/** Milliseconds of computing before other tasks get their turn. */
const SLICE_MS = 20;

/** One execution of a world. */
export class RunCore {
  readonly id: string;
  /** Writers of inputs by kind. */
  readonly submit: object;
  private readonly parts: RunParts;
  private readonly engine: Engine;
  private readonly commits: Commits;
  private readonly queue: InputQueue;
  private readonly observers: Observers;
  private readonly keeper: SnapshotKeeper | null;
  /** Whether the log says already what computes its ticks, and what the metrics are called. */
  private introduced: boolean;
  private hasEnded: boolean;
  private advancing = false;
  /** Whether the last tick failed. */
  private failed = false;
  /** Settles when the advance under way has ended. */
  private underway: Promise<void> = Promise.resolve();
  /** Settles when every snapshot that was asked for is kept: until then the world stands still. */
  private still: Promise<unknown> = Promise.resolve();
  private closing: Promise<void> | null = null;
  /** The tick that the world must be folded to before its next use, after a tick or a rebuild failed. */
  private rebuildTo: number | null = null;

  constructor(parts: RunParts, durable: { tick: number; hash: Uint8Array }) {
    const { id, store, engine } = parts;
    this.id = id;
    this.parts = parts;
    this.engine = engine;
    engine.timer = parts.timer;
    this.queue = new InputQueue(id, parts.maxInputs);
    this.observers = new Observers(id, engine.world.schema.compiled);
    this.commits = new Commits(parts, durable, this.queue, this.observers);
    this.submit = this.submitters();
    this.introduced = parts.introduced;
    this.keeper = hasSnapshots(store)
      ? new SnapshotKeeper({
          ...parts,
          run: id,
          store,
          policy: parts.snapshots,
          first: parts.path.at(-1)!.from,
        })
      : null;
    for (const input of parts.opening) this.queue.begin(input);
    this.hasEnded = engine.hasEnded();
  }

  /** The last computed tick. */
  get tick(): number {
    return this.rebuildTo ?? this.engine.position.tick;
  }

  /** The last tick that is safe at the chosen durability. */
  get durableTick(): number {
    return this.commits.committer.durable.tick;
  }

  /** See {@link RunState}. */
  get state(): RunState {
    if (this.closing !== null) return 'closed';
    if (this.commits.state !== null) return this.commits.state;
    if (this.advancing) return 'advancing';
    return this.failed ? 'failed' : 'open';
  }

  /** Whether the world's own end has come. */
  get ended(): boolean {
    return this.hasEnded;
  }

  /** The world after the last computed tick. */
  get world(): object {
    return this.engine.state.reader;
  }

  /** What defineWorld made, that the run is an execution of. */
  get definition(): AnyWorld {
    return this.engine.world;
  }

  /** What becomes of code of a tick that uses a source which no log holds. */
  get guard(): GuardLevels {
    return this.engine.guard;
  }

  /** The log as it stands: durable ticks in the store, later ones in memory. */
  get source(): LogSource {
    const { store, path } = this.parts;
    return { store, path, durableTick: this.durableTick, undurable: [...this.commits.committer.undurable] };
  }

  private check(call: RunCall): void {
    checkCall(this.id, this.state, call, () => this.commits.why());
  }

  private submitters(): object {
    const kinds = this.engine.world.schema.compiled.kinds.filter(({ source }) => source === 'input');
    return Object.freeze(
      Object.fromEntries(
        kinds.map((kind) => [kind.name, (row?: object, from?: InputFrom) => this.submitOne(kind, row, from)]),
      ),
    );
  }

  private submitOne(kind: KindLayout, row: object = {}, from: InputFrom = {}): object {
    this.check('submit');
    checkFrom(from);
    // Checked and copied: what the submitter does with its row while it waits must not reach the tick.
    const own = validRow(kind, row, `input '${kind.name}'`, 'BAD_INPUT');
    const { applied, durable } = this.queue.submit({ kind: kind.name, row: own, ...checkSource(from) });
    return { applied: applied.promise, durable: durable.promise };
  }

  /** Computes up to `n` ticks. Stops early when the world ends, `until` holds, or the signal is aborted. */
  async advance(n = 1, options: AdvanceOptions = {}): Promise<AdvanceResult> {
    this.check('advance');
    checkAdvance(n, options);
    this.advancing = true;
    this.failed = false;
    // In place before anything runs: an observer of the first tick may close the run.
    let done = (): void => {};
    this.underway = new Promise((resolve) => void (done = resolve));
    try {
      return await this.advanceBy(n, options);
    } finally {
      this.engine.watch.release();
      this.advancing = false;
      done();
    }
  }

  private async advanceBy(n: number, options: AdvanceOptions): Promise<AdvanceResult> {
    await this.still;
    if (this.rebuildTo !== null) await this.rebuild();
    await this.advanceTo(this.tick + n, options);
    if (this.state === 'advancing' && this.queue.waitsForCommit) await this.waiting(() => this.commit());
    // A commit that nobody waited for may have failed, or a flush beside. A close tells of it by itself.
    if (this.state !== 'closed') this.commits.check();
    return resultOf(this, this.engine);
  }

  private async advanceTo(target: number, options: AdvanceOptions): Promise<void> {
    const { steadyClock } = this.parts;
    const { onProgress, signal, until } = options;
    const progress = (): void => onProgress?.({ tick: this.tick, target, durableTick: this.durableTick });
    let slice = steadyClock();
    while (this.tick < target && !this.hasEnded && !signal?.aborted && this.state === 'advancing') {
      const pending = this.step();
      // Whoever hears of a tick gets a turn before the next one; where nobody does, a turn only costs time.
      if (pending !== null || this.observers.any) await pending;
      if (until !== undefined && this.engine.holds(until)) break;
      if (this.commits.committer.isDue()) await this.handOver();
      if (this.keeper?.isDue()) await this.keepSnapshot(this.keeper);
      if (steadyClock() - slice > SLICE_MS) {
        progress();
        this.engine.watch.release();
        this.commits.committer.renew();
        await yieldToEvents();
        slice = steadyClock();
      }
    }
    progress();
  }

  /** Keeps a snapshot of the world as it is, after everything before it is durable. */
  private async keepSnapshot(keeper: SnapshotKeeper): Promise<void> {
    await this.waiting(() => this.commit());
    await this.kept(keeper.keepQuietly());
  }

  /** The inputs of the next tick: what a fork begins with, what its parent recorded, what was submitted. */
  private async inputs(): Promise<Submission[]> {
    const kept = this.parts.later?.at(this.tick + 1).catch((e) => {
      throw inRun(e, this.id);
    });
    return this.queue.take((await kept) ?? []);
  }

  /** One tick; null where nobody waits for it. */
  private step(): Promise<unknown> | null {
    if (this.parts.later === null) return this.stepWith(this.queue.take([]));
    this.engine.watch.release();
    return this.inputs().then((submissions) => this.stepWith(submissions));
  }

  /** One tick. Inputs that do not apply are dropped and the tick is computed again without them. */
  private stepWith(submissions: readonly Submission[]): Promise<void> | null {
    try {
      this.engine.watch.hold();
      this.compute(submissions);
      return submissions.length > 0 ? DONE : null;
    } catch (e) {
      this.engine.watch.release();
      return this.mendStep(e, submissions);
    }
  }

  private async mendStep(e: unknown, submissions: readonly Submission[]): Promise<void> {
    this.engine.hide();
    this.rebuildTo = this.engine.position.tick;
    if (!(e instanceof InputRefused)) throw await this.tickFailed(e, submissions);
    const refused = submissions[e.index]!;
    if (refused.from === 'fork')
      throw await this.tickFailed(inputError(refused, e.cause, this.id), submissions);
    const others = submissions.filter((submission) => submission !== refused);
    drop(refused, inputError(refused, e.cause, this.id));
    await this.rebuildFor(others);
    await this.stepWith(others);
  }

  private compute(submissions: readonly Submission[]): void {
    const computed = this.engine.step(submissions.map(({ input }) => input));
    const ended = this.engine.hasEnded();
    const record = this.encode(computed);
    this.hasEnded = ended;
    this.commits.committer.add(record);
    this.queue.applied(record.tick, submissions, computed.inputs);
    this.observers.tell('computed', [record]);
  }

  private encode(computed: ComputedTick): LogRecord {
    const { engine, parts, introduced } = this;
    const record = recordOf(engine, computed, parts.wallClock(), !introduced);
    this.introduced = true;
    engine.advanceTo(computed.content, record.hash);
    return record;
  }

  /** Puts the inputs back, keeps the attempt beside the log, and names the run in the error. */
  private async tickFailed(e: unknown, submissions: readonly Submission[]): Promise<unknown> {
    this.queue.putBack(submissions);
    const error = inRun(e, this.id);
    const { store, segment } = this.parts;
    try {
      await store.keepAttempt(segment, { tick: this.tick + 1, text: attemptText(error, submissions) });
    } catch {
      // The attempt is a courtesy beside the log: that it can't be kept must not hide why the tick failed.
    }
    try {
      await this.rebuild();
    } catch {
      // The world stays hidden, and the next advance begins by folding it: why that fails is told then.
    }
    this.failed = true;
    return error;
  }

  private get known(): KnownLog {
    const { proposedEra: begins, era, position } = this.engine;
    return { begins, from: begins === null ? era : position.tick };
  }

  /** How the world of a tick of this run is built. */
  private restoring(tick: number): RestoreOptions {
    return lookingBack(this.parts.code, this.known, tick, this.id);
  }

  /** Folds the world anew from the log, records in memory included. */
  private async rebuild(): Promise<void> {
    try {
      await restore(this.engine, this.source, this.tick, this.restoring(this.tick));
    } catch (e) {
      this.failed = true;
      throw inRun(e, this.id);
    }
    this.keeper?.restored();
    this.rebuildTo = null;
  }

  private async rebuildFor(submissions: readonly Submission[]): Promise<void> {
    try {
      await this.rebuild();
    } catch (e) {
      this.queue.putBack(submissions);
      throw e;
    }
  }

  /** Hands what waits to the store; waits for it only where too much waits. */
  private handOver(): Promise<void> {
    this.engine.watch.release();
    return this.waiting(() => this.commits.handOver());
  }

  /** Waits, within an advance, for the store. */
  private waiting(call: () => Promise<void>): Promise<void> {
    const { timer } = this.parts;
    return timer === null ? call() : timer.waits(call);
  }

  /** Makes everything computed durable. */
  private commit(): Promise<void> {
    this.engine.watch.release();
    return this.commits.all();
  }

  /** Waits for what the keeper does. A snapshot too may be what a replaced writer hears of it by. */
  private async kept(keeping: Promise<void>): Promise<void> {
    try {
      await keeping;
    } catch (e) {
      this.commits.note(e);
      throw inRun(e, this.id);
    }
  }

  /** Makes everything computed so far durable. In a stalled run: offers the same bytes again. */
  async flush(): Promise<{ readonly tick: number }> {
    this.check('flush');
    await this.commit();
    return { tick: this.durableTick };
  }

  /** Tells `tell` of every tick from now on; the function returned ends it. */
  on(when: ObservedMoment, tell: (news: TickNews) => unknown): () => void {
    this.check('read');
    checkObserver(when, tell);
    return this.observers.add(when, tell);
  }

  /** The events of a kind in order, over ticks `from` to `to`, both included. */
  events(kind: string, given: { from?: number; to?: number } = {}): AsyncIterable<object> {
    this.check('read');
    checkRange(given);
    const { from = 0, to = this.tick } = given;
    const range = { from, to: Math.min(to, this.tick), era: this.engine.nextEra };
    return eventsOf(this.source, this.engine.world, kind, range);
  }

  /** The metrics of all ticks so far. */
  async metrics(): Promise<MetricFrame> {
    this.check('read');
    return metricsOf(this.source, this.tick);
  }

  /** How long ticks took, over ticks `from` to `to`, both included. */
  tickLog(given: { from?: number; to?: number } = {}): AsyncIterable<TickLogEntry> {
    this.check('read');
    checkRange(given, 'tickLog');
    const { from = 0, to = this.tick } = given;
    return tickLogOf(this.source, from, Math.min(to, this.tick));
  }

  /** The world as it was after a tick, or within it after an origin, built anew. */
  async at(tick: number, options: { readonly after?: string } = {}): Promise<object> {
    this.check('read');
    checkHasTick(this, tick);
    const after = checkAfter(this.definition, tick, options);
    const engine = this.parts.another();
    const how = this.restoring(after === undefined ? tick : tick - 1);
    await restoreWithin(engine, this.source, tick, after, how).catch((e) => noState(e, this.id, tick));
    return engine.state.reader;
  }

  /** Begins a run whose log continues this one's at a tick. */
  async fork(options: ForkOptions): Promise<RunCore> {
    this.check('read');
    checkFork(options);
    checkHasTick(this, options.at);
    if (options.at > this.durableTick) await this.flush();
    try {
      return await this.parts.fork(this.source, this.known, this.id, options);
    } catch (e) {
      throw inRun(e, this.id);
    }
  }

  /** Keeps a snapshot of the world as it is. */
  async snapshot({ pin = false }: { readonly pin?: boolean } = {}): Promise<{ readonly tick: number }> {
    this.check('snapshot');
    const { keeper } = this;
    if (keeper === null) return unsupported(this.parts.store, 'snapshots');
    const keeping = this.still.then(() => this.snapshotNow(keeper, pin));
    this.still = keeping.catch(() => {});
    return keeping;
  }

  private async snapshotNow(keeper: SnapshotKeeper, pin: boolean): Promise<{ readonly tick: number }> {
    if (this.rebuildTo !== null) await this.rebuild();
    await this.commit();
    await this.kept(keeper.keep(pin));
    return { tick: this.tick };
  }

  /** The snapshots of the run's own ticks. */
  async snapshots(): Promise<readonly KeptSnapshot[]> {
    this.check('read');
    const { store, segment } = this.parts;
    if (!hasSnapshots(store)) return unsupported(store, 'snapshots');
    return (await store.snapshots(segment)).map(({ tick, pinned, bytes }) => ({ tick, pinned, bytes }));
  }

  /** Lets a pinned snapshot go with the others, unless an era begins with it. */
  async unpin(tick: number): Promise<void> {
    this.check('snapshot');
    const { store, segment } = this.parts;
    if (!hasSnapshots(store)) return unsupported(store, 'snapshots');
    await checkUnpin(this.id, this.source, tick, this.known.begins !== null && tick === this.tick);
    await store.pinSnapshot(segment, tick, false);
  }

  /**
   * Begins what the next record will say: a new era, whose world is pinned as a snapshot, and then the change
   * of a fork, which is no part of that world.
   */
  async begin(isNewEra: boolean, change: EnvironmentChange | null): Promise<void> {
    if (isNewEra && this.keeper === null) return unsupported(this.parts.store, 'snapshots');
    if (isNewEra) await this.kept(this.keeper!.keep(true));
    if (change === null) return;
    this.engine.propose(change);
    this.hasEnded = this.engine.hasEnded();
  }

  /** Lets go of damaged snapshots of this run's own, and keeps a good one instead. */
  async mendSnapshots(damaged: readonly SnapshotInfo[]): Promise<void> {
    if (damaged.length > 0 && this.keeper !== null) await this.kept(this.keeper.mend(damaged));
  }

  /**
   * Ends the run: an advance under way stops after its tick, everything computed is made durable, and the run
   * is given up. Closing twice does nothing more.
   */
  close(): Promise<void> {
    this.closing ??= this.closeNow();
    return this.closing;
  }

  private async closeNow(): Promise<void> {
    await this.underway;
    await this.still;
    const { commits, keeper } = this;
    const isLost = (): boolean => commits.state === 'fenced';
    try {
      await commits.end();
      if (!isLost() && this.rebuildTo === null && keeper !== null) await this.kept(keeper.close());
    } finally {
      this.queue.abandon(new WorldfoldError('CLOSED', `run '${this.id}' was closed`, { run: this.id }));
      await commits.committer.quiet();
      if (!isLost()) await release(this.parts);
    }
  }
}

finishRun(RunCore.prototype);
