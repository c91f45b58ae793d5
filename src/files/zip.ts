/**
 * Zip archives, read: stored and deflated entries, zip64.
 *
 * Owns the passage between yauzl and files of this project. Entries that are stored are read straight from
 * their place, without the library's streams, into the memory where they are wanted.
 */
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import yauzl from 'yauzl';
import { fail, isWorldfoldError } from '../base/errors.ts';
import type { ReadableFile } from './disk.ts';
import { crc32, DEFLATED, STORED } from './zip-write.ts';

const inflate = promisify(zlib.inflateRaw);

/** Deflate makes nothing shorter than to one byte of so many. */
const MOST_DEFLATED = 1032;

/** yauzl reads through the file that is open already. */
class FileReader extends yauzl.RandomAccessReader {
  readonly file: ReadableFile;

  constructor(file: ReadableFile) {
    super();
    this.file = file;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    done: (e: Error | null) => void,
  ): void {
    this.file.read([buffer.subarray(offset, offset + length)], position).then(() => done(null), done);
  }
}

/** Whether bytes begin a zip archive, an empty one included. */
export const isZip = (first: Uint8Array): boolean =>
  first[0] === 0x50 && first[1] === 0x4b && (first[2] === 3 || first[2] === 5);

const damaged = (path: string, e: unknown): never => {
  if (isWorldfoldError(e)) throw e;
  const said = e instanceof Error ? e.message : String(e);
  return fail('CORRUPT', `${path} is a damaged archive: ${said}`, { path }, 'Take another copy of it.', e);
};

/** An archive that is open for reading. */
export class ZipReader {
  readonly file: ReadableFile;
  readonly names: readonly string[];
  private readonly zip: yauzl.ZipFile;
  private readonly entries: ReadonlyMap<string, yauzl.Entry>;

  private constructor(file: ReadableFile, zip: yauzl.ZipFile, entries: ReadonlyMap<string, yauzl.Entry>) {
    this.file = file;
    this.zip = zip;
    this.entries = entries;
    this.names = [...entries.keys()];
  }

  /** Reads the directory of an archive. `CORRUPT`, `UNSUPPORTED`. */
  static async open(file: ReadableFile): Promise<ZipReader> {
    const { path } = file;
    const entries = new Map<string, yauzl.Entry>();
    try {
      const options = { lazyEntries: true, autoClose: false };
      const zip = await yauzl.fromRandomAccessReaderPromise(new FileReader(file), file.size, options);
      for await (const entry of zip.eachEntry()) {
        const { fileName, compressionMethod } = entry;
        if (entries.has(fileName)) fail('CORRUPT', `${path} has two entries ${fileName}`, { path });
        if (entry.isEncrypted() || (compressionMethod !== STORED && compressionMethod !== DEFLATED))
          fail('UNSUPPORTED', `${path}: ${fileName} is neither stored nor deflated`, {
            path,
            entry: fileName,
          });
        entries.set(fileName, entry);
      }
      return new ZipReader(file, zip, entries);
    } catch (e) {
      return damaged(path, e);
    }
  }

  private need(name: string): yauzl.Entry {
    const { path } = this.file;
    return this.entries.get(name) ?? fail('CORRUPT', `${path} has no entry ${name}`, { path, entry: name });
  }

  /** The bytes that an entry takes in the archive. */
  stored(name: string): number {
    return this.entries.get(name)?.compressedSize ?? 0;
  }

  /** The bytes of an entry when it is not compressed. `CORRUPT` when there is none. */
  size(name: string): number {
    return this.need(name).uncompressedSize;
  }

  private async start(entry: yauzl.Entry): Promise<number> {
    const { fileDataStart } = await this.zip.readLocalFileHeaderPromise(entry, { minimal: true });
    return fileDataStart;
  }

  /** The bytes of an entry, compared with their checksum. `CORRUPT`. */
  async bytes(name: string): Promise<Uint8Array> {
    const entry = this.need(name);
    const bytes = await this.inflated(entry).catch((e) => damaged(this.file.path, e));
    if (crc32(bytes) !== entry.crc32) fail('CORRUPT', `${name} does not have its checksum`, { entry: name });
    return bytes;
  }

  private async inflated(entry: yauzl.Entry): Promise<Uint8Array> {
    const { compressedSize, uncompressedSize, compressionMethod } = entry;
    // Lengths are not verified yet, and memory is asked for by them.
    if (compressedSize > this.file.size || uncompressedSize > (compressedSize + 1) * MOST_DEFLATED)
      fail('CORRUPT', `${entry.fileName} has a length that can not be`, { entry: entry.fileName });
    const stored = new Uint8Array(compressedSize);
    await this.file.read([stored], await this.start(entry));
    if (compressionMethod === STORED) return stored;
    const options = {
      chunkSize: Math.max(64, uncompressedSize),
      maxOutputLength: Math.max(1, uncompressedSize),
    };
    const made = await inflate(stored, options);
    if (made.length !== uncompressedSize)
      fail('CORRUPT', `${entry.fileName} inflates to another length`, { entry: entry.fileName });
    return new Uint8Array(made.buffer, made.byteOffset, made.length);
  }

  /**
   * Reads an entry of known length into `first`, then `rest`; does not compare its checksum, which is for
   * callers that have a better one. `CORRUPT` where its length is another.
   */
  async readInto(name: string, first: Uint8Array, rest: Uint8Array): Promise<void> {
    const entry = this.need(name);
    if (entry.uncompressedSize !== first.length + rest.length)
      fail('CORRUPT', `${name} has another length than it should`, { entry: name });
    try {
      if (entry.compressionMethod === STORED) {
        await this.file.read([first, rest], await this.start(entry));
        return;
      }
      const bytes = await this.inflated(entry);
      first.set(bytes.subarray(0, first.length));
      rest.set(bytes.subarray(first.length));
    } catch (e) {
      damaged(this.file.path, e);
    }
  }

  /** Closes the file. */
  close(): Promise<void> {
    return this.file.close();
  }
}
