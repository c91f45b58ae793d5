/**
 * The store on one PostgreSQL database.
 *
 * Owns the order in which a call looks, decides and writes, the locks that it takes, and on which connection
 * it runs; the SQL is in the files beside it. A call that writes is one transaction, an append mostly one
 * statement. Rows are locked before they are looked at, so that what is decided still holds when it is
 * written.
 */
import { fail, isWorldfoldError } from '../../base/errors.ts';
import { isAlive } from '../../base/platform.ts';
import type {
  FindOptions,
  FoundAttempt,
  JsonbStore,
  NewPartitionRow,
  PartitionInfo,
  PartitionRow,
  PartitionStore,
} from '../../log/capabilities.ts';
import { checkCollection, checkNewFork, checkOwnRecord } from '../../log/fork-checks.ts';
import { checkSteps } from '../../log/projection-checks.ts';
import type {
  NewProjection,
  ProjectionInfo,
  ProjectionStep,
  ProjectionStore,
  SqlReader,
} from '../../log/projection-store.ts';
import { checkChunks, checkNewSnapshot, checkPinned } from '../../log/snapshot-checks.ts';
import type {
  Attempt,
  Head,
  Holder,
  LogRecord,
  NewFork,
  NewRun,
  NewSnapshot,
  Page,
  PageLimit,
  RunInfo,
  SegmentInfo,
  SnapshotInfo,
  Store,
  StoredSnapshot,
} from '../../log/store.ts';
import {
  alreadyThere,
  checkAppend,
  checkAttempt,
  checkHolder,
  checkLease,
  checkListing,
  checkNewRun,
  checkRead,
  checkTick,
  checkWriter,
  storeClosed,
  unknownRun,
  unknownSegment,
  unnamedSegment,
} from '../../log/store-checks.ts';
import type { SegmentRow } from '../sql/segments.ts';
import { Attempts } from './attempts.ts';
import { Collector } from './collect.ts';
import { isTaken, waitedForLock } from './conditions.ts';
import type { Connection } from './connection.ts';
import { refuse } from './errors.ts';
import { Jsonb } from './jsonb.ts';
import { Partitions } from './partitions.ts';
import { Projections } from './projections.ts';
import { Reader } from './reader.ts';
import { Records } from './records.ts';
import { Segments } from './segments.ts';
import type { Session, Sessions, Statements } from './session.ts';
import { Snapshots } from './snapshots.ts';
import { Writers } from './writers.ts';

/** How long a takeover waits for the writer that it replaces, before it ends that one's connection. */
const TAKEOVER_WAIT = "SET LOCAL lock_timeout = '500ms'";
const TAKEOVER_TRIES = 20;

/** Every port on one PostgreSQL database. */
export class PostgresStore implements Store, JsonbStore, PartitionStore, ProjectionStore {
  readonly dialect = 'postgres';
  readonly kind: string;
  readonly location: string;
  readonly #sessions: Sessions;
  readonly #readOnly: boolean;
  readonly #records: Records;
  readonly #segments: Segments;
  readonly #attempts: Attempts;
  readonly #snapshots: Snapshots;
  readonly #collector: Collector;
  readonly #writers: Writers;
  readonly #jsonb: Jsonb;
  readonly #partitions: Partitions;
  readonly #projections: Projections;
  #closed = false;

  constructor(connection: Connection) {
    const { kind, location, sessions, sql, schema, readOnly, partBytes, clock, limits } = connection;
    this.kind = kind;
    this.location = location;
    this.#sessions = sessions;
    this.#readOnly = readOnly;
    this.#records = new Records(schema, partBytes);
    this.#segments = new Segments(sql, schema, clock);
    this.#attempts = new Attempts(sql);
    this.#snapshots = new Snapshots(schema, this.#records, this.#segments);
    this.#collector = new Collector(schema);
    this.#writers = new Writers(sessions, this.#segments, limits);
    this.#jsonb = new Jsonb(connection);
    this.#partitions = new Partitions(sessions, schema, location);
    this.#projections = new Projections(connection);
  }

