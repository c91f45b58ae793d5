/**
 * The column file: magic, version, header, then every lane as it lies in memory, or compressed.
 *
 * Owns the layout; docs/formats.md has it byte by byte. Lanes begin at multiples of 64, so that they can be
 * read straight into the arrays of a world, and one of them without the others.
 */
import { hex, sameBytes } from '../base/bytes.ts';
import { canonicalJson } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import { xxh128 } from '../base/hash.ts';
import { sha256 } from '../base/platform.ts';
import { fromUtf8, utf8 } from '../base/text.ts';
import type { Lane } from '../columns/lane.ts';
import type { WorldState } from '../projections/world-state.ts';
import { cut, pack, unpack } from './blocks.ts';
import { type Durability, type ReadableFile, writeAll, writeWhole } from './disk.ts';
import { headOf, type LaneHead, parseHead, type SnapshotFacts, type SnapshotHead } from './header.ts';
import { bytesIn, elementBytes, fillLane, kindOf } from './lanes.ts';
import type { SnapshotSource } from './source.ts';

/** The version that is written. */
export const COLUMN_FILE_VERSION = 1;

/** `WFS`, the version, then 0x0a0b0c0d as a little-endian machine writes it. */
const MAGIC = Uint8Array.of(0x57, 0x46, 0x53, COLUMN_FILE_VERSION, 0x0d, 0x0c, 0x0b, 0x0a);
const VERSION_AT = 3;
const ORDER_AT = 4;
const LENGTH_AT = 8;
const HEADER_AT = 12;
const DIGEST_BYTES = 32;
const ALIGN = 64;
/** Read at once when a file is opened: most headers are shorter. */
const FIRST_READ = 16384;

/** Where a lane lies. */
export interface ColumnPlace {
  /** From the start of the data, a multiple of 64. */
  readonly at: number;
  /** Bytes stored. */
  readonly bytes: number;
  /** Of a compressed lane: its bytes before, the stored bytes of each block, XXH3-128 of all of them. */
  readonly packed?: { readonly bytes: number; readonly blocks: readonly number[]; readonly hash: string };
}
type ColumnLane = LaneHead & ColumnPlace;

interface ColumnHead extends SnapshotHead<ColumnLane> {
  /** Bytes of the data, padding included. */
  readonly bytes: number;
}

const alignUp = (at: number): number => Math.ceil(at / ALIGN) * ALIGN;
const padding = (length: number): Uint8Array => new Uint8Array(alignUp(length) - length);

/** The lanes of a world in the order of the file. */
const lanesOf = (state: WorldState): readonly { readonly lane: Lane; readonly rows: number }[] =>
  [...state.tables.values()].flatMap(({ set, size }) => set.lanes.map((lane) => ({ lane, rows: size })));

/** What stands before the data. */
function preamble(head: ColumnHead): Uint8Array {
  const text = utf8(canonicalJson(head));
  const end = HEADER_AT + text.length;
  const made = new Uint8Array(alignUp(end + DIGEST_BYTES));
  made.set(MAGIC);
  new DataView(made.buffer).setUint32(LENGTH_AT, text.length, true);
  made.set(text, HEADER_AT);
  made.set(sha256(made.subarray(0, end)), end);
  return made;
}

