/**
 * What the handlers of generic worlds do: anything that a table allows, chosen by the event alone.
 *
 * The digest of an event's fields seeds the choices, so that the same event does the same to columns and to
 * the reference world. Whatever a handler reads it says to a witness, so that reads are held to the reference
 * too; what is refused is said by its code.
 */
import { fail, isWorldfoldError } from '../base/errors.ts';
import { type CompiledSchema, type KindLayout, SOURCES, type TableLayout } from '../schema/compile.ts';
import type { ColumnLayout } from '../schema/layout.ts';
import type { AnyNow } from '../simulation/world.ts';
import { digestOf, drawColumns, drawRow, rawOf, textOf } from './arbitraries-rows.ts';
import { type Dice, drawCell, pickOf } from './arbitraries-values.ts';
import type { ReferenceRow } from './reference-world.ts';
import { seededChoices } from './simulated-scheduler.ts';

/** What handlers use of a table, in the real world and in the reference. */
interface RowTable extends Iterable<ReferenceRow> {
  readonly size: number;
  readonly by: {
    readonly [column: string]: (value: unknown) => Iterable<object> & { readonly rows: Uint32Array };
  };
  readonly write: { readonly [column: string]: never };
  get(key: unknown): ReferenceRow | undefined;
  need(key: unknown): ReferenceRow;
  has(key: unknown): boolean;
  row(key: unknown): number;
  at(row: number): ReferenceRow;
  where(match: object): Iterable<ReferenceRow>;
  count(match?: object): number;
  backwards(): Iterable<ReferenceRow>;
  insert(row: object): unknown;
  insertMany(columns: object): unknown;
  update(key: unknown, patch: object): void;
  updateIf(key: unknown, patch: object): boolean;
  delete(key: unknown): void;
  deleteIf(key: unknown): boolean;
}
interface RowSingle {
  readonly value: object;
  set(patch: object): void;
}
interface WriteCell {
  set(row: number, value: unknown): void;
  fill(value: unknown, from?: number, to?: number): void;
}

/** Ids that handlers name themselves: away from those that setups name, which nothing may take first. */
const HANDLER_IDS = 100;
/** More rows than this, and handlers delete more than they insert. */
const CROWDED = 90;

/** One handler's work on one table. */
class Work {
  readonly #table: TableLayout;
  readonly #rows: RowTable;
  readonly #dice: Dice;
  readonly #say: (saw: string) => void;

  constructor(table: TableLayout, rows: RowTable, dice: Dice, say: (saw: string) => void) {
    this.#table = table;
    this.#rows = rows;
    this.#dice = dice;
    this.#say = say;
  }

