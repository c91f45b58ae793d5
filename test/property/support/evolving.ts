/** Logs of schemas that change: recorded ticks by dice, handlers for any version, folds and migrations. */
import { hex } from '../../../src/base/bytes.ts';
import { ColumnSet } from '../../../src/columns/column-set.ts';
import { Gate } from '../../../src/columns/gate.ts';
import { TableStore } from '../../../src/columns/table-store.ts';
import type { Batch, EventRun, Wave } from '../../../src/columns/waves.ts';
import { decodeBatches, decodeFrame, encodeRecord, freshSets, NO_HASH } from '../../../src/log/record.ts';
import { type AnyHandlers, Applier } from '../../../src/projections/applier.ts';
import { foldTick } from '../../../src/projections/fold.ts';
import { migrateTables, upcastTick } from '../../../src/projections/migrate.ts';
import { WorldState } from '../../../src/projections/world-state.ts';
import type { CompiledSchema, KindLayout, TableLayout } from '../../../src/schema/compile.ts';
import type { MigrationPlan } from '../../../src/schema/migration-plan.ts';
import { cellBy, type Deed } from '../../../src/testing/arbitraries-changes.ts';
import { type Dice, pickOf } from '../../../src/testing/arbitraries-values.ts';
import { type SeededChoices, seededChoices } from '../../../src/testing/simulated-scheduler.ts';

/** A recorded tick. */
export interface Tick {
  readonly waves: readonly Wave[];
  readonly batches: readonly Batch[];
}

type RowObject = { readonly [column: string]: unknown };

const anyRow = (dice: SeededChoices, { columns }: KindLayout | TableLayout): RowObject =>
  Object.fromEntries(columns.map((column) => [column.name, cellBy(column, String(dice.bits()))]));

/** Rows of a setup: no two of one key. */
function setupRows(dice: SeededChoices, layout: TableLayout): RowObject[] {
  const scratch = new TableStore(layout, new Gate());
  if (layout.single) return [anyRow(dice, layout)];
  for (let left = dice.below(12); left > 0; left--)
    try {
      scratch.insert(anyRow(dice, layout));
    } catch {
      // Taken; another one comes.
    }
  return Array.from({ length: scratch.size }, (_, row) => scratch.set.rowAt(row) as RowObject);
}

/** A tick in the making. */
class Recording {
  readonly #sets = new Map<number, ColumnSet>();
  readonly #waves: Wave[] = [];

  wave(
    origin: string,
    atOnce: boolean,
    rows: readonly (readonly [KindLayout, readonly RowObject[]])[],
  ): void {
    const runs: EventRun[] = [];
    for (const [kind, list] of rows) {
      if (list.length === 0) continue;
      let set = this.#sets.get(kind.number);
      if (set === undefined) this.#sets.set(kind.number, (set = new ColumnSet(kind, false)));
      for (const row of list) set.append(row);
      runs.push({ kind: kind.number, size: atOnce ? 1 : list.length, times: atOnce ? list.length : 1 });
    }
    this.#waves.push({ origin, atOnce, runs });
  }

