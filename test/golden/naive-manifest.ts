/**
 * A reader of manifests and chunks written from docs/formats.md alone: DataView, JSON and SHA-256 of Node.
 */
import { createHash } from 'node:crypto';
import { naiveRows } from './naive-record.ts';

type Json = { [name: string]: any };

const WIDTHS: Json = { u8: 1, i8: 1, u16: 2, i16: 2, u32: 4, i32: 4, u64: 8, i64: 8, f32: 4, f64: 8 };
const SOURCES = { source: { type: 'text' }, seq: { type: 'int' } };

/** What a manifest says, one value after another. */
export function naiveManifest(bytes: Uint8Array): Json {
  let at = 4;
  const raw = (size: number): Uint8Array => bytes.slice(at, (at += size));
  const varint = (): number => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = raw(1)[0]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(value);
    }
  };
  const text = (): string => new TextDecoder().decode(raw(varint()));
  const list = <T>(read: () => T): T[] => Array.from({ length: varint() }, read);
  const tick = varint();
  const sequence = varint();
  const [hash, stateHash] = [raw(32), raw(16)];
  const environment = text();
  const era = varint();
  const point = { tick, sequence, hash, stateHash, environment, era, code: text() };
  const tables = list(() => {
    const name = text();
    const [size, nextId, capacity] = [varint(), varint(), varint()];
    const lanes = list(() => {
      const path = text();
      const chunks = list(() => {
        const [rows, hash, length] = [varint(), raw(16), varint()];
        return { rows, hash, inline: length === 0 ? null : raw(length - 1) };
      });
      return { path, chunks };
    });
    return { name, size, nextId, capacity, lanes };
  });
  const end = at;
  return {
    magic: bytes.slice(0, 4),
    said: { point, tables },
    sha: new Uint8Array(createHash('sha256').update(bytes.subarray(0, end)).digest()),
    digest: raw(32),
    left: bytes.length - at,
  };
}

/** How a lane is laid out: the width of its numbers, `bits`, or `cells`; found by its path in the columns. */
function layoutOf(path: string, columns: Json, schema: Json): number | 'bits' | 'cells' {
  if (path.endsWith('?')) return 'bits';
  const [name, ...fields] = path.split('.');
  const column = columns[name!];
  const { type } = column;
  if (type === 'struct') return layoutOf(fields.join('.'), column.fields, schema);
  if (type === 'ref' || type === 'newId') {
    const { key, columns: theirs } = schema.tables[column.table];
    return layoutOf(key[0], theirs, schema);
  }
  if (['text', 'bytes', 'json', 'list'].includes(type)) return 'cells';
  const array = type === 'vec' ? column.of : type;
  if (array === 'enum') return column.names.length <= 256 ? 1 : 2;
  return WIDTHS[({ bool: 'u8', id: 'u32', int: 'f64' } as Json)[array] ?? array];
}

/** Chunks of cells as one: the ends of each go on from the last end of the one before. */
function joinedCells(chunks: readonly { readonly rows: number; readonly bytes: Uint8Array }[]): Uint8Array {
  const ends: number[] = [];
  const cells: number[] = [];
  for (const { rows, bytes } of chunks) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const before = cells.length;
    for (let row = 0; row < rows; row++) ends.push(before + view.getUint32(4 * row, true));
    for (const byte of bytes.subarray(4 * rows)) cells.push(byte);
  }
  return Uint8Array.from([...new Uint8Array(Uint32Array.from(ends).buffer), ...cells]);
}

/** The rows of every table, from what a manifest says and the chunks that are stored apart. */
export function naiveTables({ point, tables }: Json, stored: readonly Uint8Array[]): Json {
  const schema = JSON.parse(JSON.parse(point.environment).schema) as Json;
  let next = 0;
  const rowsOf = ({ name, size, lanes }: Json): [string, Json[]] => {
    const columns = name === '$sources' ? SOURCES : schema.tables[name].columns;
    const bytes: number[] = [];
    for (const { path, chunks } of lanes) {
      const layout = layoutOf(path, columns, schema);
      const parts = (chunks as Json[]).map(({ rows, inline }) => ({
        rows,
        bytes: inline ?? stored[next++]!,
      }));
      const step = layout === 'cells' ? 4 : layout === 'bits' ? 1 : layout;
      while (bytes.length % step !== 0) bytes.push(0);
      if (layout === 'cells') for (const byte of joinedCells(parts)) bytes.push(byte);
      else for (const part of parts) for (const byte of part.bytes) bytes.push(byte);
    }
    return [name, naiveRows(Uint8Array.from(bytes), columns, size, schema)];
  };
  return Object.fromEntries((tables as Json[]).map(rowsOf));
}
