/**
 * What is sent to carry a statement out, in one piece.
 *
 * Owns the layout of these messages of the extended protocol, version 3, as the chapter "Message Formats" of
 * PostgreSQL's manual gives them: a letter, the length of what follows with its own four bytes, the fields.
 * Whole numbers are big-endian; a text ends with a zero byte. The driver would write each message into memory
 * of its own, which takes a good part of the time of a small commit.
 */

/** A parameter as it is sent: a text in the text form of its type, bytes in the binary form, or null. */
export type SentValue = string | Uint8Array | null;

const PARSE = 0x50;
const BIND = 0x42;
const DESCRIBE = 0x44;
const EXECUTE = 0x45;
const SYNC = 0x53;
/** The letters that say what is described. */
const DESCRIBED = { portal: 0x50, statement: 0x53 } as const;

const NULL = -1;
/** The unnamed portal, its end, and the limit of rows: none. */
const EXECUTE_BYTES = 5;
/** What follows the values of a statement at most. */
const REST_BYTES = 64;
/** The memory that a connection begins with. */
const BEGUN_BYTES = 64 * 1024;
/** The most that is kept for the next statement; what a longer one took is given up when it is sent. */
const KEPT_BYTES = 256 * 1024;

const bytesOf = (value: SentValue): number =>
  value === null ? 0 : typeof value === 'string' ? Buffer.byteLength(value) : value.length;

/**
 * The messages of one connection. The memory of a statement is used again for the next, which may begin only
 * when the server has answered the one before up to its `Sync`, and so has read all of it.
 */
export class Messages {
  #buffer = Buffer.allocUnsafeSlow(BEGUN_BYTES);
  #at = 0;
  /** Where the length of the message under way stands. */
  #length = 0;

  /** A statement begins. */
  begin(): void {
    this.#at = 0;
  }

  /** All that was written since `begin`, to be sent. */
  take(): Buffer {
    const bytes = this.#buffer.subarray(0, this.#at);
    if (this.#buffer.length > KEPT_BYTES) this.#buffer = Buffer.allocUnsafeSlow(BEGUN_BYTES);
    return bytes;
  }

  /** Prepares a statement under a name; the types of its parameters are left to the server. */
  parse(name: string, text: string): void {
    this.#open(PARSE);
    this.#text(name);
    this.#text(text);
    this.#int16(0);
    this.#close();
  }

  /** Gives a prepared statement its parameters; rows come in binary form or as texts. */
  bind(statement: string, values: readonly SentValue[], binary: boolean): void {
    this.#open(BIND);
    this.#text('');
    this.#text(statement);
    this.#int16(values.length);
    // At once, so that large values do not make it grow again and again.
    this.#room(values.reduce((sum, value) => sum + 6 + bytesOf(value), REST_BYTES));
    for (const value of values) this.#int16(typeof value === 'object' && value !== null ? 1 : 0);
    this.#int16(values.length);
    for (const value of values) this.#value(value);
    this.#int16(1);
    this.#int16(binary ? 1 : 0);
    this.#close();
  }

  /** Asks for the columns of what was bound, or for the parameters and columns of what was prepared. */
  describe(what: keyof typeof DESCRIBED): void {
    this.#open(DESCRIBE);
    this.#room(1);
    this.#buffer[this.#at++] = DESCRIBED[what];
    this.#text('');
    this.#close();
  }

  /** Carries out what was bound. */
  execute(): void {
    this.#open(EXECUTE);
    this.#room(EXECUTE_BYTES);
    this.#buffer.fill(0, this.#at, this.#at + EXECUTE_BYTES);
    this.#at += EXECUTE_BYTES;
    this.#close();
  }

  /** Ends the statement: the server answers that it is ready, also after an error. */
  sync(): void {
    this.#open(SYNC);
    this.#close();
  }

  #open(letter: number): void {
    this.#room(5);
    this.#buffer[this.#at] = letter;
    this.#length = this.#at + 1;
    this.#at += 5;
  }

  #close(): void {
    this.#buffer.writeInt32BE(this.#at - this.#length, this.#length);
  }

  /** Makes room for so many bytes more. */
  #room(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.length));
    larger.set(this.#buffer.subarray(0, this.#at));
    this.#buffer = larger;
  }

  #int16(value: number): void {
    this.#room(2);
    this.#at = this.#buffer.writeUInt16BE(value, this.#at);
  }

  #text(text: string): void {
    this.#room(Buffer.byteLength(text) + 1);
    this.#at += this.#buffer.write(text, this.#at);
    this.#buffer[this.#at++] = 0;
  }

  #value(value: SentValue): void {
    if (value === null) {
      this.#room(4);
      this.#at = this.#buffer.writeInt32BE(NULL, this.#at);
      return;
    }
    const bytes = bytesOf(value);
    this.#room(4 + bytes);
    this.#at = this.#buffer.writeInt32BE(bytes, this.#at);
    if (typeof value === 'string') this.#buffer.write(value, this.#at);
    else this.#buffer.set(value, this.#at);
    this.#at += bytes;
  }
}
