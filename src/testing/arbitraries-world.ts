/**
 * Generic worlds over any schema: as plans that can be built again and again, and as arbitraries of plans.
 *
 * Owns setups and systems, which choose by recorded draws, and the tap that hears what they emit. What
 * handlers do is in `arbitraries-handlers.ts`.
 */
import * as fc from 'fast-check';
import type { Cursor } from '../base/draws.ts';
import { insertKind, type KindLayout, type TableLayout } from '../schema/compile.ts';
import type { AnyNow, AnySystem, AnyWorld } from '../simulation/world.ts';
import { type AnySchema, anySchema, rowOf } from './arbitraries.ts';
import { react, tablesOf } from './arbitraries-handlers.ts';
import { drawColumns, drawRow, textOf } from './arbitraries-rows.ts';
import { type Dice, pickOf } from './arbitraries-values.ts';
import type { ReferenceEvent, ReferenceWave } from './reference-world.ts';

/** A system of a generic world: what it does is drawn, when and how is planned. */
export interface SystemPlan {
  readonly options: {
    readonly every?: number;
    readonly effects?: 'after' | 'at-once';
    readonly repeat?: { readonly max: number };
  };
  /** Whether it looks at the world before it runs. */
  readonly when: boolean;
  /** At most how often it emits in one go. */
  readonly pieces: number;
}

/** An input of a generic world, submitted before its tick is computed. */
export interface InputPlan {
  readonly tick: number;
  readonly kind: string;
  readonly row: object;
  readonly from: { readonly source: string; readonly seq: number } | null;
}

/** A generic world and its circumstances as data. */
export interface WorldPlan {
  readonly schema: AnySchema;
  readonly seed: string;
  readonly config: object;
  readonly setup: { readonly rows: number; readonly events: number };
  readonly systems: readonly SystemPlan[];
  readonly inputs: readonly InputPlan[];
  readonly ticks: number;
  /**
   * Whether handlers draw; the batch form of a handler draws otherwise, so that the two do not agree then.
   */
  readonly handlersDraw: boolean;
  /** Whether handlers refuse some inputs. */
  readonly refusing: boolean;
}

/** Hears what setups and systems emit, in row form, and which ids emitting returned. */
export interface Tap {
  wave(tick: number, wave: ReferenceWave): void;
  returned(tick: number, kind: string, ids: unknown): void;
}

/** How a plan becomes a world. */
export interface WorldVariant {
  readonly handlers?: 'row' | 'batch';
  readonly tap?: Tap;
  /** Hears what handlers saw, as text, in order. */
  readonly witness?: (saw: string) => void;
  /** Called when a system begins; may throw. */
  readonly onSystem?: (ctx: object, name: string, tick: number) => void;
}

const diceOf = (cursor: Cursor): Dice => ({ below: (n) => cursor.int(0, n - 1) });

type Writer = ((row?: object) => unknown) & { many(columns: object): unknown };
type Writers = { readonly [name: string]: Writer };

/** Ids that setups and systems name themselves begin here. */
const EMITTED_IDS = 1;

/** The keys that a setup has given, and whether it may name ids. */
interface Taken {
  readonly keys: Set<string>;
  naming: boolean;
}

/** Emits, and tells the tap the same in row form. */
class Emitter {
  readonly #events: ReferenceEvent[] = [];
  readonly #tap: Tap | undefined;
  readonly #tick: number;
  readonly #origin: string;
  readonly #atOnce: boolean;

  constructor(tap: Tap | undefined, tick: number, origin: string, atOnce: boolean) {
    this.#tap = tap;
    this.#tick = tick;
    this.#origin = origin;
    this.#atOnce = atOnce;
  }

  #note(events: readonly ReferenceEvent[]): void {
    if (this.#atOnce) this.#tap?.wave(this.#tick, { origin: this.#origin, events });
    else this.#events.push(...events);
  }

  /** One event. */
  one(writer: Writer, kind: KindLayout, dice: Dice): void {
    const row = drawRow(dice, kind.columns, EMITTED_IDS);
    this.#note([[kind.name, row]]);
    this.#tap?.returned(this.#tick, kind.name, kind.columns.length === 0 ? writer() : writer(row));
  }

