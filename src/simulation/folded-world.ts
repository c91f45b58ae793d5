/**
 * A world as its log tells it: tables, environment, era and position, folded from records or loaded from a
 * snapshot.
 *
 * Owns what the fold depends on, and the way records and snapshots of other schema versions are read.
 * Computes no tick: the engine does, on top of this.
 */
import { ambient, type GuardLevels, type Running } from '../base/ambient.ts';
import { hex, sameBytes } from '../base/bytes.ts';
import { parseCanonical } from '../base/canonical.ts';
import { assert, type ErrorCode, fail, isWorldfoldError } from '../base/errors.ts';
import { frozen } from '../columns/cells.ts';
import { loadTables, type Where } from '../log/chunks.ts';
import {
  type Environment,
  type EnvironmentChange,
  type EraNote,
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
} from '../log/record.ts';
import { TABLE_HASH_BYTES } from '../log/record-meta.ts';
import { Applier } from '../projections/applier.ts';
import { Audit } from '../projections/audit.ts';
import { type Between, foldTick } from '../projections/fold.ts';
import { WorldState } from '../projections/world-state.ts';
import { RANDOM_VERSION } from '../random/digest.ts';
import { Streams } from '../random/streams.ts';
import { unliteral } from '../schema/canonical-text.ts';
import { Watch } from './guard/watch.ts';
import { type Past, pastOf, type RecordedEvents } from './past.ts';
import type { AnyWorld } from './world.ts';

/** Where a log stands after a tick. */
export interface Position {
  readonly tick: number;
  readonly hash: Uint8Array;
  /** The number of the next event. */
  readonly sequence: number;
}

const CHANGED =
  'The code of apply has changed, or is not deterministic: `worldfold replay` names the first such tick.';

/** What says more of a fold that failed than that it differs from what was recorded. */
const TOLD_AS_IT_IS: ReadonlySet<ErrorCode> = new Set(['AMBIENT', 'CORRUPT', 'WRITTEN_PAST']);

/** What a snapshot is loaded from. */
export interface LoadedSnapshot {
  readonly manifest: Manifest;
  /** The chunks that are stored apart, in the manifest's order, and their numbers. */
  readonly chunks: readonly Uint8Array[];
  readonly numbers: readonly number[];
  /** Where it was met, for errors. */
  readonly where: Where;
}

/** Hashes of the tables of a world, in the order of its schema. */
export type TableHashes = readonly Uint8Array[];

const START: Position = { tick: -1, hash: NO_HASH, sequence: 0 };

/** One world, where its log stands. */
export class FoldedWorld {
  readonly world: AnyWorld;
  readonly state: WorldState;
  /** What becomes of code of a tick that uses a source which no log holds. */
  readonly guard: GuardLevels;
  position: Position = START;
  /**
   * What the log says that the fold depends on, up to the position and with what is proposed for the next.
   */
  environment: Environment | null = null;
  /** The config that handlers and systems see: frozen. */
  config: object = Object.freeze({});
  /** The tick of the first record of the era. */
  era = 0;
  /** The snapshot that the world was built from, where it was made under this schema. */
  from: Pick<LoadedSnapshot, 'manifest' | 'numbers'> | null = null;
  protected tick = 0;
  protected streams = new Streams('');
  protected readonly applier: Applier;
  protected readonly audit: Audit | null;
  readonly watch: Watch;
  private readonly migration: Running;
  /** What the next record is to say of the environment. */
  private proposed: EnvironmentChange | null = null;
  /** How to read records that were made under another schema; null where they are of this one. */
  private past: Past | null = null;
  private readonly sets: SetSource;

  /** A world before tick 0. */
  constructor(world: AnyWorld, paranoid: boolean, guard: GuardLevels) {
    const { compiled } = world.schema;
    this.world = world;
    this.state = new WorldState(compiled);
    this.audit = paranoid ? new Audit(this.state) : null;
    this.guard = guard;
    this.watch = new Watch(guard);
    this.migration = this.watch.running(() => ({ tick: this.tick, origin: 'migration' }));
    this.applier = new Applier(this.state, world.def.apply, this.audit, (place) => this.watch.running(place));
    this.sets = reusedSets(compiled);
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
    this.config = sealed(past === null ? config : this.migrating(() => past.config(config)));
    this.streams = new Streams(environment.seed);
    this.applier.enter(this.streams, this.config);
  }

  /**
   * Says what the next record will say of the environment, from when on it holds. What was proposed before
   * and is in no record yet is part of it.
   */
  propose(change: EnvironmentChange): void {
    this.proposed = { ...this.proposed, ...change };
    this.enterProposed();
  }

  /** The first tick of the era that the next record belongs to. */
  get nextEra(): number {
    return this.proposed?.era === undefined ? this.era : this.position.tick + 1;
  }

  /** The era that is proposed, or null. */
  get proposedEra(): EraNote | null {
    return this.proposed?.era ?? null;
  }

  private enterProposed(): void {
    if (this.proposed !== null)
      this.enter(parseEnvironment(environmentText(this.proposed), this.environment));
  }

