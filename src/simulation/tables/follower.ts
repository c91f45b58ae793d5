/**
 * Following a log with rows in SQL: the log is folded, and what changed is written with a checkpoint.
 *
 * Owns the order of things: which projection of the run is gone on with, when rows are written, what becomes
 * of a log that was rewound, of another follower that was faster, and of a tick that can't be folded. Several
 * may follow one run at once: a step that somebody else took is refused by the store, and whoever is behind
 * goes on from there.
 */
import { sameBytes } from '../../base/bytes.ts';
import { canonicalJson } from '../../base/canonical.ts';
import { type ErrorCode, fail, isWorldfoldError, WorldfoldError } from '../../base/errors.ts';
import { steadyClock, yieldToEvents } from '../../base/platform.ts';
import { type EraNote, parseChange } from '../../log/environment.ts';
import { sameCheckpoint } from '../../log/projection-checks.ts';
import type { Checkpoint, ProjectionInfo, ProjectionStore, RowChanges } from '../../log/projection-store.ts';
import { readFrame } from '../../log/reader.ts';
import type { RecordFrame } from '../../log/record.ts';
import type { Engine } from '../engine.ts';
import type { LogSource } from '../history.ts';
import { eachFrame } from '../restore.ts';
import type { AnyWorld } from '../world.ts';
import { type Chosen, choiceText, keepsTick } from './choice.ts';
import { EventRows } from './event-rows.ts';
import { type KeptTable, keptTables, projectedTables } from './layout.ts';
import { WorldRows } from './world-rows.ts';

/** A durable log as it stood when it was looked at. */
export interface DurableLog {
  readonly source: LogSource;
  /** Its last tick. */
  readonly tick: number;
}

/** What a follower is made of. */
export interface FollowerParts {
  readonly id: string;
  readonly world: AnyWorld;
  readonly store: ProjectionStore;
  readonly chosen: Chosen;
  /** The log as it is now. */
  readonly log: () => Promise<DurableLog>;
  /** An engine with the world of a tick, or before tick 0 for −1. */
  readonly engineAt: (log: DurableLog, tick: number) => Promise<Engine>;
  /** The first tick that can be folded: 0, or that of the last era that was adopted. */
  readonly firstTick: (log: DurableLog) => Promise<number>;
  readonly onProgress: (progress: { readonly tick: number; readonly target: number }) => void;
  /** Stops after the tick under way, with what was folded written. */
  readonly signal: AbortSignal | undefined;
}

/** Why a projection was built from the beginning; `unproven`: of rows that a stop left without a hash. */
export type Rebuilt =
  | 'new'
  | 'rewound'
  | 'adopted'
  | 'migrated'
  | 'unproven'
  | 'chosen otherwise'
  | 'asked for';

/** What catching up did. */
export interface CaughtUp {
  readonly projection: ProjectionInfo;
  readonly checkpoint: Checkpoint;
  /** False where it was stopped on the way. */
  readonly isAtHead: boolean;
  /** Why a projection was built from the beginning; null where one was gone on with. */
  readonly rebuilt: Rebuilt | null;
  /** How many rows were written and removed. */
  readonly rows: number;
  /** The rows that are in SQL now, for whoever goes on with them. */
  readonly kept: WorldRows;
}

/** What says nothing of the log: the same call may do at another time. */
const PASSING: readonly ErrorCode[] = [
  'PROJECTION_MOVED',
  'STORE_FAILED',
  'CLOSED',
  'UNKNOWN_RUN',
  'READ_ONLY',
  'INTERNAL',
];

const SLICE_MS = 20;
/** Steps that take longer to fold are written on the way, so that a crash loses no more than that. */
const STEP_MS = 10_000;

/** The world that is folded, the rows that are in SQL, and the projection that they are of. */
interface Place {
  info: ProjectionInfo;
  readonly engine: Engine;
  readonly rows: WorldRows;
  /** The first tick that is folded; records before it are only read. */
  readonly foldFrom: number;
  checkpoint: Checkpoint | null;
  /** Rows of the events since the checkpoint; null where none are kept. */
  readonly events: EventRows | null;
}

/** Somebody else moved the projection; what is in SQL must be looked at again. */
class Overtaken extends Error {}

/** Keeps the rows of one run in SQL. */
export class Follower {
  private readonly parts: FollowerParts;
  private readonly tables: readonly KeptTable[];
  private readonly text: string;
  private readonly declared: ReturnType<typeof projectedTables>;
  private place: Place | null = null;
  /** Whether rows were brought to a head before: the choice was made then. */
  private chosenBefore = false;
  /** Rows that were written, and those of the step under way. */
  private written = 0;
  private writing = 0;

