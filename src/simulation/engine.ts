/**
 * The tick: inputs, systems, invariants, metrics, and what they leave behind as content of a record.
 *
 * Pure computation over one world state: no store, nothing that waits, and no clock save that of a tick log,
 * which is told what has ended and tells nothing. A tick that throws leaves the state in pieces; whoever
 * called must rebuild it before its next use.
 */
import { ambient, GUARDED, type GuardLevels, type Running } from '../base/ambient.ts';
import { sameBytes } from '../base/bytes.ts';
import { show } from '../base/canonical.ts';
import type { Rng } from '../base/draws.ts';
import { fail, isWorldfoldError } from '../base/errors.ts';
import { refusePromise, tickError } from '../base/tick-error.ts';
import { parseChange } from '../log/environment.ts';
import type { RecordFrame, TickContent } from '../log/record.ts';
import type { RecordMeta } from '../log/record-meta.ts';
import type { TickStreams } from '../random/streams.ts';
import { SOURCE_KIND, SOURCES } from '../schema/compile.ts';
import { secondsAt } from '../schema/tick-length.ts';
import { defaultOf } from '../schema/validate.ts';
import { DerivedValues } from './derived.ts';
import { FoldedWorld, type TableHashes } from './folded-world.ts';
import { TickEvents } from './tick-events.ts';
import type { TickTimer } from './tick-timer.ts';
import type { AnyCtx, AnyDerived, AnyNow, AnySystem, AnyWorld } from './world.ts';

/** An input that was validated and waits for its tick. */
export interface PendingInput {
  readonly kind: string;
  readonly row: object;
  readonly source: string | null;
  readonly seq: number;
}

/** What became of an input: ids that it created, or that its source had sent it before. */
export interface AppliedInput {
  readonly created: unknown;
  readonly repeated: boolean;
}

/** An input whose handler refused it; the tick must be computed again without it. */
export class InputRefused extends Error {
  readonly index: number;

  constructor(index: number, cause: unknown) {
    super('an input was refused by its handler', { cause });
    this.index = index;
  }
}

/** How often a run hashes and checks. */
export interface Cadence {
  readonly hashEvery: number;
  readonly invariantsEvery: number;
  /** Whether what is written past the write view is looked for, around every call of user code. */
  readonly paranoid?: boolean;
  /** What becomes of a tick whose code uses a source that no log holds; it fails where left out. */
  readonly guard?: GuardLevels;
}

/** Which function of the world runs, within a tick. */
interface Part {
  readonly origin?: string;
  readonly invariant?: string;
  readonly metric?: string;
}

/** An invariant that does not hold, and the rows that it gave: none where it gave false. */
export interface BrokenInvariant {
  readonly invariant: string;
  readonly rows: readonly unknown[];
}

/** A computed tick. */
export interface ComputedTick {
  readonly content: TickContent;
  readonly metrics: readonly number[];
  readonly inputs: readonly AppliedInput[];
  /** The tables that changed since the last tick that was hashed; none is told where this one is not. */
  readonly changed: Pick<RecordMeta, 'changed'>;
}

/** How a tick is computed: whether its world is hashed, and whether invariants and metrics are asked. */
interface How {
  readonly hashed: boolean;
  readonly checked: boolean;
}

/** Computes ticks of one world, live or again, and folds recorded ones. */
export class Engine extends FoldedWorld {
  protected readonly events: TickEvents;
  private readonly derived: DerivedValues;
  private readonly cadence: Cadence;
  private readonly ctx: AnyCtx;
  private readonly running: Running;
  /** What runs now. */
  private part: Part = {};
  protected drawing: TickStreams | null = null;
  /** Times the ticks, where the run keeps a tick log. */
  timer: TickTimer | null = null;
  /** The tables' hashes as the last record told them; null where it is not known what it told. */
  private told: TableHashes | null = null;

