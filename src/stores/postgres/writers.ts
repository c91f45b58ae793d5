/**
 * The connections of writers: each writer of a segment has one of its own.
 *
 * Owns which connection a writer's call runs on. A writer gets one with its first commit, while the store has
 * fewer than so many; the others share those that are lent. One that broke is replaced by the next call. A
 * commit never waits for readers of the same process, and a takeover can end exactly the connection of the
 * writer that it replaces.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isWorldfoldError } from '../../base/errors.ts';
import { steadyClock } from '../../base/platform.ts';
import { hasNoConnectionLeft, isAway } from './conditions.ts';
import type { Segments } from './segments.ts';
import type { OwnSession, Session, Sessions } from './session.ts';

const RETRY_MS = 50;

interface Writer {
  readonly epoch: number;
  session: OwnSession | null;
  /** The connection that is being opened, for whoever else waits for it. */
  opening: Promise<OwnSession | null> | null;
}

/** How many connections writers have at most, and how long one waits for a database to come back. */
export interface WriterLimits {
  readonly writerConnections: number;
  readonly reconnectMs: number;
}

/** The writers of one store. */
export class Writers {
  readonly #sessions: Sessions;
  readonly #segments: Segments;
  readonly #limits: WriterLimits;
  readonly #writers = new Map<string, Writer>();
  #connected = 0;

  constructor(sessions: Sessions, segments: Segments, limits: WriterLimits) {
    this.#sessions = sessions;
    this.#segments = segments;
    this.#limits = limits;
  }

  /** Somebody became a segment's writer; whoever was it before in this process is so no more. */
  async begin(segment: string, epoch: number): Promise<void> {
    const before = this.#writers.get(segment);
    this.#writers.set(segment, { epoch, session: null, opening: null });
    if (before !== undefined) await this.#letGo(before);
  }

  /** Runs a writer's call on its connection, or a stranger's on any. */
  async use<T>(segment: string, epoch: number, work: (session: Session) => Promise<T>): Promise<T> {
    const writer = this.#writers.get(segment);
    if (writer?.epoch !== epoch) return this.#sessions.lend(work);
    const session = await this.#sessionOf(segment, writer);
    if (session === null) return this.#sessions.lend(work);
    try {
      return await work(session);
    } catch (e) {
      if (isWorldfoldError(e, 'WRITER_REPLACED')) await this.end(segment, epoch);
      throw e;
    }
  }

  /** The connection of a writer; null where there are enough of them already. */
  async #sessionOf(segment: string, writer: Writer): Promise<OwnSession | null> {
    if (writer.session !== null && !writer.session.lost) return writer.session;
    writer.opening ??= this.#open(segment, writer).finally(() => {
      writer.opening = null;
    });
    return writer.opening;
  }

  async #open(segment: string, writer: Writer): Promise<OwnSession | null> {
    if (writer.session !== null) await this.#letGo(writer);
    if (this.#connected >= this.#limits.writerConnections) return null;
    this.#connected++;
    try {
      const session = await this.#connect();
      writer.session = session;
      await this.#segments.note(session, segment, writer.epoch);
      if (this.#writers.get(segment) === writer) return session;
      await this.#letGo(writer);
      return null;
    } catch (e) {
      if (writer.session !== null) await this.#letGo(writer);
      else this.#connected--;
      if (hasNoConnectionLeft(e)) return null;
      throw e;
    }
  }

  /** Opens a connection, while the database may be on its way back. */
  async #connect(): Promise<OwnSession> {
    const start = steadyClock();
    for (;;)
      try {
        return await this.#sessions.open();
      } catch (e) {
        if (!isAway(e) || steadyClock() - start >= this.#limits.reconnectMs) throw e;
        await sleep(RETRY_MS);
      }
  }

  async #letGo(writer: Writer): Promise<void> {
    const { session } = writer;
    if (session === null) return;
    writer.session = null;
    this.#connected--;
    await session.end();
  }

  /** Gives the connection of a writer up. */
  async end(segment: string, epoch: number): Promise<void> {
    const writer = this.#writers.get(segment);
    if (writer?.epoch !== epoch) return;
    this.#writers.delete(segment);
    await this.#letGo(writer);
  }
}
