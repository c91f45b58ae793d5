import { closeSync, ftruncateSync, openSync, writevSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { python, withoutNumpy } from '../../test/support/numpy.ts';
import { caught } from '../../test/support/runs.ts';
import { memoryFile, place } from '../../test/support/snapshot-files.ts';
import { crc32 as plainCrc32 } from '../base/hash.ts';
import { openFile } from './disk.ts';
import { ZipReader } from './zip.ts';
import { crc32, directoryOf, STORED, writeZip, type ZipEntry } from './zip-write.ts';

const folder = place();
afterAll(folder.remove);
const GB = 2 ** 30;

const bytesOf = (length: number) => Uint8Array.from({ length }, (_, i) => (i * i) >> (i % 5));

describe('CRC-32', () => {
  it.each([crc32, (bytes: Uint8Array, before = 0) => plainCrc32(bytes, 0, bytes.length, before)])(
    'is the one of the standard, in one piece or in many (%#)',
    (crc) => {
      // The check value of CRC-32/ISO-HDLC in the catalogue of parametrised CRC algorithms.
      expect(crc(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
      const bytes = bytesOf(1000);
      for (const cut of [0, 1, 7, 999, 1000])
        expect(crc(bytes.subarray(cut), crc(bytes.subarray(0, cut)))).toBe(crc(bytes));
    },
  );
});

describe('an archive', () => {
  const parts = [
    { name: 'a/größe.npy', pieces: [bytesOf(10), bytesOf(1_100_000)] },
    { name: 'empty', pieces: [new Uint8Array(0)] },
    { name: 'none', pieces: [] },
    { name: 'z', pieces: [bytesOf(77)] },
  ];
  const whole = (pieces: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(pieces));

  it.each([false, true])('brings back every entry (deflated: %s)', async (compress) => {
    const path = folder.at(`parts-${compress}.zip`);
    await writeZip(path, parts, compress, 'process');
    const zip = await ZipReader.open(await openFile(path));
    expect(zip.names).toEqual(parts.map(({ name }) => name));
    for (const { name, pieces } of parts) {
      expect(Buffer.compare(await zip.bytes(name), whole(pieces))).toBe(0);
      expect(zip.stored(name) < zip.size(name)).toBe(compress && pieces.length > 1);
    }
    await zip.close();
  });

  it.skipIf(withoutNumpy).each([false, true])('is whole for Python (deflated: %s)', async (compress) => {
    const path = folder.at('python.zip');
    await writeZip(path, parts, compress, 'process');
    const program = `
import zipfile
z = zipfile.ZipFile(sys.argv[1])
out([z.testzip(), [[i.filename, i.file_size, i.date_time[0]] for i in z.infolist()]])`;
    expect(python(program, path)).toEqual([
      null,
      parts.map(({ name, pieces }) => [name, whole(pieces).length, 1980]),
    ]);
  });

  /** A file with nothing in it but a directory, far behind. */
  function sparse(name: string, entries: readonly ZipEntry[], at: number): string {
    const path = folder.at(name);
    const fd = openSync(path, 'w+');
    ftruncateSync(fd, at);
    writevSync(fd, directoryOf(entries, at), at);
    closeSync(fd);
    return path;
  }

  const long: readonly ZipEntry[] = [
    { name: 'short', method: STORED, crc: 1, stored: 5, size: 5, at: 0 },
    { name: 'long', method: STORED, crc: 2, stored: 5 * GB, size: 5 * GB, at: 40 },
    { name: 'far', method: STORED, crc: 3, stored: 6, size: 6, at: 5 * GB + 100 },
    { name: 'at the border', method: STORED, crc: 4, stored: 4 * GB - 1, size: 4 * GB - 1, at: 60 },
    {
      name: 'before the border',
      method: STORED,
      crc: 5,
      stored: 4 * GB - 2,
      size: 4 * GB - 2,
      at: 4 * GB - 2,
    },
  ];

  it('of more than 4 GiB says its lengths and places in eight bytes', async () => {
    const path = sparse('long.zip', long, 14 * GB);
    const zip = await ZipReader.open(await openFile(path));
    for (const { name, size, stored } of long)
      expect([name, zip.size(name), zip.stored(name)]).toEqual([name, size, stored]);
    await zip.close();
  });

  it.each(['stored', 'size', 'at'])('takes no number for the sign that it is too large: %s', (what) => {
    const lengthOf = (value: number) =>
      directoryOf([{ ...long[0]!, [what]: value }], 1).reduce((sum, { length }) => sum + length, 0);
    expect(lengthOf(4 * GB - 1) - lengthOf(4 * GB - 2)).toBe(28);
  });

  it.skipIf(withoutNumpy)('of more than 4 GiB says so to Python too', () => {
    const path = sparse('long.zip', long, 14 * GB);
    const program = `
import zipfile
out([[i.filename, i.CRC, i.compress_size, i.file_size, i.header_offset] for i in zipfile.ZipFile(sys.argv[1]).infolist()])`;
    expect(python(program, path)).toEqual(
      long.map(({ name, crc, stored, size, at }) => [name, crc, stored, size, at]),
    );
  });

  it.each([65_534, 65_535, 65_536])('of %i entries has them all', async (count) => {
    const empty = { method: STORED, crc: 0, stored: 0, size: 0, at: 0 };
    const entries = Array.from({ length: count }, (_, i) => ({ ...empty, name: `${i}` }));
    const file = memoryFile(new Uint8Array(Buffer.concat(directoryOf(entries, 0))));
    expect((await ZipReader.open(file)).names).toHaveLength(count);
  });

  it('whose checksum is another is refused', async () => {
    const path = folder.at('crc.zip');
    await writeZip(path, parts, false, 'process');
    const { size, read } = await openFile(path);
    const bytes = new Uint8Array(size);
    await read([bytes], 0);
    bytes[100]! ^= 1;
    const zip = await ZipReader.open(memoryFile(bytes));
    expect(await caught(() => zip.bytes('a/größe.npy'))).toMatchObject({ code: 'CORRUPT' });
  });
});
