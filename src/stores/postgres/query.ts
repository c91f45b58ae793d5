/**
 * One statement on its way through a connection of pg.
 *
 * Owns the order of the messages for it and the collecting of its rows. It is what pg calls a
 * submittable: the client calls `submit` when it is its turn and the handlers as answers come.
 */
import { assert, fail } from '../../base/errors.ts';
import { Messages, type SentValue } from './messages.ts';
import type { Answer, Parameter } from './session.ts';
import { type Field, type Reading, sent } from './values.ts';
import type { RowBytes, Wire } from './wire.ts';

/** A statement as the connection knows it: prepared under `name`, or '' for once. */
export interface Prepared {
  readonly name: string;
  readonly text: string;
}

/** What a connection sends, what it has prepared, and of which statements it waits for the answer. */
export class Sending {
  readonly messages = new Messages();
  readonly #known = new Set<string>();
  readonly #asked: string[] = [];

  /** Whether the server has the statement. */
  has(name: string): boolean {
    return this.#known.has(name);
  }

  /** Asks to prepare the statement unless the server has it. */
  prepare({ name, text }: Prepared): void {
    if (this.#known.has(name)) return;
    this.#asked.push(name);
    this.messages.parse(name, text);
  }

  /** The server has prepared what was asked for first. */
  done(): void {
    const name = this.#asked.shift();
    if (name) this.#known.add(name);
  }

  /** After an error the server passes over the rest, up to the end of the statement. */
  settle(): void {
    this.#asked.length = 0;
  }

  /**
   * Sends in one piece what begins the transaction of a statement, if anything, then what `write` writes.
   * What could not be sent is given back: the client tells `handleError`.
   */
  send(wire: Wire, first: Prepared | null, write: (messages: Messages) => void): unknown {
    const { messages } = this;
    try {
      messages.begin();
      if (first !== null) {
        this.prepare(first);
        messages.bind(first.name, [], true);
        messages.execute();
      }
      write(messages);
      messages.sync();
      // Where the connection is gone the statement hears of its end.
      if (wire.stream.writable) wire.stream.write(messages.take());
      return null;
    } catch (e) {
      return e;
    }
  }
}

/** The protocol counts them in 16 bits. */
export const MOST_PARAMETERS = 0xffff;

/** What an answer says it did: `INSERT 0 5`, `SELECT 1`, `COMMIT`. */
const COUNT = / (\d+)$/;

/** An answer with its columns, and the word that the server said for what it did. */
export interface Done<R> extends Answer<R> {
  readonly columns: readonly string[];
  readonly command: string;
}

/** A statement, its parameters, and before it perhaps one that begins its transaction. */
export class Query<R> {
  readonly answer: Promise<Done<R>>;
  readonly #sending: Sending;
  readonly #first: Prepared | null;
  readonly #statement: Prepared;
  readonly #values: readonly SentValue[];
  readonly #reading: Reading<R>;
  readonly #rows: R[] = [];
  #columns: readonly string[] = [];
  #resolve!: (answer: Done<R>) => void;
  #reject!: (e: unknown) => void;
  #read: (row: RowBytes) => R = () => fail('INTERNAL', 'a row came before its description');
  #said = '';
  #failed: { readonly error: unknown } | null = null;

  constructor(
    sending: Sending,
    first: Prepared | null,
    statement: Prepared,
    parameters: readonly Parameter[],
    reading: Reading<R>,
  ) {
    this.#sending = sending;
    this.#first = first;
    this.#statement = statement;
    this.#reading = reading;
    this.#values = parameters.map(sent);
    assert(parameters.length <= MOST_PARAMETERS, 'a statement has too many parameters', {
      parameters: parameters.length,
    });
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  submit(wire: Wire): unknown {
    return this.#sending.send(wire, this.#first, (messages) => {
      this.#sending.prepare(this.#statement);
      messages.bind(this.#statement.name, this.#values, this.#reading.binary);
      messages.describe('portal');
      messages.execute();
    });
  }

  handleRowDescription({ fields }: { readonly fields: readonly Field[] }): void {
    this.#try(() => {
      this.#columns = fields.map(({ name }) => name);
      this.#read = this.#reading.of(fields);
    });
  }

  handleDataRow(row: RowBytes): void {
    this.#try(() => this.#rows.push(this.#read(row)));
  }

  /** What can't be read is said at the end: the connection is in the middle of an answer. */
  #try(work: () => void): void {
    if (this.#failed !== null) return;
    try {
      work();
    } catch (error) {
      this.#failed = { error };
    }
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#said = text;
  }

  handleEmptyQuery(): void {}

  handlePortalSuspended(): void {}

  handleCopyInResponse(wire: Wire): void {
    wire.sendCopyFail('nothing is copied in');
  }

  handleCopyData(): void {}

  handleError(error: unknown): void {
    this.#sending.settle();
    this.#reject(error);
  }

  handleReadyForQuery(): void {
    if (this.#failed !== null) {
      this.#reject(this.#failed.error);
      return;
    }
    const count = Number(COUNT.exec(this.#said)?.[1] ?? 0);
    this.#resolve({ rows: this.#rows, columns: this.#columns, count, command: this.#said });
  }
}

/** What a statement would take and answer. */
export interface Described {
  readonly parameters: number;
  /** Whether it has rows to answer with. */
  readonly rows: boolean;
}

/** Asks what a statement would take and answer, and does not carry it out. */
export class Description {
  readonly answer: Promise<Described>;
  readonly #sending: Sending;
  readonly #first: Prepared | null;
  readonly #text: string;
  /** The client tells a statement nothing of this message. */
  readonly #told = ({ parameterCount }: { readonly parameterCount: number }) => {
    this.#parameters = parameterCount & MOST_PARAMETERS;
  };
  #end: () => void = () => {};
  #rows = false;
  #parameters = 0;
  #resolve!: (described: Described) => void;
  #reject!: (e: unknown) => void;

  constructor(sending: Sending, first: Prepared | null, text: string) {
    this.#sending = sending;
    this.#first = first;
    this.#text = text;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  submit(wire: Wire): unknown {
    wire.on('parameterDescription', this.#told);
    this.#end = () => wire.off('parameterDescription', this.#told);
    return this.#sending.send(wire, this.#first, (messages) => {
      this.#sending.prepare({ name: '', text: this.#text });
      messages.describe('statement');
    });
  }

  handleRowDescription(): void {
    this.#rows = true;
  }

  handleCommandComplete(): void {}

  handleError(error: unknown): void {
    this.#end();
    this.#sending.settle();
    this.#reject(error);
  }

  handleReadyForQuery(): void {
    this.#end();
    this.#resolve({ rows: this.#rows, parameters: this.#parameters });
  }
}

/**
 * Prepares a statement and does nothing else. The server counts how long a transaction stands still from the
 * end of one answer to the beginning of the next message: what comes before a long one would stop the count.
 */
export class Preparation {
  readonly answer: Promise<void>;
  readonly #sending: Sending;
  readonly #statement: Prepared;
  #resolve!: () => void;
  #reject!: (e: unknown) => void;

  constructor(sending: Sending, statement: Prepared) {
    this.#sending = sending;
    this.#statement = statement;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  submit(wire: Wire): unknown {
    return this.#sending.send(wire, null, () => this.#sending.prepare(this.#statement));
  }

  handleError(error: unknown): void {
    this.#sending.settle();
    this.#reject(error);
  }

  handleReadyForQuery(): void {
    this.#resolve();
  }
}
