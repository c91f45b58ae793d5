/**
 * The tables of a world and the faces that user code sees of them.
 *
 * Owns the gate that tells when tables may be written, and the state hash. What it holds is a projection: it
 * can be cleared and folded from the log at any time, and the faces stay good.
 */
import { canonicalJson } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import { xxh128 } from '../base/hash.ts';
import { utf8 } from '../base/text.ts';
import { Gate } from '../columns/gate.ts';
import type { RowRange } from '../columns/lane.ts';
import { TableStore, type Unmarked } from '../columns/table-store.ts';
import { SingleView, TableView } from '../columns/table-view.ts';
import { SingleWriter, TableWriter } from '../columns/table-writer.ts';
import { type CompiledSchema, SOURCES } from '../schema/compile.ts';
import { beginning } from '../schema/migration-fit.ts';

const states = new WeakMap<object, WorldState>();

/** The state behind a read-only world, or undefined for any other object. */
export const stateOf = (reader: object): WorldState | undefined => states.get(reader);

/** The tables of one world at one tick. */
export class WorldState {
  readonly schema: CompiledSchema;
  readonly gate = new Gate();
  readonly tables: ReadonlyMap<string, TableStore>;
  /** The read-only world: tables by name and nothing else. */
  readonly reader: object;
  /** The writable world that apply gets. */
  readonly writer: object;
  /** The bytes that the hash is taken over: the names of the tables, the hash of each. */
  private readonly digested: Uint8Array;

  constructor(schema: CompiledSchema) {
    this.schema = schema;
    this.tables = new Map(schema.tables.map((layout) => [layout.name, new TableStore(layout, this.gate)]));
    const face = (make: (store: TableStore) => object): object =>
      Object.freeze(
        Object.fromEntries(
          [...this.tables].filter(([name]) => name !== SOURCES).map(([name, store]) => [name, make(store)]),
        ),
      );
    this.reader = face((store) => (store.layout.single ? new SingleView(store) : new TableView(store)));
    this.writer = face((store) => (store.layout.single ? new SingleWriter(store) : new TableWriter(store)));
    states.set(this.reader, this);
    const header = utf8(`world ${canonicalJson(schema.tables.map(({ name }) => name))}\n`);
    this.digested = new Uint8Array(header.length + this.tables.size * 16);
    this.digested.set(header);
    this.fillSingles();
  }

  /**
   * A singleton has its one row from the start: defaults where declared, else zeros until the setup sets it.
   * They are stored as values are, so that what reads the same is hashed the same. Keys of other tables and
   * JSON have no zero: their cells are cleared.
   */
  private fillSingles(): void {
    for (const store of this.tables.values()) {
      if (!store.layout.single) continue;
      store.set.ensure(1);
      store.set.size = 1;
      for (const column of store.set.columns) {
        const first = beginning(column.layout);
        if (first === undefined) for (const lane of column.lanes) lane.clear(0);
        else column.store(0, first);
      }
    }
  }

  /** Forgets everything, as before tick 0. */
  clear(): void {
    this.gate.abandon();
    for (const store of this.tables.values()) store.clear();
    this.fillSingles();
  }

  /** Takes note that all that was hashed so far is kept elsewhere. */
  settle(): void {
    for (const { set } of this.tables.values()) for (const lane of set.lanes) lane.settle();
  }

  /** The state hash: XXH3-128 over the hashes of all tables, the framework's own included. */
  digest(): Uint8Array {
    const { digested } = this;
    let at = digested.length - this.tables.size * 16;
    for (const store of this.tables.values()) {
      digested.set(store.digest(), at);
      at += 16;
    }
    return xxh128(digested);
  }

  /**
   * Fails with `WRITTEN_PAST` where something differs from when it was last hashed and was not marked.
   * `where` says when it was found, if that is not plain: `before the tick began`.
   */
  audit(where = ''): void {
    for (const [table, store] of this.tables) {
      const found = store.audit();
      if (found !== null) writtenPast(table, found, where);
    }
  }
}

function writtenPast(table: string, found: Unmarked, where: string): never {
  const when = where === '' ? '' : `, ${where}`;
  const hint =
    'Emit an event, and write the table in its handler through the view it is given. ' +
    'A span ends with the handler that took it; what columns hand out is for reading.';
  if ('count' in found)
    return fail(
      'WRITTEN_PAST',
      `'${table}': ${found.count} went from ${found.expected} to ${found.actual} by itself${when}`,
      { table, ...found },
      hint,
    );
  const { column, rows } = found;
  return fail(
    'WRITTEN_PAST',
    `'${table}.${column}' was written past the write view, ${rowsText(rows)}${when}`,
    { table, column, ...rows },
    hint,
  );
}

/** Rows in words: `in row 3`, `within rows 0 to 511`. */
export const rowsText = ({ from, to }: RowRange): string =>
  to - from === 1 ? `in row ${from}` : `within rows ${from} to ${to - 1}`;
