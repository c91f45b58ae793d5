/**
 * The events of the tick that is being computed: sets by kind, and the exact order in waves.
 *
 * Owns `emit` and `insert`, the writers that user code calls. A writer appends to its kind's columns and
 * extends the current run; with at-once effects each piece is applied before the writer returns. Outside a
 * system or a setup every writer refuses. A writer that failed spoils its wave: what it took (an id, half a
 * row) can't be given back, so that a system which goes on all the same must not leave a record.
 */
import { show } from '../base/canonical.ts';
import { assert, fail, isWorldfoldError, WorldfoldError } from '../base/errors.ts';
import { tickError } from '../base/tick-error.ts';
import { ColumnSet, type Fillers } from '../columns/column-set.ts';
import { appendGeneral, generateAppender } from '../columns/row-code.ts';
import type { Batch, EventRun, Wave } from '../columns/waves.ts';
import type { Applier } from '../projections/applier.ts';
import { BatchView } from '../projections/batch-view.ts';
import { type CompiledSchema, insertKind, type KindLayout } from '../schema/compile.ts';

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
  /** Hears of each origin whose events were applied, where somebody looks at a tick in detail. */
  afterWave: ((origin: string) => void) | null = null;
  /** The kind of the current run, and its length: written by generated code. */
  kind = NO_KIND;
  count = 0;
  /** Whether writers may be called now: read by generated code. */
  emitting = false;
  /** Whether rows may be inserted now: in a setup only. */
  inserting = false;
  private tick = 0;
  /** Why the wave can't be kept. */
  private failure: WorldfoldError | null = null;
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
    const { tables } = this.applier.state;
    const ids = kind.columns.filter(({ role }) => role === 'newId' || (role === 'id' && kind.table !== null));
    const fillers: { [column: string]: () => number } = Object.create(null);
    for (const { name, table } of ids) fillers[name] = () => tables.get(table ?? kind.table!)!.allocate();
    return fillers;
  }

  private batchViews(): object {
    const made = {};
    for (const kind of this.schema.kinds)
      if (kind.source !== 'insert' && kind.source !== 'source')
        Object.defineProperty(made, kind.name, {
          enumerable: true,
          get: () => {
            this.applier.audit?.shown(kind.number);
            return new BatchView(this.sets[kind.number]!, 0, this.sets[kind.number]!.size);
          },
        });
    return Object.freeze(made);
  }

  private writer(kind: KindLayout): Writer {
    const { number, table } = kind;
    const set = this.sets[number]!;
    const created = table === null ? kind.creates : this.schema.tableOf.get(table)!.key;
    const one = this.writeOne(kind, set, created.length > 0 ? (row) => createdBy(set, created, row) : null);
    const many = (columns: object): unknown => {
      this.checkOpen(number);
      try {
        const from = set.size;
        const count = set.appendMany(columns);
        this.applier.reserve(number, from, count);
        if (count > 0) this.extend(number, count);
        return table !== null && created[0]?.role === 'id'
          ? idsOf(set, created[0].name, from, count)
          : undefined;
      } catch (cause) {
        return this.spoil(number, cause);
      }
    };
    return Object.assign(one, { many });
  }

  /** One event: generated where code may be, so that the path of every emit names its arrays. */
  private writeOne(
    kind: KindLayout,
    set: ColumnSet,
    result: ((row: number) => unknown) | null,
  ): (row?: object) => unknown {
    const { number } = kind;
    const ids = kind.columns.some(({ name }) => set.fillers[name] !== undefined);
    const open = kind.source === 'insert' ? 'tick.inserting' : 'tick.emitting';
    const made = generateAppender<(row?: object) => unknown>(set, false, {
      values: { tick: this, ids: this.applier, none: NO_FIELDS, result },
      before: `if (!${open}) tick.checkOpen(${number}); 
        if (typeof row !== 'object' || row === null) row = tick.rowOf(row, ${number}); try {`,
      after: `${ids ? `ids.reserve(${number}, n, 1);` : ''}
        if (tick.kind === ${number}) tick.count++; else tick.extend(${number}, 1);
        ${result ? 'return result(n);' : ''} } catch (cause) { tick.spoil(${number}, cause); }`,
    });
    if (made !== null) return made;
    return (given) => {
      this.checkOpen(number);
      const row = this.rowOf(given, number);
      try {
        const n = appendGeneral(set, row as { readonly [column: string]: unknown });
        if (ids) this.applier.reserve(number, n, 1);
        this.extend(number, 1);
        return result?.(n);
      } catch (cause) {
        return this.spoil(number, cause);
      }
    };
  }

  /** Refuses a writer outside its time, and after another failed. */
  checkOpen(number: number): void {
    if (this.failure !== null) throw this.failure;
    const { source, name, table } = this.schema.kinds[number]!;
    if (source === 'insert' ? this.inserting : this.emitting) return;
    const what = source === 'insert' ? `a row was inserted into '${table}'` : `'${name}' was emitted`;
    const where = source === 'insert' ? 'a setup' : 'a system or a setup';
    fail(
      'READ_ONLY',
      `${what} outside ${where}`,
      table === null ? { kind: name } : { table },
      "Handlers, invariants and metrics can't emit; nor can a writer that was kept from an earlier call.",
    );
  }

  /** The row that a writer was given: none is one without fields; what is no object is refused. */
  rowOf(row: unknown, number: number): object {
    if (typeof row === 'object' && row !== null) return row;
    if (row === undefined) return NO_FIELDS;
    const { name } = this.schema.kinds[number]!;
    return this.spoil(
      number,
      new WorldfoldError('BAD_VALUE', `${name}: ${show(row)} is no row`, { kind: name }),
    );
  }

  /** Takes note that a writer failed, and says of which kind it was. */
  spoil(number: number, cause: unknown): never {
    this.failure ??= writeError(cause, this.schema.kinds[number]!, this.tick, this.origin);
    this.emitting = this.inserting = false;
    throw this.failure;
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
    this.tick = tick;
    for (const set of this.sets) if (set.size > 0) set.clear();
    this.waves.length = 0;
    this.abandon();
    this.applier.begin(tick, (kind) => this.sets[kind]!);
    this.applier.audit?.watch(this.sets.map((set, kind) => ({ kind, set })));
  }

  /** Stops taking events after a failure. */
  abandon(): void {
    this.emitting = this.inserting = false;
    this.failure = null;
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
    this.inserting = origin === 'setup';
    run();
    if (this.failure !== null) throw this.failure;
    this.emitting = this.inserting = false;
    this.endRun();
    const wave = { origin, atOnce, runs: this.runs };
    if (wave.runs.length === 0) return 0;
    this.waves.push(wave);
    if (!atOnce) this.applier.applyWave(wave);
    this.afterWave?.(origin);
    return wave.runs.length;
  }

  /** Writes one event of any kind within a wave; returns the ids that it creates. */
  write(kind: KindLayout, row: object): unknown {
    return this.writers[kind.number]!(row);
  }

  /** How many rows a setup gave to a table so far. */
  inserted(table: string): number {
    return this.sets[this.schema.kindOf.get(insertKind(table))!.number]!.size;
  }

  /** What the tick holds. */
  content(): { readonly waves: readonly Wave[]; readonly batches: readonly Batch[] } {
    const batches = this.sets.map((set, kind) => ({ kind, set })).filter(({ set }) => set.size > 0);
    return { waves: [...this.waves], batches };
  }
}

/** An error of a writer, with the names that user code knows: the kind, or the table of an inserted row. */
function writeError(cause: unknown, kind: KindLayout, tick: number, origin: string): WorldfoldError {
  const { name, table } = kind;
  if (!isWorldfoldError(cause) || cause.facts.table !== name)
    return tickError(cause, table === null ? { tick, origin, kind: name } : { tick, origin });
  const { table: _, ...facts } = cause.facts;
  const text = table === null ? cause.message : cause.message.replace(name, table);
  const named = table === null ? facts : { ...facts, table };
  const inner = new WorldfoldError(cause.code, text, named, cause.hint, cause.cause);
  return tickError(inner, table === null ? { tick, origin, kind: name } : { tick, origin });
}

function createdBy(set: ColumnSet, created: KindLayout['creates'], row: number): unknown {
  const read = (name: string): unknown => set.byName.get(name)!.read(row);
  if (created.length === 1) return read(created[0]!.name);
  return Object.fromEntries(created.map(({ name }) => [name, read(name)]));
}

function idsOf(set: ColumnSet, column: string, from: number, count: number): unknown {
  return (set.byName.get(column)!.view(from, from + count) as Uint32Array).slice();
}
