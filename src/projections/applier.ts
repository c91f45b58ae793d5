/**
 * The fold: events into tables, by the handlers of a world.
 *
 * The one place where handlers are called. A live tick and a replay both come through here, piece by piece in
 * recorded order, so that they can't differ. Owns the frame of a handler's call: the gate, the draws keyed by
 * the event, the reservation of ids that events name, and the name of the place in every error.
 */
import type { Rng } from '../base/draws.ts';
import { assert, fail } from '../base/errors.ts';
import type { ColumnSet } from '../columns/column-set.ts';
import { type TableStore, TOUCHED } from '../columns/table-store.ts';
import type { Batch, Wave } from '../columns/waves.ts';
import type { ApplyStreams, EventStreams, Streams } from '../random/streams.ts';
import { type CompiledSchema, type KindLayout, SOURCES } from '../schema/compile.ts';
import { secondsAt, type TickLength } from '../schema/tick-length.ts';
import { BatchView } from './batch-view.ts';
import { refusePromise, tickError } from './tick-error.ts';
import type { WorldState } from './world-state.ts';

/** What a handler gets beside world and event. */
interface HandlerNow {
  readonly tick: number;
  readonly seconds: number;
  readonly config: object;
  rng(stream: string): Rng;
}

type RowHandler = (world: object, event: object, now: HandlerNow) => unknown;
type BatchHandler = { batch(world: object, events: BatchView, now: HandlerNow): unknown };

/** Handlers by kind, in row form or batch form. */
export type AnyHandlers = { readonly [kind: string]: RowHandler | BatchHandler };

class ApplyNow implements HandlerNow {
  tick = 0;
  readonly config: object;
  private streams: ApplyStreams | null = null;
  private event: EventStreams | null = null;
  ordinal = 0;
  private readonly length: TickLength;

  constructor(length: TickLength, config: object) {
    this.length = length;
    this.config = config;
    this.rng = this.rng.bind(this);
  }

  get seconds(): number {
    return secondsAt(this.length, this.tick);
  }

  /** Begins a run of events of one kind and origin. */
  begin(streams: ApplyStreams, ordinal: number): void {
    this.streams = streams;
    this.at(ordinal);
  }

  /** Goes to an event: its draws begin anew. */
  at(ordinal: number): void {
    this.ordinal = ordinal;
    this.event = null;
  }

  rng(stream: string): Rng {
    assert(this.streams !== null, 'a handler drew outside its call');
    this.event ??= this.streams.at(this.ordinal);
    return this.event.rng(stream);
  }
}

/** A column that names a new row, and the table that the row will be in. */
interface IdColumn {
  readonly column: string;
  readonly store: TableStore;
}

/** Where the sets of a tick are, by number of kind. */
export type SetOf = (kind: number) => ColumnSet;

/** Folds events into one world state. */
export class Applier {
  readonly state: WorldState;
  private readonly handlers: AnyHandlers;
  private readonly streams: Streams;
  private readonly now: ApplyNow;
  private readonly schema: CompiledSchema;
  /** How many events of each kind of this tick are applied. */
  private readonly cursors: Uint32Array;
  private readonly ids: readonly (readonly IdColumn[])[];
  private setOf: SetOf = () => fail('INTERNAL', 'a fold began without a tick');

  constructor(state: WorldState, handlers: AnyHandlers, streams: Streams, config: object) {
    this.state = state;
    this.handlers = handlers;
    this.streams = streams;
    this.schema = state.schema;
    this.now = new ApplyNow(this.schema.tick, config);
    this.cursors = new Uint32Array(this.schema.kinds.length);
    this.ids = this.schema.kinds.map(({ columns, table: into }) =>
      columns
        .filter(({ role }) => role === 'newId' || (role === 'id' && into !== null))
        .map(({ name, table }) => ({ column: name, store: state.tables.get(table ?? into!)! })),
    );
  }

  /** The columns of a kind that name new rows: of events, and of rows that a setup inserts. */
  idsOf(kind: number): readonly IdColumn[] {
    return this.ids[kind]!;
  }

  /** Begins a tick whose events are in the given sets. */
  begin(tick: number, setOf: SetOf): void {
    this.now.tick = tick;
    this.cursors.fill(0);
    this.setOf = setOf;
  }

