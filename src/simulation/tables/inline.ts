/**
 * Rows in SQL that share the fate of the commits of their run: records and rows go in together or not at all.
 *
 * Owns the steps that belong to records which are not durable yet. A step is made when a group of records is
 * due, from the world as it is then, and is offered with the records until the store has both. While the
 * world can't be looked at, as it is folded anew, records wait for their step; where a flush can't wait, the
 * next step covers those ticks too.
 */
import { isWorldfoldError } from '../../base/errors.ts';
import { capability } from '../../log/capabilities.ts';
import { sameCheckpoint } from '../../log/projection-checks.ts';
import type { Checkpoint, ProjectionStep, ProjectionStore, RowChanges } from '../../log/projection-store.ts';
import { decodeFrame } from '../../log/record.ts';
import type { LogRecord, Store } from '../../log/store.ts';
import type { Engine } from '../engine.ts';
import type { GuardOption } from '../types.ts';
import type { AnyWorld } from '../world.ts';
import { type Chosen, chosen, keepsTick, type TablesChoice } from './choice.ts';
import { durableLog } from './durable-log.ts';
import { EventRows } from './event-rows.ts';
import { type CaughtUp, Follower } from './follower.ts';
import type { WorldRows } from './world-rows.ts';

/** Columns that are views of the world are copied: it goes on before the store has them. */
const copied = ({ role, removed, written }: RowChanges): RowChanges => ({
  role,
  removed,
  written: written.map((column) => (ArrayBuffer.isView(column) ? (column as Float64Array).slice() : column)),
});

/** The rows of one open run. */
export class InlineRows {
  readonly store: ProjectionStore;
  private readonly engine: Engine;
  private readonly chosen: Chosen;
  private readonly follow: () => Promise<CaughtUp>;
  private projection: number;
  private readonly rows: WorldRows;
  private readonly events: EventRows | null;
  /** Where the last step leads to. */
  private last: Checkpoint;
  private steps: ProjectionStep[] = [];

  constructor(
    store: ProjectionStore,
    engine: Engine,
    choice: Chosen,
    { projection, checkpoint, kept }: CaughtUp,
    follow: () => Promise<CaughtUp>,
  ) {
    this.store = store;
    this.engine = engine;
    this.chosen = choice;
    this.follow = follow;
    this.projection = projection.number;
    this.last = checkpoint;
    this.rows = kept;
    this.events = choice.events ? new EventRows(engine.world, engine.environment!.schema) : null;
  }

  /** Whether the world can't be looked at now, so that no step can be made. */
  get isBlind(): boolean {
    return this.engine.state.gate.hidden;
  }

  /** Takes note of a tick that was computed: its rows may be kept. */
  computed({ bytes, tick }: LogRecord): void {
    this.events?.add(decodeFrame(bytes, { tick }));
    if (keepsTick(this.chosen, this.engine.position.tick)) this.take();
  }

  /** Makes the step to the tick that was computed last. */
  take(): void {
    const { engine, last } = this;
    const { tick, hash, sequence } = engine.position;
    if (this.isBlind || tick <= last.tick) return;
    const to = { tick, hash, sequence };
    const changes = Array.from(this.rows.changes(engine.state), copied);
    if (keepsTick(this.chosen, tick))
      for (const rows of this.rows.history(engine.state, tick)) changes.push(copied(rows));
    if (this.events !== null) changes.push(...this.events.changes);
    this.events?.clear();
    this.rows.settle(engine.state);
    this.steps.push({ projection: this.projection, from: last, to, changes });
    this.last = to;
  }

  /** The steps that belong to records up to a tick. */
  upTo(tick: number): readonly ProjectionStep[] {
    return this.steps.filter(({ to }) => to.tick <= tick);
  }

  /**
   * Takes the rows up again after somebody moved, replaced or dropped the projection: those of the durable
   * head are brought there, and the steps go on from them. False where they can't, as where rows are at
   * another tick than the steps begin at, or an era that no durable record says begins there.
   */
  async regain(): Promise<boolean> {
    try {
      const { projection, checkpoint } = await this.follow();
      const from = this.steps[0]?.from ?? this.last;
      if (!sameCheckpoint(from, checkpoint) || this.engine.nextEra > checkpoint.tick) return false;
      this.projection = projection.number;
      this.steps = this.steps.map((step) => ({ ...step, projection: projection.number }));
      return true;
    } catch (e) {
      // Why the rows were lost is what is told; that they can't be had again follows from it.
      if (!isWorldfoldError(e)) throw e;
      return false;
    }
  }

  /** Forgets the steps that the store has. */
  landed(tick: number): void {
    this.steps = this.steps.filter(({ to }) => to.tick > tick);
  }
}

/** What a run keeps in SQL with its commits: a choice, or all tables for true. */
export type InlineTables = true | TablesChoice;

/** The choice of a run, checked before anything is begun. `BAD_USAGE`, `UNSUPPORTED`. */
export function inlineChoice(
  world: AnyWorld,
  store: Store,
  tables: InlineTables | undefined,
): { readonly store: ProjectionStore; readonly chosen: Chosen } | null {
  if (tables === undefined) return null;
  return { store: capability(store, 'projections'), chosen: chosen(world, tables === true ? {} : tables) };
}

/**
 * Sets the rows of a run up that is at its durable head and waits for nobody, or goes on with those that are
 * there; null where the run keeps none. The rows are brought to the head first.
 */
export async function inlineRows(
  engine: Engine,
  { store, id, guard, tables }: { store: Store; id: string; guard?: GuardOption; tables?: InlineTables },
): Promise<InlineRows | null> {
  const { world } = engine;
  const choice = inlineChoice(world, store, tables);
  if (choice === null) return null;
  const follower = () =>
    new Follower({
      ...durableLog({ store, id, world, guard: guard ?? 'throw' }),
      ...choice,
      id,
      world,
      onProgress: () => {},
      signal: undefined,
    });
  const caughtUp = await follower().catchUp(false, engine);
  return new InlineRows(choice.store, engine, choice.chosen, caughtUp, () => follower().catchUp());
}
