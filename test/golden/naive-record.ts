/**
 * A reader of records written from docs/formats.md alone.
 *
 * Shares no code with the codec: it reads one value at a time with a DataView, from the canonical schema text
 * and the bytes. What the two readers make of a frozen file must agree, or the page is wrong.
 */
import { createHash } from 'node:crypto';

type Json = { [name: string]: any };

/** A place in some bytes. */
class Place {
  readonly view: DataView;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  take<T>(size: number, read: (view: DataView, at: number) => T): T {
    this.at += size;
    return read(this.view, this.at - size);
  }

  u8 = (): number => this.take(1, (view, at) => view.getUint8(at));
  u32 = (): number => this.take(4, (view, at) => view.getUint32(at, true));
  f64 = (): number => this.take(8, (view, at) => view.getFloat64(at, true));

  varint(): number {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.u8();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(value);
    }
  }

  raw(size: number): Uint8Array {
    return this.take(size, (view, at) => new Uint8Array(view.buffer, view.byteOffset + at, size).slice());
  }

  text = (): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.raw(this.varint()));

  align(size: number): void {
    while (this.at % size !== 0) if (this.u8() !== 0) throw new RangeError('padding');
  }

  list<T>(count: number, read: () => T): T[] {
    return Array.from({ length: count }, read);
  }
}

/** What metadata say behind the metrics. */
function readNotes(place: Place): Json {
  const parts = place.u8();
  const changed = () => place.list(place.varint(), () => ({ table: place.varint(), hash: place.raw(8) }));
  return {
    ...(parts & 1 ? { changed: changed() } : {}),
    ...(parts & 2 ? { writer: JSON.parse(place.text()) as Json } : {}),
    ...(parts & 4 ? { times: readTimes(place) } : {}),
  };
}

/** Times in microseconds, as the page lays them out. */
function readTimes(place: Place): Json {
  const flags = place.u8();
  const texts = () => place.list(place.varint(), place.text);
  const numbers = (...names: string[]) => Object.fromEntries(names.map((name) => [name, place.varint()]));
  const names = flags & 1 ? { systems: texts(), invariants: texts() } : null;
  const first = numbers('computed', 'begun');
  const systems = place.list(place.varint(), () => {
    const turns = place.varint();
    return turns === 0 ? null : { rounds: turns - 1, ...numbers('run', 'apply') };
  });
  const invariants = place.list(place.varint(), () => place.varint());
  const metrics = place.varint();
  const hash = flags & 2 ? place.varint() : null;
  const before = flags & 4 ? numbers('encoded', 'between', 'waited') : null;
  const landed = place.list(place.varint(), () => numbers('tick', 'ticks', 'bytes', 'time'));
  return { names, ...first, systems, invariants, metrics, hash, before, landed };
}

type Reader = (view: DataView, at: number) => unknown;
const NUMBERS: { readonly [type: string]: readonly [number, Reader] } = {
  u8: [1, (v, at) => v.getUint8(at)],
  i8: [1, (v, at) => v.getInt8(at)],
  u16: [2, (v, at) => v.getUint16(at, true)],
  i16: [2, (v, at) => v.getInt16(at, true)],
  u32: [4, (v, at) => v.getUint32(at, true)],
  i32: [4, (v, at) => v.getInt32(at, true)],
  u64: [8, (v, at) => v.getBigUint64(at, true)],
  i64: [8, (v, at) => v.getBigInt64(at, true)],
  f32: [4, (v, at) => v.getFloat32(at, true)],
  f64: [8, (v, at) => v.getFloat64(at, true)],
};

const sorted = (columns: Json): [string, Json][] =>
  Object.entries(columns).sort(([a], [b]) => (a < b ? -1 : 1));

function fixed(place: Place, type: string, count: number): unknown[] {
  const [size, read] = NUMBERS[type]!;
  place.align(size);
  return place.list(count, () => place.take(size, read));
}

function cells<T>(place: Place, rows: number, decode: (bytes: Uint8Array) => T): T[] {
  place.align(4);
  const ends = place.list(rows, place.u32);
  return ends.map((end, row) => decode(place.raw(end - (ends[row - 1] ?? 0))));
}

const utf8 = (bytes: Uint8Array): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);