  /** Runs a call: what the driver says becomes an error of ours. */
  async #call<T>(kind: 'read' | 'write', work: () => Promise<T>): Promise<T> {
    if (this.#closed) storeClosed(this.location);
    if (kind === 'write' && this.#readOnly)
      fail('READ_ONLY', `${this.location} is open for reading only`, { location: this.location });
    try {
      return await work();
    } catch (e) {
      if (this.#closed && !isWorldfoldError(e)) storeClosed(this.location);
      return refuse(e, this.location);
    }
  }

  #reading<T>(check: () => void, work: (on: Statements) => Promise<T>): Promise<T> {
    return this.#call('read', async () => {
      check();
      return this.#sessions.lend((session) => session.within('read', work));
    });
  }

  /** One statement for reading needs no transaction. */
  #asking<T>(check: () => void, work: (session: Session) => Promise<T>): Promise<T> {
    return this.#call('read', async () => {
      check();
      return this.#sessions.lend(work);
    });
  }

  #writing<T>(check: () => void, work: (on: Statements) => Promise<T>): Promise<T> {
    return this.#call('write', async () => {
      check();
      return this.#sessions.lend((session) => session.within('write', work));
    });
  }

  async #segment(on: Statements, id: string): Promise<SegmentRow> {
    return (await this.#records.segment(on, id)) ?? unknownSegment(id, this.location);
  }

  /** A segment that stays as it is until the transaction ends. */
  async #locked(on: Statements, id: string): Promise<SegmentRow> {
    await this.#records.lock(on, id);
    return this.#segment(on, id);
  }

  /** The same, for who changes snapshots: collections stay away from the family until then. */
  async #shared(on: Statements, id: string): Promise<SegmentRow> {
    await this.#snapshots.shareFamily(on, (await this.#segment(on, id)).family);
    return this.#locked(on, id);
  }

  /** Begins a run; where another one of that id is as quick, its row refuses this one and is seen then. */
  async #begin(run: NewRun | NewFork, write: (on: Statements) => Promise<void>): Promise<RunInfo> {
    const begin = (session: Session): Promise<RunInfo> =>
      session.within('write', async (on) => {
        const taken = await this.#segments.taken(on, run.id, run.segment);
        if (taken !== null) alreadyThere(taken, taken === 'run' ? run.id : run.segment, this.location);
        await write(on);
        return (await this.#segments.run(on, run.id))!;
      });
    const info = await this.#sessions.lend((session) =>
      begin(session).catch((e) => (isTaken(e) ? begin(session) : Promise.reject(e))),
    );
    await this.#writers.begin(run.segment, info.segment.epoch);
    return info;
  }

  async create(run: NewRun): Promise<RunInfo> {
    return this.#call('write', async () => {
      checkNewRun(run);
      return this.#begin(run, async (on) => {
        const number = await this.#segments.begin(on, run, null);
        await this.#records.write(on, number, [run.record]);
      });
    });
  }

  async fork(fork: NewFork): Promise<RunInfo> {
    return this.#call('write', async () => {
      checkNewFork(fork);
      const { segment, tick } = fork.parent;
      return this.#begin(fork, async (on) => {
        await this.#records.keep(on, segment);
        const parent = await this.#segment(on, segment);
        const hash = await this.#records.hash(on, parent.number, tick);
        checkOwnRecord(parent, tick, fork.hash, () => hash);
        await this.#segments.begin(on, fork, parent);
      });
    });
  }

  async lineage(segment: string): Promise<readonly SegmentInfo[]> {
    return this.#reading(
      () => {},
      async (on) => this.#segments.lineage(on, (await this.#segment(on, segment)).number),
    );
  }

  async remove(run: string, force: boolean): Promise<void> {
    return this.#call('write', async () => {
      const named = await this.#sessions.lend((session) => this.#segments.named(session, run));
      if (named === undefined) return unknownRun(run, this.location);
      await this.#sessions.lend((session) =>
        this.#againstHolder(session, named.id, null, force, async (on, _, now) => {
          const still = (await this.#segments.named(on, run)) ?? unknownRun(run, this.location);
          checkLease(named.id, await this.#segments.lease(on, still.number), null, force, now, isAlive);
          await this.#partitions.dropOf(on, run);
          await this.#segments.remove(on, run, still.number, still.epoch);
        }),
      );
    });
  }

  /**
   * Changes who writes a segment. A writer that stands still may hold the row: where it may be replaced, its
   * connection is ended, and where not, the refusal says who it is.
   */
  async #againstHolder<T>(
    session: Session,
    segment: string,
    holder: Holder | null,
    takeover: boolean,
    work: (on: Statements, held: SegmentRow, now: number) => Promise<T>,
  ): Promise<T> {
    for (let tried = 1; ; tried++)
      try {
        return await session.within('write', async (on) => {
          await on.run({ text: TAKEOVER_WAIT });
          const held = await this.#locked(on, segment);
          return work(on, held, await this.#segments.now(on));
        });
      } catch (e) {
        if (!waitedForLock(e) || tried === TAKEOVER_TRIES) throw e;
        const held = await this.#segment(session, segment);
        const lease = await this.#segments.lease(session, held.number);
        checkLease(segment, lease, holder, takeover, await this.#segments.now(session), isAlive);
        await this.#segments.endHolder(session, segment, held.epoch);
      }
  }

  async collect(limit: number): Promise<number> {
    return this.#writing(
      () => checkCollection(limit),
      (on) => this.#collector.collect(on, limit),
    );
  }

  async append(
    segment: string,
    epoch: number,
    firstTick: number,
    records: readonly LogRecord[],
  ): Promise<Head> {
    return this.appendWith(segment, epoch, firstTick, records, []);
  }

  async appendWith(
    segment: string,
    epoch: number,
    firstTick: number,
    records: readonly LogRecord[],
    steps: readonly ProjectionStep[],
  ): Promise<Head> {
    return this.#call('write', async () => {
      checkAppend(firstTick, records);
      checkSteps(steps);
      const alone = steps.length === 0;
      const group = alone ? this.#records.group(segment, epoch, firstTick, records) : undefined;
      return this.#writers.use(segment, epoch, async (session) => {
        if (group !== undefined && (await this.#records.follow(session, group))) return group.head;
        return session.within('write', async (on) => {
          const locked = await this.#locked(on, segment);
          const head = await this.#records.append(on, locked, epoch, firstTick, records);
          await this.#projections.follow(on, steps);
          return head;
        });
      });
    });
  }

  async read(segment: string, from: number, limit: PageLimit): Promise<Page> {
    return this.#asking(
      () => checkRead(from, limit),
      async (session) =>
        (await this.#records.read(session, { segment, from, limit }, 'alone', this.location)) ??
        session.within(
          'read',
          async (on) => (await this.#records.read(on, { segment, from, limit }, 'within', this.location))!,
        ),
    );
  }

  async head(run: string): Promise<RunInfo | undefined> {
    return this.#asking(
      () => {},
      (session) => this.#segments.run(session, run),
    );
  }

  async list(after: string | null, limit: number): Promise<readonly RunInfo[]> {
    return this.#asking(
      () => checkListing(limit),
      (session) => this.#segments.list(session, after, limit),
    );
  }

  async acquire(segment: string, holder: Holder, takeover: boolean): Promise<number> {
    return this.#call('write', async () => {
      checkHolder(holder);
      const take = (session: Session): Promise<number> =>
        this.#againstHolder(session, segment, holder, takeover, async (on, held, now) => {
          if (!held.named) unnamedSegment(segment, this.location);
          const lease = await this.#segments.lease(on, held.number);
          checkLease(segment, lease, holder, takeover, now, isAlive);
          return this.#segments.take(on, held.number, held.epoch, holder, now);
        });
      const epoch = await this.#sessions.lend(take);
      await this.#writers.begin(segment, epoch);
      return epoch;
    });
  }

  async renew(segment: string, epoch: number): Promise<void> {
    return this.#call('write', () =>
      this.#writers.use(segment, epoch, (session) =>
        session.within('write', async (on) => {
          const held = await this.#locked(on, segment);
          checkWriter(held, epoch);
          const lease = await this.#segments.lease(on, held.number);
          if (lease !== null)
            await this.#segments.hold(on, held.number, epoch, lease, await this.#segments.now(on));
        }),
      ),
    );
  }

  async release(segment: string, epoch: number): Promise<void> {
    return this.#call('write', async () => {
      await this.#writers.use(segment, epoch, async (session) => {
        const { number } = await this.#segment(session, segment);
        await this.#segments.hold(session, number, epoch, null, 0);
      });
      await this.#writers.end(segment, epoch);
    });
  }

  async keepAttempt(segment: string, attempt: Attempt): Promise<void> {
    return this.#writing(
      () => checkAttempt(attempt),
      async (on) => this.#attempts.keep(on, (await this.#locked(on, segment)).number, attempt),
    );
  }

  async attempts(segment: string): Promise<readonly Attempt[]> {
    return this.#reading(
      () => {},
      async (on) => this.#attempts.list(on, (await this.#segment(on, segment)).number),
    );
  }

  async keepSnapshot(snapshot: NewSnapshot): Promise<readonly number[]> {
    const { segment, epoch } = snapshot;
    return this.#call('write', async () => {
      checkNewSnapshot(snapshot);
      return this.#writers.use(segment, epoch, (session) =>
        session.within('write', async (on) =>
          this.#snapshots.keep(on, await this.#shared(on, segment), snapshot),
        ),
      );
    });
  }

  async snapshots(segment: string): Promise<readonly SnapshotInfo[]> {
    return this.#reading(
      () => {},
      async (on) => this.#snapshots.list(on, await this.#segment(on, segment)),
    );
  }

  async readSnapshot(segment: string, tick: number): Promise<StoredSnapshot | undefined> {
    return this.#reading(
      () => checkTick('tick', tick),
      async (on) => this.#snapshots.read(on, await this.#segment(on, segment), tick),
    );
  }

  async readChunks(
    segment: string,
    numbers: readonly number[],
    bytes: number,
  ): Promise<readonly Uint8Array[]> {
    return this.#reading(
      () => checkChunks(numbers, bytes),
      async (on) => this.#snapshots.readChunks(on, await this.#segment(on, segment), numbers, bytes),
    );
  }

  async dropSnapshots(segment: string, ticks: readonly number[]): Promise<number> {
    return this.#writing(
      () => {
        for (const tick of ticks) checkTick('tick', tick);
      },
      async (on) => this.#snapshots.drop(on, await this.#shared(on, segment), ticks),
    );
  }

  async pinSnapshot(segment: string, tick: number, pinned: boolean): Promise<void> {
    return this.#writing(
      () => {
        checkTick('tick', tick);
        checkPinned(pinned);
      },
      async (on) => this.#snapshots.pin(on, await this.#segment(on, segment), tick, pinned),
    );
  }

  async findRuns(path: string, options?: FindOptions): Promise<readonly RunInfo[]> {
    return this.#call('read', () => this.#jsonb.runs(path, options));
  }

  async findAttempts(path: string, options?: FindOptions): Promise<readonly FoundAttempt[]> {
    return this.#call('read', () => this.#jsonb.attempts(path, options));
  }

  async createPartition(run: string): Promise<boolean> {
    return this.#call('write', () => this.#partitions.create(run));
  }

  async appendRows(run: string, rows: readonly NewPartitionRow[]): Promise<void> {
    return this.#call('write', () => this.#partitions.append(run, rows));
  }

  async readRows(run: string, after: number | null, limit: number): Promise<readonly PartitionRow[]> {
    return this.#call('read', () => this.#partitions.read(run, after, limit));
  }

  async dropPartition(run: string): Promise<boolean> {
    return this.#call('write', () => this.#partitions.drop(run));
  }

  async partitions(): Promise<readonly PartitionInfo[]> {
    return this.#call('read', () => this.#partitions.list());
  }

  async declareProjection(projection: NewProjection): Promise<ProjectionInfo> {
    return this.#call('write', () => this.#projections.declare(projection));
  }

  async projections(run: string | null): Promise<readonly ProjectionInfo[]> {
    return this.#call('read', () => this.#projections.list(run));
  }

  async advanceProjection(step: ProjectionStep): Promise<boolean> {
    return this.#call('write', () => this.#projections.advance(step));
  }

  async switchProjection(projection: number): Promise<boolean> {
    return this.#call('write', () => this.#projections.switch(projection));
  }

  async stopProjection(projection: number, problem: string): Promise<void> {
    return this.#call('write', () => this.#projections.stop(projection, problem));
  }

  async retireProjection(projection: number): Promise<void> {
    return this.#call('write', () => this.#projections.retire(projection));
  }

  async sweepProjections(limit: number): Promise<number> {
    return this.#call('write', () => this.#projections.sweep(limit));
  }

  async openReader(): Promise<SqlReader> {
    const call = <T>(work: () => Promise<T>): Promise<T> => this.#call('read', work);
    return call(() => Reader.open(this.#sessions, call));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#sessions.close();
  }
}