  /** The tick as it is read back from its record. */
  read(schema: CompiledSchema, tick: number): Tick {
    const batches = [...this.#sets].map(([kind, set]) => ({ kind, set })).sort((a, b) => a.kind - b.kind);
    const content = { tick, sequence: 0, previous: NO_HASH, environment: null, draws: [], stateHash: null };
    const meta = { time: 0, metricNames: null, metrics: [] };
    const { bytes } = encodeRecord({ ...content, waves: this.#waves, batches }, meta);
    const frame = decodeFrame(bytes, {});
    return { waves: frame.waves, batches: decodeBatches(frame, schema, freshSets(schema)) };
  }
}

/** Some recorded ticks of a schema; tick 0 sets its tables up. */
export function anyHistory(schema: CompiledSchema, seed: number): readonly Tick[] {
  const dice = seededChoices(seed);
  const first = new Recording();
  const inserts = schema.kinds.filter(({ source }) => source === 'insert');
  first.wave(
    'setup',
    false,
    inserts.map((kind) => [kind, setupRows(dice, schema.tableOf.get(kind.table!)!)]),
  );
  const ticks = [first.read(schema, 0)];
  const users = schema.kinds.filter(({ source }) => source !== 'insert');
  for (let tick = 1; tick < 2 + dice.below(4); tick++) {
    const recording = new Recording();
    for (let left = dice.below(4); left > 0; left--) {
      const pieces = Array.from({ length: dice.below(6) }, (): [KindLayout, RowObject[]] => {
        const kind = pickOf(dice as Dice, users);
        return [kind, Array.from({ length: dice.below(4) }, () => anyRow(dice, kind))];
      });
      recording.wave(`system ${left}`, dice.below(2) === 0, pieces);
    }
    ticks.push(recording.read(schema, tick));
  }
  return ticks;
}

interface Rows {
  has(key: unknown): boolean;
  insert(row: object): void;
  update(key: unknown, patch: object): void;
  updateIf(key: unknown, patch: object): void;
  deleteIf(key: unknown): void;
  set(patch: object): void;
}

/** What a deed does to its table: the columns that the event has, and no others. */
function doDeed({ does }: Deed, layout: TableLayout, rows: Rows, event: RowObject): void {
  if (layout.single) {
    rows.set(event);
    return;
  }
  const names = layout.key.map(({ name }) => name);
  const key =
    names.length === 1 ? event[names[0]!] : Object.fromEntries(names.map((name) => [name, event[name]]));
  const patch = Object.fromEntries(Object.entries(event).filter(([name]) => !names.includes(name)));
  if (does === 'delete') rows.deleteIf(key);
  else if (does === 'set') rows.updateIf(key, patch);
  else if (rows.has(key)) rows.update(key, patch);
  else rows.insert(event);
}

/** The handlers of one version. */
export const handlersFor = (schema: CompiledSchema, deeds: ReadonlyMap<string, Deed>): AnyHandlers =>
  Object.fromEntries(
    [...deeds].map(([kind, deed]) => [
      kind,
      (world: object, event: object) =>
        doDeed(
          deed,
          schema.tableOf.get(deed.table)!,
          (world as { readonly [table: string]: Rows })[deed.table]!,
          event as RowObject,
        ),
    ]),
  );

/** Folds ticks into a new world. */
export function folded(
  schema: CompiledSchema,
  deeds: ReadonlyMap<string, Deed>,
  ticks: readonly Tick[],
): WorldState {
  const state = new WorldState(schema);
  const applier = new Applier(state, handlersFor(schema, deeds));
  ticks.forEach(({ waves, batches }, tick) => void foldTick(tick, waves, batches, applier));
  return state;
}

/** A world under the plan's new schema. */
export function migrated(plan: MigrationPlan, state: WorldState): WorldState {
  const made = new WorldState(plan.to);
  migrateTables(plan, state.tables, made.tables);
  return made;
}

/** Ticks under the plan's new schema. */
export const upcast = (plan: MigrationPlan, ticks: readonly Tick[]): readonly Tick[] =>
  ticks.map(({ waves, batches }) => upcastTick(plan, waves, batches));

/** Everything that tells two worlds apart: rows in order, ids, room, and the state hash. */
export const lookOf = (state: WorldState): object => ({
  tables: [...state.tables].map(([name, store]) => ({
    name,
    rows: Array.from({ length: store.size }, (_, row) => store.set.rowAt(row)),
    nextId: store.nextId,
    capacity: store.set.capacity,
  })),
  hash: hex(state.digest()),
});

/** Everything that tells two ticks apart. */
export const tickLook = (schema: CompiledSchema, { waves, batches }: Tick): object => ({
  waves: waves.map((wave) => ({
    ...wave,
    runs: wave.runs.map((run) => ({ ...run, kind: schema.kinds[run.kind]!.name })),
  })),
  batches: batches.map(({ kind, set }) => ({
    kind: schema.kinds[kind]!.name,
    rows: Array.from({ length: set.size }, (_, row) => set.rowAt(row)),
  })),
});
