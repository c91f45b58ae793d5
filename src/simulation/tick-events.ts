/**
 * The events of the tick that is being computed: sets by kind, and the exact order in waves.
 *
 * Owns `emit` and `insert`, the writers that user code calls. A writer appends to its kind's columns and
 * extends the current run; with at-once effects each piece is applied before the writer returns. Outside a
 * system or a setup every writer refuses.
 */
import { assert, fail } from '../base/errors.ts';
import { ColumnSet, type Fillers } from '../columns/column-set.ts';
import { appendGeneral, generateAppender } from '../columns/row-code.ts';
import type { Batch, EventRun, Wave } from '../columns/waves.ts';
import type { Applier } from '../projections/applier.ts';
import { BatchView } from '../projections/batch-view.ts';
import type { CompiledSchema, KindLayout } from '../schema/compile.ts';

type Writer = ((row?: object) => unknown) & { many(columns: object): unknown };

const NO_FIELDS = Object.freeze({});
const NO_KIND = -1;

/** Collects what is emitted in one tick; reused from tick to tick. */
export class TickEvents {
  /** Writers of user events, by kind. */
  readonly emit: object;
  /** Writers of rows in a setup, by table. */
  readonly insert: object;
  /** What was emitted so far this tick, by kind. */
  readonly events: object;
  /** The kind of the current run, and its length: written by generated code. */
  kind = NO_KIND;
  count = 0;
  /** Whether writers may be called now: read by generated code. */
  emitting = false;
  private readonly schema: CompiledSchema;
  private readonly applier: Applier;
  private readonly sets: readonly ColumnSet[];
  private readonly writers: readonly Writer[];
  private readonly waves: Wave[] = [];
  private runs: EventRun[] = [];
  private origin = '';
  private atOnce = false;

  constructor(applier: Applier) {
    this.applier = applier;
    this.schema = applier.state.schema;
    this.sets = this.schema.kinds.map((kind) => new ColumnSet(kind, false, this.fillers(kind)));
    this.writers = this.schema.kinds.map((kind) => this.writer(kind));
    const byName = <T>(pick: (kind: KindLayout) => [string, T] | null): object =>
      Object.freeze(Object.fromEntries(this.schema.kinds.map(pick).filter((entry) => entry !== null)));
    this.emit = byName((kind) =>
      kind.source === 'event' || kind.source === 'fact' ? [kind.name, this.writers[kind.number]] : null,
    );
    this.insert = byName((kind) => (kind.table === null ? null : [kind.table, this.writers[kind.number]]));
    this.events = this.batchViews();
  }

  /** Ids are handed out when an event is written, by the table that will hold the row. */
  private fillers(kind: KindLayout): Fillers {
    const ids = this.applier.idsOf(kind.number);
    return Object.fromEntries(ids.map(({ column, store }) => [column, () => store.allocate()]));
  }

  private batchViews(): object {
    const made = {};
    for (const kind of this.schema.kinds)
      if (kind.source !== 'insert' && kind.source !== 'source')
        Object.defineProperty(made, kind.name, {
          enumerable: true,
          get: () => new BatchView(this.sets[kind.number]!, 0, this.sets[kind.number]!.size),
        });
    return Object.freeze(made);
  }

  private writer(kind: KindLayout): Writer {
    const set = this.sets[kind.number]!;
    const created = kind.table === null ? kind.creates : this.schema.tableOf.get(kind.table)!.key;
    const result = (row: number): unknown => createdBy(set, created, row);
    const one = this.writeOne(kind, set, created.length > 0 ? result : null);
    const many = (columns: object): unknown => {
      if (!this.emitting) this.refuse();
      const from = set.size;
      const count = set.appendMany(columns);
      if (count > 0) {
        this.applier.reserve(kind.number, set, from, count);
        this.extend(kind.number, count);
      }
      return kind.table !== null && created[0]?.role === 'id'
        ? idsOf(set, created[0].name, from, count)
        : undefined;
    };
    return Object.assign(one, { many });
  }