  /** An engine before tick 0: it folds a log from there, loads a snapshot, or computes a setup. */
  constructor(world: AnyWorld, cadence: Cadence) {
    super(world, cadence.paranoid ?? false, cadence.guard ?? GUARDED);
    this.cadence = cadence;
    this.running = this.watch.running(() => ({ tick: this.tick, ...this.part }));
    this.events = new TickEvents(this.applier);
    this.derived = new DerivedValues(this.state);
    this.ctx = this.makeCtx();
  }

  private makeCtx(): AnyCtx {
    const { state, events, derived } = this;
    const length = this.world.schema.compiled.tick;
    const tickNow = (): number => this.tick;
    const configNow = (): object => this.config;
    return Object.freeze({
      get tick(): number {
        return tickNow();
      },
      get config(): object {
        return configNow();
      },
      get seconds(): number {
        return secondsAt(length, tickNow());
      },
      world: state.reader,
      emit: events.emit,
      events: events.events,
      get: (wanted: AnyDerived) => derived.get(wanted),
      rng: (stream: string) => this.rng(stream),
    } satisfies AnyCtx);
  }

  private rng(stream: string): Rng {
    // A handler that draws from a system's stream would draw when it is replayed, where no system runs.
    if (this.drawing === null || this.state.gate.open)
      return fail(
        'BAD_USAGE',
        `stream '${stream}' was drawn from outside a system or a setup`,
        { stream },
        'Handlers draw from the rng that they are given.',
      );
    return this.drawing.rng(stream);
  }

  /** The moment after the last tick, for conditions. */
  get now(): AnyNow {
    return this.ctx;
  }

  /** Computes tick 0. */
  setup(): ComputedTick {
    return this.runSetup(this.live(0));
  }

  private runSetup(how: How): ComputedTick {
    return this.compute(0, how, () => {
      const { insert, emit } = this.events;
      const given = Object.create(this.ctx, { insert: { value: insert }, emit: { value: emit } });
      this.events.wave('setup', false, () => {
        this.guarded({ origin: 'setup' }, () => {
          refusePromise(this.world.def.setup(given), 'setup');
          this.checkSingles();
        });
      });
      this.timer?.opened();
      return [];
    });
  }

  /** A singleton has its row from the setup, once; or no column of it needs one. */
  private checkSingles(): void {
    for (const { name, single, columns } of this.world.schema.compiled.tables) {
      if (!single) continue;
      const given = this.events.inserted(name);
      if (given > 1)
        fail('BAD_VALUE', `the setup inserted ${given} rows into the singleton '${name}'`, { table: name });
      const column = columns.find((one) => defaultOf(one) === undefined);
      if (given === 0 && column !== undefined)
        fail(
          'BAD_VALUE',
          `the setup inserted no row into the singleton '${name}', whose '${column.name}' has no default`,
          { table: name, column: column.name },
          `Call insert.${name}({ ${column.name}: … }) in the setup, or declare a default.`,
        );
    }
  }

  /**
   * Computes the next tick with the inputs that arrived. Throws {@link InputRefused} for one that does not
   * apply.
   */
  step(inputs: readonly PendingInput[]): ComputedTick {
    return this.runTick(inputs, this.live(this.position.tick + 1));
  }

  /**
   * Computes a recorded tick again, under what its record says: the environment, the inputs, and whether the
   * world is hashed. Invariants and metrics leave no trace in what is hashed, and are not asked. `afterWave`
   * hears of each origin whose events were applied. What it returns is good until the next tick.
   */
  reexecute(
    { environment, stateHash }: RecordFrame,
    inputs: readonly PendingInput[],
    afterWave: ((origin: string) => void) | null = null,
  ): TickContent {
    if (environment !== null) this.propose(parseChange(environment));
    const how = { hashed: stateHash !== null, checked: false };
    this.events.afterWave = afterWave;
    try {
      return (this.position.tick < 0 ? this.runSetup(how) : this.runTick(inputs, how)).content;
    } finally {
      this.events.afterWave = null;
    }
  }

  private live(tick: number): How {
    return { hashed: this.hashes(tick), checked: true };
  }