  constructor(parts: FollowerParts) {
    const { world, store, chosen } = parts;
    this.parts = parts;
    this.tables = keptTables(world, store.dialect, chosen);
    this.declared = projectedTables(world, store.dialect, this.tables, chosen);
    this.text = choiceText(world, chosen, this.declared);
  }

  /**
   * Brings the rows to the durable head. `PROJECTION_STOPPED` where a tick can't be taken. `head` holds the
   * world of the head, where the caller has it, which the rows are of then: nothing is folded for rows of
   * that tick alone. An era that it proposes begins with the next record.
   */
  async catchUp(rebuild = false, head: Engine | null = null): Promise<CaughtUp> {
    this.written = 0;
    let why: Rebuilt | null = null;
    for (let again = rebuild; ; again = false) {
      // In this order: a log only grows, so that a checkpoint of it is never past its head.
      const all = await this.parts.store.projections(this.parts.id);
      const log = await this.parts.log();
      const found = await this.find(log, all, again, head);
      why = found.why ?? why;
      try {
        const place = this.placeAtHead(log, found.info, head) ?? (await this.placeOf(log, found.info));
        await this.foldTo(log, place);
        if (head !== null && head.position.tick === log.tick) await this.holdTo(place, head);
        const checkpoint = place.checkpoint!;
        const isAtHead = checkpoint.tick === log.tick;
        const projection = isAtHead ? await this.shown(found.info) : found.info;
        this.chosenBefore = true;
        const { rows: kept } = place;
        return { projection, checkpoint, isAtHead, rebuilt: why, rows: this.written, kept };
      } catch (e) {
        const at = this.place?.engine.position.tick ?? -1;
        this.place = null;
        if (e instanceof Overtaken) continue;
        throw isPassing(e) ? e : await this.stop(log, found.info.number, e as WorldfoldError, at + 1);
      }
    }
  }

  /** The projection to go on with: what is current, what is being built, or a new one. */
  private async find(
    log: DurableLog,
    all: readonly ProjectionInfo[],
    rebuild: boolean,
    head: Engine | null,
  ): Promise<{ readonly info: ProjectionInfo; readonly why: Rebuilt | null }> {
    const { store } = this.parts;
    let why: Rebuilt = rebuild ? 'asked for' : 'new';
    for (const info of [...all].sort((a, b) => Number(b.current) - Number(a.current))) {
      const isOurs = info.choice === this.text;
      if (info.current && !isOurs && this.chosenBefore) this.replaced(info);
      const bad = isOurs ? await this.flawOf(log, info, head) : 'chosen otherwise';
      const isGood = bad === null;
      if (isGood && !rebuild) return { info, why: info.current ? null : why };
      if (info.current && !rebuild) why = bad ?? why;
      // What is shown goes when the new one takes its place, and so does what others may be building.
      if (!info.current && isOurs && (!isGood || rebuild)) await store.retireProjection(info.number);
    }
    return { info: await this.declare(), why };
  }

  /** Two that choose otherwise would build anew, in turns, for ever. */
  private replaced({ number }: ProjectionInfo): never {
    const { id } = this.parts;
    return fail(
      'PROJECTION_MOVED',
      `somebody keeps other tables of run '${id}', or keeps them otherwise`,
      { run: id, projection: number },
      'A run has one choice of tables: let all who follow it make the same one.',
    );
  }

  private declare(): Promise<ProjectionInfo> {
    const { id, store } = this.parts;
    return store.declareProjection({ run: id, choice: this.text, tables: this.declared });
  }

  /**
   * Why nobody can go on from a checkpoint: it is none of this log, which was rewound or is another run's of
   * the name; folding stopped after it, and no hash says that it was right up to there; or the next record
   * begins an era, whose base is not what the rows were folded to, or began one of adopted code.
   */
  private async flawOf(
    log: DurableLog,
    { checkpoint, problem }: ProjectionInfo,
    head: Engine | null,
  ): Promise<Rebuilt | null> {
    if (checkpoint === null) return null;
    const { source, tick } = log;
    if (checkpoint.tick > tick) return 'rewound';
    const { hash, stateHash } = await readFrame(source.store, source.path, checkpoint.tick);
    if (!sameBytes(hash, checkpoint.hash)) return 'rewound';
    if (problem !== null && stateHash === null) return 'unproven';
    const begins = await this.eraAfter(log, checkpoint.tick, head);
    if (begins !== null) return begins.why;
    // No era begins past the head: who is there already need not look for one.
    if (checkpoint.tick === tick) return null;
    return isAdopting(log, head) || checkpoint.tick < (await this.parts.firstTick(log)) ? 'adopted' : null;
  }

