/**
 * The tick: inputs, systems, invariants, metrics, and what they leave behind as content of a record.
 *
 * Pure computation over one world state: no store, no clock, nothing that waits. A tick that throws leaves
 * the state in pieces; whoever called must rebuild it before its next use.
 */

import { hex, sameBytes } from '../base/bytes.ts';
import { parseCanonical, show } from '../base/canonical.ts';
import type { Rng } from '../base/draws.ts';
import { assert, fail, isWorldfoldError } from '../base/errors.ts';
import { frozen } from '../columns/cells.ts';
import { loadTables, type Where } from '../log/chunks.ts';
import {
  type Environment,
  type EnvironmentChange,
  environmentText,
  parseChange,
  parseEnvironment,
} from '../log/environment.ts';
import type { Manifest, SnapshotPoint } from '../log/manifest.ts';
import {
  decodeBatches,
  eventCount,
  NO_HASH,
  type RecordFrame,
  reusedSets,
  type SetSource,
  type TickContent,
} from '../log/record.ts';
import { Applier } from '../projections/applier.ts';
import { Audit } from '../projections/audit.ts';
import { foldTick } from '../projections/fold.ts';
import { refusePromise, tickError } from '../projections/tick-error.ts';
import { WorldState } from '../projections/world-state.ts';
import { RANDOM_VERSION } from '../random/digest.ts';
import { Streams, type TickStreams } from '../random/streams.ts';
import { unliteral } from '../schema/canonical-text.ts';
import { SOURCE_KIND, SOURCES } from '../schema/compile.ts';
import { secondsAt } from '../schema/tick-length.ts';
import { defaultOf } from '../schema/validate.ts';
import { DerivedValues } from './derived.ts';
import { type Past, pastOf, type RecordedEvents } from './past.ts';
import { TickEvents } from './tick-events.ts';
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
}

/** A computed tick. */
export interface ComputedTick {
  readonly content: TickContent;
  readonly metrics: readonly number[];
  readonly inputs: readonly AppliedInput[];
}

/** Where a log stands after a tick. */
export interface Position {
  readonly tick: number;
  readonly hash: Uint8Array;
  /** The number of the next event. */
  readonly sequence: number;
}

const CHANGED =
  'The code of apply has changed, or is not deterministic: `worldfold replay` names the first such tick.';

/** What a snapshot is loaded from. */
export interface LoadedSnapshot {
  readonly manifest: Manifest;
  /** The chunks that are stored apart, in the manifest's order, and their numbers. */
  readonly chunks: readonly Uint8Array[];
  readonly numbers: readonly number[];
  /** Where it was met, for errors. */
  readonly where: Where;
}

const START: Position = { tick: -1, hash: NO_HASH, sequence: 0 };

/** Computes ticks of one world, live, and folds recorded ones. */
export class Engine {
  readonly world: AnyWorld;
  readonly state: WorldState;
  position: Position = START;
  /** What the log says that the fold depends on, up to the position and with what is proposed for the next. */
  environment: Environment | null = null;
  /** The tick of the first record of the era. */
  era = 0;
  /** The snapshot that the world was built from, where it was made under this schema. */
  from: Pick<LoadedSnapshot, 'manifest' | 'numbers'> | null = null;
  /** What the next record is to say of the environment. */
  private proposed: EnvironmentChange | null = null;
  /** How to read records that were made under another schema; null where they are of this one. */
  private past: Past | null = null;
  private streams = new Streams('');
  private settings: object = Object.freeze({});
  private readonly audit: Audit | null;
  private readonly applier: Applier;
  private readonly events: TickEvents;
  private readonly derived: DerivedValues;
  private readonly cadence: Cadence;
  private readonly sets: SetSource;
  private readonly ctx: AnyCtx;
  private tick = 0;
  private drawing: TickStreams | null = null;

