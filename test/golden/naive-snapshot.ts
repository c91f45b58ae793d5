/**
 * A reader of column files written from docs/formats.md alone: DataView, JSON, SHA-256 and Brotli of Node.
 */
import { createHash } from 'node:crypto';
import { brotliDecompressSync } from 'node:zlib';
import { naiveRows } from './naive-record.ts';

type Json = { [name: string]: any };

const BLOCK = 1048576;
const WIDTHS: Json = { u8: 1, i8: 1, u16: 2, i16: 2, u32: 4, i32: 4, u64: 8, i64: 8, f32: 4, f64: 8 };
const SOURCES = { source: { type: 'text' }, seq: { type: 'int' } };

const up = (at: number, step: number): number => Math.ceil(at / step) * step;

/** Numbers of a width from planes of bytes, one byte at a time. */
function fromPlanes(planes: Uint8Array, width: number): Uint8Array {
  if (width < 4) return planes;
  const count = Math.floor(planes.length / width / 4) * 4;
  const made = planes.slice();
  for (let i = 0; i < count; i++)
    for (let byte = 0; byte < width; byte++) made[i * width + byte] = planes[byte * count + i]!;
  return made;
}

function laneBytes(data: Uint8Array, { at, bytes, packed, kind }: Json): Uint8Array {
  const stored = data.subarray(at, at + bytes);
  if (packed === undefined) return stored;
  const made = new Uint8Array(packed.bytes);
  let from = 0;
  (packed.blocks as number[]).forEach((length, i) => {
    const size = Math.min(BLOCK, packed.bytes - i * BLOCK);
    const part = stored.subarray(from, (from += length));
    const raw = length === size ? part : new Uint8Array(brotliDecompressSync(part));
    made.set(fromPlanes(raw, WIDTHS[kind] ?? 1), i * BLOCK);
  });
  return made;
}

/** Lanes one after another, each aligned to the width of its numbers, as in a record. */
function inARow(lanes: readonly Json[], data: Uint8Array): Uint8Array {
  const parts: number[] = [];
  for (const lane of lanes) {
    const step = lane.kind === 'cells' ? 4 : (WIDTHS[lane.kind] ?? 1);
    while (parts.length % step !== 0) parts.push(0);
    parts.push(...laneBytes(data, lane));
  }
  return Uint8Array.from(parts);
}

/** What a column file says: its first bytes, its header, and the rows of every table. */
export function naiveSnapshot(file: Uint8Array): Json {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const end = 12 + view.getUint32(8, true);
  const start = up(end + 32, 64);
  const head = JSON.parse(new TextDecoder().decode(file.subarray(12, end))) as Json;
  const schema = JSON.parse(head.schema) as Json;
  const data = file.subarray(start);
  const tables = Object.entries<Json>(head.tables).map(([name, { size, lanes }]) => {
    const columns = name === '$sources' ? SOURCES : schema.tables[name].columns;
    return [name, naiveRows(inARow(lanes, data), columns, size, schema)];
  });
  const covered = new Set<number>();
  for (const { lanes } of Object.values<Json>(head.tables))
    for (const { at, bytes } of lanes) for (let i = at; i < at + bytes; i++) covered.add(i);
  return {
    head,
    tables: Object.fromEntries(tables),
    magic: file.slice(0, 8),
    digest: file.slice(end, end + 32),
    sha: new Uint8Array(createHash('sha256').update(file.subarray(0, end)).digest()),
    aligned: Object.values<Json>(head.tables).every(({ lanes }) =>
      lanes.every(({ at }: Json) => at % 64 === 0),
    ),
    length: start + head.bytes,
    padding: [...file.subarray(end + 32, start), ...data.filter((_, i) => !covered.has(i))],
  };
}
