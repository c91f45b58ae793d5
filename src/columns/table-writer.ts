/**
 * What apply writes of a table.
 */
import { show } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import { generate, quote } from '../base/generate.ts';
import type { Column } from './column.ts';
import { storeCode } from './row-code.ts';
import { type TableStore, TOUCHED } from './table-store.ts';
import { perColumn, SingleView, TableView } from './table-view.ts';
import { WriteColumn } from './write-column.ts';

type Patch = { readonly [column: string]: unknown };
type Patcher = (row: number, patch: Patch) => void;

function checkPatch(store: TableStore, patch: unknown): void {
  const table = store.layout.name;
  if (typeof patch !== 'object' || patch === null)
    fail('BAD_VALUE', `${show(patch)} is no patch for '${table}'`, { table });
}

function unknownColumn(store: TableStore, name: string): never {
  const table = store.layout.name;
  return fail('BAD_VALUE', `'${table}' has no column '${name}'`, { table, column: name });
}

/** Stores one patched value, with keys refused and indexes kept. */
function patchOne(store: TableStore, column: Column, row: number, value: unknown): void {
  const { name } = column.layout;
  const table = store.layout.name;
  if (store.layout.key.some((key) => key.name === name)) {
    if (value === column.read(row)) return;
    fail(
      'BAD_VALUE',
      `${table}.${name} is the key and can't change`,
      { table, column: name, row },
      'Delete the row and insert another.',
    );
  }
  const write = (): void => column.write(row, value, table);
  if (store.isIndexed(name)) store.reindexed(column, row, write);
  else write();
}

function makePatcher(store: TableStore): Patcher {
  const values: { [name: string]: unknown } = {
    store,
    patchOne: (at: number, row: number, value: unknown) =>
      patchOne(store, store.set.columns[at]!, row, value),
    unknownColumn: (name: string) => unknownColumn(store, name),
  };
  const cases = store.set.columns.map((column, i) => {
    const { name, key } = column.layout;
    const special = key || store.isIndexed(name) || store.layout.key.some((k) => k.name === name);
    const code = special
      ? `patchOne(${i}, n, v);`
      : storeCode(column, `k${i}_`, values, true, store.layout.name);
    return `case ${quote(name)}: if (v !== undefined) { ${code} } break;`;
  });
  const body = `return (n, patch) => { store.touched = ${TOUCHED};
    for (const f in patch) {
      const v = patch[f];
      switch (f) { ${cases.join('\n')} default: unknownColumn(f); }
    } };`;
  return generate<Patcher>(values, body) ?? ((row, patch) => patchGeneral(store, row, patch));
}

function patchGeneral(store: TableStore, row: number, patch: Patch): void {
  store.touched = TOUCHED;
  for (const [name, value] of Object.entries(patch)) {
    const column = store.set.byName.get(name) ?? unknownColumn(store, name);
    if (value !== undefined) patchOne(store, column, row, value);
  }
}

/**
 * The writable face of a table. Every method is refused with `READ_ONLY` unless apply or a setup is running.
 */
export class TableWriter extends TableView {
  /** The writable columns; the key is not among them. */
  readonly write: object;
  private readonly patch: Patcher;

  constructor(store: TableStore) {
    super(store);
    this.patch = makePatcher(store);
    this.write = writeColumns(
      store,
      store.set.columns.filter(({ layout }) => !store.layout.key.includes(layout)),
    );
  }

  private check(): void {
    if (!this.store.gate.open) this.store.gate.refuse(this.store.layout.name);
  }

  /** Appends a row and returns its key. `DUPLICATE_KEY` when the key is taken. */
  insert(row: object): unknown {
    this.check();
    if (typeof row !== 'object' || row === null)
      fail('BAD_VALUE', `${show(row)} is no row for '${this.store.layout.name}'`, {
        table: this.store.layout.name,
      });
    return this.keyOf(this.store.insert(row));
  }

  /** Appends whole arrays by column name; returns the new ids where the framework hands them out. */
  insertMany(columns: object): unknown {
    this.check();
    const { store } = this;
    const from = store.insertMany(columns);
    if (!store.layout.ids) return undefined;
    return (store.set.byName.get(store.layout.key[0]!.name)!.view(from, store.size) as Uint32Array).slice();
  }

  private keyOf(row: number): unknown {
    const { key } = this.store.layout;
    if (key.length === 1) return this.store.set.byName.get(key[0]!.name)!.read(row);
    return Object.fromEntries(key.map(({ name }) => [name, this.store.set.byName.get(name)!.read(row)]));
  }

  /** Changes columns of the row with that key. `NO_ROW` when there is none. */
  update(key: unknown, patch: Patch): void {
    this.check();
    checkPatch(this.store, patch);
    this.patch(this.store.need(key), patch);
  }

  /** Changes the row with that key if there is one, and says whether there was. */
  updateIf(key: unknown, patch: Patch): boolean {
    this.check();
    checkPatch(this.store, patch);
    const row = this.store.find(key);
    if (row >= 0) this.patch(row, patch);
    return row >= 0;
  }

  /** Deletes the row with that key; the last row takes its place. `NO_ROW` when there is none. */
  delete(key: unknown): void {
    this.check();
    this.store.remove(this.store.need(key));
  }

  /** Deletes the row with that key if there is one, and says whether there was. */
  deleteIf(key: unknown): boolean {
    this.check();
    const row = this.store.find(key);
    if (row >= 0) this.store.remove(row);
    return row >= 0;
  }
}

/** Write columns by name; those of a struct nest. */
function writeColumns(store: TableStore, columns: readonly Column[]): object {
  const made = new Map(
    columns.map((column) => [
      column,
      column.fields.length > 0 && column.valid === null
        ? writeColumns(store, column.fields)
        : new WriteColumn(store, column),
    ]),
  );
  return perColumn(columns, (column) => () => made.get(column));
}

/** The writable face of a singleton. */
export class SingleWriter extends SingleView {
  private readonly patch: Patcher;

  constructor(store: TableStore) {
    super(store);
    this.patch = makePatcher(store);
  }

  /** Changes columns of the one row. */
  set(patch: Patch): void {
    if (!this.store.gate.open) this.store.gate.refuse(this.store.layout.name);
    checkPatch(this.store, patch);
    this.patch(0, patch);
  }
}