/** Everything of a file, in order; `parts` are the bytes of each lane. */
function layOut(
  head: SnapshotHead,
  parts: readonly (readonly Uint8Array[])[],
  packed: (lane: number) => Pick<ColumnPlace, 'packed'>,
): Uint8Array[] {
  const lengths = parts.map((part) => part.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  let next = 0;
  const place = (lane: LaneHead): ColumnLane => {
    const i = next++;
    const at = end;
    end = alignUp(at + lengths[i]!);
    return { ...lane, at, bytes: lengths[i]!, ...packed(i) };
  };
  const tables = Object.fromEntries(
    Object.entries(head.tables).map(([name, table]) => [name, { ...table, lanes: table.lanes.map(place) }]),
  );
  const first = preamble({ ...head, tables, bytes: end });
  return [first, ...parts.flatMap((part, i) => [...part, padding(lengths[i]!)])];
}

/**
 * Writes a world as plain columns: what it is at the call, from its own memory, before anything is awaited.
 */
export function writeColumns(
  state: WorldState,
  facts: SnapshotFacts,
  path: string,
  durability: Durability,
): Promise<void> {
  const head = headOf(state, facts);
  const parts = lanesOf(state).map(({ lane, rows }) => [bytesIn(lane, rows)]);
  const buffers = layOut(head, parts, () => ({}));
  return writeWhole(path, durability, (fd) => writeAll(fd, buffers));
}

/** Writes a world as compressed columns: what it is at the call, from copies. */
export async function writePacked(
  state: WorldState,
  facts: SnapshotFacts,
  path: string,
  durability: Durability,
): Promise<void> {
  const head = headOf(state, facts);
  const lanes = lanesOf(state).map(({ lane, rows }) => {
    const bytes = bytesIn(lane, rows);
    return { bytes: bytes.length, blocks: cut(bytes, elementBytes(kindOf(lane))) };
  });
  const parts: Uint8Array[][] = [];
  for (const { blocks } of lanes) parts.push(await pack(blocks));
  const buffers = layOut(head, parts, (i) => {
    const blocks = parts[i]!.map(({ length }) => length);
    return { packed: { bytes: lanes[i]!.bytes, blocks, hash: hex(xxh128(Buffer.concat(parts[i]!))) } };
  });
  return writeWhole(path, durability, (fd) => writeAll(fd, buffers));
}

const corrupt = (path: string, what: string, facts: object = {}): never =>
  fail('CORRUPT', `${path}: ${what}`, { path, ...facts });

/** Whether bytes begin a column file, of whatever version. */
export const isColumnFile = (first: Uint8Array): boolean =>
  first.length > 0 && sameBytes(first.subarray(0, VERSION_AT), MAGIC.subarray(0, Math.min(first.length, 3)));

function checkMagic(path: string, first: Uint8Array): void {
  const version = first[VERSION_AT];
  if (version !== undefined && version > COLUMN_FILE_VERSION)
    fail(
      'NEWER_FORMAT',
      `${path} has version ${version} of the column file; this version reads ${COLUMN_FILE_VERSION}`,
      { path, version },
      'Use a newer worldfold.',
    );
  if (first.length < HEADER_AT) corrupt(path, 'it ends within its first bytes');
  if (version !== COLUMN_FILE_VERSION) corrupt(path, 'its version is damaged', { version });
  if (!sameBytes(first.subarray(ORDER_AT, LENGTH_AT), MAGIC.subarray(ORDER_AT)))
    corrupt(path, 'its byte order mark is damaged, or it is of a machine that numbers bytes the other way');
}

/** The header, verified, and where the data begin. */
async function readHead(file: ReadableFile): Promise<{ head: ColumnHead; start: number }> {
  const { path, size } = file;
  let bytes = new Uint8Array(Math.min(size, FIRST_READ));
  await file.read([bytes], 0);
  checkMagic(path, bytes);
  const length = new DataView(bytes.buffer).getUint32(LENGTH_AT, true);
  const end = HEADER_AT + length;
  const start = alignUp(end + DIGEST_BYTES);
  if (start > size) corrupt(path, 'it ends within its header', { size });
  if (start > bytes.length) {
    bytes = new Uint8Array(start);
    await file.read([bytes], 0);
  }
  if (!sameBytes(sha256(bytes.subarray(0, end)), bytes.subarray(end, end + DIGEST_BYTES)))
    corrupt(path, 'its header is damaged');
  if (bytes.subarray(end + DIGEST_BYTES, start).some((byte) => byte !== 0))
    corrupt(path, 'padding is not zero', { at: end + DIGEST_BYTES });
  const head = parseHead<ColumnHead>(fromUtf8(bytes.subarray(HEADER_AT, end)), path);
  if (size !== start + head.bytes)
    corrupt(path, `it has ${size} bytes and should have ${start + head.bytes}`, {
      size,
      expected: start + head.bytes,
    });
  return { head, start };
}

/** Opens a column file: reads and verifies its header. `CORRUPT`, `NEWER_FORMAT`. */
export async function openColumnFile(file: ReadableFile): Promise<SnapshotSource<ColumnLane>> {
  const { path } = file;
  const { head, start } = await readHead(file);
  const read = async (lane: ColumnLane, into: Uint8Array): Promise<void> => {
    const pad = padding(lane.bytes);
    if (lane.bytes > 0) await file.read([into, pad], start + lane.at);
    if (pad.some((byte) => byte !== 0))
      fail('CORRUPT', `padding behind column '${lane.path}' is not zero`, { column: lane.path });
  };
  return {
    path,
    format: 'columns',
    head,
    stored: (lane) => lane.bytes,
    fill: (lane, place, rows) => {
      const { packed, at, bytes } = place;
      if (!(at >= 0 && bytes >= 0 && at + bytes <= head.bytes))
        fail('CORRUPT', `column '${lane.path}' lies outside of the file`, { column: lane.path });
      if (packed === undefined) return fillLane(lane, rows, place.bytes, (into) => read(place, into));
      return fillLane(lane, rows, packed.bytes, async (into) => {
        const stored = new Uint8Array(place.bytes);
        await read(place, stored);
        if (hex(xxh128(stored)) !== packed.hash)
          fail('CORRUPT', `column '${lane.path}' is damaged`, { column: lane.path });
        const what = `column '${lane.path}'`;
        await unpack(stored, packed.blocks, into, elementBytes(place.kind), what);
      });
    },
    close: () => file.close(),
  };
}
