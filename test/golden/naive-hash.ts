/**
 * The state hash written from docs/formats.md alone: from plain rows, without marks, kept leaves or columns.
 */
import { canonicalJson } from '../../src/base/canonical.ts';
import { xxh128 } from '../../src/base/hash.ts';

type Json = { [name: string]: any };
type Row = { readonly [name: string]: any };

const text = (s: string): Uint8Array => new TextEncoder().encode(s);

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const made = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    made.set(part, at);
    at += part.length;
  }
  return made;
}

const WRITERS: { readonly [array: string]: readonly [number, (view: DataView, value: any) => void] } = {
  u8: [1, (v, x) => v.setUint8(0, x)],
  i8: [1, (v, x) => v.setInt8(0, x)],
  u16: [2, (v, x) => v.setUint16(0, x, true)],
  i16: [2, (v, x) => v.setInt16(0, x, true)],
  u32: [4, (v, x) => v.setUint32(0, x, true)],
  i32: [4, (v, x) => v.setInt32(0, x, true)],
  u64: [8, (v, x) => v.setBigUint64(0, x, true)],
  i64: [8, (v, x) => v.setBigInt64(0, x, true)],
  f32: [4, (v, x) => v.setUint32(0, Number.isNaN(x) ? 0x7fc00000 : bits32(x), true)],
  f64: [8, (v, x) => v.setBigUint64(0, Number.isNaN(x) ? 0x7ff8000000000000n : bits64(x), true)],
};
const bits32 = (x: number): number => new Uint32Array(new Float32Array([x]).buffer)[0]!;
const bits64 = (x: number): bigint => new BigUint64Array(new Float64Array([x]).buffer)[0]!;

function number(array: string, value: any): Uint8Array {
  const [size, write] = WRITERS[array]!;
  const bytes = new Uint8Array(size);
  write(new DataView(bytes.buffer), value);
  return bytes;
}

const zero = (array: string): unknown => (array === 'u64' || array === 'i64' ? 0n : 0);

/** The bytes of one cell; `meaning` is the column's. */
function cell(type: Json, value: any): Uint8Array {
  if (value === null) return new Uint8Array();
  if (type.kind === 'text') return text(value);
  if (type.kind === 'bytes') return value;
  if (type.kind === 'json') return text(canonicalJson(value));
  const parts: Uint8Array[] = [];
  let length = 0;
  const add = (bytes: Uint8Array): void => {
    parts.push(bytes);
    length += bytes.length;
  };
  const count = value.length;
  for (let rest = count; ; rest = Math.floor(rest / 128)) {
    add(Uint8Array.of(rest < 128 ? rest : (rest % 128) | 128));
    if (rest < 128) break;
  }
  for (const lane of lanesOf(type.of, value)) {
    add(new Uint8Array((lane.align - (length % lane.align)) % lane.align));
    if (lane.cells === null) add(lane.leaf(0, count));
    else {
      let end = 0;
      for (const bytes of lane.cells) add(number('u32', (end += bytes.length)));
      for (const bytes of lane.cells) add(bytes);
    }
  }
  return concat(parts);
}

interface NaiveLane {
  readonly leafRows: number;
  readonly align: number;
  /** The cells, where values are of any length. */
  readonly cells: readonly Uint8Array[] | null;
  leaf(from: number, to: number): Uint8Array;
}

function bitLane(values: readonly unknown[]): NaiveLane {
  const leaf = (from: number, to: number): Uint8Array => {
    const bytes = new Uint8Array(Math.ceil((to - from) / 8));
    for (let i = from; i < to; i++) if (values[i] !== null) bytes[(i - from) >> 3]! |= 1 << ((i - from) & 7);
    return bytes;
  };
  return { leafRows: 32768, align: 1, cells: null, leaf };
}

function fixedLane(type: Json, values: readonly any[]): NaiveLane {
  const { array } = type;
  const width = type.kind === 'vec' ? type.size : 1;
  const raw = (value: any): Uint8Array => {
    if (value === null) return concat(Array(width).fill(number(array, zero(array))));
    if (type.kind === 'vec') return concat(value.map((v: number) => number(array, v)));
    if (type.kind === 'enum') return number(array, type.names.indexOf(value));
    if (type.kind === 'bool') return number(array, value ? 1 : 0);
    return number(array, type.whole && value === 0 ? 0 : value);
  };
  const size = WRITERS[array]![0];
  let leafRows = 1;
  while (leafRows * 2 * size * width <= 4096) leafRows *= 2;
  return { leafRows, align: size, cells: null, leaf: (from, to) => concat(values.slice(from, to).map(raw)) };
}

/** The lanes of a column: validity where it is optional, then values; a struct has those of its fields. */
function lanesOf({ optional, type }: Json, values: readonly any[]): NaiveLane[] {
  const valid = optional ? [bitLane(values)] : [];
  if (type.kind === 'struct')
    return [
      ...valid,
      ...type.fields.flatMap((f: Json) =>
        lanesOf(
          f,
          values.map((v) => (v === null ? null : v[f.name])),
        ),
      ),
    ];
  if (!['text', 'bytes', 'json', 'list'].includes(type.kind)) return [...valid, fixedLane(type, values)];
  const cells = values.map((value) => cell(type, value));
  const leaf = (from: number, to: number): Uint8Array => {
    const some = cells.slice(from, to);
    return concat([...some.map(({ length }) => number('u32', length)), ...some]);
  };
  return [...valid, { leafRows: 256, align: 4, cells, leaf }];
}

function laneHash({ leafRows, leaf }: NaiveLane, rows: number): Uint8Array {
  const leaves: Uint8Array[] = [];
  for (let from = 0; from < rows; from += leafRows)
    leaves.push(xxh128(leaf(from, Math.min(rows, from + leafRows))));
  return xxh128(concat(leaves));
}

/** The hash of a table: its name, the meanings of its columns, its rows and its next id. */
export function naiveTableHash(
  name: string,
  meanings: readonly Json[],
  rows: readonly Row[],
  nextId: number,
): Uint8Array {
  const lanes = meanings.flatMap((meaning) =>
    lanesOf(
      meaning,
      rows.map((row) => row[meaning.name]),
    ),
  );
  const head = text(`${name}\n${canonicalJson(meanings)}\n`);
  const counts = concat([number('f64', rows.length), number('f64', nextId)]);
  return xxh128(concat([head, counts, ...lanes.map((lane) => laneHash(lane, rows.length))]));
}

/** The hash of a world: its tables in order of name, the framework's own among them. */
export const naiveWorldHash = (tables: readonly (readonly [string, Uint8Array])[]): Uint8Array =>
  xxh128(
    concat([
      text(`world ${canonicalJson(tables.map(([name]) => name))}\n`),
      ...tables.map(([, hash]) => hash),
    ]),
  );