  /** The era that begins after a tick, or null. */
  private async eraAfter(
    { source, tick: last }: DurableLog,
    tick: number,
    head: Engine | null,
  ): Promise<EraNote | null> {
    if (tick === last) return head?.position.tick === last ? head.proposedEra : null;
    const { environment } = await readFrame(source.store, source.path, tick + 1);
    return environment === null ? null : (parseChange(environment).era ?? null);
  }

  /**
   * The world of the head, where nothing of the way to it is kept, or none of it can be folded, and nothing
   * or all was written.
   */
  private placeAtHead(log: DurableLog, info: ProjectionInfo, head: Engine | null): Place | null {
    const { chosen, world } = this.parts;
    const { checkpoint } = info;
    const { tick } = log;
    if (head === null || head.position.tick !== tick) return null;
    const isThere = checkpoint?.tick === tick;
    const keepsWay = (chosen.events || chosen.history !== null) && !isAdopting(log, head);
    if (!isThere && (checkpoint !== null || keepsWay)) return null;
    const rows = new WorldRows(world.schema.compiled, this.tables);
    if (isThere) rows.settle(head.state);
    const events = !isThere && chosen.events ? new EventRows(world, null) : null;
    return { info, engine: head, rows, foldFrom: tick + 1, checkpoint, events };
  }

  private eventsFrom(engine: Engine): EventRows | null {
    const { chosen, world } = this.parts;
    return chosen.events ? new EventRows(world, engine.environment?.schema ?? null) : null;
  }

  /** The world where a projection stands, from before where nobody moved it meanwhile. */
  private async placeOf(log: DurableLog, info: ProjectionInfo): Promise<Place> {
    const { place } = this;
    if (place?.info.number === info.number && sameCheckpoint(place.checkpoint, info.checkpoint)) {
      place.info = info;
      return place;
    }
    const { world } = this.parts;
    const { checkpoint } = info;
    const foldFrom = checkpoint === null ? await this.parts.firstTick(log) : checkpoint.tick + 1;
    const engine = await this.engineFor(log, checkpoint, foldFrom);
    const rows = new WorldRows(world.schema.compiled, this.tables);
    if (checkpoint !== null) rows.settle(engine.state);
    const events = this.eventsFrom(engine);
    this.place = { info, engine, rows, foldFrom, checkpoint, events };
    return this.place;
  }

  /**
   * The world of a checkpoint; where nothing was written, that of the first tick that is to be, which a
   * snapshot may be near to. Where it can't be built, folding from the beginning finds the tick.
   */
  private async engineFor(log: DurableLog, checkpoint: Checkpoint | null, first: number): Promise<Engine> {
    const { engineAt, chosen } = this.parts;
    if (checkpoint !== null) return engineAt(log, checkpoint.tick);
    if (chosen.events) return engineAt(log, -1);
    try {
      return await engineAt(log, firstKept(chosen, first, log.tick));
    } catch (e) {
      if (isPassing(e)) throw e;
      return engineAt(log, -1);
    }
  }

  /** Folds up to the head of a log and writes what is due. */
  private async foldTo({ source, tick: target }: DurableLog, place: Place): Promise<void> {
    const { engine, foldFrom, events } = place;
    const { chosen, onProgress, signal } = this.parts;
    // Events are read from the beginning, wherever folding begins.
    const from = place.checkpoint === null && events !== null ? 0 : engine.position.tick + 1;
    if (from > 0 && place.checkpoint === null) await this.write(place);
    let slice = steadyClock();
    let step = slice;
    const take = (frame: RecordFrame): boolean | Promise<boolean> => {
      if (frame.tick >= foldFrom) {
        engine.fold(frame);
        engine.compare(frame);
      }
      events?.add(frame);
      if (frame.tick < foldFrom) return true;
      const now = steadyClock();
      if (keepsTick(chosen, frame.tick) || events?.isFull === true || now - step > STEP_MS)
        return this.write(place).then(() => {
          step = steadyClock();
          return signal?.aborted !== true;
        });
      if (now - slice < SLICE_MS) return signal?.aborted !== true;
      onProgress({ tick: frame.tick, target });
      return yieldToEvents().then(() => {
        slice = steadyClock();
        return signal?.aborted !== true;
      });
    };
    await eachFrame(engine, { source, from, to: target, foldFrom }, take);
    const isWritten = place.checkpoint?.tick === engine.position.tick;
    // What was kept of a stop is over where nothing is left to write, too.
    if (!isWritten || place.info.problem !== null) await this.write(place);
    onProgress({ tick: engine.position.tick, target });
  }