  /** A row of a setup, if its key is not taken. Without `named`, the framework hands the id out. */
  row(writer: Writer, kind: KindLayout, { key, ids }: TableLayout, taken: Taken, dice: Dice): void {
    const row = drawRow(dice, kind.columns, EMITTED_IDS);
    if (ids && !taken.naming) delete row[key[0]!.name];
    // Keys are whole numbers, which know no −0.
    const keyText = (): string => textOf([kind.name, ...key.map(({ name }) => row[name] || 0)]);
    if (key.length > 0 && !(ids && row[key[0]!.name] === undefined)) {
      if (taken.keys.has(keyText())) return;
      taken.keys.add(keyText());
    }
    this.#note([[kind.name, row]]);
    const made = writer(row);
    this.#tap?.returned(this.#tick, kind.name, made);
    if (ids) taken.keys.add(textOf([kind.name, made]));
  }

  /** Many events as columns. */
  many(writer: Writer, kind: KindLayout, dice: Dice): void {
    const columns = drawColumns(dice, kind, dice.below(12));
    const lists = Object.entries(columns) as [string, ArrayLike<unknown>][];
    if (lists.length === 0) {
      this.one(writer, kind, dice);
      return;
    }
    const events = Array.from(
      { length: lists[0]![1].length },
      (_, i): ReferenceEvent => [
        kind.name,
        Object.fromEntries(lists.map(([name, list]) => [name, valueOfRaw(kind, name, list[i])])),
      ],
    );
    if (events.length > 0) this.#note(events);
    writer.many(columns);
  }

