/**
 * The tables of a world and the faces that user code sees of them.
 *
 * Owns the gate that tells when tables may be written, and the state hash. What it holds is a projection: it
 * can be cleared and folded from the log at any time, and the faces stay good.
 */
import { canonicalJson } from '../base/canonical.ts';
import { xxh128 } from '../base/hash.ts';
import { utf8 } from '../base/text.ts';
import { Gate } from '../columns/gate.ts';
import { TableStore } from '../columns/table-store.ts';
import { SingleView, TableView } from '../columns/table-view.ts';
import { SingleWriter, TableWriter } from '../columns/table-writer.ts';
import { type CompiledSchema, SOURCES } from '../schema/compile.ts';
import { defaultOf } from '../schema/validate.ts';

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
   */
  private fillSingles(): void {
    for (const store of this.tables.values()) {
      if (!store.layout.single) continue;
      store.set.ensure(1);
      store.set.size = 1;
      for (const column of store.set.columns) {
        const fallback = defaultOf(column.layout);
        if (fallback === undefined) for (const lane of column.lanes) lane.clear(0);
        else column.store(0, fallback);
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
}
