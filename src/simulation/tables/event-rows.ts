/**
 * Rows of events that wait for the next step of a projection.
 */
import { parseChange } from '../../log/environment.ts';
import type { RowChanges } from '../../log/projection-store.ts';
import type { RecordFrame } from '../../log/record.ts';
import { eventChanges } from '../event-rows.ts';
import type { AnyWorld } from '../world.ts';

/** So many rows are enough for a step: they are in memory until then. */
const FULL = 20_000;

/** The events of one log, from some record on. */
export class EventRows {
  private readonly world: AnyWorld;
  /** The schema that the last record was made under; null before record 0, which names it. */
  private text: string | null;
  private rows = 0;
  private waiting: RowChanges[] = [];

  constructor(world: AnyWorld, text: string | null) {
    this.world = world;
    this.text = text;
  }

  /** Whether a step is due. */
  get isFull(): boolean {
    return this.rows >= FULL;
  }

  /** What is to be written. */
  get changes(): readonly RowChanges[] {
    return this.waiting;
  }

  /** Takes the events of the next record. */
  add(frame: RecordFrame): void {
    if (frame.environment !== null) this.text = parseChange(frame.environment).schema ?? this.text;
    const changes = eventChanges(this.world, this.text!, frame);
    const size = changes.written[0]!.length;
    if (size === 0) return;
    this.rows += size;
    this.waiting.push(changes);
  }

  /** Takes note that all of it was written. */
  clear(): void {
    this.rows = 0;
    this.waiting = [];
  }
}
