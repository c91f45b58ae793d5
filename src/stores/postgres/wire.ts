/**
 * Rows as bytes, taken out of what a server sends before the driver reads it.
 *
 * pg decodes every value of a row as UTF-8 text, also those in binary form, which no bytes survive. So the
 * messages that hold rows (`D` of the protocol, version 3) are cut out of the stream here; all others reach
 * the parser of pg as they came, and their order is kept.
 */
import { EventEmitter } from 'node:events';
import type { Duplex, Readable } from 'node:stream';
import { fail } from '../../base/errors.ts';

/** What of a connection of pg is used here and by the statements. */
export interface Wire extends EventEmitter {
  readonly stream: Duplex;
  sendCopyFail(why: string): void;
  attachListeners(stream: Readable): void;
}

/** The body of a row: the count of its values, then each with its length before it. */
export interface RowBytes {
  readonly body: Buffer;
  /** Whether nothing else holds the memory of `body`, so that a value may stay where it is. */
  readonly own: boolean;
}

const ROW = 0x44;
const HEADER = 5;
/** The length in a message counts its own four bytes. */
const LENGTH = 4;

/** Tells rows from other messages, in whatever pieces they come. */
export class RowCutter {
  readonly #row: (row: RowBytes) => void;
  readonly #other: (bytes: Buffer) => void;
  /** The beginning of a message whose header is not there yet. */
  #begun: Buffer = Buffer.alloc(0);
  /** What is still to come of a message that is no row. */
  #passing = 0;
  #filling: { readonly body: Buffer; filled: number } | null = null;

  constructor(row: (row: RowBytes) => void, other: (bytes: Buffer) => void) {
    this.#row = row;
    this.#other = other;
  }

  /** The next bytes of the stream. */
  take(bytes: Buffer): void {
    const chunk = this.#begun.length === 0 ? bytes : Buffer.concat([this.#begun, bytes]);
    this.#begun = chunk.subarray(0, 0);
    let at = this.#fill(chunk);
    let from = at;
    while (at < chunk.length) {
      const passed = Math.min(this.#passing, chunk.length - at);
      at += passed;
      this.#passing -= passed;
      if (this.#passing > 0 || at === chunk.length) break;
      if (chunk.length - at < HEADER) {
        this.#begun = chunk.subarray(at);
        break;
      }
      const length = chunk.readUInt32BE(at + 1) - LENGTH;
      if (chunk[at] !== ROW) {
        this.#passing = HEADER + length;
        continue;
      }
      this.#pass(chunk, from, at);
      at = from = this.#begin(chunk, at + HEADER, length);
    }
    this.#pass(chunk, from, at);
  }

  #pass(chunk: Buffer, from: number, to: number): void {
    if (to > from) this.#other(chunk.subarray(from, to));
  }

  /** A row at `at`: handed on when it is whole, and filled by what comes when not. Says where it ends. */
  #begin(chunk: Buffer, at: number, length: number): number {
    if (chunk.length - at >= length) {
      this.#row({ body: chunk.subarray(at, at + length), own: false });
      return at + length;
    }
    this.#filling = { body: Buffer.allocUnsafeSlow(length), filled: 0 };
    return at + this.#fill(chunk.subarray(at));
  }

  #fill(chunk: Buffer): number {
    const filling = this.#filling;
    if (filling === null) return 0;
    const copied = chunk.copy(filling.body, filling.filled);
    filling.filled += copied;
    if (filling.filled === filling.body.length) {
      this.#filling = null;
      this.#row({ body: filling.body, own: true });
    }
    return copied;
  }
}

/** Lets `wire` emit rows as `RowBytes`, from the moment it is connected. */
export function cutRows(wire: Wire): void {
  if (typeof wire?.attachListeners !== 'function')
    fail(
      'UNSUPPORTED',
      'this driver of PostgreSQL gives no access to the bytes of its rows',
      { package: 'pg' },
      'Use pg 8 in plain JavaScript: unset NODE_PG_FORCE_NATIVE.',
    );
  const listen = wire.attachListeners.bind(wire);
  wire.attachListeners = (stream) => {
    const others = new EventEmitter();
    listen(others as Readable);
    const cutter = new RowCutter(
      (row) => wire.emit('dataRow', row),
      (bytes) => others.emit('data', bytes),
    );
    stream.on('data', (bytes: Buffer) => cutter.take(bytes));
    stream.on('end', () => others.emit('end'));
  };
}
