/**
 * The fold: events into tables, by the handlers of a world.
 *
 * The one place where handlers are called. A live tick and a replay both come through here, piece by piece in
 * recorded order, so that they can't differ. Owns the frame of a handler's call: the gate, the draws keyed by
 * the event, the reservation of ids that events name, and the name of the place in every error.
 */
import { ambient, Running, UNGUARDED } from '../base/ambient.ts';
import type { Rng } from '../base/draws.ts';
import { fail } from '../base/errors.ts';
import { refusePromise, type TickPlace, tickError } from '../base/tick-error.ts';
import type { ColumnSet } from '../columns/column-set.ts';
import { type TableStore, TOUCHED } from '../columns/table-store.ts';
import type { Batch, Wave } from '../columns/waves.ts';
import type { Lifetime } from '../random/keyed.ts';
import { type ApplyStreams, type EventStreams, Streams } from '../random/streams.ts';
import { type CompiledSchema, type KindLayout, SOURCES } from '../schema/compile.ts';
import { secondsAt, type TickLength } from '../schema/tick-length.ts';
import type { Audit } from './audit.ts';
import { BatchView } from './batch-view.ts';
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

type AnyHandler = RowHandler | BatchHandler;

/** Handlers by kind, in row form or batch form. */
export type AnyHandlers = { readonly [kind: string]: AnyHandler };

class ApplyNow implements HandlerNow {
  config: object = Object.freeze({});
  tick = 0;
  ordinal = 0;
  private all = new Streams('');
  kind = '';
  origin = '';
  private readonly length: TickLength;
  /** Ends with the call, and with it every stream that the call asked for. */
  private life: Lifetime = { open: false };
  private streams: ApplyStreams | null = null;
  private event: EventStreams | null = null;

  constructor(length: TickLength) {
    this.length = length;
    this.rng = this.rng.bind(this);
  }

  /** Draws and config are those of another environment from now on. */
  enter(all: Streams, config: object): void {
    this.all = all;
    this.config = config;
    this.streams = null;
  }

  get seconds(): number {
    return secondsAt(this.length, this.tick);
  }

  /** Goes to a tick. */
  goTo(tick: number): void {
    this.tick = tick;
    this.streams = null;
  }

  /** Begins a call for events of one kind and origin. */
  begin(kind: string, origin: string, ordinal: number): void {
    if (kind !== this.kind || origin !== this.origin) this.streams = null;
    this.kind = kind;
    this.origin = origin;
    this.life = { open: true };
    this.at(ordinal);
  }

  /** Goes to an event: its draws begin anew. */
  at(ordinal: number): void {
    this.ordinal = ordinal;
    if (this.event === null) return;
    this.event = null;
    this.life.open = false;
    this.life = { open: true };
  }

  /** Ends a call: nobody draws any more. */
  end(): void {
    this.life.open = false;
  }

  rng(stream: string): Rng {
    if (!this.life.open)
      return fail(
        'BAD_USAGE',
        `stream '${stream}' of a handler was drawn from after the handler had returned`,
        {
          stream,
        },
      );
    this.streams ??= this.all.applying(this.tick, this.kind, this.origin);
    this.event ??= this.streams.at(this.ordinal, this.life);
    return this.event.rng(stream);
  }
}

/** A column of a kind whose ids are taken when the event is written. */
interface IdColumn {
  readonly name: string;
  readonly store: TableStore;
}

/**
 * The columns of each kind, by its number, that take ids: of rows that an event creates, of rows that a setup
 * inserts.
 */
function idColumns({ schema, tables }: WorldState): readonly (readonly IdColumn[])[] {
  return schema.kinds.map(({ table, columns }) =>
    columns
      .filter(({ role }) => role === 'newId' || (role === 'id' && table !== null))
      .map((column) => ({ name: column.name, store: tables.get(column.table ?? table!)! })),
  );
}

/** Where the sets of a tick are, by number of kind. */
export type SetOf = (kind: number) => ColumnSet;

/** Folds events into one world state. */
export class Applier {
  readonly state: WorldState;
  /** By number of kind; a fact, be it emitted or submitted, has none. */
  private readonly handlers: readonly (AnyHandler | null)[];
  private readonly now: ApplyNow;
  private readonly ids: readonly (readonly IdColumn[])[];
  private readonly schema: CompiledSchema;
  /** How many events of each kind of this tick are applied. */
  private readonly cursors: Uint32Array;
  private setOf: SetOf = () => fail('INTERNAL', 'a fold began without a tick');
  /** Watches every call, in paranoid mode. */
  readonly audit: Audit | null;
  private readonly running: Running;

