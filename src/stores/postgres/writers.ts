/**
 * The connections of writers: each writer of a segment has one of its own.
 *
 * Owns which connection a writer's call runs on, and that a connection which broke is replaced by the next
 * call. A commit never waits for readers of the same process, and a takeover can end exactly the connection
 * of the writer that it replaces.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isWorldfoldError } from '../../base/errors.ts';
import { steadyClock } from '../../base/platform.ts';
import { isAway } from './conditions.ts';
import type { Segments } from './segments.ts';
import type { OwnSession, Session, Sessions } from './session.ts';

const RETRY_MS = 50;

interface Writer {
  readonly epoch: number;
  session: OwnSession;
}

/** The writers of one store. */
export class Writers {
  readonly #sessions: Sessions;
  readonly #segments: Segments;
  readonly #reconnectMs: number;
  readonly #writers = new Map<string, Writer>();

  constructor(sessions: Sessions, segments: Segments, reconnectMs: number) {
    this.#sessions = sessions;
    this.#segments = segments;
    this.#reconnectMs = reconnectMs;
  }

  /** Makes somebody a segment's writer on a connection of their own; `work` returns the epoch beside. */
  async begin<T>(segment: string, work: (session: Session) => Promise<[T, epoch: number]>): Promise<T> {
    const session = await this.#sessions.open();
    try {
      const [answer, epoch] = await work(session);
      await this.#segments.note(session, segment, epoch);
      const before = this.#writers.get(segment);
      this.#writers.set(segment, { epoch, session });
      await before?.session.end();
      return answer;
    } catch (e) {
      await session.end();
      throw e;
    }
  }

  /** Runs a writer's call on its connection, or a stranger's on any. */
  async use<T>(segment: string, epoch: number, work: (session: Session) => Promise<T>): Promise<T> {
    const writer = this.#writers.get(segment);
    if (writer?.epoch !== epoch) return this.#sessions.lend(work);
    if (writer.session.lost) await this.#reconnect(segment, writer);
    try {
      return await work(writer.session);
    } catch (e) {
      if (isWorldfoldError(e, 'WRITER_REPLACED')) await this.end(segment, epoch);
      throw e;
    }
  }

  /** Opens another connection, while the database may be on its way back. */
  async #reconnect(segment: string, writer: Writer): Promise<void> {
    const start = steadyClock();
    for (;;)
      try {
        const session = await this.#sessions.open();
        writer.session = session;
        return await this.#segments.note(session, segment, writer.epoch);
      } catch (e) {
        if (!isAway(e) || steadyClock() - start >= this.#reconnectMs) throw e;
        await sleep(RETRY_MS);
      }
  }

  /** Gives the connection of a writer up. */
  async end(segment: string, epoch: number): Promise<void> {
    const writer = this.#writers.get(segment);
    if (writer?.epoch !== epoch) return;
    this.#writers.delete(segment);
    await writer.session.end();
  }
}
