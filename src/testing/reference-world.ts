/**
 * The reference world: what folding events must give, written down as plainly as possible.
 *
 * Tables are arrays of row objects, keys and indexes are searched for from the first row on, nothing is
 * cached. It reads a declaration as data and shares no code with columns and projections, so that the two can
 * only agree by both being right. Handlers get the same tables in row form; what exists for speed alone
 * (`columns`, `span`) is left out.
 */
import { canonicalJson, parseCanonical } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import type { ColumnSpec, ColumnSpecs, ColumnType, SchemaSpec, TableSpec } from '../schema/spec.ts';

/** A row, or any object of values by column. */
export type ReferenceRow = { [column: string]: unknown };
/** An event: its kind (`+people` for a row that a setup inserts into `people`), and its row. */
export type ReferenceEvent = readonly [kind: string, row: object];
/**
 * Events that are applied together, after the last of them was emitted. At-once effects make a wave of each
 * piece.
 */
export interface ReferenceWave {
  readonly origin: string;
  readonly events: readonly ReferenceEvent[];
}
type Handler = (world: object, event: ReferenceRow, now: unknown) => unknown;
/** What a handler's third argument is, for the event with that number of its kind in the tick. */
export type ReferenceNow = (tick: number, kind: string, origin: string, ordinal: number) => unknown;

const sorted = (columns: ColumnSpecs): string[] => Object.keys(columns).sort();

/**
 * Whether two values are the same to a reader: −0 is not 0, NaN is NaN, the order of fields means nothing.
 */
export function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b) || typeof a !== 'object' || typeof b !== 'object' || a === null || b === null)
    return Object.is(a, b);
  const names = Object.keys(a);
  return (
    a instanceof Uint8Array === b instanceof Uint8Array &&
    Array.isArray(a) === Array.isArray(b) &&
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && sameValue(a[name as never], b[name as never]))
  );
}

/**
 * Values as they are read back: the nearest f32, no −0 in whole numbers, JSON as JSON says it, copies of the
 * rest.
 */
function settled(spec: SchemaSpec, { type, optional }: ColumnSpec, value: unknown): any {
  if (value === null && optional) return null;
  const list = value as ArrayLike<number>;
  switch (type.type) {
    case 'f32':
      return Math.fround(value as number);
    case 'f64':
    case 'text':
    case 'enum':
    case 'bool':
    case 'u64':
    case 'i64':
      return value;
    case 'bytes':
      return (value as Uint8Array).slice();
    case 'json':
      return parseCanonical(canonicalJson(value));
    case 'vec':
      return Array.from(list, (x) => (type.of === 'f32' ? Math.fround(x) : type.of === 'i32' ? x + 0 : x));
    case 'list':
      return Array.from(list, (item) => settled(spec, type.of, item));
    case 'struct':
      return settledRow(spec, type.fields, value as ReferenceRow);
    case 'ref':
    case 'newId':
      return settled(spec, keyOf(spec, type.table), value);
    default:
      return (value as number) + 0;
  }
}

const keyOf = ({ tables }: SchemaSpec, table: string): ColumnSpec =>
  tables[table]!.columns[tables[table]!.key[0]!]!;

function settledRow(spec: SchemaSpec, columns: ColumnSpecs, row: object): ReferenceRow {
  const made: ReferenceRow = {};
  for (const name of sorted(columns)) {
    const { fallback } = columns[name]!;
    const given = Object.hasOwn(row, name) ? (row as ReferenceRow)[name] : undefined;
    made[name] = settled(spec, columns[name]!, given ?? (given === null ? null : (fallback?.value ?? null)));
  }
  return made;
}

/** Whether a stored value is one that was looked for: as stored, where 0 is −0 and NaN is NaN. */
function matches(spec: SchemaSpec, column: ColumnSpec, stored: unknown, given: unknown): boolean {
  if (stored === null || given === null) return stored === given;
  const wanted = settled(spec, column, given);
  const { type } = column;
  if (type.type === 'vec') return wanted.every((x: number, i: number) => x === (stored as number[])[i]);
  if (type.type === 'struct')
    return Object.entries(type.fields).every(([name, field]) =>
      matches(spec, field, (stored as ReferenceRow)[name], wanted[name]),
    );
  return typeof stored === 'number'
    ? stored === wanted || Object.is(stored, wanted)
    : sameValue(stored, wanted);
}

