/**
 * The chunks of a snapshot as its row holds them.
 *
 * Owns the form: numbers in the manifest's order, unsigned 64-bit, little-endian. Thousands of rows a
 * snapshot would cost more than the chunks.
 */
import { fail } from '../../base/errors.ts';

const NUMBER_BYTES = 8;

/** Chunk numbers as they are stored. */
export const pack = (numbers: readonly number[]): Uint8Array => {
  const bytes = new Uint8Array(NUMBER_BYTES * numbers.length);
  const view = new DataView(bytes.buffer);
  for (const [i, number] of numbers.entries()) {
    view.setUint32(NUMBER_BYTES * i, number % 2 ** 32, true);
    view.setUint32(NUMBER_BYTES * i + 4, Math.floor(number / 2 ** 32), true);
  }
  return bytes;
};

/** The numbers in stored bytes; a cut one at the end is left out. */
export function* unpack(bytes: Uint8Array): Generator<number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + NUMBER_BYTES <= bytes.length; at += NUMBER_BYTES)
    yield view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}

/** The numbers in the row of a snapshot: `CORRUPT` where they are none. */
export function chunksOf(bytes: Uint8Array, segment: string, tick: number): readonly number[] {
  const chunks = [...unpack(bytes)];
  if (bytes.length % NUMBER_BYTES !== 0 || !chunks.every(Number.isSafeInteger))
    fail(
      'CORRUPT',
      `the list of chunks of the snapshot of tick ${tick} in segment '${segment}' is damaged`,
      { segment, tick },
      'It can be dropped and made again from the log.',
    );
  return chunks;
}
