/**
 * The manifest of a snapshot: where in the log it stands, and which chunk of which column is where.
 *
 * A manifest closes with its SHA-256; each chunk has its XXH3-128 in it, and the world its state hash. Chunks
 * that are stored apart are named by their order alone: a store keeps their numbers beside the manifest.
 * Holds no truth that the log does not hold. docs/formats.md has the layout.
 */
import { ByteReader, ByteWriter, hex, sameBytes } from '../base/bytes.ts';
import { fail, isWorldfoldError } from '../base/errors.ts';
import { STATE_HASH_BYTES } from '../base/hash.ts';
import { sha256 } from '../base/platform.ts';

/** `WFM` and the version of the manifest format. */
const MAGIC = [0x57, 0x46, 0x4d];
/** The version of the manifest format that is written. */
export const MANIFEST_VERSION = 1;
const HASH_BYTES = 32;

/** Where in the log a snapshot stands, and what the fold needs to go on from there. */
export interface SnapshotPoint {
  readonly tick: number;
  /** The hash of the record of that tick. */
  readonly hash: Uint8Array;
  /** The number of the next event: how many the log holds up to the tick. */
  readonly sequence: number;
  readonly stateHash: Uint8Array;
  /** The whole environment after that tick, as canonical JSON. */
  readonly environment: string;
  /** The tick of the first record of the era; one above `tick` where the snapshot is what it begins with. */
  readonly era: number;
  /** A digest of the texts of the handlers that folded it: a hint, no proof. */
  readonly code: string;
}

/** A chunk: a run of leaves of one lane. The hash is the XXH3-128 of its bytes. */
export interface ChunkEntry {
  readonly rows: number;
  readonly hash: Uint8Array;
  /** The bytes, where they are so few that they stand in the manifest; null where they are stored apart. */
  readonly inline: Uint8Array | null;
}

/** One lane of a table. */
export interface LaneEntry {
  /** The column or field, `pos.x`, with `?` behind it for the validity. */
  readonly path: string;
  readonly chunks: readonly ChunkEntry[];
}

/** One table. */
export interface TableEntry {
  readonly name: string;
  /** Number of rows. */
  readonly size: number;
  /** The id that the next new row gets; 1 in tables that hand out none. */
  readonly nextId: number;
  /** Rows that its arrays have room for: which arrays growth retires can be seen by user code. */
  readonly capacity: number;
  readonly lanes: readonly LaneEntry[];
}

/** Everything that a manifest says. */
export interface Manifest {
  readonly point: SnapshotPoint;
  readonly tables: readonly TableEntry[];
}

function writeChunk(writer: ByteWriter, { rows, hash, inline }: ChunkEntry): void {
  writer.varint(rows);
  writer.raw(hash);
  writer.varint(inline === null ? 0 : inline.length + 1);
  if (inline !== null) writer.raw(inline);
}

/** The bytes of a manifest. */
export function encodeManifest({ point, tables }: Manifest): Uint8Array {
  const writer = new ByteWriter(1 << 12);
  for (const byte of MAGIC) writer.u8(byte);
  writer.u8(MANIFEST_VERSION);
  writer.varint(point.tick);
  writer.varint(point.sequence);
  writer.raw(point.hash);
  writer.raw(point.stateHash);
  writer.text(point.environment);
  writer.varint(point.era);
  writer.text(point.code);
  writer.varint(tables.length);
  for (const { name, size, nextId, capacity, lanes } of tables) {
    writer.text(name);
    for (const count of [size, nextId, capacity, lanes.length]) writer.varint(count);
    for (const { path, chunks } of lanes) {
      writer.text(path);
      writer.varint(chunks.length);
      for (const chunk of chunks) writeChunk(writer, chunk);
    }
  }
  writer.raw(sha256(writer.bytes.subarray(0, writer.length)));
  return writer.take();
}

function readChunk(reader: ByteReader): ChunkEntry {
  const rows = reader.varint();
  const hash = reader.raw(STATE_HASH_BYTES).slice();
  const length = reader.varint();
  return { rows, hash, inline: length === 0 ? null : reader.raw(length - 1).slice() };
}

function repeat<T>(reader: ByteReader, read: () => T): T[] {
  const made: T[] = [];
  for (let left = reader.varint(); left > 0; left--) made.push(read());
  return made;
}

function readTable(reader: ByteReader): TableEntry {
  const name = reader.text();
  const [size, nextId, capacity] = [reader.varint(), reader.varint(), reader.varint()];
  const lanes = repeat(reader, () => ({
    path: reader.text(),
    chunks: repeat(reader, () => readChunk(reader)),
  }));
  return { name, size, nextId, capacity, lanes };
}

function readPoint(reader: ByteReader): SnapshotPoint {
  return {
    tick: reader.varint(),
    sequence: reader.varint(),
    hash: reader.raw(HASH_BYTES).slice(),
    stateHash: reader.raw(STATE_HASH_BYTES).slice(),
    environment: reader.text(),
    era: reader.varint(),
    code: reader.text(),
  };
}

/**
 * Reads a manifest and verifies its digest. `CORRUPT`; `NEWER_FORMAT`. `where` goes into errors. What it says
 * of tables and chunks is verified when they are loaded.
 */
export function decodeManifest(bytes: Uint8Array, where: { readonly [fact: string]: unknown }): Manifest {
  const end = bytes.length - HASH_BYTES;
  if (end < MAGIC.length + 1 || MAGIC.some((byte, i) => bytes[i] !== byte))
    fail('CORRUPT', 'the bytes of a snapshot are no manifest', { ...where, length: bytes.length });
  const actual = sha256(bytes.subarray(0, end));
  if (!sameBytes(bytes.subarray(end), actual))
    fail('CORRUPT', 'the manifest of a snapshot does not have the hash that it carries', {
      ...where,
      expected: hex(bytes.subarray(end)),
      actual: hex(actual),
    });
  const version = bytes[MAGIC.length];
  if (version !== MANIFEST_VERSION)
    fail('NEWER_FORMAT', `a snapshot has format ${version}; this version reads ${MANIFEST_VERSION}`, {
      ...where,
      version,
    });
  try {
    const reader = new ByteReader(bytes, MAGIC.length + 1, end);
    const manifest = { point: readPoint(reader), tables: repeat(reader, () => readTable(reader)) };
    if (reader.left > 0) fail('CORRUPT', 'a manifest holds more than it says', where);
    return manifest;
  } catch (e) {
    if (!isWorldfoldError(e, 'CORRUPT')) throw e;
    return fail('CORRUPT', `the manifest of a snapshot is damaged: ${e.message}`, where, e.hint, e);
  }
}

/** How many chunks of a manifest are stored apart. */
export const storedChunks = ({ tables }: Manifest): number =>
  tables.reduce(
    (sum, { lanes }) =>
      sum + lanes.reduce((n, { chunks }) => n + chunks.filter(({ inline }) => inline === null).length, 0),
    0,
  );