/** What `write.x` takes: codes for names, 0 and 1 for booleans, and values. */
function fromRaw(spec: SchemaSpec, type: ColumnType, raw: unknown): unknown {
  if (type.type === 'ref') return fromRaw(spec, keyOf(spec, type.table).type, raw);
  if (type.type === 'enum' && typeof raw === 'number') return type.names[raw];
  return type.type === 'bool' && typeof raw === 'number' ? raw === 1 : raw;
}

/**
 * A table as an array of rows. An insert appends, a delete moves the last row into the gap, an update moves
 * nothing.
 */
export class ReferenceTable {
  rows: ReferenceRow[] = [];
  nextId = 1;
  readonly by: { readonly [column: string]: (value: unknown) => object };
  readonly write: object;
  readonly ids: string | null;
  readonly #name: string;
  readonly #spec: SchemaSpec;
  readonly #table: TableSpec;

  constructor(spec: SchemaSpec, name: string) {
    this.#spec = spec;
    this.#name = name;
    this.#table = spec.tables[name]!;
    const { columns, key, index } = this.#table;
    this.ids = key.length === 1 && columns[key[0]!]!.type.type === 'id' ? key[0]! : null;
    this.by = Object.fromEntries(
      index.map((column) => [column, (value: unknown) => this.#list({ [column]: value })]),
    );
    this.write = this.#writers(columns, (row) => this.rows[row]!);
  }

  #writers(columns: ColumnSpecs, holder: (row: number) => ReferenceRow): object {
    const writer = (name: string): object => {
      const { type, optional } = columns[name]!;
      if (type.type === 'struct' && !optional)
        return this.#writers(type.fields, (row) => holder(row)[name] as ReferenceRow);
      const set = (row: number, raw: unknown): void => {
        holder(row)[name] = settled(this.#spec, columns[name]!, fromRaw(this.#spec, type, raw));
      };
      const fill = (raw: unknown, from = 0, to = this.size): void => {
        for (let row = from; row < to; row++) set(row, raw);
      };
      return { set, fill };
    };
    const names = Object.keys(columns).filter((name) => !this.#table.key.includes(name));
    return Object.fromEntries(names.map((name) => [name, writer(name)]));
  }

  #find(key: unknown): number {
    const { key: names, columns } = this.#table;
    const parts = names.length === 1 ? { [names[0]!]: key } : (key as ReferenceRow);
    return this.rows.findIndex((row) =>
      names.every((name) => matches(this.#spec, columns[name]!, row[name], parts[name])),
    );
  }

  #matching(match: object): number[] {
    const wanted = Object.entries(match).filter(([, value]) => value !== undefined);
    const fits = (row: ReferenceRow): boolean =>
      wanted.every(([name, value]) => matches(this.#spec, this.#table.columns[name]!, row[name], value));
    return this.rows.flatMap((row, i) => (fits(row) ? [i] : []));
  }

  #list(match: object): object {
    const rows = this.#matching(match);
    const at = (row: number): ReferenceRow => this.at(row);
    return {
      rows: Uint32Array.from(rows),
      size: rows.length,
      [Symbol.iterator]: () => rows.map(at).values(),
    };
  }

  get size(): number {
    return this.rows.length;
  }
  at(row: number): ReferenceRow {
    const { columns } = this.#table;
    return settledRow(
      this.#spec,
      columns,
      this.rows[row] ?? fail('NO_ROW', `${this.#name} has no row ${row}`),
    );
  }
  row(key: unknown): number {
    const row = this.#find(key);
    return row < 0 ? fail('NO_ROW', `${this.#name} has no such key`) : row;
  }
  has = (key: unknown): boolean => this.#find(key) >= 0;
  get = (key: unknown): ReferenceRow | undefined => (this.has(key) ? this.need(key) : undefined);
  need = (key: unknown): ReferenceRow => this.at(this.row(key));
  where = (match: object): object => this.#list(match);
  count = (match: object = {}): number => this.#matching(match).length;
  *[Symbol.iterator](): Generator<ReferenceRow> {
    for (let row = 0; row < this.size; row++) yield this.at(row);
  }
  *backwards(): Generator<ReferenceRow> {
    for (let row = this.size - 1; row >= 0; row--) yield this.at(row);
  }

  /** Ids count up from 1; one that was named by a row or an event is never handed out again. */
  allocate = (): number => this.nextId++;
  reserve(id: unknown): void {
    this.nextId = Math.max(this.nextId, (id as number) + 1);
  }

  insert(given: object): unknown {
    const { columns, key } = this.#table;
    const row = settledRow(this.#spec, columns, given);
    const { ids } = this;
    if (ids !== null) row[ids] ||= this.allocate();
    const made = key.length === 1 ? row[key[0]!] : Object.fromEntries(key.map((name) => [name, row[name]]));
    if (this.has(made)) fail('DUPLICATE_KEY', `${this.#name} has such a key already`);
    if (ids !== null) this.reserve(row[ids]);
    this.rows.push(row);
    return made;
  }
  insertMany(given: { readonly [column: string]: ArrayLike<unknown> | undefined }): unknown {
    const lists = Object.entries(given).filter(([, list]) => list !== undefined);
    const before = { rows: [...this.rows], nextId: this.nextId };
    const row = (_: unknown, i: number): object =>
      Object.fromEntries(
        lists.map(([name, list]) => [name, fromRaw(this.#spec, this.#table.columns[name]!.type, list![i])]),
      );
    try {
      const keys = Array.from({ length: lists[0]![1]!.length }, row).map((one) => this.insert(one));
      return this.ids === null ? undefined : Uint32Array.from(keys as number[]);
    } catch (e) {
      Object.assign(this, before);
      throw e;
    }
  }
  update(key: unknown, patch: object): void {
    const row = this.rows[this.row(key)]!;
    for (const [name, value] of Object.entries(patch))
      if (value !== undefined) row[name] = settled(this.#spec, this.#table.columns[name]!, value);
  }
  delete(key: unknown): void {
    const row = this.row(key);
    const last = this.rows.pop()!;
    if (row < this.rows.length) this.rows[row] = last;
  }
  updateIf(key: unknown, patch: object): boolean {
    const found = this.has(key);
    if (found) this.update(key, patch);
    return found;
  }
  deleteIf(key: unknown): boolean {
    const found = this.has(key);
    if (found) this.delete(key);
    return found;
  }
}

/** What a table of one row holds before a setup sets it: defaults, or zeros. */
function zero(spec: SchemaSpec, { type, optional, fallback }: ColumnSpec): unknown {
  if (fallback !== undefined) return fallback.value;
  if (optional) return null;
  if (type.type === 'ref') return zero(spec, keyOf(spec, type.table));
  if (type.type === 'struct')
    return Object.fromEntries(Object.entries(type.fields).map(([name, field]) => [name, zero(spec, field)]));
  if (type.type === 'vec') return new Array(type.size).fill(0);
  if (type.type === 'enum') return type.names[0];
  const zeros = { bool: false, text: '', u64: 0n, i64: 0n, bytes: new Uint8Array(0), json: null, list: [] };
  return Object.hasOwn(zeros, type.type) ? zeros[type.type as keyof typeof zeros] : 0;
}

/** A table of one row. */
class ReferenceSingle {
  row: ReferenceRow;
  readonly #spec: SchemaSpec;
  readonly #columns: ColumnSpecs;

  constructor(spec: SchemaSpec, name: string) {
    this.#spec = spec;
    this.#columns = spec.tables[name]!.columns;
    const zeros = Object.entries(this.#columns).map(([column, one]) => [column, zero(spec, one)]);
    this.row = settledRow(spec, this.#columns, Object.fromEntries(zeros));
  }
  get value(): ReferenceRow {
    return settledRow(this.#spec, this.#columns, this.row);
  }
  set(patch: ReferenceRow): void {
    for (const [name, value] of Object.entries(patch))
      if (value !== undefined) this.row[name] = settled(this.#spec, this.#columns[name]!, value);
  }
}

/** Every table's rows by name, in row order, as a reader sees them. */
export type WorldDump = { readonly [table: string]: readonly object[] };

/** The rows of a world: of the reference, of a run, or of a moment of it. */
export function dumpWorld({ tables }: SchemaSpec, world: object): WorldDump {
  const rows = (name: string): object[] => {
    const table = (world as { [table: string]: never })[name]!;
    return tables[name]!.single ? [(table as ReferenceSingle).value] : [...(table as Iterable<object>)];
  };
  return Object.fromEntries(Object.keys(tables).map((name) => [name, rows(name)]));
}

/** Where two dumps differ first, as table, row and both rows; null where they are equal. */
export function firstDifference(
  expected: WorldDump,
  actual: WorldDump,
): {
  readonly table: string;
  readonly row: number;
  readonly expected: unknown;
  readonly actual: unknown;
} | null {
  for (const table of Object.keys(expected)) {
    const [a, b] = [expected[table]!, actual[table] ?? []];
    for (let row = 0; row < Math.max(a.length, b.length); row++)
      if (!sameValue(a[row], b[row])) return { table, row, expected: a[row], actual: b[row] };
  }
  return null;
}

/** Folds events into rows. */
export class ReferenceWorld {
  readonly tables: { readonly [table: string]: ReferenceTable | ReferenceSingle };
  readonly #spec: SchemaSpec;
  readonly #handlers: { readonly [kind: string]: unknown };
  readonly #now: ReferenceNow;
  readonly #ordinals = new Map<string, number>();
  #tick = -1;

  constructor(schema: { readonly spec: SchemaSpec }, handlers: object, now: ReferenceNow) {
    const { spec } = schema;
    this.#spec = spec;
    this.#handlers = handlers as { readonly [kind: string]: unknown };
    this.#now = now;
    this.tables = Object.fromEntries(
      Object.keys(spec.tables).map((name) => [
        name,
        spec.tables[name]!.single ? new ReferenceSingle(spec, name) : new ReferenceTable(spec, name),
      ]),
    );
  }

  /** Folds one wave. Returns its events as they are recorded: defaults filled in, ids handed out. */
  fold(tick: number, { origin, events }: ReferenceWave): ReferenceEvent[] {
    if (tick !== this.#tick) this.#ordinals.clear();
    this.#tick = tick;
    const emitted = events.map(([kind, row]): ReferenceEvent => [kind, this.#emit(kind, row)]);
    for (const [kind, row] of emitted) this.#apply(kind, row as ReferenceRow, origin);
    return emitted;
  }

  #emit(kind: string, row: object): ReferenceRow {
    const { tables, events, inputs } = this.#spec;
    const into = kind.startsWith('+') ? kind.slice(1) : null;
    const { columns } = into === null ? (events[kind] ?? inputs[kind])! : tables[into]!;
    const made = settledRow(this.#spec, columns, row);
    const tableOf = ({ type }: ColumnSpec): ReferenceTable =>
      this.tables[type.type === 'newId' ? type.table : into!] as ReferenceTable;
    const ids = sorted(columns).filter((name) => ['id', 'newId'].includes(columns[name]!.type.type));
    // What is left out is handed out first, in order of columns; then all are taken.
    for (const name of ids) made[name] ||= tableOf(columns[name]!).allocate();
    for (const name of ids) tableOf(columns[name]!).reserve(made[name]);
    return made;
  }

  #apply(kind: string, row: ReferenceRow, origin: string): void {
    const ordinal = this.#ordinals.get(kind) ?? 0;
    this.#ordinals.set(kind, ordinal + 1);
    if (kind.startsWith('+')) {
      const table = this.tables[kind.slice(1)]!;
      if (table instanceof ReferenceTable) table.insert(row);
      else table.set(row);
    } else if (this.#handlers[kind] !== undefined)
      (this.#handlers[kind] as Handler)(
        this.tables,
        settledRow(this.#spec, (this.#spec.events[kind] ?? this.#spec.inputs[kind])!.columns, row),
        this.#now(this.#tick, kind, origin, ordinal),
      );
  }

  /** Every table's rows. */
  dump(): WorldDump {
    return dumpWorld(this.#spec, this.tables);
  }
}