  /** Where an era is about to begin, its base may be another world than records are folded to. */
  private async holdTo(place: Place, head: Engine): Promise<void> {
    if (place.engine === head || sameBytes(place.engine.state.digest(), head.state.digest())) return;
    await this.write({ ...place, engine: head });
    this.place = null;
  }

  /** Writes what changed since the checkpoint, and moves it. */
  private async write(place: Place): Promise<void> {
    const { engine, rows, info } = place;
    const { tick, hash, sequence } = engine.position;
    const to = { tick, hash, sequence };
    const changes = { [Symbol.iterator]: () => this.changesAt(place) };
    const { store } = this.parts;
    const step = { projection: info.number, from: place.checkpoint, to, changes };
    if (!(await store.advanceProjection(step))) throw new Overtaken();
    this.written += this.writing;
    rows.settle(engine.state);
    place.events?.clear();
    place.checkpoint = to;
  }

  private *changesAt(place: Place): Generator<RowChanges> {
    this.writing = 0;
    for (const change of this.allChangesAt(place)) {
      this.writing += sizeOf(change);
      yield change;
    }
  }

  private *allChangesAt({ engine, rows, events }: Place): Generator<RowChanges> {
    const { tick } = engine.position;
    yield* rows.changes(engine.state);
    if (keepsTick(this.parts.chosen, tick)) yield* rows.history(engine.state, tick);
    if (events !== null) yield* events.changes;
  }

  /** Shows a projection that is complete, as it was found now: a switch retires what others are building. */
  private async shown(info: ProjectionInfo): Promise<ProjectionInfo> {
    const { store } = this.parts;
    if (!info.current && !(await store.switchProjection(info.number))) throw new Overtaken();
    const shown = await this.infoOf(info.number);
    // Somebody may show another one by now, or the run may be gone.
    if (!shown?.current) throw new Overtaken();
    return shown;
  }

  /** Brings the rows to the last tick that can be taken, and keeps why the next one can't. */
  private async stop(
    log: DurableLog,
    number: number,
    cause: WorldfoldError,
    next: number,
  ): Promise<WorldfoldError> {
    const { store, id } = this.parts;
    const tick = typeof cause.facts.tick === 'number' ? cause.facts.tick : next;
    await this.writeUpTo(log, number, tick - 1);
    const { code, message } = cause;
    await store.stopProjection(number, canonicalJson({ code, message, tick }));
    const checkpoint = (await this.infoOf(number))?.checkpoint?.tick ?? null;
    return new WorldfoldError(
      'PROJECTION_STOPPED',
      `the tables of run '${id}' stop at tick ${tick}: ${message}`,
      { ...cause.facts, run: id, tick, checkpoint },
      'Nothing was skipped. Mend what the cause names and follow the run again.',
      cause,
    );
  }

  private async infoOf(number: number): Promise<ProjectionInfo | undefined> {
    const { store, id } = this.parts;
    return (await store.projections(id)).find((info) => info.number === number);
  }

  /** Writes the rows of the tick before one that can't be taken, as far as its world can be had. */
  private async writeUpTo(log: DurableLog, number: number, tick: number): Promise<void> {
    const info = await this.infoOf(number);
    if (info === undefined || tick <= (info.checkpoint?.tick ?? -1)) return;
    try {
      await this.foldTo({ ...log, tick }, await this.placeOf({ ...log, tick }, info));
    } catch (e) {
      // Rows and checkpoint stay where they are: that the tick before can't be had is the same trouble.
      if (!(e instanceof Overtaken) && isPassing(e)) throw e;
    } finally {
      this.place = null;
    }
  }
}

/** Whether changed handlers were adopted at the head of a log, where no record says so yet. */
const isAdopting = ({ tick }: DurableLog, head: Engine | null): boolean =>
  head?.position.tick === tick && head.proposedEra?.why === 'adopted';

/** The first tick whose rows are written: one that is kept, or the last. */
function firstKept(chosen: Chosen, first: number, last: number): number {
  for (let tick = first; tick < last; tick++) if (keepsTick(chosen, tick)) return tick;
  return last;
}

const sizeOf = ({ removed, written }: RowChanges): number =>
  (removed[0]?.length ?? 0) + (written[0]?.length ?? 0);

const isPassing = (e: unknown): boolean =>
  !isWorldfoldError(e) || PASSING.some((code) => isWorldfoldError(e, code));