  /** What the next record says of the environment, or null. */
  protected proposedText(): string | null {
    return this.proposed === null ? null : environmentText(this.proposed);
  }

  /** Takes note that a computed tick was recorded, with what was proposed for it. */
  protected recorded(position: Position): void {
    this.position = position;
    if (this.proposed?.era !== undefined) this.era = position.tick;
    this.proposed = null;
  }

  /**
   * Folds a recorded tick. `REPLAY_DIFFERS` where a handler throws, since it did not when the tick was
   * recorded. `between` may end the tick between two waves: the world is then to be looked at, and not to go
   * on with.
   */
  fold(frame: RecordFrame, between: Between | null = null): void {
    this.tick = frame.tick;
    if (frame.environment !== null) this.enterRecorded(frame.tick, frame.environment);
    else if (this.environment === null)
      fail('CORRUPT', 'record 0 says nothing of its environment', { tick: frame.tick });
    const { waves, batches } = this.eventsOf(frame);
    this.watch.begin();
    try {
      foldTick(frame.tick, waves, batches, this.applier, between);
    } catch (cause) {
      if (!isWorldfoldError(cause) || TOLD_AS_IT_IS.has(cause.code)) throw cause;
      fail('REPLAY_DIFFERS', `folding fails: ${cause.message}`, cause.facts, CHANGED, cause);
    } finally {
      this.watch.end();
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
    const { past } = this;
    if (past !== null) return this.migrating(() => past.events(frame));
    return { waves: frame.waves, batches: decodeBatches(frame, this.state.schema, this.sets) };
  }

  /** Runs functions of a migration, which are code of a fold like handlers. */
  private migrating<T>(run: () => T): T {
    const around = ambient.running;
    ambient.running = this.migration;
    this.watch.begin();
    try {
      const migrated = run();
      this.migration.end();
      return migrated;
    } catch (cause) {
      throw this.migration.reason(cause);
    } finally {
      this.watch.end();
      ambient.running = around;
    }
  }

  /**
   * Whether the tables have the form of the log's own schema here, so that recorded hashes can be compared.
   */
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
    const { past } = this;
    if (past !== null) this.migrating(() => past.migrate(state, this.state));
    else this.from = { manifest, numbers };
    this.state.settle();
    this.tick = point.tick;
    this.position = { tick: point.tick, hash: point.hash, sequence: point.sequence };
    this.era = point.era;
  }

  /** Where a snapshot of the world as it is stands; `code` is the hint about the handlers. */
  point(code: string): SnapshotPoint {
    assert(this.environment !== null, 'a snapshot was asked for before tick 0');
    const environment = environmentText(this.environment);
    const era = this.nextEra;
    return { ...this.position, stateHash: this.state.digest(), environment, era, code };
  }

  /** The state hash in hexadecimal. `WRONG_STATE` while the world is folded anew. */
  stateHash(): string {
    if (this.state.gate.hidden)
      fail('WRONG_STATE', 'the world is being folded anew after a failed tick', { tick: this.position.tick });
    return hex(this.state.digest());
  }

  /** The hashes of the tables, in the order of the schema. */
  tableHashes(): TableHashes {
    return [...this.state.tables.values()].map((store) => store.digest());
  }

  /**
   * Compares the world with the hash that a tick recorded. `REPLAY_DIFFERS`; with the tables' hashes as they
   * were when they were last compared, it names the tables that differ, or those among which they are.
   */
  compare(
    { tick, stateHash, meta }: Pick<RecordFrame, 'tick' | 'stateHash' | 'meta'>,
    before: TableHashes | null = null,
  ): void {
    if (stateHash === null || this.past !== null) return;
    const actual = this.state.digest();
    if (!sameBytes(stateHash, actual))
      fail(
        'REPLAY_DIFFERS',
        `folding tick ${tick} gives another world than was recorded`,
        { tick, expected: hex(stateHash), actual: hex(actual), ...this.otherTables(meta, before) },
        CHANGED,
      );
  }

  /** Which tables are not what a tick recorded; where it recorded none, one of those that it changed. */
  private otherTables(
    { changed }: RecordFrame['meta'],
    before: TableHashes | null,
  ): { readonly tables?: readonly string[]; readonly among?: readonly string[] } {
    if (before === null) return {};
    const names = [...this.state.tables.keys()];
    const now = this.tableHashes();
    if (changed === undefined) return { among: names.filter((_, i) => !sameBytes(now[i]!, before[i]!)) };
    const recorded = before.map((hash) => hash.subarray(0, TABLE_HASH_BYTES));
    for (const { table, hash } of changed) recorded[table] = hash;
    return {
      tables: names.filter((_, i) => !sameBytes(now[i]!.subarray(0, TABLE_HASH_BYTES), recorded[i]!)),
    };
  }

  /** Lets nobody look at the state until {@link reveal}. */
  hide(): void {
    this.state.gate.hidden = true;
  }

  /** Forgets the state, to be folded anew from tick 0. */
  clear(): void {
    this.state.clear();
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