  #keyOf(row: ReferenceRow): unknown {
    const { key } = this.#table;
    return key.length === 1
      ? row[key[0]!.name]
      : Object.fromEntries(key.map(({ name }) => [name, row[name]]));
  }

  /** The key of a row that is there, or of any row. */
  #anyKey(): unknown {
    const there = this.#rows.size > 0 && this.#dice.below(4) > 0;
    if (there) return this.#keyOf(this.#rows.at(this.#dice.below(this.#rows.size)));
    if (this.#table.ids) return 1 + this.#dice.below(HANDLER_IDS + 20);
    return this.#keyOf(drawRow(this.#dice, this.#table.key, HANDLER_IDS));
  }

  #patch(): object {
    const free = this.#table.columns.filter((column) => !this.#table.key.includes(column));
    const some = free.filter(() => this.#dice.below(2) === 0);
    return Object.fromEntries(some.map((column) => [column.name, drawCell(this.#dice, column)]));
  }

  /** Does it, and says how it ended: what was refused must have changed nothing. */
  #attempt(what: string, work: () => unknown): void {
    try {
      this.#say(`${what} ${textOf(work())}`);
    } catch (e) {
      if (!isWorldfoldError(e)) throw e;
      this.#say(`${what} ${e.code}`);
    }
  }

  #insertMany(): void {
    const size = 1 + this.#dice.below(this.#dice.below(4) === 0 ? 40 : 5);
    this.#attempt('insertMany', () => this.#rows.insertMany(drawColumns(this.#dice, this.#table, size)));
  }

  #write(): void {
    const free = this.#table.columns.filter((column) => !this.#table.key.includes(column));
    if (free.length === 0 || this.#rows.size === 0) return;
    const column = pickOf(this.#dice, free);
    const [cells, leaf] = leafOf(this.#dice, this.#rows.write as never, column);
    const value = rawOf(leaf, drawCell(this.#dice, leaf));
    const from = this.#dice.below(this.#rows.size);
    const how = this.#dice.below(4);
    if (how < 2) cells.set(from, value);
    else if (how < 3) cells.fill(value, from, from + this.#dice.below(this.#rows.size - from + 1));
    else cells.fill(value);
  }

  #look(): void {
    const key = this.#anyKey();
    const column = pickOf(this.#dice, this.#table.columns);
    const value = drawCell(this.#dice, column);
    const there = this.#rows.has(key);
    this.#say(
      textOf([there, this.#rows.get(key) ?? null, there ? this.#rows.row(key) : -1, this.#rows.size]),
    );
    this.#say(
      textOf([this.#rows.count({ [column.name]: value }), [...this.#rows.where({ [column.name]: value })]]),
    );
    for (const { name } of this.#table.index) {
      const known = this.#rows.size > 0 ? this.#rows.at(this.#dice.below(this.#rows.size))[name] : null;
      const found = this.#rows.by[name]!(known);
      this.#say(textOf([name, [...found.rows], [...found]]));
    }
    if (this.#dice.below(4) === 0) this.#say(textOf([...this.#rows]));
  }

  #thin(): void {
    for (const row of this.#rows.backwards())
      if (this.#dice.below(2) === 0) this.#rows.delete(this.#keyOf(row));
  }

  #insert(): void {
    const row = drawRow(this.#dice, this.#table.columns, HANDLER_IDS);
    this.#attempt('insert', () => this.#rows.insert(row));
  }

  #update(): void {
    const [key, patch] = [this.#anyKey(), this.#patch()];
    if (this.#dice.below(2) === 0) this.#attempt('update', () => this.#rows.update(key, patch));
    else this.#attempt('updateIf', () => this.#rows.updateIf(key, patch));
  }

  #delete(): void {
    const key = this.#anyKey();
    if (this.#dice.below(2) === 0) this.#attempt('delete', () => this.#rows.delete(key));
    else this.#attempt('deleteIf', () => this.#rows.deleteIf(key));
  }

  /** One thing to do, as the dice say. */
  once(): void {
    const deed = this.#dice.below(10);
    if (deed < 3 && this.#rows.size > CROWDED) this.#thin();
    else if (deed < 1) this.#insertMany();
    else if (deed < 3) this.#insert();
    else if (deed < 5) this.#update();
    else if (deed < 7) this.#delete();
    else if (deed < 8) this.#look();
    else this.#write();
  }
}

/** The write column of a column, or of a field inside a struct. */
function leafOf(
  dice: Dice,
  write: { readonly [name: string]: never },
  column: ColumnLayout,
): [WriteCell, ColumnLayout] {
  const cells = write[column.name]!;
  if (column.value.kind !== 'struct' || column.optional) return [cells, column];
  return leafOf(dice, cells, pickOf(dice, column.value.fields));
}

/** The tables that users declared. */
export const tablesOf = (schema: CompiledSchema): readonly TableLayout[] =>
  schema.tables.filter(({ name }) => name !== SOURCES);

/** What a handler needs to know of its world. */
export interface Reaction {
  readonly schema: CompiledSchema;
  /** Whether handlers draw: then what they drew is seen, too. */
  readonly draws: boolean;
  /** Whether handlers refuse some inputs. */
  readonly refuses: boolean;
}

/** What the event of a kind does to a world; the same to columns and to rows. */
export function react(
  { schema, draws, refuses }: Reaction,
  kind: KindLayout,
  given: { readonly world: object; readonly event: object; readonly now: AnyNow },
  say: (saw: string) => void,
): void {
  const event = given.event as ReferenceRow;
  const text = textOf(event);
  const digest = digestOf(`${kind.name}${text}`);
  if (refuses && kind.source === 'input' && digest % 4 === 0)
    fail('BAD_INPUT', 'this input is refused', { digest });
  const dice = seededChoices(digest);
  say(`${kind.name} ${text}`);
  const tables = given.world as { readonly [table: string]: RowTable & RowSingle };
  for (const { name, table } of kind.creates) {
    const { columns, key } = schema.tableOf.get(table!)!;
    const row = { ...drawRow(dice, columns, HANDLER_IDS), [key[0]!.name]: event[name] };
    if (dice.below(8) > 0 && !tables[table!]!.has(event[name])) tables[table!]!.insert(row);
  }
  const draw = given.now.rng;
  if (draws) say(`drew ${draw('h').int(0, 99)} ${draw('h').of(digest).float()} ${draw('g').float()}`);
  for (let left = 1 + dice.below(3); left > 0; left--) {
    const layout = pickOf(dice, tablesOf(schema));
    const table = tables[layout.name]!;
    if (layout.single) {
      table.set(drawRow(dice, layout.columns, HANDLER_IDS));
      say(textOf(table.value));
    } else new Work(layout, table, dice, say).once();
  }
}
