/**
 * One connection, shared in turns.
 *
 * Owns the order of what is asked of a connection, its settings, the beginning and ending of transactions,
 * and whether the connection still lives. A server gives each session a link of its own; the embedded
 * database has one link for all of them.
 */
import type { Client } from 'pg';
import { assert, fail } from '../../base/errors.ts';
import { endsConnection } from './errors.ts';
import { Description, type Done, Preparation, type Prepared, Query, Sending } from './query.ts';
import type {
  Answer,
  Looked,
  OwnSession,
  Parameter,
  Statement,
  Statements,
  TransactionKind,
} from './session.ts';
import { objects, TEXTS } from './values.ts';
import type { Wire } from './wire.ts';

/** Parameters of a session by name, as `set_config` takes them. */
export type Settings = Readonly<Record<string, string>>;

const BEGIN: Readonly<Record<TransactionKind, Prepared>> = {
  read: { name: 'begin_read', text: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY' },
  write: { name: 'begin_write', text: 'BEGIN ISOLATION LEVEL READ COMMITTED' },
};
const COMMIT: Statement = { name: 'commit', text: 'COMMIT' };
const ROLLBACK: Statement = { name: 'rollback', text: 'ROLLBACK' };

/** What may leave in more than one piece, between which a process may stop. */
const LONG_BYTES = 8192;

const isLong = (parameters: readonly Parameter[]): boolean =>
  parameters.reduce<number>(
    (sum, p) => sum + (p instanceof Uint8Array || typeof p === 'string' ? p.length : 8),
    0,
  ) > LONG_BYTES;

/** Runs one after another what it is given. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => {});
    return mine;
  }
}

/** What keeps a process alive while it waits for an answer. */
interface Held {
  ref(): void;
  unref(): void;
}

/** A connection of pg that is connected. */
export class Link {
  readonly #client: Client & Held;
  readonly #turns = new Turns();
  readonly #sending = new Sending();
  /** Names of prepared statements by their text: sessions that share a link may name different ones alike. */
  readonly #names = new Map<string, string>();
  #settings: Settings | null = null;
  /** What ended the connection. */
  #lost: { readonly error: unknown } | null = null;

  constructor(client: Client) {
    this.#client = client as Client & Held;
    (client.connection as unknown as Wire).on('parseComplete', () => this.#sending.done());
    client.on('error', (error) => this.#lose(error));
    client.on('end', () => this.#lose(null));
    this.#client.unref();
  }

  get lost(): boolean {
    return this.#lost !== null;
  }

  #lose(error: unknown): void {
    this.#lost ??= { error };
  }

  /** Runs `work` when all that was asked before is done, with these settings in force. */
  turn<T>(settings: Settings, work: () => Promise<T>): Promise<T> {
    return this.#turns.take(async () => {
      // A process ends when nothing but idle connections is left.
      this.#client.ref();
      try {
        if (this.#settings !== settings) await this.#set(settings);
        return await work();
      } finally {
        this.#client.unref();
      }
    });
  }

  async #set(settings: Settings): Promise<void> {
    this.#settings = null;
    const entries = Object.entries(settings);
    const calls = entries.map((_, i) => `set_config($${2 * i + 1}, $${2 * i + 2}, false) AS s${i}`);
    await this.ask({ text: `SELECT ${calls.join(', ')}` }, entries.flat());
    this.#settings = settings;
  }

  #checkLives(): void {
    if (this.#lost !== null)
      throw this.#lost.error ?? fail('STORE_FAILED', 'the connection to the database has ended');
  }

  /** Asks at once; only for who has the turn. `first` begins the transaction on the way. */
  async ask<R extends object>(
    { name, text }: Statement,
    parameters: readonly Parameter[] = [],
    first: Prepared | null = null,
  ): Promise<Done<R>> {
    this.#checkLives();
    const long = isLong(parameters);
    const named = { name: name === undefined && !long ? '' : this.#nameOf(text), text };
    if (long && first === null && !this.#sending.has(named.name))
      await this.#asked(new Preparation(this.#sending, named));
    return this.#asked(new Query(this.#sending, first, named, parameters, objects<R>()));
  }

  /**
   * Asks a statement that may be anything; null, and not carried out, where it has no rows to answer with.
   * Only for who has the turn; `first` begins the transaction on the way.
   */
  async look(text: string, parameters: readonly Parameter[], first: Prepared | null): Promise<Looked | null> {
    this.#checkLives();
    const described = await this.#asked(new Description(this.#sending, first, text));
    if (!described.rows) return null;
    // The server would take it for a broken protocol.
    const [needed, given] = [described.parameters, parameters.length];
    if (needed !== given)
      fail('BAD_USAGE', `the query has ${needed} parameters, and ${given} were given`, { needed, given });
    return this.#asked(new Query(this.#sending, null, { name: '', text }, parameters, TEXTS));
  }

  async #asked<T>(query: { readonly answer: Promise<T> }): Promise<T> {
    this.#client.query(query as never);
    try {
      return await query.answer;
    } catch (e) {
      if (endsConnection(e)) {
        this.#lose(e);
        await this.end();
      }
      throw e;
    }
  }

  #nameOf(text: string): string {
    const name = this.#names.get(text) ?? `s${this.#names.size}`;
    this.#names.set(text, name);
    return name;
  }

  /** Keeps the process alive while the connection lives: it is to be ended in order. */
  hold(): void {
    this.#client.ref();
  }

  /** Runs `last` after all that was asked before. */
  after(last: () => Promise<void>): Promise<void> {
    return this.#turns.take(last);
  }

  /** Ends the connection; never throws. */
  async end(): Promise<void> {
    this.#lose(null);
    this.hold();
    try {
      await this.#client.end();
    } catch {
      // It is given up either way.
    }
  }
}

/** The statements of one transaction; begun by the first of them. */
class Transaction implements Statements {
  readonly #link: Link;
  readonly #turns = new Turns();
  #begin: Prepared | null;
  #failed: { readonly error: unknown } | null = null;
  #over = false;

  constructor(link: Link, kind: TransactionKind) {
    this.#link = link;
    this.#begin = BEGIN[kind];
  }

  run<R extends object>(statement: Statement, parameters?: readonly Parameter[]): Promise<Answer<R>> {
    assert(!this.#over, 'a statement was made in a transaction that is over', { statement: statement.text });
    return this.#next((begin) => this.#link.ask<R>(statement, parameters, begin));
  }

  look(text: string, parameters: readonly Parameter[]): Promise<Looked | null> {
    return this.#next((begin) => this.#link.look(text, parameters, begin));
  }

  #next<T>(ask: (begin: Prepared | null) => Promise<T>): Promise<T> {
    return this.#turns.take(async () => {
      if (this.#failed !== null) throw this.#failed.error;
      const begin = this.#begin;
      this.#begin = null;
      try {
        return await ask(begin);
      } catch (error) {
        this.#failed = { error };
        throw error;
      }
    });
  }

  /** Keeps it all; a statement that failed and was passed over lets nothing be kept. */
  async commit(): Promise<void> {
    await this.#settle();
    if (this.#failed !== null) throw this.#failed.error;
    if (this.#begin !== null) return;
    const { command } = await this.#link.ask(COMMIT);
    if (command !== 'COMMIT')
      fail('STORE_FAILED', `the database did not commit and answered ${command}`, { command });
  }

  /** Keeps nothing; never throws. */
  async rollBack(): Promise<void> {
    await this.#settle();
    if (this.#begin !== null || this.#link.lost) return;
    try {
      await this.#link.ask(ROLLBACK);
    } catch {
      // Nobody knows what state it is in: it is not used again.
      await this.#link.end();
    }
  }

  /** Waits for the statements that were made and not awaited. */
  async #settle(): Promise<void> {
    this.#over = true;
    await this.#turns.take(async () => {});
  }
}

/** A session on a link, with settings of its own. */
export class LinkSession implements OwnSession {
  readonly #link: Link;
  readonly #settings: Settings;
  readonly #end: () => Promise<void>;
  #ending: Promise<void> | null = null;
  #ended = false;

  constructor(link: Link, settings: Settings, end: () => Promise<void> = async () => {}) {
    this.#link = link;
    this.#settings = settings;
    this.#end = end;
  }

  get lost(): boolean {
    return this.#ending !== null || this.#link.lost;
  }

  #turn<T>(work: () => Promise<T>): Promise<T> {
    return this.#link.turn(this.#settings, async () => {
      if (this.#ended) fail('STORE_FAILED', 'the connection to the database was ended');
      return work();
    });
  }

  run<R extends object>(statement: Statement, parameters?: readonly Parameter[]): Promise<Answer<R>> {
    return this.#turn(() => this.#link.ask<R>(statement, parameters));
  }

  within<T>(kind: TransactionKind, work: (statements: Statements) => Promise<T>): Promise<T> {
    return this.#turn(async () => {
      const transaction = new Transaction(this.#link, kind);
      try {
        const answer = await work(transaction);
        await transaction.commit();
        return answer;
      } catch (e) {
        await transaction.rollBack();
        throw e;
      }
    });
  }

  look(text: string, parameters: readonly Parameter[]): Promise<Looked | null> {
    return this.#turn(async () => {
      const transaction = new Transaction(this.#link, 'read');
      try {
        return await transaction.look(text, parameters);
      } finally {
        await transaction.rollBack();
      }
    });
  }

  end(): Promise<void> {
    this.#ending ??= this.#link.after(() => {
      this.#ended = true;
      return this.#end();
    });
    return this.#ending;
  }
}