  /** An engine before tick 0: it folds a log from there, loads a snapshot, or computes a setup. */
  constructor(world: AnyWorld, cadence: Cadence) {
    const { compiled } = world.schema;
    this.world = world;
    this.cadence = cadence;
    this.state = new WorldState(compiled);
    this.audit = cadence.paranoid ? new Audit(this.state) : null;
    this.applier = new Applier(this.state, world.def.apply, this.audit);
    this.events = new TickEvents(this.applier);
    this.derived = new DerivedValues(this.state);
    this.sets = reusedSets(compiled);
    this.ctx = this.makeCtx();
  }

  private makeCtx(): AnyCtx {
    const { state, events, derived } = this;
    const length = this.world.schema.compiled.tick;
    const tickNow = (): number => this.tick;
    const configNow = (): object => this.settings;
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

  /** The config that handlers and systems see: frozen. */
  get config(): object {
    return this.settings;
  }

  /** Takes an environment over. Records of another schema are read through its migrations from now on. */
  private enter(environment: Environment): void {
    if (environment.random !== RANDOM_VERSION)
      fail(
        'NEWER_FORMAT',
        `the run draws by version ${environment.random}, which this version does not know`,
        {
          random: environment.random,
        },
      );
    const past =
      environment.schema === this.world.schema.compiled.text ? null : pastOf(this.world, environment.schema);
    const config = unliteral(parseCanonical(environment.config)) as object;
    this.past = past;
    this.environment = environment;
    this.settings = sealed(past === null ? config : past.config(config));
    this.streams = new Streams(environment.seed);
    this.applier.enter(this.streams, this.settings);
  }

  /**
   * Says what the next record will say of the environment, from when on it holds. What was proposed before
   * and is in no record yet is part of it.
   */
  propose(change: EnvironmentChange): void {
    this.proposed = { ...this.proposed, ...change };
    this.enterProposed();
  }

  private enterProposed(): void {
    if (this.proposed !== null)
      this.enter(parseEnvironment(environmentText(this.proposed), this.environment));
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
    return this.compute(0, () => {
      const { insert, emit } = this.events;
      const given = Object.create(this.ctx, { insert: { value: insert }, emit: { value: emit } });
      this.events.wave('setup', false, () => {
        this.guarded({ origin: 'setup' }, () => {
          refusePromise(this.world.def.setup(given), 'setup');
          this.checkSingles();
        });
      });
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
    return this.compute(this.position.tick + 1, () => {
      const applied = inputs.map((input, index) => this.applyInput(input, index));
      for (const system of this.world.def.systems) this.runSystem(system);
      return applied;
    });
  }

  private compute(tick: number, run: () => AppliedInput[]): ComputedTick {
    this.tick = tick;
    this.events.begin(tick);
    this.drawing = this.streams.tick(tick);
    try {
      this.audit?.begin(tick);
      const inputs = run();
      const draws = this.drawing.draws();
      // Conditions and measures may not draw: what they do must leave no trace in the record.
      this.endDraws();
      this.checkInvariants(tick);
      const metrics = this.measure();
      return { content: this.content(tick, draws), metrics, inputs };
    } catch (e) {
      this.state.gate.abandon();
      this.state.gate.hidden = true;
      this.events.abandon();
      throw e;
    } finally {
      this.endDraws();
    }
  }

  private endDraws(): void {
    this.drawing?.close();
    this.drawing = null;
  }

  private content(tick: number, draws: TickContent['draws']): TickContent {
    const { hash, sequence } = this.position;
    const stateHash = this.hashes(tick) ? this.state.digest() : null;
    const environment = this.proposed === null ? null : environmentText(this.proposed);
    return { tick, sequence, previous: hash, environment, draws, stateHash, ...this.events.content() };
  }

  /** Takes note that a computed tick was encoded. */
  advanceTo(content: TickContent, hash: Uint8Array): void {
    const events = content.batches.reduce((sum, { set }) => sum + set.size, 0);
    this.position = { tick: content.tick, hash, sequence: content.sequence + events };
    if (this.proposed?.era !== undefined) this.era = content.tick;
    this.proposed = null;
  }

  private guarded<T>(place: { origin?: string; invariant?: string; metric?: string }, run: () => T): T {
    const { audit, tick } = this;
    try {
      return audit === null ? run() : audit.around({ tick, ...place }, run);
    } catch (cause) {
      throw tickError(cause, { tick, ...place });
    }
  }

  private applyInput(input: PendingInput, index: number): AppliedInput {
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
      if (isWorldfoldError(cause, 'WRITTEN_PAST')) throw cause;
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

  private runSystem({ name, options, run }: AnySystem): void {
    const { tick } = this;
    if (options.every !== undefined && tick % options.every !== 0) return;
    const { when } = options;
    if (
      when !== undefined &&
      !this.guarded({ origin: name }, () => this.condition(when, `'when' of '${name}'`))
    )
      return;
    const atOnce = options.effects === 'at-once';
    const rounds = options.repeat?.max ?? 1;
    for (let round = 1; ; round++) {
      const emitted = this.events.wave(name, atOnce, () =>
        this.guarded({ origin: name }, () => refusePromise(run(this.ctx), `system '${name}'`)),
      );
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
    for (const [invariant, holds] of Object.entries(this.world.def.invariants ?? {})) {
      const rows = this.guarded({ invariant }, () => {
        const result = holds(this.state.reader, this.ctx);
        refusePromise(result, `the invariant '${invariant}'`);
        return offending(result);
      });
      if (rows !== null)
        fail('INVARIANT_BROKEN', `tick ${tick}, invariant '${invariant}' does not hold`, {
          tick,
          invariant,
          rows,
        });
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

  /**
   * Folds a recorded tick. `REPLAY_DIFFERS` where a handler throws, since it did not when the tick was
   * recorded.
   */
  fold(frame: RecordFrame): void {
    this.tick = frame.tick;
    if (frame.environment !== null) this.enterRecorded(frame.tick, frame.environment);
    else if (this.environment === null)
      fail('CORRUPT', 'record 0 says nothing of its environment', { tick: frame.tick });
    const { waves, batches } = this.eventsOf(frame);
    try {
      foldTick(frame.tick, waves, batches, this.applier);
    } catch (cause) {
      if (!isWorldfoldError(cause) || cause.code === 'CORRUPT' || cause.code === 'WRITTEN_PAST') throw cause;
      fail('REPLAY_DIFFERS', `folding fails: ${cause.message}`, cause.facts, CHANGED, cause);
    }
    this.position = {
      tick: frame.tick,
      hash: frame.hash.slice(),
      sequence: frame.sequence + eventCount(frame.counts),
    };
  }

  private enterRecorded(tick: number, text: string): void {
    this.enter(parseEnvironment(text, this.environment));
    if (parseChange(text).era !== undefined) this.era = tick;
  }

  private eventsOf(frame: RecordFrame): RecordedEvents {
    if (this.past !== null) return this.past.events(frame);
    return { waves: frame.waves, batches: decodeBatches(frame, this.state.schema, this.sets) };
  }

  /** Whether the tables have the form of the log's own schema here, so that recorded hashes can be compared. */
  get isPresent(): boolean {
    return this.past === null;
  }

  /** Whether the world has that schema. */
  holdsSchema(text: string): boolean {
    return text === this.world.schema.compiled.text;
  }

  /** Whether the world has that state hash, in hexadecimal. */
  isHash(stateHash: string): boolean {
    return hex(this.state.digest()) === stateHash;
  }

  /**
   * Replaces the world by that of a snapshot. `CORRUPT` names what is damaged, be it that the world does not
   * have the hash that the snapshot says; the world is then in pieces.
   */
  load({ manifest, chunks, numbers, where }: LoadedSnapshot): void {
    const { point } = manifest;
    this.clear();
    this.enter(parseEnvironment(point.environment, null));
    const state = this.past === null ? this.state : this.past.state();
    loadTables(manifest, chunks, state.tables, where);
    const actual = state.digest();
    if (!sameBytes(point.stateHash, actual))
      fail('CORRUPT', 'a snapshot does not hold the world that it says it holds', {
        ...where,
        expected: hex(point.stateHash),
        actual: hex(actual),
      });
    this.past?.migrate(state, this.state);
    if (this.past === null) this.from = { manifest, numbers };
    this.state.settle();
    this.tick = point.tick;
    this.position = { tick: point.tick, hash: point.hash, sequence: point.sequence };
    this.era = point.era;
  }

  /** Where a snapshot of the world as it is stands. */
  point(code: string): SnapshotPoint {
    assert(this.environment !== null, 'a snapshot was asked for before tick 0');
    const environment = environmentText(this.environment);
    const era = this.proposed?.era === undefined ? this.era : this.position.tick + 1;
    return { ...this.position, stateHash: this.state.digest(), environment, era, code };
  }

  /** Whether the state is hashed after a tick. */
  hashes(tick: number): boolean {
    return tick % this.cadence.hashEvery === 0;
  }

  /** The state hash in hexadecimal. `WRONG_STATE` while the world is folded anew. */
  stateHash(): string {
    if (this.state.gate.hidden)
      fail('WRONG_STATE', 'the world is being folded anew after a failed tick', { tick: this.position.tick });
    return hex(this.state.digest());
  }

  /** Whether the world's own end has come. */
  hasEnded(): boolean {
    const { until } = this.world.def;
    return until !== undefined && this.guarded({ origin: 'until' }, () => this.condition(until, "'until'"));
  }

  /** Whether a condition of the caller's own holds. */
  holds(until: (world: object, now: AnyNow) => unknown): boolean {
    return this.condition(until, "'until'");
  }

  /** The hash of each table, by name. */
  tableHashes(): ReadonlyMap<string, string> {
    return new Map([...this.state.tables].map(([name, store]) => [name, hex(store.digest())]));
  }

  /**
   * Compares the world with the hash that a tick recorded. `REPLAY_DIFFERS`; with the tables' hashes before
   * the tick, it names those that the tick changed, one of which must differ.
   */
  compare(
    { tick, stateHash }: Pick<RecordFrame, 'tick' | 'stateHash'>,
    before: ReadonlyMap<string, string> | null = null,
  ): void {
    if (stateHash === null || this.past !== null) return;
    const actual = this.state.digest();
    if (!sameBytes(stateHash, actual))
      fail(
        'REPLAY_DIFFERS',
        `folding tick ${tick} gives another world than was recorded`,
        {
          tick,
          expected: hex(stateHash),
          actual: hex(actual),
          ...(before && { tables: this.changed(before) }),
        },
        CHANGED,
      );
  }

  private changed(before: ReadonlyMap<string, string>): string[] {
    return [...this.tableHashes()].filter(([name, hash]) => before.get(name) !== hash).map(([name]) => name);
  }

  /** Lets nobody look at the state until {@link reveal}. */
  hide(): void {
    this.state.gate.hidden = true;
  }

  /** Forgets the state, to be folded anew from tick 0. */
  clear(): void {
    this.state.clear();
    this.derived.clear();
    this.position = START;
    this.environment = null;
    this.era = 0;
    this.from = null;
  }

  /** Lets the state be looked at again, under what is proposed. */
  reveal(): void {
    this.enterProposed();
    this.state.gate.hidden = false;
  }
}

/** At most so many rows that break an invariant are shown. */
const MAX_ROWS = 100;

/** Config that nobody can change: frozen through and through, bytes as a copy each time they are read. */
function sealed(config: object): object {
  const made = {};
  for (const [name, value] of Object.entries(config))
    Object.defineProperty(made, name, {
      enumerable: true,
      ...(value instanceof Uint8Array ? { get: () => value.slice() } : { value: frozen(value) }),
    });
  return Object.freeze(made);
}

/** The rows that break an invariant, or null when it holds: false, or rows, break it. */
function offending(result: unknown): readonly unknown[] | null {
  if (typeof result === 'boolean') return result ? null : [];
  if (typeof (result as Iterable<unknown> | null | undefined)?.[Symbol.iterator] !== 'function')
    return fail('BAD_VALUE', `an invariant gives true, false or rows, not ${show(result)}`);
  const rows: unknown[] = [];
  for (const row of result as Iterable<unknown>) if (rows.push(row) === MAX_ROWS) break;
  return rows.length === 0 ? null : rows;
}