/** The values of one column, nulls not yet applied. */
function values(place: Place, column: Json, rows: number, schema: Json): unknown[] {
  const { type } = column;
  if (type === 'struct') {
    const fields = sorted(column.fields).map(
      ([name, field]) => [name, read(place, field, rows, schema)] as const,
    );
    return place
      .list(rows, () => ({}))
      .map((_, row) => Object.fromEntries(fields.map(([n, v]) => [n, v[row]])));
  }
  if (type === 'ref' || type === 'newId') {
    const { key, columns } = schema.tables[column.table];
    return values(place, columns[key[0]], rows, schema);
  }
  if (type === 'text') return cells(place, rows, utf8);
  if (type === 'bytes') return cells(place, rows, (bytes) => bytes);
  if (type === 'json') return cells(place, rows, (bytes) => (bytes.length ? JSON.parse(utf8(bytes)) : null));
  if (type === 'list')
    return cells(place, rows, (bytes) => {
      if (bytes.length === 0) return [];
      const inside = new Place(bytes);
      return read(inside, column.of, inside.varint(), schema);
    });
  if (type === 'vec') {
    const all = fixed(place, column.of, rows * column.size);
    return place.list(rows, () => 0).map((_, row) => all.slice(row * column.size, (row + 1) * column.size));
  }
  if (type === 'bool') return fixed(place, 'u8', rows).map((code) => code === 1);
  if (type === 'enum')
    return fixed(place, column.names.length <= 256 ? 'u8' : 'u16', rows).map(
      (code) => column.names[code as number],
    );
  return fixed(place, { id: 'u32', int: 'f64' }[type as string] ?? type, rows);
}

function read(place: Place, column: Json, rows: number, schema: Json): unknown[] {
  if (!column.optional) return values(place, column, rows, schema);
  const bits = place.raw(Math.ceil(rows / 8));
  return values(place, column, rows, schema).map((value, row) =>
    (bits[row >> 3]! >> (row & 7)) & 1 ? value : null,
  );
}

/** Kinds in the order of their numbers, each with its columns. */
function kindsOf(schema: Json): [string, Json][] {
  const inserts = Object.entries<Json>(schema.tables).map(([name, { columns }]) => [`+${name}`, { columns }]);
  const source = { columns: { source: { type: 'text' }, seq: { type: 'int' } } };
  return sorted({ ...schema.events, ...schema.inputs, ...Object.fromEntries(inserts), $source: source });
}

/** The rows of some columns that stand one after another from the first byte on. */
export function naiveRows(bytes: Uint8Array, columns: Json, size: number, schema: Json): Json[] {
  const place = new Place(bytes);
  const lists = sorted(columns).map(([column, of]) => [column, read(place, of, size, schema)] as const);
  if (place.at !== bytes.length) throw new RangeError('bytes are left');
  return Array.from({ length: size }, (_, row) => Object.fromEntries(lists.map(([c, v]) => [c, v[row]])));
}

/** Everything that a record says, events as rows by kind. */
export function naiveRecord(bytes: Uint8Array, schemaText: string): Json {
  const schema = JSON.parse(schemaText) as Json;
  const place = new Place(bytes);
  const magic = place.raw(4);
  const length = place.u32();
  const flags = place.u8();
  const [tick, sequence, previous] = [place.varint(), place.varint(), place.raw(32)];
  const stateHash = flags & 2 ? place.raw(16) : null;
  const environment = flags & 1 ? place.text() : null;
  const waves = place.list(place.varint(), () => {
    const origin = place.text();
    const packed = place.varint();
    const atOnce = packed % 2 === 1;
    const runs = place.list(packed >> 1, () => ({
      kind: place.varint(),
      size: place.varint(),
      times: atOnce ? place.varint() : 1,
    }));
    return { origin, atOnce, runs };
  });
  const draws = place.list(place.varint(), () => ({ stream: place.text(), draws: place.varint() }));
  const counts = place.list(place.varint(), () => ({ kind: place.varint(), size: place.varint() }));
  const events = counts.map(({ kind, size }) => {
    const [name, { columns }] = kindsOf(schema)[kind]!;
    const lists = sorted(columns).map(([column, of]) => [column, read(place, of, size, schema)] as const);
    const rows = Array.from({ length: size }, (_, row) =>
      Object.fromEntries(lists.map(([c, v]) => [c, v[row]])),
    );
    return { kind: name, rows };
  });
  const columnsEnd = place.at;
  const hash = place.raw(32);
  const time = place.f64();
  const packed = place.varint();
  const metricNames = packed % 2 === 1 ? place.list(packed >> 1, place.text) : null;
  const metrics = place.list(packed >> 1, place.f64);
  const notes = place.at < bytes.length - 4 ? readNotes(place) : {};
  const sha = new Uint8Array(createHash('sha256').update(bytes.subarray(0, length)).digest());
  return {
    ...{ magic, length, columnsEnd, tick, sequence, previous, stateHash, environment, waves, draws, events },
    ...{ hash, sha, meta: { time, metricNames, metrics, ...notes }, left: bytes.length - place.at },
  };
}