  /** Applies a wave as recorded. */
  applyWave({ origin, atOnce, runs }: Wave): void {
    if (!atOnce) this.reserveAll(runs);
    for (const { kind, size, times } of runs)
      for (let i = 0; i < times; i++) {
        if (atOnce) this.reserve(kind, this.setOf(kind), this.cursors[kind]!, size);
        this.applyPiece(kind, size, origin);
      }
  }

  /** Applies the next `size` events of a kind. */
  applyPiece(kind: number, size: number, origin: string): void {
    const from = this.cursors[kind]!;
    this.cursors[kind] = from + size;
    const layout = this.schema.kinds[kind]!;
    const set = this.setOf(kind);
    if (from + size > set.size)
      fail('CORRUPT', `a record counts more events of '${layout.name}' than it holds`, {
        tick: this.now.tick,
        kind: layout.name,
      });
    if (layout.source === 'insert') this.insertRows(layout, set, from, from + size);
    else if (layout.source === 'source') this.moveMarks(set, from, from + size);
    else if (layout.source !== 'fact') this.callHandler(layout, set, from, from + size, origin);
  }

  /** Whether every event of a batch has been applied. */
  isDone({ kind, set }: Batch): boolean {
    return this.cursors[kind] === set.size;
  }

  /**
   * Ids that events of a wave name are taken before the first of them is applied, as they were when they were
   * emitted.
   */
  private reserveAll(runs: Wave['runs']): void {
    let ahead: Map<number, number> | null = null;
    for (const { kind, size } of runs) {
      if (this.ids[kind]!.length === 0) continue;
      ahead ??= new Map();
      const from = this.cursors[kind]! + (ahead.get(kind) ?? 0);
      ahead.set(kind, (ahead.get(kind) ?? 0) + size);
      this.reserve(kind, this.setOf(kind), from, size);
    }
  }

  /** Makes sure that ids which events name are never handed out again: when they are emitted, and when they are folded. */
  reserve(kind: number, set: ColumnSet, from: number, size: number): void {
    for (const { column, store } of this.ids[kind]!) {
      const ids = set.byName.get(column)!;
      for (let row = from; row < from + size; row++) store.reserve(ids.read(row) as number);
    }
  }

  private insertRows(layout: KindLayout, set: ColumnSet, from: number, to: number): void {
    const store = this.state.tables.get(layout.table!)!;
    if (!store.layout.single) store.insertFrom(set, from, to);
    else {
      const row = set.rowAt(to - 1) as { [column: string]: unknown };
      for (const column of store.set.columns) column.store(0, row[column.layout.name]);
      store.touched = TOUCHED;
    }
  }

  private moveMarks(set: ColumnSet, from: number, to: number): void {
    const store = this.state.tables.get(SOURCES)!;
    for (let i = from; i < to; i++) {
      const { source, seq } = set.rowAt(i) as { source: string; seq: number };
      const row = store.find(source);
      if (row < 0) store.insert({ source, seq });
      else {
        store.set.byName.get('seq')!.store(row, seq);
        store.touched = TOUCHED;
      }
    }
  }

  private callHandler(layout: KindLayout, set: ColumnSet, from: number, to: number, origin: string): void {
    const { gate } = this.state;
    const handler = this.handlers[layout.name]!;
    this.now.begin(this.streams.applying(this.now.tick, layout.name, origin), from);
    gate.open = true;
    gate.writer = layout.name;
    try {
      if (typeof handler === 'function') this.eachRow(layout, handler, set, from, to);
      else {
        refusePromise(
          handler.batch(this.state.writer, new BatchView(set, from, to), this.now),
          'the handler',
        );
        gate.settle();
      }
    } catch (cause) {
      gate.abandon();
      throw tickError(cause, { tick: this.now.tick, origin, kind: layout.name, event: this.now.ordinal });
    }
    gate.open = false;
  }

  private eachRow(layout: KindLayout, handler: RowHandler, set: ColumnSet, from: number, to: number): void {
    const { now } = this;
    const { gate, writer } = this.state;
    const { rowAt } = set;
    for (let row = from; row < to; row++) {
      now.at(row);
      const result = handler(writer, rowAt(row), now);
      if (typeof result === 'object') refusePromise(result, `the handler of '${layout.name}'`);
      gate.settle();
    }
  }
}
