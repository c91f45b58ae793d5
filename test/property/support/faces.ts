/** The faces of one table or batch must show the same: rows, columns, codes, nulls, indexes. */
import { expect } from 'vitest';
import type { CompiledSchema, SetLayout } from '../../../src/schema/compile.ts';
import { SOURCES } from '../../../src/schema/compile.ts';
import type { ColumnLayout } from '../../../src/schema/layout.ts';
import { sameValue } from '../../../src/testing/reference-world.ts';

type Named = { readonly [name: string]: never };
/** What tables and batches have in common. */
interface Face extends Iterable<Named> {
  readonly size: number;
  readonly columns: Named;
  readonly codes: { readonly [column: string]: { readonly [name: string]: number } };
  readonly nulls?: { readonly [column: string]: (row: number) => boolean };
  at(row: number): Named;
}
interface TableFace extends Face {
  readonly by: {
    readonly [column: string]: (value: unknown) => Iterable<Named> & { readonly rows: Uint32Array };
  };
  get(key: unknown): Named | undefined;
  has(key: unknown): boolean;
  row(key: unknown): number;
  count(match?: object): number;
}

/** The value that a raw column shows in a row. */
function shown(
  { value, optional, name }: ColumnLayout,
  column: never,
  row: number,
  isNull: boolean,
): unknown {
  if (value.kind === 'struct') {
    if (isNull) return null;
    return Object.fromEntries(
      value.fields.map((field) => [field.name, shown(field, column[field.name], row, false)]),
    );
  }
  const list = column as ArrayLike<unknown>;
  if (isNull) {
    expect({ name, optional, row, raw: list[row] ?? 0 }).toMatchObject({ optional: true });
    return null;
  }
  if (value.kind === 'vec') return Array.from({ length: value.size }, (_, i) => list[row * value.size + i]);
  if (value.kind === 'bool') return list[row] === 1;
  return value.kind === 'enum' ? value.names[list[row] as number] : list[row];
}

function lengthOf({ value }: ColumnLayout, column: never): number {
  if (value.kind === 'struct') return lengthOf(value.fields[0]!, column[value.fields[0]!.name]);
  const { length } = column as ArrayLike<unknown>;
  return value.kind === 'vec' ? length / value.size : length;
}

/** Rows, `at` and columns show the same. */
export function expectOneFace(layout: SetLayout, face: Face): void {
  const rows = [...face];
  expect(rows.length).toBe(face.size);
  const { columns } = face;
  for (const column of layout.columns) {
    const raw = columns[column.name]!;
    expect(lengthOf(column, raw)).toBe(face.size);
    rows.forEach((row, i) => {
      const isNull = row[column.name] === null;
      if (column.optional && face.nulls !== undefined) expect(face.nulls[column.name]!(i)).toBe(isNull);
      const seen = [row[column.name], face.at(i)[column.name], shown(column, raw, i, isNull)];
      if (!sameValue(seen[0], seen[1]) || !sameValue(seen[0], seen[2]))
        expect({ table: layout.name, column: column.name, row: i, seen }).toBe('the same thrice');
    });
  }
}

/** Every table of a world is found by key and by index exactly where it is. */
export function expectOneWorld(schema: CompiledSchema, world: object): void {
  for (const layout of schema.tables) {
    if (layout.name === SOURCES || layout.single) continue;
    const table = (world as { readonly [t: string]: TableFace })[layout.name]!;
    expectOneFace(layout, table);
    const rows = [...table];
    const keyOf = (row: Named): unknown =>
      layout.key.length === 1
        ? row[layout.key[0]!.name]
        : Object.fromEntries(layout.key.map(({ name }) => [name, row[name]]));
    rows.forEach((row, i) => {
      expect(table.row(keyOf(row))).toBe(i);
      expect(table.has(keyOf(row))).toBe(true);
      expect(sameValue(table.get(keyOf(row)), row)).toBe(true);
    });
    for (const { name } of layout.index)
      for (const value of new Set(rows.map((row) => row[name] as unknown))) {
        const found = rows.flatMap((row, i) => (Object.is(row[name], value) ? [i] : []));
        expect([...table.by[name]!(value).rows]).toEqual(found);
        expect(table.count({ [name]: value })).toBe(found.length);
      }
  }
}
