/**
 * When a world may be written, and what must be looked at when writing ends.
 *
 * One gate serves all tables of a world. It is open while apply or a setup runs. Spans are raw typed arrays
 * that bypass every check, so they end with the handler that took them, and are then searched for what does
 * not fit. Where NaN may be stored nothing is searched: the next state hash gives it its one bit pattern.
 */
import { fail } from '../base/errors.ts';

/** A raw piece of a column that was handed out for writing. */
export interface SpanHold {
  /** Checks what was written and lets the table change its number of rows again. */
  end(): void;
}

/** The gate of one world. */
export class Gate {
  open = false;
  /**
   * Whether the tables are in pieces: after a failed tick, until they are folded anew. Nobody but the fold
   * may look.
   */
  hidden = false;
  /** The kind whose handler runs, and which takes the spans, for errors. */
  writer = '';
  private readonly held: SpanHold[] = [];

  /** Remembers a span until writing ends. */
  hold(span: SpanHold): void {
    this.held.push(span);
  }

  /** Ends every span; called when the handler that took them has returned. */
  settle(): void {
    while (this.held.length > 0) this.held.pop()!.end();
  }

  /** Shuts the gate after a failure: spans are forgotten unchecked, because the world is rebuilt. */
  abandon(): void {
    this.open = false;
    this.held.length = 0;
  }

  /** Refuses a look at tables that are in pieces. */
  checkVisible(table: string): void {
    if (this.hidden && !this.open)
      fail(
        'WRONG_STATE',
        `'${table}' is being folded anew after a failed tick`,
        { table },
        'Wait for the call that is under way.',
      );
  }

  /** Refuses writing where the gate is shut. */
  refuse(table: string): never {
    return fail(
      'READ_ONLY',
      `'${table}' was written outside apply`,
      { table },
      'Emit an event, and write the table in its handler. A write view lives until the handler returns.',
    );
  }
}