  end(): void {
    if (!this.#atOnce && this.#events.length > 0)
      this.#tap?.wave(this.#tick, { origin: this.#origin, events: this.#events });
  }
}

function valueOfRaw(kind: KindLayout, name: string, cell: unknown): unknown {
  const type = kind.byName.get(name)!.value;
  if (typeof cell !== 'number') return cell;
  return type.kind === 'enum' ? type.names[cell] : type.kind === 'bool' ? cell === 1 : cell;
}

interface GenericCtx extends AnyNow {
  readonly world: object;
  readonly emit: Writers;
}

const emittedKinds = ({ compiled: { kinds } }: AnySchema): readonly KindLayout[] =>
  kinds.filter(({ source }) => source === 'event' || source === 'fact');

/** The number of rows of a world. */
const rowsIn = ({ compiled }: AnySchema, world: object): number =>
  tablesOf(compiled).reduce(
    (sum, { name }) => sum + ((world as { [t: string]: { size?: number } })[name]!.size ?? 1),
    0,
  );

function systemOf(plan: WorldPlan, at: number, variant: WorldVariant): AnySystem {
  const { options, when, pieces } = plan.systems[at]!;
  const kinds = emittedKinds(plan.schema);
  const name = `system ${at}`;
  const run = (ctx: GenericCtx): void => {
    const { world, emit, rng, tick } = ctx;
    variant.onSystem?.(ctx, name, tick);
    const dice = diceOf(rng('systems'));
    const keyed = diceOf(rng('systems').of(at));
    if (options.repeat !== undefined && dice.below(2) === 0) return;
    const emitter = new Emitter(variant.tap, tick, name, options.effects === 'at-once');
    for (let left = dice.below(pieces + 1); left > 0; left--) {
      // What at-once effects changed must show in what is emitted next.
      const kind = kinds[(keyed.below(100) + rowsIn(plan.schema, world)) % kinds.length]!;
      if (dice.below(4) === 0) emitter.many(emit[kind.name]!, kind, dice);
      else emitter.one(emit[kind.name]!, kind, dice);
    }
    emitter.end();
  };
  const gate = when ? { when: (world: object) => rowsIn(plan.schema, world) % 2 === 0 } : {};
  return { name, options: { ...options, ...gate }, run: run as never };
}

interface GenericSetup extends AnyNow {
  readonly insert: Writers;
  readonly emit: Writers;
}

/** Singletons and rows first; then events, and between them rows whose keys no handler can have taken. */
function setupOf(plan: WorldPlan, tap: Tap | undefined): (ctx: GenericSetup) => void {
  const { compiled } = plan.schema;
  const tables = tablesOf(compiled);
  return ({ insert, emit, rng }) => {
    const dice = diceOf(rng('setup'));
    const emitter = new Emitter(tap, 0, 'setup', false);
    const taken: Taken = { keys: new Set(), naming: true };
    const rows = (count: number, into: readonly TableLayout[]): void => {
      for (let left = into.length > 0 ? count : 0; left > 0; left--) {
        const table = pickOf(dice, into);
        const kind = compiled.kindOf.get(insertKind(table.name))!;
        emitter.row(insert[table.name]!, kind, table, taken, dice);
      }
    };
    for (const single of tables.filter((table) => table.single)) rows(1, [single]);
    rows(
      plan.setup.rows,
      tables.filter((table) => !table.single),
    );
    // From here on handlers may have taken a key that a row names.
    taken.naming = false;
    for (let left = plan.setup.events; left > 0; left--) {
      const kind = pickOf(dice, emittedKinds(plan.schema));
      emitter.one(emit[kind.name]!, kind, dice);
      rows(
        1,
        tables.filter(({ ids }) => ids),
      );
    }
    emitter.end();
  };
}

type GenericHandler = (world: object, event: object, now: AnyNow) => void;

/** The handlers of a plan in row form, for a world and for the reference alike. */
export function handlersOf(
  plan: WorldPlan,
  witness: (saw: string) => void = () => {},
): { readonly [kind: string]: GenericHandler } {
  const { compiled } = plan.schema;
  const reaction = { schema: compiled, draws: plan.handlersDraw, refuses: plan.refusing };
  const kinds = compiled.kinds.filter(({ source }) => source === 'event' || source === 'input');
  return Object.fromEntries(
    kinds.map((kind) => [
      kind.name,
      (world, event, now) => react(reaction, kind, { world, event, now }, witness),
    ]),
  );
}

/** The world of a plan. */
export function worldOf(plan: WorldPlan, variant: WorldVariant = {}): AnyWorld {
  const rows = handlersOf(plan, variant.witness);
  const batch = (handler: GenericHandler) => ({
    batch: (world: object, events: object, now: unknown) => {
      for (const event of events as Iterable<object>) handler(world, event, now as AnyNow);
    },
  });
  const batches = Object.entries(rows).map(([kind, handler]) => [kind, batch(handler)]);
  return {
    schema: plan.schema,
    def: {
      setup: setupOf(plan, variant.tap) as never,
      apply: (variant.handlers === 'batch' ? Object.fromEntries(batches) : rows) as never,
      systems: plan.systems.map((_, at) => systemOf(plan, at, variant)),
      metrics: { rows: (world) => rowsIn(plan.schema, world) },
    },
  };
}

const anySystem: fc.Arbitrary<SystemPlan> = fc.record({
  options: fc.record(
    {
      every: fc.constantFrom(1, 2, 3),
      effects: fc.constantFrom('after', 'at-once'),
      repeat: fc.constant({ max: 60 }),
    },
    { requiredKeys: [] },
  ),
  when: fc.boolean(),
  pieces: fc.constantFrom(0, 1, 2, 5),
});

function anyInput(schema: AnySchema, ticks: number): fc.Arbitrary<InputPlan> {
  const kinds = schema.compiled.kinds.filter(({ source }) => source === 'input');
  return fc.constantFrom(...kinds).chain((kind) =>
    fc.record({
      tick: fc.integer({ min: 1, max: ticks }),
      kind: fc.constant(kind.name),
      row: rowOf(kind),
      from: fc.option(fc.record({ source: fc.constantFrom('a', 'é'), seq: fc.nat(2) }), { nil: null }),
    }),
  );
}

/** Generic worlds: a schema, a setup, systems of every form, inputs for some ticks. */
export function anyWorld({ maxTicks = 6 }: { readonly maxTicks?: number } = {}): fc.Arbitrary<WorldPlan> {
  return fc.tuple(anySchema(), fc.integer({ min: 1, max: maxTicks })).chain(([schema, ticks]) =>
    fc.record({
      schema: fc.constant(schema),
      seed: fc.string({ minLength: 1, maxLength: 8 }),
      config: rowOf(schema.compiled.config),
      setup: fc.record({ rows: fc.constantFrom(0, 3, 20), events: fc.nat(3) }),
      systems: fc.array(anySystem, { maxLength: 3 }),
      inputs: fc
        .array(anyInput(schema, ticks), { maxLength: 4 })
        .map((inputs) => inputs.sort((a, b) => a.tick - b.tick)),
      ticks: fc.constant(ticks),
      handlersDraw: fc.boolean(),
      refusing: fc.boolean(),
    }),
  );
}