  private writeOne(
    kind: KindLayout,
    set: ColumnSet,
    result: ((row: number) => unknown) | null,
  ): (row?: object) => unknown {
    const { number } = kind;
    const names = this.applier.idsOf(number).length > 0;
    const reserve = (row: number): void => this.applier.reserve(number, set, row, 1);
    const made = generateAppender<(row?: object) => unknown>(set, false, {
      values: { tick: this, none: NO_FIELDS, result, reserve },
      before: 'if (!tick.emitting) tick.refuse(); if (row === undefined) row = none;',
      after: `${names ? 'reserve(n);' : ''} if (tick.kind === ${number}) tick.count++; else tick.extend(${number}, 1);
        ${result ? 'return result(n);' : ''}`,
    });
    if (made !== null) return made;
    return (row = NO_FIELDS) => {
      if (!this.emitting) this.refuse();
      const n = appendGeneral(set, row as { readonly [column: string]: unknown });
      if (names) reserve(n);
      this.extend(number, 1);
      return result?.(n);
    };
  }

  /** Refuses a writer outside its time. */
  refuse(): never {
    return fail(
      'READ_ONLY',
      'an event was emitted outside a system or a setup',
      {},
      "Handlers, invariants and metrics can't emit; nor can a writer that was kept from an earlier call.",
    );
  }

  /** Adds events to the order; called for every run, not for every event. */
  extend(kind: number, count: number): void {
    if (this.atOnce) this.applyNow(kind, count);
    else if (this.kind === kind) this.count += count;
    else {
      this.endRun();
      this.kind = kind;
      this.count = count;
    }
  }

  private endRun(): void {
    if (this.kind !== NO_KIND) this.runs.push({ kind: this.kind, size: this.count, times: 1 });
    this.kind = NO_KIND;
    this.count = 0;
  }

  private applyNow(kind: number, size: number): void {
    const last = this.runs.at(-1);
    if (last !== undefined && last.kind === kind && last.size === size)
      this.runs[this.runs.length - 1] = { kind, size, times: last.times + 1 };
    else this.runs.push({ kind, size, times: 1 });
    this.emitting = false;
    this.applier.applyPiece(kind, size, this.origin);
    this.emitting = true;
  }

  /** Begins a tick: forgets the events of the one before. */
  begin(tick: number): void {
    for (const set of this.sets) if (set.size > 0) set.clear();
    this.waves.length = 0;
    this.abandon();
    this.applier.begin(tick, (kind) => this.sets[kind]!);
  }

  /** Stops taking events after a failure. */
  abandon(): void {
    this.emitting = false;
    this.kind = NO_KIND;
    this.count = 0;
    this.runs = [];
  }

  /**
   * Lets `origin` emit while `run` runs; then applies what was emitted. Returns the number of pieces emitted.
   */
  wave(origin: string, atOnce: boolean, run: () => void): number {
    assert(!this.emitting, 'a wave began inside another');
    this.origin = origin;
    this.atOnce = atOnce;
    this.runs = [];
    this.emitting = true;
    run();
    this.emitting = false;
    this.endRun();
    const wave = { origin, atOnce, runs: this.runs };
    if (wave.runs.length === 0) return 0;
    this.waves.push(wave);
    if (!atOnce) this.applier.applyWave(wave);
    return wave.runs.length;
  }

  /** Writes one event of any kind within a wave; returns the ids that it creates. */
  write(kind: KindLayout, row: object): unknown {
    return this.writers[kind.number]!(row);
  }

  /** What the tick holds. */
  content(): { readonly waves: readonly Wave[]; readonly batches: readonly Batch[] } {
    const batches = this.sets.map((set, kind) => ({ kind, set })).filter(({ set }) => set.size > 0);
    return { waves: [...this.waves], batches };
  }
}

function createdBy(set: ColumnSet, created: KindLayout['creates'], row: number): unknown {
  const read = (name: string): unknown => set.byName.get(name)!.read(row);
  if (created.length === 1) return read(created[0]!.name);
  return Object.fromEntries(created.map(({ name }) => [name, read(name)]));
}

function idsOf(set: ColumnSet, column: string, from: number, count: number): unknown {
  return (set.byName.get(column)!.view(from, from + count) as Uint32Array).slice();
}
