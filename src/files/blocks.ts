/**
 * Compressed lanes: blocks of 1 MiB, each Brotli of bytes that were turned into planes where they are
 * numbers.
 *
 * Owns the cutting and the two steps; docs/decisions/0012 says why these. Compression runs beside the
 * simulation in the threads of the platform, on copies that are made before the first wait.
 */
import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants } from 'node:zlib';
import { fail } from '../base/errors.ts';
import { shuffle, unshuffle } from './shuffle.ts';

/** Bytes of a block before compression; the last of a lane may be shorter. */
export const BLOCK_BYTES = 1 << 20;
/** Blocks under way at once: each holds a window of its own. */
const AT_ONCE = 8;
const LEAST_CHUNK = 64;

const compress = promisify(brotliCompress);
const decompress = promisify(brotliDecompress);

const shuffled = (width: number): width is 4 | 8 => width === 4 || width === 8;

/** Does the work of every item, some of them at a time, and returns the results in order. */
async function each<A, B>(items: readonly A[], work: (item: A, at: number) => Promise<B>): Promise<B[]> {
  const made: B[] = new Array(items.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) made[at] = await work(items[at]!, at);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
  return made;
}

/** The blocks of a lane's bytes, ready to be compressed: copies. `width` is that of an element. */
export function cut(bytes: Uint8Array, width: number): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const block = bytes.subarray(at, at + BLOCK_BYTES);
    blocks.push(shuffled(width) ? shuffle(block, width) : block.slice());
  }
  return blocks;
}

/** Compresses blocks. One that does not become shorter is returned as it is. */
export const pack = (blocks: readonly Uint8Array[]): Promise<Uint8Array[]> =>
  each(blocks, async (block) => {
    const packed = await compress(block, {
      chunkSize: Math.max(LEAST_CHUNK, block.length),
      params: {
        [constants.BROTLI_PARAM_QUALITY]: 0,
        [constants.BROTLI_PARAM_SIZE_HINT]: block.length,
      },
    });
    return packed.length < block.length ? packed : block;
  });

async function unpackBlock(stored: Uint8Array, length: number, what: string): Promise<Uint8Array> {
  if (stored.length === length) return stored;
  const options = { chunkSize: Math.max(LEAST_CHUNK, length), maxOutputLength: length };
  const made = await decompress(stored, options).catch((cause: unknown) =>
    fail('CORRUPT', `${what} does not decompress`, { what }, undefined, cause),
  );
  return made.length === length ? made : fail('CORRUPT', `${what} decompresses to another length`, { what });
}

/** Bytes that begin at a multiple of four. The slice of a Buffer would be no copy. */
const aligned = (bytes: Uint8Array): Uint8Array =>
  bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);

/**
 * Decompresses the blocks of a lane, whose stored lengths are given, into its memory. `CORRUPT` where one
 * does not become as long as it was; `what` heads the message.
 */
export async function unpack(
  stored: Uint8Array,
  lengths: readonly number[],
  into: Uint8Array,
  width: number,
  what: string,
): Promise<void> {
  let end = 0;
  const ends = lengths.map((length) => (end += length));
  if (end !== stored.length || lengths.length !== Math.ceil(into.length / BLOCK_BYTES))
    fail('CORRUPT', `the blocks of ${what} are not as long as they say`, { what });
  await each(lengths, async (length, at) => {
    const target = into.subarray(at * BLOCK_BYTES, (at + 1) * BLOCK_BYTES);
    const bytes = await unpackBlock(stored.subarray(ends[at]! - length, ends[at]), target.length, what);
    if (shuffled(width)) unshuffle(aligned(bytes), target, width);
    else target.set(bytes);
  });
}
