/**
 * One statement on its way through a connection of pg.
 *
 * Owns the messages of the extended protocol for it and the collecting of its rows. It is what pg calls a
 * submittable: the client calls `submit` when it is its turn and the handlers as answers come.
 */
import { assert, fail } from '../../base/errors.ts';
import type { Answer, Parameter } from './session.ts';
import { type Field, type Reading, sent } from './values.ts';
import type { RowBytes, Wire } from './wire.ts';

/** A statement as the connection knows it: prepared under `name`, or '' for once. */
export interface Prepared {
  readonly name: string;
  readonly text: string;
}

/** What a connection has prepared, and of which it waits for the answer. */
export class PreparedStatements {
  readonly #known = new Set<string>();
  readonly #asked: string[] = [];

  /** Whether the server has the statement. */
  has(name: string): boolean {
    return this.#known.has(name);
  }

  /** Sends the statement unless the server has it. */
  send(wire: Wire, { name, text }: Prepared): void {
    if (this.#known.has(name)) return;
    this.#asked.push(name);
    wire.parse({ name, text });
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

/** Sends what begins the transaction of a statement, before it. */
function sendFirst(wire: Wire, prepared: PreparedStatements, first: Prepared | null): void {
  if (first === null) return;
  prepared.send(wire, first);
  wire.bind({ portal: '', statement: first.name, values: [], binary: true });
  wire.execute({ portal: '', rows: 0 });
}

/** A statement, its parameters, and before it perhaps one that begins its transaction. */
export class Query<R> {
  readonly answer: Promise<Done<R>>;
  readonly #prepared: PreparedStatements;
  readonly #first: Prepared | null;
  readonly #statement: Prepared;
  readonly #values: readonly (string | Buffer | null)[];
  readonly #reading: Reading<R>;
  readonly #rows: R[] = [];
  #columns: readonly string[] = [];
  #resolve!: (answer: Done<R>) => void;
  #reject!: (e: unknown) => void;
  #read: (row: RowBytes) => R = () => fail('INTERNAL', 'a row came before its description');
  #said = '';
  #failed: { readonly error: unknown } | null = null;

  constructor(
    prepared: PreparedStatements,
    first: Prepared | null,
    statement: Prepared,
    parameters: readonly Parameter[],
    reading: Reading<R>,
  ) {
    this.#prepared = prepared;
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

  /** Sends it. What could not be sent is given back: the client tells `handleError`. */
  submit(wire: Wire): unknown {
    // Held together, so that they leave in one packet.
    wire.stream.cork();
    try {
      const { binary } = this.#reading;
      sendFirst(wire, this.#prepared, this.#first);
      this.#prepared.send(wire, this.#statement);
      wire.bind({ portal: '', statement: this.#statement.name, values: this.#values, binary });
      wire.describe({ type: 'P', name: '' });
      wire.execute({ portal: '', rows: 0 });
      wire.sync();
      return null;
    } catch (e) {
      return e;
    } finally {
      wire.stream.uncork();
    }
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
    this.#prepared.settle();
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
  readonly #prepared: PreparedStatements;
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

  constructor(prepared: PreparedStatements, first: Prepared | null, text: string) {
    this.#prepared = prepared;
    this.#first = first;
    this.#text = text;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  submit(wire: Wire): unknown {
    wire.stream.cork();
    try {
      wire.on('parameterDescription', this.#told);
      this.#end = () => wire.off('parameterDescription', this.#told);
      sendFirst(wire, this.#prepared, this.#first);
      this.#prepared.send(wire, { name: '', text: this.#text });
      wire.describe({ type: 'S', name: '' });
      wire.sync();
      return null;
    } catch (e) {
      return e;
    } finally {
      wire.stream.uncork();
    }
  }

  handleRowDescription(): void {
    this.#rows = true;
  }

  handleCommandComplete(): void {}

  handleError(error: unknown): void {
    this.#end();
    this.#prepared.settle();
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
  readonly #prepared: PreparedStatements;
  readonly #statement: Prepared;
  #resolve!: () => void;
  #reject!: (e: unknown) => void;

  constructor(prepared: PreparedStatements, statement: Prepared) {
    this.#prepared = prepared;
    this.#statement = statement;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  submit(wire: Wire): unknown {
    this.#prepared.send(wire, this.#statement);
    wire.sync();
    return null;
  }

  handleError(error: unknown): void {
    this.#prepared.settle();
    this.#reject(error);
  }

  handleReadyForQuery(): void {
    this.#resolve();
  }
}
