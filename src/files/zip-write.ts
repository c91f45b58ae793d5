/**
 * Zip archives, written: stored and deflated entries, zip64.
 *
 * Owns the bytes between the entries: local headers, descriptors behind the data, the directory (APPNOTE.TXT
 * of PKWARE, 4.3 and 4.5.3). The libraries that write archives compute CRC-32 in JavaScript, which takes
 * longer than all the rest; Node has one of its own.
 */
import { Readable } from 'node:stream';
import * as zlib from 'node:zlib';
import { crc32 as plainCrc32 } from '../base/hash.ts';
import { utf8 } from '../base/text.ts';
import { type Durability, writeAll, writeWhole } from './disk.ts';

/** CRC-32 of bytes, going on from that of the bytes before them. Node has one of its own from 20.15 on. */
export const crc32: (bytes: Uint8Array, before?: number) => number =
  (zlib as { crc32?: (bytes: Uint8Array, before?: number) => number }).crc32 ??
  ((bytes, before) => plainCrc32(bytes, 0, bytes.length, before));

/** How an entry is kept in an archive. */
export const STORED = 0;
/** See {@link STORED}. */
export const DEFLATED = 8;

const DEFLATE_LEVEL = 1;
const PIECE = 1 << 20;

const PLAIN_VERSION = 20;
const ZIP64_VERSION = 45;
/** Unix, and version 6.3 of the format. */
const MADE_BY = (3 << 8) | 63;
/** Names are UTF-8; lengths and checksum stand behind the data. */
const FLAGS = (1 << 11) | (1 << 3);
/** Midnight of the first day that the format knows: entries carry no time. */
const [TIME, DATE] = [0, (1 << 5) | 1];
/** A regular file that its owner may write and everybody read. */
const ATTRIBUTES = 0o100644 * 2 ** 16;

/** What says, in a field of two or four bytes, that the number stands in the zip64 part. */
const [FULL_16, FULL_32] = [0xffff, 0xffffffff];

/** An entry to be written: its name, and its bytes in pieces, which nobody may change until it is done. */
export interface ZipPart {
  readonly name: string;
  readonly pieces: readonly Uint8Array[];
}

/** An entry that was written. */
export interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  /** Its bytes in the archive, and when they are inflated. */
  readonly stored: number;
  readonly size: number;
  /** Where its local header begins. */
  readonly at: number;
}

type Field = readonly [value: number, bytes: 2 | 4 | 8];
const u16 = (value: number): Field => [value, 2];
const u32 = (value: number): Field => [value, 4];
const u64 = (value: number): Field => [value, 8];

/** Numbers one behind the other, little-endian. */
function fields(...all: readonly Field[]): Uint8Array {
  const made = new Uint8Array(all.reduce((sum, [, bytes]) => sum + bytes, 0));
  const view = new DataView(made.buffer);
  let at = 0;
  for (const [value, bytes] of all) {
    if (bytes === 2) view.setUint16(at, value, true);
    else if (bytes === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += bytes;
  }
  return made;
}

const lengthOf = (pieces: readonly Uint8Array[]): number =>
  pieces.reduce((sum, { length }) => sum + length, 0);

const needsZip64 = ({ stored, size, at }: ZipEntry): boolean => Math.max(stored, size, at) >= FULL_32;

function localHeader(name: string, method: number): Uint8Array[] {
  const bytes = utf8(name);
  const [crc, stored, size] = [u32(0), u32(0), u32(0)];
  const said = [u16(FLAGS), u16(method), u16(TIME), u16(DATE), crc, stored, size];
  return [fields(u32(0x04034b50), u16(PLAIN_VERSION), ...said, u16(bytes.length), u16(0)), bytes];
}

function descriptor(entry: ZipEntry): Uint8Array {
  const length = needsZip64(entry) ? u64 : u32;
  return fields(u32(0x08074b50), u32(entry.crc), length(entry.stored), length(entry.size));
}

function directoryEntry(entry: ZipEntry): Uint8Array[] {
  const { method, crc, stored, size, at } = entry;
  const name = utf8(entry.name);
  const isLong = needsZip64(entry);
  const long = isLong ? fields(u16(1), u16(24), u64(size), u64(stored), u64(at)) : new Uint8Array(0);
  const [u32Stored, u32Size, u32At] = [stored, size, at].map((n) => u32(isLong ? FULL_32 : n));
  const [comment, disk, text] = [u16(0), u16(0), u16(0)];
  const fixed = fields(
    ...[u32(0x02014b50), u16(MADE_BY), u16(isLong ? ZIP64_VERSION : PLAIN_VERSION)],
    ...[u16(FLAGS), u16(method), u16(TIME), u16(DATE), u32(crc), u32Stored!, u32Size!],
    ...[u16(name.length), u16(long.length), comment, disk, text, u32(ATTRIBUTES), u32At!],
  );
  return [fixed, name, long];
}

/** The directory of an archive, which begins at `at`, behind all entries. */
export function directoryOf(entries: readonly ZipEntry[], at: number): Uint8Array[] {
  const made = entries.flatMap(directoryEntry);
  const length = lengthOf(made);
  const count = entries.length;
  if (count >= FULL_16 || length >= FULL_32 || at >= FULL_32) {
    const versions = [u16(MADE_BY), u16(ZIP64_VERSION)];
    const disks = [u32(0), u32(0)];
    const said = [...versions, ...disks, u64(count), u64(count), u64(length), u64(at)];
    made.push(fields(u32(0x06064b50), u64(44), ...said));
    made.push(fields(u32(0x07064b50), u32(0), u64(at + length), u32(1)));
  }
  const number = u16(Math.min(count, FULL_16));
  const place = [u32(Math.min(length, FULL_32)), u32(Math.min(at, FULL_32))];
  made.push(fields(u32(0x06054b50), u16(0), u16(0), number, number, ...place, u16(0)));
  return made;
}

function* small(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  for (const piece of pieces)
    for (let at = 0; at < piece.length; at += PIECE) yield piece.subarray(at, at + PIECE);
}

const deflated = (pieces: readonly Uint8Array[]): AsyncIterable<Uint8Array> =>
  Readable.from(small(pieces), { objectMode: false }).pipe(zlib.createDeflateRaw({ level: DEFLATE_LEVEL }));

function checksum(pieces: readonly Uint8Array[]): number {
  let crc = 0;
  for (const piece of small(pieces)) crc = crc32(piece, crc);
  return crc;
}

/**
 * Writes an archive, whole or not at all. The same parts give the same bytes: entries carry no time. Where
 * nothing is compressed, all parts were read when the call returns its promise.
 */
export function writeZip(
  path: string,
  parts: readonly ZipPart[],
  compress: boolean,
  durability: Durability,
): Promise<void> {
  return writeWhole(path, durability, async (fd) => {
    let at = 0;
    const put = (buffers: readonly Uint8Array[]): void => {
      writeAll(fd, buffers);
      at += lengthOf(buffers);
    };
    const method = compress ? DEFLATED : STORED;
    const entries: ZipEntry[] = [];
    for (const { name, pieces } of parts) {
      const begin = at;
      put(localHeader(name, method));
      const start = at;
      if (compress) for await (const piece of deflated(pieces)) put([piece]);
      else put(pieces);
      const [crc, size] = [checksum(pieces), lengthOf(pieces)];
      const entry = { name, method, crc, stored: at - start, size, at: begin };
      put([descriptor(entry)]);
      entries.push(entry);
    }
    put(directoryOf(entries, at));
  });
}