  private runTick(inputs: readonly PendingInput[], how: How): ComputedTick {
    return this.compute(this.position.tick + 1, how, () => {
      const applied = inputs.map((input, index) => this.applyInput(input, index));
      this.timer?.opened();
      for (const system of this.world.def.systems) this.runSystem(system);
      return applied;
    });
  }

  private compute(tick: number, { hashed, checked }: How, run: () => AppliedInput[]): ComputedTick {
    this.tick = tick;
    this.timer?.begin();
    this.events.begin(tick);
    this.drawing = this.streams.tick(tick);
    this.watch.begin();
    try {
      this.audit?.begin(tick);
      const inputs = run();
      const draws = this.drawing.draws();
      // Conditions and measures may not draw: what they do must leave no trace in the record.
      this.endDraws();
      this.timer?.passed();
      if (checked) this.checkInvariants(tick);
      const metrics = checked ? this.measure() : [];
      this.timer?.measured();
      const content = this.content(tick, draws, hashed);
      const changed = content.stateHash === null ? {} : this.changedTables();
      this.timer?.ended(hashed);
      return { content, metrics, inputs, changed };
    } catch (e) {
      this.state.gate.abandon();
      this.state.gate.hidden = true;
      this.events.abandon();
      throw e;
    } finally {
      this.watch.end();
      this.endDraws();
    }
  }

  private endDraws(): void {
    this.drawing?.close();
    this.drawing = null;
  }

  private content(tick: number, draws: TickContent['draws'], hashed: boolean): TickContent {
    const { hash, sequence } = this.position;
    const stateHash = hashed ? this.state.digest() : null;
    const environment = this.proposedText();
    return { tick, sequence, previous: hash, environment, draws, stateHash, ...this.events.content() };
  }

  /** The tables whose hashes are others than when this was last asked; all of them at first. */
  private changedTables(): Pick<RecordMeta, 'changed'> {
    const last = this.told;
    const now = (this.told = this.tableHashes());
    const changed = now.map((hash, table) => ({ table, hash }));
    return { changed: last === null ? changed : changed.filter(({ hash }, i) => !sameBytes(hash, last[i]!)) };
  }

  /** Takes note that a computed tick was encoded. */
  advanceTo(content: TickContent, hash: Uint8Array): void {
    const events = content.batches.reduce((sum, { set }) => sum + set.size, 0);
    this.recorded({ tick: content.tick, hash, sequence: content.sequence + events });
  }

  private guarded<T>(part: Part, run: () => T): T {
    const { audit, running, tick } = this;
    const around = ambient.running;
    this.part = part;
    ambient.running = running;
    try {
      const result = audit === null ? run() : audit.around({ tick, ...part }, run);
      running.end();
      return result;
    } catch (cause) {
      throw tickError(running.reason(cause), { tick, ...part });
    } finally {
      ambient.running = around;
    }
  }

  protected applyInput(input: PendingInput, index: number): AppliedInput {
    const { kindOf } = this.world.schema.compiled;
    const { source, seq } = input;
    if (source !== null && this.markOf(source) >= seq) return { created: undefined, repeated: true };
    let created: unknown;
    try {
      this.events.wave('inputs', true, () => {
        created = this.events.write(kindOf.get(input.kind)!, input.row);
        if (source !== null) this.events.write(kindOf.get(SOURCE_KIND)!, { source, seq });
      });
    } catch (cause) {
      // What the code of a handler did wrong is not the input's fault.
      if (isWorldfoldError(cause, 'WRITTEN_PAST') || isWorldfoldError(cause, 'AMBIENT')) throw cause;
      throw new InputRefused(index, cause);
    }
    return { created, repeated: false };
  }

  /** The highest number that a source has sent, or -1. */
  markOf(source: string): number {
    const store = this.state.tables.get(SOURCES)!;
    const row = store.find(source);
    return row < 0 ? -1 : (store.set.byName.get('seq')!.read(row) as number);
  }

