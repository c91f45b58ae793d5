/**
 * Parts of a snapshot file: single columns, single tables.
 *
 * Owns the reading of as little as possible: a column takes the bytes of its own lanes and no others.
 */
import { fail } from '../base/errors.ts';
import { Column, type RawColumn } from '../columns/column.ts';
import { Gate } from '../columns/gate.ts';
import { TableStore } from '../columns/table-store.ts';
import { SingleView, TableView } from '../columns/table-view.ts';
import { WorldState } from '../projections/world-state.ts';
import { type CompiledSchema, SOURCES, type TableLayout } from '../schema/compile.ts';
import { checkTables } from './header.ts';
import { memoryOf } from './lanes.ts';
import { checkSchema, type OpenedFile, schemaFor } from './open.ts';
import { type LaneJob, readLanes, readTables, type SnapshotSource } from './source.ts';

/** What is known of a column before it is read. */
export interface ColumnInfo {
  readonly table: string;
  readonly column: string;
  /** Its declared type: `f32`, `enum`, `struct`. */
  readonly type: string;
  readonly rows: number;
  /** The bytes that its values take in the file. */
  readonly bytes: number;
}

/** A snapshot file that is open. */
export class SnapshotPieces {
  readonly source: SnapshotSource;
  readonly schema: CompiledSchema;
  private isClosed = false;

  constructor({ source, file: { path } }: OpenedFile, given: CompiledSchema | undefined) {
    if (source === null)
      fail('BAD_USAGE', `${path} has no header of a snapshot`, { path }, 'Use loadSnapshot with { schema }.');
    this.source = source;
    this.schema = schemaFor(source.head, given);
    checkSchema(path, this.schema, given);
    checkTables(source.head, new WorldState(this.schema), path);
  }

  /** The columns of the user's tables. */
  get columns(): readonly ColumnInfo[] {
    return this.schema.tables
      .filter(({ name }) => name !== SOURCES)
      .flatMap((layout) =>
        layout.columns.map(({ name }) => ({
          table: layout.name,
          column: name,
          type: this.schema.spec.tables[layout.name]!.columns[name]!.type.type,
          rows: this.source.head.tables[layout.name]!.size,
          bytes: this.jobs(layout, name).jobs.reduce((sum, { head }) => sum + this.source.stored(head), 0),
        })),
      );
  }

  private layout(table: string): TableLayout {
    const { path } = this.source;
    if (this.isClosed) fail('CLOSED', `${path} is closed`, { path });
    const layout = table === SOURCES ? undefined : this.schema.tableOf.get(table);
    return (
      layout ??
      fail('BAD_USAGE', `${path} has no table '${table}'`, { path, table }, `There are: ${this.names()}.`)
    );
  }

  private names(): string {
    return [...this.schema.tableOf.keys()].filter((name) => name !== SOURCES).join(', ');
  }

  /** A column without rows, and what fills it. */
  private jobs(layout: TableLayout, name: string): { column: Column; jobs: LaneJob[] } {
    const { size, lanes } = this.source.head.tables[layout.name]!;
    let next = 0;
    let found: { column: Column; jobs: LaneJob[] } | null = null;
    for (const { name: other } of layout.columns) {
      const column = new Column(layout.byName.get(other)!, true);
      const from = next;
      next += column.lanes.length;
      if (other !== name) continue;
      const jobs = column.lanes.map((lane, i): LaneJob => {
        return { table: layout.name, lane, head: lanes[from + i]!, rows: size };
      });
      found = { column, jobs };
    }
    if (found !== null) return found;
    const known = layout.columns.map((column) => column.name).join(', ');
    const facts = { path: this.source.path, table: layout.name, column: name };
    return fail('BAD_USAGE', `table '${layout.name}' has no column '${name}'`, facts, `There are: ${known}.`);
  }

  /** The values of one column, as `columns.x` of a table gives them. */
  async column(table: string, name: string): Promise<RawColumn> {
    const layout = this.layout(table);
    const { size } = this.source.head.tables[table]!;
    const { column, jobs } = this.jobs(layout, name);
    for (const { lane } of jobs) lane.grow(size, memoryOf);
    await readLanes(this.source, jobs);
    return column.view(0, size);
  }

  /** One table, as `world.people` is. */
  async table(table: string): Promise<object> {
    const layout = this.layout(table);
    const store = new TableStore(layout, new Gate());
    await readTables(this.source, [store]);
    return layout.single ? new SingleView(store) : new TableView(store);
  }

  /** Closes the file. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    await this.source.close();
  }
}
