/**
 * Observers of a run: told of ticks when they are computed, or when they are durable.
 *
 * They get copies decoded from the record, made only when looked at, so that nothing they keep or change can
 * reach the world. An observer that fails is reported as a warning and told of the next tick as before.
 */
import { hex } from '../base/bytes.ts';
import { messageOf } from '../base/canonical.ts';
import { warn } from '../base/platform.ts';
import { ColumnSet } from '../columns/column-set.ts';
import { decodeBatches, decodeFrame, freshSets } from '../log/record.ts';
import type { LogRecord } from '../log/store.ts';
import { BatchView } from '../projections/batch-view.ts';
import type { CompiledSchema } from '../schema/compile.ts';

/** What an observer is told. */
export interface TickNews {
  readonly tick: number;
  readonly stateHash: string | null;
  /** The events of the tick by kind. */
  readonly events: object;
}

type Observer = (news: TickNews) => unknown;

/** When an observer is told. */
export type ObservedMoment = 'computed' | 'durable';

function newsOf(record: LogRecord, schema: CompiledSchema): TickNews {
  const frame = decodeFrame(record.bytes.slice(), { tick: record.tick });
  let sets: Map<number, ColumnSet> | null = null;
  const events = {};
  for (const kind of schema.kinds) {
    if (kind.source === 'insert' || kind.source === 'source') continue;
    Object.defineProperty(events, kind.name, {
      enumerable: true,
      get: () => {
        sets ??= new Map(
          decodeBatches(frame, schema, freshSets(schema)).map((batch) => [batch.kind, batch.set]),
        );
        const set = sets.get(kind.number) ?? new ColumnSet(kind, false);
        return new BatchView(set, 0, set.size);
      },
    });
  }
  return { tick: frame.tick, stateHash: frame.stateHash === null ? null : hex(frame.stateHash), events };
}

/** The observers of one run. */
export class Observers {
  private readonly run: string;
  private readonly schema: CompiledSchema;
  private readonly observers = new Set<{ readonly when: ObservedMoment; readonly tell: Observer }>();

  constructor(run: string, schema: CompiledSchema) {
    this.run = run;
    this.schema = schema;
  }

  /** Whether anybody watches. */
  get any(): boolean {
    return this.observers.size > 0;
  }

  /** Adds an observer; the function returned takes it away. */
  add(when: ObservedMoment, tell: Observer): () => void {
    const entry = { when, tell };
    this.observers.add(entry);
    return () => void this.observers.delete(entry);
  }

  /** Tells everyone who watches this moment; who is taken away meanwhile hears no more. */
  tell(when: ObservedMoment, records: readonly LogRecord[]): void {
    const watching = [...this.observers].filter((observer) => observer.when === when);
    if (watching.length === 0) return;
    for (const record of records)
      for (const entry of watching) if (this.observers.has(entry)) this.tellOne(entry.tell, record);
  }

  /** Each observer gets copies of its own. */
  private tellOne(tell: Observer, record: LogRecord): void {
    const report = (e: unknown): void =>
      warn(`an observer of run '${this.run}' failed at tick ${record.tick}: ${messageOf(e)}`);
    try {
      const result = tell(newsOf(record, this.schema));
      if (typeof (result as Promise<unknown> | undefined)?.then === 'function')
        (result as Promise<unknown>).then(undefined, report);
    } catch (e) {
      report(e);
    }
  }
}