  protected runSystem({ name, options, run }: AnySystem): void {
    const { tick, timer } = this;
    if (options.every !== undefined && tick % options.every !== 0) return;
    timer?.takesTurn(name);
    const { when } = options;
    if (when !== undefined) {
      const holds = this.guarded({ origin: name }, () => this.condition(when, `'when' of '${name}'`));
      timer?.answered();
      if (!holds) return;
    }
    const atOnce = options.effects === 'at-once';
    const rounds = options.repeat?.max ?? 1;
    for (let round = 1; ; round++) {
      const emitted = this.events.wave(name, atOnce, () => {
        this.guarded({ origin: name }, () => refusePromise(run(this.ctx), `system '${name}'`));
        timer?.returned();
      });
      timer?.applied();
      if (emitted === 0 || options.repeat === undefined) return;
      if (round === rounds)
        fail(
          'REPEAT_LIMIT',
          `tick ${tick}, system '${name}': still emits after ${rounds} rounds`,
          { tick, origin: name, rounds },
          'Raise repeat.max, or see why the cascade does not end.',
        );
    }
  }

  private checkInvariants(tick: number): void {
    if (tick % this.cadence.invariantsEvery !== 0) return;
    for (const { invariant, rows } of this.broken())
      fail('INVARIANT_BROKEN', `tick ${tick}, invariant '${invariant}' does not hold`, {
        tick,
        invariant,
        rows,
      });
  }

  /** The invariants that do not hold now, in the order of their declaration, each with its rows. */
  *broken(): Generator<BrokenInvariant> {
    for (const [invariant, holds] of Object.entries(this.world.def.invariants ?? {})) {
      const rows = this.guarded({ invariant }, () => {
        const result = holds(this.state.reader, this.ctx);
        refusePromise(result, `the invariant '${invariant}'`);
        return offending(result);
      });
      this.timer?.asked();
      if (rows !== null) yield { invariant, rows };
    }
  }

  /** A condition's answer; it may read, and wait for nothing. */
  private condition(holds: (world: object, now: AnyNow) => unknown, what: string): boolean {
    const result = holds(this.state.reader, this.ctx);
    refusePromise(result, what);
    return Boolean(result);
  }

  private measure(): number[] {
    return Object.entries(this.world.def.metrics ?? {}).map(([metric, of]) =>
      this.guarded({ metric }, () => {
        const value = of(this.state.reader, this.ctx);
        refusePromise(value, `the metric '${metric}'`);
        return typeof value === 'number'
          ? value
          : fail('BAD_VALUE', 'a metric is a number', { metric, value });
      }),
    );
  }

  /** Whether the state is hashed after a tick. */
  hashes(tick: number): boolean {
    return tick % this.cadence.hashEvery === 0;
  }

  /** Whether the world's own end has come. */
  hasEnded(): boolean {
    const { until } = this.world.def;
    if (until === undefined) return false;
    this.watch.begin();
    try {
      return this.guarded({ origin: 'until' }, () => this.condition(until, "'until'"));
    } finally {
      this.watch.end();
    }
  }

  /** Whether a condition of the caller's own holds. */
  holds(until: (world: object, now: AnyNow) => unknown): boolean {
    return this.condition(until, "'until'");
  }

  override clear(): void {
    super.clear();
    this.derived.clear();
    this.told = null;
  }
}

/** At most so many rows that break an invariant are shown. */
const MAX_ROWS = 100;

/** The rows that break an invariant, or null when it holds: false, or rows, break it. */
function offending(result: unknown): readonly unknown[] | null {
  if (typeof result === 'boolean') return result ? null : [];
  if (typeof (result as Iterable<unknown> | null | undefined)?.[Symbol.iterator] !== 'function')
    return fail('BAD_VALUE', `an invariant gives true, false or rows, not ${show(result)}`);
  const rows: unknown[] = [];
  for (const row of result as Iterable<unknown>) if (rows.push(row) === MAX_ROWS) break;
  return rows.length === 0 ? null : rows;
}