  /** `guard` makes what stands for the handlers while they run; nothing is refused where it is left out. */
  constructor(
    state: WorldState,
    handlers: AnyHandlers,
    audit: Audit | null = null,
    guard: (place: () => TickPlace) => Running = (place) => new Running(UNGUARDED, place),
  ) {
    this.state = state;
    this.audit = audit;
    this.running = guard(() => this.place);
    this.schema = state.schema;
    this.handlers = this.schema.kinds.map(({ name }) =>
      Object.hasOwn(handlers, name) ? handlers[name]! : null,
    );
    this.ids = idColumns(state);
    this.now = new ApplyNow(this.schema.tick);
    this.cursors = new Uint32Array(this.schema.kinds.length);
  }

  /** Where the handler is that runs now. */
  private get place(): TickPlace {
    const { tick, origin, kind, ordinal } = this.now;
    return { tick, origin, kind, event: ordinal };
  }

  /** Handlers draw from these streams and see this config from now on. */
  enter(streams: Streams, config: object): void {
    this.now.enter(streams, config);
  }

  /** Begins a tick whose events are in the given sets. */
  begin(tick: number, setOf: SetOf): void {
    this.now.goTo(tick);
    this.cursors.fill(0);
    this.setOf = setOf;
  }

  /** Applies a wave as recorded. */
  applyWave({ origin, atOnce, runs }: Wave): void {
    if (!atOnce) this.reserveAll(runs);
    for (const { kind, size, times } of runs)
      for (let i = 0; i < times; i++) {
        if (atOnce) this.reserve(kind, this.cursors[kind]!, size);
        this.applyPiece(kind, size, origin);
      }
  }

  /** Applies the next `size` events of a kind, whose ids are reserved. */
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
    if (layout.source === 'insert') this.insertRows(layout, set, from, from + size, origin);
    else if (layout.source === 'source') this.moveMarks(set, from, from + size);
    else this.callHandler(layout, set, from, from + size, origin);
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
      this.reserve(kind, from, size);
    }
  }

  /** Takes the ids that `size` events of a kind name out of the hands of the allocators. */
  reserve(kind: number, from: number, size: number): void {
    const set = this.setOf(kind);
    for (const { name, store } of this.ids[kind]!) {
      const ids = set.byName.get(name)!;
      for (let row = from; row < from + size; row++) {
        const id = ids.read(row);
        if (id !== null) store.reserve(id as number);
      }
    }
  }

  private insertRows(layout: KindLayout, set: ColumnSet, from: number, to: number, origin: string): void {
    const store = this.state.tables.get(layout.table!)!;
    if (!store.layout.single)
      try {
        store.insertFrom(set, from, to);
      } catch (cause) {
        throw tickError(cause, { tick: this.now.tick, origin });
      }
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
    if (this.handlers[layout.number] === null) return;
    if (this.audit === null) this.call(layout, set, from, to, origin);
    else this.callWatched(this.audit, layout, set, from, to, origin);
  }

  /** Apart, so that calls which nobody watches make no closure. */
  private callWatched(
    audit: Audit,
    layout: KindLayout,
    set: ColumnSet,
    from: number,
    to: number,
    origin: string,
  ): void {
    const place = { tick: this.now.tick, origin, kind: layout.name };
    audit.around(to - from === 1 ? { ...place, event: from } : place, () =>
      this.call(layout, set, from, to, origin),
    );
  }

  private call(layout: KindLayout, set: ColumnSet, from: number, to: number, origin: string): void {
    const { running } = this;
    const { gate } = this.state;
    const handler = this.handlers[layout.number]!;
    this.now.begin(layout.name, origin, from);
    // With effects at once a system runs around this.
    const around = ambient.running;
    ambient.running = running;
    gate.open = true;
    gate.writer = layout.name;
    try {
      if (typeof handler === 'function') this.eachRow(layout, handler, set, from, to);
      else {
        refusePromise(
          handler.batch(this.state.writer, new BatchView(set, from, to), this.now),
          `the handler of '${layout.name}'`,
        );
        gate.settle();
      }
      running.end();
    } catch (cause) {
      gate.abandon();
      throw tickError(running.reason(cause), this.place);
    } finally {
      ambient.running = around;
      this.now.end();
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
